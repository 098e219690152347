"""Words that the figures and the page share."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

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
