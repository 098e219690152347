"""What clients had promised each other before a decision, from a table of promises.

A promise binds a pair. What a decision found is the share of its pairs that were bound before its
day, and the firmest promise among them; pacts with the patron in them do not count.
"""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd

from bayes_alliance.bundled import bundled
from bayes_alliance.data import fields as f
from bayes_alliance.data.schema import THEATRES
from bayes_alliance.data.validate import read_table
from bayes_alliance.errors import InputError

LEVELS = ("none", "consult", "defend")
READINGS = ("article", "treaties")
"""Promises that the articles count, and with those that treaties hold beside them."""

PLEDGES = f.table(
    "pledges",
    "Promises between clients",
    "One row a promise of two clients to each other, of those that decisions of 1947 to 1955 in "
    "Europe and Asia could find.",
    ["first", "second", "start", "patron"],
    {
        "first": f.state("First", "One of the two, by alphabet."),
        "second": f.state("Second", "The other."),
        "level": f.category(
            "Level", "What they promised.", {"consult": "to consult", "defend": "to defend"}
        ),
        "theatre": f.category("Theatre", "Theatre that the promise was for.", THEATRES),
        "start": f.date("Start", "In force from."),
        "end": f.date(
            "End", f"In force until; empty if still in force on {f.OBSERVED_UNTIL}.", nullable=True
        ),
        "begun_by": f.state("Begun by", "State that proposed it."),
        "patron": f.state("Patron", "Great power that is bound too; empty if none.", nullable=True),
        "reading": f.category(
            "Reading",
            "Who counts it.",
            {"article": "the article of the theory too", "treaties": "the text of a treaty alone"},
        ),
        "source": f.text("Source", "Keys of sources.bib joined by ;, each with a locator."),
        "confidence": f.number("Confidence", "1 for certain.", "probability", 0, 1),
        "note": f.text("Note", "What a reader should know of it.", nullable=True),
    },
)


@functools.cache
def _table() -> pd.DataFrame:
    """The bundled table."""
    return read_table(bundled("data", "pledges.csv"), PLEDGES)


def prior_promises(
    episodes: pd.DataFrame, clients: pd.DataFrame, reading: str = "article"
) -> pd.DataFrame:
    """Compute what the clients of each decision had promised each other before it.

    Parameters
    ----------
    episodes, clients : pandas.DataFrame
        Tables of `bayes_alliance.load`, of Europe and Asia.
    reading : {"article", "treaties"}
        Promises that the articles count, or with them those that only treaties hold.

    Returns
    -------
    pandas.DataFrame
        By episode: ``pairs`` of the group's members with each other and, where they joined an
        alliance, with those that were in it; ``bound``, how many of them
        were bound before the day of the decision by a promise for its theatre and without its
        patron; ``share``, bound over pairs (missing where there is no pair); ``level``, the firmest
        of these promises.

    Raises
    ------
    InputError
        If there is no such reading.
    """
    if reading not in READINGS:
        raise InputError(f"one of {', '.join(READINGS)}", column="reading", value=reading)
    known = _table()
    known = known[known["reading"].isin(READINGS[: READINGS.index(reading) + 1])]
    groups = clients.groupby("episode")["client"].agg(set)
    rows = []
    for row in episodes.itertuples():
        group = groups.get(row.episode, set())
        joined = episodes["episode"].eq(row.accession_to)
        joined |= episodes["accession_to"].eq(row.accession_to) & episodes["date"].lt(row.date)
        others = set().union(*(groups[name] for name in episodes.loc[joined, "episode"]))
        pairs = {tuple(sorted((a, b))) for a in group for b in group | others if a != b}
        held = known[
            (known["theatre"] == row.theatre)
            & (known["patron"] != row.patron)
            & (known["start"] < row.date)
            & ~(known["end"] <= row.date)
        ]
        found = zip(held["first"], held["second"], held["level"], strict=True)
        promised = [((a, b), level) for a, b, level in found if (a, b) in pairs]
        bound = len({pair for pair, _ in promised})
        rows.append(
            {
                "episode": row.episode,
                "pairs": len(pairs),
                "bound": bound,
                "share": bound / len(pairs) if pairs else np.nan,
                "level": max((level for _, level in promised), key=LEVELS.index, default="none"),
            }
        )
    return pd.DataFrame(rows).set_index("episode")
