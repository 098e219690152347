"""Whole graphs of several operations: pieces put together at random, and what caused trouble."""

from __future__ import annotations

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pytensor.raise_op import Assert
from pytensor.tensor.special import log_softmax, softmax

from bayes_alliance.machine.scalars import Unsupported

LENGTHS = (0, 1, 2, 7, 8, 9, 100)
GROUPS = 5
RNG = np.random.default_rng(4)


def product(x, axis=None):
    """Product whose gradient is the product by each number."""
    return pt.prod(x, axis=axis, no_zeros_in_input=True)


ONE = [
    pt.exp,
    pt.sigmoid,
    pt.softplus,
    pt.sqr,
    pt.neg,
    pt.tanh,
    pt.abs,
    lambda x: pt.log1p(x**2),
    lambda x: pt.switch(x > 0.2, x, 0.5 * x),
    lambda x: pt.switch(pt.isnan(x), 0.0, x),
    lambda x: x[::1],
    lambda x: x.copy(),
]
TWO = [pt.add, pt.mul, pt.sub, pt.maximum, pt.minimum, lambda x, y: x / (1 + y**2)]


class Draw:
    """Arrays by row (n), by group (5), by row and part (n, 3), and numbers, made of each other."""

    def __init__(self, choose) -> None:
        self.choose = choose
        self.x, self.w = pt.dvector("x"), pt.tensor("w", shape=(None, 3), dtype="float64")
        self.g, self.c = pt.tensor("g", shape=(GROUPS,), dtype="float64"), pt.dscalar("c")
        self.i, self.k = pt.lvector("i"), pt.lscalar("k")
        self.inputs = [self.x, self.w, self.g, self.c, self.i, self.k]
        self.rows, self.parts = [self.x], [self.w]
        self.groups, self.numbers = [self.g], [self.c]
        self.long = [pt.concatenate([self.x, self.g])]

    def one(self, among: list):
        return among[self.choose(len(among))]

    def step(self) -> None:
        one, rows, parts, groups, numbers = (
            self.one,
            self.rows,
            self.parts,
            self.groups,
            self.numbers,
        )
        kind = self.choose(20)
        if kind < 4:
            among = one([rows, parts, groups, numbers, self.long])
            among.append(one(ONE)(one(among)) if among is not numbers else pt.tanh(one(among)))
        elif kind < 7:
            among = one([rows, parts, groups, self.long])
            among.append(one(TWO)(one(among), one([*among, one(numbers)])))
        elif kind == 7:
            numbers.append(one([pt.sum, product])(0.1 * one(one([rows, groups, parts]))))
        elif kind == 8:
            numbers.append(one([pt.max, pt.min])(one(groups)))
        elif kind == 9:
            rows.append(one([pt.sum, pt.max, pt.min, product])(one(parts), axis=1))
        elif kind == 10:
            rows.append(one(parts)[:, self.choose(3) - 1])
        elif kind == 11:
            rows.append(one(groups)[self.i])
        elif kind == 12:
            groups.append(pt.inc_subtensor(one(groups)[self.i], one(rows)))
        elif kind == 13:
            parts.append(one(parts) * one(rows)[:, None])
        elif kind == 14:
            numbers.append(one(groups)[one([0, -1, 2, self.k])])
        elif kind == 15:
            at = one([slice(1, 3), slice(-2, None), self.k, slice(None, self.k), slice(self.k, 9)])
            change = one([pt.set_subtensor, pt.inc_subtensor])
            groups.append(change(one(groups)[at], one(numbers)))
        elif kind == 16:
            change = one([pt.set_subtensor, pt.inc_subtensor])
            at = one([(slice(None), 0), (slice(None), -1)])
            parts.append(change(one(parts)[at], one(rows)))
            rows.append(change(one(rows)[: self.k], one(numbers)))
        elif kind == 17:
            self.long.append(pt.concatenate([one(rows), one(groups)]))
            groups.append(one(self.long)[-GROUPS:])
            rows.append(one(self.long)[: self.x.shape[0]])
        elif kind == 18:
            parts.append(one([softmax, log_softmax])(one(parts), axis=1))
        else:
            mean = pt.sum(one(parts), axis=0)
            parts.append(one(parts) - mean)
            parts.append(pt.stack([one(rows), one(rows), one(rows)], axis=1))

    def outputs(self) -> list:
        """Last of each kind, all as numbers of bounded size."""
        out = [of[-1] for of in (self.rows, self.parts, self.groups, self.numbers, self.long)]
        total = sum(pt.sum(pt.tanh(v)) for v in out)
        gradients = pt.grad(total, self.inputs[:4], disconnected_inputs="ignore")
        return [pt.tanh(v) for v in out] + [pt.tanh(g) for g in gradients]


