"""Probability integral transform of lives: at which point of its predicted life a design ended.

F_i(t) is the predicted probability that design i ends by t, from the fit without its case. If the
predictions hold, F_i(T_i) is uniform; that of a design still followed at t is censored at F_i(t).
The share of designs that had ended by each point, by Kaplan and Meier's estimator, is then the
point itself. These are Cox-Snell residuals on the scale of probability, averaged over draws.

`arviz.plot_loo_pit` knows no censoring, and `arviz.plot_ppc_censored` takes a replicated life that
is still followed at the end for one that ended there.

References
----------
Cox & Snell (1968), "A general definition of residuals".
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from bayes_alliance.check.envelope import envelope
from bayes_alliance.check.lives import DRAWS, Lives, standing, surviving, thinned
from bayes_alliance.compare.hypotheses import CI_PROB
from bayes_alliance.compare.loo import pareto

POINTS = 101
"""Points of the curve."""


def residuals(tree: xr.DataTree, hazard: xr.DataArray, lives: Lives) -> pd.DataFrame:
    """Transform each life by its predicted distribution.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit; only its densities are read.
    hazard : xarray.DataArray
        Its hazards, from `bayes_alliance.check.lives.hazards`.
    lives : Lives
        Observed lives.

    Returns
    -------
    pandas.DataFrame
        By design: ``point`` (predicted probability of having ended by the age at which it ended
        or was last seen), ``ended``, and ``limit`` (the point up to which it could be followed).
    """
    densities = thinned(tree["log_likelihood"].to_dataset(), DRAWS)
    log_weights = pareto(xr.DataTree.from_dict({"log_likelihood": densities}))[0]
    at = pd.Index(densities["case"].to_numpy().astype(str)).get_indexer(lives.designs["case"])
    ages = np.column_stack([lives.years, lives.designs["window"]])  # (design, age)
    curves = standing(hazard, ages)  # (chain, draw, design, age)
    chosen = np.exp(log_weights.to_numpy()[..., at])
    point, limit = 1 - np.einsum("sdie,sdi->ei", curves, chosen)
    return pd.DataFrame(
        {"point": point, "ended": lives.ended, "limit": limit}, index=lives.designs.index
    )


def residual_curve(
    found: pd.DataFrame, prob: float = CI_PROB, draws: int = 1000, seed: int = 1
) -> pd.DataFrame:
    """Share of designs that had ended by each point of their predicted lives.

    Parameters
    ----------
    found : pandas.DataFrame
        What `residuals` gave.
    prob : float
        Probability that the whole curve stays inside the band if the predictions hold.
    draws : int
        Simulated data behind the band, censored as the observed lives are.
    seed : int
        Seed of the simulation.

    Returns
    -------
    pandas.DataFrame
        By point, up to the last that any design could reach: ``observed``, ``lower`` and
        ``upper``.
    """
    limit = found["limit"].to_numpy()
    at = np.linspace(0.0, limit.max(), POINTS)
    drawn = np.random.default_rng(seed).uniform(size=(draws, len(limit)))
    low, high = envelope(1 - surviving(np.minimum(drawn, limit), drawn < limit, at), prob)
    observed = 1 - surviving(found["point"].to_numpy(), found["ended"].to_numpy(), at)
    return pd.DataFrame(
        {"observed": observed, "lower": low, "upper": high},
        index=pd.Index(at, name="point"),
    )
