"""The page of the speed benchmark: targets, what was measured, how far what falls short is."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from fits import ROOT

STORE = Path(__file__).parent / "speed/speed.json"
TRIED = Path(__file__).parent / "speed/tried.toml"
PAGE, FIGURES = ROOT / "docs/speed.md", ROOT / "docs/figures"
TOOLS = {
    "ours": "this package",
    "nutpie": "nutpie",
    "pymc": "PyMC",
    "numpyro": "NumPyro",
    "stan": "Stan",
}
THEORIES = ("occupation", "prospect")
STEPS = {
    "import": "import",
    "build": "build",
    "compile": "compile",
    "sample": "sample",
    "predict and score": "predict and score",
    "log likelihood": "predict and score",
    "predictive": "predict and score",
    "summarise": "predict and score",
    "summaries": "summaries",
}
"""Steps of a fit as they were timed, and as they are shown."""
COLOURS = {
    "import": "#999999",
    "build": "#CC79A7",
    "compile": "#E69F00",
    "sample": "#0072B2",
    "predict and score": "#56B4E9",
    "summaries": "#009E73",
}
SAME = 1e-8
"""Largest difference of log densities, relative to the largest of them, that rounding explains."""
TIMES, LEAST_TIMES, SECONDS, SHARE, NUMBER = "times", "least times", "seconds", "share", "number"
WHY = {
    "cold": (
        "compiling is part of it, a price of each model and not of each draw; most of what is left "
        "is PyTensor's, which makes and simplifies the graph.",
        "simplify less: the loops that are written need few of the rewritings.",
    ),
    "warm": (
        "a draw takes smaller steps than by the others' defaults (a target acceptance of 0.9 in "
        "place of 0.8), which fits of few cases need, and the slowest parameters mix no faster.",
        "directions in which the slow parameters depend on each other less.",
    ),
    "gradient": (
        "sums at indices that are data are made one after the other.",
        "sums over runs of equal indices.",
    ),
    "report": (
        "what is left is spread out: what each of fourteen fits computes from its draws and saves, "
        "tables of scenarios made with pandas value by value, the hazard of decisions on thousands "
        "of years, refits, some thirty figures, and with empty caches the graphs that PyTensor "
        "makes and simplifies.",
        "all values of what is moved as rows of one table; fewer variables in a saved fit; figures "
        "that are laid out once.",
    ),
    "starts": (
        "Python reads modules that a start does not need.",
        "import them where they are used.",
    ),
    "refit": (
        "a refit with priors of other distributions builds its model again.",
        "keep what was compiled of each form of the priors.",
    ),
    "many": (
        "each refit lays out its containers and starts its chains anew.",
        "several refits in one call of the sampler.",
    ),
    "growth": (
        "sums at indices that are data leave the processor's caches as the data grow.",
        "clients in the order in which they are added up.",
    ),
    "equal": ("a Stan program is not the model of this package.", "find the term that differs."),
}
"""What is said of a target that is missed: the reason, and the next idea."""


@dataclass(frozen=True)
class Target:
    """A target and what was measured.

    Parameters
    ----------
    words : str
        What it is about.
    kind : str
        Key of `WHY`.
    wanted : float
        Bound.
    unit : str
        How numbers are written: one of the constants above; ``LEAST_TIMES`` is a lower bound of a
        ratio and ``SHARE`` of a share, the others are upper bounds.
    measured : float, optional
        Nothing, if it was not measured.
    note : str
        What else there is to say.
    failed : str
        What went wrong, where a measurement failed: the target is missed.
    """

    words: str
    kind: str
    wanted: float
    unit: str
    measured: float | None = None
    note: str = ""
    failed: str = ""

    @property
    def least(self) -> bool:
        """Whether the bound is a lower one."""
        return self.unit in (LEAST_TIMES, SHARE)

    @property
    def met(self) -> bool | None:
        """Whether the target is met; nothing, if that was not measured."""
        if self.failed:
            return False
        if self.measured is None:
            return None
        return self.measured >= self.wanted if self.least else self.measured <= self.wanted

    @property
    def verdict(self) -> str:
        """Met, or how short."""
        if self.met is None:
            return "not measured"
        if self.met:
            return "met"
        if self.failed:
            return f"**failed: {self.failed}**"
        short = self.wanted / self.measured if self.least else self.measured / (self.wanted or 1)
        return f"**short by a factor of {short:.2g}**" if self.wanted else "**missed**"

    def write(self, value: float) -> str:
        """Write a number with its unit."""
        if self.unit in (TIMES, LEAST_TIMES):
            return f"{value:.3g} times"
        if self.unit == SECONDS:
            return f"{value:.3g} s"
        return f"{value:.3g}"

    @property
    def row(self) -> str:
        """Row of the table."""
        sign = "at least" if self.least else "at most"
        wanted = f"{sign} {self.write(self.wanted)}" if self.wanted else "none"
        measured = "" if self.measured is None else self.write(self.measured)
        note = f"{' ' if measured else ''}({self.note})" if self.note else ""
        return f"| {self.words} | {wanted} | {measured}{note} | {self.verdict} |"


def result(stored: dict[str, Any], part: str, *inner: str) -> dict[str, Any]:
    """What was measured of a part; nothing, if it was not or failed."""
    found = stored["parts"].get(part, {}).get("result", {})
    for key in inner:
        found = found.get(key, {})
    return {} if "failed" in found else found


def failure(stored: dict[str, Any], part: str, *inner: str) -> str:
    """What went wrong in a part; nothing, if nothing did."""
    found = stored["parts"].get(part, {}).get("result", {})
    for key in inner:
        found = found if "failed" in found else found.get(key, {})
    return found.get("failed", "")


def rate(stored: dict[str, Any], theory: str, tool: str, when: str) -> float | None:
    """Effective draws a second of compiling and sampling, as of the draws that were asked for."""
    row = result(stored, f"fit-{theory}-{tool}", when)
    if not row:
        return None
    more, seconds = stored["draws"] / row["draws"], row["seconds"]
    return more * row["ess"] / (seconds["compile"] + more * seconds["sample"])


def fewer(stored: dict[str, Any]) -> str:
    """Name the fits that made fewer draws than the others; nothing, if there are none."""
    made = {TOOLS[x]: r for _, x, _, r in fits(stored) if r["draws"] < stored["draws"]}
    if not made:
        return ""
    counts = {f"{row['draws']} draws after {row['tune']}" for row in made.values()}
    return (
        f" {' and '.join(made)} made only {' or '.join(sorted(counts))}, because they take many "
        "minutes: their effective draws a second are put at what they would be with all draws, in "
        "so much more sampling and the same compiling."
    )


def targets(stored: dict[str, Any]) -> list[Target]:
    """Every target, with what was measured of it.

    Parameters
    ----------
    stored : dict
        A stored run.

    Returns
    -------
    list of Target
        In the order of the page.
    """
    return [
        *_of_rates(stored),
        *_of_gradients(stored),
        *_of_jobs(stored),
        *_of_many(stored),
        *_of_growth(stored),
        *_of_equal(stored),
    ]


def _of_rates(stored: dict[str, Any]) -> Iterator[Target]:
    """Effective draws a second against the other tools."""
    for theory in THEORIES:
        for when, bound in (("cold", 3.0), ("warm", 5.0)):
            rates = {tool: rate(stored, theory, tool, when) for tool in TOOLS}
            ours = rates.pop("ours")
            wrong = failure(stored, f"fit-{theory}-ours", when)
            there = {tool: value for tool, value in rates.items() if value}
            words = f"{theory}, {when}: effective draws a second against"
            best = max(there, key=lambda tool: there[tool], default=None)
            lacking = [TOOLS[tool] for tool in rates if tool not in there]
            note = f"{TOOLS[best]} is best" if best else ""
            note += f"; without {', '.join(lacking)}" if best and lacking else ""
            measured = ours / there[best] if ours and best else None
            yield Target(f"{words} the best other", when, bound, LEAST_TIMES, measured, note, wrong)
            if when == "warm":
                stan = ours / there["stan"] if ours and "stan" in there else None
                yield Target(f"{words} Stan", when, 10.0, LEAST_TIMES, stan, "", wrong)


def _of_gradients(stored: dict[str, Any]) -> Iterator[Target]:
    """Time of a gradient against the floor."""
    times = result(stored, "gradient-occupation").get("microseconds", {})
    measured, note = None, ""
    if "floor" in times:
        measured = median(times["ours"]) / median(times["floor"])
        ratios = [ours / floor for ours, floor in zip(times["ours"], times["floor"], strict=True)]
        note = f"{min(ratios):.2g} to {max(ratios):.2g} over {len(ratios)} repeats"
    wrong = failure(stored, "gradient-occupation")
    words = "occupation: time of a gradient against one written by hand"
    yield Target(words, "gradient", 3.0, TIMES, measured, note, wrong)


def _of_jobs(stored: dict[str, Any]) -> Iterator[Target]:
    """Seconds of the report and of starts."""
    for when, bound in (("cold", 120.0), ("warm", 45.0)):
        caches = "empty" if when == "cold" else "full"
        wrong = failure(stored, "report", when)
        words, wall = f"`make report`, caches {caches}", result(stored, "report", when).get("wall")
        yield Target(words, "report", bound, SECONDS, wall, "", wrong)
    for part, bound, words in (
        ("import", 0.3, '`python -c "import bayes_alliance"`'),
        ("help", 0.5, "`bayes-alliance --help`"),
    ):
        times = result(stored, part).get("seconds", [])
        note = f"median of {len(times)}, {min(times):.2g} to {max(times):.2g}" if times else ""
        measured = median(times) if times else None
        yield Target(words, "starts", bound, SECONDS, measured, note, failure(stored, part))


def _of_many(stored: dict[str, Any]) -> Iterator[Target]:
    """Refits in processes that have compiled."""
    row, wrong = result(stored, "many"), failure(stored, "many")
    beyond = row.get("beyond", [])
    note = f"the longest; the median is {median(beyond):.2g} s" if beyond else ""
    longest = max(beyond) if beyond else None
    words = "a refit with other data and priors: time beyond sampling"
    yield Target(words, "refit", 3.0, SECONDS, longest, note, wrong)
    count = f"{row['refits']:.0f} refits" if row else "many refits"
    note = f"{row['cores']:.0f} cores" if row else ""
    if "chains" in row:
        note += f", each {row['chains']} chains of {row['draws']} draws after {row['tune']}"
    words = f"{count}: share of the cores' time that is sampling"
    yield Target(words, "many", 0.9, SHARE, row.get("use"), note, wrong)
    yield Target(f"{count}: compiled again", "many", 0.0, NUMBER, row.get("compiles"), "", wrong)


def sizes(stored: dict[str, Any]) -> list[dict[str, Any]]:
    """What was measured at each number of clients, the smallest first."""
    names = [name for name in stored["parts"] if name.startswith("growth-")]
    rows = [row for name in names if (row := result(stored, name))]
    return sorted(rows, key=lambda row: row["clients"])


def _of_growth(stored: dict[str, Any]) -> Iterator[Target]:
    """Slopes in log-log from a thousand clients on."""
    rows = [row for row in sizes(stored) if row["clients"] >= 900]
    names = sorted(
        (name for name in stored["parts"] if name.startswith("growth-")),
        key=lambda name: int(name.removeprefix("growth-")),
    )
    wrong = "; ".join(
        f"{int(name.removeprefix('growth-')):,} clients: {said}"
        for name in names
        if (said := failure(stored, name))
    )
    note = f"{rows[0]['clients']:,} to {rows[-1]['clients']:,} clients" if len(rows) > 1 else ""
    log = [np.log([row["clients"] for row in rows])]
    for what in ("microseconds", "megabytes"):
        y = np.log([median(np.atleast_1d(row[what]).tolist()) for row in rows])
        slope = float(np.polyfit(log[0], y, 1)[0]) if len(rows) > 1 else None
        words = "time" if what == "microseconds" else "memory"
        words = f"occupation: growth of a gradient's {words} with clients, slope in log-log"
        yield Target(words, "growth", 1.1, NUMBER, slope, note, wrong)


def _of_equal(stored: dict[str, Any]) -> Iterator[Target]:
    """Whether Stan has the same models."""
    for theory in THEORIES:
        row = result(stored, f"fit-{theory}-stan", "equal")
        measured = row["spread"] / row["largest"] if row else None
        note = f"{row['points']} points" if row else ""
        words = f"{theory}: Stan's log density less ours, spread relative to the largest"
        wrong = failure(stored, f"fit-{theory}-stan", "equal")
        yield Target(words, "equal", SAME, NUMBER, measured, note, wrong)


def page(stored: dict[str, Any], tried: list[dict[str, Any]]) -> str:
    """Compose the page.

    Parameters
    ----------
    stored : dict
        A stored run.
    tried : list of dict
        ``what`` was tried, what ``came`` of it, and whether it was ``kept``.

    Returns
    -------
    str
        Markdown.
    """
    found = targets(stored)
    count = {state: sum(t.met is state for t in found) for state in (True, False, None)}
    tunes = {row["tune"] for _, tool, _, row in fits(stored) if tool == "ours"}
    own = tunes - {stored["tune"]}
    warmed = f" (by this package, as it comes, after {own.pop()})" if own else ""
    lines = [
        "# How fast it is",
        "",
        made(stored),
        "",
        "The asymmetric data are fitted by this package as it comes, and the same models by "
        "nutpie, PyMC and NumPyro with their own defaults and by Stan, in programs written for "
        f"it: {stored['chains']} chains, {stored['draws']} draws after {stored['tune']}{warmed}, "
        "one fit in a process of its own, first with empty caches (cold), then again with what "
        "that left (warm). Effective draws are the least bulk effective sample size over the "
        "parameters that all have in common; their seconds are those of compiling and sampling "
        f"together.{fewer(stored)}",
        "",
        f"Of {len(found)} targets {count[True]} are met and {count[False]} "
        + ("is missed" if count[False] == 1 else "are missed")
        + (f"; {count[None]} were not measured." if count[None] else "."),
        "",
        "| what | target | measured | verdict |",
        "| --- | --- | --- | --- |",
        *(target.row for target in found),
        "",
        *_short(found, stored),
        *_fits(stored),
        *_gradients(stored),
        *_report(stored),
        *_growth(stored),
        "## What was tried",
        "",
        *(f"- {r['what']} ({'kept' if r['kept'] else 'not kept'}). {r['came']}" for r in tried),
    ]
    return "\n".join(lines) + "\n"


def made(stored: dict[str, Any]) -> str:
    """Say what wrote the results, when, where and with which versions."""
    rows, m = stored["parts"].values(), stored["machine"]
    days = sorted({row["date"] for row in rows}) or ["never"]
    marks = ", ".join(sorted({row["commit"] for row in rows})) or "none"
    versions = ", ".join(f"{name} {value}" for name, value in stored["versions"].items())
    minutes = sum(row["seconds"] for row in rows) / 60
    return (
        f"Written by `{stored['command']}` ({' to '.join(dict.fromkeys((days[0], days[-1])))}, "
        f"commits {marks}; {versions}) in {minutes:.0f} minutes on {m['processor']}, "
        f"{m['cores']} cores, {m['gigabytes']:g} GB of memory, {m['platform']}."
    )


def _short(found: list[Target], stored: dict[str, Any]) -> list[str]:
    """Reasons and next ideas of what falls short, once a kind, and what was measured of it."""
    kinds = dict.fromkeys(target.kind for target in found if target.met is False)
    if not kinds:
        return []
    lines = ["## What falls short, and why", ""]
    for kind in kinds:
        reason, idea = WHY[kind]
        which = "; ".join(t.words for t in found if t.kind == kind and t.met is False)
        shown = _measured_of(kind, stored)
        lines.append(f"- {which}. The reason: {reason} The next idea: {idea}{shown}")
    return [*lines, ""]


def _measured_of(kind: str, stored: dict[str, Any]) -> str:
    """Say what was measured of a reason; nothing, if nothing was."""
    if kind in ("cold", "warm"):
        told = []
        for theory in THEORIES:
            rates = {tool: rate(stored, theory, tool, kind) or 0.0 for tool in TOOLS}
            row = result(stored, f"fit-{theory}-ours", kind)
            best = max((tool for tool in TOOLS if tool != "ours"), key=lambda tool: rates[tool])
            if row and rates[best]:
                compiling, sampling = (row["seconds"][step] for step in ("compile", "sample"))
                share = compiling / (compiling + sampling)
                most = row["ess"] / sampling / rates[best]
                told.append(
                    f"{theory} compiles for {share:.0%} of its seconds; in none it would be "
                    f"{most:.2g} times as fast as {TOOLS[best]}"
                )
        return f" ({'; '.join(told)}.)" if told else ""
    if kind == "report":
        told = []
        for when, caches in (("cold", "empty"), ("warm", "full")):
            steps = result(stored, "report", when).get("steps", {})
            most = sorted(steps, key=lambda step: -steps[step])[:3]
            parts = ", ".join(f"{step} {steps[step] / sum(steps.values()):.0%}" for step in most)
            told += [f"with {caches} caches the largest parts are {parts}"] if parts else []
        return f" ({'; '.join(told).capitalize()}.)" if told else ""
    return ""


def _report(stored: dict[str, Any]) -> list[str]:
    """Table of the seconds of the report by kind of step."""
    steps = {when: result(stored, "report", when).get("steps", {}) for when in ("cold", "warm")}
    if not any(steps.values()):
        return []
    lines = [
        "## The report",
        "",
        "Seconds of what `make report` runs, by kind of step. The fits of each theatre alone are "
        "made meanwhile, by processes of their own.",
        "",
        "| step | caches empty | caches full |",
        "| --- | ---: | ---: |",
    ]
    for step in next(filter(None, steps.values())):
        cells = [f"{steps[when][step]:.1f}" if steps[when] else "" for when in steps]
        lines.append(f"| {step} | {' | '.join(cells)} |")
    return [*lines, ""]


def fits(stored: dict[str, Any]) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Theory, tool, cold or warm, and what was measured, of every fit that is there."""
    for theory in THEORIES:
        for tool in TOOLS:
            for when in ("cold", "warm"):
                if row := result(stored, f"fit-{theory}-{tool}", when):
                    yield theory, tool, when, row


