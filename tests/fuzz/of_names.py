"""Names and numbers that functions are called with: all but the known ones are refused."""

from __future__ import annotations

import dataclasses
import math
import sys
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from engine import NASTY, NUMBERS, RIGHT, Fault, source, text

import bayes_alliance as ba
from bayes_alliance.data.load import check_files
from bayes_alliance.data.variants import Coding
from bayes_alliance.errors import MOST, InputError, one_line
from bayes_alliance.forecast.scenario import bundled_scenarios, read
from bayes_alliance.names import NAMES

DATASETS = ("europe", "asia", "asymmetric")
CODING = {
    "k": lambda v: not isinstance(v, bool) and isinstance(v, (int, float)) and 1.5 <= v < math.inf,
    "ends": ("design", "treaty"),
    "pairs": ("any", "majority"),
    "wartime": (True, False),
    "strong": ("words", "moderate", "high"),
    "overlay": (True, False),
    "recent": (True, False),
}
LEAST = {"draws": 10, "tune": 10, "chains": 1}


def odd(rng: Random) -> Any:
    """Anything that may stand for a name."""
    near = rng.choice((*NAMES, *DATASETS, "quad-status-quo", "k", "ends", "europe+asia"))
    return rng.choice(
        (
            lambda: text(rng),
            lambda: rng.choice(NASTY),
            lambda: near[:-1],
            lambda: near.upper(),
            lambda: f" {near}",
            lambda: f"{near}\n",
            lambda: rng.choice(NUMBERS),
            lambda: rng.choice(
                (None, True, b"europe", [], {}, ("europe",), object(), 1j, Path("."))
            ),
            lambda: near,
        )
    )()


def no_module(rng: Random) -> Any:
    """Anything but the dotted name of a module, which whoever calls may give."""
    while isinstance(name := odd(rng), str) and "." in name.strip("."):
        pass
    return name


def dataset(rng: Random) -> str:
    """Names of datasets."""
    names = [odd(rng) for _ in range(rng.choice((1, 1, 2)))]
    if names == ["asymmetric"]:
        return RIGHT  # takes seconds
    data = ba.load(*names)
    if any(name not in DATASETS for name in names) or set(data.episodes["theatre"]) != set(names):
        raise Fault(f"accepted {names!r}")
    return RIGHT


def theory(rng: Random) -> str:
    """Names of theories: nothing is imported that was not asked for."""
    name = no_module(rng)
    before = set(sys.modules)
    from bayes_alliance.theories import get

    module = get(name)
    if name not in NAMES or module.__name__ != f"bayes_alliance.theories.{name}":
        raise Fault(f"accepted {name!r}")
    if new := {m for m in set(sys.modules) - before if not m.startswith("bayes_alliance")}:
        raise Fault(f"imported {sorted(new)[:3]}")
    return RIGHT


def scenario(rng: Random) -> str:
    """Names of scenarios."""
    name = odd(rng)
    found = read(name)
    if name not in bundled_scenarios() or found.name != name:
        raise Fault(f"accepted {name!r}")
    return RIGHT


def coding(rng: Random) -> str:
    """Readings of the contestable rules."""
    given: Any = {}
    for _ in range(rng.randrange(4)):
        key = rng.choice((*CODING, odd(rng)))
        allowed = CODING.get(key) if isinstance(key, str) else None
        likely = rng.choice(allowed) if isinstance(allowed, tuple) else 2.5
        if isinstance(key, (list, dict)):  # no key of a mapping
            key = str(key)
        given[key] = rng.choice((likely, likely, odd(rng)))
    if rng.random() < 0.1:
        given = odd(rng)
    found = dataclasses.asdict(Coding.read(given))
    if given is not None and not isinstance(given, dict):
        raise Fault(f"accepted {given!r}")
    for key, value in (given or {}).items():
        allowed = CODING.get(key)
        if allowed is None or not (allowed(value) if callable(allowed) else value in allowed):
            raise Fault(f"accepted {key!r} of {value!r}")
        if found[key] != value:
            raise Fault(f"{key} of {value!r} became {found[key]!r}")
    return RIGHT


def counts(rng: Random) -> str:
    """Counts and seeds of a fit, of which at least one cannot be used."""
    asked: dict[str, Any] = {"draws": 10, "tune": 10, "chains": 1, "seed": 1}
    bad = rng.choice(tuple(asked))
    value = rng.choice(
        (-1, 0, -(2**63), 1.5, float("nan"), "10", None, [], True, b"1", 1j, {}, "x" * 5000)
    )
    if bad == "seed" and value == 0 and not isinstance(value, bool):
        value = -1
    asked[bad] = value
    data = _europe()
    ba.fit("null", data, **asked)
    raise Fault(f"sampled with {bad} of {value!r}")


def arguments(rng: Random) -> str:
    """A fit of something that is none, or of names that are none."""
    name = no_module(rng)
    data: Any = _europe() if rng.random() < 0.5 else odd(rng)
    more = {"sampler": odd(rng)} if rng.random() < 0.3 else {"priors": odd(rng)}
    if name in NAMES and data is _europe():
        more = {"sampler": rng.choice((text(rng) + "?", 3, b"nutpie", ["nutpie"]))}
    ba.fit(name, data, draws=10, tune=10, chains=1, **more)
    raise Fault(f"sampled {name!r} of {data!r} with {more!r}")


def files(rng: Random) -> str:
    """Paths that are no table and no fit."""
    path = text(rng)
    if rng.random() < 0.5:
        check_files([Path(path)])
    else:
        ba.open(path)
    raise Fault(f"accepted {path!r}")


def message(rng: Random) -> str:
    """Messages of anything."""
    parts = [odd(rng) for _ in range(5)]
    error = InputError(str(text(rng)), file=parts[0], row=parts[1], column=parts[2], value=parts[3])
    said = str(error)
    if len(said) > MOST or not said.isprintable():
        raise Fault(f"a message of {parts!r}: {said!r}")
    long, most = text(rng) * rng.choice((1, 10, 1000)), rng.randrange(20, 600)
    short = one_line(long, most)
    if (
        len(short) > most
        or not short.isprintable()
        or (long.isprintable() and len(long) <= most and short != long)
    ):
        raise Fault(f"{long[:80]!r} became {short!r}")
    return RIGHT


_data: dict[str, Any] = {}


def _europe() -> Any:
    """One theatre, loaded once."""
    if "europe" not in _data:
        _data["europe"] = ba.load("europe")
    return _data["europe"]


class Names:
    """Names and numbers given to functions."""

    name, share = "names", 0.18

    def set_up(self, folder: Path) -> None:
        """What is right passes."""
        assert set(_europe().episodes["theatre"]) == {"europe"}
        assert np.isfinite(_europe().clients["distance_km"]).any()

    def attempt(self, seed: int) -> str:
        """Call a function with something."""
        rng = source(self.name, seed)
        kinds = (dataset, theory, scenario, coding, counts, arguments, files, message)
        return rng.choice(kinds)(rng)
