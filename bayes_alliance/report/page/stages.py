"""Where scores come from: proposals, designs, survival."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from bayes_alliance.compare.loo import told_apart
from bayes_alliance.compare.stages import STAGES, lead
from bayes_alliance.report.page.marks import Said, score_marks
from bayes_alliance.report.page.tables import lines, note, red, table
from bayes_alliance.report.page.words import (
    INFORMATION_WORDS,
    MISSING,
    called,
    number,
    opening,
    signed,
)
from bayes_alliance.report.results import Results
from bayes_alliance.report.words import STAGE_WORDS, listed
from bayes_alliance.theories import NULL


def stage_sentence(results: Results, information: str) -> Said:
    """Say in which stages the theories differ from the reference by more than their errors."""
    found = results.stages[information]
    reference = _reference(found)
    clear = [
        f"{called(name)} {'above' if gap > 0 else 'below'} it by {number(abs(gap), 1)} in "
        f"{STAGE_WORDS[stage]}"
        for name in found
        if name != reference
        for stage in STAGES
        for gap, error in [lead(found, name, reference, stage)]
        if told_apart(gap, error)
    ]
    others = [name for name in found if name != reference]
    if clear:
        text = f"Stage by stage, and told apart from {called(reference)}: {listed(clear)}."
    else:
        text = f"In no single stage does a theory differ clearly from {called(reference)}."
    return Said(text, score_marks(results, (information, "episode"), *others, reference))


def stage_sections(results: Results) -> list[dict[str, Any]]:
    """One section an information set: sentence and table."""
    return [
        {"said": stage_sentence(results, information), "table": stage_table(results, information)}
        for information in results.stages
    ]


def stage_table(results: Results, information: str) -> Markup:
    """Table of scores by stage: rows are theories, columns are stages."""
    found = results.stages[information]
    reference = _reference(found)
    rows = []
    for name, by_case in found.items():
        marks = score_marks(results, (information, "episode"), name)
        cells = []
        for stage in STAGES:
            gap, error = lead(found, name, reference, stage)
            apart = f"{signed(gap)} ({number(error, 1)})" if name != reference else MISSING
            cells.append(lines(number(by_case[stage].sum(), 1), note(apart), *map(red, marks)))
        rows.append([name, *cells])
    return table(
        f"table-stages-{information}",
        f"{opening(INFORMATION_WORDS[information])}: log score by stage, and below it the lead "
        f"over {reference} with its standard error in brackets.",
        ["Fit", *(opening(STAGE_WORDS[stage]) for stage in STAGES)],
        rows,
    )


def _reference(found: dict[str, pd.DataFrame]) -> str:
    """Whom the others are set against."""
    return NULL if NULL in found else next(iter(found))
