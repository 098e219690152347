"""Functions as C calls them: arguments, status, memory, threads, and the same text again."""

from __future__ import annotations

import ctypes
import gc
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytensor.tensor as pt
import pytest
from pytensor.graph.fg import FunctionGraph

from bayes_alliance.machine.program import (
    ARGUMENTS,
    NO_ROOM,
    NOT_FINITE,
    OTHER_LENGTH,
    Entry,
    Free,
    Held,
    Made,
    compiled,
    text,
)
from bayes_alliance.machine.scalars import Unsupported

DOUBLES = ctypes.POINTER(ctypes.c_double)


def entry() -> Entry:
    """Sum over the data of log(x_1 y), plus log x_2, and its gradient."""
    x, y = pt.tensor(shape=(2,), dtype="float64"), pt.dvector()
    value = pt.sum(pt.log(x[0] * y)) + pt.log(x[1])
    graph = FunctionGraph([x, y], [value, pt.grad(value, x)], clone=False)
    code = text("logp", graph, {x: Free(0), y: Held(0, 1)}, [Made(3), Made(2)], [2])
    return Entry("logp", compiled(code))


def call(made: Entry, x, y, count: int = 2) -> tuple[int, float, list[float]]:
    """Status, value and gradient."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    gradient, value = np.full(2, 99.0), np.full(1, 99.0)
    words = np.array([y.ctypes.data, y.size], dtype=np.uint64)
    arrays = [v.ctypes.data_as(DOUBLES) for v in (x, gradient, value)]
    status = made.ctypes(count, *arrays, words.ctypes.data)
    return status, value[0], gradient.tolist()


@pytest.fixture(scope="module")
def made() -> Entry:
    return entry()


def test_free_variables_and_data_give_value_and_gradient(made):
    status, value, gradient = call(made, [2.0, 3.0], [1.0, 4.0, 5.0])
    assert status == 0
    assert value == pytest.approx(np.log([2.0, 8, 10, 3]).sum())
    assert gradient == pytest.approx([1.5, 1 / 3])


def test_another_number_of_free_variables_gives_a_status_and_touches_nothing(made):
    assert call(made, [2.0, 3.0], [1.0], count=3) == (OTHER_LENGTH, 99.0, [99.0, 99.0])


@pytest.mark.parametrize("x", [[0.0, 1.0], [-1.0, 1.0], [1.0, 0.0], [np.nan, 1.0], [1.0, np.inf]])
def test_what_is_not_finite_gives_a_status(made, x):
    assert call(made, x, [1.0])[0] == NOT_FINITE


def test_a_gradient_that_is_not_finite_gives_a_status():
    x = pt.tensor(shape=(1,), dtype="float64")
    value = pt.sum(pt.sqrt(x))
    graph = FunctionGraph([x], [value, pt.grad(value, x)], clone=False)
    made = Entry("logp", compiled(text("logp", graph, {x: Free(0)}, [Made(3), Made(2)], [1])))
    numbers = [np.zeros(1) for _ in range(3)]
    arrays = [v.ctypes.data_as(DOUBLES) for v in numbers]
    assert made.ctypes(1, *arrays, None) == NOT_FINITE


def test_too_little_memory_gives_a_status(machine):
    n, x, i = pt.lscalar(), pt.dvector(), pt.lvector()
    stored = pt.inc_subtensor(pt.alloc(x[0], n, n)[i], 1.0)
    made = machine([n, x, i], pt.sum(stored[i]))
    assert made.run(3, np.ones(3), [0, 1])[0] == 0
    assert made.run(2**22, np.ones(3), [0, 1])[0] == NO_ROOM


def test_free_variables_are_doubles():
    x = pt.tensor(shape=(2,), dtype="int64")
    graph = FunctionGraph([x], [pt.sum(x)], clone=False)
    with pytest.raises(Unsupported, match="doubles"):
        text("logp", graph, {x: Free(0)}, [Made(3)], [2])


def test_lengths_of_free_variables_are_known():
    x = pt.dvector()
    graph = FunctionGraph([x], [pt.sum(x)], clone=False)
    with pytest.raises(Unsupported, match="nothing tells"):
        text("logp", graph, {x: Free(0)}, [Made(3)], [2])


def test_several_threads_call_at_once(made):
    rng = np.random.default_rng(1)
    cases = [(rng.uniform(1, 2, size=2), rng.uniform(1, 2, size=n)) for n in range(1, 200)]
    wanted = [call(made, *case) for case in cases]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda case: call(made, *case), cases * 5))
    assert found == wanted * 5


def test_code_is_loaded_once_by_several_threads():
    made = entry()
    with ThreadPoolExecutor(8) as pool:
        addresses = set(pool.map(lambda _: made.address, range(64)))
    assert len(addresses) == 1
    gc.collect()
    assert call(made, [1.0, 1.0], [1.0])[0] == 0


def test_what_is_no_longer_held_leaves_the_rest_alone(made):
    before = call(made, [2.0, 3.0], [4.0])
    for _ in range(5):
        other = entry()
        assert call(other, [2.0, 3.0], [4.0]) == before
        del other
        gc.collect()
    assert call(made, [2.0, 3.0], [4.0]) == before


def test_both_functions_have_the_arguments_that_nutpie_gives():
    assert [len(ARGUMENTS[name]) for name in ("logp", "expand")] == [5, 5]


def test_the_text_is_the_same_in_every_process():
    code = """
import sys
import test_program
made = []
test_program.compiled = lambda code: made.append(code) or b""
test_program.entry()
print(made[0])
"""
    found = []
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parent,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        found.append(done.stdout)
    assert 'define i64 @"logp"' in found[0]
    assert found[0] == found[1]
