"""What the tables of a dataset may not say together, whether or not each passes its schema.

Every rule below gives the file, row, column and value that contradict another, and what was
expected. ``data/CODEBOOK.md`` lists the rules in words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

import pandas as pd

from bayes_alliance.data.fields import OBSERVED_UNTIL
from bayes_alliance.data.schema import TABLES, expected, meta
from bayes_alliance.data.states import full, hint, states
from bayes_alliance.data.validate import LINE, Problem, near, refuse, year_span

FIRST_YEAR, LAST_YEAR = 1816, int(OBSERVED_UNTIL[:4])
"""First and last year of any table."""

SIZES = {"bilateral": (1, 1), "trilateral": (2, 2), "multilateral": (3, 10**6)}
"""Least and largest number of clients of a design."""

NO_DESIGN = ("none", "refused")

OF_ADVERSARY = (
    "capability_ratio",
    "forces_ratio",
    "distance_km",
    "land_access",
    "occupied",
    "disputes",
    "fear",
    "polyarchy_gap",
)
"""Columns of a client that are about the adversary."""

OF_PAIR = tuple(name for name in OF_ADVERSARY if name not in ("distance_km", "land_access", "fear"))
"""Those that follow from the client, the adversary and the year of the decision."""

CLOSE, CLOSE_INDEX = 0.1, 0.021
"""How far values typed with two digits may be from agreeing: as a share, and in an index."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Tables:
    """The tables as read, indexed by line, with the file of each.

    Parameters
    ----------
    episodes, clients, years, codings : pandas.DataFrame
        Typed tables.
    files : dict
        File by table.
    """

    episodes: pd.DataFrame
    clients: pd.DataFrame
    years: pd.DataFrame
    codings: pd.DataFrame
    files: dict[str, str]


class _Read:
    """Rows of the tables as mappings, and how to find them."""

    def __init__(self, tables: Tables) -> None:
        self.files = tables.files
        self.rows = {name: _rows(getattr(tables, name)) for name in tables.files if name in _NAMES}
        self.by_name = {row["episode"]: row for row in self.rows["episodes"]}
        self.clients: dict[str, dict[str, Row]] = {}
        for row in self.rows["clients"]:
            self.clients.setdefault(row["episode"], {})[row["client"]] = row

    def problem(
        self,
        table: str,
        row: Row | None,
        column: str,
        words: str,
        hint: Callable[[], str] = str,
        value: object = None,
    ) -> Problem:
        """One thing that is wrong in a row."""
        found = row[column] if row is not None else value
        if found is None or found != found:
            found = ""
        elif isinstance(found, pd.Timestamp):
            found = _day(found)
        elif isinstance(found, float) and found.is_integer():
            found = int(found)
        line = row[LINE] if row is not None else None
        return Problem(self.files[table], line, column, found, words, hint)


_NAMES = ("episodes", "clients", "years", "codings")


def _rows(table: pd.DataFrame) -> list[Row]:
    """Rows as mappings with their line, missing values None."""
    plain = table.astype(object).where(table.notna(), None)
    lines = table.index.tolist()
    return [row | {LINE: line} for line, row in zip(lines, plain.to_dict("records"), strict=True)]


def check_together(tables: Tables) -> None:
    """Refuse tables that contradict themselves or each other.

    Parameters
    ----------
    tables : Tables
        Tables that have each passed `bayes_alliance.data.validate.read_table`.
    """
    read = _Read(tables)
    for rule in (
        _state_codes,
        _dates,
        _fallbacks,
        _accessions,
        _proposals,
        _clients,
        _sizes,
        _joined,
        _without_adversary,
        _near,
        _same_case,
        _same_year,
        _indicators,
        _adversaries,
        _years,
        _codings,
        _spans,
    ):
        refuse(rule(read))


