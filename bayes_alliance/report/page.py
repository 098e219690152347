"""The report's page: one HTML text whose every sentence is made from the results.

Each function below that makes a sentence returns `Said`: the text, and what spoils its numbers
(a fit that failed its diagnostics, a Pareto k that is too high).  The template prints the spoilers
in red beside the sentence or the cell of a table.
"""

from __future__ import annotations

import base64
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import arviz as az
import jinja2
import numpy as np
import pandas as pd

from bayes_alliance.bundled import bundled
from bayes_alliance.check.quantities import designs
from bayes_alliance.compare.hypotheses import CI_PROB
from bayes_alliance.data.load import confidence, load
from bayes_alliance.data.schema import OBSERVED_UNTIL, THEATRES
from bayes_alliance.fit import EBFMI_MIN, ESS_MIN, RHAT_MAX, versions
from bayes_alliance.forecast.forecast import STACKED
from bayes_alliance.forecast.scenario import Scenario
from bayes_alliance.forecast.scenario import warnings as scenario_warnings
from bayes_alliance.process.cells import CELLS, COMMITMENTS, MULTILATERAL, label
from bayes_alliance.report.results import MAIN, Results
from bayes_alliance.theories import NAMES, get

if TYPE_CHECKING:
    from bayes_alliance.report.figures import Figure

SUPPORTED, AGAINST = 0.95, 0.05
"""Probabilities of the expected direction that count as support, and as its contrary."""
ALIKE = 4.0
"""Differences in log score below this are small whatever their standard error (Sivula et al.)."""
SENSITIVE = 0.05
"""Power-scaling sensitivity that matters (Kallioinen et al.)."""
FEW = 100
"""Standard errors of differences from fewer cases are themselves unsure (Sivula et al.)."""
ONE_VOICE = 0.95
"""A stacking weight from which on the stacked forecast is one theory's."""
NATO = CELLS[-1]
"""The design that the question of an Asian NATO asks about."""
NULL = "null"
MISSING = "–"
NBSP = "\u00a0"

INFORMATION_WORDS = {
    "indicators": "indicators only",
    "commitments": "indicators and what clients had promised each other",
}
BY_WORDS = {
    "episode": "each case predicted by a fit to all others",
    "theatre": "each theatre predicted by a fit to the others",
}
PLACES = {"europe": "Europe", "asia": "Asia"}
INITIATIVES = {"clients": "the clients", "patron": "the patron"}


@dataclass(frozen=True)
class Said:
    """A text with what spoils its numbers.

    Parameters
    ----------
    text : str
        One or more sentences, or the content of a cell.
    marks : tuple of str
        Printed in red beside it.
    """

    text: str
    marks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Picture:
    """A figure as the template prints it: its number, texts, and the SVG as a data URI."""

    number: int
    slug: str
    title: str
    caption: str
    alt: str
    uri: str


def page(results: Results, figures: Mapping[str, Figure], svgs: Mapping[str, str]) -> str:
    """Write the report as one self-contained HTML text.

    Parameters
    ----------
    results : Results
        What the report shows.
    figures : mapping of str to Figure
        Figures by slug, in reading order.
    svgs : mapping of str to str
        SVG text by slug; inlined as data URIs, so that their ids cannot clash.

    Returns
    -------
    str
        HTML without scripts, which loads nothing from anywhere.
    """
    return _template().render(
        results=results,
        pictures=pictures(figures, svgs),
        failures=failures(results),
        short=in_short(results),
        data=data_section(results),
        theories=theory_sections(results),
        settings=comparison_sections(results),
        cases=case_tables(results),
        checked=check_section(results),
        outlook=forecast_section(results),
        trust=trust_section(results),
        methods=methods_section(results),
        references=references(),
        percent_level=percent_level(),
        gates={"rhat": RHAT_MAX, "ess": ESS_MIN, "ebfmi": EBFMI_MIN},
        thresholds={
            "supported": SUPPORTED,
            "against": AGAINST,
            "sensitive": SENSITIVE,
            "alike": number(ALIKE, 0),
        },
    )


@cache
def _template() -> jinja2.Template:
    """The page's template, compiled once; every value is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("template.html.j2")


# ------------------------------------------------------------------ words for numbers


def number(value: float, digits: int = 2) -> str:
    """Write a number with a true minus sign and no negative zero."""
    if value is None or not math.isfinite(value):
        return MISSING
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("-", "−")


def signed(value: float, digits: int = 1) -> str:
    """Write a number with its sign, zero without."""
    text = number(value, digits)
    positive = text not in (MISSING, number(0.0, digits)) and not text.startswith("−")
    return f"+{text}" if positive else text


def probability(value: float) -> str:
    """Write a probability with two decimals, which never round it over a threshold.

    Parameters
    ----------
    value : float
        Between 0 and 1.

    Returns
    -------
    str
        For example ``"0.94"`` for 0.9496, since 0.95 would count as support, and ``"> 0.99"``
        for 1.
    """
    if not math.isfinite(value):
        return MISSING
    if value >= 0.995:
        return f">{NBSP}0.99"
    if value < 0.005:
        return f"<{NBSP}0.01"
    if value < SUPPORTED <= round(value, 2):
        return f"{SUPPORTED - 0.01:.2f}"
    if value > AGAINST >= round(value, 2):
        return f"{AGAINST + 0.01:.2f}"
    return f"{value:.2f}"


def percent(value: float) -> str:
    """Write a probability in per cent."""
    if not math.isfinite(value):
        return MISSING
    if value < 0.01:
        return f"under{NBSP}1{NBSP}%"
    if value > 0.99:
        return f"over{NBSP}99{NBSP}%"
    return f"{value * 100:.0f}{NBSP}%"


def percents(lower: float, upper: float) -> str:
    """Write an interval in per cent."""
    low = percent(lower)
    return f"{low.removesuffix(f'{NBSP}%')} to {percent(upper)}"


def interval(lower: float, upper: float, digits: int = 2) -> str:
    """Write an interval."""
    return f"{number(lower, digits)} to {number(upper, digits)}"


def percent_level() -> str:
    """Write the probability of every interval of the page."""
    return f"{CI_PROB * 100:.0f}{NBSP}%"


def listed(words: Iterable[str], last: str = "and") -> str:
    """Join words as a sentence does."""
    words = list(words)
    if len(words) < 2:
        return words[0] if words else "none"
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def count(n: int, noun: str, plural: str | None = None) -> str:
    """Write a count with its noun."""
    return f"{n}{NBSP}{noun if n == 1 else plural or noun + 's'}"


def called(name: str) -> str:
    """Name a fit in a sentence."""
    base, _, rest = name.partition(", ")
    if base == NULL:
        words = "the null model"
    elif base in NAMES:
        words = f"the {base} theory"
    else:
        return name
    return f"{words} {rest}" if rest else words


def opening(text: str) -> str:
    """Begin a sentence."""
    return text[:1].upper() + text[1:]


def place(theatre: str) -> str:
    """Name a theatre in a sentence: ``"Europe"`` for ``"europe"``."""
    return PLACES.get(theatre, theatre)


def case_names(results: Results) -> dict[str, str]:
    """Short names of the cases by key."""
    episodes = results.data.episodes
    return dict(zip(episodes["episode"], episodes["name"], strict=True))


# ------------------------------------------------------------------ what spoils a number


def fit_marks(results: Results, *names: str) -> tuple[str, ...]:
    """What the diagnostics of fits hold against their numbers."""
    problems = {n: results.diagnostics.get(n, {}).get("problems") for n in dict.fromkeys(names)}
    return tuple(f"fit of {n} failed: {'; '.join(p)}" for n, p in problems.items() if p)


def high_k(score: az.ELPDDataLOO) -> dict[str, float]:
    """Cases whose score rests on weights that are not to be trusted.

    Parameters
    ----------
    score : arviz.ELPDDataLOO
        A theory's score, after refits.

    Returns
    -------
    dict of str to float
        Case to Pareto k above the threshold; a k that is not a number counts.
    """
    if score.pareto_k is None:
        return {}
    cases = score.pareto_k["case"].values
    return {
        str(case): float(k)
        for case, k in zip(cases, score.pareto_k.values, strict=True)
        if not k <= score.good_k
    }


def score_marks(results: Results, key: tuple[str, str], *names: str) -> tuple[str, ...]:
    """What spoils the scores of theories: their fits, and Pareto k left too high."""
    words = case_names(results)
    scores = results.scores.get(key, {})
    return fit_marks(results, *names) + tuple(
        f"Pareto k of {name} {number(k)} at {words.get(case, case)}"
        for name in dict.fromkeys(names)
        if name in scores
        for case, k in high_k(scores[name]).items()
    )


def forecast_marks(results: Results, name: str) -> tuple[str, ...]:
    """What spoils a forecast: the theory's fit; stacked, any of the fits and the weights."""
    if name != STACKED:
        return fit_marks(results, name)
    return score_marks(results, MAIN, *results.trees)