def contents(n: int, k: int) -> list:
    """Inputs of n rows."""
    rng = np.random.default_rng(n)
    groups = rng.integers(-GROUPS, GROUPS, size=n)
    return [rng.normal(size=n), rng.normal(size=(n, 3)), rng.normal(size=GROUPS), 0.4, groups, k]


@settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_graphs_that_are_put_together_at_random(agree, data):
    drawn = Draw(lambda n: data.draw(st.integers(0, n - 1)))
    for _ in range(data.draw(st.integers(3, 14))):
        drawn.step()
    cases = [contents(n, k) for n, k in zip(LENGTHS, (0, 1, -1, 2, -5, 4, 3), strict=True)]
    agree(drawn.inputs, drawn.outputs(), *cases, rtol=1e-9, atol=1e-11, rewritten=True)


def test_outputs_share_parts(agree):
    x, y = pt.dvector(), pt.dmatrix()
    shared = pt.exp(x) / pt.sum(pt.exp(x))
    row = pt.sum(y * shared, axis=1)
    outputs = [
        shared,
        shared,
        row,
        pt.sum(row),
        row[:, None] * shared,
        y.T * row,
        x,
        pt.log(row**2),
    ]
    agree(
        [x, y],
        outputs,
        *[(RNG.normal(size=n), RNG.normal(size=(m, n))) for n in LENGTHS[1:] for m in (1, 9)],
    )


def test_outputs_that_need_no_input(agree):
    x = pt.dvector()
    constants = [pt.constant(v) for v in (2.5, np.arange(12.0), np.arange(6).reshape(2, 3))]
    agree([x], [*constants, constants[1] + 1, pt.zeros(20)], ([1.0],))


@pytest.mark.parametrize(
    "value",
    [
        np.array([True, False] * 10),
        np.arange(-10, 10, dtype="int8"),
        np.array([2**64 - 1] * 10, dtype="uint64"),
        np.linspace(-1, 1, 20, dtype="float32"),
        np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324] * 3),
        np.zeros(0),
        np.zeros((0, 3)),
        np.arange(300).reshape(10, 30),
    ],
    ids=lambda v: f"{v.dtype}{v.shape}",
)
def test_constants_of_every_type(agree, value):
    x = pt.dscalar()
    agree([x], [pt.constant(value), pt.constant(value) * x], (2.0,), (-1.0,))


def test_deep_graphs(machine):
    """Four thousand operations, each in the next; C has room for fewer calls within calls."""
    x = pt.dvector()
    y, wanted, values = x, np.ones(3), np.ones(3)
    for k in range(2000):
        y, wanted = y * 0.999 + k, wanted * 0.999 + k
    np.testing.assert_allclose(machine([x], y)(values, shapes=[(3,)])[0], wanted, rtol=1e-12)


def test_lengths_that_disagree_give_a_status(machine):
    x, y, i, n = pt.dvector(), pt.dvector(), pt.lvector(), pt.lscalar()
    graphs = [
        x + y,
        pt.sum(x * y),
        pt.concatenate([x, 2 * x]) * pt.concatenate([y, x]),
        x[1:] + y[1:],
        pt.inc_subtensor(x[i], y[i]) + y,
        pt.zeros(n) + x + y,
        pt.specify_shape(x, (4,)) + y,
        x[:4] + y,
    ]
    for graph in graphs:
        made = machine([x, y, i, n], graph, rewritten=True)
        assert made.run(np.ones(4), np.ones(4), [0, 1], 4)[0] == 0
        status, out = made.run(np.ones(4), np.ones(5), [0, 1], 4)
        assert status < 0
        assert np.unique(out).size == 1, "something was written"
    made = machine([x, n], pt.zeros(n) + x)
    assert made.run(np.ones(4), 5)[0] < 0
    made = machine([x, y], pt.alloc(x[:3], 2, 3) + y)
    assert made.run(np.ones(2), np.ones(3))[0] < 0


