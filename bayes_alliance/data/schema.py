"""The schema of the coded tables, stated once.

Validation (`load.py`), the codebook's column tables and the Frictionless descriptor
``data/datapackage.json`` are all derived from it; `codebook.py` writes the last two.
"""

from __future__ import annotations

from typing import Any

from pandera.pandas import Check, Column, DataFrameSchema

from bayes_alliance.data.fields import (
    OBSERVED_UNTIL,
    category,
    date,
    name,
    number,
    slug,
    state,
    table,
    text,
)

CELLS = {
    "none": "no alliance",
    "bilateral_weak": "patron and one client; consult or act by constitutional process",
    "bilateral_strong": "patron and one client; an obligation to fight, or forces that make it one",
    "trilateral_weak": "patron and two clients, weak commitment",
    "trilateral_strong": "patron and two clients, strong commitment",
    "multilateral_weak": "patron and three or more clients, weak commitment",
    "multilateral_strong": "patron and three or more clients, strong commitment",
}
"""The seven cells that a proposal or an outcome can take, with their meanings."""

BUNDLED = ("europe", "asia")
"""Theatres whose early Cold War is coded from the two articles."""

THEATRES = {
    "europe": "Europe and the North Atlantic",
    "asia": "Asia and the Pacific",
    "americas": "the Americas",
    "middle-east": "the Middle East and North Africa",
    "africa": "Africa south of the Sahara",
}

_FRAMES = {
    "gain": "the patron stood in the domain of gains",
    "loss": "the patron stood in the domain of losses",
}


EPISODES = table(
    "episodes",
    "Episodes",
    "One row a decision of a patron about an alliance with a group of clients.",
    ["episode"],
    {
        "episode": slug("Episode", "Identifier, with the year of the decision.", key=True),
        "name": name("Name", "Short name for tables and figures, of one episode alone."),
        "theatre": category(
            "Theatre", "Theatre in which the clients were to be defended.", THEATRES
        ),
        "patron": state("Patron", "Great power that decides."),
        "adversary": state(
            "Adversary",
            "Great power against which the clients were to be defended; empty where none was.",
            nullable=True,
        ),
        "date": date("Date of the decision", "Signature, proposal or refusal."),
        "proposal": category(
            "Proposal", "What the patron proposed; empty where unrecorded.", CELLS, nullable=True
        ),
        "outcome": category(
            "Outcome",
            "The design that came of it.",
            {
                **CELLS,
                "refused": "the proposal failed; what came of it stands in the rows whose "
                "fallback_of names this one",
            },
        ),
        "commitment": category(
            "Prior commitment of the clients",
            "Strongest promise for the theatre's defence that the group's clients had made to "
            "each other, or to other clients of the patron, before the patron promised; pacts "
            "with the patron in them do not count.",
            {
                "none": "no such promise",
                "consult": "a promise to consult",
                "defend": "a promise to defend",
            },
            nullable=True,
            ordered=True,
        ),
        "initiative": category(
            "Initiative",
            "Who pressed for a common design.",
            {"clients": "the clients", "patron": "the patron, who imposed it"},
            nullable=True,
        ),
        "frame": category(
            "Frame",
            "Domain of the patron's choice as He and Feng code it; empty where they do not.",
            _FRAMES,
            nullable=True,
        ),
        "threat_statement": category(
            "Stated threat",
            "Threat in the adversary's intentions as the patron's officials stated it.",
            {
                "low": "no military threat soon",
                "moderate": "real, not pressing",
                "high": "pressing",
            },
            nullable=True,
            ordered=True,
        ),
        "fallback_of": slug(
            "Fallback of", "Refused proposal from which this row came.", nullable=True
        ),
        "accession_to": slug(
            "Accession to", "Episode whose alliance the clients joined.", nullable=True
        ),
        "start": date("Start", "In force from; empty where no design came of it.", nullable=True),
        "end": date(
            "End", f"In force until; empty if still in force on {OBSERVED_UNTIL}.", nullable=True
        ),
        "ended": category(
            "How it ended",
            "How the design ended; empty where there was none.",
            {
                "in_force": "still in force at the end of observation (censored)",
                "dissolved": "ended by its members",
                "lapsed": "ran out or fell into disuse",
                "shrunk": "lost members, so that another, smaller design was left",
                "replaced": "gave way to a deeper design (censored in survival)",
            },
            nullable=True,
        ),
    },
)

