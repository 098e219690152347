"""The report's page: one HTML text whose every sentence is made from the results.

Each function of a section that makes a sentence returns `Said`: the text, and what spoils its
numbers (a fit that failed its diagnostics, a Pareto k that is too high).  The template prints the
spoilers in red beside the sentence; a table carries them in its cells.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

from bayes_alliance.compare.hypotheses import AGAINST, SUPPORTED
from bayes_alliance.compare.loo import SMALL
from bayes_alliance.report.page.checked import check_section
from bayes_alliance.report.page.comparison import comparison_sections
from bayes_alliance.report.page.data import data_section
from bayes_alliance.report.page.marks import failures
from bayes_alliance.report.page.methods import methods_section, references
from bayes_alliance.report.page.outlook import forecast_section
from bayes_alliance.report.page.pictures import pictures
from bayes_alliance.report.page.proper import proper_sections
from bayes_alliance.report.page.robust import robust_section
from bayes_alliance.report.page.scores import case_tables
from bayes_alliance.report.page.short import in_short
from bayes_alliance.report.page.stages import stage_sections
from bayes_alliance.report.page.tables import red
from bayes_alliance.report.page.theories import theory_sections
from bayes_alliance.report.page.trust import trust_section
from bayes_alliance.report.page.unseen import unseen_section
from bayes_alliance.report.page.words import LEVEL, number
from bayes_alliance.report.results import Results

if TYPE_CHECKING:
    from bayes_alliance.report.figures import Figure

__all__ = ["page"]


def page(results: Results, figures: Mapping[str, Figure], svgs: Mapping[str, str]) -> str:
    """Write the report as one self-contained HTML text.

    Parameters
    ----------
    results : Results
        What the report shows.
    figures : mapping of str to Figure
        Figures by slug, in reading order.
    svgs : mapping of str to str
        SVG text by slug; inlined as data URIs, so that their ids cannot clash.

    Returns
    -------
    str
        HTML without scripts, which loads nothing from anywhere.
    """
    return _template().render(
        results=results,
        pictures=pictures(figures, svgs),
        failures=failures(results),
        short=in_short(results),
        data=data_section(results),
        theories=theory_sections(results),
        settings=comparison_sections(results),
        cases=case_tables(results),
        stages=stage_sections(results),
        proper=proper_sections(results),
        unseen=unseen_section(results),
        checked=check_section(results),
        robust=robust_section(results),
        outlook=forecast_section(results),
        trust=trust_section(results),
        methods=methods_section(results),
        references=references(),
        percent_level=LEVEL,
        thresholds={
            "supported": SUPPORTED,
            "against": AGAINST,
            "alike": number(SMALL, 0),
        },
    )


@cache
def _template() -> jinja2.Template:
    """The page's template, compiled once; every value is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["red"] = red
    return environment.get_template("template.html.j2")
