"""The hazard that decisions arise: known answers, recovery, carried parameters, bad input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import xarray as xr
from scipy.special import expit, logit

from bayes_alliance.data.panel import KEY, panel
from bayes_alliance.diagnostics import diagnose
from bayes_alliance.errors import InputError
from bayes_alliance.forecast import formation as module
from bayes_alliance.forecast.formation import USUAL, arises, check_years, formation, hazard
from bayes_alliance.forecast.parameters import Carried
from bayes_alliance.process.containers import (
    CLIENT_COVARIATES,
    FACTORS,
    THREAT_COMPONENTS,
    exposed_covariates,
    threat_components,
)
from bayes_alliance.process.integrated import at_draws
from bayes_alliance.process.priors import load_priors
from bayes_alliance.storage import save

SMALL = {"draws": 300, "tune": 300, "chains": 2, "seed": 1}
FLAT = {
    "alpha": {"sigma": 10.0},
    "eta": {"sigma": 10.0},
    **{f"scale_{factor}": {"sigma": 1e-6} for factor in FACTORS},
}
"""Wide priors, and no differences between patrons, theatres and eras."""
WEIGHTS = dict(zip(THREAT_COMPONENTS, (0.6, 0.2, 0.5, 0.8, 0.6), strict=True))
GAMMAS = dict(zip(CLIENT_COVARIATES, (0.4, -0.3, 0.6, 0.5), strict=True))


@pytest.fixture(scope="module")
def years() -> pd.DataFrame:
    return check_years(panel(), ("major", "decisions"))


def as_drawn(years: pd.DataFrame, rate: np.ndarray, seed: int) -> pd.DataFrame:
    """The panel with decisions that arise at a rate, in the years at risk."""
    chance = np.random.default_rng(seed).random(len(years)) < -np.expm1(-rate)
    return years.assign(decisions=chance.astype(float) * (years["major"] == 1))


@pytest.fixture(scope="module")
def steady(fits, years) -> tuple[xr.DataTree, pd.DataFrame]:
    """Hazard without a driver, of decisions that follow the number of the unallied alone."""
    rate = np.exp(-1.8 + 0.7 * (np.log1p(years["unallied"].to_numpy()) - USUAL))
    drawn = as_drawn(years, rate, 7)
    return formation(fits["null"], drawn, priors=FLAT, **SMALL), drawn


def error(draws: xr.DataArray) -> float:
    """Four Monte Carlo standard errors of a posterior mean, at a hundred effective draws."""
    return 4 * float(draws.std()) / 10


# --- known answers --------------------------------------------------------------------------------


def test_wide_priors_give_the_regression(steady):
    """The posterior of a cloglog regression without hierarchy is about its likelihood."""
    form, drawn = steady
    rows = drawn[drawn["major"] == 1]
    design = sm.add_constant(np.log1p(rows["unallied"].to_numpy()) - USUAL)
    family = sm.families.Binomial(sm.families.links.CLogLog())
    found = sm.GLM(rows["decisions"].to_numpy(), design, family=family).fit()
    for i, name in enumerate(("alpha", "eta")):
        draws = form["posterior"][name]
        assert abs(float(draws.mean()) - found.params[i]) < error(draws), name
        assert float(draws.std()) == pytest.approx(found.bse[i], rel=0.3), name


def test_constant_hazard_is_events_over_exposure(fits, years):
    drawn = as_drawn(years.assign(unallied=19.0), np.full(len(years), 0.15), 3)
    form = formation(fits["null"], drawn, priors=FLAT, **SMALL)
    rows = drawn[drawn["major"] == 1]
    share = rows["decisions"].mean()
    yearly = hazard(form, rows.iloc[[0, 500, -1]])
    wanted = -np.log1p(-share)
    assert wanted == pytest.approx(0.15, abs=0.03)
    for i in range(3):
        assert abs(float(yearly[:, i].mean()) - wanted) < error(yearly[:, i])


def test_pointwise_likelihood_is_that_of_the_hazard(steady):
    form, drawn = steady
    rows = drawn[drawn["major"] == 1].sort_values(KEY).reset_index(drop=True)
    some = np.arange(0, len(rows), 97)
    likelihood = form["log_likelihood"]["decided"]
    assert likelihood.sizes["row"] == len(rows)
    rate = hazard(form, rows.iloc[some])
    arose = rows["decisions"].to_numpy()[some] > 0
    wanted = np.where(arose, np.log(-np.expm1(-rate)), -rate)
    flat = likelihood.to_numpy().reshape(-1, len(rows))[:, some]
    np.testing.assert_allclose(flat, wanted, rtol=1e-6)  # it is kept in single precision
    assert arose.any() and not arose.all()


@pytest.mark.parametrize("theory", ["prospect", "threat", "occupation", "both", "null"])
def test_hazard_by_hand(theory, years):
    """One draw, the driver from the panel's columns with numpy alone."""
    rows = years[(years["patron"] == "USA") & (years["year"] <= 1960)]
    rows = rows[rows["theatre"].isin(["europe", "asia"])].reset_index(drop=True)
    rho, kappa = 0.3, 1.7
    values = {f"w_{k}": v for k, v in WEIGHTS.items()} | {"rho": rho, "kappa": kappa}
    values |= {f"gamma_{k}": v for k, v in GAMMAS.items()}
    kind = {"rho": "beta", "kappa": "log_normal"}
    names = module._asked(theory, {}, rows)
    line = {"rho": logit(rho), "kappa": np.log(kappa)}
    mean = np.array([line.get(name, values[name]) for name in names])
    kinds = {name: kind.get(name, "normal") for name in names}
    carried = Carried(kinds, mean, np.eye(len(names)) * 0.1)
    at_risk = np.ones(len(rows), bool)
    arrays = module._arrays(rows, at_risk)
    model = module._model(theory, {}, carried, load_priors("formation"), arrays)
    # numpy: threat, its past, and credibility
    level = threat_components(rows) @ np.array(list(WEIGHTS.values()))
    gap = np.zeros(len(rows))
    for _, own in rows.groupby(["patron", "theatre"]):
        now = level[own.index]
        for i in range(1, len(now)):
            past = rho * now[max(0, i - 5) : i].mean() + (1 - rho) * now[:i].mean()
            gap[own.index[i]] = now[i] - past
    drivers = {
        "credibility": exposed_covariates(rows) @ np.array(list(GAMMAS.values())),
        "frame": expit(kappa * gap) - 0.5,
        "threat": level,
    }
    wanted_drivers = {
        "prospect": ["frame"],
        "threat": ["threat"],
        "occupation": ["credibility"],
        "both": ["credibility", "frame"],
        "null": [],
    }[theory]
    assert list(model.coords.get("driver", ())) == wanted_drivers
    b = np.array([0.8, -0.5])[: len(wanted_drivers)]
    point = {"alpha": -2.0, "eta": 0.4, **{f"scale_{f}": [1.0] for f in FACTORS}}
    point |= {"b": b} if len(b) else {}
    point |= {"z_carried": np.zeros(len(names))} if names else {}
    effect = {"z_theatre": [[0.3, -0.3]], "z_era": [[0.2, -0.2]]}
    draws = xr.Dataset(
        {
            rv.name: (
                ("chain", "draw", *model.named_vars_to_dims.get(rv.name, ())),
                np.asarray((point | effect)[rv.name], float)[None, None],
            )
            for rv in model.free_RVs
        },
        coords={"chain": [0], "draw": [0]},
    )
    found = at_draws(model, draws, {"hazard": model["hazard"]})["hazard"].to_numpy()[0, 0]
    log_hazard = -2.0 + 0.4 * (np.log1p(rows["unallied"].to_numpy()) - USUAL)
    log_hazard += sum(k * drivers[name] for k, name in zip(b, wanted_drivers, strict=True))
    log_hazard += np.where(rows["theatre"] == "asia", 0.3, -0.3)
    log_hazard += np.where(rows["year"] > 1945, 0.2, -0.2)  # bipolar comes first by name
    np.testing.assert_allclose(found, np.exp(log_hazard), rtol=1e-9)


