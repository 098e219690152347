"""Functions of arrays of any lengths."""

from __future__ import annotations

import numpy as np
import pytensor.tensor as pt
import pytest
from pytensor.graph.fg import FunctionGraph

from bayes_alliance.machine.arrays import Arrays, write_arrays
from bayes_alliance.machine.scalars import Unsupported


@pytest.fixture(scope="module")
def rates() -> Arrays:
    """Rates by row of groups' effects, their total, and a matrix by row and part."""
    x, effect, group = pt.dvector(), pt.dvector(), pt.lvector()
    unread, w = pt.dvector(), pt.tensor(shape=(3,), dtype="float64")
    rate = pt.exp(x + effect[group])
    inputs = [x, unread, effect, group, w]
    graph = FunctionGraph(inputs, [rate, pt.sum(rate), rate[:, None] * w], clone=False)
    return write_arrays(graph, ["x", "unread", "effect", "group", "w"])


@pytest.mark.parametrize("n", [0, 1, 7, 9, 100])
def test_outputs_are_as_long_as_their_inputs(rates, n):
    rng = np.random.default_rng(n)
    values = {
        "x": rng.normal(size=n),
        "effect": rng.normal(size=4),
        "group": rng.integers(-4, 4, size=n),
        "w": np.arange(3),
        "other": np.zeros(5),
    }
    rate, total, parts = rates(values)
    wanted = np.exp(values["x"] + values["effect"][values["group"]])
    np.testing.assert_allclose(rate, wanted, rtol=1e-14)
    np.testing.assert_allclose(total, wanted.sum(), rtol=1e-14)
    np.testing.assert_allclose(parts, wanted[:, None] * np.arange(3), rtol=1e-14)


def test_what_is_not_read_is_not_asked_for(rates):
    assert [name for name, _ in rates.inputs] == ["x", "effect", "group", "w"]


def test_arrays_that_do_not_fit_are_refused(rates):
    fits = {"x": np.ones(3), "effect": np.ones(2), "group": np.zeros(3), "w": np.ones(3)}
    rates(fits)
    for name, value in (("x", np.ones(4)), ("group", [0, 1, 2]), ("w", np.ones(4))):
        with pytest.raises(ValueError, match="fit together"):
            rates(fits | {name: value})


def test_outputs_of_unknown_length_are_refused():
    x = pt.dvector()
    graph = FunctionGraph([x], [pt.concatenate([x, x])], clone=False)
    with pytest.raises(Unsupported, match="nothing tells"):
        write_arrays(graph, ["x"])


def test_an_input_may_say_how_long_an_output_is():
    n, x = pt.lscalar("n"), pt.dvector("x")
    graph = FunctionGraph([n, x], [pt.alloc(x[0], n)], clone=False)
    function = write_arrays(graph, ["n", "x"])
    for count in (0, 1, 7):
        (found,) = function({"n": np.array(count), "x": np.array([3.0, 1.0])})
        np.testing.assert_array_equal(found, np.full(count, 3.0))
    with pytest.raises(ValueError, match="negative"):
        function({"n": np.array(-1), "x": np.array([3.0])})
