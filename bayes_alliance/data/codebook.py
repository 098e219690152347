"""Writes the codebook's column tables and the Frictionless descriptor from the schemas.

Run ``python -m bayes_alliance.data.codebook --write`` after changing a schema, ``--check`` to see
whether the codebook and the descriptor still agree with it.
"""

from __future__ import annotations

import argparse
import functools
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pandera.pandas import Column, DataFrameSchema

from bayes_alliance.bundled import bundled
from bayes_alliance.data.pledges import PLEDGES
from bayes_alliance.data.schema import TABLES, bounds, expected, meta
from bayes_alliance.data.universe_schema import CODING, LATEST, UNIVERSE

FILES: dict[str, DataFrameSchema] = (
    TABLES
    | {"latest": LATEST, "pledges": PLEDGES}
    | {f"asymmetric/{name}": schema for name, schema in UNIVERSE.items()}
    | {"asymmetric/codings": TABLES["codings"]}
    | {f"coding/{name}": schema for name, schema in CODING.items()}
)
"""Schema of every shipped table by its path without ``.csv``."""


def _field(name: str, column: Column, unique: bool) -> dict[str, Any]:
    """One field of a Frictionless table schema."""
    info = meta(column)
    kind = {"number": "number", "integer": "integer", "date": "date"}.get(info["kind"], "string")
    constraints: dict[str, Any] = {"required": not column.nullable}
    if unique:
        constraints["unique"] = True
    check = column.checks[0].statistics
    if "allowed_values" in check:
        constraints["enum"] = list(check["allowed_values"])
    elif "pattern" in check:
        constraints["pattern"] = re.sub(r"\\Z$", "$", str(check["pattern"]))
    elif kind != "string":
        constraints["minimum"], constraints["maximum"] = bounds(column)
    field = {
        "name": name,
        "type": kind,
        "title": column.title,
        "description": column.description,
        "constraints": constraints,
    }
    if "unit" in info:
        field["unit"] = info["unit"]
    if info.get("codes"):
        field["codes"] = info["codes"]
    return field


def _resource(path: str, schema: DataFrameSchema) -> dict[str, Any]:
    """One table of the descriptor."""
    key = list(schema.unique or [])
    return {
        "name": path.replace("/", "-"),
        "title": schema.title,
        "description": schema.description,
        "path": f"{path}.csv",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "schema": {
            "fields": [
                _field(name, column, key == [name]) for name, column in schema.columns.items()
            ],
            "missingValues": [""],
            "primaryKey": key,
            "foreignKeys": _FOREIGN.get(path, []),
        },
    }


def _foreign(fields: str, resource: str, target: str) -> dict[str, Any]:
    return {"fields": [fields], "reference": {"resource": resource, "fields": [target]}}


_FOREIGN = {
    "episodes": [
        _foreign("patron", "states", "abbreviation"),
        _foreign("adversary", "states", "abbreviation"),
        _foreign("fallback_of", "", "episode"),
        _foreign("accession_to", "", "episode"),
    ],
    "clients": [
        _foreign("episode", "episodes", "episode"),
        _foreign("client", "states", "abbreviation"),
    ],
    "years": [_foreign("patron", "states", "abbreviation")],
    "pledges": [
        _foreign("first", "states", "abbreviation"),
        _foreign("second", "states", "abbreviation"),
        _foreign("patron", "states", "abbreviation"),
    ],
    "latest": [
        _foreign("client", "states", "abbreviation"),
        _foreign("adversary", "states", "abbreviation"),
    ],
}


def bibliography(text: str) -> dict[str, str]:
    """Read the keys and titles of a BibTeX file.

    Parameters
    ----------
    text : str
        Content of the file; one ``title = {...}`` line an entry.

    Returns
    -------
    dict
        Title by key, in the file's order.
    """
    entries: dict[str, str] = {}
    for entry in re.split(r"^@", text, flags=re.MULTILINE)[1:]:
        key = re.match(r"\w+\{([^,\s]+),", entry)
        title = re.search(r"^\s*title\s*=\s*\{(.*)\},?$", entry, flags=re.MULTILINE)
        if key and title:
            entries[key[1]] = title[1].replace("{", "").replace("}", "")
    return entries


