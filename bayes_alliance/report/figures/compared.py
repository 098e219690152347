"""Which theory predicts better, on which cases, and whether the estimate can be trusted."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from bayes_alliance.compare.loo import difference
from bayes_alliance.report.figures.style import (
    Figure,
    canvas,
    dot,
    legend,
    mark,
    offsets,
    rows_axis,
    theory_colour,
    theory_legend,
    theory_marker,
    wrap,
)
from bayes_alliance.report.results import MAIN, Results
from bayes_alliance.report.words import case_names, listed
from bayes_alliance.theories import NULL

INFORMATION_WORDS = {
    "indicators": "not knowing the clients' promise",
    "commitments": "knowing the clients' promise",
}
INFORMATION_SHORT = {"indicators": "promise unknown", "commitments": "promise known"}
BY_WORDS = {
    "episode": "one case left out",
    "theatre": "a whole theatre left out",
    "patron": "a whole patron left out",
}


def draw(results: Results) -> Iterator[tuple[str, Figure]]:
    """Draw the comparison.

    Parameters
    ----------
    results : Results
        What the report shows.

    Yields
    ------
    tuple of str and Figure
        Slug and figure.
    """
    if any(len(table) > 1 for table in results.comparison.values()):
        yield "comparison", _comparison(results)
    if len(results.comparison.get(MAIN, ())) > 1:
        yield "pointwise", _pointwise(results)
    if any(s.influence_pareto_k is not None for s in results.scores.get(MAIN, {}).values()):
        yield "pareto-k", _pareto_k(results)


def _words(key: tuple[str, str]) -> str:
    """What was left out and what was known."""
    information, by = key
    return f"{BY_WORDS[by]}, {INFORMATION_WORDS[information]}"


def _comparison(results: Results) -> Figure:
    """Small multiples of `arviz.plot_compare`, which takes no panels of ours."""
    keys = [key for key, table in results.comparison.items() if len(table) > 1]
    names = list(dict.fromkeys(n for key in keys for n in results.scores[key]))
    variants = any("," in n for n in names)
    columns = min(2, len(keys))
    rows = -(-len(keys) // columns)
    figure, panels = canvas(
        0.5 + (0.95 + 0.36 * len(names)) * rows, rows, columns, sharex=True, sharey=True
    )
    for axes, key in zip(panels.flat, keys, strict=False):
        scores, table = results.scores[key], results.comparison[key]
        labels = [wrap(n, 22) for n in names]
        at = rows_axis(axes, labels)
        for y, name in zip(at, names, strict=True):
            if name not in scores:
                continue
            gap, error, _ = difference(scores[name], scores[table.index[0]])
            colour = theory_colour(name)
            mark(axes, gap, y, gap - error, gap + error, colour, theory_marker(name))
            if "," in name:
                axes.plot([gap], [y], marker=theory_marker(name), color=colour, mfc="white", ms=6)
            if name in table.index:
                _beside(axes, y, f"{table.at[name, 'weight']:.2f}")
        _beside(axes, -0.6, "weight", "bottom")
        axes.axvline(0, color="black", linewidth=0.9, linestyle=":")
        axes.set_title(f"{BY_WORDS[key[1]]},\n{INFORMATION_SHORT[key[0]]}", fontsize=9.5)
        axes.margins(x=0.06)
    for axes in panels.flat[len(keys) :]:
        axes.remove()
    figure.supxlabel("Log score (elpd) minus the highest, ± 1 standard error", fontsize=9.5)
    return Figure(
        title="Which theory predicts unseen cases better?",
        caption=" ".join(_verdict(results, key) for key in keys)
        + " Further to the right is better; weights are those of stacking."
        + (" Hollow marks are variants that have no part in the weights." if variants else ""),
        alt="; ".join(
            f"{_words(key)}: "
            + ", ".join(
                f"{n} elpd {row['elpd']:.1f}, weight {row['weight']:.2f}"
                for n, row in results.comparison[key].iterrows()
            )
            for key in keys
        )
        + ".",
        figure=figure,
        section="compare",
    )


def _beside(axes: Axes, y: float, text: str, stand: str = "center") -> None:
    """Text in a column to the right of a panel."""
    axes.text(1.02, y, text, transform=axes.get_yaxis_transform(), va=stand, fontsize=9)


def _verdict(results: Results, key: tuple[str, str]) -> str:
    """The comparison in a sentence."""
    scores, table = results.scores[key], results.comparison[key]
    first, second = table.index[:2]
    gap, error, _ = difference(scores[first], scores[second])
    where = _words(key)
    return (
        f"With {where}, {first} leads {second} by {gap:.1f} in log score (standard error "
        f"{error:.1f})."
    )


def _baseline(results: Results) -> str:
    """The theory that others are measured against: the null, or else the last."""
    names = list(results.comparison[MAIN].index)
    return NULL if NULL in names else names[-1]


def _pointwise(results: Results) -> Figure:
    base, scores = _baseline(results), results.scores[MAIN]
    names = [n for n in results.comparison[MAIN].index if n != base]
    cases = [str(c) for c in scores[base].elpd_i["case"].values]
    labels = case_names(results).reindex(cases).tolist()
    gaps = pd.DataFrame(
        {n: scores[n].elpd_i.to_numpy() - scores[base].elpd_i.to_numpy() for n in names},
        index=labels,
    )
    figure, panels = canvas(1.1 + 0.33 * len(cases))
    axes = panels[0, 0]
    at = rows_axis(axes, labels)
    for shift, name in zip(offsets(len(names), 0.6), names, strict=True):
        colour = theory_colour(name)
        axes.hlines(at + shift, 0, gaps[name], color=colour, linewidth=1.8)
        axes.plot(gaps[name], at + shift, theory_marker(name), color=colour, markersize=5.5)
    axes.axvline(0, color="black", linewidth=0.9)
    axes.set_xlabel(f"Log score of the case minus that of {base}")
    legend(figure, theory_legend(names))
    words = [
        f"{n} gains most on {gaps[n].idxmax()} ({gaps[n].max():+.1f}) and least on "
        f"{gaps[n].idxmin()} ({gaps[n].min():+.1f})"
        for n in names
    ]
    return Figure(
        title="Which cases carry the comparison?",
        caption=f"Log score of each case, left out, minus that of {base}: {listed(words)}.",
        alt="; ".join(
            f"{case}: " + ", ".join(f"{n} {v:+.2f}" for n, v in zip(names, row, strict=True))
            for case, row in zip(labels, gaps.to_numpy(), strict=True)
        )
        + ".",
        figure=figure,
        section="compare",
    )


def _pareto_k(results: Results) -> Figure:
    """Pareto k with the names of the cases, which `arviz.plot_khat` shows only on hovering."""
    scores = {n: s for n, s in results.scores[MAIN].items() if s.influence_pareto_k is not None}
    limit = min(s.good_k for s in scores.values())
    names = list(scores)
    first = scores[names[0]].influence_pareto_k
    cases = [str(c) for c in first["case"].values]
    labels = case_names(results).reindex(cases).tolist()
    figure, panels = canvas(1.3 + 0.33 * len(cases))
    axes = panels[0, 0]
    at = rows_axis(axes, labels)
    refitted = []
    for shift, name in zip(offsets(len(names), 0.66), names, strict=True):
        before = scores[name].influence_pareto_k.to_numpy()
        after = scores[name].pareto_k.to_numpy()
        fill = "white" if "," in name else theory_colour(name)
        axes.plot(
            before,
            at + shift,
            theory_marker(name),
            color=theory_colour(name),
            markerfacecolor=fill,
            markersize=5.5,
        )
        again = (before > scores[name].good_k) & (after < before)
        axes.plot(
            before[again],
            at[again] + shift,
            "o",
            color="black",
            markerfacecolor="none",
            markersize=12,
        )
        refitted += [f"{labels[i]} ({name})" for i in np.flatnonzero(again)]
    axes.axvline(limit, color="black", linewidth=1, linestyle="--")
    axes.set_xlabel("Pareto k of the case (no unit)")
    entries = theory_legend(names)
    if refitted:
        ring = dot("fitted again without the case", "black", "o", hollow=True)
        ring.set_markersize(11)
        entries.append(ring)
    entries.append(
        Line2D([], [], color="black", linestyle="--", label=f"reliable up to {limit:.2f}")
    )
    legend(figure, entries)
    above = sum(int((s.influence_pareto_k > s.good_k).sum()) for s in scores.values())
    return Figure(
        title="Are the leave-one-out scores reliable?",
        caption=(
            f"Pareto k by case and fit; above {limit:.2f} the approximation is unreliable, "
            f"which {above} of {len(scores) * len(cases)} values are. "
            + (
                f"Fitted again without the case: {listed(refitted)}."
                if refitted
                else "No case was fitted again."
            )
        ),
        alt="; ".join(
            f"{n}: largest k {float(s.influence_pareto_k.max()):.2f} at "
            f"{labels[int(np.argmax(s.influence_pareto_k.to_numpy()))]}"
            for n, s in scores.items()
        )
        + ".",
        figure=figure,
        section="compare",
    )
