"""Figures of the page on forecasts from the past."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import xarray as xr

from bayes_alliance.forecast.skill import DESIGNS, LIVES, YEARS, at
from bayes_alliance.report.figures.style import (
    MUTED,
    PERCENT,
    RC,
    Figure,
    canvas,
    legend,
    mark,
    offsets,
    rows_axis,
    settle,
    theory_colour,
    theory_legend,
    theory_marker,
)

TITLES = {
    DESIGNS: "Cells of designs",
    YEARS: "A decision in a year",
    LIVES: "A design ends",
}
BINS, REPLICATIONS = 5, 500


def events(found: dict[str, xr.Dataset], subject: str, name: str) -> pd.DataFrame:
    """Probabilities, what happened, and the cluster of each, of who knows the least."""
    one = found[subject]
    if subject == DESIGNS:
        p = one["probability"].sel(name=name)[0].to_numpy()  # (case, cell)
        happened = np.eye(p.shape[1])[one["cell_observed"].to_numpy()]
        cluster = np.repeat(one["case"].to_numpy(), p.shape[1])
        return pd.DataFrame({"p": p.ravel(), "y": happened.ravel(), "cluster": cluster})
    if subject == YEARS:
        pair = one["pair"].to_numpy()[one["place"].to_numpy()]
        p = one["probability"].sel(name=name)[0].to_numpy()
        return pd.DataFrame({"p": p, "y": one["arose"].to_numpy(), "cluster": pair})
    standing = one["standing"].sel(name=name)[0].to_numpy()
    gone = 1 - at(standing, one["ahead"].to_numpy(), one["follow"].to_numpy())
    table = pd.DataFrame({"p": gone, "y": one["event"].to_numpy(), "cluster": one["design"]})
    return table[one["censored"].to_numpy() == 0]


def binned(table: pd.DataFrame, seed: int = 1) -> pd.DataFrame:
    """Mean forecast and share that happened in equal parts; intervals by the bootstrap."""
    edges = np.unique(np.quantile(table["p"], np.linspace(0, 1, BINS + 1)))
    part = np.clip(np.searchsorted(edges, table["p"], side="right") - 1, 0, max(len(edges) - 2, 0))
    code, names = pd.factorize(table["cluster"])
    rng = np.random.default_rng(seed)
    y, rows = table["y"].to_numpy(float), []
    times = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), REPLICATIONS)
    for i in np.unique(part):
        inside = part == i
        weight = times[:, code[inside]].astype(float)  # (replication, forecast)
        total = weight.sum(1)
        share = (weight @ y[inside])[total > 0] / total[total > 0]
        low, high = np.quantile(share, [0.05, 0.95])
        mean = table["p"].to_numpy()[inside].mean()
        rows.append({"p": mean, "y": y[inside].mean(), "lower": low, "upper": high})
    return pd.DataFrame(rows)


def calibration(stored: dict[int, dict[str, xr.Dataset]], names: list[str]) -> Figure:
    """Whether what is given a probability happens that often, all origins together."""
    with mpl.rc_context(RC):
        size = {"sharex": "col", "sharey": "col"}
        figure, axes = canvas(0.6 + 1.6 * len(names), len(names), len(TITLES), **size)
        for column, (subject, title) in zip(axes.T, TITLES.items(), strict=True):
            most = 0.0
            for panel, name in zip(column, names, strict=True):
                table = pd.concat([events(found, subject, name) for found in stored.values()])
                rows = binned(table)
                colour, marker = theory_colour(name), theory_marker(name)
                panel.vlines(rows["p"], rows["lower"], rows["upper"], colour, linewidth=1.2)
                panel.plot(rows["p"], rows["y"], color=colour, marker=marker, linewidth=0.8)
                most = max(most, rows[["p", "upper"]].max(axis=None))
                panel.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle="--", zorder=0)
                panel.grid(visible=True, axis="y")
            bounds = (-0.02 * most, most * 1.05)
            column[0].set(title=title, xlim=bounds, ylim=bounds)
            column[-1].set_xlabel("forecast probability")
        for panel, name in zip(axes[:, 0], names, strict=True):
            panel.set_ylabel(f"{name}:\nshare that happened")
        caption = (
            f"Forecasts in {BINS} parts of about equal number; {PERCENT} intervals of the share by "
            "the bootstrap over cases, patrons in theatres, and designs. On the dashed line a "
            "forecast is calibrated."
        )
        made = Figure("Does what was forecast happen as often?", caption, caption, figure, "check")
        settle(made)
    return made


def gains(tables: dict[str, pd.DataFrame], names: list[str], base: dict[str, str]) -> Figure:
    """Gain in log score over base rates, by origin."""
    with mpl.rc_context(RC):
        origins = sorted(set(next(iter(tables.values()))["origin"]))
        figure, axes = canvas(1.3 + 0.5 * len(origins), 1, len(TITLES), sharey=True)
        for panel, (subject, title) in zip(axes[0], TITLES.items(), strict=True):
            table = tables[subject]
            where = rows_axis(panel, [str(o) for o in origins])
            for shift, name in zip(offsets(len(names), 0.6), names, strict=True):
                own = table[table["name"] == name].set_index("origin")
                for origin, y in zip(origins, where + shift, strict=True):
                    gain, error = own.loc[origin, ["gain", "gain_se"]]
                    error = 0.0 if np.isnan(error) else error
                    low, high = gain - 2 * error, gain + 2 * error
                    mark(panel, gain, y, low, high, theory_colour(name), theory_marker(name))
            panel.axvline(0, color=MUTED, linewidth=1)
            panel.set(title=title, xlabel=f"gain over\n{base[subject]}")
        axes[0][0].set_ylabel("origin")
        legend(figure, theory_legend(names))
        caption = (
            "Gain in log score a forecast over base rates, with two standard errors to either "
            "side; to the right of 0 the forecast is better. Forecasts with the last known threat "
            "carried on, and of designs by their indicators alone."
        )
        title = "Where do the theories forecast better than base rates?"
        made = Figure(title, caption, caption, figure, "compare")
        settle(made)
    return made
