"""The coded cases as a timeline."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from bayes_alliance.process.cells import label
from bayes_alliance.process.survival import OBSERVED_UNTIL, YEAR
from bayes_alliance.report.figures.style import (
    Figure,
    canvas,
    dot,
    legend,
    patch,
    rows_axis,
    theatre_colour,
    theatre_label,
    theatres,
)
from bayes_alliance.report.results import Results
from bayes_alliance.report.words import listed

ENDS = {"dissolved": "X", "lapsed": "X", "shrunk": "X", "replaced": ">"}


def draw(results: Results) -> Iterator[tuple[str, Figure]]:
    """Draw the data.

    Parameters
    ----------
    results : Results
        What the report shows.

    Yields
    ------
    tuple of str and Figure
        Slug and figure.
    """
    if len(results.data.episodes):
        yield "cases", _cases(results)


def _year(date: pd.Timestamp) -> float:
    """Date as a fractional year."""
    return date.year + (date - pd.Timestamp(date.year, 1, 1)).days / YEAR


def _cases(results: Results) -> Figure:
    episodes = results.data.episodes
    names = [
        f"\u2192 {n}" if e != c else n
        for n, e, c in zip(episodes["name"], episodes["episode"], episodes["case"], strict=True)
    ]
    figure, panels = canvas(1.2 + 0.27 * len(episodes))
    axes = panels[0, 0]
    for y, row in zip(rows_axis(axes, names), episodes.itertuples(), strict=True):
        _life(axes, y, row)
    axes.set_xlabel("Year")
    last = _year(OBSERVED_UNTIL)
    first = min(_year(d) for d in episodes["date"])
    axes.set_xlim(first - 0.02 * (last - first), last + 0.01 * (last - first))
    right = axes.twinx()
    right.set_ylim(axes.get_ylim())
    right.set_yticks(axes.get_yticks(), [label(str(o)) for o in episodes["outcome"]])
    right.tick_params(axis="y", length=0)
    axes.text(1.01, -0.6, "Design that came of it", transform=axes.get_yaxis_transform())
    right.grid(False)
    entries: list[Artist] = [patch(theatre_label(t), theatre_colour(t)) for t in theatres(results)]
    entries += [
        dot("decision", "black", "o", hollow=True),
        dot("ended", "black", "X"),
        dot("replaced by another design", "black", ">"),
    ]
    legend(figure, entries)
    counts = results.data.describe()
    total = counts.iloc[:, -1]
    by_theatre = listed(
        f"{n} in {theatre_label(t)}" for t, n in episodes["theatre"].value_counts().items()
    )
    in_force = int(total["designs still in force"])
    return Figure(
        title="Which decisions about alliances are explained?",
        caption=(
            f"{len(episodes)} coded episodes ({by_theatre}), in "
            f"{episodes['case'].nunique()} cases, from {min(episodes['date']).year} to "
            f"{max(episodes['date']).year}. A bar runs from the start of a design to its end; the "
            f"bars of {in_force} designs still in force end where observation does, "
            f"{OBSERVED_UNTIL.year}. An arrow before a name marks what a refused proposal fell "
            "back to."
        ),
        alt=(
            "Timeline with one row an episode, in order of the table: "
            + "; ".join(
                f"{n}, {label(str(o))}"
                for n, o in zip(episodes["name"], episodes["outcome"], strict=True)
            )
            + "."
        ),
        figure=figure,
        section="data",
    )


def _life(axes: Axes, y: float, row) -> None:
    """One row: the decision, and the design from its start to its end."""
    colour = theatre_colour(row.theatre)
    if pd.notna(row.start):
        end = row.end if pd.notna(row.end) else OBSERVED_UNTIL
        start, stop = _year(row.start), _year(min(end, OBSERVED_UNTIL))
        axes.barh(y, stop - start, left=start, height=0.5, color=colour, alpha=0.75, linewidth=0)
        if row.ended in ENDS:
            axes.plot([stop], [y], marker=ENDS[row.ended], color="black", markersize=6)
    axes.plot(
        [_year(row.date)],
        [y],
        marker="o",
        color=colour,
        markerfacecolor="white",
        markeredgewidth=1.6,
        markersize=6,
    )
