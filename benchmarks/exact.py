"""Leave every case out in turn and fit again: a second way to the scores that PSIS estimates.

``make exact`` runs it on Europe and Asia and writes ``docs/exact.md``; what is done is kept.
``--page`` only writes the page from the stored results.
"""

from __future__ import annotations

import json
import math
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

from fits import commit

ROOT = Path(__file__).parent.parent
STORE = Path(__file__).parent / "exact.json"
PAGE = ROOT / "docs/exact.md"
THEORIES = ("null", "prospect", "occupation")
BATCHES = 20
"""Batches of consecutive draws from which Monte Carlo errors are taken."""


def error(log_density: Any) -> float:
    """Monte Carlo standard error of the log of a mean density: batch means of the draws."""
    import numpy as np

    density = np.exp(log_density - log_density.max())
    means = np.array([part.mean() for part in np.array_split(density, BATCHES)])
    return float(means.std(ddof=1) / math.sqrt(BATCHES) / density.mean())


def one(name: str) -> dict[str, Any]:
    """Both scores of every case."""
    import numpy as np

    import bayes_alliance as ba
    from bayes_alliance.compare.loo import elpd
    from bayes_alliance.compare.refits import log_mean, refit_without

    began = time.perf_counter()
    tree = ba.fit(name, ba.load("europe", "asia"), seed=1)
    psis = elpd(tree, exact=False)
    weighted = psis.log_weights.transpose("case", "chain", "draw").to_numpy()
    density = tree["log_likelihood"]["indicators"].transpose("case", "chain", "draw").to_numpy()
    cases: dict[str, dict[str, float]] = {}
    for i, case in enumerate(psis.elpd_i["case"].values):
        exact = refit_without(tree, (i,), str(case))["indicators"]
        terms = (weighted[i] + density[i]).ravel()
        cases[str(case)] = {
            "psis": float(psis.elpd_i[i]),
            "exact": float(log_mean(exact)[0]),
            "psis_error": error(terms - np.log(len(terms))),
            "exact_error": error(exact.transpose("case", "chain", "draw").to_numpy()[0].ravel()),
            "k": float(psis.pareto_k[i]),
        }
        print(f"{name}: {i + 1} of {psis.n_data_points}", file=sys.stderr, flush=True)
    return {
        "cases": cases,
        "good_k": float(psis.good_k),
        "seconds": time.perf_counter() - began,
        "commit": commit(),
        "date": date.today().isoformat(),
    }


def main() -> int:
    """Run what is missing and write the page."""
    stored = json.loads(STORE.read_text(encoding="utf-8")) if STORE.is_file() else {"theories": {}}
    if "--page" not in sys.argv:
        from bayes_alliance.fit import versions

        stored |= {"command": "make exact", "versions": versions()}
        for name in THEORIES:
            if name not in stored["theories"]:
                stored["theories"][name] = one(name)
                half = STORE.with_suffix(".half")
                half.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
                half.replace(STORE)
    PAGE.write_text(page(stored), encoding="utf-8")
    return 0


def page(stored: dict[str, Any]) -> str:
    """Compose the page."""
    found = stored["theories"]
    versions = ", ".join(f"{name} {version}" for name, version in stored["versions"].items())
    days = sorted({row["date"] for row in found.values()})
    marks = sorted({row["commit"] for row in found.values()})
    lines = [
        "# Leave-one-out, the long way",
        "",
        f"Written by `{stored['command']}` ({', '.join(days)}, commits {', '.join(marks)}; "
        f"{versions}). Every case of Europe and Asia is left out in turn and the model fitted "
        "again; the score of the case under that fit stands beside what PSIS estimates from the "
        "one fit with all cases. z is the difference over the Monte Carlo standard errors of both "
        "(batch means). Where Pareto k is too high, reported scores use the exact refit anyway.",
        "",
        conclusion(found),
        "",
        "| theory | cases | k too high | elpd, PSIS | elpd, exact | error of the difference | "
        "largest difference, k good | largest z, k good | seconds |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, row in found.items():
        cases = row["cases"].values()
        good = [c for c in cases if c["k"] <= row["good_k"]]
        doubt = math.sqrt(sum(c["psis_error"] ** 2 + c["exact_error"] ** 2 for c in cases))
        gap = max(abs(c["psis"] - c["exact"]) for c in good)
        lines.append(
            f"| {name} | {len(cases)} | {len(cases) - len(good)} | "
            f"{sum(c['psis'] for c in cases):.2f} | {sum(c['exact'] for c in cases):.2f} | "
            f"{doubt:.2f} | {gap:.3f} | {max(abs(z(c)) for c in good):.1f} | "
            f"{row['seconds']:.0f} |"
        )
    lines += [
        "",
        "| theory | case | k | PSIS | exact | difference | z |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, row in found.items():
        for case, c in row["cases"].items():
            k = f"**{c['k']:.2f}**" if c["k"] > row["good_k"] else f"{c['k']:.2f}"
            lines.append(
                f"| {name} | {case} | {k} | {c['psis']:.3f} | {c['exact']:.3f} | "
                f"{c['psis'] - c['exact']:+.3f} | {z(c):+.1f} |"
            )
    return "\n".join(lines) + "\n"


def conclusion(found: dict[str, Any]) -> str:
    """Say how well the two ways agree."""
    from bayes_alliance.compare.loo import SMALL

    good = [c for row in found.values() for c in row["cases"].values() if c["k"] <= row["good_k"]]
    beyond = sum(abs(z(c)) > 2 for c in good)
    widest = max(abs(c["psis"] - c["exact"]) for c in good)
    sums = [
        sum(c["psis"] - c["exact"] for c in row["cases"].values() if c["k"] <= row["good_k"])
        for row in found.values()
    ]
    return (
        f"Of {len(good)} scores with a good k, {beyond} differ by more than two Monte Carlo "
        f"errors, where some {len(good) / 20:.0f} would by chance: the errors know nothing of the "
        f"small bias of smoothed weights, nor of their own roughness ({BATCHES} batches). The "
        f"widest gap is {widest:.2f}, and a theory's sum moves by at most "
        f"{max(map(abs, sums)):.2f}: little beside the {SMALL:g} that a lead must have before "
        "theories are told apart."
    )


def z(case: dict[str, float]) -> float:
    """Difference of the two scores over its Monte Carlo standard error."""
    return (case["psis"] - case["exact"]) / math.hypot(case["psis_error"], case["exact_error"])


if __name__ == "__main__":
    sys.exit(main())
