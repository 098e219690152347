"""Deployed troops of the United States, as ``troopdata`` publishes them.

Layout: ``countryname, ccode, iso3c, year, troops, region``; only code, year and troops are read.

What is odd: places that are no states have codes from 1001 on (1003 afloat, 1099 unknown), and
some states have rows there besides (Montenegro, Taiwan, South Sudan, Seychelles); Puerto Rico is 6;
the troops at home are those of code 2; Ethiopia is 530, but 529 in 2022 and 2023; both German codes
have a row in 1990.

Allen, Michael A., Michael E. Flynn, and Carla Martinez Machain. 2021. "Global U.S. Military
Deployment Data: 1950-2020." Conflict Management and Peace Science 39: 351-370.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from pandera.pandas import DataFrameSchema

from bayes_alliance.data.sources.columns import state, whole, year
from bayes_alliance.data.sources.layout import Layout, in_order
from bayes_alliance.data.sources.layout import read as read_layout
from bayes_alliance.data.sources.rules import once

NO_STATES = range(1001, 1100)
"""Codes of territories, ships and unknown places."""

SCHEMA = DataFrameSchema(
    {"ccode": state(also=NO_STATES), "year": year(first=1950), "troops": whole(0, None)},
    unique=["ccode", "year"],
)

LAYOUT = Layout("deployed troops of the United States", SCHEMA, (once("ccode", "year"),))


def read(path: Path) -> pd.DataFrame:
    """Read deployed troops.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    pandas.DataFrame
        One row a place and year, as `SCHEMA` says.
    """
    return in_order(read_layout(path, LAYOUT)[1], SCHEMA)
