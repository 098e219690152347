"""What the public functions say of what is no fit, before any work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import bayes_alliance as ba
from bayes_alliance.errors import InputError
from bayes_alliance.given import fit_given, fits_given
from bayes_alliance.report.results import check

TREE = xr.DataTree()
NO_FITS: list[Any] = [TREE, [TREE], [], "fit.nc", None, 3, {"null": TREE}, {"a": "fit.nc"}, {1: 2}]
OF_FITS: list[Callable[[Any], Any]] = [ba.compare, lambda fits: ba.report(fits, "never")]
OF_ONE: list[Callable[[Any], Any]] = [
    ba.hypotheses,
    ba.checks,
    ba.diagnose,
    lambda tree: ba.check(tree, "multilateral_all"),
]


@pytest.mark.parametrize("given_", NO_FITS, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("function", [*OF_FITS, *OF_ONE])
def test_what_is_no_fit_is_said_in_one_line(
    function: Callable, given_: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as said:
        function(given_)
    words = str(said.value)
    assert "\n" not in words and len(words) <= 500
    assert "expected" in words and "fit" in words


ANY = st.recursive(
    st.none() | st.integers() | st.text() | st.binary() | st.just(TREE),
    lambda of: st.lists(of) | st.dictionaries(st.text() | st.integers(), of),
    max_leaves=5,
)


@given(ANY, st.sampled_from([fit_given, fits_given, lambda value: fits_given(value, least=2)]))
def test_anything_else_is_refused_whatever_it_is(value: Any, function: Callable) -> None:
    with pytest.raises(InputError) as said:
        function(value)
    assert "\n" not in str(said.value) and len(str(said.value)) <= 500


def test_a_report_says_before_its_work_what_is_wrong(
    fits: dict[str, xr.DataTree], tmp_path: Path
) -> None:
    two = {name: fits[name] for name in ("prospect", "null")}
    wrong = {"mine": fits["prospect"], "null": fits["null"]}
    cases: list[tuple[dict, dict, str]] = [
        (wrong, {}, "'prospect', the name of its theory"),
        (two, {"extra": {"null": fits["occupation"]}}, "another key"),
        (two, {"extra": [fits["null"]]}, "fits by name"),
        (two, {"scenarios": ["quad-status-qu"]}, "quad-status-qu"),
        (two, {"forms": {"prospect": fits["prospect"]}}, "hazard of every theory, null too"),
    ]
    for trees, more, words in cases:
        told: list[str] = []
        with pytest.raises(InputError, match=words):
            ba.report(trees, tmp_path / "out", progress=told.append, **more)
        assert told == [], "work was begun"
    check(two, None)
    (tmp_path / "taken" / "index.html").mkdir(parents=True)
    with pytest.raises(InputError, match=r"index\.html"):
        ba.report(two, tmp_path / "taken")


def test_an_unknown_quantity_names_what_was_meant(fits: dict[str, xr.DataTree]) -> None:
    for quantity in ("multilateral_differences", "x" * 9, "", None, 3, ["a"]):
        with pytest.raises(InputError, match="column 'quantity'") as said:
            ba.check(fits["null"], quantity)  # type: ignore[arg-type]
        meant = "did you mean" in str(said.value)
        assert meant == (quantity == "multilateral_differences")
