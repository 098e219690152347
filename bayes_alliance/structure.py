"""What the tree of a fit must hold, so that whatever uses it finds it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr

from bayes_alliance.errors import InputError
from bayes_alliance.process.integrated import DENSITIES, LATENT
from bayes_alliance.process.replicated import contents
from bayes_alliance.sampling import SAMPLERS

STATS = ("diverging", "energy", "step_size", "n_steps", "depth", "acceptance_rate", "lp")
TABLES = ("episodes", "clients", "years", "codings")
GROUPS = (
    "posterior",
    "sample_stats",
    "log_likelihood",
    "log_prior",
    "prior",
    "prior_predictive",
    "posterior_predictive",
    "observed_data",
    "constant_data",
    "tables",
)
DRAWS = ("chain", "draw")
HASH = re.compile(r"[0-9a-f]{64}")
ATTRIBUTES: dict[str, tuple[type | tuple[type, ...], str]] = {
    "theory": (str, "a name"),
    "data_name": (str, "a name"),
    "data_hash": (str, "64 hexadecimal digits"),
    "priors_hash": (str, "64 hexadecimal digits"),
    "priors_changed": (int, "0 or 1"),
    "seed": (int, "a whole number"),
    "draws": (int, "a whole number of at least 1"),
    "tune": (int, "a whole number of at least 1"),
    "chains": (int, "a whole number of at least 1"),
    "sampler": (str, f"one of {', '.join(SAMPLERS)}"),
    "seconds_compile": ((int, float), "seconds"),
    "seconds_sample": ((int, float), "seconds"),
    "seconds": ((int, float), "seconds"),
    "interrupted": (int, "0 or 1"),
}
"""Attributes of a fit: type, and what is said of another."""


def check_attributes(tree: xr.DataTree, path: Path) -> None:
    """Refuse a tree that lacks a group, table or attribute of a fit.

    Parameters
    ----------
    tree : xarray.DataTree
        What was read.
    path : pathlib.Path
        File, for messages.

    Raises
    ------
    InputError
        At the first that is missing or of another type.
    """
    attrs = tree.attrs
    for name, (kind, words) in ATTRIBUTES.items():
        value: Any = attrs.get(name)
        good = isinstance(value, kind)
        if good and name in ("draws", "tune", "chains"):
            good = value >= 1
        elif good and name in ("priors_changed", "interrupted"):
            good = value in (0, 1)
        elif good and name.endswith("_hash"):
            good = bool(HASH.fullmatch(str(value)))
        elif good and name == "data_name":
            good = bool(value)
        elif good and name == "sampler":
            good = value in SAMPLERS
        if not good:
            raise _wrong(path, name, f"an attribute {name}: {words}", value)
    _same(path, "groups", tree.children, GROUPS)
    _same(path, "tables", tree["tables"].data_vars, (*TABLES, "priors"))
    for key, table in tree["tables"].data_vars.items():
        if table.ndim or not isinstance(table.item(), str):
            raise _wrong(path, f"tables/{key}", "one text")


def check_tree(tree: xr.DataTree, model: pm.Model, path: Path) -> None:
    """Refuse a tree that is not what a fit of this model holds.

    Parameters
    ----------
    tree : xarray.DataTree
        With the attributes and tables of a fit.
    model : pymc.Model
        The model that its theory makes of its tables and priors.
    path : pathlib.Path
        File, for messages.

    Raises
    ------
    InputError
        At the first variable that is missing, or of other type, dimensions or labels.
    """
    free = [rv.name for rv in model.free_RVs]
    derived = [d.name for d in model.deterministics if d.name != "hazard"]
    own = contents(model)
    groups = {name: tree[name].to_dataset() for name in GROUPS}
    for name in ("posterior", "prior"):
        _same(path, name, groups[name].data_vars, [*free, *derived])
    _same(path, "log_prior", groups["log_prior"].data_vars, [n for n in free if n != LATENT])
    _same(path, "log_likelihood", groups["log_likelihood"].data_vars, DENSITIES)
    for name, held in own.items():
        _same(path, name, groups[name].data_vars, list(map(str, held.data_vars)))
    observed = list(map(str, own["observed_data"].data_vars))
    for name in ("prior_predictive", "posterior_predictive"):
        _same(path, name, groups[name].data_vars, observed)
    stats = groups["sample_stats"].data_vars
    _same(path, "sample_stats", stats, [s for s in STATS if s in stats or s in STATS[:2]])
    for name, group in groups.items():
        for key, of in group.data_vars.items():
            where = f"{name}/{key}"
            if name in own:
                _check_content(path, where, of, own[name][str(key)])
            elif name != "tables":
                _check_draws(path, where, of, model)
    _check_sizes(path, tree.attrs, groups)
    for key in free:
        if not np.isfinite(groups["posterior"][key].to_numpy()).all():
            raise _wrong(path, f"posterior/{key}", "finite draws")


def _check_content(path: Path, where: str, of: xr.DataArray, own: xr.DataArray) -> None:
    """Data of the model: as the tables give them, up to rounding by another processor."""
    if of.dims != own.dims or of.dtype.kind != own.dtype.kind or of.shape != own.shape:
        raise _wrong(path, where, f"what the tables give: {own.dtype} over {own.dims}")
    same = np.allclose(of.to_numpy(), own.to_numpy(), rtol=1e-9, atol=1e-9, equal_nan=True)
    labels = all(
        list(of.coords[d].to_numpy()) == list(own.coords[d].to_numpy()) for d in own.coords
    )
    if not same or not labels or set(of.coords) != set(own.coords):
        raise _wrong(path, where, "what the tables give")


def _check_draws(path: Path, where: str, of: xr.DataArray, model: pm.Model) -> None:
    """Numbers by chain and draw, labelled as the model labels its dimensions."""
    group, _, name = where.partition("/")
    kind = {"diverging": "b", "n_steps": "iu", "depth": "iu"}.get(name, "f")
    if group.endswith("_predictive"):
        kind = "iufb"
    if of.dtype.kind not in kind or of.dims[:2] != DRAWS:
        raise _wrong(path, where, "numbers by chain and draw")
    rest = of.dims[2:]
    dims = tuple(model.named_vars_to_dims.get(name) or ())
    if group == "sample_stats":
        dims = ()
    elif group == "log_likelihood":
        dims = ("case",)
    # a density of a vector may have fewer dimensions than the vector
    if rest != dims and (group != "log_prior" or len(rest) > len(dims)):
        raise _wrong(path, where, f"the dimensions {(*DRAWS, *dims)}")
    for d in rest:
        if d in model.coords:
            if d not in of.coords or list(of.coords[d].to_numpy()) != list(model.coords[d]):
                raise _wrong(path, f"{where}, {d}", "the labels that the tables give")


def _check_sizes(path: Path, attrs: dict[Any, Any], groups: dict[str, xr.Dataset]) -> None:
    """As many draws as the attributes say, the same in all groups of the posterior."""
    chains = groups["posterior"]
    for name in DRAWS:
        for group, of in groups.items():
            if name not in of.dims:
                continue
            labels = of.coords[name].to_numpy() if name in of.coords else np.empty(0)
            if labels.dtype.kind not in "iu" or len(set(labels.tolist())) != of.sizes[name]:
                raise _wrong(path, f"{group}/{name}", "whole numbers, each once")
            if group in ("sample_stats", "log_likelihood", "log_prior") and not np.array_equal(
                labels, chains.coords[name].to_numpy()
            ):
                raise _wrong(path, f"{group}/{name}", "those of the posterior")
        asked = int(attrs[f"{name}s"])
        size = chains.sizes[name]
        if not 1 <= size <= asked or (size < asked and not attrs["interrupted"]):
            raise _wrong(path, f"posterior/{name}", f"{asked}, as the attributes say", size)


def _same(path: Path, where: str, found: Any, wanted: Sequence[str]) -> None:
    """Refuse names that lack one or have one more."""
    there = set(map(str, found))
    for word, names in (("with", set(wanted) - there), ("without", there - set(wanted))):
        if names:
            raise _wrong(path, where, f"{where} {word} {min(names)}")


def _wrong(path: Path, where: Any, words: str, value: object = None) -> InputError:
    """What is said of a file that is not as a fit."""
    return InputError(f"a fit with {words}", file=str(path), column=str(where), value=value)
