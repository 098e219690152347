"""Saved fits: bytes of the files changed, and fits that were changed before they were saved.

A file is opened in a process of its own, since libraries may end or stop a process on what they
cannot read. What is opened must be, bit for bit, what was saved.
"""

from __future__ import annotations

import json
import os
import pickle
import resource
import select
import shutil
import signal
import sys
import warnings
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import xarray as xr
from engine import NASTY, NUMBERS, REFUSED, RIGHT, WAITING, Fault, source, spoilt_bytes, text

import bayes_alliance as ba
from bayes_alliance.errors import InputError

SECONDS = 10
"""Time of the processor in which a file is opened or refused."""


def equal(a: xr.DataTree, b: xr.DataTree) -> str | None:
    """Where two trees differ, bit for bit; None where they do not."""
    if set(a.children) != set(b.children):
        return f"groups {sorted(set(a.children) ^ set(b.children))}"
    if (where := attributes(a.attrs, b.attrs)) is not None:
        return where
    for name in a.children:
        one, other = a[name].to_dataset(), b[name].to_dataset()
        if set(one.variables) != set(other.variables):
            return f"variables of {name}"
        if (where := attributes(one.attrs, other.attrs)) is not None:
            return f"{name}: {where}"
        for key in one.variables:
            x, y = one.variables[key], other.variables[key]
            if x.dims != y.dims or x.shape != y.shape or x.dtype != y.dtype:
                return f"{name}/{key}: {x.dims} {x.dtype} and {y.dims} {y.dtype}"
            v, w = x.to_numpy(), y.to_numpy()
            same = v.tolist() == w.tolist() if v.dtype.kind in "OUT" else v.tobytes() == w.tobytes()
            if not same or attributes(x.attrs, y.attrs) is not None:
                return f"{name}/{key}"
    return None


def attributes(a: dict[Any, Any], b: dict[Any, Any]) -> str | None:
    """Where attributes differ."""
    if set(a) != set(b):
        return f"attributes {sorted(map(str, set(a) ^ set(b)))[:5]}"
    for key in a:
        x, y = np.asarray(a[key]), np.asarray(b[key])
        if x.dtype.kind != y.dtype.kind or not np.array_equal(x, y):
            return f"attribute {key}: {x!r} and {y!r}"
    return None


