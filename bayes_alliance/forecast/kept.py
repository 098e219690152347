"""The hazard of decisions kept beside the fit that drives it, and used again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import xarray as xr

from bayes_alliance.data.panel import panel
from bayes_alliance.forecast.formation import MODEL, digest, formation
from bayes_alliance.process.priors import load_priors
from bayes_alliance.storage import save


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
        File of the hazard. It is used again if it was made of the same data, panel and priors by
        the same settings, and made anew if not.
    progress : callable, optional
        Called with the name of each step.

    Returns
    -------
    xarray.DataTree
        What `bayes_alliance.forecast.formation.formation` gave.
    """
    path = Path(path)
    asked = settings(tree)
    wanted: dict[str, Any] = {
        "model": MODEL,
        "theory": tree.attrs["theory"],
        "fit_data_hash": tree.attrs["data_hash"],
        "fit_priors_hash": tree.attrs["priors_hash"],
        "data_hash": digest(panel()),
        "priors_hash": load_priors(MODEL).hash,
        "interrupted": 0,
        **asked,
    }
    found = _opened(path)
    if found is not None and all(found.attrs.get(k) == v for k, v in wanted.items()):
        return found
    made = formation(tree, **asked, progress=progress)
    if made.attrs["interrupted"]:
        raise KeyboardInterrupt
    save(made, path)
    return made


def _opened(path: Path) -> xr.DataTree | None:
    """A saved tree, in memory; None where there is none that can be read."""
    try:
        with xr.open_datatree(path, engine="netcdf4") as opened:
            return opened.load()
    except (OSError, KeyError, ValueError):
        return None
