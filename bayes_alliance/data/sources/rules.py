"""Rules between the rows of a source; each makes a rule that yields the problems of a sheet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from bayes_alliance.data.sources.layout import Rule, Sheet
from bayes_alliance.data.validate import Problem

_FAR = pd.Timestamp.max


def once(*key: str) -> Rule:
    """One row for each value of a key.

    Parameters
    ----------
    *key : str
        Columns of the key; a row in which one is missing is not counted.

    Returns
    -------
    callable
        The rule.
    """

    def rule(sheet: Sheet) -> Iterator[Problem]:
        keys = sheet.table[list(key)].dropna()
        again = keys[keys.duplicated(keep=False)]
        first = again.index.to_series().groupby([again[name] for name in key]).transform("min")
        header = sheet.headers[key[-1]][0]
        for line, *values in again[again.index != first].itertuples():
            words = f"one row for each {', '.join(key)}; row {first[line]} has the same"
            shown = " ".join(str(value) for value in values)
            yield Problem(sheet.file, line, header, shown, words)

    return rule


def forwards(start: str, end: str) -> Rule:
    """Nothing ends before it starts.

    Parameters
    ----------
    start, end : str
        Columns of the first and last day or year.

    Returns
    -------
    callable
        The rule.
    """

    def rule(sheet: Sheet) -> Iterator[Problem]:
        latest = sheet.table.get(f"{end}_latest", sheet.table[end])
        backwards = latest < sheet.table[start]
        for line, first in sheet.table.loc[backwards, start].items():
            shown = first.date() if isinstance(first, pd.Timestamp) else first
            yield sheet.problem(line, end, f"no end ({end}) before the start ({shown})")

    return rule


def apart(
    group: Sequence[str], start: str, end: str, *, touching: bool = False, branch: str | None = None
) -> Rule:
    """Spells of a group follow each other.

    Parameters
    ----------
    group : sequence of str
        Columns of the group.
    start, end : str
        Columns of the first and last day or year; no end is one that has not come.
    touching : bool
        Whether a spell may start on the day, or in the year, that ends the one before.
    branch : str, optional
        Column in which spells may differ that start together and overlap.

    Returns
    -------
    callable
        The rule.
    """

    def rule(sheet: Sheet) -> Iterator[Problem]:
        ordered = sheet.table.sort_values([*group, start, end])
        groups = [ordered[name] for name in group]
        until = ordered[end]
        if until.dtype.kind == "M":
            until = until.fillna(_FAR)
        before = until.groupby(groups).cummax().groupby(groups).shift()
        overlap = ordered[start] < before
        if not touching:
            overlap |= ordered[start] == before
        if branch:
            last = ordered.groupby(list(group))[[start, branch]].shift()
            overlap &= ~((ordered[start] == last[start]) & (ordered[branch] != last[branch]))
        rows = ordered.index.to_series().groupby(groups).shift()
        for line in sorted(ordered.index[overlap]):
            words = f"a start after the end of row {int(rows[line])}, or of one before it"
            yield sheet.problem(line, start, words)

    return rule


def different(first: str = "ccode1", second: str = "ccode2") -> Rule:
    """Two states.

    Parameters
    ----------
    first, second : str
        Columns of the states.

    Returns
    -------
    callable
        The rule.
    """

    def rule(sheet: Sheet) -> Iterator[Problem]:
        for line in sheet.table.index[sheet.table[first] == sheet.table[second]]:
            yield sheet.problem(line, second, f"another state than {first}")

    return rule


def ascending(first: str = "ccode1", second: str = "ccode2") -> Rule:
    """Each pair in one direction only, the state of the lower code first.

    Parameters
    ----------
    first, second : str
        Columns of the states.

    Returns
    -------
    callable
        The rule.
    """

    def rule(sheet: Sheet) -> Iterator[Problem]:
        for line in sheet.table.index[sheet.table[first] >= sheet.table[second]]:
            yield sheet.problem(line, second, f"a code above {first}, as each pair stands once")

    return rule


def mirrored(sheet: Sheet) -> Iterator[Problem]:
    """Find rows of a directed table that the other state of the pair does not have.

    Parameters
    ----------
    sheet : Sheet
        Table with columns that end in 1 for the one state and in 2 for the other.

    Yields
    ------
    Problem
        A row without its counterpart, or with one that says something else.
    """
    table = sheet.table
    swap = {name: f"{name[:-1]}{3 - int(name[-1])}" for name in table if name[-1] in "12"}
    other = table.rename(columns=swap)
    both = table.reset_index().merge(other, "left", list(table.columns), indicator=True)
    for line in both.loc[both["_merge"] == "left_only", sheet.table.index.name]:
        words = "a state whose own row says the same of this pair"
        yield sheet.problem(line, "ccode2", words)
