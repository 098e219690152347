"""Theories by name, and the model that a theory makes of a dataset."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pymc as pm

from bayes_alliance.data.load import Data
from bayes_alliance.errors import InputError
from bayes_alliance.process.alliance import alliance_process
from bayes_alliance.process.containers import coords, register
from bayes_alliance.process.priors import Priors, load_priors

NAMES = ("occupation", "prospect", "null")


def get(theory: str) -> ModuleType:
    """Module of a theory.

    Parameters
    ----------
    theory : str
        One of `NAMES`.

    Returns
    -------
    module
        With ``terms``, ``HYPOTHESES``, ``REFERENCE`` and ``DESCRIPTION``.

    Raises
    ------
    InputError
        If there is no such theory.
    """
    if theory not in NAMES:
        raise InputError(f"a theory among {', '.join(NAMES)}", column="theory", value=theory)
    return import_module(f"bayes_alliance.theories.{theory}")


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
    return model
