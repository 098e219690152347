"""Probabilities of designs for a grouping, by theory and stacked.

A scenario becomes a dataset of one episode with nothing recorded; the theory's model of it is
evaluated at the posterior draws, with the new episode's latent variables integrated out. Theatres,
patrons and eras that the fit has not seen draw their effects from the fit's own scales.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr
from cachetools import LRUCache, cached

from bayes_alliance import text
from bayes_alliance.compare.hypotheses import interval
from bayes_alliance.compare.loo import compare
from bayes_alliance.data.load import Data
from bayes_alliance.diagnostics import marked
from bayes_alliance.forecast import given
from bayes_alliance.forecast.decided import IF_DECIDED, decision_year, untouched
from bayes_alliance.forecast.sample import central, certain, sample
from bayes_alliance.forecast.scenario import Scenario
from bayes_alliance.forecast.tables import scenario_data, yearly_data
from bayes_alliance.process.cells import CELLS
from bayes_alliance.process.containers import FACTORS, Arrays, arrays, coords
from bayes_alliance.process.integrated import LATENT, Evaluator
from bayes_alliance.storage import data_of, priors_of
from bayes_alliance.theories import build, code_of

STACKED = "stacked"
NODES = 256
INPUTS = 50
"""Draws of what a scenario does not know for certain; each goes with its part of the posterior."""
READERS = 24
"""Models that are kept, ready to be evaluated."""


def carry_over(
    posterior: xr.Dataset, needed: Mapping[str, tuple[tuple[str, ...], dict]], seed: int
) -> xr.Dataset:
    """Posterior draws for a model with other levels of the factors.

    Parameters
    ----------
    posterior : xarray.Dataset
        Draws of a fit.
    needed : mapping of str to (dims, coords)
        Free variables of the new model.
    seed : int
        Seed of the effects of unseen levels.

    Returns
    -------
    xarray.Dataset
        Draws of every needed variable: effects of levels that the fit has not seen are drawn
        from a standard normal (the scale multiplies them in the model), those of a factor that
        had one level in the fit are 0 for that level.
    """
    rng = np.random.default_rng(seed)
    seen = {
        f: set(posterior[f"z_{f}"][f].values) if f"z_{f}" in posterior else None for f in FACTORS
    }
    out: dict[str, Any] = {}
    for name, (dims, labels) in needed.items():
        factor = name.removeprefix("z_")
        if not name.startswith("z_") or factor not in FACTORS:
            out[name] = posterior[name]
            continue
        shape = [posterior.sizes["chain"], posterior.sizes["draw"], *(len(labels[d]) for d in dims)]
        known = seen[factor]
        values = rng.standard_normal(shape)
        for i, level in enumerate(labels[factor]):
            if known is not None and level in known:
                values[..., i] = posterior[name].sel({factor: level}).to_numpy()
            elif known is None and i == 0:
                values[..., i] = 0.0
        out[name] = (("chain", "draw", *dims), values)
    return xr.Dataset(out, coords={"chain": posterior.chain, "draw": posterior.draw})


def design_draws(
    tree: xr.DataTree, scenario: Scenario, draws: int = 1000, year: int | None = None
) -> np.ndarray:
    """Probabilities of the seven designs at draws of the posterior.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.
    scenario : Scenario
        What is asked.
    draws : int
        About how many draws to use.
    year : int, optional
        Year of the decision; the scenario's first by default.

    Returns
    -------
    numpy.ndarray, shape (draw, cell)
        Each row sums to 1.
    """
    when = scenario.year if year is None else year

    def tables(base: Data, inputs: xr.Dataset | None = None) -> Data:
        return scenario_data(scenario, base, inputs, when)

    return _designs(tree, scenario, tables, [when], draws)[:, 0]


def yearly_designs(tree: xr.DataTree, scenario: Scenario, draws: int = 1000) -> np.ndarray:
    """Probabilities of the seven designs of a decision in each year, at draws of the posterior.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.
    scenario : Scenario
        What is asked.
    draws : int
        About how many draws to use.

    Returns
    -------
    numpy.ndarray, shape (draw, year, cell)
        From the scenario's first year to its horizon. Draws come in the order of the posterior,
        so that those of two scenarios of one grouping are pairs.
    """
    years = list(range(scenario.year, scenario.horizon + 1))

    def tables(base: Data, inputs: xr.Dataset | None = None) -> Data:
        return yearly_data(scenario, base, inputs)

    return _designs(tree, scenario, tables, years, draws)


def _designs(
    tree: xr.DataTree,
    scenario: Scenario,
    tables: Callable[..., Data],
    years: list[int],
    draws: int,
) -> np.ndarray:
    """Probabilities of designs of the episodes that ``tables`` makes: (draw, episode, cell)."""
    base = data_of(tree)
    levels = seen_levels(tree, base)
    model, evaluator = reader(tree, tables(base), levels)
    nodes = evaluator.nodes(None, NODES, seed=tree.attrs["seed"])
    carried = draws_for(model, tree, scenario, draws)
    inputs = input_draws(scenario, tree.attrs["seed"], min(INPUTS, carried.sizes["draw"]))
    sizes = [carried.sizes[d] for d in ("chain", "draw")]
    found = np.empty((*sizes, len(years), len(CELLS)))
    for i, one in enumerate(inputs):
        if len(inputs) > 1:  # the only one is the middle, which the evaluator has
            evaluator = evaluator.of(contents(arrays(tables(base, one), levels)))
        out = evaluator.run(
            carried.isel(draw=slice(i, None, len(inputs))),
            nodes,
            given=one["commitment"].sel(year=years).to_numpy(),
        )["design_probability_indicators"]
        found[:, i :: len(inputs)] = out.to_numpy()
    return found.reshape(-1, len(years), len(CELLS))


def reader(
    tree: xr.DataTree, data: Data, levels: dict[str, list[str]]
) -> tuple[pm.Model, Evaluator]:
    """The theory's model of a scenario, ready to be evaluated.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.
    data : Data
        The scenario's tables.
    levels : dict of str to list of str
        What `seen_levels` gave.

    Returns
    -------
    tuple of pymc.Model and Evaluator
        Made once for scenarios with the same theatres, patrons and eras: the evaluator has the
        tables, and the model, which all share, those that it was made of.
    """
    model, evaluator = _reader(tree, data, levels)
    return model, evaluator.of(contents(arrays(data, levels)))


def form_of(tree: xr.DataTree, data: Data, levels: dict[str, list[str]]) -> tuple:
    """What one model of scenarios cannot share with another.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.
    data : Data
        The scenario's tables.
    levels : dict of str to list of str
        What `seen_levels` gave.

    Returns
    -------
    tuple
        The theory, its priors and the sizes of everything.
    """
    labels = {d: tuple(v) if d in FACTORS else len(v) for d, v in coords(data, levels).items()}
    clients = tuple(data.episodes["episode"].map(data.clients["episode"].value_counts()))
    theory = tree.attrs["theory"]
    return (theory, *code_of(theory)), priors_of(tree).hash, tuple(labels.items()), clients


def _of_levels(tree: xr.DataTree, data: Data, levels: dict[str, list[str]]) -> tuple:
    """The theory, its priors and the levels of factors: rows may differ in number."""
    theory, priors, labels, _ = form_of(tree, data, levels)
    return theory, priors, *(of for of in labels if of[0] in FACTORS)


@cached(LRUCache(READERS), key=_of_levels, lock=threading.Lock())
def _reader(
    tree: xr.DataTree, data: Data, levels: dict[str, list[str]]
) -> tuple[pm.Model, Evaluator]:
    """Make a model of scenarios and its evaluator."""
    model = build(tree.attrs["theory"], data, priors_of(tree), levels)
    return model, Evaluator(model, ("design_probability",), densities=False)


def contents(values: Arrays) -> dict[str, np.ndarray]:
    """Contents of containers without their dimensions.

    Parameters
    ----------
    values : dict
        What `bayes_alliance.process.containers.arrays` gave.

    Returns
    -------
    dict of str to numpy.ndarray
        By name.
    """
    return {name: value for name, (_, value) in values.items()}


def input_draws(scenario: Scenario, seed: int, count: int = INPUTS) -> list[xr.Dataset]:
    """Draws of the inputs, or the one that there is where all are known for certain.

    Parameters
    ----------
    scenario : Scenario
        What is asked.
    seed : int
        Seed.
    count : int
        Number of draws.

    Returns
    -------
    list of xarray.Dataset
        Each as `bayes_alliance.forecast.sample.central` gives it.
    """
    if certain(scenario):
        return [central(scenario)]
    drawn = sample(scenario, count, seed)
    return [drawn.isel(draw=i) for i in range(count)]


def seen_levels(tree: xr.DataTree, data: Data) -> dict[str, list[str]]:
    """Levels of theatre, patron and era that a fit has seen.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.
    data : Data
        Its data.

    Returns
    -------
    dict of str to list of str
        Levels by factor.
    """
    posterior = tree["posterior"].to_dataset()
    known = {f: posterior[f"z_{f}"][f].values for f in FACTORS if f"z_{f}" in posterior}
    labels = coords(data)
    return {f: [str(v) for v in known[f]] if f in known else labels[f] for f in FACTORS}


def draws_for(model: pm.Model, tree: xr.DataTree, scenario: Scenario, draws: int) -> xr.Dataset:
    """Posterior draws for the model of a scenario; latent variables are left out.

    Parameters
    ----------
    model : pymc.Model
        The theory's model of the scenario's tables.
    tree : xarray.DataTree
        A fit.
    scenario : Scenario
        What is asked; scenarios of one grouping share the effects of levels that are not seen.
    draws : int
        About how many draws to use.

    Returns
    -------
    xarray.Dataset
        What `carry_over` gives.
    """
    sizes = tree["posterior"].sizes
    step = max(1, sizes["chain"] * sizes["draw"] // draws)
    posterior = tree["posterior"].to_dataset().isel(draw=slice(None, None, step))
    needed = {
        rv.name: (model.named_vars_to_dims.get(rv.name, ()), dict(model.coords))
        for rv in model.free_RVs
        if rv.name != LATENT
    }
    seed = tree.attrs["seed"] + zlib.crc32(scenario.name.split("-")[0].encode())
    return carry_over(posterior, needed, seed)


def forecast(
    trees: Mapping[str, xr.DataTree],
    scenario: Scenario | str | Path,
    weights: Mapping[str, float] | None = None,
    year: int | None = None,
) -> pd.DataFrame:
    """Forecast the design that would come of a scenario.

    Parameters
    ----------
    trees : mapping of str to xarray.DataTree
        Fits of the same data.
    scenario : Scenario, str or path
        A bundled scenario's name, a TOML file, or a scenario already read.
    weights : mapping of str to float, optional
        Stacking weights by theory; computed with `compare` if not given.
    year : int, optional
        Year of the decision; the scenario's first by default.

    Returns
    -------
    pandas.DataFrame
        One row a theory (and ``stacked``) and cell: ``year`` and ``condition`` (if decided in that
        year), ``probability`` (posterior mean), ``lower`` and ``upper`` (90 % interval over draws),
        ``problems`` (the diagnostics that the fits it rests on did not pass); ``attrs["notes"]``
        has what of the scenario such a decision does not see.

    Raises
    ------
    InputError
        If the fits or the scenario cannot be used, the weights do not fit the theories, or no year
        is given and something in the scenario begins after its first.

    References
    ----------
    Yao, Vehtari, Simpson & Gelman (2018), "Using stacking to average Bayesian predictive
    distributions".
    """
    trees, scenario = given.fits(trees), given.scenario_of(scenario)
    when = decision_year(scenario, year)
    weights = stacking_weights(trees, weights)
    draws = {name: design_draws(tree, scenario, year=when) for name, tree in trees.items()}
    out = by_cell(draws, weights, when)
    out = marked(out, trees, out["theory"])
    out.attrs["notes"] = untouched(scenario, when)
    return out


def by_cell(
    draws: Mapping[str, np.ndarray], weights: Mapping[str, float], year: int
) -> pd.DataFrame:
    """Table of designs from draws of their probabilities.

    Parameters
    ----------
    draws : mapping of str to numpy.ndarray, shape (draw, cell)
        What `design_draws` gave, by theory.
    weights : mapping of str to float
        Stacking weights by theory.
    year : int
        Year of the decision.

    Returns
    -------
    pandas.DataFrame
        What `forecast` gives, without the verdicts on the fits.
    """
    draws = {**draws, STACKED: stack(draws, weights)}
    rows = [
        {
            "theory": name,
            "year": year,
            "condition": IF_DECIDED,
            "cell": cell,
            "probability": float(values[:, i].mean()),
            **dict(zip(("lower", "upper"), interval(values[:, i]), strict=True)),
        }
        for name, values in draws.items()
        for i, cell in enumerate(CELLS)
    ]
    return pd.DataFrame(rows)


def stacking_weights(
    trees: Mapping[str, xr.DataTree], weights: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Check stacking weights, or compute them.

    Parameters
    ----------
    trees : mapping of str to xarray.DataTree
        Fits of the same data.
    weights : mapping of str to float, optional
        Weights by theory; computed with `compare` if not given.

    Returns
    -------
    dict of str to float
        Weights by theory.

    Raises
    ------
    InputError
        If there are no fits, or the weights do not fit them.
    """
    trees = given.fits(trees)
    if weights is None:
        weights = (
            compare(trees)["weight"].to_dict() if len(trees) > 1 else dict.fromkeys(trees, 1.0)
        )
    return given.weights_of(weights, trees)


