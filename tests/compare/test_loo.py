"""Leave-one-out: PSIS against exact refits, refusals, and the table."""

from __future__ import annotations

import arviz as az
import numpy as np
import pytest
import xarray as xr
from scipy.special import logsumexp

from bayes_alliance.compare.loo import _psis, compare, elpd, table
from bayes_alliance.compare.refits import (
    _refits,
    draws_without,
    kept,
    log_mean,
    refit_without,
)
from bayes_alliance.errors import InputError

THEORIES = ("occupation", "prospect", "null")


def log_mean_and_error(log_density: np.ndarray, log_weight: np.ndarray, ess: float):
    """Log of a weighted mean density and its Monte Carlo standard error."""
    log_weight = log_weight - logsumexp(log_weight)
    log_mean = logsumexp(log_density + log_weight)
    weight = np.exp(log_weight)
    spread = (weight**2 * (np.exp(log_density - log_mean) - 1) ** 2).sum() * weight.size / ess
    return log_mean, np.sqrt(spread)


@pytest.mark.parametrize("theory", THEORIES)
def test_psis_agrees_with_an_exact_refit(theory, fits):
    """The most influential case that PSIS still vouches for, with margin."""
    tree = fits[theory]
    psis = _psis(tree, "indicators")
    k = psis.pareto_k.to_numpy()
    case = int(np.argmax(np.where(k < 0.5, k, -1)))
    draws = tree["log_likelihood"].to_dataset().isel(case=case)
    # 600 correlated draws are worth about 150
    loo, error = log_mean_and_error(
        draws["indicators"].to_numpy().ravel(), -draws["joint"].to_numpy().ravel(), ess=150
    )
    assert float(psis.elpd_i[case]) == pytest.approx(loo, abs=0.1), "smoothing changes little"
    refit = refit_without(tree, (case,))["indicators"].to_numpy().ravel()
    exact, refit_error = log_mean_and_error(refit, np.zeros(refit.size), ess=150)
    assert abs(float(psis.elpd_i[case]) - exact) < 4 * np.hypot(error, refit_error)


def test_weights_come_from_all_that_is_left_out(fits):
    """By hand: mean of w p(y, c) over mean of w p(c), w = 1/p(y, c), where k is small."""
    tree = fits["occupation"]
    psis = _psis(tree, "commitments")
    ll = tree["log_likelihood"].to_dataset().stack(sample=("chain", "draw"))
    small = (psis.pareto_k < 0.4).to_numpy()
    assert small.any()
    draws = ll.sizes["sample"]
    by_hand = np.log(draws) - logsumexp((ll["promise"] - ll["joint"]).to_numpy(), axis=-1)
    np.testing.assert_allclose(psis.elpd_i.to_numpy()[small], by_hand[small], atol=0.1)


def test_a_refit_puts_everything_back(fits):
    """Cases left out together and then one by one: the second does not remember the first."""
    tree = fits["null"]
    one = refit_without(tree, (5,))
    refit_without(tree, (0, 1, 2))
    for key in [key for key in _refits if key[0] == "null" and key[-1] == (5,)]:
        del _refits[key]
    again = refit_without(tree, (5,))
    assert again is not one
    xr.testing.assert_identical(one, again)
    assert list(one["case"].values) == [tree["log_likelihood"]["case"].values[5]]


def test_exact_refits_replace_what_psis_cannot_vouch_for(fits):
    tree, told = fits["null"], []
    plain = elpd(tree, exact=False)
    high = np.flatnonzero(plain.pareto_k > plain.good_k)
    full = elpd(tree, progress=told.append)
    assert len(told) == len(high)
    np.testing.assert_array_equal(full.influence_pareto_k, plain.pareto_k)
    kept = np.setdiff1d(np.arange(full.elpd_i.size), high)
    np.testing.assert_allclose(full.elpd_i.to_numpy()[kept], plain.elpd_i.to_numpy()[kept])
    for case in high:
        expected = log_mean(refit_without(tree, (int(case),))["indicators"])[0]
        assert float(full.elpd_i[case]) == pytest.approx(expected)
    assert full.elpd == pytest.approx(float(full.elpd_i.sum()))


@pytest.fixture(scope="module")
def by_theatre(fits):
    return {name: elpd(fits[name], by="theatre") for name in ("null", "prospect")}


def test_a_theatre_is_left_out_whole_and_alone(by_theatre, fits, data):
    """Each case is scored by the fit without its own theatre."""
    tree, scored = fits["null"], by_theatre["null"]
    case = tree["log_likelihood"]["case"].values
    theatre = data.episodes.drop_duplicates("case").set_index("case")["theatre"].reindex(case)
    plain = _psis(tree, "indicators")
    for name in ("europe", "asia"):
        rows = np.flatnonzero(theatre == name)
        scores = refit_without(tree, tuple(int(r) for r in rows))
        assert list(scores["case"].values) == list(case[rows])
        np.testing.assert_allclose(scored.elpd_i.to_numpy()[rows], log_mean(scores["indicators"]))
    assert scored.elpd == pytest.approx(float(scored.elpd_i.sum()))
    assert (scored.pareto_k == 0).all() and plain.elpd_i.shape == scored.elpd_i.shape
    assert not np.allclose(plain.elpd_i, scored.elpd_i)


