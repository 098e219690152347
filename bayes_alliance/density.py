"""Log densities as nutpie's sampler takes them, and functions of draws, compiled and kept on disk.

The graph of a model's log density and gradient becomes machine code by `bayes_alliance.machine`;
models that this cannot write are compiled by nutpie itself, with Numba. What was compiled is kept:
another process that asks for the same finds it and builds no graph.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import json
import os
import platform
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import nutpie
import pymc as pm
import pytensor
import pytensor.tensor as pt
from cachetools import LRUCache
from nutpie import compile_pymc as of_nutpie
from pymc.initial_point import make_initial_point_fn
from pytensor.compile.mode import optdb
from pytensor.graph import clone_replace, rewrite_graph
from pytensor.graph.basic import Constant
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.db import RewriteDatabaseQuery
from pytensor.graph.traversal import graph_inputs

from bayes_alliance.bundled import bundled
from bayes_alliance.errors import InputError
from bayes_alliance.files import write_bytes
from bayes_alliance.machine.arrays import Arrays, write_arrays
from bayes_alliance.machine.program import WORD, Entry, Free, Held, Made, compiled, processor, text
from bayes_alliance.machine.scalars import Unsupported
from bayes_alliance.quiet import quiet

VERSIONS = ("pymc", "pytensor", "nutpie", "llvmlite", "numpy", "scipy")
NO_REWRITE = (
    *("fusion", "inplace", "cxx_only", "BlasOpt", "blas", "numba", "scan"),
    "local_add_of_sparse_write",
)
"""What PyTensor does to graphs for the sake of other compilers, and what makes it add up by group
once for each place where the sums are used."""
FOLDER = Path(pytensor.config.compiledir, "bayes_alliance")
"""Where what was compiled is kept."""
DIGEST = hashlib.sha256().digest_size
"""Bytes at the head of a kept file, of its name and the rest."""
MOST_KEPT, LONGEST_KEPT = 2**28, 90 * 86400
"""Bytes and seconds that what is not used is kept."""

CHECKED = "local_check_parameter_to_ninf_switch"
"""PyMC's name of: the density is zero where a parameter is out of range."""


def _code() -> str:
    """Digest of all that decides machine code beside what a model is made of."""
    found = hashlib.sha256(platform.python_version().encode())
    for name in VERSIONS:
        found.update(f"{name} {version(name)}".encode())
    found.update(repr(processor()).encode())
    found.update(pytensor.config.get_config_hash().encode())
    for folder, kind in ((Path(__file__).parent, "*.py"), (bundled("models"), "*.toml")):
        for file in sorted(folder.rglob(kind)):
            found.update(f"{file.relative_to(folder)}\n".encode() + file.read_bytes())
    return found.hexdigest()


CODE = _code()
"""Taken as the package is imported: what is compiled is the code of that moment."""


_arrays: LRUCache[str, Arrays | None] = LRUCache(512)


@dataclass(frozen=True)
class Kept:
    """What is kept of a compiled model.

    Parameters
    ----------
    logp, expand : bytes
        Machine code of the log density with its gradient, and of what the draws are from what the
        sampler sees.
    containers : list of str
        Names of the model's containers, in the order in which the code reads them.
    names : list of str
        What the sampler sees, then what is drawn.
    shapes : list of list of int
        Their shapes.
    n_free : int
        How many of the names the sampler sees.
    reparameterized : list of str
        Those that are seen on another scale than they are drawn on.
    start : list of float
        Where chains begin, but for what sets them apart.
    """

    logp: bytes
    expand: bytes
    containers: list[str]
    names: list[str]
    shapes: list[list[int]]
    n_free: int
    reparameterized: list[str]
    start: list[float]


GRAPHS = threading.RLock()
"""Held while graphs are made and compiled: PyTensor, its settings and LLVM's serve one thread."""


@contextmanager
def untraced() -> Iterator[None]:
    """Let PyTensor make graphs without noting where in the code each operation came from.

    Yields
    ------
    None
        It takes a tenth of the time that a model takes to be made. One thread at a time.
    """
    with GRAPHS, pytensor.config.change_flags(traceback__limit=0):
        yield


@untraced()
def compile_model(
    model: pm.Model,
    made_of: str | None = None,
    var_names: Sequence[str] | None = None,
    jitter_rvs: Set[Any] | None = None,
) -> Any:
    """Compile a model's log density, or find it on disk.

    Parameters
    ----------
    model : pymc.Model
        The model; its data in ``pm.Data`` containers may change later.
    made_of : str, optional
        What decides the model's graph, beside the code of this package and of the libraries. Given
        it, what was compiled is kept, and found again.
    var_names : sequence of str, optional
        Free variables to draw; all by default.
    jitter_rvs : set of Variable, optional
        Free variables in which chains begin apart; all by default.

    Returns
    -------
    nutpie's compiled model
        Gives the same numbers whether it was compiled or found.
    """
    drawn = [str(rv.name) for rv in model.free_RVs] if var_names is None else list(var_names)
    file = None if made_of is None else _file(made_of, drawn)
    kept = None if file is None else _find(file, Kept, "logp", "expand")
    with quiet():
        moved = set(model.free_RVs) if jitter_rvs is None else set(jitter_rvs)
        if kept is None:
            try:
                start = make_initial_point_fn(model=model, return_transformed=True)
                kept = write(model, start(0), drawn)
            except Unsupported:
                return nutpie.compile_pymc_model(model, var_names=drawn, jitter_rvs=moved)
            if file is not None:
                _keep(file, kept, "logp", "expand")
        return _ready(model, {str(model.rvs_to_values[rv].name) for rv in moved}, kept)