def stack(draws: Mapping[str, np.ndarray], weights: Mapping[str, float]) -> np.ndarray:
    """Mixture of the theories' draws in proportion to their weights.

    Parameters
    ----------
    draws : mapping of str to numpy.ndarray, shape (draw, ...)
        Draws by theory.
    weights : mapping of str to float
        Weights that sum to 1.

    Returns
    -------
    numpy.ndarray, shape (draw, ...)
        Draws of the mixture, 4000 in all; which ones depends on the weights and the numbers of
        draws alone, so that pairs stay pairs.
    """
    count = 4000
    share = np.array([weights[name] for name in draws])
    each = np.floor(share / share.sum() * count).astype(int)
    each[np.argmax(share)] += count - each.sum()
    rng = np.random.default_rng(0)
    parts = [
        values[rng.integers(0, len(values), n)]
        for values, n in zip(draws.values(), each, strict=True)
    ]
    return np.concatenate(parts)


def as_csv(table: pd.DataFrame, scenario: Scenario) -> str:
    """Write a forecast as CSV, with the scenario in every row.

    Parameters
    ----------
    table : pandas.DataFrame
        What `forecast` gave.
    scenario : Scenario
        What was asked.

    Returns
    -------
    str
        CSV. A title that a spreadsheet would take for a formula begins with an apostrophe.
    """
    named = table.copy()
    named.insert(0, "scenario", scenario.name)
    named.insert(1, "title", scenario.title)
    return text.as_csv(named)
