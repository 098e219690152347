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
    cuts, sure = pt.tensor("cuts", shape=(2,)), pt.scalar("sure")
    compiled = plain([value, eta, cuts, sure], ordinal_logp(value, eta, cuts, sure))
    return lambda value, eta, cuts, sure=1.0: compiled(value, eta, cuts, sure)


@given(eta=etas, first=etas, step=steps)
@settings(max_examples=80, deadline=None)
def test_categories_are_differences_of_logistic_distributions(ordinal, eta, first, step):
    cuts = np.array([first, first + step])
    got = np.exp(ordinal(np.arange(3), np.full(3, eta), cuts))
    expected = np.diff([0, *logistic.cdf(cuts - eta), 1])
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-12)
    assert got.sum() == pytest.approx(1)


@pytest.mark.parametrize("categories", [2, 3, 5])
def test_any_number_of_categories(plain, categories):
    cuts = np.linspace(-1.1, 2.3, categories - 1)
    value, eta = pt.lvector(), pt.vector()
    steps_ = pt.tensor(shape=(categories - 1,))
    compiled = plain([value, eta, steps_], ordinal_logp(value, eta, steps_, 1.0))
    got = np.exp(compiled(np.arange(categories), np.full(categories, 0.4), cuts))
    np.testing.assert_allclose(got, np.diff([0, *logistic.cdf(cuts - 0.4), 1]), rtol=1e-10)


def test_cutpoints_of_each_unit(plain):
    """Cutpoints may differ by unit: each is used for its own."""
    rng = np.random.default_rng(6)
    cuts, eta = np.sort(rng.normal(size=(9, 2)), axis=1), rng.normal(size=9)
    category = np.arange(9) % 3
    value, latent, steps_ = pt.lvector(), pt.vector(), pt.tensor(shape=(None, 2))
    compiled = plain([value, latent, steps_], ordinal_logp(value, latent, steps_, 1.0))
    got = np.exp(compiled(category, eta, cuts))
    for i in range(9):
        share = np.diff([0, *logistic.cdf(cuts[i] - eta[i]), 1])[category[i]]
        assert got[i] == pytest.approx(share), i


def test_unrecorded_indicators_drop_out(ordinal):
    np.testing.assert_array_equal(ordinal([-1, -1], [40.0, -2.0], [0.0, 1.0]), 0)


def test_the_gradient_of_an_unrecorded_indicator_is_zero(plain):
    value, eta = pt.lvector("value"), pt.vector("eta")
    cuts = pt.tensor("cuts", shape=(2,))
    total = ordinal_logp(value, eta, cuts, 0.7).sum()
    gradient = plain([value, eta, cuts], pt.grad(total, [eta, cuts]))
    for part in gradient([-1, -1], [90.0, -90.0], [0.0, 1.0]):
        np.testing.assert_array_equal(part, 0)


def test_higher_latent_values_make_higher_categories(ordinal):
    grid = np.linspace(-4, 4, 9)
    top = [ordinal([2], [eta], [-0.5, 0.7])[0] for eta in grid]
    assert (np.diff(top) > 0).all()


def test_ordinal_draws_have_the_probabilities():
    count, cuts = 40_000, np.array([-0.4, 1.3])
    sure = np.array(0.6)
    draws = ordinal_random(np.array(0.8), cuts, sure, np.random.default_rng(3), (count,))
    expected = (0.6 * np.diff([0, *logistic.cdf(cuts - 0.8), 1]) + 0.4 / 3) * count
    assert chisquare(np.bincount(draws, minlength=3), expected).pvalue > 1e-3


def test_binary_indicators(plain):
    value, p = pt.lvector("value"), pt.vector("p")
    for sure in (1.0, 0.5):
        got = plain([value, p], binary_logp(value, p, sure))([1, 0, -1], [0.3, 0.3, 0.3])
        share = sure * 0.3 + (1 - sure) / 2
        np.testing.assert_allclose(got, [np.log(share), np.log(1 - share), 0])
        draws = binary_random(np.full(40_000, 0.3), sure, np.random.default_rng(1))
        assert abs(draws.mean() - share) < 4 * np.sqrt(share * (1 - share) / 40_000)


@given(eta=etas, first=etas, step=steps, sure=st.floats(0, 1))
@settings(max_examples=80, deadline=None)
def test_doubt_mixes_with_an_even_spread(ordinal, eta, first, step, sure):
    """Confidence 0 knows nothing, 1 is the plain model, and in between they mix."""
    cuts = np.array([first, first + step])
    plain, mixed = (np.exp(ordinal(np.arange(3), np.full(3, eta), cuts, s)) for s in (1.0, sure))
    np.testing.assert_allclose(mixed, sure * plain + (1 - sure) / 3, rtol=1e-9, atol=1e-15)
    assert mixed.sum() == pytest.approx(1)
