"""Gibler, Miller and Little's militarized disputes 2.2, directed dyad-years.

Layout of ``peacesciencer``: that of `bayes_alliance.data.sources.mid` with ``midongoing`` and
``midonset``, and with ``revstate1, revstate2`` (whether a state sought to change something) and two
``revtype`` a state: 11 and 21 are the first and second of state 1, 12 and 22 those of state 2.
They are 0 for none, 1 territory, 2 policy, 3 regime, 4 other, and -9 for missing or none.  Added is
``territory``: whether any of the four is territory; a missing one counts as another.

What is odd: a second type is -9, not 0, for most states that had only one; ``stmon`` and ``endmon``
(not read) hold a month 13 and a month 19; the published file repeats two rows.

Gibler, Douglas M., Steven V. Miller, and Erin K. Little. 2016. "An Analysis of the Militarized
Interstate Dispute (MID) Dataset, 1816-2001." International Studies Quarterly 60: 719-730.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from pandera.pandas import Column, DataFrameSchema

from bayes_alliance.data.sources.columns import code
from bayes_alliance.data.sources.layout import Layout, in_order
from bayes_alliance.data.sources.layout import read as read_layout
from bayes_alliance.data.sources.mid import KEY, RULES, fields

TERRITORY = 1

_PUBLISHED = DataFrameSchema(
    fields("mid")
    | {f"revstate{side}": code((0, 1), missing=(-9,)) for side in (1, 2)}
    | {f"revtype{rank}{side}": code(range(5), missing=(-9,)) for rank in (1, 2) for side in (1, 2)}
)

SCHEMA = DataFrameSchema(_PUBLISHED.columns | {"territory": Column("bool")}, unique=KEY)

LAYOUT = Layout(
    "Gibler, Miller and Little's disputes (directed dyad-years)",
    _PUBLISHED,
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
    table = read_layout(path, LAYOUT)[1]
    types = table.filter(regex="^revtype")
    table["territory"] = types.eq(TERRITORY).fillna(False).any(axis=1).astype("bool")
    return in_order(table, SCHEMA)
