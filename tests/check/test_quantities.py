"""Posterior predictive checks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayes_alliance.check.quantities import _life, _share, check, checks, designs, quantities
from bayes_alliance.data import load
from bayes_alliance.errors import InputError
from bayes_alliance.process.cells import CELLS, MULTILATERAL
from bayes_alliance.process.survival import durations


def test_designs_are_the_most_inclusive_fallbacks(data):
    found = designs(data).map(lambda i: CELLS[i])
    assert list(found.index) == list(dict.fromkeys(data.episodes["case"]))
    assert found["pacific-pact-1951"] == "trilateral_weak"
    assert found["united-action-1954"] == "none"
    assert found["north-atlantic-1949"] == "multilateral_strong"
    single = data.episodes.groupby("case").filter(lambda g: len(g) == 1)
    for _, row in single.iterrows():
        assert found[row["case"]] == row["outcome"], row["case"]


def test_observed_shares_by_hand(fits, data):
    found = designs(data).map(lambda i: CELLS[i])
    theatre = data.episodes.drop_duplicates("case").set_index("case")["theatre"]
    for where in ("europe", "asia"):
        own = found[theatre == where]
        for kind in ("multilateral", "strong"):
            share = own.str.contains(kind).mean()
            assert check(fits["null"], f"{kind}_{where}").attrs["observed"] == pytest.approx(share)
    gap = check(fits["null"], "multilateral_difference").attrs["observed"]
    parts = [check(fits["null"], f"multilateral_{w}").attrs["observed"] for w in ("europe", "asia")]
    assert gap == pytest.approx(parts[0] - parts[1])


@pytest.mark.parametrize("theory", ["null", "prospect"])
def test_replicated_shares_have_the_models_probabilities(theory, fits, data):
    """The mean of replicated shares is the mean predicted probability of such a design."""
    tree = fits[theory]
    p = tree["posterior"]["design_probability"].to_numpy()
    roots = (data.episodes["episode"] == data.episodes["case"]).to_numpy()
    for where in ("europe", "asia"):
        rows = np.flatnonzero(roots & (data.episodes["theatre"] == where).to_numpy())
        expected = p[..., rows, :] @ MULTILATERAL
        replicated = check(tree, f"multilateral_{where}")["posterior_predictive"][
            f"multilateral_{where}"
        ]
        count = replicated.size
        error = 4 * np.sqrt(0.25 / (count * len(rows)))
        assert abs(float(replicated.mean()) - expected.mean()) < error, where
        assert set(np.unique((replicated * len(rows)).round(9) % 1)) == {0.0}


def test_results_hang_together(fits):
    tree = check(fits["null"], "multilateral_europe")
    attrs, values = tree.attrs, tree["posterior_predictive"]["multilateral_europe"].to_numpy()
    assert isinstance(tree, xr.DataTree)
    assert float(tree["observed_data"]["multilateral_europe"]) == attrs["observed"]
    assert attrs["lower"] <= attrs["mean"] <= attrs["upper"]
    tails = (values >= attrs["observed"]).mean(), (values <= attrs["observed"]).mean()
    assert attrs["tail"] == pytest.approx(min(tails)) and attrs["description"]


@pytest.mark.parametrize("theory", ["null", "occupation", "prospect"])
def test_lives_end_at_the_end_of_observation(theory, fits, data):
    lives = durations(data.episodes)["duration"]
    for quantity, episode in (
        ("years_seato", "southeast-asia-1954"),
        ("years_north_atlantic", "north-atlantic-1949"),
    ):
        tree = check(fits[theory], quantity)
        assert tree.attrs["observed"] == pytest.approx(lives[episode], abs=0.01)
        values = tree["posterior_predictive"][quantity].to_numpy()
        start = data.episodes.set_index("episode").loc[episode, "start"]
        longest = (pd.Timestamp("2026-01-01") - start).days / 365.2425
        assert (values > 0).all() and values.max() == pytest.approx(longest, abs=0.01)
        again = check(fits[theory], quantity)
        np.testing.assert_array_equal(again["posterior_predictive"][quantity], values)


def test_all_that_the_data_have(fits):
    out = checks(fits["null"])
    assert set(out.index) == set(quantities())
    assert out["tail"].between(0, 1).all() and out["observed"].notna().all()


def test_refusals(fits):
    with pytest.raises(InputError, match="multilateral_europe") as caught:
        check(fits["null"], "multilateral_africa")
    assert caught.value.column == "quantity"
    for where in ("europe", "difference"):
        with pytest.raises(InputError, match="cases of europe"):
            _share(fits["null"], load("asia"), MULTILATERAL, where)
    with pytest.raises(InputError, match="southeast-asia-1954"):
        _life(fits["null"], load("europe"), "southeast-asia-1954", 1)
