"""Scores of predictions: by hand, other packages, and propriety."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scoringrules
from hypothesis import given
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter
from lifelines.utils import concordance_index
from scipy.integrate import quad

from bayes_alliance.check.choices import designs
from bayes_alliance.compare.predictions import ages, assemble
from bayes_alliance.compare.scores import (
    LADDER,
    RUNG,
    SCORES,
    brier_score,
    by_case,
    concordance,
    integrated_brier_score,
    ladder,
    log_score,
    ranked_probability_score,
    score_table,
    still_observed,
)
from bayes_alliance.compare.yardsticks import base_rates
from bayes_alliance.errors import InputError
from bayes_alliance.process.cells import CELLS
from bayes_alliance.process.survival import durations

OF_CATEGORIES = (log_score, brier_score, ranked_probability_score)


def test_by_hand():
    probability, happened = np.array([[0.1, 0.2, 0.3, 0.4]]), np.array([2])
    assert log_score(probability, happened) == pytest.approx(-np.log(0.3))
    assert brier_score(probability, happened) == pytest.approx(0.01 + 0.04 + 0.49 + 0.16)
    expected = 0.1**2 + 0.3**2 + (0.6 - 1) ** 2
    assert ranked_probability_score(probability, happened) == pytest.approx(expected)


def test_the_best_and_the_worst():
    sure = np.eye(4)
    for score in OF_CATEGORIES:
        np.testing.assert_allclose(score(sure, np.arange(4)), 0, atol=1e-12)
    assert np.isposinf(log_score(sure, np.array([1, 0, 0, 0]))).all()
    np.testing.assert_allclose(brier_score(sure, np.array([3, 2, 1, 0])), 2)
    np.testing.assert_allclose(ranked_probability_score(sure, np.array([3, 2, 1, 0])), [3, 1, 1, 3])


@st.composite
def two_distributions(draw):
    """The truth and a prediction over as many categories."""
    count = draw(st.integers(2, 7))
    share = st.lists(st.floats(0.01, 1), min_size=count, max_size=count)
    return [np.array(p) / sum(p) for p in (draw(share), draw(share))]


@given(two_distributions())
def test_against_scoringrules(pair):
    truth, predicted = pair
    happened = np.arange(len(truth))
    every = np.tile(predicted, (len(truth), 1))
    theirs = scoringrules.rps_score(happened + 1, every)
    np.testing.assert_allclose(ranked_probability_score(every, happened), theirs, atol=1e-12)
    theirs = scoringrules.brier_score(np.eye(len(truth)), every).sum(-1)
    np.testing.assert_allclose(brier_score(every, happened), theirs, atol=1e-12)


@given(two_distributions())
def test_strictly_proper(pair):
    """Nobody expects less than who predicts the truth, and who does not predict it more."""
    truth, predicted = pair
    happened = np.arange(len(truth))
    for score in OF_CATEGORIES:
        best, other = (
            truth @ score(np.tile(p, (len(truth), 1)), happened) for p in (truth, predicted)
        )
        distance = ((truth - predicted) ** 2).sum()
        assert other >= best - 1e-12
        if distance > 1e-6:
            assert other > best


def test_the_ladder_sums_weak_and_strong():
    assert [LADDER[r] for r in RUNG] == [cell.split("_")[0] for cell in CELLS]
    by_rung = ladder(np.array([[0.1, 0.2, 0.05, 0.15, 0.1, 0.3, 0.1]]))
    np.testing.assert_allclose(by_rung, [[0.1, 0.25, 0.25, 0.4]])


def test_no_distribution_is_refused():
    for wrong in ([[0.5, 0.4]], [[1.5, -0.5]], [[np.nan, 1.0]]):
        for score in OF_CATEGORIES:
            with pytest.raises(InputError, match="sum to 1"):
                score(np.array(wrong), np.array([0]))


def some_lives(seed: int, count: int = 40):
    """Durations without ties, about half of them censored."""
    rng = np.random.default_rng(seed)
    end, censored = rng.exponential(20, count), rng.exponential(20, count)
    return np.minimum(end, censored), end <= censored


def test_censoring_is_the_other_event():
    duration, ended = some_lives(1)
    theirs = KaplanMeierFitter().fit(duration, ~ended)
    times = np.linspace(0, duration.max(), 57)
    ours = still_observed(duration, ended, times)
    np.testing.assert_allclose(ours, theirs.survival_function_at_times(times), atol=1e-12)
    before = still_observed(duration, ended, duration, before=True)
    theirs = theirs.survival_function_at_times(duration - 1e-9)
    np.testing.assert_allclose(before, theirs, atol=1e-12)


def test_of_one_duration_the_ended_leave_first():
    """Two designs of five years: at the censoring of one only it and the ten-year one are left."""
    duration, ended = np.array([5.0, 5.0, 10.0]), np.array([True, False, True])
    at = np.array([4.9, 5.0, 9.0])
    np.testing.assert_allclose(still_observed(duration, ended, at), [1, 0.5, 0.5])
    np.testing.assert_allclose(still_observed(duration, ended, at, before=True), [1, 1, 0.5])


def test_integrated_brier_by_hand():
    """Four designs, even odds at every age, ten years: ended at 2 and 6, censored at 4, standing.

    1/4 a year while a design stands or after it has ended; from year 4 on the weight is 3/2, as
    one of the three then left is censored; the design that is censored counts no more.
    """
    duration, ended = np.array([2.0, 4.0, 6.0, 12.0]), np.array([True, False, True, False])
    curves, years = np.full((4, 3), 0.5), np.array([0.0, 5.0, 10.0])
    score = integrated_brier_score(curves, years, duration, ended)
    late = 4 / 10 * 1 / 4 + 6 / 10 * 1 / 4 * 3 / 2
    np.testing.assert_allclose(score, [1 / 4, 4 / 10 * 1 / 4, late, late])


def test_integrated_brier_without_censoring_is_an_integral():
    years, rate = np.linspace(0, 30, 301), np.array([0.02, 0.1])
    duration = np.array([7.3, 21.8])
    curves = np.exp(-rate[:, None] * years)
    score = integrated_brier_score(curves, years, duration, np.array([True, True]))
    for got, r, t in zip(score, rate, duration, strict=True):
        expected = quad(lambda a, r=r, t=t: (np.exp(-r * a) - (a < t)) ** 2, 0, 30, points=[t])[0]
        assert got == pytest.approx(expected / 30, abs=1e-5)


def test_integrated_brier_against_the_formula_at_many_ages():
    """Graf et al. (1999) at 6000 ages, with the censoring curve of lifelines."""
    duration, ended = some_lives(2)
    years = np.linspace(0, np.sort(duration)[-5], 31)
    curves = np.exp(-np.linspace(0.01, 0.1, len(duration))[:, None] * years)
    g = KaplanMeierFitter().fit(duration, ~ended)
    fine = (np.arange(6000) + 0.5) / 6000 * years[-1]
    predicted = np.stack([np.interp(fine, years, c) for c in curves])
    stands = duration[:, None] > fine
    weight = np.where(
        stands,
        1 / g.survival_function_at_times(fine).to_numpy(),
        (ended / g.survival_function_at_times(duration - 1e-9).to_numpy())[:, None],
    )
    expected = (weight * (predicted - stands) ** 2).mean(1)
    ours = integrated_brier_score(curves, years, duration, ended)
    np.testing.assert_allclose(ours, expected, atol=2e-3)


def test_integrated_brier_is_proper():
    """Exponential lives at 2000 quantiles: less is scored by no other rate than their own."""
    duration = -np.log1p(-(np.arange(2000) + 0.5) / 2000) / 0.05
    years = np.linspace(0, 60, 121)
    found = {}
    for rate in (0.03, 0.045, 0.05, 0.055, 0.08):
        curves = np.tile(np.exp(-rate * years), (len(duration), 1))
        found[rate] = integrated_brier_score(curves, years, duration, np.full(2000, True)).mean()
    assert min(found, key=lambda rate: found[rate]) == 0.05


def test_weights_make_up_for_censoring():
    """The mean with half of the lives censored is that of the whole lives."""
    rng = np.random.default_rng(3)
    end, censored = rng.exponential(20, 1500), rng.exponential(30, 1500)
    years = np.linspace(0, 40, 41)
    curves = np.tile(np.exp(-years / 15), (1500, 1))
    whole = integrated_brier_score(curves, years, end, np.full(1500, True))
    seen = integrated_brier_score(curves, years, np.minimum(end, censored), end <= censored)
    error = np.hypot(whole.std(), seen.std()) / np.sqrt(1500)
    assert abs(whole.mean() - seen.mean()) < 4 * error


@given(st.integers(0, 10_000), st.booleans())
def test_concordance_is_harrells_where_one_fit_predicts(seed, ties):
    rng = np.random.default_rng(seed)
    duration, ended = some_lives(seed, 12)
    if ties:
        duration = np.ceil(duration / 10)
    life = np.round(duration + rng.normal(0, 10, 12), -1 if ties else 6)
    right, pairs = concordance(np.tile(life, (12, 1)), duration, ended)
    if pairs.sum() == 0:
        return
    theirs = concordance_index(duration, life, ended)
    assert right.sum() / pairs.sum() == pytest.approx(theirs)


def test_each_row_compares_within_its_own_fit():
    """A design ended at 1, one at 2, one censored at 1.5: the last two cannot be compared."""
    duration, ended = np.array([1.0, 2.0, 1.5]), np.array([True, True, False])
    life = np.array([[5.0, 9.0, 5.0], [9.0, 1.0, 7.0], [1.0, 0.0, 3.0]])
    right, pairs = concordance(life, duration, ended)
    np.testing.assert_array_equal(pairs, [2, 1, 1])
    np.testing.assert_array_equal(right, [1 + 0.5, 0, 1])


@pytest.fixture(scope="module")
def lives(data):
    return durations(data.episodes)


@pytest.fixture(scope="module")
def guess(data, lives):
    """Base rates of the cells; curves that fall faster for the later designs."""
    years, rate = ages(data), np.linspace(0.01, 0.05, len(lives))
    curves = np.exp(-rate[:, None] * years)
    cell = designs(data).to_numpy()
    return assemble(data, years, base_rates(cell), np.tile(curves, (len(cell), 1, 1)))


def test_scores_by_case(data, lives, guess):
    out = by_case(guess, data)
    cell = designs(data)
    assert list(out.columns) == list(SCORES) and list(out.index) == list(cell.index)
    count = np.bincount(cell, minlength=7)
    for case, score in out["log"].items():
        assert score == pytest.approx(-np.log(count[cell[case]] / (len(cell) - 1 + 7)))
    case = data.episodes.set_index("episode")["case"].reindex(lives.index)
    assert set(out.index[out["concordance"].notna()]) == set(case)
    plain = integrated_brier_score(
        guess["standing"].to_numpy(),
        guess["years"].to_numpy(),
        lives["duration"].to_numpy(),
        lives["event"].to_numpy() == 1,
    )
    several = case.value_counts().index[0]
    assert (case == several).sum() == 3, "the Pacific Pact broke up into three designs"
    expected = plain[(case == several).to_numpy()].mean()
    assert out.loc[several, "integrated_brier"] == pytest.approx(expected)
    theirs = concordance_index(lives["duration"], guess["life"][0], lives["event"])
    assert out["concordance"].mean() == pytest.approx(theirs)


def test_the_error_of_concordance_is_that_of_the_jackknife(data, lives, guess):
    """A pair stands in two rows; to first order the spread is that of the pseudo-values."""
    out = by_case(guess, data)["concordance"].dropna()
    case = data.episodes.set_index("episode")["case"].reindex(lives.index).to_numpy()
    whole = concordance_index(lives["duration"], guess["life"][0], lives["event"])
    pseudo = []
    for name in out.index:
        kept = case != name
        without = concordance_index(
            lives["duration"][kept], guess["life"][0].to_numpy()[kept], lives["event"][kept]
        )
        pseudo.append(len(out) * whole - (len(out) - 1) * without)
    assert out.sem() == pytest.approx(pd.Series(pseudo).sem(), rel=0.35)


def test_the_table(data, guess):
    cell = designs(data).to_numpy()
    flat = assemble(data, ages(data), np.full((len(cell), 7), 1 / 7))
    table = score_table({"null": guess, "flat": flat}, data)
    assert list(table.loc["log"].index) == ["null", "flat"]
    assert list(table.loc["concordance"].index) == ["null"], "nobody else predicted survival"
    own, other = by_case(guess, data), by_case(flat, data)
    for score in ("log", "brier", "ranked"):
        row = table.loc[score, "flat"]
        apart = other[score] - own[score]
        assert row["mean"] == pytest.approx(other[score].mean())
        assert row["se"] == pytest.approx(other[score].std(ddof=1) / np.sqrt(len(cell)))
        assert row["difference"] == pytest.approx(apart.mean())
        assert row["difference_se"] == pytest.approx(apart.std(ddof=1) / np.sqrt(len(cell)))
        assert row["cases"] == len(cell) and row["better"] == "less"
        assert (table.loc[score, "null"][["difference", "difference_se"]] == 0).all()
    assert table.loc[("log", "flat"), "mean"] == pytest.approx(np.log(7))


def test_scores_that_the_reference_lacks_have_no_difference(data, guess):
    cell = designs(data).to_numpy()
    flat = assemble(data, ages(data), np.full((len(cell), 7), 1 / 7))
    table = score_table({"null": guess, "flat": flat}, data, reference="flat")
    row = table.loc["integrated_brier", "null"]
    assert np.isfinite(row["mean"]) and np.isnan(row["difference"])


def test_refusals(data, guess):
    with pytest.raises(InputError, match="one of null"):
        score_table({"null": guess}, data, reference="nobody")
    with pytest.raises(InputError, match="same cases"):
        by_case(guess.isel(case=slice(1, None)), data)
    with pytest.raises(InputError, match="same designs"):
        by_case(guess.isel(design=slice(1, None)), data)
