"""Priors as data: one TOML table a parameter, with its reason."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymc as pm
import pytensor.tensor as pt

from bayes_alliance.bundled import bundled
from bayes_alliance.errors import InputError
from bayes_alliance.process.scales import HalfNormalTransform

DISTRIBUTIONS = {
    "normal": (pm.Normal, {"mu", "sigma"}),
    "half_normal": (pm.HalfNormal, {"sigma"}),
    "log_normal": (pm.LogNormal, {"mu", "sigma"}),
    "beta": (pm.Beta, {"alpha", "beta"}),
}
CONTAINER = "prior_arguments"
"""Container of the arguments of all priors, so that one compiled model serves every prior."""
_PART = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')"""
DEEP = re.compile(rf"(?<![\w-]){_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{64}}")
"""A key of very many parts, which TOML would take minutes for."""
POSITIVE = {"sigma", "alpha", "beta"}
LARGEST = 1e100
OPTIONS = {
    "lapse": ("a number above 0 and below 1", lambda v: 0 < v < 1),
    "smooth_maximum": ("a number above 0", lambda v: 0 < v <= LARGEST),
    "risk_spread": ("a number of at least 0", lambda v: 0 <= v <= LARGEST),
}
"""What each option must be."""


@dataclass(frozen=True)
class Priors:
    """Priors of one theory, process included.

    Parameters
    ----------
    theory : str
        Name of the theory.
    parameters : dict
        Parameter to ``{"distribution": ..., arguments..., "reason": ...}``.
    options : dict
        Fixed quantities of the theory and the process.
    """

    theory: str
    parameters: dict[str, dict[str, Any]]
    options: dict[str, float]

    def __call__(self, name: str, dims: str | None = None) -> pt.TensorVariable:
        """Add the parameter to the model on the context stack.

        Parameters
        ----------
        name : str
            Name of the parameter.
        dims : str, optional
            Dimension along which it has one value each.

        Returns
        -------
        TensorVariable
            The random variable.
        """
        make, arguments = DISTRIBUTIONS[self.parameters[name]["distribution"]]
        model, places = pm.modelcontext(None), list(self.arguments)
        if CONTAINER not in model.named_vars:
            model.add_coord("prior_argument", places)
            pm.Data(CONTAINER, list(self.arguments.values()), dims="prior_argument")
        values = {k: model[CONTAINER][places.index(f"{name} {k}")] for k in sorted(arguments)}
        if make is pm.HalfNormal:
            values["default_transform"] = HalfNormalTransform()
        return make(name, dims=dims, **values)

    @property
    def arguments(self) -> dict[str, float]:
        """Arguments of all distributions by name: what may change without compiling again."""
        return {
            f"{name} {k}": float(spec[k])
            for name, spec in sorted(self.parameters.items())
            for k in sorted(DISTRIBUTIONS[spec["distribution"]][1])
        }

    @property
    def form(self) -> str:
        """Digest of the rest: which distributions, and the options."""
        kinds = {name: spec["distribution"] for name, spec in self.parameters.items()}
        options = {name: float(value) for name, value in self.options.items()}
        text = json.dumps([self.theory, kinds, options], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def hash(self) -> str:
        """Digest of distributions and options; reasons do not count, and 1 is 1.0."""
        plain = {
            k: {a: b if a == "distribution" else float(b) for a, b in v.items() if a != "reason"}
            for k, v in self.parameters.items()
        }
        options = {name: float(value) for name, value in self.options.items()}
        text = json.dumps([self.theory, plain, options], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def load_priors(theory: str, changes: Mapping[str, Any] | str | Path | None = None) -> Priors:
    """Bundled priors of a theory, with changes.

    Parameters
    ----------
    theory : str
        Name of a theory.
    changes : mapping or path, optional
        ``{"beta_2": {"sigma": 2.0}}`` or a TOML file of the same form; ``options`` is a table
        of its own. Only what is named changes.

    Returns
    -------
    Priors
        Validated priors.

    Raises
    ------
    InputError
        If a parameter, distribution or argument is unknown, missing or out of range.
    """
    merged: dict[str, Any] = {"parameters": {}, "options": {}}
    for name in ("process", theory):
        _merge(merged, name)
    source = "priors"
    if isinstance(changes, (str, Path)):
        source, changes = str(changes), read_toml(changes)
    if not isinstance(changes, Mapping | None):
        raise InputError("changes by parameter, or a TOML file", column="priors", value=changes)
    for name, change in (changes or {}).items():
        _apply(merged, name, change, source)
    for name, spec in merged["parameters"].items():
        _check(name, spec, source)
    return Priors(theory, merged["parameters"], merged["options"])


def _merge(merged: dict[str, Any], name: str) -> None:
    """Add the priors of a file, and before them those of the files that it extends."""
    content = read_toml(_file(name)) if "." in name else _bundled(name)
    for base in content.get("extends", []):
        _merge(merged, base)
    merged["parameters"] |= {k: dict(v) for k, v in content.get("parameters", {}).items()}
    merged["options"] |= content.get("options", {})


@functools.cache
def _bundled(name: str) -> dict[str, Any]:
    """Content of a bundled file, read once; nobody changes it."""
    return read_toml(_file(name))


def _file(name: str) -> Path:
    """File of priors: bundled, or beside the module of a theory of the user's own."""
    if "." not in name:
        return bundled("models", f"{name}.toml")
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise InputError("the dotted name of a module", column="theory", value=name)
    return Path(found.origin).with_suffix(".toml")


LARGEST_FILE = 1_000_000
"""Bytes of a file of priors or of a scenario."""


def read_toml(path: str | Path) -> dict[str, Any]:
    """Content of a TOML file, or one message why not.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.

    Returns
    -------
    dict
        Its tables.

    Raises
    ------
    InputError
        If the file is missing, is not UTF-8 or is not TOML.
    """
    try:
        if Path(path).exists() and not Path(path).is_file():  # a pipe would be waited for
            raise InputError("a TOML file, no folder and no pipe", file=str(path))
        with Path(path).open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise InputError(f"a file of at most {LARGEST_FILE} bytes", file=str(path))
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
        if deep := DEEP.search(text):
            row = text.count("\n", 0, deep.start()) + 1
            raise InputError("keys of at most 64 parts", file=str(path), row=row)
        return tomllib.loads(text)
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"a readable file ({error.strerror})", file=str(path)) from None
    except UnicodeDecodeError:
        raise InputError("text in UTF-8", file=str(path)) from None
    except (ValueError, RecursionError) as error:  # also a number of too many digits, a NUL
        raise InputError(f"TOML ({error})", file=str(path)) from None


def _apply(merged: dict[str, Any], name: str, change: Any, source: str) -> None:
    """Merge one changed parameter or the table of options."""
    if not isinstance(change, Mapping):
        raise InputError("a table of arguments", file=source, column=name, value=change)
    if name == "options":
        for option, value in change.items():
            known = merged["options"]
            if option not in known:
                raise InputError(
                    f"one of {', '.join(known)}", file=source, column=f"options.{option}"
                )
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            words, allowed = OPTIONS[option]
            if not number or not allowed(value):
                raise InputError(words, file=source, column=f"options.{option}", value=value)
            known[option] = value
        return
    if name not in merged["parameters"]:
        known = ", ".join(merged["parameters"])
        raise InputError(f"a parameter among {known}", file=source, column=name)
    old = merged["parameters"][name]
    if change.get("distribution", old["distribution"]) != old["distribution"]:
        old = {}
    merged["parameters"][name] = {**old, **change}


def _check(name: str, spec: Mapping[str, Any], source: str) -> None:
    """Refuse a prior that PyMC could not build."""
    kind = spec.get("distribution")
    if not isinstance(kind, str) or kind not in DISTRIBUTIONS:
        expected = f"one of {', '.join(DISTRIBUTIONS)}"
        raise InputError(expected, file=source, column=f"{name}.distribution", value=kind)
    arguments = DISTRIBUTIONS[kind][1]
    extra = set(spec) - arguments - {"distribution", "reason"}
    if extra:
        expected = f"arguments {', '.join(sorted(arguments))}"
        raise InputError(expected, file=source, column=f"{name}.{min(map(str, extra))}")
    if not isinstance(spec.get("reason", ""), str):
        raise InputError("a text", file=source, column=f"{name}.reason", value=spec["reason"])
    for argument in sorted(arguments):
        value: Any = spec.get(argument)
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not abs(value) <= LARGEST:
            raise InputError("a number", file=source, column=f"{name}.{argument}", value=value)
        if argument in POSITIVE and value <= 0:
            raise InputError(
                "a number above 0", file=source, column=f"{name}.{argument}", value=value
            )
