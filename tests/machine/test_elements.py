"""Every operation on arrays, alone, against PyTensor's own evaluation."""

from __future__ import annotations

import itertools

import numpy as np
import pytensor.tensor as pt
import pytest
from pytensor.tensor.basic import Join, MakeVector, Split
from pytensor.tensor.math import ProdWithoutZeros
from pytensor.tensor.special import log_softmax, softmax

from bayes_alliance.machine.elements import LANES
from bayes_alliance.machine.scalars import Unsupported

LENGTHS = (0, 1, 2, 7, 8, 9, 100)
RNG = np.random.default_rng(3)


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape)


def whole(end: int, *shape: int) -> np.ndarray:
    """Indices of an array of a length, also from its end."""
    return RNG.integers(-end, end, size=shape)


# --- one element of one ---------------------------------------------------------------------------


def test_dimensions_of_length_one_are_repeated_in_every_pattern(agree):
    """Static shapes of 3 (written out) and 9 and None (loops), each with 1 on either side."""
    for size in (3, 9, None):
        n = size or 5
        for left, right in itertools.product(itertools.product((True, False), repeat=2), repeat=2):
            shapes = [tuple(1 if one else size for one in ones) for ones in (left, right)]
            x, y = (pt.tensor(shape=shape, dtype="float64") for shape in shapes)
            values = [normal(*(1 if s == 1 else n for s in shape)) for shape in shapes]
            agree([x, y], x * y + 1, values)


def test_scalars_and_vectors_are_repeated_over_matrices(agree):
    x, y, z = pt.dscalar(), pt.dvector(), pt.dmatrix()
    agree([x, y, z], [x + y, y + z, x * z], *[(2.0, normal(n), normal(3, n)) for n in LENGTHS])


def test_dimensions_are_moved_dropped_and_added(agree):
    x = pt.tensor(shape=(None, 1, 3), dtype="float64")
    outputs = [x.dimshuffle(2, 0, 1), x[:, 0].T, x.dimshuffle("x", 2, 0, "x", 1), x[:, 0, :]]
    agree([x], outputs, *[(normal(n, 1, 3),) for n in LENGTHS])


@pytest.mark.parametrize("size", [None, 10, 5])
def test_slices_begin_and_end_where_those_of_numpy_do(agree, size):
    x = pt.tensor(shape=(size,), dtype="float64")
    ends = [None, 0, 2, 5, -1, -3, 12, -12]
    outputs = [x[a:b] for a, b in itertools.product(ends, ends)]
    agree([x], outputs, *[(normal(n),) for n in ([size] if size else LENGTHS)])


def test_slices_between_data_begin_and_end_where_those_of_numpy_do(agree):
    x, a, b = pt.dmatrix(), pt.lscalar(), pt.lscalar()
    ends = (0, 1, 3, 7, 50, -1, -2, -50)
    cases = [(normal(n, 2), *pair) for n in (0, 1, 5, 9) for pair in itertools.product(ends, ends)]
    agree([x, a, b], [x[a:b], x[a:], x[:b] + 1, x[:, a:b]], *cases)


def test_single_elements_are_taken_at_known_places_and_at_data(agree, machine):
    x, i = pt.dmatrix(), pt.lscalar()
    outputs = [x[1], x[-1], x[:, -2], x[i], x[:, i], x[i, -1], x[i, 1:]]
    agree([x, i], outputs, *[(normal(5, 5), i) for i in (0, 4, -1, -5)])
    made = machine([x, i], outputs)
    for beyond in (5, -6, 2**40):
        assert made.run(normal(5, 5), beyond)[0] < 0
    for beyond in (x[3], x[-4]):
        assert machine([x], beyond).run(normal(3, 2))[0] == (0 if beyond is None else -3)


def test_steps_are_refused(machine):
    x = pt.dvector()
    for slices in (x[::2], x[::-1], pt.set_subtensor(x[::2], 0.0)):
        with pytest.raises(Unsupported, match="step"):
            machine([x], slices)


@pytest.mark.parametrize("dtype", ["int64", "int32", "int8", "uint8", "uint64"])
def test_rows_and_columns_are_taken_at_data(agree, dtype):
    x, i, j = pt.dmatrix(), pt.vector(dtype=dtype), pt.matrix(dtype=dtype)
    outputs = [x[i], x[:, i], x[j], x[:, j], (2 * x)[i], (x + 1)[:, i]]
    low = 0 if dtype.startswith("u") else -5
    cases = [
        (normal(5, 5), RNG.integers(low, 5, size=n), RNG.integers(low, 5, size=(2, n)))
        for n in LENGTHS
    ]
    agree([x, i, j], outputs, *cases)


