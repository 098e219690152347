"""What would come of a decision: the forecasts and what their scenarios suppose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from bayes_alliance.forecast.beyond import warnings as scenario_warnings
from bayes_alliance.forecast.forecast import STACKED
from bayes_alliance.forecast.scenario import Scenario
from bayes_alliance.process.cells import CELLS, COMMITMENTS, label
from bayes_alliance.report.page.answers import (
    answers,
    expected_table,
    groupings_table,
    rung_table,
)
from bayes_alliance.report.page.marks import Said, fit_marks, forecast_marks
from bayes_alliance.report.page.tables import lines, note, red, table
from bayes_alliance.report.page.words import (
    LEVEL,
    MISSING,
    called,
    number,
    opening,
    percent,
    percents,
    variants_of,
)
from bayes_alliance.report.results import MAIN, Results
from bayes_alliance.report.words import PLACES, if_decided, listed

ONE_VOICE = 0.95
"""A stacking weight from which on the stacked forecast is one theory's."""
NATO = CELLS[-1]
"""The design that the question of an Asian NATO asks about."""
KINDS = {
    "none": "no alliance",
    "bilateral": "a bilateral alliance",
    "trilateral": "a trilateral alliance",
    "multilateral": "a multilateral alliance",
}
"""Kinds of design in a sentence."""


def probabilities(results: Results, scenario: str, theory: str) -> pd.DataFrame:
    """A theory's probabilities of the designs, with their intervals, by cell."""
    table = results.forecasts[scenario]
    return table[table["theory"] == theory].set_index("cell")


def scenario_sentence(results: Results, name: str) -> Said:
    """Say what a scenario gives a multilateral alliance, if decided and whether or not it is."""
    scenario, rows = results.scenarios[name], probabilities(results, name, STACKED)
    # kinds are compared with kinds: a cell is part of one
    kinds = {
        kind: float(rows["probability"].to_numpy() @ [c.partition("_")[0] == kind for c in CELLS])
        for kind in dict.fromkeys(cell.partition("_")[0] for cell in CELLS)
    }
    target, top = rows.loc[NATO], max(kinds, key=kinds.__getitem__)
    alone = [theory for theory, weight in results.weights.items() if weight >= ONE_VOICE]
    text = (
        f"In the scenario “{scenario.title}”, {if_decided(scenario)}, the "
        f"theories stacked {f'({alone[0]} has nearly all the weight) ' if alone else ''}"
        "give a multilateral alliance with a strong commitment "
        f"{percent(target['probability'])} ({LEVEL} interval "
        f"{percents(target['lower'], target['upper'])}), and a multilateral alliance of any "
        f"commitment {percent(kinds['multilateral'])}"
    )
    text += (
        ", the likeliest kind of design."
        if top == "multilateral"
        else f"; the likeliest kind of design is {KINDS[top]} ({percent(kinds[top])})."
    )
    return Said(text, forecast_marks(results, STACKED))


def change_sentence(results: Results) -> Said | None:
    """Say how far the scenarios move the probability of a multilateral strong alliance."""
    if len(results.forecasts) < 2:
        return None
    rows = {n: probabilities(results, n, STACKED).loc[NATO] for n in results.forecasts}
    order = sorted(rows, key=lambda n: rows[n]["probability"])
    low, high = rows[order[0]], rows[order[-1]]
    points = (high["probability"] - low["probability"]) * 100
    overlap = low["upper"] >= high["lower"]
    least, most = (results.scenarios[n].title for n in (order[0], order[-1]))
    return Said(
        f"From the scenario least favourable to it (“{least}”) to the most favourable "
        f"(“{most}”) the probability of a multilateral alliance with a strong "
        f"commitment, {if_decided(*results.scenarios.values())}, rises by "
        f"{number(points, 0)} percentage points. The two intervals "
        + (
            "overlap; how sure the change itself is, they do not say, since both share the "
            "uncertainty of the same fits."
            if overlap
            else "do not overlap."
        ),
        forecast_marks(results, STACKED),
    )


def weights_sentence(results: Results) -> Said:
    """Say with what weights the forecasts are stacked, and whether one theory speaks alone."""
    weights = results.weights
    shown = listed(f"{name} {number(w)}" for name, w in weights.items())
    text = f"The weights of the stacked forecast are {shown}."
    heaviest = max(weights, key=lambda n: weights[n])
    if weights[heaviest] >= ONE_VOICE:
        text += f" It is therefore hardly more than the forecast of {called(heaviest)}."
    if variants_of(results, heaviest, results.scores[MAIN]):
        text += (
            " They come from fits that read every coding; the comparison shows how "
            f"{called(heaviest)} scores where some are left unread."
        )
    return Said(text, forecast_marks(results, STACKED))


def disagreement_sentence(results: Results) -> Said:
    """Say where the theories disagree most."""
    found = {
        scenario: {
            n: probabilities(results, scenario, n).loc[NATO, "probability"] for n in results.trees
        }
        for scenario in results.forecasts
    }
    scenario = max(found, key=lambda s: max(found[s].values()) - min(found[s].values()))
    values = found[scenario]
    low, high = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
    return Said(
        f"The fits are furthest apart in the scenario “{results.scenarios[scenario].title}”, "
        f"{if_decided(results.scenarios[scenario])}, from "
        f"{percent(values[low])} ({called(low)}) to {percent(values[high])} ({called(high)}).",
        fit_marks(results, low, high),
    )