@untraced()
def compile_arrays(made_of: str, make: Callable[[], FunctionGraph]) -> Arrays | None:
    """Compile a function of arrays, or find it in this process or on disk.

    Parameters
    ----------
    made_of : str
        What decides the graph, beside the code of this package and of the libraries.
    make : callable
        Makes the graph, if it has to be compiled; inputs are known by their names.

    Returns
    -------
    Arrays or None
        The function; None if it cannot be written.
    """
    if made_of in _arrays:
        return _arrays[made_of]
    file = _file(made_of)
    found = _find(file, Arrays, "code")
    if found is None:
        with quiet():
            try:
                graph = make()
                found = write_arrays(graph, [str(v.name) for v in graph.inputs])
            except Unsupported:
                found = None
        if found is not None:
            _keep(file, found, "code")
    _arrays[made_of] = found
    return found


def graph_of(outputs: Sequence[Any], replaced: Mapping[Any, Any]) -> FunctionGraph:
    """A graph of outputs, simplified.

    Parameters
    ----------
    outputs : sequence of Variable
        Outputs.
    replaced : mapping of Variable to Variable
        Inputs of the outputs, and what stands for them in the graph.

    Returns
    -------
    FunctionGraph
        Its inputs are what stands for the given ones, in their order, and then the containers.
    """
    new: Any = clone_replace(list(outputs), dict(replaced), rebuild_strict=False)
    free = list(replaced.values())
    held = [v for v in graph_inputs(new) if not isinstance(v, Constant) and v not in free]
    graph = FunctionGraph([*free, *held], new, clone=False)
    query = RewriteDatabaseQuery(
        include=["fast_run", CHECKED], exclude=[*NO_REWRITE, "add_destroy_handler"]
    )
    optdb.query(query).rewrite(graph)
    return graph


def write(model: pm.Model, point: Mapping[str, np.ndarray], var_names: Sequence[str]) -> Kept:
    """Compile a model.

    Parameters
    ----------
    model : pymc.Model
        Model.
    point : mapping of str to numpy.ndarray
        Values of what the sampler sees: where chains begin.
    var_names : sequence of str
        Variables to draw.

    Returns
    -------
    Kept
        Machine code and what belongs to it.

    Raises
    ------
    Unsupported
        If the model has something that cannot be written.
    """
    seen: list[Any] = [model.rvs_to_values[rv] for rv in model.free_RVs]
    names = [str(v.name) for v in seen]
    shapes = [point[name].shape for name in names]
    typed = {
        v: pt.tensor(v.name, shape=shape, dtype=v.dtype)
        for v, shape in zip(seen, shapes, strict=True)
    }
    ends = np.cumsum([0, *(int(np.prod(shape, dtype=int)) for shape in shapes)]).tolist()
    checks = CHECKED if model.check_bounds else "local_remove_check_parameter"
    density: Any = rewrite_graph(model.logp(), include=["canonicalize", "stabilize", checks])
    gradients: Any = pt.grad(density, seen, disconnected_inputs="ignore")
    logp = graph_of([density, *gradients], typed)
    drawn = [v for v in model.unobserved_value_vars if v.name not in names]
    drawn = [v for v in drawn if v.name in var_names]
    expand = graph_of([*seen, *drawn], typed)
    of_graph = [graph.inputs[len(seen) :] for graph in (logp, expand)]
    containers = list(dict.fromkeys(v for held in of_graph for v in held))
    if not _containers(model).keys() >= set(containers):
        raise Unsupported("containers that the model does not name")
    words = _words(containers)
    made = []
    for held, graph in zip(of_graph, (logp, expand), strict=True):
        free = dict(zip(graph.inputs, map(Free, ends[:-1]), strict=False))
        made.append(free | {v: words[v] for v in held})
    shapes += [_shape(v) for v in expand.outputs[len(seen) :]]
    sizes = [int(np.prod(shape, dtype=int)) for shape in shapes]
    starts = np.cumsum([0, *sizes]).tolist()
    to_gradient = [Made(3), *(Made(2, start) for start in ends[:-1])]
    to_draws = [Made(3, start) for start in starts[:-1]]
    return Kept(
        logp=compiled(text("logp", logp, made[0], to_gradient, [ends[-1]])),
        expand=compiled(text("expand", expand, made[1], to_draws, [ends[-1], starts[-1]])),
        containers=[str(v.name) for v in containers],
        names=[*names, *(str(v.name) for v in drawn)],
        shapes=[list(shape) for shape in shapes],
        n_free=len(names),
        reparameterized=[
            str(model.rvs_to_values[rv].name)
            for rv in model.free_RVs
            if model.rvs_to_transforms.get(rv) is not None
        ],
        start=[float(x) for name in names for x in np.ravel(point[name])],
    )