# --- recovery and the carried parameters ----------------------------------------------------------


def test_the_effect_of_a_driver_is_recovered(fits, years):
    """Decisions drawn with b = 2 and the fit's mean parameters; b = 0 lies off."""
    tree = fits["prospect"]
    posterior = tree["posterior"].to_dataset().mean(("chain", "draw"))
    rows = years.sort_values(KEY).reset_index(drop=True)
    history = module.threat_history(rows)
    w = np.array([float(posterior[f"w_{name}"]) for name in THREAT_COMPONENTS])
    now, recent, long_run = (history[f"threat_{k}"] @ w for k in ("now", "recent", "long_run"))
    rho = float(posterior["rho"])
    frame = expit(float(posterior["kappa"]) * (now - rho * recent - (1 - rho) * long_run)) - 0.5
    drawn = as_drawn(rows, np.exp(-1.5 + 2.0 * frame), 5)
    form = formation(tree, drawn, **SMALL)
    b = form["posterior"]["b"].sel(driver="frame")
    assert abs(float(b.mean()) - 2.0) < 3 * float(b.std())
    assert float(b.mean()) > 2 * float(b.std()), "a strong driver is not seen"
    assert set(module._asked("prospect", {}, years)) < set(form["posterior"].data_vars)
    assert diagnose(form)["divergences"] == 0


