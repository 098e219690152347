"""One element of a variable from elements of those that it is computed of.

The same rules serve twice: to find what an element depends on, and to write the code for it. They
differ in what an index is to them, see `Indices`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from pytensor import scalar as ps
from pytensor.compile.ops import ViewOp
from pytensor.raise_op import Assert
from pytensor.tensor.basic import (
    Alloc,
    Join,
    MakeVector,
    ScalarFromTensor,
    Split,
    TensorFromScalar,
)
from pytensor.tensor.elemwise import CAReduce, DimShuffle, Elemwise
from pytensor.tensor.shape import Reshape, Shape_i, SpecifyShape
from pytensor.tensor.subtensor import (
    AdvancedSubtensor,
    IncSubtensor,
    Subtensor,
    indices_from_subtensor,
)

from bayes_alliance.machine.scalars import Unsupported, start
from bayes_alliance.machine.shapes import Length, Shapes, number, taken

LANES = 8
"""A dimension of at most so many elements is written out; a longer one is a loop."""


@dataclass(frozen=True)
class At:
    """An index along one dimension.

    Parameters
    ----------
    key : hashable
        Equal for indices that are known to be equal.
    const : int, optional
        Its value, where it is known.
    code : llvmlite.ir.Value, optional
        Its value in the code that is written.
    depth : int
        In how many loops it is known.
    when : llvmlite.ir.Value, optional
        Condition without which what is read there is of no use, and may not exist.
    """

    key: Any
    const: int | None = None
    code: Any = None
    depth: int = 0
    when: Any = None


Index = tuple[At, ...]
Operand = tuple[Any, Index]
Combine = Callable[..., Any]


class Indices(Protocol):
    """What the rules need of indices."""

    shapes: Shapes

    def known(self, value: int) -> At:
        """Index of a known value."""

    def size(self, length: Length) -> At:
        """Number of elements along a dimension."""

    def plus(self, one: At, other: At, times: int = 1) -> At:
        """``one + times * other``."""

    def within(self, index: At, least: At, end: At) -> tuple[Any, At]:
        """Whether ``least <= index < end``, and ``index - least`` moved into that range."""

    def inside(self, index: At, length: Length) -> At:
        """An index that must lie within ``length``."""

    def bound(self, entry: Any, length: Length) -> At:
        """Where a slice begins or ends, moved to where ``length`` does if it lies beyond."""

    def read(self, variable: Any, index: Index, length: Length) -> At:
        """An index that is data; a negative one counts from the end of ``length``."""

    def apply(self, op: ps.ScalarOp, out: str, values: list) -> Any:
        """A scalar operation, and the type of its result."""

    def choose(self, chosen: Any, one: Any, other: Any) -> Any:
        """One of two values."""

    def length(self, length: Length) -> Any:
        """A length as a value."""


def is_lane(length: Length) -> bool:
    """Whether a dimension is written out element by element.

    Parameters
    ----------
    length : Length
        Length.

    Returns
    -------
    bool
        True if it is known and short.
    """
    size = length.last().size
    return size is not None and size <= LANES


def lanes(lengths: tuple[Length, ...], loops: list[At], a: Indices) -> list[Index]:
    """Indices of all elements that are computed in one turn of the loops.

    Parameters
    ----------
    lengths : tuple of Length
        Lengths of a variable's dimensions.
    loops : list of At
        Indices along those dimensions that are loops.
    a : Indices
        What indices are.

    Returns
    -------
    list of tuple of At
        One a combination of the short dimensions' elements.
    """
    each = iter(loops)
    choices = [
        [a.known(i) for i in range(n.last().size or 0)] if is_lane(n) else [next(each)]
        for n in lengths
    ]
    return list(itertools.product(*choices))


def parts(node: Any, out: Any, index: Index, a: Indices) -> tuple[list[Operand], Combine]:
    """What an element is computed of, and how.

    Parameters
    ----------
    node : Apply
        Node that computes the variable.
    out : Variable
        The variable.
    index : tuple of At
        Which element.
    a : Indices
        What indices are.

    Returns
    -------
    tuple of list of (Variable, index) and callable
        Operands, and what makes the element of their values.

    Raises
    ------
    Unsupported
        If the operation is not known here.
    """
    op, first = node.op, node.inputs[0] if node.inputs else None
    match op:
        case Elemwise():
            operands = [(v, repeated(v, index, a)) for v in node.inputs]
            return operands, lambda *values: a.apply(op.scalar_op, out.type.dtype, list(values))
        case ps.ScalarOp():
            return (
                [(v, ()) for v in node.inputs],
                lambda *values: a.apply(op, out.type.dtype, list(values)),
            )
        case CAReduce():
            return _reduced(node, index, a)
        case MakeVector():
            return _one_of([(v, ()) for v in node.inputs], index[0], a)
        case Shape_i():
            length = a.shapes[first][op.i]
            return [], lambda: a.length(length)
        case Join():
            return _joined(node, index, a)
        case IncSubtensor():
            return _changed(node, index, a)
    return [(first, _view(node, out, index, a))], lambda value: value


def repeated(variable: Any, index: Index, a: Indices) -> Index:
    """Index of an element that is repeated along dimensions that are missing or of length one.

    Parameters
    ----------
    variable : Variable
        What is repeated.
    index : tuple of At
        Index after that.
    a : Indices
        What indices are.

    Returns
    -------
    tuple of At
        Index before.
    """
    alone = variable.type.broadcastable
    last = index[len(index) - len(alone) :]
    return tuple(a.known(0) if b else i for i, b in zip(last, alone, strict=True))


def _view(node: Any, out: Any, index: Index, a: Indices) -> Index:
    """Which element of its first input an element of a view is."""
    op, first = node.op, node.inputs[0]
    zero = a.known(0)
    match op:
        case DimShuffle():
            at = {axis: i for axis, i in zip(op.new_order, index, strict=True) if axis != "x"}
            return tuple(at.get(axis, zero) for axis in range(first.type.ndim))
        case SpecifyShape() | Assert() | ViewOp() | ScalarFromTensor() | TensorFromScalar():
            return index
        case Alloc():
            return repeated(first, index, a)
        case Split():
            moved = index[op.axis]
            for k in range(out.index):
                moved = a.plus(moved, a.size(a.shapes.scalar(node.inputs[1], k)))
            return (*index[: op.axis], moved, *index[op.axis + 1 :])
        case Subtensor():
            return _sliced(node, index, a)
        case AdvancedSubtensor():
            axis, which = taken(node)
            end = axis + which.type.ndim
            chosen = a.read(which, index[axis:end], a.shapes[first][axis])
            return (*index[:axis], chosen, *index[end:])
        case Reshape():
            return _reshaped(node, index, a)
    raise Unsupported(str(op))


def _sliced(node: Any, index: Index, a: Indices) -> Index:
    """Index before slices and single indices."""
    lengths = a.shapes[node.inputs[0]]
    entries = indices_from_subtensor(node.inputs[1:], node.op.idx_list)
    left, found = list(index), []
    for length, entry in zip(lengths, entries, strict=False):
        if not isinstance(entry, slice):
            found.append(_scalar(entry, length, a))
        elif entry.start is None:
            found.append(left.pop(0))
        else:
            found.append(a.plus(left.pop(0), a.bound(entry.start, length)))
    return (*found, *left)


def _scalar(entry: Any, length: Length, a: Indices) -> At:
    """A single index, counted from the beginning."""
    value = number(entry)
    if value is None:
        return a.read(entry, (), length)
    return a.inside(
        a.known(value) if value >= 0 else a.plus(a.size(length), a.known(value)), length
    )


def _reshaped(node: Any, index: Index, a: Indices) -> Index:
    """Index before a change of shape, by the element's place among all."""
    before, after = a.shapes[node.inputs[0]], a.shapes[node.outputs[0]]
    long = [i for i, n in zip(index, after, strict=True) if n.size != 1]
    where = [axis for axis, n in enumerate(before) if n.size != 1]
    if len(long) == len(where) and all(
        before[axis] is n or before[axis].size == n.size is not None
        for axis, n in zip(where, (n for n in after if n.size != 1), strict=True)
    ):
        at = dict(zip(where, long, strict=True))
        return tuple(at.get(axis, a.known(0)) for axis in range(len(before)))
    if any(i.const is None for i in index) or any(n.size is None for n in (*before, *after)):
        raise Unsupported("a change of shape")
    place = 0
    for i, n in zip(index, after, strict=True):
        place = place * (n.size or 0) + (i.const or 0)
    found = []
    for n in reversed(before):
        found.append(a.known(place % (n.size or 1)))
        place //= n.size or 1
    return tuple(reversed(found))


