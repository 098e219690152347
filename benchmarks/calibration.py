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
    PAGE.write_text(page(stored), encoding="utf-8")
    return 0


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
        "distance by chance.",
        "",
        "| theory | simulations | parameters | beyond 95 % | inside 50 % | inside 80 % | "
        "inside 95 % | divergences | seconds | date | commit |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- |",
    ]
    beyond = []
    for name, done in stored["theories"].items():
        if not done["runs"]:
            continue
        table = summary(done["runs"])
        over = table[table["distance"] > table["critical"]]
        beyond += [(name, parameter, row) for parameter, row in over.iterrows()]
        inside = " | ".join(f"{table[f'inside {p}'].mean():.3f}" for p in ("50%", "80%", "95%"))
        lines.append(
            f"| {name} | {len(done['runs'])} | {len(table)} | {len(over)} | {inside} | "
            f"{sum(run['divergences'] for run in done['runs'])} | {done['seconds']:.0f} | "
            f"{done['date']} | {done['commit']} |"
        )
    lines += [
        "",
        "Coverage is the mean over parameters. Parameters beyond the critical distance:",
        "",
        "| theory | parameter | distance | critical | inside 80 % | mean z | sd z |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {name} | {parameter} | {row['distance']:.3f} | {row['critical']:.3f} | "
        f"{row['inside 80%']:.2f} | {row['mean_z']:.2f} | {row['sd_z']:.2f} |"
        for name, parameter, row in beyond
    ] or ["| none | | | | | | |"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
