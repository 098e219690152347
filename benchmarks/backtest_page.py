"""The page on forecasts from the past, from what ``backtest.py`` has stored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr
from backtest_figures import calibration, gains

from bayes_alliance.files import write_text
from bayes_alliance.forecast.baselines import BASE, SURVIVAL
from bayes_alliance.forecast.skill import (
    DESIGNS,
    LIVES,
    SUBJECTS,
    YEARS,
    design_scores,
    expected,
    life_concordance,
    life_scores,
    pair_scores,
    summary,
    year_scores,
)
from bayes_alliance.report.figures.style import Figure, save
from bayes_alliance.report.words import listed

REFERENCE = {DESIGNS: BASE, YEARS: BASE, LIVES: SURVIVAL}
SCORED = {DESIGNS: design_scores, YEARS: year_scores, LIVES: life_scores}
COLUMNS = {
    DESIGNS: {"log": "log score", "brier": "Brier", "ranked": "ranked"},
    YEARS: {"log": "log score", "brier": "Brier"},
    LIVES: {"log": "log score", "brier": "Brier", "integrated_brier": "integrated Brier"},
}
ASKED = {
    DESIGNS: "which design comes of a decision",
    YEARS: "in which years decisions arise",
    LIVES: "which designs end",
}
KNOWS = {
    "indicators": "given the decision and its indicators",
    "commitments": "given also what the clients had promised each other",
    "carried": "the last known threat carried on",
    "told": "with the future's threat known",
}
STACKED, NULL, CLEAR = "stacked", "null", 2.0
FIGURES = ("calibration", "gains")


def read(store: Path) -> tuple[list[dict[str, Any]], dict[int, dict[str, xr.Dataset]]]:
    """What is stored, by origin, and its forecasts."""
    stored = [json.loads(path.read_text("utf-8")) for path in sorted(store.glob("*.json"))]
    found = {
        one["origin"]: {subject: xr.Dataset.from_dict(one[subject]) for subject in SUBJECTS}
        for one in stored
    }
    for one in found.values():  # they are stored to a few digits
        one[DESIGNS]["probability"] /= one[DESIGNS]["probability"].sum("cell")
        one[YEARS]["count"] /= one[YEARS]["count"].sum("number")
    return stored, found


def scores_of(found: dict[int, dict[str, xr.Dataset]]) -> dict[str, pd.DataFrame]:
    """Scores of all forecasts by subject, and of the numbers of years."""
    out = {
        subject: pd.concat([score(one[subject], o) for o, one in found.items()], ignore_index=True)
        for subject, score in SCORED.items()
    }
    pairs = [pair_scores(one[YEARS], o) for o, one in found.items()]
    return out | {"pairs": pd.concat(pairs, ignore_index=True)}


def by_origin(rows: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Gains in log score of those who know the least, by origin."""
    least = rows[rows["knows"] == rows["knows"].iloc[0]]
    parts = [
        summary(own, "log", reference).reset_index().assign(origin=origin)
        for origin, own in least.groupby("origin")
    ]
    return pd.concat(parts, ignore_index=True)


def composed(store: Path) -> tuple[str, dict[str, Figure]]:
    """Page and figures of the stored results."""
    stored, found = read(store)
    lines = ["# Forecasts from the past", ""]
    if not stored:
        return "\n".join([*lines, "Nothing is stored yet: `make backtest` does it."]) + "\n", {}
    scores = scores_of(found)
    names = list(stored[0]["fits"])
    several = [*names, STACKED] if len(names) > 1 else names
    tables = {subject: by_origin(scores[subject], REFERENCE[subject]) for subject in SUBJECTS}
    figures = {
        "calibration": calibration(found, several),
        "gains": gains(tables, several, REFERENCE),
    }
    lines += [made(stored), "", *questions(stored), "", "## In short", ""]
    lines += [*answers(scores, several), *spoiled(stored), "", picture("gains", figures), ""]
    lines += [figures["gains"].caption, "", "## Is what was forecast as frequent?", ""]
    lines += [picture("calibration", figures), "", figures["calibration"].caption, ""]
    lines += [*counted(found, several), "", "## Fits", "", *fits(stored), ""]
    for subject in SUBJECTS:
        lines += [f"## {ASKED[subject][0].upper()}{ASKED[subject][1:]}", ""]
        lines += [*pooled(scores[subject], subject), ""]
        if subject == YEARS:
            lines += [*whole_window(scores["pairs"]), ""]
        if subject == LIVES:
            lines += [*order(found), ""]
        lines += [*single(stored, tables[subject], scores[subject], subject, several), ""]
    return "\n".join([*lines, *leaks(stored, found)]) + "\n", figures