def reduced_axes(node: Any) -> list[int]:
    """Axes over which a node adds up (or multiplies, ...).

    Parameters
    ----------
    node : Apply
        Reduction.

    Returns
    -------
    list of int
        Axes of its input.
    """
    axis = node.op.axis
    return list(range(node.inputs[0].type.ndim)) if axis is None else sorted(axis)


def total_type(node: Any) -> str:
    """Type in which a node adds up.

    Parameters
    ----------
    node : Apply
        Reduction.

    Returns
    -------
    str
        NumPy's name.
    """
    return getattr(node.op, "acc_dtype", None) or node.outputs[0].type.dtype


def over(node: Any, kept: Index, loops: list[At], a: Indices) -> list[Index]:
    """Indices of the input over which a reduction goes in one turn of its loops.

    Parameters
    ----------
    node : Apply
        Reduction.
    kept : tuple of At
        Index of its result.
    loops : list of At
        Indices along those of its axes that are loops.
    a : Indices
        What indices are.

    Returns
    -------
    list of tuple of At
        Indices.
    """
    axes, lengths = reduced_axes(node), a.shapes[node.inputs[0]]
    inner = lanes(tuple(lengths[axis] for axis in axes), loops, a)
    out = []
    for some in inner:
        own, rest = iter(some), iter(kept)
        out.append(tuple(next(own) if k in axes else next(rest) for k in range(len(lengths))))
    return out


