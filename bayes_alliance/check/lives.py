"""How long designs last, observed and replicated alike.

A replicated life runs on until the design ends or can be followed no longer: a design that was
replaced is followed to its replacement, every other one to the end of observation. What is made
of lives takes that censoring into account on both sides (Kaplan & Meier 1958).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from bayes_alliance.data.load import Data
from bayes_alliance.process.cells import COMMITMENTS
from bayes_alliance.process.containers import CELLS_ONLY, codes
from bayes_alliance.process.designs import open_ended
from bayes_alliance.process.integrated import quantities
from bayes_alliance.process.survival import OBSERVED_UNTIL, YEAR, alliance_years, durations
from bayes_alliance.storage import priors_of
from bayes_alliance.theories import build

DRAWS = 250
"""Draws a chain whose lives are replicated."""


@dataclass(frozen=True)
class Lives:
    """Years that designs lasted.

    Parameters
    ----------
    designs : pandas.DataFrame
        ``case``, ``cell``, ``commitment`` (code of what clients had promised each other, -1 where
        that is not recorded) and ``window`` (years that the design can be followed), indexed by
        episode.
    years : numpy.ndarray, shape (..., design)
        Years that the design lasted or was followed. Observed lives have no leading dimensions,
        replicated ones those of the draws.
    ended : numpy.ndarray of bool, shape (..., design)
        Whether it ended then.
    """

    designs: pd.DataFrame
    years: np.ndarray
    ended: np.ndarray


def surviving(years: np.ndarray, ended: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Share of designs still standing at given ages, by Kaplan and Meier's estimator.

    Parameters
    ----------
    years : numpy.ndarray, shape (..., design)
        Years that each design lasted or was followed.
    ended : numpy.ndarray of bool, shape (..., design)
        Whether it ended then.
    at : numpy.ndarray, shape (age,)
        Ages in years.

    Returns
    -------
    numpy.ndarray, shape (..., age)
        Shares; beyond the last life the last share.
    """
    time, share = _product_limit(years, ended)
    share = np.concatenate([np.ones((*share.shape[:-1], 1)), share], axis=-1)
    passed = (time[..., None] <= at).sum(-2)  # (..., age)
    return np.take_along_axis(share, passed, -1)


def restricted_mean(years: np.ndarray, ended: np.ndarray, horizon: float) -> np.ndarray:
    """Mean life up to an age: the area below Kaplan and Meier's curve.

    Parameters
    ----------
    years : numpy.ndarray, shape (..., design)
        Years that each design lasted or was followed.
    ended : numpy.ndarray of bool, shape (..., design)
        Whether it ended then.
    horizon : float
        Age in years.

    Returns
    -------
    numpy.ndarray, shape (...)
        Years.

    References
    ----------
    Royston & Parmar (2013), "Restricted mean survival time: an alternative to the hazard ratio".
    """
    time, share = _product_limit(years, ended)
    one = np.ones((*share.shape[:-1], 1))
    time = np.concatenate([0 * one, np.minimum(time, horizon), horizon * one], axis=-1)
    return (np.concatenate([one, share], axis=-1) * np.diff(time, axis=-1)).sum(-1)


