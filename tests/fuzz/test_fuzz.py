"""Two thousand seeded mutations end in an answer that is right, or in a refusal of one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from checked import check_subject
from engine import RIGHT, outcome
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from of_priors import PriorChanges, wanted
from of_scenarios import Scenarios

from bayes_alliance.errors import MOST, InputError, one_line
from bayes_alliance.forecast.scenario import parse
from bayes_alliance.process.priors import load_priors

MANY = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=6,
)
"""Anything that TOML or JSON can hold."""


@pytest.mark.parametrize("name", ("tables", "scenarios", "priors", "names"))
def test_mutations_are_refused_or_right(name: str, tmp_path: Path) -> None:
    check_subject(name, tmp_path)


@MANY
@given(
    name=st.sampled_from(["null", "both"]),
    changes=st.dictionaries(st.text(max_size=9), PLAIN, max_size=3),
)
def test_any_change_of_priors_is_refused_or_right(name: str, changes: dict) -> None:
    def attempt() -> str:
        load_priors(name, changes)
        assert not isinstance(wanted(name, changes), str)
        return RIGHT

    outcome(attempt)


@MANY
@given(key=st.text(max_size=9), value=PLAIN, at=st.integers(0, 20))
def test_any_value_in_a_scenario_is_refused_or_right(key: str, value: object, at: int) -> None:
    subject = Scenarios()
    subject.set_up(Path("."))
    content = dict(subject.base[0])
    known = list(content)
    content[known[at] if at < len(known) else key] = value
    outcome(lambda: subject._judge(content, parse(content)))


@MANY
@given(words=st.text(max_size=700), most=st.integers(20, MOST))
def test_any_text_fits_on_one_line(words: str, most: int) -> None:
    short = one_line(words, most)
    assert len(short) <= most and short.isprintable()
    for error in (InputError(words), InputError("x", file=words, column=words, value=words)):
        assert len(str(error)) <= MOST and str(error).isprintable()


def test_a_subject_that_accepts_what_is_wrong_is_found(tmp_path: Path) -> None:
    subject = PriorChanges()
    subject.set_up(tmp_path)
    with pytest.raises(AssertionError):
        from of_priors import same

        same(load_priors("null"), wanted("null", {"alpha_alliance": {"mu": 7.0}}))
