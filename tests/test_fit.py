"""Fits: provenance and reproducibility."""

from __future__ import annotations

import dataclasses

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
import xarray as xr

from bayes_alliance.data import load
from bayes_alliance.errors import InputError
from bayes_alliance.fit import (
    _key,
    _log_densities,
    _models,
    _whole_draws,
    compiled,
    fit,
    model_of,
    sample_model,
    versions,
    with_containers,
)
from bayes_alliance.process.cells import CELLS
from bayes_alliance.process.containers import arrays, encode
from bayes_alliance.process.integrated import at_draws
from bayes_alliance.process.priors import CONTAINER, load_priors
from bayes_alliance.process.survival import alliance_years
from bayes_alliance.theories import MAIN

SMALL = {"draws": 300, "tune": 500, "chains": 2, "seed": 1}
GROUPS = {
    "posterior",
    "sample_stats",
    "log_likelihood",
    "log_prior",
    "prior",
    "prior_predictive",
    "posterior_predictive",
    "observed_data",
    "constant_data",
    "tables",
}


@pytest.mark.parametrize("theory", MAIN)
def test_a_fit_says_where_it_comes_from(theory, fits, data):
    tree = fits[theory]
    assert set(tree.children) == GROUPS
    attrs = tree.attrs
    assert attrs["theory"] == theory and attrs["data_name"] == data.name
    assert attrs["data_hash"] == data.hash and attrs["priors_hash"] == load_priors(theory).hash
    assert {k: attrs[k] for k in SMALL} == SMALL
    assert attrs["priors_changed"] == 0 and attrs["interrupted"] == 0
    assert attrs["sampler"] == "nutpie"
    assert 0 < attrs["seconds_sample"] < attrs["seconds"]
    assert {f"version_{k}": v for k, v in versions().items()}.items() <= attrs.items()
    assert tree["posterior"].sizes["draw"] == 300 and tree["posterior"].sizes["chain"] == 2


@pytest.mark.parametrize("theory", MAIN)
def test_draws_are_finite(theory, fits):
    observed = fits[theory]["observed_data"].to_dataset()
    for group in GROUPS - {"tables", "observed_data"}:
        for name, values in fits[theory][group].data_vars.items():
            known = np.isfinite(values.to_numpy())
            if group.endswith("_predictive") and name in observed:  # unrecorded is no number
                known = known | observed[name].isnull().to_numpy()
            assert known.all(), f"{group}/{name}"


@pytest.fixture
def density(plain):
    """PyMC's own log density at draws of a chain, in the variables that the sampler sees."""

    def at(model: pm.Model, tree: xr.DataTree, chain: int, draws: tuple[int, ...]) -> np.ndarray:
        logp = model.compile_logp(mode="FAST_COMPILE", sum=False)
        pairs = [
            (rv, model.rvs_to_values[rv], model.rvs_to_transforms[rv]) for rv in model.free_RVs
        ]
        inputs = {rv: pt.tensor(rv.name, shape=rv.type.shape) for rv, _, _ in pairs}
        forward = plain(
            list(inputs.values()),
            [
                x if change is None else change.forward(x, *rv.owner.inputs)
                for (rv, x), (_, _, change) in zip(inputs.items(), pairs, strict=True)
            ],
        )
        names = [value.name for _, value, _ in pairs]
        found = []
        for draw in draws:
            values = [tree["posterior"][rv.name].to_numpy()[chain, draw] for rv in inputs]
            parts = logp(dict(zip(names, forward(*values), strict=True)))
            found.append(sum(float(np.sum(part)) for part in parts))
        return np.array(found)

    return at


@pytest.mark.parametrize("theory", MAIN)
def test_the_sampler_saw_the_density_that_the_model_states(theory, fits, models, density):
    """`lp` of the sampler against PyMC's log density at the same draws, up to one constant."""
    tree, draws = fits[theory], (0, 100, 299)
    found = (
        density(models[theory], tree, 1, draws)
        - tree["sample_stats"]["lp"].to_numpy()[1, list(draws)]
    )
    np.testing.assert_allclose(found, found[0], atol=1e-6)


