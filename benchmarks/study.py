"""The robustness study: the main theories under every choice, and the page of what comes of it.

``make study`` runs it, each dataset into a folder of its own in ``reports/study``; what is there is
not fitted again. ``--page`` fits nothing: it only writes ``benchmarks/study``, ``docs/study.md``
and its figures from what is there, be it a part of the study.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
from fits import ROOT, commit

from bayes_alliance.cli import study_progress
from bayes_alliance.compare.specifications import CHOICES, CODING, Specification, of_study
from bayes_alliance.compare.study import Study, compact, complete, open_study, run, seal
from bayes_alliance.errors import InputError
from bayes_alliance.files import write_text
from bayes_alliance.report.figures.style import Figure

FOLDER = ROOT / "reports/study"
STORE = Path(__file__).parent / "study"
PAGE, FIGURES = ROOT / "docs/study.md", ROOT / "docs/figures"
DATASETS = {
    "europe+asia": "Europe and Asia",
    "asymmetric": "All asymmetric alliances",
}
THEORIES = ("null", "occupation", "prospect")


def main(given: list[str] | None = None) -> int:
    """Run what is missing and write the page after each dataset."""
    asked = arguments(given)
    settings = {name: getattr(asked, name) for name in ("draws", "tune", "chains", "seed")}
    workers = {"scheduler": asked.scheduler, "workers": asked.workers}
    for name in [asked.only] if asked.only else DATASETS:
        folder = asked.out / name
        try:
            if not asked.page:
                print(name, file=sys.stderr)
                specifications = of_study(name.split("+"), asked.seed)[: asked.limit]
                tell = study_progress()
                run(specifications, THEORIES, folder, tell=tell, **settings, **workers)
            if (folder / "study.json").is_file():
                keep(name, folder)
        except InputError as error:
            print(error, file=sys.stderr)
            return 2
        write()
    return 0


def arguments(given: list[str] | None) -> argparse.Namespace:
    """Options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", action="store_true", help="fit nothing, write the page")
    parser.add_argument("--only", choices=DATASETS, help="this dataset alone")
    parser.add_argument("--limit", type=int, help="the first specifications only")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder of the fits")
    parser.add_argument("--scheduler", help="address of a dask scheduler")
    parser.add_argument("--workers", type=int, help="processes here, else one a core")
    for name, value in {"draws": 1000, "tune": 500, "chains": 4, "seed": 1}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    return parser.parse_args(given)


