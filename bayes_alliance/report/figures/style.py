"""What all figures share: the type, the palette, the canvas, saving."""

from __future__ import annotations

import textwrap
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TextIO

import matplotlib
import matplotlib.figure
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bayes_alliance.compare.hypotheses import CI_PROB
from bayes_alliance.data.schema import THEATRES
from bayes_alliance.report.results import Results

Section = Literal[
    "data", "theory", "fit", "compare", "stage", "unseen", "check", "robust", "forecast"
]

THEORY_COLOURS = {
    "occupation": "#0072B2",
    "prospect": "#D55E00",
    "null": "#6B6B6B",
    "stacked": "#000000",
}
THEORY_MARKERS = {"occupation": "o", "prospect": "s", "null": "D", "stacked": "*"}
THEATRE_COLOURS = {"europe": "#117733", "asia": "#AA4499"}
THEATRE_MARKERS = {"europe": "o", "asia": "s"}
SPARE_COLOURS = ("#56B4E9", "#882255", "#999933", "#332288", "#661100")
VARIANT_MARKERS = ("^", "v", "p", "X", "P", "<", ">")
SPARE_MARKERS = ("^", "v", "P", "X", "p")
OBSERVED = "#D9D9D9"
"""Fill of what was observed, beside what theories predict."""
MUTED = "#8C8C8C"

WIDTH = 6.8  # inches
PERCENT = f"{CI_PROB:.0%}".replace("%", " %")
RC: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "x",
    "axes.labelsize": 9.5,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "figure.dpi": 100,
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "grid.color": "#E6E6E6",
    "legend.fontsize": 9,
    "legend.frameon": False,
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "bayes-alliance",
    "text.parse_math": False,  # a dollar sign in a name is one; diagrams ask for mathematics
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
}


@dataclass(frozen=True)
class Figure:
    """A figure of a report.

    Parameters
    ----------
    title : str
        The question that the figure answers.
    caption : str
        What there is to see, computed from the results.
    alt : str
        Text for readers who cannot see the figure.
    figure : matplotlib.figure.Figure
        The drawing; not known to pyplot.
    section : {"data", "theory", "fit", "compare", "check", "forecast"}
        Where it belongs.
    """

    title: str
    caption: str
    alt: str
    figure: matplotlib.figure.Figure
    section: Section


_DRAWING = threading.RLock()


@contextmanager
def styled() -> Iterator[None]:
    """The style of the figures for the length of a with statement, in one thread at a time.

    Yields
    ------
    None
        matplotlib's settings belong to the whole process; they are put back in any case.
    """
    with _DRAWING, matplotlib.rc_context(RC):
        yield


def save(figure: Figure, path: Path | TextIO) -> None:
    """Write a figure as SVG; the same figure gives the same bytes.

    Parameters
    ----------
    figure : Figure
        The figure.
    path : pathlib.Path or file
        Where to, of whatever suffix.
    """
    with styled():
        figure.figure.savefig(path, format="svg", metadata={"Date": None})


def settle(figure: Figure) -> None:
    """Fix the layout: each drawing would shift it a little, and files would differ.

    Parameters
    ----------
    figure : Figure
        The figure.
    """
    engine = figure.figure.get_layout_engine()
    if engine is not None:
        for _ in range(2):
            engine.execute(figure.figure)
    figure.figure.set_layout_engine("none")


def canvas(height: float, rows: int = 1, columns: int = 1, **options) -> tuple:
    """An empty figure outside pyplot.

    Parameters
    ----------
    height : float
        Inches.
    rows, columns : int
        Panels.
    **options
        Passed to ``Figure.subplots``.

    Returns
    -------
    tuple of matplotlib.figure.Figure and numpy.ndarray of Axes, shape (rows, columns)
        Figure and panels.
    """
    figure = matplotlib.figure.Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def _of(name: str, known: dict[str, str], spare: Sequence[str]) -> str:
    """The fixed value of a name, or one that depends on nothing but the name."""
    if name in known:
        return known[name]
    return spare[sum(name.encode()) % len(spare)]


def theory_colour(name: str) -> str:
    """Colour of a theory; a variant of a theory (``"prospect, ..."``) has the theory's.

    Parameters
    ----------
    name : str
        Theory.

    Returns
    -------
    str
        Hexadecimal colour.
    """
    return _of(name.split(",")[0], THEORY_COLOURS, SPARE_COLOURS)


def theory_marker(name: str) -> str:
    """Marker of a theory; a variant of it has its own.

    Parameters
    ----------
    name : str
        Theory.

    Returns
    -------
    str
        Matplotlib marker.
    """
    return _of(name, THEORY_MARKERS, VARIANT_MARKERS if "," in name else SPARE_MARKERS)