def made(stored: list[dict[str, Any]]) -> str:
    """Say what wrote the results, when, with which settings and versions."""
    days = sorted({one["date"] for one in stored})
    marks = ", ".join(sorted({one["commit"] for one in stored}))
    versions = ", ".join(f"{name} {version}" for name, version in stored[0]["versions"].items())
    how = sorted({tuple(one["settings"].items()) for one in stored})
    words = "; ".join(
        f"{s['chains']} chains, {s['draws']} draws after {s['tune']}, seed {s['seed']}"
        for s in map(dict, how)
    )
    return (
        f"Written by `{stored[0]['command']}` ({' to '.join(dict.fromkeys((days[0], days[-1])))}, "
        f"commits {marks}; {versions}); {words}."
    )


def questions(stored: list[dict[str, Any]]) -> list[str]:
    """Say what is asked, and of whom."""
    years = stored[0]["until"] - stored[0]["origin"]
    origins = listed(str(one["origin"]) for one in stored)
    return [
        f"What would the theories have said at the beginning of {origins}, had they been fitted to "
        f"what was known then of all asymmetric alliances, about the next {years} years? Asked are",
        "",
        "- **designs**: which of the seven cells comes of each case that arose, given that it "
        "was decided, and its covariates and indicators at that time;",
        "- **years**: whether a patron that had decided about a theatre before, and was a major "
        "power, decides again in a year, with the last known year carried on;",
        "- **lives**: whether designs in force then, or made in those years (given that they were "
        "made), end within them.",
        "",
        "Set beside them are base rates and usual regressions fitted to the same past. "
        f"{STACKED.capitalize()} is the mixture of the theories by the stacking weights of these "
        "fits. Log score, Brier, ranked probability and integrated Brier score are losses. "
        "A gain is the loss of base rates less one's own, a forecast; its standard error is that "
        "of a mean over cases, patrons in theatres, or designs, whichever forecasts share. Windows "
        f"overlap: a case can be asked from two origins, and counts once as a cluster. A gain is "
        f"clear where it is {CLEAR:g} standard errors or more from 0.",
    ]


def word(gain: float, error: float) -> str:
    """How a forecast fares, in words."""
    if gain == 0 or not abs(gain) >= CLEAR * error:
        return "is not told apart from"
    return "forecasts better than" if gain > 0 else "forecasts worse than"


def answers(scores: dict[str, pd.DataFrame], names: list[str]) -> list[str]:
    """One sentence a subject and theory, all origins together."""
    lines = []
    for subject in SUBJECTS:
        rows, base = scores[subject], REFERENCE[subject]
        least = rows["knows"].iloc[0]
        table = summary(rows, "log", base).loc[least]
        against = summary(rows, "log", NULL).loc[least] if NULL in names else None
        parts = []
        for name in names:
            gain, error, skill = table.loc[name, ["gain", "gain_se", "skill"]]
            text = (
                f"{title(name)} {word(gain, error)} {base} ({gain:+.3f}, standard error "
                f"{error:.3f}; skill {skill:+.0%}"
            )
            if against is not None and name != NULL:
                own = against.loc[name]
                text += f"; over the null model {own['gain']:+.3f}, {own['gain_se']:.3f}"
            parts.append(text + ")")
        count = int(table["forecasts"].iloc[0])
        lines.append(
            f"- **{ASKED[subject][0].upper()}{ASKED[subject][1:]}** ({count} forecasts, "
            f"{KNOWS[least]}): {'; '.join(parts)}. {beside(rows, least, names, base)} "
            f"{best(rows, least, names)}"
        )
    return lines


