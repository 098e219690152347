"""The gate of diagnostics."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from bayes_alliance.diagnostics import diagnose


def hand_made(**chains: np.ndarray) -> xr.DataTree:
    """A tree with the groups that diagnostics look at."""
    rng = np.random.default_rng(0)
    good = rng.standard_normal((4, 1000))
    energy = chains.pop("energy", rng.standard_normal((4, 1000)))
    diverging = chains.pop("diverging", np.zeros((4, 1000), dtype=bool))
    dims = ("chain", "draw")
    variables = {"a": good, **chains}
    return xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset({k: (dims, v) for k, v in variables.items()}),
            "log_prior": xr.Dataset({k: (dims, v) for k, v in variables.items()}),
            "sample_stats": xr.Dataset({"diverging": (dims, diverging), "energy": (dims, energy)}),
        }
    )


def normal(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((4, 1000))


def walk(seed: int, keep: float) -> np.ndarray:
    """Stationary autoregression: chains that agree but move slowly."""
    z, out = normal(seed), np.zeros((4, 1000))
    out[:, 0] = z[:, 0]
    for t in range(1, 1000):
        out[:, t] = keep * out[:, t - 1] + np.sqrt(1 - keep**2) * z[:, t]
    return out


def test_a_good_fit_passes():
    found = diagnose(hand_made())
    assert found["verdict"] == "ok" and found["problems"] == []
    assert found["ess_bulk_min"] > 3000 and found["rhat_max"] < 1.01


def one_divergence() -> np.ndarray:
    out = np.zeros((4, 1000), dtype=bool)
    out[2, 77] = True
    return out


@pytest.mark.parametrize(
    ("tree", "problem"),
    [
        (hand_made(b=normal() + np.array([0, 0, 0, 3.0])[:, None]), "R-hat"),
        (hand_made(b=walk(3, 0.97)), "bulk ESS"),
        # a mixture that rarely visits one tail: the middle mixes, the quantile does not
        (hand_made(b=np.where(walk(5, 0.995) > 1.6, 8, 0) + normal(6)), "tail ESS"),
        (hand_made(diverging=one_divergence()), "1 divergences"),
        (hand_made(energy=np.cumsum(normal(2), axis=1)), "E-BFMI"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_each_criterion_is_flagged(tree, problem):
    found = diagnose(tree)
    assert found["verdict"] == "not to be trusted"
    assert any(text.startswith(problem) for text in found["problems"]), found["problems"]
    if problem in ("R-hat", "bulk ESS", "tail ESS"):
        text = next(t for t in found["problems"] if t.startswith(problem))
        assert text.endswith(" at b"), "the parameter is named"


def test_an_interruption_is_flagged():
    tree = hand_made()
    tree.attrs["interrupted"] = 1
    found = diagnose(tree)
    assert found["verdict"] == "not to be trusted"
    assert found["problems"] == ["interrupted before all draws were made"]


def test_the_small_fits_are_not_trusted_for_their_length(fits):
    """600 draws in all: the gate must say that it is too few, and nothing must diverge much."""
    for theory, tree in fits.items():
        found = diagnose(tree)
        assert found["verdict"] == "not to be trusted", theory
        assert found["divergences"] <= 6 and found["rhat_max"] < 1.15, theory
