"""The hazard of decisions kept beside the fit that drives it, and used again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import xarray as xr

from bayes_alliance.data.panel import panel
from bayes_alliance.errors import InputError
from bayes_alliance.files import target
from bayes_alliance.fit import versions
from bayes_alliance.forecast.formation import MODEL, digest, formation
from bayes_alliance.process.priors import load_priors
from bayes_alliance.storage import checksum, code, read, save


def file_of(fit: str | Path) -> Path:
    """File of the hazard of a fit.

    Parameters
    ----------
    fit : str or pathlib.Path
        File of the fit.

    Returns
    -------
    pathlib.Path
        ``<fit>.formation.nc`` beside it.
    """
    return Path(fit).with_suffix(".formation.nc")


def settings(tree: xr.DataTree) -> dict[str, Any]:
    """Sampler settings of the hazard of a fit: its own.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.

    Returns
    -------
    dict of str to int
        ``draws``, ``tune``, ``chains`` and ``seed``.
    """
    return {name: int(tree.attrs[name]) for name in ("draws", "tune", "chains", "seed")}


def kept(
    tree: xr.DataTree, path: str | Path, progress: Callable[[str], None] | None = None
) -> xr.DataTree:
    """Open the hazard of a fit's theory, or fit and save it.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.
    path : str or pathlib.Path
        File of the hazard. It is used again if it was made of the same fit (its draws too), panel
        and priors by the same code, versions and settings, and made anew if not.
    progress : callable, optional
        Called with the name of each step.

    Returns
    -------
    xarray.DataTree
        What `bayes_alliance.forecast.formation.formation` gave.
    """
    path = target(path, (".nc",))
    wanted = made_of(tree)
    found = _opened(path)
    if found is not None and found.attrs.get("made_of") == wanted:
        return found
    made = formation(tree, **settings(tree), progress=progress)
    if made.attrs["interrupted"]:
        raise KeyboardInterrupt
    made.attrs["made_of"] = wanted
    save(made, path)
    return made


def made_of(tree: xr.DataTree) -> str:
    """Digest of all that the hazard of a fit is derived from.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.

    Returns
    -------
    str
        Of the fit's contents, the panel, the priors, the settings, the versions and the code.
    """
    theory = str(tree.attrs["theory"])
    parts = {
        "fit": checksum(tree, attributes=False),
        "model": MODEL,
        "theory": theory,
        "panel": digest(panel()),
        "priors": load_priors(MODEL).hash,
        "settings": settings(tree),
        "versions": versions(),
        "code": code(theory),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _opened(path: Path) -> xr.DataTree | None:
    """A saved tree, in memory; None where there is none that is whole."""
    try:
        return read(path)
    except InputError:
        return None
