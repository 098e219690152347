"""Compiled log densities that outlive their process: the next one finds them on disk.

nutpie compiles a model's log density anew in every process, however often it was compiled before.
Here its two entry points are written as plain code, which names nothing that changes from process
to process, so that Numba's cache can keep them, next to what PyTensor keeps there.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import numba
import numpy as np
import nutpie
import pymc as pm
import pytensor
from nutpie import compile_pymc as of_nutpie
from pytensor.link.numba.cache import CACHED_SRC_FUNCTIONS, compile_numba_function_src
from pytensor.link.numba.dispatch.basic import numba_njit

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
CODE = numba.types.int64


def compile_model(model: pm.Model, **options: Any) -> Any:
    """Compile a model's log density, or find it on disk.

    Parameters
    ----------
    model : pymc.Model
        The model; its data in ``pm.Data`` containers may change later.
    **options
        As of `nutpie.compile_pymc_model`.

    Returns
    -------
    nutpie's compiled model
        Gives the same numbers whether it was compiled or found.
    """
    with warnings.catch_warnings(), _kept():
        warnings.simplefilter("ignore")
        return nutpie.compile_pymc_model(model, cache=True, **options)


@contextmanager
def _kept() -> Iterator[None]:
    """Let nutpie write its entry points as code that can be kept."""
    before = of_nutpie._make_c_logp_func, of_nutpie._make_c_expand_func
    of_nutpie._make_c_logp_func, of_nutpie._make_c_expand_func = _logp, _expand
    try:
        yield
    finally:
        of_nutpie._make_c_logp_func, of_nutpie._make_c_expand_func = before


def _logp(n_dim, function, user_data, keys, arrays) -> tuple[Any, Any]:
    """Entry point of the log density and its gradient, and its signature."""
    signature = CODE(SIZE, DOUBLES, DOUBLES, DOUBLES, numba.types.voidptr)
    return _written(LOGP, "logp", function, user_data, keys, arrays, n_dim=n_dim), signature


def _expand(n_dim, n_expanded, function, user_data, keys, arrays) -> tuple[Any, Any]:
    """Entry point of what is stored of a draw, and its signature."""
    signature = CODE(SIZE, SIZE, DOUBLES, DOUBLES, numba.types.voidptr)
    sizes = {"n_dim": n_dim, "n_expanded": n_expanded}
    return _written(EXPAND, "expand", function, user_data, keys, arrays, **sizes), signature


def _written(
    template: str,
    name: str,
    function: Any,
    user_data: np.ndarray,
    keys: list[str],
    arrays: Mapping[str, np.ndarray],
    **sizes: int,
) -> Any:
    """Source of an entry point with the place of every container, compiled to Python."""
    arguments = [f"carray(x_, ({sizes['n_dim']},))", *_containers(user_data, keys, arrays)]
    source = template.format(arguments=", ".join(arguments), **sizes)
    inner = CACHED_SRC_FUNCTIONS.get(function.py_func)
    packages = [version(p) for p in ("nutpie", "numba", "pytensor")]
    text = "\n".join([source, *packages, str(inner)])
    known = {
        "__name__": __name__,
        "np": np,
        "carray": numba.carray,
        "pointer": of_nutpie.address_as_void_pointer,
        # compiled into this one and kept with it, not by itself
        "inner": numba_njit(function.py_func),
    }
    key = hashlib.sha256(text.encode()).hexdigest() if inner else None
    return compile_numba_function_src(source, name, known, cache_key=key)


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
