"""How long a design would last, if it were made in a scenario's first year.

    S(t) = sum_c Pr(c) exp(- int_0^t h_c(u) du)

with h_c the theory's hazard of a design whose clients had promised each other c, averaged over what
the scenario says of c. The threat of each year is the scenario's up to the horizon; its last values
go on from there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr
from cachetools import LRUCache, cached

from bayes_alliance.data.load import Data
from bayes_alliance.forecast.forecast import READERS, contents, draws_for, form_of, seen_levels
from bayes_alliance.forecast.sample import central
from bayes_alliance.forecast.scenario import Scenario
from bayes_alliance.forecast.tables import scenario_data, yearly_data
from bayes_alliance.process.cells import CELLS, COMMITMENTS
from bayes_alliance.process.containers import arrays, threat_history
from bayes_alliance.process.integrated import LATENT, quantities
from bayes_alliance.process.survival import AGE_BREAKS
from bayes_alliance.storage import data_of, priors_of
from bayes_alliance.theories import build

YEARS = 30
"""Years that are looked at."""
DESIGNS = tuple(cell for cell in CELLS if cell != "none")


def lasting(
    tree: xr.DataTree, scenario: Scenario, draws: int = 1000, years: int = YEARS
) -> xr.DataArray:
    """Probability that a design made in the first year still stands.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.
    scenario : Scenario
        What is asked; of uncertain inputs the middle is taken, and all of the promises.
    draws : int
        About how many draws to use.
    years : int
        Years to look at.

    Returns
    -------
    xarray.DataArray, dims draw, cell, age
        From age 0 (1) to ``years``, for every design but ``none``.
    """
    base, inputs = data_of(tree), central(scenario)
    copies = [(cell, level) for cell in DESIGNS for level in COMMITMENTS]
    data = _copied(scenario_data(scenario, base, inputs), copies)
    levels = seen_levels(tree, base)
    model, hazard = _reader(tree, data, levels)
    panel = yearly_data(scenario, base, inputs).years
    holds = contents(arrays(data, levels)) | lives(panel, scenario, len(copies), years)
    posterior = draws_for(model, tree, scenario, draws)
    if LATENT in model.named_vars:
        dims = model.named_vars_to_dims[LATENT]
        shape = [posterior.sizes[d] for d in ("chain", "draw")]
        shape += [len(model.coords[d]) for d in dims]
        z = np.random.default_rng(tree.attrs["seed"]).standard_normal(shape)
        posterior[LATENT] = (("chain", "draw", *dims), z)
    found = hazard(posterior, holds)["hazard"].to_numpy()
    yearly = found.reshape(-1, len(DESIGNS), len(COMMITMENTS), years)
    total = np.cumsum(yearly, axis=-1)
    standing = np.exp(-np.concatenate([np.zeros((*total.shape[:-1], 1)), total], axis=-1))
    promised = inputs["commitment"].isel(year=0).to_numpy().astype(float)  # (level,)
    return xr.DataArray(
        np.einsum("dcla,l->dca", standing, promised),
        dims=("draw", "cell", "age"),
        coords={"cell": list(DESIGNS), "age": np.arange(years + 1)},
    )


@cached(LRUCache(READERS), key=form_of, lock=threading.Lock())
def _reader(
    tree: xr.DataTree, data: Data, levels: dict[str, list[str]]
) -> tuple[pm.Model, Callable[..., xr.Dataset]]:
    """A theory's model of designs of a scenario, and their hazard at draws."""
    model = build(tree.attrs["theory"], data, priors_of(tree), levels)
    return model, quantities(model, {"hazard": model["hazard"]}, "hazard")


def _copied(data: Data, copies: list[tuple[str, str]]) -> Data:
    """The one episode once for each design and promise."""
    names = [f"{cell} {level}" for cell, level in copies]
    changes = {"outcome": [c for c, _ in copies], "commitment": [level for _, level in copies]}
    episodes = data.episodes.iloc[[0] * len(names)].reset_index(drop=True)
    for column, values in {"episode": names, "case": names, **changes}.items():
        episodes[column] = pd.Series(values).astype(data.episodes.dtypes[column])
    clients = pd.concat([data.clients.assign(episode=name) for name in names], ignore_index=True)
    return Data(data.name, episodes, clients, data.years, data.codings)


def lives(
    panel: pd.DataFrame, scenario: Scenario, designs: int, years: int
) -> dict[str, np.ndarray]:
    """Every design's life of so many years, under the threat of each.

    Parameters
    ----------
    panel : pandas.DataFrame
        Years of the scenario.
    scenario : Scenario
        What is asked.
    designs, years : int
        Their numbers.

    Returns
    -------
    dict of str to numpy.ndarray
        Contents of containers, with the lengths of two dimensions.
    """
    last = scenario.year + years
    threat = panel.sort_values("year").set_index("year")
    threat = threat.reindex(range(int(threat.index[0]), last), method="ffill").reset_index()
    history = {name: values[-years:] for name, values in threat_history(threat).items()}
    age = np.searchsorted(AGE_BREAKS, np.arange(years) + 1e-6, side="right")
    rows = designs * years
    return {
        "year_episode": np.repeat(np.arange(designs), years),
        "year_age": np.tile(age, designs).astype(np.int64),
        "exposure": np.zeros(rows),
        "ended": np.zeros(rows, dtype=np.int64),
        "year_panel": np.tile(np.arange(years), designs),
        **{f"panel_{name}": of for name, of in history.items()},
        "alliance_year": np.array(rows),
        "panel_year": np.array(years),
    }
