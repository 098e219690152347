"""Minimum distance between two states, from CShapes 2.0 by way of ``peacesciencer``.

Layout, in Parquet or CSV: ``ccode1, ccode2, year, mindist`` (km), each pair once, the lower code
first; 0 for states that touch.

What is odd: it begins in 1886, where the other sources begin in 1816.

Schvitz, Guy, Luc Girardin, Seraina Rüegger, Nils B. Weidmann, Lars-Erik Cederman, and Kristian
Skrede Gleditsch. 2022. "Mapping the International System, 1886-2019: The CShapes 2.0 Dataset."
Journal of Conflict Resolution 66: 144-161.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from pandera.pandas import DataFrameSchema

from bayes_alliance.data.sources.columns import number, state, year
from bayes_alliance.data.sources.layout import Layout, in_order
from bayes_alliance.data.sources.layout import read as read_layout
from bayes_alliance.data.sources.rules import ascending, once

SCHEMA = DataFrameSchema(
    {
        "ccode1": state(),
        "ccode2": state(),
        "year": year(first=1886),
        "mindist": number(0, 20040),
    },
    unique=["ccode1", "ccode2", "year"],
)

LAYOUT = Layout(
    "minimum distances (CShapes)", SCHEMA, (ascending(), once("ccode1", "ccode2", "year"))
)


def read(path: Path) -> pd.DataFrame:
    """Read minimum distances.

    Parameters
    ----------
    path : pathlib.Path
        The file; Parquet if it is named so.

    Returns
    -------
    pandas.DataFrame
        One row a pair and year, kilometres, as `SCHEMA` says.
    """
    return in_order(read_layout(path, LAYOUT)[1], SCHEMA)
