"""Columns of the published sources: what each accepts, and the names under which it is published.

Every function gives a pandera column whose metadata says how its text is read: ``kind``, the
``spellings`` of its header (any one is taken, whatever its case), the ``missing`` codes that the
source documents, and the words of ``expected`` for a refusal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import pandas as pd
from pandera.pandas import Check, Column

LAST = 2030
"""Last year that is believed: every source ends before it."""

Spelling = str | tuple[str, str, str]
"""A header or, of a date, the three headers of its year, month and day."""


def _column(
    dtype: str | None,
    kind: str,
    check: Check,
    expected: str,
    spellings: Iterable[Spelling],
    *,
    missing: Collection[int] = (),
    nullable: bool = False,
    required: bool = True,
    unknown: bool = False,
) -> Column:
    codes = " or ".join(str(code) for code in missing)
    words = f"{expected}, or {codes} for missing" if missing else expected
    return Column(
        dtype,
        [check],
        nullable=nullable or bool(missing),
        required=required,
        metadata={
            "kind": kind,
            "spellings": [(name,) if isinstance(name, str) else name for name in spellings],
            "missing": frozenset(missing),
            "unknown": unknown,
            "expected": f"{words}, or empty" if nullable else words,
        },
    )


def whole(
    low: int,
    high: int | None,
    *spellings: str,
    missing: Collection[int] = (),
    nullable: bool = False,
) -> Column:
    """Whole number, ``int64``, or ``Int64`` where it may be missing.

    Parameters
    ----------
    low : int
        Least value.
    high : int or None
        Greatest value.
    *spellings : str
        Published names of the column.
    missing : collection of int
        Codes that the source documents as missing.
    nullable : bool
        Whether it may be empty.

    Returns
    -------
    pandera.pandas.Column
        The column.
    """
    check, words = _range(low, high)
    dtype = "Int64" if nullable or missing else "int64"
    return _column(
        dtype,
        "whole",
        check,
        f"a whole number {words}",
        spellings,
        missing=missing,
        nullable=nullable,
    )


def _range(low: float, high: float | None) -> tuple[Check, str]:
    if high is None:
        return Check.ge(low), f"of at least {low:g}"
    return Check.in_range(low, high), f"between {low:g} and {high:g}"


def year(*spellings: str, first: int = 1816) -> Column:
    """Calendar year, ``int64``.

    Parameters
    ----------
    *spellings : str
        Published names of the column.
    first : int
        First year of the source.

    Returns
    -------
    pandera.pandas.Column
        The column.
    """
    check, words = _range(first, LAST)
    return _column("int64", "whole", check, f"a year {words}", spellings)


def code(
    codes: Collection[int],
    *spellings: str,
    missing: Collection[int] = (),
    nullable: bool = False,
) -> Column:
    """One of the codes of a category, ``int64``, or ``Int64`` where it may be missing.

    Parameters
    ----------
    codes : collection of int
        Codes of the source's codebook.
    *spellings : str
        Published names of the column.
    missing : collection of int
        Codes that the source documents as missing.
    nullable : bool
        Whether it may be empty.

    Returns
    -------
    pandera.pandas.Column
        The column.
    """
    words = "one of " + ", ".join(str(value) for value in codes)
    dtype = "Int64" if nullable or missing else "int64"
    check = Check.isin(list(codes))
    return _column(dtype, "whole", check, words, spellings, missing=missing, nullable=nullable)


def flag(*spellings: str, nullable: bool = False) -> Column:
    """0 or 1.

    Parameters
    ----------
    *spellings : str
        Published names of the column.
    nullable : bool
        Whether it may be empty.

    Returns
    -------
    pandera.pandas.Column
        The column.
    """
    return code((0, 1), *spellings, nullable=nullable)


def state(
    *spellings: str,
    also: Collection[int] = (),
    nullable: bool = False,
    required: bool = True,
) -> Column:
    """Correlates of War code of a state.

    Parameters
    ----------
    *spellings : str
        Published names of the column.
    also : collection of int
        Codes outside 2 to 999 that the source uses besides.
    nullable : bool
        Whether it may be empty.
    required : bool
        Whether the file must have the column.

    Returns
    -------
    pandera.pandas.Column
        The column.
    """

    def known(values: pd.Series) -> pd.Series:
        return values.between(2, 999) | values.isin(also)

    words = "a COW state code between 2 and 999"
    if also:
        few = sorted(also)
        words += f", or {few[0]}" if len(few) == 1 else f", or one between {few[0]} and {few[-1]}"
    return _column(
        "Int64" if nullable else "int64",
        "whole",
        Check(known),
        words,
        spellings,
        nullable=nullable,
        required=required,
    )


def number(
    low: float,
    high: float | None,
    *spellings: str,
    missing: Collection[int] = (),
    nullable: bool = False,
    required: bool = True,
) -> Column:
    """Number, ``float64``.

    Parameters
    ----------
    low : float
        Least value.
    high : float or None
        Greatest value.
    *spellings : str
        Published names of the column.
    missing : collection of int
        Codes that the source documents as missing.
    nullable : bool
        Whether it may be empty.
    required : bool
        Whether the file must have the column.

    Returns
    -------
    pandera.pandas.Column
        The column.
    """
    check, words = _range(low, high)
    return _column(
        "float64",
        "number",
        check,
        f"a number {words}",
        spellings,
        missing=missing,
        nullable=nullable,
        required=required,
    )


def text(
    *spellings: str, pattern: str = r"(?s:.+)", expected: str = "a text", nullable: bool = False
) -> Column:
    """Text.

    Parameters
    ----------
    *spellings : str
        Published names of the column.
    pattern : str
        Regular expression that the whole text must match.
    expected : str
        What it says, in words.
    nullable : bool
        Whether it may be empty.

    Returns
    -------
    pandera.pandas.Column
        The column.
    """
    check = Check.str_matches(rf"^(?:{pattern})\Z")
    return _column(None, "text", check, expected, spellings, nullable=nullable)


def day(*spellings: Spelling, nullable: bool = False, unknown: bool = False) -> Column:
    """Day, ``datetime64[ns]``.

    One header holds YYYY-MM-DD or, for a month's first day, YYYYMM; three hold year, month and day.

    Parameters
    ----------
    *spellings : str or tuple of str
        Published names of the column, or of its three columns.
    nullable : bool
        Whether a year 0 stands for no date.
    unknown : bool
        Whether month and day may be unknown; the reader then adds two columns, named with
        ``_exact`` and ``_latest``.

    Returns
    -------
    pandera.pandas.Column
        The column.
    """
    check = Check.in_range(pd.Timestamp("1800-01-01"), pd.Timestamp(f"{LAST}-12-31"))
    return _column(
        "datetime64[ns]",
        "day",
        check,
        f"a date between 1800 and {LAST}",
        spellings,
        nullable=nullable,
        unknown=unknown,
    )