def test_known_rows_are_taken(agree):
    x = pt.dmatrix()
    for known in ([0, 2, -1, 2], list(range(-3, 3)) * 3):
        agree([x], [x[known], x[:, known]], (normal(3, 3),), (normal(5, 4),))


def test_indices_beyond_the_array_give_a_status(machine):
    x, i, y = pt.dvector(), pt.lvector(), pt.dvector()
    made = machine([x, i, y], [x[i], pt.inc_subtensor(x[i], y)])
    assert made.run(normal(3), [0, 2, -3], normal(3))[0] == 0
    for beyond in (3, -4, 10**12, -(10**12)):
        assert made.run(normal(3), [0, beyond, 1], normal(3))[0] < 0
    assert made.run(normal(0), [0], normal(1))[0] < 0


def test_truth_values_are_no_indices(machine):
    x, which = pt.dvector(), pt.vector(dtype="bool")
    with pytest.raises(Unsupported):
        machine([x, which], x[which])


def test_several_arrays_of_indices_are_refused(machine):
    x, i, j = pt.dmatrix(), pt.lvector(), pt.lvector()
    for many in (x[i, j], x[1:, i], pt.set_subtensor(x[i], 1.0)):
        with pytest.raises(Unsupported):
            machine([x, i, j], many)


def test_shapes_are_known_of_what_is_reshaped(agree, machine):
    x = pt.dvector()
    agree(
        [x],
        [x.reshape((-1, 1)), x.reshape((1, -1)), x.reshape((x.shape[0], 1, 1))],
        *[(normal(n),) for n in LENGTHS],
        rewritten=True,
    )
    y = pt.tensor(shape=(2, 3), dtype="float64")
    agree(
        [y],
        [y.reshape((6,)), y.reshape((3, 2)), y.reshape((3, 1, 2)), y.flatten()],
        (normal(2, 3),),
    )
    z = pt.dmatrix()
    for other in (z.reshape((-1,)), z.reshape((3, -1)), z.flatten()):
        with pytest.raises(Unsupported, match="change of shape"):
            machine([z], other)


# --- several into one -----------------------------------------------------------------------------


def test_arrays_are_joined_along_each_axis(agree):
    x, y = pt.dmatrix(), pt.tensor(shape=(3, None), dtype="float64")
    outputs = [Join(0)(x, y, x), Join(0)(y[:1], x), Join(1)(y, y), Join(1)(y, 2 * y, y[:, :1])]
    agree([x, y], outputs, *[(normal(m, n), normal(3, n)) for m in LENGTHS for n in (1, 2, 9)])


def test_short_arrays_are_joined_and_split(agree):
    x, y = (pt.tensor(shape=(n, 2), dtype="float64") for n in (3, 5))
    joined = Join(0)(x, y)
    parts = Split(3, 0)(joined, [1, 4, 3])
    agree([x, y], [joined, *parts, Join(1)(x, x)], (normal(3, 2), normal(5, 2)))


def test_arrays_are_split_at_data(agree, machine):
    x, n = pt.dvector(), pt.lscalar()
    sizes = pt.stack([n, 2, x.shape[0] - n - 2])
    parts = Split(3, 0)(x, sizes)
    cases = [(normal(9), k) for k in (0, 1, 3, 7)]
    made = agree([x, n], list(parts), *cases, rewritten=True)
    assert made.run(normal(9), 8)[0] < 0
    assert machine([x], list(Split(2, 0)(x, [1, 2]))).run(normal(4))[0] < 0


def test_types_are_joined_without_loss(agree):
    x, y, z = pt.dvector(), pt.lvector(), pt.vector(dtype="bool")
    outputs = [Join(0)(y, x), Join(0)(x, y), Join(0)(z, x, y), Join(0)(z, y)]
    agree([x, y, z], outputs, (normal(3), [1, -2, 3], [True, False, True]))


def test_scalars_make_a_vector(agree):
    x, y, i = pt.dscalar(), pt.dscalar(), pt.lscalar()
    vector = MakeVector("float64")(x, y, x * y, x + y, x, y, x, y, x - y)
    short = MakeVector("float64")(x, i, y)
    agree(
        [x, y, i],
        [vector, 2 * vector, vector.sum(), vector[i], short, short[i]],
        *[(0.3, -2.5, i) for i in (0, 1, 2, -1)],
    )


def test_values_are_repeated_to_a_shape(agree, machine):
    x, y, n = pt.dvector(), pt.dscalar(), pt.lscalar()
    outputs = [pt.alloc(y, n), pt.alloc(x, n, x.shape[0]), pt.alloc(y, 3, n), pt.alloc(x[:1], n)]
    made = agree([x, y, n], outputs[:3], *[(normal(4), 1.5, n) for n in LENGTHS], rewritten=True)
    assert made.run(normal(4), 1.5, -1)[0] < 0
    assert machine([x, n], pt.alloc(x, n)).run(normal(4), 5)[0] < 0


