"""The columns that follow from published data, each a small function of state and year.

States are COW country codes here. A state or pair that a source does not cover gives None, which
the tables show as an empty cell; nothing is filled in.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd

from bayes_alliance.data import sources
from bayes_alliance.data.states import REGIONS as THEATRES
from bayes_alliance.data.states import full
from bayes_alliance.errors import InputError

CINC_FLOOR = 1e-5
"""Least capability, so that a ratio exists for a state whose share of the world's is 0."""

NEAR = 3
"""Years within which the value of a neighbouring year stands in for a missing one."""

NEAR_BORDERS = 10
"""Years within which borders measured in another year stand in for those of a year."""

LOOK_BACK = 10
"""Years before a decision in which disputes and occupations count."""

USE_OF_FORCE = 4
"""Hostility level from which a dispute counts as one with force."""

EARTH_KM = 6371.0
LAND = 1
"""Code of contiguity by land."""


class Panel:
    """Values by state, or pair of states, and year.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a key and year.
    keys : sequence of str
        Columns of the state or pair.
    value : str
        Column of the value; missing ones drop out.

    Attributes
    ----------
    last_year : int
        Last year that the source covers.
    """

    def __init__(self, table: pd.DataFrame, keys: Sequence[str], value: str) -> None:
        known = table.dropna(subset=[value])
        place = _place(*(known[key].to_numpy(np.int64) for key in keys))
        order = np.lexsort((known["year"].to_numpy(), place))
        self._year = known["year"].to_numpy(np.int64)[order]
        self._value = known[value].to_numpy(float)[order]
        places, first = np.unique(place[order], return_index=True)
        until = np.append(first[1:], len(order))
        runs = map(slice, first.tolist(), until.tolist())
        self._runs = dict(zip(places.tolist(), runs, strict=True))
        self.last_year = int(self._year.max())

    def _own(self, key: tuple[int, ...]) -> slice:
        return self._runs.get(_place(*key), slice(0, 0))

    def nearest(self, key: tuple[int, ...], year: int, within: int) -> float | None:
        """Look up a value in a year, or in the nearest year that has one.

        Parameters
        ----------
        key : tuple of int
            State or pair.
        year : int
            Year wanted.
        within : int
            How many years away a value may lie.

        Returns
        -------
        float or None
            The value, the earlier one of two equally near; None where none is near enough.
        """
        own = self._own(key)
        away = np.abs(self._year[own] - year)
        if not away.size or away.min() > within:
            return None
        return float(self._value[own][int(np.argmin(away))])

    def latest(self, key: tuple[int, ...], year: int) -> float | None:
        """Look up a value in a year; past the source's end its last value is carried forward.

        Parameters
        ----------
        key : tuple of int
            State or pair.
        year : int
            Year wanted.

        Returns
        -------
        float or None
            The value of the year or of the last year before; None before the first.
        """
        own = self._own(key)
        at = int(np.searchsorted(self._year[own], year, "right"))
        return float(self._value[own][at - 1]) if at else None


def _place(first, second=0):
    return first * 1000 + second


Spells = dict[tuple[int, int], list[tuple[int, int]]]
"""First and last years by ordered pair of states."""


def spells(first: Iterable, second: Iterable, begin: Iterable, end: Iterable) -> Spells:
    """Arrange spells by pair of states.

    Parameters
    ----------
    first, second : iterable of int
        States.
    begin, end : iterable of int
        First and last year, both included.

    Returns
    -------
    dict
        Spells by pair.
    """
    out: Spells = defaultdict(list)
    for a, b, since, until in zip(first, second, begin, end, strict=True):
        out[int(a), int(b)].append((int(since), int(until)))
    return out


def covers(found: Iterable[tuple[int, int]], first: int, last: int) -> bool:
    """Tell whether a spell overlaps a span of years.

    Parameters
    ----------
    found : iterable of tuple
        First and last years of spells.
    first, last : int
        The span, both included.

    Returns
    -------
    bool
        Whether any does.
    """
    return any(since <= last and until >= first for since, until in found)


