"""Compiled log densities that outlive their process: the next one finds them on disk.

nutpie compiles a model's log density anew in every process, however often it was compiled before.
Here its two entry points are written as plain code, which names nothing that changes from process
to process, so that Numba's cache can keep them, next to what PyTensor keeps there. Beside them is
noted how they were written: who compiles the same again needs neither gradient nor rewriting.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numba
import numpy as np
import nutpie
import pymc as pm
import pytensor
from numba.core import environment
from nutpie import compile_pymc as of_nutpie
from pymc.initial_point import make_initial_point_fn
from pytensor.link.numba.cache import (
    CACHED_SRC_FUNCTIONS,
    NUMBA_CACHE_PATH,
    compile_numba_function_src,
)
from pytensor.link.numba.dispatch.basic import numba_njit

from bayes_alliance.bundled import bundled

_rebuild = environment._rebuild_env


@functools.wraps(_rebuild)
def _rebuild_env(module: str | None, constants: Any, name: str) -> Any:
    """Numba's own, for functions without a module, too, as PyTensor and Numba write some.

    Numba keeps such a function, but cannot load it again (its issue 10485). Compiled code reads
    nothing of the module; this one stands for it.
    """
    try:
        return _rebuild(module, constants, name)
    except (AttributeError, ImportError):
        return _rebuild(__name__, constants, name)


environment._rebuild_env = _rebuild_env

# Fast maths rounds differently in code that is compiled anew and in code that comes from Numba's
# cache; without it equal seeds give equal draws in either case.
pytensor.config.numba__fastmath = False

LOGP = """
def logp(dim, x_, out_, logp_, user_data_):
    if dim != {n_dim}:
        return -1
    try:
        out, value = carray(out_, ({n_dim},)), carray(logp_, ())
        found, gradient = inner({arguments})
        value[()] = found
        out[...] = gradient
        if not np.all(np.isfinite(out)):
            return 3
        if not np.isfinite(found):
            return 4
    except Exception:
        return 1
    return 0
"""
EXPAND = """
def expand(dim, expanded, x_, out_, user_data_):
    if dim != {n_dim} or expanded != {n_expanded}:
        return -1
    try:
        out = carray(out_, ({n_expanded},))
        (values,) = inner({arguments})
        out[...] = values
    except Exception:
        return -2
    return 0
"""
WORD = 8
"""Bytes of a pointer and of a length in what nutpie passes."""
DOUBLES = numba.types.CPointer(numba.types.double)
SIZE = numba.types.uint64
SIGNATURES = {
    "logp": numba.types.int64(SIZE, DOUBLES, DOUBLES, DOUBLES, numba.types.voidptr),
    "expand": numba.types.int64(SIZE, SIZE, DOUBLES, DOUBLES, numba.types.voidptr),
}
"""What nutpie's sampler passes to each entry point."""


VERSIONS = ("pymc", "pytensor", "nutpie", "numba", "llvmlite", "numpy", "scipy")


def _code() -> str:
    """Digest of all that decides a graph beside what it is made of."""
    found = hashlib.sha256(platform.python_version().encode())
    for name in VERSIONS:
        found.update(f"{name} {version(name)}".encode())
    found.update(pytensor.config.get_config_hash().encode())
    for folder, kind in ((Path(__file__).parent, "*.py"), (bundled("models"), "*.toml")):
        for file in sorted(folder.rglob(kind)):
            found.update(f"{file.relative_to(folder)}\n".encode() + file.read_bytes())
    return found.hexdigest()


CODE = _code()
"""Taken as the package is imported: what is compiled is the code of that moment."""


def compile_model(model: pm.Model, made_of: str | None = None, **options: Any) -> Any:
    """Compile a model's log density, or find it on disk.

    Parameters
    ----------
    model : pymc.Model
        The model; its data in ``pm.Data`` containers may change later.
    made_of : str, optional
        What decides the model's graph, beside the code of this package and of the libraries. Given
        it, a graph that was compiled before is not built again.
    **options
        As of `nutpie.compile_pymc_model`.

    Returns
    -------
    nutpie's compiled model
        Gives the same numbers whether it was compiled or found.
    """
    name = hashlib.sha256(f"{CODE} {made_of}".encode()).hexdigest()
    note = Path(NUMBA_CACHE_PATH, f"bayes_alliance-{name}.json")
    with warnings.catch_warnings(), _kept() as written:
        warnings.simplefilter("ignore")
        if made_of is not None and (found := _found(note, model, options)) is not None:
            return found
        compiled = nutpie.compile_pymc_model(model, cache=True, **options)
        if made_of is not None:
            _note(note, model, compiled, written)
        return compiled


@contextmanager
def _kept() -> Iterator[dict[str, Any]]:
    """Let nutpie write its entry points as code that can be kept; gives what was written."""
    before = of_nutpie._make_c_logp_func, of_nutpie._make_c_expand_func
    written: dict[str, Any] = {}

    def logp(n_dim, function, user_data, keys, arrays):
        made, written["logp"] = _written(LOGP, function, user_data, keys, arrays, n_dim=n_dim)
        return made, SIGNATURES["logp"]

    def expand(n_dim, n_expanded, function, user_data, keys, arrays):
        sizes = {"n_dim": n_dim, "n_expanded": n_expanded}
        made, written["expand"] = _written(EXPAND, function, user_data, keys, arrays, **sizes)
        return made, SIGNATURES["expand"]

    of_nutpie._make_c_logp_func, of_nutpie._make_c_expand_func = logp, expand
    try:
        yield written
    finally:
        of_nutpie._make_c_logp_func, of_nutpie._make_c_expand_func = before


