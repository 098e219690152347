"""What could move the design of a decision, and how far each has moved in the data.

A mover is one thing that an analyst could see change: an indicator of the clients (of all of them
together), a component of threat, the clients' promises to each other, who presses for a common
design, the stated threat. Numbers go from the 5th to the 95th percentile of the data of the fits,
categories and yes or no from one end to the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from pandera.pandas import Column

from bayes_alliance.data.load import Data
from bayes_alliance.data.schema import TABLES, bounds, meta
from bayes_alliance.forecast.inputs import RATIOS
from bayes_alliance.forecast.levers import Intervention
from bayes_alliance.forecast.path import COLUMNS as THREAT
from bayes_alliance.forecast.promises import Promises
from bayes_alliance.forecast.scenario import Scenario
from bayes_alliance.process.cells import COMMITMENTS

OF_CLIENTS = (
    *("occupied", "disputes", "fear", "land_access", "distance_km", "capability_ratio"),
    *("patron_ratio", "polyarchy_gap"),
)
"""Indicators of clients that some theory reads."""
OF_EPISODES = {"statement": "threat_statement", "initiative": "initiative"}
EDGES = (0.05, 0.95)
STEPS = 5
"""Values of a number that are looked at."""


@dataclass(frozen=True)
class Mover:
    """One thing that could move a design.

    Parameters
    ----------
    name : str
        ``clients.<column>``, ``threat.<column>``, ``promises``, ``statement`` or ``initiative``.
    values : tuple
        What it is set to, in order.
    log : bool
        Whether the values are evenly spaced on a log scale.
    """

    name: str
    values: tuple[Any, ...]
    log: bool = False

    @property
    def group(self) -> str:
        """``clients``, ``threat``, or the name where it stands alone."""
        return self.name.partition(".")[0]


def movers_of(data: Data) -> tuple[Mover, ...]:
    """Give everything that could move a design, with its range in the data.

    Parameters
    ----------
    data : Data
        Tables of the fits.

    Returns
    -------
    tuple of Mover
        Those of which the data have two values or more.
    """
    clients, episodes = TABLES["clients"].columns, TABLES["episodes"].columns
    found = [Mover("promises", COMMITMENTS)]
    found += [_mover(f"clients.{k}", data.clients[k], clients[k]) for k in OF_CLIENTS]
    found += [_mover(f"threat.{k}", data.years[k], column) for k, column in THREAT.items()]
    found += [_mover(k, data.episodes[of], episodes[of]) for k, of in OF_EPISODES.items()]
    return tuple(one for one in found if len(one.values) > 1)


def _mover(name: str, known: pd.Series, column: Column) -> Mover:
    """Range of a column; no values where the data have none."""
    about = meta(column)
    if not known.notna().any():
        return Mover(name, ())
    if about["kind"] == "category":
        return Mover(name, tuple(about["codes"]))
    low, high = known.astype(float).quantile(EDGES)
    if bounds(column) == (0, 1) and about["kind"] == "integer":
        return Mover(name, (0, 1))
    if about["kind"] == "integer":
        whole = np.unique(np.rint(np.linspace(low, high, STEPS)))
        return Mover(name, tuple(int(v) for v in whole))
    log = name.partition(".")[2] in RATIOS and low > 0
    steps = np.geomspace(low, high, STEPS) if log else np.linspace(low, high, STEPS)
    return Mover(name, tuple(float(v) for v in np.unique(steps)), log)


def put(scenario: Scenario, values: Mapping[str, Any]) -> Scenario:
    """Set movers to values, for all clients and in all years.

    Parameters
    ----------
    scenario : Scenario
        What is supposed else.
    values : mapping of str to object
        Value by the name of the mover.

    Returns
    -------
    Scenario
        The changed scenario.
    """
    changes: dict[str, Any] = {}
    for name, value in values.items():
        where, _, column = name.partition(".")
        if name == "initiative":
            scenario = replace(scenario, initiative=value)
        elif name == "promises":
            sure = {level: float(level == value) for level in COMMITMENTS}
            changes["commitment"] = Promises(sure)
        elif where == "clients":
            changes |= {f"clients.{client}.{column}": value for client in scenario.clients}
        else:
            changes[name] = value
    if not changes:
        return scenario
    last = Intervention(scenario.year, scenario.horizon, changes, "Set to ask what it would move.")
    return replace(scenario, interventions=(*scenario.interventions, last))
