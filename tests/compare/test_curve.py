"""Tables and sentences of a study from results written by hand."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

from bayes_alliance.compare.curve import (
    comparison_curve,
    comparison_sentences,
    hypothesis_curve,
    hypothesis_sentences,
    pairs,
    tenths,
    turning_sentences,
)
from bayes_alliance.compare.specifications import Specification, specification
from bayes_alliance.compare.study import Study
from bayes_alliance.errors import InputError
from bayes_alliance.report.figures.specifications import BELOW, curves, overview
from bayes_alliance.theories import get

DATA = ("europe",)
SPECIFICATIONS = [
    specification(DATA),
    specification(DATA, frames=False),
    specification(DATA, priors="wider"),
    specification(DATA, frames=False, priors="wider"),
]


def result(scores: list[float | None], p: float = 0.5, problems: tuple[str, ...] = (), **more: Any):
    """A result with these scores of cases a, b, ... and this probability of every hypothesis."""
    by_case = dict(zip("abcdef", scores, strict=False))
    said = {"estimate": p, "lower": p - 1, "upper": p + 1, "probability": p}
    names = ["H1", "H2", "H3", "H4", "H5", "H6", "H7"]
    return {
        "inputs": {},
        "problems": list(problems),
        "diagnostics": {},
        "scores": {
            "indicators": by_case,
            "commitments": {c: 2 * (s or 0) for c, s in by_case.items()},
        },
        "pareto_k": {c: 0.1 for c in by_case},
        "good_k": 0.7,
        "hypotheses": {h: said | {"prior_probability": 0.5} for h in names},
    } | more


def study(
    occupation: list[dict | None], null: list[dict | None] | None = None, which: int | None = None
) -> Study:
    """A study of the first specifications."""
    found: dict[tuple[str, str], dict] = {}
    there: list[Specification] = SPECIFICATIONS[: len(occupation)]
    for theory, given in (("occupation", occupation), ("null", null or [])):
        for s, r in zip(there, given, strict=False):
            if r is not None:
                found[s.hash, theory] = r
    return Study(there, ["occupation", "null"] if null else ["occupation"], found)


def test_pairs_are_each_theory_and_the_null_and_the_later_against_the_earlier() -> None:
    assert pairs(["occupation", "prospect", "null"]) == [
        ("occupation", "null"),
        ("prospect", "null"),
        ("prospect", "occupation"),
    ]
    assert pairs(["null"]) == []


def test_the_difference_is_paired_by_case() -> None:
    # differences 1 to 5: sum 15, population variance 2, standard error sqrt(5 * 2)
    found = study([result([-1, -2, -3, -4, -5])], [result([-2, -4, -6, -8, -10])])
    row = comparison_curve(found).iloc[0]
    assert row["pair"] == "occupation minus null"
    assert row["estimate"] == pytest.approx(15)
    assert row["se"] == pytest.approx(math.sqrt(10))
    assert (row["lower"], row["upper"]) == pytest.approx((15 - math.sqrt(10), 15 + math.sqrt(10)))
    assert (row["cases"], row["high_k"], row["failed"]) == (5, 0, False)
    assert comparison_curve(found, "commitments").iloc[0]["estimate"] == pytest.approx(30)
    with pytest.raises(InputError, match="information"):
        comparison_curve(found, "all")


def test_the_order_of_the_cases_does_not_matter() -> None:
    turned = result([])
    other = {"e": -10.0, "c": -6.0, "a": -2.0, "d": -8.0, "b": -4.0}
    turned["scores"] = {"indicators": other, "commitments": {}}
    row = comparison_curve(study([result([-1, -2, -3, -4, -5])], [turned])).iloc[0]
    assert row["se"] == pytest.approx(math.sqrt(10))


def test_high_pareto_k_of_either_fit_is_counted_once_a_case() -> None:
    first = result([-1, -2, -3], pareto_k={"a": 0.8, "b": 0.9, "c": 0.1})
    second = result([-1, -2, -3], pareto_k={"a": 0.8, "b": 0.1, "c": None})
    assert comparison_curve(study([first], [second])).iloc[0]["high_k"] == 3


def test_failed_and_missing_fits_are_shown() -> None:
    failed = result([-1, -2, -3], 0.9, ("R-hat 1.20 at k",))
    no_fit = result([], problems=("no fit: ValueError: x",), hypotheses={})
    found = study([result([-1, -2, -3]), failed, no_fit, None], [result([-2, -2, -2])] * 4)
    table = comparison_curve(found)
    assert table["failed"].tolist() == [False, True, True, True]
    assert table["problems"].tolist() == [
        "",
        "occupation: R-hat 1.20 at k",
        "occupation: no fit: ValueError: x",
        "occupation: not fitted",
    ]
    assert table["estimate"].isna().tolist() == [False, False, True, True]
    table = hypothesis_curve(found)
    h1 = table[table["hypothesis"] == "H1"]
    assert h1["failed"].tolist() == [False, True, True, True]
    assert h1["probability"].tolist()[:2] == [0.5, 0.9]
    assert h1["probability"].isna().tolist() == [False, False, True, True]


def test_a_score_that_is_no_number_makes_no_difference_of_the_rest() -> None:
    found = study([result([-1, None, -3], problems=("no score of b",))], [result([-1, -2, -3])])
    row = comparison_curve(found).iloc[0]
    assert math.isnan(row["estimate"]) and math.isnan(row["se"]) and row["failed"]


def sentence(*probabilities: float | None) -> str:
    """Sentence of H1 with these probabilities; None is a fit that failed."""
    fits = [
        result([-1], 0.99, ("divergences",)) if p is None else result([-1], p)
        for p in probabilities
    ]
    return hypothesis_sentences(hypothesis_curve(study(fits)))["occupation H1"]


def test_the_sentence_says_how_far_a_hypothesis_depends_on_the_choices() -> None:
    assert sentence(0.6, 0.45, 0.9, 0.2) == (
        "occupation H1 stays undecided whatever is chosen: over 4 specifications the probability "
        "of the expected direction is 0.20 to 0.90, above one half under 2, and the data support "
        "it under 0 and refute it under 0; it is 0.60 at the defaults, and of the choices alone "
        "'wider priors' moves it most, to 0.90."
    )
    assert "H1 is supported whatever is chosen: over 2" in sentence(0.96, 0.99)
    assert "H1 is refuted whatever is chosen" in sentence(0.01, 0.02)
    assert "H1 depends on the choices" in sentence(0.96, 0.6)
    assert "H1 depends on the choices" in sentence(0.6, 0.04)
    assert "H1 turns into its contrary with the choices" in sentence(0.96, 0.6, 0.04)


def test_a_choice_that_moves_nothing_is_not_blamed() -> None:
    assert "and no choice alone moves it." in sentence(0.7, 0.7, 0.7)
    assert sentence(0.7).endswith("it is 0.70 at the defaults.")


def test_failed_fits_are_counted_but_not_summarised() -> None:
    said = sentence(0.6, None, 0.7)
    assert "over 2 specifications" in said and "0.60 to 0.70" in said and "0.99" not in said
    assert said.endswith("; fits failed under 1 specification.")
    said = sentence(None, 0.7)
    assert "without a fit at the defaults no choice can be measured against them" in said
    assert sentence(None, None) == (
        "occupation H1 cannot be judged: fits failed under 2 specifications."
    )


def test_every_hypothesis_has_a_sentence_and_the_null_none() -> None:
    found = study([result([-1])], [result([-1])])
    names = list(hypothesis_sentences(hypothesis_curve(found)))
    assert names == [f"occupation {h.name}" for h in get("occupation").HYPOTHESES]
    only = Study(SPECIFICATIONS, ["null"], {})
    assert hypothesis_sentences(hypothesis_curve(only)) == {}
    assert comparison_sentences(comparison_curve(only)) == {}
    assert list(curves(only)) == []


@pytest.mark.parametrize(
    ("value", "words"), [(-0.04, "0.0"), (0.04, "0.0"), (-0.06, "-0.1"), (3.14, "3.1")]
)
def test_there_is_no_negative_zero(value: float, words: str) -> None:
    assert tenths(value) == words


def test_the_sentence_of_a_comparison() -> None:
    # differences over six cases: 12 (s.e. 0), -6 (s.e. sqrt(6 * 4) = 4.9)
    fits = [result([-1, -1] * 3), result([-4, -6] * 3)]
    nulls = [result([-3, -3] * 3), result([-5, -3] * 3)]
    said = comparison_sentences(comparison_curve(study(fits, nulls)))
    assert said["occupation minus null"] == (
        "occupation minus null: over 2 specifications the difference in log score is -6.0 to 12.0, "
        "above zero under 1, and the two are told apart under 1; it is 12.0 at "
        "the defaults, and of the choices alone 'coded frames unread' moves it most, to -6.0."
    )


def test_a_single_choice_that_turns_an_answer_is_named() -> None:
    # differences: 18 (s.e. 0), 18 (s.e. sqrt(6 * 25)), -18 (s.e. 0); the last has two choices
    fits = [
        result([2, 2] * 3, 0.95),
        result([7, -3] * 3, 0.96),
        result([-4, -4] * 3, 0.94),
        result([2, 2] * 3, 0.05),
    ]
    nulls = [result([-1, -1] * 3)] * 4
    found = study(fits, nulls)
    compared, table = comparison_curve(found), hypothesis_curve(found)
    assert compared["answer"].tolist() == ["ahead", "not told apart", "behind", "ahead"]
    assert turning_sentences(compared) == {
        "occupation minus null": "occupation minus null is ahead at the defaults, but not told "
        "apart with 'coded frames unread' alone, behind with 'wider priors' alone."
    }
    h1 = table[table["hypothesis"] == "H1"]
    assert h1["answer"].tolist() == ["supported", "supported", "undecided", "refuted"]
    assert turning_sentences(h1) == {
        "occupation H1": "occupation H1 is supported at the defaults, but undecided with 'wider "
        "priors' alone."
    }
    fits[2] = result([-2, -2] * 3, 0.5, ("divergences",))
    assert turning_sentences(hypothesis_curve(study(fits, nulls))) == {}
    fits[0], fits[2] = fits[2], result([-2, -2] * 3, 0.5)
    assert turning_sentences(hypothesis_curve(study(fits, nulls))) == {}, "no default to turn"


def test_the_overview_has_a_mark_a_specification_and_shows_what_failed() -> None:
    failed = result([-1], 0.9, ("divergences",))
    table = hypothesis_curve(study([result([-1], 0.2), result([-1], 0.3), failed, None]))
    axes = overview(table).figure.axes[0]
    assert [t.get_text() for t in axes.get_yticklabels()] == [
        f"occupation {h.name}" for h in get("occupation").HYPOTHESES
    ]
    first = [line for line in axes.lines if set(line.get_ydata()) == {0}]
    marks = [(m.get_marker(), list(m.get_xdata()), m.get_color()) for m in first]
    assert ("|", [0.2, 0.3], "#0072B2") in marks and ("D", [0.2], "#0072B2") in marks
    # what failed stands below its line, hollow
    below = [line for line in axes.lines if set(line.get_ydata()) == {BELOW}]
    (mark,) = below
    assert (mark.get_marker(), list(mark.get_xdata())) == ("o", [0.9])
    assert (mark.get_color(), mark.get_markerfacecolor()) == ("#CC0000", "white")


def test_the_curve_shows_every_specification_and_marks_those_that_failed() -> None:
    failed = result([-1, -2, -3], 0.9, ("divergences",))
    found = study([result([-1, -2, -3], 0.2), failed, None], [result([-2, -2, -2])] * 3)
    figures = dict(curves(found))
    assert len(figures) == 1 + 1 + 7
    assert {f.section for f in figures.values()} == {"robust"}
    figure = figures["specifications-occupation-H1"]
    upper, lower = figure.figure.axes
    marks = [line for line in upper.lines if len(line.get_xdata()) == 1]
    looks = [(m.get_marker(), m.get_markerfacecolor()) for m in marks]
    assert looks[0] == ("D", "#0072B2")  # lowest, at the defaults
    assert looks[1] == ("o", "white")  # failed
    assert looks[2][0] == "x"  # no number
    assert [m.get_xdata()[0] for m in marks] == [0, 1, 2]
    # frames and priors are open: two marks a specification
    ticks = [line for line in lower.lines if line.get_marker() == "|"]
    assert sum(len(line.get_xdata()) for line in ticks) == 2 * 3
    labels = [label.get_text() for label in lower.get_yticklabels()]
    assert labels[:2] == ["coded frames read", "coded frames unread"]
    assert "divergences" in figure.alt and "not fitted" in figure.alt
    assert figure.caption.startswith("occupation H1 stays undecided")
    assert isinstance(hypothesis_curve(found), pd.DataFrame)