def forecast_section(results: Results) -> dict[str, Any] | None:
    """Sentences, scenarios and tables of the forecasts."""
    if not results.forecasts:
        return None
    said = [scenario_sentence(results, n) for n in results.forecasts]
    change = change_sentence(results)
    said += [change] if change else []
    said += [disagreement_sentence(results), weights_sentence(results)]
    titles = [s.title for s in results.scenarios.values()]
    differ, same = scenario_differences(list(results.scenarios.values()))
    return {
        "title": forecast_title(results),
        "said": said,
        "table": scenario_table(titles, differ) if differ else "",
        "same": same,
        "scenarios": [
            {
                "id": f"scenario-{i}",
                "scenario": results.scenarios[name],
                "notes": " ".join(results.scenarios[name].notes.split()),
                "warnings": [
                    opening(w) for w in scenario_warnings(results.scenarios[name], results.data)
                ],
                "table": forecast_table(results, name, f"scenario-{i}"),
                "said": answers(results, name),
                "years": rung_table(results, name, f"scenario-{i}")
                if name in results.outlooks
                else "",
            }
            for i, name in enumerate(results.forecasts)
        ],
        "expected": expected_table(results),
        "groupings": groupings_table(results),
    }


def forecast_title(results: Results) -> str:
    """The question that the forecasts answer."""
    asian = any(s.theatre == "asia" for s in results.scenarios.values())
    return "What would bring an Asian NATO?" if asian else "Which alliances would come of what?"


def forecast_table(results: Results, name: str, id_: str) -> Markup:
    """Table of one scenario: rows are designs, columns are theories."""
    names = list(dict.fromkeys(results.forecasts[name]["theory"]))
    marks = {n: forecast_marks(results, n) for n in names}
    found = {n: probabilities(results, name, n) for n in names}
    target = Markup('<span class="target">{}</span>').format(label(NATO))
    rows = []
    for cell in CELLS:
        cells = [
            lines(
                percent(probs.at[cell, "probability"]),
                note(percents(probs.at[cell, "lower"], probs.at[cell, "upper"])),
                *map(red, marks[n]),
            )
            for n, probs in found.items()
        ]
        rows.append([target if cell == NATO else label(cell), *cells])
    return table(
        f"table-{id_}",
        f"Probability of each design, with {LEVEL} intervals, "
        f"{if_decided(results.scenarios[name])}: {results.scenarios[name].title}.",
        ["Design", *names],
        rows,
    )


def scenario_facts(scenario: Scenario) -> dict[str, str]:
    """What a scenario supposes, by name of the fact."""
    facts = {
        "Patron": scenario.patron,
        "Adversary": scenario.adversary,
        "Theatre": opening(PLACES[scenario.theatre]),
        "Year": str(scenario.year),
        "Looks to": str(scenario.horizon),
        "Clients": listed(scenario.clients),
        "Who presses for it": f"the {scenario.initiative}",
        "Stated threat": _value(scenario.statement),
        "Today": scenario.today.replace("_", ", "),
    }
    for level in COMMITMENTS:
        facts[f"Clients' promise to each other: {level}"] = percent(scenario.commitment[level])
    if scenario.certainty is not None:
        facts["Clients' promise to each other: like cases it is worth"] = _value(scenario.certainty)
    for key, value in scenario.threat.items():
        facts[f"Threat: {_column(key)}"] = _value(value)
    for column, values in scenario.path.items():
        for year, value in values.items():
            facts[f"Threat: {_column(column)} from {year}"] = _value(value)
    for client, row in scenario.clients.items():
        for key, value in row.items():
            facts[f"{client}: {_column(key)}"] = _value(value)
    for one in scenario.interventions:
        for key, new in one.values.items():
            where = _column(key.removeprefix("clients.").replace(".", ": "))
            facts[f"{one.first} to {one.last}, {where}"] = _value(new)
    return facts


def _column(key: str) -> str:
    """A column's name in words."""
    return key.replace("_km", " in km").replace("_", " ")


def _value(value: object) -> str:
    """A value of a scenario."""
    if value is None:
        return "not given"
    return f"{value:,g}" if isinstance(value, (int, float)) else str(value)


def scenario_differences(
    scenarios: Sequence[Scenario],
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """In what scenarios differ, with a value for each, and what they have in common."""
    facts = [scenario_facts(s) for s in scenarios]
    differ: dict[str, list[str]] = {}
    same: dict[str, str] = {}
    for key in dict.fromkeys(k for f in facts for k in f):
        absent = "as in the last year of the data" if key.startswith("Threat") else MISSING
        values = [f.get(key, absent) for f in facts]
        if len(set(values)) > 1:
            differ[key] = values
        else:
            same[key] = values[0]
    return differ, same


def scenario_table(titles: Sequence[str], differ: Mapping[str, Sequence[str]]) -> Markup:
    """Table of what scenarios suppose, where they differ."""
    return table(
        "table-scenarios",
        "What the scenarios suppose, where they differ.",
        ["Supposed", *titles],
        [[fact, *values] for fact, values in differ.items()],
        words=titles,
        wide=True,
    )
