"""Where a theory's score comes from: proposals, designs, survival."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import logsumexp

from bayes_alliance.compare.loo import paired, pareto
from bayes_alliance.compare.refits import log_mean, refit_without

STAGES = ("proposal", "design", "survival")


def stages(
    tree: xr.DataTree,
    information: str = "indicators",
    exact: bool = True,
    progress: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """Leave-one-out score of each case by stage.

    The chain rule splits it: log p(q) + log p(d | q) + log p(T | q, d), each given the other
    cases, with the latent variable integrated out of every joint density first. The weights of
    the draws are those of the whole case.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.
    information : {"indicators", "commitments"}
        Whether predictions may know what the clients had promised each other.
    exact : bool
        Refit where Pareto k is too high.
    progress : callable, optional
        Called with the name of each refit as it begins.

    Returns
    -------
    pandas.DataFrame
        Indexed by case: ``proposal``, ``design``, ``survival``. Rows sum to the pointwise score
        of `bayes_alliance.compare.loo.elpd`; 0 where nothing of the stage is recorded.
    """
    known = "indicators" if information == "indicators" else "joint"
    names = [f"{known}_proposal", f"{known}_design", known, "promise"]
    densities = tree["log_likelihood"].to_dataset()
    log_weights, pareto_k, good_k = pareto(tree)
    weight = log_weights.to_numpy()  # (chain, draw, case)
    found = {name: logsumexp(weight + densities[name].to_numpy(), axis=(0, 1)) for name in names}
    for i in np.flatnonzero(exact & (pareto_k.to_numpy() > good_k)):
        scores = refit_without(tree, (int(i),), str(densities["case"].values[i]), progress)
        for name in names:
            found[name][i] = log_mean(scores[name])[0]
    steps = [found[name] for name in names[:3]]
    before = found["promise"] if known == "joint" else np.zeros_like(steps[0])
    return pd.DataFrame(
        {stage: a - b for stage, a, b in zip(STAGES, steps, [before, *steps[:2]], strict=True)},
        index=pd.Index(densities["case"].values.astype(str), name="case"),
    )


def lead(
    found: Mapping[str, pd.DataFrame], name: str, reference: str, stage: str
) -> tuple[float, float]:
    """Lead of a theory over another in one stage, and its standard error.

    Parameters
    ----------
    found : mapping of str to pandas.DataFrame
        What `stages` gave, by theory.
    name, reference : str
        The two theories.
    stage : str
        One of `STAGES`.

    Returns
    -------
    tuple of float
        Sum over cases and its standard error, as `bayes_alliance.compare.loo.paired` gives them.
    """
    return paired(found[name][stage] - found[reference][stage])
