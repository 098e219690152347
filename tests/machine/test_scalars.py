"""Arithmetic of single elements, over wide ranges and at every edge, against NumPy and SciPy."""

from __future__ import annotations

import math
import operator

import numpy as np
import pytensor.tensor as pt
import pytest
import scipy.special as sp
from pytensor import scalar as ps
from pytensor.tensor.elemwise import Elemwise

from bayes_alliance.machine.scalars import COMPARED, REAL, WHOLE, Unsupported, start

TINY, LEAST, HUGE = 2.0**-1022, 5e-324, np.finfo(float).max
SPECIAL = [
    *(sign * x for sign in (1, -1) for x in (0.0, LEAST, 1e-310, TINY, 1e-300, 1e-20, 1e-16)),
    *(sign * x for sign in (1, -1) for x in (1e-9, 0.1, 0.5, math.log(2), 0.999, 1.0, 1.5, 2.0)),
    *(sign * x for sign in (1, -1) for x in (3.0, 17.0, 36.5, 37.5, 40.0, 708.4, 709.7, 709.78)),
    *(sign * x for sign in (1, -1) for x in (709.8, 710.0, 711.0, 744.4, 745.0, 745.13, 745.14)),
    *(sign * x for sign in (1, -1) for x in (746.0, 1e3, 1e9, 2.0**52, 2.0**53, 1e100, HUGE)),
    *(np.nextafter(x, x + side) for x in (0.0, 1.0, -1.0, 2.0) for side in (-1, 1)),
    *(sign * math.inf for sign in (1, -1)),
    math.nan,
]


def reals(least: float = -800, end: float = 800, count: int = 20_000) -> np.ndarray:
    """Edges, numbers of every magnitude, and evenly spread ones."""
    rng = np.random.default_rng(1)
    magnitudes = 10.0 ** rng.uniform(-320, 308, size=count)
    signs = rng.choice([-1, 1], size=count)
    return np.concatenate([SPECIAL, magnitudes * signs, rng.uniform(least, end, size=count)])


def pairs(xs: list[float] = SPECIAL) -> tuple[np.ndarray, np.ndarray]:
    """Every pair of edges, then random ones."""
    x, y = np.meshgrid(xs, xs)
    rng = np.random.default_rng(2)
    more = rng.normal(size=(2, 5000)) * 10.0 ** rng.integers(-5, 5, size=(2, 5000))
    return np.concatenate([x.ravel(), more[0]]), np.concatenate([y.ravel(), more[1]])


@pytest.fixture(scope="module")
def apply(machine):
    """Results of an operation on arrays of equal length, as many as it takes."""

    def results(op: ps.ScalarOp, *values: np.ndarray) -> np.ndarray:
        inputs = [pt.vector(dtype=v.dtype) for v in values]
        made = machine(inputs, Elemwise(op)(*inputs))
        step, found = 4096, []
        for begin in range(0, len(values[0]), step):
            some = [v[begin : begin + step] for v in values]
            found.append(made(*some, shapes=[some[0].shape])[0].copy())
        return np.concatenate(found)

    return results