class _Listed(dict):
    """What the list of states has; a state that it lacks is named."""

    def __missing__(self, key: object) -> NoReturn:
        raise InputError(
            f"a list of states that has {full(str(key))}, which another table names",
            file="list of states (COW state system membership)",
            column="stateabb" if isinstance(key, str) else "ccode",
            value=key,
        )


@dataclass(frozen=True, eq=False)
class Published:
    """The published data and the coded spells, arranged for look-ups.

    Parameters
    ----------
    tables : dict of str to pandas.DataFrame
        Every source as its reader gives it.
    codes : dict
        COW code by abbreviation; ``names`` is the reverse.
    cinc, personnel, polyarchy, distance : Panel
        Values by state, or by pair of states (the lower code first), and year.
    land, occupied : dict
        Spells of contiguity by land and of military occupation (occupier first).
    rivals : dict
        Spells of rivalry by state and rival.
    hosts : dict
        Country where a state's army stood: list of host, first and last year.
    held : dict
        Distances coded by hand, by client and adversary: first year, last year, km.
    disputes, territorial : dict
        Years and numbers of disputes by ordered pair: those that the first began with force, and
        those over territory.
    """

    tables: dict[str, pd.DataFrame]
    codes: dict[str, int]
    cinc: Panel
    personnel: Panel
    polyarchy: Panel
    distance: Panel
    land: Spells
    rivals: dict[int, dict[int, list[tuple[int, int]]]]
    occupied: Spells
    hosts: dict[int, list[tuple[int, int, int]]]
    held: dict[tuple[int, int], list[tuple[int, int, float]]]
    disputes: dict[tuple[int, int], np.ndarray]
    territorial: dict[tuple[int, int], np.ndarray]
    names: dict[int, str] = field(init=False)
    last: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        """Turn the codes round, and note the last years of the sources."""
        names = {code: name for name, code in self.codes.items()}
        object.__setattr__(self, "codes", _Listed(self.codes))
        object.__setattr__(self, "names", _Listed(names))
        ends = {"mid": "year", "gml": "year", "tss": "end"}
        last = {name: int(self.tables[name][column].max()) for name, column in ends.items()}
        object.__setattr__(self, "last", last)

    @classmethod
    def read(cls, folder: Path, coding: dict[str, pd.DataFrame]) -> Published:
        """Read a folder of source files.

        Parameters
        ----------
        folder : pathlib.Path
            Folder of the source files.
        coding : dict of str to pandas.DataFrame
            The coded spells: ``occupations``, ``stationed`` and ``distances``.

        Returns
        -------
        Published
            The data.
        """
        tables = sources.read_all(folder)
        members = tables["atop_members"]
        coded = members.select_dtypes("Int64").columns  # NaN compares as False, NA as neither
        tables["atop_members"] = members.astype(dict.fromkeys(coded, float))
        states = tables["states"].drop_duplicates("stateabb")
        codes = _Listed(zip(states["stateabb"], states["ccode"].astype(int), strict=True))
        mid, gml, land = tables["mid"], tables["gml"], tables["contiguity"]
        land = land[land["conttype"] == LAND]
        began = mid[(mid["sidea1"] == 1) & (mid["hostlev1"] >= USE_OF_FORCE) & (mid["onset"] == 1)]
        occupations, hosts = coding["occupations"], defaultdict(list)
        for row in coding["stationed"].itertuples():
            hosts[codes[row.holder]].append((codes[row.host], row.first, row.last))
        held = defaultdict(list)
        for row in coding["distances"].itertuples():
            held[codes[row.client], codes[row.adversary]].append((row.first, row.last, row.km))
        rivals = tables["tss"]
        both = pd.concat([rivals, rivals.rename(columns={"ccode1": "ccode2", "ccode2": "ccode1"})])
        return cls(
            tables=tables,
            codes=codes,
            cinc=Panel(tables["nmc"], ["ccode"], "cinc"),
            personnel=Panel(tables["nmc"], ["ccode"], "milper"),
            polyarchy=Panel(tables["vdem"], ["ccode"], "polyarchy"),
            distance=Panel(tables["mindist"], ["ccode1", "ccode2"], "mindist"),
            land=spells(land["ccode1"], land["ccode2"], land["start"].dt.year, land["end"].dt.year),
            rivals=_by_first(both),
            occupied=spells(
                occupations["occupier"].map(codes),
                occupations["occupied"].map(codes),
                occupations["first"],
                occupations["last"],
            ),
            hosts=dict(hosts),
            held=dict(held),
            disputes=_numbered(began),
            territorial=_numbered(gml[gml["territory"]]),
        )


