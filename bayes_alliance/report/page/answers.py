"""What becomes of a grouping by a year, what changes it, and what the articles expect of it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from markupsafe import Markup

from bayes_alliance.forecast.answers import DECIDED
from bayes_alliance.forecast.forecast import STACKED
from bayes_alliance.forecast.horizon import RUNGS
from bayes_alliance.forecast.scenario import read
from bayes_alliance.process.cells import CELLS, label
from bayes_alliance.report.outlook import DECIDED as IN_SHORT
from bayes_alliance.report.page.marks import Said, fit_marks, forecast_marks
from bayes_alliance.report.page.tables import lines, note, red, table
from bayes_alliance.report.page.words import (
    LEVEL,
    NBSP,
    called,
    interval,
    number,
    opening,
    percent,
    percents,
    signed,
)
from bayes_alliance.report.results import DECISIONS, Results
from bayes_alliance.report.words import LEAST, if_decided, listed, mover_words

ASKED = 0.5
"""Probability of a multilateral design of which the page says what it would take."""
AGES = (10, 20)
"""Years after which the page asks whether a design still stands."""
EXPECTED = (
    (
        "occupation",
        "Cohen: if China's forces or behaviour make its military occupation of states such as "
        "Japan, Australia and the Philippines more credible in their eyes, the Quad may come to "
        "look like a multilateral defensive alliance.",
        "quad-credible-occupation",
    ),
    (
        "prospect",
        "He and Feng: if China's rise provokes a region-wide threat that the United States and its "
        "Asian allies share, an Asian NATO led by the United States may come.",
        "quad-credible-occupation",
    ),
    (
        "prospect",
        "He and Feng: if China's peaceful rise allays the suspicions of others, it need not.",
        "quad-de-escalation",
    ),
)
"""Theory, what its article expects, and the scenario that comes nearest to it."""


def year_marks(results: Results, *names: str) -> tuple[str, ...]:
    """What spoils numbers by year: the fits, the weights, and the hazards of decisions."""
    trees = results.trees if STACKED in names else names
    hazards = [f"{n}, {DECISIONS}" for n in trees if f"{n}, {DECISIONS}" in results.diagnostics]
    own = (mark for name in names for mark in forecast_marks(results, name))
    return tuple(dict.fromkeys([*own, *fit_marks(results, *hazards)]))


def _at(frame: pd.DataFrame, **where: object) -> pd.Series:
    """The one row with these values."""
    chosen = frame
    for column, value in where.items():
        chosen = chosen[chosen[column] == value]
    return chosen.iloc[0]


def _points(row: pd.Series) -> str:
    """A difference of probabilities in percentage points, with its interval."""
    ends = interval(100 * row["lower"], 100 * row["upper"], 0)
    return f"{signed(100 * row['difference'], 0)} ({ends})"


def _chance(row: pd.Series) -> str:
    """A probability with its interval."""
    return f"{percent(row['probability'])} ({percents(row['lower'], row['upper'])})"


def answers(results: Results, name: str) -> list[Said]:
    """Sentences of one scenario."""
    if name not in results.outlooks:
        return []
    said = [by_year_sentence(results, name), lasting_sentence(results, name)]
    if results.outlooks[name].contrast is not None:
        said.append(contrast_sentence(results, name))
    return [*said, movers_sentence(results, name), needed_sentence(results, name)]


def by_year_sentence(results: Results, name: str) -> Said:
    """Say whether a decision arises by the horizon, and what the grouping is then."""
    years, last = results.outlooks[name].years, results.scenarios[name].horizon
    arises = _at(years, theory=STACKED, year=last, rung="decision")
    many = _at(years, theory=STACKED, year=last, rung="multilateral")
    alone = {
        n: _at(years, theory=n, year=last, rung="multilateral")["probability"]
        for n in results.trees
    }
    low, high = min(alone, key=alone.__getitem__), max(alone, key=alone.__getitem__)
    return Said(
        f"By the end of {last} a decision about this grouping has arisen with a probability of "
        f"{_chance(arises)}, and it is a multilateral alliance with a probability of "
        f"{_chance(many)}, both with {LEVEL} intervals and the theories stacked; "
        f"{called(low)} alone gives {percent(alone[low])}, {called(high)} {percent(alone[high])}.",
        year_marks(results, STACKED),
    )


def lasting_sentence(results: Results, name: str) -> Said:
    """Say how long a multilateral alliance with a strong commitment would last."""
    frame = results.outlooks[name].lasting
    found = [(age, _at(frame, theory=STACKED, cell=CELLS[-1], age=age)) for age in AGES]
    words = listed(f"{_chance(row)} after {age} years" for age, row in found)
    return Said(
        "A multilateral alliance with a strong commitment, if it were made in "
        f"{results.scenarios[name].year}, would still stand with a probability of {words}.",
        forecast_marks(results, STACKED),
    )


def contrast_sentence(results: Results, name: str) -> Said:
    """Say how far the scenario lies from the status quo, draw by draw."""
    frame, last = results.outlooks[name].contrast, results.scenarios[name].horizon
    assert frame is not None
    decided = _at(frame, theory=STACKED, quantity=DECIDED)
    alone = listed(
        f"{_points(_at(frame, theory=n, quantity=DECIDED))} by {called(n)}" for n in results.trees
    )
    strong = _at(frame, theory=STACKED, quantity="multilateral_strong")
    sure = decided["lower"] > 0 or decided["upper"] < 0
    return Said(
        "Against the status quo of the grouping the probability of a multilateral design, "
        f"{if_decided(results.scenarios[name])}, goes from {percent(decided['before'])} to "
        f"{percent(decided['after'])}, a change of {_points(decided)} percentage points with the "
        f"theories stacked; alone, {alone}. "
        + ("" if sure else "The interval has 0 in it: the direction is not sure. ")
        + f"The probability of a multilateral alliance with a strong commitment by {last} changes "
        f"by {signed(100 * strong['difference'], 1)} points "
        f"({interval(100 * strong['lower'], 100 * strong['upper'], 1)}). These differences are "
        "taken draw by draw of the same fits.",
        year_marks(results, STACKED),
    )


def movers_sentence(results: Results, name: str) -> Said:
    """Say what moves the probability of a multilateral design most, by theory."""
    frame = results.outlooks[name].movers
    words = [f"What moves a multilateral design most, {if_decided(results.scenarios[name])}?"]
    for theory in results.trees:
        own = frame[frame["theory"] == theory]
        single = own[own["low"].notna()]
        best = single.loc[single["difference"].abs().idxmax()]
        if abs(best["difference"]) < LEAST:
            words.append(f"By {called(theory)}, nothing does.")
            continue
        words.append(
            f"By {called(theory)}, {mover_words(best['mover'])}: {_points(best)} percentage points "
            f"from {_value(best['low'])} to {_value(best['high'])}; everything together moves it "
            f"by {_points(_at(own, mover='all'))}."
        )
    return Said(" ".join(words), fit_marks(results, *results.trees))


def needed_sentence(results: Results, name: str) -> Said:
    """Say what each theory would need to see for an even chance of a multilateral design."""
    frame = results.outlooks[name].needed
    words = [f"{opening(called(n))} {_needs(frame[frame['theory'] == n])}." for n in results.trees]
    return Said(
        f"What would give a multilateral design {percent(ASKED)}, "
        f"{if_decided(results.scenarios[name])}? " + " ".join(words),
        fit_marks(results, *results.trees),
    )


def _needs(own: pd.DataFrame) -> str:
    """What one theory would need to see."""
    single = own[own["at"].notna()]
    whole = _at(own, mover="all")
    found = f"{percent(whole['highest'])} ({percents(whole['lower'], whole['upper'])})"
    if single["reached"].all():
        return "gives it that much already"
    reached = single[single["reached"]]
    if len(reached):
        each = (f"{mover_words(r['mover'])} at {_value(r['value'])}" for _, r in reached.iterrows())
        return f"would need one of these: {'; '.join(each)}"
    if whole["reached"]:
        return (
            "gets there by no single change, but with everything at the end that raises it: "
            f"{found}"
        )
    if np.ptp(own["highest"]) < LEAST:
        return f"is moved by nothing, and gives it {found} whatever happens"
    return (
        "does not get there within the range of the data: with everything at the end that raises "
        f"it, it gives {found}"
    )


def _value(value: object) -> str:
    """A value of a mover."""
    if isinstance(value, str):
        return value
    return number(float(value), 0 if float(value).is_integer() else 2)  # type: ignore[arg-type]


def rung_table(results: Results, name: str, id_: str) -> Markup:
    """Table of what a grouping is by the horizon: rows are rungs, columns theories."""
    scenario, years = results.scenarios[name], results.outlooks[name].years
    last = years[years["year"] == scenario.horizon]
    names = list(dict.fromkeys(last["theory"]))
    marks = {n: year_marks(results, n) for n in names}
    rows = [
        [
            "a decision has arisen" if rung == "decision" else label(rung),
            *(_cell(_at(last, theory=n, rung=rung), marks[n]) for n in names),
        ]
        for rung in ("decision", *RUNGS)
    ]
    return table(
        f"table-{id_}-years",
        f"What the grouping is at the end of {scenario.horizon}, with {LEVEL} intervals; today it "
        f"is {label(scenario.today)}: {scenario.title}.",
        ["State", *names],
        rows,
    )


def _cell(row: pd.Series, marks: Iterable[str] = ()) -> Markup:
    """A probability with its interval below."""
    ends = note(percents(row["lower"], row["upper"]))
    return lines(percent(row["probability"]), ends, *map(red, marks))


def expected_table(results: Results) -> Markup:
    """Table of what the articles expect beside what the models of them say; empty if not asked."""
    rows, asked = [], []
    for theory, words, name in EXPECTED:
        found = results.outlooks.get(name)
        if found is None or found.contrast is None or theory not in results.trees:
            continue
        asked.append(results.scenarios[name])
        cells = []
        for who in (theory, STACKED):
            row = _at(found.contrast, theory=who, quantity=DECIDED)
            moved = f"{percent(row['before'])} → {percent(row['after'])}"
            marks = map(red, forecast_marks(results, who))
            cells.append(lines(moved, note(f"{_points(row)} points"), *marks))
        rows.append([words, results.scenarios[name].title, *cells])
    if not rows:
        return Markup()
    return table(
        "table-expected",
        "What the articles expect of Asia, and the probability of a multilateral design, "
        f"{if_decided(*asked)}: from the status quo to the scenario that comes nearest, with the "
        f"difference in percentage points and its {LEVEL} interval.",
        ["The article expects", "Scenario", "Model of the article", STACKED],
        rows,
        words=("The article expects", "Scenario"),
        wide=True,
    )


def groupings_table(results: Results) -> Markup:
    """Table of all scenarios that travel with the package, in short; empty if not asked."""
    frame = results.groupings
    if frame.empty:
        return Markup()
    theories = [*results.trees, STACKED]
    marks = {n: year_marks(results, n) for n in theories}
    rows = []
    for name, own in frame.groupby("scenario", sort=False):
        scenario = read(str(name))
        decided = [
            _cell(_at(own, theory=n, quantity=IN_SHORT), forecast_marks(results, n))
            for n in theories
        ]
        later = [
            _cell(_at(own, theory=STACKED, quantity=q), marks[STACKED])
            for q in ("decision", "multilateral")
        ]
        rows.append([scenario.title, label(scenario.today), *decided, *later])
    asked = [read(str(name)) for name in frame["scenario"].unique()]
    last = {scenario.horizon for scenario in asked}
    return table(
        "table-groupings",
        f"All groupings: the probability of a multilateral design, {if_decided(*asked)}, by "
        f"theory and stacked; and stacked, by the end of {listed(map(str, sorted(last)))}, that a "
        f"decision has arisen and that the grouping is a multilateral alliance. {LEVEL} intervals; "
        "what is uncertain of the inputs stands at its middle here.",
        ["Scenario", "Today", *theories, "Decision", "Multilateral"],
        rows,
        words=("Scenario", "Today"),
        spanners=[("", 1), (f"Multilateral,{NBSP}if decided", len(theories)), ("By the end", 2)],
        wide=True,
    )
