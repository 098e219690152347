"""Forecasts from an origin: known answers, and no sight of what came after."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from backtest_examples import with_another_future, with_other_outcomes

from bayes_alliance.compare.yardsticks import lapsed
from bayes_alliance.data.panel import panel
from bayes_alliance.errors import InputError
from bayes_alliance.fit import model_of
from bayes_alliance.forecast.backtest import (
    exposure_ahead,
    forecast_designs,
    forecast_lives,
    forecast_years,
    mixed,
    numbers,
    theory_designs,
    weights_of,
    years_ahead,
)
from bayes_alliance.forecast.baselines import (
    BASE,
    OWN,
    PRIOR_YEARS,
    SURVIVAL,
    design_baselines,
    life_baselines,
    year_baselines,
)
from bayes_alliance.forecast.formation import formation
from bayes_alliance.forecast.known import cases_after, known_at, known_panel, lives_after
from bayes_alliance.process.integrated import at_draws
from bayes_alliance.process.survival import alliance_years, durations
from bayes_alliance.storage import data_of

ORIGIN, UNTIL = 1952, 1967


@pytest.fixture(scope="module")
def years() -> pd.DataFrame:
    return panel()


@pytest.fixture(scope="module")
def lives(fits, data) -> xr.Dataset:
    trees = {name: fits[name] for name in ("null", "prospect")}
    return forecast_lives(trees, {"null": 0.25, "prospect": 0.75}, data, ORIGIN, UNTIL)


# --- designs --------------------------------------------------------------------------------------


def test_the_null_forecasts_what_its_levels_say(fits, data):
    """Without a latent variable a case's forecast is that of its row of the fit's own model."""
    tree = fits["null"]
    cases = cases_after(data, 1951, 1956)
    found = theory_designs(tree, cases, draws=600)
    model, _ = model_of(tree)
    posterior = tree["posterior"].to_dataset()
    own = at_draws(model, posterior, {"design_probability": model["design_probability"]})
    mean = own["design_probability"].mean(("chain", "draw"))
    place = [data_of(tree).episodes["episode"].tolist().index(c) for c in cases.episodes["episode"]]
    for information in found:
        np.testing.assert_allclose(information, mean.to_numpy()[place], rtol=1e-6)


def test_outcomes_are_not_seen(fits, data):
    """Other outcomes of the same cases, and more cases, leave every forecast as it is."""
    trees, weights = {"prospect": fits["prospect"]}, {"prospect": 1.0}
    found = forecast_designs(trees, weights, data, 1951, 1956)
    other = forecast_designs(trees, weights, with_other_outcomes(data, 1951, 4), 1951, 1956)
    assert (found["cell_observed"] != other["cell_observed"].sel(case=found["case"])).any()
    same = other["probability"].sel(case=found["case"].values)
    np.testing.assert_allclose(same, found["probability"], rtol=1e-9)
    np.testing.assert_allclose(found["probability"].sum("cell"), 1.0, rtol=1e-6)


def test_the_mixture_is_in_proportion():
    found = {"a": np.array([[0.2, 0.8]]), "b": np.array([[0.6, 0.4]])}
    np.testing.assert_allclose(mixed(found, {"a": 0.25, "b": 0.75}), [[0.5, 0.5]])


def test_weights_sum_to_one(fits):
    weights = weights_of({name: fits[name] for name in ("null", "prospect")})
    assert sum(weights.values()) == pytest.approx(1, abs=1e-3)
    assert weights_of({"null": fits["null"]}) == {"null": 1.0}


# --- lives ----------------------------------------------------------------------------------------


def test_a_life_by_hand(fits, data, lives):
    """The North Atlantic alliance: hazards of its ages, and of its theatre, patron and era."""
    draws = fits["null"]["posterior"].to_dataset().stack(sample=("chain", "draw"))
    effect = 0.0
    for factor, level in (("theatre", "europe"), ("patron", "USA"), ("era", "bipolar")):
        if f"z_{factor}" in draws:
            z = draws[f"z_{factor}"].sel(stage="hazard", **{factor: level})
            effect = effect + draws[f"scale_{factor}"].sel(stage="hazard") * z
    step = draws["hazard_step"]
    log_hazard = draws["hazard_0"] + effect + step - step.mean("age")
    young, middle = (np.exp(log_hazard.isel(age=i)).to_numpy() for i in (0, 1))
    one = lives.sel(design="north-atlantic-1949", threat="carried", name="null")
    age = float(one["age"])
    assert age == pytest.approx(2.35, abs=0.01)
    for ahead in (1, 5, 12):
        before, after = min(ahead, 10 - age), max(0.0, ahead - (10 - age))
        wanted = np.exp(-young * before - middle * after).mean()
        assert float(one["standing"].sel(ahead=ahead)) == pytest.approx(wanted, rel=1e-6)


def test_the_threat_to_come_is_not_seen(fits, data, lives):
    """With the threat carried on, another future leaves the lives of designs in force."""
    other = forecast_lives(
        {name: fits[name] for name in ("null", "prospect")},
        {"null": 0.25, "prospect": 0.75},
        with_another_future(data, ORIGIN, 3),
        ORIGIN,
        UNTIL,
    )
    on = lives["design"].values[lives["made"].values == 0]
    names = ["null", "prospect", "stacked", SURVIVAL, "Cox"]
    one, two = (found["standing"].sel(design=on, name=names) for found in (lives, other))
    np.testing.assert_allclose(one.sel(threat="carried"), two.sel(threat="carried"), rtol=1e-9)
    apart = np.abs(one.sel(threat="told") - two.sel(threat="told")).max(("design", "ahead"))
    assert float(apart.sel(name="prospect")) > 1e-4 and float(apart.sel(name="null")) < 1e-9


def test_survival_falls_from_one(lives):
    standing = lives["standing"].to_numpy()
    np.testing.assert_allclose(standing[..., 0], 1.0)
    assert (np.diff(standing, axis=-1) <= 1e-12).all() and (standing > 0).all()


def test_exposure_ahead_is_the_time_passed(data):
    """Every design spends the years ahead somewhere: within its stretches or beyond the last."""
    asked, truth = lives_after(data, ORIGIN, UNTIL)
    ahead = np.arange(16.0)
    age = truth["age"].to_numpy()
    found = exposure_ahead(alliance_years(asked.episodes), asked, age, ahead)
    np.testing.assert_allclose(found.sum(-1), np.tile(ahead, (len(truth), 1)), atol=1e-9)


def test_kaplan_meier_given_the_age(data):
    """S(age + t) / S(age) of the curve of what was known."""
    known = known_at(data, 1955)
    asked, truth = lives_after(data, 1955, 1970)
    age, ahead = truth["age"].to_numpy(), np.arange(16.0)
    found, _ = life_baselines(known, asked, age, ahead)
    lives = durations(known.episodes)
    times = np.sort(lives.loc[lives["event"] == 1, "duration"].unique())

    def curve(t: float) -> float:
        steps = [
            1
            - ((lives["duration"] == at) & (lives["event"] == 1)).sum()
            / (lives["duration"] >= at - 1e-12).sum()
            for at in times[times <= t]
        ]
        return float(np.prod(steps))

    for i in range(len(truth)):
        share = curve(age[i] + 9) / curve(age[i])
        wanted = lapsed(np.array([share, 1 - share]))[0]
        assert found[SURVIVAL][i, 9] == pytest.approx(wanted, rel=1e-6), truth.index[i]


# --- years ----------------------------------------------------------------------------------------


def test_base_rates_of_years_by_hand(years):
    known = known_panel(years, 1955)
    rows = years_ahead(known, 1955, 1970)
    found = {k: -np.expm1(-v) for k, v in year_baselines(known, rows, 1).items()}
    risk = known[known["major"] == 1]
    total = (risk["decisions"] > 0).mean()
    error = 4 * found[BASE][:, 0].std() / np.sqrt(len(found[BASE]))
    assert found[BASE][:, 0].mean() == pytest.approx(total, abs=error + 0.5 / len(risk))
    own = risk.query("patron == 'USA' and theatre == 'europe'")["decisions"] > 0
    wanted = (own.sum() + PRIOR_YEARS * total) / (len(own) + PRIOR_YEARS)
    at = rows.index[(rows["patron"] == "USA") & (rows["theatre"] == "europe")][0]
    spread = found[OWN][:, at].std()
    assert found[OWN][:, at].mean() == pytest.approx(wanted, abs=4 * spread / np.sqrt(2000) + 1e-3)


def test_numbers_of_constant_hazards():
    """Fifteen years at one hazard: a binomial number, and any of them with 1 - exp(-15 h)."""
    from scipy.stats import binom

    rate = np.full((4000, 30), 0.13)
    place = np.repeat([0, 1], 15)
    found = numbers(rate, place, np.random.default_rng(1))
    np.testing.assert_allclose(found["any"], 1 - np.exp(-15 * 0.13))
    chance = 1 - np.exp(-0.13)
    wanted = binom(15, chance).pmf(np.arange(16))
    np.testing.assert_allclose(found["count"], np.tile(wanted, (2, 1)), atol=0.03)
    assert found["total"][0] == pytest.approx(30 * chance)
    assert list(found["total"][1:]) == list(binom(30, chance).ppf([0.05, 0.95]))


def test_years_to_come_are_not_seen(fits, years):
    """One small fit, two futures: the same forecasts with the last known year carried on."""
    known = known_panel(years, 1955)
    small = {"draws": 100, "tune": 200, "chains": 2, "seed": 1}
    forms = {"null": formation(fits["null"], known, **small)}
    found = forecast_years(forms, {"null": 1.0}, years, 1955, 1970)
    changed = years.copy()
    later = changed["year"] >= 1955
    rng = np.random.default_rng(1)
    for column in ("decisions", "unallied", "power_ratio"):
        changed.loc[later, column] = rng.permutation(changed.loc[later, column].to_numpy())
    other = forecast_years(forms, {"null": 1.0}, changed, 1955, 1970)
    one, two = (table.sel(threat="carried") for table in (found, other))
    for quantity in ("probability", "any"):
        np.testing.assert_allclose(one[quantity], two[quantity], rtol=1e-12)
    assert not np.allclose(*(t["probability"].sel(threat="told") for t in (found, other)))
    arose = years[years["year"].between(1955, 1969) & (years["decisions"] > 0)]
    assert int(found["arose"].sum()) + found.attrs["missed"] == len(arose)
    new = arose.merge(known[["patron", "theatre"]].drop_duplicates(), how="left", indicator=True)
    assert found.attrs["missed"] == (new["_merge"] == "left_only").sum() > 0
    np.testing.assert_allclose(found["count"].sum("number"), 1.0)


# --- base rates, bad input ------------------------------------------------------------------------


def test_base_rates_of_designs_by_hand(data):
    known, cases = known_at(data, 1952), cases_after(data, 1952, 1956)
    found, notes = design_baselines(known, cases, promises=False)
    cell = known.episodes.loc[known.episodes["episode"] == known.episodes["case"]]
    none = (cell["outcome"] == "none").sum()
    assert found[BASE][0, 0] == pytest.approx((none + 1) / (len(cell) + 7))
    assert set(found) == set(notes) == {BASE, "ordered logit", "multinomial logit"}
    for name, p in found.items():
        assert (p > 0).all(), name
        np.testing.assert_allclose(p.sum(1), 1.0, rtol=1e-6, err_msg=name)


@pytest.mark.parametrize(("origin", "until"), [(2020, 2035), (1955, 1955), (1960, 1950)])
def test_years_that_are_not_observed_are_refused(data, origin, until):
    with pytest.raises(InputError, match="until"):
        forecast_designs({}, {}, data, origin, until)


def test_years_without_a_case_are_refused(data):
    with pytest.raises(InputError, match="case arose"):
        forecast_designs({}, {}, data, 1990, 2005)
