"""Scenarios: questions about the future, as data with sources.

A scenario asks: if a patron had to decide on an alliance with these clients against this
adversary in a given year, which of the seven cells of design would come of it?  It does not ask
how likely it is that the question arises at all: a hazard of formation comes in a later version,
and until then the horizon is only reported.
"""

from __future__ import annotations

import difflib
import functools
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd
from pandera.pandas import Column

from bayes_alliance.bundled import bundled
from bayes_alliance.data.load import Data
from bayes_alliance.data.schema import OBSERVED_UNTIL, TABLES, expected, meta
from bayes_alliance.data.validate import read_table
from bayes_alliance.errors import InputError
from bayes_alliance.process.cells import COMMITMENTS
from bayes_alliance.process.containers import MEMORY, era
from bayes_alliance.process.priors import read_toml

FIRST_YEAR = date.fromisoformat(OBSERVED_UNTIL).year + 1
LAST_YEAR = 2200
"""Beyond it a date could no longer be held in the tables."""
LARGEST_FILE = 1_000_000  # bytes
TOLERANCE = 1e-6
"""How far probabilities may be from summing to 1: they are typed with few digits."""

_EPISODE = TABLES["episodes"].columns
_CLIENT = {k: v for k, v in TABLES["clients"].columns.items() if k not in ("episode", "client")}
_REQUIRED = ["capability_ratio", "distance_km", "land_access", "occupied", "disputes"]
_THREAT = {k: v for k, v in TABLES["years"].columns.items() if not meta(v)["key"]}
_THREAT.pop("adversary")
_RATIOS = ("power_ratio", "forces_ratio")

_OPTIONAL = ("statement", "threat", "notes")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Scenario:
    """A decision that might have to be made; `read` and `parse` make and check it.

    Parameters
    ----------
    name : str
        Lower-case words joined by hyphens.
    title, question : str
        For tables, figures and readers.
    patron : str
        State that decides.
    adversary : str
        One or several states joined by ``+``.
    theatre : str
        ``europe`` or ``asia``.
    year : int
        Year of the decision.
    horizon : int
        Last year the question looks to; reported, not modelled.
    initiative : str
        ``clients`` or ``patron``: who presses for a common design.
    clients : dict
        State to its indicators, columns of ``clients.csv``; None where not given.
    commitment : dict
        ``none``, ``consult`` and ``defend`` to their probabilities: what the clients have
        promised each other.
    statement : str or None
        Stated threat: ``low``, ``moderate`` or ``high``.
    threat : dict
        Columns of ``years.csv`` that change in the year of the decision.
    sources : dict
        Where each group of values comes from.
    notes : str
        Whatever else a reader should know.
    """

    name: str
    title: str
    question: str
    patron: str
    adversary: str
    theatre: str
    year: int
    horizon: int
    initiative: str
    clients: dict[str, dict[str, Any]]
    commitment: dict[str, float]
    statement: str | None
    threat: dict[str, float]
    sources: dict[str, str]
    notes: str


@dataclass(frozen=True)
class _Place:
    """A key of a file, to say where something is wrong."""

    file: str
    key: str | None = None

    def __truediv__(self, name: str) -> _Place:
        name = name if len(name) <= 60 else name[:57] + "..."  # a message stays readable
        return _Place(self.file, name if self.key is None else f"{self.key}.{name}")

    def refuse(self, words: str, value: object = None) -> NoReturn:
        raise InputError(words, file=self.file, column=self.key, value=_showable(value))


def _showable(value: object) -> object:
    """Replace a value that cannot be written out (an integer of thousands of digits, say)."""
    try:
        repr(value)
    except (ValueError, RecursionError):
        return f"{type(value).__name__} too large to show"
    return value


