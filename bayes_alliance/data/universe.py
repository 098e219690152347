"""The universe of asymmetric alliances, derived from ATOP's members and phases.

An alliance is asymmetric if one member, a major power with a defence obligation, is several times
as capable as every other member: it is the patron, and the others are its clients, whether or not
they are major powers themselves. The tables made here hold every candidate with a ratio of
`LEAST_RATIO` or more, in peace or war; which of them count is chosen when the data are loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayes_alliance.data.columns import Published, cinc, institutions, majors, ratio

LEAST_RATIO = 1.5
"""Least ratio of capabilities, patron over client, of the widest variant."""

TOGETHER = pd.Timedelta(31, "D")
"""Members that enter within this time enter together."""

ENDINGS = {1: "lapsed", 2: "dissolved", 3: "replaced"}
"""ATOP's TERM: provisions fulfilled or run out; broken or given up; replaced by a new one."""

FIRST = pd.Timestamp("1816-01-01")
"""Alliances formed before are outside: what preceded them is not observed."""

NEVER = pd.Timestamp("2200-01-01")


@dataclass(frozen=True)
class Event:
    """A change in an alliance.

    Parameters
    ----------
    kind : str
        ``formation``, ``accession``, ``departure``, ``deepening``, ``decay`` or ``end``.
    date : pandas.Timestamp
        When.
    clients : tuple of int
        Clients after the change.
    joined : tuple of int
        Clients that entered.
    institutions : int or None
        Military institutions after the change.
    """

    kind: str
    date: pd.Timestamp
    clients: tuple[int, ...]
    joined: tuple[int, ...] = ()
    institutions: int | None = None


@dataclass(frozen=True)
class Alliance:
    """One alliance of a patron with clients.

    Parameters
    ----------
    atop : int
        ATOP's number.
    patron : int
        Patron.
    wartime : int
        1 if ATOP calls it a wartime alliance.
    defence : int
        1 if the patron has a defence obligation.
    named : tuple of int
        States that the treaty names as the threat.
    events : tuple of Event
        Its changes in order of time, the formation first.
    end : pandas.Timestamp or None
        End of the design: fewer clients than its kind needs.
    ended : str
        How the design ended.
    treaty_end : pandas.Timestamp or None
        End of the last obligation of the patron to any of the clients.
    treaty_ended : str
        How the treaty ended.
    """

    atop: int
    patron: int
    wartime: int
    defence: int
    named: tuple[int, ...]
    events: tuple[Event, ...]
    end: pd.Timestamp | None
    ended: str
    treaty_end: pd.Timestamp | None
    treaty_ended: str


def size(clients: int) -> int:
    """Kind of a design by its clients: 1 bilateral, 2 trilateral, 3 multilateral.

    Parameters
    ----------
    clients : int
        Number of clients.

    Returns
    -------
    int
        0 to 3.
    """
    return min(clients, 3)


def alliances(
    data: Published, forced: set[int], endings: Mapping[int, Mapping[int, tuple[pd.Timestamp, str]]]
) -> list[Alliance]:
    """Derive the alliances.

    Parameters
    ----------
    data : Published
        Published data.
    forced : set of int
        ATOP numbers of pacts that count although ATOP codes no defence obligation.
    endings : mapping
        Exits after the source's end: date and how, by ATOP number and
        member; member 0 for all.

    Returns
    -------
    list of Alliance
        In the order of ATOP's numbers.
    """
    # of members that leave on one day the last tells how: the same whatever the order of the rows
    members = data.tables["atop_members"].sort_values(["member", "entry"], kind="stable")
    found = []
    for number, rows in members.groupby("atopid", sort=True):
        rows = _extended(rows, endings.get(int(number), {}))
        alliance = _alliance(data, int(number), rows, int(number) in forced)
        if alliance is not None:
            found.append(alliance)
    return found