def ulps(found: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Errors in units in the last place of what is wanted; equal where both are no number."""
    wanted = wanted.astype(float)
    with np.errstate(all="ignore"):
        off = np.abs(found - wanted) / np.spacing(np.abs(wanted))
    same = (found == wanted) | (np.isnan(found) & np.isnan(wanted))
    return np.where(same, 0, np.where(np.isfinite(off), off, np.inf))


def log1mexp(x: np.ndarray) -> np.ndarray:
    near = np.log(-np.expm1(x))
    return np.where(x < -math.log(2), np.log1p(-np.exp(x)), near)


def softplus(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


ONE = {
    # operation: what it must be, and by how many units in the last place it may be off
    ps.neg: (np.negative, 0),
    ps.reciprocal: (np.reciprocal, 0),
    ps.sqr: (np.square, 0),
    ps.sqrt: (np.sqrt, 0),
    ps.abs: (np.abs, 0),
    ps.floor: (np.floor, 0),
    ps.ceil: (np.ceil, 0),
    ps.sign: (np.sign, 0),
    ps.exp: (np.exp, 1),
    ps.log: (np.log, 1),
    ps.log1p: (np.log1p, 3),
    ps.expm1: (np.expm1, 2),
    ps.tanh: (np.tanh, 3),
    ps.erf: (sp.erf, 3),
    ps.erfc: (sp.erfc, 1000),  # 450 of them are SciPy's own, far out
    ps.sigmoid: (sp.expit, 4),
    ps.softplus: (softplus, 4),
    ps.math.log1mexp: (log1mexp, 4),
    ps.isnan: (np.isnan, 0),
    ps.isinf: (np.isinf, 0),
    ps.identity: (np.positive, 0),
}
TWO = {
    ps.add: np.add,
    ps.mul: np.multiply,
    ps.sub: np.subtract,
    ps.true_div: np.divide,
    ps.scalar_maximum: np.maximum,
    ps.scalar_minimum: np.minimum,
    ps.second: lambda x, y: y,
    ps.eq: operator.eq,
    ps.neq: operator.ne,
    ps.lt: operator.lt,
    ps.le: operator.le,
    ps.gt: operator.gt,
    ps.ge: operator.ge,
}


def test_no_operation_is_left_out():
    here = {type(op) for op in (*ONE, *TWO)} | {ps.Pow, ps.GammaLn}
    assert {*REAL, *COMPARED} <= here
    assert set(WHOLE) == {type(op) for op in (*WHOLE_ONE, *WHOLE_TWO)} - {ps.IntDiv, ps.Mod}


@pytest.mark.parametrize("op", ONE, ids=str)
def test_functions_of_one_real_number(apply, op):
    wanted, most = ONE[op]
    x = reals()
    with np.errstate(all="ignore"):
        expected = wanted(x)
    found = apply(op, x)
    if op in (ps.sigmoid, ps.erfc):  # below the least normal number there are not all places
        found, expected = (np.where(expected < TINY, 0, v) for v in (found, expected))
    off = ulps(found, expected)
    worst = int(np.argmax(off))
    assert off[worst] <= most, (x[worst], found[worst], expected[worst])


@pytest.mark.parametrize("op", TWO, ids=str)
def test_functions_of_two_real_numbers(apply, op):
    x, y = pairs()
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(apply(op, x, y), TWO[op](x, y).astype(float))


def test_powers_and_gamma_functions(apply):
    x, y = pairs()
    with np.errstate(all="ignore"):
        expected = np.power(x, y)
    assert ulps(apply(ps.pow, x, y), expected).max() <= 1
    x = np.concatenate([np.linspace(-5.5, 50, 9999), 10.0 ** np.linspace(-300, 300, 999)])
    x = np.concatenate([x, [0.0, -0.0, -1.0, -2.0, 1.0, 2.0, math.inf, math.nan]])
    np.testing.assert_allclose(apply(ps.gammaln, x), sp.gammaln(x), rtol=1e-12, atol=1e-13)


def near(x: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Function to about 19 digits, and the units in which a double of it is off."""
    wide = getattr(np, name)(x.astype(np.longdouble))
    return wide, np.spacing(np.abs(wide.astype(float)))


@pytest.mark.parametrize(
    ("name", "op", "x"),
    [
        ("exp", ps.exp, np.random.default_rng(1).uniform(-745, 709.78, 100_000)),
        ("exp", ps.exp, np.random.default_rng(2).uniform(-2, 2, 100_000)),
        ("log", ps.log, 10.0 ** np.random.default_rng(3).uniform(-320, 308, 100_000)),
        ("log", ps.log, np.random.default_rng(4).uniform(0.5, 2, 100_000)),
        ("log1p", ps.log1p, np.random.default_rng(5).uniform(-1, 3, 100_000)),
        ("log1p", ps.log1p, 10.0 ** np.random.default_rng(6).uniform(-20, 1, 100_000)),
    ],
)
def test_what_is_written_out_is_as_near_as_it_says(apply, name, op, x):
    wide, unit = near(x, name)
    off = np.abs(apply(op, x).astype(np.longdouble) - wide) / unit
    assert off.max() <= {"exp": 0.9, "log": 1.01, "log1p": 1.5}[name]


def test_far_tails(apply):
    x = np.array([-745.0, -710.0, -100.0, 40.0, 800.0, -math.inf, math.inf])
    np.testing.assert_allclose(apply(ps.softplus, x), [*np.exp(x[:3]), 40, 800, 0, math.inf])
    assert (apply(ps.sigmoid, x[[0, 1, 4, 5, 6]]) == [0, 0, 1, 0, 1]).all()
    np.testing.assert_allclose(apply(ps.sigmoid, x[2:3]), np.exp(x[2:3]), rtol=1e-15)


# --- whole numbers --------------------------------------------------------------------------------

WHOLE_ONE = {ps.neg: np.negative, ps.sqr: np.square, ps.abs: np.abs, ps.invert: np.invert}
WHOLE_TWO = {
    ps.add: np.add,
    ps.mul: np.multiply,
    ps.sub: np.subtract,
    ps.and_: np.bitwise_and,
    ps.or_: np.bitwise_or,
    ps.xor: np.bitwise_xor,
    ps.scalar_maximum: np.maximum,
    ps.scalar_minimum: np.minimum,
    ps.int_div: np.floor_divide,
    ps.mod: np.mod,
}
COMPARING = {op: f for op, f in TWO.items() if type(op) in COMPARED}
DTYPES = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool"]
SIGNED_ONLY = {ps.abs, ps.scalar_maximum, ps.scalar_minimum, ps.int_div, ps.mod}


def wholes(dtype: str) -> np.ndarray:
    """Ends of the range of a type, and numbers about nought."""
    if dtype == "bool":
        return np.array([False, True])
    ends = np.iinfo(dtype)
    some = {ends.min, ends.min + 1, -7, -3, -2, -1, 0, 1, 2, 3, 7, 100, ends.max - 1, ends.max}
    return np.array(sorted(v for v in some if ends.min <= v <= ends.max), dtype=dtype)


def whole_pairs(dtype: str) -> list[np.ndarray]:
    return [v.ravel() for v in np.meshgrid(wholes(dtype), wholes(dtype))]


def as_double(x: np.ndarray) -> np.ndarray:
    return x.astype(float)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", [*WHOLE_ONE, *WHOLE_TWO], ids=str)
def test_arithmetic_of_whole_numbers_is_that_of_numpy(apply, op, dtype):
    wanted = (WHOLE_ONE | WHOLE_TWO)[op]
    values = [wholes(dtype)] if op in WHOLE_ONE else whole_pairs(dtype)
    try:
        by_pytensor = op(*(ps.get_scalar_type(dtype)() for _ in values)).type.dtype
        with np.errstate(all="ignore"):
            expected = wanted(*values)
    except (TypeError, NotImplementedError):  # truth values are not subtracted
        with pytest.raises((TypeError, NotImplementedError, Unsupported)):
            apply(op, *values)
        return
    if not dtype.startswith("int") and op in SIGNED_ONLY:
        with pytest.raises(Unsupported):
            apply(op, *values)
        return
    if op != ps.sqr:  # of truth values, NumPy's is an integer
        assert by_pytensor == expected.dtype, "another type than NumPy's"
    np.testing.assert_array_equal(apply(op, *values), as_double(expected))


@pytest.mark.parametrize("op", COMPARING, ids=str)
def test_whole_numbers_are_compared_across_types(apply, op):
    for one in ("int8", "int64", "uint8", "bool", "uint64", "float64"):
        for other in ("int8", "int32", "uint8", "bool", "float64", "float32"):
            left, right = (
                wholes(d) if not d.startswith("float") else np.array([-1.5, 0, 1, math.nan], d)
                for d in (one, other)
            )
            x, y = (v.ravel() for v in np.meshgrid(left, right))
            if {one[0], other[0]} == {"u", "i"} and one == "uint64":
                with pytest.raises(Unsupported):
                    apply(op, x, y)
                continue
            expected = COMPARING[op](x, y)
            np.testing.assert_array_equal(apply(op, x, y), expected, err_msg=f"{one} {other}")


def test_division_follows_all_signs_and_does_not_trap(apply):
    x, y = (v.ravel() for v in np.meshgrid(np.arange(-7, 8), np.arange(-4, 5)))
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(apply(ps.int_div, x, y), x // y)
        np.testing.assert_array_equal(apply(ps.mod, x, y), x % y)


def test_division_of_real_numbers_by_whole_steps_is_refused(apply):
    for op in (ps.int_div, ps.mod):
        with pytest.raises(Unsupported):
            apply(op, np.ones(3), np.ones(3))


def test_truth_values_add_and_multiply_as_those_of_numpy(apply):
    x, y = np.array([False, False, True, True]), np.array([False, True, False, True])
    assert (apply(ps.add, x, y) == (x | y)).all()
    assert (apply(ps.mul, x, y) == (x & y)).all()


def test_real_operations_take_whole_numbers_and_truth_values(apply):
    x, y = np.arange(-3, 4), np.array([0.5] * 7)
    np.testing.assert_array_equal(apply(ps.add, x, y), x + y)
    np.testing.assert_array_equal(apply(ps.mul, x > 0, y), (x > 0) * y)
    np.testing.assert_array_equal(apply(ps.true_div, x, np.full(7, 4)), x / 4)
    np.testing.assert_allclose(apply(ps.exp, x), np.exp(x), rtol=1e-15)
    assert not apply(ps.isnan, x).any()


# --- other types ----------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [*DTYPES, "float32", "float64"])
@pytest.mark.parametrize("source", [*DTYPES, "float32", "float64"])
def test_casts_are_those_of_numpy(apply, source, target):
    if source.startswith("float"):
        values = np.array([-100.7, -1.5, -0.9, -0.0, 0.0, 0.9, 1.5, 100.2, 127], dtype=source)
        if target.startswith(("u", "b")):
            values = np.append(np.abs(values), 200)
        if target == "bool" or target.startswith("float"):
            values = np.append(values, [math.nan, math.inf, 1e30])
        if target in ("int64", "float64"):
            values = np.append(values, [2.0**62, -(2.0**63), 2.0**31])
        values = values.astype(source)
    else:
        values = wholes(source)
    op = ps.Cast(ps.get_scalar_type(target))
    if source.startswith("float") and target == "uint64":
        with pytest.raises(Unsupported):
            apply(op, values)
        return
    np.testing.assert_array_equal(apply(op, values), as_double(values.astype(target)))


def test_what_is_no_whole_number_is_the_least(apply):
    values = np.array([math.nan, math.inf, -math.inf, 1e30, -1e30, 2.0**63])
    op = ps.Cast(ps.int64)
    np.testing.assert_array_equal(apply(op, values), float(np.iinfo(np.int64).min))


def test_one_of_two_numbers_is_chosen(apply):
    chosen = np.array([0.0, 1.0, -0.5, math.nan, -0.0, math.inf])
    one, other = np.array([1.0, math.nan, 3, 4, 5, 6]), -np.array([1.0, 2, 3, 4, math.nan, 6])
    for condition in (chosen, chosen.astype(bool), np.array([0, 1, -1, 2, 0, 3])):
        expected = np.where(condition, one, other)
        np.testing.assert_array_equal(apply(ps.switch, condition, one, other), expected)
    whole = np.arange(6)
    np.testing.assert_array_equal(
        apply(ps.switch, chosen, whole, other), np.where(chosen, whole, other)
    )


def test_single_precision_is_rounded_to(apply):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 1000)).astype("float32")
    for op, wanted in ((ps.add, np.add), (ps.mul, np.multiply), (ps.true_div, np.divide)):
        np.testing.assert_array_equal(apply(op, x, y), wanted(x, y))
    np.testing.assert_allclose(apply(ps.exp, x), np.exp(x), rtol=2e-7)


