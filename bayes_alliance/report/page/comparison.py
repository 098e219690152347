"""Which theory predicts better, and where."""

from __future__ import annotations

import math
from typing import Any

from bayes_alliance.compare.loo import ERRORS, SMALL, told_apart
from bayes_alliance.report.page.marks import Said, score_marks
from bayes_alliance.report.page.scores import (
    comparison_table,
    difference,
    group_scores,
    group_table,
)
from bayes_alliance.report.page.words import (
    BY_WORDS,
    FEW,
    INFORMATION_WORDS,
    LEVEL,
    called,
    cases_of,
    count,
    number,
    opening,
    percent,
    signed,
    variants_of,
)
from bayes_alliance.report.results import Results
from bayes_alliance.report.words import case_names, left_out, listed
from bayes_alliance.theories import NULL


def against_error(gap: float, error: float, cases: int) -> str:
    """Say whether a difference in log score is small against its error.

    Parameters
    ----------
    gap, error : float
        Difference and its standard error.
    cases : int
        How many cases they come from.

    Returns
    -------
    str
        A clause.
    """
    if not math.isfinite(error):
        return "too few cases for a standard error"
    if abs(gap) < ERRORS * error:
        return "less than two standard errors, so the cases do not tell the two apart"
    if abs(gap) < SMALL:
        return f"more than two standard errors, but a difference below {number(SMALL, 0)} is small"
    unsure = f", though an error from {count(cases, 'case')} is itself unsure"
    return f"more than two standard errors{unsure if cases < FEW else ''}"


def best_sentence(results: Results, key: tuple[str, str]) -> Said:
    """Say which theory has the best score, and whether by more than its error."""
    table, scores = results.comparison[key], results.scores[key]
    first, second = table.index[:2]
    gap, error, by_case = difference(scores[first], scores[second])
    text = (
        f"{opening(called(first))} has the highest log score, {number(table['elpd'][first], 1)}, "
        f"ahead of {called(second)} by {number(gap, 1)} with a standard error of "
        f"{number(error, 1)}: {against_error(gap, error, len(by_case))}."
    )
    heaviest = table["weight"].astype(float).idxmax()
    if heaviest != first:
        text += (
            f" The largest stacking weight, {number(table['weight'][heaviest])}, goes to "
            f"{called(heaviest)}."
        )
    return Said(text, score_marks(results, key, first, second))


def named_sentence(results: Results, key: tuple[str, str]) -> Said:
    """Name the theory that predicts best, or say that the cases cannot tell."""
    best, *others = results.comparison[key].index
    scores = results.scores[key]
    alike = [
        called(name)
        for name in others
        if not told_apart(*difference(scores[best], scores[name])[:2])
    ]
    text = (
        f"The cases cannot tell which theory predicts best: {called(best)} is not told apart from "
        f"{listed(alike)}."
        if alike
        else f"{opening(called(best))} predicts best: it is told apart from every other theory."
    )
    return Said(text, score_marks(results, key, best, *others))


def weight_sentence(results: Results, key: tuple[str, str]) -> Said:
    """Say how sure the stacking weights are."""
    table = results.stacked[key].loc[list(results.comparison[key].index)]
    shares = listed(
        f"{name} {number(row['weight'])} ({number(row['lower'])} to {number(row['upper'])})"
        for name, row in table.iterrows()
    )
    first = table["leads"].idxmax()
    return Said(
        f"Stacking weights, with {LEVEL} intervals from the Bayesian bootstrap over cases: "
        f"{shares}. {opening(called(first))} has the largest weight in "
        f"{percent(table['leads'][first])} of the replications. A weight near 1 says that no "
        "other theory adds to its predictions, however small its lead.",
        score_marks(results, key, *table.index),
    )


