"""Indicators: graded responses against logistic distribution functions."""

from __future__ import annotations

import numpy as np
import pytensor.tensor as pt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare, logistic

from bayes_alliance.process.measurement import (
    binary_logp,
    binary_random,
    ordinal_logp,
    ordinal_random,
)

etas = st.floats(-15, 15)
steps = st.floats(0.01, 10)


@pytest.fixture(scope="module")
def ordinal(plain):
    value, eta = pt.lvector("value"), pt.vector("eta")
    cuts = pt.tensor("cuts", shape=(2,))
    return plain([value, eta, cuts], ordinal_logp(value, eta, cuts))


@given(eta=etas, first=etas, step=steps)
@settings(max_examples=80, deadline=None)
def test_categories_are_differences_of_logistic_distributions(ordinal, eta, first, step):
    cuts = np.array([first, first + step])
    got = np.exp(ordinal(np.arange(3), np.full(3, eta), cuts))
    expected = np.diff([0, *logistic.cdf(cuts - eta), 1])
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-12)
    assert got.sum() == pytest.approx(1)


def test_unrecorded_indicators_drop_out(ordinal):
    np.testing.assert_array_equal(ordinal([-1, -1], [40.0, -2.0], [0.0, 1.0]), 0)


def test_the_gradient_of_an_unrecorded_indicator_is_zero(plain):
    value, eta = pt.lvector("value"), pt.vector("eta")
    cuts = pt.tensor("cuts", shape=(2,))
    gradient = plain([value, eta, cuts], pt.grad(ordinal_logp(value, eta, cuts).sum(), [eta, cuts]))
    for part in gradient([-1, -1], [90.0, -90.0], [0.0, 1.0]):
        np.testing.assert_array_equal(part, 0)


def test_higher_latent_values_make_higher_categories(ordinal):
    grid = np.linspace(-4, 4, 9)
    top = [ordinal([2], [eta], [-0.5, 0.7])[0] for eta in grid]
    assert (np.diff(top) > 0).all()


def test_ordinal_draws_have_the_probabilities():
    count, cuts = 40_000, np.array([-0.4, 1.3])
    draws = ordinal_random(np.array(0.8), cuts, np.random.default_rng(3), (count,))
    expected = np.diff([0, *logistic.cdf(cuts - 0.8), 1]) * count
    assert chisquare(np.bincount(draws, minlength=3), expected).pvalue > 1e-3


def test_binary_indicators(plain):
    value, p = pt.lvector("value"), pt.vector("p")
    got = plain([value, p], binary_logp(value, p))([1, 0, -1], [0.3, 0.3, 0.3])
    np.testing.assert_allclose(got, [np.log(0.3), np.log(0.7), 0])
    draws = binary_random(np.full(40_000, 0.3), np.random.default_rng(1))
    assert abs(draws.mean() - 0.3) < 4 * np.sqrt(0.21 / 40_000)