def _extended(rows: pd.DataFrame, exits: Mapping[int, tuple[pd.Timestamp, str]]) -> pd.DataFrame:
    """Add exits after the source's end to rows that it leaves in force."""
    if not exits:
        return rows
    open_ = rows.index[rows["exit"].isna()]
    out = rows.assign(how=pd.Series(None, index=rows.index, dtype=object))
    for line in open_:
        end, how = exits.get(out.at[line, "member"], exits.get(0, (pd.NaT, "dissolved")))
        if end is not pd.NaT:
            out.at[line, "exit"], out.at[line, "how"] = end, how
    return out


def _present(rows: pd.DataFrame, at: pd.Timestamp) -> pd.DataFrame:
    """Rows in force on a day."""
    return rows[(rows["entry"] <= at) & (rows["exit"].fillna(NEVER) > at)]


def _alliance(data: Published, number: int, rows: pd.DataFrame, forced: bool) -> Alliance | None:
    """Derive one alliance, or None where it is no candidate."""
    great = [
        member
        for member, entry in zip(rows["member"], rows["entry"], strict=True)
        if member in majors(data, entry.year)
    ]
    bound = rows[rows["member"].isin(great) & ((rows["defense"] == 1) | forced)]
    for begun in sorted(pd.Timestamp(day) for day in bound["entry"].unique()):
        if begun < FIRST:
            return None
        there = _present(rows[rows["entry"] <= begun + TOGETHER], begun + TOGETHER)
        there = there if len(there) else rows[rows["entry"] == begun]
        capable = {m: cinc(data, m, begun.year) for m in sorted(set(there["member"]))}
        strong = [m for m in set(bound["member"]) & set(capable) if capable[m] is not None]
        if not strong:
            continue
        patron = max(strong, key=lambda m: capable[m] or 0.0)
        others = [ratio(capable[patron], capable[m]) for m in capable if m != patron]
        if others and min((r for r in others if r is not None), default=0.0) >= LEAST_RATIO:
            return _dated(data, number, rows, int(patron), begun)
    return None


def _dated(data, number: int, rows: pd.DataFrame, patron: int, begun: pd.Timestamp) -> Alliance:
    """Date the changes of an alliance."""
    own = rows[rows["member"] == patron].sort_values("entry")
    first = _present(own, begun).iloc[0]
    days = sorted({begun, *rows["entry"], *rows["exit"].dropna()} - {pd.NaT})
    events: list[Event] = []
    known: set[int] = set()
    end, ended, over = None, "in_force", None
    for day in [d for d in days if d >= begun]:
        formed = bool(events)
        at = day if formed else begun + TOGETHER
        now = _present(rows, at)
        if not formed and not (now["member"] == patron).any():  # short-lived: take its first day
            now = rows[rows["entry"] == begun]
        bound = now[now["member"] == patron]
        clients = set(now["member"]) - {patron} if len(bound) else set()
        before = set(events[-1].clients) if events else set()
        level = institutions(bound.iloc[-1]) if len(bound) else None
        common = {"date": day, "clients": tuple(sorted(clients)), "institutions": level}
        joined = clients - known - _successors(data, before - clients, clients - before, day)
        known |= clients
        if not events:
            common["date"] = begun
            events.append(Event("formation", joined=tuple(sorted(clients)), **common))
            continue
        if not clients:
            events.append(Event("end", **common))
            over = day
            break
        if joined and events[-1].kind == "accession" and day - events[-1].date <= TOGETHER:
            joined |= set(events.pop().joined)
            common["date"] = day
        if joined:
            events.append(Event("accession", joined=tuple(sorted(joined)), **common))
        largest = max(size(len(e.clients)) for e in events)
        if size(len(clients)) < size(len(before)) and size(len(clients)) < largest:
            events.append(Event("decay", **common))
            end, ended = (end, ended) if end is not None else (day, "shrunk")
        elif level is not None and level > max(_levels(events)):
            events.append(Event("deepening", **common))
        elif clients != set(events[-1].clients):  # some left, or a successor took a place
            events.append(Event("departure", **common))
    treaty_ended = _how(data, rows, patron, events, over) if over is not None else "in_force"
    if end is None and over is not None:
        end, ended = over, treaty_ended
    return Alliance(
        number,
        patron,
        int(first["wartime"]),
        int(first["defense"]),
        tuple(int(s) for s in first[["statthr1", "statthr2"]].dropna() if s > 0),
        tuple(events),
        end,
        ended,
        over,
        treaty_ended,
    )