def datapackage(folder: Path) -> str:
    """Compose the Frictionless descriptor.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the tables, for the titles in ``sources.bib``.

    Returns
    -------
    str
        JSON, as ``datapackage.json`` holds it.
    """
    sources = bibliography((folder / "sources.bib").read_text(encoding="utf-8"))
    package = {
        "name": "bayes-alliance",
        "title": "Asymmetric alliances, 1816 to 2025",
        "description": "Decisions of great powers about alliances with weaker states: what was "
        "proposed, what came of it, how long it lasted, and the threat before it. "
        "CODEBOOK.md gives the rules of coding, codings.csv the source and the "
        "confidence of every value.",
        "licenses": [
            {
                "name": "CC-BY-4.0",
                "title": "Creative Commons Attribution 4.0",
                "path": "https://creativecommons.org/licenses/by/4.0/",
            }
        ],
        "sources": [{"title": title, "key": key} for key, title in sources.items()],
        "resources": [_resource(path, schema) for path, schema in FILES.items()],
    }
    return json.dumps(package, indent=2, ensure_ascii=False) + "\n"


def _markdown(path: str, schema: DataFrameSchema) -> str:
    """Write the generated part of the codebook for one table."""
    lines = [
        f"`{path}.csv`: {schema.description} Key: "
        + ", ".join(f"`{column}`" for column in schema.unique or [])
        + ".",
        "",
        "| column | meaning | unit | values |",
        "| --- | --- | --- | --- |",
    ]
    for name, column in schema.columns.items():
        info = meta(column)
        values = expected(column)
        if info["kind"] == "category":
            codes = info["codes"].items()
            values = "<br>".join(
                f"`{code}`: {what}" if what else f"`{code}`" for code, what in codes
            )
            values += "<br>or empty" if column.nullable else ""
        meaning = f"{column.title}. {column.description}"
        lines.append(f"| `{name}` | {meaning} | {info.get('unit', '')} | {values} |")
    return "\n".join(lines)


def codebook(text: str) -> str:
    """Renew the generated tables in the codebook's text.

    Parameters
    ----------
    text : str
        The codebook; each generated table stands between ``<!-- table NAME -->`` and
        ``<!-- end -->``, and all else is prose that is kept.

    Returns
    -------
    str
        The same with the tables as the schema has them.
    """
    for path, schema in FILES.items():
        pattern = re.compile(rf"(<!-- table {path} -->\n).*?(<!-- end -->)", re.DOTALL)
        text = pattern.sub(functools.partial(_between, path, schema), text)
    return text


def _between(path: str, schema: DataFrameSchema, found: re.Match[str]) -> str:
    return f"{found[1]}{_markdown(path, schema)}\n{found[2]}"


def main(argv: Sequence[str] | None = None) -> int:
    """Write the codebook's tables and the descriptor, or check them.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments instead of the command line's.

    Returns
    -------
    int
        Exit status: 1 if ``--check`` finds a difference.
    """
    parser = argparse.ArgumentParser(prog="bayes_alliance.data.codebook", description=main.__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", action="store_true", help="rewrite the two files")
    what.add_argument("--check", action="store_true", help="exit 1 if they differ")
    arguments = parser.parse_args(argv)
    folder = bundled("data")
    book = folder / "CODEBOOK.md"
    wanted = {
        book: codebook(book.read_text(encoding="utf-8")),
        folder / "datapackage.json": datapackage(folder),
    }
    different = [
        path
        for path, text in wanted.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path in different:
        if arguments.write:
            path.write_text(wanted[path], encoding="utf-8", newline="\n")
        print(f"{'written' if arguments.write else 'differs from the schema'}: {path.name}")
    return int(arguments.check and bool(different))


if __name__ == "__main__":
    sys.exit(main())
