"""Schemas of the asymmetric dataset and of the judgements that override its rules.

`UNIVERSE` are the tables that ``bayes-alliance data build`` makes from published data; they hold
every candidate and what each variant of the rules needs. `CODING` are the tables coded by hand in
``data/coding``: one row a judgement, with its source, its confidence and its reason. `LATEST` is
the table of today's indicators, from which scenarios take what they leave out.
"""

from __future__ import annotations

from pandera.pandas import Check, Column, DataFrameSchema

from bayes_alliance.data import fields as f
from bayes_alliance.data.schema import CLIENTS, EPISODES, THEATRES, YEARS

ORIGINS = {
    "rule": "derived from published data",
    "articles": "of the tables for Europe and Asia",
    "hand": "coded by hand: no source lists it",
}
STATES = Check.str_matches(r"^[A-Z]{3}(\+[A-Z]{3})*\Z")


def states(title: str, description: str, *, nullable: bool = False) -> Column:
    """States by their COW abbreviations, joined by +."""
    return Column(
        None,
        [STATES],
        nullable=nullable,
        title=title,
        description=description,
        metadata={
            "kind": "states",
            "key": False,
            "expected": "COW state abbreviations listed in states.csv, joined by +",
        },
    )


def _flag(title: str, description: str, *, nullable: bool = False) -> Column:
    return f.number(title, description, "0 or 1", 0, 1, whole=True, nullable=nullable)


def _count(title: str, description: str, *, nullable: bool = False) -> Column:
    return f.number(title, description, "count", 0, 10_000, whole=True, nullable=nullable)


def _atop(*, nullable: bool = True) -> Column:
    return f.number("ATOP", "Number in ATOP.", "number", 1000, 9999, whole=True, nullable=nullable)


def _share(title: str, of: str) -> Column:
    return f.number(title, f"Share of the unallied states {of}.", "share", 0, 1, nullable=True)


def _why() -> dict[str, Column]:
    """Source, confidence and reason of a judgement."""
    return {
        "source": f.text("Source", "Keys of sources.bib joined by ;, each with a locator."),
        "confidence": f.number("Confidence", "1 for certain.", "probability", 0, 1),
        "reason": f.text("Reason", "Why it is coded so."),
    }


_E = EPISODES.columns
_SHARED = {
    name: _E[name]
    for name in (
        "proposal",
        "commitment",
        "initiative",
        "frame",
        "threat_statement",
        "fallback_of",
        "accession_to",
    )
}
_ENDED = _E["ended"]

ALLIANCES = f.table(
    "alliances",
    "Alliances",
    "One row an episode: a formation, an accession or a proposal, with what the rules need.",
    ["episode"],
    {
        "episode": _E["episode"],
        "name": f.text("Name", "Short name for tables and figures."),
        "origin": f.category("Origin", "Where the row comes from.", ORIGINS),
        "coded_as": f.slug(
            "Coded as", "Row coded by hand that stands for this one.", nullable=True
        ),
        "atop": _atop(),
        "theatre": f.category("Theatre", "Theatre of most of the clients.", THEATRES),
        "patron": _E["patron"],
        "adversary": _E["adversary"],
        "adversary_by_rule": f.state(
            "Adversary by rule", "Adversary without judgements.", nullable=True
        ),
        "date": _E["date"],
        "major": _flag("Major power", "1 if the patron was a major power."),
        "least_ratio": f.number(
            "Least ratio",
            "CINC of the patron over that of its most capable client.",
            "ratio",
            1e-6,
            1e6,
            nullable=True,
        ),
        "wartime": _flag("Wartime", "1 if signed by a member at war, as ATOP has it."),
        "defence": _flag("Defence", "1 if the patron promised to defend."),
        "clients": _count("Clients", "Number of clients of the design."),
        "institutions": f.number(
            "Military institutions",
            "0 none, 1 moderate, 2 high, in the first phase (Leeds & Anac 2005).",
            "0, 1 or 2",
            0,
            2,
            whole=True,
            nullable=True,
        ),
        "pairs": _count("Pairs", "Pairs of clients whose promises count."),
        "pairs_consult": _count("Pairs that consult", "Those with a promise to consult or more."),
        "pairs_defend": _count("Pairs that defend", "Those with a promise to defend."),
        "outcome": f.category(
            "Outcome",
            "Outcome coded by hand; empty where it follows from clients and institutions.",
            {code: "" for code in _E["outcome"].metadata["codes"]},  # type: ignore[index]
            nullable=True,
        ),
        **_SHARED,
        "start": _E["start"],
        "end": f.date("End", "End of the design.", nullable=True),
        "ended": _ENDED,
        "treaty_end": f.date("End of the treaty", "End of the last obligation.", nullable=True),
        "treaty_ended": f.category(
            "How the treaty ended",
            "As for the design.",
            _ENDED.metadata["codes"],  # type: ignore[index]
            nullable=True,
        ),
    },
)