@pytest.mark.parametrize("theory", ["prospect", "occupation"])
def test_carried_parameters_have_the_moments_of_the_fit(fits, years, theory):
    """On the line exactly; on the parameter's own scale as far as a normal goes."""
    tree = fits[theory]
    names = module._asked(theory, {}, years)
    carried = Carried.of(tree, names)
    posterior = {name: tree["posterior"][name].to_numpy().ravel() for name in names}
    to_line = {"normal": np.asarray, "log_normal": np.log, "beta": logit}
    line = np.array([to_line[k](posterior[n]) for n, k in carried.kinds.items()])
    np.testing.assert_allclose(carried.mean, line.mean(1))
    np.testing.assert_allclose(carried.root @ carried.root.T, np.cov(line))
    drawn = carried.random(4000, 1)
    for name, values in posterior.items():
        spread = values.std()
        assert abs(drawn[name].mean() - values.mean()) < 0.15 * spread, name
        assert drawn[name].std() == pytest.approx(spread, rel=0.2), name


def test_a_parameter_that_a_fit_has_not_is_refused(fits):
    with pytest.raises(InputError, match="a parameter of the fit"):
        Carried.of(fits["null"], ["gamma_land"])
    with pytest.raises(InputError, match="with one value"):
        Carried.of(fits["null"], ["scale_era"])


def test_a_theory_of_ones_own_can_drive(years, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent / "theories"))
    name = "own_theories.crowd"
    assert module._asked(name, {}, years) == ["crowd_partners"]
    carried = Carried({"crowd_partners": "normal"}, np.ones(1), np.eye(1))
    arrays = module._arrays(years.head(20), np.ones(20, bool))
    model = module._model(name, {}, carried, load_priors("formation"), arrays)
    assert list(model.coords["driver"]) == ["crowd"]


# --- forecasts ------------------------------------------------------------------------------------


def ahead(years: pd.DataFrame, count: int = 4) -> pd.DataFrame:
    """Years to come of the United States in Asia, as the last one was."""
    last = years[(years["patron"] == "USA") & (years["theatre"] == "asia")].tail(1)
    return pd.concat([last.assign(year=last["year"] + 1 + i) for i in range(count)])


def test_arising_by_a_year_is_one_minus_none_before(steady, years):
    rows = ahead(years).iloc[[2, 0, 3, 1]]  # in any order
    yearly, total = hazard(steady[0], rows), arises(steady[0], rows)
    assert yearly.sizes == {"draw": 600, "row": 4}
    np.testing.assert_array_equal(total["year"], rows["year"])
    p = -np.expm1(-yearly.to_numpy())
    for i, year in enumerate(rows["year"]):
        before = rows["year"].to_numpy() <= year
        np.testing.assert_allclose(total[:, i], 1 - np.prod(1 - p[:, before], axis=1), atol=1e-12)


