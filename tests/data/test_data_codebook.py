"""The codebook and the descriptor say what the schema says."""

from __future__ import annotations

import json

import pytest

from bayes_alliance.bundled import bundled
from bayes_alliance.data import codebook
from bayes_alliance.data.schema import meta

frictionless = pytest.importorskip("frictionless")


def test_codebook_and_descriptor_match_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert codebook.main(["--check"]) == 0
    assert capsys.readouterr().out == ""


def test_codebook_has_every_column() -> None:
    text = bundled("data", "CODEBOOK.md").read_text(encoding="utf-8")
    for table in codebook.FILES.values():
        for name, column in table.columns.items():
            assert f"| `{name}` | {column.title}. {column.description} |" in text


def test_prose_is_kept_and_tables_are_renewed() -> None:
    text = bundled("data", "CODEBOOK.md").read_text(encoding="utf-8")
    stale = text.replace("| `polyarchy` |", "| `democracy` |") + "More prose.\n"
    assert codebook.codebook(stale) == text + "More prose.\n"


def test_every_column_is_described() -> None:
    for table in codebook.FILES.values():
        for name, column in table.columns.items():
            assert column.title and column.description, name
            if meta(column)["kind"] in ("number", "integer", "date"):
                assert meta(column)["unit"], name


def test_package_is_valid() -> None:
    report = frictionless.Package(str(bundled("data", "datapackage.json"))).validate()
    assert report.valid, report.flatten(["type", "rowNumber", "fieldName", "note"])


def test_package_has_every_table() -> None:
    package = json.loads(bundled("data", "datapackage.json").read_text(encoding="utf-8"))
    assert [resource["name"] for resource in package["resources"]] == [
        path.replace("/", "-") for path in codebook.FILES
    ]
    assert package["licenses"] and package["sources"]
