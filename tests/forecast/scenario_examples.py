"""A scenario that tests may spoil, and what they expect of refusals."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Callable
from typing import Any

import pytest

from bayes_alliance.bundled import bundled
from bayes_alliance.errors import InputError, one_line
from bayes_alliance.forecast.scenario import Scenario, parse

JPN = ("clients", "JPN")
FIRST, LAST = 2027, 2035
"""First year and horizon of the example."""


def content(**changes: Any) -> dict[str, Any]:
    """The Quad as a whole file, with fear, a change of threat and their sources."""
    path = bundled("data", "scenarios", "quad-status-quo.toml")
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    for client, fear in zip(table["clients"], ("strong", "some", "some"), strict=True):
        table["clients"][client]["fear"] = fear
    table["threat"] = {"disputes": 4}
    table["sources"] |= {"fear": "Supposed.", "threat.disputes": "Supposed."}
    return table | changes


def change(table: dict[str, Any], key: tuple[str, ...], value: object) -> dict[str, Any]:
    table = copy.deepcopy(table)
    inner = table
    for part in key[:-1]:
        inner = inner[part]
    inner[key[-1]] = value
    return table


def drop(table: dict[str, Any], *key: str) -> dict[str, Any]:
    table = copy.deepcopy(table)
    inner = table
    for part in key[:-1]:
        inner = inner[part]
    del inner[key[-1]]
    return table


def made(**changes: Any) -> Scenario:
    """The example with other keys at the top."""
    return parse(content(**changes), "my.toml")


def refused(call: Callable[[], object]) -> InputError:
    with pytest.raises(InputError) as caught:
        call()
    error = caught.value
    for part in (error.file, error.column, error.expected):
        assert part is None or one_line(str(part))[:60] in str(
            error
        )  # a message has 500 characters
    assert "\n" not in str(error)
    return error


def refused_at(key: str, **changes: Any) -> InputError:
    """The one message about the example with other keys at the top, which names the key."""
    error = refused(lambda: made(**changes))
    assert (error.file, error.column) == ("my.toml", key)
    return error