def _note(note: Path, model: pm.Model, compiled: Any, written: Mapping[str, Any]) -> None:
    """Note how a compiled model was written, if it can be found again from that."""
    containers, known = list(compiled.shared_var_keys), _containers_of(model)
    same = all(known.get(variable.name) is variable for variable in containers)
    if None in [source["key"] for source in written.values()] or not same:
        return
    names, slices, shapes = compiled.shape_info
    content = {
        "written": written,
        "containers": [variable.name for variable in containers],
        "n_dim": int(compiled.n_dim),
        "n_expanded": int(compiled.n_expanded),
        "names": list(names),
        "slices": [[int(of.start), int(of.stop)] for of in slices],
        "shapes": [[int(size) for size in shape] for shape in shapes],
        "reparameterized": list(compiled.reparameterized_names),
    }
    part = note.with_suffix(f".{os.getpid()}")
    part.write_text(json.dumps(content), encoding="utf-8")
    part.replace(note)


def _containers_of(model: pm.Model) -> dict[str, Any]:
    """What a model keeps beside its graph, by name: lengths of dimensions, and data."""
    return {str(v.name): v for v in [*model.dim_lengths.values(), *model.data_vars]}


def _found(note: Path, model: pm.Model, options: Mapping[str, Any]) -> Any:
    """The compiled model of a note, with this model's data; none, if its code is gone."""
    try:
        content = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    entries = {}
    for name, source in content["written"].items():
        plain = compile_numba_function_src(source["text"], name, _known(), cache_key=source["key"])
        try:
            entries[name] = numba.cfunc(SIGNATURES[name], cache=True)(plain)
        except numba.core.errors.TypingError:  # it is not there, and without graph not to be made
            return None
    # containers are known by their names, which nutpie's own keys stand for
    known = _containers_of(model)
    keys = {known[name]: name for name in content["containers"]}
    held = {name: np.array(v.get_value(), order="C", copy=True) for v, name in keys.items()}
    for value in held.values():
        value.flags.writeable = False
    names, shapes = content["names"], [tuple(shape) for shape in content["shapes"]]
    info = (names, [slice(*ends) for ends in content["slices"]], shapes)
    dims, coords = of_nutpie._prepare_dims_and_coords(model, info, content["reparameterized"])
    start = make_initial_point_fn(
        model=model,
        jitter_rvs=options.get("jitter_rvs") or set(model.free_RVs),
        return_transformed=True,
    )
    free = len(model.free_RVs)
    return of_nutpie.CompiledPyMCModel(
        _n_dim=content["n_dim"],
        dims=dims,
        _coords=coords,
        _shapes=dict(zip(names, shapes, strict=True)),
        compiled_logp_func=entries["logp"],
        compiled_expand_func=entries["expand"],
        initial_point_func=of_nutpie._rv_dict_to_flat_array_wrapper(
            of_nutpie._wrap_with_lock(start), names=names[:free], shapes=shapes[:free]
        ),
        shared_data=held,
        shared_var_keys=keys,
        user_data=of_nutpie.make_user_data(keys, held),
        n_expanded=content["n_expanded"],
        shape_info=info,
        logp_func=None,
        expand_func=None,
        reparameterized_names=content["reparameterized"],
    )


def _written(
    template: str,
    function: Any,
    user_data: np.ndarray,
    keys: list[str],
    arrays: Mapping[str, np.ndarray],
    **sizes: int,
) -> tuple[Any, dict[str, Any]]:
    """An entry point with the place of every container, and how it was written: text and key."""
    arguments = [f"carray(x_, ({sizes['n_dim']},))", *_containers(user_data, keys, arrays)]
    source = template.format(arguments=", ".join(arguments), **sizes)
    inner = CACHED_SRC_FUNCTIONS.get(function.py_func)
    packages = [version(p) for p in ("nutpie", "numba", "pytensor")]
    text = "\n".join([source, *packages, str(inner)])
    key = hashlib.sha256(text.encode()).hexdigest() if inner else None
    # compiled into this one and kept with it, not by itself
    known = _known() | {"inner": numba_njit(function.py_func)}
    name = "logp" if template is LOGP else "expand"
    made = compile_numba_function_src(source, name, known, cache_key=key)
    return made, {"text": source, "key": key}


def _known() -> dict[str, Any]:
    """What the code of an entry point names."""
    return {
        "__name__": __name__,
        "np": np,
        "carray": numba.carray,
        "pointer": of_nutpie.address_as_void_pointer,
    }


def _containers(
    user_data: np.ndarray, keys: list[str], arrays: Mapping[str, np.ndarray]
) -> Iterator[str]:
    """Code that reads each container: nutpie passes pointers, sizes and shapes as words."""
    fields: Any = user_data.dtype.fields
    shared, start = fields["shared"][:2]
    words = f"carray(user_data_, ({user_data.dtype.itemsize // WORD},), np.uint64)"
    for key in keys:
        at = {
            part: (start + shared.fields[part][1] + shared[part].fields[key][1]) // WORD
            for part in ("data", "shape")
        }
        array = arrays[key]
        shape = "".join(f"np.int64({words}[{at['shape'] + i}]), " for i in range(array.ndim))
        yield f"carray(pointer({words}[{at['data']}]), ({shape}), np.{array.dtype.name})"
