"""What is stored, and in which loop it is computed.

A variable is stored if it is a sum over a loop, is read at an index that is data, or is needed in
several loops; everything else is computed where it is used. Sums and stored variables over the same
dimensions share one loop as far as none waits for another: `Plan` finds the fewest rounds of loops.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pytensor.graph.basic import Constant
from pytensor.raise_op import Assert
from pytensor.tensor.elemwise import CAReduce, Elemwise
from pytensor.tensor.subtensor import AdvancedIncSubtensor, AdvancedSubtensor

from bayes_alliance.machine.elements import (
    At,
    Index,
    is_lane,
    lanes,
    over,
    parts,
    reduced_axes,
    repeated,
)
from bayes_alliance.machine.scalars import Unsupported
from bayes_alliance.machine.shapes import Length, Shapes, number, taken


@dataclass(eq=False)
class Root:
    """Something that is computed in a loop.

    Parameters
    ----------
    variable : Variable
        What it gives elements of.
    kind : {"point", "sum", "begin", "scatter", "check", "out"}
        An element a turn; a sum over turns; the array that is added to; what is added to it, at
        indices that are data; a condition that must hold; an output.
    loops : tuple of Length
        Dimensions that are loops.
    kept : int
        How many of these are dimensions of a sum, and not what it goes over.
    position : int
        Order among equals.
    """

    variable: Any
    kind: str
    loops: tuple[Length, ...]
    kept: int
    position: int
    level: int = 0
    stored: bool = False


class Dry:
    """Indices as far as they decide what an element depends on."""

    any = At("any")

    def __init__(self, shapes: Shapes) -> None:
        self.shapes = shapes
        self.reads: list[tuple[Any, Index]] = []

    def known(self, value: int) -> At:  # noqa: D102  see `Indices`
        return At(value, value)

    def size(self, length: Length) -> At:  # noqa: D102
        size = length.last().size
        return self.any if size is None else self.known(size)

    def plus(self, one: At, other: At, times: int = 1) -> At:  # noqa: D102
        if other.const == 0:
            return one
        if one.const is None or other.const is None:
            return self.any
        return self.known(one.const + times * other.const)

    def within(self, index: At, least: At, end: At) -> tuple[Any, At]:  # noqa: D102
        if index.const is None or least.const is None or end.const is None:
            return None, self.any
        inside = least.const <= index.const < end.const
        return inside, self.known(index.const - least.const)

    def inside(self, index: At, length: Length) -> At:  # noqa: D102
        return index

    def bound(self, entry: Any, length: Length) -> At:  # noqa: D102
        value, size = number(entry), length.last().size
        if value is None:
            self.reads.append((entry, ()))
        if value is not None and size is not None:
            return self.known(len(range(size)[:value]))
        return self.known(0) if value == 0 else self.any

    def read(self, variable: Any, index: Index, length: Length) -> At:  # noqa: D102
        self.reads.append((variable, index))
        return self.any

    def apply(self, op, out, values):  # noqa: D102
        return None

    def choose(self, chosen, one, other):  # noqa: D102
        return None

    def length(self, length):  # noqa: D102
        return None


class Plan:
    """What is computed in which loop.

    Parameters
    ----------
    inputs, outputs : list of Variable
        Of the graph.
    nodes : list of Apply
        In the order in which they can be computed.
    """

    def __init__(self, inputs: list, outputs: list, nodes: list) -> None:
        self.shapes = Shapes(nodes, inputs)
        self.inputs, self.outputs = set(inputs), outputs
        self.roots: list[Root] = []
        self.of: dict[Any, Root] = {}
        self.uses: dict[Any, int] = defaultdict(int)
        gathered = set()
        for node in nodes:
            for variable in node.inputs:
                self.uses[variable] += 1
            if isinstance(node.op, AdvancedSubtensor):
                gathered.add(node.inputs[0])
            if isinstance(node.op, AdvancedIncSubtensor):
                gathered.add(node.inputs[1])
        # what is looked at through a view is looked at as often as the view is
        for node in reversed(nodes):
            if len(node.outputs) == 1 and not isinstance(node.op, Elemwise | CAReduce):
                more = self.uses[node.outputs[0]] - 1
                for variable in node.inputs[:1]:
                    self.uses[variable] += max(more, 0)
        for node in nodes:
            self._roots_of(node, gathered)
        for variable in outputs:
            self._add(variable, "out", self.loops(variable))
        for root in self.roots:
            self._place(root)

    def loops(self, variable: Any) -> tuple[Length, ...]:
        """Dimensions of a variable that are loops.

        Parameters
        ----------
        variable : Variable
            Variable.

        Returns
        -------
        tuple of Length
            Lengths.
        """
        return tuple(n for n in self.shapes[variable] if not is_lane(n))

    def rounds(self) -> Iterator[list[Root]]:
        """Roots that are computed in one loop.

        Yields
        ------
        list of Root
            In the order in which they can be computed.
        """
        together: dict[tuple, list[Root]] = defaultdict(list)
        for root in self.roots:
            apart = root.kind == "scatter"
            together[(root.level, apart, *map(self.name, root.loops))].append(root)
        for key in sorted(together, key=lambda key: (key[0], together[key][0].position)):
            yield together[key]

    @staticmethod
    def name(length: Length) -> Any:
        """What is equal for equal lengths."""
        last = length.last()
        return ("of", id(last)) if last.size is None else ("n", last.size)

    def _add(self, variable: Any, kind: str, loops: tuple, kept: int | None = None) -> Root:
        kept = len(loops) if kept is None else kept
        root = Root(variable, kind, loops, kept, len(self.roots))
        self.roots.append(root)
        return root

    def _roots_of(self, node: Any, gathered: set) -> None:
        """Roots that a node needs."""
        out = node.outputs[0]
        if isinstance(node.op, AdvancedIncSubtensor):
            if node.op.set_instead_of_inc or node.op.ignore_duplicates:
                raise Unsupported("indices that are set")
            if out.type.dtype == "bool":
                raise Unsupported("truth values that are added")
            added = tuple(n for n in self.shapes.chosen(node) if not is_lane(n))
            self._add(out, "begin", self.loops(out)).stored = True
            self.of[out] = self._add(out, "scatter", added)
            self.of[out].stored = True
            return
        if isinstance(node.op, Assert):
            for condition in node.inputs[1:]:
                self._add(condition, "check", ())
        loops = self.loops(out)
        if isinstance(node.op, CAReduce):
            lengths = self.shapes[node.inputs[0]]
            inner = [lengths[axis] for axis in reduced_axes(node)]
            inner = [n for n in inner if not is_lane(n)]
            if inner:
                self.of[out] = self._add(out, "sum", (*loops, *inner), len(loops))
                self.of[out].stored = bool(loops) or out in gathered
                return
        for variable in node.outputs:
            often = self.uses[variable] > 1 and isinstance(node.op, Elemwise) and loops
            if variable in gathered or often:
                self.of[variable] = self._add(variable, "point", self.loops(variable))
                self.of[variable].stored = variable in gathered

    def _place(self, root: Root) -> None:
        """Find the first round in which a root can be computed."""
        dry = Dry(self.shapes)
        own = [At(("loop", k)) for k in range(len(root.loops))]
        seen: set = set()
        near: list[Root] = []
        waiting: list[tuple[Any, Index]] = list(self._begin(root, own, dry))
        while waiting or dry.reads:
            variable, index = (waiting or dry.reads).pop()
            if variable in self.inputs or isinstance(variable, Constant):
                continue
            if (variable, index) in seen:
                continue
            seen.add((variable, index))
            found = self.of.get(variable)
            if found is not None:
                if self._wait(root, found, index):
                    near.append(found)
            elif variable.owner is None:
                raise Unsupported(f"an input {variable}")
            else:
                waiting += parts(variable.owner, variable, index, dry)[0]
        for found in near:
            found.stored = found.stored or root.level > found.level

    def _begin(self, root: Root, own: list[At], dry: Dry) -> Iterator[tuple[Any, Index]]:
        """What a root is computed of."""
        variable, node = root.variable, root.variable.owner
        lengths = self.shapes[variable]
        if root.kind in ("check", "out"):
            yield from ((variable, index) for index in lanes(lengths, own, dry))
        elif root.kind == "point":
            for index in lanes(lengths, own, dry):
                yield from parts(node, variable, index, dry)[0]
        elif root.kind == "begin":
            yield from ((node.inputs[0], index) for index in lanes(lengths, own, dry))
        elif root.kind == "scatter":
            axis, which = taken(node)
            for index in lanes(self.shapes.chosen(node), own, dry):
                yield node.inputs[1], repeated(node.inputs[1], index, dry)
                yield which, index[axis : axis + which.type.ndim]
            begun = self.roots[root.position - 1]
            root.level = max(root.level, begun.level + 1)
        else:
            for kept in lanes(lengths, own[: root.kept], dry):
                for index in over(node, kept, own[root.kept :], dry):
                    yield node.inputs[0], index

    def _wait(self, root: Root, found: Root, index: Index) -> bool:
        """Compute a root not before another that it needs; whether they can share a loop."""
        lengths = self.shapes[found.variable]
        at_loops = [i.key for i, n in zip(index, lengths, strict=True) if not is_lane(n)]
        known = all(i.const is not None for i, n in zip(index, lengths, strict=True) if is_lane(n))
        same = [*map(self.name, root.loops)] == [*map(self.name, found.loops)]
        own = [("loop", k) for k in range(len(root.loops))]
        turns = found.kind == "point" and root.kind != "scatter"
        beside = turns and same and known and at_loops == own
        root.level = max(root.level, found.level + (not beside))
        if not beside and (found.kind != "sum" or not known):
            found.stored = True
        return beside
