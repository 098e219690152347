"""Forecasts: probabilities, weights, unseen levels, and the direction of what is supposed."""

from __future__ import annotations

import csv
import dataclasses
import io

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import expit, softmax

from bayes_alliance.errors import InputError
from bayes_alliance.forecast.forecast import (
    INPUTS,
    STACKED,
    as_csv,
    carry_over,
    design_draws,
    forecast,
    stack,
)
from bayes_alliance.forecast.inputs import Normal
from bayes_alliance.forecast.levers import Intervention
from bayes_alliance.forecast.promises import Promises
from bayes_alliance.forecast.sample import sample
from bayes_alliance.forecast.scenario import Scenario, read
from bayes_alliance.process.cells import (
    ALLIANCE,
    CELLS,
    COMMITMENTS,
    DEPARTURES,
    MULTILATERAL,
    PARTNERS,
    STRONG,
)
from bayes_alliance.text import csv_cell

THEORIES = ("occupation", "prospect", "null")
WEIGHTS = {"occupation": 0.5, "prospect": 0.2, "null": 0.3}
EVERY_DRAW = 600
SOME = 100


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return read("quad-status-quo")


@pytest.fixture(scope="module")
def table(fits, scenario):
    return forecast(fits, scenario, WEIGHTS)


def changed(tree: xr.DataTree, **values) -> xr.DataTree:
    """A fit with some parameters set to a value in every draw."""
    out = tree.copy()
    posterior = out["posterior"].to_dataset()
    for name, value in values.items():
        posterior[name] = xr.full_like(posterior[name], value)
    out["posterior"] = xr.DataTree(posterior)
    return out


def promised(scenario: Scenario, level: str) -> Scenario:
    return dataclasses.replace(
        scenario, commitment={c: float(c == level) for c in ("none", "consult", "defend")}
    )


def test_probabilities_sum_to_one(table):
    assert set(table["theory"]) == {*THEORIES, STACKED}
    for theory, rows in table.groupby("theory"):
        assert list(rows["cell"]) == list(CELLS), theory
        assert rows["probability"].sum() == pytest.approx(1, abs=1e-9), theory
    assert (table["lower"] <= table["probability"]).all()
    assert (table["probability"] <= table["upper"]).all()
    assert table[["lower", "upper"]].stack().between(0, 1).all()


def test_stacked_is_the_weighted_mean(table):
    wide = table.pivot(index="cell", columns="theory", values="probability")
    low, high = wide[list(THEORIES)].min(axis=1), wide[list(THEORIES)].max(axis=1)
    mean = sum(w * wide[name] for name, w in WEIGHTS.items())
    # the mixture is resampled: 4000 draws with a standard deviation below 1/4
    error = 4 * 0.25 / np.sqrt(4000)
    np.testing.assert_allclose(wide[STACKED], mean, atol=error)
    assert (wide[STACKED] > low - error).all() and (wide[STACKED] < high + error).all()


def test_the_same_question_has_the_same_answer(table, fits, scenario):
    one = {"null": fits["null"]}
    first, second = (forecast(one, s, {"null": 1.0}) for s in (scenario, "quad-status-quo"))
    np.testing.assert_array_equal(first["probability"], second["probability"])
    of_null = table[table["theory"] == "null"].reset_index(drop=True)
    alone = first[first["theory"] == "null"].reset_index(drop=True)
    np.testing.assert_array_equal(of_null["probability"], alone["probability"])


def test_one_theory_needs_no_weights(fits, scenario):
    out = forecast({"null": fits["null"]}, scenario)
    wide = out.pivot(index="cell", columns="theory", values="probability")
    np.testing.assert_allclose(wide[STACKED], wide["null"], atol=4 * 0.25 / np.sqrt(600))


@pytest.mark.parametrize(
    "weights",
    [
        {"occupation": 1.0},
        {"occupation": 0.5, "prospect": 0.2, "realism": 0.3},
        {"occupation": 0.5, "prospect": 0.2, "null": 0.2},
        {"occupation": 1.5, "prospect": -0.5, "null": 0.0},
        {"occupation": float("nan"), "prospect": 0.5, "null": 0.5},
    ],
    ids=str,
)
def test_weights_that_do_not_fit_are_refused(weights, fits, scenario):
    with pytest.raises(InputError) as caught:
        forecast(fits, scenario, weights)
    assert caught.value.column == "weights"


