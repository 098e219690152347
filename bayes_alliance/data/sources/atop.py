"""Alliance Treaty Obligations and Provisions (ATOP), releases 4 and 5, published layout.

Three files: the alliance level (``begyr, begmo, begday, endyr, endmo, endday``, one ``mem`` column
a member), the member level, one row a member and phase (``member, phase, yrent, moent, dayent,
yrexit, moexit, dayexit``), and directed dyad-years (``stateA, stateB, year, atopally``).  The first
two have the obligations, coded as the codebook says; a provision that could not be learnt is empty.
A year 0 of the end or exit is none: still in force at the end of the
data, with ``ineffect`` 1.  Where month or day are not known (empty, 0, 88 or 99) the earliest day
that is possible stands, which for an exit is no earlier than the entry, and ``_exact`` is False; it
is False too where there is no date.

A member's phases in an alliance follow each other; the next may enter on the day on which the last
exits.  One exception is in the data: where a partner split in two (Czechoslovakia on 1993-01-01)
the other member (in 3610, 3625, 4070, 4075, 4100, 4185 and 4195) has a phase with each, and these
start on one day and overlap.  Other overlaps are refused.

What is odd: ``bilat`` is 1 for alliances that grew from two members; a phase number need not follow
time, and 0 means that there are no phases; a member can leave and come back in one phase (Egypt in
the Arab League); 1320 has a member without COW code, 8152 (Annam); members with ``cowsys`` 0 have
COW codes before COW counts them as states.  ``version`` is 4.0100002 in one file and 4.01 in the
other; it is rounded here.

Leeds, Brett Ashley, Jeffrey M. Ritter, Sara McLaughlin Mitchell, and Andrew G. Long. 2002.
"Alliance Treaty Obligations and Provisions, 1815-1944." International Interactions 28: 237-260.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from pandera.pandas import Column, DataFrameSchema

from bayes_alliance.data.sources.columns import code, day, flag, number, state, whole, year
from bayes_alliance.data.sources.layout import Layout, Rule, Sheet, in_order
from bayes_alliance.data.sources.layout import read as read_layout
from bayes_alliance.data.sources.rules import apart, different, forwards, once
from bayes_alliance.data.validate import Problem

NO_COW_CODE = (8152,)
"""Members that are not in COW's list: Annam."""

MOST_MEMBERS = 99

_OBLIGATIONS: dict[str, Column] = {
    "ineffect": flag(),
    "bilat": flag(),
    "maxphase": whole(0, 20),
    "wartime": flag(),
    "estmode": flag(nullable=True),
    "term": code(range(4)),
    **{
        name: flag()
        for name in ("defense", "offense", "neutral", "nonagg", "consul", "active", "conditio")
    },
    **{name: flag() for name in ("defcon", "offcon", "neucon", "concon", "asymm")},
    "specthrt": code(range(7), nullable=True),
    "statthr1": state(also=(0,), nullable=True),
    "statthr2": state(also=(0,), nullable=True),
    "conwtin": code(range(4), nullable=True),
    "milcon": code(range(4), nullable=True),
    "milaid": code(range(5), nullable=True),
    "intcom": flag(nullable=True),
    "subord": code(range(3), nullable=True),
    "organ1": code(range(4), nullable=True),
    "orgpurp1": code(range(6), nullable=True),
    "organ2": code(range(4), nullable=True),
    "orgpurp2": code(range(6), nullable=True),
    "base": code(range(4), nullable=True),
    "contrib": flag(nullable=True),
    "version": number(4, 5.99, required=False),
}
_BY_MEMBER: dict[str, Column] = {
    "termmode": code(range(7)),
    "termcaus": code(range(9), nullable=True),
    "obvary": flag(),
}
_MEMS = {
    f"mem{n}": state(also=NO_COW_CODE, nullable=n > 2, required=n <= 2)
    for n in range(1, MOST_MEMBERS + 1)
}
_ID = {"atopid": whole(1000, 9999)}
_BEGIN = {"begin": day(("begyr", "begmo", "begday"), unknown=True)}
_END = {"end": day(("endyr", "endmo", "endday"), nullable=True, unknown=True)}
_MEMBER = {"member": state(also=NO_COW_CODE), "phase": whole(0, 20)}
_ENTRY = {"entry": day(("yrent", "moent", "dayent"), unknown=True)}
_EXIT = {"exit": day(("yrexit", "moexit", "dayexit"), nullable=True, unknown=True)}
_KEY = ["atopid", "member", "phase", "entry"]

ALLIANCES = DataFrameSchema(
    _ID
    | {**_BEGIN, "begin_exact": Column("bool"), **_END, "end_exact": Column("bool")}
    | {**_OBLIGATIONS, "members": Column("object")},
    unique=["atopid"],
)
"""One row an alliance; ``members`` is the tuple of their codes in the order of the file."""

