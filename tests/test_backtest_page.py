"""The page on forecasts from the past: what is stored, and the same with other forecasts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
BENCHMARKS = ROOT / "benchmarks"
ORIGINS = (1955, 1970)

Stored = dict[str, Any]


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    """The script that writes the page; it lies outside the package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield import_module("backtest_page")


def of_design(stored: Stored, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Forecasts of designs by one name, shape (information, case, cell), and what came."""
    table = stored["designs"]
    place = table["coords"]["name"]["data"].index(name)
    found = np.array(table["data_vars"]["probability"]["data"])[:, place]
    return found, np.array(table["data_vars"]["cell_observed"]["data"])


def with_designs(stored: Stored, name: str, values: np.ndarray) -> None:
    """Put other forecasts of designs in the place of a name's."""
    table = stored["designs"]
    place = table["coords"]["name"]["data"].index(name)
    for known, of_known in zip(table["data_vars"]["probability"]["data"], values, strict=True):
        known[place] = of_known.tolist()


def written(script: ModuleType, folder: Path, change: Callable[[Stored], None]) -> str:
    """The page of two stored origins, each changed."""
    for origin in ORIGINS:
        stored = json.loads((BENCHMARKS / f"backtest/{origin}.json").read_text("utf-8"))
        change(stored)
        (folder / f"{origin}.json").write_text(json.dumps(stored), encoding="utf-8")
    script.write(folder, folder / "docs/page.md")
    assert len(list((folder / "docs/figures").glob("*.svg"))) == len(script.FIGURES)
    return (folder / "docs/page.md").read_text(encoding="utf-8")


def sentence(page: str, script: ModuleType) -> str:
    """What the page says in short of designs."""
    asked = script.ASKED["designs"]
    return next(line for line in page.splitlines() if line.startswith(f"- **{asked.capitalize()}"))


def test_a_theory_that_knew_it_forecasts_better(script, tmp_path):
    def known(stored: Stored) -> None:
        found, cell = of_design(stored, "prospect")
        sure = 0.02 / 6 + (0.98 - 0.02 / 6) * np.eye(7)[cell]
        with_designs(stored, "prospect", np.broadcast_to(sure, found.shape))

    said = sentence(written(script, tmp_path, known), script)
    assert "the prospect theory forecasts better than" in said.lower()
    assert "which is a theory" in said


def test_a_theory_that_knew_the_opposite_forecasts_worse(script, tmp_path):
    def wrong(stored: Stored) -> None:
        found, cell = of_design(stored, "occupation")
        sure = (1 - 0.01 * np.eye(7)[cell].sum(1, keepdims=True)) / 6 * (1 - np.eye(7)[cell])
        with_designs(
            stored, "occupation", np.broadcast_to(sure + 0.01 * np.eye(7)[cell], found.shape)
        )

    page = written(script, tmp_path, wrong)
    assert "the occupation theory forecasts worse than" in sentence(page, script).lower()


def test_a_theory_that_says_what_base_rates_say_is_not_told_apart(script, tmp_path):
    def same(stored: Stored) -> None:
        with_designs(stored, "null", of_design(stored, script.BASE)[0])

    page = written(script, tmp_path, same)
    assert "the null model is not told apart from" in sentence(page, script).lower()
    assert "(+0.000, standard error 0.000; skill +0%)" in sentence(page, script)


def test_a_fit_that_failed_is_marked_where_its_number_stands(script, tmp_path):
    def sound(stored: Stored) -> None:
        for fit in stored["fits"].values():
            fit["problems"] = fit["years_problems"] = []

    def failed(stored: Stored) -> None:
        sound(stored)
        if stored["origin"] == ORIGINS[0]:
            stored["fits"]["occupation"]["problems"] = ["R-hat 1.044 at beta_1"]

    page = written(script, tmp_path, sound)
    assert "Every fit passed its diagnostics." in page
    page = written(script, tmp_path, failed)
    assert f"(origins {ORIGINS[0]})" in page and "**designs: R-hat 1.044 at beta_1**" in page
    rows = [row for row in page.splitlines() if re.match(rf"\| {ORIGINS[0]} \|.*\(", row)]
    bold = [row for row in rows if "| **" in row]
    assert len(bold) == 2, "designs and lives rest on that fit, years do not"
    assert all(row.count("| **") == 2 for row in bold), "the theory and the mixture"


def test_without_results_the_page_says_so(script, tmp_path):
    text, figures = script.composed(tmp_path)
    assert "make backtest" in text and not figures


def test_the_page_is_what_the_stored_results_give(script):
    text, _ = script.composed(BENCHMARKS / "backtest")
    said = (ROOT / "docs/backtest.md").read_text(encoding="utf-8")
    assert said == text, "benchmarks/backtest.py --page writes it anew"