def failures(results: Results) -> list[str]:
    """List every failed diagnostic and every Pareto k left too high, for the top of the page."""
    lines = [opening(mark) for mark in fit_marks(results, *results.diagnostics)]
    words = case_names(results)
    for (information, by), scores in results.scores.items():
        for name, score in scores.items():
            lines += [
                f"Pareto k of {name} is {number(k)} at {words.get(case, case)}, above "
                f"{number(score.good_k)} ({INFORMATION_WORDS[information]}; {BY_WORDS[by]})"
                for case, k in high_k(score).items()
            ]
    return lines


# ------------------------------------------------------------------ which theory predicts better


def difference(a: az.ELPDDataLOO, b: az.ELPDDataLOO, cases: Sequence[str] | None = None) -> tuple:
    """Difference of two scores and its standard error.

    Parameters
    ----------
    a, b : arviz.ELPDDataLOO
        Scores of the same cases.
    cases : sequence of str, optional
        Only these cases.

    Returns
    -------
    tuple of float, float and pandas.Series
        Sum over cases of a minus b, its standard error, and the differences by case.
    """
    by_case = pointwise(a) - pointwise(b)
    if cases is not None:
        by_case = by_case.loc[list(cases)]
    # as `arviz.compare` has it, so that page, figures and summary.json agree
    error = math.sqrt(len(by_case) * by_case.var(ddof=0)) if len(by_case) > 1 else math.nan
    return float(by_case.sum()), error, by_case


def pointwise(score: az.ELPDDataLOO) -> pd.Series:
    """Scores by case."""
    return pd.Series(score.elpd_i.values, index=[str(c) for c in score.elpd_i["case"].values])


def is_clear(gap: float, error: float) -> bool:
    """Whether a difference is neither small nor within two standard errors."""
    return abs(gap) >= 2 * error and round(abs(gap), 1) >= ALIKE


def against_error(gap: float, error: float, cases: int) -> str:
    """Say whether a difference in log score is small against its error.

    Parameters
    ----------
    gap, error : float
        Difference and its standard error.
    cases : int
        How many cases they come from.

    Returns
    -------
    str
        A clause.
    """
    if not math.isfinite(error):
        return "too few cases for a standard error"
    if is_clear(gap, error):
        unsure = f", though an error from {count(cases, 'case')} is itself unsure"
        return f"more than two standard errors{unsure if cases < FEW else ''}"
    if abs(gap) >= 2 * error:
        return f"more than two standard errors, but a difference below {number(ALIKE, 0)} is small"
    return "less than two standard errors, so the cases do not tell the two apart"


def best_sentence(results: Results, key: tuple[str, str]) -> Said:
    """Say which theory has the best score, and whether by more than its error."""
    table, scores = results.comparison[key], results.scores[key]
    first, *others = table.index
    text = f"{opening(called(first))} has the highest log score, {number(table['elpd'][first], 1)}"
    if not others:
        return Said(text + ".", score_marks(results, key, first))
    second = others[0]
    gap, error, by_case = difference(scores[first], scores[second])
    text += (
        f", ahead of {called(second)} by {number(gap, 1)} with a standard error of "
        f"{number(error, 1)}: {against_error(gap, error, len(by_case))}."
    )
    heaviest = table["weight"].astype(float).idxmax()
    if heaviest != first:
        text += (
            f" The largest stacking weight, {number(table['weight'][heaviest])}, goes to "
            f"{called(heaviest)}."
        )
    return Said(text, score_marks(results, key, first, second))


def null_sentences(results: Results, key: tuple[str, str]) -> list[Said]:
    """Say of each theory whether it predicts better than no theory."""
    scores = results.scores[key]
    if NULL not in scores:
        return []
    out = []
    order = list(results.comparison[key].index)
    for name in order:
        if name == NULL or {name, NULL} == set(order[:2]):  # told already
            continue
        gap, error, by_case = difference(scores[name], scores[NULL])
        text = (
            f"{opening(called(name))} scores {number(abs(gap), 1)} "
            f"{'higher' if gap >= 0 else 'lower'} than the null model, which knows no theory "
            f"(standard error {number(error, 1)}; {against_error(gap, error, len(by_case))})."
        )
        out.append(Said(text, score_marks(results, key, name, NULL)))
    return out