_C = CLIENTS.columns
STATE_CLIENTS = f.table(
    "clients",
    "Clients",
    "One row a client of an episode and an adversary.",
    ["episode", "client", "adversary"],
    {
        "episode": _C["episode"],
        "client": _C["client"],
        "adversary": f.state("Adversary", "Adversary measured against.", nullable=True),
        **{k: v for k, v in _C.items() if k not in ("episode", "client")},
    },
)

EVENTS = f.table(
    "events",
    "Events",
    "One row a change in an alliance, by ATOP's members and phases.",
    ["episode", "date", "event"],
    {
        "episode": _E["episode"],
        "atop": _atop(nullable=False),
        "date": f.date("Date", "Date of the change."),
        "event": f.category(
            "Event",
            "What changed.",
            {
                "formation": "signed",
                "accession": "clients joined",
                "departure": "clients left, or a successor took a client's place",
                "deepening": "military institutions grew",
                "decay": "too few clients were left for the kind of design",
                "end": "no obligation of the patron was left",
            },
            key=True,
        ),
        "clients": _count("Clients", "Number of clients after it."),
        "institutions": ALLIANCES.columns["institutions"],
        "members": states("Members", "Clients after it, joined by +.", nullable=True),
    },
)

DESIGNS = f.table(
    "designs",
    "Alliance-years",
    "One row a year in force of an alliance, with what changes over time.",
    ["episode", "year"],
    {
        "episode": _E["episode"],
        "year": f.number("Year", "Calendar year.", "year", 1816, 2025, whole=True, key=True),
        "clients": _count("Clients", "Largest number of clients in the year."),
        "members": states("Members", "These clients, joined by +."),
        "adversary": states("Adversaries", "Adversaries in the year.", nullable=True),
        "capability_ratio": f.number(
            "Capability ratio",
            "CINC of the adversaries over that of the clients together.",
            "ratio",
            0,
            1e6,
            nullable=True,
        ),
        "distance_km": _C["distance_km"],
        "disputes": _count(
            "Disputes",
            "Disputes with force that the adversaries began against patron or clients in the "
            "year or the four before.",
            nullable=True,
        ),
        "polyarchy": _C["polyarchy"],
    },
)

PANEL = f.table(
    "years",
    "Years",
    "One row a year of a patron in a theatre: the threat, and whom it could still take on.",
    ["patron", "theatre", "year", "coding"],
    {
        **YEARS.columns,
        "coding": f.category(
            "Coding",
            "Whose adversaries.",
            {
                "both": "rule and judgements agree",
                "overlay": "with judgements",
                "rule": "without judgements",
            },
            key=True,
        ),
        "major": _flag("Major power", "1 if the patron was a major power in the year."),
        "unallied": _count(
            "Unallied states",
            "States of the theatre at most half as capable as the patron, without a defence "
            "obligation of it.",
        ),
        "exposed_capability_ratio": f.number(
            "Capability ratio of the unallied",
            "CINC of the adversary over that of an unallied state; geometric mean over those whose "
            "ratio is known. Of several adversaries each state has the nearest.",
            "ratio",
            1e-6,
            1e6,
            nullable=True,
        ),
        "exposed_contiguous": _share(
            "Unallied beside the adversary", "that are contiguous to the adversary's forces"
        ),
        "exposed_landmass": _share(
            "Unallied on its landmass", "that these can reach over the land of others"
        ),
        "exposed_distance_km": f.number(
            "Distance of the unallied",
            "From an unallied state to the nearest territory held by the adversary or its "
            "stationed forces; geometric mean of the distances plus 50 km, less 50 km.",
            "km",
            0,
            20040,
            nullable=True,
        ),
        "exposed_occupied": _share(
            "Unallied in occupation's reach",
            "that the adversary occupied in the ten years before, or a land neighbour of theirs",
        ),
    },
)

UNIVERSE: dict[str, DataFrameSchema] = {
    str(s.name): s for s in (ALLIANCES, STATE_CLIENTS, EVENTS, DESIGNS, PANEL)
}

POWERS = ("USA", "UKG", "FRN", "RUS", "CHN", "PRK", "IRN")
"""Patrons and adversaries of today: the columns are against each."""

LATEST = f.table(
    "latest",
    "Latest indicators",
    f"One row a state and a power of today: the columns of clients.csv for a decision in "
    f"{int(f.OBSERVED_UNTIL[:4]) + 1}, as far as the sources reach.",
    ["client", "adversary"],
    {
        "client": f.state("Client", "State that may be defended.", key=True),
        "adversary": f.state(
            "Adversary", "Power measured against; a patron's row has its ratio.", key=True
        ),
        **{
            name: _C[name]
            for name in (
                "capability_ratio",
                "forces_ratio",
                "distance_km",
                "land_access",
                "occupied",
                "disputes",
                "polyarchy",
                "polyarchy_gap",
            )
        },
    },
)

