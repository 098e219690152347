"""What a model draws, beside what PyMC draws of it."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytest
import xarray as xr
from scipy.stats import halfnorm, kstest, norm

from bayes_alliance.process.priors import load_priors
from bayes_alliance.process.replicated import contents, draw_prior, replications

MAIN = ("occupation", "prospect", "null")
DRAWS = 2000


@pytest.fixture(scope="module")
def priors(models) -> dict[str, xr.Dataset]:
    """Draws from the priors of each theory."""
    return {name: draw_prior(models[name], DRAWS, seed=3) for name in MAIN}


@pytest.mark.parametrize("theory", MAIN)
def test_every_free_variable_is_drawn_with_its_dimensions(theory, models, priors):
    model, drawn = models[theory], priors[theory]
    assert set(drawn.data_vars) == {rv.name for rv in model.free_RVs}
    for name, values in drawn.data_vars.items():
        dims = model.named_vars_to_dims.get(name, ())
        assert values.dims == ("chain", "draw", *dims), name
        assert values.shape == (1, DRAWS, *(len(model.coords[d]) for d in dims)), name


@pytest.mark.parametrize("theory", MAIN)
def test_priors_are_those_of_the_table(theory, priors):
    checked = 0
    for name, spec in load_priors(theory).parameters.items():
        if name not in priors[theory]:
            continue
        values = priors[theory][name].to_numpy().ravel()[:DRAWS]
        if spec["distribution"] == "normal":
            law = norm(spec["mu"], spec["sigma"])
        elif spec["distribution"] == "half_normal":
            law = halfnorm(scale=spec["sigma"])
        else:
            continue
        checked += 1
        # of some thirty variables none is this far from its law by chance
        assert kstest(values, law.cdf).pvalue > 1e-5, name
    assert checked > 5


@pytest.mark.parametrize("theory", MAIN)
def test_effects_sum_to_zero_and_elements_differ(theory, priors):
    for name in ("z_theatre", "z_patron"):
        values = priors[theory][name].to_numpy()
        np.testing.assert_allclose(values.sum(-1), 0, atol=1e-9, err_msg=name)
        assert values.std(1).min() > 0.3, name


def test_one_seed_gives_one_draw(models, priors):
    again = draw_prior(models["prospect"], DRAWS, seed=3)
    xr.testing.assert_identical(again, priors["prospect"])
    other = draw_prior(models["prospect"], DRAWS, seed=4)
    assert not np.array_equal(other["k_loss"], again["k_loss"])


def test_variables_that_rest_on_others_are_drawn_with_them():
    with pm.Model() as model:
        scale = pm.HalfNormal("scale", 10.0)
        pm.Normal("x", 0.0, scale)
    drawn = draw_prior(model, 500, seed=1)
    assert drawn["x"].shape == (1, 500)
    near, far = (
        abs(drawn["x"].where(of)).mean() for of in (drawn["scale"] < 3, drawn["scale"] > 9)
    )
    assert float(far) > 2 * float(near)


@pytest.mark.parametrize("theory", MAIN)
def test_replications_are_as_pymc_draws_them(theory, models, fits):
    model = models[theory]
    posterior = fits[theory]["posterior"].to_dataset()
    point = posterior.isel(chain=[0], draw=np.zeros(DRAWS, dtype=int))
    point = point.assign_coords(draw=np.arange(DRAWS))
    ours = replications(model, seed=5)(point)
    fixed = {rv.name: point[rv.name].isel(chain=0, draw=0).to_numpy() for rv in model.free_RVs}
    given = pm.do(model, fixed)
    rows = [given[rv.name] for rv in model.observed_RVs]
    theirs = pm.draw(rows, DRAWS, random_seed=6, mode="FAST_COMPILE")
    for rv, values in zip(model.observed_RVs, theirs, strict=True):
        assert ours[rv.name].dims[2:] == tuple(model.named_vars_to_dims[rv.name])
        found = ours[rv.name].to_numpy()[0]
        for k in range(found.shape[1]):
            # shares of each value in two samples of one law
            for value in np.union1d(found[:, k], values[:, k]):
                share = [(v[:, k] == value).mean() for v in (found, values)]
                error = np.sqrt(2 * np.mean(share) * (1 - np.mean(share)) / DRAWS)
                assert abs(share[0] - share[1]) < 5.5 * error + 1e-12, (rv.name, k, value)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_what_is_no_single_variable_is_replicated_too():
    with pm.Model(coords={"row": range(3)}) as model:
        x = pm.Normal("x")
        parts = [pm.Normal.dist(x - 50, 1.0), pm.Normal.dist(x + 50, 1.0)]
        pm.Mixture("y", [0.5, 0.5], parts, observed=np.zeros(3), dims="row")
    found = replications(model, seed=1)(draw_prior(model, 200, seed=1))["y"]
    assert found.dims == ("chain", "draw", "row") and found.shape == (1, 200, 3)
    assert (abs(abs(found) - 50) < 10).all() and 0.3 < float((found > 0).mean()) < 0.7


@pytest.mark.parametrize("theory", MAIN)
def test_contents_are_the_containers(theory, models):
    model = models[theory]
    found = contents(model)
    assert set(found["observed_data"].data_vars) == {rv.name for rv in model.observed_RVs}
    for variable in model.data_vars:
        own = found["constant_data"][variable.name]
        assert own.dims == tuple(model.named_vars_to_dims[variable.name])
        np.testing.assert_array_equal(own, variable.get_value())
