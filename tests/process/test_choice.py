"""The proposal: a multinomial logit with three constants and three departures from their sum."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from scipy.special import softmax

from bayes_alliance.process.cells import (
    ALLIANCE,
    CELLS,
    DEPARTURE_LABELS,
    DEPARTURES,
    PARTNERS,
    RISK,
    STRONG,
)
from bayes_alliance.process.choice import proposal_probability
from bayes_alliance.process.priors import load_priors

CONSTANTS = np.column_stack([ALLIANCE, PARTNERS, STRONG])  # (cell, constant)


@pytest.fixture(scope="module")
def choice():
    """Probabilities of four cases at given constants and departures, and the model's names."""
    rng = np.random.default_rng(2)
    utilities, effect = rng.normal(size=(4, 7)), rng.normal(size=(4, 4))
    coords = {"cell": CELLS, "episode": range(4), "departure": DEPARTURE_LABELS}
    with pm.Model(coords=coords) as model:
        out = proposal_probability(
            pt.as_tensor(utilities), pt.as_tensor(effect), load_priors("null")
        )
    names = ("alpha_alliance", "alpha_partner", "alpha_strong", "alpha_departure")

    def at(*values) -> np.ndarray:
        return out.eval({model[n]: v for n, v in zip(names, values, strict=True)})

    return at, model, utilities, effect


def test_softmax_of_constants_departures_and_utilities(choice):
    at, model, utilities, effect = choice
    rng = np.random.default_rng(3)
    (alliance, partner, strong), departure = rng.normal(size=(2, 3))
    names = {rv.name for rv in model.free_RVs}
    constants = {"alpha_alliance", "alpha_partner", "alpha_strong"}
    assert names == constants | {"alpha_departure"}, "three constants and the departures only"
    assert all(model[name].ndim == 0 for name in constants)
    assert model.named_vars_to_dims["alpha_departure"] == ("departure",)
    got = at(alliance, partner, strong, departure)
    constant = (
        alliance * ALLIANCE
        + (partner + effect[0])[:, None] * PARTNERS
        + (strong + effect[1])[:, None] * STRONG
        + sum(departure[k] * DEPARTURES[:, k] for k in range(3))
    )
    np.testing.assert_allclose(got, softmax(constant + utilities, axis=-1), rtol=1e-10)
    np.testing.assert_allclose(got.sum(-1), 1)


def test_constants_and_departures_reach_any_utilities_once(choice):
    """Six numbers for the log-odds of six cells against none, and each in one way only."""
    at, *_ = choice
    whole = np.column_stack([CONSTANTS, DEPARTURES])
    assert np.linalg.matrix_rank(whole[1:]) == 6
    wanted = np.array([0.0, 1.3, -0.4, 0.2, 2.0, -1.1, 0.6])  # (cell,) none stands at 0
    values = np.linalg.solve(whole[1:], wanted[1:])
    base = np.log(at(0.0, 0.0, 0.0, np.zeros(3)))
    moved = np.log(at(*values[:3], values[3:])) - base
    np.testing.assert_allclose(moved - moved[:, :1], np.tile(wanted, (4, 1)), atol=1e-9)


def test_partners_and_strength_name_the_cells():
    for cell, partners, strong in zip(CELLS, PARTNERS, STRONG, strict=True):
        assert strong == cell.endswith("_strong")
        assert partners == {"none": 0, "bilateral": 0, "trilateral": 1}.get(cell.split("_")[0], 2)


def test_departures_are_what_the_constants_cannot_reach():
    np.testing.assert_allclose(DEPARTURES.T @ DEPARTURES, np.eye(3), atol=1e-15)
    np.testing.assert_allclose(DEPARTURES.T @ CONSTANTS, 0, atol=1e-15)
    assert DEPARTURES.shape[1] == len(DEPARTURE_LABELS) == len(set(DEPARTURE_LABELS))
    assert not DEPARTURES[CELLS.index("none")].any(), "none is what the others stand against"


def test_the_labels_of_the_departures_say_what_they_are():
    """Up to sign: three parties apart from two and many, and strength that goes with partners."""
    bilateral, trilateral, multilateral = DEPARTURES[1:].reshape(3, 2, 3)  # (commitment, departure)
    three = DEPARTURE_LABELS.index("three parties")
    others = np.concatenate([bilateral, multilateral])[:, three]
    np.testing.assert_allclose(trilateral[:, three], -2 * others.mean() * np.ones(2))
    np.testing.assert_allclose(others, others.mean())
    kinds = np.stack([bilateral, trilateral, multilateral])
    gain = kinds[:, 1] - kinds[:, 0]  # (kind, departure) of a strong commitment over a weak one
    expected = {
        "three parties": [0, 0, 0],
        "strong with partners": [-1, 0, 1],
        "strong with three parties": [-1, 2, -1],
    }
    for k, label in enumerate(DEPARTURE_LABELS):
        scale = np.linalg.norm(gain[:, k]) / max(1.0, np.linalg.norm(expected[label]))
        np.testing.assert_allclose(gain[:, k], scale * np.array(expected[label]), atol=1e-12)


def test_figure_1_departs_along_strong_with_partners_only():
    """What the level of the curvatures adds to the sum of the constants (docs/models.md)."""
    share = DEPARTURES.T @ RISK
    np.testing.assert_allclose(share, [0.0, 0.5, 0.0], atol=1e-15)
    assert DEPARTURE_LABELS[int(share.argmax())] == "strong with partners"
    left = RISK - DEPARTURES @ share
    sums = np.linalg.lstsq(CONSTANTS, left, rcond=None)[0]
    np.testing.assert_allclose(CONSTANTS @ sums, left, atol=1e-14)