def carry_sentence(results: Results, key: tuple[str, str]) -> Said | None:
    """Name the cases that carry the difference between the two best theories."""
    names = list(results.comparison[key].index)
    if len(names) < 2:
        return None
    first, second = names[:2]
    scores = results.scores[key]
    gap, _, by_case = difference(scores[first], scores[second])
    words = case_names(results)
    order = by_case.reindex(by_case.abs().sort_values(ascending=False, kind="stable").index)
    shown = [f"{words.get(c, c)} ({signed(v)})" for c, v in order.iloc[:3].items()]
    top = order.index[0]
    rest = gap - order.iloc[0]
    text = f"The cases that move this difference most are {listed(shown)}. "
    text += f"Without {words.get(top, top)} it would be {signed(rest)}"
    turned = rest < 0 < gap
    text += f", in favour of {called(second)}." if turned else "."
    return Said(text, score_marks(results, key, first, second))


def theatre_sentences(results: Results, information: str) -> list[Said]:
    """Say of each theatre which theory predicts it best without having seen it."""
    key = (information, "theatre")
    if key not in results.comparison or len(results.comparison[key]) < 2:
        return []
    out = []
    for theatre, sums in theatre_scores(results, information).items():
        order = sums[list(results.comparison[key].index)].sort_values(ascending=False)
        first, second = order.index[:2]
        cases = cases_of(results)[theatre]
        gap, error, _ = difference(results.scores[key][first], results.scores[key][second], cases)
        text = (
            f"Trained without {place(theatre)}, {called(first)} predicts its "
            f"{count(len(cases), 'case')} best ({number(order.iloc[0], 1)}), {called(second)} next "
            f"({number(order.iloc[1], 1)}): a difference of {number(gap, 1)} with a standard error "
            f"of {number(error, 1)}, {against_error(gap, error, len(cases))}."
        )
        out.append(Said(text, score_marks(results, key, first, second)))
    return out


def cases_of(results: Results) -> dict[str, list[str]]:
    """Cases by theatre."""
    first = results.data.episodes.groupby("case", sort=False)["theatre"].first()
    return {t: list(first.index[first == t]) for t in dict.fromkeys(first)}


def theatre_scores(results: Results, information: str) -> dict[str, pd.Series]:
    """Scores of theories by theatre that was left out."""
    scores = results.scores[information, "theatre"]
    by_case = pd.DataFrame({name: pointwise(score) for name, score in scores.items()})
    return {t: by_case.loc[cases].sum() for t, cases in cases_of(results).items()}


def variant_sentences(results: Results, key: tuple[str, str]) -> list[Said]:
    """Set fits that leave codings unread beside the fits that read them."""
    scores, order = results.scores[key], list(results.comparison[key].index)
    out = []
    for base in order:
        rival = next((n for n in order if n != base), None)
        for name in variants_of(results, base, scores):
            gap, error, _ = difference(scores[name], scores[base])
            text = (
                f"Fitted {name.partition(', ')[2]}, {called(base)} scores "
                f"{number(scores[name].elpd, 1)}, a change of {signed(gap)} with a standard error "
                f"of {number(error, 1)}"
            )
            if rival:
                lead, doubt, by_case = difference(scores[name], scores[rival])
                text += (
                    f". It is then {number(abs(lead), 1)} {'above' if lead >= 0 else 'below'} "
                    f"{called(rival)} (standard error {number(doubt, 1)}; "
                    f"{against_error(lead, doubt, len(by_case))})"
                )
            marks = score_marks(results, key, base, name, *([rival] if rival else []))
            out.append(Said(f"{text}.", marks))
    return out


def comparison_rows(results: Results, key: tuple[str, str]) -> list[dict[str, Any]]:
    """Rows of a comparison's table, best first; fits outside the weights come last."""
    table, scores = results.comparison[key], results.scores[key]
    first = table.index[0]
    spoiled = [name for name in table.index if score_marks(results, key, name)]
    rows = []
    for name in [*table.index, *(n for n in scores if n not in table.index)]:
        gap, error, _ = difference(scores[name], scores[first])
        inside = name in table.index
        rows.append(
            {
                "name": name,
                "elpd": number(scores[name].elpd, 1),
                "se": number(scores[name].se, 1),
                "gap": number(gap, 1) if name != first else "best",
                "error": number(error, 1) if name != first else MISSING,
                "weight": number(float(table["weight"][name])) if inside else "not weighted",
                "marks": score_marks(results, key, name),
                "weight_marks": (f"weights rest on {listed(spoiled)}",)
                if spoiled and inside
                else (),
                "gap_marks": score_marks(results, key, name, first) if name != first else (),
            }
        )
    return rows


def comparison_sections(results: Results) -> list[dict[str, Any]]:
    """One section a comparison: sentences and table."""
    out = []
    for key in results.comparison:
        information, by = key
        said: list[Said | None] = [best_sentence(results, key), carry_sentence(results, key)]
        said += null_sentences(results, key)
        if by == "theatre":
            said += theatre_sentences(results, information)
        said += variant_sentences(results, key)
        out.append(
            {
                "id": f"compare-{by}-{information}",
                "title": opening(f"{BY_WORDS[by]}; {INFORMATION_WORDS[information]}"),
                "setting": f"{BY_WORDS[by]}; {INFORMATION_WORDS[information]}",
                "said": [s for s in said if s],
                "rows": comparison_rows(results, key),
                "theatres": by_theatre_rows(results, information) if by == "theatre" else None,
            }
        )
    return out


def by_theatre_rows(results: Results, information: str) -> dict[str, Any]:
    """Table of scores by theatre left out and theory."""
    key = (information, "theatre")
    sums = theatre_scores(results, information)
    return {
        "names": list(results.scores[key]),
        "rows": [
            {
                "theatre": place(theatre),
                "cases": len(cases_of(results)[theatre]),
                "cells": [
                    Said(number(row[name], 1), score_marks(results, key, name))
                    for name in results.scores[key]
                ],
                "best": row[list(results.comparison[key].index)].idxmax(),
            }
            for theatre, row in sums.items()
        ],
    }


