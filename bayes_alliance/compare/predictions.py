"""What a fit predicts of the cases that it has not seen.

Of each case: the probability of each of the seven cells that it could have ended in. Of each
design: the probability that it still stands at each age, on the path that its covariates took.
The latent variables are integrated out given the indicators; PSIS gives the weights of the draws,
as in `bayes_alliance.compare.loo`, or an exact refit supplies the predictions.

What a case ended in is the cell of `bayes_alliance.check.choices.designs`: of a refused
proposal the most inclusive fallback. The model's ``design_probability`` in the case's own row is
Pr(d), with proposals, acceptance and one fallback summed out, and so the probability of just that
cell wherever a refused proposal left one fallback. Where it broke up into several, the model gives
each fallback this distribution and the case counts by the most inclusive of them; how many there
would be was not known beforehand, so the prediction stays that of one.

A design's own cell, and how it came about, are covariates of its life here: they do not update
the parameters. The same holds of a Cox regression on the same folds.
"""

from __future__ import annotations

import functools
import operator
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt
import xarray as xr
from cachetools import LRUCache, cached

from bayes_alliance.compare.loo import pareto
from bayes_alliance.compare.refits import draws_without
from bayes_alliance.data.load import Data
from bayes_alliance.process.cells import CELLS
from bayes_alliance.process.designs import open_ended
from bayes_alliance.process.integrated import INFORMATION, Evaluator
from bayes_alliance.process.survival import alliance_years, durations
from bayes_alliance.storage import TABLES, data_of, priors_of
from bayes_alliance.theories import build, code_of

AGES = 31
"""Points of a survival curve."""
DRAWS = 1000
"""About how many draws predictions are averaged over; k comes from all of them."""
AT_ONCE = 100
"""Draws a chain whose predictions are held at once."""
SAMPLE = ["chain", "draw"]
READERS = 8
"""Models of fits that are kept, ready to be evaluated."""


def ages(data: Data) -> np.ndarray:
    """Ages at which survival is predicted: from 0 to the last that a design had when it ended.

    Beyond that age no ending was seen, and a score of survival would rest on censoring alone.

    Parameters
    ----------
    data : Data
        Validated tables.

    Returns
    -------
    numpy.ndarray, shape (years,)
        Evenly spaced; up to the longest life where no design has ended.
    """
    lives = durations(data.episodes)
    ended = lives.loc[lives["event"] == 1, "duration"]
    last = (ended if len(ended) else lives["duration"]).max()
    return np.linspace(0.0, last if len(lives) else 1.0, AGES)


def time_spent(stretches: pd.DataFrame, years: np.ndarray) -> np.ndarray:
    """Years that a design spends in each stretch of its life, up to each age.

    Parameters
    ----------
    stretches : pandas.DataFrame
        What `bayes_alliance.process.survival.alliance_years` gave.
    years : numpy.ndarray
        Ages, from 0 on.

    Returns
    -------
    numpy.ndarray, shape (alliance_year, years)
        The last stretch goes on beyond its end.
    """
    last = (~stretches["episode"].duplicated(keep="last")).to_numpy()
    length = np.where(last, np.inf, stretches["exposure"])[:, None]  # (alliance_year, 1)
    return (years - stretches["age_from"].to_numpy()[:, None]).clip(0.0, length)


def standing(hazard: pt.TensorVariable, spent: Any, episode: Any, like: Any) -> pt.TensorVariable:
    """Probability that a design still stands, from piecewise-constant hazards.

    Parameters
    ----------
    hazard : TensorVariable, shape (alliance_year,)
        Hazard a year in each stretch.
    spent : TensorVariable, shape (alliance_year, years)
        What `time_spent` gave.
    episode : TensorVariable, shape (alliance_year,)
        Position of each stretch's episode.
    like : TensorVariable, shape (episode,)
        Something by episode; episodes without a life stand for ever.

    Returns
    -------
    TensorVariable, shape (episode, years)
        Probabilities.
    """
    none = pt.zeros_like(like)[:, None] * pt.zeros_like(spent[0])  # (episode, years)
    return pt.exp(-none[episode].inc(hazard[:, None] * spent))


