"""What a fit says of each hypothesis of its article."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from bayes_alliance.diagnostics import problems
from bayes_alliance.given import fit_given
from bayes_alliance.storage import data_of
from bayes_alliance.theories import get

CI_PROB = 0.9
"""Probability of every interval that the package reports."""
SUPPORTED, AGAINST = 0.95, 0.05
"""Probabilities of the expected direction from which on it counts as supported, and down from which
as refuted."""


def verdict(probability_: float) -> str:
    """Word for the posterior probability of the expected direction.

    Parameters
    ----------
    probability_ : float
        Between 0 and 1.

    Returns
    -------
    str
        ``supported``, ``refuted`` or ``undecided``.
    """
    if probability_ >= SUPPORTED:
        return "supported"
    return "refuted" if probability_ <= AGAINST else "undecided"


def probability(value: float) -> str:
    """Write a probability with two decimals, which never round it over a threshold.

    Parameters
    ----------
    value : float
        Between 0 and 1.

    Returns
    -------
    str
        For example ``"0.94"`` for 0.9496, since 0.95 would count as support, and ``"> 0.99"``
        for 1.
    """
    if value >= 0.995:
        return ">\u00a00.99"
    if value < 0.005:
        return "<\u00a00.01"
    if value < SUPPORTED <= round(value, 2):
        return f"{SUPPORTED - 0.01:.2f}"
    if value > AGAINST >= round(value, 2):
        return f"{AGAINST + 0.01:.2f}"
    return f"{value:.2f}"


def interval(draws: np.ndarray, prob: float = CI_PROB) -> tuple[float, float]:
    """Equal-tailed interval.

    Parameters
    ----------
    draws : numpy.ndarray
        Draws.
    prob : float
        Probability inside.

    Returns
    -------
    tuple of float
        Lower and upper end.
    """
    low, high = np.quantile(draws, [(1 - prob) / 2, (1 + prob) / 2])
    return float(low), float(high)


def hypothesis_draws(tree: xr.DataTree, group: str = "posterior") -> xr.Dataset:
    """Draws of every hypothesis' estimand.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.
    group : {"posterior", "prior"}
        Which draws.

    Returns
    -------
    xarray.Dataset
        One variable a hypothesis, dims ``chain, draw``.
    """
    episodes = data_of(tree).episodes
    place = [f"{p} {t}" for p, t in zip(episodes["patron"], episodes["theatre"], strict=True)]
    draws = (
        tree[group]
        .to_dataset()
        .assign_coords(
            place=("episode", place),
            date=("episode", episodes["date"].to_numpy()),
            is_case=("episode", (episodes["episode"] == episodes["case"]).to_numpy()),
        )
    )
    found = get(tree.attrs["theory"]).HYPOTHESES
    return xr.Dataset(
        {h.name: h.draws(draws).drop_vars(["chain", "draw"], errors="ignore") for h in found}
    )


def hypotheses(tree: xr.DataTree) -> pd.DataFrame:
    """One row a hypothesis.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.

    Returns
    -------
    pandas.DataFrame
        Indexed by hypothesis: ``words``, ``estimand``, ``estimate`` (posterior mean), ``lower``
        and ``upper`` (90 % equal-tailed interval), ``expected`` (``above 0`` or ``below 0``),
        ``probability`` (posterior probability of the expected direction), the prior's
        ``prior_mean``, ``prior_lower``, ``prior_upper``, ``prior_probability``;
        ``article_finding``, what the article itself finds in its cases (no result of the fit), and
        ``problems``, the diagnostics that the fit did not pass. Empty for a theory without
        hypotheses.
    """
    tree = fit_given(tree)
    posterior, prior = hypothesis_draws(tree), hypothesis_draws(tree, "prior")
    rows, spoilt = {}, problems(tree)
    for h in get(tree.attrs["theory"]).HYPOTHESES:
        after, before = posterior[h.name].to_numpy().ravel(), prior[h.name].to_numpy().ravel()
        lower, upper = interval(after)
        prior_lower, prior_upper = interval(before)
        rows[h.name] = {
            "words": h.words,
            "estimand": h.estimand,
            "estimate": float(after.mean()),
            "lower": lower,
            "upper": upper,
            "expected": "above 0" if h.direction > 0 else "below 0",
            "probability": float((h.direction * after > 0).mean()),
            "prior_mean": float(before.mean()),
            "prior_lower": prior_lower,
            "prior_upper": prior_upper,
            "prior_probability": float((h.direction * before > 0).mean()),
            "article_finding": h.finding,
            "problems": spoilt,
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(index="hypothesis")
