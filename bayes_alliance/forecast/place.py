"""Where a value stands in a scenario's file, and the refusals that name that place."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from pandera.pandas import Column

from bayes_alliance.data.schema import bounds, expected, meta
from bayes_alliance.errors import InputError

TOLERANCE = 1e-6
"""How far probabilities may be from summing to 1: they are typed with few digits."""

_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
"""Control characters, other ends of lines, changes of direction, halves of characters."""
LONGEST_LINE, LONGEST_TEXT, LONGEST_SLUG = 500, 20_000, 80
"""Characters; a slug becomes the name of a file."""


@dataclass(frozen=True)
class Place:
    """A key of a file, to say where something is wrong; ``place / "key"`` is a key below it.

    Parameters
    ----------
    file : str
        The file.
    key : str or None
        The key, dotted; None for the file as a whole.
    """

    file: str
    key: str | None = None

    def __truediv__(self, name: str) -> Place:
        """Go down to a key; a message stays readable, so long names are cut."""
        name = name if len(name) <= 60 else name[:57] + "..."
        return Place(self.file, name if self.key is None else f"{self.key}.{name}")

    def refuse(self, words: str, value: object = None) -> NoReturn:
        """Say what was expected here, and stop."""
        raise InputError(words, file=self.file, column=self.key, value=_showable(value))


def _showable(value: object) -> object:
    """Replace a value that cannot be written out (an integer of thousands of digits, say)."""
    try:
        repr(value)
    except (ValueError, RecursionError):
        return f"{type(value).__name__} too large to show"
    return value


def near(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Hint at the known name that looks most like another; empty if none does."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return f"; did you mean {found[0]!r}?" if found else ""


def table(value: object, place: Place) -> dict[str, Any]:
    """Check that a value is a table."""
    if not isinstance(value, Mapping):
        place.refuse("a table", value)
    return dict(value)


def keys(
    found: Mapping[str, Any], known: Iterable[str], required: Iterable[str], place: Place
) -> None:
    """Refuse the first unknown key, else the first missing one."""
    known = list(known)
    for key in found:
        if key not in known:
            absent = [name for name in known if name not in found]
            hint = near(str(key), absent or known)
            (place / str(key)).refuse(f"one of the keys {', '.join(known)}{hint}", found[key])
    for key in required:
        if key not in found:
            (place / key).refuse(f"a key {key!r}")


def text(value: object, place: Place) -> str:
    """Check a text of any length; control characters are refused, markup is plain text."""
    if not isinstance(value, str) or not value.strip() or _CONTROL.search(value):
        place.refuse("a text, not empty, without control characters", value)
    if len(value) > LONGEST_TEXT:
        place.refuse(f"a text of at most {LONGEST_TEXT} characters, not {len(value)}")
    return value.strip()


def line(value: object, place: Place) -> str:
    """Check a text on one line."""
    if not isinstance(value, str) or "\n" in text(value, place):
        place.refuse("a text on one line, not empty", value)
    if len(value) > LONGEST_LINE:
        place.refuse(f"a text of at most {LONGEST_LINE} characters, not {len(value)}")
    return value.strip()


def slug(value: object, place: Place) -> str:
    """Check an identifier."""
    if not isinstance(value, str) or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", value):
        place.refuse("lower-case words joined by hyphens", value)
    if len(value) > LONGEST_SLUG:
        place.refuse(f"at most {LONGEST_SLUG} characters, not {len(value)}", value)
    return value


def is_number(value: object) -> bool:
    """Tell whether a value is a number; truth values are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def number(value: Any, low: float, high: float, words: str, place: Place) -> float:
    """Check a number; NaN and infinities fail the comparison, which also holds for huge ones."""
    if not is_number(value) or not low <= value <= high:
        place.refuse(words, value)
    return float(value)


def year(value: Any, first: int, last: int, place: Place) -> int:
    """Check a year."""
    if not isinstance(value, int) or isinstance(value, bool) or not first <= value <= last:
        place.refuse(f"a year from {first} to {last}", value)
    return value


def one_of(value: Any, known: Iterable[str], place: Place) -> str:
    """Check one of some words."""
    known = list(known)
    if not isinstance(value, str) or value not in known:
        hint = near(value, known) if isinstance(value, str) else ""
        place.refuse(f"one of {', '.join(known)}{hint}", value)
    return value


def cell(value: Any, column: Column, place: Place) -> Any:
    """Check a value against a column of the coded tables; numbers take the column's type."""
    info = meta(column)
    if info["kind"] == "category":
        return one_of(value, info["codes"], place)
    whole = info["kind"] == "integer"
    words = expected(column).removesuffix(", or empty")
    if whole and not isinstance(value, int):
        place.refuse(words, value)
    found = number(value, *bounds(column), words, place)
    return int(found) if whole else found


def probabilities(
    value: Mapping[str, Any], known: Iterable[str], what: str, place: Place
) -> dict[str, float]:
    """Check probabilities of some codes, which must sum to 1."""
    keys(value, known, [], place)
    for key, p in value.items():
        number(p, 0, 1, "a probability between 0 and 1", place / key)
    total = math.fsum(value.values())
    if abs(total - 1) > TOLERANCE:
        place.refuse(f"probabilities of {what} that sum to 1, not {total:.6g}", dict(value))
    return {key: p / total for key, p in value.items()}
