"""Predictions of unseen cases: by hand from the draws, against refits, against brute force."""

from __future__ import annotations

import numpy as np
import pytensor.tensor as pt
import pytest
import xarray as xr

from bayes_alliance.check.choices import designs
from bayes_alliance.check.lives import open_ended
from bayes_alliance.compare.loo import pareto
from bayes_alliance.compare.predictions import (
    ages,
    assemble,
    exactly,
    predict,
    predictions,
    standing,
    time_spent,
)
from bayes_alliance.compare.refits import draws_without
from bayes_alliance.compare.scores import score_table
from bayes_alliance.data import load
from bayes_alliance.fit import model_of, sample_model, with_containers
from bayes_alliance.process.cells import CELLS, REFUSED
from bayes_alliance.process.containers import arrays, hold_out
from bayes_alliance.process.integrated import INFORMATION, Evaluator
from bayes_alliance.process.survival import alliance_years, durations
from bayes_alliance.storage import data_of

SAMPLE = ("chain", "draw")


@pytest.fixture(scope="module")
def roots(data):
    """Row of each case's proposal."""
    episodes = data.episodes.reset_index(drop=True)
    return episodes.index[episodes["episode"] == episodes["case"]].to_numpy()


@pytest.fixture(scope="module")
def of_null(fits):
    return predictions(fits["null"])["indicators"]


@pytest.fixture(scope="module")
def of_occupation(fits):
    return predictions(fits["occupation"])["indicators"]


def null_curves(p: xr.Dataset, tree: xr.DataTree, design: str, years) -> np.ndarray:
    """Survival under the null by draw: constant, steps of age and effects, from the equations."""
    row = data_of(tree).episodes["episode"].tolist().index(design)
    log_hazard = p["hazard_0"] + p["hazard_step"] - p["hazard_step"].mean("age")
    for factor in ("theatre", "patron", "era"):
        if f"z_{factor}" in p:
            level = int(tree["constant_data"][f"{factor}_index"][row])
            effect = p[f"scale_{factor}"] * p[f"z_{factor}"].isel({factor: level})
            log_hazard = log_hazard + effect.sel(stage="hazard")
    hazard = np.exp(log_hazard).transpose(*SAMPLE, "age").to_numpy()
    inside = np.clip(np.asarray(years)[:, None] - [0, 10, 25], 0, [10, 15, np.inf])  # (years, age)
    return np.exp(-hazard @ inside.T)  # (chain, draw, years)


def test_ages_end_with_the_last_ending(data):
    lives = durations(data.episodes)
    years = ages(data)
    assert years[0] == 0 and years[-1] == lives.loc[lives["event"] == 1, "duration"].max()
    europe = load("europe")
    lives = durations(europe.episodes)
    assert lives["event"].sum() == 0
    assert ages(europe)[-1] == lives["duration"].max()


def test_curves_against_a_loop_over_stretches(data, plain):
    longer = open_ended(data)
    stretches, episodes = alliance_years(longer.episodes), data.episodes["episode"].tolist()
    hazard = np.random.default_rng(1).exponential(0.05, len(stretches))
    years = np.linspace(0, 90, 37)  # beyond the end of observation
    given, spent = pt.vector("hazard"), pt.as_tensor(time_spent(stretches, years))
    at = pt.as_tensor([episodes.index(episode) for episode in stretches["episode"]])
    curves = standing(given, spent, at, pt.as_tensor(np.ones(len(episodes))))
    got = plain([given], curves)(hazard)
    assert got.shape == (len(episodes), len(years))
    alive = list(dict.fromkeys(stretches["episode"]))
    for at, episode in enumerate(episodes):
        if episode not in alive:
            np.testing.assert_array_equal(got[at], 1)
            continue
        rows = np.flatnonzero(stretches["episode"] == episode)
        for k, age in enumerate(years):
            total, left = 0.0, age
            for row in rows:
                length = stretches["exposure"][row] if row != rows[-1] else np.inf
                total += hazard[row] * min(left, length)
                left -= min(left, length)
            assert got[at, k] == pytest.approx(np.exp(-total), rel=1e-9), (episode, age)


def test_predictions_are_distributions_and_curves(of_null, data):
    np.testing.assert_allclose(of_null["probability"].sum("cell"), 1)
    assert list(of_null["case"].values) == list(designs(data).index)
    assert list(of_null["design"].values) == list(durations(data.episodes).index)
    curves = of_null["standing"].to_numpy()
    np.testing.assert_allclose(curves[:, 0], 1)
    assert (np.diff(curves, axis=1) < 0).all() and (curves > 0).all()
    assert ((of_null["life"] > 0) & (of_null["life"] < of_null["years"][-1])).all()


