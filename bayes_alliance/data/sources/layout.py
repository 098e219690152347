"""Reads a published table in the layout in which its source publishes it.

A file is UTF-8 text (a byte order mark and either line ending pass), separated by commas, with one
header; columns beyond those that a layout names are ignored, and their order and case do not
matter.  Empty cells, ``NA`` (R) and ``.`` (Stata) are missing; a number may be written 1 or 1.0.
Everything else that is wrong raises one `InputError`, whose row is the line of the file (in a
Parquet file, the row if the header were row 1).
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from pandera.errors import SchemaErrors
from pandera.pandas import Column, DataFrameSchema

from bayes_alliance.data.sources.parse import days, numbers, texts
from bayes_alliance.data.validate import LINE, Problem, records, refuse
from bayes_alliance.errors import InputError

_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True)
class Sheet:
    """A file that is being read.

    Parameters
    ----------
    file : str
        The file.
    raw : pandas.DataFrame
        Its cells, indexed by line.
    headers : dict
        Header, or headers of year, month and day, by column.
    columns : dict
        Columns of the layout.
    table : pandas.DataFrame
        What the cells say, indexed by line.
    """

    file: str
    raw: pd.DataFrame
    headers: dict[str, tuple[str, ...]]
    columns: dict[str, Column]
    table: pd.DataFrame = field(default_factory=pd.DataFrame)

    def problem(
        self, line: int, column: str, expected: str | None = None, part: int | None = None
    ) -> Problem:
        """Say what is wrong with a cell.

        Parameters
        ----------
        line : int
            Line of the file.
        column : str
            Column.
        expected : str, optional
            What would have been accepted, if not what the column accepts of itself.
        part : int, optional
            Which of a date's three cells is wrong, if not the date.

        Returns
        -------
        Problem
            The problem, with the header and the cell as they stand in the file.
        """
        headers = self.headers[column]
        if part is None and len(headers) > 1:
            value: object = "-".join(str(self.raw.at[line, header]) for header in headers)
        else:
            value = self.raw.at[line, headers[part or 0]]
        if isinstance(value, np.generic):
            value = value.item()
        words = expected or self.columns[column].metadata["expected"]
        return Problem(self.file, line, headers[part or 0], value, words)


Rule = Callable[[Sheet], Iterator[Problem]]

_KNOWN: dict[str, Layout] = {}


@dataclass(frozen=True)
class Layout:
    """The layout in which a source is published.

    Parameters
    ----------
    name : str
        What a file of this layout is, in words.
    schema : pandera.pandas.DataFrameSchema
        Columns, as `bayes_alliance.data.sources.columns` makes them.
    rules : tuple of callable
        Rules that hold between cells; each yields the problems that it finds.
    """

    name: str
    schema: DataFrameSchema
    rules: tuple[Rule, ...] = ()

    def __post_init__(self) -> None:
        """Remember the layout, so that its files are known when given to another reader."""
        _KNOWN[self.name] = self

    def headers(self, header: list[str]) -> dict[str, tuple[str, ...]]:
        """Find the columns of the layout in a header.

        Parameters
        ----------
        header : list of str
            Header of a file.

        Returns
        -------
        dict
            Header, or three, of each column that is there.
        """
        there = {name.strip().lower(): name for name in header}
        found = {}
        for column, spec in self.schema.columns.items():
            for spelling in [*spec.metadata["spellings"], (column,)]:
                if all(part.lower() in there for part in spelling):
                    found[column] = tuple(there[part.lower()] for part in spelling)
                    break
        return found

    def missing(self, header: list[str]) -> list[str]:
        """List the columns that a header lacks.

        Parameters
        ----------
        header : list of str
            Header of a file.

        Returns
        -------
        list of str
            Columns that the layout requires.
        """
        found = self.headers(header)
        columns = self.schema.columns.items()
        return [name for name, column in columns if column.required and name not in found]

    def weight(self) -> int:
        """Count the columns that it requires.

        Returns
        -------
        int
            How many.
        """
        return sum(column.required for column in self.schema.columns.values())


def read(path: Path, *layouts: Layout) -> tuple[Layout, pd.DataFrame]:
    """Read a file that has one of some layouts.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    *layouts : Layout
        Layouts that are accepted.

    Returns
    -------
    Layout
        The one it has.
    pandas.DataFrame
        The columns of the layout, typed and checked, in the file's order.
    """
    file = str(path)
    raw = _parquet(path) if path.suffix == ".parquet" else _csv(path)
    header = [str(name) for name in raw.columns]
    layout = _choose(file, header, layouts)
    headers = layout.headers(header)
    columns = {name: column for name, column in layout.schema.columns.items() if name in headers}
    sheet = Sheet(file, raw, headers, columns)
    sheet = replace(sheet, table=_typed(sheet))
    refuse(sorted(_outside(sheet, layout.schema), key=_line))
    for rule in layout.rules:
        refuse(rule(sheet))
    return layout, sheet.table.reset_index(drop=True)


def in_order(table: pd.DataFrame, schema: DataFrameSchema) -> pd.DataFrame:
    """Arrange a table by its schema.

    Parameters
    ----------
    table : pandas.DataFrame
        Table with at least the schema's columns.
    schema : pandera.pandas.DataFrameSchema
        Schema with a key.

    Returns
    -------
    pandas.DataFrame
        The schema's columns, the rows sorted by the key and numbered from 0.
    """
    columns = [name for name in schema.columns if name in table]
    return table[columns].sort_values(list(schema.unique or []), ignore_index=True)


def _line(problem: Problem) -> int:
    return problem.row or 0


def _csv(path: Path) -> pd.DataFrame:
    """Cells of a CSV file as text, indexed by line."""
    file = str(path)
    (top, header), *rows = records(path)
    if len(header) == 1:
        for mark, name in _SEPARATORS.items():
            if mark in header[0]:
                words = f"cells separated by commas, not by {name}"
                raise InputError(words, file=file, row=top, value=header[0])
    names = [name.strip().lower() for name in header]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise InputError("each column once", file=file, row=top, column=header[place])
    if not rows:
        raise InputError("at least one row below the header", file=file)
    last = rows[-1][0]
    problems = []
    for line, row in rows:
        if len(row) != len(header):
            words = f"{len(header)} cells as in the header, not {len(row)}"
            words += "; the file is cut off" if line == last and len(row) < len(header) else ""
            problems.append(Problem(file, line, None, ",".join(row), words))
    refuse(problems)
    with path.open("rb") as content:
        content.seek(-1, 2)
        if content.read() not in (b"\n", b"\r"):
            words = "a line end after the last row; the file is cut off"
            raise InputError(words, file=file, row=last, value=",".join(rows[-1][1]))
    index = pd.Index([line for line, _ in rows], name=LINE, dtype="int64")
    return pd.DataFrame([row for _, row in rows], columns=header, index=index, dtype=object)


def _parquet(path: Path) -> pd.DataFrame:
    """Cells of a Parquet file, indexed as if the header were row 1."""
    if not path.is_file():
        raise InputError(f"a file {path.name}", file=str(path))
    try:
        raw = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise InputError(f"a Parquet file ({error})", file=str(path)) from None
    if raw.empty:
        raise InputError("at least one row", file=str(path))
    raw.index = pd.RangeIndex(2, len(raw) + 2, name=LINE)
    return raw


def _choose(file: str, header: list[str], layouts: tuple[Layout, ...]) -> Layout:
    """Give the layout that a header has; refuse the header of another source."""

    def has(layout: Layout) -> int:
        return layout.weight() - len(layout.missing(header))

    own = max(layouts, key=lambda layout: (-len(layout.missing(header)), has(layout)))
    others = [layout for layout in _KNOWN.values() if layout not in layouts]
    complete = [layout for layout in others if not layout.missing(header)]
    for other in sorted(complete, key=has, reverse=True):
        # A list of states is also one of major powers, whose columns are some of its own.
        if has(other) > has(own) or (own.missing(header) and has(other) == has(own)):
            words = f"{own.name}; these are the columns of {other.name}"
            raise InputError(words, file=file, row=1, value=",".join(header))
    refuse(_lacking(file, header, own))
    return own


def _lacking(file: str, header: list[str], layout: Layout) -> Iterator[Problem]:
    """Yield the columns that a header lacks."""
    taken = {name for names in layout.headers(header).values() for name in names}
    free = {name.strip().lower(): name for name in header if name not in taken}
    for column in layout.missing(header):
        spellings = [*layout.schema.columns[column].metadata["spellings"], (column,)]
        absent = [part for spelling in spellings for part in spelling if part.lower() not in free]
        names = " or ".join(dict.fromkeys(", ".join(spelling) for spelling in spellings))
        near = [
            free[match]
            for part in absent
            for match in difflib.get_close_matches(part.lower(), list(free), n=1, cutoff=0.75)
        ]
        hint = f"; is it {near[0]!r}?" if near else ""
        words = f"a column {names}, as in {layout.name}{hint}"
        yield Problem(file, 1, absent[0], near[0] if near else None, words)


def _typed(sheet: Sheet) -> pd.DataFrame:
    """Turn cells into numbers, texts and days; refuse those that are none of them."""
    problems: list[Problem] = []
    series: dict[str, pd.Series] = {}
    for name, column in sheet.columns.items():
        cells = [sheet.raw[header] for header in sheet.headers[name]]
        parse = {"day": days, "text": texts}.get(column.metadata["kind"], numbers)
        parsed, bad = parse(name, column, cells)
        series |= parsed
        for part, lines in enumerate(bad):
            problems += [sheet.problem(line, name, part=part) for line in lines]
    refuse(sorted(problems, key=_line))
    whole = {
        name: str(column.dtype)
        for name, column in sheet.columns.items()
        if column.metadata["kind"] == "whole"
    }
    return pd.DataFrame(series).astype(whole)


def _outside(sheet: Sheet, schema: DataFrameSchema) -> Iterator[Problem]:
    """Yield what pandera finds outside the range or the codes of its column."""
    try:
        schema.validate(sheet.table, lazy=True)
    except SchemaErrors as error:
        for case in error.failure_cases.itertuples():
            if case.schema_context == "Column":
                yield sheet.problem(int(case.index), str(case.column))
