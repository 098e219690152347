"""Scenarios: questions about the future, as data with sources.

A scenario asks: if a patron had to decide on an alliance with these clients against this adversary
in some year from the first to the horizon, which of the seven cells of design would come of it?
The format of the files is described in ``docs/scenarios.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bayes_alliance.bundled import bundled
from bayes_alliance.errors import InputError
from bayes_alliance.forecast.inputs import Beta, Value
from bayes_alliance.forecast.levers import Intervention
from bayes_alliance.forecast.parse import fields
from bayes_alliance.forecast.place import Place, keys, near
from bayes_alliance.process.priors import LARGEST_FILE, read_toml

OWN = ("name", "title", "question")
"""Keys that a file which extends another must have itself."""
MERGED = ("clients", "threat", "path", "sources")
"""Tables that are added to those of the file that is extended; all else is replaced."""
QUO = "-status-quo"
"""How the name of a grouping's status quo ends."""
FIRST_GROUPING = "quad"
"""Grouping that stands first where scenarios are listed."""


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
        Theatre of the clients, as in the tables.
    year : int
        First year in which the decision may come.
    horizon : int
        Last year that the question looks to.
    initiative : str
        ``clients`` or ``patron``: who presses for a common design.
    today : str
        What the grouping is, and stays if no decision comes.
    clients : dict
        State to its indicators, columns of ``clients.csv``; None where nobody knows. Numbers and
        categories may be distributions, here and below.
    from_table : dict
        State to the indicators that come from the table of latest indicators.
    commitment : dict
        ``none``, ``consult`` and ``defend`` to their probabilities: what the clients have
        promised each other.
    certainty : float or None
        How many like cases these probabilities are worth; None where they are known.
    statement : str or Distribution or None
        Stated threat: ``low``, ``moderate`` or ``high``.
    threat : dict
        Columns of ``years.csv`` that change in the first year, and stay.
    path : dict
        Columns of ``years.csv`` to values by year; each holds until the next.
    interventions : tuple of Intervention
        What is changed from some year on.
    share : float or Beta or None
        Chance that a decision of the patron in the theatre is about this grouping.
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
    today: str
    clients: dict[str, dict[str, Value]]
    from_table: dict[str, tuple[str, ...]]
    commitment: dict[str, float]
    certainty: float | None
    statement: Value
    threat: dict[str, Value]
    path: dict[str, dict[int, Value]]
    interventions: tuple[Intervention, ...]
    share: float | Beta | None
    sources: dict[str, str]
    notes: str


def bundled_scenarios() -> list[str]:
    """Names of the scenarios that travel with the package.

    Returns
    -------
    list of str
        By grouping, the Quad first; in each the status quo first, since the others are changes
        of it.
    """

    def order(stem: str) -> tuple[bool, str, bool, str]:
        group = grouping(stem) or stem
        return group != FIRST_GROUPING, group, not stem.endswith(QUO), stem

    return sorted(_stems(), key=order)


def _stems() -> list[str]:
    return [path.stem for path in bundled("data", "scenarios").glob("*.toml")]


def grouping(name: str) -> str | None:
    """Grouping of a scenario, by its name.

    Parameters
    ----------
    name : str
        Name of a scenario.

    Returns
    -------
    str or None
        The longest name that begins it and has a bundled status quo: quad-plus is no part of quad.
    """
    groups = [stem.removesuffix(QUO) for stem in _stems() if stem.endswith(QUO)]
    own = [group for group in groups if name.startswith(f"{group}-")]
    return max(own, key=len, default=None)


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
    if not isinstance(name_or_path, (str, Path)):
        words = "the name of a scenario or of a TOML file"
        raise InputError(words, column="scenario", value=name_or_path)
    path, place = _find(name_or_path, Path())
    return Scenario(**fields(_whole(read_toml(path), place, path.parent, (path,)), place))


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
    place = Place(file)
    return Scenario(**fields(_whole(content, place, Path(), ()), place))


def _find(name_or_path: str | Path, folder: Path, asked: Place | None = None) -> tuple[Path, Place]:
    """Find a bundled scenario by its name, or a file below a folder, and look at its size."""
    path, place = folder / name_or_path, Place(str(name_or_path))
    if str(name_or_path) in bundled_scenarios():
        path = bundled("data", "scenarios", f"{name_or_path}.toml")
        place = Place(str(path))
    _check_file(path, str(name_or_path), asked or place)
    return path, place


def _check_file(path: Path, name: str, place: Place) -> None:
    """Refuse what is not a regular file of a bearable size."""
    try:
        if path.is_dir():
            place.refuse("a TOML file, not a folder", name)
        if not path.is_file():
            known = bundled_scenarios()
            hint = near(path.stem, known)
            place.refuse(
                f"a bundled scenario or an existing TOML file{hint} ({', '.join(known)})", name
            )
        size = path.stat().st_size
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        place.refuse(f"the name of a readable file ({error})", name)
    if size > LARGEST_FILE:
        place.refuse(f"a file of at most {LARGEST_FILE} bytes", f"{size} bytes")


def _whole(content: Any, place: Place, folder: Path, seen: tuple[Path, ...]) -> Any:
    """Content with what it extends, which must be a sound scenario by itself."""
    if not isinstance(content, Mapping) or "extends" not in content:
        return content
    own, name, here = dict(content), content["extends"], place / "extends"
    del own["extends"]
    if not isinstance(name, str) or not name:
        here.refuse("the name of a scenario or of a TOML file", name)
    path, base = _find(name, folder, here)
    if path.resolve() in {p.resolve() for p in seen}:
        here.refuse("another file: these extend each other", name)
    keys({key: own.get(key) for key in OWN if key in own}, OWN, OWN, place)
    below = _whole(read_toml(path), base, path.parent, (*seen, path))
    fields(below, base)
    out = dict(below)
    for key, given in own.items():
        both = key in MERGED and isinstance(given, Mapping) and key in out
        out[key] = _merged(out[key], given, key == "clients") if both else given
    return out


def _merged(base: Mapping[str, Any], own: Mapping[str, Any], deep: bool) -> dict[str, Any]:
    """Add a table to another; the indicators of a client are added to those it has."""
    out = dict(base)
    for key, given in own.items():
        both = deep and isinstance(given, Mapping) and key in out
        out[key] = out[key] | dict(given) if both else given
    return out
