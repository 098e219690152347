"""Effects of theatre, patron and era."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from scipy import stats
from scipy.integrate import quad

from bayes_alliance.data import load
from bayes_alliance.process.containers import FACTORS
from bayes_alliance.process.priors import load_priors
from bayes_alliance.process.scales import HalfNormalTransform
from bayes_alliance.theories import build


def test_effects_sum_to_zero_within_each_factor(fits):
    for theory, tree in fits.items():
        for factor in FACTORS:
            z = tree["posterior"][f"z_{factor}"] if f"z_{factor}" in tree["posterior"] else None
            if z is not None:
                np.testing.assert_allclose(z.sum(factor), 0, atol=1e-9, err_msg=theory)
    assert "z_theatre" in fits["null"]["posterior"]


def test_a_factor_with_one_level_has_a_scale_but_no_effect():
    model = build("null", load("asia"))
    names = {rv.name for rv in model.free_RVs}
    assert {"scale_theatre", "scale_patron", "scale_era"} <= names
    assert "z_theatre" not in names and "z_patron" not in names


def test_an_effect_moves_its_own_stage_and_level_only(pointwise, points, data):
    """Z of (acceptance, asia) changes acceptance in Asia and nothing else."""
    before = points("null", 1)[0]
    z = before["z_theatre"].copy()
    asia = list(dict.fromkeys(data.episodes["theatre"])).index("asia")
    z[2, asia] += 1.0
    names = ("acceptance_probability", "proposal_probability", "hazard")
    old = pointwise("null", before, *names)
    new = pointwise("null", before | {"z_theatre": z}, *names)
    logit = [np.log(v / (1 - v)) for v in (old[names[0]], new[names[0]])]
    moved = np.where(data.episodes["theatre"] == "asia", before["scale_theatre"][2], 0)
    np.testing.assert_allclose(logit[1] - logit[0], moved, atol=1e-10)
    for name in names[1:]:
        np.testing.assert_array_equal(old[name], new[name])


@pytest.mark.parametrize("theory", ["null", "occupation", "prospect"])
def test_the_scale_multiplies_a_standard_effect(models, theory):
    model = models[theory]
    z = model["z_theatre"]
    draws = pm.draw(z, draws=4000, random_seed=1)  # (draw, stage, level)
    # of a zero-sum normal with n levels each has the variance 1 - 1/n
    expected = np.sqrt(1 - 1 / draws.shape[-1])
    assert abs(draws.std() / expected - 1) < 4 / np.sqrt(2 * 4000 * 4)


def test_the_sampler_sees_scales_of_the_same_prior(models):
    """Density of the unbounded value: the half-normal's at the scale, times the slope there."""
    model = models["null"]
    rv = model["scale_era"]
    value, sigma = model.rvs_to_values[rv], load_priors("null").parameters["scale_era"]["sigma"]
    at = np.array([-4.0, -0.5, 0.9, 3.0])
    (logp,) = model.logp(rv, jacobian=True, sum=False)
    found = logp.eval({value: at}, mode="FAST_COMPILE")

    def scale(u):
        return sigma * np.logaddexp(0, 2.5 * u) / 2.5

    slope = (scale(at + 1e-5) - scale(at - 1e-5)) / 2e-5
    expected = stats.halfnorm.logpdf(scale(at), scale=sigma) + np.log(slope)
    np.testing.assert_allclose(found, expected, rtol=1e-7)


def test_what_the_sampler_sees_of_a_scale_goes_back_and_forth():
    inputs = (pt.constant(0.0), pt.constant(0.7))
    change = HalfNormalTransform()
    u = np.array([-8.0, -1.0, 0.0, 2.0, 30.0])
    scale = change.backward(pt.constant(u), *inputs)
    back = change.forward(scale, *inputs).eval(mode="FAST_COMPILE")
    np.testing.assert_allclose(back, u, rtol=1e-9)
    assert (scale.eval(mode="FAST_COMPILE") > 0).all()


def test_the_prior_of_what_the_sampler_sees_has_no_skew():
    """What `STEEPNESS` is chosen for."""

    def density(u):
        scale = np.logaddexp(0, 2.5 * u) / 2.5
        return stats.halfnorm.pdf(scale) / (1 + np.exp(-2.5 * u))

    def moment(power, centre=0.0):
        return quad(lambda u: density(u) * (u - centre) ** power, -12, 12, limit=200)[0]

    mean = moment(1)
    assert moment(0) == pytest.approx(1, abs=1e-6)
    assert abs(moment(3, mean) / moment(2, mean) ** 1.5) < 0.02
