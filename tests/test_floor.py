"""The hand-written gradient that benchmarks set times against is the model's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
import pymc as pm
import pytensor
import pytest

from bayes_alliance.data import load
from bayes_alliance.theories import build

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.fixture(scope="module")
def model() -> pm.Model:
    """The model that is written by hand beside it."""
    return build("occupation", load("asymmetric"))


@pytest.fixture(scope="module")
def floor(model: pm.Model) -> Iterator[Callable]:
    """The hand-written value and gradient; they lie outside the package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield import_module("floor").log_density(model, load("asymmetric"))


@pytest.fixture(scope="module")
def vectors(model: pm.Model) -> np.ndarray:
    """Twenty points about the one at which chains begin."""
    start = model.initial_point()
    flat = np.concatenate([np.ravel(start[v.name]) for v in model.value_vars])
    return flat + np.random.default_rng(1).normal(0, 0.4, size=(20, flat.size))


def test_value_and_gradient_are_those_of_pymc(
    model: pm.Model, floor: Callable, vectors: np.ndarray
):
    terms = [term.sum() for term in model.logp(sum=False)]
    gradient = pytensor.grad(sum(terms), model.value_vars, disconnected_inputs="ignore")
    theirs = pytensor.function(
        model.value_vars, [*terms, *gradient], mode="FAST_COMPILE", on_unused_input="ignore"
    )
    start = model.initial_point()
    shapes = [start[v.name].shape for v in model.value_vars]
    cuts = np.cumsum([int(np.prod(s)) for s in shapes])[:-1]
    for vector in vectors:
        parts = np.split(vector, cuts)
        got = theirs(*(part.reshape(s) for part, s in zip(parts, shapes, strict=True)))
        value, by = floor(vector)
        assert value == pytest.approx(sum(map(float, got[: len(terms)])), rel=1e-10)
        expected = np.concatenate([np.ravel(part) for part in got[len(terms) :]])
        np.testing.assert_allclose(by, expected, rtol=1e-8, atol=1e-8)


def test_gradient_is_the_slope_of_the_value(floor: Callable, vectors: np.ndarray):
    vector, (_, by) = vectors[0], floor(vectors[0])
    for i in np.random.default_rng(2).choice(vector.size, 40, replace=False):
        step = np.eye(1, vector.size, i)[0] * 1e-5
        slope = (floor(vector + step)[0] - floor(vector - step)[0]) / 2e-5
        assert by[i] == pytest.approx(slope, rel=1e-4, abs=1e-4)