def case_tables(results: Results) -> list[dict[str, Any]]:
    """Scores by case: one table a way of leaving out, columns by information and theory."""
    out = []
    words = case_names(results)
    for by in dict.fromkeys(by for _, by in results.scores):
        keys = [key for key in results.scores if key[1] == by]
        columns = [(key, name) for key in keys for name in results.scores[key]]
        values = {(k, n): pointwise(results.scores[k][n]) for k, n in columns}
        rows = []
        for case in values[columns[0]].index:
            best = {
                key: max(results.comparison[key].index, key=lambda n: values[key, n][case])
                for key in keys
            }
            cells = [
                {
                    "text": number(values[key, name][case]),
                    "best": best[key] == name,
                    "refitted": case in refitted(results.scores[key][name]),
                    "marks": _case_marks(results, key, name, case),
                }
                for key, name in columns
            ]
            rows.append({"name": words.get(case, case), "cells": cells})
        out.append(
            {
                "by": by,
                "title": BY_WORDS[by],
                "groups": [
                    (opening(INFORMATION_WORDS[key[0]]), len(results.scores[key])) for key in keys
                ],
                "columns": [name for _, name in columns],
                "rows": rows,
                "any_refitted": any(c["refitted"] for r in rows for c in r["cells"]),
            }
        )
    return out


def _case_marks(results: Results, key: tuple[str, str], name: str, case: str) -> tuple[str, ...]:
    """What spoils the score of one case: its Pareto k, and that the fit failed."""
    k = high_k(results.scores[key][name]).get(case)
    failed = ("fit failed",) if fit_marks(results, name) else ()
    return failed + ((f"Pareto k {number(k)}",) if k is not None else ())


def refitted(score: az.ELPDDataLOO) -> dict[str, float]:
    """Cases that were left out by fitting again, with the Pareto k that asked for it.

    Parameters
    ----------
    score : arviz.ELPDDataLOO
        A theory's score.

    Returns
    -------
    dict of str to float
        Case to Pareto k before the refit.
    """
    before = score.influence_pareto_k
    if before is None or score.pareto_k is None:
        return {}
    pairs = zip(before["case"].values, before.values, score.pareto_k.values, strict=True)
    return {str(c): float(old) for c, old, new in pairs if not old <= score.good_k and new == 0}


# ------------------------------------------------------------------ data


def data_section(results: Results) -> dict[str, Any]:
    """Counts, coded episodes and what to know of them."""
    counts = results.data.describe()
    return {
        "said": [
            counts_sentence(results),
            *designs_sentences(results),
            coding_sentence(results),
            hindsight_sentence(results),
        ],
        "theatres": [opening(place(c)) for c in counts.columns],
        "counts": [(opening(str(i)), [int(v) for v in row]) for i, row in counts.iterrows()],
        "episodes": episode_rows(results),
    }


def counts_sentence(results: Results) -> Said:
    """Say how much data there is."""
    episodes = results.data.episodes
    years = episodes["date"].map(lambda d: pd.Timestamp(d).year)
    cases = episodes["case"].nunique()
    theatres = listed(place(t) for t in dict.fromkeys(episodes["theatre"]))
    return Said(
        f"{count(len(episodes), 'coded decision')} about an alliance between {years.min()} and "
        f"{years.max()} in {theatres}. A refused proposal and what came of it are one case, so "
        f"there are {count(cases, 'case')}. How long the alliances lasted is followed to "
        f"{OBSERVED_UNTIL}. With so few cases expect wide intervals; where they are wide, the "
        "data leave the question open."
        if cases < FEW
        else f"{count(len(episodes), 'coded decision')} about an alliance between {years.min()} "
        f"and {years.max()} in {theatres}, in {count(cases, 'case')}."
    )


def designs_sentences(results: Results) -> list[Said]:
    """Say by theatre how many cases ended in a multilateral design."""
    ended = designs(results.data)
    out = []
    for theatre, cases in cases_of(results).items():
        cells = ended.loc[cases].to_numpy()
        many = int(MULTILATERAL[cells].sum())
        strong = int((cells == CELLS.index(NATO)).sum())
        out.append(
            Said(
                f"In {place(theatre)} {many} of {count(len(cases), 'case')} ended in a "
                f"multilateral alliance, {strong} of them with a strong commitment."
            )
        )
    return out


def coding_sentence(results: Results) -> Said:
    """Say how sure the codings are, and name the least sure."""
    episodes = results.data.episodes
    sure = pd.concat(
        {c: confidence(results.data, "episodes", c) for c in ("proposal", "outcome", "commitment")}
    ).dropna()
    if sure.empty:
        return Said("The tables do not say how sure the codings are.")
    column, row = sure.idxmin()
    low = int((sure < 0.7).sum())
    column = "promise among the clients" if column == "commitment" else column
    return Said(
        f"Coders gave each value the probability that another careful coder would enter the same. "
        f"Of {len(sure)} proposals, outcomes and promises {low} have less than 0.7; the least "
        f"sure is the {column} at {episodes['name'][row]} ({number(float(sure.min()))}). "
        "The models take the codings as they stand."
    )


def hindsight_sentence(results: Results) -> Said:
    """Warn of frames that were coded knowing the outcome."""
    frames = results.data.episodes["frame"].notna().sum()
    if not frames:
        return Said("No frame of gain or loss is coded in these data.")
    return Said(
        f"The {count(int(frames), 'coded frame')} of gain or loss follow an account that was "
        "written knowing what was chosen."
    )


def episode_rows(results: Results) -> list[dict[str, Any]]:
    """Rows of the table of episodes."""
    data = results.data
    sure = {
        c: confidence(data, "episodes", c) for c in ("proposal", "outcome", "frame", "commitment")
    }
    rows = []
    for i, row in data.episodes.iterrows():
        cells = [
            (MISSING, "")
            if pd.isna(row[column])
            else (
                label(str(row[column])),
                "" if pd.isna(values[i]) else number(float(values[i])),
            )
            for column, values in sure.items()
        ]
        rows.append(
            {
                "name": row["name"],
                "fallback": pd.notna(row["fallback_of"]),
                "date": pd.Timestamp(row["date"]).date().isoformat(),
                "theatre": place(row["theatre"]),
                "patron": row["patron"],
                "cells": cells,
                "end": _ending(row),
            }
        )
    return rows


def _ending(row: pd.Series) -> str:
    """How and when a design ended."""
    if pd.isna(row["ended"]):
        return MISSING
    if pd.isna(row["end"]):
        return str(row["ended"]).replace("_", " ")
    return f"{row['ended']} {pd.Timestamp(row['end']).year}"


# ------------------------------------------------------------------ hypotheses


def verdict(probability_: float) -> str:
    """Word for the posterior probability of the expected direction."""
    if probability_ >= SUPPORTED:
        return "supported"
    return "against" if probability_ <= AGAINST else "undecided"


def width_share(row: pd.Series) -> float:
    """Width of the posterior's interval as a share of the prior's."""
    prior = row["prior_upper"] - row["prior_lower"]
    return float((row["upper"] - row["lower"]) / prior) if prior > 0 else math.nan


