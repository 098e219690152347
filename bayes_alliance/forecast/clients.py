"""The clients of a scenario: what it gives of them, and what the table of latest indicators has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bayes_alliance.data import states as of_states
from bayes_alliance.data.latest import latest
from bayes_alliance.data.schema import TABLES, meta
from bayes_alliance.forecast.inputs import Value, value
from bayes_alliance.forecast.place import Place, is_number, keys, table

COLUMNS = {k: v for k, v in TABLES["clients"].columns.items() if k not in ("episode", "client")}
"""Indicators of a client: the columns of ``clients.csv``."""
NEEDED = ("capability_ratio", "distance_km", "land_access", "occupied", "disputes")
"""Indicators that must come from somewhere."""
_ABSENT = "no row of the table of latest indicators (latest.csv)"


def states() -> dict[str, str]:
    """Name of each state by its abbreviation."""
    return {short: found.name for short, found in of_states.states().items()}


def state(given: object, place: Place) -> str:
    """Check the abbreviation of a state."""
    if isinstance(given, str) and given in of_states.states():
        return given
    hint = of_states.hint(given) if isinstance(given, str) else ""
    place.refuse(f"a COW state abbreviation listed in states.csv{hint}", given)


def adversaries(given: object, patron: str, place: Place) -> list[str]:
    """Check the adversaries, joined by +."""
    if not isinstance(given, str):
        place.refuse("one or several COW state abbreviations joined by +", given)
    found = [state(part, place) for part in given.split("+")]
    if len(set(found)) < len(found):
        place.refuse("each adversary once", given)
    if patron in found:
        place.refuse(f"another state than the patron {of_states.full(patron)}", given)
    return found


@dataclass(frozen=True)
class Clients:
    """Clients with their indicators.

    Parameters
    ----------
    rows : dict
        Indicators by state and column; None where neither the scenario nor the table has one.
    from_table : dict
        By state: the columns that come from the table of latest indicators.
    """

    rows: dict[str, dict[str, Value]]
    from_table: dict[str, tuple[str, ...]]


def clients(given: object, patron: str, against: list[str], place: Place) -> Clients:
    """Check the clients and fill in what the table has.

    Parameters
    ----------
    given : object
        What the file has: a table of indicators a client, each possibly empty.
    patron : str
        The patron.
    against : list of str
        The adversaries. The table is measured against one; of several, the scenario gives all.
    place : Place
        Where they stand.

    Returns
    -------
    Clients
        The clients.
    """
    found = table(given, place)
    if not found:
        place.refuse("at least one client", {})
    rows, from_table = {}, {}
    for name, indicators in found.items():
        here = place / str(name)
        client = state(name, here)
        if client == patron or client in against:
            role = "patron" if client == patron else "adversary"
            here.refuse(f"another state than the {role} {of_states.full(client)}", name)
        own = table(indicators, here)
        keys(own, COLUMNS, [], here)
        row = {key: value(own[key], COLUMNS[key], here / key) for key in own}
        known = _known(client, patron, against, row)
        for key in NEEDED:
            if key not in row and key not in known:
                pair = f"{client} against {'+'.join(against)}"
                (here / key).refuse(f"a key {key!r}: {_ABSENT} has it for {pair}")
        rows[client] = {key: row.get(key, known.get(key)) for key in COLUMNS}
        from_table[client] = tuple(key for key in COLUMNS if key in known and key not in row)
    return Clients(rows, from_table)


def _known(
    client: str, patron: str, against: list[str], own: Mapping[str, Any]
) -> dict[str, float | int | str]:
    """What the table has of a client; a gap in polyarchy follows the client's own polyarchy."""
    rows, out = latest(), {}
    if len(against) == 1 and (client, against[0]) in rows.index:
        out = {k: v for k, v in rows.loc[client, against[0]].items() if not pd.isna(v)}  # type: ignore[index]
        given = own.get("polyarchy", out.get("polyarchy"))
        if "polyarchy_gap" in out and is_number(given):
            out["polyarchy_gap"] += given - out["polyarchy"]
    if (client, patron) in rows.index:
        out["patron_ratio"] = rows.at[(client, patron), "capability_ratio"]
    whole = {k for k, column in COLUMNS.items() if meta(column)["kind"] == "integer"}
    return {k: int(v) if k in whole else v for k, v in out.items()}
