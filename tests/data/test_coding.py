"""The tables coded by hand: what they say is sourced and has effect, and bad rows are refused."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bayes_alliance.bundled import bundled
from bayes_alliance.data.asymmetric import read_coding
from bayes_alliance.data.codebook import bibliography
from bayes_alliance.data.schema import TABLES
from bayes_alliance.data.universe_schema import CODING, JUDGED
from bayes_alliance.data.validate import read_table
from bayes_alliance.data.variants import universe
from bayes_alliance.errors import InputError

OUTSIDE = {"atop-1020": "The German Confederation of 1815 was formed before observation begins."}
"""Judgements of alliances that are not in the universe, and why they are not."""

ALLOWED = {
    "strong": {"0", "1"},
    "wartime": {"0", "1"},
    "defence": {"0", "1"},
    "commitment": {"none", "consult", "defend"},
    "initiative": {"clients", "patron"},
    "fear": {"none", "some", "strong"},
}


@pytest.fixture(scope="module")
def coding() -> dict[str, pd.DataFrame]:
    return read_coding(bundled("data", "coding"))


@pytest.fixture(scope="module")
def states() -> set[str]:
    return set(read_table(bundled("data", "states.csv"), TABLES["states"])["abbreviation"])


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return universe()["alliances"].set_index("episode")


# --- what is shipped ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name, s in CODING.items() if "source" in s.columns])
def test_sources_are_in_the_bibliography(coding: dict[str, pd.DataFrame], name: str) -> None:
    known = set(bibliography(bundled("data", "sources.bib").read_text(encoding="utf-8")))
    for line, source in coding[name]["source"].items():
        keys = [key.split()[0] for key in source.split(";") if key.strip()]
        assert keys and set(keys) <= known, (line, source)


@pytest.mark.parametrize("name", CODING)
def test_confidence_and_reason_of_each_judgement(coding, name: str) -> None:
    table = coding[name]
    if "confidence" in table:
        assert table["confidence"].between(0, 1).all()
        assert table["confidence"].nunique() > 1  # not one number for everything
    assert (table["reason"].str.strip().str.len() >= 4).all(), table["reason"].min()


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("adversaries", ["patron", "adversary"]),
        ("occupations", ["occupier", "occupied"]),
        ("stationed", ["holder", "host"]),
        ("distances", ["client", "adversary"]),
        ("episodes", ["patron", "adversary", "clients"]),
    ],
)
def test_states_exist(coding, states: set[str], name: str, columns: list[str]) -> None:
    for column in columns:
        named = coding[name][column].dropna().str.split("+").explode()
        assert set(named) <= states, column


def test_judgements_point_at_an_episode(coding, rows: pd.DataFrame) -> None:
    judged = set(coding["judgements"]["episode"])
    assert judged - set(rows.index) == set(OUTSIDE)
    by_hand = {name for name in judged if name in rows.index and rows.loc[name, "origin"] != "rule"}
    assert not by_hand, "rows coded by hand say themselves what they are"


def test_judgements_of_clients_point_at_a_client(coding, rows) -> None:
    clients = universe()["clients"]
    pairs = set(zip(clients["episode"], clients["client"], strict=True))
    own = coding["judgements"][coding["judgements"]["client"] != "*"]
    assert len(own) > 40
    assert set(zip(own["episode"], own["client"], strict=True)) <= pairs
    assert set(own["column"]) == {"fear"}


def test_values_of_judgements(coding, states: set[str]) -> None:
    table = coding["judgements"]
    for column, allowed in ALLOWED.items():
        assert set(table.loc[table["column"] == column, "value"]) <= allowed, column
    adversaries = table[table["column"] == "adversary"]["value"]
    named = {state for value in adversaries if value != "none" for state in value.split("+")}
    assert named <= states
    assert set(table["column"]) <= set(JUDGED)


def test_judged_adversaries_are_outside_the_alliance(coding, rows) -> None:
    table = coding["judgements"]
    clients = universe()["clients"].groupby("episode")["client"].agg(set)
    for row in table[table["column"] == "adversary"].itertuples():
        if row.episode in rows.index:
            inside = clients[row.episode] | {rows.loc[row.episode, "patron"]}
            assert not inside & set(row.value.split("+")), row.episode


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("adversaries", ["patron", "theatre"]),
        ("occupations", ["occupier", "occupied"]),
        ("stationed", ["holder", "host"]),
        ("distances", ["client", "adversary"]),
    ],
)
def test_spells_end_after_they_begin_and_do_not_overlap(coding, name, key) -> None:
    table = coding[name]
    assert (table["first"] <= table["last"]).all()
    for group, own in table.sort_values("first").groupby(key):
        assert (own["first"].iloc[1:].to_numpy() > own["last"].iloc[:-1].to_numpy()).all(), group


def test_adversaries_are_not_the_patron(coding) -> None:
    for row in coding["adversaries"].itertuples():
        states = row.adversary.split("+")
        assert row.patron not in states and len(set(states)) == len(states), row.Index


def test_nobody_occupies_himself(coding) -> None:
    for name, first, second in (
        ("occupations", "occupier", "occupied"),
        ("stationed", "holder", "host"),
        ("distances", "client", "adversary"),
    ):
        assert (coding[name][first] != coding[name][second]).all()


def test_known_occupations(coding) -> None:
    spells = coding["occupations"].set_index(["occupier", "occupied"]).sort_index()
    for occupier, occupied, year in (
        ("GMY", "FRN", 1942),
        ("GMY", "BEL", 1916),
        ("GMY", "NOR", 1941),
        ("JPN", "PHI", 1943),
        ("RUS", "POL", 1940),
    ):
        own = spells.loc[[(occupier, occupied)]]
        assert ((own["first"] <= year) & (own["last"] >= year)).any(), (occupier, occupied)


def test_endings_are_after_the_source_and_of_alliances_in_force(coding, rows) -> None:
    clients = universe()["events"].dropna(subset=["members"])
    for row in coding["endings"].itertuples():
        name = f"atop-{int(row.atop)}"
        assert name in rows.index
        if row.member == "*":
            assert rows.loc[name, "treaty_end"] == row.end
        else:
            ever = clients[clients["episode"] == name]["members"].str.split("+").explode()
            assert row.member in set(ever)


def test_episodes_by_hand_are_no_alliances_by_rule(coding, rows) -> None:
    own = coding["episodes"].set_index("episode")
    assert not own.index.str.startswith("atop-").any()
    assert set(own.index) <= set(rows.index)
    for name, row in own.iterrows():
        states = row["clients"].split("+")
        assert len(states) == len(set(states)) == rows.loc[name, "clients"] or row["accession_to"]
        assert row["patron"] not in states and row["adversary"] not in states, name
        assert rows.loc[name, "origin"] == "hand"
    recent = own[own["date"] > "2016-12-31"]
    assert len(recent) > 15
    before = own[own["date"] <= "2016-12-31"]
    failed = before["outcome"].isin(["none", "refused"]) | before["fallback_of"].notna()
    explained = before["reason"].str.len() > 40
    assert (failed | explained).all()


# --- what is refused ------------------------------------------------------------------------------

NEEDED = ("states.csv", "sources.bib", "episodes.csv", "clients.csv")


class Folder:
    """A copy of the tables coded by hand, in a folder as the bundled one."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "data" / "coding"
        shutil.copytree(bundled("data", "coding"), self.folder)
        for name in NEEDED:
            shutil.copy(bundled("data", name), self.folder.parent / name)

    def lines(self, name: str) -> list[list[str]]:
        text = (self.folder / f"{name}.csv").read_text(encoding="utf-8")
        return list(csv.reader(io.StringIO(text)))

    def write(self, name: str, lines: list[list[str]]) -> None:
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(lines)
        path = self.folder / f"{name}.csv"
        path.write_text(out.getvalue(), encoding="utf-8", newline="\n")

    def append(self, name: str, /, **values: str) -> int:
        """Append a row and give its line."""
        lines = self.lines(name)
        lines.append([values.get(column, "") for column in lines[0]])
        self.write(name, lines)
        return len(lines)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def refused(folder: Folder, name: str, line: int | None, column: str) -> InputError:
    with pytest.raises(InputError) as caught:
        read_coding(folder.folder)
    error = caught.value
    assert str(error.file).endswith(f"{name}.csv")
    assert (error.row, error.column) == (line, column)
    return error