def beside(rows: pd.DataFrame, least: str, names: list[str], base: str) -> str:
    """How the last of the theories' forecasts, their mixture, fares against the regressions."""
    parts = []
    for other in dict.fromkeys(rows["name"]):
        if other not in (*names, base):
            own = summary(rows, "log", other).loc[(least, names[-1])]
            parts.append(
                f"{word(own['gain'], own['gain_se'])} {other} ({own['gain']:+.3f}, "
                f"{own['gain_se']:.3f})"
            )
    text = title(names[-1])
    return f"{text[0].upper()}{text[1:]} {listed(parts)}."


def best(rows: pd.DataFrame, least: str, names: list[str]) -> str:
    """Who has the lowest mean log score, and whether it is a theory."""
    mean = rows[rows["knows"] == least].groupby("name", sort=False)["log"].mean()
    first = str(mean.idxmin())
    kind = "a theory" if first in names and first not in (NULL, STACKED) else "no theory"
    return f"The lowest log score has {first} ({mean.min():.3f}), which is {kind}."


def title(name: str) -> str:
    """A theory in a sentence."""
    return {NULL: "the null model", STACKED: "their mixture"}.get(name, f"the {name} theory")


def spoiled(stored: list[dict[str, Any]]) -> list[str]:
    """Say which of the pooled numbers rest on fits that failed."""
    bad = [str(one["origin"]) for one in stored if any(map(problems, one["fits"].values()))]
    if not bad:
        return ["", "Every fit passed its diagnostics."]
    words = "is a fit that failed its" if len(bad) == 1 else "are fits that failed their"
    return ["", f"**Behind these numbers {words} diagnostics (origins {listed(bad)}); see below.**"]


def problems(fit: dict[str, Any]) -> list[str]:
    """What is wrong with a theory's fits."""
    return [
        *(f"designs: {text}" for text in fit["problems"]),
        *(f"years: {text}" for text in fit["years_problems"]),
    ]


def fits(stored: list[dict[str, Any]]) -> list[str]:
    """Rows of the fits, with their verdicts."""
    lines = [
        "| origin | known cases | designs | decision years | theory | stacking weight | "
        "Pareto k too high | minutes | verdict |",
        "| ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: | --- |",
    ]
    for one in stored:
        known = one["known"]
        for name, fit in one["fits"].items():
            verdict = "; ".join(problems(fit))
            lines.append(
                f"| {one['origin']} | {known['cases']} | {known['designs']} | "
                f"{known['decisions']} | {name} | {fit['weight']:.2f} | {fit['high_k']} | "
                f"{fit['seconds'] / 60:.1f} | {f'**{verdict}**' if verdict else 'ok'} |"
            )
    return lines


def pooled(rows: pd.DataFrame, subject: str) -> list[str]:
    """Scores of everybody, all origins together."""
    base, columns = REFERENCE[subject], COLUMNS[subject]
    head = " | ".join(f"{words} | skill" for words in columns.values())
    lines = [
        f"All origins together; gains in log score and skill over {base}.",
        "",
        f"| who | what is known | {head} | gain (standard error) | sharpness |",
        f"| --- | --- |{' ---: |' * (2 * len(columns) + 2)}",
    ]
    tables = {score: summary(rows, score, base) for score in columns}
    sharp = rows.groupby(["knows", "name"])["entropy"].mean()
    for known, name in tables["log"].index:
        own = {score: table.loc[(known, name)] for score, table in tables.items()}
        said = " | ".join(f"{v['mean']:.3f} | {v['skill']:+.0%}" for v in own.values())
        lines.append(
            f"| {name} | {KNOWS[known]} | {said} | {own['log']['gain']:+.3f} "
            f"({own['log']['gain_se']:.3f}) | {sharp[known, name]:.2f} |"
        )
    return [*lines, "", "Sharpness is the mean entropy of the forecasts: less is sharper."]


