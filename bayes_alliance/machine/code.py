"""The code of planned loops."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from llvmlite import ir
from pytensor import scalar as ps
from pytensor.graph.basic import Constant

from bayes_alliance.machine.elements import At, Index, lanes, over, parts, repeated, total_type
from bayes_alliance.machine.plan import Plan, Root
from bayes_alliance.machine.scalars import (
    BIT,
    LONG,
    Unsupported,
    cast,
    constant,
    start,
    type_of,
    write,
)
from bayes_alliance.machine.shapes import Length, number, taken

BYTE = ir.IntType(8)
POINTER = BYTE.as_pointer()
ALIGNED = 64
"""Bytes to a multiple of which stored variables begin."""
ACCESS, LOOP = "bayes_alliance access", "bayes_alliance loop "
REORDERED = ("contract", "reassoc")
"""Terms of a sum may be added in any order, several at once."""


@dataclass(frozen=True)
class Value:
    """A number in the code.

    Parameters
    ----------
    code : llvmlite.ir.Value
        The number.
    dtype : str
        Its type.
    depth : int
        In how many loops it is known.
    """

    code: ir.Value
    dtype: str
    depth: int


@dataclass(frozen=True)
class Place:
    """Where the elements of an array lie.

    Parameters
    ----------
    pointer : llvmlite.ir.Value
        First byte.
    dtype : str
        Type of the elements.
    strides : tuple of At
        Elements from one to the next, by dimension.
    """

    pointer: ir.Value
    dtype: str
    strides: tuple[At, ...]


class Code:
    """Writes the loops of a plan into a function.

    Parameters
    ----------
    plan : Plan
        What is computed where.
    function : llvmlite.ir.Function
        Function without a body.
    """

    def __init__(self, plan: Plan, function: ir.Function) -> None:
        self.plan, self.shapes, self.function = plan, plan.shapes, function
        self.first = function.append_basic_block("first")
        self.builders = [ir.IRBuilder(self.first)]
        self.trouble = self.b.alloca(BIT)
        self.b.store(BIT(0), self.trouble)
        self.places: dict[Any, Place] = {}
        self.lengths: dict[Length, At | None] = {}
        self.always: dict[Any, Value] = {}
        self.now: dict[Any, Value] = {}
        self.ready: set[Any] = set()
        self.parallel: list[ir.Instruction] | None = None
        self.counted = 0
        self.access = function.module.add_metadata([ACCESS])

    @property
    def b(self) -> ir.IRBuilder:
        """Where code outside all loops is written."""
        return self.builders[0]

    # what the rules of `elements` need of indices

    def known(self, value: int) -> At:  # noqa: D102  see `elements.Indices`
        return At(value, value, LONG(value))

    def size(self, length: Length) -> At:  # noqa: D102
        last = length.last()
        if last.size is not None:
            return self.known(last.size)
        if last not in self.lengths:
            if not last.parts:
                raise Unsupported("a length that nothing tells")
            self.lengths[last] = None
            self.lengths[last] = self.computed(*last.parts[0])
        found = self.lengths[last]
        if found is None:
            raise Unsupported("a length that is computed from itself")
        return found

    def plus(self, one: At, other: At, times: int = 1) -> At:  # noqa: D102
        if other.const == 0:
            return one
        if one.const is not None and other.const is not None:
            return self.known(one.const + times * other.const)
        key, depth = ("plus", one.key, other.key, times), max(one.depth, other.depth)
        b = self.builders[depth]
        more = other.code if times == 1 else b.mul(other.code, LONG(times))
        code = more if one.const == 0 else b.add(one.code, more)
        return At(key, None, code, depth, self._both(one.when, other.when, depth))

    def _both(self, one: ir.Value | None, other: ir.Value | None, depth: int) -> ir.Value | None:
        """Both of two conditions, where there are any."""
        if one is None or other is None or one is other:
            return other if one is None else one
        return self.builders[depth].and_(one, other)

    def times(self, one: At, other: At) -> At:
        """Product of two indices.

        Parameters
        ----------
        one, other : At
            Indices.

        Returns
        -------
        At
            Product.
        """
        if one.const is not None and other.const is not None:
            return self.known(one.const * other.const)
        for x, y in ((one, other), (other, one)):
            if x.const in (0, 1):
                return self.known(0) if x.const == 0 else y
        depth = max(one.depth, other.depth)
        code = self.builders[depth].mul(one.code, other.code)
        return At(("times", one.key, other.key), None, code, depth)

    def within(self, index: At, least: At, end: At) -> tuple[Any, At]:  # noqa: D102
        if index.const is not None and least.const is not None and end.const is not None:
            inside = least.const <= index.const < end.const
            return inside, self.known(index.const - least.const)
        depth = max(index.depth, least.depth, end.depth)
        b = self.builders[depth]
        inside = b.icmp_signed("<", index.code, end.code)
        if least.const != 0:
            inside = b.and_(inside, b.icmp_signed(">=", index.code, least.code))
        code = b.select(inside, b.sub(index.code, least.code), LONG(0))
        key, when = ("within", index.key, least.key, end.key), self._both(index.when, inside, depth)
        at = At(key, None, code, depth, when)
        return Value(inside, "bool", depth), at

    def inside(self, index: At, length: Length) -> At:  # noqa: D102
        size, b = self.size(length), self.builders[index.depth]
        if index.const is not None and size.const is not None:
            if not 0 <= index.const < size.const:
                raise Unsupported("an index beyond its array")
            return index
        fits = b.icmp_unsigned("<", index.code, size.code)
        self.must(fits if index.when is None else b.or_(fits, b.not_(index.when)), index.depth)
        key = ("inside", index.key, self.plan.name(length))
        code = b.select(fits, index.code, LONG(0))
        return At(key, None, code, index.depth, index.when)

    def bound(self, entry: Any, length: Length) -> At:  # noqa: D102
        value, size = number(entry), self.size(length)
        if value == 0:
            return self.known(0)
        if value is not None and size.const is not None:
            return self.known(len(range(size.const)[:value]))
        depth, code = self._whole(entry, ()) if value is None else (0, LONG(value))
        b = self.builders[depth]
        below = b.icmp_signed("<", code, LONG(0))
        code = b.select(below, b.add(code, size.code), code)
        code = b.select(b.icmp_signed("<", code, LONG(0)), LONG(0), code)
        beyond = b.icmp_signed(">", code, size.code)
        key = ("bound", entry if value is None else value, self.plan.name(length))
        return At(key, None, b.select(beyond, size.code, code), depth)

    def read(self, variable: Any, index: Index, length: Length) -> At:  # noqa: D102
        depth, code = self._whole(variable, index)
        b = self.builders[depth]
        if not variable.type.dtype.startswith("uint"):
            below = b.icmp_signed("<", code, LONG(0))
            code = b.select(below, b.add(code, self.size(length).code), code)
        key, when = ("read", variable, tuple(i.key for i in index), self.plan.name(length)), None
        for i in index:
            depth = max(depth, i.depth)
            when = self._both(when, i.when, depth)
        return self.inside(At(key, None, code, depth, when), length)

    def _whole(self, variable: Any, index: Index) -> tuple[int, ir.Value]:
        """A whole number that is data, and in how many loops it is known."""
        found = self.value(variable, index)
        return found.depth, cast(self.builders[found.depth], found.code, found.dtype, "int64")

    def must(self, holds: ir.Value, depth: int) -> None:
        """Say that the results are wrong unless a condition holds.

        Parameters
        ----------
        holds : llvmlite.ir.Value
            Condition.
        depth : int
            In how many loops it is known.
        """
        b = self.builders[depth]
        b.store(b.or_(b.load(self.trouble), b.not_(holds)), self.trouble)

    def apply(self, op: ps.ScalarOp, out: str, values: list[Value]) -> Value:  # noqa: D102
        depth = max((v.depth for v in values), default=0)
        codes, dtypes = [v.code for v in values], [v.dtype for v in values]
        return Value(write(self.builders[depth], op, codes, dtypes, out), out, depth)

    def choose(self, chosen: Value, one: Value, other: Value) -> Value:  # noqa: D102
        depth = max(chosen.depth, one.depth, other.depth)
        b = self.builders[depth]
        code = b.select(chosen.code, one.code, cast(b, other.code, other.dtype, one.dtype))
        return Value(code, one.dtype, depth)

    def length(self, length: Length) -> Value:  # noqa: D102
        at = self.size(length)
        return Value(at.code, "int64", at.depth)

    def computed(self, kind: str, *rest: Any) -> At:
        """A length that is computed.

        Parameters
        ----------
        kind : str
            See `Length`.
        *rest : Any
            Arguments.

        Returns
        -------
        At
            Length.
        """
        if kind == "sum":
            total = self.known(0)
            for part in rest[0]:
                total = self.plus(total, self.size(part))
            return total
        if kind == "slice":
            length, begin, stop = rest
            end = self.size(length) if stop is None else self.bound(stop, length)
            found = end if begin is None else self.plus(end, self.bound(begin, length), -1)
        else:
            depth, code = self._whole(rest[0], ())
            found = At(("length", rest[0]), None, code, depth)
            self.must(self.b.icmp_signed(">=", code, LONG(0)), 0)
        none = self.b.icmp_signed("<", found.code, LONG(0))
        return At(("least 0", found.key), None, self.b.select(none, LONG(0), found.code))

    # elements

    def value(self, variable: Any, index: Index) -> Value:
        """An element.

        Parameters
        ----------
        variable : Variable
            Variable of the graph.
        index : tuple of At
            Which element.

        Returns
        -------
        Value
            Computed where it is first needed, and once.
        """
        key = (variable, *(i.key for i in index))
        found = self.always.get(key) or self.now.get(key)
        if found is None:
            found = self._find(variable, index)
            self._keep(key, found)
        return found

    def _keep(self, key: Any, value: Value) -> None:
        (self.now if value.depth else self.always)[key] = value

    def _find(self, variable: Any, index: Index) -> Value:
        if isinstance(variable, Constant):
            return self._constant(variable, index)
        if variable in self.ready:
            return self.load(self.places[variable], index)
        root = self.plan.of.get(variable)
        if root is not None and root.kind in ("sum", "scatter"):
            raise Unsupported("a length that loops give")
        operands, combine = parts(variable.owner, variable, index, self)
        return combine(*[self.value(of, at) for of, at in operands])

    def _constant(self, variable: Constant, index: Index) -> Value:
        """An element of a constant array."""
        data = np.asarray(variable.data)
        dtype = str(data.dtype)
        if all(i.const is not None for i in index):
            return Value(constant(data[tuple(i.const for i in index)], dtype), dtype, 0)
        if variable not in self.places:
            kind = BYTE if dtype == "bool" else type_of(dtype)
            array = ir.ArrayType(kind, data.size)
            name = f"constant{len(self.function.module.global_values)}"
            held = ir.GlobalVariable(self.function.module, array, name)
            held.linkage, held.global_constant = "internal", True
            held.initializer = array([constant(v, dtype).constant for v in np.ravel(data)])
            pointer = self.b.bitcast(held, POINTER)
            self.places[variable] = self.place(pointer, dtype, map(self.known, data.shape))
        return self.load(self.places[variable], index)

    def place(self, pointer: ir.Value, dtype: str, sizes: Iterable[At]) -> Place:
        """Where an array lies whose elements are in the usual order.

        Parameters
        ----------
        pointer : llvmlite.ir.Value
            First byte.
        dtype : str
            Type of the elements.
        sizes : iterable of At
            Lengths of its dimensions.

        Returns
        -------
        Place
            The place.
        """
        stride, strides = self.known(1), []
        for size in reversed(list(sizes)):
            strides.append(stride)
            stride = self.times(stride, size)
        return Place(pointer, dtype, tuple(reversed(strides)))

    def load(self, place: Place, index: Index) -> Value:
        """An element that is stored.

        Parameters
        ----------
        place : Place
            Where.
        index : tuple of At
            Which element.

        Returns
        -------
        Value
            The element.
        """
        pointer, depth = self._address(place, index)
        b = self.builders[depth]
        code = self._noted(b.load(pointer))
        if place.dtype == "bool":
            code = b.icmp_unsigned("!=", code, BYTE(0))
        return Value(code, place.dtype, depth)

    def store(self, place: Place, index: Index, value: Value, depth: int) -> None:
        """Store an element.

        Parameters
        ----------
        place : Place
            Where.
        index : tuple of At
            Which element.
        value : Value
            Element.
        depth : int
            In how many loops that is done.
        """
        pointer, _ = self._address(place, index)
        b = self.builders[depth]
        code = cast(b, value.code, value.dtype, place.dtype)
        if place.dtype == "bool":
            code = b.zext(code, BYTE)
        self._noted(b.store(code, pointer))

    def _noted(self, instruction: ir.Instruction) -> ir.Instruction:
        if self.parallel is not None:
            self.parallel.append(instruction)
        return instruction

    def _address(self, place: Place, index: Index) -> tuple[ir.Value, int]:
        at = self.known(0)
        for i, stride in zip(index, place.strides, strict=True):
            at = self.plus(at, self.times(i, stride))
        kind = BYTE if place.dtype == "bool" else type_of(place.dtype)
        b = self.builders[at.depth]
        typed = b.bitcast(place.pointer, kind.as_pointer())
        return b.gep(typed, [at.code], inbounds=True), at.depth

    # loops

    def run(self) -> None:
        """Write all loops."""
        for roots in self.plan.rounds():
            self._round(roots)

    def _round(self, roots: list[Root]) -> None:
        """One loop over one, two or more dimensions, and all that is computed in it."""
        loops = roots[0].loops
        scatter = roots[0].kind == "scatter"
        self.parallel, self.now = (None if scatter else []), {}
        sums = [root for root in roots if root.kind == "sum"]
        totals = {root: self._totals(root) for root in sums}
        at, heads = [], []
        for k, length in enumerate(loops):
            for root in sums:
                if root.kept == k:
                    self._start(root, totals[root], k)
            head, body, after = (
                self.function.append_basic_block(f"{name}{self.counted}")
                for name in ("head", "body", "after")
            )
            self.counted += 1
            h = ir.IRBuilder(head)
            i = h.phi(LONG)
            h.cbranch(h.icmp_signed("<", i, self.size(length).code), body, after)
            self.builders = [*self.builders[: k + 1], ir.IRBuilder(body)]
            at.append(At(("loop", k), None, i, k + 1))
            heads.append((head, i, after))
        for root in roots:
            self._turn(root, at, totals.get(root))
        if not scatter and self.parallel:
            for instruction in self.parallel:
                instruction.set_metadata("llvm.access.group", self.access)
        self.parallel = None
        for k in reversed(range(len(loops))):
            head, i, after = heads[k]
            inner = self.builders[k + 1]
            i.add_incoming(inner.add(i, LONG(1)), inner.block)
            back = inner.branch(head)
            if k == len(loops) - 1 and not scatter:
                own = self.function.module.add_metadata(
                    [f"{LOOP}{self.counted}", *self._accesses()]
                )
                back.set_metadata("llvm.loop", own)
            # closed only now: code before a loop is written while its body is
            i.add_incoming(LONG(0), self.builders[k].block)
            self.builders[k].branch(head)
            self.builders[k] = ir.IRBuilder(after)
            for root in sums:
                if root.kept == k:
                    self._finish(root, at[:k], totals[root], k)
        self.builders = self.builders[:1]
        for root in roots:
            if root.stored and root.kind not in ("begin", "out"):
                self.ready.add(root.variable)

    def _accesses(self) -> list:
        return [self.function.module.add_metadata(["llvm.loop.parallel_accesses", self.access])]

    def _turn(self, root: Root, at: list[At], totals: list | None) -> None:
        """What is computed of a root in one turn of the innermost loop."""
        variable, node, depth = root.variable, root.variable.owner, len(at)
        lengths = self.shapes[variable]
        if root.kind == "sum":
            for kept, (total, _) in zip(
                lanes(lengths, at[: root.kept], self), totals or [], strict=True
            ):
                for index in over(node, kept, at[root.kept :], self):
                    self._more(node, total, self.value(node.inputs[0], index), depth)
            return
        if root.kind == "scatter":
            self._scatter(root, at)
            return
        if root.kind == "check":
            condition = self.value(variable, ())
            b = self.builders[condition.depth]
            self.must(cast(b, condition.code, condition.dtype, "bool"), condition.depth)
            return
        place = self.places.get(("out", root.position) if root.kind == "out" else variable)
        for index in lanes(lengths, at, self):
            if root.kind == "point":
                operands, combine = parts(node, variable, index, self)
                value = combine(*[self.value(of, at) for of, at in operands])
                self._keep((variable, *(i.key for i in index)), value)
            else:
                source = node.inputs[0] if root.kind == "begin" else variable
                value = self.value(source, index)
            if place is not None:
                self.store(place, index, value, depth)

    def _scatter(self, root: Root, at: list[At]) -> None:
        """Add to the array at indices that are data."""
        node = root.variable.owner
        (axis, which), part = taken(node), node.inputs[1]
        place, depth = self.places[root.variable], len(at)
        ndim = which.type.ndim
        for index in lanes(self.shapes.chosen(node), at, self):
            length = self.shapes[root.variable][axis]
            chosen = self.read(which, index[axis : axis + ndim], length)
            where = (*index[:axis], chosen, *index[axis + ndim :])
            value = self.value(part, repeated(part, index, self))
            pointer, _ = self._address(place, where)
            b = self.builders[depth]
            more = cast(b, value.code, value.dtype, place.dtype)
            add = b.fadd if place.dtype.startswith("float") else b.add
            b.store(add(b.load(pointer), more), pointer)

    def _totals(self, root: Root) -> list[tuple[ir.Value, str]]:
        """Room for the sums that are made at once, in registers."""
        dtype = total_type(root.variable.owner)
        count = len(lanes(self.shapes[root.variable], [self.known(0)] * root.kept, self))
        with self.b.goto_block(self.first):
            return [(self.b.alloca(type_of(dtype)), dtype) for _ in range(count)]

    def _start(self, root: Root, totals: list[tuple[ir.Value, str]], depth: int) -> None:
        """Begin sums at nothing; of nothing, there is no largest or smallest."""
        if isinstance(root.variable.owner.op.scalar_op, ps.ScalarMaximum | ps.ScalarMinimum):
            for length in root.loops[root.kept :]:
                self.must(self.b.icmp_signed(">", self.size(length).code, LONG(0)), 0)
        for total, dtype in totals:
            first = start(root.variable.owner.op.scalar_op, dtype)
            self.builders[depth].store(constant(first, dtype), total)

    def _more(self, node: Any, total: ir.Value, value: Value, depth: int) -> None:
        """Add a term to a sum."""
        b, dtype = self.builders[depth], total_type(node)
        before, more = b.load(total), cast(b, value.code, value.dtype, dtype)
        if isinstance(node.op.scalar_op, ps.Add) and dtype.startswith("float"):
            after = b.fadd(before, more, flags=REORDERED)
        else:
            after = write(b, node.op.scalar_op, [before, more], [dtype, dtype], dtype)
        b.store(after, total)

    def _finish(self, root: Root, at: list[At], totals: list, depth: int) -> None:
        """What a sum has come to."""
        indices = lanes(self.shapes[root.variable], at, self)
        for index, (total, dtype) in zip(indices, totals, strict=True):
            out, b = root.variable.type.dtype, self.builders[depth]
            value = Value(cast(b, b.load(total), dtype, out), out, depth)
            self._keep((root.variable, *(i.key for i in index)), value)
            if root.stored:
                self.store(self.places[root.variable], index, value, depth)