FREE = "atop-2550-1945"
"""An episode of which nothing is judged, so that a row about it repeats none."""

WHY = {"source": "judgement", "confidence": "0.5", "reason": "Made up for a test."}


def judgement(column: str, value: str, episode: str = "atop-3180", client: str = "*") -> dict:
    return {"episode": episode, "client": client, "column": column, "value": value} | WHY


def test_an_unchanged_copy_is_read(folder: Folder, coding) -> None:
    found = read_coding(folder.folder)
    assert set(found) == set(CODING)
    for name, table in found.items():
        pd.testing.assert_frame_equal(table, coding[name])


def test_tables_may_be_empty(folder: Folder) -> None:
    for name in CODING:
        folder.write(name, folder.lines(name)[:1])
    assert all(len(table) == 0 for table in read_coding(folder.folder).values())


@pytest.mark.parametrize("name", CODING)
def test_missing_table_is_named(folder: Folder, name: str) -> None:
    (folder.folder / f"{name}.csv").unlink()
    with pytest.raises(InputError) as caught:
        read_coding(folder.folder)
    assert str(caught.value.file).endswith(f"{name}.csv")


@pytest.mark.parametrize("name", CODING)
def test_repeated_row_is_refused(folder: Folder, name: str) -> None:
    lines = folder.lines(name)
    folder.write(name, [*lines, lines[1]])
    error = refused(folder, name, len(lines) + 1, list(CODING[name].unique or [])[-1])
    assert "row 2 has the same" in error.expected


