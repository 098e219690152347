"""The proposal: a multinomial logit with three constants."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from scipy.special import softmax

from bayes_alliance.process.cells import ALLIANCE, CELLS, PARTNERS, STRONG
from bayes_alliance.process.choice import proposal_probability
from bayes_alliance.process.priors import load_priors


def test_softmax_of_constants_and_utilities():
    rng = np.random.default_rng(2)
    utilities, effect = rng.normal(size=(4, 7)), rng.normal(size=(4, 4))
    alliance, partner, strong = rng.normal(size=3)
    with pm.Model(coords={"cell": CELLS, "episode": range(4)}) as model:
        out = proposal_probability(
            pt.as_tensor(utilities), pt.as_tensor(effect), load_priors("null")
        )
    names = {rv.name for rv in model.free_RVs}
    assert names == {"alpha_alliance", "alpha_partner", "alpha_strong"}, "three constants only"
    point = {
        model["alpha_alliance"]: alliance,
        model["alpha_partner"]: partner,
        model["alpha_strong"]: strong,
    }
    got = out.eval(point)
    constant = (
        alliance * ALLIANCE
        + (partner + effect[0])[:, None] * PARTNERS
        + (strong + effect[1])[:, None] * STRONG
    )
    np.testing.assert_allclose(got, softmax(constant + utilities, axis=-1), rtol=1e-10)
    np.testing.assert_allclose(got.sum(-1), 1)


def test_partners_and_strength_name_the_cells():
    for cell, partners, strong in zip(CELLS, PARTNERS, STRONG, strict=True):
        assert strong == cell.endswith("_strong")
        assert partners == {"none": 0, "bilateral": 0, "trilateral": 1}.get(cell.split("_")[0], 2)
