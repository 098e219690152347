"""Reads one table as text and checks it against its schema."""

from __future__ import annotations

import csv
import difflib
import functools
import io
import itertools
import math
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pandas as pd
from pandera.errors import SchemaErrors
from pandera.pandas import Column, DataFrameSchema

from bayes_alliance.data.schema import expected, meta
from bayes_alliance.errors import InputError

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,15}(\.0*)?", re.ASCII)  # pandas writes 1.0 where a column has gaps
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

MOST_BYTES, MOST_ROWS, MOST_COLUMNS = 5_000_000, 50_000, 200
"""Size of the largest table that is read: some hundred times as large as those that are bundled."""

MOST_PROBLEMS = 1000
"""Problems that are counted; only the first is told."""

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
    hint : callable
        Gives what may have been meant; asked only if this problem is the one that is told.
    """

    file: str
    row: int | None
    column: str | None
    value: object
    expected: str
    hint: Callable[[], str] = field(default=str, compare=False)


def refuse(problems: Iterable[Problem]) -> None:
    """Raise one error for the first of several problems.

    Parameters
    ----------
    problems : iterable of Problem
        Problems in the order in which they are to be reported; none passes.
    """
    found = list(dict.fromkeys(itertools.islice(problems, MOST_PROBLEMS)))
    if not found:
        return
    first, others = found[0], len(found) - 1
    least = "at least " if len(found) == MOST_PROBLEMS else ""
    more = f" (and {least}{others} more)" if others else ""
    raise InputError(
        first.expected + first.hint() + more,
        file=first.file,
        row=first.row,
        column=first.column,
        value=first.value,
    )


def near(name: str, known: Iterable[str]) -> str:
    """Hint at the known name that looks most like another.

    Parameters
    ----------
    name : str
        What was given.
    known : iterable of str
        What there is.

    Returns
    -------
    str
        To be added to a message; empty if none is like it.
    """
    found = difflib.get_close_matches(name[:100], list(known), n=1)
    return f"; did you mean {found[0]!r}?" if found else ""


def _bytes(path: Path, most: int | None) -> bytes:
    """Content of a regular file; a pipe or a device, which may never end, is not opened."""
    try:
        if not path.is_file():
            other = "; there is something else of that name" if os.path.lexists(path) else ""
            raise InputError(f"a file {path.name}{other}", file=str(path))
        with path.open("rb") as file:
            content = file.read() if most is None else file.read(most + 1)
    except OSError as error:
        raise InputError(f"a file that can be read ({error.strerror})", file=str(path)) from None
    if most is not None and len(content) > most:
        size = f"{path.stat().st_size} bytes"
        raise InputError(f"a table of at most {most} bytes", file=str(path), value=size)
    return content


def _text(path: Path, most: int | None) -> str:
    """Content of a file, refused if it is missing, not UTF-8, empty, or holds a NUL."""
    content = _bytes(path, most)
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


def records(path: Path, most: int | None = None) -> Iterator[tuple[int, list[str]]]:
    """Yield the records of a CSV file, each with the line it begins on; skip blank lines."""
    reader = csv.reader(io.StringIO(_text(path, most), newline=""), strict=True)
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
    if len(header) > MOST_COLUMNS:
        words = f"at most {MOST_COLUMNS} columns: {', '.join(wanted)}"
        raise InputError(words, file=file, row=row, value=f"{len(header)} columns")
    missing = [name for name in wanted if name not in header]
    problems = [
        Problem(file, row, name, name, "each column once")
        for place, name in enumerate(header)
        if name in header[:place]
    ]
    columns = ", ".join(wanted)
    problems += [
        Problem(
            file,
            row,
            name,
            name,
            f"one of the columns {columns}",
            functools.partial(near, name, missing or wanted),
        )
        for name in header
        if name not in wanted
    ]
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
    found = list(itertools.islice(records(path, MOST_BYTES), MOST_ROWS + 2))
    if len(found) > MOST_ROWS + 1:
        raise InputError(f"at most {MOST_ROWS} rows", file=str(path), row=found[-1][0])
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
        vanished = number == 0 and re.search("[1-9]", re.split("[eE]", text)[0])
        if not math.isfinite(number) or vanished:
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
    for name, column in schema.columns.items():
        if meta(column).get("distinct"):
            names = frame[name]
            if "accession_to" in frame:  # two accessions to one alliance in a year are told by day
                names = names[frame["accession_to"].isna()]
            yield from _alike(names, file)


def _repeated(frame: pd.DataFrame, key: list[str], file: str) -> Iterator[Problem]:
    first: dict[tuple[object, ...], int] = {}
    for line, *values in frame[key].itertuples():
        before = first.setdefault(tuple(values), line)
        if before != line:
            shown = " ".join(str(value) for value in values)
            words = f"one row for each {', '.join(key)}; row {before} has the same"
            yield Problem(file, line, key[-1], shown, words)


def _alike(names: pd.Series, file: str) -> Iterator[Problem]:
    """Names that a reader could not tell apart, whatever their case and spaces."""
    first: dict[str, int] = {}
    for line, name in names.items():
        plain = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
        before = first.setdefault(plain, line)
        if before != line:
            yield Problem(file, line, names.name, name, f"a name of its own; row {before} has it")


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
