"""What each case ended in, and the same designs followed to the end of observation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from bayes_alliance.data.load import Data
from bayes_alliance.process.cells import PARTNERS, REFUSED, STRONG
from bayes_alliance.process.containers import outcome_codes
from bayes_alliance.process.survival import OBSERVED_UNTIL

REACH = PARTNERS + STRONG / 2 + (np.arange(len(STRONG)) > 0)  # (cell,)
"""Order of designs by how much they bind: more partners first, then strength."""


def designs(data: Data) -> pd.Series:
    """Cell that each case ended in: of a refused proposal, its most inclusive fallback.

    Parameters
    ----------
    data : Data
        Validated tables.

    Returns
    -------
    pandas.Series of int
        Cell by case, in the order of the cases.
    """
    code = outcome_codes(data.episodes["outcome"])
    frame = pd.DataFrame(
        {"case": data.episodes["case"], "cell": np.where(code == REFUSED, 0, code)}
    )
    frame["reach"] = REACH[frame["cell"]]
    best = frame.sort_values("reach", kind="stable").groupby("case", sort=False)["cell"].last()
    return best.reindex(list(dict.fromkeys(data.episodes["case"])))


def open_ended(data: Data) -> Data:
    """The same data with every design lasting to the end of observation.

    Parameters
    ----------
    data : Data
        Validated tables.

    Returns
    -------
    Data
        Tables whose designs have no end of their own; where threat is not recorded, its last
        values go on.
    """
    episodes = data.episodes.copy()
    alive = episodes["start"].notna()
    episodes["end"] = pd.Series(pd.NaT, index=episodes.index, dtype="datetime64[ns]")
    episodes["ended"] = episodes["ended"].where(~alive, "in_force")
    carried = []
    for place, rows in data.years.groupby(["patron", "theatre"], sort=False):
        every = pd.RangeIndex(rows["year"].min(), OBSERVED_UNTIL.year, name="year")
        rows = rows.sort_values("year").set_index("year").reindex(every, method="ffill")
        carried.append(rows.reset_index().assign(patron=place[0], theatre=place[1]))
    years = pd.concat(carried, ignore_index=True)[data.years.columns.tolist()]
    return replace(data, episodes=episodes, years=years)