def keep(name: str, folder: Path) -> None:
    """Store a dataset's results; those that are stored already keep their commit and date."""
    path = STORE / f"{name}.json"
    before = json.loads(path.read_text(encoding="utf-8"))["results"] if path.is_file() else {}
    stored = {"command": "make study"} | compact(folder)
    for key, result in stored["results"].items():
        earlier = before.get(key, {})
        if earlier.get("inputs") == result["inputs"]:
            made = {part: earlier[part] for part in ("commit", "date")}
        else:
            seconds = (folder / "fits" / f"{key}.json").stat().st_mtime
            made = {"commit": commit(), "date": date.fromtimestamp(seconds).isoformat()}
        result |= made
    STORE.mkdir(exist_ok=True)
    text = json.dumps(seal(stored), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    write_text(path, text + "\n")


def fits_of(study: Study) -> list[tuple[str, Specification, dict[str, Any]]]:
    """Theory, first specification and result of each fit; several results can come of one."""
    found: dict[str, tuple[str, Specification, dict[str, Any]]] = {}
    for s in study.specifications:
        for theory in study.theories:
            if result := study.results.get((s.hash, theory)):
                key = json.dumps(result["inputs"], sort_keys=True)
                found.setdefault(key, (theory, s, result))
    return list(found.values())


def drawn(study: Study) -> dict[str, Figure]:
    """Figures of the page: a curve a comparison, one figure of all hypotheses."""
    import matplotlib as mpl

    from bayes_alliance.compare.curve import hypothesis_curve
    from bayes_alliance.report.figures.specifications import draw_comparisons, overview
    from bayes_alliance.report.figures.style import RC, settle

    part = complete(study)
    if not part.specifications:
        return {}
    with mpl.rc_context(RC):
        figures = dict(draw_comparisons(part))
        figures["specifications-hypotheses"] = overview(hypothesis_curve(part))
        for figure in figures.values():
            settle(figure)
    return {slug.replace("specifications", "study", 1): f for slug, f in figures.items()}


def figure_name(slug: str, name: str) -> str:
    """File of a figure."""
    return f"{slug.replace('study', f'study-{name}', 1)}.svg"


def page(stored: dict[str, dict[str, Any]], studies: dict[str, Study], figures: dict) -> str:
    """Compose the page.

    Parameters
    ----------
    stored : dict
        Stored results by dataset.
    studies : dict
        The same, opened.
    figures : dict
        Figures by dataset and slug.

    Returns
    -------
    str
        Markdown.
    """
    from bayes_alliance.compare.hypotheses import AGAINST, SUPPORTED
    from bayes_alliance.compare.loo import ERRORS, SMALL

    lines = [
        "# How far the answers depend on the choices",
        "",
        "Whoever codes alliances and sets priors makes choices that others would make otherwise. "
        "Here the theories are fitted and compared again under other choices: first each choice "
        "alone, then many drawn at random from all their combinations.",
        "",
        *(text for name in stored for text in (made(name, stored[name]), "")),
        "## What is varied",
        "",
        *choices_table(),
        "",
        "## How to read the answers",
        "",
        "Theories are scored on unseen cases by PSIS-LOO given the indicators, without exact "
        f"refits. A theory is ahead of another or behind it where the scores differ by at least "
        f"{SMALL:g} and by at least {ERRORS:g} standard errors over cases. The data hold a "
        "hypothesis where the posterior "
        f"probability of the direction that its article expects is {SUPPORTED} or more, refuse "
        f"it where it is {AGAINST} or less, and leave it undecided in between. Fits that failed "
        "their diagnostics are shown and answer nothing. Specifications share their cases, so "
        "that their spread says what the choices do and is no sampling error.",
    ]
    for name in stored:
        lines += ["", f"## {DATASETS[name]}", ""]
        lines += section(name, stored[name], studies[name], figures[name])
    return "\n".join(lines) + "\n"


def made(name: str, stored: dict[str, Any]) -> str:
    """Say what wrote the results, when, with which settings and versions."""
    results = list(stored["results"].values())
    text = f"{DATASETS[name]}: written by `{stored['command']}`"
    if results:
        days = sorted({r["date"] for r in results})
        when = " to ".join(dict.fromkeys((days[0], days[-1])))
        marks = ", ".join(sorted({r["commit"] for r in results}))
        versions = results[0]["inputs"]["versions"]
        words = ", ".join(f"{package} {version}" for package, version in versions.items())
        text += f" ({when}, commits {marks}; {words})"
    return (
        f"{text}; {stored['chains']} chains, {stored['draws']} draws after {stored['tune']}, "
        f"seed {stored['seed']}."
    )


def choices_table() -> list[str]:
    """Rows of the choices and their levels."""
    lines = ["| choice | default | other levels | data |", "| --- | --- | --- | --- |"]
    for name, levels in CHOICES.items():
        default, *others = levels.values()
        of = "asymmetric" if name in CODING else "all"
        lines.append(f"| `{name}` | {default} | {'; '.join(others)} | {of} |")
    return lines


def section(
    name: str, stored: dict[str, Any], study: Study, figures: dict[str, Figure]
) -> list[str]:
    """Counts, sentences and figures of a dataset."""
    from bayes_alliance.compare.curve import (
        comparison_curve,
        comparison_sentences,
        hypothesis_curve,
        hypothesis_sentences,
        turning_sentences,
    )

    part = complete(study)
    lines = [progress(name, stored, study), "", *effort(study)]
    if not part.specifications:
        return lines[:-1]
    compared, table = comparison_curve(part), hypothesis_curve(part)
    turned = turning_sentences(compared) | turning_sentences(table)
    told, held = comparison_sentences(compared), hypothesis_sentences(table)
    lines += [
        "### Answers that a single choice turns",
        "",
        f"Of {len(told) + len(held)} answers a single choice turns {len(turned) or 'none'}"
        + (":" if turned else "."),
        "",
        *bullets(turned.values()),
        "### Comparisons",
        "",
        *bullets(told.values()),
        high(compared),
        "",
    ]
    *curves, (slug, overview) = figures.items()
    for known, figure in curves:
        lines += [picture(known, name, figure), ""]
    # the curves differ in their first sentence, which stands above; what the marks are is common
    legend = curves[0][1].caption.removeprefix(next(iter(told.values()))).strip()
    lines += [legend, "", "### Hypotheses", "", *bullets(held.values())]
    return [*lines, picture(slug, name, overview), "", overview.caption]


def bullets(sentences: Iterable[str]) -> list[str]:
    """A list and the line after it; nothing for nothing."""
    lines = [f"- {text[:1].upper()}{text[1:]}" for text in sentences]
    return [*lines, ""] if lines else []


def picture(slug: str, name: str, figure: Figure) -> str:
    """A figure of the page."""
    return f"![{figure.title}](figures/{figure_name(slug, name)})"


def progress(name: str, stored: dict[str, Any], study: Study) -> str:
    """Say how much of the study is done."""
    every = len(of_study(name.split("+"), stored["seed"]))
    count = len(complete(study).specifications)
    text = (
        f"{every} specifications, {len(study.theories)} theories under each "
        f"({', '.join(study.theories)}): {every * len(study.theories)} results"
    )
    if count == every:
        return f"{text}. All are there."
    return (
        f"{text}. **Only {count} of the {every} specifications are done so far; what follows is "
        "about these alone.**"
    )


def effort(study: Study) -> list[str]:
    """Say what the fits cost, and which of them failed."""
    fits = fits_of(study)
    if not fits:
        return []
    seconds = sorted(sum(r["seconds"].values()) for *_, r in fits)
    hours = sum(sum(r["seconds"].values()) * r["cores"] for *_, r in fits) / 3600
    bad = [(theory, s, r) for theory, s, r in fits if r["problems"]]
    text = (
        f"{len(study.results)} results are there, from {len(fits)} fits: a choice that changes "
        "nothing of a theory needs no fit of its own. A fit took "
        f"{seconds[len(seconds) // 2]:.0f} seconds in the median ({seconds[0]:.0f} to "
        f"{seconds[-1]:.0f}), compiling and scores included and beside other work; "
        f"all together {sum(seconds) / 3600:.1f} hours one after the other, "
        f"{hours:.1f} core-hours at most."
    )
    if not bad:
        return [f"{text} None failed its diagnostics.", ""]
    return [
        f"{text} Failed their diagnostics: {len(bad)} of {len(fits)}.",
        "",
        *failures(fits),
        "<details><summary>The fits that failed, and what at</summary>",
        "",
        *(f"- **{theory}, {s.label}**: {'; '.join(r['problems'])}" for theory, s, r in bad),
        "",
        "</details>",
        "",
    ]


def failures(fits: list[tuple[str, Specification, dict[str, Any]]]) -> list[str]:
    """Say with which levels fits failed, and which parameters mixed worst."""
    lines = [
        "How many of the fits failed, by level (several levels meet in one fit):",
        "",
        "| choice | level | fits | failed |",
        "| --- | --- | ---: | ---: |",
    ]
    for name, levels in CHOICES.items():
        for level, words in levels.items():
            own = [bool(r["problems"]) for _, s, r in fits if s.level(name) == level]
            if 0 < len(own) < len(fits):
                share = f"{sum(own)} ({100 * sum(own) / len(own):.0f} %)"
                lines.append(f"| `{name}` | {words} | {len(own)} | {share} |")
    worst = Counter(
        str(r["diagnostics"]["rhat_max_at"]).partition("[")[0]
        for *_, r in fits
        if r["problems"] and r["diagnostics"]
    )
    often = "; ".join(f"`{name}` ({count})" for name, count in worst.most_common(6))
    return [*lines, "", f"R-hat was largest, in the fits that failed, at {often}.", ""]


def high(compared: pd.DataFrame) -> str:
    """Say for how many cases the weights cannot be trusted."""
    there = compared[compared["cases"].notna()]
    if not len(there):
        return "No comparison has a score."
    cases, many = span(there["cases"]), span(there["high_k"])
    return f"Of the {cases} cases of a comparison, {many} have a Pareto k too high for the weights."


def span(values: pd.Series) -> str:
    """Least and most of some counts."""
    return " to ".join(dict.fromkeys((f"{values.min():.0f}", f"{values.max():.0f}")))


def write() -> None:
    """Write the page and its figures from the stored results."""
    from bayes_alliance.report.figures.style import save

    text, figures = composed()
    FIGURES.mkdir(exist_ok=True)
    for name, found in figures.items():
        for slug, figure in found.items():
            path = FIGURES / figure_name(slug, name)
            half = path.with_suffix(".half")
            save(figure, half)
            half.replace(path)
    write_text(PAGE, text)


def composed() -> tuple[str, dict[str, dict[str, Figure]]]:
    """Page and figures of the stored results."""
    paths = {name: path for name in DATASETS if (path := STORE / f"{name}.json").is_file()}
    stored = {n: json.loads(path.read_text(encoding="utf-8")) for n, path in paths.items()}
    studies = {name: open_study(path) for name, path in paths.items()}
    figures = {name: drawn(study) for name, study in studies.items()}
    return page(stored, studies, figures), figures


if __name__ == "__main__":
    sys.exit(main())
