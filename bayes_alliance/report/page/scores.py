"""Scores of fits on cases that they have not seen: differences and tables."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bayes_alliance.compare.loo import difference, pointwise
from bayes_alliance.report.page.marks import Said, fit_marks, high_k, refitted, score_marks
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
from bayes_alliance.report.words import case_names, listed


def group_scores(results: Results, key: tuple[str, str]) -> dict[str, pd.Series]:
    """Scores of theories by theatre, or patron, that was left out."""
    by_case = pd.DataFrame({name: pointwise(score) for name, score in results.scores[key].items()})
    return {g: by_case.loc[cases].sum() for g, cases in cases_of(results, key[1]).items()}


def comparison_rows(results: Results, key: tuple[str, str]) -> list[dict[str, Any]]:
    """Rows of a comparison's table, best first; fits outside the weights come last."""
    table, scores = results.comparison[key], results.scores[key]
    first = table.index[0]
    spoiled = [name for name in table.index if score_marks(results, key, name)]
    rows = []
    for name in [*table.index, *(n for n in scores if n not in table.index)]:
        gap, error, _ = difference(scores[name], scores[first])
        inside = name in table.index
        rows.append(
            {
                "name": name,
                "elpd": number(scores[name].elpd, 1),
                "se": number(scores[name].se, 1),
                "gap": number(gap, 1) if name != first else "best",
                "error": number(error, 1) if name != first else MISSING,
                "weight": number(float(table["weight"][name])) if inside else "not weighted",
                "weight_interval": _weight_interval(results, key, name) if inside else "",
                "marks": score_marks(results, key, name),
                "weight_marks": (f"weights rest on {listed(spoiled)}",)
                if spoiled and inside
                else (),
                "gap_marks": score_marks(results, key, name, first) if name != first else (),
            }
        )
    return rows


def _weight_interval(results: Results, key: tuple[str, str], name: str) -> str:
    """Interval of a stacking weight."""
    if key not in results.stacked:
        return ""
    row = results.stacked[key].loc[name]
    return interval(row["lower"], row["upper"])


def group_rows(results: Results, key: tuple[str, str]) -> dict[str, Any]:
    """Table of scores by theatre, or patron, left out and theory."""
    sums = group_scores(results, key)
    return {
        "by": key[1],
        "names": list(results.scores[key]),
        "rows": [
            {
                "group": opening(group),
                "cases": len(cases_of(results, key[1])[group]),
                "cells": [
                    Said(number(row[name], 1), score_marks(results, key, name))
                    for name in results.scores[key]
                ],
                "best": row[list(results.comparison[key].index)].idxmax(),
            }
            for group, row in sums.items()
        ],
    }


def case_tables(results: Results) -> list[dict[str, Any]]:
    """Scores by case: one table a way of leaving out, columns by information and theory."""
    out = []
    words = case_names(results)
    for by in dict.fromkeys(by for _, by in results.scores):
        keys = [key for key in results.scores if key[1] == by]
        columns = [(key, name) for key in keys for name in results.scores[key]]
        values = {(k, n): pointwise(results.scores[k][n]) for k, n in columns}
        rows: list[dict[str, Any]] = []
        for case in values[columns[0]].index:
            best = {
                key: max(results.comparison[key].index, key=lambda n: values[key, n][case])
                for key in keys
            }
            cells = [
                {
                    "text": number(values[key, name][case]),
                    "best": best[key] == name,
                    "refitted": case in refitted(results.scores[key][name]),
                    "marks": _case_marks(results, key, name, case),
                }
                for key, name in columns
            ]
            rows.append({"name": words[case], "cells": cells})
        out.append(
            {
                "by": by,
                "title": BY_WORDS[by],
                "groups": [
                    (opening(INFORMATION_WORDS[key[0]]), len(results.scores[key])) for key in keys
                ],
                "columns": [name for _, name in columns],
                "rows": rows,
                "any_refitted": any(c["refitted"] for r in rows for c in r["cells"]),
            }
        )
    return out


def _case_marks(results: Results, key: tuple[str, str], name: str, case: str) -> tuple[str, ...]:
    """What spoils the score of one case: its Pareto k, and that the fit failed."""
    k = high_k(results.scores[key][name]).get(case)
    failed = ("fit failed",) if fit_marks(results, name) else ()
    return failed + ((f"Pareto k {number(k)}",) if k is not None else ())
