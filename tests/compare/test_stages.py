"""Scores by stage: they add up, and each is what it says."""

from __future__ import annotations

import numpy as np
import pytest

from bayes_alliance.compare.loo import elpd
from bayes_alliance.compare.stages import STAGES, stages
from bayes_alliance.process.containers import without_design

THEORIES = ("occupation", "prospect", "null")


@pytest.mark.parametrize("information", ["indicators", "commitments"])
@pytest.mark.parametrize("theory", THEORIES)
def test_stages_add_up_to_the_score(theory, information, fits):
    """Without refits, which the other tests of scores cover."""
    found = stages(fits[theory], information, exact=False)
    score = elpd(fits[theory], information, exact=False)
    assert tuple(found.columns) == STAGES
    assert list(found.index) == list(score.elpd_i["case"].values)
    # commitments: smoothing of the two weights differs a little
    np.testing.assert_allclose(found.sum(axis=1), score.elpd_i, atol=1e-8)


def test_with_refits_they_add_up_too(fits):
    found, score = stages(fits["null"]), elpd(fits["null"])
    np.testing.assert_allclose(found.sum(axis=1), score.elpd_i, atol=1e-8)


@pytest.mark.parametrize("theory", THEORIES)
def test_what_is_not_recorded_scores_nothing(theory, fits, data):
    found = stages(fits[theory], exact=False)
    episodes = data.episodes
    lived = episodes["start"].notna() & episodes["accession_to"].isna()
    without = set(found.index) - set(episodes.loc[lived, "case"])
    assert without, "no case without a life: the test shows nothing"
    np.testing.assert_allclose(found.loc[sorted(without), "survival"], 0, atol=1e-9)
    assert (found["proposal"] <= 0).all() and (found["design"] <= 0).all(), "probabilities"


def test_an_unrecorded_proposal_scores_nothing(models, pointwise, points, contents):
    """All proposals of these data are recorded, so the test takes them away."""
    model, (point,) = models["null"], points("null", 1)
    code = model["outcome"].get_value()
    proposed = without_design(code)
    assert pointwise("null", point)["outcome_observed"].any()
    with contents(model, outcome=without_design(code - proposed)):
        found = pointwise("null", point)["outcome_observed"]
    np.testing.assert_allclose(found, 0, atol=1e-12)


def test_the_stages_of_a_draw_by_hand(fits, models, pointwise, points, contents):
    """The null theory has nothing to integrate: blank the containers and read its densities."""
    model, tree = models["null"], fits["null"]
    case = model["case_index"].get_value()
    kept = tree["log_likelihood"].to_dataset().stack(sample=("chain", "draw"))
    count = kept.sizes["sample"]
    for at, point in zip(np.linspace(0, count - 1, 3).astype(int), points("null", 3), strict=True):
        whole = pointwise("null", point)
        with contents(model, outcome=without_design(model["outcome"].get_value())):
            proposed = pointwise("null", point)["outcome_observed"]
        by_case = np.bincount(case, proposed)
        np.testing.assert_allclose(kept["indicators_proposal"].isel(sample=at), by_case, atol=1e-9)
        by_case = np.bincount(case, whole["outcome_observed"])
        np.testing.assert_allclose(kept["joint_design"].isel(sample=at), by_case, atol=1e-9)
