"""What each theory explains, where it fails and which cases decide, on every dataset.

``make findings`` fits, scores and checks the three main theories, writes a report of each dataset
into ``reports/findings/`` and ``docs/findings.md`` with its figures. A dataset whose results are
stored is not done again, and fits and refits that are saved are not made again. ``--only DATASET``
does one; ``--page`` only writes the page from the stored results.
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
STORE = Path(__file__).parent / "findings"
REPORTS = ROOT / "reports/findings"
PAGE = ROOT / "docs/findings.md"
FIGURES = ROOT / "docs/figures"
DATASETS = {
    "europe+asia": ("Europe and Asia together", ("comparison", "stages", "unseen", "pointwise")),
    "asymmetric": (
        "All asymmetric alliances, 1816 to 2025",
        ("comparison", "stages", "unseen", "designs-observed-predicted", "survival"),
    ),
    "europe": ("Europe alone", ("comparison",)),
    "asia": ("Asia alone", ("comparison",)),
}
"""Titles, and the figures that the page shows."""


def place(name: str) -> Path:
    """File of the stored results of a dataset."""
    return STORE / f"{name}.json"


def one(name: str) -> dict[str, Any]:
    """Fit what is not saved, collect everything, and write the report of a dataset."""
    import bayes_alliance as ba
    from bayes_alliance.compare.refits import kept
    from bayes_alliance.fit import versions
    from bayes_alliance.report.report import write
    from bayes_alliance.report.results import collect
    from bayes_alliance.theories import MAIN

    began = time.perf_counter()

    def tell(step: str) -> None:
        print(f"[{time.perf_counter() - began:5.0f} s] {name}: {step}", file=sys.stderr, flush=True)

    data = ba.load(*name.split("+"))
    folder = REPORTS / name
    trees = {}
    for theory in MAIN:
        path = folder / "fits" / f"{theory}.nc"
        if not path.exists():
            tell(f"fit {theory}")
            ba.save(ba.fit(theory, data, seed=1), path)
        trees[theory] = ba.open(path, data)
    with kept(folder / "refits"):
        results = collect(trees, scenarios=[], progress=tell)
    numbers = write(results, folder)
    for slug in DATASETS[name][1]:
        drawn = folder / "figures" / f"{slug}.svg"
        if drawn.exists():
            half = figure(name, slug).with_suffix(".half")
            half.write_bytes(drawn.read_bytes())
            half.replace(figure(name, slug))
    return {
        "command": "make findings",
        "versions": versions(),
        "commit": commit(),
        "date": date.today().isoformat(),
        "seconds": time.perf_counter() - began,
        "counts": numbers["data"]["counts"],
        "findings": numbers["findings"],
        "hypotheses": numbers["hypotheses"],
        "comparison": numbers["comparison"],
        "warnings": numbers["warnings"],
    }


def figure(name: str, slug: str) -> Path:
    """File of a figure of the page."""
    return FIGURES / f"findings-{name.replace('+', '-')}-{slug}.svg"


def main() -> int:
    """Do what is missing and write the page."""
    from bayes_alliance.report.summary import dumps

    chosen = [sys.argv[sys.argv.index("--only") + 1]] if "--only" in sys.argv else list(DATASETS)
    for name in chosen if "--page" not in sys.argv else ():
        if not place(name).exists():
            STORE.mkdir(exist_ok=True)
            text = dumps(one(name))
            half = place(name).with_suffix(".half")
            half.write_text(text, encoding="utf-8")
            half.replace(place(name))
    stored = {n: json.loads(place(n).read_text("utf-8")) for n in DATASETS if place(n).exists()}
    PAGE.write_text(page(stored), encoding="utf-8")
    return 0


def page(stored: dict[str, dict[str, Any]]) -> str:
    """Compose the page from what is stored."""
    missing = [title for name, (title, _) in DATASETS.items() if name not in stored]
    when = sorted({found["date"] for found in stored.values()})
    marks = ", ".join(sorted({found["commit"] for found in stored.values()}))
    some = next(iter(stored.values()))
    versions = ", ".join(f"{name} {version}" for name, version in some["versions"].items())
    lines = [
        "# What was found",
        "",
        f"Written by `{some['command']}` ({' to '.join(dict.fromkeys((when[0], when[-1])))}, "
        f"commits {marks}; {versions}): the occupation theory, the prospect theory and the null "
        "model, at the defaults, on every dataset. Every sentence is made from the results by the "
        "code of the report. The log score is that of cases that a fit has not seen; higher is "
        "better. What spoils a number stands beside it in bold.",
        "",
        *([f"Not done yet: {'; '.join(missing)}.", ""] if missing else []),
        "## In short",
        "",
        *overview(stored),
        "",
        "See also [what all eight theories say of the hypotheses](hypotheses.md), "
        "[whether theories can be told apart at all](recovery.md), "
        "[how the scores were checked](exact.md) and [the limits](limits.md).",
    ]
    for name, found in stored.items():
        title, slugs = DATASETS[name]
        minutes = found["seconds"] / 60
        lines += ["", f"## {title}", ""]
        lines += [
            f"The last run took {minutes:.0f} minutes on two cores; it made only the fits and "
            "refits that were not saved yet."
        ]
        for question, sentences in found["findings"].items():
            lines += ["", f"### {question} ({name})", ""]
            lines += [f"- {said(sentence)}" for sentence in sentences]
        for slug in slugs:
            if figure(name, slug).exists():
                lines += ["", f"![{title}: {slug}](figures/{figure(name, slug).name})"]
    return "\n".join(lines) + "\n"


def overview(stored: dict[str, dict[str, Any]]) -> list[str]:
    """One line a theory and dataset: score against the null model, and its hypotheses."""
    from bayes_alliance.compare.hypotheses import verdict
    from bayes_alliance.compare.loo import told_apart
    from bayes_alliance.report.words import listed

    lines = [
        "| data | theory | log score minus null (standard error) | told apart from null | "
        "hypotheses held | refused | undecided |",
        "| --- | --- | ---: | --- | --- | --- | --- |",
    ]
    for name, found in stored.items():
        for theory, row in found["comparison"]["indicators"]["episode"].items():
            if not found["hypotheses"].get(theory):
                continue
            gap, error = row["against_null"], row["against_null_se"]
            said = {h: verdict(of["probability"]) for h, of in found["hypotheses"][theory].items()}
            held, refused, open_ = (
                listed(h for h, word in said.items() if word == v)
                for v in ("supported", "refuted", "undecided")
            )
            lines.append(
                f"| {name} | {theory} | {gap:+.1f} ({error:.1f}) | "
                f"{'yes' if told_apart(gap, error) else 'no'} | {held} | {refused} | {open_} |"
            )
    return lines


def said(sentence: dict[str, Any]) -> str:
    """A sentence with what spoils it."""
    return " ".join([sentence["text"], *(f"**({mark})**" for mark in sentence["marks"])])


if __name__ == "__main__":
    sys.exit(main())
