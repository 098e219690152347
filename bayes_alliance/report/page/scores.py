"""Scores of fits on cases that they have not seen: differences and tables."""

from __future__ import annotations

import pandas as pd
from markupsafe import Markup

from bayes_alliance.compare.loo import difference, pointwise
from bayes_alliance.report.page.marks import fit_marks, high_k, refitted, score_marks
from bayes_alliance.report.page.tables import bold, lines, note, red, table
from bayes_alliance.report.page.words import (
    BY_WORDS,
    INFORMATION_WORDS,
    MISSING,
    cases_of,
    interval,
    number,
    opening,
)
from bayes_alliance.report.results import Results
from bayes_alliance.report.words import case_names, left_out, listed


def group_scores(results: Results, key: tuple[str, str]) -> dict[str, pd.Series]:
    """Scores of theories by theatre, or patron, that was left out."""
    by_case = pd.DataFrame({name: pointwise(score) for name, score in results.scores[key].items()})
    return {g: by_case.loc[cases].sum() for g, cases in cases_of(results, key[1]).items()}


def comparison_table(results: Results, key: tuple[str, str]) -> Markup:
    """Table of a comparison, best first; fits outside the weights come last."""
    information, by = key
    compared, scores = results.comparison[key], results.scores[key]
    first = compared.index[0]
    spoiled = [name for name in compared.index if score_marks(results, key, name)]
    rest = [f"weights rest on {listed(spoiled)}"] if spoiled else []
    rows = []
    for name in [*compared.index, *(n for n in scores if n not in compared.index)]:
        gap, error, _ = difference(scores[name], scores[first])
        row = [
            name,
            lines(number(scores[name].elpd, 1), *map(red, score_marks(results, key, name))),
            number(scores[name].se, 1),
        ]
        if name == first:
            row += ["best", MISSING]
        else:
            marks = score_marks(results, key, name, first)
            row += [lines(number(gap, 1), *map(red, marks)), number(error, 1)]
        if name in compared.index:
            weight = number(float(compared["weight"][name]))
            row.append(lines(weight, note(_weight_interval(results, key, name)), *map(red, rest)))
        else:
            row.append("not weighted")
        rows.append(row)
    return table(
        f"table-compare-{by}-{information}",
        f"Log scores; {BY_WORDS[by]}; {INFORMATION_WORDS[information]}. Differences are from the "
        "model with the highest score, with the standard error of the difference. Weight: share in "
        "the stacked prediction. Fits that are not weighted are shown beside for comparison.",
        ["Fit", "Log score", "Standard error", "Difference", "Its standard error", "Weight"],
        rows,
    )


def _weight_interval(results: Results, key: tuple[str, str], name: str) -> str:
    """Interval of a stacking weight."""
    if key not in results.stacked:
        return ""
    row = results.stacked[key].loc[name]
    return interval(row["lower"], row["upper"])


def group_table(results: Results, key: tuple[str, str]) -> Markup:
    """Table of scores by theatre, or patron, left out and theory."""
    information, by = key
    names = list(results.scores[key])
    rows = []
    for group, sums in group_scores(results, key).items():
        best = sums[list(results.comparison[key].index)].idxmax()
        cells = [
            lines(
                bold(number(sums[name], 1), name == best),
                *map(red, score_marks(results, key, name)),
            )
            for name in names
        ]
        rows.append([opening(left_out(group)), len(cases_of(results, by)[group]), *cells])
    return table(
        f"table-compare-{by}-{information}-where",
        f"Log score of each {by}'s cases, predicted by fits trained without that {by}. The best of "
        "the compared theories is in bold.",
        ["Trained without", "Cases", *names],
        rows,
    )


def case_table(results: Results, by: str) -> Markup:
    """Table of scores by case for one way of leaving out: columns by information and theory."""
    keys = [key for key in results.scores if key[1] == by]
    values = {(k, n): pointwise(score) for k in keys for n, score in results.scores[k].items()}
    words = case_names(results)
    exact = False
    rows = []
    for case in next(iter(values.values())).index:
        best = {
            key: max(results.comparison[key].index, key=lambda n: values[key, n][case])
            for key in keys
        }
        cells = []
        for (key, name), score in values.items():
            again = case in refitted(results.scores[key][name])
            exact |= again
            cells.append(
                lines(
                    bold(number(score[case]) + "†" * again, best[key] == name),
                    *map(red, _case_marks(results, key, name, case)),
                )
            )
        rows.append([words[case], *cells])
    dagger = " A dagger marks cases that were left out exactly, by fitting again."
    return table(
        f"table-cases-{by}",
        f"Log score by case, {BY_WORDS[by]}. The best of the compared theories is in bold."
        f"{dagger if exact else ''}",
        ["Case", *(name for _, name in values)],
        rows,
        spanners=[(opening(INFORMATION_WORDS[key[0]]), len(results.scores[key])) for key in keys],
        wide=True,
    )


def case_tables(results: Results) -> list[Markup]:
    """Scores by case: one table a way of leaving out."""
    return [case_table(results, by) for by in dict.fromkeys(by for _, by in results.scores)]


def _case_marks(results: Results, key: tuple[str, str], name: str, case: str) -> tuple[str, ...]:
    """What spoils the score of one case: its Pareto k, and that the fit failed."""
    k = high_k(results.scores[key][name]).get(case)
    failed = ("fit failed",) if fit_marks(results, name) else ()
    return failed + ((f"Pareto k {number(k)}",) if k is not None else ())
