"""The published files are read whole, and what is odd in them is where the docstrings say."""

from __future__ import annotations

import random
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from source_samples import SAMPLES

from bayes_alliance.data.build import sources
from bayes_alliance.data.sources import FILES, find, read_all
from bayes_alliance.data.sources.atop import NO_COW_CODE
from bayes_alliance.data.sources.troops import NO_STATES

pytestmark = pytest.mark.skipif(
    not sources().is_dir(), reason="the published data are not there (BAYES_ALLIANCE_SOURCES)"
)


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    return read_all(sources())


ROWS = {
    "atop_alliances": 745,
    "atop_members": 2398,
    "nmc": 17121,
    "majors": 14,
    "states": 243,
    "contiguity": 1874 - 180,
    "mindist": 952244,
    "capitals": 242,
    "mid": 11390,
    "gml": 10276,
    "wars": 1932,
    "tss": 264,
    "td": 197,
    "polity": 16717 - 7,
    "vdem": 25295 - 638,
    "troops": 14792,
}


@pytest.mark.parametrize("name", FILES)
def test_whole_file_is_read(tables: dict[str, pd.DataFrame], name: str) -> None:
    schema = SAMPLES[name].schema
    schema.validate(tables[name])
    assert len(tables[name]) == ROWS[name]
    assert list(tables[name].columns) == list(schema.columns)
    keys = tables[name][schema.unique]
    assert keys.equals(keys.sort_values(schema.unique, ignore_index=True))


@pytest.mark.parametrize("name", [name for name in FILES if name != "mindist"])
def test_shuffled_file_gives_the_same_table(
    tables: dict[str, pd.DataFrame], name: str, tmp_path: Path
) -> None:
    header, *lines = find(sources(), name).read_text(encoding="utf-8").splitlines()
    random.Random(1).shuffle(lines)
    path = tmp_path / "shuffled.csv"
    path.write_text("\r\n".join([header, *lines, ""]), encoding="utf-8-sig", newline="")
    assert_frame_equal(FILES[name][1](path), tables[name])


def test_members_and_alliances_agree(tables: dict[str, pd.DataFrame]) -> None:
    alliances = tables["atop_alliances"].set_index("atopid")
    groups = tables["atop_members"].groupby("atopid")
    assert (groups["member"].agg(set) == alliances["members"].map(set)).all()
    assert (groups["entry"].min().dt.year == alliances["begin"].dt.year).all()
    in_force = groups["exit"].agg(lambda days: days.isna().any())
    assert (in_force == alliances["end"].isna()).all()


def test_year_0_is_in_force(tables: dict[str, pd.DataFrame]) -> None:
    assert tables["atop_alliances"]["end"].isna().sum() == 334
    assert tables["atop_members"]["exit"].isna().sum() == 1062


def test_unknown_days_are_the_first_of_their_month(tables: dict[str, pd.DataFrame]) -> None:
    members = tables["atop_members"]
    uncertain = members["exit"].notna() & ~members["exit_exact"]
    assert (uncertain.sum(), (~members["entry_exact"]).sum()) == (31, 5)
    assert (members.loc[uncertain, "exit"].dt.day == 1).all()
    assert (members.loc[~members["entry_exact"], "entry"].dt.day == 1).all()


def test_seato_is_left_with_two_members(tables: dict[str, pd.DataFrame]) -> None:
    members = tables["atop_members"].query("atopid == 3260")
    first, second = (members[members["phase"] == phase] for phase in (1, 2))
    assert set(first["member"]) == {2, 200, 220, 770, 800, 840, 900, 920}
    assert set(second["member"]) == {2, 800}
    assert first["exit"].max() == second["entry"].min() == pd.Timestamp("1977-06-30")
    assert second["exit"].isna().all() and (second["defense"] == 1).all()


def test_nato_has_two_phases(tables: dict[str, pd.DataFrame]) -> None:
    members = tables["atop_members"].query("atopid == 3180")
    assert members.groupby("phase")["member"].nunique().to_dict() == {1: 12, 2: 30}
    assert members.query("member == 350")["entry"].tolist() == [pd.Timestamp("1951-10-22")]
    alliance = tables["atop_alliances"].set_index("atopid").loc[3180]
    assert set(alliance["members"]) == set(members["member"])
    assert alliance["begin"] == pd.Timestamp("1949-04-04") and pd.isna(alliance["end"])


