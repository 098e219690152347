"""Write ``docs/hypotheses.md`` and its forest from the stored fits.

``fits.py`` calls it; whatever is not fitted yet is said to be missing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from fits import DATASETS, ROOT, STORE, UNFRAMED, made

from bayes_alliance.compare.hypotheses import AGAINST, SUPPORTED, probability, verdict
from bayes_alliance.report.figures.hypotheses import Series, forest
from bayes_alliance.report.figures.style import (
    RC,
    Figure,
    dot,
    save,
    settle,
    theatre_colour,
    theatre_marker,
)
from bayes_alliance.report.page.theories import sensitivity_words
from bayes_alliance.report.page.words import (
    LEVEL,
    SENSITIVE,
    interval,
    number,
    opening,
)
from bayes_alliance.report.words import listed
from bayes_alliance.theories import MAIN, NAMES, get
from bayes_alliance.theories.hypothesis import Hypothesis

PAGE, FIGURE = ROOT / "docs/hypotheses.md", ROOT / "docs/figures/hypotheses.svg"
ARTICLES = ("occupation", "prospect")
RIVALS = tuple(name for name in NAMES if name not in (*MAIN, "both"))
PLACES = {"europe": "Europe", "asia": "Asia", "asymmetric": "all asymmetric alliances"}
LOOKS = {w: (theatre_colour(w), theatre_marker(w)) for w in ("europe", "asia")} | {
    "asymmetric": ("#000000", "D")
}
SUPPORT, REFUTE, OPEN = "supported", "refuted", "undecided"
UNTRUSTED, MISSING = "fit not to be trusted", "not fitted yet"


def answer(stored: dict[str, Any], where: str, fit: str, name: str) -> dict[str, Any] | None:
    """One hypothesis in one fit.

    Parameters
    ----------
    stored : dict
        The store of fits.
    where, fit, name : str
        Dataset, fit and hypothesis.

    Returns
    -------
    dict or None
        What the store holds, with ``verdict``, ``moved`` (what moves the estimate, in words) and
        ``silent`` (only the prior does); None if it is not there.
    """
    row = stored["fits"].get(f"{where}/{fit}")
    if row is None or name not in row["hypotheses"]:
        return None
    found = row["hypotheses"][name]
    moved = {key: found.get(f"moved_{key}") for key in ("prior", "likelihood")}
    words, silent = sensitivity_words(pd.Series(moved, dtype=float))
    said = UNTRUSTED if row["problems"] else verdict(found["probability"])
    return found | {"verdict": said, "moved": words, "silent": silent}


def said_of(stored: dict[str, Any], where: str, fit: str, name: str) -> str:
    """What a dataset says of a hypothesis: hold, refuse, cannot tell, or why it says nothing."""
    found = answer(stored, where, fit, name)
    return MISSING if found is None else found["verdict"]


def asked() -> list[tuple[str, Hypothesis]]:
    """What carries the hypotheses of the two articles, with the theories."""
    return [(theory, h) for theory in ARTICLES for h in get(theory).HYPOTHESES]


def grouped(found: Sequence[tuple[str, str]]) -> str:
    """Names by theory: ``occupation H1 and H2, and prospect H1``."""
    by: dict[str, list[str]] = {}
    for theory, name in found:
        by.setdefault(theory, []).append(name.replace(" and ", " with "))
    parts = [f"{theory} {listed(names)}" for theory, names in by.items()]
    return ", and ".join(parts)


def plain(stored: dict[str, Any]) -> list[str]:
    """Paragraphs that say what the data hold, refuse and cannot tell.

    Parameters
    ----------
    stored : dict
        The store of fits.

    Returns
    -------
    list of str
        Paragraphs.
    """
    return [
        first_sentences(stored),
        " ".join(dataset_sentences(stored)),
        " ".join(frame_sentences(stored)),
        " ".join(prior_sentences(stored)),
        together_sentence(stored),
        "The datasets are not independent witnesses: the asymmetric one also holds alliances of "
        "Europe and Asia, under other rules of coding. No allowance is made for asking so many "
        "questions at once. Codings of frames, statements and fear were made knowing the outcome "
        "([the limits](limits.md)).",
    ]


def first_sentences(stored: dict[str, Any]) -> str:
    """Say how many answers there are of each kind, and what the words mean."""
    said = {h: [said_of(stored, w, h[0], h[1].name) for w in DATASETS] for h in asked()}
    every = [word for words in said.values() for word in words]
    number_of = {word: every.count(word) or "none" for word in (SUPPORT, REFUTE, OPEN)}
    text = (
        f"The ten hypotheses of the two articles are carried by {len(said)} estimands, each asked "
        f"of {len(DATASETS)} datasets: {len(every)} questions. The data support "
        f"{number_of[SUPPORT]}, refute {number_of[REFUTE]}, and leave {number_of[OPEN]} undecided"
    )
    if UNTRUSTED in every:
        text += f"; resting on fits that are not to be trusted: {every.count(UNTRUSTED)}"
    if MISSING in every:
        text += f"; not fitted yet: {every.count(MISSING)}"
    for word in (SUPPORT, REFUTE):
        throughout = [(theory, h.name) for (theory, h), words in said.items() if {*words} == {word}]
        if throughout:
            text += f". By all datasets {word}: {grouped(throughout)}"
    return (
        f"{text}. A hypothesis is supported where the posterior probability of the direction "
        f"that its article expects is {SUPPORTED} or more, refuted where it is {AGAINST} or less, "
        "and undecided in between."
    )


def dataset_sentences(stored: dict[str, Any]) -> list[str]:
    """Say for each dataset what it holds, refuses, and leaves open."""
    out = []
    for where in DATASETS:
        by: dict[str, list[tuple[str, str]]] = {}
        told: dict[str, list[str]] = {SUPPORT: [], REFUTE: []}
        for theory, h in asked():
            found = answer(stored, where, theory, h.name)
            said = MISSING if found is None else found["verdict"]
            by.setdefault(said, []).append((theory, h.name))
            if found and said in told:
                told[said].append(
                    f"{theory} {h.name} ({h.words[:1].lower()}{h.words[1:].rstrip('.')}: "
                    f"{probability(found['probability'])}, "
                    f"{probability(found['prior_probability'])} before the data)"
                )
        if set(by) == {MISSING}:
            out.append(f"**{opening(PLACES[where])}**: neither theory is fitted yet.")
            continue
        parts = [f"the data support {listed(told[SUPPORT])}", f"refute {listed(told[REFUTE])}"]
        if OPEN in by:
            left = by[OPEN]
            whole = len(left) == len(asked())
            parts.append(f"leave {'all of them' if whole else grouped(left)} undecided")
        text = f"**{opening(PLACES[where])}**: {listed(parts)}"
        if UNTRUSTED in by:
            text += f"; on a fit that is not to be trusted rest {grouped(by[UNTRUSTED])}"
        if MISSING in by:
            text += f"; not fitted yet: {grouped(by[MISSING])}"
        out.append(f"{text}.")
    return out


def frame_sentences(stored: dict[str, Any]) -> list[str]:
    """Say what changes for the prospect theory without the coded frames."""
    changed, moves, apart = [], [], []
    for where in DATASETS:
        for h in get("prospect").HYPOTHESES:
            pair = [answer(stored, where, fit, h.name) for fit in ("prospect", UNFRAMED)]
            with_, without = pair
            if with_ is None or without is None or UNTRUSTED in {p["verdict"] for p in pair}:
                apart.append(where)
                continue
            at = f"{PLACES[where]}, {h.name}"
            a, b = with_["probability"], without["probability"]
            moves.append((abs(b - a), f"{at}: {probability(a)} to {probability(b)}"))
            if with_["verdict"] != without["verdict"]:
                changed.append(f"{at} ({with_['verdict']}; without, {without['verdict']})")
    out = []
    if moves:
        size, most = max(moves)
        out.append(
            "Without the coded frames "
            + (f"the answer changes for {listed(changed)}" if changed else "no answer changes")
            + f" among the {len(moves)} of the prospect theory that can be compared; the "
            f"probability of the expected direction moves by {number(size)} at most ({most})."
        )
    if apart:
        places = listed(PLACES[where] for where in dict.fromkeys(apart))
        out.append(
            f"What the coded frames change cannot be said for {places}, where one of the two fits "
            "is missing or not to be trusted."
        )
    return out


def prior_sentences(stored: dict[str, Any]) -> list[str]:
    """Say where the prior speaks and the data hardly."""
    out = []
    for where in DATASETS:
        found = {
            (theory, h.name): a
            for theory, h in asked()
            if (a := answer(stored, where, theory, h.name)) and a["verdict"] != UNTRUSTED
        }
        silent = [key for key, a in found.items() if a["silent"]]
        unknown = [key for key, a in found.items() if a["moved"] == "not computed"]
        if found:
            share = grouped(silent) if silent else "none"
            out.append(f"in {PLACES[where]} {share} (of {len(found)})")
            if unknown:
                out[-1] += f", not computed for {grouped(unknown)}"
    if not out:
        return ["No fit that could be trusted says yet where only the prior speaks."]
    return [
        "The prior speaks and the data hardly (power-scaling sensitivity above "
        f"{SENSITIVE} to the prior and below to the likelihood) for these: {'; '.join(out)}."
    ]


def together_sentence(stored: dict[str, Any]) -> str:
    """Say which answers change where both theories are fitted in one model."""
    changed, compared = [], 0
    for where in DATASETS:
        for theory, h in asked():
            alone = said_of(stored, where, theory, h.name)
            beside = said_of(stored, where, "both", f"{theory} {h.name}")
            if {alone, beside} & {UNTRUSTED, MISSING}:
                continue
            compared += 1
            if alone != beside:
                changed.append(f"{PLACES[where]}, {theory} {h.name} ({alone}; together, {beside})")
    if not compared:
        return "Nothing can be said yet of the two theories fitted together in one model (`both`)."
    return (
        "With the two theories fitted together in one model (`both`), "
        + (f"the answer changes for {listed(changed)}" if changed else "no answer changes")
        + f" among the {compared} that can be compared."
    )


def rival_sentence(stored: dict[str, Any]) -> str:
    """Say what the data hold and refuse of the rivals' own hypotheses."""
    by: dict[str, list[str]] = {}
    for where in DATASETS:
        for theory in RIVALS:
            for h in get(theory).HYPOTHESES:
                at = f"{theory} {h.name} ({PLACES[where]})"
                by.setdefault(said_of(stored, where, theory, h.name), []).append(at)
    text = f"The data support {listed(by.get(SUPPORT, []))} and refute "
    text += f"{listed(by.get(REFUTE, []))}; {len(by.get(OPEN, []))} are undecided."
    if UNTRUSTED in by:
        text += f" Resting on fits that are not to be trusted: {len(by[UNTRUSTED])}."
    if MISSING in by:
        text += f" Not fitted yet: {len(by[MISSING])}."
    return text


