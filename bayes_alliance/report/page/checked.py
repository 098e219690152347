"""Whether the fitted theories reproduce what happened."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bayes_alliance.report.page.marks import Said, fit_marks
from bayes_alliance.report.page.words import (
    LEVEL,
    called,
    count,
    interval,
    number,
    opening,
    probability,
)
from bayes_alliance.report.results import Results


def outside(row: pd.Series) -> bool:
    """Whether the observed value lies outside the interval of the replications."""
    return not row["lower"] <= row["observed"] <= row["upper"]


def check_sentence(results: Results, name: str) -> Said:
    """Say how much of what happened a fit reproduces."""
    table = results.checks[name]
    out = [row["description"] for _, row in table.iterrows() if outside(row)]
    return Said(
        f"For {called(name)} {len(table) - len(out)} of "
        f"{count(len(table), 'observed quantity', 'observed quantities')} lie within the "
        f"{LEVEL} interval of the replications{f'; outside: {"; ".join(out)}' if out else ''}.",
        fit_marks(results, name),
    )


def check_section(results: Results) -> dict[str, Any]:
    """Sentences and table of the checks; all fits have the quantities of the same data."""
    tables = {n: table for n, table in results.checks.items() if not table.empty}
    rows = []
    for quantity in next(iter(tables.values()), pd.DataFrame()).index:
        found = {n: table.loc[quantity] for n, table in tables.items()}
        some = next(iter(found.values()))
        digits = 1 if quantity.startswith("years") else 2
        rows.append(
            {
                "words": opening(some["description"]),
                "observed": number(some["observed"], digits),
                "cells": [
                    {
                        "text": number(row["mean"], digits),
                        "interval": interval(row["lower"], row["upper"], digits),
                        "tail": probability(row["tail"]),
                        "outside": outside(row),
                        "marks": fit_marks(results, n),
                    }
                    for n, row in found.items()
                ],
            }
        )
    return {
        "names": list(tables),
        "rows": rows,
        "said": [check_sentence(results, n) for n in tables],
    }