def _shape(variable: Any) -> tuple[int, ...]:
    """Shape that a graph knows."""
    if None in variable.type.shape:
        raise Unsupported("variables of unknown length")
    return variable.type.shape


def _containers(model: pm.Model) -> dict[Any, str]:
    """What a model's graphs may read, and its names."""
    held = [v for v in [*model.dim_lengths.values(), *model.data_vars] if hasattr(v, "get_value")]
    return {v: str(v.name) for v in held if v.name}


def _words(containers: Iterable[Any]) -> dict[Any, Held]:
    """Where nutpie's record says where containers are and how long."""
    keys = {v: v.name for v in containers}
    fields: Any = of_nutpie.make_user_data(keys, {}).dtype.fields if keys else {}
    if not fields:
        return {}
    shared, start = fields["shared"][:2]

    def at(part: str, key: str) -> int:
        return (start + shared.fields[part][1] + shared[part].fields[key][1]) // WORD

    return {v: Held(at("data", key), at("shape", key)) for v, key in keys.items()}


def _file(*made_of: Any) -> Path:
    """Where something that was compiled is kept."""
    return FOLDER / f"{hashlib.sha256(repr((CODE, *made_of)).encode()).hexdigest()}.code"


def _find(file: Path, kind: Callable[..., Any], *codes: str) -> Any:
    """What is kept in a file; nothing if it is not whole, or was kept under another name."""
    try:
        digest, content = (stored := file.read_bytes())[:DIGEST], stored[DIGEST:]
    except OSError:
        return None
    if hashlib.sha256(file.name.encode() + content).digest() != digest:
        return None
    with contextlib.suppress(OSError):
        os.utime(file)  # it is in use
    with np.load(io.BytesIO(content), allow_pickle=False) as parts:
        note = json.loads(str(parts["note"]))
        return kind(**{name: parts[name].tobytes() for name in codes}, **note)


def _keep(file: Path, kept: Any, *codes: str) -> None:
    """Keep what was compiled, whole or not at all."""
    note = {of.name: getattr(kept, of.name) for of in fields(kept) if of.name not in codes}
    code: Any = {name: np.frombuffer(getattr(kept, name), np.uint8) for name in codes}
    content = io.BytesIO()
    np.savez(content, note=np.array(json.dumps(note)), **code)
    digest = hashlib.sha256(file.name.encode() + content.getvalue()).digest()
    with contextlib.suppress(InputError, OSError):  # a place that cannot be written keeps nothing
        write_bytes(file, digest + content.getvalue())
        _prune(file.parent)


def _prune(folder: Path) -> None:
    """Drop what was not used for long, and the oldest of what is too much."""
    found = sorted(((s := f.stat()).st_mtime, s.st_size, f) for f in folder.glob("*.code"))
    room = sum(size for _, size, _ in found)
    for used, size, file in found:
        if room <= MOST_KEPT and used >= time.time() - LONGEST_KEPT:
            break
        file.unlink(missing_ok=True)
        room -= size


def _ready(model: pm.Model, moved: Set[str], kept: Kept) -> Any:
    """The compiled model of nutpie for machine code, with a model's data."""
    known = {name: v for v, name in _containers(model).items()}
    keys = {known[name]: name for name in kept.containers}
    held = {name: np.array(v.get_value(), order="C", copy=True) for v, name in keys.items()}
    for value in held.values():
        value.flags.writeable = False
    shapes = [tuple(shape) for shape in kept.shapes]
    ends = np.cumsum([0, *(int(np.prod(shape, dtype=int)) for shape in shapes)]).tolist()
    width = np.repeat([name in moved for name in kept.names], np.diff(ends))[: ends[kept.n_free]]
    start = np.array(kept.start)

    def begin(seed: int | None = None) -> np.ndarray:
        # as far apart as PyMC's chains begin
        return start + width * np.random.default_rng(seed).uniform(-1.0, 1.0, size=start.size)

    slices = [slice(*pair) for pair in itertools.pairwise(ends)]
    info = (kept.names, slices, shapes)
    dims, coords = of_nutpie._prepare_dims_and_coords(model, info, kept.reparameterized)
    return of_nutpie.CompiledPyMCModel(
        _n_dim=ends[kept.n_free],
        dims=dims,
        _coords=coords,
        _shapes=dict(zip(kept.names, shapes, strict=True)),
        compiled_logp_func=Entry("logp", kept.logp),
        compiled_expand_func=Entry("expand", kept.expand),
        initial_point_func=begin,
        shared_data=held,
        shared_var_keys=keys,
        user_data=of_nutpie.make_user_data(keys, held),
        n_expanded=ends[-1],
        shape_info=info,
        logp_func=None,
        expand_func=None,
        reparameterized_names=kept.reparameterized,
    )
