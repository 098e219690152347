"""What is asked of a sampler is checked before any work begins."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayes_alliance import sampling
from bayes_alliance.compare.specifications import of_study
from bayes_alliance.compare.study import run
from bayes_alliance.errors import InputError
from bayes_alliance.fit import fit
from bayes_alliance.process.priors import load_priors
from bayes_alliance.report.reproduce import reproduce
from bayes_alliance.theories import get

SEEDS = (-1, 2**32, 2**63, 2**80, None, True, np.bool_(True), 1.0, np.float64(1), "1", b"1", [1])
SEEDS += (np.random.default_rng(1), np.random.SeedSequence(1), np.array([1, 2]), float("nan"), {})
SETTINGS = {"draws": 12, "tune": 12, "chains": 1}

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.sampled_from([np.int64(3), np.float32(2), np.array([1, 2]), object(), print]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=9) | st.integers(), inner, max_size=3)
    ),
    max_leaves=6,
)


def refused(error: pytest.ExceptionInfo) -> None:
    """One line of at most 500 characters."""
    assert "\n" not in str(error.value) and len(str(error.value)) <= 500


@pytest.mark.parametrize("seed", SEEDS, ids=lambda s: f"{type(s).__name__}")
def test_a_seed_that_is_none_is_refused_everywhere(seed, data, tmp_path):
    asked = of_study(("europe",))[:1]
    for work in (
        lambda: fit("null", data, seed=seed, **SETTINGS),
        lambda: run(asked, ["null"], tmp_path / "study", seed=seed, **SETTINGS),
        lambda: reproduce(tmp_path / "report", seed=seed, **SETTINGS),
    ):
        with pytest.raises(InputError, match=r"seed.* whole number of at least 0") as error:
            work()
        refused(error)
    assert not list(tmp_path.iterdir()), "nothing is written"


def test_whole_numbers_of_numpy_are_as_good(data):
    ours = fit("null", data, seed=3, **SETTINGS)
    theirs = fit(
        "null",
        data,
        draws=np.int64(12),
        tune=np.int32(12),
        chains=np.uint8(1),
        seed=np.uint32(3),
    )
    np.testing.assert_array_equal(ours["posterior"]["hazard_0"], theirs["posterior"]["hazard_0"])
    assert type(theirs.attrs["seed"]) is int


@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_the_least_and_the_largest_seed_are_taken(seed, data):
    assert fit("null", data, seed=seed, **SETTINGS).attrs["seed"] == seed


@pytest.mark.parametrize("name", ["draws", "tune", "chains"])
def test_more_than_memory_holds_is_refused_before_sampling(name, data):
    said = []
    for many in (10**8, 10**12, 2**70):
        with pytest.raises(InputError) as error:
            fit("null", data, **{**SETTINGS, name: many}, progress=said.append)
        refused(error)
        assert "GiB" in str(error.value) or "at most" in str(error.value)
    assert "sample" not in said


def test_the_estimate_is_about_what_is_taken(data, fits):
    """Twice the tree at least, and less than six times: what is refused does not fit."""
    tree, room = fits["null"], []
    size = sum(tree[g].to_dataset().nbytes for g in ("posterior", "log_likelihood", "log_prior"))

    def enough(more: float) -> bool:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sampling, "available", lambda: more * size)
            try:
                fit("null", data, draws=300, tune=500, chains=2)
            except InputError:
                return False
        return True

    room = [enough(2), enough(6)]
    assert room == [False, True]


def test_a_sampler_that_is_not_installed_is_refused_before_compiling(data, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda n, *a: None if n == "numpyro" else found(n, *a)
    )
    said = []
    with pytest.raises(InputError, match="not installed"):
        fit("null", data, sampler="numpyro", progress=said.append)
    assert not said


@given(anything)
def test_priors_of_any_type_are_taken_or_refused(value):
    for changes in (value, {"hazard_0": value}, {"hazard_0": {"mu": value}}, {"options": value}):
        try:
            load_priors("null", changes)
        except InputError as error:
            assert len(str(error)) <= 500 and "\n" not in str(error)


@given(anything)
def test_a_theory_of_any_type_is_found_or_refused(value):
    try:
        get(value)
    except InputError as error:
        assert len(str(error)) <= 500 and "\n" not in str(error)


@given(anything, st.sampled_from(["draws", "tune", "chains", "seed"]))
def test_settings_of_any_type_are_whole_or_refused(value, name):
    usual = {"draws": 10, "tune": 10, "chains": 1, "seed": 1}
    try:
        found = sampling.settings(**{**usual, name: value})
    except InputError as error:
        assert len(str(error)) <= 500 and "\n" not in str(error)
    else:
        assert found[name] == value and type(found[name]) is int


@pytest.mark.parametrize("value", [None, "europe", 3, {}, []])
def test_data_that_are_none_are_refused(value):
    with pytest.raises(InputError, match=r"bayes_alliance\.load"):
        fit("null", value)
