"""Specification curves of a robustness study, and the tables and sentences beside them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib.figure
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from bayes_alliance.compare.curve import (
    comparison_curve,
    comparison_sentences,
    hypothesis_curve,
    hypothesis_sentences,
)
from bayes_alliance.compare.hypotheses import AGAINST, SUPPORTED
from bayes_alliance.compare.specifications import Specification, choices
from bayes_alliance.compare.study import Study, complete
from bayes_alliance.files import write_text
from bayes_alliance.report.figures.style import (
    PERCENT,
    WIDTH,
    Figure,
    canvas,
    dot,
    legend,
    patch,
    rows_axis,
    save,
    settle,
    styled,
    theory_colour,
)
from bayes_alliance.report.results import Results
from bayes_alliance.text import as_csv
from bayes_alliance.theories import get

FAILED = "#CC0000"
ROW, GAP = 0.155, 0.55
"""Inches of a row of the lower panel, and rows between two choices."""
BELOW = 0.38
"""How far below a hypothesis' line its failed fits are, in rows."""


def draw(results: Results) -> Iterator[tuple[str, Figure]]:
    """Draw the curves of the comparisons under all choices, and one figure of all hypotheses.

    Parameters
    ----------
    results : Results
        What the report shows.

    Yields
    ------
    tuple of str and Figure
        Slug and figure.
    """
    if results.study is None or not (part := complete(results.study)).specifications:
        return
    yield from draw_comparisons(part)
    table = hypothesis_curve(part)
    if len(table):
        yield "specifications", overview(table)


def curves(study: Study, information: str = "indicators") -> Iterator[tuple[str, Figure]]:
    """Draw every curve of a study.

    Parameters
    ----------
    study : Study
        From `bayes_alliance.compare.study.open_study`.
    information : {"indicators", "commitments"}
        What predictions of the comparison may know.

    Yields
    ------
    tuple of str and Figure
        Slug and figure.
    """
    yield from draw_comparisons(study, information)
    table = hypothesis_curve(study)
    if len(table):
        yield "specifications-hypotheses", overview(table)
    told = hypothesis_sentences(table)
    groups = table.groupby(["theory", "hypothesis"], sort=False) if len(table) else ()
    for (theory, hypothesis), rows in groups:
        h = next(h for h in get(str(theory)).HYPOTHESES if h.name == hypothesis)
        expected = "above" if h.direction > 0 else "below"
        yield (
            f"specifications-{theory}-{str(hypothesis).replace(' ', '-')}",
            Figure(
                title=f"Does {theory} {hypothesis} depend on the choices? {h.words}",
                caption=f"{told[f'{theory} {hypothesis}']} The article expects it {expected} zero: "
                f"{h.estimand}. {_legend_words(f'{PERCENT} interval')}",
                alt=_described(rows),
                figure=curve(
                    rows,
                    study.specifications,
                    f"{theory} {hypothesis}\n(expected {expected} 0)",
                    theory_colour(str(theory)),
                ),
                section="robust",
            ),
        )


def draw_comparisons(study: Study, information: str = "indicators") -> Iterator[tuple[str, Figure]]:
    """Draw the curve of each pair of theories.

    Parameters
    ----------
    study : Study
        From `bayes_alliance.compare.study.open_study`.
    information : {"indicators", "commitments"}
        What predictions may know.

    Yields
    ------
    tuple of str and Figure
        Slug and figure.
    """
    compared = comparison_curve(study, information)
    told = comparison_sentences(compared)
    for pair, rows in compared.groupby("pair", sort=False) if len(compared) else ():
        yield (
            f"specifications-{str(pair).replace(' ', '-')}",
            Figure(
                title=f"Does the comparison, {pair}, depend on the choices?",
                caption=f"{told[str(pair)]} {_legend_words('± 1 standard error')}",
                alt=_described(rows),
                figure=curve(
                    rows,
                    study.specifications,
                    f"Log score (elpd),\n{pair}",
                    theory_colour(str(pair).split()[0]),
                ),
                section="robust",
            ),
        )


