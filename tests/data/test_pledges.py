"""What clients had promised each other before a decision."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import bayes_alliance as ba
from bayes_alliance.bundled import bundled
from bayes_alliance.data.codebook import bibliography
from bayes_alliance.data.pledges import _table, prior_promises
from bayes_alliance.errors import InputError


@pytest.fixture(scope="module")
def found() -> pd.DataFrame:
    data = ba.load("europe", "asia")
    return prior_promises(data.episodes, data.clients)


@pytest.mark.parametrize(
    ("episode", "pairs", "bound", "level"),
    [
        ("north-atlantic-1949", 55, 10, "defend"),  # the five of Brussels
        ("north-atlantic-1955", 13, 0, "none"),  # in force on the very day, not before it
        ("north-atlantic-1952", 23, 0, "none"),  # the treaty of 1939 had ended with the war
        ("pacific-pact-1951", 6, 1, "consult"),  # Canberra Pact of 1944
        ("anzus-1951", 1, 1, "consult"),
        ("united-action-1954", 36, 1, "consult"),
        ("southeast-asia-1954", 21, 1, "consult"),
        ("us-japan-1951", 0, 0, "none"),
    ],
)
def test_pairs_bound_before_a_decision(
    found: pd.DataFrame, episode: str, pairs: int, bound: int, level: str
) -> None:
    assert found.loc[episode, ["pairs", "bound", "level"]].tolist() == [pairs, bound, level]


def test_the_canberra_pact_is_counted_alike_wherever_its_two_states_are_clients(
    found: pd.DataFrame,
) -> None:
    clients = ba.load("asia").clients
    both = clients[clients["client"].isin(["AUL", "NEW"])].groupby("episode").size()
    episodes = both[both == 2].index
    assert len(episodes) == 4
    assert (found.loc[episodes, "bound"] == 1).all()


def test_a_pact_with_the_patron_in_it_does_not_count() -> None:
    data = ba.load("europe")
    later = data.episodes.assign(date=pd.Timestamp("1950-01-01"), patron="UKG")
    groups = data.clients[data.clients["episode"] == "north-atlantic-1949"]
    one = later[later["episode"] == "north-atlantic-1949"]
    # to Britain as patron the North Atlantic pairs are promises without it
    assert prior_promises(one, groups)["bound"].item() == 55
    assert prior_promises(one.assign(patron="USA"), groups)["bound"].item() == 10


def test_what_only_treaties_hold_is_another_reading(found: pd.DataFrame) -> None:
    data = ba.load("europe", "asia")
    wide = prior_promises(data.episodes, data.clients, "treaties")
    assert wide.loc["united-action-1954", ["bound", "level"]].tolist() == [2, "defend"]
    assert (wide["bound"] >= found["bound"]).all()
    with pytest.raises(InputError, match="one of article, treaties"):
        prior_promises(data.episodes, data.clients, "wide")


def test_pairs_are_written_once_in_order_and_sources_are_known() -> None:
    table = _table()
    assert (table["first"] < table["second"]).all()
    assert (table["end"].isna() | (table["end"] > table["start"])).all()
    known = set(bibliography(bundled("data", "sources.bib").read_text(encoding="utf-8")))
    named = {one.split()[0] for cell in table["source"] for one in cell.split("; ")}
    assert named <= known


def test_the_page_of_readings_shows_where_hand_and_computation_differ(found: pd.DataFrame) -> None:
    episodes = ba.load("europe", "asia").episodes.set_index("episode")
    both = found.join(episodes[["name", "commitment"]])
    both = both[both["level"] != both["commitment"].astype(str)].sort_values("name")
    rows = [
        f"| {r.name_} | {r.commitment} | {r.level} | {r.bound} of {r.pairs} |"
        for r in both.rename(columns={"name": "name_"}).itertuples()
    ]
    page = (Path(__file__).parents[2] / "docs/readings.md").read_text(encoding="utf-8")
    shown = page.split("| ---: |\n")[1].split("\n<!-- promises: end")[0]
    assert shown.splitlines() == rows
