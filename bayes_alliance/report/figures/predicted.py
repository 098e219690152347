"""What the theories predict of the data that they were fitted to."""

from __future__ import annotations

from collections.abc import Iterator

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from bayes_alliance.check.quantities import designs
from bayes_alliance.compare.hypotheses import CI_PROB, interval
from bayes_alliance.data.load import Data
from bayes_alliance.fit import priors_of
from bayes_alliance.process.cells import CELLS, JOINT, label
from bayes_alliance.process.containers import CELLS_ONLY, codes
from bayes_alliance.process.integrated import at_draws
from bayes_alliance.process.survival import OBSERVED_UNTIL, alliance_years, durations
from bayes_alliance.report.figures.style import (
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
from bayes_alliance.report.results import Results
from bayes_alliance.report.words import listed
from bayes_alliance.theories import build

DRAWS = 250
"""Draws a chain behind a survival curve."""
GROUPS = {"several clients": 1, "one client": 0}
"""Designs by the number of clients that they bind."""


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
    if results.trees:
        yield "designs-observed-predicted", _designs(results)
    if results.trees and len(durations(results.data.episodes)):
        yield "survival", _survival(results)
    if any(len(table) for table in results.checks.values()):
        yield "checks", _checks(results)


def _designs(results: Results) -> Figure:
    episodes, places = results.data.episodes, theatres(results)
    roots = (episodes["episode"] == episodes["case"]).to_numpy()
    where = episodes["theatre"].to_numpy()
    observed = designs(results.data).to_numpy()
    names = list(results.trees)
    figure, panels = canvas(4.6, 1, len(places), sharex=True, sharey=True)
    far = []
    for axes, place in zip(panels[0], places, strict=True):
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
        axes.set_title(f"{theatre_label(place)}\n{len(chosen)} cases", fontsize=9.5)
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


def open_ended(data: Data) -> Data:
    """The same data with every design lasting to the end of observation.

    Parameters
    ----------
    data : Data
        Validated tables.

    Returns
    -------
    Data
        Tables whose designs have no end of their own; where threat is not recorded, its last
        values go on.
    """
    episodes = data.episodes.copy()
    alive = episodes["start"].notna()
    episodes["end"] = pd.Series(pd.NaT, index=episodes.index, dtype="datetime64[ns]")
    episodes["ended"] = episodes["ended"].where(~alive, "in_force")
    carried = []
    for place, rows in data.years.groupby(["patron", "theatre"], sort=False):
        every = pd.RangeIndex(rows["year"].min(), OBSERVED_UNTIL.year, name="year")
        rows = rows.sort_values("year").set_index("year").reindex(every, method="ffill")
        carried.append(rows.reset_index().assign(patron=place[0], theatre=place[1]))
    years = pd.concat(carried, ignore_index=True)[data.years.columns.tolist()]
    return Data(data.name, episodes, data.clients, years, data.codings)


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
    model = build(tree.attrs["theory"], data, priors_of(tree))
    posterior = tree["posterior"].to_dataset()
    step = max(1, posterior.sizes["draw"] // DRAWS)
    posterior = posterior.isel(draw=slice(None, None, step))
    hazard = at_draws(model, posterior, {"hazard": model["hazard"]})["hazard"].to_numpy()
    hazard = hazard.reshape(-1, hazard.shape[-1])  # (sample, stretch)
    stretches = alliance_years(data.episodes)
    out = {}
    for episode, rows in stretches.groupby("episode", sort=False):
        exposure = rows["exposure"].to_numpy()
        begin = np.concatenate([[0.0], np.cumsum(exposure)[:-1]])
        length = np.append(exposure[:-1], np.inf)  # (stretch,)
        inside = np.clip(years[:, None] - begin, 0.0, length)  # (year, stretch)
        out[episode] = np.exp(-hazard[:, rows.index] @ inside.T)
    values = np.stack(list(out.values()), axis=1)
    return xr.DataArray(
        values, dims=("sample", "episode", "year"), coords={"episode": list(out), "year": years}
    )


def kaplan_meier(lives: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Steps of the Kaplan-Meier curve, by `arviz.kaplan_meier`.

    Parameters
    ----------
    lives : pandas.DataFrame
        ``duration`` and ``event``, see `bayes_alliance.process.survival.durations`.

    Returns
    -------
    tuple of numpy.ndarray
        Years and share still standing, from (0, 1) on.
    """
    tree = xr.DataTree.from_dict(
        {
            "observed_data": xr.Dataset({"life": ("design", lives["duration"].to_numpy(float))}),
            "constant_data": xr.Dataset({"life": ("design", lives["event"].to_numpy(int))}),
        }
    )
    steps = az.kaplan_meier(tree, "life")["life"].to_numpy()
    return np.append(0.0, steps[0]), np.append(1.0, steps[1])


def _survival(results: Results) -> Figure:
    lives = durations(results.data.episodes)
    code = pd.Series(
        codes(results.data.episodes["outcome"], CELLS_ONLY), index=results.data.episodes["episode"]
    )
    joint = JOINT[np.maximum(code.reindex(lives.index).to_numpy(), 0)]
    groups = {name: lives[joint == kind] for name, kind in GROUPS.items() if (joint == kind).any()}
    grid = np.linspace(0.0, float(lives["duration"].max()), 120)
    names = list(results.trees)
    figure, panels = canvas(
        0.8 + 2.2 * len(groups), len(groups), len(names), sharex=True, sharey=True
    )
    longer = open_ended(results.data)
    said = []
    for column, name in enumerate(names):
        curves = survival_curves(results.trees[name], longer, grid)
        for row, (group, members) in enumerate(groups.items()):
            mean = curves.sel(episode=members.index.to_numpy()).mean("episode").to_numpy()
            axes = panels[row, column]
            _curve(axes, grid, mean, members, theory_colour(name))
            if row == 0:
                axes.set_title(name)
            if column == 0:
                axes.set_ylabel(f"Share still standing,\n{group} ({len(members)} designs)")
            half = int(np.argmin(np.abs(grid - 25.0)))
            said.append((group, name, float(mean[:, half].mean()), grid[half]))
    panels[0, 0].set_ylim(0, 1.04)
    panels[0, 0].set_xlim(0, grid[-1])
    figure.supxlabel("Years since the design entered into force", fontsize=9.5)
    legend(
        figure,
        [
            Line2D([], [], color="black", linewidth=1.6, label="observed (Kaplan-Meier)"),
            Line2D([], [], color="black", marker="|", linestyle="none", label="last seen in force"),
            Line2D([], [], color="#999999", linewidth=6, label=f"predicted, {PERCENT}"),
        ],
    )
    age = said[0][3]
    words = [
        f"{listed(f'{p:.0%}'.replace('%', ' %') + f' ({n})' for g, n, p, _ in said if g == group)} "
        f"of those of {group}"
        for group in groups
    ]
    return Figure(
        title="How long do designs last?",
        caption=(
            f"Predicted share of designs still standing (mean and {PERCENT} interval of the mean "
            f"over designs) and the Kaplan-Meier curve of the {len(lives)} observed lives, of "
            f"which {int(lives['event'].sum())} ended. After {age:.0f} years the theories expect "
            f"{'; '.join(words)}."
        ),
        alt=f"Survival curves by theory. After {age:.0f} years: "
        + "; ".join(f"{n}, {g}: {p:.2f}" for g, n, p, _ in said)
        + ".",
        figure=figure,
        section="check",
    )


def _curve(
    axes: Axes, grid: np.ndarray, curves: np.ndarray, members: pd.DataFrame, colour: str
) -> None:
    """Predicted and observed survival of a group."""
    low, high = np.quantile(curves, [(1 - CI_PROB) / 2, (1 + CI_PROB) / 2], axis=0)
    axes.fill_between(grid, low, high, color=colour, alpha=0.25, linewidth=0)
    axes.plot(grid, curves.mean(0), color=colour, linewidth=2)
    x, y = kaplan_meier(members)
    axes.step(x, y, where="post", color="black", linewidth=1.6)
    censored = members.loc[members["event"] == 0, "duration"].to_numpy()
    if len(censored):  # an empty line that is not clipped would count as one at the corner
        at = y[np.searchsorted(x, censored, side="right") - 1]
        axes.plot(censored, at, "|", color="black", markersize=8, clip_on=False)
    axes.grid(True, axis="both")


def _checks(results: Results) -> Figure:
    """Replicated against observed; `arviz.plot_ppc_tstat` has no room for theories side by side."""
    tables = {n: t for n, t in results.checks.items() if len(t)}
    names = list(tables)
    found = list(dict.fromkeys(q for t in tables.values() for q in t.index))
    words = {q: d for t in tables.values() for q, d in t["description"].items()}
    lives = [q for q in found if q.startswith("years")]
    parts = [p for p in ([q for q in found if q not in lives], lives) if p]
    units = ["Years" if p is lives else "Share of cases, or difference of shares" for p in parts]
    figure, panels = canvas(
        1.0 + 0.55 * len(found) + 0.5 * len(parts),
        len(parts),
        1,
        height_ratios=[len(p) for p in parts],
    )
    for axes, part, unit in zip(panels[:, 0], parts, units, strict=True):
        at = rows_axis(axes, [wrap(words[q], 34) for q in part])
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
        title="Could the theories have produced what was observed?",
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
