"""What is asked of a sampler, checked before any work begins."""

from __future__ import annotations

import importlib.util
import math
import numbers
import operator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from bayes_alliance.errors import InputError

if TYPE_CHECKING:
    import pymc as pm

SAMPLERS = ("nutpie", "pymc", "numpyro")
LEAST = {"draws": 10, "tune": 10, "chains": 1, "seed": 0}
MOST = 2**32 - 1
"""Largest seed that every generator here takes, and as good as any limit to the rest."""
COPIES = 3
"""How often draws and what is computed of them lie in memory at once; measured."""


def settings(draws: Any, tune: Any, chains: Any, seed: Any) -> dict[str, int]:
    """Numbers that a sampler takes, as plain integers.

    Parameters
    ----------
    draws, tune, chains, seed : int
        As in `bayes_alliance.fit`; whole numbers of NumPy's too.

    Returns
    -------
    dict of str to int
        By name.

    Raises
    ------
    InputError
        If one is out of range or no whole number.
    """
    asked = {"draws": draws, "tune": tune, "chains": chains, "seed": seed}
    return {name: whole(value, name, LEAST[name]) for name, value in asked.items()}


def whole(value: Any, name: str, least: int, most: int = MOST) -> int:
    """A whole number within limits, as a plain integer.

    Parameters
    ----------
    value : int
        The number.
    name : str
        What it is of.
    least, most : int
        Limits.

    Returns
    -------
    int
        The number.

    Raises
    ------
    InputError
        If it is another, or none.
    """
    fits = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not fits or not least <= operator.index(value) <= most:
        words = f"a whole number of at least {least} and at most {most}"
        raise InputError(words, column=name, value=repr(value) if value is None else value)
    return operator.index(value)


def sampler_of(name: Any) -> str:
    """Name of a sampler that is there.

    Parameters
    ----------
    name : str or None
        One of `SAMPLERS`; nutpie if None.

    Returns
    -------
    str
        The name.

    Raises
    ------
    InputError
        If there is no such sampler, or it is not installed.
    """
    if name is None:
        return SAMPLERS[0]
    known = isinstance(name, str) and name in SAMPLERS
    if not known or importlib.util.find_spec(name) is None:
        more = " (numpyro is not installed)" if known else ""
        raise InputError(f"one of {', '.join(SAMPLERS)}{more}", column="sampler", value=name)
    return name


def check_room(model: pm.Model, draws: int, tune: int, chains: int) -> None:
    """Refuse draws that memory has no room for.

    Parameters
    ----------
    model : pymc.Model
        The model.
    draws, tune, chains : int
        As in `bayes_alliance.fit`.

    Raises
    ------
    InputError
        With an estimate of what is needed, and what there is.
    """
    length = {str(d): len(labels or ()) for d, labels in model.coords.items()}

    def size(variables: list[Any]) -> int:
        dims = (model.named_vars_to_dims.get(v.name, ()) for v in variables)
        return sum(math.prod(length.get(str(d), 1) for d in of) for of in dims)

    free = size(model.free_RVs)
    # what is drawn, its prior density, what follows from it, and the densities of each case
    by_draw = 2 * free + size(model.deterministics) + 10 * length.get("case", 1)
    needed = 8 * chains * COPIES * (draws * by_draw + tune * free)
    if needed > (there := available()):
        words = (
            f"fewer draws, or chains: {draws} draws after {tune} of {chains} chains need about "
            f"{needed / 2**30:.3g} GiB of memory, and {there / 2**30:.3g} GiB are free"
        )
        raise InputError(words, column="draws", value=draws)


def available() -> int:
    """Bytes of memory that this process may still take.

    Returns
    -------
    int
        What the machine has free, or less where a container allows less.
    """
    free = [psutil.virtual_memory().available]
    for most, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            texts = [Path("/sys/fs/cgroup", name).read_text() for name in (most, used)]
            free.append(int(texts[0]) - int(texts[1]))
        except (OSError, ValueError):  # no such control group, or one without a limit
            continue
    return max(0, min(free))
