"""Turns cells of text into numbers, texts and days, and lists the lines where that fails.

Each function takes the name and the column, and the cells (of a day, up to three columns); it
gives the typed series by name and, for each column of cells, the lines that cannot be read.
"""

from __future__ import annotations

import math
import re

import numpy as np
import pandas as pd
from pandera.pandas import Column

MISSING = ("", "NA", ".")
"""Ways in which every source may leave a cell empty: plain, as R writes it, as Stata does."""

UNKNOWN = (0, 88, 99)
"""Codes of a month or day that is not known."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"([+-]?\d{1,15})(\.0*)?", re.ASCII)
_DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})|(\d{4})(\d{2})(\.0*)?", re.ASCII)

_FIRST, _LAST, _DTYPE = 1678, 2261, "datetime64[ns]"  # the years that its days can hold whole

Parsed = tuple[dict[str, pd.Series], list[list[int]]]


def _number(cell: object, *, whole: bool) -> float:
    """Value of a cell, NaN where it is missing; raise ValueError where it is not a number."""
    if not isinstance(cell, str):
        value = float(cell)  # type: ignore[arg-type]  # of a Parquet file
    elif cell.strip() in MISSING:
        return math.nan
    elif not (_WHOLE if whole else _NUMBER).fullmatch(cell.strip()):
        raise ValueError(cell)
    else:
        value = float(cell)
    if math.isinf(value) or (whole and value % 1 > 0):  # a missing one passes
        raise ValueError(cell)
    return value


def _values(cells: pd.Series, *, whole: bool) -> tuple[np.ndarray, np.ndarray]:
    """Values of cells, and where they cannot be read.  A value that recurs is read once."""
    codes, distinct = pd.factorize(cells.to_numpy(), use_na_sentinel=False)
    values = np.full(len(distinct), math.nan)
    bad = np.zeros(len(distinct), dtype=bool)
    for place, cell in enumerate(distinct):
        try:
            values[place] = _number(cell, whole=whole)
        except (TypeError, ValueError):
            bad[place] = True
    return values[codes], bad[codes]


def _word(cell: object) -> str:
    """A cell as text without spaces around it, empty where it is missing."""
    return "" if cell != cell else str(cell).strip()


def numbers(name: str, column: Column, cells: list[pd.Series]) -> Parsed:
    """Read numbers.

    Parameters
    ----------
    name : str
        Name of the column.
    column : pandera.pandas.Column
        What it accepts.
    cells : list of pandas.Series
        Its cells.

    Returns
    -------
    dict
        The numbers, as ``float64``.
    list
        Lines that are not numbers, or missing where they must not be.
    """
    values, bad = _values(cells[0], whole=column.metadata["kind"] == "whole")
    for missing in column.metadata["missing"]:
        values[values == missing] = math.nan
    if not column.nullable:
        bad |= np.isnan(values)
    index = cells[0].index
    return {name: pd.Series(values, index)}, [index[bad].tolist()]


def texts(name: str, column: Column, cells: list[pd.Series]) -> Parsed:
    """Read texts.

    Parameters
    ----------
    name : str
        Name of the column.
    column : pandera.pandas.Column
        What it accepts.
    cells : list of pandas.Series
        Its cells.

    Returns
    -------
    dict
        The texts, None where they are missing.
    list
        Lines where a text is missing that must not be.
    """
    stripped = cells[0].map(_word)
    absent = stripped.isin(MISSING)
    bad = absent & (not column.nullable)
    return {name: stripped.mask(absent, None)}, [bad.index[bad].tolist()]


def days(name: str, column: Column, cells: list[pd.Series]) -> Parsed:
    """Read days.

    Parameters
    ----------
    name : str
        Name of the column.
    column : pandera.pandas.Column
        What it accepts.
    cells : list of pandas.Series
        Its cells in one column, or those of year, month and day.

    Returns
    -------
    dict
        The days, the earliest possible where month or day may be unknown; then also whether each
        is exact, and the latest possible.
    list
        Lines that are not days, for each column of cells.
    """
    index = cells[0].index
    if len(cells) == 1:
        (year, month, day_of_month), bad = _split(cells[0])
    else:
        read = [_values(part, whole=True) for part in cells]
        (year, month, day_of_month), bad = [values for values, _ in read], [b for _, b in read]
    none = ((year == 0) | np.isnan(year) & ~bad[0]) & column.nullable
    no_month, no_day = (
        (np.isnan(part) | np.isin(part, UNKNOWN)) & column.metadata["unknown"]
        for part in (month, day_of_month)
    )
    exact = ~(no_month | no_day | none)
    bad[0] |= ~none & ~((year >= _FIRST) & (year <= _LAST))
    of_month = bad[-2] if len(bad) == 3 else bad[0]
    of_month |= np.where(none, month > 0, ~no_month & ~((month >= 1) & (month <= 12)))
    frame = pd.DataFrame(
        {
            "year": year,
            "month": np.where(no_month, 1, month),
            "day": np.where(exact, day_of_month, 1),
        },
        index,
    )
    usable = ~none & ~np.logical_or.reduce(bad)
    earliest = pd.to_datetime(frame[usable], errors="coerce").reindex(index).astype(_DTYPE)
    bad[-1] |= usable & earliest.isna().to_numpy()
    series = {name: earliest}
    if column.metadata["unknown"]:
        to_month, to_year = pd.offsets.MonthEnd(0), pd.offsets.YearEnd(0)
        latest = earliest.mask(no_day, earliest + to_month).mask(no_month, earliest + to_year)
        series |= {f"{name}_exact": pd.Series(exact, index), f"{name}_latest": latest}
    return series, [index[where].tolist() for where in bad]


def _split(cells: pd.Series) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Year, month and day of one column, and where it holds neither YYYY-MM-DD nor YYYYMM."""
    found = cells.map(_word).str.extract(f"^(?:{_DAY.pattern})$", flags=re.ASCII)
    of_day, of_month = (found[[*columns]].astype("float64") for columns in ((0, 1, 2), (3, 4)))
    parts = of_day.fillna(of_month.set_axis([0, 1], axis=1)).fillna({2: 1}).to_numpy().T
    return list(parts), [np.isnan(parts[0])]