def test_pairs_have_horizons_of_their_own(steady, years):
    rows = ahead(years, 2)
    both = pd.concat([rows, rows.assign(theatre="europe")])
    total = arises(steady[0], both).to_numpy()
    np.testing.assert_allclose(total[:, :2], arises(steady[0], rows), atol=1e-12)
    assert (total[:, 2] < total[:, 1]).all(), "another theatre's years were counted"


def test_unseen_levels_draw_their_effects(steady, years):
    """The effects of those seen are the same whoever else is asked about; others are drawn."""
    form = steady[0].copy()
    posterior = form["posterior"].to_dataset()
    posterior["scale_patron"] = xr.full_like(posterior["scale_patron"], 0.8)
    form["posterior"] = xr.DataTree(posterior)
    rows = ahead(years, 1)
    both = pd.concat([rows, rows.assign(patron="IND")])
    found = np.log(hazard(form, both).to_numpy())
    np.testing.assert_allclose(found[:, 0], np.log(hazard(form, rows).to_numpy()[:, 0]))
    patrons = sorted(set(years.loc[years["major"] == 1, "patron"]))
    own = posterior["z_patron"].isel(stage=0, patron=patrons.index("USA")).to_numpy().ravel()
    drawn = (found[:, 1] - found[:, 0]) / 0.8 + own
    assert abs(drawn.std() - 1) < 4 / np.sqrt(2 * len(drawn))
    assert abs(drawn.mean()) < 4 / np.sqrt(len(drawn))


def test_it_is_saved_and_asked_again(steady, years, tmp_path):
    form, _ = steady
    path = save(form, tmp_path / "form.nc")
    again = xr.open_datatree(path, engine="netcdf4").load()
    rows = ahead(years)
    np.testing.assert_array_equal(arises(again, rows), arises(form, rows))
    again.close()
    assert {"seconds", "seed", "data_hash", "version_pymc"} <= set(form.attrs)


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("patron", "XYZ", "a state listed"),
        ("patron", None, "a state listed"),
        ("theatre", "moon", "one of americas"),
        ("year", None, "a whole number"),
        ("year", 2030.5, "a whole number"),
        ("year", 3000, "between 1816 and 2200"),
        ("unallied", -1, "a whole number"),
        ("unallied", None, "a whole number"),
        ("power_ratio", "much", "a finite number"),
        ("power_ratio", np.inf, "a finite number"),
        ("exposed_distance_km", -60, "between 0 and 20040"),
        ("exposed_occupied", 1.5, "between 0 and 1"),
    ],
)
def test_rows_that_cannot_be_used(years, column, value, words):
    rows = ahead(years, 2).astype({column: object}).reset_index(drop=True)
    rows.loc[1, column] = value
    with pytest.raises(InputError, match=words) as caught:
        check_years(rows)
    assert (caught.value.row, caught.value.column) == (1, column)


def test_rows_without_a_column_are_refused(years):
    for name in ("year", "unallied", "power_ratio"):
        with pytest.raises(InputError, match=f"a column '{name}'"):
            check_years(ahead(years).drop(columns=name))
    for rows in (None, ahead(years).head(0), [1, 2]):
        with pytest.raises(InputError, match="a table with a row or more"):
            check_years(rows)


def test_a_year_twice_or_left_out_is_refused(steady, years):
    rows = ahead(years, 3)
    with pytest.raises(InputError, match="once"):
        check_years(pd.concat([rows, rows]))
    with pytest.raises(InputError, match="every year of USA in asia") as caught:
        arises(steady[0], rows.iloc[[0, 2]])
    assert caught.value.value == rows["year"].iloc[1]


def test_panels_and_arguments_that_cannot_be_used(fits, years):
    with pytest.raises(InputError, match="a column 'decisions'"):
        formation(fits["null"], years.drop(columns="decisions"))
    with pytest.raises(InputError, match="a whole number"):
        formation(fits["null"], years.assign(decisions=-1))
    with pytest.raises(InputError, match="an observed year of a major power"):
        formation(fits["null"], years.assign(major=0))
    with pytest.raises(InputError, match="a whole number of at least 10"):
        formation(fits["null"], years, draws=1)
    with pytest.raises(InputError, match="a parameter among"):
        formation(fits["null"], years, priors={"beta_6": {"sigma": 1}})