def overview(table: pd.DataFrame) -> Figure:
    """Probability of the expected direction of every hypothesis under every specification.

    Parameters
    ----------
    table : pandas.DataFrame
        From `bayes_alliance.compare.curve.hypothesis_curve`, with at least one hypothesis.

    Returns
    -------
    Figure
        The figure.
    """
    groups = list(table.groupby(["theory", "hypothesis"], sort=False))
    figure, panels = canvas(0.9 + 0.32 * len(groups))
    axes = panels[0, 0]
    at = rows_axis(axes, [f"{theory} {hypothesis}" for (theory, hypothesis), _ in groups])
    axes.axvspan(SUPPORTED, 1, color="#E9F3EC", zorder=0)
    axes.axvspan(0, AGAINST, color="#F8E9E9", zorder=0)
    axes.axvline(0.5, color="black", linewidth=0.9, linestyle=":")
    for y, ((theory, _), rows) in zip(at, groups, strict=True):
        for failed, some in rows[rows["probability"].notna()].groupby("failed"):
            shade = FAILED if failed else theory_colour(str(theory))
            looks: dict[str, Any] = {"linestyle": "none", "color": shade}
            looks["markerfacecolor"] = "white" if failed else shade
            # failed fits have a line of their own below: colour alone does not tell them apart
            line = y + (BELOW if failed else 0)
            marker, size = ("o", 3.5) if failed else ("|", 8)
            axes.plot(some["probability"], [line] * len(some), marker, markersize=size, **looks)
            # the ticks of many specifications lie on one another; the diamond stands out
            default = some.loc[some["changes"] == 0, "probability"]
            axes.plot(default, [line] * len(default), marker="D", markersize=7, **looks)
    axes.set_xlim(-0.01, 1.01)
    axes.set_xlabel("Probability of the direction that the article expects")
    grey = "#555555"
    entries = [
        dot("defaults", grey, "D"),
        dot("other choices", grey, "|"),
        patch("supported", "#E9F3EC"),
        patch("refuted", "#F8E9E9"),
    ]
    if (table["failed"] & table["probability"].notna()).any():
        entries.append(dot("fit failed", FAILED, "o", hollow=True))
    legend(figure, entries)
    told = hypothesis_sentences(table)
    return Figure(
        title="Which hypotheses depend on the choices?",
        caption="One mark a specification: the probability of the direction that the article "
        f"expects. In the green band ({SUPPORTED} or more) the data support a hypothesis, in the "
        f"red band ({AGAINST} or less) they refute it; hollow red marks below a line are of fits "
        "that failed their diagnostics.",
        alt=" ".join(told.values()),
        figure=figure,
        section="robust",
    )


def _legend_words(interval: str) -> str:
    """What the marks of every curve are."""
    return (
        f"Above, one mark a specification with its {interval}, in rising order; below, the levels "
        "that it chose. The larger mark is the defaults, vertical lines show the choices changed "
        "alone; hollow red marks are of fits that failed their diagnostics, crosses of those that "
        "gave no number."
    )


def _described(rows: pd.DataFrame) -> str:
    """Every mark of a curve in words."""
    return "; ".join(
        f"{r.label}: "
        + (
            f"{r.estimate:.2f} ({r.lower:.2f} to {r.upper:.2f})"
            if np.isfinite(r.estimate)
            else "none"
        )
        + (f", failed ({r.problems})" if r.failed else "")
        for r in rows.itertuples()
    )


