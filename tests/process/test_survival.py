"""Alliance-years, the piecewise-exponential likelihood, and drawn lives, against lifelines."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytensor.tensor as pt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import kstest

from bayes_alliance.check.quantities import lifetimes
from bayes_alliance.data import load
from bayes_alliance.process.survival import (
    AGE_BREAKS,
    AGE_LABELS,
    ENDED,
    OBSERVED_UNTIL,
    YEAR,
    alliance_years,
    durations,
    logp,
    random,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # lifelines' own imports
    from lifelines import ExponentialFitter, KaplanMeierFitter, PiecewiseExponentialFitter

FIRST, LAST = pd.Timestamp("1900-01-01"), OBSERVED_UNTIL - pd.Timedelta(1, "D")
dates = st.dates(FIRST.date(), LAST.date()).map(pd.Timestamp)


def designs(*rows: dict) -> pd.DataFrame:
    """Episodes with what survival reads; in force unless said otherwise."""
    plain = {"start": pd.NaT, "end": pd.NaT, "ended": "in_force", "accession_to": None}
    frame = pd.DataFrame([{"episode": f"e{i}", **plain, **row} for i, row in enumerate(rows)])
    return frame.astype({"start": "datetime64[ns]", "end": "datetime64[ns]"})


@given(start=dates, end=dates, ended=st.sampled_from(["dissolved", "replaced", "in_force"]))
@settings(max_examples=150, deadline=None)
def test_stretches_cover_a_life_once(start, end, ended):
    start, end = min(start, end), max(start, end) + pd.Timedelta(1, "D")
    row = {"start": start, "ended": ended, "end": pd.NaT if ended == "in_force" else end}
    rows = alliance_years(designs(row))
    until = OBSERVED_UNTIL if ended == "in_force" else end
    years = (until - start) / pd.Timedelta(YEAR, "D")
    assert rows["exposure"].sum() == pytest.approx(years, rel=1e-9)
    assert (rows["exposure"] > 0).all()
    assert rows["event"].sum() == (ended in ENDED)
    assert rows["event"].iloc[:-1].sum() == 0, "the event stands in the last stretch"
    begins = rows["age_from"].to_numpy()
    np.testing.assert_allclose(begins, np.cumsum([0, *rows["exposure"][:-1]]), atol=1e-9)
    for break_ in AGE_BREAKS:
        if break_ < years - 1e-6:
            assert np.abs(begins - break_).min() < 1e-6, "a life is cut at each break of age"
    # the label is the band that the middle of the stretch lies in
    middle = begins + rows["exposure"].to_numpy() / 2
    np.testing.assert_array_equal(rows["age"], np.searchsorted(AGE_BREAKS, middle))
    stops = start + pd.to_timedelta((begins + rows["exposure"]) * YEAR, "D").dt.round("h")
    last = (stops - pd.Timedelta(1, "s")).dt.year
    np.testing.assert_array_equal(rows["year"], last, err_msg="one calendar year a stretch")


def test_who_has_a_clock_and_what_is_an_end():
    day = pd.Timestamp
    episodes = designs(
        {"start": day("1950-03-01"), "end": day("1960-03-01"), "ended": "dissolved"},
        {"start": day("1952-03-01"), "accession_to": "e0"},
        {},
        {"start": day("1950-03-01"), "end": day("1960-03-01"), "ended": "replaced"},
        {"start": day("1950-03-01"), "end": day("1960-03-01"), "ended": "shrunk"},
        {"start": day("1950-03-01"), "end": day("1960-03-01"), "ended": "lapsed"},
    )
    lives = durations(episodes)
    assert list(lives.index) == ["e0", "e3", "e4", "e5"], "no accession, no design that never was"
    assert lives["event"].to_dict() == {"e0": 1, "e3": 0, "e4": 1, "e5": 1}
    np.testing.assert_allclose(lives["duration"], 10, atol=0.003)


def test_age_bands_begin_at_their_breaks():
    rows = alliance_years(designs({"start": pd.Timestamp("1949-08-24")}))
    total = rows.groupby("age")["exposure"].sum()
    assert total[0] == pytest.approx(10)
    assert total[1] == pytest.approx(15)
    assert len(AGE_LABELS) == len(AGE_BREAKS) + 1


def test_lives_of_the_bundled_designs(data):
    lives = durations(data.episodes)
    assert lives.loc["southeast-asia-1954", "event"] == 1
    assert lives.loc["southeast-asia-1954", "duration"] == pytest.approx(22.36, abs=0.01)
    assert lives.loc["north-atlantic-1949", "event"] == 0
    assert not {"north-atlantic-1952", "north-atlantic-1955"} & set(lives.index)
    assert lives.loc[["dunkirk-1947", "brussels-1948", "us-japan-1951"], "event"].sum() == 0


@pytest.mark.parametrize("names", [("europe", "asia"), ("asymmetric",)])
def test_every_life_is_observed_from_its_start(names):
    """No delayed entry: clocks start with the decision, and observation is older than both."""
    episodes = load(*names).episodes.set_index("episode")
    rows = alliance_years(episodes.reset_index())
    first = rows.groupby("episode", sort=False).first()
    np.testing.assert_array_equal(first["age_from"], 0)
    lives = episodes.loc[first.index]
    np.testing.assert_array_equal(first["year"], lives["start"].dt.year)
    assert lives["date"].min() >= pd.Timestamp("1816-01-01"), "the universe begins in 1816"
    wait = (lives["start"] - lives["date"]) / pd.Timedelta(YEAR, "D")
    assert wait.between(0, 2).all(), "in force when signed or ratified, not when first observed"


@pytest.fixture(scope="module")
def log_density(plain):
    value, hazard, exposure = pt.vectors("value", "hazard", "exposure")
    return plain([value, hazard, exposure], logp(value, hazard, exposure))


@pytest.fixture(scope="module")
def lives() -> tuple[np.ndarray, np.ndarray]:
    """Simulated lives, censored at 30 years."""
    rng = np.random.default_rng(4)
    life = np.where(rng.uniform(size=400) < 0.5, rng.exponential(6, 400), rng.exponential(40, 400))
    return np.minimum(life, 30), (life < 30).astype(float)


def test_constant_hazard_is_the_exponential_model(log_density, lives):
    duration, event = lives
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = ExponentialFitter().fit(duration, event)
    rate = event.sum() / duration.sum()
    assert 1 / fitted.lambda_ == pytest.approx(rate, rel=1e-4)
    total = log_density(event, np.full(len(event), rate), duration).sum()
    assert total == pytest.approx(fitted.log_likelihood_, rel=1e-6)
    for other in (0.9 * rate, 1.1 * rate):
        assert log_density(event, np.full(len(event), other), duration).sum() < total


def test_hazards_by_age_are_the_piecewise_exponential_model(log_density, lives):
    """Our stretches and density, maximised, give what lifelines estimates from whole lives."""
    duration, event = lives
    start = pd.Timestamp("1900-01-01")
    rows = alliance_years(
        designs(
            *(
                {
                    "start": start,
                    "end": start + pd.Timedelta(d * YEAR, "D"),
                    "ended": "dissolved" if e else "replaced",
                }
                for d, e in zip(duration, event, strict=True)
            )
        )
    )
    age, exposure = rows["age"].to_numpy(), rows["exposure"].to_numpy()
    ended = rows["event"].to_numpy(float)

    def loss(log_hazard: np.ndarray) -> float:
        return -log_density(ended, np.exp(log_hazard)[age], exposure).sum()

    ours = np.exp(minimize(loss, np.full(3, -3.0), method="BFGS").x)
    by_hand = rows.groupby("age").agg({"event": "sum", "exposure": "sum"})
    np.testing.assert_allclose(ours, by_hand["event"] / by_hand["exposure"], rtol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = PiecewiseExponentialFitter(list(AGE_BREAKS)).fit(duration, event)
    np.testing.assert_allclose(1 / fitted.params_.to_numpy(), ours, rtol=2e-3)


def test_no_exposure_and_no_event_add_nothing(log_density):
    np.testing.assert_array_equal(log_density([0.0], [3.0], [0.0]), 0)


def test_drawn_ends_have_the_probability():
    hazard, exposure = np.array([0.02, 0.4]), np.array([1.0, 0.5])
    draws = random(hazard, exposure, np.random.default_rng(2), (40_000, 2))
    expected = 1 - np.exp(-hazard * exposure)
    error = np.sqrt(expected * (1 - expected) / 40_000)
    assert (np.abs(draws.mean(0) - expected) < 4 * error).all()


def test_lives_of_a_constant_hazard_are_exponential():
    hazard = np.full((20_000, 400), 0.1)
    drawn = lifetimes(hazard, np.full(400, 0.5), seed=3)
    assert abs(drawn.mean() - 10) < 4 * 10 / np.sqrt(20_000)
    assert kstest(drawn, "expon", args=(0, 10)).pvalue > 1e-3


def test_drawn_lives_follow_their_hazards():
    """Kaplan-Meier of draws against exp(-H), hazards and stretches of any length."""
    exposure = np.array([1.0, 4.0, 0.5, 10.0, 2.0])
    hazard = np.array([0.2, 0.02, 0.9, 0.05, 0.3])
    count = 20_000
    drawn = lifetimes(np.broadcast_to(hazard, (count, 5)), exposure, seed=9)
    assert drawn.max() == pytest.approx(exposure.sum())
    curve = KaplanMeierFitter().fit(drawn, drawn < exposure.sum() - 1e-12)
    ends = np.cumsum(exposure)
    for t in (0.5, 1.0, 3.0, 5.2, 9.0, 15.0, 17.0):
        inside = np.diff(np.minimum([0, *ends], t))
        expected = np.exp(-(hazard * inside).sum())
        error = np.sqrt(expected * (1 - expected) / count)
        assert abs(float(curve.predict(t)) - expected) < 4 * error, t


def test_lives_keep_the_shape_of_the_draws():
    hazard = np.full((2, 3, 4), 1e9)
    drawn = lifetimes(hazard, np.ones(4), seed=0)
    assert drawn.shape == (2, 3) and (drawn < 1e-6).all()
    safe = lifetimes(np.full((2, 3, 4), 1e-12), np.ones(4), seed=0)
    np.testing.assert_array_equal(safe, 4)
