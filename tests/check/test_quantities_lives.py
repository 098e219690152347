"""Lives: estimators against lifelines, replications, and residuals against known hazards."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from bayes_alliance.check.envelope import envelope
from bayes_alliance.check.lives import (
    Lives,
    kaplan_meier,
    observed_lives,
    relived,
    restricted_mean,
    standing,
    surviving,
    thinned,
)
from bayes_alliance.check.quantities import HORIZON, _of_lives, check
from bayes_alliance.check.residuals import residual_curve, residuals
from bayes_alliance.data import load
from bayes_alliance.process.cells import CELLS
from bayes_alliance.process.survival import durations

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # lifelines' own imports
    from lifelines import KaplanMeierFitter
    from lifelines.utils import restricted_mean_survival_time

lives_of = st.lists(
    st.tuples(st.integers(1, 60), st.booleans()), min_size=1, max_size=25
)  # whole years, so that there are ties


@given(lives_of)
@settings(max_examples=100, deadline=None)
def test_kaplan_meier_is_that_of_lifelines(rows):
    years, ended = np.array([r[0] for r in rows], float), np.array([r[1] for r in rows])
    curve = KaplanMeierFitter().fit(years, ended)
    at = np.arange(0.0, 61.0, 0.5)
    expected = curve.predict(at).to_numpy()
    np.testing.assert_allclose(surviving(years, ended, at), expected, atol=1e-12)
    x, y = kaplan_meier(pd.DataFrame({"duration": years, "event": ended}))
    np.testing.assert_allclose(y, curve.predict(x).to_numpy(), atol=1e-12)
    area = restricted_mean_survival_time(curve, t=HORIZON)
    assert restricted_mean(years, ended, HORIZON) == pytest.approx(area, abs=1e-9)


def test_estimators_take_each_replication_by_itself():
    rng = np.random.default_rng(1)
    years, ended = rng.integers(1, 9, (3, 4, 7)).astype(float), rng.random((3, 4, 7)) < 0.6
    at = np.array([0.0, 2.0, 5.5, 20.0])
    curves, means = surviving(years, ended, at), restricted_mean(years, ended, 6.0)
    assert curves.shape == (3, 4, 4) and means.shape == (3, 4)
    for i, j in np.ndindex(3, 4):
        np.testing.assert_allclose(curves[i, j], surviving(years[i, j], ended[i, j], at))
        assert means[i, j] == pytest.approx(restricted_mean(years[i, j], ended[i, j], 6.0))


def test_without_censoring_the_restricted_mean_is_a_mean():
    years = np.random.default_rng(1).exponential(40, 30)
    found = restricted_mean(years, np.ones(30, bool), HORIZON)
    assert found == pytest.approx(np.minimum(years, HORIZON).mean())


def made_up(*rows: tuple) -> Lives:
    """Lives from years, ended, window, cell and commitment."""
    designs = pd.DataFrame(
        {
            "case": [f"c{i}" for i in range(len(rows))],
            "cell": [CELLS.index(r[3]) for r in rows],
            "commitment": [r[4] for r in rows],
            "window": [float(r[2]) for r in rows],
        },
        index=pd.Index([f"e{i}" for i in range(len(rows))], name="episode"),
    )
    return Lives(designs, np.array([float(r[0]) for r in rows]), np.array([r[1] for r in rows]))


SMALL = made_up(
    (5, True, 70, "bilateral_weak", 0),
    (20, False, 20, "bilateral_strong", 2),
    (8, True, 60, "trilateral_weak", 1),
    (60, False, 60, "multilateral_strong", 2),
    (30, True, 80, "multilateral_weak", 0),
    (9, True, 90, "multilateral_weak", 0),
)
"""Windows end the lives that were censored; the others could have gone on."""


def certain(lives: Lives) -> xr.DataArray:
    """Hazards under which every design ends just when it did."""
    rest = np.maximum(lives.designs["window"].to_numpy() - lives.years, 1.0)
    exposure = np.column_stack([lives.years, rest]).ravel()
    hazard = np.broadcast_to(np.tile([1e-12, 1e9], len(lives.years)), (2, 3, len(exposure)))
    return xr.DataArray(
        hazard,
        dims=("chain", "draw", "stretch"),
        coords={
            "episode": ("stretch", np.repeat(lives.designs.index.to_numpy(), 2)),
            "exposure": ("stretch", exposure),
        },
    )


def constant(rates: np.ndarray, names: pd.Index, years: float = 100.0) -> xr.DataArray:
    """Hazards, shape (chain, draw, design), that do not change in two stretches a design."""
    return xr.DataArray(
        np.repeat(rates, 2, axis=-1),
        dims=("chain", "draw", "stretch"),
        coords={
            "episode": ("stretch", np.repeat(names.to_numpy(), 2)),
            "exposure": ("stretch", np.full(2 * len(names), years / 2)),
        },
    )


def test_quantities_of_lives_by_hand():
    table = _of_lives(SMALL)
    found = {name: float(q.of(SMALL)) for name, q in table.items()}
    assert found == pytest.approx(
        {
            "ended_one": 1 / 2,
            "ended_several": 2 / 4,
            "years_one": 0.5 * 5 + 0.5 * 50,
            "years_several": (8 + 9 + 30 + 50) / 4,
            "years_several_none": (9 + 30) / 2,
            "years_several_consult": 8.0,
            "years_several_defend": 50.0,
        }
    )
    assert table["years_several_none"].words.endswith("(n=2)")


def test_what_no_design_has_is_not_there():
    one = made_up((5, True, 70, "bilateral_weak", 0))
    assert set(_of_lives(one)) == {"ended_one", "years_one"}
    assert _of_lives(observed_lives_of_nothing()) == {}


def observed_lives_of_nothing() -> Lives:
    data = load("asia")
    unborn = data.episodes.assign(
        start=pd.Series(pd.NaT, data.episodes.index, dtype="datetime64[ns]"), ended=None
    )
    return observed_lives(type(data)("none", unborn, data.clients, data.years, data.codings))


def test_a_fit_that_is_certain_replicates_what_happened(data):
    for lives in (SMALL, observed_lives(data), observed_lives(load("asymmetric"))):
        found = relived(certain(lives), lives, seed=1)
        assert found.years.shape == (2, 3, len(lives.years))
        np.testing.assert_allclose(found.years, np.broadcast_to(lives.years, found.years.shape))
        assert (found.ended == lives.ended).all()
        for name, quantity in _of_lives(lives).items():
            both = quantity.of(found), np.full((2, 3), quantity.of(lives))
            np.testing.assert_allclose(*both, err_msg=name)


def test_observed_lives_and_how_long_they_can_be_followed(data):
    lives, table = observed_lives(data), durations(data.episodes)
    np.testing.assert_array_equal(lives.years, table["duration"])
    np.testing.assert_array_equal(lives.ended, table["event"] == 1)
    assert list(lives.designs.index) == list(table.index)
    start = data.episodes.set_index("episode")["start"].loc[table.index]
    longest = ((pd.Timestamp("2026-01-01") - start).dt.days / 365.2425).to_numpy()
    replaced = [table.index.get_loc(n) for n in ("brussels-1948", "us-japan-1951", "dunkirk-1947")]
    np.testing.assert_array_equal(
        lives.designs["window"].to_numpy()[replaced], lives.years[replaced]
    )
    others = np.setdiff1d(np.arange(len(table)), replaced)
    np.testing.assert_allclose(
        lives.designs["window"].to_numpy()[others], longest[others], atol=0.01
    )
    assert lives.designs.at["anzus-1951", "case"] == "pacific-pact-1951"


def test_replicated_lives_are_independent_and_censored_alike():
    names = pd.Index(["a", "b", "c"])
    designs = pd.DataFrame({"window": [100.0, 20.0, 100.0]}, index=names)
    lives = Lives(designs, np.array([9.0, 20.0, 50.0]), np.array([True, False, True]))
    rates = np.broadcast_to([0.05, 0.05, 0.2], (2, 4000, 3))
    found = relived(constant(rates, names), lives, seed=3)
    years = found.years.reshape(-1, 3)
    assert (years <= designs["window"].to_numpy()).all()
    assert (found.ended == (found.years < designs["window"].to_numpy())).all()
    assert found.ended[..., 1].mean() == pytest.approx(1 - np.exp(-1), abs=0.025)
    assert np.abs(np.corrcoef(years.T) - np.eye(3)).max() < 0.04
    whole = years[years[:, 2] < 100, 2]
    assert kstest(whole, "expon", args=(0, 5)).pvalue > 0.001
    again = relived(constant(rates, names), lives, seed=3)
    np.testing.assert_array_equal(again.years, found.years)


def test_standing_is_the_exponential_of_the_summed_hazard():
    names = pd.Index(["b", "a"])  # in the order in which the designs come
    hazard = xr.DataArray(
        np.array([[[0.1, 0.5, 0.2, 0.4]]]),
        dims=("chain", "draw", "stretch"),
        coords={
            "episode": ("stretch", np.repeat(names.to_numpy(), 2)),
            "exposure": ("stretch", np.array([10.0, 5.0, 3.0, 4.0])),
        },
    )
    ages = np.array([0.0, 2.0, 12.0, 20.0])  # the last beyond the end of observation
    found = standing(hazard, ages)
    assert found.shape == (1, 1, 2, 4)
    b = [0, 0.2, 1.0 + 2 * 0.5, 1.0 + 10 * 0.5]
    a = [0, 0.4, 0.6 + 9 * 0.4, 0.6 + 17 * 0.4]
    np.testing.assert_allclose(found[0, 0], np.exp(-np.array([b, a])))
    own = standing(hazard, np.array([[2.0], [12.0]]))
    np.testing.assert_allclose(own[0, 0, :, 0], [found[0, 0, 0, 1], found[0, 0, 1, 2]])


def scored(log_likelihood: np.ndarray) -> xr.DataTree:
    """A fit of which only the densities by case are known."""
    cases = [f"c{i}" for i in range(log_likelihood.shape[-1])]
    densities = xr.Dataset(
        {"joint": (("chain", "draw", "case"), log_likelihood)}, coords={"case": cases}
    )
    return xr.DataTree.from_dict({"log_likelihood": densities})


def simulated(count: int, seed: int, censored: bool) -> tuple[Lives, np.ndarray]:
    """Lives of known hazards."""
    rng = np.random.default_rng(seed)
    rates = np.exp(rng.normal(-3, 0.7, count))
    window = rng.uniform(5, 60, count) if censored else np.full(count, 1e6)
    drawn = rng.exponential(1 / rates)
    rows = zip(np.minimum(drawn, window), drawn < window, window, strict=True)
    return made_up(*[(*row, "bilateral_weak", 0) for row in rows]), rates


@pytest.mark.parametrize("censored", [False, True])
def test_residuals_of_true_hazards_are_uniform(censored):
    lives, rates = simulated(400, 7, censored)
    hazard = constant(np.broadcast_to(rates, (2, 100, 400)), lives.designs.index)
    noise = 1e-6 * np.random.default_rng(0).standard_normal((2, 100, 400))
    found = residuals(scored(noise), hazard, lives)
    np.testing.assert_allclose(found["point"], 1 - np.exp(-rates * lives.years))
    spread = np.random.default_rng(1).uniform(found["point"], 1)  # of a censored life, somewhere
    assert kstest(np.where(found["ended"], found["point"], spread), "uniform").pvalue > 0.001
    curve = residual_curve(found)
    assert curve["observed"].between(curve["lower"] - 1e-9, curve["upper"] + 1e-9).all()
    for wrong in (0.5, 2.0):
        off = residuals(scored(noise), hazard * wrong, lives)
        curve = residual_curve(off)
        assert (curve["observed"] < curve["lower"]).any() == (wrong > 1)
        assert (curve["observed"] > curve["upper"]).any() == (wrong < 1)


def test_residuals_are_those_of_the_fit_without_the_case():
    """Exponential lives with a gamma prior: the left-out prediction is (b / (b + t)) ** a."""
    lives, _ = simulated(12, 3, censored=True)
    events, total = lives.ended, lives.years
    a, b = 2 + events.sum(), 30 + total.sum()
    rate = np.random.default_rng(1).gamma(a, 1 / b, (4, 2000))
    density = events * np.log(rate)[..., None] - rate[..., None] * total
    hazard = constant(np.repeat(rate[..., None], 12, -1), lives.designs.index)
    step = {"draw": slice(None, None, 8)}  # as `thinned` does
    found = residuals(scored(density), hazard.isel(step), lives)
    a_i, b_i = a - events, b - total
    for column, age in (("point", total), ("limit", lives.designs["window"])):
        exact = 1 - (b_i / (b_i + age)) ** a_i
        np.testing.assert_allclose(found[column], exact, atol=0.02)
    in_sample = 1 - (b / (b + total)) ** a
    assert np.abs(found["point"] - in_sample).max() > 0.04, "leaving out makes a difference"


def test_an_envelope_by_hand():
    lines = np.repeat(np.arange(1.0, 11.0)[:, None], 3, axis=1)
    low, high = envelope(lines, 0.8)
    np.testing.assert_array_equal([low, high], [[2] * 3, [9] * 3])
    low, high = envelope(lines, 0.81)
    np.testing.assert_array_equal([low, high], [[1] * 3, [10] * 3])


@pytest.mark.parametrize("prob", [0.5, 0.9])
def test_an_envelope_holds_whole_curves(prob):
    walks = np.random.default_rng(1).standard_normal((4000, 30)).cumsum(1)
    low, high = envelope(walks[:2000], prob)
    for part, error in ((walks[:2000], 0.02), (walks[2000:], 0.05)):
        inside = ((part >= low) & (part <= high)).all(1).mean()
        assert inside == pytest.approx(prob, abs=error)
    own = ((walks[:2000] >= low) & (walks[:2000] <= high)).all(1).mean()
    assert own >= prob


def test_thinned_draws_are_evenly_spaced():
    draws = xr.Dataset({"x": (("chain", "draw"), np.arange(2000.0).reshape(2, 1000))})
    assert thinned(draws, 250)["x"].isel(chain=0).to_numpy().tolist() == list(range(0, 1000, 4))
    assert thinned(draws, 3000).sizes["draw"] == 1000


@pytest.mark.parametrize("theory", ["null", "occupation", "prospect"])
def test_lives_end_at_the_end_of_observation(theory, fits, data):
    lives = durations(data.episodes)["duration"]
    for quantity, episode in (
        ("years_seato", "southeast-asia-1954"),
        ("years_north_atlantic", "north-atlantic-1949"),
    ):
        tree = check(fits[theory], quantity)
        assert tree.attrs["observed"] == pytest.approx(lives[episode], abs=0.01)
        values = tree["posterior_predictive"][quantity].to_numpy()
        start = data.episodes.set_index("episode").loc[episode, "start"]
        longest = (pd.Timestamp("2026-01-01") - start).days / 365.2425
        assert (values > 0).all() and values.max() == pytest.approx(longest, abs=0.01)
