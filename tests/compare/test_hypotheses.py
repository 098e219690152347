"""What a fit says of each hypothesis."""

from __future__ import annotations

import numpy as np
import pytest

from bayes_alliance.compare.hypotheses import (
    hypotheses,
    hypothesis_draws,
    interval,
    probability,
    verdict,
)
from bayes_alliance.process.cells import PARTNERS, RISK, STRONG
from bayes_alliance.theories import get


@pytest.mark.parametrize("theory", ["occupation", "prospect"])
def test_one_row_a_hypothesis(theory, fits):
    out = hypotheses(fits[theory])
    expected = get(theory).HYPOTHESES
    assert list(out.index) == [h.name for h in expected]
    assert (out["lower"] < out["estimate"]).all() and (out["estimate"] < out["upper"]).all()
    assert out[["probability", "prior_probability"]].stack().between(0, 1).all()
    draws = hypothesis_draws(fits[theory])
    for h in expected:
        values = draws[h.name].to_numpy()
        assert values.shape == (2, 300)
        share = (h.direction * values > 0).mean()
        assert out.loc[h.name, "probability"] == pytest.approx(share)
        assert out.loc[h.name, "expected"] == ("above 0" if h.direction > 0 else "below 0")


def test_a_theory_without_hypotheses_has_no_rows(fits):
    assert len(hypotheses(fits["null"])) == 0


@pytest.mark.parametrize("theory", ["occupation", "prospect"])
def test_open_hypotheses_start_even(theory, fits):
    """What the priors call open must not lean: probability near 1/2 before the data."""
    out = hypotheses(fits[theory])["prior_probability"]
    error = 4 * 0.5 / np.sqrt(1000)
    open_ = {"occupation": ["H1", "H2", "H3", "H5", "H6", "H7"], "prospect": ["H1", "H2"]}[theory]
    for name in open_:
        assert abs(out[name] - 0.5) < error, name


def test_the_contrast_of_consecutive_cases(fits, data):
    """H3 of the prospect theory against a loop over pairs of cases."""
    tree = fits["prospect"]
    posterior, episodes = tree["posterior"].to_dataset(), data.episodes
    roots = episodes[episodes["episode"] == episodes["case"]].sort_values("date", kind="stable")
    pairs = []
    for _, group in roots.groupby(["patron", "theatre"], sort=False, observed=True):
        pairs += list(zip(group.index[:-1], group.index[1:], strict=True))
    assert len(pairs) >= 8
    draws = hypothesis_draws(tree)
    for name, value in (
        ("H3 allies", np.where(RISK > 0, PARTNERS + 1, 0)),
        ("H3 commitment", STRONG),
    ):
        for chain, draw in ((0, 3), (1, 250)):
            at = posterior.isel(chain=chain, draw=draw)
            expected = at["proposal_probability"].to_numpy() @ value
            threat = at["threat"].to_numpy()
            dt = np.array([threat[b] - threat[a] for a, b in pairs])
            dv = np.array([expected[b] - expected[a] for a, b in pairs])
            assert float(draws[name][chain, draw]) == pytest.approx((dt @ dv) / (dt @ dt))


def test_intervals_are_equal_tailed():
    low, high = interval(np.linspace(0, 1, 1001))
    assert (low, high) == pytest.approx((0.05, 0.95))


@pytest.mark.parametrize(
    ("value", "words", "said"),
    [
        (0.9496, "0.94", "undecided"),
        (0.95, "0.95", "supported"),
        (0.951, "0.95", "supported"),
        (0.0504, "0.06", "undecided"),
        (0.05, "0.05", "refuted"),
        (0.0496, "0.05", "refuted"),
        (0.777, "0.78", "undecided"),
        (1.0, ">\u00a00.99", "supported"),
        (0.0, "<\u00a00.01", "refuted"),
    ],
)
def test_a_written_probability_and_its_verdict_agree(value, words, said):
    assert (probability(value), verdict(value)) == (words, said)