def test_several_operations_in_one(apply):
    x, k = ps.float64("x"), ps.int8("k")
    values, whole = np.linspace(-3, 3, 50), np.arange(50, dtype="int8")
    cube = ps.Composite([x], [ps.sqr(x) * x])
    np.testing.assert_allclose(apply(cube, values), values**3, rtol=1e-15)
    mixed = ps.Composite([x, k], [ps.switch(ps.gt(k, 3), x * 2.5, ps.exp(x) + k)])
    wanted = np.where(whole > 3, values * 2.5, np.exp(values) + whole)
    np.testing.assert_allclose(apply(mixed, values, whole), wanted, rtol=1e-15)
    with pytest.raises(Unsupported):
        apply(ps.Composite([x], [ps.sin(ps.sqr(x))]), values)


def test_unknown_operations_and_types_are_refused(apply):
    for op in (ps.sin, ps.psi, ps.round_half_to_even, ps.gamma):
        with pytest.raises(Unsupported):
            apply(op, np.ones(3))
    for dtype in ("complex128", "float16"):
        with pytest.raises(Unsupported):
            apply(ps.add, np.ones(3, dtype), np.ones(3, dtype))


def test_reductions_start_at_what_changes_nothing():
    assert (start(ps.add, "int8"), start(ps.mul, "float64")) == (0, 1)
    assert start(ps.scalar_maximum, "int8") == -128
    assert start(ps.scalar_minimum, "float32") == math.inf
    assert (start(ps.and_, "bool"), start(ps.or_, "bool")) == (True, False)
    for op, dtype in ((ps.and_, "int64"), (ps.sub, "float64"), (ps.scalar_maximum, "uint8")):
        with pytest.raises(Unsupported):
            start(op, dtype)