@pytest.mark.parametrize("name", CODING)
def test_unknown_and_missing_columns_are_refused(folder: Folder, name: str) -> None:
    lines = folder.lines(name)
    folder.write(name, [[*line, "x"] for line in lines])
    assert "one of the columns" in refused(folder, name, 1, "x").expected
    folder.write(name, [line[:-1] for line in lines])
    refused(folder, name, 1, "reason" if "reason" in lines[0] else lines[0][-1])


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("strong", "2"),
        ("strong", "yes"),
        ("wartime", "maybe"),
        ("defence", "-1"),
        ("commitment", "promise"),
        ("commitment", "Defend"),
        ("initiative", "both"),
        ("adversary", "XXX"),
        ("adversary", "rus"),
        ("adversary", "RUS+XXX"),
        ("adversary", "none+RUS"),
        ("adversary", "RUS+"),
    ],
)
def test_value_that_its_column_does_not_take_is_refused(
    folder: Folder, column: str, value: str
) -> None:
    line = folder.append("judgements", **judgement(column, value, FREE))
    assert refused(folder, "judgements", line, "value").value == value


@pytest.mark.parametrize("value", ["weak", "1", "Strong"])
def test_fear_that_is_none_is_refused(folder: Folder, value: str) -> None:
    row = judgement("fear", value, FREE, "TUR")
    line = folder.append("judgements", **row)
    assert refused(folder, "judgements", line, "value").value == value


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (judgement("fear", "some", FREE), "client"),  # fear is a client's
        (judgement("strong", "1", FREE, "TUR"), "client"),  # strength is not
        (judgement("fear", "some", FREE, "XXX"), "client"),
        (judgement("fear", "some", FREE, "usa"), "client"),
        (judgement("cell", "1", FREE), "column"),
        (judgement("strong", "1", "ATOP 2550"), "episode"),
        (judgement("strong", "", FREE), "value"),
        (judgement("strong", "1", FREE) | {"confidence": "1.2"}, "confidence"),
        (judgement("strong", "1", FREE) | {"confidence": "-0.1"}, "confidence"),
        (judgement("strong", "1", FREE) | {"confidence": ""}, "confidence"),
        (judgement("strong", "1", FREE) | {"source": ""}, "source"),
        (judgement("strong", "1", FREE) | {"source": "nobody1900"}, "source"),
        (
            judgement("strong", "1", FREE) | {"source": "atop; nobody1900 p. 3"},
            "source",
        ),
        (judgement("strong", "1", FREE) | {"source": "atop;"}, "source"),
        (judgement("strong", "1", FREE) | {"reason": ""}, "reason"),
    ],
)
def test_bad_judgement_is_refused(folder: Folder, row: dict, column: str) -> None:
    line = folder.append("judgements", **row)
    refused(folder, "judgements", line, column)


SPELL = {"first": "1900", "last": "1901"} | WHY
HAND = {
    "episode": "test-1960",
    "name": "Test 1960",
    "theatre": "europe",
    "patron": "USA",
    "adversary": "RUS",
    "date": "1960-01-01",
    "outcome": "none",
    "commitment": "none",
    "clients": "SWD+FIN",
    "wartime": "0",
} | WHY
OCCUPATION = {"occupier": "GMY", "occupied": "POR", "extent": "part"} | SPELL
ENDING = {"atop": "3180", "member": "FRN", "end": "2020-01-01", "ended": "shrunk"} | WHY
ADVERSARY = {"patron": "USA", "theatre": "africa", "adversary": "RUS"} | SPELL


