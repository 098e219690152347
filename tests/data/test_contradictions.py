"""Tables that pass column by column and contradict themselves are refused where they do.

Each contradiction is one change of good tables, written by hand from the list in the codebook, not
from the code under test; the error must name the row and the column that were changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bayes_alliance.bundled import bundled
from bayes_alliance.data import load
from bayes_alliance.errors import InputError

if TYPE_CHECKING:
    from conftest import Copy

E, C, Y, K = "episodes.csv", "clients.csv", "years.csv", "codings.csv"

# what contradicts: (file, key of the row, column, new value, words of what was expected)
CHANGES: dict[str, tuple[str, tuple[str, ...], str, str, str]] = {
    "multilateral with one client": (
        E,
        ("us-taiwan-1954",),
        "outcome",
        "multilateral_weak",
        "a design for 1 client",
    ),
    "trilateral with one client": (
        E,
        ("us-south-korea-1953",),
        "outcome",
        "trilateral_strong",
        "a design for 1 client",
    ),
    "bilateral with many clients": (
        E,
        ("southeast-asia-1954",),
        "outcome",
        "bilateral_weak",
        "a design for 7 clients",
    ),
    "accession to a bilateral design": (
        E,
        ("north-atlantic-1952",),
        "outcome",
        "bilateral_strong",
        "a design for 2 clients, as clients.csv has of north-atlantic-1952 (13 with",
    ),
    "multilateral proposal to one client": (
        E,
        ("us-taiwan-1954",),
        "proposal",
        "multilateral_weak",
        "a design for 1 client",
    ),
    "design that nobody proposed": (
        E,
        ("us-taiwan-1954",),
        "proposal",
        "none",
        "the outcome is bilateral_weak",
    ),
    "imposed without a proposal": (
        E,
        ("baguio-1950",),
        "initiative",
        "patron",
        "the patron proposed no alliance",
    ),
    "accession before its alliance": (
        E,
        ("north-atlantic-1952",),
        "date",
        "1949-04-03",
        "1949-04-04 on, the date of north-atlantic-1949",
    ),
    "fallback before its refusal": (
        E,
        ("anzus-1951",),
        "date",
        "1951-02-16",
        "1951-02-17 on, the date of pacific-pact-1951",
    ),
    "accession to an accession": (
        E,
        ("north-atlantic-1955",),
        "accession_to",
        "north-atlantic-1952",
        "is itself an accession",
    ),
    "accession to another patron's alliance": (
        E,
        ("north-atlantic-1952",),
        "patron",
        "UKG",
        "United States of America (USA), the patron of north-atlantic-1949",
    ),
    "accession after the alliance ended": (
        E,
        ("north-atlantic-1952",),
        "accession_to",
        "dunkirk-1947",
        "",
    ),
    "fallback against another adversary": (
        E,
        ("anzus-1951",),
        "adversary",
        "CHN",
        "Russia (RUS), as in pacific-pact-1951",
    ),
    "one name for two": (E, ("baguio-1950",), "name", "pacific  union 1949", "row 7 has it"),
    "blank name": (E, ("baguio-1950",), "name", "   ", "not blank"),
    "name on two lines": (E, ("baguio-1950",), "name", "Baguio\n1950", "on one line"),
    "name with an escape": (E, ("baguio-1950",), "name", "\x1b[31mred", "control characters"),
    "name that turns its direction": (E, ("baguio-1950",), "name", "a\u202eb", "control"),
    "endless name": (E, ("baguio-1950",), "name", "x" * 101, "at most 100 characters"),
    "patron among its adversaries": (
        Y,
        ("USA", "asia", "1950"),
        "adversary",
        "RUS+USA",
        "than the patron United States of America (USA)",
    ),
    "adversary twice": (
        Y,
        ("USA", "asia", "1950"),
        "adversary",
        "RUS+RUS",
        "not Russia (RUS) twice",
    ),
    "ratio without an adversary": (Y, ("USA", "asia", "1950"), "adversary", "", ""),
    "contiguous and far": (C, ("us-south-korea-1953",), "distance_km", "9000", "is contiguous"),
    "founder that accedes": (
        C,
        ("north-atlantic-1952", "GRC"),
        "client",
        "ITA",
        "not among the clients of north-atlantic-1949",
    ),
    "gap that no adversary has": (C, ("dunkirk-1947",), "polyarchy_gap", "-0.9", "between 0 and 1"),
    "gap to another adversary": (
        C,
        ("north-atlantic-1949", "BEL"),
        "polyarchy_gap",
        "0.3",
        "one adversary",
    ),
    "ratio in per cent": (
        C,
        ("north-atlantic-1949", "BEL"),
        "capability_ratio",
        "1782",
        "times patron_ratio",
    ),
    "two values in one year": (
        C,
        ("southeast-asia-1954", "AUL"),
        "forces_ratio",
        "5.6",
        "55.98, as for Australia (AUL) in 1954 in row",
    ),
    "two counts in one year": (
        C,
        ("southeast-asia-1954", "AUL"),
        "disputes",
        "3",
        "0, as for Australia (AUL) in 1954",
    ),
    "span that ends before it begins": (
        K,
        ("years", "1940-1946"),
        "episode",
        "1945-1943",
        "first-last year",
    ),
    "span of other centuries": (
        K,
        ("years", "1940-1946"),
        "episode",
        "0001-9999",
        "from 1816 to 2025",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_contradiction_is_refused_where_it_is(copy: Copy, name: str) -> None:
    file, key, column, value, words = CHANGES[name]
    row = copy.row(file, *key)
    copy.set(file, row, column, value)
    with pytest.raises(InputError) as caught:
        load(copy.folder)
    error = caught.value
    assert str(error.file).endswith(file)
    assert error.row == row
    if words:  # else the contradiction may be told from its other side
        assert error.column == column
        assert str(error.value) == value
    assert words in error.expected
    assert len(str(error)) <= 500 and "\n" not in str(error) and "\x1b" not in str(error)


def test_no_adversary_leaves_nothing_to_measure(copy: Copy) -> None:
    copy.set(E, copy.row(E, "baguio-1950"), "adversary", "")
    with pytest.raises(InputError, match="baguio-1950 has no adversary") as caught:
        load(copy.folder)
    assert (caught.value.row, caught.value.column) == (
        copy.row(C, "baguio-1950"),
        "capability_ratio",
    )


def test_an_alliance_without_an_adversary_is_read(copy: Copy) -> None:
    row = copy.row(E, "baguio-1950")
    copy.set(E, row, "adversary", "")
    rows = copy.read(C)
    kept = ("episode", "client", "patron_ratio", "polyarchy")
    for found in rows[1:]:
        if found[0] == "baguio-1950":
            found[:] = [v if c in kept else "" for c, v in zip(rows[0], found, strict=True)]
    copy.write(C, rows)
    episodes = load(copy.folder).episodes.set_index("episode")
    assert episodes.at["baguio-1950", "adversary"] is None


def test_a_fallback_is_not_refused_itself(copy: Copy) -> None:
    rows = copy.read(E)
    line = copy.row(E, "anzus-1951")
    for column in ("start", "end", "ended"):
        rows[line - 1][rows[0].index(column)] = ""
    rows[line - 1][rows[0].index("outcome")] = "refused"
    copy.write(E, rows)
    with pytest.raises(InputError, match="itself a fallback") as caught:
        load(copy.folder)
    assert (caught.value.row, caught.value.column) == (line, "outcome")


def test_adversaries_of_the_year_are_no_clients(copy: Copy) -> None:
    copy.set(Y, copy.row(Y, "USA", "asia", "1950"), "adversary", "RUS+IND")
    with pytest.raises(InputError, match=r"not India \(IND\)") as caught:
        load(copy.folder)
    assert (caught.value.row, caught.value.column) == (copy.row(C, "baguio-1950", "IND"), "client")


def test_spans_as_long_as_each_other_do_not_disagree(copy: Copy) -> None:
    rows = copy.read(K)
    new = ["years", "1950-1952", "*", "disputes", "judgement", "0.5", ""]
    copy.write(K, [*rows, new, ["years", "1951-1953", *new[2:5], "0.6", ""]])
    with pytest.raises(InputError, match="apart from 1950-1952") as caught:
        load(copy.folder)
    assert (caught.value.row, caught.value.column) == (len(rows) + 2, "episode")
    copy.write(K, [*rows, new, ["years", "1951-1953", *new[2:]]])
    load(copy.folder)


def test_bundled_tables_pass() -> None:
    assert load(bundled("data")).hash == load("europe", "asia").hash
    assert load(bundled("data")).notes == load("europe", "asia").notes == ()