def _product_limit(years: np.ndarray, ended: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Times in order, and the share still standing after each; endings before censorings."""
    order = np.lexsort((~ended, years), axis=-1)
    time = np.take_along_axis(years, order, -1)
    ends = np.take_along_axis(ended, order, -1)
    at_risk = np.arange(years.shape[-1], 0, -1)
    return time, np.cumprod(1 - ends / at_risk, axis=-1)


def kaplan_meier(lives: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Steps of the Kaplan-Meier curve.

    Parameters
    ----------
    lives : pandas.DataFrame
        ``duration`` and ``event``, see `bayes_alliance.process.survival.durations`.

    Returns
    -------
    tuple of numpy.ndarray
        Years and share still standing, from (0, 1) on.
    """
    years, ended = lives["duration"].to_numpy(float), lives["event"].to_numpy(bool)
    at = np.append(0.0, np.unique(years))
    return at, surviving(years, ended, at)


def observed_lives(data: Data) -> Lives:
    """Lives as they are coded.

    Parameters
    ----------
    data : Data
        Validated tables.

    Returns
    -------
    Lives
        Without leading dimensions.
    """
    lives = durations(data.episodes)
    episodes = data.episodes.set_index("episode").loc[lives.index]
    years, ended = lives["duration"].to_numpy(float), lives["event"].to_numpy(bool)
    longest = ((OBSERVED_UNTIL - episodes["start"]) / pd.Timedelta(YEAR, "D")).to_numpy(float)
    found = pd.DataFrame(
        {
            "case": episodes["case"],
            "cell": codes(episodes["outcome"], CELLS_ONLY),
            "commitment": codes(episodes["commitment"], COMMITMENTS),
            "window": np.where(ended, longest, years),
        },
        index=lives.index,
    )
    return Lives(found, years, ended)


def replicated_lives(tree: xr.DataTree, data: Data, seed: int) -> Lives:
    """Lives as the theory draws them anew, of the designs that were made.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.
    data : Data
        Its data.
    seed : int
        Seed.

    Returns
    -------
    Lives
        Leading dimensions chain and draw.
    """
    return relived(hazards(tree, open_ended(data)), observed_lives(data), seed)


def hazards(tree: xr.DataTree, data: Data) -> xr.DataArray:
    """Hazards at some draws of a fit.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.
    data : Data
        What `open_ended` gave.

    Returns
    -------
    xarray.DataArray
        Hazard a year, dims ``chain, draw, stretch``, with ``episode`` and ``exposure`` (years) by
        stretch.
    """
    model = build(tree.attrs["theory"], data, priors_of(tree))
    posterior = thinned(tree["posterior"].to_dataset(), DRAWS)
    hazard = quantities(model, {"hazard": model["hazard"]}, "hazard")
    values = hazard(posterior)["hazard"].to_numpy()
    rows = alliance_years(data.episodes)
    return xr.DataArray(
        values,
        dims=("chain", "draw", "stretch"),
        coords={name: ("stretch", rows[name].to_numpy()) for name in ("episode", "exposure")},
    )


def thinned(draws: xr.Dataset, most: int) -> xr.Dataset:
    """Some draws of each chain, evenly spaced.

    Parameters
    ----------
    draws : xarray.Dataset
        Has a dimension ``draw``.
    most : int
        Draws a chain to keep, or up to twice as many.

    Returns
    -------
    xarray.Dataset
        Fewer draws.
    """
    step = max(1, draws.sizes["draw"] // most)
    return draws.isel(draw=slice(None, None, step))


def standing(hazard: xr.DataArray, ages: np.ndarray) -> np.ndarray:
    """Probability that a design still stands at given ages.

    Parameters
    ----------
    hazard : xarray.DataArray
        What `hazards` gave.
    ages : numpy.ndarray, shape (age,) or (design, age)
        Ages in years, the same for all designs or each design's own.

    Returns
    -------
    numpy.ndarray, shape (chain, draw, design, age)
        Probabilities; beyond the end of observation the last hazard goes on.
    """
    exposure, rows = hazard["exposure"].to_numpy(), _rows(hazard)
    own = np.broadcast_to(ages, (len(rows), np.shape(ages)[-1]))
    out = []
    for stretches, age in zip(rows.values(), own, strict=True):
        years = exposure[stretches]
        begin = np.concatenate([[0.0], np.cumsum(years)[:-1]])
        length = np.append(years[:-1], np.inf)  # (stretch,)
        inside = np.clip(age[:, None] - begin, 0.0, length)  # (age, stretch)
        out.append(np.exp(-hazard.to_numpy()[..., stretches] @ inside.T))
    return np.stack(out, axis=-2)


def relived(hazard: xr.DataArray, lives: Lives, seed: int) -> Lives:
    """Draw the lives of designs anew, and follow each no longer than it can be.

    Parameters
    ----------
    hazard : xarray.DataArray
        What `hazards` gave.
    lives : Lives
        Observed lives of the same designs.
    seed : int
        Seed.

    Returns
    -------
    Lives
        Leading dimensions chain and draw.
    """
    rng, exposure = np.random.default_rng(seed), hazard["exposure"].to_numpy()
    rows = _rows(hazard)
    drawn = [
        lifetimes(hazard.to_numpy()[..., rows[name]], exposure[rows[name]], rng)
        for name in lives.designs.index
    ]
    years, window = np.stack(drawn, axis=-1), lives.designs["window"].to_numpy()
    followed = years < window - 1e-6  # a life that reaches its window adds it up from stretches
    return Lives(lives.designs, np.minimum(years, window), followed)


def _rows(hazard: xr.DataArray) -> dict[str, np.ndarray]:
    """Stretches of each design, in the order in which the designs come."""
    episode = pd.Series(hazard["episode"].to_numpy())
    found = episode.groupby(episode).indices
    return {name: found[name] for name in dict.fromkeys(episode)}


def lifetimes(
    hazard: np.ndarray, exposure: np.ndarray, seed: int | np.random.Generator
) -> np.ndarray:
    """Draw lives from piecewise-constant hazards, censored at the end of the last stretch.

    Parameters
    ----------
    hazard : numpy.ndarray, shape (..., stretch)
        Hazard a year in each stretch.
    exposure : numpy.ndarray, shape (stretch,)
        Length of each stretch in years.
    seed : int or numpy.random.Generator
        Seed, or source of randomness.

    Returns
    -------
    numpy.ndarray, shape (...)
        Years.
    """
    target = np.random.default_rng(seed).exponential(size=hazard.shape[:-1])
    total = np.cumsum(hazard * exposure, axis=-1)
    stretch = (total < target[..., None]).sum(-1)
    last = len(exposure) - 1
    inside = np.minimum(stretch, last)
    before = np.take_along_axis(total, inside[..., None], -1)[..., 0]
    rate = np.take_along_axis(hazard, inside[..., None], -1)[..., 0]
    end = np.cumsum(exposure)
    life = end[inside] - (before - target) / rate
    return np.where(stretch > last, end[-1], life)
