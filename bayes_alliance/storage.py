"""Saving and opening fits, and the data and priors that a fit carries."""

from __future__ import annotations

import functools
import hashlib
import io
import json
import os
import stat
import tempfile
import threading
from collections.abc import Hashable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr
from cachetools import LRUCache

from bayes_alliance.data.load import Data, load
from bayes_alliance.data.schema import BUNDLED
from bayes_alliance.data.schema import TABLES as SCHEMAS
from bayes_alliance.errors import InputError
from bayes_alliance.files import locked, new_folder, target, write_bytes
from bayes_alliance.process.priors import Priors, load_priors
from bayes_alliance.structure import TABLES, check_attributes, check_tree
from bayes_alliance.theories import NAMES, build, get

ENDINGS = (".nc", ".zarr")
MARK = b"\nbayes_alliance sha256 "
"""Stands after the netCDF file with the digest of its bytes; netCDF readers pass over it."""
ROOT, DIGEST = "zarr.json", "files"
"""Description of a zarr folder, and its attribute that holds the digest of all its files."""
PLAIN: dict[str, Any] = {"decode_times": False, "decode_timedelta": False}
NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""A pipe would otherwise be waited for."""

_models: LRUCache[tuple, pm.Model] = LRUCache(maxsize=4)
_lock = threading.Lock()


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
    """Write a fit whole or not at all, with checksums of its contents and of its bytes.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.
    path : str or pathlib.Path
        ``*.nc`` (netCDF) or ``*.zarr``. A folder is replaced only if it is empty or a fit.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    InputError
        If the ending is neither, the place cannot be written or holds something else, or the fit
        has what such files cannot hold; what was there before stays.
    """
    path = Path(path)
    target(path, ENDINGS)
    whole = xr.DataTree.from_dict({name: of.to_dataset() for name, of in _groups(tree).items()})
    whole.attrs = {name: _plain(value, name) for name, value in tree.attrs.items()}
    whole.attrs["checksum"] = checksum(tree)
    if path.suffix == ".zarr":
        with new_folder(path, _ours) as part:
            whole.to_zarr(part, mode="w", consolidated=False)
            root = part / ROOT
            about = json.loads(root.read_bytes())
            about["attributes"][DIGEST] = _digest_of(part, about)
            root.write_text(json.dumps(about), encoding="utf-8")
        return path
    zipped = {
        f"/{name}": {
            str(v): {"zlib": True, "complevel": 1}
            for v, of in group.data_vars.items()
            if of.ndim and of.dtype.kind in "fiub"
        }
        for name, group in whole.children.items()
    }
    # made in memory: what a full disk does to HDF is no error that can be read
    content = bytes(whole.to_netcdf(None, engine="netcdf4", encoding=zipped))
    return write_bytes(path, content + MARK + hashlib.sha256(content).hexdigest().encode() + b"\n")


def checksum(tree: xr.DataTree, attributes: bool = True) -> str:
    """Digest of all that a tree holds: the same in memory and in either kind of file.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.
    attributes : bool
        Whether to count the attributes of the whole: when and how it was made.

    Returns
    -------
    str
        Hexadecimal SHA-256 over every group, variable, label, type, dimension and attribute.

    Raises
    ------
    InputError
        If something in it is no number and no text.
    """
    digest = hashlib.sha256()

    def add(*parts: Any) -> None:
        digest.update(json.dumps(parts, sort_keys=True).encode() + b"\n")

    if attributes:
        add({k: _plain(v, k) for k, v in tree.attrs.items() if k not in ("checksum", DIGEST)})
    for name, group in _groups(tree).items():
        add(name, {k: _plain(v, f"{name}: {k}") for k, v in group.attrs.items()})
        for key in sorted(map(str, group.variables)):
            of, where = group[key].variable, f"{name}/{key}"
            notes = {k: _numbers(v, f"{where}: {k}") for k, v in of.attrs.items()}
            values = of.to_numpy()
            number = values.dtype.kind in "fiub"
            kind = values.dtype.newbyteorder("<").str if number else "text"
            add(where, key in group.coords, list(of.dims), list(of.shape), kind, notes)
            if number:
                digest.update(np.ascontiguousarray(values, dtype=kind).tobytes())
            else:
                add([_plain(value, where, only=(str,)) for value in values.ravel().tolist()])
    return digest.hexdigest()


def code(theory: str) -> list[str]:
    """Digests of the code that decides what is computed of a fit, for keys of what is kept.

    Parameters
    ----------
    theory : str
        Name of a theory that the caller asked for.

    Returns
    -------
    list of str
        Of the package as it was when first asked for and, if the theory is one's own, of the
        folder that it lies in.
    """
    own = [] if theory in NAMES else [_sources(Path(str(get(theory).__file__)).parent)]
    return [_package(), *own]


@functools.cache
def _package() -> str:
    """Digest of the package."""
    return _sources(Path(__file__).parent)


def _sources(folder: Path) -> str:
    """Digest of a folder's code, with what its modules import of their neighbours."""
    found = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        found.update(f"{file.relative_to(folder)}\0".encode() + file.read_bytes() + b"\0")
    return found.hexdigest()