def hypothesis_sentences(results: Results, name: str) -> list[Said]:
    """Say which hypotheses of a theory are supported, refused or left open, and by what."""
    table = results.hypotheses.get(name)
    if table is None or table.empty:
        return []
    marks = fit_marks(results, name)
    found = table["probability"].map(verdict)
    groups = {v: list(table.index[found == v]) for v in ("supported", "against", "undecided")}
    out = [
        Said(
            f"Of the {count(len(table), 'hypothesis', 'hypotheses')} of {called(name)} the "
            f"posterior {_verdicts(groups, len(table))}.",
            marks,
        )
    ]
    given = [h for h in groups["supported"] if table["prior_probability"][h] >= SUPPORTED]
    if given:
        out.append(
            Said(f"{listed(given)} had as much probability before the data, from the prior alone.")
        )
    silent = prior_only(results, name)
    if silent:
        out.append(Said(f"For {listed(silent)} the prior speaks and the data hardly.", marks))
    return out


def _verdicts(groups: Mapping[str, Sequence[str]], total: int) -> str:
    """Which hypotheses fared how, as what a posterior does."""
    parts = [f"supports {listed(groups['supported'])}"]
    if groups["against"]:
        parts.append(f"speaks against {listed(groups['against'])}")
    if groups["undecided"]:
        left = groups["undecided"]
        parts.append(f"leaves {f'all {total}' if len(left) == total else listed(left)} undecided")
    return listed(parts)


def variants_of(results: Results, name: str, among: Iterable[str]) -> list[str]:
    """Fits of a theory that leave something unread, by their names."""
    return [n for n in among if n not in results.trees and n.partition(", ")[0] == name]


def variant_hypotheses(results: Results, name: str) -> list[Said]:
    """Say what becomes of a theory's hypotheses where codings are left unread."""
    table = results.hypotheses.get(name)
    if table is None or table.empty:
        return []
    out = []
    for other in variants_of(results, name, results.hypotheses):
        found = results.hypotheses[other]["probability"]
        shown = listed(
            f"{h} {probability(p)} (from {probability(table['probability'][h])})"
            for h, p in found.items()
        )
        out.append(
            Said(
                f"Fitted {other.partition(', ')[2]}, the probabilities of the expected directions "
                f"are: {shown}.",
                fit_marks(results, name, other),
            )
        )
    scored = [
        n
        for n in variants_of(results, name, results.scores.get(MAIN, {}))
        if n not in results.hypotheses
    ]
    if scored:
        out.append(
            Said(
                f"These estimates read every coding. How much of {called(name)}'s predictions "
                f"hangs on some of them is shown under the comparison "
                f"({listed(n.partition(', ')[2] for n in scored)})."
            )
        )
    return out


def prior_only(results: Results, name: str) -> list[str]:
    """Hypotheses that the prior moves and the data do not."""
    table = results.sensitivity.get(name)
    if table is None or table.empty:
        return []
    chosen = (table["prior"] > SENSITIVE) & (table["likelihood"] < SENSITIVE)
    return [str(h) for h in table.index[chosen]]


def sensitivity_words(row: pd.Series | None) -> tuple[str, bool]:
    """Say what moves an estimate, and whether it is the prior alone."""
    if row is None:
        return "not computed", False
    prior, data = float(row["prior"]), float(row["likelihood"])
    if not math.isfinite(prior + data):
        return "not computed", False
    if prior > SENSITIVE and data < SENSITIVE:
        return "the prior speaks, the data hardly", True
    if prior > SENSITIVE:
        return "prior and data both move it", False
    return ("the data move it" if data >= SENSITIVE else "neither moves it much"), False


def hypothesis_rows(results: Results, name: str) -> list[dict[str, Any]]:
    """Rows of a theory's table of hypotheses."""
    table = results.hypotheses.get(name)
    if table is None or table.empty:
        return []
    moved = results.sensitivity.get(name)
    marks = fit_marks(results, name)
    rows = []
    for hypothesis, row in table.iterrows():
        values = None
        if moved is not None and hypothesis in moved.index:
            values = moved.loc[hypothesis]
        words, warn = sensitivity_words(values)
        rows.append(
            {
                "name": hypothesis,
                "words": row["words"],
                "estimand": row["estimand"],
                "expected": row["expected"].replace("-", "−"),
                "estimate": number(row["estimate"]),
                "interval": interval(row["lower"], row["upper"]),
                "probability": probability(row["probability"]),
                "verdict": verdict(row["probability"]),
                "prior": number(row["prior_mean"]),
                "prior_interval": interval(row["prior_lower"], row["prior_upper"]),
                "prior_probability": probability(row["prior_probability"]),
                "share": _share(width_share(row)),
                "moved": words,
                "warn": warn,
                "moved_prior": MISSING if values is None else number(values["prior"]),
                "moved_data": MISSING if values is None else number(values["likelihood"]),
                "finding": row["finding"],
                "marks": marks,
            }
        )
    return rows


def _share(value: float) -> str:
    """Share in per cent, which may exceed 100."""
    return f"{value * 100:.0f}{NBSP}%" if math.isfinite(value) else MISSING


def theory_sections(results: Results) -> list[dict[str, Any]]:
    """One section a theory: what it says, in equations, and its hypotheses."""
    out = []
    for i, (name, tree) in enumerate(results.trees.items()):
        theory = tree.attrs.get("theory", name)
        module = get(theory) if theory in NAMES else None
        equations = (module.__doc__ or "") if module else ""
        out.append(
            {
                "id": f"theory-{i}",
                "name": name,
                "title": opening(called(name)),
                "description": module.DESCRIPTION if module else "",
                "reference": module.REFERENCE if module else "",
                "equations": equations.partition("\n\n")[2].rstrip(),
                "said": hypothesis_sentences(results, name) + variant_hypotheses(results, name),
                "rows": hypothesis_rows(results, name),
            }
        )
    return out


# ------------------------------------------------------------------ checks


def outside(row: pd.Series) -> bool:
    """Whether the observed value lies outside the interval of the replications."""
    return not row["lower"] <= row["observed"] <= row["upper"]


def check_sentence(results: Results, name: str) -> Said | None:
    """Say how much of what happened a fit reproduces."""
    table = results.checks.get(name)
    if table is None or table.empty:
        return None
    out = [str(row["description"]) for _, row in table.iterrows() if outside(row)]
    text = (
        f"For {called(name)} {len(table) - len(out)} of "
        f"{count(len(table), 'observed quantity', 'observed quantities')} lie within the "
        f"{percent_level()} interval of the replications"
    )
    text += f"; outside: {'; '.join(out)}." if out else "."
    return Said(text, fit_marks(results, name))