def test_no_fits_are_refused(scenario):
    with pytest.raises(InputError) as caught:
        forecast({}, scenario)
    assert caught.value.column == "fits"


@pytest.mark.parametrize("sign", [-1, 1])
def test_promises_move_the_forecast_with_beta_1(sign, fits, scenario):
    tree = changed(fits["occupation"], beta_1=sign * 1.0, beta_4=0.0, beta_4t=0.0, beta_5=0.0)
    few, many = (
        design_draws(tree, promised(scenario, level), SOME) @ MULTILATERAL
        for level in ("none", "defend")
    )
    assert (sign * (many - few) > 0).all()


def test_uncertain_promises_mix_the_forecasts(fits, scenario):
    half = dataclasses.replace(scenario, commitment={"none": 0.5, "consult": 0.0, "defend": 0.5})
    few, many, mixed = (
        design_draws(fits["occupation"], s, SOME)
        for s in (promised(scenario, "none"), promised(scenario, "defend"), half)
    )
    np.testing.assert_allclose(mixed, (few + many) / 2, atol=1e-9)


def test_inputs_that_hardly_vary_give_what_known_ones_give(fits, scenario):
    """Each draw of the inputs goes with its own part of the posterior, and none is lost."""
    known = scenario.clients["JPN"]["capability_ratio"]
    nearly = Normal(np.log(known), 1e-9, 1e-4, 1e6, log=True)
    row = scenario.clients["JPN"] | {"capability_ratio": nearly}
    doubtful = dataclasses.replace(scenario, clients=scenario.clients | {"JPN": row})
    tree = fits["occupation"]
    chains = tree["posterior"].sizes["chain"]
    expected = design_draws(tree, scenario, chains * INPUTS)
    got = design_draws(tree, doubtful, chains * INPUTS)
    np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_promises_that_are_not_sure_are_mixed_draw_by_draw(fits, scenario):
    """By hand: each draw of the promises' probabilities mixes the forecasts of the levels."""
    tree = fits["occupation"]
    chains = tree["posterior"].sizes["chain"]
    doubtful = dataclasses.replace(scenario, certainty=3.0)
    drawn = sample(doubtful, INPUTS, tree.attrs["seed"])["commitment"].sel(year=scenario.year)
    shape = (chains, INPUTS, -1)
    by_hand = sum(
        drawn.sel(commitment_level=level).to_numpy()[:, None]
        * design_draws(tree, promised(scenario, level), chains * INPUTS).reshape(shape)
        for level in COMMITMENTS
    )
    got = design_draws(tree, doubtful, chains * INPUTS).reshape(shape)
    np.testing.assert_allclose(got, by_hand, rtol=1e-6)


def test_an_intervention_moves_the_forecast_from_its_year_on(fits, scenario):
    sure = Promises(promised(scenario, "defend").commitment)
    late = Intervention(2030, 2035, {"commitment": sure}, "Supposed.")
    changed_later = dataclasses.replace(scenario, interventions=(late,))
    for year, same_as in ((2029, scenario), (2030, promised(scenario, "defend"))):
        got, expected = (
            design_draws(fits["occupation"], s, SOME, year) for s in (changed_later, same_as)
        )
        np.testing.assert_allclose(got, expected, atol=1e-12)


def test_a_patron_and_theatre_without_years_are_forecast_all_the_same(fits):
    out = design_draws(fits["prospect"], read("sahel-status-quo"), SOME)
    np.testing.assert_allclose(out.sum(1), 1)