def _by_first(rivalries: pd.DataFrame) -> dict[int, dict[int, list[tuple[int, int]]]]:
    """Spells of rivalry by state and rival, the rivals in ascending order."""
    out: dict[int, dict[int, list[tuple[int, int]]]] = defaultdict(dict)
    columns_ = (rivalries[name] for name in ("ccode1", "ccode2", "start", "end"))
    for (first, second), found in sorted(spells(*columns_).items()):
        out[first][second] = found
    return dict(out)


def _numbered(disputes: pd.DataFrame) -> dict[tuple[int, int], np.ndarray]:
    """Years and numbers of disputes, (dispute-year, 2), by ordered pair of states."""
    return {
        key: rows[["year", "dispnum"]].to_numpy(np.int64)
        for key, rows in disputes.groupby(["ccode1", "ccode2"])
    }


def theatre(clients: Iterable[int]) -> str:
    """Theatre in which most of a group of clients lie; the first client's where it is a tie.

    Parameters
    ----------
    clients : iterable of int
        States.

    Returns
    -------
    str
        One of `THEATRES`.
    """
    clients = list(clients)
    found = [t for c in clients for t, (low, high) in THEATRES.items() if low <= c <= high]
    if not found:
        words = "the code of a state that lies in a theatre, from 2 to 999"
        raise InputError(words, column="ccode", value=clients)
    return max(dict.fromkeys(found), key=found.count)


@functools.cache
def cinc(data: Published, state: int, year: int) -> float | None:
    """Composite index of national capability, not below `CINC_FLOOR`.

    Parameters
    ----------
    data : Published
        Published data.
    state : int
        State.
    year : int
        Year; a state without a value then takes the nearest within `NEAR` years.

    Returns
    -------
    float or None
        Share of the world's capabilities.

    References
    ----------
    Singer (1987), "Reconstructing the Correlates of War dataset on material capabilities".
    """
    last = data.cinc.last_year
    value = data.cinc.nearest((state,), min(year, last), NEAR)
    return None if value is None else max(value, CINC_FLOOR)


def ratio(first: float | None, second: float | None) -> float | None:
    """Quotient of two values, missing where either is.

    Parameters
    ----------
    first, second : float or None
        Values; the second is above 0.

    Returns
    -------
    float or None
        ``first / second``.
    """
    return None if first is None or not second else first / second


def capability_ratio(data: Published, strong: int, weak: int, year: int) -> float | None:
    """CINC of one state over CINC of another.

    Parameters
    ----------
    data : Published
        Published data.
    strong, weak : int
        States: adversary or patron, and client.
    year : int
        Year of the decision.

    Returns
    -------
    float or None
        The ratio.
    """
    return ratio(cinc(data, strong, year), cinc(data, weak, year))


def forces_ratio(data: Published, adversary: int, client: int, year: int) -> float | None:
    """Military personnel of the adversary over that of the client, in thousands plus one.

    Parameters
    ----------
    data : Published
        Published data.
    adversary, client : int
        States.
    year : int
        Year of the decision.

    Returns
    -------
    float or None
        The ratio; one thousand is added to both, as a state may have no army.
    """
    year = min(year, data.personnel.last_year)
    theirs, own = (data.personnel.nearest((s,), year, NEAR) for s in (adversary, client))
    return None if theirs is None or own is None else (theirs + 1.0) / (own + 1.0)


