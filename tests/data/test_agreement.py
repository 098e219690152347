"""Hand coding beside the rules, and the page of numbers made from it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pandas as pd
import pytest

from bayes_alliance.data.agreement import COMPARED, agreement, overrides, pairs
from bayes_alliance.data.load import load
from bayes_alliance.report.describe import READINGS, variants_table

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def compared() -> pd.DataFrame:
    return pairs()


def test_every_difference_has_a_reason_and_no_agreement_has(compared) -> None:
    assert set(compared["column"]) <= set(COMPARED)
    for row in compared.itertuples():
        assert bool(row.reason) != row.agrees, (row.episode, row.column)
        assert (row.coded == row.by_rule) == row.agrees, (row.episode, row.column)


def test_treaties_of_europe_and_asia_agree_with_atop_on_members_and_signature(compared) -> None:
    """Members are exact, and dates but where the coded row dates what came after the protocol."""
    wide = compared[compared["column"] == "clients"]
    assert wide["agrees"].all() and len(wide) >= 12
    dates = compared[(compared["column"] == "date") & ~compared["agrees"]]
    assert set(dates["episode"]) == {
        "north-atlantic-1952",
        "north-atlantic-1955",
        "british-polish-1939",
    }


def test_agreement_counts_what_is_compared(compared) -> None:
    table = agreement()
    for column, group in compared.groupby("column"):
        assert table.loc[column, "compared"] == len(group)
        assert table.loc[column, "agree"] == group["agrees"].sum()


def test_overrides_count_judgements() -> None:
    table = overrides()
    assert (table["changed"] <= table["judgements"]).all()
    assert table.loc["fear", "changed"] == table.loc["fear", "judgements"]
    assert table["confidence"].between(0, 1).all()


def test_variants_table_has_every_reading_and_counts_right() -> None:
    table = variants_table()
    assert len(table) == len(READINGS)
    data = load("asymmetric", coding={"wartime": True})
    assert table.loc["wartime = True", "episodes"] == len(data.episodes)
    assert table.loc["wartime = True", "clients"] == len(data.clients)
    assert table.loc["overlay = False", "share strong"] == 1  # any promise to defend is strong


def test_the_page_shows_todays_tables(capsys: pytest.CaptureFixture[str]) -> None:
    spec = importlib.util.spec_from_file_location("update", ROOT / "scripts/update_dataset.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.page() == (ROOT / "docs/dataset.md").read_text(encoding="utf-8")