def check_section(results: Results) -> dict[str, Any]:
    """Sentences and table of the checks."""
    names = [n for n, table in results.checks.items() if not table.empty]
    quantities = dict.fromkeys(q for n in names for q in results.checks[n].index)
    rows = []
    for quantity in quantities:
        found = {
            n: results.checks[n].loc[quantity] for n in names if quantity in results.checks[n].index
        }
        some = next(iter(found.values()))
        digits = 1 if quantity.startswith("years") else 2
        rows.append(
            {
                "words": opening(some["description"]),
                "observed": number(some["observed"], digits),
                "cells": [_check_cell(results, n, found.get(n), digits) for n in names],
            }
        )
    said = [check_sentence(results, name) for name in names]
    return {"names": names, "rows": rows, "said": [s for s in said if s]}


def _check_cell(results: Results, name: str, row: pd.Series | None, digits: int) -> dict[str, Any]:
    """Cell of the table of checks."""
    if row is None:
        return {"text": MISSING, "interval": "", "tail": "", "outside": False, "marks": ()}
    return {
        "text": number(row["mean"], digits),
        "interval": interval(row["lower"], row["upper"], digits),
        "tail": probability(row["tail"]),
        "outside": outside(row),
        "marks": fit_marks(results, name),
    }


# ------------------------------------------------------------------ forecasts


def forecast_row(results: Results, scenario: str, theory: str, cell: str) -> pd.Series | None:
    """Find one probability of a forecast."""
    table = results.forecasts[scenario]
    rows = table[(table["theory"] == theory) & (table["cell"] == cell)]
    return None if rows.empty else rows.iloc[0]


def main_forecast(results: Results) -> str:
    """Whose forecast speaks in the sentences: the stacked one, if there is one."""
    tables = results.forecasts.values()
    stacked = all(STACKED in set(t["theory"]) for t in tables)
    return STACKED if stacked else str(next(iter(results.trees)))


def scenario_sentence(results: Results, name: str) -> Said:
    """Say what a scenario gives a multilateral alliance with a strong commitment."""
    who = main_forecast(results)
    table = results.forecasts[name]
    rows = table[table["theory"] == who].set_index("cell")
    target, top = rows.loc[NATO], rows["probability"].astype(float).idxmax()
    many = sum(float(rows["probability"][c]) for c in CELLS if c.startswith("multilateral"))
    voice = _stacked_words(results) if who == STACKED else called(who)
    end = (
        "No other design is likelier."
        if top == NATO
        else f"Likeliest is {_cell_words(top)} ({percent(rows['probability'][top])})."
    )
    return Said(
        f"In the scenario “{results.scenarios[name].title}” {voice} "
        f"{'give' if who == STACKED else 'gives'} a multilateral alliance with a strong commitment "
        f" {percent(target['probability'])} ({percent_level()} interval "
        f"{percents(target['lower'], target['upper'])}), and a multilateral alliance of any "
        f"commitment {percent(many)}. {end}",
        forecast_marks(results, who),
    )


def _stacked_words(results: Results) -> str:
    """Name the stacked forecast, and the theory that it comes down to, if it does."""
    weights = results.weights if MAIN in results.comparison else {}
    alone = [name for name, weight in weights.items() if weight >= ONE_VOICE]
    return (
        f"the theories stacked ({alone[0]} has nearly all the weight)"
        if alone
        else ("the theories stacked")
    )


def _cell_words(cell: str) -> str:
    """A cell in a sentence."""
    if cell == "none":
        return "no alliance"
    reach, _, commitment = cell.partition("_")
    return f"a {reach} alliance with a {commitment} commitment"


def change_sentence(results: Results) -> Said | None:
    """Say how far the scenarios move the probability of a multilateral strong alliance."""
    if len(results.forecasts) < 2:
        return None
    who = main_forecast(results)
    rows = {
        n: row
        for n in results.forecasts
        if (row := forecast_row(results, n, who, NATO)) is not None
    }
    order = sorted(rows, key=lambda n: float(rows[n]["probability"]))
    low, high = rows[order[0]], rows[order[-1]]
    points = (high["probability"] - low["probability"]) * 100
    overlap = low["upper"] >= high["lower"]
    titles = {n: results.scenarios[n].title for n in order}
    return Said(
        f"From the scenario least favourable to it (“{titles[order[0]]}”) to the most favourable "
        f"(“{titles[order[-1]]}”) the probability of a multilateral alliance with a strong "
        f"commitment rises by {number(points, 0)} percentage points. The two intervals "
        + (
            "overlap; how sure the change itself is, they do not say, since both share the "
            "uncertainty of the same fits."
            if overlap
            else "do not overlap."
        ),
        forecast_marks(results, who),
    )


def weights_sentence(results: Results) -> Said | None:
    """Say with what weights the forecasts are stacked, and whether one theory speaks alone."""
    if MAIN not in results.comparison or main_forecast(results) != STACKED:
        return None
    weights = results.weights
    shown = listed(f"{name} {number(w)}" for name, w in weights.items())
    text = f"The weights of the stacked forecast are {shown}."
    heaviest = max(weights, key=lambda n: weights[n])
    if weights[heaviest] >= ONE_VOICE:
        text += f" It is therefore hardly more than the forecast of {called(heaviest)}."
    if variants_of(results, heaviest, results.scores[MAIN]):
        text += (
            f" They come from fits that read every coding; the comparison shows how "
            f"{called(heaviest)} scores where some are left unread."
        )
    return Said(text, score_marks(results, MAIN, *results.trees))


def disagreement_sentence(results: Results) -> Said | None:
    """Say where the theories disagree most."""
    spread = []
    for scenario in results.forecasts:
        rows = {n: forecast_row(results, scenario, n, NATO) for n in results.trees}
        found = {n: float(r["probability"]) for n, r in rows.items() if r is not None}
        if len(found) > 1:
            low, high = min(found, key=found.__getitem__), max(found, key=found.__getitem__)
            spread.append((found[high] - found[low], scenario, low, high, found))
    if not spread:
        return None
    _, scenario, low, high, found = max(spread, key=lambda s: s[0])
    return Said(
        f"The fits are furthest apart in the scenario “{results.scenarios[scenario].title}”, from "
        f"{percent(found[low])} ({called(low)}) to {percent(found[high])} ({called(high)}).",
        fit_marks(results, low, high),
    )


