"""State system membership of the Correlates of War project, 2016.

Published as ``states2016.csv``: ``stateabb, ccode, statenme, styear, stmonth, stday, endyear,
endmonth, endday, version``; `bayes_alliance.data.sources.majors` has the same dates.

What is odd: a state that still existed when the list was made ends on its last day (2016-12-31),
so an end on that day is none.  Abbreviations and codes never change over a state's spells.

Correlates of War Project. 2017. "State System Membership List, v2016." Online,
https://correlatesofwar.org.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from pandera.pandas import DataFrameSchema

from bayes_alliance.data.sources.columns import day, state, text
from bayes_alliance.data.sources.layout import Layout, in_order
from bayes_alliance.data.sources.layout import read as read_layout
from bayes_alliance.data.sources.rules import apart, forwards

SCHEMA = DataFrameSchema(
    {
        "ccode": state(),
        "stateabb": text(pattern="[A-Z]{3}", expected="three capital letters"),
        "statenme": text(),
        "start": day(("styear", "stmonth", "stday")),
        "end": day(("endyear", "endmonth", "endday")),
    },
    unique=["ccode", "start"],
)

LAYOUT = Layout(
    "the list of states (COW state system membership)",
    SCHEMA,
    (forwards("start", "end"), apart(["ccode"], "start", "end")),
)


def read(path: Path) -> pd.DataFrame:
    """Read the spells of states.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    pandas.DataFrame
        One row a state and spell, as `SCHEMA` says.
    """
    return in_order(read_layout(path, LAYOUT)[1], SCHEMA)
