"""Every bad input is refused with one error that says where it is and what was expected."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from bayes_alliance.data import load
from bayes_alliance.errors import InputError

if TYPE_CHECKING:
    from conftest import Copy

E, C, Y, K = "episodes.csv", "clients.csv", "years.csv", "codings.csv"


def refused(copy: Copy) -> InputError:
    with pytest.raises(InputError) as caught:
        load(copy.folder)
    error = caught.value
    for part in (error.file, error.row, error.column):
        assert part is None or str(part) in str(error)
    assert error.expected in str(error)
    return error


# name: (file, key of the row, column, new value, words of what was expected)
CELLS: dict[str, tuple[str, tuple[str, ...], str, str, str]] = {
    "unknown code": (E, ("anzus-1951",), "commitment", "consul", "one of none, consult, defend"),
    "capitalised code": (E, ("anzus-1951",), "frame", "Gain", "one of gain, loss"),
    "unknown cell": (E, ("anzus-1951",), "outcome", "trilateral", "trilateral_weak"),
    "unknown theatre": (E, ("anzus-1951",), "theatre", "oceania", "one of europe, asia"),
    "unknown state": (C, ("anzus-1951", "NEW"), "client", "NZL", "NZL is New Zealand in ISO 3166"),
    "not a state": (C, ("anzus-1951", "NEW"), "client", "Zealand", "abbreviation"),
    "unknown patron": (E, ("dunkirk-1947",), "patron", "USX", "did you mean 'USA'"),
    "unknown adversary of a year": (
        Y,
        ("USA", "asia", "1950"),
        "adversary",
        "RUS+CHX",
        "joined by +",
    ),
    "not a number": (C, ("dunkirk-1947",), "distance_km", "near", "a number between 0 and"),
    "number with a comma": (C, ("dunkirk-1947",), "distance_km", "1,5", "a number"),
    "not finite": (C, ("dunkirk-1947",), "distance_km", "inf", "a number"),
    "overflowing": (C, ("dunkirk-1947",), "distance_km", "1e999", "a number"),
    "nan": (C, ("dunkirk-1947",), "polyarchy", "nan", "a number between 0 and 1, or empty"),
    "empty number": (Y, ("USA", "asia", "1950"), "disputes", "", "a whole number"),
    "not a whole number": (C, ("dunkirk-1947",), "disputes", "1.5", "a whole number"),
    "below range": (C, ("dunkirk-1947",), "distance_km", "-1", "between 0"),
    "above range": (C, ("dunkirk-1947",), "polyarchy", "1.2", "between 0 and 1"),
    "zero ratio": (C, ("dunkirk-1947",), "capability_ratio", "0", "between 0.0001"),
    "occupied twice": (C, ("dunkirk-1947",), "occupied", "2", "between 0 and 1"),
    "not a date": (E, ("dunkirk-1947",), "date", "4 March 1947", "YYYY-MM-DD"),
    "no such day": (E, ("dunkirk-1947",), "date", "1947-02-30", "YYYY-MM-DD"),
    "short date": (E, ("dunkirk-1947",), "date", "1947-03", "YYYY-MM-DD"),
    "date beyond pandas": (E, ("dunkirk-1947",), "date", "1500-01-01", "between 1816-01-01"),
    "date after observation": (E, ("dunkirk-1947",), "end", "2031-01-01", "2025-12-31"),
    "no date": (E, ("dunkirk-1947",), "date", "", "YYYY-MM-DD"),
    "end before start": (E, ("anzus-1951",), "end", "1952-01-01", "after 1952-04-29 (start)"),
    "start before the decision": (E, ("anzus-1951",), "start", "1951-08-01", "1951-09-01 (date)"),
    "start without design": (E, ("baguio-1950",), "start", "1950-06-01", "the outcome is none"),
    "design without start": (E, ("us-japan-1951",), "start", "", "outcome is bilateral_weak"),
    "end without start": (E, ("baguio-1950",), "end", "1951-06-01", "there is no start"),
    "ended without end": (E, ("anzus-1951",), "end", "", "a date, as it ended (shrunk)"),
    "end while in force": (E, ("anzus-1951",), "ended", "in_force", "there is an end"),
    "ended unknown": (E, ("anzus-1951",), "ended", "", "how the design ended"),
    "bad identifier": (E, ("baguio-1950",), "episode", "Baguio 1950", "lower-case words"),
    "no name": (E, ("baguio-1950",), "name", "", "a text"),
    "patron is adversary": (E, ("dunkirk-1947",), "adversary", "UKG", "than the patron"),
    "client is patron": (C, ("anzus-1951", "NEW"), "client", "USA", "than the patron"),
    "client is adversary": (C, ("anzus-1951", "NEW"), "client", "RUS", "than the adversary"),
    "client without episode": (C, ("baguio-1950", "SRI"), "episode", "bagio-1950", "baguio-1950"),
    "fallback of nothing": (E, ("anzus-1951",), "fallback_of", "pacific-pakt-1951", "did you mean"),
    "fallback of itself": (E, ("anzus-1951",), "fallback_of", "anzus-1951", "another episode"),
    "fallback of a design": (
        E,
        ("us-taiwan-1954",),
        "fallback_of",
        "us-south-korea-1953",
        "refused",
    ),
    "fallback with another proposal": (
        E,
        ("anzus-1951",),
        "proposal",
        "trilateral_weak",
        "multilateral_strong, as in pacific-pact-1951",
    ),
    "accession to nothing": (
        E,
        ("north-atlantic-1952",),
        "accession_to",
        "nato",
        "another episode",
    ),
    "accession to itself": (
        E,
        ("north-atlantic-1952",),
        "accession_to",
        "north-atlantic-1952",
        "another episode",
    ),
    "accession to no design": (
        E,
        ("north-atlantic-1952",),
        "accession_to",
        "baguio-1950",
        "with a design",
    ),
    "refused without fallbacks": (E, ("baguio-1950",), "outcome", "refused", "fallback_of is"),
    "fallback client elsewhere": (C, ("anzus-1951", "NEW"), "client", "IND", "a client of pacific"),
    "fallback with other values": (
        C,
        ("anzus-1951", "NEW"),
        "polyarchy",
        "0.7",
        "0.8, as for New Zealand (NEW) in pacific-pact-1951",
    ),
    "fallback without a value": (
        C,
        ("anzus-1951", "NEW"),
        "fear",
        "",
        "none, as for New Zealand (NEW)",
    ),
    "coding of no table": (K, ("episodes",), "table", "treaties", "one of episodes"),
    "coding of no column": (K, ("episodes",), "column", "nmae", "a column of episodes.csv"),
    "coding of no episode": (K, ("episodes",), "episode", "nato", "an episode of episodes.csv"),
    "coding of no client": (K, ("clients",), "client", "SWD", "a client of that episode"),
    "coding of no year": (K, ("years",), "episode", "lately", "a year"),
    "confidence above one": (K, ("episodes",), "confidence", "1.1", "between 0 and 1"),
    "no source": (K, ("episodes",), "source", "", "a text"),
}


@pytest.mark.parametrize("name", CELLS)
def test_bad_cell(copy: Copy, name: str) -> None:
    file, key, column, value, words = CELLS[name]
    row = copy.row(file, *key)
    copy.set(file, row, column, value)
    error = refused(copy)
    assert str(error.file).endswith(file)
    assert (error.row, error.column) == (row, column)
    assert words in error.expected
    assert str(error.value) == value


@pytest.mark.parametrize(
    ("file", "key"),
    [(E, ("baguio-1950",)), (C, ("anzus-1951", "NEW")), (Y, ("USA", "asia", "1950"))],
)
def test_repeated_row(copy: Copy, file: str, key: tuple[str, ...]) -> None:
    rows = copy.read(file)
    first = copy.row(file, *key)
    copy.write(file, [*rows, rows[first - 1]])
    error = refused(copy)
    assert str(error.file).endswith(file)
    assert error.row == len(rows) + 1
    assert error.value == " ".join(key)
    assert f"row {first} has the same" in error.expected


@pytest.mark.parametrize("file", [E, C, Y])
def test_missing_file(copy: Copy, file: str) -> None:
    (copy.folder / file).unlink()
    error = refused(copy)
    assert str(error.file).endswith(file)
    assert file in error.expected


def test_missing_folder(copy: Copy) -> None:
    with pytest.raises(InputError, match="an existing folder"):
        load(copy.folder / "nowhere")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("asymetric", "did you mean 'asymmetric'"),
        ("europ", "did you mean 'europe'"),
        ("Asia", "'asia'"),
    ],
)
def test_no_such_theatre(name: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        load(name)


def test_nothing_asked_for() -> None:
    with pytest.raises(InputError, match="name of a theatre"):
        load()


def test_folders_are_not_pooled(copy: Copy) -> None:
    with pytest.raises(InputError, match="a folder or 'asymmetric' by itself"):
        load(copy.folder, "asia")


@pytest.mark.parametrize("file", [E, C, Y, K])
def test_missing_column(copy: Copy, file: str) -> None:
    rows = copy.read(file)
    gone = rows[0][-1]
    copy.write(file, [row[:-1] for row in rows])
    error = refused(copy)
    assert (error.row, error.column) == (1, gone)
    assert error.expected == f"a column {gone!r}"


def test_misspelt_column(copy: Copy) -> None:
    copy.rename(E, "outcome", "outcom")
    error = refused(copy)
    assert (error.row, error.column, error.value) == (1, "outcom", "outcom")
    assert "did you mean 'outcome'?" in error.expected


def test_unknown_column(copy: Copy) -> None:
    copy.write(C, [[*row, "x"] for row in copy.read(C)])
    error = refused(copy)
    assert (error.row, error.column) == (1, "x")
    assert "one of the columns episode, client" in error.expected


def test_repeated_column(copy: Copy) -> None:
    copy.write(C, [[*row, row[0]] for row in copy.read(C)])
    error = refused(copy)
    assert (error.row, error.column) == (1, "episode")
    assert error.expected == "each column once"


def test_episode_without_clients(copy: Copy) -> None:
    copy.drop(C, "baguio-1950")
    copy.write(K, [row for row in copy.read(K) if row[:2] != ["clients", "baguio-1950"]])
    error = refused(copy)
    assert str(error.file).endswith(E)
    assert (error.row, error.value) == (copy.row(E, "baguio-1950"), "baguio-1950")
    assert "at least one row in clients.csv" in error.expected


@pytest.mark.parametrize(("year", "episode"), [("1942", "dunkirk-1947"), ("1954", "brussels-1948")])
def test_missing_year(copy: Copy, year: str, episode: str) -> None:
    copy.drop(Y, "UKG", "europe", year)
    error = refused(copy)
    assert str(error.file).endswith(Y)
    assert f"a row UKG, europe, {year}, for episode {episode}" in error.expected


def test_missing_last_year(copy: Copy) -> None:
    copy.drop(Y, "USA", "asia", "2025")
    assert "USA, asia, 2025" in refused(copy).expected


@pytest.mark.parametrize("file", [E, C, Y])
def test_empty_table(copy: Copy, file: str) -> None:
    copy.write(file, copy.read(file)[:1])
    error = refused(copy)
    assert str(error.file).endswith(file)
    assert "at least one row" in error.expected


@pytest.mark.parametrize(
    ("break_bytes", "row", "words"),
    [
        (lambda content: content.replace(b"Baguio", b"Bagui\xf3"), 8, "UTF-8"),
        (lambda content: content.replace(b"Baguio", b"Bag\0io"), 8, "without NUL"),
        (lambda content: b"", None, "not an empty file"),
        (lambda content: b"\xef\xbb\xbf\n", None, "not an empty file"),
        (lambda content: content.replace(b",Baguio", b',"Baguio', 1), 8, "CSV"),
        (lambda content: content.replace(b",Baguio 1950", b"", 1), 8, "17 cells"),
    ],
    ids=["not UTF-8", "NUL", "empty", "only a mark", "open quote", "too few cells"],
)
def test_bad_bytes(
    copy: Copy, break_bytes: Callable[[bytes], bytes], row: int | None, words: str
) -> None:
    path = copy.folder / E
    path.write_bytes(break_bytes(path.read_bytes()))
    error = refused(copy)
    assert str(error.file).endswith(E)
    assert error.row == row
    assert words in error.expected


def test_several_problems_are_counted(copy: Copy) -> None:
    for row in (4, 6, 9):
        copy.set(C, row, "polyarchy", "7")
    error = refused(copy)
    assert error.row == 4
    assert error.expected.endswith("(and 2 more)")
    assert re.search(r"clients\.csv, row 4, column 'polyarchy': value '7': expected", str(error))


def test_rows_are_lines_of_the_file(copy: Copy) -> None:
    rows = copy.read(K)
    rows[1][-1] = "Label\nfor\ndisplay."
    copy.write(K, rows)
    copy.set(K, 3, "confidence", "2")
    assert refused(copy).row == 5


def test_codings_may_be_left_out(copy: Copy) -> None:
    (copy.folder / K).unlink()
    assert load(copy.folder).codings.empty


def test_optional_columns_may_be_empty_throughout(copy: Copy) -> None:
    rows = copy.read(E)
    for column in ("proposal", "commitment", "initiative", "frame", "threat_statement"):
        for row in rows[1:]:
            row[rows[0].index(column)] = ""
    copy.write(E, rows)
    episodes = load(copy.folder).episodes
    assert episodes[["proposal", "commitment", "frame"]].isna().all(axis=None)