def test_unseen_theatres_are_harder(by_theatre, fits):
    for name, scored in by_theatre.items():
        assert scored.elpd < _psis(fits[name], "indicators").elpd, name


def test_the_table_is_that_of_arviz(by_theatre, fits):
    scores = {name: _psis(tree, "indicators") for name, tree in fits.items()}
    out = table(scores)
    assert {"rank", "elpd", "p", "elpd_diff", "weight", "se", "dse"} <= set(out.columns)
    assert set(out.index) == set(THEORIES)
    assert out["weight"].sum() == pytest.approx(1) and (out["weight"] >= 0).all()
    assert out["elpd"].is_monotonic_decreasing and out["elpd_diff"].iloc[0] == 0
    for name, score in scores.items():
        assert out.loc[name, "elpd"] == pytest.approx(score.elpd)
        assert isinstance(score, az.ELPDDataLOO)
    theatres = table(by_theatre)
    assert theatres["weight"].sum() == pytest.approx(1)


def test_what_each_left_out_theatre_adds_is_in_the_table(by_theatre, fits):
    found = compare({name: fits[name] for name in by_theatre}, by="theatre")
    parts = found[["elpd_europe", "elpd_asia"]].sum(axis=1)
    assert parts.to_dict() == pytest.approx({n: s.elpd for n, s in by_theatre.items()})
    assert parts.to_numpy() == pytest.approx(found["elpd"].to_numpy())


def test_compare_in_one_call(fits):
    pair = {name: fits[name] for name in ("occupation", "null")}
    for information in ("indicators", "commitments"):
        out = compare(pair, information, exact=False)
        expected = {n: _psis(t, information).elpd for n, t in pair.items()}
        for name, value in expected.items():
            assert out.loc[name, "elpd"] == pytest.approx(value)


def test_theories_blind_to_promises_have_one_score(fits):
    for name in ("null", "prospect"):
        both = [_psis(fits[name], i).elpd for i in ("indicators", "commitments")]
        assert both[0] == pytest.approx(both[1]), name


def other_outcomes(tree: xr.DataTree) -> xr.DataTree:
    out = tree.copy()
    constant = out["constant_data"].to_dataset()
    values = constant["outcome"].to_numpy().copy()
    values[0] = 0
    out["constant_data"] = xr.DataTree(constant.assign(outcome=(("episode",), values)))
    return out


def test_refusals(fits):
    null, occupation = fits["null"], fits["occupation"]
    with pytest.raises(InputError, match="two fits or more"):
        compare({"null": null})
    with pytest.raises(InputError, match="two fits or more"):
        compare({})
    pair = {"null": null, "occupation": occupation}
    with pytest.raises(InputError, match="indicators, commitments") as caught:
        compare(pair, information="everything")
    assert caught.value.column == "information"
    with pytest.raises(InputError, match="episode, theatre, patron"):
        compare(pair, by="weather")
    with pytest.raises(InputError, match="same cases and outcomes") as caught:
        compare({"null": null, "occupation": other_outcomes(occupation)})
    assert caught.value.row == "occupation" and caught.value.column == "outcome"
    for call in (lambda: elpd(null, information="x"), lambda: elpd(null, by="x")):
        with pytest.raises(InputError):
            call()


def test_refits_are_found_again_in_their_folder(fits, tmp_path):
    tree, told = fits["null"].copy(), []
    tree.attrs["seed"] = np.int64(tree.attrs["seed"])  # as it comes back from a file
    with kept(tmp_path / "refits"):
        _refits.clear()
        first, draws = refit_without(tree, (3,), "it", told.append), draws_without(tree, (3,))
        assert len(list((tmp_path / "refits").glob("*.nc"))) == 1
        _refits.clear()
        again = refit_without(tree, (3,), "it", told.append)
        assert told == ["exact refit without it"], "nothing is fitted twice"
        xr.testing.assert_identical(again.drop_vars("case"), first.drop_vars("case"))
        assert list(again["case"].values.astype(str)) == list(first["case"].values.astype(str))
        posterior, promise = draws_without(tree, (3,))
        xr.testing.assert_equal(posterior, draws[0])
        np.testing.assert_array_equal(promise, draws[1])
        refit_without(tree, (4,), "another", told.append)
        assert told[1:] == ["exact refit without another"]
        for file in (tmp_path / "refits").glob("*.nc"):
            file.write_bytes(file.read_bytes()[:-7])
        _refits.clear()
        refit_without(tree, (3,), "it, damaged", told.append)
        assert told.pop() == "exact refit without it, damaged"
    _refits.clear()
    refit_without(tree, (3,), "it, without a folder", told.append)
    assert len(told) == 3


def test_cases_that_are_left_out_come_in_the_order_that_is_asked_for(fits):
    names = fits["null"]["log_likelihood"]["case"].to_numpy()
    for cases in ((2, 7), (7, 2)):
        found = refit_without(fits["null"], cases)
        assert found["case"].values.tolist() == names[list(cases)].tolist()
    again = refit_without(fits["null"], (2, 7)).sel(case=names[[7, 2]])
    np.testing.assert_allclose(found["joint"], again["joint"])
    assert float(abs(found["joint"][..., 0] - found["joint"][..., 1]).max()) > 0.1
