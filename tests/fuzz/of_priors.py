"""Changes to priors, and what they should make of the files in models/ by tomllib alone."""

from __future__ import annotations

import copy
import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

from engine import NUMBERS, RIGHT, Fault, source, spoilt_bytes, text

from bayes_alliance.bundled import bundled
from bayes_alliance.names import NAMES
from bayes_alliance.process.priors import Priors, load_priors

ARGUMENTS = {
    "normal": {"mu", "sigma"},
    "half_normal": {"sigma"},
    "log_normal": {"mu", "sigma"},
    "beta": {"alpha", "beta"},
}
OPTIONS = {
    "lapse": lambda v: 0 < v < 1,
    "smooth_maximum": lambda v: v > 0,
    "risk_spread": lambda v: v >= 0,
}


def bundled_priors(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters and options of a theory: of the process, then its own, what it extends first."""
    parameters: dict[str, Any] = {}
    options: dict[str, Any] = {}

    def add(one: str) -> None:
        content = tomllib.loads(bundled("models", f"{one}.toml").read_text(encoding="utf-8"))
        for base in content.get("extends", []):
            add(base)
        parameters.update(copy.deepcopy(content.get("parameters", {})))
        options.update(content.get("options", {}))

    add("process")
    add(name)
    return parameters, options


def is_number(value: object) -> bool:
    """A finite number of a bearable size."""
    right = isinstance(value, (int, float)) and not isinstance(value, bool)
    return right and math.isfinite(value) and abs(value) <= 1e100


def wanted(name: str, changes: Any) -> tuple[dict[str, Any], dict[str, Any]] | str:
    """What changes should make of the priors of a theory, or why they cannot."""
    parameters, options = bundled_priors(name)
    if not isinstance(changes, Mapping):
        return "no mapping"
    for key, change in changes.items():
        if not isinstance(change, Mapping):
            return "a change that is no table"
        if key == "options":
            for option, value in change.items():
                if option not in options or not is_number(value) or not OPTIONS[option](value):
                    return f"options.{option} of {value!r}"
                options[option] = value
            continue
        if key not in parameters:
            return f"{key!r} is no parameter"
        old = parameters[key]
        kind = change.get("distribution", old["distribution"])
        made = ({} if kind != old["distribution"] else old) | dict(change)
        if not isinstance(kind, str) or kind not in ARGUMENTS:
            return f"{kind!r} is no distribution"
        given = set(made) - {"distribution", "reason"}
        if given != ARGUMENTS[kind]:
            return f"arguments {given} of {kind}"
        for argument in given:
            if not is_number(made[argument]) or (argument != "mu" and made[argument] <= 0):
                return f"{argument} of {made[argument]!r}"
        parameters[key] = made
    return parameters, options


def same(found: Priors, expected: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Compare priors with what they should be."""
    parameters, options = expected
    if found.options != options or list(found.parameters) != list(parameters):
        raise Fault("other options or parameters than asked for")
    for name, spec in parameters.items():
        for argument in (*ARGUMENTS[spec["distribution"]], "distribution"):
            if found.parameters[name][argument] != spec[argument]:
                raise Fault(f"{name}.{argument} is not {spec[argument]!r}")


class PriorChanges:
    """Changes to the priors of each theory, as mappings and as files."""

    name, share = "priors", 0.2

    def set_up(self, folder: Path) -> None:
        """Without a change the priors are those of the files."""
        self.file = folder / "priors.toml"
        for name in NAMES:
            same(load_priors(name), bundled_priors(name))

    def attempt(self, seed: int) -> str:
        """Make changes, right ones and others."""
        rng = source(self.name, seed)
        theory = rng.choice(NAMES)
        changes = some_changes(rng, *bundled_priors(theory))
        if rng.random() < 0.4:
            self.file.unlink(missing_ok=True)
            written = as_toml(changes).encode("utf-8", "surrogatepass")
            if rng.random() < 0.3:
                written = spoilt_bytes(rng, written)
            self.file.write_bytes(written)
            found = load_priors(theory, self.file)
            try:
                changes = tomllib.loads(written.decode("utf-8-sig"))
            except ValueError:
                raise Fault("accepted a file that is no TOML") from None
        else:
            found = load_priors(theory, changes)
        expected = wanted(theory, changes)
        if isinstance(expected, str):
            if not changes and changes is not False:  # nothing to change
                return RIGHT
            raise Fault(f"accepted: {expected}")
        same(found, expected)
        if not all(math.isfinite(v) for v in found.arguments.values()) or len(found.hash) != 64:
            raise Fault("arguments that are not finite")
        return RIGHT


def some_changes(rng: Random, parameters: dict[str, Any], options: dict[str, Any]) -> Any:
    """Changes of a few parameters and options; about half of them are right."""
    out: dict[Any, Any] = {}
    odd = rng.random() < 0.6
    for _ in range(rng.choice((0, 1, 1, 1, 2, 5))):
        name = rng.choice(list(parameters))
        kind = parameters[name]["distribution"]
        change: dict[str, Any] = {}
        if rng.random() < 0.3:
            kind = rng.choice(list(ARGUMENTS))
            change["distribution"] = kind
        for argument in ARGUMENTS[kind]:
            if rng.random() < 0.7 or "distribution" in change:
                change[argument] = rng.choice((0.1, 1, 2.5, 1e-3, 50))
        if rng.random() < 0.2:
            change["reason"] = text(rng)
        out[name] = change
    if rng.random() < 0.3:
        option = rng.choice(list(options))
        out["options"] = {option: rng.choice((0.01, 0.5, 0.99, 2))}
    if not odd:
        return out
    spoil = rng.randrange(7)
    if spoil == 0:
        out[text(rng)] = rng.choice(({}, {"sigma": 1}, 3, None))
    elif spoil == 1 and out:
        out[rng.choice(list(out))] = rng.choice((*NUMBERS, None, "x", [], True))
    elif spoil == 2 and out:
        name = rng.choice(list(out))
        out[name][rng.choice(("mu", "sigma", "alpha", "beta", "nu", text(rng)))] = rng.choice(
            NUMBERS
        )
    elif spoil == 3 and out:
        out[rng.choice(list(out))]["distribution"] = rng.choice(
            (text(rng), "cauchy", 3, None, ["normal"])
        )
    elif spoil == 4 and out:
        out[rng.choice(list(out))]["sigma"] = rng.choice(
            (True, "1", None, [1], {}, 0, -1, 1e101, 1 + 0j)
        )
    elif spoil == 5:
        out["options"] = rng.choice(
            ({text(rng): 1}, {"lapse": rng.choice(NUMBERS)}, 3, {"lapse": "x"})
        )
    else:
        return rng.choice(
            (None, {}, [], 3, "priors.toml", text(rng).replace("/", "-"), [("a", 1)], out)
        )
    return out


def as_toml(value: Any) -> str:
    """A mapping of mappings as a file; what TOML has no word for becomes a text."""

    def one(v: Any) -> str:
        if isinstance(v, bool):
            return str(v).lower()
        if isinstance(v, float):
            return repr(v)
        if isinstance(v, int):
            try:
                return str(v)
            except ValueError:
                return "9" * 5000
        if isinstance(v, Mapping):
            return "{" + ", ".join(f"{quoted(str(k))} = {one(x)}" for k, x in v.items()) + "}"
        return quoted(str(v))

    def quoted(words: str) -> str:
        plain = words.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{plain}"'

    if not isinstance(value, Mapping):
        return str(value)
    return "".join(f"{quoted(str(k))} = {one(v)}\n" for k, v in value.items())
