"""Draws of all that a scenario supposes, year by year.

A value that is not known for certain is drawn once a draw: it is the same in all years in which it
holds. The draws of a value depend on the seed and on where in the file the value stands, and on
nothing else, so that two scenarios that share it share its draws.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from bayes_alliance.data.schema import meta
from bayes_alliance.forecast.clients import COLUMNS
from bayes_alliance.forecast.inputs import Beta, Distribution, Value
from bayes_alliance.forecast.path import COLUMNS as THREAT
from bayes_alliance.forecast.promises import Promises
from bayes_alliance.forecast.scenario import Scenario
from bayes_alliance.process.cells import COMMITMENTS

Held = dict[str, tuple[str, Value | Promises]]
"""By key, where in the file the value that holds stands, and the value."""


def holds(scenario: Scenario, year: int) -> Held:
    """Values that hold in a year: interventions come before the path, and it before the rest.

    Parameters
    ----------
    scenario : Scenario
        What is supposed.
    year : int
        A year from the first to the horizon.

    Returns
    -------
    dict
        By key (``clients.<state>.<column>``, ``threat.<column>``, ``commitment``,
        ``statement``): where the value stands, and the value.
    """
    promised = Promises(scenario.commitment, scenario.certainty)
    out: Held = {
        "commitment": ("commitment", promised),
        "statement": ("statement", scenario.statement),
    }
    for client, row in scenario.clients.items():
        out |= {f"clients.{client}.{k}": (f"clients.{client}.{k}", v) for k, v in row.items()}
    out |= {f"threat.{k}": (f"threat.{k}", v) for k, v in scenario.threat.items()}
    for column, values in scenario.path.items():
        past = [y for y in values if y <= year]
        if past:
            out[f"threat.{column}"] = f"path.{column}.{max(past)}", values[max(past)]
    for i, one in enumerate(scenario.interventions, start=1):
        if one.first <= year <= one.last:
            out |= {key: (f"interventions.{i}.{key}", v) for key, v in one.values.items()}
    return out


def sample(scenario: Scenario, draws: int = 1000, seed: int = 0) -> xr.Dataset:
    """Draw all inputs of a scenario.

    Parameters
    ----------
    scenario : Scenario
        What is supposed.
    draws : int
        Number of draws.
    seed : int
        Seed.

    Returns
    -------
    xarray.Dataset
        Columns of ``clients.csv`` with dims ``draw, year, client``; ``threat_<column>`` (missing
        where the panel's last value is carried on) and ``statement`` with dims ``draw, year``;
        ``commitment``, the probabilities of the levels, with dims ``draw, year,
        commitment_level``; ``share`` with dims ``draw``, uniform where the scenario has none.
    """

    def take(origin: str, value: Value | Promises) -> Any:
        rng = np.random.default_rng([seed, zlib.crc32(origin.encode())])
        if isinstance(value, Promises):
            return value.draw(rng, draws)
        return value.quantile(rng.random(draws)) if isinstance(value, Distribution) else value

    share = take("share", Beta(1, 1) if scenario.share is None else scenario.share)
    made = _dataset(scenario, draws, take)
    return made.assign(share=("draw", np.broadcast_to(share, draws).astype(float)))


def central(scenario: Scenario) -> xr.Dataset:
    """Give the middle of all inputs: medians of numbers, likeliest categories.

    Parameters
    ----------
    scenario : Scenario
        What is supposed.

    Returns
    -------
    xarray.Dataset
        As `sample` gives it, without the dimension ``draw`` and without ``share``.
    """

    def take(origin: str, value: Value | Promises) -> Any:
        if isinstance(value, Promises):
            return [value.p[level] for level in COMMITMENTS]
        return value.centre if isinstance(value, Distribution) else value

    return _dataset(scenario, 1, take).isel(draw=0)


def settled(scenario: Scenario) -> Scenario:
    """Make a scenario that holds the middle of each input for certain; its share stays uncertain.

    Parameters
    ----------
    scenario : Scenario
        What is supposed.

    Returns
    -------
    Scenario
        The same without distributions of the inputs.
    """

    def middle(value: Any) -> Any:
        if isinstance(value, Promises):
            return replace(value, certainty=None)
        return value.centre if isinstance(value, Distribution) else value

    def each(values: Mapping[Any, Any]) -> dict[Any, Any]:
        return {key: middle(value) for key, value in values.items()}

    return replace(
        scenario,
        certainty=None,
        statement=middle(scenario.statement),
        clients={client: each(row) for client, row in scenario.clients.items()},
        threat=each(scenario.threat),
        path={column: each(values) for column, values in scenario.path.items()},
        interventions=tuple(replace(i, values=each(i.values)) for i in scenario.interventions),
    )


def certain(scenario: Scenario) -> bool:
    """Tell whether nothing that a scenario supposes of the inputs is a distribution.

    Parameters
    ----------
    scenario : Scenario
        What is supposed.

    Returns
    -------
    bool
        Whether all draws are the same; the share does not count.
    """
    return not any(
        isinstance(v, Distribution) or (isinstance(v, Promises) and v.certainty is not None)
        for year in range(scenario.year, scenario.horizon + 1)
        for _, v in holds(scenario, year).values()
    )


def _dataset(scenario: Scenario, draws: int, take: Callable[[str, Any], Any]) -> xr.Dataset:
    """Put values by year into arrays; each value is taken once."""
    years = list(range(scenario.year, scenario.horizon + 1))
    names = list(scenario.clients)
    shape = (draws, len(years))
    out: dict[str, np.ndarray] = {
        "statement": np.full(shape, None, dtype=object),
        "commitment": np.empty((*shape, len(COMMITMENTS))),
    }
    out |= {k: _empty((*shape, len(names)), column) for k, column in COLUMNS.items()}
    taken: dict[str, Any] = {}
    for i, year in enumerate(years):
        for key, (origin, value) in holds(scenario, year).items():
            if origin not in taken:
                taken[origin] = take(origin, value)
            found = taken[origin]
            where, _, rest = key.partition(".")
            if found is None:
                continue
            if where == "clients":
                client, _, column = rest.partition(".")
                out[column][:, i, names.index(client)] = found
            elif where == "threat":
                out.setdefault(f"threat_{rest}", _empty(shape, THREAT[rest]))[:, i] = found
            else:
                out[key][:, i] = found
    dims = {2: ("draw", "year"), 3: ("draw", "year", "client")}
    variables = {name: (dims[array.ndim], array) for name, array in out.items()}
    variables["commitment"] = (("draw", "year", "commitment_level"), out["commitment"])
    coords = {"year": years, "client": names, "commitment_level": list(COMMITMENTS)}
    return xr.Dataset(variables, coords=coords)


def _empty(shape: tuple[int, ...], column: Any) -> np.ndarray:
    """Nothing known yet, in the type of a column."""
    text = meta(column)["kind"] == "category"
    return np.full(shape, None, dtype=object) if text else np.full(shape, np.nan)
