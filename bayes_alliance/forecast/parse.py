"""From the content of a scenario's file to its checked fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from bayes_alliance.data import states
from bayes_alliance.data.schema import OBSERVED_UNTIL, TABLES
from bayes_alliance.forecast import clients as of_clients
from bayes_alliance.forecast.inputs import share, value
from bayes_alliance.forecast.levers import STATEMENT, interventions
from bayes_alliance.forecast.path import COLUMNS as THREAT
from bayes_alliance.forecast.path import path, threat
from bayes_alliance.forecast.place import Place, cell, keys, line, one_of, slug, table, text, year
from bayes_alliance.forecast.promises import promises

FIRST_YEAR = date.fromisoformat(OBSERVED_UNTIL).year + 1
LAST_YEAR = 2200
"""Beyond it a date could no longer be held in the tables."""
TODAY = ("none", "bilateral", "trilateral", "multilateral_weak", "multilateral_strong")
"""What a grouping can be today."""
REQUIRED = (
    "name",
    "title",
    "question",
    "patron",
    "adversary",
    "theatre",
    "year",
    "horizon",
    "initiative",
    "today",
    "clients",
    "commitment",
    "sources",
)
OPTIONAL = ("statement", "threat", "path", "interventions", "share", "notes")
_EPISODE = TABLES["episodes"].columns


def fields(content: object, top: Place) -> dict[str, Any]:
    """Check the content of a file, key by key.

    Parameters
    ----------
    content : object
        The tables and keys of the file, what it extends included.
    top : Place
        The file.

    Returns
    -------
    dict
        Fields of `bayes_alliance.forecast.scenario.Scenario`.
    """
    found = table(content, top)
    keys(found, (*REQUIRED, *OPTIONAL), REQUIRED, top)
    patron = of_clients.state(found["patron"], top / "patron")
    against = of_clients.adversaries(found["adversary"], patron, top / "adversary")
    first = year(found["year"], FIRST_YEAR, LAST_YEAR, top / "year")
    last = _horizon(found["horizon"], first, top / "horizon")
    who = of_clients.clients(found["clients"], patron, against, top / "clients")
    promised = promises(found["commitment"], top / "commitment")
    changed = threat(found.get("threat", {}), top / "threat")
    way = path(found.get("path", {}), first, last, top / "path")
    out = {
        "name": slug(found["name"], top / "name"),
        "title": line(found["title"], top / "title"),
        "question": line(found["question"], top / "question"),
        "patron": patron,
        "adversary": "+".join(against),
        "theatre": cell(found["theatre"], _EPISODE["theatre"], top / "theatre"),
        "year": first,
        "horizon": last,
        "initiative": cell(found["initiative"], _EPISODE["initiative"], top / "initiative"),
        "today": one_of(found["today"], TODAY, top / "today"),
        "clients": who.rows,
        "from_table": who.from_table,
        "commitment": promised.p,
        "certainty": promised.certainty,
        "statement": value(found["statement"], STATEMENT, top / "statement")
        if "statement" in found
        else None,
        "threat": changed,
        "path": way,
        "interventions": interventions(
            found.get("interventions", []), first, last, who.rows, top / "interventions"
        ),
        "share": share(found["share"], top / "share") if "share" in found else None,
        "notes": text(found["notes"], top / "notes") if "notes" in found else "",
    }
    of_states = states.notes(patron, against, who.rows, out["theatre"])
    if of_states:
        said = "".join(f" Note: {sentence}." for sentence in of_states)
        out["notes"] = (out["notes"] + said).strip()
    given = [
        key
        for key in of_clients.COLUMNS
        if any(
            row[key] is not None and key not in who.from_table[client]
            for client, row in who.rows.items()
        )
    ]
    needed = [*given, "commitment", "initiative", "today"]
    needed += [key for key in ("statement", "share") if key in found]
    needed += [f"threat.{key}" for key in changed] + [f"path.{key}" for key in way]
    return out | {"sources": _sources(found["sources"], needed, top / "sources")}


def _horizon(given: Any, first: int, place: Place) -> int:
    if isinstance(given, int) and not isinstance(given, bool) and given < first:
        place.refuse(
            f"a year from {first}, the first year of the decision, on: not a horizon in the past",
            given,
        )
    return year(given, first, LAST_YEAR, place)


def _sources(given: object, needed: Iterable[str], place: Place) -> dict[str, str]:
    """Check the sources; ``threat.disputes`` may be a dotted or a quoted key, or a table."""
    flat: dict[str, Any] = {}
    for key, found in table(given, place).items():
        if key in ("threat", "path") and isinstance(found, Mapping):
            flat |= {f"{key}.{inner}": words for inner, words in found.items()}
        else:
            flat[key] = found
    known = [
        *of_clients.COLUMNS,
        *("commitment", "initiative", "today", "statement", "share"),
        *(f"{where}.{key}" for where in ("threat", "path") for key in THREAT),
    ]
    keys(flat, known, [], place)
    for key in needed:
        if key not in flat:
            (place / key).refuse(f"a line in [sources] that says where {key} comes from")
    return {key: text(words, place / key) for key, words in flat.items()}
