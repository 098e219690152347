"""Interventions: what is changed from some year on, and the levers with a name.

Each lever stands for columns of the data, so that a named intervention and one written out by
hand are the same thing.

``credible_occupation``
    ``high``: the adversary has occupied the client or a land neighbour, or part of one
    (``occupied`` is 1), and there were at least two territorial disputes in ten years
    (``disputes`` is 2 if it was less; the models tell no more than two apart). ``none``: neither
    (``occupied`` and ``disputes`` are 0). ``land_access``, ``distance_km`` and
    ``capability_ratio`` stay, since neither geography nor material power changes with an event;
    whoever asks about them sets them. A level is for all clients, a table of levels for those that
    it names.
``promises``
    The clients' promises to each other, written as in ``commitment``.
``statement``
    The stated threat.
``clients`` and ``threat``
    Any indicator of a client (``clients.JPN.occupied = 1``), any component of threat.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from bayes_alliance.data.schema import TABLES
from bayes_alliance.forecast import clients as of_clients
from bayes_alliance.forecast import path as of_threat
from bayes_alliance.forecast.inputs import Distribution, Value, value
from bayes_alliance.forecast.place import Place, keys, one_of, table, text, year
from bayes_alliance.forecast.promises import Promises, promises

LEVERS = ("credible_occupation", "promises", "statement", "clients", "threat")
CREDIBLE = ("none", "high")
MANY = 2
"""Territorial disputes beyond which the models do not count."""
STATEMENT = TABLES["episodes"].columns["threat_statement"]


@dataclass(frozen=True)
class Intervention:
    """Values that are set from one year to another.

    Parameters
    ----------
    first, last : int
        Years, both included.
    values : dict
        By key: ``commitment``, ``statement``, ``clients.<state>.<column>`` or
        ``threat.<column>``.
    source : str
        Where they come from.
    """

    first: int
    last: int
    values: dict[str, Value | Promises]
    source: str


def interventions(
    given: object,
    first: int,
    last: int,
    rows: Mapping[str, Mapping[str, Value]],
    place: Place,
) -> tuple[Intervention, ...]:
    """Check the interventions of a scenario, by themselves and against each other.

    Parameters
    ----------
    given : object
        What the file has.
    first, last : int
        First year in which the decision may come, and the horizon.
    rows : mapping
        Indicators by client.
    place : Place
        Where they stand.

    Returns
    -------
    tuple of Intervention
        In the order of the file.
    """
    if not isinstance(given, list):
        place.refuse("tables that begin with [[interventions]]", given)
    out = []
    for i, one in enumerate(given, start=1):
        here = place / str(i)
        found = table(one, here)
        keys(found, ("from", "until", "set", "source"), ("from", "set", "source"), here)
        begin = year(found["from"], first, last, here / "from")
        end = year(found["until"], begin, last, here / "until") if "until" in found else last
        values = _values(table(found["set"], here / "set"), rows, here / "set")
        out.append(Intervention(begin, end, values, text(found["source"], here / "source")))
    _agree(out, place)
    return tuple(out)


def _agree(found: list[Intervention], place: Place) -> None:
    """Refuse interventions that set one thing to two values in the same year."""
    for (i, a), (j, b) in combinations(enumerate(found, start=1), 2):
        shared = max(a.first, b.first), min(a.last, b.last)
        if shared[0] > shared[1]:
            continue
        for key in a.values:
            if key in b.values and a.values[key] != b.values[key]:
                when = f"{shared[0]} to {shared[1]}"
                (place / str(j)).refuse(
                    f"no contradiction: intervention {i} sets {key} to {a.values[key]} in {when}",
                    f"{key} = {b.values[key]}",
                )


def _values(
    found: Mapping[str, Any], rows: Mapping[str, Mapping[str, Value]], place: Place
) -> dict[str, Value | Promises]:
    """Write levers out as columns."""
    keys(found, LEVERS, [], place)
    if not found:
        place.refuse(f"one of {', '.join(LEVERS)}", {})
    out: dict[str, Value | Promises] = {}
    if "credible_occupation" in found:
        out |= _occupation(found["credible_occupation"], rows, place / "credible_occupation")
    if "promises" in found:
        out["commitment"] = promises(found["promises"], place / "promises")
    if "statement" in found:
        out["statement"] = value(found["statement"], STATEMENT, place / "statement")
    if "threat" in found:
        changed = of_threat.threat(found["threat"], place / "threat")
        out |= {f"threat.{key}": v for key, v in changed.items()}
    for client, row in table(found.get("clients", {}), place / "clients").items():
        here = place / "clients" / str(client)
        own = table(row, here)
        one_of(client, rows, here)
        keys(own, of_clients.COLUMNS, [], here)
        for key, given in own.items():
            name, new = f"clients.{client}.{key}", value(given, of_clients.COLUMNS[key], here / key)
            if out.get(name, new) != new:
                (here / key).refuse(f"{out[name]}, as credible_occupation has it", given)
            out[name] = new
    return out


def _occupation(
    given: Any, rows: Mapping[str, Mapping[str, Value]], place: Place
) -> dict[str, Value | Promises]:
    """What the lever sets: see the top of this file."""
    levels = given if isinstance(given, Mapping) else dict.fromkeys(rows, given)
    out: dict[str, Value | Promises] = {}
    for client, level in levels.items():
        here = place / client if isinstance(given, Mapping) else place
        one_of(client, rows, here)
        high = one_of(level, CREDIBLE, here) == "high"
        out[f"clients.{client}.occupied"] = int(high)
        before = rows[client]["disputes"]
        least = before.centre if isinstance(before, Distribution) else before
        if not high:
            out[f"clients.{client}.disputes"] = 0
        elif least is None or least < MANY:  # type: ignore[operator]
            out[f"clients.{client}.disputes"] = MANY
    return out
