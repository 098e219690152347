"""Reliability of predicted designs: whether what is given 30 percent happens that often.

Each case is predicted by the fit without it (`bayes_alliance.compare.predictions`). Pr(d) is that
of one design, also of a case that fell back to several.

`arviz.plot_loo_pava` draws such a figure from 0/1 draws, whose noise puts cases with equal
probabilities into a chance order, and takes the weights from the likelihood of the very variable
that it shows; here it would be of a design, a life and a promise together. So the isotonic
regression is made of the probabilities themselves.

References
----------
Dimitriadis, Gneiting & Jordan (2021), "Stable reliability diagrams for probabilistic classifiers".
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from scipy.optimize import isotonic_regression

from bayes_alliance.check.envelope import envelope
from bayes_alliance.compare.hypotheses import CI_PROB
from bayes_alliance.data.load import Data
from bayes_alliance.process.cells import MULTILATERAL, STRONG
from bayes_alliance.process.designs import designs

EVENTS = {"multilateral": MULTILATERAL, "strong": STRONG}
"""What may come true of a case: weights of the cells."""


def event_probabilities(predicted: xr.Dataset, data: Data) -> pd.DataFrame:
    """Probability of each event in each case, by the fit without the case, and what happened.

    Parameters
    ----------
    predicted : xarray.Dataset
        What `bayes_alliance.compare.predictions.predictions` gave for one information set.
    data : Data
        The data that were predicted.

    Returns
    -------
    pandas.DataFrame
        By case: for each of `EVENTS` its probability (``multilateral``, ``strong``) and whether
        it happened (``multilateral_observed``, ``strong_observed``).
    """
    ended = designs(data)
    probability = predicted["probability"].sel(case=ended.index).to_numpy()  # (case, cell)
    out = pd.DataFrame(index=ended.index)
    for name, weight in EVENTS.items():
        out[name] = probability @ weight
        out[f"{name}_observed"] = weight[ended.to_numpy()] > 0
    return out


def reliability(
    probability: np.ndarray,
    observed: np.ndarray,
    prob: float = CI_PROB,
    draws: int = 1000,
    seed: int = 1,
) -> pd.DataFrame:
    """Isotonic regression of what happened on its predicted probability.

    Parameters
    ----------
    probability : numpy.ndarray, shape (case,)
        Predicted probabilities.
    observed : numpy.ndarray of bool, shape (case,)
        Whether it happened.
    prob : float
        Probability that the whole curve of a reliable prediction stays inside the band.
    draws : int
        Simulated data behind the band.
    seed : int
        Seed of the simulation.

    Returns
    -------
    pandas.DataFrame
        By predicted probability, in order: ``cases``, ``observed`` (share that happened, by the
        pool-adjacent-violators algorithm), ``lower`` and ``upper``.
    """
    unique, at, cases = np.unique(probability, return_inverse=True, return_counts=True)

    def curve(happened: np.ndarray) -> np.ndarray:
        share = np.bincount(at, happened.astype(float)) / cases
        return isotonic_regression(share, weights=cases).x

    uniform = np.random.default_rng(seed).uniform(size=(draws, len(probability)))
    low, high = envelope(np.stack([curve(u < probability) for u in uniform]), prob)
    return pd.DataFrame(
        {"cases": cases, "observed": curve(observed), "lower": low, "upper": high},
        index=pd.Index(unique, name="probability"),
    )