def test_lengths_known_to_the_graph_are_asked_of_the_data(machine):
    x = pt.tensor(shape=(3, None), dtype="float64")
    made = machine([x], 2 * x)
    assert made.run(np.ones((3, 5)))[0] == 0
    assert made.run(np.ones((4, 5)))[0] < 0


def test_conditions_that_do_not_hold_give_a_status(machine):
    x, n = pt.dvector(), pt.lscalar()
    made = machine(
        [x, n], Assert("as many")(x, pt.eq(x.shape[0], n), pt.all(x > 0)), rewritten=True
    )
    assert made.run(np.ones(3), 3)[0] == 0
    assert made.run(np.ones(3), 4)[0] < 0
    assert made.run([1.0, -1.0, 1.0], 3)[0] < 0


def test_lengths_that_loops_give(machine):
    """A length that is a sum over data would be needed before any loop."""
    x, i = pt.dvector(), pt.lvector()
    for n in (pt.sum(i), pt.max(i) + 1, pt.sum(pt.inc_subtensor(i[i], i))):
        with pytest.raises(Unsupported):
            machine([x, i], pt.alloc(x[0], n))


def test_a_whole_number_that_loops_give_is_an_index(agree):
    x, i = pt.dvector(), pt.lvector()
    outputs = [x[pt.sum(i)], x[: pt.sum(i)].sum(), pt.sum(x)[None][i], pt.exp(x)[pt.max(i) - 1]]
    agree([x, i], outputs[:1], (np.arange(5.0), [1, 1]), (np.arange(5.0), [-1, 0]))
    agree([x, i], outputs[2:], (np.arange(5.0), [0, -1]))


def test_short_sums_at_data(agree):
    x, i, k = pt.tensor(shape=(None, 3), dtype="float64"), pt.lvector(), pt.lscalar()
    total = pt.sum(x, axis=0)
    outputs = [total[k], total[i], pt.sum(total[k] * x), total[:k].sum() + total, total * total[k]]
    agree(
        [x, i, k],
        [*outputs[:3], outputs[4]],
        *[(RNG.normal(size=(n, 3)), [0, -1, 2], k) for n in LENGTHS for k in (0, -1)],
    )


def test_switches_do_not_trap_where_they_are_not_taken(agree):
    x, i = pt.lvector(), pt.lvector()
    safe = pt.switch(pt.eq(i, 0), 0, x // pt.switch(pt.eq(i, 0), 1, i))
    agree(
        [x, i],
        [pt.switch(pt.eq(i, 0), -1, x // i), safe, pt.switch(i > 0, x % i, 0)],
        ([7, -7, 3, np.iinfo("int64").min], [0, 2, -2, -1]),
    )


def test_types_of_every_width_are_read_stored_and_written(agree):
    for dtype in ("int8", "int32", "uint8", "uint32", "float32", "bool", "int64"):
        x, i = pt.vector(dtype=dtype), pt.lvector()
        own = x if dtype == "bool" else x * 2 + 1
        stored = pt.cast(own, dtype)
        outputs = [
            own,
            stored[i],
            pt.switch(x > 0, 1.5, -1.5),
            stored + 0.5,
            pt.cast(x, "float64") / 3,
        ]
        values = np.array([0, 1, 3, 100, 7, 0, 1, 1, 1, 1, 1, 1]).astype(dtype)
        agree([x, i], outputs, (values, [0, 3, -1, -9] * 4))


def test_gradients_are_those_of_pytensor(agree):
    x, w, i = pt.dvector(), pt.tensor(shape=(None, 3), dtype="float64"), pt.lvector()
    value = pt.sum(pt.log(pt.sigmoid(x[i])) * pt.sum(w, axis=1)) + pt.sum(
        pt.log(pt.sum(pt.exp(w), axis=1))
    )
    agree(
        [x, w, i],
        [value, *pytensor.grad(value, [x, w])],
        *[
            (RNG.normal(size=6), RNG.normal(size=(n, 3)), RNG.integers(-6, 6, size=n))
            for n in LENGTHS
        ],
        rewritten=True,
        rtol=1e-11,
    )
