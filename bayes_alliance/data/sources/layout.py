"""Reads a published table in the layout in which its source publishes it.

A file has one of the formats of `bayes_alliance.data.sources.formats`, with one header; columns
beyond those that a layout names are ignored, and their order and case do not matter.  Empty cells,
``NA`` (R) and ``.`` (Stata) are missing; a number may be written 1 or 1.0, and in a text separated
by semicolons 0,5.  Everything else that is wrong raises one `InputError`, whose row is the line of
the file (where it has no lines, the row if the header were row 1).
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

from bayes_alliance.data.sources.formats import Opened, tables
from bayes_alliance.data.sources.parse import days, numbers, texts
from bayes_alliance.data.validate import Problem, refuse
from bayes_alliance.errors import InputError

NOTES = "notes"
"""Where a table that was read keeps what a user should know of its file, in its ``attrs``."""


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
    repeats : bool
        Whether a row that repeats another in every column is left out, and said in a note.
    """

    name: str
    schema: DataFrameSchema
    rules: tuple[Rule, ...] = ()
    repeats: bool = False

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
        The columns of the layout, typed and checked, in the file's order; what a user should
        know of the file is in its ``attrs``, under `NOTES`.
    """
    layout, file, raw, notes = _cells(path, layouts)
    headers = layout.headers(list(raw.columns))
    columns = {name: column for name, column in layout.schema.columns.items() if name in headers}
    sheet = Sheet(file, raw, headers, columns)
    sheet = replace(sheet, table=_typed(sheet))
    refuse(sorted(_outside(sheet, layout.schema), key=_line))
    for rule in layout.rules:
        refuse(rule(sheet))
    table = sheet.table.reset_index(drop=True)
    table.attrs[NOTES] = notes
    return layout, table


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


def _cells(path: Path, layouts: tuple[Layout, ...]) -> tuple[Layout, str, pd.DataFrame, list[str]]:
    """Cells of the one table of a file that has one of some layouts."""
    refused: list[InputError] = []
    found: list[tuple[Layout, str, pd.DataFrame, list[str]]] = []
    for opened in tables(path):
        try:
            layout = _choose(opened, layouts)
        except InputError as error:
            refused.append(error)
            continue
        places = [place for place, name in enumerate(opened.header) if name]
        if not layout.repeats:
            used = {name for names in layout.headers(opened.header).values() for name in names}
            places = [place for place in places if opened.header[place] in used]
        raw, notes = opened.cells(places)
        if layout.repeats and (again := raw.duplicated()).any():
            lines = ", ".join(str(line) for line in raw.index[again][:10])
            more = " ..." if again.sum() > 10 else ""
            notes.append(f"{opened.file}: left out rows that repeat another ({lines}{more})")
            raw = raw[~again]
        found.append((layout, opened.file, raw, notes))
    if not found and len(refused) == 1:
        raise refused[0]
    if len(found) != 1:
        wanted = " or ".join(layout.name for layout in layouts)
        names = [file for _, file, *_ in found] or [str(error.file) for error in refused]
        short = ", ".join(name.removeprefix(str(path)).lstrip("/:") for name in names)
        raise InputError(f"one table of {wanted}, not {len(found)}", file=str(path), value=short)
    return found[0]


def _choose(opened: Opened, layouts: tuple[Layout, ...]) -> Layout:
    """Give the layout that a header has; refuse the header of another source."""
    file, header = opened.file, [name for name in opened.header if name]
    names = [name.lower() for name in header]
    if len(set(names)) < len(names):
        again = next(name for place, name in enumerate(header) if names.index(name.lower()) < place)
        raise InputError("each column once", file=file, row=opened.row, column=again)

    def has(layout: Layout) -> int:
        return layout.weight() - len(layout.missing(header))

    own = max(layouts, key=lambda layout: (-len(layout.missing(header)), has(layout)))
    others = [layout for layout in _KNOWN.values() if layout not in layouts]
    complete = [layout for layout in others if not layout.missing(header)]
    for other in sorted(complete, key=has, reverse=True):
        # A list of states is also one of major powers, whose columns are some of its own.
        if has(other) > has(own) or (own.missing(header) and has(other) == has(own)):
            words = f"{own.name}; these are the columns of {other.name}"
            raise InputError(words, file=file, row=opened.row, value=",".join(header))
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