@pytest.mark.parametrize("change", [pt.set_subtensor, pt.inc_subtensor])
def test_parts_are_set_and_added_to(agree, change):
    x, y, a, b = pt.dvector(), pt.dscalar(), pt.lscalar(), pt.lscalar()
    fixed = [
        change(x[i], y) for i in (slice(1, 3), slice(-3, None), slice(None, -2), slice(3, 1), 1, -1)
    ]
    by_data = [change(x[a:b], y), change(x[a:], y), change(x[:b], y), change(x[a], 2 * y)]
    agree([x, y], fixed, *[(normal(n), 0.5) for n in LENGTHS[2:]])
    ends = (0, 1, 3, -1, -2)
    cases = [
        (normal(n), 0.5, *pair)
        for n in (3, 8, 9)
        for pair in itertools.product(ends, ends)
        if pair[0] < n
    ]
    agree([x, y, a, b], by_data, *cases)


@pytest.mark.parametrize("change", [pt.set_subtensor, pt.inc_subtensor])
def test_parts_of_matrices_are_set_and_added_to(agree, change):
    x, row, some = pt.dmatrix(), pt.dvector(), pt.dmatrix()
    outputs = [
        change(x[1], row),
        change(x[:, 1], some[:, 0]),
        change(x[1:3], row),
        change(x[:, 1:3], some[:, 1:3] * 2),
        change(x[1:2, -1], 3.0),
        change(x[:], some),
        change(x[-100:], some),
    ]
    agree([x, row, some], outputs, *[(normal(n, 4), normal(4), normal(n, 4)) for n in (3, 8, 9)])


def test_parts_of_another_length_give_a_status(machine):
    x, y = pt.dvector(), pt.dvector()
    made = machine([x, y], pt.inc_subtensor(x[1:4], y))
    assert made.run(normal(9), normal(3))[0] == 0
    assert made.run(normal(9), normal(4))[0] < 0
    assert made.run(normal(3), normal(3))[0] < 0


def test_parts_of_other_types_are_set_without_loss(agree):
    x, y, b = pt.dvector(), pt.lscalar(), pt.vector(dtype="bool")
    outputs = [pt.set_subtensor(x[1:3], y), pt.inc_subtensor(x[0], y), pt.set_subtensor(x[:3], b)]
    agree([x, y, b], outputs, (normal(5), 7, [True, False, True]))


def test_terms_are_added_at_repeated_and_negative_indices_of_each_axis(agree):
    x, i, k = pt.dmatrix(), pt.lvector(), pt.lmatrix()
    rows, columns, some = pt.dmatrix(), pt.dmatrix(), pt.dtensor3()
    outputs = [
        pt.inc_subtensor(x[i], rows),
        pt.inc_subtensor(x[:, i], columns),
        pt.inc_subtensor((2 * x)[k], some),
        pt.inc_subtensor(pt.zeros_like(x)[i], rows * 2) + 1,
    ]
    cases = [
        (normal(5, 5), whole(5, n), whole(5, 2, n), normal(n, 5), normal(5, n), normal(2, n, 5))
        for n in LENGTHS
    ]
    agree([x, i, k, rows, columns, some], outputs, *cases)


def test_terms_that_are_repeated_are_added_at_every_index(agree):
    x, i, y, row = pt.dmatrix(), pt.lvector(), pt.dscalar(), pt.dvector()
    column = pt.tensor(shape=(None, 1), dtype="float64")
    outputs = [
        pt.inc_subtensor(x[i], y),
        pt.inc_subtensor(x[i], row),
        pt.inc_subtensor(x[i], column),
        pt.inc_subtensor(x[:, i], y * 2),
    ]
    cases = [(normal(5, 5), whole(5, n), 0.7, normal(5), normal(n, 1)) for n in LENGTHS]
    agree([x, i, y, row, column], outputs, *cases)


def test_terms_are_added_to_integers(agree):
    x, i, y = pt.lvector(), pt.lvector(), pt.lvector()
    agree([x, i, y], pt.inc_subtensor(x[i], y), ([1, 2, 3], [0, 0, -1, 1], [10, 20, 30, 40]))


def test_what_is_not_taken_is_not_asked_whether_it_exists(agree):
    """Of a part without elements, none is looked up, whatever index may lie behind its end."""
    x, i = pt.dvector(), pt.lvector()
    taken = x[i]
    outputs = [Join(0)(taken, x), Join(0)(x, taken), pt.set_subtensor(x[: i.shape[0]], taken)]
    agree([x, i], outputs, *[(normal(5), whole(5, n)) for n in (0, 1, 3)], rewritten=True)


