"""What is not known for certain: values of a scenario as distributions.

A number may be given by its mean and standard deviation, or by a central interval with its
probability; a category, or a count, by the probability of each value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from pandera.pandas import Column
from scipy.special import betaincinv, ndtr, ndtri

from bayes_alliance.data.schema import bounds, expected, meta
from bayes_alliance.forecast.place import Place, cell, keys, number, probabilities, table

RATIOS = ("capability_ratio", "patron_ratio", "forces_ratio", "power_ratio")
"""Columns of which the models take logarithms: uncertain ones are log-normal."""
OUTSIDE = 0.05
"""How much of a distribution may lie outside the bounds of its column, where it is cut off."""
INTERVAL = ("low", "high", "probability")
MOMENTS = ("mean", "sd")


@dataclass(frozen=True)
class Normal:
    """A number: normal, or log-normal, cut off at the bounds of its column.

    Parameters
    ----------
    mean, sd : float
        Before the cut; of the logarithm if ``log``.
    low, high : float
        Bounds of the column.
    log : bool
        Whether the logarithm is normal.
    whole : bool
        Whether values are rounded to whole numbers.
    """

    mean: float
    sd: float
    low: float
    high: float
    log: bool = False
    whole: bool = False

    def _scaled(self) -> np.ndarray:
        """Bounds in standard deviations from the mean."""
        edge = 0.5 if self.whole else 0.0
        low, high = self.low - edge, self.high + edge
        if self.log:
            low, high = math.log(low) if low > 0 else -math.inf, math.log(high)
        return (np.array([low, high]) - self.mean) / self.sd

    def outside(self) -> float:
        """Probability beyond the bounds, before the cut."""
        low, high = ndtr(self._scaled())
        return float(low + 1 - high)

    def quantile(self, p: ArrayLike) -> np.ndarray:
        """Values below which the distribution has probability ``p``."""
        low, high = ndtr(self._scaled())
        x = self.mean + self.sd * ndtri(low + np.asarray(p) * (high - low))
        x = np.exp(x) if self.log else x
        return np.clip(np.rint(x) if self.whole else x, self.low, self.high)

    @property
    def centre(self) -> float:
        """The median."""
        return float(self.quantile(0.5))

    def __str__(self) -> str:
        """Median and 90 % interval."""
        low, mid, high = (f"{v:.3g}" for v in self.quantile([0.05, 0.5, 0.95]))
        return f"{mid} (90 % interval {low} to {high})"


@dataclass(frozen=True)
class Chances:
    """A category or a count: one of some values, each with its probability.

    Parameters
    ----------
    values : tuple
        Values, in the order of the column.
    p : tuple of float
        Their probabilities.
    """

    values: tuple[Any, ...]
    p: tuple[float, ...]

    def quantile(self, p: ArrayLike) -> np.ndarray:
        """Values below or at which the distribution has probability ``p``."""
        at = np.searchsorted(np.cumsum(self.p)[:-1], p, side="right")
        kind = float if isinstance(self.values[0], int) else object
        return np.array(self.values, dtype=kind)[at]

    @property
    def centre(self) -> Any:
        """The likeliest value."""
        return self.values[int(np.argmax(self.p))]

    def __str__(self) -> str:
        """Each value with its probability."""
        shown = (f"{v} {p:.0%}" for v, p in zip(self.values, self.p, strict=True) if p)
        return ", ".join(shown).replace("%", " %")


@dataclass(frozen=True)
class Beta:
    """A probability that is not known for certain.

    Parameters
    ----------
    a, b : float
        Shapes.
    """

    a: float
    b: float

    def quantile(self, p: ArrayLike) -> np.ndarray:
        """Values below which the distribution has probability ``p``."""
        return np.asarray(betaincinv(self.a, self.b, np.asarray(p, dtype=float)))

    @property
    def centre(self) -> float:
        """The mean."""
        return self.a / (self.a + self.b)

    def __str__(self) -> str:
        """Mean and 90 % interval."""
        low, high = self.quantile([0.05, 0.95])
        return f"{self.centre:.2f} (90 % interval {low:.2f} to {high:.2f})"


Distribution = Normal | Chances | Beta
Value = float | int | str | Distribution | None


def value(given: Any, column: Column, place: Place) -> Any:
    """Check a value of a column, certain or not.

    Parameters
    ----------
    given : object
        What the file has.
    column : pandera.pandas.Column
        Column of the coded tables.
    place : Place
        Where it stands.

    Returns
    -------
    float, int, str or Distribution
        The value.
    """
    if not isinstance(given, Mapping):
        return cell(given, column, place)
    kind = meta(column)["kind"]
    of_numbers = any(key in given for key in (*MOMENTS, *INTERVAL))
    if kind == "category" or (kind == "integer" and not of_numbers):
        return _chances(given, column, place)
    return _normal(given, column, place)


def _chances(given: Mapping[str, Any], column: Column, place: Place) -> Chances:
    """Probabilities of categories, or of counts, whose keys TOML gives as texts."""
    what = expected(column).removesuffix(", or empty")
    if meta(column)["kind"] == "category":
        codes = list(meta(column)["codes"])
        found = probabilities(given, codes, "the values", place)
        chosen = [code for code in codes if code in found]
        return Chances(tuple(chosen), tuple(found[code] for code in chosen))
    for key in given:
        if not str(key).isdecimal() or not str(key).isascii() or len(str(key)) > 9:
            (place / str(key)).refuse(f"as keys {what}, or mean and sd, or {', '.join(INTERVAL)}")
        cell(int(key), column, place / key)
    found = probabilities(given, list(given), "the values", place)
    order = sorted(found, key=int)
    if len({int(key) for key in order}) < len(order):
        place.refuse("each value once", dict(given))
    return Chances(tuple(int(key) for key in order), tuple(found[key] for key in order))


def _normal(given: Mapping[str, Any], column: Column, place: Place) -> Normal:
    """A number by its mean and standard deviation, or by a central interval."""
    low, high = map(float, bounds(column))
    words = f"a number between {low:g} and {high:g}"
    log = column.name in RATIOS
    if log:
        low = max(low, 1e-4)  # as the models do
        words = f"a number between {low:g} and {high:g}"
    by = MOMENTS if any(key in given for key in MOMENTS) else INTERVAL
    if not any(key in given for key in (*MOMENTS, *INTERVAL)):
        keys(given, (*MOMENTS, *INTERVAL), by, place)
    keys(given, by, by, place)
    if by == MOMENTS:
        mean = number(given["mean"], low, high, words, place / "mean")
        sd = number(given["sd"], 1e-12, high, "a number above 0", place / "sd")
        if log:
            var = math.log1p((sd / mean) ** 2)
            mean, sd = math.log(mean) - var / 2, math.sqrt(var)
    else:
        first, last = (number(given[k], low, high, words, place / k) for k in ("low", "high"))
        p = number(
            given["probability"], 0.01, 0.999, "a probability of 0.01 to 0.999",
            place / "probability",
        )  # fmt: skip
        if first >= last:
            (place / "high").refuse(f"a number above low, {first:g}", last)
        if log:
            first, last = math.log(first), math.log(last)
        mean, sd = (first + last) / 2, (last - first) / 2 / float(ndtri(0.5 + p / 2))
    made = Normal(mean, sd, low, high, log, meta(column)["kind"] == "integer")
    if made.outside() > OUTSIDE:
        place.refuse(
            f"a distribution of which at most {OUTSIDE:.0%} lies outside {low:g} to {high:g}, "
            f"not {made.outside():.0%}; of a count, the probability of each value will do",
            dict(given),
        )
    return made


def share(given: Any, place: Place) -> float | Beta:
    """Check a probability: a number, or the mean and standard deviation of a beta distribution.

    Parameters
    ----------
    given : object
        What the file has.
    place : Place
        Where it stands.

    Returns
    -------
    float or Beta
        The value.
    """
    words = "a probability between 0 and 1"
    if not isinstance(given, Mapping):
        return number(given, 0, 1, f"{words}, or a table of mean and sd", place)
    keys(table(given, place), MOMENTS, MOMENTS, place)
    mean = number(given["mean"], 1e-6, 1 - 1e-6, "a number between 0 and 1", place / "mean")
    most = math.sqrt(mean * (1 - mean))
    sd = number(given["sd"], 1e-6, 1, "a number above 0", place / "sd")
    if sd >= most:
        (place / "sd").refuse(f"a number below {most:.3g}, the largest for a mean of {mean:g}", sd)
    both = mean * (1 - mean) / sd**2 - 1
    return Beta(mean * both, (1 - mean) * both)
