"""Interstate wars of the Correlates of War project, version 4, directed dyad-years.

Layout of ``peacesciencer``: ``warnum, ccode1, ccode2, year, cowinterongoing, cowinteronset``, for
each of the two states ``sidea, initiator, outcome, batdeath`` with 1 or 2 at the end, and
``resume``; -9 is missing deaths.  Canonical are ``ongoing`` and ``onset``.

What is odd: a war that was broken off and resumed (10, 13, 46, 148, 184) can have two rows for a
pair and year, told apart by ``resume``; those of the resumed part have no outcome.  ``sidea`` is 1
or 2, where the dispute data have 1 or 0.  Outcomes: 1 won, 2 lost, 3 compromise, 4 became another
type of war, 5 ongoing, 6 stalemate, 7 went on below the level of war, 8 changed sides.

Sarkees, Meredith Reid, and Frank Whelon Wayman. 2010. Resort to War: A Data Guide to Inter-State,
Extra-State, Intra-State, and Non-State Wars, 1816-2007. Washington: CQ Press.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from pandera.pandas import DataFrameSchema

from bayes_alliance.data.sources.columns import code, flag, state, whole, year
from bayes_alliance.data.sources.layout import Layout, in_order
from bayes_alliance.data.sources.layout import read as read_layout
from bayes_alliance.data.sources.rules import different, mirrored, once

_KEY = ["warnum", "ccode1", "ccode2", "year", "resume"]

SCHEMA = DataFrameSchema(
    {
        "warnum": whole(1, 9999),
        "ccode1": state(),
        "ccode2": state(),
        "year": year(),
        "ongoing": flag("cowinterongoing"),
        "onset": flag("cowinteronset"),
        **{
            f"{name}{side}": column
            for name, column in {
                "sidea": code((1, 2)),
                "initiator": flag(),
                "outcome": code(range(1, 9), nullable=True),
                "batdeath": whole(0, None, missing=(-9,)),
            }.items()
            for side in (1, 2)
        },
        "resume": flag(),
    },
    unique=_KEY,
)

LAYOUT = Layout(
    "Inter-State Wars (COW, directed dyad-years)", SCHEMA, (different(), once(*_KEY), mirrored)
)


def read(path: Path) -> pd.DataFrame:
    """Read interstate wars.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    pandas.DataFrame
        One row a war, directed pair and year, as `SCHEMA` says.
    """
    return in_order(read_layout(path, LAYOUT)[1], SCHEMA)