@pytest.mark.parametrize(
    ("name", "row", "column"),
    [
        ("adversaries", ADVERSARY | {"adversary": "XXX"}, "adversary"),
        ("adversaries", ADVERSARY | {"adversary": "RUS+XXX"}, "adversary"),
        ("adversaries", ADVERSARY | {"patron": "XXX"}, "patron"),
        ("adversaries", ADVERSARY | {"theatre": "oceania"}, "theatre"),
        ("adversaries", ADVERSARY | {"adversary": "RUS+USA"}, "adversary"),  # the patron
        ("adversaries", ADVERSARY | {"adversary": "RUS+RUS"}, "adversary"),
        ("adversaries", ADVERSARY | {"last": "1899"}, "last"),
        (
            "adversaries",
            ADVERSARY | {"theatre": "europe", "last": "1960"},
            "first",
        ),  # overlaps a later spell
        ("occupations", OCCUPATION | {"occupier": "XXX"}, "occupier"),
        ("occupations", OCCUPATION | {"occupied": "XXX"}, "occupied"),
        ("occupations", OCCUPATION | {"extent": "half"}, "extent"),
        ("occupations", OCCUPATION | {"occupied": "GMY"}, "occupied"),
        ("occupations", OCCUPATION | {"last": "1899"}, "last"),
        ("stationed", {"holder": "XXX", "host": "FRN"} | SPELL, "holder"),
        ("stationed", {"holder": "GMY", "host": "XXX"} | SPELL, "host"),
        ("stationed", {"holder": "GMY", "host": "GMY"} | SPELL, "host"),
        ("stationed", {"holder": "GMY", "host": "POR"} | SPELL | {"last": "1899"}, "last"),
        ("distances", {"client": "XXX", "adversary": "RUS", "km": "3"} | SPELL, "client"),
        ("distances", {"client": "FRN", "adversary": "XXX", "km": "3"} | SPELL, "adversary"),
        ("distances", {"client": "FRN", "adversary": "RUS", "km": "-1"} | SPELL, "km"),
        ("distances", {"client": "FRN", "adversary": "RUS", "km": "30000"} | SPELL, "km"),
        (
            "distances",
            {"client": "FRN", "adversary": "RUS", "km": "3"} | SPELL | {"last": "1899"},
            "last",
        ),
        ("endings", ENDING | {"member": "XXX"}, "member"),
        ("endings", ENDING | {"end": "2020"}, "end"),
        ("endings", ENDING | {"ended": "so"}, "ended"),
        ("matches", {"episode": "test-1960", "atop": "3180", "reason": "A test."}, "episode"),
        ("matches", {"episode": "dunkirk-1948", "reason": "A test."}, "episode"),
        ("episodes", HAND | {"clients": "SWD+XXX"}, "clients"),
        ("episodes", HAND | {"clients": "SWD+SWD"}, "clients"),
        ("episodes", HAND | {"clients": "SWD+USA"}, "clients"),  # the patron
        ("episodes", HAND | {"clients": "SWD+RUS"}, "clients"),  # the adversary
        ("episodes", HAND | {"patron": "XXX"}, "patron"),
        ("episodes", HAND | {"adversary": "XXX"}, "adversary"),
        ("episodes", HAND | {"outcome": "failed"}, "outcome"),
        ("episodes", HAND | {"date": "1960-02-30"}, "date"),
        ("episodes", HAND | {"episode": "dunkirk-1947"}, "episode"),  # of the articles' tables
        ("episodes", HAND | {"source": "nobody1900"}, "source"),
    ],
)
def test_bad_row_is_refused(folder: Folder, name: str, row: dict, column: str) -> None:
    line = folder.append(name, **row)
    refused(folder, name, line, column)


GOOD: list[tuple[str, dict[str, str]]] = [
    ("judgements", judgement("adversary", "RUS+CHN", FREE)),
    ("judgements", judgement("initiative", "patron", FREE)),
    ("judgements", judgement("fear", "some", FREE, "TUR")),
    ("judgements", judgement("strong", "1", FREE) | {"source": "atop 3180; nmc"}),
    ("adversaries", ADVERSARY),
    ("occupations", OCCUPATION),
    ("stationed", {"holder": "GMY", "host": "POR"} | SPELL | {"last": "1900"}),
    ("episodes", HAND),
]


@pytest.mark.parametrize(("name", "row"), GOOD)
def test_good_row_is_read(folder: Folder, name: str, row: dict) -> None:
    """The rows above are refused for what is wrong with them and nothing else."""
    line = folder.append(name, **row)
    assert line in read_coding(folder.folder)[name].index


CODED = [
    (name, column)
    for name, schema in CODING.items()
    for column, spec in schema.columns.items()
    if spec.metadata["kind"] != "text"
]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    cell=st.sampled_from(CODED), where=st.integers(0, 10**6), junk=st.text("é#!?% ab", max_size=6)
)
def test_any_corrupted_cell_is_refused_in_its_place(
    tmp_path_factory: pytest.TempPathFactory, cell: tuple[str, str], where: int, junk: str
) -> None:
    name, column = cell
    folder = Folder(tmp_path_factory.mktemp("coding"))
    lines = folder.lines(name)
    row = 1 + where % (len(lines) - 1)
    lines[row][lines[0].index(column)] = "¿" + junk
    folder.write(name, lines)
    error = refused(folder, name, row + 1, column)
    assert error.value == "¿" + junk


@pytest.mark.parametrize("change", [lambda b: b[:-30] + b"\xff" + b[-30:], lambda b: b""])
def test_file_that_is_no_text_is_refused(folder: Folder, change: Callable) -> None:
    path = folder.folder / "judgements.csv"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(InputError) as caught:
        read_coding(folder.folder)
    assert str(caught.value.file).endswith("judgements.csv")
