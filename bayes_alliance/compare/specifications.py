"""What a robustness study varies: choices, their levels, and specifications made of them."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayes_alliance.data.load import ASYMMETRIC, Data, load
from bayes_alliance.errors import InputError
from bayes_alliance.process.priors import load_priors

Level = float | bool | str

CODING: dict[str, dict[Any, str]] = {
    "k": {
        2.0: "patron twice as capable",
        1.5: "patron 1.5 times as capable",
        3.0: "patron three times as capable",
    },
    "ends": {"design": "ends with the design", "treaty": "ends with the treaty"},
    "pairs": {"any": "any pair bound", "majority": "most pairs bound"},
    "wartime": {False: "no wartime coalitions", True: "wartime coalitions too"},
    "strong": {
        "words": "strong: any promise to defend",
        "moderate": "strong: some institutions",
        "high": "strong: high institutions",
    },
    "overlay": {True: "judgements over rules", False: "rules alone"},
    "recent": {True: "hand-coded years to 2025", False: "sources' years to 2016"},
}
"""Choices of the asymmetric dataset alone, as `bayes_alliance.data.variants.Coding` has them."""

CHOICES: dict[str, dict[Any, str]] = {
    **CODING,
    "frames": {True: "coded frames read", False: "coded frames unread"},
    "priors": {
        "default": "bundled priors",
        "wider": "wider priors",
        "sceptical of occupation": "sceptical of occupation",
        "sceptical of prospect": "sceptical of prospect",
    },
}
"""Choice to its levels with their words; the first level is the default."""

CLAIMS: dict[str, tuple[str, ...]] = {
    "occupation": (
        *("beta_1", "beta_2", "beta_3", "beta_4", "beta_4t", "beta_5", "beta_6"),
        "gamma_land",
    ),
    "prospect": (
        *("k_loss", "k_gain", "accept_level", "accept_spread"),
        *("hazard_strong", "hazard_frame"),
    ),
}
"""Parameters without a lean that carry what an article claims; a sceptic holds them near zero."""

WIDER, SCEPTICAL = 2.0, 0.25
"""Factors of the priors' sigma."""


@dataclass(frozen=True)
class Specification:
    """One way to make the comparison.

    Parameters
    ----------
    data : tuple of str
        Names as for `bayes_alliance.load`.
    changed : tuple of (str, level)
        The choices that are not at their defaults, in the order of `CHOICES`.
    """

    data: tuple[str, ...]
    changed: tuple[tuple[str, Level], ...] = ()

    @property
    def hash(self) -> str:
        """Short digest that names the results; a choice added to `CHOICES` later leaves it."""
        text = json.dumps([self.data, dict(self.changed)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:10]

    @property
    def label(self) -> str:
        """What is not at its default, in words."""
        return "; ".join(CHOICES[name][level] for name, level in self.changed) or "default"

    def level(self, choice: str) -> Level:
        """Level of a choice.

        Parameters
        ----------
        choice : str
            One of `CHOICES`.

        Returns
        -------
        level
            The changed one or the default.
        """
        return dict(self.changed).get(choice, next(iter(CHOICES[choice])))

    def load(self) -> Data:
        """Load the tables as the specification reads them.

        Returns
        -------
        Data
            Validated tables.
        """
        coding = {name: level for name, level in self.changed if name in CODING}
        return load(*self.data, frames=bool(self.level("frames")), coding=coding or None)

    def priors(self, theory: str) -> dict[str, dict[str, float]]:
        """Changes to the bundled priors of a theory.

        Parameters
        ----------
        theory : str
            Name of the theory.

        Returns
        -------
        dict
            As `bayes_alliance.fit` takes them; empty where the level changes nothing of it.
        """
        level = self.level("priors")
        known = load_priors(theory).parameters
        claims = CLAIMS.get(str(level).removeprefix("sceptical of "), ())
        factor = dict.fromkeys(claims, SCEPTICAL)
        if level == "wider":
            factor = {name: WIDER for name, prior in known.items() if "sigma" in prior}
        return {
            name: {"sigma": by * known[name]["sigma"]}
            for name, by in factor.items()
            if name in known
        }


def choices(data: Sequence[str]) -> dict[str, dict[Any, str]]:
    """Choices that a dataset leaves open.

    Parameters
    ----------
    data : sequence of str
        Names as for `bayes_alliance.load`.

    Returns
    -------
    dict
        Part of `CHOICES`.
    """
    return {n: c for n, c in CHOICES.items() if n not in CODING or list(data) == [ASYMMETRIC]}


def specification(data: Sequence[str] = (ASYMMETRIC,), **levels: Level) -> Specification:
    """Make one specification.

    Parameters
    ----------
    data : sequence of str
        Names as for `bayes_alliance.load`.
    **levels
        Levels by choice; the others stand at their defaults.

    Returns
    -------
    Specification
        Equal for equal levels, however they were given.

    Raises
    ------
    InputError
        If the data have no such choice, or the choice no such level.
    """
    open_ = choices(data)
    for name, level in levels.items():
        if name not in open_:
            words = f"one of {', '.join(open_)}"
            raise InputError(words, column="choice", value=name)
        # 1 is no level of a choice between yes and no, and True none of a number
        if not any(level == known and _like(level, known) for known in open_[name]):
            words = f"one of {', '.join(map(str, open_[name]))}"
            raise InputError(words, column=name, value=level)
    changed = [
        (name, next(known for known in of if known == levels[name]))
        for name, of in open_.items()
        if name in levels and levels[name] != next(iter(of))
    ]
    return Specification(tuple(data), tuple(changed))


def _like(level: Level, known: Level) -> bool:
    """Whether both are words, both yes or no, or both numbers."""
    if isinstance(known, float):
        return isinstance(level, (int, float)) and not isinstance(level, bool)
    return isinstance(level, type(known))


def one_at_a_time(data: Sequence[str] = (ASYMMETRIC,)) -> list[Specification]:
    """The defaults, then each other level of each choice alone.

    Parameters
    ----------
    data : sequence of str
        Names as for `bayes_alliance.load`.

    Returns
    -------
    list of Specification
        The defaults first.
    """
    return [specification(data)] + [
        specification(data, **{name: level})
        for name, levels in choices(data).items()
        for level in list(levels)[1:]
    ]


def random_cross(
    n: int = 64, seed: int = 1, data: Sequence[str] = (ASYMMETRIC,)
) -> list[Specification]:
    """Draw specifications from the full cross of the choices, none of them twice.

    Parameters
    ----------
    n : int
        How many; all of them where there are no more.
    seed : int
        Seed of the draw.
    data : sequence of str
        Names as for `bayes_alliance.load`.

    Returns
    -------
    list of Specification
        In the order of the draw.
    """
    open_ = choices(data)
    size = math.prod(map(len, open_.values()))
    drawn = np.random.default_rng(seed).choice(size, min(n, size), replace=False)
    cross = list(itertools.product(*open_.values()))
    return [specification(data, **dict(zip(open_, cross[i], strict=True))) for i in drawn]


def of_study(data: Sequence[str] = (ASYMMETRIC,), seed: int = 1) -> list[Specification]:
    """Specifications of a study: one choice at a time, then a random cross, none of them twice.

    Parameters
    ----------
    data : sequence of str
        Names as for `bayes_alliance.load`.
    seed : int
        Seed of the cross.

    Returns
    -------
    list of Specification
        The defaults first.
    """
    return list(dict.fromkeys([*one_at_a_time(data), *random_cross(seed=seed, data=data)]))
