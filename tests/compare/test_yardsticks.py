"""Yardsticks: against the packages by other roads, honest failures, and closed folds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter
from lifelines.datasets import load_rossi
from scipy.optimize import minimize
from scipy.special import expit
from statsmodels.discrete.discrete_model import MNLogit
from statsmodels.miscmodels.ordinal_model import OrderedModel

from bayes_alliance.compare.predictions import ages
from bayes_alliance.compare.scores import RUNG, score_table
from bayes_alliance.compare.yardsticks import (
    RIDGE,
    base_rates,
    covariates,
    cox,
    kaplan_meier,
    multinomial_logit,
    ordered_logit,
    yardsticks,
)
from bayes_alliance.errors import InputError
from bayes_alliance.process.cells import CELLS, STRONG
from bayes_alliance.process.designs import designs
from bayes_alliance.process.survival import durations

LAPSE = 0.02
NEW = np.array([0.3, -1.0])


def without_lapse(probability: np.ndarray) -> np.ndarray:
    return (probability - LAPSE / 7) / (1 - LAPSE)


@pytest.fixture(scope="module")
def sample():
    """Two covariates and cells that they help to tell apart."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(300, 2)) * [1, 3] + [0, 5]
    cell = np.clip(np.round(3 + x[:, 0] + 0.3 * (x[:, 1] - 5) + rng.normal(0, 1.5, 300)), 0, 6)
    return x, cell.astype(int)


def test_base_rates_by_hand():
    out = base_rates(np.array([2, 2, 5]))
    np.testing.assert_allclose(out[0], np.array([1, 1, 2, 1, 1, 2, 1]) / 9)
    np.testing.assert_allclose(out[2], np.array([1, 1, 3, 1, 1, 1, 1]) / 9)


def test_ordered_logit_is_that_of_statsmodels(sample):
    x, cell = sample
    got, converged = ordered_logit(x, cell, NEW, 0.0)
    assert converged
    theirs = OrderedModel(RUNG[cell], x, distr="logit").fit(method="bfgs", disp=0)
    rung = theirs.model.predict(theirs.params, NEW[None])[0]
    allied = RUNG[cell] > 0
    strong = (STRONG[cell][allied].sum() + 1) / (allied.sum() + 2)
    got = without_lapse(got)
    np.testing.assert_allclose(np.bincount(RUNG, got), rung, atol=1e-4)
    np.testing.assert_allclose(got[2::2], rung[1:] * strong, atol=1e-4)


def test_multinomial_logit_is_that_of_statsmodels(sample):
    x, cell = sample
    got, converged = multinomial_logit(x, cell, NEW, 0.0)
    assert converged
    theirs = MNLogit(cell, np.column_stack([np.ones(len(x)), x])).fit(maxiter=200, disp=0)
    expected = theirs.predict(np.append(1.0, NEW)[None])[0]
    np.testing.assert_allclose(without_lapse(got), expected, atol=1e-4)


def test_the_ridge_by_another_road(sample):
    """Two cells: a binary logit with a penalty on the slopes, written out."""
    x, cell = sample
    y = cell > 3
    z, new = (x - x.mean(0)) / x.std(0), (NEW - x.mean(0)) / x.std(0)

    def loss(p: np.ndarray) -> float:
        chance = expit(p[0] + z @ p[1:])
        return -np.log(np.where(y, chance, 1 - chance)).sum() + RIDGE / 2 * (p[1:] ** 2).sum()

    best = minimize(
        loss, np.zeros(3), method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10}
    )
    got, converged = multinomial_logit(x, np.where(y, 6, 2), NEW, RIDGE)
    assert converged
    expected = expit(best.x[0] + new @ best.x[1:])
    assert without_lapse(got)[6] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("logit", [ordered_logit, multinomial_logit])