def steps(row: dict[str, Any]) -> dict[str, float]:
    """Seconds of a fit by step, as they are shown."""
    out = dict.fromkeys(COLOURS, 0.0)
    for step, seconds in row["seconds"].items():
        out[STEPS[step]] += seconds
    return out


def _fits(stored: dict[str, Any]) -> list[str]:
    """Table of the fits."""
    if not any(name.startswith("fit-") for name in stored["parts"]):
        return []
    lines = [
        "## Fits",
        "",
        "Seconds by step. NumPyro compiles while it samples. What nutpie and NumPyro draw is "
        "scored and summarised by PyMC and ArviZ, in as many seconds as PyMC's own. Stan's own "
        "environment scores and predicts nothing, and its import is the start of its process. "
        "Memory is that of the largest process, the compiler's included.",
        "",
        f"| theory | tool | caches | draws | {' | '.join(COLOURS)} | effective draws | a second | "
        "gradients | divergences | MB |",
        f"| --- | --- | --- |{' ---: |' * (len(COLOURS) + 6)}",
    ]
    for theory, tool, when, row in fits(stored):
        seconds = " | ".join(f"{value:.1f}" for value in steps(row).values())
        counted = f"{row['gradients']:,.0f}" if row.get("gradients") else ""
        draws = f"{row['draws'] * stored['chains']:,}"
        lines.append(
            f"| {theory} | {TOOLS[tool]} | {when} | {draws} | {seconds} "
            f"| {row['ess']:.0f} at `{row['at']}` | {rate(stored, theory, tool, when):.2f} "
            f"| {counted} | {row['divergences']:.0f} | {row['rss'] / 1e3:.0f} |"
        )
    failures = [
        f"- {theory}, {TOOLS[tool]}, {when}: {said}"
        for theory in THEORIES
        for tool in TOOLS
        for when in ("cold", "warm")
        if (said := failure(stored, f"fit-{theory}-{tool}", when))
    ]
    lines += ["", *(["What failed:", "", *failures, ""] if failures else [])]
    if any(fits(stored)):
        lines += ["![Seconds of a fit by step, tool and theory](figures/speed-fits.svg)", ""]
    return lines


