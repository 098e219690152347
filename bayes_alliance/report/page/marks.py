"""What spoils a number, and texts that carry it."""

from __future__ import annotations

from dataclasses import dataclass

import arviz as az

from bayes_alliance.forecast.forecast import STACKED
from bayes_alliance.report.page.words import (
    BY_WORDS,
    INFORMATION_WORDS,
    number,
    opening,
)
from bayes_alliance.report.results import MAIN, Results
from bayes_alliance.report.words import case_names


@dataclass(frozen=True)
class Said:
    """A text with what spoils its numbers.

    Parameters
    ----------
    text : str
        One or more sentences, or the content of a cell.
    marks : tuple of str
        Printed in red beside it.
    """

    text: str
    marks: tuple[str, ...] = ()


def fit_marks(results: Results, *names: str) -> tuple[str, ...]:
    """What the diagnostics of fits hold against their numbers."""
    problems = {n: results.diagnostics[n]["problems"] for n in names}
    return tuple(f"fit of {n} failed: {'; '.join(p)}" for n, p in problems.items() if p)


def high_k(score: az.ELPDDataLOO) -> dict[str, float]:
    """Cases whose score rests on weights that are not to be trusted.

    Parameters
    ----------
    score : arviz.ELPDDataLOO
        A theory's score, after refits.

    Returns
    -------
    dict of str to float
        Case to Pareto k above the threshold; a k that is not a number counts.
    """
    pairs = zip(score.pareto_k["case"].values, score.pareto_k.values, strict=True)
    return {str(case): float(k) for case, k in pairs if not k <= score.good_k}


def refitted(score: az.ELPDDataLOO) -> list[str]:
    """Cases that were left out by fitting again, since their Pareto k was too high."""
    before, after = score.influence_pareto_k, score.pareto_k
    if before is None:
        return []
    cases = zip(before["case"].values, before.values, after.values, strict=True)
    return [str(case) for case, old, new in cases if not old <= score.good_k and new == 0]


def score_marks(results: Results, key: tuple[str, str], *names: str) -> tuple[str, ...]:
    """What spoils the scores of theories: their fits, and Pareto k left too high."""
    words = case_names(results)
    return fit_marks(results, *names) + tuple(
        f"Pareto k of {name} {number(k)} at {words[case]}"
        for name in dict.fromkeys(names)
        for case, k in high_k(results.scores[key][name]).items()
    )


def forecast_marks(results: Results, name: str) -> tuple[str, ...]:
    """What spoils a forecast: the theory's fit; stacked, any of the fits and the weights."""
    if name != STACKED:
        return fit_marks(results, name)
    return score_marks(results, MAIN, *results.trees)


def failures(results: Results) -> list[str]:
    """List every failed diagnostic and every Pareto k left too high, for the top of the page."""
    words = case_names(results)
    return [opening(mark) for mark in fit_marks(results, *results.diagnostics)] + [
        f"Pareto k of {name} is {number(k)} at {words[case]}, above {number(score.good_k)} "
        f"({INFORMATION_WORDS[information]}; {BY_WORDS[by]})"
        for (information, by), scores in results.scores.items()
        for name, score in scores.items()
        for case, k in high_k(score).items()
    ]