def _state_codes(read: _Read) -> Iterator[Problem]:
    """Every state is one of states.csv, and none is named twice in a cell."""
    known = states()
    for name in ("episodes", "clients", "years"):
        columns = TABLES[name].columns.values()
        coded = [column for column in columns if meta(column)["kind"] in ("state", "states")]
        for row in read.rows[name]:
            for column in coded:
                parts = (row[column.name] or "").split("+") if row[column.name] else []
                if any(part not in known for part in parts):
                    said = partial(hint, row[column.name])
                    yield read.problem(name, row, column.name, expected(column), said)
                elif len(set(parts)) < len(parts):
                    twice = next(part for part, n in Counter(parts).items() if n > 1)
                    words = f"each state once, not {full(twice)} twice"
                    yield read.problem(name, row, column.name, words)


def _day(day: pd.Timestamp) -> str:
    return day.date().isoformat()


def _is_design(row: Row) -> bool:
    return row["outcome"] not in NO_DESIGN


def _dates(read: _Read) -> Iterator[Problem]:
    """A design has a start from its date on, then its end, and how it ended; nothing else has."""
    for row in read.rows["episodes"]:
        problem = partial(read.problem, "episodes", row)
        start, end, ended, outcome = row["start"], row["end"], row["ended"], row["outcome"]
        if row["patron"] == row["adversary"]:
            yield problem("adversary", f"another state than the patron {full(row['patron'])}")
        if _is_design(row) and start is None:
            yield problem("start", f"a date, as the outcome is {outcome}")
        if not _is_design(row) and start is not None:
            yield problem("start", f"empty, as the outcome is {outcome}")
        if start is not None and start < row["date"]:
            yield problem("start", f"a date from {_day(row['date'])} (date) on")
        if end is not None and start is None:
            yield problem("end", "empty, as there is no start")
        if end is not None and start is not None and end <= start:
            yield problem("end", f"a date after {_day(start)} (start)")
        if start is not None and ended is None:
            yield problem("ended", "how the design ended, or in_force")
        if ended is not None and start is None:
            yield problem("ended", "empty, as there is no start")
        if end is not None and ended == "in_force":
            yield problem("ended", "how it ended, as there is an end")
        if start is not None and end is None and ended not in (None, "in_force"):
            yield problem("end", f"a date, as it ended ({ended})")


def _proposals(read: _Read) -> Iterator[Problem]:
    """Who proposes no alliance is neither refused nor given one, and imposes none."""
    for row in read.rows["episodes"]:
        if row["proposal"] != "none":
            continue
        problem = partial(read.problem, "episodes", row)
        if row["outcome"] != "none":
            words = f"a design, or empty: nothing was proposed, yet the outcome is {row['outcome']}"
            yield problem("proposal", words)
        elif row["initiative"] == "patron":
            yield problem("initiative", "clients, or empty, as the patron proposed no alliance")


def _named(read: _Read, column: str) -> Iterator[tuple[Row, Row]]:
    """Rows with the episode that a column of theirs names, where it is one."""
    for row in read.rows["episodes"]:
        if row[column] in read.by_name and row[column] != row["episode"]:
            yield row, read.by_name[row[column]]


def _unknown(read: _Read, column: str) -> Iterator[Problem]:
    """Rows whose column names no other episode of the file."""
    for row in read.rows["episodes"]:
        name = row[column]
        if name is not None and (name == row["episode"] or name not in read.by_name):
            others = (other for other in read.by_name if other != row["episode"])
            said = partial(near, name, others)
            yield read.problem("episodes", row, column, "another episode of the file", said)


def _fallbacks(read: _Read) -> Iterator[Problem]:
    """A fallback comes of a refused proposal, not before it, and has its parties and proposal."""
    yield from _unknown(read, "fallback_of")
    for row, other in _named(read, "fallback_of"):
        problem, name = partial(read.problem, "episodes", row), row["fallback_of"]
        if other["outcome"] != "refused":
            yield problem("fallback_of", "an episode with outcome refused")
        for same in ("theatre", "patron", "adversary", "proposal"):
            if row[same] != other[same]:
                there = other[same] if other[same] is not None else "empty"
                there = full(there) if same in ("patron", "adversary") else there
                yield problem(same, f"{there}, as in {name}, which this row is a fallback of")
        if row["date"] < other["date"]:
            yield problem("date", f"a date from {_day(other['date'])} on, the date of {name}, "
                          "which this row is a fallback of")  # fmt: skip
        if row["outcome"] == "refused":
            yield problem("outcome", f"another outcome: the row is itself a fallback of {name}")
    named_by_some = {row["fallback_of"] for row in read.rows["episodes"]}
    for row in read.rows["episodes"]:
        if row["outcome"] == "refused" and row["episode"] not in named_by_some:
            words = f"another outcome, or rows whose fallback_of is {row['episode']}"
            yield read.problem("episodes", row, "outcome", words)