def theatre_colour(name: str) -> str:
    """Colour of a theatre.

    Parameters
    ----------
    name : str
        Theatre.

    Returns
    -------
    str
        Hexadecimal colour.
    """
    return _of(name, THEATRE_COLOURS, SPARE_COLOURS)


def theatre_marker(name: str) -> str:
    """Marker of a theatre.

    Parameters
    ----------
    name : str
        Theatre.

    Returns
    -------
    str
        Matplotlib marker.
    """
    return _of(name, THEATRE_MARKERS, SPARE_MARKERS)


def wrap(text: str, width: int) -> str:
    """Break a text into lines.

    Parameters
    ----------
    text : str
        Text.
    width : int
        Characters a line.

    Returns
    -------
    str
        The text with line breaks.
    """
    return textwrap.fill(text, width, break_long_words=False)


def theatres(results: Results) -> list[str]:
    """Theatres of the data in the order of the schema, then as they come.

    Parameters
    ----------
    results : Results
        What the report shows.

    Returns
    -------
    list of str
        Theatres.
    """
    there = list(dict.fromkeys(results.data.episodes["theatre"].astype(str)))
    return sorted(
        there, key=lambda t: (t not in THEATRES, list(THEATRES).index(t) if t in THEATRES else 0)
    )


def theatre_label(name: str) -> str:
    """Theatre as a reader sees it.

    Parameters
    ----------
    name : str
        Theatre.

    Returns
    -------
    str
        Words.
    """
    return THEATRES.get(name, name)


def rows_axis(axes: Axes, labels: Sequence[str]) -> np.ndarray:
    """Label the rows of a panel, the first on top.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Panel.
    labels : sequence of str
        One label a row.

    Returns
    -------
    numpy.ndarray
        Positions of the rows.
    """
    at = np.arange(len(labels), dtype=float)
    axes.set_yticks(at, labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    return at


def offsets(count: int, span: float = 0.5) -> np.ndarray:
    """Shifts that keep several marks of one row apart.

    Parameters
    ----------
    count : int
        Marks.
    span : float
        Height that they share.

    Returns
    -------
    numpy.ndarray
        Shifts around 0.
    """
    return (np.arange(count) - (count - 1) / 2) * span / max(count, 1)


def mark(axes: Axes, x: float, y: float, low: float, high: float, colour: str, marker: str) -> None:
    """A point with its interval.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Panel.
    x, y : float
        Point.
    low, high : float
        Interval along x.
    colour, marker : str
        Looks.
    """
    axes.plot([low, high], [y, y], color=colour, linewidth=1.8, solid_capstyle="butt")
    size = 9 if marker == "*" else 5.5
    axes.plot([x], [y], color=colour, marker=marker, markersize=size, linestyle="none")


def legend(figure: matplotlib.figure.Figure, handles: Sequence) -> None:
    """A legend above the panels, in as many columns as there is room for.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Figure.
    handles : sequence of artists
        What to explain.
    """
    needed = [0.5 + 0.075 * len(h.get_label()) for h in handles]  # inches
    for columns in range(len(handles), 0, -1):
        width = sum(part.max() for part in np.array_split(needed, columns))
        if width <= figure.get_figwidth():
            break
    figure.legend(
        handles=list(handles),
        loc="outside upper left",
        ncols=columns,
        columnspacing=1.4,
        handletextpad=0.5,
    )


def dot(label: str, colour: str, marker: str, hollow: bool = False) -> Line2D:
    """Legend entry of a marker.

    Parameters
    ----------
    label, colour, marker : str
        Text and looks.
    hollow : bool
        Not filled.

    Returns
    -------
    matplotlib.lines.Line2D
        Entry.
    """
    return Line2D(
        [],
        [],
        color=colour,
        marker=marker,
        linestyle="none",
        markersize=9 if marker == "*" else 6,
        markerfacecolor="white" if hollow else colour,
        label=label,
    )


def patch(label: str, colour: str) -> Patch:
    """Legend entry of a fill.

    Parameters
    ----------
    label, colour : str
        Text and looks.

    Returns
    -------
    matplotlib.patches.Patch
        Entry.
    """
    return Patch(color=colour, label=label)


def theory_legend(names: Iterable[str]) -> list[Line2D]:
    """Legend entries of theories.

    Parameters
    ----------
    names : iterable of str
        Theories.

    Returns
    -------
    list of matplotlib.lines.Line2D
        Entries.
    """
    return [dot(n, theory_colour(n), theory_marker(n), hollow="," in n) for n in names]


def theatre_legend(results: Results) -> list[Line2D]:
    """Legend entries of the theatres of the data.

    Parameters
    ----------
    results : Results
        What the report shows.

    Returns
    -------
    list of matplotlib.lines.Line2D
        Entries.
    """
    return [dot(theatre_label(t), theatre_colour(t), theatre_marker(t)) for t in theatres(results)]
