"""Builds the tables of asymmetric alliances, 1816 to 2025, from published data and judgements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from math import exp, isnan, log
from pathlib import Path
from typing import Any

import pandas as pd

from bayes_alliance.data import columns as c
from bayes_alliance.data.fields import OBSERVED_UNTIL
from bayes_alliance.data.judged import check_coding
from bayes_alliance.data.universe import FIRST, Alliance, Event, alliances, pacts, promises
from bayes_alliance.data.universe_schema import CODING
from bayes_alliance.data.validate import Problem, read_table, refuse

LAST_YEAR = int(OBSERVED_UNTIL[:4])
WEAKER = 2.0
"""A state is exposed to a patron's offer if the patron is this many times as capable."""

NEARBY_KM = 50.0
"""Added to distances before their logarithm is taken, so that contiguity has one."""

BEFORE = 10
"""Years of the panel before a patron's first episode in a theatre."""

Row = dict[str, Any]


def read_coding(folder: Path) -> dict[str, pd.DataFrame]:
    """Read the tables of judgements.

    Parameters
    ----------
    folder : pathlib.Path
        The folder ``coding``.

    Returns
    -------
    dict of str to pandas.DataFrame
        Tables by name.
    """
    coding = {
        name: read_table(folder / f"{name}.csv", schema, may_be_empty=True)
        for name, schema in CODING.items()
    }
    check_coding(coding, folder)
    return coding