def _accessions(read: _Read) -> Iterator[Problem]:
    """Clients accede to an alliance that their patron made, while it is in force."""
    yield from _unknown(read, "accession_to")
    for row, other in _named(read, "accession_to"):
        problem, name = partial(read.problem, "episodes", row), row["accession_to"]
        if not _is_design(other):
            yield problem("accession_to", "an episode with a design as outcome")
            continue
        if other["accession_to"] is not None:
            words = f"the episode that made the alliance: {name} is itself an accession"
            yield problem("accession_to", words)
        if row["patron"] != other["patron"]:
            yield problem("patron", f"{full(other['patron'])}, the patron of {name}")
        if row["date"] < other["date"]:
            yield problem("date", f"a date from {_day(other['date'])} on, the date of {name}, "
                          "which this row accedes to")  # fmt: skip
        begun, over = other["start"], other["end"]
        if row["start"] is not None and begun is not None and row["start"] < begun:
            yield problem("start", f"a date from {_day(begun)} on, the start of {name}")
        if over is not None and row["date"] >= over:
            yield problem("date", f"a date before {_day(over)}, the end of {name}")
        elif over is not None and row["start"] is not None and row["start"] >= over:
            yield problem("start", f"a date before {_day(over)}, the end of {name}")
        elif over is not None and row["end"] is not None and row["end"] > over:
            yield problem("end", f"a date until {_day(over)}, the end of {name}")
        elif over is not None and row["ended"] == "in_force":
            yield problem("ended", f"how it ended, as {name} ended on {_day(over)}")


def _clients(read: _Read) -> Iterator[Problem]:
    """Each client has an episode, each episode clients, and none is patron or adversary."""
    for row in read.rows["clients"]:
        problem = partial(read.problem, "clients", row)
        episode = read.by_name.get(row["episode"])
        if episode is None:
            said = partial(near, row["episode"], read.by_name)
            yield problem("episode", "an episode of episodes.csv", said)
            continue
        for role in ("patron", "adversary"):
            if row["client"] == episode[role]:
                words = f"another state than the {role} of {row['episode']}, {full(row['client'])}"
                yield problem("client", words)
    for row in read.rows["episodes"]:
        if row["episode"] not in read.clients:
            words = "an episode with at least one row in clients.csv"
            yield read.problem("episodes", row, "episode", words)


def _size(cell: str | None) -> tuple[int, int] | None:
    """Least and largest number of clients of a cell; None where it is no design."""
    return SIZES.get((cell or "").split("_")[0])


def _sizes(read: _Read) -> Iterator[Problem]:
    """A design has as many clients as its kind; an accession adds to those that are there."""
    members = {name: set(clients) for name, clients in read.clients.items()}
    reached: dict[str, int] = {}
    for row, other in sorted(_named(read, "accession_to"), key=lambda pair: pair[0]["date"]):
        there = members[other["episode"]]
        there.update(read.clients[row["episode"]])
        reached[row["episode"]] = len(there)
    for row in read.rows["episodes"]:
        own = len(read.clients[row["episode"]])
        most = reached.get(row["episode"], own)
        for column in ("outcome", "proposal"):
            size = _size(row[column])
            if size is None or (column == "proposal" and row["fallback_of"] is not None):
                continue
            low, high = size
            if own > high or most < low:
                kind = "clients" if own != 1 else "client"
                words = f"a design for {own} {kind}, as clients.csv has of {row['episode']}"
                if most > own:
                    words += f" ({most} with those of {row['accession_to']})"
                yield read.problem("episodes", row, column, words)


