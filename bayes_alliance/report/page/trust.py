"""How far the numbers can be trusted: diagnostics, Pareto k, warnings."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup

from bayes_alliance.diagnostics import EBFMI_MIN, ESS_MIN, RHAT_MAX
from bayes_alliance.report.page.marks import Said, fit_marks, high_k, refitted
from bayes_alliance.report.page.tables import lines, red, table
from bayes_alliance.report.page.words import (
    INFORMATION_WORDS,
    count,
    number,
    opening,
)
from bayes_alliance.report.results import Results
from bayes_alliance.report.words import case_names, listed


def trust_section(results: Results) -> dict[str, Any]:
    """Diagnostics, Pareto k and warnings."""
    problems = [p for d in results.diagnostics.values() for p in d["problems"]]
    return {
        "said": [diagnostics_sentence(results), refit_sentence(results)],
        "diagnostics": diagnostic_table(results),
        "pareto": pareto_table(results),
        "warnings": [
            (opening(w), any(p in w for p in problems) or w.startswith("Pareto k"))
            for w in results.warnings
        ],
    }


def diagnostics_sentence(results: Results) -> Said:
    """Say how many fits passed."""
    failed = [n for n, d in results.diagnostics.items() if d["problems"]]
    total = len(results.diagnostics)
    if not failed:
        return Said(
            f"All {count(total, 'fit')} pass every diagnostic."
            if total > 1
            else "The fit passes every diagnostic."
        )
    return Said(
        f"{len(failed)} of {count(total, 'fit')} fail a diagnostic: {listed(failed)}. Their "
        "numbers are not to be trusted wherever they appear.",
        fit_marks(results, *failed),
    )


def refit_sentence(results: Results) -> Said:
    """Say which cases were left out by fitting again."""
    words = case_names(results)
    found: dict[str, list[str]] = {}
    for key, scores in results.scores.items():
        if key[1] != "episode":
            continue
        for name, score in scores.items():
            for case in refitted(score):
                names = found.setdefault(words[case], [])
                names += [name] if name not in names else []
    left = any(high_k(s) for scores in results.scores.values() for s in scores.values())
    if not found:
        return Said(
            "Some Pareto k are too high and were not mended by fitting again."
            if left
            else "Every Pareto k is low enough; no case had to be left out by fitting again."
        )
    cases = listed(f"{case} ({'; '.join(names)})" for case, names in found.items())
    return Said(
        "Where Pareto k was too high, the model was fitted again without the case, so that the "
        f"score is exact: {cases}. Diagnostics of these further fits are not shown."
    )


def diagnostic_table(results: Results) -> Markup:
    """Table of diagnostics, each with the parameter where it is worst."""
    rows = []
    for name, found in results.diagnostics.items():
        rhat, bulk, tail = (found[k] for k in ("rhat_max", "ess_bulk_min", "ess_tail_min"))
        cells = [
            (number(rhat, 3), found["rhat_max_at"], not rhat <= RHAT_MAX),
            (number(bulk, 0), found["ess_bulk_min_at"], not bulk >= ESS_MIN),
            (number(tail, 0), found["ess_tail_min_at"], not tail >= ESS_MIN),
            (str(found["divergences"]), "", found["divergences"] != 0),
            (number(found["ebfmi_min"]), "", not found["ebfmi_min"] >= EBFMI_MIN),
            (number(found["seconds"], 0), "", False),
        ]
        at = Markup('<span class="note at">{}</span>')
        problems = found["problems"]
        rows.append(
            [
                name,
                *(
                    lines(red(text) if failed else text, at.format(where) if where else "")
                    for text, where, failed in cells
                ),
                red(f"{found['verdict']}: {'; '.join(problems)}") if problems else found["verdict"],
            ]
        )
    return table(
        "table-diagnostics",
        f"Diagnostics of every fit, each at its worst parameter. Asked for: R-hat at most "
        f"{RHAT_MAX}, effective sample sizes at least {ESS_MIN}, no divergence, E-BFMI at least "
        f"{EBFMI_MIN}.",
        [
            *("Fit", "R-hat", "Bulk ESS", "Tail ESS"),
            *("Divergences", "E‑BFMI", "Seconds", "Verdict"),
        ],
        rows,
        words=("Verdict",),
        wide=True,
    )


def pareto_table(results: Results) -> Markup:
    """Table of the highest Pareto k by theory, where one case is left out at a time."""
    words = case_names(results)
    found: dict[tuple[Any, ...], list[str]] = {}
    keys = [key for key in results.scores if key[1] == "episode"]
    if not keys:
        return Markup()
    for key, name in [(k, n) for k in keys for n in results.scores[k]]:
        score = results.scores[key][name]
        k = score.pareto_k if score.influence_pareto_k is None else score.influence_pareto_k
        at = int(np.argmax(np.where(np.isnan(k.values), np.inf, k.values)))
        left = "; ".join(f"{words[c]} {number(v)}" for c, v in high_k(score).items())
        row = (
            lines(number(float(k.values[at])), *map(red, fit_marks(results, name))),
            words[str(k["case"].values[at])],
            number(score.good_k),
            listed(words[c] for c in refitted(score)),
            red(left) if left else "none",
        )
        found.setdefault((name, *row), []).append(INFORMATION_WORDS[key[0]])
    rows = []
    for (name, *cells), said in found.items():
        rows.append(
            [name, "any" if len(said) == len(keys) > 1 else opening("; ".join(said)), *cells]
        )
    head = [
        *("Fit", "Information", "Highest k", "At"),
        *("Limit", "Fitted again without", "Left too high"),
    ]
    return table(
        "table-pareto",
        "Highest Pareto k of the leave-one-case-out scores before any fit without the case. Above "
        "the limit the estimate of a case's score is not to be trusted unless the case was left "
        "out by fitting again.",
        head,
        rows,
        words=("Information", "At", "Fitted again without", "Left too high"),
        wide=True,
    )