def _reduced(node: Any, index: Index, a: Indices) -> tuple[list[Operand], Combine]:
    """A reduction over short dimensions."""
    operands = [(node.inputs[0], at) for at in over(node, index, [], a)]
    out, dtype = node.outputs[0].type.dtype, total_type(node)
    start(node.op.scalar_op, dtype)
    if not operands:
        raise Unsupported("a sum of nothing")

    def combine(*values):
        total, *rest = (a.apply(ps.identity, dtype, [value]) for value in values)
        for value in rest:
            total = a.apply(node.op.scalar_op, dtype, [total, value])
        return a.apply(ps.identity, out, [total])

    return operands, combine


def _one_of(operands: list[Operand], index: At, a: Indices) -> tuple[list[Operand], Combine]:
    """That one of several scalars which an index says."""
    if index.const is not None:
        return [operands[index.const]], lambda value: value
    tests = [a.within(index, a.known(k), a.known(k + 1))[0] for k in range(len(operands) - 1)]

    def combine(*values):
        found = values[-1]
        for test, value in zip(tests, values, strict=False):
            found = a.choose(test, value, found)
        return found

    return operands, combine


def _joined(node: Any, index: Index, a: Indices) -> tuple[list[Operand], Combine]:
    """The element of that part which the index falls into."""
    axis = node.op.axis
    start, found, tests = a.known(0), [], []
    for variable in node.inputs:
        end = a.plus(start, a.size(a.shapes[variable][axis]))
        test, inner = a.within(index[axis], start, end)
        if test is True:
            return [(variable, (*index[:axis], inner, *index[axis + 1 :]))], lambda value: value
        if test is not False:
            found.append((variable, (*index[:axis], inner, *index[axis + 1 :])))
            tests.append(test)
        start = end

    def combine(*values):
        *others, last = (a.apply(ps.identity, node.outputs[0].type.dtype, [v]) for v in values)
        for test, value in zip(tests, others, strict=False):
            last = a.choose(test, value, last)
        return last

    return found, combine


def _changed(node: Any, index: Index, a: Indices) -> tuple[list[Operand], Combine]:
    """The element of an array of which a part was set or added to."""
    base, part, *rest = node.inputs
    lengths = a.shapes[base]
    entries = indices_from_subtensor(rest, node.op.idx_list)
    inside, tests = [], []
    for at, length, entry in zip(index, lengths, entries, strict=False):
        if not isinstance(entry, slice):
            only = _scalar(entry, length, a)
            tests.append(a.within(at, only, a.plus(only, a.known(1)))[0])
            continue
        begin = a.known(0) if entry.start is None else a.bound(entry.start, length)
        end = a.size(length) if entry.stop is None else a.bound(entry.stop, length)
        test, inner = a.within(at, begin, end)
        tests.append(test)
        inside.append(inner)
    inside += index[len(entries) :]
    before = (base, index)
    if any(test is False for test in tests):
        return [before], lambda value: value
    own = repeated(part, tuple(inside), a)
    tests = [test for test in tests if test is not True]

    def combine(old, new):
        dtype = node.outputs[0].type.dtype
        value = (
            a.apply(ps.identity, dtype, [new])
            if node.op.set_instead_of_inc
            else a.apply(ps.add, dtype, [old, new])
        )
        chosen = None
        for test in tests:
            chosen = test if chosen is None else a.choose(test, chosen, test)
        return value if chosen is None else a.choose(chosen, value, old)

    return [before, (part, own)], combine
