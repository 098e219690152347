"""The year in which a question is decided, and what a scenario dates otherwise.

A forecast of designs is conditional on a decision in one year. What a scenario supposes from a
later year on does not touch that decision: without a year that somebody asked for, such a forecast
is refused, since its scenario's title would promise what its numbers leave out.
"""

from __future__ import annotations

from bayes_alliance.errors import InputError
from bayes_alliance.forecast.sample import holds
from bayes_alliance.forecast.scenario import Scenario
from bayes_alliance.sampling import whole

IF_DECIDED = "if decided"
WHETHER = "decided or not"


def condition(year: int) -> str:
    """The condition of a forecast of designs, for a title.

    Parameters
    ----------
    year : int
        Year of the decision.

    Returns
    -------
    str
        Words.
    """
    return f"{IF_DECIDED} in {year}"


def decision_year(scenario: Scenario, year: int | None = None) -> int:
    """Check the year of a decision; by default the scenario's first.

    Parameters
    ----------
    scenario : Scenario
        What is asked.
    year : int, optional
        Year of the decision.

    Returns
    -------
    int
        The year.

    Raises
    ------
    InputError
        If the year is not one of the scenario's, or none is given and something that the scenario
        supposes begins after the first.
    """
    if year is None:
        for first, what in sorted(_begins(scenario)):
            if first > scenario.year:
                words = (
                    f"a year of the decision, {first} to {scenario.horizon}, or the answer by year "
                    f"(year={first}, on the command line --year {first}; or --by-year): {what} "
                    f"begins in {first}, which a decision in {scenario.year} does not see"
                )
                raise InputError(words, file=scenario.name, column="year", value=scenario.year)
        return scenario.year
    return whole(year, "year", scenario.year, scenario.horizon)


def untouched(scenario: Scenario, year: int) -> list[str]:
    """Say what a scenario supposes that does not touch a decision in some year.

    Parameters
    ----------
    scenario : Scenario
        What is supposed.
    year : int
        Year of the decision.

    Returns
    -------
    list of str
        One sentence each.
    """
    out = [
        f"Intervention {i} holds from {one.first} to {one.last}: a decision in {year} does not "
        "see it."
        for i, one in enumerate(scenario.interventions, start=1)
        if not one.first <= year <= one.last
    ]
    for column, values in scenario.path.items():
        later = [y for y in values if y > year]
        if later:
            out.append(
                f"The path of {column} goes on to {max(later)}: a decision in {year} does not see "
                "what comes after it."
            )
    return out


def years_to_show(scenario: Scenario) -> list[int]:
    """Years of a decision between which the answer differs: the first, and where something begins.

    Parameters
    ----------
    scenario : Scenario
        What is supposed.

    Returns
    -------
    list of int
        Years.
    """
    ends = [scenario.horizon] if any(len(values) > 1 for values in scenario.path.values()) else []
    return sorted({scenario.year, *(first for first, _ in _begins(scenario)), *ends})


def constant(scenario: Scenario) -> bool:
    """Tell whether all that a scenario supposes holds in all of its years.

    Parameters
    ----------
    scenario : Scenario
        What is supposed.

    Returns
    -------
    bool
        Whether no year differs from the first.
    """
    first, *rest = (
        {key: value for key, (_, value) in holds(scenario, year).items()}
        for year in range(scenario.year, scenario.horizon + 1)
    )
    return all(one == first for one in rest)


def _begins(scenario: Scenario) -> list[tuple[int, str]]:
    """First years of all that a scenario dates, with its place in the file."""
    return [
        *((one.first, f"interventions.{i}") for i, one in enumerate(scenario.interventions, 1)),
        *((min(values), f"path.{column}") for column, values in scenario.path.items()),
    ]
