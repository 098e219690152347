"""Whether the fitted theories reproduce what happened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from bayes_alliance.compare.hypotheses import probability
from bayes_alliance.report.page.marks import Said, fit_marks
from bayes_alliance.report.page.tables import lines, note, red, roomy, table, warning
from bayes_alliance.report.page.words import (
    LEVEL,
    called,
    count,
    interval,
    number,
    opening,
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
    return {
        "said": [check_sentence(results, n) for n in tables],
        "table": check_table(results, tables) if tables else "",
    }


def check_table(results: Results, tables: Mapping[str, pd.DataFrame]) -> Markup:
    """Table of the checks: rows are quantities, columns are fits."""
    rows = []
    for quantity in next(iter(tables.values())).index:
        found = {n: checks.loc[quantity] for n, checks in tables.items()}
        some = next(iter(found.values()))
        digits = 1 if quantity.startswith("years") else 2
        cells = [
            lines(
                number(row["mean"], digits),
                interval(row["lower"], row["upper"], digits),
                note(f"tail {probability(row['tail'])}"),
                warning("outside") if outside(row) else "",
                *map(red, fit_marks(results, n)),
            )
            for n, row in found.items()
        ]
        rows.append([roomy(opening(some["description"])), number(some["observed"], digits), *cells])
    return table(
        "table-checks",
        f"Observed quantities, and by fit the mean and {LEVEL} interval of the replications. "
        "Tail: the smaller share of replications at least as high or as low as the observed value.",
        ["Quantity", "Observed", *tables],
        rows,
        wide=True,
    )
