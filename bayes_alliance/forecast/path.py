"""Threat over the years: columns of the panel by year, from the first year to the horizon.

A year between two entries takes the value of the earlier one (``between = "hold"``) or lies on
the line between them (``between = "linear"``). Without ``between`` no year between two entries may
be missing. After its last entry a column keeps that value; before its first it is what ``[threat]``
or the panel says.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from bayes_alliance.data.schema import TABLES, meta
from bayes_alliance.forecast.inputs import RATIOS, Value, value
from bayes_alliance.forecast.place import Place, is_number, keys, one_of, table

COLUMNS = {
    k: v for k, v in TABLES["years"].columns.items() if not meta(v)["key"] and k != "adversary"
}
"""Components of threat: the columns of ``years.csv``."""
BETWEEN = ("hold", "linear")

Path = dict[str, dict[int, Value]]
"""Column to year to value; each value holds until the next."""


def component(given: Any, column: str, place: Place) -> Any:
    """Check a value of a component of threat."""
    found = value(given, COLUMNS[column], place)
    if column in RATIOS and found == 0:
        place.refuse("a number above 0", given)  # the models take logarithms
    return found


def threat(given: object, place: Place) -> dict[str, Value]:
    """Check components of threat that a scenario sets."""
    found = table(given, place)
    keys(found, COLUMNS, [], place)
    return {key: component(found[key], key, place / key) for key in found}


def path(given: object, first: int, last: int, place: Place) -> Path:
    """Check a path of threat.

    Parameters
    ----------
    given : object
        What the file has.
    first, last : int
        First year in which the decision may come, and the horizon.
    place : Place
        Where it stands.

    Returns
    -------
    dict
        See `Path`.
    """
    found = table(given, place)
    keys(found, ("between", *COLUMNS), [], place)
    between = one_of(found.pop("between"), BETWEEN, place / "between") if "between" in found else ""
    out: Path = {}
    for column in found:
        here = place / column
        entries = table(found[column], here)
        if not entries:
            here.refuse("a value by year", {})
        at = {_year(y, first, last, here): v for y, v in sorted(entries.items(), key=_order)}
        if len(at) < len(entries):
            here.refuse("each year once", entries)
        values = {y: component(v, column, here / str(y)) for y, v in at.items()}
        out[column] = _between(values, column, between, here)
    return out


def _order(item: tuple[str, Any]) -> tuple[int, str]:
    return len(item[0]), item[0]


def _year(given: str, first: int, last: int, place: Place) -> int:
    """Read a year, which TOML gives as a text."""
    right = given.isascii() and given.isdecimal() and len(given) <= 4
    if not right or not first <= int(given) <= last:
        (place / given).refuse(f"a year from {first} to {last} (year to horizon)", given)
    return int(given)


def _between(
    values: Mapping[int, Value], column: str, between: str, place: Place
) -> dict[int, Value]:
    """Refuse gaps for which there is no rule, and draw lines."""
    out = dict(values)
    for begin, end in pairwise(values):
        if end == begin + 1 or between == "hold":
            continue
        if not between:
            place.refuse(
                f"a value for each year from {begin} to {end}, or a line "
                'between = "hold" (or "linear") in [path]',
                f"nothing for {begin + 1}",
            )
        low, high = values[begin], values[end]
        if not is_number(low) or not is_number(high):
            (place / str(begin)).refuse("a number: there is no line between distributions", low)
        for year in range(begin + 1, end):
            at = low + (high - low) * (year - begin) / (end - begin)  # type: ignore[operator]
            out[year] = round(at) if meta(COLUMNS[column])["kind"] == "integer" else at
    return dict(sorted(out.items()))