def test_a_theory_without_latent_variables_by_hand(fits, of_null, roots, data):
    """Weighted means of the fit's own probabilities and of curves from its own hazards."""
    tree = fits["null"]
    weights = np.exp(pareto(tree)[0].to_numpy())  # (chain, draw, case)
    stored = tree["posterior"]["design_probability"].transpose(*SAMPLE, "episode", "cell")
    expected = np.einsum("sdi,sdik->ik", weights, stored.to_numpy()[:, :, roots])
    np.testing.assert_allclose(of_null["probability"], expected, atol=1e-9)
    design = "us-taiwan-1954"
    curves = null_curves(tree["posterior"].to_dataset(), tree, design, of_null["years"])
    case = list(of_null["case"].values).index(design)
    expected = np.einsum("sd,sdk->k", weights[..., case], curves)
    np.testing.assert_allclose(of_null["standing"].sel(design=design), expected, atol=1e-9)
    by_others = np.einsum("sd,sdk->k", weights[..., 0], curves)
    area = np.trapezoid(by_others, of_null["years"])
    assert float(of_null["life"].sel(design=design)[0]) == pytest.approx(area)


@pytest.mark.parametrize("information", INFORMATION)
def test_latent_variables_and_promises_by_hand(information, fits, models, roots, of_occupation):
    """Occupation: the draws weigh by the promises that they foresaw, and c is then known."""
    tree, known = fits["occupation"], information == "commitments"
    posterior = tree["posterior"].to_dataset()
    evaluator = Evaluator(models["occupation"], ("design_probability",))
    out = evaluator.run(posterior, evaluator.nodes(posterior, seed=tree.attrs["seed"]))
    weights = np.exp(pareto(tree)[0].to_numpy())  # (chain, draw, case)
    if known:
        weights = weights * np.exp(tree["log_likelihood"]["promise"].to_numpy())
        weights = weights / weights.sum((0, 1))
    cells = out[f"design_probability_{information}"].isel(episode=roots).to_numpy()
    got = predictions(tree)[information] if known else of_occupation
    expected = np.einsum("sdi,sdik->ik", weights, cells)
    np.testing.assert_allclose(got["probability"], expected, atol=1e-9)
    assert got.attrs["information"] == information


def test_psis_agrees_with_an_exact_refit(fits, of_null, roots):
    """The most influential case with a life that PSIS vouches for, with margin."""
    tree = fits["null"]
    log_weights, pareto_k, _ = pareto(tree)
    k, lived = pareto_k.to_numpy(), np.isin(of_null["case"], of_null["case_of_design"])
    case = int(np.argmax(np.where((k < 0.5) & lived, k, -1)))
    model, log_density = model_of(tree)
    own = arrays(data_of(tree))
    changed = own | hold_out(own, [case])
    log_density = with_containers(log_density, {n: v for n, (_, v) in changed.items()})
    made = [tree.attrs[name] for name in ("draws", "tune", "chains", "seed")]
    exact = sample_model(model, log_density, *made, "nutpie")["posterior"].to_dataset()
    promise = tree["log_likelihood"].to_dataset()["promise"].isel(case=[case])
    refit = predict(tree, exact, promise)
    weight = np.exp(log_weights.isel(case=case).to_numpy())[..., None]

    def agree(draws: np.ndarray, psis: np.ndarray, theirs: np.ndarray) -> None:
        """600 correlated draws are worth about 150, in the fit and in the refit."""
        spread = (weight**2 * (draws - psis) ** 2).sum((0, 1)) * weight.size / 150
        error = np.sqrt(spread + draws.var((0, 1)) / 150)
        assert (np.abs(theirs - psis) <= 4 * error + 1e-9).all()

    agree(
        tree["posterior"]["design_probability"][:, :, roots[case]].to_numpy(),
        of_null["probability"][case].to_numpy(),
        refit["design_probability_indicators"][0, roots[case]].to_numpy(),
    )
    own = of_null["case_of_design"] == of_null["case"][case].item()
    design = str(of_null["design"].values[own][0])
    agree(
        null_curves(tree["posterior"].to_dataset(), tree, design, of_null["years"]),
        of_null["standing"].sel(design=design).to_numpy(),
        refit["standing_indicators"].sel(episode=design)[0].to_numpy(),
    )


