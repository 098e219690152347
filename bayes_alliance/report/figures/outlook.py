"""What becomes of a grouping by a year, how long a design would last, and what moves it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import matplotlib.figure
import pandas as pd
from matplotlib.axes import Axes

from bayes_alliance.forecast.forecast import STACKED
from bayes_alliance.process.cells import CELLS, label
from bayes_alliance.report.figures.style import (
    PERCENT,
    Figure,
    canvas,
    legend,
    mark,
    offsets,
    rows_axis,
    theory_colour,
    theory_legend,
    theory_marker,
    wrap,
)
from bayes_alliance.report.results import Results
from bayes_alliance.report.words import LEAST, if_decided, listed, mover_words

STATES = {"decision": "a decision has arisen", "multilateral": "it is multilateral"}
NATO = CELLS[-1]
LINES = {"o": "--", "s": "-.", "D": ":"}
"""Line of a theory by its marker."""
TOGETHER = ("clients", "threat", "all")


def draw(results: Results) -> Iterator[tuple[str, Figure]]:
    """Draw the outlooks.

    Parameters
    ----------
    results : Results
        What the report shows.

    Yields
    ------
    tuple of str and Figure
        Slug and figure.
    """
    if results.outlooks:
        yield "forecasts-by-year", _by_year(results)
        yield "forecasts-lasting", _lasting(results)
        if _moving(results):
            yield "forecasts-movers", _movers(results)


def _names(results: Results) -> list[str]:
    """Theories, the mixture last, so that it is drawn on top."""
    return [*results.trees, STACKED]


def _columns(
    results: Results, height: float, rows: int, width: int = 24, **options: Any
) -> tuple[matplotlib.figure.Figure, Any]:
    """Panels with a column a scenario, its title on top."""
    figure, panels = canvas(height, rows, len(results.outlooks), **options)
    for axes, name in zip(panels[0], results.outlooks, strict=True):
        axes.set_title(wrap(results.scenarios[name].title, width), fontsize=9.5)
    return figure, panels


def _line(axes: Axes, x: Sequence[int], rows: pd.DataFrame, name: str) -> None:
    """Means of one theory as a line, its intervals as a band."""
    colour = theory_colour(name)
    axes.fill_between(x, rows["lower"], rows["upper"], color=colour, alpha=0.12, linewidth=0)
    axes.plot(x, rows["probability"], color=colour, **_style(name))


def _style(name: str) -> dict[str, Any]:
    """Look of a theory's line, told apart without its colour."""
    if name == STACKED:
        # wide, and below the others: where a theory has all the weight its line lies on this one
        return {"linestyle": "-", "linewidth": 3.2, "zorder": 1.9}
    return {"linestyle": LINES.get(theory_marker(name), "--"), "linewidth": 1.4}


def _by_year(results: Results) -> Figure:
    figure, panels = _columns(results, 5.2, len(STATES), sharex=True, sharey="row")
    words, alt = [], []
    for (name, found), column in zip(results.outlooks.items(), panels.T, strict=True):
        title, years = results.scenarios[name].title, found.years
        for axes, rung in zip(column, STATES, strict=True):
            for theory in _names(results):
                rows = years[(years["theory"] == theory) & (years["rung"] == rung)]
                _line(axes, rows["year"].tolist(), rows, theory)
                end = rows.iloc[-1]
                alt.append(f"{title}, {theory}, {STATES[rung]} by {end['year']}: {_spread(end)}")
                if theory == STACKED and rung == "multilateral":
                    words.append(f"{title}, {_spread(end)}")
            axes.grid(axis="y")
            axes.locator_params(axis="x", nbins=4, integer=True)
            axes.locator_params(axis="y", nbins=5)
    for axes in panels[:, 0]:
        axes.set_ylim(bottom=0)  # of the whole row, once all of it is drawn
    for axes, state in zip(panels[:, 0], STATES.values(), strict=True):
        axes.set_ylabel(f"Probability that\n{state}")
    figure.supxlabel("End of the year", fontsize=9.5)
    legend(figure, _legend(results))
    last = max(results.scenarios[name].horizon for name in results.outlooks)
    return Figure(
        title="What is the grouping by when?",
        caption=(
            "Probability by the end of each year that a decision about the grouping has arisen, "
            f"and that it is a multilateral alliance, with {PERCENT} intervals. By {last} and "
            f"stacked, multilateral: {'; '.join(words)}."
        ),
        alt="; ".join(alt) + ".",
        figure=figure,
        section="forecast",
    )


