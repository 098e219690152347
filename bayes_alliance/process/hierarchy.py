"""Theatre, patron and era effects, partially pooled, in every stage of the process."""

from __future__ import annotations

import pymc as pm
import pytensor.tensor as pt

from bayes_alliance.process.containers import FACTORS
from bayes_alliance.process.priors import Priors


def effects(x, priors: Priors) -> pt.TensorVariable:
    """Sum of the effects of all factors, by stage and episode.

    Within a factor the effects sum to zero, so that the stage's own constant keeps its meaning.
    A factor with one level has no effect, but its scale is kept: a forecast for a level that no
    fit has seen draws its effect from ``Normal(0, scale)``.

    Parameters
    ----------
    x : types.SimpleNamespace
        Containers.
    priors : Priors
        Priors named ``scale_<factor>``.

    Returns
    -------
    TensorVariable, shape (stage, episode)
        Effects on the log-odds or log-hazard scale.
    """
    model = pm.modelcontext(None)
    total = pt.zeros((len(model.coords["stage"]), x.theatre_index.shape[0]))
    for factor in FACTORS:
        scale = priors(f"scale_{factor}", dims="stage")
        if len(model.coords[factor]) < 2:
            continue
        z = pm.ZeroSumNormal(f"z_{factor}", dims=("stage", factor))  # (stage, level)
        effect = scale[:, None] * z
        total = total + effect[:, getattr(x, f"{factor}_index")]  # (stage, episode)
    return total
