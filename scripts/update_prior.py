"""Write docs/prior.md and its figures: what each theory says before it has seen an outcome."""

from __future__ import annotations

import logging
import math
import subprocess
import sys
from datetime import date
from pathlib import Path

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from bayes_alliance.check.prior import FOLLOWED, Quantity, prior_quantities, prior_summary
from bayes_alliance.data.load import Data, load
from bayes_alliance.fit import versions
from bayes_alliance.process.priors import load_priors
from bayes_alliance.report.figures.style import (
    PERCENT,
    RC,
    Figure,
    canvas,
    dot,
    legend,
    patch,
    rows_axis,
    save,
    settle,
    wrap,
)
from bayes_alliance.report.words import listed
from bayes_alliance.theories import NAMES

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/prior.md"
FIGURES = ROOT / "docs/figures"
DATASETS = {"europe+asia": ("europe", "asia"), "asymmetric": ("asymmetric",)}
DRAWS, SEED = 2000, 1
COLUMNS = 3
SANE, FAILS, BAND = "#333333", "#C1272D", "#D3E3F0"

Tables = dict[str, pd.DataFrame]
"""Theory to what `prior_summary` gave."""


def figure_name(dataset: str) -> str:
    """File of a dataset's figure."""
    return f"prior-{dataset.replace('+', '-')}.svg"


def quantities(data: Data) -> dict[str, Quantity]:
    """Quantities of a dataset."""
    return prior_quantities(list(dict.fromkeys(data.episodes["theatre"].astype(str))))