def null_sentences(results: Results, key: tuple[str, str]) -> list[Said]:
    """Say of each theory whether it predicts better than no theory."""
    scores = results.scores[key]
    if NULL not in scores:
        return []
    out = []
    order = list(results.comparison[key].index)
    for name in order:
        if name == NULL or {name, NULL} == set(order[:2]):  # told already
            continue
        gap, error, by_case = difference(scores[name], scores[NULL])
        text = (
            f"{opening(called(name))} scores {number(abs(gap), 1)} "
            f"{'higher' if gap >= 0 else 'lower'} than the null model, which knows no theory "
            f"(standard error {number(error, 1)}; {against_error(gap, error, len(by_case))})."
        )
        out.append(Said(text, score_marks(results, key, name, NULL)))
    return out


def carry_sentence(results: Results, key: tuple[str, str]) -> Said:
    """Name the cases that carry the difference between the two best theories."""
    first, second = results.comparison[key].index[:2]
    scores = results.scores[key]
    gap, _, by_case = difference(scores[first], scores[second])
    words = case_names(results)
    order = by_case.reindex(by_case.abs().sort_values(ascending=False, kind="stable").index)
    shown = [f"{words[c]} ({signed(v)})" for c, v in order.iloc[:3].items()]
    top = order.index[0]
    rest = gap - order.iloc[0]
    text = f"The cases that move this difference most are {listed(shown)}. "
    text += f"Without {words[top]} it would be {signed(rest)}"
    turned = rest < 0 < gap
    text += f", in favour of {called(second)}." if turned else "."
    return Said(text, score_marks(results, key, first, second))


def group_sentences(results: Results, key: tuple[str, str]) -> list[Said]:
    """Say of each theatre, or patron, which theory predicts it best without having seen it."""
    out = []
    for group, sums in group_scores(results, key).items():
        order = sums[list(results.comparison[key].index)].sort_values(ascending=False)
        first, second = order.index[:2]
        cases = cases_of(results, key[1])[group]
        gap, error, _ = difference(results.scores[key][first], results.scores[key][second], cases)
        text = (
            f"Trained without {left_out(group)}, {called(first)} predicts its "
            f"{count(len(cases), 'case')} best ({number(order.iloc[0], 1)}), {called(second)} next "
            f"({number(order.iloc[1], 1)}): a difference of {number(gap, 1)}"
        )
        if math.isfinite(error):
            text += f" with a standard error of {number(error, 1)}"
        text += f", {against_error(gap, error, len(cases))}."
        out.append(Said(text, score_marks(results, key, first, second)))
    return out


def variant_sentences(results: Results, key: tuple[str, str]) -> list[Said]:
    """Set fits that leave codings unread beside the fits that read them."""
    scores, order = results.scores[key], list(results.comparison[key].index)
    out = []
    for base in order:
        rival = next(n for n in order if n != base)
        for name in variants_of(results, base, scores):
            gap, error, _ = difference(scores[name], scores[base])
            lead, doubt, by_case = difference(scores[name], scores[rival])
            text = (
                f"Fitted {name.partition(', ')[2]}, {called(base)} scores "
                f"{number(scores[name].elpd, 1)}, a change of {signed(gap)} with a standard error "
                f"of {number(error, 1)}. It is then {number(abs(lead), 1)} "
                f"{'above' if lead >= 0 else 'below'} {called(rival)} (standard error "
                f"{number(doubt, 1)}; {against_error(lead, doubt, len(by_case))})."
            )
            out.append(Said(text, score_marks(results, key, base, name, rival)))
    return out


def comparison_sections(results: Results) -> list[dict[str, Any]]:
    """One section a comparison: sentences and table."""
    out = []
    for key in results.comparison:
        information, by = key
        said = [
            best_sentence(results, key),
            named_sentence(results, key),
            *([weight_sentence(results, key)] if key in results.stacked else ()),
            carry_sentence(results, key),
            *null_sentences(results, key),
            *(group_sentences(results, key) if by != "episode" else ()),
            *variant_sentences(results, key),
        ]
        setting = f"{BY_WORDS[by]}; {INFORMATION_WORDS[information]}"
        out.append(
            {
                "id": f"compare-{by}-{information}",
                "title": opening(setting),
                "said": said,
                "table": comparison_table(results, key),
                "groups": group_table(results, key) if by != "episode" else "",
            }
        )
    return out