def _joined(read: _Read) -> Iterator[Problem]:
    """Who founded an alliance does not accede to it."""
    for row, other in _named(read, "accession_to"):
        founders = read.clients[other["episode"]]
        for client, own in read.clients[row["episode"]].items():
            if client in founders:
                words = f"a state that is not among the clients of {other['episode']}"
                yield read.problem("clients", own, "client", f"{words}, as {full(client)} is")


def _without_adversary(read: _Read) -> Iterator[Problem]:
    """Where there is no adversary, nothing is said of it."""
    for row in read.rows["clients"]:
        if read.by_name[row["episode"]]["adversary"] is None:
            for column in OF_ADVERSARY:
                if row[column] is not None:
                    words = f"empty, as {row['episode']} has no adversary"
                    yield read.problem("clients", row, column, words)
    for row in read.rows["years"]:
        if row["adversary"] is None:
            for column in ("power_ratio", "forces_ratio", "distance_km", "polyarchy_gap"):
                if row[column] is not None:
                    yield read.problem("years", row, column, "empty, as there is no adversary")
            if row["disputes"]:
                yield read.problem("years", row, "disputes", "0, as there is no adversary")


def _near(read: _Read) -> Iterator[Problem]:
    """What the adversary reaches directly is no distance away."""
    for row in read.rows["clients"]:
        if row["land_access"] == "contiguous" and row["distance_km"]:
            yield read.problem("clients", row, "distance_km", "0, as land_access is contiguous")


def _indicators(read: _Read) -> Iterator[Problem]:
    """The clients of an episode are measured against the same adversary and patron."""
    for name, clients in read.clients.items():
        rows = list(clients.values())
        democracy = {
            client: row["polyarchy"] - row["polyarchy_gap"]
            for client, row in clients.items()
            if row["polyarchy"] is not None and row["polyarchy_gap"] is not None
        }
        for row in rows:
            found = democracy.get(row["client"])
            if found is not None and not -CLOSE_INDEX <= found <= 1 + CLOSE_INDEX:
                words = f"a gap that leaves the adversary between 0 and 1, not at {found:.3g}"
                yield read.problem("clients", row, "polyarchy_gap", words)
        usual = median(democracy.values()) if democracy else 0.0
        for client, found in democracy.items():
            if abs(found - usual) > CLOSE_INDEX:
                words = (
                    f"polyarchy minus that of one adversary, {usual:.3g} by the other clients of "
                    f"{name}, not {found:.3g}"
                )
                yield read.problem("clients", clients[client], "polyarchy_gap", words)
        ratios = {
            client: row["capability_ratio"] / row["patron_ratio"]
            for client, row in clients.items()
            if row["capability_ratio"] is not None and row["patron_ratio"] is not None
        }
        usual = median(ratios.values()) if ratios else 1.0
        for client, found in ratios.items():
            if abs(found / usual - 1) > CLOSE:
                words = (
                    f"{usual:.4g} times patron_ratio, as for the other clients of {name}: the "
                    "adversary's capability over the patron's"
                )
                yield read.problem("clients", clients[client], "capability_ratio", words)


def _same_case(read: _Read) -> Iterator[Problem]:
    """A fallback's clients are among those of its proposal, with the same values."""
    for row, other in _named(read, "fallback_of"):
        for client, own in read.clients[row["episode"]].items():
            there = read.clients[other["episode"]].get(client)
            if there is None:
                words = f"a client of {other['episode']}"
                yield read.problem("clients", own, "client", words)
                continue
            for column in TABLES["clients"].columns:
                if column != "episode" and own[column] != there[column]:
                    shown = "empty" if there[column] is None else f"{there[column]}"
                    words = f"{shown}, as for {full(client)} in {other['episode']} (the same case)"
                    yield read.problem("clients", own, column, words)


