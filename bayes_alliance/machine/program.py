"""Functions of a graph as machine code: written, compiled, and found again on disk."""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import re
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import llvmlite.binding as llvm
import pytensor.tensor as pt
from llvmlite import ir
from pytensor.graph.fg import FunctionGraph
from pytensor.tensor.special import LogSoftmax, Softmax

from bayes_alliance.machine.code import ACCESS, ALIGNED, LOOP, POINTER, Code
from bayes_alliance.machine.elements import At, is_lane
from bayes_alliance.machine.plan import Plan
from bayes_alliance.machine.scalars import DOUBLE, LONG, Unsupported, type_of
from bayes_alliance.machine.shapes import Length

DEEP = 100_000
"""Calls within calls, where an element needs many others."""
WORD = 8
"""Bytes of a pointer and of a length."""
DOUBLES = DOUBLE.as_pointer()
ARGUMENTS = {
    "logp": [LONG, DOUBLES, DOUBLES, DOUBLES, POINTER],
    "expand": [LONG, LONG, DOUBLES, DOUBLES, POINTER],
    "rows": [POINTER],
}
"""Of each function: lengths of what is given and made, free variables, results, what is held."""
FREE = {"logp": 1, "expand": 2, "rows": 0}
OTHER_LENGTH, NO_ROOM, TROUBLE, NOT_FINITE = -1, -2, -3, 4
"""What is returned where there are no results; nutpie goes on after numbers above 0 alone."""
WIDE = {"+avx512f": "-prefer-256-bit"}
"""What LLVM is told of a processor with wide registers: to use them. Loops wait for the steps of
exp and log, one after the other, and take as long for eight rows as for four."""
OPTIONS = {"disable-lsr": ("true", "false"), "enable-mem-access-versioning": ("false", "true")}
"""Of LLVM: loops with hundreds of addresses would be looked at for seconds, and for nothing; and
columns are never next to each other, so that code for the case that they are is never used.
Set to the first while code is compiled, and back to the second, for Numba and others."""


PORTABLE = os.environ.get("BAYES_ALLIANCE_PORTABLE", "") not in ("", "0")
"""Whether code uses nothing but what every processor of its kind has, so that it is the same on
all; read as the package is imported."""


@dataclass(frozen=True)
class Free:
    """An input that is part of the free variables.

    Parameters
    ----------
    start : int
        Its first element among them.
    """

    start: int


@dataclass(frozen=True)
class Held:
    """An input that lies elsewhere.

    Parameters
    ----------
    pointer, shape : int
        Words, of what is held, in which its place and the first of its lengths stand.
    """

    pointer: int
    shape: int


@dataclass(frozen=True)
class Made:
    """Where an output goes.

    Parameters
    ----------
    argument : int
        Argument that points there.
    start : int
        Its first element.
    """

    argument: int
    start: int = 0


COMPILING = threading.RLock()
"""Held while what belongs to the whole process is set otherwise: depth of calls, LLVM's options."""


@contextmanager
def _deep() -> Iterator[None]:
    """Allow calls within calls: an element is written after all that it needs."""
    with COMPILING:
        before = sys.getrecursionlimit()
        sys.setrecursionlimit(max(before, DEEP))
        try:
            yield
        finally:
            sys.setrecursionlimit(before)


def plain(graph: FunctionGraph) -> None:
    """Replace functions of whole rows by what they are made of.

    Parameters
    ----------
    graph : FunctionGraph
        Graph, which is changed.
    """
    for node in graph.toposort():
        if not isinstance(node.op, Softmax | LogSoftmax):
            continue
        x, axis = node.inputs[0], node.op.axis
        moved = x - pt.max(x, axis=axis, keepdims=True)
        grown = pt.exp(moved)
        total = pt.sum(grown, axis=axis, keepdims=True)
        made = grown / total if isinstance(node.op, Softmax) else moved - pt.log(total)
        graph.replace(node.outputs[0], made, reason="plain", import_missing=True)


def text(name: str, *arguments: Any) -> str:
    """A function of a graph in LLVM's language.

    Parameters
    ----------
    name : {"logp", "expand", "rows"}
        Which of `ARGUMENTS` it takes.
    *arguments
        As of `written`.

    Returns
    -------
    str
        Code; the same for the same graph.
    """
    return written(name, *arguments)[0]


