"""What the theories predict of the data that they were fitted to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from bayes_alliance.check.envelope import envelope
from bayes_alliance.check.lives import (
    Lives,
    hazards,
    kaplan_meier,
    observed_lives,
    open_ended,
    relived,
    standing,
    surviving,
)
from bayes_alliance.check.reliability import EVENTS, event_probabilities, reliability
from bayes_alliance.check.residuals import residual_curve, residuals
from bayes_alliance.compare.hypotheses import CI_PROB, interval
from bayes_alliance.data.load import Data
from bayes_alliance.process.cells import CELLS, JOINT, label
from bayes_alliance.process.designs import designs
from bayes_alliance.process.survival import durations
from bayes_alliance.report.figures.style import (
    MUTED,
    OBSERVED,
    PERCENT,
    Figure,
    canvas,
    legend,
    mark,
    offsets,
    patch,
    rows_axis,
    theatre_label,
    theatres,
    theory_colour,
    theory_legend,
    theory_marker,
    wrap,
)
from bayes_alliance.report.results import MAIN, Results
from bayes_alliance.report.words import listed

GROUPS = {"several clients": 1, "one client": 0}
"""Designs by the number of clients that they bind."""
AXES = {
    "Share of cases, or difference of shares": ("multilateral", "strong"),
    "Share of proposals": ("proposed", "refused", "fallback"),
    "Clients": ("clients",),
    "Share of designs": ("ended",),
    "Years": ("years",),
}
"""What an axis shows, and the first words of the test quantities that go there."""
SHARED: dict[str, Any] = {"sharex": True, "sharey": True}
BY_LEVEL = ("_patron_", "_era_")
"""Test quantities that have a figure of their own: there are many of them."""


def draw(results: Results) -> Iterator[tuple[str, Figure]]:
    """Draw predictions against observations.

    Parameters
    ----------
    results : Results
        What the report shows.

    Yields
    ------
    tuple of str and Figure
        Slug and figure.
    """
    scored = {n: t for n, t in results.trees.items() if "log_likelihood" in t.children}
    if results.trees:
        yield "designs-observed-predicted", _designs(results)
    if results.predicted:
        known = {name: by[MAIN[0]] for name, by in results.predicted.items()}
        events = {n: event_probabilities(of, results.data) for n, of in known.items()}
        notes = {n: of.attrs["note"] for n, of in known.items()}
        yield "reliability", _reliability(events, notes)
    if results.trees and len(durations(results.data.episodes)):
        longer, lives = open_ended(results.data), observed_lives(results.data)
        hazard = {name: hazards(tree, longer) for name, tree in results.trees.items()}
        yield "survival", _survival(hazard, lives)
        if scored:
            found = {n: residuals(tree, hazard[n], lives) for n, tree in scored.items()}
            yield "survival-pit", _residuals(found)
    for slug, chosen in (("checks", False), ("checks-by-patron-and-era", True)):
        tables = {
            name: table[[any(w in q for w in BY_LEVEL) == chosen for q in table.index]]
            for name, table in results.checks.items()
        }
        tables = {name: table for name, table in tables.items() if len(table)}
        if tables:
            yield slug, _checks(tables, " by patron and era" if chosen else "")


def _designs(results: Results) -> Figure:
    episodes, places = results.data.episodes, theatres(results)
    roots = (episodes["episode"] == episodes["case"]).to_numpy()
    where = episodes["theatre"].to_numpy()
    observed = designs(results.data).to_numpy()
    names = list(results.trees)
    columns = min(len(places), 3)
    lines = -(-len(places) // columns)
    figure, panels = canvas(1.0 + 3.6 * lines, lines, columns, **SHARED)
    for axes in panels.flat[len(places) :]:
        axes.set_axis_off()
    far = []
    for axes, place in zip(panels.flat, places, strict=False):
        at = rows_axis(axes, [label(c) for c in CELLS])
        chosen = observed[where[roots] == place]
        share = np.bincount(chosen, minlength=len(CELLS)) / len(chosen)
        axes.barh(at, share, height=0.8, color=OBSERVED)
        rows = np.flatnonzero(roots & (where == place))
        for shift, name in zip(offsets(len(names), 0.66), names, strict=True):
            posterior = results.trees[name]["posterior"].to_dataset()
            expected = posterior["design_probability"].isel(episode=rows).mean("episode")
            values = expected.transpose(..., "cell").to_numpy().reshape(-1, len(CELLS))
            for cell in range(len(CELLS)):
                low, high = interval(values[:, cell])
                middle = values[:, cell].mean()
                colour, marker = theory_colour(name), theory_marker(name)
                mark(axes, middle, at[cell] + shift, low, high, colour, marker)
                far.append((abs(middle - share[cell]), name, cell, place, middle, share[cell]))
        axes.set_title(f"{wrap(theatre_label(place), 24)}\n{len(chosen)} cases", fontsize=9.5)
        axes.tick_params(axis="x", labelbottom=True)
    panels[0, 0].set_xlim(left=0)
    figure.supxlabel("Share of cases", fontsize=9.5)
    legend(figure, [patch("observed", OBSERVED), *theory_legend(names)])
    _, name, cell, place, middle, share = max(far)
    return Figure(
        title="Do the theories expect the designs that were chosen?",
        caption=(
            f"Observed share of each design (bars) and expected share (mean and {PERCENT} interval "
            f"of the probability, averaged over the cases of a theatre). The largest gap is of "
            f"{name} for {label(CELLS[cell])} in {theatre_label(place)}: {middle:.2f} expected, "
            f"{share:.2f} observed."
        ),
        alt="; ".join(
            f"{theatre_label(p)}, {label(CELLS[c])}: observed {s:.2f}, {n} {m:.2f}"
            for _, n, c, p, m, s in far
        )
        + ".",
        figure=figure,
        section="check",
    )


def _reliability(found: dict[str, pd.DataFrame], notes: dict[str, str]) -> Figure:
    """Isotonic regression of what happened on what was predicted."""
    figure, panels = canvas(0.9 + 2.4 * len(EVENTS), len(EVENTS), len(found), **SHARED)
    left = []
    for column, (name, cases) in enumerate(found.items()):
        for row, event in enumerate(EVENTS):
            happened = cases[f"{event}_observed"].to_numpy()
            curve = reliability(cases[event].to_numpy(), happened)
            axes = panels[row, column]
            _against_diagonal(axes, curve, theory_colour(name), "o")
            for value in (False, True):
                at = cases.loc[happened == value, event]
                axes.plot(at, np.full(len(at), float(value)), "|", color=MUTED, clip_on=False)
            left += [f"{event} of {name}"] * _leaves(curve)
            if row == 0:
                axes.set_title(name)
            if column == 0:
                axes.set_ylabel(f"Share that was\n{event}")
    panels[0, 0].set_xlim(-0.03, 1.03)
    panels[0, 0].set_ylim(-0.05, 1.05)
    figure.supxlabel("Predicted probability, by the fit without the case", fontsize=9.5)
    ticks = Line2D([], [], color=MUTED, marker="|", linestyle="none", label="case (0 no, 1 yes)")
    legend(figure, [*_diagonal_legend("observed share", "o"), ticks])
    return Figure(
        title="Do designs come about as often as predicted?",
        caption=(
            f"Share of cases whose design was multilateral, or strong, at each predicted "
            f"probability (isotonic regression), against the probability itself (dashed). If the "
            f"predictions hold, the whole curve stays inside the band with a probability of "
            f"{PERCENT}. Curves that leave it: {listed(left)}. Cases are left out by weighing the "
            "draws" + "".join(f"; {name}: {note}" for name, note in notes.items() if note) + "."
        ),
        alt=f"Reliability curves by theory. Outside their bands: {listed(left)}.",
        figure=figure,
        section="check",
    )


def _residuals(found: dict[str, pd.DataFrame]) -> Figure:
    """Probability integral transform of lives."""
    figure, panels = canvas(3.4, 1, len(found), **SHARED)
    left = []
    for axes, (name, table) in zip(panels[0], found.items(), strict=True):
        curve = residual_curve(table)
        _against_diagonal(axes, curve, theory_colour(name), None)
        left += [name] * _leaves(curve)
        axes.set_title(name)
    panels[0, 0].set_xlim(0, 1)
    panels[0, 0].set_ylim(0, 1.02)
    panels[0, 0].set_ylabel("Share of designs\nthat had ended")
    figure.supxlabel("Predicted probability of having ended by then", fontsize=9.5)
    legend(figure, _diagonal_legend("observed (Kaplan-Meier)", None))
    some = next(iter(found.values()))
    return Figure(
        title="Do designs end as early as predicted?",
        caption=(
            f"Each of the {len(some)} designs is placed at the predicted probability of having "
            f"ended by the age at which it ended ({int(some['ended'].sum())}) or was last seen, by "
            f"the fit without its case. Above the dashed line designs end earlier than predicted, "
            f"below it later. If the predictions hold, the whole curve stays inside the band with "
            f"a probability of {PERCENT}. Theories whose curve leaves it: {listed(left)}."
        ),
        alt=f"Calibration of survival by theory. Outside their bands: {listed(left)}.",
        figure=figure,
        section="check",
    )


def _against_diagonal(axes: Axes, curve: pd.DataFrame, colour: str, marker: str | None) -> None:
    """A curve that should be the diagonal, with its band."""
    at = curve.index.to_numpy()
    axes.fill_between(at, curve["lower"], curve["upper"], color=colour, alpha=0.25, linewidth=0)
    axes.plot([0, 1], [0, 1], color=MUTED, linestyle="--", linewidth=1)
    axes.plot(at, curve["observed"], color="black", linewidth=1.6, marker=marker, markersize=3)
    axes.set_xticks([0, 0.5, 1])
    axes.grid(True, axis="both")


def _diagonal_legend(words: str, marker: str | None) -> list[Line2D]:
    """Legend entries of a curve that should be the diagonal."""
    return [
        Line2D([], [], color="black", linewidth=1.6, marker=marker, markersize=3, label=words),
        Line2D([], [], color="#999999", linewidth=6, label=f"{PERCENT} band if predictions hold"),
    ]


def _leaves(curve: pd.DataFrame) -> bool:
    """Whether the observed curve leaves its band anywhere."""
    low, high = curve["lower"] - 1e-9, curve["upper"] + 1e-9
    return bool(((curve["observed"] < low) | (curve["observed"] > high)).any())


def survival_curves(tree: xr.DataTree, data: Data, years: np.ndarray) -> xr.DataArray:
    """Probability that a design still stands, from the hazards of a theory.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.
    data : Data
        What `open_ended` gave.
    years : numpy.ndarray
        Ages in years.

    Returns
    -------
    xarray.DataArray
        Dims ``sample, episode, year``; beyond the end of observation the last hazard goes on.
    """
    hazard = hazards(tree, data)
    values = standing(hazard, years)
    names = list(dict.fromkeys(hazard["episode"].to_numpy()))
    return xr.DataArray(
        values.reshape(-1, *values.shape[2:]),
        dims=("sample", "episode", "year"),
        coords={"episode": names, "year": years},
    )


def _survival(hazard: dict[str, xr.DataArray], lives: Lives) -> Figure:
    joint = JOINT[lives.designs["cell"]]
    groups = {name: joint == kind for name, kind in GROUPS.items() if (joint == kind).any()}
    grid = np.linspace(0.0, float(lives.years.max()), 120)
    figure, panels = canvas(
        0.8 + 2.2 * len(groups), len(groups), len(hazard), sharex=True, sharey=True
    )
    half = int(np.argmin(np.abs(grid - 25.0)))
    said, left = [], []
    for column, name in enumerate(hazard):
        mean = standing(hazard[name], grid).mean((0, 1))  # (design, age)
        drawn = relived(hazard[name], lives, seed=1)
        for row, (group, chosen) in enumerate(groups.items()):
            axes, colour = panels[row, column], theory_colour(name)
            curves = surviving(drawn.years[..., chosen], drawn.ended[..., chosen], grid)
            low, high = envelope(curves.reshape(-1, len(grid)), CI_PROB)
            axes.fill_between(grid, low, high, color=colour, alpha=0.25, linewidth=0)
            axes.plot(grid, mean[chosen].mean(0), color=colour, linewidth=2)
            observed = surviving(lives.years[chosen], lives.ended[chosen], grid)
            band = pd.DataFrame({"observed": observed, "lower": low, "upper": high})
            left += [f"{group} of {name}"] * _leaves(band)
            _observed_curve(axes, lives.years[chosen], lives.ended[chosen])
            if row == 0:
                axes.set_title(name)
            if column == 0:
                axes.set_ylabel(f"Share still standing,\n{group} ({chosen.sum()} designs)")
            said.append((group, name, mean[chosen, half].mean()))
    panels[0, 0].set_ylim(0, 1.04)
    panels[0, 0].set_xlim(0, grid[-1])
    figure.supxlabel("Years since the design entered into force", fontsize=9.5)
    legend(
        figure,
        [
            Line2D([], [], color="black", linewidth=1.6, label="observed (Kaplan-Meier)"),
            Line2D([], [], color="black", marker="|", linestyle="none", label="last seen in force"),
            Line2D([], [], color="#999999", linewidth=2, label="predicted, mean"),
            Line2D([], [], color="#999999", linewidth=6, label=f"replicated, {PERCENT}"),
        ],
    )
    words = [
        f"{listed(f'{p:.0%}'.replace('%', ' %') + f' ({n})' for g, n, p in said if g == group)} "
        f"of those of {group}"
        for group in groups
    ]
    return Figure(
        title="How long do designs last?",
        caption=(
            f"Kaplan-Meier curve of the {len(lives.years)} observed lives, of which "
            f"{int(lives.ended.sum())} ended, the predicted mean share of designs still standing, "
            f"and a band that holds {PERCENT} of replicated Kaplan-Meier curves from end to end; "
            f"replicated lives are followed as long as the observed ones can be. Observed curves "
            f"that leave the band: {listed(left)}. After {grid[half]:.0f} years the theories "
            f"expect {'; '.join(words)}."
        ),
        alt=f"Survival curves by theory. After {grid[half]:.0f} years: "
        + "; ".join(f"{n}, {g}: {p:.2f}" for g, n, p in said)
        + ".",
        figure=figure,
        section="check",
    )


def _observed_curve(axes: Axes, years: np.ndarray, ended: np.ndarray) -> None:
    """Kaplan-Meier curve of a group, with a tick where a design was last seen in force."""
    x, y = kaplan_meier(pd.DataFrame({"duration": years, "event": ended}))
    axes.step(x, y, where="post", color="black", linewidth=1.6)
    censored = years[~ended]
    if len(censored):  # an empty line that is not clipped would count as one at the corner
        at = y[np.searchsorted(x, censored, side="right") - 1]
        axes.plot(censored, at, "|", color="black", markersize=8, clip_on=False)
    axes.grid(True, axis="both")


def _checks(tables: dict[str, pd.DataFrame], which: str) -> Figure:
    """Replicated against observed; `arviz.plot_ppc_tstat` has no room for theories side by side."""
    names = list(tables)
    found = list(dict.fromkeys(q for t in tables.values() for q in t.index))
    words = {q: wrap(d, 40) for t in tables.values() for q, d in t["description"].items()}
    parts = {unit: [q for q in found if q.split("_")[0] in first] for unit, first in AXES.items()}
    parts = {unit: part for unit, part in parts.items() if part}
    inches = [
        len(part) * (0.12 + 0.15 * max(words[q].count("\n") + 1 for q in part))
        for part in parts.values()
    ]
    figure, panels = canvas(
        0.6 + sum(inches) + 0.6 * len(parts), len(parts), 1, height_ratios=inches
    )
    for axes, (unit, part) in zip(panels[:, 0], parts.items(), strict=True):
        at = rows_axis(axes, [words[q] for q in part])
        for y, quantity in zip(at, part, strict=True):
            for shift, name in zip(offsets(len(names), 0.6), names, strict=True):
                if quantity not in tables[name].index:
                    continue
                row = tables[name].loc[quantity]
                colour, marker = theory_colour(name), theory_marker(name)
                mark(axes, row["mean"], y + shift, row["lower"], row["upper"], colour, marker)
                axes.plot([row["observed"]] * 2, [y - 0.4, y + 0.4], color="black", linewidth=2)
        axes.set_xlabel(unit)
    legend(
        figure,
        [
            Line2D(
                [],
                [],
                color="black",
                marker="|",
                markersize=11,
                markeredgewidth=2,
                linestyle="none",
                label="observed",
            ),
            *theory_legend(names),
        ],
    )
    least = 1e-9  # a share that lies on the end of its interval is inside
    outside = {
        n: int(((t["observed"] < t["lower"] - least) | (t["observed"] > t["upper"] + least)).sum())
        for n, t in tables.items()
    }
    counted = listed(f"{k} of {len(tables[n])} for {n}" for n, k in outside.items())
    return Figure(
        title=f"Could the theories have produced what was observed{which}?",
        caption=(
            f"Mean and {PERCENT} interval of replications of each test quantity, and its observed "
            f"value. Observed values outside the interval: {counted}."
        ),
        alt="; ".join(
            f"{n}, {r['description']}: observed {r['observed']:.2f}, replicated {r['mean']:.2f} "
            f"({r['lower']:.2f} to {r['upper']:.2f})"
            for n, t in tables.items()
            for _, r in t.iterrows()
        )
        + ".",
        figure=figure,
        section="check",
    )