CLIENTS = table(
    "clients",
    "Clients",
    "One row a client of an episode, as it stood when the decision was made.",
    ["episode", "client"],
    {
        "episode": slug("Episode", "Episode of episodes.csv.", key=True),
        "client": state("Client", "State that was to be defended.", key=True),
        "capability_ratio": number(
            "Capability ratio",
            "CINC of the adversary over CINC of the client in the year of the decision.",
            "ratio",
            1e-4,
            1e6,
            nullable=True,
        ),
        "patron_ratio": number(
            "Patron's capability ratio",
            "CINC of the patron over CINC of the client in the year of the decision.",
            "ratio",
            1e-4,
            1e6,
            nullable=True,
        ),
        "forces_ratio": number(
            "Forces ratio",
            "Military personnel of the adversary over that of the client, a thousand added to "
            "both.",
            "ratio",
            0,
            1e5,
            nullable=True,
        ),
        "distance_km": number(
            "Distance",
            "From the client to the nearest territory held by the adversary or its stationed "
            "forces; 0 if contiguous.",
            "km",
            0,
            20040,
            nullable=True,
        ),
        "land_access": category(
            "Land access",
            "Whether the adversary's forces could come by land.",
            {
                "sea": "not at all",
                "landmass": "over the land of other states",
                "contiguous": "directly",
            },
            nullable=True,
            ordered=True,
        ),
        "occupied": number(
            "Occupied",
            "1 if in the ten years before the adversary occupied the client, a land neighbour "
            "of it, or part of one.",
            "0 or 1",
            0,
            1,
            whole=True,
            nullable=True,
        ),
        "disputes": number(
            "Territorial disputes",
            "Militarized disputes with the adversary in the ten years before the year of the "
            "decision in which territory was at stake.",
            "count",
            0,
            100,
            whole=True,
            nullable=True,
        ),
        "fear": category(
            "Elite fear of occupation",
            "Fear of occupation by the adversary among the client's elite, as the two articles "
            "describe it; empty where neither speaks of it.",
            {
                "none": "the texts say it was absent or slight",
                "some": "the texts say it was present beside other concerns",
                "strong": "the texts say it drove the decision",
            },
            nullable=True,
            ordered=True,
        ),
        "polyarchy": number(
            "Polyarchy",
            "V-Dem electoral democracy of the client in the year of the decision.",
            "index",
            0,
            1,
            nullable=True,
        ),
        "polyarchy_gap": number(
            "Polyarchy gap",
            "V-Dem electoral democracy of the client minus that of the adversary.",
            "index",
            -1,
            1,
            nullable=True,
        ),
    },
)

YEARS = table(
    "years",
    "Years",
    "One row a year of a patron in a theatre: the structural threat over time.",
    ["patron", "theatre", "year"],
    {
        "patron": state("Patron", "Great power that decides.", key=True),
        "theatre": category("Theatre", "Theatre of the clients.", THEATRES, key=True),
        "year": number("Year", "Calendar year.", "year", 1816, 2025, whole=True, key=True),
        "adversary": Column(
            None,
            [Check.str_matches(r"^[A-Z]{3}(\+[A-Z]{3})*\Z")],
            nullable=True,
            title="Adversaries",
            description="Adversaries of the patron in the theatre that year, joined by +; empty "
            "where it had none.",
            metadata={
                "kind": "states",
                "key": False,
                "expected": "COW state abbreviations listed in states.csv, joined by +",
            },
        ),
        "power_ratio": number(
            "Power ratio",
            "CINC of the adversaries over CINC of the patron.",
            "ratio",
            0,
            1e4,
            nullable=True,
        ),
        "forces_ratio": number(
            "Forces ratio",
            "Military personnel of the adversaries over that of the patron.",
            "ratio",
            0,
            1e4,
            nullable=True,
        ),
        "distance_km": number(
            "Distance",
            "From the nearest of the patron's clients in the theatre (those of clients.csv) to "
            "the nearest territory held by an adversary or its stationed forces.",
            "km",
            0,
            20040,
            nullable=True,
        ),
        "polyarchy_gap": number(
            "Polyarchy gap",
            "V-Dem electoral democracy of the patron minus the mean of the adversaries.",
            "index",
            -1,
            1,
            nullable=True,
        ),
        "disputes": number(
            "Disputes",
            "Militarized disputes with use of force (hostility 4 or 5) by an adversary on the "
            "side that acted first, against the patron or its clients of the theatre, that "
            "began in this year or the four before.",
            "count",
            0,
            100,
            whole=True,
        ),
    },
)

