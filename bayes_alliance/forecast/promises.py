"""What the clients have promised each other, as far as it is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayes_alliance.forecast.place import Place, near, number, probabilities
from bayes_alliance.process.cells import COMMITMENTS

MOST = 1e6
"""Largest certainty: beyond it the probabilities are as good as known."""


@dataclass(frozen=True)
class Promises:
    """Probabilities of the three levels, or a Dirichlet distribution of them.

    Parameters
    ----------
    p : dict of str to float
        ``none``, ``consult`` and ``defend`` to their probabilities; they sum to 1.
    certainty : float or None
        Sum of the Dirichlet's parameters: how many like cases the probabilities are worth. None
        where they are known.
    """

    p: dict[str, float]
    certainty: float | None = None

    def __str__(self) -> str:
        """Each level with its probability."""
        shown = ", ".join(f"{level} {p:.0%}" for level, p in self.p.items() if p)
        return shown.replace("%", " %")

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Draw probabilities of the levels, shape (count, level)."""
        p = np.array([self.p[level] for level in COMMITMENTS])
        if self.certainty is None:
            return np.tile(p, (count, 1))
        parts = rng.standard_gamma(self.certainty * p, (count, len(p)))
        return parts / parts.sum(1, keepdims=True)


def promises(given: Any, place: Place) -> Promises:
    """Check a level, or probabilities of the levels with or without a certainty.

    Parameters
    ----------
    given : object
        What the file has.
    place : Place
        Where it stands.

    Returns
    -------
    Promises
        The promises.
    """
    levels = ", ".join(COMMITMENTS)
    if isinstance(given, str) and given in COMMITMENTS:
        return Promises({level: float(level == given) for level in COMMITMENTS})
    if not isinstance(given, Mapping):
        hint = near(given, COMMITMENTS) if isinstance(given, str) else ""
        place.refuse(f"one of {levels}{hint}, or a table of their probabilities", given)
    p = {key: v for key, v in given.items() if key != "certainty"}
    for key in COMMITMENTS:
        if key not in p:
            (place / key).refuse(f"a key {key!r}")
    found = probabilities(p, COMMITMENTS, levels, place)
    certainty = None
    if "certainty" in given:
        words = f"a number between 1 and {MOST:g}: how many like cases the probabilities are worth"
        certainty = number(given["certainty"], 1, MOST, words, place / "certainty")
    return Promises({level: found[level] for level in COMMITMENTS}, certainty)
