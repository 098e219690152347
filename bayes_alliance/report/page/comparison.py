"""Which theory predicts better, and where."""

from __future__ import annotations

import math
from typing import Any

from bayes_alliance.report.page.marks import Said, score_marks
from bayes_alliance.report.page.scores import (
    by_theatre_rows,
    comparison_rows,
    difference,
    theatre_scores,
)
from bayes_alliance.report.page.words import (
    ALIKE,
    BY_WORDS,
    FEW,
    INFORMATION_WORDS,
    NULL,
    called,
    cases_of,
    count,
    number,
    opening,
    signed,
    variants_of,
)
from bayes_alliance.report.results import Results
from bayes_alliance.report.words import case_names, listed


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
    if abs(gap) < 2 * error:
        return "less than two standard errors, so the cases do not tell the two apart"
    if round(abs(gap), 1) < ALIKE:
        return f"more than two standard errors, but a difference below {number(ALIKE, 0)} is small"
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


def theatre_sentences(results: Results, information: str) -> list[Said]:
    """Say of each theatre which theory predicts it best without having seen it."""
    key = (information, "theatre")
    out = []
    for theatre, sums in theatre_scores(results, information).items():
        order = sums[list(results.comparison[key].index)].sort_values(ascending=False)
        first, second = order.index[:2]
        cases = cases_of(results)[theatre]
        gap, error, _ = difference(results.scores[key][first], results.scores[key][second], cases)
        text = (
            f"Trained without {opening(theatre)}, {called(first)} predicts its "
            f"{count(len(cases), 'case')} best ({number(order.iloc[0], 1)}), {called(second)} next "
            f"({number(order.iloc[1], 1)}): a difference of {number(gap, 1)} with a standard error "
            f"of {number(error, 1)}, {against_error(gap, error, len(cases))}."
        )
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
            carry_sentence(results, key),
            *null_sentences(results, key),
            *(theatre_sentences(results, information) if by == "theatre" else ()),
            *variant_sentences(results, key),
        ]
        setting = f"{BY_WORDS[by]}; {INFORMATION_WORDS[information]}"
        out.append(
            {
                "id": f"compare-{by}-{information}",
                "title": opening(setting),
                "setting": setting,
                "said": said,
                "rows": comparison_rows(results, key),
                "theatres": by_theatre_rows(results, information) if by == "theatre" else None,
            }
        )
    return out