CODINGS = table(
    "codings",
    "Codings",
    "Where every value comes from and how sure the coding is; the most specific row holds.",
    ["table", "episode", "client", "column"],
    {
        "table": category(
            "Table",
            "Table of the value.",
            {"episodes": "episodes.csv", "clients": "clients.csv", "years": "years.csv"},
            key=True,
        ),
        "episode": Column(
            None,
            [Check.str_matches(r"^(\*|[a-z0-9]+(-[a-z0-9]+)*)\Z")],
            title="Episode",
            description="Episode; * for all; for the years table a year, or first-last year.",
            metadata={"kind": "text", "key": True, "expected": "an episode of episodes.csv or *"},
        ),
        "client": Column(
            None,
            [Check.str_matches(r"^(\*|[A-Z]{3})\Z")],
            title="Client",
            description="Client; * for all.",
            metadata={"kind": "text", "key": True, "expected": "a client of that episode or *"},
        ),
        "column": text("Column", "Column of the value.", key=True),
        "source": text(
            "Source",
            "Keys of sources.bib joined by ;, each with a locator after a space where it helps.",
        ),
        "confidence": number(
            "Confidence", "How sure the coding is, 1 for certain.", "probability", 0, 1
        ),
        "note": text("Note", "Why the value is what it is.", nullable=True),
    },
)

STATES = table(
    "states",
    "States",
    "Correlates of War abbreviations and codes of states.",
    ["abbreviation"],
    {
        "abbreviation": state("Abbreviation", "COW abbreviation.", key=True),
        "code": number("Code", "COW country code.", "code", 2, 999, whole=True),
        "name": text("Name", "Name of the state."),
    },
)

TABLES: dict[str, DataFrameSchema] = {
    str(schema.name): schema for schema in (EPISODES, CLIENTS, YEARS, CODINGS, STATES)
}
"""The schema of each table by its name; ``<name>.csv`` is its file."""


def meta(column: Column) -> dict[str, Any]:
    """Give the metadata of a column.

    Parameters
    ----------
    column : pandera.pandas.Column
        A column of one of `TABLES`.

    Returns
    -------
    dict
        ``kind`` and, where they apply, ``unit``, ``codes``, ``ordered``, ``key``, ``expected``.
    """
    return dict(column.metadata or {})


def bounds(column: Column) -> tuple[Any, Any]:
    """Give the least and the largest value of a number or date.

    Parameters
    ----------
    column : pandera.pandas.Column
        A column.

    Returns
    -------
    tuple
        Both included.
    """
    stats = column.checks[0].statistics
    return stats["min_value"], stats["max_value"]


def expected(column: Column) -> str:
    """Say in words what a column accepts.

    Parameters
    ----------
    column : pandera.pandas.Column
        A column of one of `TABLES`.

    Returns
    -------
    str
        For example ``one of none, consult, defend, or empty``.
    """
    info = meta(column)
    match info["kind"]:
        case "category":
            words = "one of " + ", ".join(info["codes"])
        case "number" | "integer":
            low, high = bounds(column)
            kind = "a whole number" if info["kind"] == "integer" else "a number"
            words = f"{kind} between {low:g} and {high:g}"
        case "date":
            low, high = bounds(column)
            words = f"a date written YYYY-MM-DD between {low} and {high}"
        case _:
            words = info.get("expected", "a text")
    return words + (", or empty" if column.nullable else "")