def cell(found: dict[str, Any] | None) -> str:
    """One hypothesis in one dataset, as a cell of a table."""
    if found is None:
        return f"*{MISSING}*"
    said = found["verdict"]
    return "<br>".join(
        (
            f"{number(found['estimate'])} ({interval(found['lower'], found['upper'])})",
            f"Pr {probability(found['probability'])}",
            f"prior {number(found['prior_mean'])} "
            f"({interval(found['prior_lower'], found['prior_upper'])}), "
            f"Pr {probability(found['prior_probability'])}",
            found["moved"],
            said if said == OPEN else f"**{said}**",
        )
    )


def line(stored: dict[str, Any], fit: str, name: str, first: Sequence[str]) -> str:
    """One row of a table."""
    cells = [cell(answer(stored, where, fit, name)) for where in DATASETS]
    return f"| {' | '.join((*first, *cells))} |"


def expectation(h: Hypothesis) -> str:
    """The estimand and the side of zero that is expected."""
    return f"{h.estimand}; expected {'above' if h.direction > 0 else 'below'} 0"


def articles_table(stored: dict[str, Any]) -> list[str]:
    """Rows of the two articles' hypotheses, the prospect theory's also without coded frames."""
    head = ["hypothesis", "estimand", "the article reports", *map(opening, PLACES.values())]
    lines = [f"| {' | '.join(head)} |", "| --- " * len(head) + "|"]
    for theory, h in asked():
        first = (f"**{theory} {h.name}**: {h.words}", expectation(h), h.finding)
        lines.append(line(stored, theory, h.name, first))
        if theory == "prospect":
            first = (f"{h.name}, without coded frames", "", "")
            lines.append(line(stored, UNFRAMED, h.name, first))
    return lines