@functools.cache
def polyarchy(data: Published, state: int, year: int) -> float | None:
    """Electoral democracy of a state.

    Parameters
    ----------
    data : Published
        Published data.
    state : int
        State.
    year : int
        Year; the nearest within `NEAR` stands in, and the last one past the source's end.

    Returns
    -------
    float or None
        V-Dem's index, 0 to 1.
    """
    return data.polyarchy.nearest((state,), min(year, data.polyarchy.last_year), NEAR)


@functools.cache
def _capital(data: Published, state: int, year: int) -> tuple[float, float] | None:
    """Latitude and longitude of a state's capital."""
    own = data.tables["capitals"]
    own = own[own["ccode"] == state]
    then = own[(own["start"].dt.year <= year) & (own["end"].dt.year >= year)]
    then = then if len(then) else own.tail(1)
    return None if not len(then) else (float(then["lat"].iloc[0]), float(then["lng"].iloc[0]))


def great_circle(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Distance over the sphere.

    Parameters
    ----------
    first, second : tuple of float
        Latitude and longitude in degrees.

    Returns
    -------
    float
        Kilometres, by the haversine formula.
    """
    (lat1, lng1), (lat2, lng2) = np.radians(first), np.radians(second)
    half = np.sin((lat2 - lat1) / 2) ** 2
    half += np.cos(lat1) * np.cos(lat2) * np.sin((lng2 - lng1) / 2) ** 2
    return float(2 * EARTH_KM * np.arcsin(np.sqrt(half)))


@functools.cache
def by_land(data: Published, first: int, second: int, year: int) -> bool:
    """Tell whether two states met on land.

    Parameters
    ----------
    data : Published
        Published data.
    first, second : int
        States.
    year : int
        Year; past the source's end as in its last year.

    Returns
    -------
    bool
        Whether they did.
    """
    year = min(year, _last_border(data))
    return covers(data.land.get((first, second), ()), year, year)


@functools.cache
def _last_border(data: Published) -> int:
    return max(until for found in data.land.values() for _, until in found)


@functools.cache
def _neighbours(data: Published, year: int) -> dict[int, set[int]]:
    """Land neighbours of every state in a year."""
    year = min(year, _last_border(data))
    out: dict[int, set[int]] = defaultdict(set)
    for (a, b), found in data.land.items():
        if covers(found, year, year):
            out[a].add(b)
            out[b].add(a)
    return out


@functools.cache
def _reached(data: Published, state: int, year: int) -> frozenset[int]:
    """States that can be reached from a state over land."""
    beside = _neighbours(data, year)
    seen, edge = {state}, [state]
    while edge:
        new = beside.get(edge.pop(), set()) - seen
        seen |= new
        edge += new
    return frozenset(seen)


@functools.cache
def forward_bases(data: Published, state: int, year: int) -> list[int]:
    """Countries from which a state can act: itself and those where its army stands.

    Parameters
    ----------
    data : Published
        Published data.
    state : int
        The adversary.
    year : int
        Year.

    Returns
    -------
    list of int
        States, the adversary first.
    """
    spells_ = data.hosts.get(state, [])
    return [state, *(host for host, since, until in spells_ if since <= year <= until)]


def _apart(data: Published, first: int, second: int, year: int) -> float | None:
    """Kilometres between two states: their borders, or before these were measured, capitals."""
    if by_land(data, first, second, year):
        return 0.0
    low, high = sorted((first, second))
    borders = data.distance.nearest((low, high), min(year, data.distance.last_year), NEAR_BORDERS)
    if borders is not None:
        return borders
    capitals = [_capital(data, state, year) for state in (first, second)]
    return None if None in capitals else great_circle(*capitals)  # type: ignore[arg-type]


def _held(data: Published, adversary: int, client: int, year: int) -> float | None:
    """Distance coded by hand."""
    spans = data.held.get((client, adversary), ())
    return next((km for first, last, km in spans if first <= year <= last), None)


@functools.cache
def distance(data: Published, adversary: int, client: int, year: int) -> float | None:
    """Distance from a client to the nearest territory held by an adversary or its army.

    Parameters
    ----------
    data : Published
        Published data.
    adversary, client : int
        States.
    year : int
        Year.

    Returns
    -------
    float or None
        Kilometres: 0 if they meet on land; the minimum distance of their borders where it is
        measured (from 1886), else the great-circle distance of the capitals.

    References
    ----------
    Schvitz et al. (2022), "Mapping the international system, 1886-2019".
    """
    held = _held(data, adversary, client, year)
    if held is not None:
        return held
    bases = forward_bases(data, adversary, year)
    if client in bases:
        return 0.0
    found = [_apart(data, base, client, year) for base in bases]
    return min((km for km in found if km is not None), default=None)


def land_access(data: Published, adversary: int, client: int, year: int) -> str:
    """Tell how the adversary's forces could come.

    Parameters
    ----------
    data : Published
        Published data.
    adversary, client : int
        States.
    year : int
        Year.

    Returns
    -------
    str
        ``contiguous``, ``landmass`` (over the land of other states) or ``sea``.
    """
    bases = forward_bases(data, adversary, year)
    beside = client in bases or _held(data, adversary, client, year) == 0
    if beside or any(by_land(data, base, client, year) for base in bases):
        return "contiguous"
    return "landmass" if any(client in _reached(data, base, year) for base in bases) else "sea"


def occupied(data: Published, adversary: int, client: int, year: int) -> int:
    """Tell whether the adversary lately occupied the client or a land neighbour of it.

    Parameters
    ----------
    data : Published
        Published data.
    adversary, client : int
        States.
    year : int
        Year of the decision; the ten years before it count.

    Returns
    -------
    int
        1 if it did, wholly or in part.
    """
    near = {client, *_neighbours(data, year).get(client, ())}
    span = year - LOOK_BACK, year - 1
    return int(any(covers(data.occupied.get((adversary, place), ()), *span) for place in near))


def _count(known: dict, firsts: Iterable[int], seconds: Iterable[int], begin: int, end: int) -> int:
    """Count disputes, each once, of pairs of states in a span of years."""
    numbers: set[int] = set()
    for pair in ((a, b) for a in firsts for b in seconds):
        rows = known.get(pair)
        if rows is not None:
            inside = (rows[:, 0] >= begin) & (rows[:, 0] <= end)
            numbers.update(rows[inside, 1].tolist())
    return len(numbers)


def territorial_disputes(data: Published, adversary: int, client: int, year: int) -> int | None:
    """Count disputes over territory between two states in the ten years before a year.

    Parameters
    ----------
    data : Published
        Published data.
    adversary, client : int
        States.
    year : int
        Year of the decision, itself not counted.

    Returns
    -------
    int or None
        Number of disputes; None where the source covers none of the ten years.

    References
    ----------
    Gibler, Miller & Little (2016), "An analysis of the militarized interstate dispute dataset".
    """
    if year - LOOK_BACK > data.last["gml"]:
        return None
    return _count(data.territorial, [client], [adversary], year - LOOK_BACK, year - 1)


def begun_disputes(
    data: Published, adversaries: Iterable[int], targets: Iterable[int], year: int
) -> int:
    """Count disputes in which an adversary, on the side that acted first, used force.

    Parameters
    ----------
    data : Published
        Published data.
    adversaries, targets : iterable of int
        States.
    year : int
        Last of the five years in which the dispute began; past the source's end, its last year.

    Returns
    -------
    int
        Number of disputes; one against several targets counts once.

    References
    ----------
    Palmer et al. (2021), "The MID5 dataset, 2011-2014".
    """
    year = min(year, data.last["mid"])
    return _count(data.disputes, list(adversaries), list(targets), year - 4, year)


@functools.cache
def rivals(data: Published, state: int, year: int) -> list[int]:
    """Strategic rivals of a state in a year.

    Parameters
    ----------
    data : Published
        Published data.
    state : int
        State.
    year : int
        Year; past the source's end as in its last year.

    Returns
    -------
    list of int
        States, in ascending order.

    References
    ----------
    Thompson, Sakuwa & Suhas (2021), *Analyzing Strategic Rivalries in World Politics*.
    """
    year = min(year, data.last["tss"])
    return [b for b, spans in data.rivals.get(state, {}).items() if covers(spans, year, year)]


@functools.cache
def majors(data: Published, year: int) -> list[int]:
    """Major powers of a year.

    Parameters
    ----------
    data : Published
        Published data.
    year : int
        Year; past the source's end as in its last year.

    Returns
    -------
    list of int
        States, in ascending order.
    """
    return there(data.tables["majors"], year)


def there(spells_: pd.DataFrame, year: int) -> list[int]:
    """States whose spells cover a year.

    Parameters
    ----------
    spells_ : pandas.DataFrame
        ``ccode``, ``start`` and ``end``: members of the state system, or major powers.
    year : int
        Year; past the source's end as in its last year.

    Returns
    -------
    list of int
        States, in ascending order.
    """
    begin, end = spells_["start"].dt.year, spells_["end"].dt.year
    year = min(year, int(end.max()))
    return sorted(set(spells_.loc[(begin <= year) & (end >= year), "ccode"].astype(int)))


@functools.cache
def states(data: Published, year: int) -> list[int]:
    """States of the system in a year.

    Parameters
    ----------
    data : Published
        Published data.
    year : int
        Year; past the source's end as in its last year.

    Returns
    -------
    list of int
        States, in ascending order.
    """
    return there(data.tables["states"], year)


def adversary(
    data: Published, patron: int, clients: Sequence[int], year: int, named: Sequence[int] = ()
) -> int | None:
    """Adversary by rule: the great power against which a patron would defend clients.

    The states that the treaty names, if any; else the major powers among the patron's strategic
    rivals; else its other rivals; else those of most of the clients. Of several, the one that is
    rival to most clients, then the nearest to them, then the most capable.

    Parameters
    ----------
    data : Published
        Published data.
    patron : int
        Patron.
    clients : sequence of int
        Clients.
    year : int
        Year of the decision.
    named : sequence of int
        States that the treaty names as the threat.

    Returns
    -------
    int or None
        The state; None where there is no candidate.
    """
    own = rivals(data, patron, year)
    of_clients = {c: set(rivals(data, c, year)) for c in clients}
    shared = [s for s in set().union(*of_clients.values()) if s != patron] if clients else []
    great = [s for s in own if s in majors(data, year)]
    inside = {patron, *clients}
    for group in (named, great, own, shared):
        candidates = [s for s in group if s not in inside and cinc(data, s, year) is not None]
        if candidates:
            return min(candidates, key=lambda s: _weight(data, s, clients, of_clients, year))
    return None


def _weight(data, state, clients, of_clients, year) -> tuple[float, float, float]:
    """Order of candidates: rival to most clients, nearest, most capable."""
    apart = [distance(data, state, c, year) for c in clients]
    known = [km for km in apart if km is not None]
    return (
        -sum(state in found for found in of_clients.values()),
        min(known, default=np.inf),
        -(cinc(data, state, year) or 0.0),
    )


def institutions(row: pd.Series) -> int | None:
    """Military institutions of an alliance in a phase.

    Parameters
    ----------
    row : pandas.Series
        A member's row of ATOP.

    Returns
    -------
    int or None
        2 high (integrated command, troops placed on each other's soil, or a common doctrine), 1
        moderate (contact of the military in peace, training or transfers, subordination of forces,
        agreed contributions, or an organisation with a military purpose), 0 none.

    References
    ----------
    Leeds & Anac (2005), "Alliance institutionalization and alliance performance".
    """
    coded = row[["milcon", "intcom", "base"]]
    if coded.isna().all():
        return None
    if row["intcom"] >= 1 or row["base"] >= 1 or row["milcon"] >= 3:
        return 2
    purpose = row["orgpurp1"] in (1, 4) or row["orgpurp2"] in (1, 4)
    some = row["milcon"] >= 2 or row["milaid"] >= 3 or row["subord"] >= 1 or row["contrib"] >= 1
    return int(some or purpose)