def written(
    name: str,
    graph: FunctionGraph,
    given: Mapping[Any, Free | Held],
    made: Sequence[Made | Held],
    counts: Sequence[int],
) -> tuple[str, Plan]:
    """A function of a graph in LLVM's language, and its plan.

    Parameters
    ----------
    name : {"logp", "expand", "rows"}
        Which of `ARGUMENTS` it takes.
    graph : FunctionGraph
        Inputs to outputs.
    given : mapping of Variable to Free or Held
        Where the inputs are.
    made : sequence of Made or Held
        Where the outputs go.
    counts : sequence of int
        What the first arguments must be.

    Returns
    -------
    str
        Code; the same for the same graph.
    Plan
        What is computed where, and all lengths.

    Raises
    ------
    Unsupported
        If the graph has something that is not known here.
    """
    plain(graph)
    with _deep():
        plan = Plan(graph.inputs, graph.outputs, graph.toposort())
        module = ir.Module(name="bayes_alliance", context=ir.Context())
        kind = ir.FunctionType(LONG, ARGUMENTS[name])
        function = ir.Function(module, kind, name)
        code = Code(plan, function)
        _arguments_fit(code, counts)
        _inputs(code, given, FREE[name])
        _lengths(code)
        room = _room(code)
        _outputs(code, made)
        code.run()
        code.b.call(_library(module, "free", ir.VoidType(), POINTER), [room])
        _unless(code, code.b.not_(code.b.load(code.trouble)), TROUBLE)
        if name == "logp":
            _finite(code, counts[0])
        code.b.ret(LONG(0))
    return _with_metadata(str(module)), plan


def _arguments_fit(code: Code, counts: Sequence[int]) -> None:
    """Refuse other numbers of free variables or results than those that the code is written for."""
    for argument, count in zip(code.function.args, counts, strict=False):
        _unless(code, code.b.icmp_signed("==", argument, LONG(count)), OTHER_LENGTH)


def _unless(code: Code, fits: ir.Value, status: int) -> None:
    """Return with a status unless a condition holds."""
    with code.b.if_then(code.b.not_(fits), likely=False):
        code.b.ret(LONG(status))


def _inputs(code: Code, given: Mapping[Any, Free | Held], free: int) -> None:
    """Places and lengths of the inputs; equal lengths must be so."""
    b = code.b
    words = b.bitcast(code.function.args[-1], LONG.as_pointer())
    known: dict[Length, At] = {}
    pointers = {}
    for variable, where in given.items():
        lengths = code.shapes[variable]
        if isinstance(where, Free):
            if variable.type.dtype != "float64":
                raise Unsupported("free variables that are not doubles")
            at = b.gep(code.function.args[free], [LONG(where.start)], inbounds=True)
            pointers[variable] = b.bitcast(at, POINTER)
            continue
        word = b.load(b.gep(words, [LONG(where.pointer)], inbounds=True))
        pointers[variable] = b.inttoptr(word, POINTER)
        for axis, length in enumerate(lengths):
            found = b.load(b.gep(words, [LONG(where.shape + axis)], inbounds=True))
            if length.size is not None:
                _unless(code, b.icmp_signed("==", found, LONG(length.size)), OTHER_LENGTH)
            elif length in known:
                _unless(code, b.icmp_signed("==", found, known[length].code), OTHER_LENGTH)
            else:
                known[length] = At(("length", len(known)), None, found)
    code.lengths.update(known)
    for variable, pointer in pointers.items():
        sizes = [code.size(length) for length in code.shapes[variable]]
        code.places[variable] = code.place(pointer, variable.type.dtype, sizes)
        code.ready.add(variable)


def _lengths(code: Code) -> None:
    """Refuse lengths that should be equal and are not."""
    every = (n for lengths in code.shapes.of.values() for n in lengths)
    for length in dict.fromkeys(n.last() for n in every):
        for parts in length.parts:
            same = code.b.icmp_signed("==", code.size(length).code, code.computed(*parts).code)
            code.must(same, 0)
    _unless(code, code.b.not_(code.b.load(code.trouble)), OTHER_LENGTH)