class Builder:
    """Makes the tables; each method is one table, in the order in which they build on each other.

    Parameters
    ----------
    data : Published
        Published data.
    coding : dict of str to pandas.DataFrame
        Judgements.
    episodes, clients : pandas.DataFrame
        The coded tables for Europe and Asia.
    """

    def __init__(
        self,
        data: c.Published,
        coding: dict[str, pd.DataFrame],
        episodes: pd.DataFrame,
        clients: pd.DataFrame,
    ) -> None:
        self.data, self.coding = data, coding
        self.episodes, self.coded_clients = episodes, clients
        self.pacts = pacts(data)
        judged = coding["judgements"]
        self.judged = {
            (e, col): v
            for e, who, col, v in judged[["episode", "client", "column", "value"]].itertuples(
                index=False
            )
            if who == "*"
        }
        forced = {
            int(e.removeprefix("atop-"))
            for (e, col), v in self.judged.items()
            if col == "defence" and v == "1" and e.count("-") == 1
        }
        endings: dict[int, dict[int, tuple[pd.Timestamp, str]]] = defaultdict(dict)
        for row in coding["endings"].itertuples():
            member = 0 if row.member == "*" else data.codes[row.member]
            endings[int(row.atop)][member] = row.end, row.ended
        self.found = alliances(data, forced, endings)
        self.spells = defaultdict(list)
        for row in coding["adversaries"].itertuples():
            states = [data.codes[s] for s in row.adversary.split("+")]
            self.spells[data.codes[row.patron], row.theatre].append((row.first, row.last, states))

    # --- episodes -----------------------------------------------------------------------------

    def alliances(self) -> pd.DataFrame:
        """One row an episode, by rule, of the articles, or by hand."""
        rows = [row for alliance in self.found for row in self._by_rule(alliance)]
        rows += self._coded("articles") + self._coded("hand")
        self._join(rows)
        table = pd.DataFrame(rows)
        self._check(set(table["episode"]))
        order = table["origin"].map({"rule": 0, "articles": 1, "hand": 2})
        return table.assign(o=order).sort_values(["o", "date", "episode"]).drop(columns="o")

    def _check(self, known: set[str]) -> None:
        """Refuse judgements of episodes that are not there, but for pacts before observation."""
        members = self.data.tables["atop_members"]
        early = members.loc[members["entry"] < FIRST, "atopid"].astype(int)
        known = known | {f"atop-{number}" for number in early}
        refuse(
            Problem("coding/judgements.csv", line, "episode", name, "an episode of the dataset")
            for line, name in self.coding["judgements"]["episode"].items()
            if name not in known
        )

    def _by_rule(self, alliance: Alliance) -> list[Row]:
        """Rows of a formation and its accessions."""
        rows: list[Row] = []
        formation = f"atop-{alliance.atop}"
        for event in alliance.events:
            if event.kind not in ("formation", "accession"):
                continue
            joined = event.kind == "accession"
            name = f"{formation}-{event.date.year}" if joined else formation
            if joined and name in {r["episode"] for r in rows}:
                name = f"{name}-{event.date.month}"
            row = self._row(name, alliance.patron, list(event.joined), event.date, alliance.named)
            row |= {
                "name": self.judged.get((name, "name")) or self._called(alliance, event, formation),
                "origin": "rule",
                "atop": alliance.atop,
                "wartime": alliance.wartime,
                "defence": alliance.defence,
                "clients": len(event.clients),
                "institutions": event.institutions,
                "accession_to": formation if joined else None,
                "start": event.date,
                "end": alliance.end,
                "ended": alliance.ended,
                "treaty_end": alliance.treaty_end,
                "treaty_ended": alliance.treaty_ended,
            }
            if joined:  # a design that had shrunk before does not end again
                over = alliance.end is not None and alliance.end <= event.date
                row["end"] = alliance.treaty_end if over else alliance.end
                row["ended"] = alliance.treaty_ended if over else alliance.ended
            rows.append(row)
        return rows

    def _called(self, alliance: Alliance, event: Event, formation: str) -> str:
        """Name of an episode that no judgement names."""
        names = self.data.names
        year = event.date.year
        if event.kind == "accession":
            design = self.judged.get((formation, "name"), names[alliance.patron])
            return f"{design.rstrip(' 0123456789')} {year} (+{len(event.joined)})"
        if len(event.clients) > 3:
            return f"{names[alliance.patron]} and {len(event.clients)} clients {year}"
        return "-".join(names[s] for s in (alliance.patron, *event.clients)) + f" {year}"

    def _row(
        self,
        name: str,
        patron: int,
        clients: list[int],
        date: pd.Timestamp,
        named: Sequence[int] = (),
        theatre: str | None = None,
    ) -> Row:
        """Columns that follow from who and when."""
        data, year = self.data, date.year
        theatre = theatre or c.theatre(clients)
        by_rule = c.adversary(data, patron, clients, year, named)
        coded = self._adversary(name, patron, theatre, clients, year, by_rule)
        ratios = [c.capability_ratio(data, patron, client, year) for client in clients]
        known = [r for r in ratios if r is not None]
        pairs = self._pairs(patron, clients, theatre, date)
        level = promises(self.pacts, patron, pairs, date)
        return {
            "episode": name,
            "theatre": theatre,
            "patron": data.names[patron],
            "adversary": data.names.get(coded or 0),
            "adversary_by_rule": data.names.get(by_rule or 0),
            "date": date,
            "major": int(patron in c.majors(data, year)),
            "least_ratio": min(known) if len(known) == len(ratios) else None,
            "pairs": len(pairs),
            "pairs_consult": sum(v >= 1 for v in level.values()),
            "pairs_defend": sum(v >= 2 for v in level.values()),
            "client_codes": clients,
        }

    def _adversary(self, name, patron, theatre, clients, year, by_rule) -> int | None:
        """Adversary with judgements: the episode's, else the theatre's, else by rule."""
        said = self.judged.get((name, "adversary"))
        if said is not None:
            states = [] if said == "none" else [self.data.codes[s] for s in said.split("+")]
            return min(states, key=lambda s: self._far(s, clients, year), default=None)
        for first, last, states in self.spells.get((patron, theatre), ()):
            outside = [s for s in states if s not in clients]
            if first <= year <= last and outside:
                return min(outside, key=lambda s: self._far(s, clients, year))
        return by_rule

    def _far(self, state: int, clients: list[int], year: int) -> tuple[float, float]:
        found = [c.distance(self.data, state, client, year) for client in clients]
        known = [km for km in found if km is not None]
        return min(known, default=1e9), -(c.cinc(self.data, state, year) or 0.0)

    def _pairs(self, patron, clients, theatre, date) -> list[tuple[int, int]]:
        """Pairs among a group's clients; for a single client, with the patron's others there."""
        if len(clients) > 1:
            return list(combinations(sorted(clients), 2))
        others = {
            client
            for alliance in self.found
            if alliance.patron == patron
            for client in _clients_at(alliance, date)
            if c.theatre([client]) == theatre
        } - set(clients)
        return [tuple(sorted((clients[0], other))) for other in sorted(others)]  # type: ignore[misc]

    def _coded(self, origin: str) -> list[Row]:
        """Rows coded by hand, with the computed columns beside what is coded."""
        data = self.data
        table = self.episodes if origin == "articles" else self.coding["episodes"]
        match = self.coding["matches"].set_index("episode")["atop"]
        rows = []
        for e in table.itertuples():
            if origin == "articles":
                group = self.coded_clients
                names = group.loc[group["episode"] == e.episode, "client"].tolist()
                atop = match.get(e.episode)
            else:
                names, atop = e.clients.split("+"), e.atop
            clients = [data.codes[n] for n in names]
            row = self._row(e.episode, data.codes[e.patron], clients, e.date, theatre=e.theatre)
            for column in (
                "name",
                "adversary",
                "proposal",
                "outcome",
                "commitment",
                "initiative",
                "fallback_of",
                "accession_to",
                "start",
                "end",
                "ended",
            ):
                row[column] = getattr(e, column)
            row |= {
                "origin": origin,
                "atop": None if atop is None or isnan(atop) else int(atop),
                "wartime": getattr(e, "wartime", 0),
                "defence": int(e.outcome not in ("none", "refused")),
                "clients": len(clients),
                "frame": getattr(e, "frame", None),
                "threat_statement": getattr(e, "threat_statement", None),
                "treaty_end": e.end,
                "treaty_ended": e.ended,
            }
            rows.append(row)
        return rows

    def _join(self, rows: list[Row]) -> None:
        """Point each row by rule at the row coded by hand that stands for it."""
        by_rule = defaultdict(list)
        for row in rows:
            if row["origin"] == "rule":
                by_rule[row["atop"]].append(row)
        for row in rows:
            if row["origin"] == "rule" or row["atop"] is None or row["outcome"] == "none":
                continue
            joins = row["accession_to"] is not None
            same = [r for r in by_rule[row["atop"]] if (r["accession_to"] is not None) == joins]
            near = min(same, key=lambda r: abs(r["date"] - row["date"]), default=None)
            if near is None or abs(near["date"] - row["date"]) > pd.Timedelta(730, "D"):
                continue
            near["coded_as"] = row["episode"]
            over = near["treaty_end"]
            if over is None or pd.isna(row["end"]) or over >= row["end"]:
                row["treaty_end"], row["treaty_ended"] = over, near["treaty_ended"]
            row["institutions"] = near["institutions"]
            said = self.judged.get((near["episode"], "wartime"))
            row["wartime"] = near["wartime"] if said is None else int(said)
            if joins:
                row["clients"] = near["clients"]
        of_formation = {r["episode"]: r.get("coded_as") for r in rows}
        for row in rows:  # an accession by rule joins the design that stands for the formation
            if row["origin"] == "rule" and row["accession_to"]:
                row["joined_as"] = of_formation.get(row["accession_to"])

    # --- clients ------------------------------------------------------------------------------

    def clients(self, table: pd.DataFrame) -> pd.DataFrame:
        """One row a client of an episode and an adversary."""
        case = dict(zip(table["episode"], table["fallback_of"], strict=True))
        by_name = table.set_index("episode")
        rows = []
        for e in table.itertuples():
            root = case[e.episode] if isinstance(case[e.episode], str) else e.episode
            year = by_name.at[root, "date"].year
            against = dict.fromkeys((e.adversary, e.adversary_by_rule))
            if e.origin != "rule":
                against = dict.fromkeys((e.adversary,))
            for client in e.client_codes:
                for adversary in against:
                    rows.append(self._client(e, client, adversary, year))
        return pd.DataFrame(rows)

    def _client(self, e, client: int, adversary: str | None, year: int) -> Row:
        """Computed columns of a client; those of the tables for Europe and Asia as coded there."""
        data = self.data
        name = data.names[client]
        row: Row = {"episode": e.episode, "client": name, "adversary": adversary}
        row |= client_columns(data, data.codes.get(adversary or ""), client, year)
        row["patron_ratio"] = c.capability_ratio(data, data.codes[e.patron], client, year)
        said = self.coding["judgements"]
        fear = said[
            (said["episode"] == e.episode) & (said["client"] == name) & (said["column"] == "fear")
        ]
        row["fear"] = fear["value"].iloc[0] if len(fear) else None
        if e.origin == "articles":
            own = self.coded_clients
            coded = own[(own["episode"] == e.episode) & (own["client"] == name)].iloc[0]
            row |= {k: coded[k] for k in ("land_access", "occupied", "fear")}
        return row

    # --- events, alliance-years, panel ----------------------------------------------------------

    def events(self) -> pd.DataFrame:
        """Dated changes of every alliance by rule."""
        names = self.data.names
        return pd.DataFrame(
            {
                "episode": f"atop-{a.atop}",
                "atop": a.atop,
                "date": e.date,
                "event": e.kind,
                "clients": len(e.clients),
                "institutions": e.institutions,
                "members": "+".join(names[s] for s in e.clients) or None,
            }
            for a in self.found
            for e in a.events
        )

    def designs(self, table: pd.DataFrame) -> pd.DataFrame:
        """One row a year in force of every alliance; a coded row has the years of its treaty."""
        by_atop = {a.atop: a for a in self.found}
        joined: dict[str, list] = defaultdict(list)  # by hand, after the source's end
        by_hand = table[(table["origin"] == "hand") & table["accession_to"].notna()]
        for e in by_hand[by_hand["start"].notna()].itertuples():
            joined[e.accession_to] += [(e.start, client) for client in e.client_codes]
        rows = []
        for e in table.itertuples():
            if pd.isna(e.start) or isinstance(e.accession_to, str):
                continue
            over = e.treaty_end if pd.notna(e.treaty_end) else pd.Timestamp(OBSERVED_UNTIL)
            alliance = by_atop.get(int(e.atop)) if pd.notna(e.atop) else None
            patron = self.data.codes[e.patron]
            for year in range(e.start.year, over.year + 1):
                clients = _clients_in(alliance, year) if alliance else e.client_codes
                late = joined.get(e.episode, ())
                clients = sorted({*clients, *(s for day, s in late if day.year <= year)})
                rows.append(self._design(e, patron, clients, year))
        return pd.DataFrame(rows)

    def _design(self, e, patron: int, clients: list[int], year: int) -> Row:
        data = self.data
        against = self._adversaries(patron, e.theatre, year, e.adversary)
        powers = [c.cinc(data, s, year) for s in against]
        weights = [c.cinc(data, s, year) for s in clients]
        apart = [c.distance(data, a, s, year) for a in against for s in clients]
        regimes = [c.polyarchy(data, s, year) for s in clients]
        known = [v for v in regimes if v is not None]
        total = sum(w for w in weights if w is not None)
        whole = against and None not in powers and total > 0
        return {
            "episode": e.episode,
            "year": year,
            "clients": len(clients),
            "members": "+".join(data.names[s] for s in clients),
            "adversary": "+".join(data.names[s] for s in against) or None,
            "capability_ratio": sum(powers) / total if whole else None,  # type: ignore[arg-type]
            "distance_km": min((km for km in apart if km is not None), default=None),
            "disputes": c.begun_disputes(data, against, [patron, *clients], year)
            if against
            else None,
            "polyarchy": sum(known) / len(known) if known else None,
        }

    def _adversaries(self, patron, theatre, year, otherwise) -> list[int]:
        """Adversaries of a year: the theatre's spell, else the episode's own."""
        for first, last, states in self.spells.get((patron, theatre), ()):
            if first <= year <= last:
                return states
        return [self.data.codes[otherwise]] if isinstance(otherwise, str) else []

    def years(self, table: pd.DataFrame) -> pd.DataFrame:
        """One row a year of a patron in a theatre."""
        data = self.data
        rows = []
        for (patron, theatre), group in table.groupby(["patron", "theatre"], sort=True):
            state = data.codes[patron]
            partners = sorted({s for found in group["client_codes"] for s in found})
            first = max(1816, int(group["date"].dt.year.min()) - BEFORE)
            for year in range(first, LAST_YEAR + 1):
                if state not in c.states(data, year):
                    continue
                by_rule = c.adversary(data, state, partners, year)
                rule = [by_rule] if by_rule else []
                coded = self._adversaries(state, theatre, year, None) or rule
                unallied = self._unallied(state, theatre, year)
                known = {"major": int(state in c.majors(data, year)), "unallied": len(unallied)}
                for label, against in (
                    (("both", coded),) if coded == rule else (("overlay", coded), ("rule", rule))
                ):
                    threat = self.threat(state, against, partners, year)
                    exposed = self._exposed(against, unallied, year)
                    rows.append(
                        {"patron": patron, "theatre": theatre, "year": year, **threat, **known}
                        | {"coding": label, **exposed}
                    )
        return pd.DataFrame(rows)

    def threat(self, patron: int, against: list[int], partners: Iterable[int], year: int) -> Row:
        """Threat to a patron in a theatre in a year."""
        data = self.data
        there = [s for s in partners if s in c.states(data, year)]

        def quotient(values: c.Panel) -> float | None:
            theirs = [values.latest((s,), year) for s in against]
            own = values.latest((patron,), year)
            if not against or None in theirs:
                return None
            return c.ratio(sum(theirs), own)  # type: ignore[arg-type]

        regimes = [data.polyarchy.latest((s,), year) for s in (patron, *against)]
        apart = [c.distance(data, a, s, year) for a in against for s in there]
        gap = None
        if against and None not in regimes:
            gap = regimes[0] - sum(regimes[1:]) / len(against)  # type: ignore[arg-type,operator]
        return {
            "adversary": "+".join(data.names[s] for s in against) or None,
            "power_ratio": quotient(data.cinc),
            "forces_ratio": quotient(data.personnel),
            "distance_km": min((km for km in apart if km is not None), default=None),
            "polyarchy_gap": gap,
            "disputes": c.begun_disputes(data, against, [patron, *there], year),
        }

    def _unallied(self, patron: int, theatre: str, year: int) -> list[int]:
        """States of a theatre that a patron could take on and has not."""
        data = self.data
        low, high = c.THEATRES[theatre]
        bound = {
            s
            for a in self.found
            if a.patron == patron
            for s in _clients_at(a, pd.Timestamp(year, 1, 1))
        }
        weak = [s for s in c.states(data, year) if low <= s <= high and s not in {patron, *bound}]
        ratios = [c.capability_ratio(data, patron, s, year) for s in weak]
        return [s for s, r in zip(weak, ratios, strict=True) if r is not None and r >= WEAKER]

    def _exposed(self, against: list[int], unallied: list[int], year: int) -> Row:
        """How credible an occupation of the unallied states would be: means of what is known.

        Each state is measured against the nearest of the adversaries, itself left out.
        """
        data = self.data
        pairs = [
            (min(others, key=lambda a: self._far(a, [state], year)), state)
            for state in unallied
            if (others := [a for a in against if a != state])
        ]
        ratios = [c.capability_ratio(data, a, s, year) for a, s in pairs]
        apart = [c.distance(data, a, s, year) for a, s in pairs]
        access = [c.land_access(data, a, s, year) for a, s in pairs]
        return {
            "exposed_capability_ratio": _mean([log(r) for r in ratios if r is not None], exp),
            "exposed_contiguous": _mean([float(way == "contiguous") for way in access]),
            "exposed_landmass": _mean([float(way == "landmass") for way in access]),
            "exposed_distance_km": _mean(
                [log(km + NEARBY_KM) for km in apart if km is not None],
                lambda mean: max(exp(mean) - NEARBY_KM, 0.0),
            ),
            "exposed_occupied": _mean([float(c.occupied(data, a, s, year)) for a, s in pairs]),
        }


