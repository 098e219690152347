"""What becomes of a grouping by a year: whether a decision arises, and what comes of it.

For each draw and year y from the scenario's first to its horizon, with the hazard h_y that a
decision of the patron arises in the theatre (`forecast.formation`), the chance s that it is about
this grouping, and the probabilities D_y of the designs of such a decision (`forecast.forecast`):

    p_y = 1 - exp(-s h_y)                                 a decision about the grouping in year y
    Pr(state at Y <= k) = prod_{y <= Y} (1 - p_y Pr(D_y > k))        for k from today's state on

A share s of the decisions thins their hazard to s h. The states are rungs of a ladder: none,
bilateral, trilateral, multilateral and weak, multilateral and strong. A decision takes the grouping
up to its design, or leaves it where it is; what is made is not unmade within the horizon (how long
it would last is another question: `forecast.lasting`).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from bayes_alliance.compare.hypotheses import interval
from bayes_alliance.data.load import Data
from bayes_alliance.data.panel import panel
from bayes_alliance.diagnostics import marked
from bayes_alliance.errors import InputError
from bayes_alliance.forecast import given
from bayes_alliance.forecast.decided import WHETHER
from bayes_alliance.forecast.forecast import (
    INPUTS,
    STACKED,
    by_cell,
    input_draws,
    stack,
    stacking_weights,
    yearly_designs,
)
from bayes_alliance.forecast.formation import COVARIATES, USUAL, hazards
from bayes_alliance.forecast.sample import sample
from bayes_alliance.forecast.scenario import Scenario
from bayes_alliance.forecast.tables import yearly_data
from bayes_alliance.process.containers import LEAST_RATIO
from bayes_alliance.storage import data_of

RUNGS = ("none", "bilateral", "trilateral", "multilateral_weak", "multilateral_strong")
RUNG_OF_CELL = np.array([0, 1, 1, 2, 2, 3, 4])
"""Rung of each cell, in the order of `bayes_alliance.process.cells.CELLS`."""
GROUPS = 10
"""Draws of uncertain inputs for which the hazard is computed; each stands for those around it."""
NEARBY = 50.0
"""Kilometres added to distances before their logs are averaged, as in the panel."""


def outlook(
    tree: xr.DataTree, form: xr.DataTree, scenario: Scenario, draws: int = 1000
) -> xr.Dataset:
    """State of a grouping by the end of each year, by one theory.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit of the theory.
    form : xarray.DataTree
        What `bayes_alliance.forecast.formation.formation` gave for it.
    scenario : Scenario
        What is asked.
    draws : int
        About how many draws to use.

    Returns
    -------
    xarray.Dataset
        ``hazard``, of a decision of the patron in the theatre, dims ``draw, year``; ``arises``,
        probability of at least one decision about the grouping by the end of the year; ``design``,
        dims ``draw, year, cell``, given a decision in the year; ``state``, dims ``draw, year,
        rung``, probabilities that sum to 1 over the rungs.

    Raises
    ------
    InputError
        If the two fits are of different theories, or the scenario cannot be used.
    """
    if form.attrs["theory"] != tree.attrs["theory"]:
        words = f"a hazard of decisions of the theory {tree.attrs['theory']!r}"
        raise InputError(words, column="theory", value=form.attrs["theory"])
    design = yearly_designs(tree, scenario, draws)  # (draw, year, cell)
    yearly = _hazards(tree, form, scenario, len(design))  # (draw, year)
    seed = int(tree.attrs["seed"])
    share = sample(scenario, len(design), seed)["share"].to_numpy()  # (draw,)
    arises = share[:, None] * yearly
    state = ladder(-np.expm1(-arises), design, RUNGS.index(scenario.today))
    years = list(range(scenario.year, scenario.horizon + 1))
    return xr.Dataset(
        {
            "hazard": (("draw", "year"), yearly),
            "arises": (("draw", "year"), -np.expm1(-np.cumsum(arises, axis=1))),
            "design": (("draw", "year", "cell"), design),
            "state": (("draw", "year", "rung"), state),
        },
        coords={"year": years, "rung": list(RUNGS)},
    )


def ladder(arises: np.ndarray, design: np.ndarray, today: int) -> np.ndarray:
    """Probability of each rung by the end of each year.

    Parameters
    ----------
    arises : numpy.ndarray, shape (..., year)
        Probability of a decision about the grouping in the year.
    design : numpy.ndarray, shape (..., year, cell)
        Probabilities of the designs given a decision in the year.
    today : int
        Rung before the first year.

    Returns
    -------
    numpy.ndarray, shape (..., year, rung)
        Probabilities; they sum to 1 over the rungs.
    """
    of_rung = np.eye(len(RUNGS))[RUNG_OF_CELL]  # (cell, rung)
    above = 1 - np.cumsum(design @ of_rung, axis=-1)  # (..., year, rung)
    stays = np.cumprod(1 - arises[..., None] * above, axis=-2)
    at_most = np.where(np.arange(len(RUNGS)) < today, 0.0, stays)
    return np.diff(at_most, axis=-1, prepend=0.0).clip(0.0, 1.0)


def _hazards(tree: xr.DataTree, form: xr.DataTree, scenario: Scenario, draws: int) -> np.ndarray:
    """Hazard of a decision in each year: (draw, year), paired at random with the theory's draws."""
    base, seed = data_of(tree), int(tree.attrs["seed"])
    of_chain = draws // tree["posterior"].sizes["chain"]
    inputs = input_draws(scenario, seed, min(INPUTS, of_chain))
    own = np.arange(draws) % of_chain % len(inputs)  # (draw,) draw of the inputs of each
    group = own * GROUPS // len(inputs)
    pair = np.random.default_rng(seed).random(draws)
    chosen = [inputs[own[group == one].min()] for one in np.unique(group)]
    found = hazards(form, [rows(scenario, yearly_data(scenario, base, one)) for one in chosen])
    which = np.unique(group, return_inverse=True)[1]
    return found[which, (pair * found.shape[1]).astype(int)]