def _levels(events: list[Event]) -> list[int]:
    return [e.institutions for e in events if e.institutions is not None] or [-1]


def _successors(data: Published, gone: set[int], new: set[int], day: pd.Timestamp) -> set[int]:
    """States that enter as one that ceases to exist leaves: no new clients."""
    table = data.tables["states"]
    ended = table[table["ccode"].isin(gone) & ((table["end"] - day).abs() < 2 * TOGETHER)]
    return new if len(ended) else set()


def _how(
    data: Published, rows: pd.DataFrame, patron: int, events: list[Event], over: pd.Timestamp
) -> str:
    """How the obligations that ended last ended, by the source.

    A new relationship replaces an alliance only if the patron is then bound to defend one of the
    last clients; a treaty of friendship in its place is its end.
    """
    last = rows[rows["exit"] == over]
    of_patron = last[last["member"] == patron]
    ending = (of_patron if len(of_patron) else last).iloc[-1]
    if isinstance(ending.get("how"), str):  # coded by hand
        return str(ending["how"])
    term = ending["term"]
    ended = ENDINGS.get(int(term) if not np.isnan(term) else 2, "dissolved")
    clients = next((e.clients for e in reversed(events) if e.clients), ())
    return (
        ended if ended != "replaced" or _bound(data, rows, patron, clients, over) else "dissolved"
    )


def _bound(data, rows: pd.DataFrame, patron: int, clients, over: pd.Timestamp) -> bool:
    """Whether the patron defends one of some states by another pact a year after a day."""
    members = data.tables["atop_members"]
    then = _present(members, over + pd.DateOffset(years=1))
    then = then[then["atopid"] != rows["atopid"].iloc[0]]
    own = then.loc[(then["member"] == patron) & (then["defense"] == 1), "atopid"]
    return bool((then["atopid"].isin(own) & then["member"].isin(clients)).any())


def pacts(data: Published) -> pd.DataFrame:
    """Promises between pairs of states, by the members' rows of ATOP.

    Parameters
    ----------
    data : Published
        Published data.

    Returns
    -------
    pandas.DataFrame
        One row a pact, phase and member with a promise to consult or to defend: ``atopid``,
        ``member``, ``entry``, ``exit`` (far in the future if in force) and ``level`` (1 consult,
        2 defend).
    """
    rows = data.tables["atop_members"]
    level = np.where(rows["defense"] == 1, 2, np.where(rows["consul"] == 1, 1, 0))
    out = rows[["atopid", "member", "entry", "exit"]].assign(level=level)
    return out[out["level"] > 0].assign(exit=out["exit"].fillna(NEVER))


def promises(
    found: pd.DataFrame, patron: int, pairs: list[tuple[int, int]], at: pd.Timestamp
) -> dict[tuple[int, int], int]:
    """Promises in force between clients in the year before a patron promises.

    Parameters
    ----------
    found : pandas.DataFrame
        What `pacts` gives.
    patron : int
        Patron; a pact that it belonged to then does not count.
    pairs : list of tuple of int
        Pairs of clients.
    at : pandas.Timestamp
        Day on which the patron promised.

    Returns
    -------
    dict
        0 none, 1 consult, 2 defend, by pair: the stronger of their pacts, each by the weaker of
        the two obligations, in force on the day before or on the same day a year before.
    """
    out = dict.fromkeys(pairs, 0)
    for day in (at - pd.DateOffset(days=1), at - pd.DateOffset(years=1)):
        now = found[(found["entry"] <= day) & (found["exit"] > day)]
        now = now[~now["atopid"].isin(now.loc[now["member"] == patron, "atopid"])]
        wanted = {state for pair in pairs for state in pair}
        by_pact = now[now["member"].isin(wanted)].groupby("atopid")
        for _, rows in by_pact:
            level = rows.groupby("member")["level"].max().to_dict()
            for pair in pairs:
                if pair[0] in level and pair[1] in level:
                    out[pair] = max(out[pair], min(level[pair[0]], level[pair[1]]))
    return out