def apart(work: Any) -> str:
    """What work in a process of its own ends in."""
    sys.stdout.flush()
    read, write = os.pipe()
    with warnings.catch_warnings():  # the child does nothing with this process's threads
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        os.close(read)
        signal.alarm(0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        try:
            warnings.simplefilter("ignore")
            found = ("done", work())
        except InputError as error:
            found = ("refused", str(error))
        except BaseException as error:
            where = error.__traceback__
            while where is not None and where.tb_next is not None:
                where = where.tb_next
            at = (
                f"{Path(where.tb_frame.f_code.co_filename).name}:{where.tb_lineno}" if where else ""
            )
            found = ("failed", f"{type(error).__name__} at {at}: {str(error)[:150]!r}")
        with os.fdopen(write, "wb") as pipe:
            pickle.dump(found, pipe)
        os._exit(0)
    os.close(write)
    try:
        with os.fdopen(read, "rb") as pipe:
            ready, _, _ = select.select([pipe], [], [], WAITING * SECONDS)
            if not ready:
                raise Fault(f"waited longer than {WAITING * SECONDS} s")
            content = pipe.read()
    finally:
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    if not content:
        raise Fault(f"the process ended by signal {os.WTERMSIG(status)}")
    kind, words = pickle.loads(content)
    if kind == "failed":
        raise Fault(words)
    if kind == "refused":
        if len(words) > 500 or not words.isprintable():
            raise Fault(f"a refusal that is no plain line: {words!r}")
        return REFUSED
    return str(words)


class Base:
    """One fit of few draws."""

    tree: xr.DataTree | None = None
    files: dict[str, bytes]

    def set_up(self, folder: Path) -> None:
        """Fit, save and open, once a process."""
        self.folder = folder
        if Base.tree is None:
            made = ba.fit("null", ba.load("europe"), draws=20, tune=20, chains=2, seed=1)
            Base.files = {}
            for ending in ("nc", "zarr"):
                place = folder / f"whole.{ending}"
                ba.save(made, place)
                opened = ba.open(place)
                if ending == "nc":
                    Base.tree = opened
                    Base.files[""] = place.read_bytes()
                else:
                    found = sorted(p for p in place.rglob("*") if p.is_file())
                    Base.files |= {str(p.relative_to(place)): p.read_bytes() for p in found}
                assert equal(Base.tree, opened) is None, equal(Base.tree, opened)
            ba.hypotheses(Base.tree)
            ba.diagnose(Base.tree)


class Bytes(Base):
    """Files of a fit with other bytes."""

    name, share = "saved fits, bytes", 0.03

    def attempt(self, seed: int) -> str:
        """Change bytes of the netCDF file, or a file of the zarr folder."""
        rng = source(self.name, seed)
        if rng.random() < 0.7:
            path = self.folder / "spoilt.nc"
            path.write_bytes(file_changed(rng, Base.files[""]))
        else:
            path = self.folder / "spoilt.zarr"
            shutil.rmtree(path, ignore_errors=True)
            files = {name: c for name, c in Base.files.items() if name}
            folder_changed(rng, files)
            for name, content in files.items():
                (path / name).parent.mkdir(parents=True, exist_ok=True)
                (path / name).write_bytes(content)

        def work() -> str:
            found = ba.open(path)
            where = equal(Base.tree, found)
            if where is not None:
                raise Fault(f"opened with other contents: {where}")
            return RIGHT

        return apart(work)


def file_changed(rng: Random, content: bytes) -> bytes:
    """A file that is damaged, cut, or another one."""
    kind = rng.randrange(10)
    if kind == 0:
        return content[: rng.randrange(len(content))]
    if kind == 1:
        return content + rng.randbytes(rng.choice((1, 100, 10000)))
    if kind == 2:
        return rng.choice(
            (b"", b"\x89HDF\r\n\x1a\n", b"CDF\x01", b"PK\x03\x04", rng.randbytes(1000), b"a,b\n")
        )
    if kind == 3:
        size = rng.choice((512, 4096, 65536))
        at, to = (rng.randrange(max(1, len(content) - size)) for _ in range(2))
        return content[:at] + content[to : to + size] + content[at + size :]
    if kind == 4:
        at = rng.randrange(min(2048, len(content)))  # where the file says what it is
        return content[:at] + bytes([content[at] ^ (1 << rng.randrange(8))]) + content[at + 1 :]
    if kind == 5:
        old = rng.choice(
            (b"posterior", b"theory", b"null", b"data_hash", b"float", b"europe", b"tables")
        )
        return content.replace(old, bytes(rng.sample(list(old), len(old))))
    return spoilt_bytes(rng, content)


def folder_changed(rng: Random, files: dict[str, bytes]) -> None:
    """Files of a folder that are damaged, gone, exchanged or more."""
    for _ in range(rng.choice((1, 1, 2))):
        name, other = rng.choice(list(files)), rng.choice(list(files))
        kind = rng.randrange(6)
        if kind == 0 and len(files) > 1:
            del files[name]
        elif kind == 1:
            files[name] = files[other]
        elif kind == 2:
            files[name] = b""
        elif kind == 3:
            meta = [n for n in files if n.endswith(".json")]
            name = rng.choice(meta) if meta else name
            files[name] = meta_changed(rng, files[name])
        elif kind == 4:
            files[rng.choice(("more", "posterior/more/zarr.json", "zarr.json.part"))] = (
                rng.randbytes(50)
            )
        else:
            files[name] = spoilt_bytes(rng, files[name])


def meta_changed(rng: Random, content: bytes) -> bytes:
    """Other metadata of an array or a group, still JSON."""
    found = json.loads(content)
    inner: Any = found
    while isinstance(inner, (dict, list)) and inner:
        key = rng.choice(list(inner)) if isinstance(inner, dict) else rng.randrange(len(inner))
        if isinstance(inner[key], (dict, list)) and inner[key] and rng.random() < 0.8:
            inner = inner[key]
            continue
        if rng.random() < 0.3:
            del inner[key]
        else:
            inner[key] = rng.choice((None, 0, -1, 10**12, "x", [], {}, True, "float32", "nan", 1.5))
        break
    return json.dumps(found).encode()


class Trees(Base):
    """Fits that were changed before they were saved: a right file of something else."""

    name, share = "saved fits, trees", 0.01

    def attempt(self, seed: int) -> str:
        """Change a tree; save, open and use it."""
        rng = source(self.name, seed)
        path = self.folder / f"changed.{rng.choice(('nc', 'nc', 'nc', 'zarr'))}"
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)

        def work() -> str:
            before = set(sys.modules)
            changed = tree_changed(rng, Base.tree)
            ba.save(changed, path)
            found = ba.open(path)
            if new := {m for m in ("this", "antigravity") if m in set(sys.modules) - before}:
                raise Fault(f"imported {new}")
            ba.diagnose(found)
            ba.hypotheses(found)
            return RIGHT

        return apart(work)


def tree_changed(rng: Random, tree: xr.DataTree) -> xr.DataTree:
    """A tree with one thing changed."""
    groups = {name: tree[name].to_dataset().copy() for name in tree.children}
    attrs, kind = dict(tree.attrs), rng.randrange(9)
    name = rng.choice(list(groups))
    variables = list(groups[name].data_vars)
    key = rng.choice(variables) if variables else None
    if kind == 0:
        del groups[name]
    elif kind == 1 and key:
        groups[name] = groups[name].drop_vars(key)
    elif kind == 2:
        del attrs[rng.choice(list(attrs))]
    elif kind == 3:
        chosen = rng.choice((*list(attrs), "theory", "data_name", "data_hash"))
        attrs[chosen] = rng.choice(
            ("this", "antigravity.x", "os.path", "", "null", 3, -1.5, *NASTY[:40], *NUMBERS[:4])
        )
        if isinstance(attrs[chosen], str) and "\0" in attrs[chosen]:
            attrs[chosen] = "x"
    elif kind == 4 and key:
        groups[name] = groups[name].assign({key: groups[name][key].astype(str)})
    elif kind == 5 and key and groups[name][key].dtype.kind == "f":
        values = groups[name][key] * np.nan if rng.random() < 0.5 else groups[name][key] * np.inf
        groups[name] = groups[name].assign({key: values})
    elif kind == 6 and groups[name].sizes:
        dim = rng.choice(list(groups[name].sizes))
        groups[name] = groups[name].isel({dim: slice(0, rng.choice((0, 1)))})
    elif kind == 7:
        table = rng.choice(list(groups["tables"].data_vars))
        groups["tables"] = groups["tables"].assign(
            {table: ((), rng.choice(("", "{}", "a,b\n1,2\n", "null", "[1]")))}
        )
    elif key:
        groups[name] = groups[name].rename(
            {key: rng.choice(("x", "alpha", text(rng).replace("/", "") or "y"))}
        )
    out = xr.DataTree.from_dict(groups)
    out.attrs.update(attrs)
    return out
