"""Theories by name, and the model that a theory makes of a dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pymc as pm

from bayes_alliance.data.load import Data
from bayes_alliance.density import untraced
from bayes_alliance.errors import InputError
from bayes_alliance.names import MAIN, NAMES, NULL
from bayes_alliance.process.alliance import alliance_process
from bayes_alliance.process.containers import coords, register
from bayes_alliance.process.priors import Priors, load_priors

__all__ = ["MAIN", "NAMES", "NULL", "build", "get", "sizes", "theories"]


def get(theory: str) -> ModuleType:
    """Module of a theory.

    Parameters
    ----------
    theory : str
        One of `NAMES`, or the dotted name of a module of your own (``my_package.my_theory``) that
        has what theirs have, and a TOML file of priors of the same name beside it.

    Returns
    -------
    module
        With ``terms``, ``HYPOTHESES``, ``REFERENCE`` and ``DESCRIPTION``.

    Raises
    ------
    InputError
        If there is no such theory.
    """
    if isinstance(theory, str) and theory in NAMES:
        return import_module(f"bayes_alliance.theories.{theory}")
    words = f"a theory among {', '.join(NAMES)}, or the dotted name of a module of your own"
    if not isinstance(theory, str) or "." not in theory.strip("."):
        raise InputError(words, column="theory", value=theory)
    try:
        module = import_module(theory)
    except Exception as error:  # whatever a module of the user's own may raise
        raise InputError(f"{words} ({error})", column="theory", value=theory) from None
    for name in ("terms", "HYPOTHESES", "REFERENCE", "DESCRIPTION"):
        if not hasattr(module, name):
            raise InputError(f"a module with {name}", column="theory", value=theory)
    return module


def code_of(theory: str) -> tuple[Any, ...]:
    """What a theory's graphs are made by, for keys of what is kept of them.

    Parameters
    ----------
    theory : str
        As of `get`.

    Returns
    -------
    tuple
        Other functions once its module was changed and loaded anew.
    """
    module = get(theory)
    return module.terms, getattr(module, "drive", None)


def theories() -> dict[str, dict[str, Any]]:
    """Describe the theories.

    Returns
    -------
    dict
        Name to ``description``, ``hypotheses`` (name to words) and ``reference``.
    """
    return {
        name: {
            "description": get(name).DESCRIPTION,
            "hypotheses": {h.name: h.words for h in get(name).HYPOTHESES},
            "reference": get(name).REFERENCE,
        }
        for name in NAMES
    }


@untraced()
def build(
    theory: str,
    data: Data,
    priors: Mapping[str, Any] | str | Path | Priors | None = None,
    levels: dict[str, list[str]] | None = None,
) -> pm.Model:
    """The theory as a PyMC model of the data.

    Parameters
    ----------
    theory : str
        One of `NAMES`.
    data : Data
        Validated tables.
    priors : mapping, path or Priors, optional
        Changes to the bundled priors, see `load_priors`.
    levels : dict, optional
        Levels of theatre, patron and era to carry beside the dataset's own.

    Returns
    -------
    pymc.Model
        With dims and coords; all data are ``pm.Data`` containers.
    """
    module = get(theory)
    spec = priors if isinstance(priors, Priors) else load_priors(theory, priors)
    make: Callable = module.terms
    with pm.Model(coords=coords(data, levels)) as model:
        x = register(data, levels)
        alliance_process(x, make(x, spec), spec)
    if theory in NAMES:  # what a module of your own makes may change with what that imports
        model.made_of = (theory, spec.form, *sizes(model))
    return model


def sizes(model: pm.Model) -> tuple[tuple[str, ...], tuple[tuple[int, ...], ...]]:
    """Free variables of a model and their shapes: models of a theory differ in nothing else.

    Parameters
    ----------
    model : pymc.Model
        A theory's model.

    Returns
    -------
    tuple of names and of shapes
        In the model's order.
    """
    names = tuple(rv.name for rv in model.free_RVs)
    dims = [model.named_vars_to_dims.get(name, ()) for name in names]
    return names, tuple(tuple(len(model.coords[d]) for d in of) for of in dims)