def forecast_section(results: Results) -> dict[str, Any] | None:
    """Sentences, scenarios and tables of the forecasts."""
    if not results.forecasts:
        return None
    said = [scenario_sentence(results, n) for n in results.forecasts]
    more = (change_sentence(results), disagreement_sentence(results), weights_sentence(results))
    said += [s for s in more if s]
    return {
        "title": forecast_title(results),
        "said": said,
        "differ": scenario_differences(list(results.scenarios.values())),
        "scenarios": [
            {
                "id": f"scenario-{i}",
                "scenario": results.scenarios[name],
                "notes": " ".join(results.scenarios[name].notes.split()),
                "warnings": [
                    opening(w) for w in scenario_warnings(results.scenarios[name], results.data)
                ],
                **forecast_table(results, name),
            }
            for i, name in enumerate(results.forecasts)
        ],
    }


def forecast_title(results: Results) -> str:
    """The question that the forecasts answer."""
    asian = any(s.theatre == "asia" for s in results.scenarios.values())
    return "What would bring an Asian NATO?" if asian else "Which alliances would come of what?"


def forecast_table(results: Results, name: str) -> dict[str, Any]:
    """Table of one scenario: rows by cell, columns by theory."""
    names = list(dict.fromkeys(results.forecasts[name]["theory"]))
    marks = {n: forecast_marks(results, n) for n in names}
    rows = []
    for cell in CELLS:
        cells = []
        for theory in names:
            row = forecast_row(results, name, theory, cell)
            shown = (MISSING, "")
            if row is not None:
                shown = (percent(row["probability"]), percents(row["lower"], row["upper"]))
            cells.append((*shown, marks[theory]))
        rows.append({"cell": label(cell), "target": cell == NATO, "cells": cells})
    return {"columns": names, "rows": rows}


def scenario_facts(scenario: Scenario) -> dict[str, str]:
    """What a scenario supposes, by name of the fact."""
    facts = {
        "Patron": scenario.patron,
        "Adversary": scenario.adversary,
        "Theatre": place(scenario.theatre),
        "Year": str(scenario.year),
        "Looks to": str(scenario.horizon),
        "Clients": listed(scenario.clients),
        "Who presses for it": INITIATIVES.get(scenario.initiative, scenario.initiative),
        "Stated threat": scenario.statement or "not given",
    }
    for level in COMMITMENTS:
        facts[f"Clients' promise to each other: {level}"] = percent(scenario.commitment[level])
    for key, value in scenario.threat.items():
        facts[f"Threat: {_column(key)}"] = f"{value:g}"
    for client, row in scenario.clients.items():
        for key, value in row.items():
            facts[f"{client}: {_column(key)}"] = _value(value)
    return facts


def _column(key: str) -> str:
    """A column's name in words."""
    return key.replace("_km", " in km").replace("_", " ")


def _value(value: object) -> str:
    """A value of a scenario."""
    if value is None:
        return "not given"
    return f"{value:,g}" if isinstance(value, (int, float)) else str(value)


def scenario_differences(scenarios: Sequence[Scenario]) -> dict[str, Any]:
    """What scenarios have in common and in what they differ."""
    facts = [scenario_facts(s) for s in scenarios]
    rows, same = [], []
    for key in dict.fromkeys(k for f in facts for k in f):
        absent = "as in the last year of the data" if key.startswith("Threat") else MISSING
        values = [f.get(key, absent) for f in facts]
        if len(set(values)) > 1:
            rows.append((key, values))
        else:
            same.append((key, values[0]))
    return {"titles": [s.title for s in scenarios], "rows": rows, "same": same}


# ------------------------------------------------------------------ trust


def trust_section(results: Results) -> dict[str, Any]:
    """Diagnostics, Pareto k and warnings."""
    problems = [p for d in results.diagnostics.values() for p in d.get("problems", ())]
    return {
        "said": [diagnostics_sentence(results), refit_sentence(results)],
        "rows": diagnostic_rows(results),
        "pareto": pareto_rows(results),
        "warnings": [
            (opening(w), any(p in w for p in problems) or w.startswith("Pareto k"))
            for w in results.warnings
        ],
    }


def diagnostics_sentence(results: Results) -> Said:
    """Say how many fits passed."""
    failed = [n for n, d in results.diagnostics.items() if d.get("problems")]
    total = len(results.diagnostics)
    if not failed:
        return Said(
            f"All {count(total, 'fit')} pass every diagnostic."
            if total > 1
            else "The fit passes every diagnostic."
        )
    return Said(
        f"{len(failed)} of {count(total, 'fit')} fail a diagnostic: {listed(failed)}. Their "
        "numbers are not to be trusted wherever they appear.",
        fit_marks(results, *failed),
    )


def refit_sentence(results: Results) -> Said:
    """Say which cases were left out by fitting again."""
    words = case_names(results)
    found: dict[str, list[str]] = {}
    for key, scores in results.scores.items():
        if key[1] != "episode":
            continue
        for name, score in scores.items():
            for case in refitted(score):
                names = found.setdefault(words.get(case, case), [])
                names += [name] if name not in names else []
    left = any(high_k(s) for scores in results.scores.values() for s in scores.values())
    if not found:
        return Said(
            "Some Pareto k are too high and were not mended by fitting again."
            if left
            else "Every Pareto k is low enough; no case had to be left out by fitting again."
        )
    cases = listed(f"{case} ({'; '.join(names)})" for case, names in found.items())
    return Said(
        "Where Pareto k was too high, the model was fitted again without the case, so that the "
        f"score is exact: {cases}. Diagnostics of these further fits are not shown."
    )


def diagnostic_rows(results: Results) -> list[dict[str, Any]]:
    """Rows of the table of diagnostics; each cell is (text, where, failed)."""
    rows = []
    for name, found in results.diagnostics.items():
        cells = [
            (
                number(found["rhat_max"], 3),
                found.get("rhat_max_at", ""),
                not found["rhat_max"] <= RHAT_MAX,
            ),
            *(
                (number(found[key], 0), found.get(f"{key}_at", ""), not found[key] >= ESS_MIN)
                for key in ("ess_bulk_min", "ess_tail_min")
            ),
            (str(found["divergences"]), "", found["divergences"] != 0),
            (number(found["ebfmi_min"]), "", not found["ebfmi_min"] >= EBFMI_MIN),
            (number(found.get("seconds", math.nan), 0), "", False),
        ]
        problems = list(found.get("problems", ()))
        rows.append(
            {"name": name, "cells": cells, "problems": problems, "verdict": found["verdict"]}
        )
    return rows