def _lasting(results: Results) -> Figure:
    figure, panels = _columns(results, 3.3, 1, sharex=True, sharey=True)
    alt = []
    for axes, (name, found) in zip(panels[0], results.outlooks.items(), strict=True):
        for theory in _names(results):
            frame = found.lasting
            rows = frame[(frame["theory"] == theory) & (frame["cell"] == NATO)]
            _line(axes, rows["age"].tolist(), rows, theory)
            alt.append(
                f"{results.scenarios[name].title}, {theory}, after {rows['age'].iloc[-1]} years: "
                f"{_spread(rows.iloc[-1])}"
            )
        axes.set_ylim(0, 1.02)
        axes.grid(axis="y")
        axes.locator_params(axis="x", nbins=4, integer=True)
    panels[0, 0].set_ylabel("Probability that it stands")
    figure.supxlabel("Years after it was made", fontsize=9.5)
    legend(figure, _legend(results))
    return Figure(
        title="How long would a multilateral alliance last?",
        caption=(
            f"Probability that a design ({label(NATO)}) made in the first year still stands, with "
            f"{PERCENT} intervals. The threat is the scenario's up to its horizon; its last "
            "values go on from there."
        ),
        alt="; ".join(alt) + ".",
        figure=figure,
        section="forecast",
    )


def _legend(results: Results) -> list:
    """Legend entries of theories drawn as lines."""
    out = theory_legend(_names(results))
    for handle, name in zip(out, _names(results), strict=True):
        handle.set(marker="", **_style(name))
    return out


def _spread(row: pd.Series) -> str:
    """A probability with its interval."""
    return f"{row['probability']:.2f} ({row['lower']:.2f} to {row['upper']:.2f})"


def _moving(results: Results) -> list[str]:
    """Movers that move some theory in some scenario, the strongest first; groups at the end."""
    frame = pd.concat([found.movers for found in results.outlooks.values()])
    frame = frame[frame["theory"] != STACKED]
    most = frame.assign(size=frame["difference"].abs()).groupby("mover", sort=False)["size"].max()
    most = most[most >= LEAST].sort_values(ascending=False)
    single = [str(name) for name in most.index if name not in TOGETHER]
    return single + [name for name in TOGETHER if name in most.index] if single else []


def _movers(results: Results) -> Figure:
    moving = _moving(results)
    figure, panels = _columns(results, 1.4 + 0.55 * len(moving), 1, 18, sharex=True, sharey=True)
    labels = [_row_label(results, name) for name in moving]
    alt = []
    for axes, (scenario, found) in zip(panels[0], results.outlooks.items(), strict=True):
        frame = found.movers.set_index(["theory", "mover"])
        at = rows_axis(axes, labels)
        for shift, theory in zip(offsets(len(results.trees), 0.6), results.trees, strict=True):
            for y, name in zip(at, moving, strict=True):
                row = frame.loc[(theory, name)]
                if row["lower"] == row["upper"]:
                    continue  # the theory does not read it
                ends = (row["difference"], y + shift, row["lower"], row["upper"])
                mark(axes, *ends, theory_colour(theory), theory_marker(theory))
                alt.append(
                    f"{results.scenarios[scenario].title}, {theory}, {mover_words(name)}: "
                    f"{row['difference']:.2f} ({row['lower']:.2f} to {row['upper']:.2f})"
                )
        for y in at[:-1]:
            axes.axhline(y + 0.5, color="#E6E6E6", linewidth=0.8)
        axes.axvline(0, color="#8C8C8C", linewidth=0.9)
        axes.locator_params(axis="x", nbins=3)  # panels are narrow
    figure.supxlabel("Change of the probability of a multilateral design", fontsize=9.5)
    legend(figure, theory_legend(results.trees))
    names = next(iter(results.outlooks.values())).movers["mover"].unique()
    still = [mover_words(n) for n in names if n not in moving and n not in TOGETHER]
    return Figure(
        title="What moves it?",
        caption=(
            "Change of the probability of a multilateral design, "
            f"{if_decided(*results.scenarios.values())}, as "
            f"one thing goes from its low to its high value, all else as supposed: mean and "
            f"{PERCENT} interval. Numbers go from the 5th to the 95th percentile of the data. "
            "Promises follow the indicators of the clients where a theory says so. Groups go "
            "from the ends that lower a theory's probability to those that raise it. A theory "
            f"without a mark does not read it. Moving none by {LEAST:g}: {listed(still)}."
        ),
        alt="; ".join(alt) + ".",
        figure=figure,
        section="forecast",
    )


def _row_label(results: Results, name: str) -> str:
    """A mover with its two ends, which are the same in all scenarios."""
    words = wrap(mover_words(name), 34)
    if name in TOGETHER:
        return f"{words}, together"
    frame = next(iter(results.outlooks.values())).movers
    row = frame[frame["mover"] == name].iloc[0]
    return f"{words}\n{_end(row['low'])} → {_end(row['high'])}"


def _end(value: str | float) -> str:
    """A value at one end of a mover's range."""
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
