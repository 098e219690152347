"""What each theory says, and what the data say of its hypotheses."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from bayes_alliance.report.page.marks import Said, fit_marks
from bayes_alliance.report.page.words import (
    AGAINST,
    MISSING,
    NBSP,
    SENSITIVE,
    SUPPORTED,
    called,
    count,
    interval,
    number,
    opening,
    probability,
    variants_of,
)
from bayes_alliance.report.results import Results
from bayes_alliance.report.words import listed
from bayes_alliance.theories import get


def verdict(probability_: float) -> str:
    """Word for the posterior probability of the expected direction."""
    if probability_ >= SUPPORTED:
        return "supported"
    return "against" if probability_ <= AGAINST else "undecided"


def hypothesis_sentences(results: Results, name: str) -> list[Said]:
    """Say which hypotheses of a theory are supported, refused or left open, and by what."""
    table = results.hypotheses[name]
    if table.empty:
        return []
    marks = fit_marks(results, name)
    found = table["probability"].map(verdict)
    groups = {v: list(table.index[found == v]) for v in ("supported", "against", "undecided")}
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
        out.append(Said(f"For {listed(silent)} the prior speaks and the data hardly.", marks))
    return out


def _verdicts(groups: Mapping[str, Sequence[str]], total: int) -> str:
    """Which hypotheses fared how, as what a posterior does."""
    parts = [f"supports {listed(groups['supported'])}"]
    if groups["against"]:
        parts.append(f"speaks against {listed(groups['against'])}")
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
        return "the prior speaks, the data hardly", True
    if prior > SENSITIVE:
        return "prior and data both move it", False
    return ("the data move it" if data >= SENSITIVE else "neither moves it much"), False


def hypothesis_rows(results: Results, name: str) -> list[dict[str, Any]]:
    """Rows of a theory's table of hypotheses."""
    moved = results.sensitivity.get(name, pd.DataFrame())
    marks = fit_marks(results, name)
    rows = []
    for hypothesis, row in results.hypotheses[name].iterrows():
        values = moved.loc[hypothesis] if hypothesis in moved.index else None
        words, warn = sensitivity_words(values)
        rows.append(
            {
                "name": hypothesis,
                "words": row["words"],
                "estimand": row["estimand"],
                "expected": row["expected"].replace("-", "−"),
                "estimate": number(row["estimate"]),
                "interval": interval(row["lower"], row["upper"]),
                "probability": probability(row["probability"]),
                "verdict": verdict(row["probability"]),
                "prior": number(row["prior_mean"]),
                "prior_interval": interval(row["prior_lower"], row["prior_upper"]),
                "prior_probability": probability(row["prior_probability"]),
                "share": _share(row),
                "moved": words,
                "warn": warn,
                "moved_prior": MISSING if values is None else number(values["prior"]),
                "moved_data": MISSING if values is None else number(values["likelihood"]),
                "finding": row["finding"],
                "marks": marks,
            }
        )
    return rows


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
                "rows": hypothesis_rows(results, name),
            }
        )
    return out
