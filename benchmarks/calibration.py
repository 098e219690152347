"""Simulation-based calibration of every theory on the design of Europe and Asia.

``make calibration`` runs it; what is done is kept, so that an interrupted run goes on where it
stopped. ``--page`` only writes ``docs/calibration.md`` and its figure from the stored ranks.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

from fits import commit

ROOT = Path(__file__).parent.parent
STORE = Path(__file__).parent / "calibration.json"
PAGE = ROOT / "docs/calibration.md"
RUNS = {
    "null": 200,
    "occupation": 200,
    "prospect": 200,
    "geography": 50,
    "power": 50,
    "identity": 50,
    "threat": 50,
    "both": 50,
}
"""Simulations by theory."""

TOGETHER = 10
FIGURES = ROOT / "docs/figures"


def save(stored: dict[str, Any]) -> None:
    """Write the store, whole or not at all."""
    half = STORE.with_suffix(".half")
    half.write_text(json.dumps(stored, separators=(",", ":")) + "\n", encoding="utf-8")
    half.replace(STORE)


def main() -> int:
    """Run what is missing and write the page."""
    stored = json.loads(STORE.read_text(encoding="utf-8")) if STORE.is_file() else {"theories": {}}
    if "--page" not in sys.argv:
        from bayes_alliance.check.calibration import Calibration
        from bayes_alliance.data.load import load
        from bayes_alliance.fit import versions

        stored |= {"command": "make calibration", "versions": versions()}
        data = load("europe", "asia")
        for name, wanted in RUNS.items():
            done = stored["theories"].setdefault(name, {"runs": [], "seconds": 0.0})
            model = None
            while len(done["runs"]) < wanted:
                first = len(done["runs"])
                began = time.perf_counter()
                model = model or Calibration(name, data, seed=1 + first)
                for seed in range(first, min(first + TOGETHER, wanted)):
                    run = model.once(seed)
                    run["z"] = {k: round(v, 3) for k, v in run["z"].items()}
                    done["runs"].append(run)
                done["seconds"] += time.perf_counter() - began
                done |= {"commit": commit(), "date": date.today().isoformat()}
                save(stored)
                print(f"{name}: {len(done['runs'])} of {wanted}", file=sys.stderr, flush=True)
    FIGURES.mkdir(exist_ok=True)
    for name, done in stored["theories"].items():
        if done["runs"]:
            draw(name, done["runs"])
    PAGE.write_text(page(stored), encoding="utf-8")
    return 0


def draw(name: str, runs: list[dict[str, Any]]) -> None:
    """Rank ECDF minus the uniform one, with 95 % simultaneous bands, one panel a parameter.

    ArviZ's ``plot_ecdf_pit`` fails with ``method="envelope"`` (a DataArray as a count), hence this.
    """
    import matplotlib as mpl
    import numpy as np

    from bayes_alliance.check.calibration import KEPT, critical

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    names = list(runs[0]["ranks"])
    grid = (np.arange(KEPT + 1) + 1) / (KEPT + 1)
    band = critical(len(runs))
    rows = -(-len(names) // 5)
    with mpl.rc_context({"font.size": 7, "svg.hashsalt": name, "svg.fonttype": "path"}):
        size = (8, 0.95 * rows + 0.5)
        figure, panels = plt.subplots(
            rows, 5, figsize=size, sharex=True, sharey=True, layout="constrained", squeeze=False
        )
        for axes, parameter in zip(panels.flat, names, strict=False):
            ranks = np.array([run["ranks"][parameter] for run in runs])
            share = (ranks[:, None] <= np.arange(KEPT + 1)).mean(0) - grid
            beyond = np.abs(share).max() > band
            axes.axhspan(-band, band, color="0.88")
            axes.plot(grid, share, color="#C1272D" if beyond else "#2E8BC0", linewidth=1)
            axes.set_title(parameter, fontsize=7, pad=2)
            axes.set_yticks([-0.1, 0, 0.1])
        for axes in panels.flat[len(names) :]:
            axes.remove()
        figure.supxlabel("Rank of the true value, as a share", fontsize=8)
        figure.supylabel("Share of ranks below, minus the uniform share", fontsize=8)
        figure.savefig(FIGURES / f"calibration-{name}.svg", metadata={"Date": None})
        plt.close(figure)


def page(stored: dict[str, Any]) -> str:
    """Compose the page."""
    from bayes_alliance.check.calibration import summary

    versions = ", ".join(f"{name} {version}" for name, version in stored["versions"].items())
    lines = [
        "# Calibration",
        "",
        f"Written by `{stored['command']}` ({versions}). Parameters drawn from the prior make data "
        "of the design of Europe and Asia; each model is fitted to them (2 chains, 500 draws after "
        "500), and the rank of the true value among 100 thinned draws is kept. With correct "
        "posteriors the ranks are uniform: about one parameter in twenty exceeds the 95 % critical "
        "distance by chance. The column after it asks whether any exceeds the distance that all "
        "parameters of a theory together stay below with 95 % probability. The theories begin from "
        "the same random numbers, so a parameter that they share may exceed in several at once.",
        "",
        "| theory | simulations | parameters | beyond 95 % | beyond 95 %, all at once | "
        "inside 50 % | inside 80 % | inside 95 % | divergences | seconds | date | commit |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- |",
    ]
    beyond: list[tuple[str, Any, Any]] = []
    for name, done in stored["theories"].items():
        if not done["runs"]:
            continue
        table = summary(done["runs"])
        over = table[table["distance"] > table["critical"]]
        beyond += [(name, parameter, row) for parameter, row in over.iterrows()]
        inside = " | ".join(f"{table[f'inside {p}'].mean():.3f}" for p in ("50%", "80%", "95%"))
        lines.append(
            f"| {name} | {len(done['runs'])} | {len(table)} | {len(over)} | "
            f"{(table['distance'] > table['critical, all']).sum()} | {inside} | "
            f"{sum(run['divergences'] for run in done['runs'])} | {done['seconds']:.0f} | "
            f"{done['date']} | {done['commit']} |"
        )
    lines += [
        "",
        "Coverage is the mean over parameters. Parameters beyond the critical distance:",
        "",
        "| theory | parameter | distance | critical | critical, all | inside 80 % | mean z | "
        "sd z |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {name} | {parameter} | {row['distance']:.3f} | {row['critical']:.3f} | "
        f"{row['critical, all']:.3f} | {row['inside 80%']:.2f} | {row['mean_z']:.2f} | "
        f"{row['sd_z']:.2f} |"
        for name, parameter, row in beyond
    ] or ["| none | | | | | | | |"]
    lines += ["", "Ranks with 95 % simultaneous bands (red where a parameter leaves them):", ""]
    lines += [
        f"![Rank ECDF of every parameter of {name}](figures/calibration-{name}.svg)"
        for name, done in stored["theories"].items()
        if done["runs"]
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