_SPELL = {
    "first": f.number("First year", "First year.", "year", 1500, 2025, whole=True, key=True),
    "last": f.number("Last year", "Last year.", "year", 1500, 2025, whole=True),
}
JUDGED = (
    "name",
    "wartime",
    "defence",
    "adversary",
    "strong",
    "initiative",
    "commitment",
    "fear",
)
"""Columns that a judgement can set."""

CODING: dict[str, DataFrameSchema] = {
    str(s.name): s
    for s in (
        f.table(
            "adversaries",
            "Adversaries",
            "Adversaries of a patron in a theatre over time.",
            ["patron", "theatre", "first"],
            {
                "patron": f.state("Patron", "Patron.", key=True),
                "theatre": f.category("Theatre", "Theatre.", THEATRES, key=True),
                **_SPELL,
                "adversary": states("Adversaries", "Adversaries, joined by +."),
                **_why(),
            },
        ),
        f.table(
            "occupations",
            "Occupations",
            "Military occupations of a state's land.",
            ["occupier", "occupied", "first"],
            {
                "occupier": f.state("Occupier", "Who occupied.", key=True),
                "occupied": f.state("Occupied", "Whose land it was.", key=True),
                **_SPELL,
                "extent": f.category("Extent", "How much.", {"whole": "all", "part": "part"}),
                **_why(),
            },
        ),
        f.table(
            "stationed",
            "Stationed forces",
            "Countries in which a great power's army stood.",
            ["holder", "host", "first"],
            {
                "holder": f.state("Holder", "Whose army.", key=True),
                "host": f.state("Host", "Where.", key=True),
                **_SPELL,
                **_why(),
            },
        ),
        f.table(
            "distances",
            "Distances",
            "Distances that the source of minimum distances misses.",
            ["client", "adversary", "first"],
            {
                "client": f.state("Client", "Client.", key=True),
                "adversary": f.state("Adversary", "Adversary.", key=True),
                **_SPELL,
                "km": f.number("Distance", "Distance.", "km", 0, 20040),
                **_why(),
            },
        ),
        f.table(
            "judgements",
            "Judgements",
            "Values that override a rule.",
            ["episode", "client", "column"],
            {
                "episode": f.slug("Episode", "Episode of the asymmetric dataset.", key=True),
                "client": Column(
                    None,
                    [Check.str_matches(r"^(\*|[A-Z]{3})\Z")],
                    title="Client",
                    description="Client; * for the episode.",
                    metadata={"kind": "text", "key": True, "expected": "a client or *"},
                ),
                "column": f.category(
                    "Column", "What is judged.", dict.fromkeys(JUDGED, ""), key=True
                ),
                "value": f.text("Value", "The value."),
                **_why(),
            },
        ),
        f.table(
            "matches",
            "Matches",
            "Rows of the tables for Europe and Asia, and where the universe has them.",
            ["episode"],
            {
                "episode": f.slug("Episode", "Episode of Europe or Asia.", key=True),
                "atop": _atop(),
                "reason": f.text("Reason", "Why it is there, or why not."),
            },
        ),
        f.table(
            "endings",
            "Endings",
            "Exits after the end of ATOP.",
            ["atop", "member"],
            {
                "atop": _atop(nullable=False),
                "member": Column(
                    None,
                    [Check.str_matches(r"^(\*|[A-Z]{3})\Z")],
                    title="Member",
                    description="Member that left; * for the whole alliance.",
                    metadata={"kind": "text", "key": True, "expected": "a state or *"},
                ),
                "end": f.date("End", "Date."),
                "ended": f.category(
                    "How it ended",
                    "How it ended.",
                    _ENDED.metadata["codes"],  # type: ignore[index]
                ),
                **_why(),
            },
        ),
        f.table(
            "episodes",
            "Episodes",
            "Episodes that no source lists: what led to nothing, and what came after 2016.",
            ["episode"],
            {
                **{
                    name: _E[name]
                    for name in (
                        "episode",
                        "name",
                        "theatre",
                        "patron",
                        "adversary",
                        "date",
                        "proposal",
                        "outcome",
                        "commitment",
                        "initiative",
                        "fallback_of",
                        "accession_to",
                        "start",
                        "end",
                        "ended",
                    )
                },
                "clients": states("Clients", "Clients, joined by +."),
                "wartime": _flag("Wartime", "1 for a coalition in a war under way."),
                "atop": _atop(),
                **_why(),
            },
        ),
    )
}
"""Schema of each table of judgements by its name; ``<name>.csv`` is its file."""