def _gradients(stored: dict[str, Any]) -> list[str]:
    """Table of the times of a gradient."""
    if not any(result(stored, f"gradient-{theory}") for theory in THEORIES):
        return []
    lines = [
        "## A gradient",
        "",
        "Microseconds of the log density and its gradient, median with least and most over the "
        "repeats. Stan's are its seconds of sampling by its steps, while its chains share the "
        "cores: too many where there are more chains than cores. The one written by hand is "
        "a single pass over the rows of the data without intermediate arrays, the least that a "
        "gradient costs.",
        "",
        "| theory | this package | PyMC | JAX | Stan | by hand |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for theory in THEORIES:
        times = dict(result(stored, f"gradient-{theory}").get("microseconds", {}))
        if seconds := result(stored, f"fit-{theory}-stan", "warm").get("gradient_seconds"):
            times["stan"] = [seconds * 1e6]
        cells = [
            _spread(times[tool]) if tool in times else ""
            for tool in ("ours", "pymc", "numpyro", "stan", "floor")
        ]
        lines.append(f"| {theory} | {' | '.join(cells)} |")
    return [*lines, ""]


def _spread(values: list[float]) -> str:
    """Median, with least and most of several."""
    text = f"{median(values):.0f}"
    return f"{text} ({min(values):.0f} to {max(values):.0f})" if len(values) > 1 else text


def _growth(stored: dict[str, Any]) -> list[str]:
    """Table of the growth with the number of clients."""
    rows = sizes(stored)
    if not rows:
        return []
    return [
        "## Growth",
        "",
        "The occupation theory on cases of the data, repeated under new names. Memory is that of "
        "the data and of what the gradient adds to the process.",
        "",
        "| clients | microseconds a gradient | MB |",
        "| ---: | ---: | ---: |",
        *(
            f"| {row['clients']:,} | {_spread(row['microseconds'])} | {row['megabytes']:.1f} |"
            for row in rows
        ),
        "",
        "![Time and memory of a gradient by the number of clients](figures/speed-growth.svg)",
        "",
    ]


def drawn(stored: dict[str, Any]) -> dict[str, Any]:
    """Figures of the page, by slug.

    Parameters
    ----------
    stored : dict
        A stored run.

    Returns
    -------
    dict of str to Figure
        Those of which there is something to show.
    """
    import matplotlib as mpl

    from bayes_alliance.report.figures.style import RC, settle

    figures = {}
    with mpl.rc_context(RC):
        if any(fits(stored)):
            figures["speed-fits"] = _draw_fits(stored)
        if sizes(stored):
            figures["speed-growth"] = _draw_growth(sizes(stored))
        for figure in figures.values():
            settle(figure)
    return figures


def _draw_fits(stored: dict[str, Any]) -> Any:
    """Stacked seconds by step, one bar a fit."""
    from bayes_alliance.report.figures.style import Figure, canvas, legend, patch, rows_axis

    rows = list(fits(stored))
    theories = list(dict.fromkeys(theory for theory, *_ in rows))
    figure, axes = canvas(0.9 + 0.24 * len(rows) + 0.4 * len(theories), rows=len(theories),
                          sharex=True)  # fmt: skip
    for panel, theory in zip(axes[:, 0], theories, strict=True):
        own = [(tool, when, row) for of, tool, when, row in rows if of == theory]
        made = [f"{row['draws'] * stored['chains']:,} draws" for *_, row in own]
        labels = [f"{TOOLS[x]}, {when}, {n}" for (x, when, _), n in zip(own, made, strict=True)]
        at = rows_axis(panel, labels)
        begun = np.zeros(len(own))
        for step, colour in COLOURS.items():
            seconds = np.array([steps(row)[step] for *_, row in own])
            panel.barh(at, seconds, left=begun, height=0.7, color=colour)
            begun += seconds
        panel.set_title(theory)
    axes[-1, 0].set_xlabel("seconds of a fit")
    legend(figure, [patch(step, colour) for step, colour in COLOURS.items()])
    title = "How long does a fit take, and what of?"  # draws differ, so that labels say them
    return Figure(title, "", "Stacked bars of seconds by step, tool and theory.", figure, "fit")


def _draw_growth(rows: list[dict[str, Any]]) -> Any:
    """Time and memory of a gradient by clients, with lines of slope one."""
    from bayes_alliance.report.figures.style import MUTED, Figure, canvas, theory_colour

    clients = np.array([row["clients"] for row in rows], dtype=float)
    figure, axes = canvas(2.9, columns=2)
    for panel, what, label in zip(
        axes[0],
        ("microseconds", "megabytes"),
        ("microseconds a gradient", "MB of data and gradient"),
        strict=True,
    ):
        y = np.array([median(np.atleast_1d(row[what]).tolist()) for row in rows])
        panel.plot(clients, y, marker="o", color=theory_colour("occupation"), label="measured")
        start = min(1, len(rows) - 1)
        panel.plot(clients, y[start] * clients / clients[start], color=MUTED, linestyle="--",
                   label="in proportion")  # fmt: skip
        panel.set(xscale="log", yscale="log", xlabel="clients", ylabel=label)
        panel.grid(True, axis="both")
    axes[0, 0].legend(loc="upper left")
    title = "How does a gradient grow with the data?"
    words = "Time and memory of a gradient by the number of clients, both on log scales."
    return Figure(title, "", words, figure, "fit")


def composed() -> tuple[str, dict[str, Any]]:
    """Page and figures of the stored run."""
    stored = json.loads(STORE.read_text(encoding="utf-8"))
    tried = tomllib.loads(TRIED.read_text(encoding="utf-8"))["tried"]
    return page(stored, tried), drawn(stored)


def write() -> None:
    """Write the page and its figures from the stored run, each whole or not at all."""
    from bayes_alliance.files import write_text
    from bayes_alliance.report.figures.style import save

    text, figures = composed()
    FIGURES.mkdir(exist_ok=True)
    for slug, figure in figures.items():
        half = FIGURES / f"{slug}.half"
        save(figure, half)
        half.replace(FIGURES / f"{slug}.svg")
    write_text(PAGE, text)
