"""What the fits say: hypotheses, latent variables, diagnostics, sensitivity."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import arviz as az
import matplotlib.figure
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import xarray as xr
from arviz import PlotCollection
from matplotlib.lines import Line2D

from bayes_alliance.compare.hypotheses import CI_PROB, hypothesis_draws
from bayes_alliance.diagnostics import ESS_MIN, RHAT_MAX
from bayes_alliance.report.figures.style import (
    MUTED,
    PERCENT,
    WIDTH,
    Figure,
    canvas,
    dot,
    legend,
    mark,
    rows_axis,
    theatre_colour,
    theatre_legend,
    theatre_marker,
    theory_colour,
    theory_marker,
    wrap,
)
from bayes_alliance.report.page.words import SENSITIVE
from bayes_alliance.report.results import CONFLICT, STRONG_PRIOR, Results
from bayes_alliance.report.words import listed

CHAIN_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#000000")


def draw(results: Results) -> Iterator[tuple[str, Figure]]:
    """Draw what the fits say.

    Parameters
    ----------
    results : Results
        What the report shows.

    Yields
    ------
    tuple of str and Figure
        Slug and figure.
    """
    told = [name for name in results.trees if len(results.hypotheses[name])]
    for name in told:
        yield f"hypotheses-{name}", _hypotheses(name, results)
    for slug, variable, make in (
        ("credibility", "group_credibility", _credibility),
        ("frames", "frame_of_losses", _frames),
    ):
        holder = [n for n, tree in results.trees.items() if variable in tree["posterior"]]
        if holder:
            yield slug, make(holder[0], results)
    if any(len(table) for table in results.sensitivity.values()):
        yield "sensitivity", _sensitivity(results)
    if results.diagnostics:
        yield "diagnostics", _diagnostics(results)
    for name in told:
        if results.trees[name]["posterior"].sizes["chain"] > 1:
            yield f"ranks-{name}", _ranks(name, results)


def _hypotheses(name: str, results: Results) -> Figure:
    """Prior and posterior of each estimand, by `arviz.plot_prior_posterior`."""
    tree, table = results.trees[name], results.hypotheses[name]
    draws = xr.DataTree.from_dict(
        {
            group: hypothesis_draws(tree, group).assign_coords(
                chain=tree[group]["chain"], draw=tree[group]["draw"]
            )
            for group in ("prior", "posterior")
        }
    )
    rows = (len(table) + 1) // 2
    colour = theory_colour(name)
    drawn = az.plot_prior_posterior(
        draws,
        kind="kde",
        backend="matplotlib",
        col_wrap=2,
        color=[MUTED, colour],
        figure_kwargs={"figsize": (WIDTH, 0.5 + 2.6 * rows), "layout": "constrained"},
        visuals={"title": False, "dist": {"width": 2}},
    )
    figure = _detached(drawn)
    words, estimands = _level(table["words"], 48), _level(table["estimand"], 47)
    for hypothesis, row in table.iterrows():
        axes = drawn.viz["plot"][hypothesis].item()
        axes.axvline(0, color="black", linewidth=0.9, linestyle=":")
        axes.axvspan(row["lower"], row["upper"], color=colour, alpha=0.13, linewidth=0)
        axes.set_title(
            f"{hypothesis}: Pr({row['expected']}) = {row['probability']:.2f}\n" + words[hypothesis],
            fontsize=9.5,
        )
        axes.set_xlabel(estimands[hypothesis], fontsize=9)
        axes.tick_params(axis="y", left=False, labelleft=False)
        axes.spines["left"].set_visible(False)
    legend(
        figure,
        [
            Line2D([], [], color=MUTED, linewidth=2, label="prior"),
            Line2D([], [], color=colour, linewidth=2, label="posterior"),
        ],
    )
    best, worst = table["probability"].idxmax(), table["probability"].idxmin()
    return Figure(
        title=f"Do the hypotheses of the {name} theory hold?",
        caption=(
            f"Prior (grey) and posterior (coloured) of what carries each hypothesis; the band is "
            f"the {PERCENT} posterior interval, the dotted line no effect. The expected direction "
            f"is most probable for {best} ({table.at[best, 'probability']:.2f}) and least for "
            f"{worst} ({table.at[worst, 'probability']:.2f})."
        ),
        alt="Densities of prior and posterior. "
        + "; ".join(
            f"{h}, {r['words'].rstrip('.')}: {r['estimate']:.2f} "
            f"({r['lower']:.2f} to {r['upper']:.2f}), Pr({r['expected']}) {r['probability']:.2f}"
            for h, r in table.iterrows()
        )
        + ".",
        figure=figure,
        section="fit",
    )


def _level(texts: pd.Series, width: int) -> dict[str, str]:
    """Texts in lines, all in as many, so that panels side by side stay level."""
    wrapped = {key: textwrap.wrap(text, width) for key, text in texts.items()}
    most = max(map(len, wrapped.values()))
    return {key: "\n".join(lines + [""] * (most - len(lines))) for key, lines in wrapped.items()}


def _detached(drawn: PlotCollection) -> matplotlib.figure.Figure:
    """The drawing of ArviZ, without its legends and no longer known to pyplot."""
    figure = drawn.viz["figure"].item()
    plt.close(figure)
    for found in [*figure.legends, *(axes.get_legend() for axes in figure.axes)]:
        if found is not None:
            found.remove()
    return figure


def _roots(results: Results) -> pd.DataFrame:
    """Rows that are their own case: a fallback shares the latent variables of its proposal."""
    episodes = results.data.episodes
    return episodes[episodes["episode"] == episodes["case"]]


def _latent(draws: xr.DataArray, rows: pd.DataFrame, label: str):
    """Forest of a latent variable by episode, coloured by theatre."""
    draws = draws.sel(episode=rows["episode"].to_numpy())
    figure, panels = canvas(1.1 + 0.27 * len(rows))
    axes = panels[0, 0]
    interval = draws.azstats.eti(prob=CI_PROB, dim=["chain", "draw"])
    mean = draws.mean(["chain", "draw"]).to_numpy()
    at = rows_axis(axes, rows["name"].tolist())
    for i, theatre in enumerate(rows["theatre"]):
        low, high = interval.isel(episode=i).to_numpy()
        mark(axes, mean[i], at[i], low, high, theatre_colour(theatre), theatre_marker(theatre))
    axes.set_xlabel(label)
    return figure, axes, mean, interval.to_numpy()


def _described(rows: pd.DataFrame, mean: np.ndarray, interval: np.ndarray) -> str:
    """Values by episode in words."""
    return "; ".join(
        f"{n} {m:.2f} ({low:.2f} to {high:.2f})"
        for n, m, (low, high) in zip(rows["name"], mean, interval, strict=True)
    )


def _by_theatre(rows: pd.DataFrame, mean: np.ndarray) -> str:
    """Mean by theatre in words."""
    by = pd.Series(mean).groupby(rows["theatre"].to_numpy()).mean().sort_values(ascending=False)
    return listed(f"{value:.2f} in {theatre.title()}" for theatre, value in by.items())


def _credibility(name: str, results: Results) -> Figure:
    rows = results.data.episodes
    draws = results.trees[name]["posterior"].to_dataset()["group_credibility"]
    figure, axes, mean, interval = _latent(
        draws, rows, "Credibility of occupation, in residual standard deviations of a client"
    )
    axes.axvline(0, color="black", linewidth=0.9, linestyle=":")
    legend(figure, theatre_legend(results))
    top, low = int(np.argmax(mean)), int(np.argmin(mean))
    return Figure(
        title="Where was occupation most credible?",
        caption=(
            f"Latent credibility of occupation of each group of clients, posterior mean and "
            f"{PERCENT} interval. It is highest for {rows['name'].iloc[top]} ({mean[top]:.1f}) and "
            f"lowest for {rows['name'].iloc[low]} ({mean[low]:.1f}); the mean over episodes is "
            f"{_by_theatre(rows, mean)}."
        ),
        alt=f"Intervals by episode: {_described(rows, mean, interval)}.",
        figure=figure,
        section="fit",
    )


def _frames(name: str, results: Results) -> Figure:
    rows = _roots(results)
    draws = results.trees[name]["posterior"].to_dataset()["frame_of_losses"]
    figure, axes, mean, interval = _latent(draws, rows, "Probability of the domain of losses")
    axes.set_xlim(-0.06, 1.06)
    axes.axvline(0.5, color="black", linewidth=0.9, linestyle=":")
    coded = {"gain": (0.0, "<"), "loss": (1.0, ">")}
    shown = [v for v in coded if (rows["frame"] == v).any()]
    for y, frame in enumerate(rows["frame"]):
        if frame in coded:
            x, marker = coded[frame]
            axes.plot([x], [y], marker=marker, color="black", markersize=7, linestyle="none")
    entries = [dot(f"coded as {v}", "black", coded[v][1]) for v in shown]
    legend(figure, [*theatre_legend(results), *entries])
    known = [(m, f) for m, f in zip(mean, rows["frame"], strict=True) if f in coded]
    agree = sum((m > 0.5) == (f == "loss") for m, f in known)
    words = (
        f"{agree} of {len(known)} coded frames (black) lie on the side of the posterior mean; they "
        "inform the fit and were coded knowing the outcome."
        if known
        else "No frames are coded in these data."
    )
    return Figure(
        title="When did the patron stand in the domain of losses?",
        caption=(
            f"Probability of the domain of losses at each decision, posterior mean and {PERCENT} "
            f"interval; the mean over decisions is {_by_theatre(rows, mean)}. {words}"
        ),
        alt=f"Intervals by decision: {_described(rows, mean, interval)}.",
        figure=figure,
        section="fit",
    )


def _sensitivity(results: Results) -> Figure:
    tables = {n: t for n, t in results.sensitivity.items() if len(t)}
    rows = [(n, h, r["prior"], r["likelihood"]) for n, t in tables.items() for h, r in t.iterrows()]
    figure, panels = canvas(1.3 + 0.3 * len(rows))
    axes = panels[0, 0]
    at = rows_axis(axes, [f"{h}, {n}" for n, h, _, _ in rows])
    for y, (name, _, prior, likelihood) in zip(at, rows, strict=True):
        axes.plot([prior, likelihood], [y, y], color="#CCCCCC", linewidth=1.2, zorder=1)
        colour = theory_colour(name)
        axes.plot([prior], [y], marker="o", color=colour, markerfacecolor="white", markersize=6.5)
        axes.plot([likelihood], [y], marker="o", color=colour, markersize=6.5)
    axes.axvline(SENSITIVE, color="black", linewidth=1, linestyle="--")
    axes.set_xlim(left=0)
    axes.set_xlabel("Sensitivity of the estimand to power-scaling (no unit)")
    legend(
        figure,
        [
            dot("to the prior", "black", "o", hollow=True),
            dot("to the likelihood", "black", "o"),
            Line2D([], [], color="black", linestyle="--", label=f"matters above {SENSITIVE:.2f}"),
        ],
    )
    silent = [f"{h} ({n})" for n, h, p, k in rows if p > SENSITIVE > k]
    clash = [f"{h} ({n})" for n, h, p, k in rows if p > SENSITIVE and k > SENSITIVE]
    words = [
        f"{CONFLICT} for {listed(clash)}" if clash else "",
        f"{STRONG_PRIOR} for {listed(silent)}" if silent else "",
    ]
    words = [w for w in words if w]
    found = "; ".join(words) if words else "the prior moves no estimand"
    return Figure(
        title="Does the prior or do the data decide the hypotheses?",
        caption=(
            f"Change of each estimand's posterior as the prior (hollow) or the likelihood (filled) "
            f"is raised to a power near 1. Above {SENSITIVE:.2f}, {found}."
        ),
        alt="; ".join(f"{h} {n}: prior {p:.3f}, likelihood {k:.3f}" for n, h, p, k in rows) + ".",
        figure=figure,
        section="fit",
    )


def _diagnostics(results: Results) -> Figure:
    found = results.diagnostics
    names = list(found)
    measures = (
        ("rhat_max", "Largest R-hat", RHAT_MAX, "at most"),
        ("ess_bulk_min", "Smallest bulk\nESS (draws)", ESS_MIN, "at least"),
        ("ess_tail_min", "Smallest tail\nESS (draws)", ESS_MIN, "at least"),
    )
    figure, panels = canvas(1.3 + 0.36 * len(names), 1, len(measures), sharey=True)
    for axes, (key, words, limit, side) in zip(panels[0], measures, strict=True):
        at = rows_axis(axes, [wrap(n, 24) for n in names])
        for y, name in zip(at, names, strict=True):
            hollow = {"markerfacecolor": "white"} if "," in name else {}
            axes.plot(
                [found[name][key]],
                [y],
                color=theory_colour(name),
                marker=theory_marker(name),
                markersize=7,
                linestyle="none",
                **hollow,
            )
        axes.axvline(limit, color="black", linewidth=1, linestyle="--")
        start = 1.0 if key == "rhat_max" else 0.0
        end = max(limit, *(found[n][key] for n in names))
        axes.set_xlim(start - 0.04 * (end - start), end + 0.12 * (end - start))
        axes.set_xlabel(words)
        axes.set_title(f"good: {side} {limit:g}", fontsize=9.5)
        axes.locator_params(axis="x", nbins=4)
    divergences = sum(d["divergences"] for d in found.values())
    bad = [n for n in names if found[n]["problems"]]
    return Figure(
        title="Can the fits be trusted?",
        caption=(
            f"Worst value over all parameters of each fit, with the limit dashed. "
            f"{divergences} divergent transitions in all; "
            + (f"not to be trusted: {listed(bad)}." if bad else "every fit passes every check.")
        ),
        alt="; ".join(
            f"{n}: R-hat {d['rhat_max']:.3f}, bulk ESS {d['ess_bulk_min']:.0f}, "
            f"tail ESS {d['ess_tail_min']:.0f}"
            for n, d in found.items()
        )
        + ".",
        figure=figure,
        section="fit",
    )


def _ranks(name: str, results: Results) -> Figure:
    """Rank plots of the estimands by chain, by `arviz.plot_rank`."""
    tree = results.trees[name]
    draws = hypothesis_draws(tree).assign_coords(
        chain=tree["posterior"]["chain"], draw=tree["posterior"]["draw"]
    )
    rows = (len(draws.data_vars) + 1) // 2
    drawn = az.plot_rank(
        xr.DataTree.from_dict({"posterior": draws}),
        backend="matplotlib",
        col_wrap=2,
        color=list(CHAIN_COLOURS),
        thin=True,
        figure_kwargs={"figsize": (WIDTH, 0.7 + 1.45 * rows), "layout": "constrained"},
        visuals={"title": False, "remove_axis": False, "xlabel": False},
    )
    figure = _detached(drawn)
    rhat = az.rhat(draws)
    for i, hypothesis in enumerate(draws.data_vars):
        axes = drawn.viz["plot"][hypothesis].item()
        axes.set_title(f"{hypothesis}, R-hat {float(rhat[hypothesis]):.3f}", fontsize=9.5)
        axes.axhline(0, color="black", linewidth=0.9, linestyle=":")
        axes.tick_params(axis="x", labelbottom=i >= len(draws.data_vars) - 2)
        for text in axes.texts:
            text.set_text(text.get_text().replace("(", " ("))
        for line in axes.get_lines():
            x, y = line.get_data()
            keep = np.unique(np.append(np.arange(0, len(x), max(1, len(x) // 250)), len(x) - 1))
            line.set_data(np.asarray(x)[keep], np.asarray(y)[keep])  # smaller files
    figure.supxlabel("Rank of the draw among all chains, as a share", fontsize=9.5)
    figure.supylabel("Share of draws, difference from uniform", fontsize=9.5)
    chains = draws.sizes["chain"]
    worst = max(draws.data_vars, key=lambda h: float(rhat[h]))
    return Figure(
        title=f"Do the chains of the {name} fit agree?",
        caption=(
            f"Ranks of the draws of each estimand, thinned until they are nearly independent, one "
            f"line for each of {chains} chains. Chains that agree stay near 0; black points mark "
            "where one departs, by the test whose p-value is printed. The largest R-hat is "
            f"{float(rhat[worst]):.3f}, at {worst}."
        ),
        alt=f"Rank plots of {chains} chains. "
        + "; ".join(f"{h} R-hat {float(rhat[h]):.3f}" for h in draws.data_vars)
        + ".",
        figure=figure,
        section="fit",
    )
