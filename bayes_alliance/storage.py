"""Saving and opening fits, and the data and priors that a fit carries."""

from __future__ import annotations

import functools
import io
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from bayes_alliance.data.load import Data, load
from bayes_alliance.data.schema import BUNDLED
from bayes_alliance.data.schema import TABLES as SCHEMAS
from bayes_alliance.errors import InputError
from bayes_alliance.process.priors import Priors, load_priors

TABLES = ("episodes", "clients", "years", "codings")


def data_of(tree: xr.DataTree) -> Data:
    """The data that a fit was made of, validated again.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.

    Returns
    -------
    Data
        The tables.
    """
    data = _read(*(str(tree["tables"][name].item()) for name in TABLES))
    tables = (getattr(data, name).copy() for name in TABLES)
    return Data(tree.attrs["data_name"], *tables)


@functools.lru_cache(maxsize=8)
def _read(*texts: str) -> Data:
    """Stored tables, read and validated once a process."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in zip(TABLES, texts, strict=True):
            columns = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
            columns[list(SCHEMAS[name].columns)].to_csv(Path(folder, f"{name}.csv"), index=False)
        return load(folder)


def priors_of(tree: xr.DataTree) -> Priors:
    """The priors that a fit was made with.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.

    Returns
    -------
    Priors
        As stored with the fit.
    """
    stored = json.loads(str(tree["tables"]["priors"].item()))
    return Priors(tree.attrs["theory"], stored["parameters"], stored["options"])


def save(tree: xr.DataTree, path: str | Path) -> Path:
    """Write a fit whole or not at all.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.
    path : str or pathlib.Path
        ``*.nc`` (netCDF) or ``*.zarr``.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    InputError
        If the ending is neither, or the place cannot be written.
    """
    path = Path(path)
    if path.suffix not in (".nc", ".zarr"):
        raise InputError("a file name ending in .nc or .zarr", file=str(path))
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".nc":
            zipped = {
                f"/{group.name}": {
                    str(v): {"zlib": True, "complevel": 1}
                    for v in group.data_vars
                    if group[str(v)].ndim and group[str(v)].dtype.kind in "fiub"
                }
                for group in tree.children.values()
            }
            tree.to_netcdf(part, engine="netcdf4", encoding=zipped)
        else:
            tree.to_zarr(part, mode="w", consolidated=False)
            if path.exists():
                shutil.rmtree(path)
        os.replace(part, path)
    except OSError as error:
        raise InputError(
            f"a place that can be written ({error.strerror})", file=str(path)
        ) from None
    finally:
        if part.is_dir():
            shutil.rmtree(part)
        elif part.exists():
            part.unlink()
    return path


def open_fit(
    path: str | Path,
    data: Data | None = None,
    priors: Mapping[str, Any] | str | Path | None = None,
) -> xr.DataTree:
    """Open a saved fit; refuse one from other data or priors.

    Parameters
    ----------
    path : str or pathlib.Path
        File written by `save`.
    data : Data, optional
        The data that it must have been made from; the bundled tables of its name by default.
    priors : mapping or path, optional
        The changes to the priors that it must have been made with; none by default.

    Returns
    -------
    xarray.DataTree
        The fit, in memory.

    Raises
    ------
    InputError
        If the file is missing, is no fit, or was made from other data or priors.
    """
    path = Path(path)
    if not path.exists():
        raise InputError("an existing file", file=str(path))
    try:
        if path.is_dir():
            opened = xr.open_datatree(path, engine="zarr", consolidated=False)
        else:
            opened = xr.open_datatree(path, engine="netcdf4")
        tree = opened.load()
        opened.close()
        theory, name = tree.attrs["theory"], tree.attrs["data_name"]
        stored = str(tree["tables"]["episodes"].item())
    except (OSError, KeyError, ValueError) as error:
        raise InputError(
            f"a fit saved by bayes_alliance ({type(error).__name__})", file=str(path)
        ) from None
    if data is None:
        bundled = set(name.split("+")) <= set(BUNDLED)
        data = _bundled_like(tree) if bundled else data_of(tree)
    if tree.attrs["data_hash"] != data.hash or not stored:
        raise InputError(
            f"a fit of the data with hash {data.hash[:12]}",
            file=str(path),
            column="data_hash",
            value=tree.attrs["data_hash"][:12],
        )
    wanted = load_priors(theory, priors)
    if tree.attrs["priors_hash"] != wanted.hash:
        raise InputError(
            f"a fit with the priors with hash {wanted.hash[:12]}",
            file=str(path),
            column="priors_hash",
            value=tree.attrs["priors_hash"][:12],
        )
    return tree


def _bundled_like(tree: xr.DataTree) -> Data:
    """The bundled tables, with those codings blanked that the fit did not read."""
    blank = {
        name: bool((tree["constant_data"][column].to_numpy() < 0).all())
        for name, column in (("frames", "frame"), ("statements", "statement"))
    }
    names = tree.attrs["data_name"].split("+")
    whole = load(*names)
    if whole.hash == tree.attrs["data_hash"] or not any(blank.values()):
        return whole
    return load(*names, frames=not blank["frames"], statements=not blank["statements"])
