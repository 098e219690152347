"""Stacking weights and how sure they are."""

from __future__ import annotations

from collections.abc import Mapping

import arviz as az
import numpy as np
import pandas as pd

from bayes_alliance.compare.loo import LEAST_CASES, pointwise

ROUNDS = 500
"""Rounds of the weights' fixed-point iteration; it ends sooner where nothing moves."""


def stack(elpd: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Weights that maximise the log score of the mixed predictive density.

    Parameters
    ----------
    elpd : numpy.ndarray, shape (case, theory)
        Pointwise scores.
    share : numpy.ndarray, shape (replication, case)
        Weight of each case; rows sum to 1.

    Returns
    -------
    numpy.ndarray, shape (replication, theory)
        Weights; rows sum to 1.

    References
    ----------
    Yao, Vehtari, Simpson & Gelman (2018), "Using stacking to average Bayesian predictive
    distributions"; the iteration is that of mixture proportions (Dempster, Laird & Rubin 1977).
    """
    density = np.exp(elpd - elpd.max(axis=1, keepdims=True))  # (case, theory)
    weight = np.full((len(share), elpd.shape[1]), 1 / elpd.shape[1])
    for _ in range(ROUNDS):
        mixed = weight @ density.T  # (replication, case)
        new = weight * ((share / mixed) @ density)
        moved = np.abs(new - weight).max()
        weight = new
        if moved < 1e-6:
            break
    return weight


def stacking(
    scores: Mapping[str, az.ELPDDataLOO], replications: int = 1000, seed: int = 1
) -> pd.DataFrame:
    """Stacking weights with intervals from the Bayesian bootstrap over cases.

    Parameters
    ----------
    scores : mapping of str to arviz.ELPDDataLOO
        Scores of the same cases by theory.
    replications : int
        Replications of the bootstrap.
    seed : int
        Seed.

    Returns
    -------
    pandas.DataFrame
        Indexed by theory: ``weight``, ``lower`` and ``upper`` (90 % interval), and ``leads``, the
        share of replications in which the theory has the largest weight. Fewer cases than
        `LEAST_CASES` leave the weights equal and their intervals whole.

    References
    ----------
    Rubin (1981), "The Bayesian bootstrap".
    """
    # cases are paired by name, in whatever order each fit has them
    found = {name: pointwise(of) for name, of in scores.items()}
    cases = next(iter(found.values())).index
    by_case = np.column_stack([of.loc[cases].to_numpy() for of in found.values()])
    theories = len(found)
    if len(cases) < LEAST_CASES:
        equal = {"weight": 1 / theories, "lower": 0.0, "upper": 1.0, "leads": 1 / theories}
        return pd.DataFrame(equal, index=pd.Index(list(scores), name="theory"))
    share = np.random.default_rng(seed).dirichlet(np.ones(len(cases)), size=replications)
    weight = stack(by_case, np.vstack([np.full(len(cases), 1 / len(cases)), share]))
    lower, upper = np.quantile(weight[1:], [0.05, 0.95], axis=0)
    first = weight[1:].argmax(axis=1)
    return pd.DataFrame(
        {
            "weight": weight[0],
            "lower": lower,
            "upper": upper,
            "leads": [(first == k).mean() for k in range(by_case.shape[1])],
        },
        index=pd.Index(list(scores), name="theory"),
    )
