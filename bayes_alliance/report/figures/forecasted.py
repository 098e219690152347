"""What the theories, and their mixture, forecast."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.colors import to_rgb

from bayes_alliance.forecast.forecast import STACKED
from bayes_alliance.process.cells import CELLS, label
from bayes_alliance.report.figures.style import (
    PERCENT,
    Figure,
    canvas,
    legend,
    mark,
    offsets,
    patch,
    rows_axis,
    theory_colour,
    theory_legend,
    theory_marker,
    wrap,
)
from bayes_alliance.report.results import Results
from bayes_alliance.report.words import if_decided, listed

KIND_COLOURS = {
    "none": "#E3E3E3",
    "bilateral": "#88CCEE",
    "trilateral": "#DDCC77",
    "multilateral": "#332288",
}


def draw(results: Results) -> Iterator[tuple[str, Figure]]:
    """Draw the forecasts.

    Parameters
    ----------
    results : Results
        What the report shows.

    Yields
    ------
    tuple of str and Figure
        Slug and figure.
    """
    if results.forecasts:
        yield "forecasts-multilateral", _kinds(results)
        yield "forecasts", _cells(results)


def _title(results: Results, scenario: str) -> str:
    """Scenario as a reader sees it."""
    found = results.scenarios.get(scenario)
    return found.title if found else scenario


def _theories(table: pd.DataFrame) -> list[str]:
    """Theories of a forecast, the mixture last."""
    names = list(dict.fromkeys(table["theory"]))
    return sorted(names, key=lambda n: n == STACKED)


def _kind_shares(table: pd.DataFrame) -> pd.DataFrame:
    """Probability of each kind of design, whatever its commitment, by theory."""
    kind = table["cell"].str.split("_").str[0]
    wide = table.assign(kind=kind).pivot_table("probability", "theory", "kind", "sum")
    return wide.reindex(index=_theories(table), columns=list(KIND_COLOURS))


def _kinds(results: Results) -> Figure:
    shares = {s: _kind_shares(t) for s, t in results.forecasts.items()}
    count = sum(len(s) for s in shares.values())
    figure, panels = canvas(
        0.9 + 0.28 * count + 0.42 * len(shares),
        len(shares),
        1,
        sharex=True,
        height_ratios=[len(s) for s in shares.values()],
    )
    for axes, (scenario, table) in zip(panels[:, 0], shares.items(), strict=True):
        at = rows_axis(axes, list(table.index))
        left = np.zeros(len(table))
        for kind, colour in KIND_COLOURS.items():
            width = table[kind].to_numpy()
            axes.barh(at, width, left=left, height=0.78, color=colour)
            ink = "white" if sum(to_rgb(colour)) < 1.5 else "black"
            for y, x, w in zip(at, left, width, strict=True):
                if w >= 0.08:
                    axes.text(
                        x + w / 2, y, f"{w:.2f}", ha="center", va="center", color=ink, fontsize=9
                    )
            left += width
        axes.set_title(_title(results, scenario))
        axes.grid(False)
        axes.spines["left"].set_visible(False)
    panels[0, 0].set_xlim(0, 1)
    panels[-1, 0].set_xlabel("Probability of the design, weak or strong")
    legend(figure, [patch(k, c) for k, c in KIND_COLOURS.items()])
    words = [f"{_title(results, s)}: {_spread(t['multilateral'])}" for s, t in shares.items()]
    return Figure(
        title="Would a multilateral alliance come of it?",
        caption=(
            "Probability of each kind of design "
            f"{if_decided(*results.scenarios.values())}, by theory and stacked. "
            f"Multilateral: {'; '.join(words)}."
        ),
        alt="; ".join(
            f"{_title(results, s)}, {name}: " + ", ".join(f"{k} {v:.2f}" for k, v in row.items())
            for s, t in shares.items()
            for name, row in t.iterrows()
        )
        + ".",
        figure=figure,
        section="forecast",
    )


def _spread(values: pd.Series) -> str:
    """Stacked value and the range of the theories."""
    alone = values.drop(STACKED, errors="ignore")
    between = f"{alone.min():.2f} ({alone.idxmin()}) to {alone.max():.2f} ({alone.idxmax()})"
    return f"{values[STACKED]:.2f} stacked, {between}" if STACKED in values else between


def _cells(results: Results) -> Figure:
    tables = results.forecasts
    names = list(dict.fromkeys(n for t in tables.values() for n in _theories(t)))
    columns = min(2, len(tables)) if len(tables) % 2 == 0 else min(3, len(tables))
    rows = -(-len(tables) // columns)
    figure, panels = canvas(0.9 + 4.2 * rows, rows, columns, sharex=True, sharey=True)
    for axes, (scenario, table) in zip(panels.flat, tables.items(), strict=False):
        at = rows_axis(axes, [label(c) for c in CELLS])
        for shift, name in zip(offsets(len(names), 0.76), names, strict=True):
            of = table[table["theory"] == name].set_index("cell")
            for y, cell in zip(at, CELLS, strict=True):
                if cell in of.index:
                    row = of.loc[cell]
                    mark(
                        axes,
                        row["probability"],
                        y + shift,
                        row["lower"],
                        row["upper"],
                        theory_colour(name),
                        theory_marker(name),
                    )
        for y in at[:-1]:
            axes.axhline(y + 0.5, color="#E6E6E6", linewidth=0.8)
        axes.set_title(wrap(_title(results, scenario), 24 if columns > 2 else 40), fontsize=9.5)
    for axes in panels.flat[len(tables) :]:
        axes.remove()
    panels[0, 0].set_xlim(0, min(1.0, 1.05 * max(t["upper"].max() for t in tables.values())))
    panels[0, 0].locator_params(axis="x", nbins=4)
    figure.supxlabel("Probability", fontsize=9.5)
    legend(figure, theory_legend(names))
    words = []
    for scenario, table in tables.items():
        of = table[table["theory"] == (STACKED if STACKED in set(table["theory"]) else names[0])]
        top = of.loc[of["probability"].idxmax()]
        words.append(
            f"{_title(results, scenario)}: {label(top['cell'])} ({top['probability']:.2f}, "
            f"{top['lower']:.2f} to {top['upper']:.2f})"
        )
    return Figure(
        title="Which design would come of it?",
        caption=(
            f"Probability of each design {if_decided(*results.scenarios.values())}, mean and "
            f"{PERCENT} interval by theory and stacked. Most probable: {listed(words)}."
        ),
        alt="; ".join(
            f"{_title(results, s)}, {r.theory}, {label(r.cell)}: {r.probability:.2f} "
            f"({r.lower:.2f} to {r.upper:.2f})"
            for s, t in tables.items()
            for r in t.itertuples()
        )
        + ".",
        figure=figure,
        section="forecast",
    )