def _groups(tree: xr.DataTree) -> dict[str, xr.DataTree]:
    """Groups by name; a fit has no groups in groups."""
    for name, group in tree.children.items():
        if group.children:
            raise InputError("a fit, whose groups have none of their own", column=name)
    return dict(sorted(tree.children.items()))


def _plain(value: Any, where: Hashable, only: tuple[type, ...] = (str, int, float)) -> Any:
    """An attribute or label as files hold it, or a refusal."""
    plain = value.item() if isinstance(value, np.generic) else value
    good = isinstance(plain, only) and not isinstance(plain, bool)
    if good and isinstance(plain, str):
        good = "\0" not in plain and plain.encode(errors="replace").decode() == plain
    elif good and isinstance(plain, int):
        good = -(2**63) <= plain < 2**63
    if not good:
        words = "a number or a text without NUL, which files can hold"
        raise InputError(words, column=str(where), value=value)
    return plain


def _numbers(value: Any, where: Hashable) -> Any:
    """An attribute of a variable: numbers in a row (a file holds a row of one as the number)."""
    row = isinstance(value, (np.ndarray, list, tuple)) and np.ndim(value) == 1 and len(value)
    if not row:
        return _plain(value, where)
    plain = [_plain(one, where, only=(int, float)) for one in value]
    return plain if len(plain) > 1 else plain[0]


def _ours(folder: Path) -> bool:
    """Whether a folder is a saved fit and holds nothing else."""
    try:
        about = json.loads((folder / ROOT).read_bytes())["attributes"]
        made = {"checksum", "theory", "data_hash"} & set(about)
    except (OSError, ValueError, KeyError, TypeError):
        return False
    inside = (p.relative_to(folder) for p in folder.rglob("*") if not p.is_dir())
    return len(made) > 1 and all(p.name == ROOT or "c" in p.parts for p in inside)


def _digest_of(folder: Path, about: dict[str, Any]) -> str:
    """Digest of the files of a folder; of its own description, all but that digest."""
    own = {k: v for k, v in about["attributes"].items() if k != DIGEST}
    digest = hashlib.sha256(json.dumps({**about, "attributes": own}, sort_keys=True).encode())
    for file in sorted(folder.rglob("*")):
        kind = file.lstat().st_mode
        if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):
            raise ValueError(f"{file.name} is no file")
        name = file.relative_to(folder).as_posix()
        if stat.S_ISREG(kind) and name != ROOT:
            content = file.read_bytes()
            if file.name == ROOT:
                _known_codecs(json.loads(content))
            line = f"{name}\0{hashlib.sha256(content).hexdigest()}\n"
            digest.update(line.encode(errors="surrogateescape"))
    return digest.hexdigest()


def _known_codecs(about: dict[str, Any]) -> None:
    """Refuse codecs that a fit has no use for: some would run what a file holds."""
    for codec in about.get("codecs", ()):
        if codec["name"] not in ("bytes", "zstd", "vlen-utf8"):
            raise ValueError(f"a codec {codec['name']!r}")


def read(path: str | Path) -> xr.DataTree:
    """Read what `save` wrote; nothing else reaches the libraries that decode it.

    Parameters
    ----------
    path : str or pathlib.Path
        File written by `save`.

    Returns
    -------
    xarray.DataTree
        In memory.

    Raises
    ------
    InputError
        If the file is missing, was not written by `save` or has been changed since.
    """
    path = Path(path)
    words = "a fit that this version of bayes_alliance saved, unchanged"
    try:
        if not path.exists():
            raise InputError("an existing file", file=str(path))
        given: Any = path
        if path.is_dir():
            with locked(Path(os.path.realpath(path)).parent, shared=True):
                about = json.loads((path / ROOT).read_bytes())
                if about["attributes"][DIGEST] != _digest_of(path, about):
                    raise ValueError("its bytes are others than were written")
                with xr.open_datatree(path, engine="zarr", consolidated=False, **PLAIN) as opened:
                    tree = opened.load()
        else:
            given = _checked(path)
            with xr.open_datatree(given, engine="netcdf4", **PLAIN) as opened:
                tree = opened.load()
        tree.attrs.pop(DIGEST, None)
        tree.attrs = {name: _plain(value, name) for name, value in tree.attrs.items()}
        if tree.attrs.pop("checksum", None) != checksum(tree):
            raise ValueError("its contents are others than were written")
    except InputError as error:
        if error.file == str(path):
            raise
        raise InputError(f"{words} ({error})", file=str(path)) from None
    except Exception as error:  # whatever the libraries make of what somebody signed
        why = error if type(error) is ValueError else type(error).__name__
        raise InputError(f"{words} ({why}); fit again if need be", file=str(path)) from None
    return tree