def _near(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return f"; did you mean {near[0]!r}?" if near else ""


@functools.cache
def _states() -> dict[str, str]:
    """Name of each state by its abbreviation."""
    table = read_table(bundled("data", "states.csv"), TABLES["states"])
    return dict(zip(table["abbreviation"], table["name"], strict=True))


def bundled_scenarios() -> list[str]:
    """Names of the scenarios that travel with the package.

    Returns
    -------
    list of str
        The status quo first, since the others are changes of it.
    """
    stems = [path.stem for path in bundled("data", "scenarios").glob("*.toml")]
    return sorted(stems, key=lambda stem: ("status-quo" not in stem, stem))


def read(name_or_path: str | Path) -> Scenario:
    """Read and check a scenario.

    Parameters
    ----------
    name_or_path : str or pathlib.Path
        One of `bundled_scenarios`, or a TOML file of the same form.

    Returns
    -------
    Scenario
        The scenario.

    Raises
    ------
    InputError
        If there is no such scenario, or it cannot be used as it is.
    """
    path, place = Path(name_or_path), _Place(str(name_or_path))
    if str(name_or_path) in bundled_scenarios():
        path = bundled("data", "scenarios", f"{name_or_path}.toml")
        place = _Place(str(path))
    _check_file(path, place)
    try:
        content = read_toml(path)
    except InputError:
        raise
    except (ValueError, RecursionError) as error:  # numbers too long, nesting too deep
        place.refuse(f"TOML ({error})")
    return parse(content, place.file)


def _check_file(path: Path, place: _Place) -> None:
    """Refuse what is not a regular file of a bearable size."""
    try:
        if path.is_dir():
            place.refuse("a TOML file, not a folder", place.file)
        if not path.is_file():
            known = bundled_scenarios()
            hint = _near(path.stem, known)
            place.refuse(f"one of {', '.join(known)}, or an existing TOML file{hint}", place.file)
        size = path.stat().st_size
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        place.refuse(f"the name of a readable file ({error})", place.file)
    if size > LARGEST_FILE:
        place.refuse(f"a file of at most {LARGEST_FILE} bytes", f"{size} bytes")


def parse(content: Mapping[str, Any], file: str = "scenario") -> Scenario:
    """Check a scenario that was read from TOML, or written as a mapping of the same form.

    Parameters
    ----------
    content : mapping
        The tables and keys of the file.
    file : str
        What to call it in errors.

    Returns
    -------
    Scenario
        The scenario.

    Raises
    ------
    InputError
        If a key is missing or unknown, or a value cannot be used.
    """
    top = _Place(file)
    table = _table(content, top)
    keys = list(Scenario.__dataclass_fields__)
    _keys(table, keys, [key for key in keys if key not in _OPTIONAL], top)
    patron = _state(table["patron"], top / "patron")
    adversary = _adversary(table["adversary"], patron, top / "adversary")
    year = _year(table["year"], FIRST_YEAR, top / "year")
    clients = _clients(table["clients"], {patron: "patron"} | adversary, top / "clients")
    threat = _threat(table.get("threat", {}), top / "threat")
    return Scenario(
        name=_slug(table["name"], top / "name"),
        title=_line(table["title"], top / "title"),
        question=_line(table["question"], top / "question"),
        patron=patron,
        adversary="+".join(adversary),
        theatre=_cell(table["theatre"], _EPISODE["theatre"], top / "theatre"),
        year=year,
        horizon=_horizon(table["horizon"], year, top / "horizon"),
        initiative=_cell(table["initiative"], _EPISODE["initiative"], top / "initiative"),
        clients=clients,
        commitment=_commitment(table["commitment"], top / "commitment"),
        statement=_optional(table, "statement", _EPISODE["threat_statement"], top),
        threat=threat,
        sources=_sources(table["sources"], _needed(clients, threat), top / "sources"),
        notes=_text(table["notes"], top / "notes").strip() if "notes" in table else "",
    )


def _table(value: object, place: _Place) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        place.refuse("a table", value)
    return dict(value)


def _keys(
    table: Mapping[str, Any], known: Iterable[str], required: Iterable[str], place: _Place
) -> None:
    """Refuse the first unknown key, else the first missing one."""
    known = list(known)
    for key in table:
        if key not in known:
            absent = [name for name in known if name not in table]
            hint = _near(str(key), absent or known)
            (place / str(key)).refuse(f"one of the keys {', '.join(known)}{hint}", table[key])
    for key in required:
        if key not in table:
            (place / key).refuse(f"a key {key!r}")


def _text(value: object, place: _Place) -> str:
    if not isinstance(value, str) or not value.strip() or _CONTROL.search(value):
        place.refuse("a text, not empty", value)
    return value


def _line(value: object, place: _Place) -> str:
    if not isinstance(value, str) or "\n" in _text(value, place):
        place.refuse("a text on one line, not empty", value)
    return value.strip()


def _slug(value: object, place: _Place) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", value):
        place.refuse("lower-case words joined by hyphens", value)
    return value


def _cell(value: Any, column: Column, place: _Place) -> Any:
    """Check a value against a column of the coded tables; numbers take the column's type."""
    info, words = meta(column), expected(column).removesuffix(", or empty")
    if info["kind"] == "category":
        if not isinstance(value, str) or value not in info["codes"]:
            hint = _near(value, info["codes"]) if isinstance(value, str) else ""
            place.refuse(words + hint, value)
        return value
    whole = info["kind"] == "integer"
    bounds = column.checks[0].statistics
    right_type = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
    # not a number and infinities fail the comparison, which also holds for huge integers
    if not right_type or not bounds["min_value"] <= value <= bounds["max_value"]:
        place.refuse(words, value)
    return int(value) if whole else float(value)


def _optional(table: Mapping[str, Any], key: str, column: Column, place: _Place) -> Any:
    return _cell(table[key], column, place / key) if key in table else None


def _state(value: object, place: _Place) -> str:
    states = _states()
    if isinstance(value, str) and value in states:
        return value
    hint = ""
    if isinstance(value, str):
        named = [state for state, name in states.items() if name.lower() == value.lower()]
        near = _near(value.upper(), states, 0.5)
        hint = f"; did you mean {named[0]!r}?" if named else near
    place.refuse(f"a COW state abbreviation listed in states.csv{hint}", value)


def _adversary(value: object, patron: str, place: _Place) -> dict[str, str]:
    """Check the adversaries; each is a key, so that a client can be compared with them."""
    if not isinstance(value, str):
        place.refuse("one or several COW state abbreviations joined by +", value)
    states = [_state(part, place) for part in value.split("+")]
    if len(set(states)) < len(states):
        place.refuse("each adversary once", value)
    if patron in states:
        place.refuse(f"another state than the patron {patron}", value)
    return dict.fromkeys(states, "adversary")


def _year(value: Any, first: int, place: _Place) -> int:
    right_type = isinstance(value, int) and not isinstance(value, bool)
    if not right_type or not first <= value <= LAST_YEAR:
        place.refuse(f"a year from {first} to {LAST_YEAR}", value)
    return value


def _horizon(value: Any, year: int, place: _Place) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value < year:
        place.refuse(
            f"a year from {year}, the year of the decision, on: not a horizon in the past", value
        )
    return _year(value, year, place)


def _clients(value: object, taken: Mapping[str, str], place: _Place) -> dict[str, dict[str, Any]]:
    """Check the clients and their indicators."""
    table = _table(value, place)
    if not table:
        place.refuse("at least one client", {})
    out = {}
    for name, indicators in table.items():
        here = place / str(name)
        state = _state(name, here)
        if state in taken:
            here.refuse(f"another state than the {taken[state]}", name)
        row = _table(indicators, here)
        _keys(row, _CLIENT, _REQUIRED, here)
        out[state] = {key: _optional(row, key, column, here) for key, column in _CLIENT.items()}
    return out


def _commitment(value: Any, place: _Place) -> dict[str, float]:
    """One level, which is then certain, or a probability for each."""
    levels = ", ".join(COMMITMENTS)
    if isinstance(value, str) and value in COMMITMENTS:
        return {level: float(level == value) for level in COMMITMENTS}
    if not isinstance(value, Mapping):
        hint = _near(value, COMMITMENTS) if isinstance(value, str) else ""
        place.refuse(f"one of {levels}{hint}, or a table of their probabilities", value)
    _keys(value, COMMITMENTS, COMMITMENTS, place)
    for level in COMMITMENTS:
        p = value[level]
        right_type = isinstance(p, (int, float)) and not isinstance(p, bool)
        if not right_type or not 0 <= p <= 1:
            (place / level).refuse("a probability between 0 and 1", p)
    total = math.fsum(value.values())
    if abs(total - 1) > TOLERANCE:
        place.refuse(f"probabilities of {levels} that sum to 1, not {total:.6g}", dict(value))
    return {level: value[level] / total for level in COMMITMENTS}


def _threat(value: object, place: _Place) -> dict[str, float]:
    table = _table(value, place)
    _keys(table, _THREAT, [], place)
    for key in _RATIOS:
        # the models take logarithms
        if key in table and table[key] == 0:
            (place / key).refuse("a number above 0", table[key])
    return {key: _cell(table[key], _THREAT[key], place / key) for key in table}


def _needed(clients: Mapping[str, Mapping[str, Any]], threat: Iterable[str]) -> list[str]:
    """Values that must have a source: indicators of any client, commitment, changes of threat."""
    given = [key for key in _CLIENT if any(row[key] is not None for row in clients.values())]
    return [*given, "commitment", *(f"threat.{key}" for key in threat)]


def _sources(value: object, needed: list[str], place: _Place) -> dict[str, str]:
    """Check the sources; ``threat.disputes`` may be a dotted or a quoted key, or a table."""
    flat: dict[str, Any] = {}
    for key, text in _table(value, place).items():
        inner = text if key == "threat" and isinstance(text, Mapping) else None
        flat |= {key: text} if inner is None else {f"threat.{k}": v for k, v in inner.items()}
    extra = ["initiative", "statement", *(f"threat.{key}" for key in _THREAT)]
    _keys(flat, dict.fromkeys([*_CLIENT, "commitment", *extra]), [], place)
    for key in needed:
        if key not in flat:
            (place / key).refuse(f"a line in [sources] that says where {key} comes from")
    return {key: _text(text, place / key).strip() for key, text in flat.items()}


def scenario_data(scenario: Scenario, base: Data) -> Data:
    """Tables with the scenario as their only episode.

    Parameters
    ----------
    scenario : Scenario
        What is supposed.
    base : Data
        Loaded tables, whose panel of threat is carried on to the year of the decision.

    Returns
    -------
    Data
        One episode without outcome, its clients, and the years of its patron and theatre.

    Raises
    ------
    InputError
        If the data have no panel for that patron and theatre, or it reaches beyond the decision.
    """
    episode = {
        "episode": scenario.name,
        "case": scenario.name,
        "name": scenario.title,
        "theatre": scenario.theatre,
        "patron": scenario.patron,
        "adversary": scenario.adversary,
        "date": pd.Timestamp(scenario.year, 1, 1),
        "initiative": scenario.initiative,
        "threat_statement": scenario.statement,
    }
    clients = [
        {"episode": scenario.name, "client": state, **row}
        for state, row in scenario.clients.items()
    ]
    return Data(
        name=scenario.name,
        episodes=_rows([episode], base.episodes),
        clients=_rows(clients, base.clients),
        years=_years(scenario, base),
        codings=base.codings.iloc[:0].copy(),
    )


def _rows(rows: list[dict[str, Any]], like: pd.DataFrame) -> pd.DataFrame:
    """Frame with the columns and types of another."""
    columns = {name: pd.Series([row.get(name) for row in rows], dtype=object) for name in like}
    return pd.DataFrame(columns).astype(like.dtypes.to_dict())


def _panel(scenario: Scenario, base: Data) -> pd.DataFrame:
    """Years of the scenario's patron and theatre, in order."""
    years = base.years
    own = (years["patron"] == scenario.patron) & (years["theatre"] == scenario.theatre)
    return years[own].sort_values("year", ignore_index=True)


def _years(scenario: Scenario, base: Data) -> pd.DataFrame:
    """Panel with its last values carried on, and the changes in the year of the decision."""
    panel = _panel(scenario, base)
    if panel.empty:
        pairs = base.years[["patron", "theatre"]].drop_duplicates().itertuples(index=False)
        known = ", ".join(f"{patron} in {theatre}" for patron, theatre in pairs)
        raise InputError(
            f"a patron and theatre that the data {base.name!r} have years of: {known}",
            file="years.csv",
            column="patron, theatre",
            value=f"{scenario.patron} in {scenario.theatre}",
        )
    last = int(panel["year"].iloc[-1])
    if last >= scenario.year:
        raise InputError(
            f"a year after {last}, the last of the data {base.name!r}",
            file=scenario.name,
            column="year",
            value=scenario.year,
        )
    carried = panel.iloc[-1].to_dict()
    rows = [{**carried, "year": year} for year in range(last + 1, scenario.year + 1)]
    rows[-1] |= {"adversary": scenario.adversary, **scenario.threat}
    return pd.concat([panel, _rows(rows, panel)], ignore_index=True)


def warnings(scenario: Scenario, data: Data) -> list[str]:
    """Say in what the scenario goes beyond the data that the models were fitted to.

    Parameters
    ----------
    scenario : Scenario
        What is supposed.
    data : Data
        Tables of the fits.

    Returns
    -------
    list of str
        One sentence each; empty if the scenario lies within the data.
    """
    return [
        *_unseen(scenario, data),
        *_clients_beyond(scenario, data),
        *_threat_beyond(scenario, data),
    ]


def _unseen(scenario: Scenario, data: Data) -> Iterator[str]:
    """Levels of the hierarchy without a case, and a group larger than any."""
    episodes = data.episodes
    now = era(pd.Timestamp(scenario.year, 1, 1))
    levels = {
        "theatre": (scenario.theatre, set(episodes["theatre"])),
        "patron": (scenario.patron, set(episodes["patron"])),
        "era": (now, set(episodes["date"].map(era))),
    }
    for factor, (level, known) in levels.items():
        if level not in known:
            yield (
                f"No case in the data has the {factor} {level!r}: they say nothing of its effect, "
                "which comes from the priors and from how far the others differ."
            )
    most = int(data.clients.groupby("episode").size().max())
    if len(scenario.clients) > most:
        yield f"{len(scenario.clients)} clients are more than in any case of the data ({most})."


def _clients_beyond(scenario: Scenario, data: Data) -> Iterator[str]:
    for client, row in scenario.clients.items():
        for key, value in row.items():
            if meta(_CLIENT[key])["kind"] in ("number", "integer") and value is not None:
                of = "the clients in the data"
                yield from _beyond(f"{key} of {client}", value, data.clients[key], of)


def _threat_beyond(scenario: Scenario, data: Data) -> Iterator[str]:
    """Yield what lies outside the panel, and how far the panel speaks of the scenario at all."""
    panel = _panel(scenario, data)
    where = f"{scenario.patron} in {scenario.theatre}"
    if panel.empty:
        yield f"The data have no years of {where}."
        return
    last = panel.iloc[-1]
    for key, value in scenario.threat.items():
        yield from _beyond(f"{key} of the threat", value, panel[key], f"the years of {where}")
    if set(last["adversary"].split("+")) != set(scenario.adversary.split("+")):
        yield (
            f"The last years of {where} measure the threat from {last['adversary']}, not from "
            f"{scenario.adversary}: what [threat] does not change is theirs."
        )
    if scenario.year - last["year"] > MEMORY:
        yield (
            f"The years of {where} end in {last['year']}: the {MEMORY} years before the decision "
            "only repeat their last values."
        )


def _beyond(what: str, value: float, known: pd.Series, of: str) -> Iterator[str]:
    low, high = known.min(), known.max()
    # nothing is beyond a column without values: the comparisons with NaN fail
    if value < low or value > high:
        yield f"{what} is {value:g}: outside {low:g} to {high:g}, the range of {of}."
