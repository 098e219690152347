"""The hypotheses at a glance: a forest of estimates, the prior behind each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import matplotlib.figure
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from bayes_alliance.compare.hypotheses import probability, verdict
from bayes_alliance.report.figures.style import (
    PERCENT,
    WIDTH,
    Figure,
    dot,
    legend,
    patch,
    theory_colour,
    theory_marker,
    wrap,
)
from bayes_alliance.report.page.words import called, opening, variants_of
from bayes_alliance.report.results import Results
from bayes_alliance.report.words import listed

PRIOR, EXPECTED = "#C4C4C4", "#E6EEF7"
"""Band of the prior, and fill of the side of 0 that the article expects."""
STEP, LINE = 0.17, 0.155
"""Inches that one mark and one line of words take."""
ALIKE = 2.0
"""Rows whose intervals reach farther apart than by this factor stand on axes of their own."""


@dataclass(frozen=True)
class Series:
    """Marks of one look.

    Parameters
    ----------
    label : str
        Whose estimates.
    table : pandas.DataFrame
        As `bayes_alliance.hypotheses` gives it; it may lack rows that others have.
    colour, marker : str
        Looks.
    hollow, failed : bool
        Marker not filled; interval dashed, since the fit is not to be trusted.
    """

    label: str
    table: pd.DataFrame
    colour: str
    marker: str
    hollow: bool = False
    failed: bool = False


def draw(results: Results) -> Iterator[tuple[str, Figure]]:
    """Draw the hypotheses of every theory that was fitted.

    Parameters
    ----------
    results : Results
        What the report shows.

    Yields
    ------
    tuple of str and Figure
        Slug and figure.
    """
    failed = {name for name, found in results.diagnostics.items() if found["problems"]}
    groups = {}
    for name in results.trees:
        if len(results.hypotheses[name]):
            groups[name] = [
                Series(
                    label=each,
                    table=results.hypotheses[each],
                    colour=theory_colour(each),
                    marker=theory_marker(each),
                    hollow=each != name,
                    failed=each in failed,
                )
                for each in (name, *variants_of(results, name, results.hypotheses))
            ]
    if not groups:
        return
    every = [s for series in groups.values() for s in series]
    named = {opening(called(name)): series for name, series in groups.items()}
    entries = [dot(s.label, s.colour, s.marker, s.hollow) for s in every]
    yield (
        "forest",
        Figure(
            title="Which hypotheses do the data support?",
            caption=_caption([s for s in every if not s.hollow]),
            alt=described(every),
            figure=forest(named, entries),
            section="fit",
        ),
    )


def described(series: Sequence[Series]) -> str:
    """Every mark of a forest in words.

    Parameters
    ----------
    series : sequence of Series
        Marks.

    Returns
    -------
    str
        For readers who cannot see the figure.
    """
    return "Intervals by hypothesis. " + " ".join(
        f"{opening(s.label)}: "
        + "; ".join(
            f"{h} {r['estimate']:.2f} ({r['lower']:.2f} to {r['upper']:.2f}), "
            f"Pr({r['expected']}) {probability(r['probability'])}, "
            f"prior's {probability(r['prior_probability'])}"
            for h, r in s.table.iterrows()
        )
        + (", from a fit that is not to be trusted." if s.failed else ".")
        for s in series
    )


def _caption(series: Sequence[Series]) -> str:
    """What the forest shows, in numbers."""
    found: dict[str, list[str]] = {"supported": [], "refuted": [], "undecided": []}
    doubtful = [s.label for s in series if s.failed]
    for s in series:
        for h, p in s.table["probability"].items():
            if not s.failed:
                found[verdict(p)].append(f"{s.label} {h}")
    told = (
        f"The data support {listed(found['supported'])} and refute "
        f"{listed(found['refuted'])}; they leave {len(found['undecided'])} undecided."
    )
    return (
        f"Posterior mean and {PERCENT} interval of what carries each hypothesis; the grey band is "
        f"the prior's {PERCENT} interval, the tint the side of zero that the article expects. On "
        "the right stands the posterior probability of that side, the prior's in brackets. Panels "
        f"have scales of their own, with zero in the middle. {told}"
        + (f" Not to be trusted (dashed): {listed(doubtful)}." if doubtful else "")
    )


def forest(
    groups: Mapping[str, Sequence[Series]], entries: Sequence[Line2D]
) -> matplotlib.figure.Figure:
    """Intervals by hypothesis, every row as high as its marks and words ask.

    Parameters
    ----------
    groups : mapping of str to sequence of Series
        What stands together under a title.
    entries : sequence of artists
        Legend of the looks; those of prior, direction and failed fits are added.

    Returns
    -------
    matplotlib.figure.Figure
        Figure outside pyplot.
    """
    panels = [
        (title if i == 0 else "", series, rows)
        for title, series in groups.items()
        for i, rows in enumerate(_alike(series))
    ]
    heights = [sum(_height(series, rows)) for _, series, rows in panels]
    figure = matplotlib.figure.Figure(
        figsize=(WIDTH, sum(heights) + 0.45 * len(panels) + 0.9), layout="constrained"
    )
    drawn = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, (title, series, rows) in zip(drawn, panels, strict=True):
        _panel(axes, series, rows)
        axes.set_title(title)
    drawn[0].annotate(
        "Pr (prior's)",
        (1.02, 1.0),
        (0, 6),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=9,
    )
    drawn[-1].set_xlabel("Estimate, in the units of its estimand")
    known: list[Artist] = [
        patch(f"prior's {PERCENT} interval", PRIOR),
        patch("expected side", EXPECTED),
    ]
    if any(s.failed for series in groups.values() for s in series):
        known.append(Line2D([], [], color="black", linestyle=(0, (2, 1.2)), label="not trusted"))
    legend(figure, [*entries, *known])
    return figure


def _rows(series: Sequence[Series]) -> pd.DataFrame:
    """Words and expected side of every hypothesis that any of the series has."""
    every = pd.concat([s.table[["words", "expected"]] for s in series])
    return every[~every.index.duplicated()]


def _reach(series: Sequence[Series], hypothesis: str) -> float:
    """How far from 0 the intervals of a hypothesis reach."""
    ends = ["lower", "upper", "prior_lower", "prior_upper"]
    there = [s.table.loc[hypothesis, ends] for s in series if hypothesis in s.table.index]
    return float(np.abs(np.array(there, dtype=float)).max())


def _alike(series: Sequence[Series]) -> list[pd.DataFrame]:
    """Rows that follow each other and reach about as far, which can share an axis."""
    rows = _rows(series)
    starts, first = [0], 0.0
    for i, hypothesis in enumerate(rows.index):
        reach = _reach(series, hypothesis)
        if i == 0 or not first / ALIKE <= reach <= first * ALIKE:
            starts, first = [*starts, i] if i else starts, reach
    return [rows.iloc[a:b] for a, b in zip(starts, [*starts[1:], len(rows)], strict=True)]


def _words(hypothesis: str, words: str) -> str:
    return wrap(f"{hypothesis}: {words}", 31)


def _height(series: Sequence[Series], rows: pd.DataFrame) -> list[float]:
    """Inches of each row."""
    lines = [_words(str(h), w).count("\n") + 1 for h, w in rows["words"].items()]
    return [max(STEP * len(series), LINE * n) + 0.14 for n in lines]


def _panel(axes: Axes, series: Sequence[Series], rows: pd.DataFrame) -> None:
    """Rows on one axis; y counts inches from the top."""
    limit = 1.06 * max(_reach(series, str(h)) for h in rows.index)
    heights = np.array(_height(series, rows))
    middles = np.cumsum(heights) - heights / 2
    shifts = (np.arange(len(series)) - (len(series) - 1) / 2) * STEP
    for (hypothesis, row), y, height in zip(rows.iterrows(), middles, heights, strict=True):
        side = limit if row["expected"] == "above 0" else -limit
        axes.barh(y, side, height - 0.06, color=EXPECTED, zorder=0)
        for s, shift in zip(series, shifts, strict=True):
            if hypothesis in s.table.index:
                _mark(axes, s, s.table.loc[hypothesis], y + shift)
    axes.axvline(0, color="black", linewidth=0.9, linestyle=":")
    axes.set_yticks(middles, [_words(str(h), w) for h, w in rows["words"].items()])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlim(-limit, limit)
    axes.set_ylim(heights.sum(), 0)
    axes.locator_params(axis="x", nbins=7)


def _mark(axes: Axes, series: Series, row: pd.Series, y: float) -> None:
    """Estimate, interval and probability, on the prior's interval."""
    axes.plot(
        [row["prior_lower"], row["prior_upper"]],
        [y, y],
        color=PRIOR,
        linewidth=6,
        solid_capstyle="butt",
        zorder=1,
    )
    axes.plot(
        [row["lower"], row["upper"]],
        [y, y],
        color=series.colour,
        linewidth=1.6,
        linestyle=(0, (2, 1.2)) if series.failed else "-",
        solid_capstyle="butt",
    )
    axes.plot(
        [row["estimate"]],
        [y],
        color=series.colour,
        marker=series.marker,
        markerfacecolor="white" if series.hollow else series.colour,
        markersize=5.5,
        linestyle="none",
    )
    axes.text(
        1.02,
        y,
        f"{probability(row['probability'])} ({probability(row['prior_probability'])})",
        transform=axes.get_yaxis_transform(),
        va="center",
        fontsize=9,
    )