MEMBERS = DataFrameSchema(
    {**_ID, **_MEMBER}
    | {**_ENTRY, "entry_exact": Column("bool"), **_EXIT, "exit_exact": Column("bool")}
    | {**_OBLIGATIONS, **_BY_MEMBER},
    unique=_KEY,
)
"""One row a member and phase."""


def _in_force(end: str) -> Rule:
    """``ineffect`` says whether there is no end."""

    def rule(sheet: Sheet) -> Iterator[Problem]:
        none = sheet.table[end].isna()
        for line in sheet.table.index[none != (sheet.table["ineffect"] == 1)]:
            header = sheet.headers[end][0]
            yield sheet.problem(line, "ineffect", f"1 where {header} is 0, and 0 where it is not")

    return rule


def _phases(sheet: Sheet) -> Iterator[Problem]:
    """No phase is above the last one."""
    for line in sheet.table.index[sheet.table["phase"] > sheet.table["maxphase"]]:
        most = sheet.table.at[line, "maxphase"]
        yield sheet.problem(line, "phase", f"a phase no later than the last ({most}, maxphase)")


def _each_once(sheet: Sheet) -> Iterator[Problem]:
    """No member is named twice, and none is left out before another."""
    columns = [name for name in sheet.columns if name in _MEMS]
    members = sheet.table[columns]
    for column, before in zip(columns[1:], columns, strict=False):
        named = members[column].notna()
        for line in members.index[named & members[before].isna()]:
            yield sheet.problem(line, column, f"empty, as {before} is")
        again = members.loc[:, :before].eq(members[column], axis=0).fillna(False).any(axis=1)
        for line in members.index[named & again]:
            yield sheet.problem(line, column, "each member once")


ALLIANCE_LEVEL = Layout(
    "ATOP, alliance level",
    DataFrameSchema(_ID | _BEGIN | _END | _OBLIGATIONS | _MEMS),
    (once("atopid"), forwards("begin", "end"), _in_force("end"), _each_once),
)

MEMBER_LEVEL = Layout(
    "ATOP, member level",
    DataFrameSchema(_ID | _MEMBER | _ENTRY | _EXIT | _OBLIGATIONS | _BY_MEMBER),
    (
        once(*_KEY),
        forwards("entry", "exit"),
        _in_force("exit"),
        _phases,
        apart(["atopid", "member"], "entry", "exit", touching=True, branch="phase"),
    ),
)


_DYAD = ["ccode1", "ccode2", "year"]

DYADS = DataFrameSchema(
    {
        "ccode1": state("stateA", "mem1", also=NO_COW_CODE),
        "ccode2": state("stateB", "mem2", also=NO_COW_CODE),
        "year": year(first=1815),
        "atopally": flag(),
    }
    | {name: flag() for name in ("defense", "offense", "neutral", "nonagg", "consul")},
    unique=_DYAD,
)
"""One row a directed pair and year in which the first is bound to the second."""

DYAD_YEARS = Layout("ATOP, directed dyad-years", DYADS, (different(), once(*_DYAD)))


def _tidy(table: pd.DataFrame, start: str, end: str) -> pd.DataFrame:
    """Let no uncertain end come before its start, and write the version the same everywhere."""
    early = table[end] < table[start]
    table = table.assign(**{end: table[end].mask(early, table[start])})
    if "version" in table:
        table["version"] = table["version"].round(2)
    return table


def read_alliances(path: Path) -> pd.DataFrame:
    """Read the alliance level.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    pandas.DataFrame
        One row an alliance, as `ALLIANCES` says.
    """
    table = _tidy(read_layout(path, ALLIANCE_LEVEL)[1], "begin", "end")
    named = table[[name for name in _MEMS if name in table]].to_numpy(dtype=object, na_value=None)
    table["members"] = [tuple(int(m) for m in row if m is not None) for row in named]
    return in_order(table, ALLIANCES)


def read_members(path: Path) -> pd.DataFrame:
    """Read the member level.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    pandas.DataFrame
        One row a member and phase, as `MEMBERS` says.
    """
    return in_order(_tidy(read_layout(path, MEMBER_LEVEL)[1], "entry", "exit"), MEMBERS)


def read_dyads(path: Path) -> pd.DataFrame:
    """Read the directed dyad-years.

    Parameters
    ----------
    path : pathlib.Path
        The file, ``atop5_1ddyr.csv`` say.

    Returns
    -------
    pandas.DataFrame
        One row a directed pair and year, as `DYADS` says.
    """
    return in_order(read_layout(path, DYAD_YEARS)[1], DYADS)
