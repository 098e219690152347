"""The latest indicators of every state against the powers of today.

Scenarios take from this table what they do not give themselves. "Latest" is what the sources give
last, carried to the first year that has not been observed.
"""

from __future__ import annotations

import functools

import pandas as pd

from bayes_alliance.bundled import bundled
from bayes_alliance.data import columns as c
from bayes_alliance.data.asymmetric import LAST_YEAR, client_columns
from bayes_alliance.data.universe_schema import LATEST, POWERS
from bayes_alliance.data.validate import read_table


def latest_table(data: c.Published) -> pd.DataFrame:
    """Compute the latest indicators.

    Parameters
    ----------
    data : Published
        Published data.

    Returns
    -------
    pandas.DataFrame
        One row a state that exists and a power other than itself. Disputes are those of the last
        ten years that their source covers, since it covers none of the ten before the decision.
    """
    year, covered = LAST_YEAR + 1, data.last["gml"] + 1
    rows = []
    for client in c.states(data, year):
        for power in POWERS:
            adversary = data.codes[power]
            if adversary == client:
                continue
            rows.append(
                {"client": data.names[client], "adversary": power}
                | client_columns(data, adversary, client, year)
                | {"disputes": c.territorial_disputes(data, adversary, client, covered)}
            )
    return pd.DataFrame(rows)


@functools.cache
def latest() -> pd.DataFrame:
    """Read the bundled table.

    Returns
    -------
    pandas.DataFrame
        Indexed by client and adversary; treat it as read-only.
    """
    table = read_table(bundled("data", "latest.csv"), LATEST)
    return table.set_index(["client", "adversary"])