@pytest.mark.parametrize("title", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", '<b>"a", b</b>'])
def test_a_title_in_a_table_is_no_formula(title, table, scenario):
    text = as_csv(table, dataclasses.replace(scenario, title=title))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == len(table)
    assert {row["title"] for row in rows} == {csv_cell(title)}
    assert csv_cell(title)[0] == ("<" if title[0] == "<" else "'")
    assert {row["scenario"] for row in rows} == {scenario.name}
    back = pd.read_csv(io.StringIO(text))
    np.testing.assert_allclose(back["probability"], table["probability"])


def test_promises_do_not_move_theories_that_do_not_ask(fits, scenario):
    for name in ("null", "prospect"):
        few, many = (
            design_draws(fits[name], promised(scenario, level), 60) for level in ("none", "defend")
        )
        np.testing.assert_array_equal(few, many, err_msg=name)


def test_an_unseen_era_widens_the_forecast(fits, scenario):
    tree = fits["null"]
    assert "z_era" not in tree["posterior"], "all cases are of one era"
    widths = []
    for theory in (tree, changed(tree, scale_era=0.0), changed(tree, scale_era=3.0)):
        share = design_draws(theory, scenario, EVERY_DRAW) @ MULTILATERAL
        widths.append(np.diff(np.quantile(share, [0.05, 0.95]))[0])
    assert widths[1] < widths[0] < widths[2]


def test_without_an_era_effect_the_null_repeats_its_past(fits, scenario, data):
    """An American case in Asia: the forecast is the in-sample prediction, draw by draw."""
    tree = changed(fits["null"], scale_era=0.0)
    p = tree["posterior"].to_dataset()
    at = data.episodes.index[data.episodes["episode"] == "us-taiwan-1954"][0]
    got = design_draws(tree, scenario, EVERY_DRAW)
    effect = sum(
        (p[f"scale_{f}"] * p[f"z_{f}"]).sel({f: data.episodes.loc[at, f]})
        for f in ("theatre", "patron")
    ).stack(sample=("chain", "draw"))
    flat = p.stack(sample=("chain", "draw"))
    e = {s: effect.sel(stage=s).to_numpy()[:, None] for s in ("partners", "strong", "acceptance")}
    u = (
        flat["alpha_alliance"].to_numpy()[:, None] * ALLIANCE
        + (flat["alpha_partner"].to_numpy()[:, None] + e["partners"]) * PARTNERS
        + (flat["alpha_strong"].to_numpy()[:, None] + e["strong"]) * STRONG
        + flat["alpha_departure"].transpose("sample", "departure").to_numpy() @ DEPARTURES.T
    )
    accept = expit(flat["acceptance_0"].to_numpy() + e["acceptance"][:, 0])
    q = softmax(u, axis=1)
    by_hand = 0.98 * accept * (q @ MULTILATERAL) + 0.02 * 2 / 7
    np.testing.assert_allclose(got @ MULTILATERAL, by_hand, rtol=1e-6)


def test_seen_levels_are_carried_over_and_others_drawn():
    rng = np.random.default_rng(0)
    stages = ["partners", "strong", "acceptance", "hazard"]
    posterior = xr.Dataset(
        {
            "z_theatre": (("chain", "draw", "stage", "theatre"), rng.normal(size=(2, 2000, 4, 2))),
            "hazard_0": (("chain", "draw"), rng.normal(size=(2, 2000))),
        },
        coords={
            "chain": [0, 1],
            "draw": np.arange(2000),
            "stage": stages,
            "theatre": ["europe", "asia"],
        },
    )
    theatres, eras = ["europe", "asia", "africa"], ["bipolar", "contemporary"]
    coords = {"stage": stages, "theatre": theatres, "era": eras}
    needed = {
        "z_theatre": (("stage", "theatre"), coords),
        "z_era": (("stage", "era"), coords),
        "hazard_0": ((), coords),
    }
    out = carry_over(posterior, needed, seed=3)
    np.testing.assert_array_equal(out["z_theatre"][..., :2], posterior["z_theatre"])
    np.testing.assert_array_equal(out["hazard_0"], posterior["hazard_0"])
    np.testing.assert_array_equal(out["z_era"][..., 0], 0)
    for new in (out["z_theatre"][..., 2], out["z_era"][..., 1]):
        assert abs(float(new.mean())) < 4 / np.sqrt(new.size)
        assert abs(float(new.std()) - 1) < 4 / np.sqrt(2 * new.size)
    again = carry_over(posterior, needed, seed=3)
    xr.testing.assert_identical(out, again)
    assert not out["z_era"].equals(carry_over(posterior, needed, seed=4)["z_era"])


def test_stacking_takes_draws_in_proportion():
    draws = {"a": np.tile([1.0, 0], (100, 1)), "b": np.tile([0, 1.0], (50, 1))}
    out = stack(draws, {"a": 0.25, "b": 0.75})
    assert out.shape == (4000, 2)
    np.testing.assert_allclose(out.mean(0), [0.25, 0.75])
    np.testing.assert_allclose(stack(draws, {"a": 0.0, "b": 1.0}).mean(0), [0, 1])