def test_separation_is_told(logit):
    """One covariate tells all rungs apart: no maximum; with a ridge there is one."""
    x = np.arange(30.0)[:, None]
    cell = np.repeat([0, 2, 6], 10)
    new = np.array([25.0])
    probability, converged = logit(x, cell, new, 0.0)
    assert not converged
    np.testing.assert_allclose(
        np.bincount(RUNG, without_lapse(probability)), [1 / 3, 1 / 3, 0, 1 / 3]
    )
    probability, converged = logit(x, cell, new, RIDGE)
    assert converged and probability.argmax() == 6
    x[[9, 10, 19, 20]] = x[[10, 9, 20, 19]]
    x[[5, 15, 25]] = x[[15, 25, 5]]
    assert logit(x, cell, new, 0.0)[1], "once they overlap there is a maximum"


@pytest.mark.parametrize("logit", [ordered_logit, multinomial_logit])
def test_one_category_and_dead_covariates(logit):
    probability, converged = logit(
        np.random.default_rng(1).normal(size=(5, 2)), np.full(5, 1), NEW, 0
    )
    assert not converged and np.isfinite(probability).all()
    assert probability.sum() == pytest.approx(1)
    probability, converged = logit(np.ones((4, 2)), np.array([1, 1, 5, 0]), NEW, 0)
    assert not converged
    np.testing.assert_allclose(
        np.bincount(RUNG, without_lapse(probability)), [1 / 4, 1 / 2, 0, 1 / 4], atol=1e-12
    )


def test_cells_that_nobody_ended_in_are_not_impossible(sample):
    x, cell = sample
    for logit in (ordered_logit, multinomial_logit):
        probability, _ = logit(x[cell > 4], cell[cell > 4], NEW, RIDGE)
        assert probability.min() == pytest.approx(LAPSE / 7)


@pytest.fixture(scope="module")
def prisoners():
    """A set of lives that lifelines has."""
    table = load_rossi()[["week", "arrest", "age", "prio", "fin"]].astype(float)
    return table.rename(columns={"week": "duration", "arrest": "event"})


@pytest.mark.parametrize("penalty", [0.0, 0.1])
def test_cox_is_that_of_lifelines(prisoners, penalty):
    seen = np.arange(len(prisoners)) >= 5
    ended = prisoners.loc[seen & (prisoners["event"] == 1), "duration"]
    years = np.append(0.0, np.unique(ended)[::4])  # between endings lifelines draws lines
    curves, converged = cox(prisoners, seen, years, penalty)
    assert converged and curves.shape == (len(prisoners), len(years))
    assert (np.diff(curves, axis=1) <= 0).all()
    np.testing.assert_array_equal(curves[:, 0], 1)
    covariate = ["age", "prio", "fin"]
    scaled = prisoners.copy()
    if penalty:
        scaled[covariate] /= prisoners.loc[seen, covariate].std(ddof=0)
    theirs = CoxPHFitter(penalizer=penalty).fit(scaled[seen], "duration", "event")
    expected = theirs.predict_survival_function(scaled[:5], times=years[1:])
    np.testing.assert_allclose(curves[:5, 1:], expected.to_numpy().T, atol=1e-4)


def test_a_cox_regression_that_fails_says_so():
    """Nothing ended; or the covariate tells the ended from the censored."""
    lives = pd.DataFrame({"duration": [1.0, 2, 3, 4, 5, 6], "event": 0, "x": [0.0, 1, 0, 1, 2, 0]})
    seen, years = np.full(6, True), np.array([0.0, 3.0])
    curves, converged = cox(lives, seen, years, 0.0)
    assert not converged
    np.testing.assert_array_equal(curves, 1)
    lives["event"] = [1, 1, 1, 0, 0, 0]
    lives["x"] = lives["event"].astype(float)
    assert not cox(lives, seen, years, 0.0)[1]
    assert cox(lives, seen, years, 0.1)[1]


def test_kaplan_meier_by_hand():
    lives = pd.DataFrame({"duration": [1.0, 2.0, 3.0, 9.0], "event": [1, 0, 1, 1]})
    curves, _ = kaplan_meier(lives, np.array([True, True, True, False]), np.array([0, 1, 2.5, 4]))
    np.testing.assert_allclose(curves, np.tile([1, 2 / 3, 2 / 3, 0], (4, 1)), atol=1e-12)