def draw(dataset: str, tables: Tables, known: dict[str, Quantity]) -> Figure:
    """One panel a quantity, one row a theory."""
    shown = [name for name in known if any(name in table.index for table in tables.values())]
    rows = -(-len(shown) // COLUMNS)
    with mpl.rc_context(RC):
        figure, panels = canvas(0.7 + 1.72 * rows, rows, COLUMNS, sharey=True)
        for axes, name in zip(panels.flat, shown, strict=False):
            _panel(axes, name, tables, known[name])
        for axes in panels.flat[len(shown) :]:
            axes.remove()
        marks = [
            Line2D([], [], color=SANE, linewidth=1.2, label=f"{PERCENT} interval"),
            Line2D([], [], color=SANE, linewidth=3.6, label="50 % interval"),
            dot("mean (years: median)", SANE, "o"),
            patch("must be covered", BAND),
            Line2D([], [], color="black", linestyle="--", linewidth=0.9, label="not to be crossed"),
            dot("fails its criterion", FAILS, "o", hollow=True),
        ]
        legend(figure, marks)
        out = Figure(
            title="What do the theories say before they have seen an outcome?",
            caption=(
                f"Prior of each quantity by theory, on {dataset}; red and hollow where a criterion "
                "fails, empty where a theory has no such quantity. Shares are of cases; those "
                "refused are of proposals to several clients, those that stand of designs."
            ),
            alt=f"Prior intervals of {len(shown)} quantities by theory on {dataset}; "
            "all numbers are in the table below",
            figure=figure,
            section="check",
        )
        settle(out)
    return out


def _panel(axes: Axes, name: str, tables: Tables, quantity: Quantity) -> None:
    """Intervals of one quantity."""
    at = rows_axis(axes, list(tables))
    low, high = quantity.covers
    if low < high:
        axes.axvspan(low, high, color=BAND, linewidth=0)
    else:
        axes.axvline(low, color=BAND, linewidth=3, zorder=0)
    for limit in quantity.within or ():
        axes.axvline(limit, color="black", linestyle="--", linewidth=0.9)
    for y, table in zip(at, tables.values(), strict=True):
        if name not in table.index:
            continue
        row = table.loc[name]
        colour = SANE if row["sane"] else FAILS
        for ends, width in ((("lower", "upper"), 1.2), (("lower_half", "upper_half"), 3.6)):
            x = [row[end] for end in ends]
            axes.plot(x, [y, y], color=colour, linewidth=width, solid_capstyle="butt")
        face = colour if row["sane"] else "white"
        middle = row["median" if quantity.years else "mean"]
        axes.plot([middle], [y], "o", color=colour, markersize=4.5, markerfacecolor=face)
    if quantity.years:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.minorticks_off()
    elif low < 0:
        axes.set_xlim(-0.55, 0.55)
        axes.set_xticks([-0.5, 0, 0.5])
    else:
        axes.set_xlim(-0.03, 1.03)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
    axes.set_title(wrap(quantity.words.partition(":")[0], 28), fontsize=9)


def entry(table: pd.DataFrame, name: str, quantity: Quantity) -> str:
    """One theory's prior of one quantity; what fails shows a digit more."""
    if name not in table.index:
        return ""
    row = table.loc[name]
    middle, lower, upper = (
        f"{row[column]:.3g}" if quantity.years else f"{row[column]:z.{2 if row['sane'] else 3}f}"
        for column in ("median" if quantity.years else "mean", "lower", "upper")
    )
    text = f"{middle} ({lower} to {upper})"
    return text if row["sane"] else f"**{text}**"


def verdict(tables: Tables, known: dict[str, Quantity]) -> list[str]:
    """Say which criteria fail."""
    judged = {
        name: {theory: bool(t.at[name, "sane"]) for theory, t in tables.items() if name in t.index}
        for name in known
    }
    sane = [met for by_theory in judged.values() for met in by_theory.values()]
    lines = [f"{sum(sane)} of {len(sane)} pairs of a theory and a quantity meet their criterion."]
    if not all(sane):
        lines[0] += " Those that do not:"
        lines.append("")
    for name, by_theory in judged.items():
        failing = [theory for theory, met in by_theory.items() if not met]
        if failing:
            who = "every theory" if len(failing) == len(tables) else listed(failing)
            by, error = max(miss(tables[theory].loc[name], known[name]) for theory in failing)
            lines.append(
                f"- {known[name].words} ({known[name].criterion}): {who}, by at most "
                f"{by:.3f} (Monte Carlo standard error {error:.3f})"
            )
    return lines


def miss(row: pd.Series, quantity: Quantity) -> tuple[float, float]:
    """How far an interval misses its criterion, and the Monte Carlo error of the end that does."""
    (low, high), (least, most) = quantity.covers, quantity.within or (-math.inf, math.inf)
    ends = [
        (max(row["lower"] - low, least - row["lower"]), row["lower_mcse"]),
        (max(high - row["upper"], row["upper"] - most), row["upper_mcse"]),
    ]
    return max(ends)


def reading(tables: Tables) -> str:
    """What the theories say, in a few sentences."""

    def span(name: str, column: str = "mean", digits: int = 2) -> str:
        values = [t.at[name, column] for t in tables.values()]
        return f"{min(values):.{digits}f} to {max(values):.{digits}f}"

    gap = "multilateral_difference"
    reach = {
        name: table.at[gap, "upper"] - table.at[gap, "lower"] for name, table in tables.items()
    }
    widest = max(reach, key=lambda name: reach[name])
    lower, upper = tables[widest].loc[gap, ["lower", "upper"]]
    return (
        "Before it has seen an outcome a theory expects a multilateral design in "
        f"{span('multilateral')} of the cases, a strong commitment in {span('strong')}, and "
        f"refusal of {span('refused')} of the proposals to several clients (means, from the "
        "lowest theory to the highest). Half of the designs have ended after "
        f"{span('median_life', 'median', 0)} years (medians). The shares of multilateral designs "
        f"in Europe and in Asia may differ most in {widest}: Europe minus Asia lies between "
        f"{lower:.2f} and {upper:.2f} ({PERCENT} interval)."
    )


def criteria() -> list[str]:
    """Table of the criteria, which ask nothing of a dataset."""
    alike: dict[tuple[str, str], list[str]] = {}
    for quantity in prior_quantities(["europe", "asia"]).values():
        alike.setdefault((quantity.criterion, quantity.reason), []).append(quantity.words)
    return [
        f"| quantity | the prior's {PERCENT} interval | why |",
        "| --- | --- | --- |",
        *(f"| {'; '.join(words)} | {met} | {why} |" for (met, why), words in alike.items()),
    ]


def fingerprints() -> str:
    """Name the priors that the page shows."""
    return ", ".join(f"{name} {load_priors(name).hash[:8]}" for name in NAMES)


def page(
    found: dict[str, Tables], known: dict[str, dict[str, Quantity]], figures: dict[str, Figure]
) -> str:
    """Compose the page."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    packages = ", ".join(f"{name} {version}" for name, version in versions().items())
    lines = [
        "# What the theories say before they have seen an outcome",
        "",
        f"Written by `make prior` ({date.today().isoformat()}, commit {commit}; {packages}): "
        f"{DRAWS} draws from the priors of each theory, seed {SEED}, nothing fitted.",
        "",
        f"Priors: {fingerprints()}.",
        "",
        "A theory that has already decided before it sees a case cannot be tested by cases. Here "
        "stands what the priors of each theory imply for quantities that a reader knows. The "
        "nearer the theories are to each other here, the less their comparison owes to where they "
        "start. Shares are expected ones (probabilities averaged over the cases), so that the "
        "chance of few cases cannot make a narrow prior look wide. Covariates, the clients' "
        "promises and who took the initiative are taken as coded; lives are those of the designs "
        f"that were made, each followed for up to {FOLLOWED} years whenever it ended. Promises "
        "are shown where a theory models them.",
        "",
        "## Criteria",
        "",
        "Fixed in the code (`bayes_alliance/check/prior.py`) before the numbers below were made. "
        "They ask whether a prior leaves open what the cases are to decide, and nothing of the "
        "outcomes. Only the row of proposals came later, to show what refusals take.",
        "",
        *criteria(),
        "",
        "A share of multilateral designs cannot reach as far up as that of proposals: several "
        "clients may refuse, and a small share of paths is left to what the process does not know "
        "(`options.lapse`). Theatres are pooled: they differ little until the cases say more.",
    ]
    for dataset, tables in found.items():
        lines += [
            "",
            f"## {dataset}",
            "",
            reading(tables),
            "",
            *verdict(tables, known[dataset]),
            "",
            f"![{figures[dataset].alt}](figures/{figure_name(dataset)})",
            "",
            figures[dataset].caption,
            "",
            f"Mean and {PERCENT} interval over prior draws (of years, the median and the "
            "interval); bold where the criterion fails.",
            "",
            f"| quantity | {' | '.join(tables)} |",
            f"| --- |{' ---: |' * len(tables)}",
        ]
        for name, quantity in known[dataset].items():
            cells = " | ".join(entry(table, name, quantity) for table in tables.values())
            lines.append(f"| {quantity.words} | {cells} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Draw from every prior, then write the figures and the page."""
    logging.getLogger("pymc").setLevel(logging.ERROR)
    found: dict[str, Tables] = {}
    known, figures = {}, {}
    for dataset, names in DATASETS.items():
        data = load(*names)
        known[dataset] = quantities(data)
        found[dataset] = {}
        for theory in NAMES:
            done = sum(map(len, found.values()))
            total = len(NAMES) * len(DATASETS)
            step = f"[{done + 1} of {total}] {dataset}: {theory}"
            print(step, file=sys.stderr, flush=True)
            found[dataset][theory] = prior_summary(theory, data, draws=DRAWS, seed=SEED)
        figures[dataset] = draw(dataset, found[dataset], known[dataset])
    FIGURES.mkdir(exist_ok=True)
    for dataset, figure in figures.items():
        path = FIGURES / figure_name(dataset)
        half = path.with_suffix(".half")
        save(figure, half)
        half.replace(path)
    half = PAGE.with_suffix(".half")
    half.write_text(page(found, known, figures), encoding="utf-8")
    half.replace(PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