def rows(scenario: Scenario, data: Data) -> pd.DataFrame:
    """Years of a scenario as the hazard of decisions reads them.

    Parameters
    ----------
    scenario : Scenario
        What is supposed.
    data : Data
        What `bayes_alliance.forecast.tables.yearly_data` gave.

    Returns
    -------
    pandas.DataFrame
        One row a year. The states exposed are those of the grouping; how many states of the
        theatre have no alliance with the patron is carried on from the panel's last year.
    """
    unallied = _unallied(scenario.patron, scenario.theatre)
    threat = data.years.set_index("year").loc[scenario.year : scenario.horizon]
    clients = data.clients.assign(year=data.clients["episode"].astype(int))
    grouped = clients.groupby("year")
    ratio = np.log(clients["capability_ratio"].astype(float).clip(lower=LEAST_RATIO))
    far = np.log1p(clients["distance_km"].astype(float) / NEARBY)
    of_clients = pd.DataFrame(
        {
            "exposed_capability_ratio": np.exp(ratio.groupby(clients["year"]).mean()),
            "exposed_distance_km": NEARBY * np.expm1(far.groupby(clients["year"]).mean()),
            "exposed_occupied": grouped["occupied"].mean().astype(float),
            **{
                f"exposed_{way}": grouped["land_access"].agg(_share_of(way)).astype(float)
                for way in ("contiguous", "landmass")
            },
        }
    )
    out = threat.join(of_clients).reset_index()
    out = out.assign(patron=scenario.patron, theatre=scenario.theatre, unallied=unallied)
    return out[["patron", "theatre", "year", "unallied", *COVARIATES]]


@functools.cache
def _unallied(patron: str, theatre: str) -> int:
    """States without an alliance in the panel's last year; the usual number where it has none."""
    known = panel().query("patron == @patron and theatre == @theatre")["unallied"]
    return int(known.iloc[-1]) if len(known) else round(np.expm1(USUAL))


def _share_of(way: str):
    """Share of the clients to which an adversary has this access."""
    return lambda access: (access.astype(object) == way).mean()


