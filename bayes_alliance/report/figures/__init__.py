"""Figures of a report: what the data are, what the theories say, how they fare."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

from bayes_alliance.report.figures import (
    compared,
    diagrams,
    fitted,
    forecasted,
    hypotheses,
    outlook,
    predicted,
    specifications,
    timeline,
    unseen,
)
from bayes_alliance.report.figures.style import Figure, save, settle, styled
from bayes_alliance.report.results import Results

__all__ = ["SUBJECTS", "Figure", "figures", "save"]

SUBJECTS = (
    timeline,
    diagrams,
    hypotheses,
    fitted,
    compared,
    unseen,
    predicted,
    forecasted,
    outlook,
    specifications,
)
"""One module a subject, in reading order."""


def figures(results: Results, subjects: Sequence[ModuleType] = SUBJECTS) -> dict[str, Figure]:
    """Draw every figure for which the results have something to show.

    Parameters
    ----------
    results : Results
        What the report shows.
    subjects : sequence of module
        Only those of these subjects.

    Returns
    -------
    dict of str to Figure
        In reading order; the keys serve as names of files.
    """
    with styled():
        found = {slug: figure for module in subjects for slug, figure in module.draw(results)}
        for figure in found.values():
            settle(figure)
    return found