def predict(
    tree: xr.DataTree,
    posterior: xr.Dataset,
    promise: xr.DataArray,
    weights: xr.DataArray | float = 1.0,
) -> xr.Dataset:
    """Predictions of every episode by those who have not seen a case.

    Given the promises the draws weigh as they foresaw those of the left-out case, as in the ratio
    p(outcomes, promises) / p(promises): the draws have not seen them either.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit, which tells the theory, the data and the priors.
    posterior : xarray.Dataset
        Draws of the fit, or of a refit of the same theory without a case.
    promise : xarray.DataArray
        Log density of the promises of each left-out case, dims ``chain, draw, case``.
    weights : xarray.DataArray, optional
        Weights of the draws, dims ``chain, draw, fold``; none for the draws of a refit.

    Returns
    -------
    xarray.Dataset
        By left-out case (dim ``fold``): ``design_probability_<information>`` (fold, episode,
        cell) and ``standing_<information>`` (fold, episode, years).
    """
    evaluator = _reader(tree)
    nodes = evaluator.nodes(posterior, seed=tree.attrs["seed"])
    thin = slice(None, None, max(1, promise.sizes["chain"] * promise.sizes["draw"] // DRAWS))
    promise = promise.rename(case="fold").drop_vars("fold")
    foreseen = xr.ufuncs.exp(promise - promise.max(SAMPLE))
    given = {
        "indicators": _shares((xr.ones_like(promise) * weights).isel(draw=thin)),
        "commitments": _shares((foreseen * weights).isel(draw=thin)),
    }
    posterior = posterior.isel(draw=thin)
    parts = []
    for begin in range(0, posterior.sizes["draw"], AT_ONCE):
        part = {"draw": slice(begin, begin + AT_ONCE)}
        out = evaluator.run(posterior.isel(part), nodes).drop_vars(["chain", "draw"])
        mean = {
            f"{name}_{known}": xr.dot(weight.isel(part), out[f"{name}_{known}"], dim=SAMPLE)
            for name in evaluator.extras
            for known, weight in given.items()
        }
        parts.append(xr.Dataset(mean))
    total: xr.Dataset = functools.reduce(operator.add, parts)
    return total.transpose("fold", "episode", ...)


def _form(tree: xr.DataTree) -> tuple:
    """What the model of one fit cannot share with another's."""
    tables = (str(tree["tables"][name].item()) for name in TABLES)
    theory = tree.attrs["theory"]
    return theory, *code_of(theory), priors_of(tree).hash, *tables


@cached(LRUCache(READERS), key=_form, lock=threading.Lock())
def _reader(tree: xr.DataTree) -> Evaluator:
    """The model of a fit with the lives that its designs might have had, made once."""
    data = data_of(tree)
    years, longer = ages(data), open_ended(data)
    model = build(tree.attrs["theory"], longer, priors_of(tree))
    with model:
        model.add_coord("years", years)
        spent = time_spent(alliance_years(longer.episodes), years)
        spent = pm.Data("time_spent", spent, dims=("alliance_year", "years"))
        curves = standing(model["hazard"], spent, model["year_episode"], model["group_size"])
        pm.Deterministic("standing", curves, dims=("episode", "years"))
    return Evaluator(model, ("design_probability", "standing"), densities=False)


def _shares(weights: xr.DataArray) -> xr.DataArray:
    """Weights of the draws that sum to 1 in each fold, without labels."""
    return (weights / weights.sum(SAMPLE)).drop_vars(SAMPLE)


def predictions(
    tree: xr.DataTree, refit: Callable[[tuple[int, ...]], xr.Dataset] | None = None
) -> dict[str, xr.Dataset]:
    """Predictions of each case by the fit without it.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.
    refit : callable, optional
        Gives, for the position of a case to leave out, in a tuple, what `predict` gives of the
        exact refit without it. It is asked where Pareto k is too high; without it PSIS stands
        there too, and ``attrs`` count the cases.

    Returns
    -------
    dict of str to xarray.Dataset
        By information set (whether a prediction may know what the clients had promised each
        other) what `assemble` gives, with ``pareto_k`` by case; ``attrs["high_k"]`` counts the
        cases whose PSIS weights are not to be trusted and ``attrs["refitted"]`` those made exact.
    """
    log_weights, pareto_k, good_k = pareto(tree)
    weights = xr.ufuncs.exp(log_weights).rename(case="fold").drop_vars("fold")
    promise = tree["log_likelihood"].to_dataset()["promise"]
    out = predict(tree, tree["posterior"].to_dataset(), promise, weights)
    high = np.flatnonzero(pareto_k.to_numpy() > good_k)
    for case in high if refit else ():
        exact = refit((int(case),))  # type: ignore[misc]
        for name in out.data_vars:
            out[name][case] = exact[name].sel(episode=out["episode"])[0].to_numpy()
    data = data_of(tree)
    episodes = data.episodes["episode"].tolist()
    roots = [episodes.index(case) for case in pareto_k["case"].to_numpy()]
    designs = [episodes.index(design) for design in durations(data.episodes).index]
    refitted = len(high) if refit else 0
    note = f"{len(high)} of {len(roots)} cases with high Pareto k" + (", refitted" if refit else "")
    told = {"high_k": len(high) - refitted, "refitted": refitted, "note": note if len(high) else ""}
    found = {}
    for known in INFORMATION:
        own = out[f"design_probability_{known}"].to_numpy()[np.arange(len(roots)), roots]
        curves = out[f"standing_{known}"].to_numpy()[:, designs]
        found[known] = assemble(data, out["years"].to_numpy(), own, curves)
        found[known]["pareto_k"] = ("case", pareto_k.to_numpy())
        found[known].attrs.update(information=known, **told)
    return found


def exactly(
    tree: xr.DataTree, progress: Callable[[str], None] | None = None
) -> Callable[[tuple[int, ...]], xr.Dataset]:
    """Predictions by refits, for `predictions` to ask where Pareto k is too high.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.
    progress : callable, optional
        Called with the name of each refit as it begins; one made before is not made again.

    Returns
    -------
    callable
        Position of a case, in a tuple, to what `predict` gives of the refit without it.
    """
    names = tree["log_likelihood"]["case"].to_numpy().astype(str)

    def refit(cases: tuple[int, ...]) -> xr.Dataset:
        label = ", ".join(names[list(cases)])
        return predict(tree, *draws_without(tree, cases, label, progress))

    return refit


def assemble(
    data: Data,
    years: np.ndarray,
    probability: np.ndarray | None = None,
    curves: np.ndarray | None = None,
) -> xr.Dataset:
    """Put predictions of left-out cases into one form, whoever made them.

    Parameters
    ----------
    data : Data
        Validated tables.
    years : numpy.ndarray
        Ages.
    probability : numpy.ndarray, shape (case, cell), optional
        Probabilities of the cells, by whoever has not seen the case.
    curves : numpy.ndarray, shape (case, design, years), optional
        Survival curves of all designs, by whoever has not seen the case.

    Returns
    -------
    xarray.Dataset
        ``probability`` (case, cell); ``standing`` (design, years), the curve of a design by
        whoever has not seen its case; ``life`` (case, design), years that a design is expected
        to stand up to the last age, by whoever has not seen the case. ``case_of_design`` is a
        coordinate.
    """
    cases = list(dict.fromkeys(data.episodes["case"]))
    out = xr.Dataset(coords={"case": cases})
    if probability is not None:
        out = out.assign_coords(cell=list(CELLS))
        out["probability"] = (("case", "cell"), probability)
    if curves is not None:
        names = durations(data.episodes).index.to_numpy(str)
        case_of = data.episodes.set_index("episode")["case"].reindex(names).to_numpy(str)
        fold = np.array([cases.index(case) for case in case_of], dtype=np.int64)
        out = out.assign_coords(design=names, years=years, case_of_design=("design", case_of))
        out["standing"] = (("design", "years"), curves[fold, np.arange(len(names))])
        out["life"] = (("case", "design"), np.trapezoid(curves, years, axis=-1))
    return out