def whole_window(rows: pd.DataFrame) -> list[str]:
    """Scores of the whole window of a patron in a theatre."""
    lines = [
        "Over the whole window of a patron in a theatre: whether any decision arises (Brier), and "
        "the number of years with one (ranked probability score).",
        "",
        "| who | what is known | any: Brier | gain (standard error) | number: ranked | "
        "gain (standard error) |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    any_, number = (summary(rows, score, BASE) for score in ("brier", "ranked"))
    for known, name in any_.index:
        first, second = any_.loc[(known, name)], number.loc[(known, name)]
        lines.append(
            f"| {name} | {KNOWS[known]} | {first['mean']:.3f} | {first['gain']:+.3f} "
            f"({first['gain_se']:.3f}) | {second['mean']:.3f} | {second['gain']:+.3f} "
            f"({second['gain_se']:.3f}) |"
        )
    return lines


def order(found: dict[int, dict[str, xr.Dataset]]) -> list[str]:
    """Concordance of the lives."""
    table = life_concordance({o: one[LIVES] for o, one in found.items()}, SURVIVAL)
    lines = [
        "Concordance: the share of pairs of designs of one origin whose lives are in the right "
        "order (a coin has 0.50), with a 90% interval by the bootstrap over designs.",
        "",
        f"| who | what is known | concordance | gain over {SURVIVAL} |",
        "| --- | --- | ---: | ---: |",
    ]
    for (known, name), row in table.iterrows():
        lines.append(
            f"| {name} | {KNOWS[str(known)]} | {row['mean']:.2f} ({row['lower']:.2f} to "
            f"{row['upper']:.2f}) | {row['gain']:+.2f} ({row['gain_lower']:+.2f} to "
            f"{row['gain_upper']:+.2f}) |"
        )
    return lines


def single(
    stored: list[dict[str, Any]],
    table: pd.DataFrame,
    rows: pd.DataFrame,
    subject: str,
    names: list[str],
) -> list[str]:
    """Gains of each origin; in bold what rests on a fit that failed."""
    lines = [
        f"By origin: gain in log score over {REFERENCE[subject]} (standard error), "
        f"{KNOWS[rows['knows'].iloc[0]]}. Bold: a fit behind it failed its diagnostics.",
        "",
        f"| origin | forecasts | {REFERENCE[subject]} | {' | '.join(names)} |",
        f"| ---: | ---: | ---: |{' ---: |' * len(names)}",
    ]
    part = "years_problems" if subject == YEARS else "problems"
    for one in stored:
        own = table[table["origin"] == one["origin"]].set_index("name")
        base = own.loc[REFERENCE[subject]]
        bad = {name for name, fit in one["fits"].items() if fit[part]}
        bad |= {STACKED} if bad else set()
        said = [
            f"{mark}{own.loc[name, 'gain']:+.3f} ({own.loc[name, 'gain_se']:.3f}){mark}"
            for name in names
            for mark in ("**" if name in bad else "",)
        ]
        lines.append(
            f"| {one['origin']} | {base['forecasts']:.0f} | {base['mean']:.3f} | "
            f"{' | '.join(said)} |"
        )
    return lines


def counted(found: dict[int, dict[str, xr.Dataset]], names: list[str]) -> list[str]:
    """What was expected of each origin, and what happened."""
    table = expected(found)
    lines = [
        "Expected and observed numbers, with 90% intervals. Those of years hold the doubt about "
        "the hazard; those of designs and lives are of independent events, without the doubt that "
        "they share, and so too narrow. Bold: the observed number lies outside.",
        "",
        f"| what | origin | observed | {' | '.join(names)} | base rates |",
        f"| --- | ---: | ---: |{' ---: |' * (len(names) + 1)}",
    ]
    outside: dict[str, list[int]] = {}
    for (what, origin), rows in table.groupby(["what", "origin"], sort=False):
        own = rows.set_index("name")
        base = SURVIVAL if SURVIVAL in own.index else BASE
        said = []
        for name in [*names, base]:
            row = own.loc[name]
            out = not row["lower"] <= row["observed"] <= row["upper"]
            mark = "**" if out else ""
            outside.setdefault(name if name in names else BASE, []).append(out)
            said.append(
                f"{mark}{row['expected']:.1f} ({row['lower']:.0f} to {row['upper']:.0f}){mark}"
            )
        lines.append(f"| {what} | {origin} | {own['observed'].iloc[0]} | {' | '.join(said)} |")
    said = listed(f"{sum(out)} ({name})" for name, out in outside.items())
    count = len(next(iter(outside.values())))
    return [*lines, "", f"Of {count} numbers, those outside the interval are {said}."]


def leaks(stored: list[dict[str, Any]], found: dict[int, dict[str, xr.Dataset]]) -> list[str]:
    """Say what of the future reaches the past after all."""
    missed = {origin: int(one[YEARS].attrs["missed"]) for origin, one in found.items()}
    arose = {origin: int(one[YEARS]["arose"].sum()) for origin, one in found.items()}
    total = sum(missed.values()) + sum(arose.values())
    replaced = sum(int(one[LIVES]["censored"].sum()) for one in found.values())
    cases = sum(int(one[DESIGNS].sizes["case"]) for one in found.values())
    joined = sum(int(one[DESIGNS]["accession"].sum()) for one in found.values())
    by = listed(f"{count} from {origin}" for origin, count in missed.items() if count)
    return [
        "## What no code can undo, and what is left out",
        "",
        "- **Whoever wrote the theories and the priors knew the history.** The theories were "
        "made to explain cases after 1945, the priors and the rules of coding by people who knew "
        "how these ended. The fits know nothing of what came later; their authors did.",
        "- **Codings are of today.** Disputes, rivalries, occupations and adversaries are those "
        "that later historians recorded. The coded frames and statements of the cases that are "
        "asked about are left out, as they were coded knowing the outcome; the clients' coded fear "
        "is left in.",
        "- **The panel of threat looks ahead in two columns.** Distance and disputes of a year are "
        "those of the patron's clients of any time that were states then, also of clients that it "
        "took on later. The states' capabilities, forces and regimes of a year without a value are "
        "those of the nearest year within three, their borders within ten, which can be a later "
        "one. Disputes of a year count that whole year, also what came after the decision.",
        "- **Eras are cut with hindsight** (1945, 1991, 2016). A forecast of a year in an era that "
        "had not begun draws its effect from the scale, so it knows when a new era begins but not "
        "what it brings.",
        "- **Patrons that had not decided about a theatre before are not forecast**: "
        f"{sum(missed.values())} of {total} years with a decision ({by or 'none'}). That "
        "they would was not known.",
        f"- **Designs are forecast given that a case arose**, of {cases} cases, {joined} of them "
        "accessions, with their covariates at that time. A refused proposal counts as its most "
        "inclusive fallback, even if that came after the window.",
        f"- **Designs replaced by a deeper one** ({replaced}) are no endings. They count up to "
        "then in the integrated Brier score, and not in log score and Brier.",
        f"- The probabilities of {SURVIVAL} and Cox have the lapse that the choices of the "
        "theories have, so that no ending is impossible.",
    ]


def picture(slug: str, figures: dict[str, Figure]) -> str:
    """A figure of the page."""
    return f"![{figures[slug].title}](figures/backtest-{slug}.svg)"


def write(store: Path, page: Path) -> None:
    """Write the page and its figures."""
    text, figures = composed(store)
    folder = page.parent / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    for slug, figure in figures.items():
        path = folder / f"backtest-{slug}.svg"
        half = path.with_suffix(".half")
        save(figure, half)
        half.replace(path)
    write_text(page, text)