def test_covariates_by_hand(data):
    table = covariates(data, promises=True)
    assert list(table.columns) == ["land", "capability", "threat", "promise"]
    clients = data.clients[data.clients["episode"] == "anzus-1951"]
    expected = np.log10(clients["capability_ratio"].astype(float)).mean() - 1
    assert table.loc["anzus-1951", "capability"] == pytest.approx(expected)
    assert table.loc["anzus-1951", "land"] == -0.5, "beyond the sea"
    assert table.loc["north-atlantic-1949", "promise"] == 1
    assert "promise" not in covariates(data)
    assert np.isfinite(table.to_numpy(float)).all()


@pytest.fixture(scope="module")
def found(data):
    return yardsticks(data)


def test_every_case_is_predicted(data, found):
    assert list(found) == [
        "base rates",
        "ordered logit",
        "multinomial logit",
        "Kaplan-Meier",
        "Cox",
    ]
    cases, lives = designs(data), durations(data.episodes)
    for name, out in found.items():
        assert list(out["case"].values) == list(cases.index)
        if name in ("Kaplan-Meier", "Cox"):
            assert list(out["design"].values) == list(lives.index)
            assert (out["standing"].isel(years=0) == 1).all()
            assert (out["standing"].diff("years") <= 1e-12).all()
        else:
            np.testing.assert_allclose(out["probability"].sum("cell"), 1)
            assert float(out["probability"].min()) >= LAPSE / len(CELLS) - 1e-12
    table = score_table(found, data, reference="base rates")
    assert np.isfinite(table["mean"]).all()
    assert (table.loc["concordance"].loc["Kaplan-Meier", ["mean", "se"]] == [0.5, 0]).all()


def test_few_cases_separate_and_the_note_says_so(data, found):
    assert found["multinomial logit"].attrs["note"].startswith("ridge penalty 1, as without it 12")
    assert found["Cox"].attrs["note"].startswith("ridge penalty 0.1")
    assert found["Kaplan-Meier"].attrs["note"] == "maximum likelihood"
    assert (
        score_table(found, data, "Cox").loc[("log", "multinomial logit"), "note"].startswith("ri")
    )


def test_a_case_does_not_see_itself(data, found):
    """Another outcome or end of one case leaves its own prediction as it was."""
    episodes = data.episodes.copy()
    row = episodes.index[episodes["episode"] == "us-taiwan-1954"][0]
    lived = durations(episodes)["duration"]
    episodes.loc[row, "end"] = episodes.loc[row, "start"] + pd.Timedelta(3650, "D")
    changed = replace(data, episodes=episodes)
    assert durations(changed.episodes)["duration"]["us-taiwan-1954"] < lived["us-taiwan-1954"] - 5
    np.testing.assert_array_equal(ages(changed), ages(data))
    episodes = data.episodes.copy()
    row = episodes.index[episodes["episode"] == "united-action-1954"][0]
    episodes.loc[row, "outcome"] = "trilateral_strong"
    outcome = replace(data, episodes=episodes)
    for other, case, names, part in (
        (changed, "us-taiwan-1954", ("Kaplan-Meier", "Cox"), "life"),
        (outcome, "united-action-1954", ("base rates", "multinomial logit"), "probability"),
    ):
        again = yardsticks(other)
        for name in names:
            before, after = (y[name][part].sel(case=case) for y in (found, again))
            np.testing.assert_allclose(after, before, atol=1e-6, err_msg=name)
            before, after = (y[name][part].drop_sel(case=case) for y in (found, again))
            assert not np.allclose(after, before, atol=1e-3), f"{name}: the others see it"


def test_promises_are_known_only_where_they_may_be(data, found):
    told = yardsticks(data, "commitments")
    for name, part in (("ordered logit", "probability"), ("Cox", "standing")):
        assert not np.allclose(told[name][part], found[name][part], atol=1e-3)
    with pytest.raises(InputError, match="indicators, commitments"):
        yardsticks(data, "everything")
