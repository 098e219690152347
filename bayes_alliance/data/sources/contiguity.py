"""Direct contiguity of the Correlates of War project, version 3.2.

Three layouts give one table of directed spells:

- ``contdir.csv``: ``statelno, statehno, conttype, begin, end``, months as YYYYMM, each pair once;
- its re-export by ``peacesciencer``: ``ccode1, ccode2, conttype, stdate, enddate``, both
  directions, months as their first day;
- ``contdird.csv``: ``state1no, state2no, year, conttype``, both directions by year.

``conttype`` is 1 for a land border and 2 to 5 for no more than 12, 24, 150 and 400 miles of water.
A spell lasts from the first day of its first month (or year) to the last day of its last one.

What is odd: the re-export has spells of a type 0, not contiguous, that are left out here (they
overlap the others).  A spell may begin in the month in which the one before ends, so that both
types hold in it: take the least.  An end in the last month of the data (2016-12) is none.

Stinnett, Douglas M., Jaroslav Tir, Philip Schafer, Paul F. Diehl, and Charles Gochman. 2002. "The
Correlates of War Project Direct Contiguity Data, Version 3." Conflict Management and Peace
Science 19: 58-66.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
from pandera.pandas import DataFrameSchema

from bayes_alliance.data.sources.columns import code, day, state, year
from bayes_alliance.data.sources.layout import Layout, Rule, Sheet, in_order
from bayes_alliance.data.sources.layout import read as read_layout
from bayes_alliance.data.sources.rules import apart, ascending, different, forwards, mirrored, once
from bayes_alliance.data.validate import Problem

_PAIR = ["ccode1", "ccode2"]
_MONTHS = {"start": day("stdate", "begin"), "end": day("enddate")}


def _spell_rules(*pair: str) -> tuple[Rule, ...]:
    """Rules of spells; those of type 0 may lie under others."""
    follow = apart(pair, "start", "end", touching=True)

    def apart_but_for_none(sheet: Sheet) -> Iterator[Problem]:
        return follow(replace(sheet, table=sheet.table[sheet.table["conttype"] > 0]))

    return forwards("start", "end"), once(*pair, "start"), apart_but_for_none


SCHEMA = DataFrameSchema(
    {"ccode1": state(), "ccode2": state(), "conttype": code(range(1, 6)), **_MONTHS},
    unique=[*_PAIR, "start"],
)

DIRECTED = Layout(
    "Direct Contiguity (directed spells)",
    DataFrameSchema(
        {
            "ccode1": state("state1no"),
            "ccode2": state("state2no"),
            "conttype": code(range(6)),
            **_MONTHS,
        }
    ),
    (different(), *_spell_rules(*_PAIR), mirrored),
)

UNDIRECTED = Layout(
    "Direct Contiguity (contdir, undirected spells)",
    DataFrameSchema(
        {
            "statelno": state(),
            "statehno": state(),
            "conttype": code(range(6)),
            **_MONTHS,
        }
    ),
    (ascending("statelno", "statehno"), *_spell_rules("statelno", "statehno")),
)

YEARLY = Layout(
    "Direct Contiguity (contdird, directed years)",
    DataFrameSchema(
        {
            "ccode1": state("state1no"),
            "ccode2": state("state2no"),
            "year": year(),
            "conttype": code(range(6)),
        }
    ),
    (different(), once(*_PAIR, "year"), mirrored),
)


def _both_directions(table: pd.DataFrame) -> pd.DataFrame:
    there = table.rename(columns={"statelno": "ccode1", "statehno": "ccode2"})
    back = table.rename(columns={"statelno": "ccode2", "statehno": "ccode1"})
    return pd.concat([there, back])


def _spells(table: pd.DataFrame) -> pd.DataFrame:
    """Join the years in a row in which a pair has the same type."""
    table = table.sort_values([*_PAIR, "conttype", "year"])
    before = table.groupby([*_PAIR, "conttype"])["year"].shift()
    spell = (table["year"] != before + 1).cumsum()
    joined = table.groupby(spell).agg(
        ccode1=("ccode1", "first"),
        ccode2=("ccode2", "first"),
        conttype=("conttype", "first"),
        start=("year", "min"),
        end=("year", "max"),
    )
    for column, month, day_of_month in (("start", 1, 1), ("end", 12, 31)):
        parts = {"year": joined[column], "month": month, "day": day_of_month}
        joined[column] = pd.to_datetime(pd.DataFrame(parts)).astype("datetime64[ns]")
    return joined


def read(path: Path) -> pd.DataFrame:
    """Read spells of contiguity.

    Parameters
    ----------
    path : pathlib.Path
        The file, in any of the three layouts.

    Returns
    -------
    pandas.DataFrame
        One row a directed pair and spell, as `SCHEMA` says.
    """
    layout, table = read_layout(path, DIRECTED, UNDIRECTED, YEARLY)
    table = table[table["conttype"] > 0]
    if layout is YEARLY:
        table = _spells(table)
    else:
        table = table.assign(end=table["end"] + pd.offsets.MonthEnd(0))
    if layout is UNDIRECTED:
        table = _both_directions(table)
    return in_order(table, SCHEMA)
