"""The articles' own question: what the theories say of 1949, 1951 and 1954 without having seen."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bayes_alliance.process.cells import CELLS, label
from bayes_alliance.process.designs import designs
from bayes_alliance.report.page.marks import Said, fit_marks
from bayes_alliance.report.page.words import called, number, opening, percent, percents
from bayes_alliance.report.results import Results
from bayes_alliance.report.words import case_names, listed

DESIGNS = ("none", "bilateral", "trilateral", "multilateral")


def asked(results: Results) -> pd.DataFrame:
    """The asked cases by what was left out with them, in reading order: theatre before case."""
    table = results.unseen
    if table.empty:
        return table
    pairs = table[["case", "without"]].drop_duplicates()
    return pairs.sort_values("without", key=lambda w: w == "episode", kind="stable")


def outcome(results: Results, case: str) -> str:
    """Kind of design that a case ended in: one of `DESIGNS`."""
    return CELLS[int(designs(results.data)[case])].split("_")[0]


def without_words(where: str) -> str:
    """What a fit was trained without."""
    return "this case alone" if where == "episode" else f"all cases of {opening(where)}"


def unseen_sentences(results: Results) -> list[Said]:
    """Say of each asked case what each theory gave to what happened."""
    out: list[Said] = []
    if results.unseen.empty:
        return out
    words = case_names(results)
    table = results.unseen.set_index(["case", "without", "theory", "design"])["probability"]
    for case, where in asked(results).itertuples(index=False):
        happened = outcome(results, case)
        given = {name: float(table[case, where, name, happened]) for name in results.trees}
        cell = label(CELLS[int(designs(results.data)[case])])
        best = max(given, key=lambda name: given[name])
        said = listed(f"{percent(p)} ({name})" for name, p in given.items())
        text = (
            f"{words[case]} ended in: {cell}. Trained without {without_words(where)}, the theories "
            f"gave {_kind(happened)} {said}; most by {called(best)}."
        )
        out.append(Said(text, fit_marks(results, *given)))
    return out


def _kind(design: str) -> str:
    """A kind of design in a sentence."""
    return "no alliance" if design == "none" else f"a {design} design"


def unseen_section(results: Results) -> dict[str, Any] | None:
    """Sentences and table; None where none of the asked cases is in the data."""
    if results.unseen.empty:
        return None
    words = case_names(results)
    table = results.unseen.set_index(["case", "without", "theory", "design"])
    rows = []
    for case, where in asked(results).itertuples(index=False):
        for design in (*DESIGNS, "strong"):
            found = {name: table.loc[(case, where, name, design)] for name in results.trees}
            rows.append(
                {
                    "case": words[case],
                    "without": opening(without_words(where)),
                    "first": design == DESIGNS[0],
                    "span": len(DESIGNS) + 1,
                    "design": opening(design),
                    "happened": design == outcome(results, case)
                    or (design == "strong" and _strong(results, case)),
                    "cells": [
                        {
                            "text": number(row["probability"]),
                            "interval": percents(row["lower"], row["upper"]),
                            "marks": fit_marks(results, name),
                        }
                        for name, row in found.items()
                    ],
                }
            )
    return {"names": list(results.trees), "rows": rows, "said": unseen_sentences(results)}


def _strong(results: Results, case: str) -> bool:
    """Whether a case ended in a strong commitment."""
    return CELLS[int(designs(results.data)[case])].endswith("strong")