def _room(code: Code) -> ir.Value:
    """Room for all that is stored meanwhile."""
    total, starts = code.known(0), {}
    for root in code.plan.roots:
        variable = root.variable
        if not root.stored or root.kind in ("out", "scatter"):
            continue
        starts[variable] = total
        kind = type_of(variable.type.dtype)
        bytes_each = 1 if variable.type.dtype == "bool" else _bytes(kind)
        size = code.known(bytes_each)
        for length in code.shapes[variable]:
            size = code.times(size, code.size(length))
        whole = code.plus(size, code.known(ALIGNED - 1))
        if whole.const is not None:
            whole = code.known(whole.const // ALIGNED * ALIGNED)
        else:
            whole = At(("room", variable), None, code.b.and_(whole.code, LONG(-ALIGNED)))
        total = code.plus(total, whole)
    taken = code.plus(total, code.known(ALIGNED))
    allocate = _library(code.function.module, "malloc", POINTER, LONG)
    room = code.b.call(allocate, [taken.code])
    _unless(code, code.b.icmp_unsigned("!=", room, POINTER(None)), NO_ROOM)
    address = code.b.ptrtoint(room, LONG)
    address = code.b.and_(code.b.add(address, LONG(ALIGNED - 1)), LONG(-ALIGNED))
    aligned = code.b.inttoptr(address, POINTER)
    for variable, start in starts.items():
        pointer = code.b.gep(aligned, [start.code], inbounds=True)
        lengths = code.shapes[variable]
        # short dimensions come first, so that turns of a loop lie next to each other
        order = sorted(range(len(lengths)), key=lambda axis: not is_lane(lengths[axis]))
        laid = code.place(
            pointer, variable.type.dtype, [code.size(lengths[axis]) for axis in order]
        )
        strides = dict(zip(order, laid.strides, strict=True))
        code.places[variable] = type(laid)(
            pointer, laid.dtype, tuple(strides[axis] for axis in range(len(lengths)))
        )
    return room


def _bytes(kind: ir.Type) -> int:
    """Bytes of an element."""
    return {"double": 8, "float": 4}.get(str(kind)) or int(str(kind)[1:]) // 8


def _outputs(code: Code, made: Sequence[Made | Held]) -> None:
    """Places of the outputs."""
    roots = [root for root in code.plan.roots if root.kind == "out"]
    for root, where in zip(roots, made, strict=True):
        if isinstance(where, Held):
            words = code.b.bitcast(code.function.args[-1], LONG.as_pointer())
            word = code.b.load(code.b.gep(words, [LONG(where.pointer)], inbounds=True))
            pointer = code.b.inttoptr(word, DOUBLES)
        else:
            argument = code.function.args[where.argument]
            pointer = code.b.gep(argument, [LONG(where.start)], inbounds=True)
        sizes = [code.size(length) for length in code.shapes[root.variable]]
        place = code.place(code.b.bitcast(pointer, POINTER), "float64", sizes)
        code.places["out", root.position] = place


def _library(module: ir.Module, name: str, result: ir.Type, *arguments: ir.Type) -> ir.Function:
    """A function of the C library."""
    return ir.Function(module, ir.FunctionType(result, arguments), name)


def _finite(code: Code, count: int) -> None:
    """Return with a status if the log density or its gradient is no number or infinite."""
    gradient, density = code.function.args[2], code.function.args[3]
    zero = DOUBLE(0.0)
    before = code.b.block
    head, body, after = (code.function.append_basic_block(f"finite{k}") for k in range(3))
    total = code.b.fmul(code.b.load(density), zero)
    code.b.branch(head)
    h = ir.IRBuilder(head)
    i, sum_ = h.phi(LONG), h.phi(DOUBLE)
    i.add_incoming(LONG(0), before)
    sum_.add_incoming(total, before)
    h.cbranch(h.icmp_signed("<", i, LONG(count)), body, after)
    inner = ir.IRBuilder(body)
    element = inner.load(inner.gep(gradient, [i], inbounds=True))
    more = inner.fadd(sum_, inner.fmul(element, zero), flags=("reassoc",))
    i.add_incoming(inner.add(i, LONG(1)), body)
    sum_.add_incoming(more, body)
    inner.branch(head)
    code.builders[0] = ir.IRBuilder(after)
    _unless(code, code.b.fcmp_ordered("==", sum_, zero), NOT_FINITE)


def _with_metadata(code: str) -> str:
    """What says that turns of a loop are independent must be its own, which llvmlite cannot say."""
    code = re.sub(rf'(!\d+) = !{{ !"{ACCESS}" }}', r"\1 = distinct !{}", code)
    return re.sub(rf'(!\d+) = !{{ !"{LOOP}\d+", ', r"\1 = distinct !{ \1, ", code)


@functools.cache
def _target() -> llvm.Target:
    """What LLVM compiles for, made ready once a process."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple()


@contextmanager
def _options() -> Iterator[None]:
    """LLVM's options for code of this package."""
    with COMPILING:
        try:
            for name, (ours, _) in OPTIONS.items():
                llvm.set_option("", f"--{name}={ours}")
            yield
        finally:
            for name, (_, usual) in OPTIONS.items():
                llvm.set_option("", f"--{name}={usual}")


def processor() -> tuple[str, str]:
    """Processor and features that code is made for: this machine's, or what all of its kind have.

    Returns
    -------
    tuple of str
        Name and features, as LLVM has them.
    """
    if PORTABLE:  # on other kinds than x86-64 there is one arithmetic anyway
        return ("x86-64" if platform.machine().lower() in ("x86_64", "amd64") else "generic"), ""
    known = llvm.get_host_cpu_features().flatten().split(",")
    return llvm.get_host_cpu_name(), ",".join([*known, *(t for h, t in WIDE.items() if h in known)])


def machine() -> llvm.TargetMachine:
    """The processor of this machine, as LLVM knows it.

    Returns
    -------
    llvmlite.binding.TargetMachine
        A new one: what holds code in memory frees its own with it.
    """
    with COMPILING:
        target = _target()
    name, features = processor()
    return target.create_target_machine(
        cpu=name,
        features=features,
        opt=3,
        codemodel="jitdefault",
        jit=True,
    )


def compiled(code: str) -> bytes:
    """Machine code of a function.

    Parameters
    ----------
    code : str
        Function in LLVM's language.

    Returns
    -------
    bytes
        An object file.
    """
    with _options():
        module, target = llvm.parse_assembly(code), machine()
        module.triple = target.triple
        module.data_layout = str(target.target_data)
        module.verify()
        options = llvm.create_pipeline_tuning_options(speed_level=2)
        options.loop_vectorization = True
        options.slp_vectorization = options.loop_interleaving = options.loop_unrolling = False
        builder = llvm.create_pass_builder(target, options)
        builder.getModulePassManager().run(module, builder)
        return target.emit_object(module)


@dataclass(frozen=True)
class Entry:
    """A function in memory that C can call.

    Parameters
    ----------
    name : {"logp", "expand"}
        Which of `ARGUMENTS` it takes.
    code : bytes
        Object file.
    """

    name: str
    code: bytes

    @functools.cached_property
    def _engine(self) -> llvm.ExecutionEngine:
        """What holds the code as long as this is held; the first of several threads makes it."""
        with COMPILING:
            if "_engine" not in vars(self):
                engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine())
                engine.add_object_file(llvm.ObjectFileRef.from_data(self.code))
                engine.finalize_object()
                vars(self)["_engine"] = engine
            return vars(self)["_engine"]

    @property
    def address(self) -> int:
        """Where the function is."""
        return self._engine.get_function_address(self.name)

    @functools.cached_property
    def ctypes(self) -> Any:
        """The function as Python calls it."""
        double = ctypes.POINTER(ctypes.c_double)
        kinds: Any = {
            str(LONG): ctypes.c_int64,
            str(DOUBLES): double,
            str(POINTER): ctypes.c_void_p,
        }
        arguments = [kinds[str(kind)] for kind in ARGUMENTS[self.name]]
        return ctypes.CFUNCTYPE(ctypes.c_int64, *arguments)(self.address)
