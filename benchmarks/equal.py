"""Whether a Stan program and the PyMC model have the same log density."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor
from stan_model import ask, program, stan_data

from bayes_alliance.data.load import Data
from bayes_alliance.theories import build


def differences(theory: str, data: Data, count: int, seed: int = 1) -> dict[str, np.ndarray]:
    """Log densities of PyMC less those of Stan, at draws from the prior.

    Both are on the scale of the parameters themselves, without the Jacobians of the scales on
    which samplers move, so that no choice of transforms enters.

    Parameters
    ----------
    theory : str
        One of `stan_model.THEORIES`.
    data : Data
        Validated tables.
    count : int
        Number of points.
    seed : int
        Seed of the points.

    Returns
    -------
    dict of str to numpy.ndarray, shape (point,)
        ``difference``, which is one constant if the models are the same, and ``log_density``.
    """
    model = build(theory, data)
    names = [rv.name for rv in model.free_RVs]
    drawn = pm.draw(model.free_RVs, draws=count, random_seed=seed)
    points = [dict(zip(names, values, strict=True)) for values in zip(*drawn, strict=True)]
    ours = at_points(model, points)
    job = {
        "do": "log_density",
        "program": program(theory),
        "data": stan_data(theory, data),
        "points": [{name: v.tolist() for name, v in point.items()} for point in points],
    }
    return {"difference": ours - np.array(ask(job)["log_density"]), "log_density": ours}


def at_points(model: pm.Model, points: list[dict[str, np.ndarray]]) -> np.ndarray:
    """Log density of a model without Jacobians, in the plainest way there is to compute it.

    Parameters
    ----------
    model : pymc.Model
        The model.
    points : list of dict
        Values of the free variables on their own scale.

    Returns
    -------
    numpy.ndarray, shape (point,)
        Log densities.
    """
    # term by term: their sum would be fused into one operation, too large for the plain mode
    terms = pytensor.function(
        model.value_vars,
        [term.sum() for term in model.logp(jacobian=False, sum=False)],
        mode="FAST_COMPILE",
        on_unused_input="ignore",
    )
    seen = {}
    for rv in model.free_RVs:
        transform, value = model.rvs_to_transforms[rv], rv.clone()
        out = value if transform is None else transform.forward(value, *rv.owner.inputs)
        seen[rv.name] = pytensor.function([value], out, mode="FAST_COMPILE")
    return np.array([sum(terms(*(seen[n](v) for n, v in point.items()))) for point in points])
