"""Proper scores of theories beside those of usual regressions."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from markupsafe import Markup

from bayes_alliance.compare.loo import ERRORS
from bayes_alliance.compare.scores import SCORES
from bayes_alliance.report.page.marks import Said, fit_marks
from bayes_alliance.report.page.tables import bold, lines, note, red, table
from bayes_alliance.report.page.words import (
    INFORMATION_WORDS,
    MISSING,
    called,
    number,
    opening,
    signed,
)
from bayes_alliance.report.results import Results
from bayes_alliance.report.words import listed
from bayes_alliance.theories import NULL

SCORE_WORDS = {
    "log": "log score of the design",
    "brier": "Brier score of the design",
    "ranked": "ranked probability score of the ladder",
    "integrated_brier": "integrated Brier score of survival",
    "concordance": "concordance of survival",
}


def yardsticks_of(results: Results, table: pd.DataFrame) -> list[str]:
    """Those of a table of scores that are no theories."""
    return [n for n in table.index.unique("name") if n not in results.trees]


def best_of(table: pd.DataFrame, score: str, names: list[str]) -> str | None:
    """Whoever of some has the best mean; None if none has the score."""
    rows = table.loc[score]
    rows = rows.loc[rows.index.isin(names), ["mean", "better"]]
    if rows.empty:
        return None
    at = rows["mean"].idxmin() if rows["better"].iloc[0] == "less" else rows["mean"].idxmax()
    return str(at)


def proper_sentences(results: Results, information: str) -> list[Said]:
    """Say whether theories predict better than usual regressions, and how these were fitted."""
    table = results.proper[information]
    scores = [score for score in SCORES if score in table.index.unique("score")]
    theories, rivals = list(results.trees), yardsticks_of(results, table)
    ahead: list[str] = []
    behind: list[str] = []
    for score in scores:
        theory, rival = best_of(table, score, theories), best_of(table, score, rivals)
        if theory is None or rival is None:
            continue
        of_theory, of_rival = (table.loc[(score, name), "mean"] for name in (theory, rival))
        words = (
            f"{SCORE_WORDS[score]} ({called(theory)} {number(of_theory)}, {rival} "
            f"{number(of_rival)})"
        )
        won = of_theory < of_rival if SCORES[score] == "less" else of_theory > of_rival
        (ahead if won else behind).append(words)
    marks = fit_marks(results, *theories)
    out = []
    if ahead:
        text = f"The best of the models predicts better than the best yardstick by {listed(ahead)}."
        out.append(Said(text, marks))
    if behind:
        text = f"The best yardstick predicts as well or better by {listed(behind)}."
        out.append(Said(text, marks))
    clear = [
        f"{called(name)} by the {SCORE_WORDS[score]} "
        f"({'better' if (row['difference'] < 0) == (SCORES[score] == 'less') else 'worse'})"
        for (score, name), row in table.iterrows()
        if name in theories
        and name != NULL
        and math.isfinite(row["difference_se"])
        and abs(row["difference"]) > ERRORS * row["difference_se"]
    ]
    against = called(NULL if NULL in theories else theories[0])
    out.append(
        Said(
            f"More than two standard errors from {against}: {listed(clear)}."
            if clear
            else f"By no score is a theory more than two standard errors from {against}.",
            marks,
        )
    )
    notes = table["note"].groupby(level="name", sort=False).first()
    said = [f"{name}: {note}" for name, note in notes.items() if note]
    if said:
        out.append(Said(f"How each was fitted or made exact: {'; '.join(said)}."))
    return out


def proper_sections(results: Results) -> list[dict[str, Any]]:
    """One section an information set: sentences and table."""
    return [
        {
            "said": proper_sentences(results, information),
            "table": proper_table(results, information),
        }
        for information in results.proper
    ]


def proper_table(results: Results, information: str) -> Markup:
    """Table of proper scores: rows are whoever predicts, columns are scores."""
    found = results.proper[information]
    scores = [score for score in SCORES if score in found.index.unique("score")]
    names = list(found.index.unique("name"))
    best = {score: best_of(found, score, names) for score in scores}
    rows = []
    for name in names:
        marks = fit_marks(results, name) if name in results.trees else ()
        cells = []
        for score in scores:
            if (score, name) not in found.index:
                cells.append(MISSING)
                continue
            row = found.loc[(score, name)]
            gap, error = row["difference"], row["difference_se"]
            apart = f"{signed(gap, 2)} ({number(error)})"
            cells.append(
                lines(
                    bold(number(row["mean"], 3), best[score] == name),
                    note(apart) if (gap or error) and math.isfinite(gap) else "",
                    *map(red, marks),
                )
            )
        rows.append([name, *cells])
    reference = NULL if NULL in results.trees else names[0]
    return table(
        f"table-proper-{information}",
        f"{opening(INFORMATION_WORDS[information])}: mean score over cases, the best in bold, and "
        f"below it the difference from {reference} with its standard error in brackets.",
        ["Predicted by", *(f"{opening(SCORE_WORDS[s])}, {SCORES[s]} is better" for s in scores)],
        rows,
        wide=True,
    )
