"""National Material Capabilities of the Correlates of War project, versions 5 to 7.

Published as ``NMC-60-abridged.csv`` and the like: ``stateabb, ccode, year, milex, milper, irst,
pec, tpop, upop, cinc, version``, with -9 for missing; the re-export of ``peacesciencer`` leaves
missing cells empty and has neither ``stateabb`` nor ``version``.

What is odd: the shares of a year sum to between 1 and 1.075, as those of some states are revised
alone; the urban population of Sweden in 2001 and Singapore in 1998 is above the total; Morocco in
1912 has populations that are not whole thousands, and nothing else but an index.

Singer, J. David. 1987. "Reconstructing the Correlates of War Dataset on Material Capabilities of
States, 1816-1985." International Interactions 14: 115-132.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from pandera.pandas import DataFrameSchema

from bayes_alliance.data.sources.columns import number, state, year
from bayes_alliance.data.sources.layout import Layout, in_order
from bayes_alliance.data.sources.layout import read as read_layout
from bayes_alliance.data.sources.rules import once

SCHEMA = DataFrameSchema(
    {
        "ccode": state(),
        "year": year(),
        **{
            name: number(0, None, missing=(-9,), nullable=True)
            for name in ("milex", "milper", "irst", "pec", "tpop", "upop")
        },
        "cinc": number(0, 1, missing=(-9,), nullable=True),
    },
    unique=["ccode", "year"],
)
"""Expenditure (thousand of the day's pounds or dollars), personnel (thousand), iron and steel
(thousand tons), energy (thousand coal-ton equivalents), population and urban population (thousand),
and the composite index."""

LAYOUT = Layout("National Material Capabilities", SCHEMA, (once("ccode", "year"),))


def read(path: Path) -> pd.DataFrame:
    """Read capabilities.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    pandas.DataFrame
        One row a state and year, as `SCHEMA` says.
    """
    return in_order(read_layout(path, LAYOUT)[1], SCHEMA)