def test_phases_overlap_only_with_both_parts_of_a_split_partner(
    tables: dict[str, pd.DataFrame],
) -> None:
    members = tables["atop_members"].sort_values(["atopid", "member", "entry", "phase"])
    groups = members.groupby(["atopid", "member"])
    until = groups["exit"].shift().fillna(pd.Timestamp.max)
    overlap = members[(groups.cumcount() > 0) & (members["entry"] < until)]
    assert overlap["atopid"].tolist() == [3610, 3625, 4070, 4075, 4100, 4185, 4195]
    assert (overlap["entry"] == pd.Timestamp("1993-01-01")).all()


def test_only_annam_has_no_cow_code(tables: dict[str, pd.DataFrame]) -> None:
    members = tables["atop_members"]
    assert set(members.loc[members["member"] > 999, "member"]) == set(NO_COW_CODE)
    assert members.loc[members["member"] > 999, "atopid"].tolist() == [1320]


def test_polity_has_the_soviet_union_as_russia(tables: dict[str, pd.DataFrame]) -> None:
    scores = tables["polity"].set_index(["ccode", "year"])["polity2"]
    assert scores.loc[365].loc[[1921, 1922, 1950, 1992]].tolist() == [-1, -7, -9, 5]
    assert scores.loc[300].index.max() == 1918 and scores.loc[305].index.min() == 1919
    states = set(tables["states"]["ccode"])
    assert set(tables["polity"]["ccode"]) - states == {89, 99, 564}


def test_territory_is_any_of_four_types(tables: dict[str, pd.DataFrame]) -> None:
    disputes = tables["gml"]
    types = disputes[["revtype11", "revtype12", "revtype21", "revtype22"]]
    assert disputes["territory"].sum() == 2938
    assert (disputes["territory"] == types.eq(1).any(axis=1)).all()


@pytest.mark.parametrize(
    ("name", "column", "missing"),
    [
        ("nmc", "milex", 2360),
        ("mid", "fatality1", 1510),
        ("mid", "fatalpre2", 4975),
        ("gml", "revtype21", 8371),
        ("wars", "batdeath1", 4),
        ("wars", "outcome1", 22),
        ("polity", "polity2", 210),
        ("vdem", "polyarchy", 1066),
    ],
)
def test_missing_values(
    tables: dict[str, pd.DataFrame], name: str, column: str, missing: int
) -> None:
    assert tables[name][column].isna().sum() == missing
    assert (tables[name][column].dropna() != -9).all() or name == "polity"


def test_contiguity_has_both_directions_and_last_days(tables: dict[str, pd.DataFrame]) -> None:
    spells = tables["contiguity"]
    assert spells["conttype"].value_counts().to_dict() == {1: 948, 5: 390, 4: 256, 2: 50, 3: 50}
    cuba = spells.query("ccode1 == 2 and ccode2 == 40")
    assert cuba["end"].tolist() == [pd.Timestamp("1906-09-30"), pd.Timestamp("2016-12-31")]
    back = spells.rename(columns={"ccode1": "ccode2", "ccode2": "ccode1"})
    assert len(spells.merge(back)) == len(spells)


def test_resumed_wars_have_two_rows_a_year(tables: dict[str, pd.DataFrame]) -> None:
    rows = tables["wars"]
    again = rows[rows.duplicated(["warnum", "ccode1", "ccode2", "year"])]
    assert set(again["warnum"]) == {46, 148, 184}
    assert (again["resume"] == 1).all() and again["outcome1"].isna().all()


def test_types_of_rivalry(tables: dict[str, pd.DataFrame]) -> None:
    types = ["positional", "spatial", "ideological", "interventionary"]
    assert tables["tss"][types].sum().tolist() == [115, 152, 59, 127]
    assert tables["td"][types].sum().tolist() == [109, 142, 49, 30]
    assert (~tables["tss"][types].any(axis=1)).sum() == 1


def test_troops_in_places_that_are_no_states(tables: dict[str, pd.DataFrame]) -> None:
    codes = tables["troops"]["ccode"]
    assert (codes > 999).sum() == codes.isin(NO_STATES).sum() == 1278
