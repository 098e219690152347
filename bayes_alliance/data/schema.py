"""The schema of the coded tables, stated once.

Validation (`load.py`), the codebook's column tables and the Frictionless descriptor
``data/datapackage.json`` are all derived from `TABLES`.  Run
``python -m bayes_alliance.data.schema --write`` after changing it, ``--check`` to see
whether the codebook and the descriptor still agree with it.
"""

from __future__ import annotations

import argparse
import functools
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pandera.pandas import Check, Column, DataFrameSchema

from bayes_alliance.bundled import bundled

OBSERVED_UNTIL = "2025-12-31"
"""Last day of observation: a design without an end was still in force then."""

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

THEATRES = {"europe": "Europe and the North Atlantic", "asia": "Asia and the Pacific"}

_FRAMES = {
    "gain": "the patron stood in the domain of gains",
    "loss": "the patron stood in the domain of losses",
}


def _text(title: str, description: str, *, nullable: bool = False, key: bool = False) -> Column:
    return Column(
        None,
        [Check.str_length(min_value=1)],
        nullable=nullable,
        title=title,
        description=description,
        metadata={"kind": "text", "key": key},
    )


def _slug(title: str, description: str, *, nullable: bool = False, key: bool = False) -> Column:
    return Column(
        None,
        [Check.str_matches(r"^[a-z0-9]+(-[a-z0-9]+)*\Z")],
        nullable=nullable,
        title=title,
        description=description,
        metadata={"kind": "text", "key": key, "expected": "lower-case words joined by hyphens"},
    )


def _state(title: str, description: str, *, key: bool = False) -> Column:
    return Column(
        None,
        [Check.str_matches(r"^[A-Z]{3}\Z")],
        title=title,
        description=description,
        metadata={
            "kind": "state",
            "key": key,
            "expected": "a COW state abbreviation listed in states.csv",
        },
    )


def _category(
    title: str,
    description: str,
    codes: Mapping[str, str],
    *,
    nullable: bool = False,
    ordered: bool = False,
    key: bool = False,
) -> Column:
    return Column(
        None,
        [Check.isin(list(codes))],
        nullable=nullable,
        title=title,
        description=description,
        metadata={"kind": "category", "codes": dict(codes), "ordered": ordered, "key": key},
    )


def _number(
    title: str,
    description: str,
    unit: str,
    low: float,
    high: float,
    *,
    whole: bool = False,
    nullable: bool = False,
    key: bool = False,
) -> Column:
    return Column(
        "int64" if whole else "float64",
        [Check.in_range(low, high)],
        nullable=nullable,
        title=title,
        description=description,
        metadata={"kind": "integer" if whole else "number", "unit": unit, "key": key},
    )


def _date(title: str, description: str, *, nullable: bool = False) -> Column:
    return Column(
        "datetime64[ns]",
        [Check.in_range("1816-01-01", OBSERVED_UNTIL)],
        nullable=nullable,
        title=title,
        description=description,
        metadata={"kind": "date", "unit": "ISO 8601 date"},
    )


def _table(
    name: str, title: str, description: str, unique: Sequence[str], columns: Mapping[str, Column]
) -> DataFrameSchema:
    return DataFrameSchema(
        dict(columns),
        name=name,
        title=title,
        description=description,
        unique=list(unique),
        report_duplicates="exclude_first",
        strict=True,
        ordered=False,
    )


