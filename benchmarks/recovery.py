"""Recovery of the theories: each makes data of the real design, and all are scored on them.

``make recovery`` runs it; what is done is kept, so that an interrupted run goes on where it
stopped. ``--page`` only writes ``docs/recovery.md`` and its figure from the stored scores.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from fits import commit

ROOT = Path(__file__).parent.parent
STORE = Path(__file__).parent / "recovery.json"
PAGE = ROOT / "docs/recovery.md"
FIGURE = ROOT / "docs/figures/recovery.svg"
REPLICATES = {"europe+asia": 8, "asymmetric": 10}
"""Datasets that each theory makes, by design."""

TITLES = {
    "europe+asia": "Europe and Asia, all theories",
    "asymmetric": "All asymmetric alliances, the three main theories",
}


def read() -> dict[str, Any]:
    """The store, empty at first."""
    if STORE.is_file():
        return json.loads(STORE.read_text(encoding="utf-8"))
    return {"designs": {}}


def save(stored: dict[str, Any]) -> None:
    """Write the store, whole or not at all."""
    half = STORE.with_suffix(".half")
    text = json.dumps(stored, separators=(",", ":"), allow_nan=False)
    half.write_text(text + "\n", encoding="utf-8")
    half.replace(STORE)


def fill(
    stored: dict[str, Any],
    design: str,
    theories: list[str],
    replicates: int,
    prepare: Callable[[], Callable[[str, int], dict[str, Any]]],
) -> None:
    """Run what is missing of a design, one dataset of every theory after the other.

    ``prepare`` compiles and gives what runs once; it is called only if something is missing.
    """
    runs = stored["designs"].setdefault(design, [])
    done = {(run["truth"], run["seed"]) for run in runs}
    plan = [(truth, seed) for seed in range(replicates) for truth in theories]
    left = [run for run in plan if run not in done]
    once = prepare() if left else None
    for truth, seed in left:
        assert once is not None
        began = time.perf_counter()
        run = once(truth, seed)
        for part in ("elpd", "lead", "error"):
            run[part] = {name: round(value, 3) for name, value in run[part].items()}
        run["seconds"] = round(time.perf_counter() - began, 1)
        runs.append(run | {"commit": commit(), "date": date.today().isoformat()})
        save(stored)
        print(f"{design}: {len(runs)} of {len(plan)}", file=sys.stderr, flush=True)


def prepare(design: str, theories: list[str]) -> Callable[[str, int], dict[str, Any]]:
    """Compile the theories of a design."""
    from bayes_alliance.check.calibration import Calibration
    from bayes_alliance.check.recovery import Recovery
    from bayes_alliance.data.load import load

    data = load(*design.split("+"))
    models = {}
    for name in theories:
        print(f"{design}: compile {name}", file=sys.stderr, flush=True)
        models[name] = Calibration(name, data)
    return Recovery(models).once


def main() -> int:
    """Run what is missing and write the page."""
    stored = read()
    if "--page" not in sys.argv:
        from bayes_alliance.fit import versions
        from bayes_alliance.theories import MAIN, NAMES

        stored |= {"command": "make recovery", "versions": versions()}
        contests = {"europe+asia": list(NAMES), "asymmetric": list(MAIN)}
        for design, theories in contests.items():
            compiled = lambda d=design, t=theories: prepare(d, t)  # noqa: E731
            fill(stored, design, theories, REPLICATES[design], compiled)
    FIGURE.parent.mkdir(exist_ok=True)
    draw(stored, FIGURE)
    PAGE.write_text(page(stored), encoding="utf-8")
    return 0


def draw(stored: dict[str, Any], path: Path) -> None:
    """Heat-maps: the theory that made the data by the theory that predicts them best."""
    import matplotlib as mpl
    import numpy as np

    from bayes_alliance.check.recovery import confusion
    from bayes_alliance.report.figures.style import RC, canvas

    designs = {name: confusion(runs) for name, runs in stored["designs"].items() if runs}
    with mpl.rc_context({**RC, "axes.grid": False, "axes.spines.left": False}):
        sizes = [len(table.columns) for table in designs.values()]
        figure, panels = canvas(0.62 + 0.42 * max(sizes), 1, len(designs), width_ratios=sizes)
        for axes, (design, table) in zip(panels[0], designs.items(), strict=True):
            counts = table.to_numpy()
            share = counts / counts.sum(1, keepdims=True)
            axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
            for (i, j), count in np.ndenumerate(counts):
                colour = "white" if share[i, j] > 0.55 else "#444444"
                axes.text(j, i, str(count), ha="center", va="center", color=colour)
            for i, truth in enumerate(table.index):
                at = list(table.columns).index(truth)
                box = mpl.patches.Rectangle((at - 0.5, i - 0.5), 1, 1, fill=False, linewidth=1.2)
                axes.add_patch(box)
            axes.set_xticks(range(len(table.columns)), table.columns, rotation=45, ha="right")
            axes.set_yticks(range(len(table.index)), table.index)
            axes.tick_params(length=0)
            axes.spines[["bottom", "left"]].set_visible(False)
            axes.set_title(design)
            axes.set_xlabel("Scores best")
        panels[0, 0].set_ylabel("Made the data")
        half = path.with_suffix(".half")
        figure.savefig(half, format="svg", metadata={"Date": None})
    half.replace(path)


def page(stored: dict[str, Any]) -> str:
    """Compose the page."""
    from bayes_alliance.compare.hypotheses import CI_PROB
    from bayes_alliance.compare.loo import ERRORS

    designs = {name: runs for name, runs in stored["designs"].items() if runs}
    every = [run for runs in designs.values() for run in runs]
    versions = ", ".join(f"{name} {version}" for name, version in stored["versions"].items())
    days = sorted({run["date"] for run in every})
    when = " to ".join(dict.fromkeys((days[0], days[-1])))
    marks = ", ".join(sorted({run["commit"] for run in every}))
    lines = [
        "# Recovery",
        "",
        "Are data made by a theory best predicted by that theory?",
        "",
        f"Written by `{stored['command']}` ({when}, commits {marks}; {versions}). Parameters drawn "
        "from a theory's prior make data of the real design; every theory is fitted to them "
        "(2 chains, 400 draws after 400) and scored on unseen cases by PSIS-LOO given the "
        "indicators, without exact refits. A theory makes outcomes, lives and its own indicators "
        "only: indicators that only a rival reads stay as in the real data, unrelated to the "
        "simulated outcomes. All draws from the priors count, the many with weak effects too: the "
        "table says how often a theory would be recovered if its prior were right, and not how "
        f"often a strong effect would be. Intervals are {CI_PROB:.0%} intervals (Wilson's for "
        f"shares). Two theories are told apart where their scores differ by {ERRORS:g} standard "
        "errors over cases or more; with few cases that standard error is itself rough.",
        "",
        "![Number of datasets by the theory that made them and the theory that scores best]"
        "(figures/recovery.svg)",
        "",
        "Rows made the data, columns score best; on the framed diagonal the truth wins.",
    ]
    for design, runs in designs.items():
        lines += ["", f"## {TITLES.get(design, design)}", "", *section(runs)]
    return "\n".join(lines) + "\n"


def section(runs: list[dict[str, Any]]) -> list[str]:
    """Tables of one design."""
    from bayes_alliance.check.recovery import confusion, pairs, summary, wilson
    from bayes_alliance.compare.loo import ERRORS, SMALL

    table, rivals, names = summary(runs), pairs(runs), list(confusion(runs).columns)
    hits = int(table["won"].sum())
    low, high = wilson(hits, len(runs))
    lines = [
        f"{len(runs)} datasets of {runs[0]['cases']} cases, made and scored in "
        f"{sum(run['seconds'] for run in runs) / 60:.0f} minutes. The theory that made them scores "
        f"best in {hits} ({hits / len(runs):.0%}, interval {low:.0%} to {high:.0%}); a theory "
        f"named at random would in 1 of {len(names)}.",
        "",
        f"A report names a theory only if its lead over every other is at least {SMALL:g} and "
        f"{ERRORS:g} standard errors. It would name the theory that made the data in "
        f"{int(table['named'].sum())}, another in at most {int(table['misnamed'].sum())}, and say "
        "in the rest that the cases cannot tell.",
        "",
        "| made by | datasets | named by a report | another named | scores best | share | "
        "interval | best or within 2 s.e. | "
        "cases with too high a Pareto k | divergences | seconds a dataset |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for truth, row in table.iterrows():
        seconds = [run["seconds"] for run in runs if run["truth"] == truth]
        lines.append(
            f"| {truth} | {row['datasets']:.0f} | {row['named']:.0f} | {row['misnamed']:.0f} | "
            f"{row['won']:.0f} | {row['share']:.2f} | "
            f"{row['lower']:.2f} to {row['upper']:.2f} | {row['within']:.2f} | "
            f"{row['high_k']:.2f} | {row['divergences']:.0f} | {sum(seconds) / len(seconds):.0f} |"
        )
    lead = {
        pair: f"{row['lead']:.1f} ({row['error']:.1f})" if row["datasets"] > 1 else "one dataset"
        for pair, row in rivals.iterrows()
    }
    apart = {
        pair: f"{row['ahead']:.2f}, {row['alike']:.2f}, {row['behind']:.2f}"
        for pair, row in rivals.iterrows()
    }
    return [
        *lines,
        "",
        "Lead of the true theory (row) over each rival (column): mean difference of the log scores "
        "and its standard error over datasets.",
        "",
        *_square(lead, list(table.index), names),
        "",
        "Shares of datasets in which the true theory is told ahead of the rival, is not told apart "
        "from it, and is told behind it.",
        "",
        *_square(apart, list(table.index), names),
    ]


def _square(cells: dict[Any, str], rows: list[str], columns: list[str]) -> list[str]:
    """A table of rows by columns; empty on the diagonal."""
    return [
        f"| made by | {' | '.join(columns)} |",
        f"| --- |{' ---: |' * len(columns)}",
        *(f"| {r} | {' | '.join(cells.get((r, c), '') for c in columns)} |" for r in rows),
    ]


if __name__ == "__main__":
    sys.exit(main())
