"""Reliability of predicted designs."""

from __future__ import annotations

import numpy as np
import pytest

from bayes_alliance.check.choices import designs
from bayes_alliance.check.reliability import EVENTS, event_probabilities, reliability
from bayes_alliance.compare.predictions import ages, assemble
from bayes_alliance.process.cells import CELLS


def test_isotonic_regression_by_hand():
    found = reliability(np.array([0.1, 0.5, 0.9]), np.array([True, False, True]))
    assert found.index.tolist() == [0.1, 0.5, 0.9]
    assert found["observed"].tolist() == [0.5, 0.5, 1.0]
    found = reliability(np.array([0.2, 0.8, 0.2, 0.8, 0.2]), np.array([0, 1, 1, 0, 0], bool))
    assert found["cases"].tolist() == [3, 2]
    assert found["observed"].tolist() == pytest.approx([1 / 3, 1 / 2])


def test_cases_with_one_probability_have_no_order():
    rng = np.random.default_rng(1)
    p = rng.choice([0.2, 0.4, 0.7], 40)
    happened = rng.random(40) < p
    order = rng.permutation(40)
    one, two = reliability(p, happened), reliability(p[order], happened[order])
    assert one["observed"].tolist() == two["observed"].tolist()


def test_certain_predictions_leave_no_band():
    p = np.array([0.0, 1.0, 0.0, 1.0])
    found = reliability(p, p > 0.5)
    for column in ("observed", "lower", "upper"):
        assert found[column].tolist() == [0.0, 1.0]


def test_reliable_predictions_stay_inside_and_others_do_not():
    inside = {False: 0, True: 0}
    for seed in range(40):
        rng = np.random.default_rng(seed)
        p = rng.uniform(0.05, 0.95, 120)
        for wrong in inside:
            true = np.clip(2.2 * (p - 0.5) + 0.5, 0, 1) if wrong else p
            found = reliability(p, rng.random(120) < true, draws=400)
            low, high = found["lower"] - 1e-9, found["upper"] + 1e-9
            inside[wrong] += bool(found["observed"].between(low, high).all())
    assert inside[False] >= 32, "nine in ten, less four standard errors"
    assert inside[True] <= 10


def test_events_add_up_the_cells_of_each_case(data):
    ended = designs(data)
    p = np.random.default_rng(1).dirichlet(np.ones(len(CELLS)), len(ended))
    predicted = assemble(data, ages(data), p).isel(case=slice(None, None, -1))
    found = event_probabilities(predicted, data)
    assert found.index.tolist() == ended.index.tolist()
    for event in EVENTS:
        chosen = [event in cell for cell in CELLS]
        np.testing.assert_allclose(found[event], p[:, chosen].sum(1))
        assert found[f"{event}_observed"].tolist() == [event in CELLS[i] for i in ended]