def _same_year(read: _Read) -> Iterator[Problem]:
    """What follows from client, adversary and year is the same in every decision of the year."""
    first: dict[tuple, Row] = {}
    for row in read.rows["clients"]:
        episode = read.by_name[row["episode"]]
        if episode["fallback_of"] is not None:
            continue
        year, client = episode["date"].year, row["client"]
        for key, columns in (
            ((client, year), ("polyarchy",)),
            ((client, year, "against", episode["adversary"]), OF_PAIR),
            ((client, year, "with", episode["patron"]), ("patron_ratio",)),
        ):
            there = first.setdefault(key, row)
            for column in columns:
                one, other = row[column], there[column]
                if None in (one, other):
                    continue
                if abs(one - other) > CLOSE / 2 * max(abs(one), abs(other)):
                    words = f"{other:g}, as for {full(client)} in {year} in row {there[LINE]}"
                    yield read.problem("clients", row, column, words)


def _adversaries(read: _Read) -> Iterator[Problem]:
    """No patron is its own adversary, and no client one of its patron's in the decision's year."""
    by_year = {}
    for row in read.rows["years"]:
        against = (row["adversary"] or "").split("+")
        by_year[row["patron"], row["theatre"], row["year"]] = against
        if row["patron"] in against:
            words = f"other states than the patron {full(row['patron'])}"
            yield read.problem("years", row, "adversary", words)
    for row in read.rows["clients"]:
        episode = read.by_name[row["episode"]]
        key = (episode["patron"], episode["theatre"], episode["date"].year)
        if row["client"] in by_year.get(key, ()):
            words = f"another state than the adversaries in {key[2]} by years.csv, not"
            yield read.problem("clients", row, "client", f"{words} {full(row['client'])}")


def _years(read: _Read) -> Iterator[Problem]:
    """years.csv covers each episode from five years before it to its design's end."""
    present = {(row["patron"], row["theatre"], row["year"]) for row in read.rows["years"]}
    for row in read.rows["episodes"]:
        begin, end = row["date"].year, LAST_YEAR
        if row["start"] is None:
            end = begin
        elif row["end"] is not None:
            end = row["end"].year
        for year in range(max(begin - 5, FIRST_YEAR), end + 1):
            if (row["patron"], row["theatre"], year) not in present:
                which = f"{row['patron']}, {row['theatre']}, {year}"
                words = f"a row {which}, for episode {row['episode']}"
                yield read.problem("years", None, "year", words, value=year)


def _codings(read: _Read) -> Iterator[Problem]:
    """Each row of codings.csv points at a column, and at episodes and clients that exist."""
    everyone = {client for clients in read.clients.values() for client in clients}
    for row in read.rows["codings"]:
        problem = partial(read.problem, "codings", row)
        schema = TABLES[row["table"]]
        values = [name for name in schema.columns if name not in (schema.unique or [])]
        if row["column"] not in values:
            yield problem("column", f"a column of {row['table']}.csv: {', '.join(values)}")
        if row["table"] == "years":
            words = f"a year, first-last year, or *, from {FIRST_YEAR} to {LAST_YEAR}"
            span = (FIRST_YEAR, LAST_YEAR) if row["episode"] == "*" else year_span(row["episode"])
            if span is None or not FIRST_YEAR <= span[0] <= span[1] <= LAST_YEAR:
                yield problem("episode", words)
        elif row["episode"] not in {"*", *read.by_name}:
            yield problem("episode", "an episode of episodes.csv or *")
        there = everyone if row["episode"] == "*" else read.clients.get(row["episode"], ())
        if row["client"] != "*" and not (row["table"] == "clients" and row["client"] in there):
            yield problem("client", "a client of that episode or *")


def _spans(read: _Read) -> Iterator[Problem]:
    """Of two spans of years that overlap one is the more specific, or both say the same."""
    before: dict[tuple[str, int], list[tuple[int, int, Row]]] = {}
    for row in read.rows["codings"]:
        span = year_span(row["episode"]) if row["table"] == "years" else None
        if span is None:
            continue
        first, last = span
        others = before.setdefault((row["column"], last - first), [])
        for begin, end, other in others:
            if first <= end and begin <= last and row["confidence"] != other["confidence"]:
                words = f"years apart from {begin}-{end} in row {other[LINE]}, or its confidence"
                yield read.problem("codings", row, "episode", words)
        others.append((first, last, row))
