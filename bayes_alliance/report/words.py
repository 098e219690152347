"""Words that the figures and the page share."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from bayes_alliance.forecast.scenario import Scenario
from bayes_alliance.report.dataset import state_names
from bayes_alliance.report.results import Results

STAGE_WORDS = {
    "proposal": "what the patron proposes",
    "design": "what comes of the proposal",
    "survival": "how long the design lasts",
}

PLACES = {
    "europe": "Europe",
    "asia": "Asia",
    "americas": "the Americas",
    "middle-east": "the Middle East",
    "africa": "Africa",
}
"""Theatres in a sentence."""


def left_out(group: str) -> str:
    """Name a theatre or a patron whose cases a fit has not seen.

    Parameters
    ----------
    group : str
        Code of a theatre, or abbreviation of a state.

    Returns
    -------
    str
        Name within a sentence.
    """
    return PLACES.get(group) or f"the patron {state_names()[group]}"


LEAST = 0.005
"""Change of a probability below which nothing is said to move."""
MOVERS = {
    "promises": "the clients' promises to each other",
    "clients.occupied": "occupation of the clients or their neighbours",
    "clients.disputes": "the clients' territorial disputes",
    "clients.fear": "the clients' fear of occupation",
    "clients.land_access": "access to the clients by land",
    "clients.distance_km": "the clients' distance in km",
    "clients.capability_ratio": "the adversary's power over the clients'",
    "clients.patron_ratio": "the patron's power over the clients'",
    "clients.polyarchy_gap": "the clients' regimes against the adversary's",
    "threat.power_ratio": "the adversary's power over the patron's",
    "threat.forces_ratio": "the adversary's forces over the patron's",
    "threat.distance_km": "the adversary's distance in km",
    "threat.polyarchy_gap": "the patron's regime against the adversary's",
    "threat.disputes": "the adversary's disputes with use of force",
    "statement": "the stated threat",
    "initiative": "who presses for it",
    "clients": "all indicators of the clients",
    "threat": "all components of threat",
    "all": "everything",
}
"""What moves a forecast, in words."""


def mover_words(name: str) -> str:
    """Name what moves a forecast.

    Parameters
    ----------
    name : str
        A mover or a group of movers, as `bayes_alliance.forecast.answers.movers` has them.

    Returns
    -------
    str
        Words in a sentence.
    """
    return MOVERS.get(name, name)


def listed(words: Iterable[str]) -> str:
    """Join words as a sentence does.

    Parameters
    ----------
    words : iterable of str
        Words.

    Returns
    -------
    str
        ``"a, b and c"``; ``"none"`` if there are none.
    """
    *most, last = list(words) or ["none"]
    return f"{', '.join(most)} and {last}" if most else last


def case_names(results: Results) -> pd.Series:
    """Name of each case: that of its own row, the proposal.

    Parameters
    ----------
    results : Results
        What the report shows.

    Returns
    -------
    pandas.Series
        Names by case, in the order of the cases.
    """
    episodes = results.data.episodes
    names = episodes.set_index("episode")["name"].astype(str)
    return names.reindex(list(dict.fromkeys(episodes["case"])))


def if_decided(*scenarios: Scenario) -> str:
    """The condition of a forecast of designs, with the years in which the question is decided."""
    years = sorted({scenario.year for scenario in scenarios})
    return f"if the question is decided in {listed(map(str, years))}"