# --- reductions -----------------------------------------------------------------------------------

SHAPES = [(3, 4), (3, 9), (9, 3), (9, 10), (None, 3), (3, None), (None, None), (2, None, 3)]
REDUCED = [pt.sum, pt.prod, pt.max, pt.min]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_reductions_go_over_every_combination_of_axes(agree, shape):
    x = pt.tensor(shape=shape, dtype="float64")
    axes = [
        c for r in range(1, len(shape) + 1) for c in itertools.combinations(range(len(shape)), r)
    ]
    outputs = [reduce(x, axis=axis) for reduce in REDUCED for axis in axes]
    outputs += [reduce(x > 0.5, axis=axis) for reduce in (pt.all, pt.any) for axis in axes]
    outputs += [pt.sum(x > 0, axis=axis) for axis in axes]
    sizes = LENGTHS[1:] if None in shape else (1,)
    agree([x], outputs, *[(normal(*(n if s is None else s for s in shape)),) for n in sizes])


def test_sums_of_nothing_are_what_numpy_has(agree, machine):
    x = pt.dmatrix()
    outputs = [pt.sum(x), pt.prod(x), pt.sum(x, axis=0), pt.all(x > 0), pt.any(x > 0, axis=1)]
    agree([x], outputs, (normal(0, 3),), (normal(3, 0),), (normal(0, 0),))
    made = machine([x], pt.max(x, axis=0))
    assert made.run(normal(3, 0))[0] == 0
    assert made.run(normal(0, 3))[0] < 0, "the largest of nothing is no number"


def test_short_dimensions_of_no_length_are_refused(machine):
    x = pt.tensor(shape=(0, 3), dtype="float64")
    with pytest.raises(Unsupported, match="nothing"):
        machine([x], pt.sum(x, axis=0))


@pytest.mark.parametrize("dtype", ["int64", "int8", "uint8", "bool", "float32"])
def test_reductions_of_other_types(agree, dtype):
    x, y = pt.vector(dtype=dtype), pt.tensor(shape=(5,), dtype=dtype)
    outputs = [r(v) for v in (x, y) for r in (pt.sum, pt.prod, pt.all, pt.any)]
    if dtype not in ("uint8", "bool"):
        outputs += [r(v) for v in (x, y) for r in (pt.max, pt.min)]
    low, high = (0, 2) if dtype == "bool" else (1, 100) if dtype == "uint8" else (-100, 100)
    values = RNG.integers(low, high, size=100)
    agree([x, y], outputs, *[(values[:n], values[:5]) for n in LENGTHS[1:]])


def test_largest_of_unsigned_numbers_and_truth_values_is_refused(machine):
    for dtype in ("uint8", "bool"):
        x = pt.vector(dtype=dtype)
        with pytest.raises(Unsupported):
            machine([x], pt.max(x))


@pytest.mark.parametrize("size", [None, 4])
def test_reductions_of_what_is_no_number_are_none(agree, size):
    x = pt.tensor(shape=(size,), dtype="float64")
    outputs = [pt.max(x), pt.min(x), pt.sum(x), pt.prod(x), pt.any(pt.isnan(x))]
    cases = [([np.nan, 1, 2, 3],), ([1, np.nan, -1, 2],), ([1, 2, 3, np.nan],), ([-np.inf] * 4,)]
    agree([x], outputs, *cases)


def test_products_without_zeros_are_refused(machine):
    """Even of one number, of which nothing is multiplied."""
    for size in (1, 3, None):
        x = pt.tensor(shape=(size,), dtype="float64")
        with pytest.raises(Unsupported):
            machine([x], ProdWithoutZeros()(x))


@pytest.mark.parametrize("shape", [(3, 4), (None, 3), (3, None), (None, 9)], ids=str)
def test_softmax_along_each_axis(agree, shape):
    x = pt.tensor(shape=shape, dtype="float64")
    outputs = [f(x, axis=axis) for f in (softmax, log_softmax) for axis in (0, 1, None)]
    cases = [(30 * normal(*(n if s is None else s for s in shape)),) for n in (1, 2, 9, 50)]
    agree([x], outputs, *cases, rtol=1e-12)


def test_lanes_end_where_loops_begin(machine):
    """What is short is written out, so that no loop is left; one more, and there is one."""
    texts = [
        machine([x], pt.sum(pt.exp(x))).text
        for x in (pt.tensor(shape=(n,), dtype="float64") for n in (LANES, LANES + 1))
    ]
    assert ["body" in code for code in texts] == [False, True]