def test_refits_are_asked_where_k_is_too_high_and_only_there(fits, of_occupation):
    tree, plain, asked = fits["occupation"], of_occupation, []
    good_k = pareto(tree)[2]
    high = np.flatnonzero(plain["pareto_k"] > good_k)
    assert len(high) and plain.attrs["high_k"] == len(high) and plain.attrs["refitted"] == 0
    years, episodes = plain["years"].to_numpy(), data_of(tree).episodes["episode"].tolist()
    cells = np.tile(np.arange(1, 8) / 28, (1, len(episodes), 1))
    curves = np.tile(np.exp(-0.1 * years), (1, len(episodes), 1))
    supplied = xr.Dataset(
        {
            f"{name}_{known}": (("fold", "episode", dim), values)
            for name, dim, values in (
                ("design_probability", "cell", cells),
                ("standing", "years", curves),
            )
            for known in INFORMATION
        },
        coords={"episode": episodes},
    ).isel(episode=slice(None, None, -1))

    def refit(cases: tuple[int, ...]) -> xr.Dataset:
        asked.append(cases)
        return supplied

    out = predictions(tree, refit)["indicators"]
    assert asked == [(int(case),) for case in high]
    assert out.attrs["refitted"] == len(high) and out.attrs["high_k"] == 0
    assert "refitted" in out.attrs["note"] and "refitted" not in plain.attrs["note"]
    kept = np.setdiff1d(np.arange(plain.sizes["case"]), high)
    np.testing.assert_allclose(out["probability"][high], cells[0, : len(high)])
    xr.testing.assert_allclose(out["probability"][kept], plain["probability"][kept])
    np.testing.assert_allclose(out["life"][high], np.trapezoid(curves[0, 0], years))
    refitted = np.isin(out["case_of_design"], out["case"].values[high])
    np.testing.assert_allclose(out["standing"][refitted], curves[0, : refitted.sum()])
    xr.testing.assert_allclose(out["standing"][~refitted], plain["standing"][~refitted])


def test_what_is_predicted_is_what_a_case_ends_in(fits, roots, data):
    """Designs drawn anew in a case's own row are spread as its mean probabilities say.

    They are what the case ended in, one fallback included; of several fallbacks the case counts
    by the most inclusive, as the Pacific Pact does.
    """
    tree = fits["null"]
    drawn = tree["posterior_predictive"]["outcome_observed"].to_numpy()[..., roots]
    cell = drawn % (REFUSED + 2) - 1
    share = (cell[..., None] == np.arange(len(CELLS))).mean((0, 1))
    chance = tree["posterior"]["design_probability"].mean(SAMPLE).to_numpy()[roots]
    error = np.sqrt(chance * (1 - chance) / (cell.shape[0] * cell.shape[1]))
    assert (np.abs(share - chance) < 5 * error).all()
    ended = designs(data)
    assert CELLS[ended["pacific-pact-1951"]] == "trilateral_weak"
    fallbacks = data.episodes.loc[data.episodes["fallback_of"].notna(), "outcome"]
    assert sorted(fallbacks) == ["bilateral_weak", "bilateral_weak", "trilateral_weak"]


def test_they_can_be_scored(fits, of_null, data):
    table = score_table({"null": of_null, "again": of_null}, data)
    assert np.isfinite(table[["mean", "se"]]).all(axis=None)
    assert (table.xs("again", level="name")[["difference", "difference_se"]] == 0).all(axis=None)
    # better than to know nothing, worse than to know
    assert 0 < table.loc[("log", "null"), "mean"] < np.log(7) + 0.3


def test_no_case_is_scored_by_another(data):
    """Own rows only: fold i, design j has the curve number 100 i + j."""
    cases, lives = designs(data), durations(data.episodes)
    number = 100 * np.arange(len(cases))[:, None] + np.arange(len(lives))
    out = assemble(data, np.array([0.0, 1.0]), curves=np.stack([number, number], -1).astype(float))
    case_of = data.episodes.set_index("episode")["case"]
    for j, design in enumerate(lives.index):
        i = list(cases.index).index(case_of[design])
        assert (out["standing"].sel(design=design) == 100 * i + j).all()
    np.testing.assert_array_equal(out["life"], number)
    assert "probability" not in out


def test_exact_refits_give_what_a_fit_without_the_case_predicts(fits, roots):
    """The same draws, thinned or not, and the same whether asked for alone or through a fit."""
    tree = fits["null"]
    case = 2
    posterior, promise = draws_without(tree, (case,))
    assert promise.sizes["case"] == 1
    assert posterior.sizes["chain"] * posterior.sizes["draw"] == promise[:, :, 0].size <= 1000
    found = exactly(tree)((case,))
    expected = predict(tree, posterior, promise)
    xr.testing.assert_equal(found, expected)
    model = Evaluator(model_of(tree)[0], ("design_probability",))
    by_hand = model.run(posterior, None)["design_probability_indicators"].mean(SAMPLE)
    np.testing.assert_allclose(
        found["design_probability_indicators"][0, roots[case]], by_hand[roots[case]], atol=1e-9
    )