def rivals_table(stored: dict[str, Any]) -> list[str]:
    """Rows of the rivals' own hypotheses."""
    head = ["hypothesis", "estimand", *map(opening, PLACES.values())]
    lines = [f"| {' | '.join(head)} |", "| --- " * len(head) + "|"]
    for theory in RIVALS:
        for h in get(theory).HYPOTHESES:
            first = (f"**{theory} {h.name}**: {h.words}", expectation(h))
            lines.append(line(stored, theory, h.name, first))
    return lines


def series(stored: dict[str, Any]) -> dict[str, list[Series]]:
    """Marks of the forest by theory, the datasets in their order."""
    out: dict[str, list[Series]] = {}
    for theory in ARTICLES:
        names = [h.name for h in get(theory).HYPOTHESES]
        for where in DATASETS:
            for fit in (theory, UNFRAMED) if theory == "prospect" else (theory,):
                row = stored["fits"].get(f"{where}/{fit}")
                there = [n for n in names if row and n in row["hypotheses"]]
                if row and there:
                    colour, marker = LOOKS[where]
                    _, comma, rest = fit.partition(", ")
                    out.setdefault(f"The {theory} theory", []).append(
                        Series(
                            label=f"{theory} in {PLACES[where]}{comma}{rest}",
                            table=pd.DataFrame.from_dict(row["hypotheses"], "index").loc[there],
                            colour=colour,
                            marker=marker,
                            hollow=fit == UNFRAMED,
                            failed=bool(row["problems"]),
                        )
                    )
    return out


