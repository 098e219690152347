"""Reads one table as text, checks it against the schema, and checks the tables together."""

from __future__ import annotations

import csv
import difflib
import io
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
from pandera.errors import SchemaErrors
from pandera.pandas import Column, DataFrameSchema

from bayes_alliance.data.fields import OBSERVED_UNTIL
from bayes_alliance.data.schema import TABLES, expected, meta
from bayes_alliance.errors import InputError

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,15}(\.0*)?", re.ASCII)  # pandas writes 1.0 where a column has gaps
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

FIRST_YEAR = 1816
"""First year of any table."""

LINE = "line"
"""Name of the index of a table that was read: the line of the file, the header being line 1."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, and where.

    Parameters
    ----------
    file : str
        File.
    row : int or None
        Line of the file.
    column : str or None
        Column.
    value : object
        What stands there.
    expected : str
        What would have been accepted.
    """

    file: str
    row: int | None
    column: str | None
    value: object
    expected: str


def refuse(problems: Iterable[Problem]) -> None:
    """Raise one error for the first of several problems.

    Parameters
    ----------
    problems : iterable of Problem
        Problems in the order in which they are to be reported; none passes.
    """
    found = list(dict.fromkeys(problems))
    if not found:
        return
    first = found[0]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    raise InputError(
        first.expected + more,
        file=first.file,
        row=first.row,
        column=first.column,
        value=first.value,
    )


def _text(path: Path) -> str:
    """Content of a file, refused if it is missing, not UTF-8, empty, or holds a NUL."""
    if not path.is_file():
        raise InputError(f"a file {path.name}", file=str(path))
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        bad = content[error.start : error.start + 1]
        raise InputError("text in UTF-8", file=str(path), row=row, value=bad) from None
    if "\0" in text:
        row = text[: text.index("\0")].count("\n") + 1
        raise InputError("text without NUL characters", file=str(path), row=row, value="\0")
    if not text.strip():
        raise InputError("a header line and rows, not an empty file", file=str(path))
    return text


