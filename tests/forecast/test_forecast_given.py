"""Whatever the functions of forecasts are given ends in an answer or in one refusal."""

from __future__ import annotations

import math

import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bayes_alliance.errors import InputError
from bayes_alliance.forecast.forecast import forecast
from bayes_alliance.forecast.formation import formation
from bayes_alliance.forecast.given import weights_of
from bayes_alliance.forecast.horizon import horizon

BAD = [None, 3, "occupation", [], [1], {}, {"occupation": 1}, {1: None}, xr.Dataset(),
       xr.DataTree(), {"a": xr.DataTree()}]  # fmt: skip


@pytest.mark.parametrize("trees", BAD, ids=repr)
def test_no_fits(trees):
    with pytest.raises(InputError):
        forecast(trees, "quad-status-quo")
    with pytest.raises(InputError):
        horizon(trees, trees, "quad-status-quo")
    with pytest.raises(InputError):
        formation(trees)


def test_a_bare_fit_or_a_list_is_refused_with_what_to_write(fits):
    tree = fits["null"]
    for given_ in (tree, [tree], (tree,)):
        with pytest.raises(InputError, match=r'such as \{"null"'):
            forecast(given_, "quad-status-quo")
    with pytest.raises(InputError, match="forms"):
        horizon({"null": tree}, tree, "quad-status-quo")


def test_fits_of_other_data_are_refused(fits):
    other = fits["null"].copy()
    other.attrs["data_hash"] = "other"
    with pytest.raises(InputError, match="same data as 'prospect'"):
        forecast({"prospect": fits["prospect"], "null": other}, "quad-status-quo")


@pytest.mark.parametrize("scenario", [None, 3, [], {}, {"name": "x"}, b"quad", math.nan], ids=repr)
def test_no_scenario(fits, scenario):
    with pytest.raises(InputError, match="bundled scenario"):
        forecast({"null": fits["null"]}, scenario)


NUMBERS = st.one_of(
    st.floats(), st.integers(-2, 2), st.just(10**400), st.none(), st.text(max_size=3)
)
GIVEN = st.one_of(
    st.dictionaries(st.sampled_from(["a", "b", "c", 1]), NUMBERS, max_size=3),
    st.lists(NUMBERS, max_size=2), NUMBERS,
)  # fmt: skip


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(GIVEN)
def test_weights_are_refused_or_sum_to_one(weights):
    try:
        found = weights_of(weights, ["a", "b"])
    except InputError as error:
        assert "\n" not in str(error) and len(str(error)) <= 500
        return
    assert list(found) == ["a", "b"]
    assert sum(found.values()) == pytest.approx(1, abs=1e-3) and min(found.values()) >= 0
