"""What each theory says, and what the data say of its hypotheses."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from bayes_alliance.compare.hypotheses import SUPPORTED, probability, verdict
from bayes_alliance.report.page.marks import Said, fit_marks
from bayes_alliance.report.page.tables import (
    bold,
    lines,
    note,
    red,
    roomy,
    table,
    warning,
)
from bayes_alliance.report.page.words import (
    LEVEL,
    MISSING,
    NBSP,
    SENSITIVE,
    called,
    count,
    interval,
    number,
    opening,
    variants_of,
)
from bayes_alliance.report.results import CONFLICT, STRONG_PRIOR, Results
from bayes_alliance.report.words import listed
from bayes_alliance.theories import get

EXPECTED, MOVES, REPORTS = "Expected direction", "What moves the estimate", "The article reports"


def hypothesis_sentences(results: Results, name: str) -> list[Said]:
    """Say which hypotheses of a theory are supported, refuted or undecided, and by what."""
    table = results.hypotheses[name]
    if table.empty:
        return []
    marks = fit_marks(results, name)
    found = table["probability"].map(verdict)
    groups = {v: list(table.index[found == v]) for v in ("supported", "refuted", "undecided")}
    out = [
        Said(
            f"Of the {count(len(table), 'hypothesis', 'hypotheses')} of {called(name)} the "
            f"posterior {_verdicts(groups, len(table))}.",
            marks,
        )
    ]
    given = [h for h in groups["supported"] if table["prior_probability"][h] >= SUPPORTED]
    if given:
        out.append(
            Said(f"{listed(given)} had as much probability before the data, from the prior alone.")
        )
    moved = results.sensitivity.get(name, pd.DataFrame())
    silent = [str(h) for h, row in moved.iterrows() if sensitivity_words(row)[1]]
    if silent:
        out.append(Said(f"For {listed(silent)} power-scaling finds a {STRONG_PRIOR}.", marks))
    return out


def _verdicts(groups: Mapping[str, Sequence[str]], total: int) -> str:
    """Which hypotheses fared how, as what a posterior does."""
    parts = [f"supports {listed(groups['supported'])}"]
    if groups["refuted"]:
        parts.append(f"refutes {listed(groups['refuted'])}")
    if groups["undecided"]:
        left = groups["undecided"]
        parts.append(f"leaves {f'all {total}' if len(left) == total else listed(left)} undecided")
    return listed(parts)


def variant_hypotheses(results: Results, name: str) -> list[Said]:
    """Say what becomes of a theory's hypotheses where codings are left unread."""
    table = results.hypotheses[name]
    if table.empty:
        return []
    out = []
    for other in variants_of(results, name, results.hypotheses):
        shown = listed(
            f"{h} {probability(p)} (from {probability(table['probability'][h])})"
            for h, p in results.hypotheses[other]["probability"].items()
        )
        out.append(
            Said(
                f"Fitted {other.partition(', ')[2]}, the probabilities of the expected directions "
                f"are: {shown}.",
                fit_marks(results, name, other),
            )
        )
    return out


def sensitivity_words(row: pd.Series | None) -> tuple[str, bool]:
    """Say what moves an estimate, and whether it is the prior alone."""
    if row is None:
        return "not computed", False
    prior, data = float(row["prior"]), float(row["likelihood"])
    if not math.isfinite(prior + data):
        return "not computed", False
    if prior > SENSITIVE and data < SENSITIVE:
        return STRONG_PRIOR, True
    if prior > SENSITIVE:
        return CONFLICT, False
    return ("the data move it" if data >= SENSITIVE else "neither moves it much"), False


def hypothesis_table(results: Results, name: str, id_: str) -> Markup:
    """Table of a theory's hypotheses."""
    moved = results.sensitivity.get(name, pd.DataFrame())
    marks = [red(mark) for mark in fit_marks(results, name)]
    rows = []
    for hypothesis, row in results.hypotheses[name].iterrows():
        values = moved.loc[hypothesis] if hypothesis in moved.index else None
        words, warn = sensitivity_words(values)
        by_prior, by_data = (
            MISSING if values is None else number(values[k]) for k in ("prior", "likelihood")
        )
        expected = row["expected"].replace("-", "−")
        likely = f"{expected}: {probability(row['probability'])}"
        rows.append(
            [
                roomy(lines(hypothesis, note(row["words"]))),
                roomy(row["estimand"]),
                lines(
                    bold(number(row["estimate"])),
                    interval(row["lower"], row["upper"]),
                    note(f"width {_share(row)}"),
                    *marks,
                ),
                lines(
                    Markup('<span class="one">{}</span>').format(likely),
                    Markup("<strong>{}</strong>").format(verdict(row["probability"])),
                    *marks,
                ),
                lines(
                    number(row["prior_mean"]),
                    interval(row["prior_lower"], row["prior_upper"]),
                    note(f"{expected}: {probability(row['prior_probability'])}"),
                ),
                lines(
                    warning(words) if warn else words,
                    note(f"prior {by_prior}, data {by_data}"),
                ),
                row["article_finding"],
            ]
        )
    return table(
        f"table-{id_}",
        f"Hypotheses of {name}: posterior mean and {LEVEL} interval of each estimand, with the "
        "prior's beside them. Width: the posterior's interval as a share of the prior's. "
        "Sensitivity: change of the posterior as the prior or the likelihood is raised to a power "
        f"near 1; above {SENSITIVE} it matters.",
        ["Hypothesis", "Estimand", "Posterior", EXPECTED, "Prior", MOVES, REPORTS],
        rows,
        words=("Estimand", EXPECTED, MOVES, REPORTS),
        wide=True,
    )


def _share(row: pd.Series) -> str:
    """Width of the posterior's interval as a share of the prior's, which it may exceed."""
    prior = row["prior_upper"] - row["prior_lower"]
    return f"{(row['upper'] - row['lower']) / prior * 100:.0f}{NBSP}%" if prior > 0 else MISSING


def theory_sections(results: Results) -> list[dict[str, Any]]:
    """One section a theory: what it says, in equations, and its hypotheses."""
    out = []
    for i, (name, tree) in enumerate(results.trees.items()):
        theory = get(tree.attrs["theory"])
        out.append(
            {
                "id": f"theory-{i}",
                "name": name,
                "title": opening(called(name)),
                "description": theory.DESCRIPTION,
                "reference": theory.REFERENCE,
                "equations": (theory.__doc__ or "").partition("\n\n")[2].rstrip(),
                "said": hypothesis_sentences(results, name) + variant_hypotheses(results, name),
                "table": ""
                if results.hypotheses[name].empty
                else hypothesis_table(results, name, f"theory-{i}"),
            }
        )
    return out
