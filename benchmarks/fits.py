"""Fit every theory to every dataset at the defaults: diagnostics, speed and hypotheses.

``make fits`` runs it; what is done is kept, so that an interrupted run goes on where it stopped.
``--page`` only writes ``docs/fits.md`` and ``docs/hypotheses.md`` from the stored results.
"""

from __future__ import annotations

import inspect
import json
import multiprocessing
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
STORE = Path(__file__).parent / "fits.json"
PAGE = ROOT / "docs/fits.md"
DATASETS = ("europe", "asia", "asymmetric")
UNFRAMED = "prospect, without coded frames"
LONGER, DRAWS = "3000 draws a chain", 3000
LONG = (("asymmetric", "threat"), ("asymmetric", "both"))
"""Fits that the defaults are too short for, made again with more draws."""


def runs() -> list[tuple[str, str]]:
    """Datasets and fits, the small datasets first."""
    from bayes_alliance.theories import NAMES

    return [
        *((where, name) for where in DATASETS for name in (*NAMES, UNFRAMED)),
        *((where, f"{name}, {LONGER}") for where, name in LONG),
    ]


def commit() -> str:
    """Commit of the working tree."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()


def defaults() -> dict[str, int]:
    """Numbers of draws and chains of a fit that is asked for none."""
    import bayes_alliance as ba

    asked = inspect.signature(ba.fit).parameters
    return {name: asked[name].default for name in ("chains", "draws", "tune")}


def one(where: str, name: str) -> dict[str, Any]:
    """One fit, at the defaults unless it is a longer one."""
    import bayes_alliance as ba
    from bayes_alliance.report.results import sensitivity

    began = time.perf_counter()
    data = ba.load(where, frames=name != UNFRAMED)
    draws = DRAWS if name.endswith(LONGER) else defaults()["draws"]
    tree = ba.fit(name.partition(",")[0], data, draws=draws, seed=1)
    seconds = time.perf_counter() - began
    found = ba.diagnose(tree)
    table = ba.hypotheses(tree).join(
        sensitivity(tree)[["prior", "likelihood"]].add_prefix("moved_")
    )
    return {
        "dataset": where,
        "fit": name,
        "data_hash": data.hash[:12],
        "seconds": seconds,
        "ess_per_second": found["ess_bulk_min"] / seconds,
        "steps": float(tree["sample_stats"]["n_steps"].mean()),
        **{k: found[k] for k in ("rhat_max", "ess_bulk_min", "ess_tail_min", "ebfmi_min")},
        "divergences": int(found["divergences"]),
        "problems": found["problems"],
        "hypotheses": table.drop(
            columns=["estimand", "article_finding", "problems"], errors="ignore"
        ).to_dict(orient="index"),
        "commit": commit(),
        "date": date.today().isoformat(),
    }


def main() -> int:
    """Run what is missing and write the page."""
    stored = json.loads(STORE.read_text(encoding="utf-8")) if STORE.is_file() else {"fits": {}}
    if "--page" not in sys.argv:
        from bayes_alliance.fit import versions
        from bayes_alliance.report.summary import dumps

        stored |= {"command": "make fits", "versions": versions(), "defaults": defaults()}
        left = [run for run in runs() if "/".join(run) not in stored["fits"]]
        # a process of its own: nothing that one fit holds in memory is there in the next
        alone = multiprocessing.get_context("spawn")
        for done, (where, name) in enumerate(left):
            print(f"[{done + 1} of {len(left)}] {where}: {name}", file=sys.stderr, flush=True)
            with ProcessPoolExecutor(1, mp_context=alone) as pool:
                stored["fits"][f"{where}/{name}"] = pool.submit(one, where, name).result()
            stored["fits"] = {
                "/".join(k): v for k in runs() if (v := stored["fits"].get("/".join(k)))
            }
            half = STORE.with_suffix(".half")
            half.write_text(dumps(stored), encoding="utf-8")
            half.replace(STORE)
    PAGE.write_text(page(stored), encoding="utf-8")
    return 0


def made(stored: dict[str, Any]) -> str:
    """Say what wrote a page, from which fits, with which versions."""
    rows = list(stored["fits"].values())
    text = f"Written by `{stored['command']}`"
    if rows:
        days = sorted({row["date"] for row in rows})
        when = " to ".join(dict.fromkeys((days[0], days[-1])))
        marks = ", ".join(sorted({row["commit"] for row in rows}))
        versions = ", ".join(f"{name} {version}" for name, version in stored["versions"].items())
        text += f" ({when}, commits {marks}; {versions})"
    asked = stored["defaults"]
    numbers = f"{asked['chains']} chains, {asked['draws']} draws after {asked['tune']}"
    return f"{text} at the defaults: {numbers}."


def page(stored: dict[str, Any]) -> str:
    """Compose the page of diagnostics."""
    missing = [f"{w}: {name}" for w, name in runs() if f"{w}/{name}" not in stored["fits"]]
    lines = [
        "# Every theory on every dataset",
        "",
        f"{made(stored)} Two stand at the end once more, with more draws. "
        "Seconds are those of the whole fit, compiling and integrated likelihoods "
        "included, on two cores. What the fits say of the hypotheses is "
        "[a page of its own](hypotheses.md).",
        "",
        *([f"Not fitted yet: {'; '.join(missing)}.", ""] if missing else []),
        "| data | fit | R-hat | bulk ESS | tail ESS | divergences | E-BFMI | steps | seconds | "
        "ESS a second | verdict |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for r in stored["fits"].values():
        verdict = f"**{'; '.join(r['problems'])}**" if r["problems"] else "ok"
        lines.append(
            f"| {r['dataset']} | {r['fit']} | {r['rhat_max']:.3f} | {r['ess_bulk_min']:.0f} | "
            f"{r['ess_tail_min']:.0f} | {r['divergences']} | {r['ebfmi_min']:.2f} | "
            f"{r['steps']:.0f} | {r['seconds']:.0f} | {r['ess_per_second']:.1f} | {verdict} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    from hypotheses_page import write

    sys.exit(main() or write())