def pareto_rows(results: Results) -> list[dict[str, Any]]:
    """Highest Pareto k by theory, where one case is left out at a time."""
    words = case_names(results)
    found: dict[tuple, list[str]] = {}
    keys = [key for key in results.scores if key[1] == "episode"]
    for key, name in [(k, n) for k in keys for n in results.scores[k]]:
        score = results.scores[key][name]
        k = score.pareto_k if score.influence_pareto_k is None else score.influence_pareto_k
        if k is None:
            continue
        at = int(np.argmax(np.where(np.isnan(k.values), np.inf, k.values)))
        case = str(k["case"].values[at])
        row = (
            name,
            number(float(k.values[at])),
            words.get(case, case),
            number(score.good_k),
            listed(words.get(c, c) for c in refitted(score)),
            tuple(f"{words.get(c, c)} {number(v)}" for c, v in high_k(score).items()),
        )
        found.setdefault(row, []).append(INFORMATION_WORDS[key[0]])
    columns = ("name", "k", "at", "good", "refitted", "left")
    return [
        dict(zip(columns, row, strict=True), marks=fit_marks(results, row[0]))
        | {"information": "any" if len(said) == len(keys) > 1 else opening("; ".join(said))}
        for row, said in found.items()
    ]


# ------------------------------------------------------------------ methods and references


def methods_section(results: Results) -> dict[str, Any]:
    """Settings, versions and the command to reproduce."""
    return {
        "settings": [
            {
                "name": name,
                "cells": [str(tree.attrs.get(k, MISSING)) for k in ("chains", "draws", "tune")]
                + [str(tree.attrs.get("seed", MISSING)), str(tree.attrs.get("sampler", MISSING))],
                "priors": str(tree.attrs.get("priors_hash", MISSING))[:12],
                "changed": bool(tree.attrs.get("priors_changed")),
            }
            for name, tree in results.trees.items()
        ],
        "versions": version_rows(results),
        "data": results.data.name,
        "hash": results.data.hash,
        "command": command(results),
    }


def version_rows(results: Results) -> list[tuple[str, str]]:
    """Versions of the fits; of this page's packages where a fit does not say."""
    rows = []
    for name, now in versions().items():
        found = [str(t.attrs.get(f"version_{name}", now)) for t in results.trees.values()]
        rows.append((name, listed(dict.fromkeys(found)) if found else now))
    return rows


def command(results: Results) -> str:
    """Command that makes the report again; empty if the tables are not the bundled ones."""
    names = results.data.name.split("+")
    if not set(names) == set(THEATRES) or load(*names).hash != results.data.hash:
        return ""
    attrs = [tree.attrs for tree in results.trees.values()]
    if any(a.get("priors_changed") for a in attrs) or set(results.trees) != set(NAMES):
        return ""
    default = {"draws": 1000, "tune": 1000, "chains": 4, "seed": 1}
    options = "".join(
        f" --{key} {attrs[0][key]}"
        for key, value in default.items()
        if attrs[0].get(key, value) != value
    )
    return f"bayes-alliance reproduce --out reports/latest{options}"


def references() -> list[dict[str, str]]:
    """References of the two articles, from the sources that travel with the data."""
    text = bundled("data", "sources.bib").read_text(encoding="utf-8")
    return [_reference(fields) for fields in _entries(text, ("cohen", "hefeng2012"))]


def _entries(text: str, keys: Iterable[str]) -> Iterator[dict[str, str]]:
    """Fields of entries of a BibTeX file that has one field a line."""
    for key in keys:
        found = re.search(rf"^@\w+\{{{re.escape(key)},$(.*?)^\}}$", text, re.M | re.S)
        if found:
            pairs = re.findall(r"^\s*(\w+) = \{(.*)\},?$", found[1], re.M)
            yield {k: v.replace("{", "").replace("}", "") for k, v in pairs}


def _reference(fields: Mapping[str, str]) -> dict[str, str]:
    """One entry as a reader expects it."""
    authors = fields.get("author", "").replace(" and ", "; ")
    year = f" ({fields['year']})" if "year" in fields else ""
    text = f"{(authors + year).rstrip('.')}. {fields.get('title', '')}."
    if "journal" in fields:
        text += f" {fields['journal']} {fields.get('volume', '')}"
        text += f"({fields['number']})" if "number" in fields else ""
        text += f", {fields['pages'].replace('-', '–')}." if "pages" in fields else "."
    return {"text": text, "note": fields.get("note", ""), "doi": fields.get("doi", "")}


# ------------------------------------------------------------------ the page as a whole


def in_short(results: Results) -> list[Said]:
    """Answers in a few sentences, for the top of the page."""
    out = []
    if MAIN in results.comparison:
        out.append(best_sentence(results, MAIN))
        out += variant_sentences(results, MAIN)[-1:]
    for name in results.trees:
        out += hypothesis_sentences(results, name)[:1]
    if results.forecasts:
        out.append(scenario_sentence(results, next(iter(results.forecasts))))
        change = change_sentence(results)
        out += [change] if change else []
    out.append(caution_sentence(results))
    return out


def caution_sentence(results: Results) -> Said:
    """Say how many cases carry it all."""
    cases = results.data.episodes["case"].nunique()
    settled = Counter(
        verdict(p) for t in results.hypotheses.values() for p in t.get("probability", ())
    )
    text = f"All of this rests on {count(cases, 'case')}"
    if cases < FEW:
        text += "; standard errors from fewer than about 100 are themselves unsure"
    total = sum(settled.values())
    if total:
        text += f". {settled['undecided']} of {count(total, 'hypothesis', 'hypotheses')} "
        text += "stay" if settled["undecided"] != 1 else "stays"
        text += " undecided"
    return Said(text + ".")


def pictures(figures: Mapping[str, Figure], svgs: Mapping[str, str]) -> dict[str, list[Picture]]:
    """Figures by section, numbered in the order of the page."""
    order = ("data", "theory", "fit", "compare", "check", "forecast", "other")
    out: dict[str, list[Picture]] = {section: [] for section in order}
    there = [(slug, figure) for slug, figure in figures.items() if slug in svgs]
    section_of = {slug: f.section if f.section in order else "other" for slug, f in there}
    there.sort(key=lambda item: order.index(section_of[item[0]]))
    for n, (slug, figure) in enumerate(there, start=1):
        code = base64.b64encode(svgs[slug].encode()).decode()
        out[section_of[slug]].append(
            Picture(
                number=n,
                slug=slug,
                title=figure.title,
                caption=figure.caption,
                alt=figure.alt,
                uri=f"data:image/svg+xml;base64,{code}",
            )
        )
    return out