EPISODES = _table(
    "episodes",
    "Episodes",
    "One row a decision of a patron about an alliance with a group of clients.",
    ["episode"],
    {
        "episode": _slug("Episode", "Identifier, with the year of the decision.", key=True),
        "name": _text("Name", "Short name for tables and figures."),
        "theatre": _category(
            "Theatre", "Theatre in which the clients were to be defended.", THEATRES
        ),
        "patron": _state("Patron", "Great power that decides."),
        "adversary": _state(
            "Adversary", "Great power against which the clients were to be defended."
        ),
        "date": _date("Date of the decision", "Signature, proposal or refusal."),
        "proposal": _category(
            "Proposal", "What the patron proposed; empty where unrecorded.", CELLS, nullable=True
        ),
        "outcome": _category(
            "Outcome",
            "The design that came of it.",
            {
                **CELLS,
                "refused": "the proposal failed; what came of it stands in the rows whose "
                "fallback_of names this one",
            },
        ),
        "commitment": _category(
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
        "initiative": _category(
            "Initiative",
            "Who pressed for a common design.",
            {"clients": "the clients", "patron": "the patron, who imposed it"},
            nullable=True,
        ),
        "frame": _category(
            "Frame",
            "Domain of the patron's choice as He and Feng code it; empty where they do not.",
            _FRAMES,
            nullable=True,
        ),
        "threat_statement": _category(
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
        "fallback_of": _slug(
            "Fallback of", "Refused proposal from which this row came.", nullable=True
        ),
        "accession_to": _slug(
            "Accession to", "Episode whose alliance the clients joined.", nullable=True
        ),
        "start": _date("Start", "In force from; empty where no design came of it.", nullable=True),
        "end": _date(
            "End", f"In force until; empty if still in force on {OBSERVED_UNTIL}.", nullable=True
        ),
        "ended": _category(
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

CLIENTS = _table(
    "clients",
    "Clients",
    "One row a client of an episode, as it stood when the decision was made.",
    ["episode", "client"],
    {
        "episode": _slug("Episode", "Episode of episodes.csv.", key=True),
        "client": _state("Client", "State that was to be defended.", key=True),
        "capability_ratio": _number(
            "Capability ratio",
            "CINC of the adversary over CINC of the client in the year of the decision.",
            "ratio",
            1e-4,
            1e6,
        ),
        "distance_km": _number(
            "Distance",
            "From the client to the nearest territory held by the adversary or its stationed "
            "forces; 0 if contiguous.",
            "km",
            0,
            20040,
        ),
        "land_access": _category(
            "Land access",
            "Whether the adversary's forces could come by land.",
            {
                "sea": "not at all",
                "landmass": "over the land of other states",
                "contiguous": "directly",
            },
            ordered=True,
        ),
        "occupied": _number(
            "Occupied",
            "1 if in the ten years before the adversary occupied the client, a land neighbour "
            "of it, or part of one.",
            "0 or 1",
            0,
            1,
            whole=True,
        ),
        "disputes": _number(
            "Territorial disputes",
            "Militarized disputes with the adversary in the ten years before the year of the "
            "decision in which territory was at stake.",
            "count",
            0,
            100,
            whole=True,
        ),
        "fear": _category(
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
        "polyarchy": _number(
            "Polyarchy",
            "V-Dem electoral democracy of the client in the year of the decision.",
            "index",
            0,
            1,
            nullable=True,
        ),
    },
)

YEARS = _table(
    "years",
    "Years",
    "One row a year of a patron in a theatre: the structural threat over time.",
    ["patron", "theatre", "year"],
    {
        "patron": _state("Patron", "Great power that decides.", key=True),
        "theatre": _category("Theatre", "Theatre of the clients.", THEATRES, key=True),
        "year": _number("Year", "Calendar year.", "year", 1816, 2025, whole=True, key=True),
        "adversary": Column(
            None,
            [Check.str_matches(r"^[A-Z]{3}(\+[A-Z]{3})*\Z")],
            title="Adversaries",
            description="Adversaries of the patron in the theatre that year, joined by +.",
            metadata={
                "kind": "states",
                "key": False,
                "expected": "COW state abbreviations listed in states.csv, joined by +",
            },
        ),
        "power_ratio": _number(
            "Power ratio", "CINC of the adversaries over CINC of the patron.", "ratio", 0, 1e4
        ),
        "forces_ratio": _number(
            "Forces ratio",
            "Military personnel of the adversaries over that of the patron.",
            "ratio",
            0,
            1e4,
        ),
        "distance_km": _number(
            "Distance",
            "From the nearest of the patron's clients in the theatre (those of clients.csv) to "
            "the nearest territory held by an adversary or its stationed forces.",
            "km",
            0,
            20040,
        ),
        "polyarchy_gap": _number(
            "Polyarchy gap",
            "V-Dem electoral democracy of the patron minus the mean of the adversaries.",
            "index",
            -1,
            1,
        ),
        "disputes": _number(
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

CODINGS = _table(
    "codings",
    "Codings",
    "Where every value comes from and how sure the coding is; the most specific row holds.",
    ["table", "episode", "client", "column"],
    {
        "table": _category(
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
        "column": _text("Column", "Column of the value.", key=True),
        "source": _text(
            "Source",
            "Keys of sources.bib joined by ;, each with a locator after a space where it helps.",
        ),
        "confidence": _number(
            "Confidence", "How sure the coding is, 1 for certain.", "probability", 0, 1
        ),
        "note": _text("Note", "Why the value is what it is.", nullable=True),
    },
)

STATES = _table(
    "states",
    "States",
    "Correlates of War abbreviations and codes of the states of 1945 and after.",
    ["abbreviation"],
    {
        "abbreviation": _state("Abbreviation", "COW abbreviation.", key=True),
        "code": _number("Code", "COW country code.", "code", 2, 999, whole=True),
        "name": _text("Name", "Name of the state."),
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


def _bounds(column: Column) -> tuple[Any, Any]:
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
            low, high = _bounds(column)
            kind = "a whole number" if info["kind"] == "integer" else "a number"
            words = f"{kind} between {low:g} and {high:g}"
        case "date":
            low, high = _bounds(column)
            words = f"a date written YYYY-MM-DD between {low} and {high}"
        case _:
            words = info.get("expected", "a text")
    return words + (", or empty" if column.nullable else "")


def _field(name: str, column: Column, unique: bool) -> dict[str, Any]:
    """One field of a Frictionless table schema."""
    info = meta(column)
    kind = {"number": "number", "integer": "integer", "date": "date"}.get(info["kind"], "string")
    constraints: dict[str, Any] = {"required": not column.nullable}
    if unique:
        constraints["unique"] = True
    check = column.checks[0].statistics
    if "allowed_values" in check:
        constraints["enum"] = list(check["allowed_values"])
    elif "pattern" in check:
        constraints["pattern"] = re.sub(r"\\Z$", "$", str(check["pattern"]))
    elif kind != "string":
        constraints["minimum"], constraints["maximum"] = _bounds(column)
    field = {
        "name": name,
        "type": kind,
        "title": column.title,
        "description": column.description,
        "constraints": constraints,
    }
    if "unit" in info:
        field["unit"] = info["unit"]
    if info.get("codes"):
        field["codes"] = info["codes"]
    return field


def _resource(schema: DataFrameSchema) -> dict[str, Any]:
    key = list(schema.unique or [])
    return {
        "name": schema.name,
        "title": schema.title,
        "description": schema.description,
        "path": f"{schema.name}.csv",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "schema": {
            "fields": [
                _field(name, column, key == [name]) for name, column in schema.columns.items()
            ],
            "missingValues": [""],
            "primaryKey": key,
            "foreignKeys": _FOREIGN.get(str(schema.name), []),
        },
    }


def _foreign(fields: str, resource: str, target: str) -> dict[str, Any]:
    return {"fields": [fields], "reference": {"resource": resource, "fields": [target]}}


_FOREIGN = {
    "episodes": [
        _foreign("patron", "states", "abbreviation"),
        _foreign("adversary", "states", "abbreviation"),
        _foreign("fallback_of", "", "episode"),
        _foreign("accession_to", "", "episode"),
    ],
    "clients": [
        _foreign("episode", "episodes", "episode"),
        _foreign("client", "states", "abbreviation"),
    ],
    "years": [_foreign("patron", "states", "abbreviation")],
}


def bibliography(text: str) -> dict[str, str]:
    """Read the keys and titles of a BibTeX file.

    Parameters
    ----------
    text : str
        Content of the file; one ``title = {...}`` line an entry.

    Returns
    -------
    dict
        Title by key, in the file's order.
    """
    entries: dict[str, str] = {}
    for entry in re.split(r"^@", text, flags=re.MULTILINE)[1:]:
        key = re.match(r"\w+\{([^,\s]+),", entry)
        title = re.search(r"^\s*title\s*=\s*\{(.*)\},?$", entry, flags=re.MULTILINE)
        if key and title:
            entries[key[1]] = title[1].replace("{", "").replace("}", "")
    return entries


def datapackage(folder: Path) -> str:
    """Compose the Frictionless descriptor.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the tables, for the titles in ``sources.bib``.

    Returns
    -------
    str
        JSON, as ``datapackage.json`` holds it.
    """
    sources = bibliography((folder / "sources.bib").read_text(encoding="utf-8"))
    package = {
        "name": "bayes-alliance",
        "title": "Alliance episodes of the early Cold War in Europe and Asia",
        "description": "Decisions of great powers about alliances with weaker states: what was "
        "proposed, what came of it, how long it lasted, and the threat before it. "
        "CODEBOOK.md gives the rules of coding, codings.csv the source and the "
        "confidence of every value.",
        "licenses": [
            {
                "name": "CC-BY-4.0",
                "title": "Creative Commons Attribution 4.0",
                "path": "https://creativecommons.org/licenses/by/4.0/",
            }
        ],
        "sources": [{"title": title, "key": key} for key, title in sources.items()],
        "resources": [_resource(schema) for schema in TABLES.values()],
    }
    return json.dumps(package, indent=2, ensure_ascii=False) + "\n"


def _markdown(schema: DataFrameSchema) -> str:
    """Write the generated part of the codebook for one table."""
    lines = [
        f"`{schema.name}.csv`: {schema.description} Key: "
        + ", ".join(f"`{column}`" for column in schema.unique or [])
        + ".",
        "",
        "| column | meaning | unit | values |",
        "| --- | --- | --- | --- |",
    ]
    for name, column in schema.columns.items():
        info = meta(column)
        values = expected(column)
        if info["kind"] == "category":
            values = "<br>".join(f"`{code}`: {what}" for code, what in info["codes"].items())
            values += "<br>or empty" if column.nullable else ""
        meaning = f"{column.title}. {column.description}"
        lines.append(f"| `{name}` | {meaning} | {info.get('unit', '')} | {values} |")
    return "\n".join(lines)


def codebook(text: str) -> str:
    """Renew the generated tables in the codebook's text.

    Parameters
    ----------
    text : str
        The codebook; each generated table stands between ``<!-- table NAME -->`` and
        ``<!-- end -->``, and all else is prose that is kept.

    Returns
    -------
    str
        The same with the tables as the schema has them.
    """
    for name, schema in TABLES.items():
        pattern = re.compile(rf"(<!-- table {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        text = pattern.sub(functools.partial(_between, schema), text)
    return text


def _between(schema: DataFrameSchema, found: re.Match[str]) -> str:
    return f"{found[1]}{_markdown(schema)}\n{found[2]}"


def main(argv: Sequence[str] | None = None) -> int:
    """Write the codebook's tables and the descriptor, or check them.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments instead of the command line's.

    Returns
    -------
    int
        Exit status: 1 if ``--check`` finds a difference.
    """
    parser = argparse.ArgumentParser(prog="bayes_alliance.data.schema", description=main.__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", action="store_true", help="rewrite the two files")
    what.add_argument("--check", action="store_true", help="exit 1 if they differ")
    arguments = parser.parse_args(argv)
    folder = bundled("data")
    book = folder / "CODEBOOK.md"
    wanted = {
        book: codebook(book.read_text(encoding="utf-8")),
        folder / "datapackage.json": datapackage(folder),
    }
    different = [
        path
        for path, text in wanted.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path in different:
        if arguments.write:
            path.write_text(wanted[path], encoding="utf-8", newline="\n")
        print(f"{'written' if arguments.write else 'differs from the schema'}: {path.name}")
    return int(arguments.check and bool(different))


if __name__ == "__main__":
    sys.exit(main())
