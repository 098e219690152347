"""What a model draws: its parameters from their priors, and what was observed anew."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr
from pymc.distributions.shape_utils import change_dist_size
from pytensor.graph.traversal import ancestors
from pytensor.tensor.random.op import RandomVariable

from bayes_alliance.density import untraced
from bayes_alliance.process.cells import CELLS, COMMITMENTS
from bayes_alliance.process.integrated import COMMITMENT, over_draws

_PAIRS = tuple(
    f"{p}_to_{o}" for p in ("unrecorded", *CELLS) for o in ("unrecorded", *CELLS, "refused")
)
MEANINGS = {
    "outcome_observed": _PAIRS,
    COMMITMENT: COMMITMENTS,
    "ended_observed": ("stands", "ended"),
    "fear": ("none", "some", "strong"),
    "disputes": ("none", "one", "two_or_more"),
    "frame_coded": ("gain", "loss"),
    "statement_coded": ("low", "moderate", "high"),
}
"""What the numbers of an observed variable stand for, from 0; of outcomes, proposal and design."""


def readable(observed: xr.Dataset, of: xr.Dataset | None = None) -> xr.Dataset:
    """Observed or replicated data as a plot of ArviZ must have them.

    Parameters
    ----------
    observed : xarray.Dataset
        Numbers; below 0, or not a number, where nothing was recorded.
    of : xarray.Dataset, optional
        Replications of it; the observed data themselves by default.

    Returns
    -------
    xarray.Dataset
        What was not recorded is not a number, and neither are its replications, but those of
        outcomes, which are codes of pairs. ``flag_values`` and ``flag_meanings`` (of the CF
        conventions) say what numbers stand for.
    """
    out = (observed if of is None else of).copy()
    for key, values in observed.data_vars.items():
        name, pairs = str(key), key == "outcome_observed"
        recorded = values > 0 if pairs else values >= 0
        if not recorded.all() and not (pairs and of is not None):
            out[name] = out[name].where(recorded)
        if name in MEANINGS:
            told = MEANINGS[name]
            flags = {"flag_values": np.arange(len(told)), "flag_meanings": " ".join(told)}
            out[name].attrs.update(flags)
    return out


def contents(model: pm.Model) -> dict[str, xr.Dataset]:
    """Data of a model.

    Parameters
    ----------
    model : pymc.Model
        A model whose data are in containers.

    Returns
    -------
    dict of str to xarray.Dataset
        ``observed_data`` by name of the observed variable, and ``constant_data``: the containers.
    """
    observed = {rv.name: model.rvs_to_values[rv] for rv in model.observed_RVs}
    groups = {"observed_data": observed, "constant_data": {v.name: v for v in model.data_vars}}
    found = {
        name: _dataset(model, {n: _content(v) for n, v in group.items()})
        for name, group in groups.items()
    }
    return found | {"observed_data": readable(found["observed_data"])}


def _content(variable: Any) -> np.ndarray:
    """Value of a container, or of data that are cast from one."""
    held = variable.get_value() if hasattr(variable, "get_value") else variable.eval()
    return np.array(held)


def _dataset(model: pm.Model, arrays: dict[str, np.ndarray], lead: tuple = ()) -> xr.Dataset:
    """Arrays with the dimensions and labels that the model has for their names."""
    data = {}
    for name, value in arrays.items():
        dims = tuple(model.named_vars_to_dims.get(name, ()))
        if len(dims) != value.ndim - len(lead):
            dims = tuple(f"{name}_dim_{i}" for i in range(value.ndim - len(lead)))
        data[name] = ((*lead, *dims), value)
    used = {d for dims, _ in data.values() for d in dims} & set(model.coords)
    return xr.Dataset(data, coords={d: list(model.coords[d]) for d in used})


@untraced()
def draw_prior(model: pm.Model, draws: int, seed: int) -> xr.Dataset:
    """Draw the free variables from their priors.

    Parameters
    ----------
    model : pymc.Model
        A model.
    draws : int
        Number of draws.
    seed : int
        Seed.

    Returns
    -------
    xarray.Dataset
        Free variables, dims ``chain`` (of length 1), ``draw, ...``.
    """
    free = list(model.free_RVs)
    if any(set(free) & set(ancestors(rv.owner.inputs)) for rv in free):
        drawn = pm.draw(free, draws, random_seed=seed, mode="FAST_COMPILE")
    else:  # none rests on another, so that all are drawn at once
        many = [change_dist_size(rv, (draws,), expand=True) for rv in free]
        drawn = pm.draw(many, 1, random_seed=seed, mode="FAST_COMPILE")
    values = {rv.name: np.asarray(v)[None] for rv, v in zip(free, drawn, strict=True)}
    found = _dataset(model, values, ("chain", "draw"))
    return found.assign_coords(chain=np.arange(1), draw=np.arange(draws))


def replications(model: pm.Model, seed: int) -> Callable[[xr.Dataset], xr.Dataset]:
    """What was observed, drawn anew at every draw of the free variables.

    Parameters
    ----------
    model : pymc.Model
        A theory's model.
    seed : int
        Seed.

    Returns
    -------
    callable
        From draws of all free variables, dims ``chain, draw, ...``, to replications.
    """
    rows = {rv.name: rv for rv in model.observed_RVs}
    names = [rv.name for rv in model.free_RVs]
    if not all(isinstance(rv.owner.op, RandomVariable) for rv in rows.values()):
        return partial(_by_pymc, model, seed)
    needed = {
        f"{name} {k}": parameter
        for name, rv in rows.items()
        for k, parameter in enumerate(rv.owner.op.dist_params(rv.owner))
    }
    function = over_draws(model, needed, nodes=False, kept_as="parameters of what is observed")

    def at(posterior: xr.Dataset) -> xr.Dataset:
        rng = np.random.default_rng(seed)
        flat = posterior[names].stack(sample=("chain", "draw")).transpose("sample", ...)
        found = function(**{name: flat[name].to_numpy()[:, None] for name in names})
        shape = posterior.sizes["chain"], posterior.sizes["draw"]
        made = {}
        for name, rv in rows.items():
            op, size = rv.owner.op, _content(model.rvs_to_values[rv]).shape
            given = [
                _lifted(found[f"{name} {k}"][:, 0], rv.type.ndim + core)
                for k, core in enumerate(op.ndims_params)
            ]
            drawn = op.rng_fn(rng, *given, (flat.sizes["sample"], *size))
            made[name] = np.asarray(drawn).reshape(*shape, *size)
        found_rows = _dataset(model, made, ("chain", "draw"))
        return found_rows.assign_coords(chain=posterior.chain, draw=posterior.draw)

    return at


def _by_pymc(model: pm.Model, seed: int, posterior: xr.Dataset) -> xr.Dataset:
    """Replications of what has no parameters of its own (a mixture, say), draw by draw."""
    drawn = pm.sample_posterior_predictive(
        posterior[[rv.name for rv in model.free_RVs]],
        model=model,
        random_seed=seed,
        progressbar=False,
        compile_kwargs={"mode": "FAST_COMPILE"},
    )
    return drawn["posterior_predictive"].to_dataset()


def _lifted(values: np.ndarray, ndim: int) -> np.ndarray:
    """Parameters (draw, ...) with so many dimensions after the first, the missing ones before."""
    return values.reshape(values.shape[0], *([1] * (ndim - values.ndim + 1)), *values.shape[1:])