def test_the_same_seed_gives_the_same_fit(data, fits):
    again = fit("null", data, **SMALL)
    for group in GROUPS - {"tables", "sample_stats"}:
        xr.testing.assert_identical(again[group].to_dataset(), fits["null"][group].to_dataset())
    other = fit("null", data, **SMALL | {"seed": 2, "draws": 20})
    first = other["posterior"]["hazard_0"].to_numpy()
    assert not np.allclose(first, again["posterior"]["hazard_0"].to_numpy()[:, :20])


def test_steps_are_told(data):
    steps = []
    fit("null", data, draws=10, tune=10, chains=1, progress=steps.append)
    assert steps == ["compile", "sample", "summarise"]


@pytest.mark.parametrize(
    "change",
    [
        {"draws": 5},
        {"draws": True},
        {"draws": 100.0},
        {"tune": 0},
        {"chains": 0},
        {"chains": "2"},
        {"sampler": "stan"},
        {"theory": "realism"},
        {"priors": {"alpha": {"mu": 1}}},
    ],
    ids=str,
)
def test_arguments_out_of_range_are_refused(change, data):
    arguments = {"theory": "null", "data": data, **change}
    with pytest.raises(InputError) as caught:
        fit(**arguments)
    name = next(iter(change))
    assert caught.value.column == ("alpha" if name == "priors" else name)


def test_only_whole_draws_count_after_an_interruption():
    values = np.ones((2, 10, 3))
    posterior = xr.Dataset({"a": (("chain", "draw", "k"), values)})
    assert _whole_draws(posterior) == {"chain": [0, 1], "draw": slice(0, 10)}
    values[1, 7:] = np.nan
    assert _whole_draws(posterior)["draw"] == slice(0, 7), "the shorter chain decides"
    values[1, 2:] = np.nan
    assert _whole_draws(posterior) == {"chain": [0], "draw": slice(0, 10)}, "hardly begun"
    values[:] = np.nan
    assert _whole_draws(posterior)["chain"] == []


def test_the_posterior_covers_the_truth(fits, data, models):
    """Data simulated from the null's own prior: ranks of the truth are uniform (SBC).

    Lives are drawn from the hazards exactly and cut off where they end; proposals and designs come
    from the prior predictive distribution. Nothing is compiled again.
    """
    tree, count = fits["null"], 30
    model, log_density = model_of(tree)
    alphas = [f"alpha_{name}" for name in ("alliance", "partner", "strong", "departure")]
    names = (*alphas, "acceptance_0", "hazard_0")
    prior, predictive = tree["prior"].to_dataset(), tree["prior_predictive"].to_dataset()
    years = alliance_years(data.episodes)
    place = years.groupby("episode", sort=False).indices
    real = {name: value for name, (_, value) in arrays(data).items()}
    some = prior.isel(draw=slice(0, count))
    hazard = at_draws(model, some, {"hazard": model["hazard"]})["hazard"].to_numpy()[0]
    rng = np.random.default_rng(10)
    ranks = []
    for i in range(count):
        exposure = years["exposure"].to_numpy(float).copy()
        ended = np.zeros(len(exposure), dtype=int)
        for rows in place.values():
            left = rng.exponential()
            for row in rows:
                use = hazard[i, row] * exposure[row]
                if left <= 0:
                    exposure[row] = 0.0
                elif use > left:
                    exposure[row], ended[row] = left / hazard[i, row], 1
                left -= use
        values = real | {
            "outcome": predictive["outcome_observed"].to_numpy()[0, i],
            "exposure": exposure,
            "ended": ended,
        }
        posterior = sample_model(
            model, with_containers(log_density, values), 250, 300, 1, i + 1, "nutpie"
        )["posterior"]
        thinned = posterior.isel(draw=slice(None, None, 5))
        below = [(thinned[name] < prior[name][0, i]).mean(("chain", "draw")) for name in names]
        ranks.append(np.concatenate([np.atleast_1d(share) for share in below]))
    ranks = np.array(ranks)  # (simulation, parameter)
    assert ranks.shape == (count, 8)
    # a uniform has mean 1/2 and variance 1/12: four standard errors, by parameter
    mean_error, deviation = np.sqrt(1 / 12 / count), 1 / 12
    assert (np.abs(ranks.mean(0) - 0.5) < 4 * mean_error).all(), ranks.mean(0).round(2)
    spread = np.sqrt((1 / 80 - 1 / 144) / count)
    assert (np.abs(((ranks - 0.5) ** 2).mean(0) - deviation) < 4 * spread).all()


