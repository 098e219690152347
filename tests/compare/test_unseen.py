"""Predictions of cases that a fit has not seen."""

from __future__ import annotations

import numpy as np
import pytest

from bayes_alliance.compare.loo import groups
from bayes_alliance.compare.refits import refit_without
from bayes_alliance.compare.unseen import unseen
from bayes_alliance.errors import InputError
from bayes_alliance.process.cells import CELLS

NATO = "north-atlantic-1949"


def test_probabilities_of_an_unseen_case(fits):
    found = unseen(fits["null"], NATO)
    parts = found.loc[["none", "bilateral", "trilateral", "multilateral"], "probability"]
    assert parts.sum() == pytest.approx(1)
    assert (
        (found["lower"] <= found["probability"]) & (found["probability"] <= found["upper"])
    ).all()
    europe = groups(fits["null"], "theatre")["europe"]
    names = fits["null"]["log_likelihood"]["case"].values[list(europe)]
    predicted = refit_without(fits["null"], europe)["design_probability_indicators"]
    mine = predicted.sel(episode=NATO).mean("sample").to_numpy()
    assert NATO in names
    multi = [cell.startswith("multilateral") for cell in CELLS]
    assert found.loc["multilateral", "probability"] == pytest.approx(mine[multi].sum())


def test_what_was_seen_makes_a_difference(fits):
    """The null theory knows Europe by its own cases only: without them it expects less."""
    whole = unseen(fits["null"], NATO, "theatre").loc["multilateral", "probability"]
    alone = unseen(fits["null"], NATO, "episode").loc["multilateral", "probability"]
    assert whole < alone


@pytest.mark.parametrize(
    "asked", [{"case": "atlantis-1900"}, {"by": "weather"}, {"information": "hindsight"}]
)
def test_refusals(asked, fits):
    with pytest.raises(InputError, match=str(next(iter(asked.values())))):
        unseen(fits["null"], **({"case": NATO} | asked))


def test_groups_partition_the_cases(fits):
    for by in ("theatre", "patron"):
        found = groups(fits["null"], by)
        together = np.concatenate(list(found.values()))
        np.testing.assert_array_equal(np.sort(together), np.arange(len(together)))
