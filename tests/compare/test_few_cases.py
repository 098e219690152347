"""Few cases are never certain."""

from __future__ import annotations

import arviz as az
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from bayes_alliance.compare.loo import LEAST_CASES, aligned, paired, table, told_apart
from bayes_alliance.compare.weights import stacking

NUMBER = st.floats(-1e6, 1e6)


def score(values: list[float], cases: list[str] | None = None):
    """Scores by case as ArviZ holds them."""
    cases = cases or [f"case-{i}" for i in range(len(values))]
    by_case = xr.DataArray(np.array(values, float), dims="case", coords={"case": cases})
    return az.ELPDDataLOO(
        elpd=float(by_case.sum()),
        se=1.0,
        p=1.0,
        n_samples=100,
        n_data_points=len(values),
        scale="log",
        warning=False,
        good_k=0.7,
        elpd_i=by_case,
        pareto_k=xr.zeros_like(by_case),
    )


@settings(deadline=None)
@given(st.lists(NUMBER, min_size=1, max_size=LEAST_CASES - 1))
def test_few_cases_have_no_standard_error_and_tell_nothing_apart(gaps: list[float]) -> None:
    gap, error = paired(pd.Series(gaps))
    assert gap == pytest.approx(sum(gaps))
    assert np.isnan(error)
    assert not told_apart(gap, error)


@settings(deadline=None, max_examples=20)
@given(st.integers(1, LEAST_CASES - 1), st.floats(0, 100))
def test_few_cases_leave_the_weights_equal(cases: int, lead: float) -> None:
    scores = {"a": score([0.0] * cases), "b": score([-lead] * cases)}
    found = table(scores)
    assert found["weight"].tolist() == [0.5, 0.5]
    assert found[["se", "dse", "p_worse"]].isna().all(axis=None)
    assert stacking(scores)[["lower", "upper"]].to_numpy().tolist() == [[0, 1], [0, 1]]


def test_enough_cases_have_the_standard_error_of_arviz() -> None:
    rng = np.random.default_rng(1)
    scores = {name: score(rng.normal(size=LEAST_CASES).tolist()) for name in "ab"}
    found = table(scores)
    gaps = scores["a"].elpd_i - scores["b"].elpd_i
    error = paired(gaps.to_series())[1]
    assert found["dse"].max() == pytest.approx(error)


def test_scores_of_tables_in_another_order_are_paired_by_the_name_of_the_case() -> None:
    first = score([1.0, 2.0, 3.0, 4.0, 5.0], list("abcde"))
    second = score([5.0, 1.0, 4.0, 2.0, 3.0], list("eadbc"))
    found = aligned(second, first.elpd_i["case"])
    assert found.elpd_i.values.tolist() == first.elpd_i.values.tolist()
    assert second.elpd_i.values[0] == 5.0, "what was given is as it was"