def _checked(path: Path) -> bytes:
    """Bytes of a netCDF file that end in their digest, as `save` writes it."""
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | NO_WAIT)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("it is no file")
        length = len(MARK) + 65
        file.seek(-min(length, os.fstat(file.fileno()).st_size), os.SEEK_END)
        end = file.read()
        if len(end) != length or not end.startswith(MARK):
            raise ValueError("it has no checksum: older fits have none")
        file.seek(0)
        content = file.read()[:-length]
    if hashlib.sha256(content).hexdigest().encode() + b"\n" != end[len(MARK) :]:
        raise ValueError("its bytes are others than were written")
    return content


def open_fit(
    path: str | Path,
    data: Data | None = None,
    priors: Mapping[str, Any] | str | Path | None = None,
    theory: str | ModuleType | None = None,
) -> xr.DataTree:
    """Open a saved fit; refuse one that is changed, or from other data or priors.

    Parameters
    ----------
    path : str or pathlib.Path
        File written by `save`.
    data : Data, optional
        The data that it must have been made from; the bundled tables of its name by default.
    priors : mapping or path, optional
        The changes to the priors that it must have been made with; none by default.
    theory : str or module, optional
        A theory of your own that the fit must be of, by its dotted name or as the module. A module
        that only the file names is never imported.

    Returns
    -------
    xarray.DataTree
        The fit, in memory.

    Raises
    ------
    InputError
        If the file is missing, is no fit, has been changed, or was made from other data or priors.
    """
    return accepted(read(path), Path(path), data, priors, theory)


def accepted(
    tree: xr.DataTree,
    path: Path,
    data: Data | None = None,
    priors: Mapping[str, Any] | str | Path | None = None,
    theory: str | ModuleType | None = None,
) -> xr.DataTree:
    """Refuse a tree that was read if it is no fit, or not the one that is asked for.

    Parameters
    ----------
    tree : xarray.DataTree
        What `read` gave.
    path : pathlib.Path
        File, for messages.
    data, priors, theory
        As in `open_fit`.

    Returns
    -------
    xarray.DataTree
        The tree.

    Raises
    ------
    InputError
        At the first thing that is missing or of another kind.
    """
    check_attributes(tree, path)
    attrs = tree.attrs
    asked = theory.__name__ if isinstance(theory, ModuleType) else theory
    if asked is None and attrs["theory"] not in NAMES:
        words = "a fit of a bundled theory, or the theory of your own to open it with (theory=)"
        raise InputError(words, file=str(path), column="theory", value=attrs["theory"])
    if asked is not None and asked != attrs["theory"]:
        words = f"a fit of the theory {asked!r}"
        raise InputError(words, file=str(path), column="theory", value=attrs["theory"])
    get(attrs["theory"])
    stored = _checked_tree(tree, path)
    if data is None:
        bundled = set(attrs["data_name"].split("+")) <= set(BUNDLED)
        data = _bundled_like(tree) if bundled else stored
    if attrs["data_hash"] != data.hash:
        raise InputError(
            f"a fit of the data with hash {data.hash[:12]}",
            file=str(path),
            column="data_hash",
            value=attrs["data_hash"][:12],
        )
    wanted = load_priors(attrs["theory"], priors)
    if attrs["priors_hash"] != wanted.hash:
        raise InputError(
            f"a fit with the priors with hash {wanted.hash[:12]}",
            file=str(path),
            column="priors_hash",
            value=attrs["priors_hash"][:12],
        )
    return tree


def _checked_tree(tree: xr.DataTree, path: Path) -> Data:
    """The tables of a fit, which with its priors decide what else must be there."""
    try:
        data = data_of(tree)
    except (ValueError, KeyError) as error:  # a table that does not pass its checks, or is none
        why = error if isinstance(error, InputError) else type(error).__name__
        words = f"tables that pass their checks ({why})"
        raise InputError(words, file=str(path), column="tables") from None
    if data.hash != tree.attrs["data_hash"]:
        raise InputError("tables with the hash that it names", file=str(path), column="data_hash")
    try:
        priors = priors_of(tree)
        same = priors.hash == tree.attrs["priors_hash"]
        same &= set(priors.parameters) == set(load_priors(priors.theory).parameters)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        words = f"priors in JSON ({type(error).__name__})"
        raise InputError(words, file=str(path), column="tables/priors") from None
    if not same:
        raise InputError("priors with the hash it names", file=str(path), column="priors_hash")
    check_tree(tree, _model(tree, data, priors), path)
    return data


def _model(tree: xr.DataTree, data: Data, priors: Priors) -> pm.Model:
    """The model whose variables a fit must hold; kept, and never changed, for a bundled theory."""
    if priors.theory not in NAMES:
        return build(priors.theory, data, priors)
    texts = (str(tree["tables"][name].item()) for name in (*TABLES, "priors"))
    key = (priors.theory, data.name, *texts)
    with _lock:
        if key not in _models:
            _models[key] = build(priors.theory, data, priors)
        return _models[key]


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
