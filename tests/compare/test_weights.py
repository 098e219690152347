"""Stacking weights: against ArviZ, where one theory is best, and where nothing tells them apart."""

from __future__ import annotations

import arviz as az
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from bayes_alliance.compare.loo import aligned, elpd, table
from bayes_alliance.compare.weights import stack, stacking


def even(cases: int) -> np.ndarray:
    return np.full((1, cases), 1 / cases)


def test_weights_are_those_of_arviz(fits):
    scores = {name: elpd(tree, exact=False) for name, tree in fits.items()}
    ours = stacking(scores)
    theirs = az.compare(scores, method="stacking", round_to="none")["weight"]
    best = [name for name in ours.index if theirs[name] > 0.01]
    np.testing.assert_allclose(ours.loc[best, "weight"], theirs[best], atol=0.02)
    assert ours["weight"].sum() == pytest.approx(1)
    assert (ours["lower"] <= ours["upper"]).all() and ours["leads"].sum() == pytest.approx(1)


@given(seed=st.integers(0, 10**6), cases=st.integers(2, 30))
@settings(max_examples=40, deadline=None)
def test_two_theories_against_a_search(seed, cases):
    scores = np.random.default_rng(seed).normal(-2, 1, size=(cases, 2))

    def loss(weight: float) -> float:
        return -np.log(np.exp(scores) @ [weight, 1 - weight]).mean()

    found = minimize_scalar(loss, bounds=(0, 1), method="bounded")
    weight = stack(scores, even(cases))[0]
    assert weight.sum() == pytest.approx(1)
    # the optimum is flat: the score that it reaches counts, not the weight
    assert loss(weight[0]) <= found.fun + 1e-4


def test_a_theory_that_is_better_everywhere_takes_all():
    scores = np.column_stack([np.full(40, -1.0), np.full(40, -2.0)])
    np.testing.assert_allclose(stack(scores, even(40))[0], [1, 0], atol=1e-6)


def test_equal_theories_share():
    weight = stack(np.full((10, 4), -1.5), even(10))[0]
    np.testing.assert_allclose(weight, 0.25)
    one_case = stack(np.array([[-1.0, -3.0], [-3.0, -1.0]]), np.array([[1.0, 0], [0, 1]]))
    np.testing.assert_allclose(one_case, np.eye(2), atol=1e-6)


def test_cases_in_another_order_change_nothing(fits):
    scores = {name: elpd(tree, exact=False) for name, tree in fits.items()}
    turned = dict(scores)
    last = list(scores)[-1]
    turned[last] = aligned(scores[last], scores[last].elpd_i["case"][::-1])
    assert list(turned[last].elpd_i["case"]) != list(scores[last].elpd_i["case"])
    pd.testing.assert_frame_equal(stacking(turned), stacking(scores))
    pd.testing.assert_frame_equal(table(turned), table(scores))