def test_strong_differences_between_theatres_are_found(fits, data):
    """Every European case multilateral, every Asian one bilateral: the effect has that sign."""
    tree = fits["null"]
    model, log_density = model_of(tree)
    europe = (data.episodes["theatre"] == "europe").to_numpy()
    cell = np.where(europe, CELLS.index("multilateral_weak"), CELLS.index("bilateral_weak"))
    values = {name: value for name, (_, value) in arrays(data).items()}
    fallback = values["proposed_to_fallback"] >= -1
    values["outcome"] = np.where(fallback, 0, encode(cell, cell))
    posterior = sample_model(model, with_containers(log_density, values), 300, 300, 2, 1, "nutpie")[
        "posterior"
    ]
    effect = posterior["scale_theatre"].sel(stage="partners") * (
        posterior["z_theatre"].sel(stage="partners")
    )
    gap = effect.sel(theatre="europe") - effect.sel(theatre="asia")
    assert float((gap > 0).mean()) > 0.95


def test_one_compiled_model_serves_other_priors_and_other_rows(data, fits, density):
    """`lp` of the sampler against PyMC's log density of the model that was asked for."""
    compiled("null", data, load_priors("null"))
    made = len(_log_densities)
    out = data.episodes["case"] == data.episodes["case"].iloc[-1]
    gone = set(data.episodes.loc[out, "episode"])
    fewer = dataclasses.replace(
        data,
        episodes=data.episodes[~out].reset_index(drop=True),
        clients=data.clients[~data.clients["episode"].isin(gone)].reset_index(drop=True),
    )
    changes = {"hazard_0": {"mu": -2.0, "sigma": 0.3}, "scale_theatre": {"sigma": 2.0}}
    for name, tables, priors in (
        ("rows", fewer, load_priors("null")),
        ("priors", data, load_priors("null", changes)),
    ):
        model, log_density = compiled("null", tables, priors)
        assert len(_log_densities) == made, f"compiled anew for other {name}"
        tree = sample_model(model, log_density, 30, 30, 1, 1, "nutpie")
        for d in ("theatre", "patron"):
            assert tree["posterior"][d].values.tolist() == list(model.coords[d]), name
        found = (
            density(model, tree, 0, (0, 15, 29))
            - tree["sample_stats"]["lp"].to_numpy()[0, [0, 15, 29]]
        )
        np.testing.assert_allclose(found, found[0], atol=1e-6, err_msg=name)


def test_a_model_of_a_fit_is_the_model_of_the_data(fits, models):
    model, _ = model_of(fits["null"])
    assert isinstance(model, pm.Model)
    assert dict(model.coords) == dict(models["null"].coords)


def test_a_model_keeps_the_priors_that_it_was_asked_for_with(fits, data):
    """Whatever is asked for meanwhile: models of other priors are other models."""
    usual, other = load_priors("null"), load_priors("null", {"hazard_0": {"mu": -2.0}})
    kinds = load_priors("null", {"hazard_0": {"distribution": "half_normal", "sigma": 1.0}})
    asked = (usual, other, kinds, usual)
    made = [compiled("null", data, priors) for priors in asked]
    for priors, (model, log_density) in zip(asked, made, strict=True):
        held = list(priors.arguments.values())
        np.testing.assert_array_equal(model[CONTAINER].get_value(), held)
        np.testing.assert_array_equal(log_density.shared_data[CONTAINER], held)
    assert made[0][0] is made[3][0] is model_of(fits["null"])[0], "the same priors, the same model"


def test_models_that_are_kept_are_bounded(data):
    for k in range(20):
        compiled("null", data, load_priors("null", {"hazard_0": {"mu": -2.0 - k / 10}}))
    assert len(_models) == _models.maxsize == 16


def test_the_same_data_in_another_order_are_another_model(data):
    """The hash passes over the order of rows; positions in a cached model do not."""
    spec = load_priors("null")
    for table in ("episodes", "clients"):
        turned = getattr(data, table).iloc[::-1].reset_index(drop=True)
        other = dataclasses.replace(data, **{table: turned})
        assert other.hash == data.hash
        assert _key("null", other, spec) != _key("null", data, spec), table
    assert _key("null", load("europe", "asia"), spec) == _key("null", data, spec)