def horizon(
    trees: Mapping[str, xr.DataTree],
    forms: Mapping[str, xr.DataTree],
    scenario: Scenario | str | Path,
    weights: Mapping[str, float] | None = None,
    draws: int = 1000,
) -> pd.DataFrame:
    """State of a grouping by the end of each year, by theory and stacked.

    Parameters
    ----------
    trees : mapping of str to xarray.DataTree
        Fits of the same data.
    forms : mapping of str to xarray.DataTree
        The hazard of decisions by theory, as `bayes_alliance.formation` gives it.
    scenario : Scenario, str or path
        A bundled scenario's name, a TOML file, or a scenario already read.
    weights : mapping of str to float, optional
        Stacking weights by theory; computed with `bayes_alliance.compare` if not given.
    draws : int
        About how many draws to use.

    Returns
    -------
    pandas.DataFrame
        What `by_year` gives, and ``problems``, the diagnostics that the fits and hazards it rests
        on did not pass.

    Raises
    ------
    InputError
        If the scenario cannot be used, or the weights or hazards do not fit the theories.
    """
    trees, scenario = given.fits(trees), given.scenario_of(scenario)
    forms = given.hazards(forms, trees)
    weights = stacking_weights(trees, weights)
    out = by_year(outlooks(trees, forms, scenario, draws), weights)
    return marked(out, trees, out["theory"], forms)


def outlooks(
    trees: Mapping[str, xr.DataTree],
    forms: Mapping[str, xr.DataTree],
    scenario: Scenario,
    draws: int = 1000,
) -> dict[str, xr.Dataset]:
    """`outlook` of every theory.

    Parameters
    ----------
    trees, forms : mapping of str to xarray.DataTree
        Fits, and hazards of decisions, by theory.
    scenario : Scenario
        What is asked.
    draws : int
        About how many draws to use.

    Returns
    -------
    dict of str to xarray.Dataset
        By theory.

    Raises
    ------
    InputError
        If a theory has no hazard, or one of another theory.
    """
    forms = given.hazards(forms, trees)
    return {name: outlook(tree, forms[name], scenario, draws) for name, tree in trees.items()}


def by_year(found: Mapping[str, xr.Dataset], weights: Mapping[str, float]) -> pd.DataFrame:
    """State of a grouping by the end of each year as a table.

    Parameters
    ----------
    found : mapping of str to xarray.Dataset
        What `outlook` gave, by theory.
    weights : mapping of str to float
        Stacking weights by theory.

    Returns
    -------
    pandas.DataFrame
        One row a theory (and ``stacked``), year and rung: ``condition`` (decided or not),
        ``probability`` (posterior mean), ``lower`` and ``upper`` (90 % interval over draws). The
        rung ``multilateral`` is both multilateral ones together; ``decision`` is the probability
        that a decision about the grouping has arisen.
    """
    years = next(iter(found.values()))["year"].to_numpy()
    names = (*RUNGS, "multilateral", "decision")
    draws = {name: _with_sums(of) for name, of in found.items()}
    draws[STACKED] = stack(draws, weights)
    return pd.DataFrame(
        {
            "theory": name,
            "year": int(year),
            "condition": WHETHER,
            "rung": rung,
            "probability": float(values[:, i, j].mean()),
            **dict(zip(("lower", "upper"), interval(values[:, i, j]), strict=True)),
        }
        for name, values in draws.items()
        for i, year in enumerate(years)
        for j, rung in enumerate(names)
    )


def designs_by_year(found: Mapping[str, xr.Dataset], weights: Mapping[str, float]) -> pd.DataFrame:
    """Designs if the question is decided in each year, as a table.

    Parameters
    ----------
    found : mapping of str to xarray.Dataset
        What `outlook` gave, by theory.
    weights : mapping of str to float
        Stacking weights by theory.

    Returns
    -------
    pandas.DataFrame
        What `bayes_alliance.forecast` gives for each year, one below the other.
    """
    years = next(iter(found.values()))["year"].to_numpy()
    draws = {name: of["design"].to_numpy() for name, of in found.items()}
    parts = [
        by_cell({name: of[:, i] for name, of in draws.items()}, weights, int(year))
        for i, year in enumerate(years)
    ]
    return pd.concat(parts, ignore_index=True)


def _with_sums(found: xr.Dataset) -> np.ndarray:
    """States, multilateral ones together, and whether a decision arose: (draw, year, ...)."""
    state = found["state"].to_numpy()
    many = state[..., RUNGS.index("multilateral_weak") :].sum(-1, keepdims=True)
    return np.concatenate([state, many, found["arises"].to_numpy()[..., None]], axis=-1)
