"""Sampling a theory and completing the draws."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import nutpie
import pymc as pm
import xarray as xr
from cachetools import LRUCache

from bayes_alliance.data.load import Data, assumed
from bayes_alliance.density import GRAPHS, compile_model
from bayes_alliance.errors import InputError
from bayes_alliance.machine.program import PORTABLE, processor
from bayes_alliance.process.containers import arrays, stretches
from bayes_alliance.process.integrated import evaluator, quantities
from bayes_alliance.process.priors import CONTAINER, Priors, load_priors
from bayes_alliance.process.replicated import contents, draw_prior, readable, replications
from bayes_alliance.quiet import quiet
from bayes_alliance.sampling import check_room, sampler_of, settings
from bayes_alliance.storage import data_of, priors_of
from bayes_alliance.structure import STATS, TABLES
from bayes_alliance.theories import NAMES, build, code_of, get, sizes

TARGET_ACCEPT, MASS_MATRIX = 0.9, "draw_diag"
"""Steps small enough for fits of few cases; the mass matrix is made of draws, not of gradients."""
PREDICTIVE_DRAWS = 1000
PACKAGES = ("bayes-alliance", "pymc", "pytensor", "arviz", "nutpie", "numpy", "pandas", "xarray")

# held as GRAPHS is; whoever has one of these changes nothing in it
_models: LRUCache[tuple, tuple[pm.Model, Any]] = LRUCache(16)
_log_densities: LRUCache[tuple, Any] = LRUCache(32)


def versions() -> dict[str, str]:
    """Versions that a result depends on.

    Returns
    -------
    dict of str to str
        Package (and ``python``) to version.
    """
    return {"python": platform.python_version()} | {name: version(name) for name in PACKAGES}


def made_for() -> dict[str, str | int]:
    """Processor that compiled code is made for, which decides its last digits.

    Returns
    -------
    dict of str to str or int
        ``processor``, ``processor_features`` and ``portable``, for the attributes of a fit.
    """
    name, features = processor()
    return {"processor": name, "processor_features": features, "portable": int(PORTABLE)}


def compiled(theory: str, data: Data, priors: Priors) -> tuple[pm.Model, Any]:
    """The model and its compiled log density, kept for the next call.

    One compiled log density serves every dataset with parameters of the same sizes, whatever its
    rows, and every prior of the same distributions: both are containers. A model is of its data and
    priors alone. Others are given the same two: change nothing in them.

    Parameters
    ----------
    theory : str
        Name of the theory.
    data : Data
        Validated tables.
    priors : Priors
        Priors.

    Returns
    -------
    tuple of pymc.Model and nutpie's compiled model
        Refits with other contents of the containers use ``with_data`` of the second.
    """
    with GRAPHS:
        key = _key(theory, data, priors)
        if key not in _models:
            _models[key] = _made(theory, data, priors)
        return _models[key]


def _made(theory: str, data: Data, priors: Priors) -> tuple[pm.Model, Any]:
    """A new model and its log density."""
    model = build(theory, data, priors)
    # rows of the data may differ in number, parameters may not
    names, shapes = sizes(model)
    usual = load_priors(theory)
    # the bundled distributions serve priors with other arguments; else each is compiled by itself
    like_usual = priors.form == usual.form
    shape = (theory, priors.form if like_usual else priors.hash, names, shapes)
    key = (*shape, *code_of(theory))
    if key not in _log_densities:
        # chains begin where the bundled priors have them, whichever fit was compiled first
        other = like_usual and priors.hash != usual.hash
        first = build(theory, data, usual) if other else model
        # what a module of your own makes of its theory may change with what that imports
        made_of = repr(shape) if theory in NAMES else None
        _log_densities[key] = compile_model(first, made_of, var_names=names)
    values = {name: value for name, (_, value) in arrays(data).items()}
    values[CONTAINER] = np.array(list(priors.arguments.values()))
    return model, with_containers(_log_densities[key], values)


def _key(theory: str, data: Data, priors: Priors) -> tuple:
    """What a model is made of; the hash of the tables passes over their order."""
    clients = zip(data.clients["episode"], data.clients["client"], strict=True)
    order = tuple(data.episodes["episode"]), tuple(clients)
    return theory, *code_of(theory), data.hash, priors.hash, *order


def with_containers(log_density: Any, values: Mapping[str, np.ndarray]) -> Any:
    """The same compiled log density of other data of the same shape.

    Parameters
    ----------
    log_density : nutpie's compiled model
        Compiled model.
    values : mapping of str to numpy.ndarray
        Contents of containers, by alliance-year of all or none of these; those that the model
        does not read are passed over.

    Returns
    -------
    nutpie's compiled model
        Nothing is compiled again.
    """
    used = {variable.name for variable in log_density.shared_var_keys}
    if "exposure" in used and "exposure" in values:
        values = {**values, **stretches(values, used)}
    return log_density.with_data(**{name: v for name, v in values.items() if name in used})


def fit(
    theory: str,
    data: Data,
    *,
    draws: int = 1000,
    tune: int = 500,
    chains: int = 4,
    seed: int = 1,
    sampler: str | None = None,
    priors: Mapping[str, Any] | str | Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> xr.DataTree:
    """Fit a theory to data.

    Parameters
    ----------
    theory : str
        Name of a theory; `bayes_alliance.theories` lists them.
    data : Data
        Validated tables, from `bayes_alliance.load`.
    draws, tune, chains : int
        Draws kept and discarded by chain, and number of chains.
    seed : int
        Seed of everything random, from 0 to 4294967295.
    sampler : {"nutpie", "pymc", "numpyro"}, optional
        Implementation of the No-U-Turn sampler; nutpie by default.
    priors : mapping or path, optional
        Changes to the bundled priors.
    progress : callable, optional
        Called with the name of each step as it begins.

    Returns
    -------
    xarray.DataTree
        The same to the last bit for the same arguments, versions of the libraries and processor
        (``attrs``: ``version_*``, ``processor``, ``processor_features``); see
        ``docs/reproducibility.md`` for what may differ else, and for portable code.
        Groups ``posterior``, ``sample_stats``, ``log_likelihood`` (integrated over the latent
        variables, by case; see `bayes_alliance.process.integrated`), ``log_prior``, ``prior``,
        ``prior_predictive``, ``posterior_predictive``, ``observed_data``, ``constant_data`` and
        ``tables`` (the data as CSV); ``attrs`` carry versions, hashes, seed, seconds and
        ``confidence_assumed``: how many values were taken for certain, as none is given.

    Raises
    ------
    InputError
        If an argument is out of range or unknown.
    """
    asked = settings(draws, tune, chains, seed)
    draws, tune, chains, seed = asked.values()
    sampler = sampler_of(sampler)
    if not isinstance(data, Data):
        raise InputError("data from bayes_alliance.load", column="data", value=data)
    get(theory)
    tell = progress or (lambda step: None)
    spec = load_priors(theory, priors)
    began = time.perf_counter()
    tell("compile")
    model, log_density = compiled(theory, data, spec)
    check_room(model, draws, tune, chains)
    compiled_after = time.perf_counter()
    tell("sample")
    sampled = sample_model(model, log_density, draws, tune, chains, seed, sampler)
    sampled_after = time.perf_counter()
    tell("summarise")
    tree = _complete(sampled, model, data, spec, seed)
    done = time.perf_counter()
    whole = {"chain": chains, "draw": draws}
    tree.attrs.update(
        theory=theory,
        data_name=data.name,
        data_hash=data.hash,
        confidence_assumed=sum(without for without, _ in assumed(data).values()),
        priors_hash=spec.hash,
        priors_changed=int(spec.hash != load_priors(theory).hash),
        **asked,
        sampler=sampler,
        seconds_compile=compiled_after - began,
        seconds_sample=sampled_after - compiled_after,
        seconds=done - began,
        interrupted=int(any(tree["posterior"].sizes[d] < n for d, n in whole.items())),
        **made_for(),
        **{f"version_{name}": v for name, v in versions().items()},
    )
    return tree


def sample_model(
    model, log_density, draws, tune, chains, seed, sampler, target_accept=TARGET_ACCEPT
) -> xr.DataTree:
    """Draw from a compiled model.

    Parameters
    ----------
    model : pymc.Model
        The model.
    log_density : nutpie's compiled model
        Its compiled log density.
    draws, tune, chains, seed, sampler
        As in `fit`.
    target_accept : float
        Acceptance that the step size is adapted to, between 0 and 1.

    Returns
    -------
    xarray.DataTree
        ``posterior`` of the free variables and ``sample_stats``.
    """
    cores = min(chains, os.cpu_count() or 1)
    if sampler == "nutpie":
        try:
            tree = nutpie.sample(
                log_density,
                draws=draws,
                tune=tune,
                chains=chains,
                cores=cores,
                seed=seed,
                adaptation=MASS_MATRIX,
                target_accept=target_accept,
                save_warmup=False,
                progress_bar=False,
            )
        except ValueError as error:  # nutpie's words for an interruption before the first draw
            if isinstance(error.__context__, KeyboardInterrupt):
                raise KeyboardInterrupt from None
            raise
    else:  # PyMC compiles, and warns, as it samples
        with quiet(), GRAPHS, model:
            tree = pm.sample(
                draws,
                tune=tune,
                chains=chains,
                cores=cores,
                random_seed=seed,
                nuts_sampler=sampler,
                target_accept=target_accept,
                progressbar=False,
                quiet=True,
                compute_convergence_checks=False,
                var_names=[rv.name for rv in model.free_RVs],
            )
    posterior, stats = tree["posterior"].to_dataset(), tree["sample_stats"].to_dataset()
    # a compiled model that serves several datasets carries the labels of the first
    posterior = posterior.assign_coords(
        {d: list(model.coords[str(d)]) for d in posterior.dims if d in model.coords}
    )
    whole = _whole_draws(posterior)
    if not whole["chain"]:
        raise KeyboardInterrupt
    stats = stats.rename(
        {
            a: b
            for a, b in (("logp", "lp"), ("mean_tree_accept", "acceptance_rate"))
            if a in stats and b not in stats
        }
    )
    return xr.DataTree.from_dict(
        {
            "posterior": posterior.isel(whole),
            "sample_stats": stats[[s for s in STATS if s in stats]].isel(whole),
        }
    )


def _whole_draws(posterior: xr.Dataset) -> dict[str, Any]:
    """What an interruption left whole: the chains that were well on their way, cut to one length.

    Chains with less than half of the draws of the longest are dropped: those that had not begun
    would leave nothing.
    """
    first = next(iter(posterior.data_vars.values()))
    other = [d for d in first.dims if d not in ("chain", "draw")]
    counts = first.notnull().all(other).sum("draw").to_numpy()  # (chain,)
    kept = np.flatnonzero((counts > 0) & (2 * counts >= counts.max()))
    return {"chain": kept.tolist(), "draw": slice(0, int(counts[kept].min(initial=counts.max())))}


def _complete(
    sampled: xr.DataTree, model: pm.Model, data: Data, priors: Priors, seed: int
) -> xr.DataTree:
    """Add what can be computed from the draws."""
    posterior = sampled["posterior"].to_dataset()
    keep = {d.name: d for d in model.deterministics if d.name != "hazard"}
    derived = quantities(model, keep, "derived")
    free = [rv.name for rv in model.free_RVs]
    of_prior = {n: partial(pm.logp, model[n], model[n]) for n in free if n != "epsilon"}
    scored = evaluator(model)
    integrated = scored.run(posterior, scored.nodes(posterior, seed=seed))
    replicated = replications(model, seed)
    prior = draw_prior(model, PREDICTIVE_DRAWS, seed)
    step = max(1, posterior.sizes["chain"] * posterior.sizes["draw"] // PREDICTIVE_DRAWS)
    some = posterior.isel(draw=slice(None, None, step))
    tables = {name: ((), getattr(data, name).to_csv(index=False)) for name in TABLES}
    stored = {"parameters": priors.parameters, "options": priors.options}
    tables["priors"] = ((), json.dumps(stored, sort_keys=True))
    held = contents(model)
    predicted = {
        "prior_predictive": readable(held["observed_data"], replicated(prior)),
        "posterior_predictive": readable(held["observed_data"], replicated(some)),
    }
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.merge([posterior, derived(posterior)]),
            "sample_stats": sampled["sample_stats"].to_dataset(),
            "log_likelihood": integrated,
            "log_prior": quantities(model, of_prior, "prior densities")(posterior),
            "prior": _sorted(xr.merge([prior, derived(prior)])),
            **{name: _sorted(group) for name, group in (predicted | held).items()},
            "tables": xr.Dataset(tables),
        }
    )
    for group in tree.children.values():
        group.attrs.clear()
    return tree


def _sorted(group: xr.Dataset) -> xr.Dataset:
    """Variables in the order of their names."""
    return group[sorted(map(str, group.data_vars))]


def model_of(tree: xr.DataTree) -> tuple[pm.Model, Any]:
    """The model of a fit, compiled.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.

    Returns
    -------
    tuple of pymc.Model and compiled model
        As the fit used them.
    """
    return compiled(tree.attrs["theory"], data_of(tree), priors_of(tree))