def _mean(values: list[float], back: Callable[[float], float] = float) -> float | None:
    """Mean of values, turned back to their unit; None of no values."""
    return back(sum(values) / len(values)) if values else None


def client_columns(data: c.Published, adversary: int | None, client: int, year: int) -> Row:
    """Columns of a client that follow from the adversary.

    Parameters
    ----------
    data : Published
        Published data.
    adversary : int or None
        Adversary; without one, only polyarchy is known.
    client : int
        Client.
    year : int
        Year of the decision.

    Returns
    -------
    dict
        Values by column.
    """
    own = c.polyarchy(data, client, year)
    if adversary is None:
        return {"polyarchy": own}
    theirs = c.polyarchy(data, adversary, year)
    return {
        "capability_ratio": c.capability_ratio(data, adversary, client, year),
        "forces_ratio": c.forces_ratio(data, adversary, client, year),
        "distance_km": c.distance(data, adversary, client, year),
        "land_access": c.land_access(data, adversary, client, year),
        "occupied": c.occupied(data, adversary, client, year),
        "disputes": c.territorial_disputes(data, adversary, client, year),
        "polyarchy": own,
        "polyarchy_gap": None if own is None or theirs is None else own - theirs,
    }


def _clients_at(alliance: Alliance, day: pd.Timestamp) -> tuple[int, ...]:
    """Clients on a day."""
    so_far = [e for e in alliance.events if e.date < day]
    return so_far[-1].clients if so_far else ()


def _clients_in(alliance: Alliance, year: int) -> tuple[int, ...]:
    """The largest set of clients in a year."""
    before = _clients_at(alliance, pd.Timestamp(year, 1, 1))
    within = [e.clients for e in alliance.events if e.date.year == year]
    return max([before, *within], key=len)
