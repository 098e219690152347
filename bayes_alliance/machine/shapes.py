"""Lengths of dimensions: numbers where the graph knows them, else names that say which are equal.

Loops over equal lengths can be one loop, so what matters is not how long a dimension is but which
other dimensions are as long as it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from pytensor.compile.ops import ViewOp
from pytensor.graph.basic import Constant
from pytensor.raise_op import Assert
from pytensor.scalar import Cast, Identity
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
    AdvancedIncSubtensor,
    AdvancedSubtensor,
    IncSubtensor,
    Subtensor,
    indices_from_subtensor,
)
from pytensor.tensor.type_other import NoneTypeT

from bayes_alliance.machine.scalars import Unsupported

WIDE = ("int32", "int64", "uint32", "uint64")
"""Types that hold any length."""


@dataclass(eq=False)
class Length:
    """Length of a dimension; equal ones are joined as they are found.

    Parameters
    ----------
    size : int, optional
        Number of elements, if the graph knows it.
    places : list of (input, axis)
        Inputs that have this length.
    parts : list of tuple
        Kind and arguments of each way in which it is computed: ``("sum", lengths)``,
        ``("slice", length, start, stop)`` or ``("scalar", variable)``. All must give the same.
    """

    size: int | None = None
    places: list[tuple[Any, int]] = field(default_factory=list)
    parts: list[tuple] = field(default_factory=list)
    same: Length | None = None

    def last(self) -> Length:
        """The length that stands for all equal ones.

        Returns
        -------
        Length
            The same object for every length that was joined with this one.
        """
        found = self
        while found.same is not None:
            found = found.same
        return found


def join(one: Length, other: Length) -> None:
    """Say that two lengths are equal.

    Parameters
    ----------
    one, other : Length
        Lengths.
    """
    a, b = one.last(), other.last()
    if a is b:
        return
    if a.size is None and b.size is not None:
        a, b = b, a
    if a.size is not None and b.size is not None and a.size != b.size:
        raise Unsupported(f"lengths {a.size} and {b.size} of one dimension")
    a.places += b.places
    a.parts += b.parts
    b.same = a


def number(variable: Any) -> int | None:
    """Value of a constant scalar; None of anything else.

    Parameters
    ----------
    variable : Variable, int or None
        Scalar.

    Returns
    -------
    int or None
        Value.
    """
    if isinstance(variable, int):
        return variable
    if isinstance(variable, Constant) and variable.data is not None:
        return int(variable.data)
    return None


class Shapes:
    """Lengths of the dimensions of every variable of a graph.

    Parameters
    ----------
    nodes : list of Apply
        Nodes in the order in which they can be computed.
    inputs : list of Variable
        Inputs of the graph.
    """

    def __init__(self, nodes: list, inputs: list) -> None:
        self.of: dict[Any, tuple[Length, ...]] = {}
        for variable in inputs:
            self.of[variable] = tuple(
                Length(size, [(variable, axis)]) for axis, size in enumerate(variable.type.shape)
            )
        for node in nodes:
            for k, out in enumerate(node.outputs):
                if not hasattr(out.type, "shape"):
                    continue
                found = self._of_node(node, k)
                for length, size in zip(found, out.type.shape, strict=True):
                    if size is not None:
                        join(length, Length(size))
                self.of[out] = found

    def __getitem__(self, variable: Any) -> tuple[Length, ...]:
        if isinstance(variable, Constant):
            return tuple(Length(n) for n in getattr(variable.data, "shape", ()))
        return tuple(length.last() for length in self.of.get(variable, ()))

    def _of_node(self, node: Any, k: int) -> tuple[Length, ...]:
        """Lengths of an output from those of the inputs."""
        op = node.op
        ndim = node.outputs[k].type.ndim
        first = self[node.inputs[0]] if node.inputs else ()
        match op:
            case Elemwise():
                return tuple(self._broadcast(node, axis) for axis in range(ndim))
            case DimShuffle():
                return tuple(Length(1) if a == "x" else first[a] for a in op.new_order)
            case CAReduce():
                axes = range(len(first)) if op.axis is None else op.axis
                return tuple(n for a, n in enumerate(first) if a not in axes)
            case SpecifyShape():
                for length, wanted in zip(first, node.inputs[1:], strict=True):
                    if not isinstance(wanted.type, NoneTypeT):
                        join(length, self.scalar(wanted))
                return first
            case Assert() | ViewOp():
                return first
            case IncSubtensor():
                self._fits(node.inputs[1], self._sliced(node, first, node.inputs[2:]))
                return first
            case AdvancedIncSubtensor():
                self._fits(node.inputs[1], self.chosen(node))
                return first
            case Alloc():
                lengths = tuple(self.scalar(v) for v in node.inputs[1:])
                self._fits(node.inputs[0], lengths)
                return lengths
            case MakeVector():
                return (Length(len(node.inputs)),)
            case Join():
                parts = [self[v] for v in node.inputs]
                for part in parts[1:]:
                    for axis in set(range(ndim)) - {op.axis}:
                        join(parts[0][axis], part[axis])
                return tuple(
                    self._sum([p[axis] for p in parts]) if axis == op.axis else parts[0][axis]
                    for axis in range(ndim)
                )
            case Split():
                splits = [self.scalar(node.inputs[1], i) for i in range(len(node.outputs))]
                join(first[op.axis], self._sum(splits))
                return tuple(splits[k] if a == op.axis else n for a, n in enumerate(first))
            case Subtensor():
                return self._sliced(node, first, node.inputs[1:])
            case AdvancedSubtensor():
                return self.chosen(node)
            case Reshape():
                return self._reshaped(node, first)
        if ndim == 0:
            return ()
        raise Unsupported(str(op))

    def _broadcast(self, node: Any, axis: int) -> Length:
        """Length of a dimension of an element-wise result."""
        lengths = [self[v][axis] for v in node.inputs if not v.type.broadcastable[axis]]
        for other in lengths[1:]:
            join(lengths[0], other)
        return lengths[0].last() if lengths else Length(1)

    def _sum(self, lengths: list[Length]) -> Length:
        """Length of things one after the other."""
        if all(n.last().size is not None for n in lengths):
            return Length(sum(n.last().size or 0 for n in lengths))
        return Length(parts=[("sum", lengths)])

    def _fits(self, variable: Any, lengths: tuple[Length, ...]) -> None:
        """Say that a variable is repeated, along dimensions of length one alone, to lengths."""
        if variable.type.ndim > len(lengths):
            raise Unsupported("more dimensions than there is room for")
        kept = lengths[len(lengths) - variable.type.ndim :]
        alone = variable.type.broadcastable
        for own, length, repeated in zip(self[variable], kept, alone, strict=True):
            if not repeated:
                join(own, length)

    def chosen(self, node: Any) -> tuple[Length, ...]:
        """Lengths of what is taken from an array, or added to it, at indices that are data.

        Parameters
        ----------
        node : Apply
            Node of AdvancedSubtensor or AdvancedIncSubtensor.

        Returns
        -------
        tuple of Length
            Lengths.
        """
        axis, which = taken(node)
        first = self[node.inputs[0]]
        return (*first[:axis], *self[which], *first[axis + 1 :])

    def _sliced(self, node: Any, first: tuple[Length, ...], inputs: list) -> tuple[Length, ...]:
        """Lengths after slices and single indices."""
        out = []
        indices = indices_from_subtensor(inputs, node.op.idx_list)
        for length, index in zip(first, indices, strict=False):
            if isinstance(index, slice):
                out.append(self._slice(length, index))
        return (*out, *first[len(indices) :])

    def _slice(self, length: Length, index: slice) -> Length:
        """Length of a slice with a step of one."""
        start, stop, step = index.start, index.stop, index.step
        if step is not None and number(step) != 1:
            raise Unsupported("slices with steps")
        if start is None and stop is None:
            return length
        size = length.last().size
        a = 0 if start is None else number(start)
        b = None if stop is None else number(stop)
        if size is not None and a is not None and (stop is None or b is not None):
            return Length(len(range(size)[a:b]))
        return Length(parts=[("slice", length, start, stop)])

    def _reshaped(self, node: Any, first: tuple[Length, ...]) -> tuple[Length, ...]:
        """Lengths after a change of shape: one to a line of the same length, or of known ones."""
        out = node.outputs[0].type.shape
        long = [n for n in first if n.last().size != 1]
        if len(long) <= 1 and sum(size != 1 for size in out) == 1:
            only = long[0] if long else Length(1)
            lengths = tuple(Length(1) if size == 1 else only for size in out)
            for axis, length in enumerate(lengths):
                asked = self.scalar(node.inputs[1], axis)
                if asked.last().size != -1:
                    join(length, asked)
            return lengths
        before, after = (
            math.prod(math.nan if size is None else size for size in sizes)
            for sizes in ([n.last().size for n in first], out)
        )
        if before != after:
            raise Unsupported("a change of shape")
        return tuple(Length(size) for size in out)

    def scalar(self, variable: Any, item: int | None = None) -> Length:
        """Length that a whole number in the graph is, or one item of a vector of them.

        Parameters
        ----------
        variable : Variable
            Scalar, or vector if ``item`` is given.
        item : int, optional
            Position in the vector.

        Returns
        -------
        Length
            The length.
        """
        if isinstance(variable, Constant):
            return Length(int(variable.data if item is None else variable.data[item]))
        node = variable.owner
        if node is not None:
            match node.op:
                case Shape_i():
                    return self[node.inputs[0]][node.op.i]
                case Assert() | ScalarFromTensor() | TensorFromScalar():
                    return self.scalar(node.inputs[0], item)
                case Elemwise() if isinstance(node.op.scalar_op, Cast | Identity) and (
                    variable.type.dtype in WIDE and node.inputs[0].type.dtype in WIDE
                ):
                    return self.scalar(node.inputs[0], item)
                case MakeVector() if item is not None:
                    return self.scalar(node.inputs[item])
                case DimShuffle() if item is None and node.inputs[0].type.ndim == 0:
                    return self.scalar(node.inputs[0])
        if item is None:
            return Length(parts=[("scalar", variable)])
        raise Unsupported("lengths in a vector")


def taken(node: Any) -> tuple[int, Any]:
    """Axis that is indexed by an array, all others being taken in full, and that array.

    Parameters
    ----------
    node : Apply
        Node of AdvancedSubtensor or AdvancedIncSubtensor.

    Returns
    -------
    tuple of int and Variable
        Axis and indices.
    """
    entries, which = node.op.idx_list, node.inputs[-1]
    axes = [axis for axis, entry in enumerate(entries) if isinstance(entry, int)]
    rest = [entry for entry in entries if not isinstance(entry, int)]
    if len(axes) != 1 or any(entry != slice(None) for entry in rest) or which.dtype == "bool":
        raise Unsupported(str(node.op))
    return axes[0], which
