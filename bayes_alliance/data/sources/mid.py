"""Militarized Interstate Disputes 5.0 of the Correlates of War project, directed dyad-years.

Layout of ``peacesciencer``: ``dispnum, ccode1, ccode2, year, dispongoing, disponset`` and, for each
of the two states, ``sidea, fatality, fatalpre, hiact, hostlev, orig`` with 1 or 2 at the end; -9 is
missing.  Canonical are ``ongoing`` and ``onset``, as in the other dyadic tables.

What is odd: every row has a counterpart with the states exchanged; deaths are missing for almost
half the rows (``fatalpre``).  Hostility (``hostlev``) is 1 where a state did nothing itself.  A row
that repeats another in every column is left out, and said in a note.

Palmer, Glenn, Roseanne W. McManus, Vito D'Orazio, Michael R. Kenwick, Mikaela Karstens, Chase
Bloch, Nick Dietrich, Kayla Kahn, Kellan Ritter, and Michael J. Soules. 2021. "The MID5 Dataset,
2011-2014: Procedures, Coding Rules, and Description." Conflict Management and Peace Science 39:
470-482.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from pandera.pandas import Column, DataFrameSchema

from bayes_alliance.data.sources.columns import code, flag, state, whole, year
from bayes_alliance.data.sources.layout import Layout, in_order
from bayes_alliance.data.sources.layout import read as read_layout
from bayes_alliance.data.sources.rules import different, mirrored, once

KEY = ["dispnum", "ccode1", "ccode2", "year"]
RULES = (different(), once(*KEY), mirrored)


def fields(prefix: str) -> dict[str, Column]:
    """Columns that this source and Gibler, Miller and Little's share.

    Parameters
    ----------
    prefix : str
        How the source begins the names of ``ongoing`` and ``onset``.

    Returns
    -------
    dict
        Column by name.
    """
    return {
        "dispnum": whole(1, 99999, "disno", "dispnum3", "dispnum4", "dispnum5"),
        "ccode1": state("statea"),
        "ccode2": state("stateb"),
        "year": year(),
        "ongoing": flag(f"{prefix}ongoing", "cowmidongoing", "gmlmidongoing"),
        "onset": flag(f"{prefix}onset", "cowmidonset", "gmlmidonset"),
        **{
            f"{name}{side}": column
            for name, column in {
                "sidea": flag(),
                "fatality": code(range(7), missing=(-9,)),
                "fatalpre": whole(0, None, missing=(-9,)),
                "hiact": code(range(22), missing=(-9,)),
                "hostlev": code(range(1, 6), missing=(-9,)),
                "orig": flag(),
            }.items()
            for side in (1, 2)
        },
    }


SCHEMA = DataFrameSchema(fields("disp"), unique=KEY)

LAYOUT = Layout(
    "Militarized Interstate Disputes (COW, directed dyad-years)",
    SCHEMA,
    RULES,
    repeats=True,
)


def read(path: Path) -> pd.DataFrame:
    """Read disputes.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    pandas.DataFrame
        One row a dispute, directed pair and year, as `SCHEMA` says.
    """
    return in_order(read_layout(path, LAYOUT)[1], SCHEMA)