def records(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the records of a CSV file, each with the line it begins on; skip blank lines."""
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    line = 1
    try:
        for record in reader:
            if record:
                yield line, record
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"CSV ({error})", file=str(path), row=line) from None


def _check_header(path: Path, header: list[str], row: int, wanted: list[str]) -> None:
    file = str(path)
    missing = [name for name in wanted if name not in header]
    problems = [
        Problem(file, row, name, name, "each column once")
        for place, name in enumerate(header)
        if name in header[:place]
    ]
    for name in header:
        if name not in wanted:
            near = difflib.get_close_matches(name, missing or wanted, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            columns = ", ".join(wanted)
            problems.append(Problem(file, row, name, name, f"one of the columns {columns}{hint}"))
    if not problems:
        problems = [Problem(file, row, name, None, f"a column {name!r}") for name in missing]
    refuse(problems)


def read_table(path: Path, schema: DataFrameSchema, *, may_be_empty: bool = False) -> pd.DataFrame:
    """Read one table and check it by itself.

    Parameters
    ----------
    path : pathlib.Path
        The CSV file.
    schema : pandera.pandas.DataFrameSchema
        Its schema.
    may_be_empty : bool
        Whether a header without rows passes.

    Returns
    -------
    pandas.DataFrame
        Typed, indexed by the line of the file.
    """
    wanted = list(schema.columns)
    found = list(records(path))
    header_line, header = found[0]
    _check_header(path, header, header_line, wanted)
    rows = found[1:]
    if not rows and not may_be_empty:
        raise InputError("at least one row below the header", file=str(path))
    cells = f"{len(header)} cells as in the header"
    refuse(
        Problem(str(path), line, None, ",".join(row), f"{cells}, not {len(row)}")
        for line, row in rows
        if len(row) != len(header)
    )
    raw = pd.DataFrame(
        [row for _, row in rows],
        columns=header,
        index=pd.Index([line for line, _ in rows], name=LINE, dtype="int64"),
        dtype=object,
    )[wanted]
    frame, problems = _typed(raw, schema.columns, str(path))
    refuse(sorted(problems, key=lambda problem: problem.row or 0))
    refuse(sorted(_schema_problems(frame, raw, schema, str(path)), key=lambda p: p.row or 0))
    return frame


def _value(text: str, kind: str) -> object:
    """Read a cell as its kind; raise ValueError where it is not one."""
    if kind in ("number", "integer"):
        if not (_WHOLE if kind == "integer" else _NUMBER).fullmatch(text):
            raise ValueError(text)
        number = float(text)
        if not math.isfinite(number):
            raise ValueError(text)
        return int(number) if kind == "integer" else number
    if kind == "date":
        if not _DAY.fullmatch(text):
            raise ValueError(text)
        day = date.fromisoformat(text)
        if not pd.Timestamp.min.year < day.year < pd.Timestamp.max.year:
            raise ValueError(text)
        return pd.Timestamp(day)
    return text


def _typed(
    raw: pd.DataFrame, columns: Mapping[str, Column], file: str
) -> tuple[pd.DataFrame, list[Problem]]:
    """Turn text into numbers, dates and missing values; list the cells that are none of them."""
    problems: list[Problem] = []
    series: dict[str, pd.Series] = {}
    for name, column in columns.items():
        kind = meta(column)["kind"]
        values: list[object] = []
        for line, text in raw[name].items():
            value = None
            try:
                value = _value(text, kind) if text else None
            except ValueError:
                problems.append(Problem(file, line, name, text, expected(column)))
            if not text and not column.nullable:
                problems.append(Problem(file, line, name, "", expected(column)))
            values.append(value)
        whole = kind == "integer" and not column.nullable and not problems
        series[name] = _series(values, kind, raw.index, whole=whole)
    return pd.DataFrame(series, index=raw.index), problems


def _series(values: list[object], kind: str, index: pd.Index, *, whole: bool) -> pd.Series:
    dtype = {"number": "float64", "integer": "int64" if whole else "float64"}.get(kind, "object")
    if kind == "date":
        return pd.Series(pd.to_datetime(pd.Series(values, index=index, dtype=object))).astype(
            "datetime64[ns]"
        )
    return pd.Series(values, index=index, dtype=dtype)


def _schema_problems(
    frame: pd.DataFrame, raw: pd.DataFrame, schema: DataFrameSchema, file: str
) -> Iterator[Problem]:
    """Yield what pandera finds wrong with a typed table."""
    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as error:
        for case in error.failure_cases.itertuples():
            if case.schema_context != "Column":
                continue
            line, column = int(case.index), str(case.column)
            value = raw.at[line, column]
            yield Problem(file, line, column, value, expected(schema.columns[column]))
    yield from _repeated(frame, list(schema.unique or []), file)


def _repeated(frame: pd.DataFrame, key: list[str], file: str) -> Iterator[Problem]:
    first: dict[tuple[object, ...], int] = {}
    for line, *values in frame[key].itertuples():
        before = first.setdefault(tuple(values), line)
        if before != line:
            shown = " ".join(str(value) for value in values)
            words = f"one row for each {', '.join(key)}; row {before} has the same"
            yield Problem(file, line, key[-1], shown, words)


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


def check_together(tables: Tables, states: set[str]) -> None:
    """Refuse tables that contradict themselves or each other.

    Parameters
    ----------
    tables : Tables
        Tables that have each passed `read_table`.
    states : set of str
        State abbreviations that exist.
    """
    for rule in (_state_codes, _episodes, _fallbacks, _clients, _same_case, _years, _codings):
        refuse(rule(tables, states))


def _state_codes(tables: Tables, states: set[str]) -> Iterator[Problem]:
    for name in ("episodes", "clients", "years"):
        table = getattr(tables, name)
        for column in TABLES[name].columns.values():
            if meta(column)["kind"] in ("state", "states"):
                for line, value in table[column.name].items():
                    if value is not None and not states.issuperset(value.split("+")):
                        near = difflib.get_close_matches(value, sorted(states), n=1, cutoff=0.5)
                        hint = f"; did you mean {near[0]!r}?" if near else ""
                        words = expected(column) + hint
                        yield Problem(tables.files[name], line, column.name, value, words)


def _iso(day: pd.Timestamp) -> str | None:
    return None if pd.isna(day) else day.date().isoformat()


def _episodes(tables: Tables, states: set[str]) -> Iterator[Problem]:
    """Rules within a row of episodes.csv."""
    for row in tables.episodes.itertuples():

        def problem(column: str, value: object, words: str, line: int = row.Index) -> Problem:
            return Problem(tables.files["episodes"], line, column, value, words)

        begun, over = not pd.isna(row.start), not pd.isna(row.end)
        design = row.outcome not in ("none", "refused")
        if row.patron == row.adversary:
            yield problem("adversary", row.adversary, "another state than the patron")
        if design and not begun:
            yield problem("start", "", f"a date, as the outcome is {row.outcome}")
        if begun and not design:
            yield problem("start", _iso(row.start), f"empty, as the outcome is {row.outcome}")
        if begun and row.start < row.date:
            yield problem("start", _iso(row.start), f"a date from {_iso(row.date)} (date) on")
        if over and not begun:
            yield problem("end", _iso(row.end), "empty, as there is no start")
        if over and begun and row.end <= row.start:
            yield problem("end", _iso(row.end), f"a date after {_iso(row.start)} (start)")
        if begun and row.ended is None:
            yield problem("ended", "", "how the design ended, or in_force")
        if row.ended is not None and not begun:
            yield problem("ended", row.ended, "empty, as there is no start")
        if over and row.ended == "in_force":
            yield problem("ended", row.ended, "how it ended, as there is an end")
        if begun and not over and row.ended not in (None, "in_force"):
            yield problem("end", "", f"a date, as it ended ({row.ended})")


def _fallbacks(tables: Tables, states: set[str]) -> Iterator[Problem]:
    """Rules of fallback_of, accession_to and refused proposals."""
    episodes, file = tables.episodes, tables.files["episodes"]
    by_name = episodes.set_index("episode")
    for row in episodes.itertuples():
        for column in ("fallback_of", "accession_to"):
            named = getattr(row, column)
            if named is None:
                continue
            if named == row.episode or named not in by_name.index:
                near = difflib.get_close_matches(named, sorted(set(by_name.index) - {row.episode}))
                hint = f"; did you mean {near[0]!r}?" if near else ""
                yield Problem(file, row.Index, column, named, f"another episode of the file{hint}")
                continue
            other = by_name.loc[named]
            if column == "fallback_of" and other["outcome"] != "refused":
                yield Problem(file, row.Index, column, named, "an episode with outcome refused")
            if column == "accession_to" and other["outcome"] in ("none", "refused"):
                yield Problem(file, row.Index, column, named, "an episode with a design as outcome")
            for same in ("theatre", "patron", "adversary", "proposal"):
                if column == "fallback_of" and getattr(row, same) != other[same]:
                    words = f"{other[same]}, as in {named}, which this row is a fallback of"
                    yield Problem(file, row.Index, same, getattr(row, same), words)
    named_by_some = set(episodes["fallback_of"].dropna())
    for row in episodes[episodes["outcome"] == "refused"].itertuples():
        if row.episode not in named_by_some:
            words = f"another outcome, or rows whose fallback_of is {row.episode}"
            yield Problem(file, row.Index, "outcome", "refused", words)


def _clients(tables: Tables, states: set[str]) -> Iterator[Problem]:
    """Each client has an episode, each episode clients, and none is patron or adversary."""
    episodes = tables.episodes.set_index("episode")
    for row in tables.clients.itertuples():
        file = tables.files["clients"]
        if row.episode not in episodes.index:
            near = difflib.get_close_matches(row.episode, list(episodes.index), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            yield Problem(
                file, row.Index, "episode", row.episode, f"an episode of episodes.csv{hint}"
            )
            continue
        for role in ("patron", "adversary"):
            if row.client == episodes.at[row.episode, role]:
                words = f"another state than the {role} of {row.episode}"
                yield Problem(file, row.Index, "client", row.client, words)
    with_clients = set(tables.clients["episode"])
    for line, name in tables.episodes["episode"].items():
        if name not in with_clients:
            words = "an episode with at least one row in clients.csv"
            yield Problem(tables.files["episodes"], line, "episode", name, words)


def _same_case(tables: Tables, states: set[str]) -> Iterator[Problem]:
    """Compare a fallback's clients with those of its proposal: the same, with the same values."""
    parent = dict(
        tables.episodes.dropna(subset=["fallback_of"])[["episode", "fallback_of"]].itertuples(
            index=False
        )
    )
    known = tables.clients.set_index(["episode", "client"])
    for line, row in tables.clients.iterrows():
        if row["episode"] not in parent:
            continue
        key = (parent[row["episode"]], row["client"])
        file = tables.files["clients"]
        if key not in known.index:
            yield Problem(file, line, "client", row["client"], f"a client of {key[0]}")
            continue
        for column in known.columns:
            here, there = row[column], known.at[key, column]
            if here != there and not (pd.isna(here) and pd.isna(there)):
                shown = "empty" if pd.isna(there) else f"{there}"
                words = f"{shown}, as for {row['client']} in {key[0]} (the same case)"
                yield Problem(file, line, column, "" if pd.isna(here) else here, words)


def _years(tables: Tables, states: set[str]) -> Iterator[Problem]:
    """years.csv covers each episode from five years before it to its design's end."""
    present = set(tables.years[["patron", "theatre", "year"]].itertuples(index=False, name=None))
    last = pd.Timestamp(OBSERVED_UNTIL)
    for row in tables.episodes.itertuples():
        end = row.date if pd.isna(row.start) else (last if pd.isna(row.end) else row.end)
        for year in range(max(row.date.year - 5, FIRST_YEAR), end.year + 1):
            if (row.patron, row.theatre, year) not in present:
                words = f"a row {row.patron}, {row.theatre}, {year}, for episode {row.episode}"
                yield Problem(tables.files["years"], None, "year", year, words)


def _codings(tables: Tables, states: set[str]) -> Iterator[Problem]:
    """Each row of codings.csv points at a column, and at episodes and clients that exist."""
    episodes = set(tables.episodes["episode"])
    pairs = set(tables.clients[["episode", "client"]].itertuples(index=False, name=None))
    clients = {client for _, client in pairs}
    file = tables.files["codings"]
    for row in tables.codings.itertuples():
        schema = TABLES[row.table]
        values = [name for name in schema.columns if name not in (schema.unique or [])]
        if row.column not in values:
            words = f"a column of {row.table}.csv: {', '.join(values)}"
            yield Problem(file, row.Index, "column", row.column, words)
        if row.table == "years":
            if row.episode != "*" and year_span(row.episode) is None:
                words = "a year, first-last year, or *"
                yield Problem(file, row.Index, "episode", row.episode, words)
        elif row.episode not in episodes | {"*"}:
            words = "an episode of episodes.csv or *"
            yield Problem(file, row.Index, "episode", row.episode, words)
        exists = (row.client in clients) if row.episode == "*" else (row[2:4] in pairs)
        if row.client != "*" and not (row.table == "clients" and exists):
            yield Problem(file, row.Index, "client", row.client, "a client of that episode or *")


def year_span(text: str) -> tuple[int, int] | None:
    """Read a year or a span of years.

    Parameters
    ----------
    text : str
        For example ``1945`` or ``2020-2025``.

    Returns
    -------
    tuple of int or None
        First and last year; None if it is neither.
    """
    match = re.fullmatch(r"(\d{4})(?:-(\d{4}))?", text, re.ASCII)
    if match is None:
        return None
    return int(match[1]), int(match[2] or match[1])
