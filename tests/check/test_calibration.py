"""Simulated data have the real design, and ranks of a right posterior are uniform."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from bayes_alliance.check.calibration import KEPT, Calibration, critical, summary, template
from bayes_alliance.data import load
from bayes_alliance.process.cells import CELLS, REFUSED
from bayes_alliance.process.containers import arrays
from bayes_alliance.process.survival import OBSERVED_UNTIL, alliance_years


@pytest.fixture(scope="module")
def calibration(data):
    return Calibration("occupation", data, seed=3)


def test_template_keeps_proposals_and_lets_lives_run(data):
    made = template(data)
    assert (made.episodes["episode"] == made.episodes["case"]).all()
    assert made.episodes["fallback_of"].isna().all()
    assert not made.episodes["outcome"].eq("refused").any()
    lived = made.episodes["start"].notna()
    assert made.episodes.loc[lived, "end"].isna().all() and lived.sum() > 5
    assert set(made.clients["episode"]) == set(made.episodes["episode"])


def test_a_patron_that_is_gone_has_a_design_too():
    """Austria-Hungary's years end in 1918; Germany's have a gap."""
    made = template(load("asymmetric"))
    followed = alliance_years(made.episodes).groupby("episode")["year"].max()
    assert (followed == OBSERVED_UNTIL.year - 1).all()
    assert np.isfinite(arrays(made)["panel_threat_now"][1]).all()


def test_simulated_data_have_the_gaps_of_the_real_ones(calibration):
    real = {name: value for name, (_, value) in arrays(calibration.data).items()}
    seen = set()
    for _ in range(20):
        values = calibration.simulate(calibration.prior_point())
        gaps = real["client_indicators"] < 0
        np.testing.assert_array_equal(values["client_indicators"] < 0, gaps)
        proposal = values["outcome"] // (REFUSED + 2) - 1
        design = values["outcome"] % (REFUSED + 2) - 1
        recorded = real["outcome"] // (REFUSED + 2) - 1 >= 0
        np.testing.assert_array_equal(proposal >= 0, recorded)
        assert ((design >= 0) & (design < len(CELLS))).all(), "no refusals: fallbacks are drawn"
        np.testing.assert_array_equal(values["cell_of_design"], design)
        np.testing.assert_array_equal(values["commitment"] < 0, values["commitment_observed"] < 0)
        seen |= set(design.tolist())
    assert len(seen) == len(CELLS), "twenty prior draws reach every cell"
    for name, value in calibration.real.items():
        np.testing.assert_array_equal(calibration.model[name].get_value(), value, err_msg=name)


def test_simulated_lives_end_once_and_within_the_real_exposure(calibration):
    episode, whole = calibration.real["year_episode"], calibration.real["exposure"]
    for _ in range(20):
        values = calibration.simulate(calibration.prior_point())
        exposure, ended = values["exposure"], values["ended"]
        assert (exposure <= whole + 1e-12).all() and (exposure >= 0).all()
        for unit in np.unique(episode):
            rows = np.flatnonzero(episode == unit)
            assert ended[rows].sum() <= 1
            if values["cell_of_design"][unit] == 0:
                assert exposure[rows].sum() == 0 and ended[rows].sum() == 0
            elif ended[rows].any():
                at = np.flatnonzero(ended[rows])[0]
                np.testing.assert_array_equal(exposure[rows[:at]], whole[rows[:at]])
                assert exposure[rows[at + 1 :]].sum() == 0
            else:
                np.testing.assert_array_equal(exposure[rows], whole[rows])


def test_promises_come_as_often_as_the_model_says(calibration):
    """With beta_6 = 0 and cutpoints at 0 and 1, promises are logistic and nothing else."""
    point = calibration.prior_point() | {
        "beta_6": np.array(0.0),
        "cut_commitment_first": np.array(0.0),
        "cut_commitment_step": np.array(1.0),
    }
    drawn = [calibration.simulate(point)["commitment"] for _ in range(120)]
    sure = calibration.real["commitment_confidence"]
    expected = (sure * 0.5 + (1 - sure) / 3).mean()
    count, total = sum((d == 0).sum() for d in drawn), sum(d.size for d in drawn)
    assert binom.cdf(count, total, expected) > 1e-4 < binom.sf(count, total, expected)


def test_a_few_fits_are_ranked(calibration):
    runs = [calibration.once(seed, draws=200, tune=300) for seed in range(12)]
    table = summary(runs)
    ranked = {"beta_1", "beta_6", "scale_theatre[0]", *(f"alpha_departure[{k}]" for k in range(3))}
    assert ranked <= set(table.index)
    assert "epsilon" not in " ".join(table.index)
    ranks = np.array([list(run["ranks"].values()) for run in runs])
    assert ranks.min() >= 0 and ranks.max() <= KEPT
    # 12 simulations: many parameters at once must not lie beyond what chance allows
    assert (table["distance"] > table["critical"]).mean() < 0.25
    assert 0.85 < table["inside 95%"].mean() <= 1


def test_summary_finds_a_posterior_that_is_too_narrow():
    """Ranks of a posterior with half the right spread pile up at the ends."""
    rng = np.random.default_rng(1)
    true = rng.normal(size=300)
    for spread, fails in ((1.0, False), (0.5, True)):
        mean = true + rng.normal(size=300)  # flat prior, unit noise: posterior Normal(mean, 1)
        draws = mean[:, None] + spread * rng.normal(size=(300, KEPT))
        ranks = (draws < true[:, None]).sum(1)
        runs = [
            {"ranks": {"mu": int(r)}, "z": {"mu": float(t - m) / spread}}
            for r, t, m in zip(ranks, true, mean, strict=True)
        ]
        row = summary(runs).loc["mu"]
        assert (row["distance"] > row["critical"]) == fails
        assert (row["inside 80%"] < 0.7) == fails


def test_critical_distance_shrinks_with_the_root_of_the_runs():
    assert critical(400) == pytest.approx(critical(100) / 2, rel=0.1)
    assert critical(200) == pytest.approx(1.36 / np.sqrt(200), rel=0.1)  # Kolmogorov's 95 %
