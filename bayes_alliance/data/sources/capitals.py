"""Capitals and their coordinates, as ``peacesciencer`` publishes them.

Layout: ``ccode, statenme, capital, stdate, enddate, lat, lng``, dates as YYYY-MM-DD.

What is odd: spells run over whole years and not over the state's membership, so that Mecklenburg's
capital of 1837 lasts until the end of the data (2024-12-31) although the state does not; the
coordinates of Brasilia are those of Brazil's middle, some 800 km from the city.

Miller, Steven V. 2022. "peacesciencer: An R Package for Quantitative Peace Science Research."
Conflict Management and Peace Science 39: 755-779.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from pandera.pandas import DataFrameSchema

from bayes_alliance.data.sources.columns import day, number, state, text
from bayes_alliance.data.sources.layout import Layout, in_order
from bayes_alliance.data.sources.layout import read as read_layout
from bayes_alliance.data.sources.rules import apart, forwards

SCHEMA = DataFrameSchema(
    {
        "ccode": state(),
        "capital": text(),
        "start": day("stdate"),
        "end": day("enddate"),
        "lat": number(-90, 90, "latitude"),
        "lng": number(-180, 180, "lon", "longitude"),
    },
    unique=["ccode", "start"],
)

LAYOUT = Layout(
    "the list of capitals (peacesciencer)",
    SCHEMA,
    (forwards("start", "end"), apart(["ccode"], "start", "end")),
)


def read(path: Path) -> pd.DataFrame:
    """Read the spells of capitals.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    pandas.DataFrame
        One row a state and spell, coordinates in degrees, as `SCHEMA` says.
    """
    return in_order(read_layout(path, LAYOUT)[1], SCHEMA)
