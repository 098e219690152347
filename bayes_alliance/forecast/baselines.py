"""Base rates and usual regressions, fitted to what was known and asked of what came after.

Designs: shares of the cells, an ordered and a multinomial logit. Years: events over exposure, of
all patrons in all theatres, and of each by itself drawn to that. Lives: Kaplan-Meier and a Cox
regression, given that a design has reached its age.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from bayes_alliance.compare.yardsticks import (
    COX_RIDGE,
    RIDGE,
    Fitted,
    covariates,
    cox,
    kaplan_meier,
    lapsed,
    lives_with,
    multinomial_logit,
    on_folds,
    ordered_logit,
)
from bayes_alliance.data.load import Data
from bayes_alliance.process.cells import CELLS
from bayes_alliance.process.designs import designs

BASE = "base rates"
OWN = "own base rates"
SURVIVAL = "Kaplan-Meier"
PRIOR_YEARS = 20.0
"""Years of exposure at the overall rate that are added to those of each patron in a theatre."""
DRAWS = 2000


def design_baselines(
    known: Data, cases: Data, promises: bool
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Probabilities of the cells of later cases.

    Parameters
    ----------
    known : Data
        What was known.
    cases : Data
        Cases that arose later.
    promises : bool
        Whether what the clients had promised each other is among the covariates.

    Returns
    -------
    tuple of dict
        By name, probabilities (case, cell), and how each was fitted.
    """
    cell, count = designs(known).to_numpy(), len(cases.episodes)
    share = (np.bincount(cell, minlength=len(CELLS)) + 1) / (len(cell) + len(CELLS))
    out, notes = {BASE: np.tile(share, (count, 1))}, {BASE: "one case added to each cell"}
    roots = (known.episodes["episode"] == known.episodes["case"]).to_numpy()
    seen = covariates(known, promises)[roots].to_numpy()
    new = covariates(cases, promises).to_numpy()
    for name, logit in (("ordered logit", ordered_logit), ("multinomial logit", multinomial_logit)):

        def without(case: int, penalty: float, logit: Callable = logit) -> Fitted:
            return logit(seen, cell, new[case], penalty)

        out[name], notes[name] = on_folds(without, count, RIDGE)
    return out, notes


def year_baselines(known: pd.DataFrame, rows: pd.DataFrame, seed: int) -> dict[str, np.ndarray]:
    """Hazards of a decision in later years, with the doubt about them.

    Parameters
    ----------
    known : pandas.DataFrame
        What `bayes_alliance.forecast.known.known_panel` gave.
    rows : pandas.DataFrame
        ``patron`` and ``theatre`` of the later years.
    seed : int
        Seed.

    Returns
    -------
    dict of str to numpy.ndarray, shape (draw, row)
        By name: events over exposure of all together (Jeffreys' prior), and of each patron in a
        theatre, with `PRIOR_YEARS` at the overall rate added.
    """
    rng = np.random.default_rng(seed)
    at_risk = known[known["major"] == 1]
    arose = (at_risk["decisions"] > 0).groupby([at_risk["patron"], at_risk["theatre"]])
    events, years = arose.sum(), arose.size()
    total, exposure = events.sum(), years.sum()
    overall = rng.beta(total + 0.5, exposure - total + 0.5, DRAWS)
    mean = (total + 0.5) / (exposure + 1)
    pairs = pd.MultiIndex.from_frame(rows[["patron", "theatre"]])
    place, each = pd.factorize(pairs)
    k, n = (v.reindex(each, fill_value=0).to_numpy(float) for v in (events, years))
    yes, no = PRIOR_YEARS * mean + k, PRIOR_YEARS * (1 - mean) + n - k
    own = rng.beta(yes, no, (DRAWS, len(each)))[:, place]
    chance = {BASE: np.repeat(overall[:, None], len(rows), axis=1), OWN: own}
    return {name: -np.log1p(-values) for name, values in chance.items()}


def life_baselines(
    known: Data, lives: Data, age: np.ndarray, ahead: np.ndarray
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Probabilities that designs still stand, given that they have reached their ages.

    Parameters
    ----------
    known : Data
        What was known.
    lives : Data
        Designs in force then or made later.
    age : numpy.ndarray, shape (design,)
        Age at which the forecast begins.
    ahead : numpy.ndarray
        Years from there.

    Returns
    -------
    tuple of dict
        By name, curves (design, ahead), and how each was fitted. The curves have the lapse that
        the theories' choices have, so that no end is impossible.
    """
    before = lives_with(known, covariates(known)).drop(columns="case")
    asked = lives_with(lives, covariates(lives)).drop(columns="case").loc[lives.episodes["episode"]]
    both = pd.concat([before, asked], ignore_index=True)
    seen = np.arange(len(both)) < len(before)
    reached = age[:, None] + ahead  # (design, ahead)
    ages, at = np.unique(reached, return_inverse=True)
    at = at.reshape(reached.shape)
    out, notes = {}, {}
    for name, survive in ((SURVIVAL, kaplan_meier), ("Cox", cox)):

        def surviving(_: int, penalty: float, survive: Callable = survive) -> Fitted:
            return survive(both, seen, ages, penalty)

        curves, notes[name] = on_folds(surviving, 1, COX_RIDGE)
        own = np.take_along_axis(curves[0][~seen], at, axis=1)
        stood = np.where(own[:, :1] > 0, own[:, :1], 1.0)
        given = np.where(own[:, :1] > 0, own / stood, 1.0)  # beyond all lives seen, nothing is told
        out[name] = _told(given)
    return out, notes


def _told(standing: np.ndarray) -> np.ndarray:
    """Curves from 1 on, with the lapse after the first year."""
    later = lapsed(np.stack([standing[:, 1:], 1 - standing[:, 1:]], axis=-1))[..., 0]
    return np.concatenate([np.ones((len(standing), 1)), later], axis=1)
