"""Numbers, lists and names as the page writes them."""

from __future__ import annotations

import math
from collections.abc import Iterable

from bayes_alliance.compare.hypotheses import CI_PROB
from bayes_alliance.report.results import Results
from bayes_alliance.theories import NAMES, NULL

SENSITIVE = 0.05
"""Power-scaling sensitivity that matters (Kallioinen et al.)."""
FEW = 100
"""Standard errors of differences from fewer cases are themselves unsure (Sivula et al.)."""
MISSING = "–"
NBSP = "\u00a0"
LEVEL = f"{CI_PROB * 100:.0f}{NBSP}%"
"""Probability of every interval of the page."""

INFORMATION_WORDS = {
    "indicators": "indicators only",
    "commitments": "indicators and what clients had promised each other",
}
BY_WORDS = {
    "episode": "each case predicted by a fit to all others",
    "theatre": "each theatre predicted by a fit to the others",
    "patron": "each patron predicted by a fit to the others",
}


def number(value: float, digits: int = 2) -> str:
    """Write a number with a true minus sign and no negative zero."""
    if not math.isfinite(value):
        return MISSING
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("-", "−")


def signed(value: float, digits: int = 1) -> str:
    """Write a number with its sign, zero without."""
    return f"+{number(value, digits)}" if round(value, digits) > 0 else number(value, digits)


def percent(value: float) -> str:
    """Write a probability in per cent."""
    if value < 0.01:
        return f"under{NBSP}1{NBSP}%"
    if value > 0.99:
        return f"over{NBSP}99{NBSP}%"
    return f"{value * 100:.0f}{NBSP}%"


def percents(lower: float, upper: float) -> str:
    """Write an interval in per cent."""
    return f"{percent(lower).removesuffix(f'{NBSP}%')} to {percent(upper)}"


def interval(lower: float, upper: float, digits: int = 2) -> str:
    """Write an interval."""
    return f"{number(lower, digits)} to {number(upper, digits)}"


def count(n: int, noun: str, plural: str | None = None) -> str:
    """Write a count with its noun."""
    return f"{n}{NBSP}{noun if n == 1 else plural or noun + 's'}"


def opening(text: str) -> str:
    """Begin a sentence, or a name."""
    return text[:1].upper() + text[1:]


def called(name: str) -> str:
    """Name a fit in a sentence."""
    base, _, rest = name.partition(", ")
    if base not in NAMES:
        return name
    words = "the null model" if base == NULL else f"the {base} theory"
    return f"{words} {rest}" if rest else words


def variants_of(results: Results, name: str, among: Iterable[str]) -> list[str]:
    """Fits of a theory that leave something unread, by their names."""
    return [n for n in among if n not in results.trees and n.partition(", ")[0] == name]


def cases_of(results: Results, by: str = "theatre") -> dict[str, list[str]]:
    """Cases by theatre, or by patron."""
    first = results.data.episodes.groupby("case", sort=False)[by].first()
    return {t: list(first.index[first == t]) for t in dict.fromkeys(first)}