def curve(
    table: pd.DataFrame, specifications: list[Specification], label: str, colour: str
) -> matplotlib.figure.Figure:
    """Sorted estimates above, the choices behind them below.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a specification: ``specification`` (hash), ``changes``, ``estimate``, ``lower``,
        ``upper`` and ``failed``; an estimate that is not a number has a place at the end.
    specifications : list of Specification
        The specifications.
    label : str
        What is estimated.
    colour : str
        Colour of the theory.

    Returns
    -------
    matplotlib.figure.Figure
        The drawing.
    """
    by_hash = {s.hash: s for s in specifications}
    rows = table.sort_values("estimate", kind="stable", na_position="last").reset_index(drop=True)
    open_ = choices(specifications[0].data)
    levels = [(name, level) for name, of in open_.items() for level in of]
    at, place = {}, 0.0
    for previous, (name, level) in zip([("", None), *levels], levels, strict=False):
        place += GAP * (previous[0] not in ("", name))
        at[name, level] = place
        place += 1
    # an SVG draws small labels some points wider than the layout measures them
    room = ConstrainedLayoutEngine(w_pad=0.12)
    figure = matplotlib.figure.Figure(figsize=(WIDTH, 2.9 + ROW * place), layout=room)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(2.3, ROW * place))
    _estimates(upper, rows, colour)
    upper.set_ylabel(label)
    alone = rows.index[rows["changes"] == 1]
    for axes in (upper, lower):
        axes.grid(visible=False)
        axes.tick_params(axis="x", length=0, labelbottom=False)
        for x in alone:
            axes.axvline(x, color="#EFEFEF", linewidth=2.2, zorder=0)
    chosen = [by_hash[name] for name in rows["specification"]]
    for (name, level), y in at.items():
        there = [x for x, s in enumerate(chosen) if s.level(name) == level]
        default = level == next(iter(open_[name]))
        looks = {"marker": "|", "markersize": 5.5, "mew": 1.6, "linestyle": "none"}
        lower.plot(there, [y] * len(there), color="#C4C4C4" if default else colour, **looks)
    lower.set_yticks(list(at.values()), [open_[name][level] for name, level in at], fontsize=7.5)
    lower.set_ylim(place - 0.3, -0.7)
    lower.set_xlim(-1, len(rows))
    lower.tick_params(axis="y", length=0)
    lower.spines[["left", "bottom"]].set_visible(False)
    lower.set_xlabel(f"{len(rows)} specifications in the order of their estimates")
    legend(figure, _entries(rows, colour))
    return figure


def _estimates(axes: Axes, rows: pd.DataFrame, colour: str) -> None:
    """The upper panel."""
    axes.axhline(0, color="black", linewidth=0.9, linestyle=":")
    there = rows[rows["estimate"].notna()]
    for x, row in there.iterrows():
        shade = FAILED if row["failed"] else colour
        default = row["changes"] == 0
        axes.plot([x, x], [row["lower"], row["upper"]], color=shade, linewidth=1.1, alpha=0.75)
        axes.plot(
            [x],
            [row["estimate"]],
            marker="D" if default else "o",
            markersize=7 if default else 3.8,
            color=shade,
            markerfacecolor="white" if row["failed"] else shade,
            linestyle="none",
            zorder=3,
        )
    for x in rows.index[rows["estimate"].isna()]:
        axes.plot([x], [0], marker="x", color=FAILED, markersize=5, linestyle="none")


def _entries(rows: pd.DataFrame, colour: str) -> list[Line2D]:
    """Legend of the marks that there are."""

    def entry(label: str, **looks: Any) -> Line2D:
        return Line2D([], [], linestyle="none", label=label, **looks)

    numbers = rows["estimate"].notna()
    out = [entry("defaults", marker="D", markersize=7, color=colour)]
    out.append(entry("other choices", marker="o", markersize=4, color=colour))
    if (rows["failed"] & numbers).any():
        looks = {"marker": "o", "markersize": 4, "markerfacecolor": "white"}
        out.append(entry("fit failed", color=FAILED, **looks))
    if (~numbers).any():
        out.append(entry("no fit", marker="x", markersize=5, color=FAILED))
    return out


def write(study: Study, folder: str | Path, information: str = "indicators") -> dict[str, Any]:
    """Write tables, sentences and figures beside the fits of a study.

    Parameters
    ----------
    study : Study
        From `bayes_alliance.compare.study.open_study`.
    folder : str or pathlib.Path
        Where to.
    information : {"indicators", "commitments"}
        What predictions of the comparison may know.

    Returns
    -------
    dict
        ``comparison`` and ``hypotheses`` (tables) and ``sentences`` (by pair of theories, and by
        hypothesis).
    """
    place = Path(folder)
    compared, table = comparison_curve(study, information), hypothesis_curve(study)
    told = comparison_sentences(compared) | hypothesis_sentences(table)
    write_text(place / "comparison.csv", as_csv(compared))
    write_text(place / "hypotheses.csv", as_csv(table))
    write_text(place / "sentences.txt", "".join(f"{s}\n" for s in told.values()))
    with styled():
        for slug, figure in curves(study, information):
            settle(figure)
            save(figure, place / f"{slug}.svg")
    return {"comparison": compared, "hypotheses": table, "sentences": told}
