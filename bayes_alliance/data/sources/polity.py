"""Polity IV, 2015: the revised combined score ``polity2``.

Layout: ``ccode, year, polity2``, as in the project's own annual file (Polity 5 alike), whose other
columns are ignored.  -66, -77 and -88 (interruption, interregnum, transition) are missing, as is an
empty cell.

What is odd: the codes are the project's own where they are not COW's (364 for the Soviet Union);
`COW_CODE` turns them into COW's.  A state that changed its code within a year has two rows in it
(1922, say), of which the one of the code that goes on is kept; 7 rows go.  Three polities that COW
does not list keep their code: 89 (United Province of Central America), 99 (Gran Colombia), 564
(Orange Free State).

Marshall, Monty G., Ted Robert Gurr, and Keith Jaggers. 2017. "Polity IV Project: Political Regime
Characteristics and Transitions, 1800-2016." Vienna, VA: Center for Systemic Peace.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from pandera.pandas import DataFrameSchema

from bayes_alliance.data.sources.columns import state, whole, year
from bayes_alliance.data.sources.layout import Layout, in_order
from bayes_alliance.data.sources.layout import read as read_layout
from bayes_alliance.data.sources.rules import once

COW_CODE = {
    324: 325,  # Sardinia, Italy
    341: 347,  # Kosovo
    342: 345,  # Serbia, Yugoslavia
    347: 345,  # Serbia and Montenegro, Yugoslavia
    348: 341,  # Montenegro
    364: 365,  # Soviet Union, Russia
    525: 626,  # South Sudan
    529: 530,  # Ethiopia
    626: 625,  # Sudan without its south, Sudan
    769: 770,  # Pakistan with its east, Pakistan
    818: 816,  # Vietnam, North Vietnam
}
"""COW's code by Polity's, where they differ."""

AUSTRIA, AUSTRIA_HUNGARY, LAST_OF_HUNGARY = 305, 300, 1918
"""Polity has one code for what COW takes as two states."""

SCHEMA = DataFrameSchema(
    {
        "ccode": state(),
        "year": year(first=1800),
        "polity2": whole(-10, 10, missing=(-66, -77, -88), nullable=True),
    },
    unique=["ccode", "year"],
)

LAYOUT = Layout("Polity IV (annual scores)", SCHEMA, (once("ccode", "year"),))


def _recoded(table: pd.DataFrame) -> pd.DataFrame:
    """Give COW's codes, one row a state and year."""
    follows = table.groupby("ccode")["year"].shift(-1) == table["year"] + 1
    empire = (table["ccode"] == AUSTRIA) & (table["year"] <= LAST_OF_HUNGARY)
    codes = table["ccode"].map(lambda code: COW_CODE.get(code, code)).mask(empire, AUSTRIA_HUNGARY)
    table = table.assign(ccode=codes, follows=follows).sort_values(["ccode", "year", "follows"])
    return table.drop_duplicates(["ccode", "year"], keep="last")


def read(path: Path) -> pd.DataFrame:
    """Read regime scores.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    pandas.DataFrame
        One row a state and year, as `SCHEMA` says.
    """
    table = read_layout(path, LAYOUT)[1].sort_values(["ccode", "year"])
    return in_order(_recoded(table), SCHEMA)