def drawn(stored: dict[str, Any]) -> Figure | None:
    """The forest of the articles' hypotheses; None while there is nothing to draw."""
    groups = series(stored)
    if not groups:
        return None
    every = [s for found in groups.values() for s in found]
    fits = (*ARTICLES, UNFRAMED)
    places = [w for w in DATASETS if any(f"{w}/{fit}" in stored["fits"] for fit in fits)]
    entries = [dot(opening(PLACES[where]), *LOOKS[where]) for where in places]
    if any(s.hollow for s in every):
        entries.append(dot("open: without coded frames", "#555555", "o", hollow=True))
    caption = (
        f"Posterior means and {LEVEL} intervals; grey, the prior's; tinted, the side of zero that "
        "the article expects. On the right stands the probability of that side, the prior's in "
        "brackets. Panels have scales of their own, with zero in the middle."
    )
    if any(s.failed for s in every):
        caption += " Dashed intervals come from fits that are not to be trusted."
    with mpl.rc_context(RC):
        figure = Figure(
            title="Hypotheses of the two articles",
            caption=caption,
            alt="Forest of posterior and prior intervals; the table below has the numbers.",
            figure=forest(groups, entries),
            section="fit",
        )
        settle(figure)
    return figure


def page(stored: dict[str, Any], figure: Figure | None) -> str:
    """Compose the page.

    Parameters
    ----------
    stored : dict
        The store of fits.
    figure : Figure or None
        The forest.

    Returns
    -------
    str
        Markdown.
    """
    lines = [
        "# What the data say of the hypotheses",
        "",
        *(text for paragraph in plain(stored) for text in (paragraph, "")),
        "These are associations in coded cases under the models, not effects of an experiment. "
        f"{made(stored)} The [diagnostics of every fit](fits.md) stand apart.",
        "",
    ]
    if figure is not None:
        lines += [
            "## At a glance",
            "",
            f"![{figure.title}. {figure.alt}](figures/{FIGURE.name})",
            "",
            figure.caption,
            "",
        ]
    lines += [
        "## The hypotheses of the two articles",
        "",
        f"Each cell: posterior mean and {LEVEL} interval; Pr, the probability of the expected "
        "direction; the same of the prior; what moves the estimate (power-scaling of prior and "
        "likelihood); what the data say.",
        "",
        *articles_table(stored),
        "",
        "## The rivals' own hypotheses",
        "",
        rival_sentence(stored),
        "",
        *rivals_table(stored),
    ]
    return "\n".join(lines) + "\n"


def whole(path: Path, write: Any) -> None:
    """Write a file whole or not at all."""
    half = path.with_name(f".{path.name}.half")
    write(half)
    half.replace(path)


def write(store: Path = STORE) -> int:
    """Write the page and its figure from the stored fits."""
    stored = json.loads(store.read_text(encoding="utf-8"))
    figure = drawn(stored)
    if figure is not None:
        whole(FIGURE, lambda path: save(figure, path))
    whole(PAGE, lambda path: path.write_text(page(stored, figure), encoding="utf-8"))
    return 0
