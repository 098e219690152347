"""Checks of the tables coded by hand, beyond their schemas."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from bayes_alliance.data.codebook import bibliography
from bayes_alliance.data.schema import TABLES, meta
from bayes_alliance.data.universe_schema import CODING
from bayes_alliance.data.validate import Problem, read_table, refuse

VALUES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("strong", "wartime", "defence"), ("0", "1")),
    **{
        name: tuple(meta(TABLES[table].columns[name])["codes"])
        for table, name in (
            ("episodes", "commitment"),
            ("episodes", "initiative"),
            ("clients", "fear"),
        )
    },
}
"""Values that a judgement of a column can take."""

OF_CLIENTS = ("fear",)
"""Columns that are judged by client."""

PAIRED = {
    "adversaries": ("patron", "adversary"),
    "occupations": ("occupier", "occupied"),
    "stationed": ("holder", "host"),
    "distances": ("client", "adversary"),
    "episodes": ("patron", "clients"),
}
"""Columns of which the second must not name the first."""


def check_coding(coding: dict[str, pd.DataFrame], folder: Path) -> None:
    """Refuse judgements that cannot have the effect that they are meant to have.

    Parameters
    ----------
    coding : dict of str to pandas.DataFrame
        Tables that have each passed `read_table`.
    folder : pathlib.Path
        Their folder; the tables of states, sources and episodes lie in the one above.
    """
    above = folder.parent
    states = set(read_table(above / "states.csv", TABLES["states"])["abbreviation"])
    keys = set(bibliography((above / "sources.bib").read_text(encoding="utf-8")))
    own = set(read_table(above / "episodes.csv", TABLES["episodes"])["episode"])
    for name, table in coding.items():
        file = str(folder / f"{name}.csv")
        refuse(_states(table, name, states, file))
        refuse(_sources(table, keys, file))
        refuse(_others(table, name, file))
        refuse(_spells(table, name, file))
    refuse(_judgements(coding["judgements"], states, str(folder / "judgements.csv")))
    refuse(_members(coding["endings"], states, str(folder / "endings.csv")))
    for line, name in coding["matches"]["episode"].items():
        if name not in own:
            words = "an episode of episodes.csv"
            refuse([Problem(str(folder / "matches.csv"), line, "episode", name, words)])
    for line, name in coding["episodes"]["episode"].items():
        if name in own or name.startswith("atop-"):
            words = "an identifier that no other table has"
            refuse([Problem(str(folder / "episodes.csv"), line, "episode", name, words)])


def _states(table: pd.DataFrame, name: str, states: set[str], file: str) -> Iterator[Problem]:
    """States exist, and none is named twice."""
    for column, spec in CODING[name].columns.items():
        if meta(spec)["kind"] not in ("state", "states"):
            continue
        for line, value in table[column].dropna().items():
            named = value.split("+")
            if not states.issuperset(named) or len(set(named)) < len(named):
                words = "COW state abbreviations listed in states.csv, each once"
                yield Problem(file, line, column, value, words)


def _sources(table: pd.DataFrame, keys: set[str], file: str) -> Iterator[Problem]:
    """Sources are in the bibliography."""
    for line, text in table.get("source", pd.Series(dtype=object)).items():
        if any(not part.split() or part.split()[0] not in keys for part in text.split(";")):
            yield Problem(file, line, "source", text, "keys of sources.bib joined by ;")


def _others(table: pd.DataFrame, name: str, file: str) -> Iterator[Problem]:
    """Nobody is his own adversary, client or occupier."""
    if name not in PAIRED:
        return
    first, second = PAIRED[name]
    for row in table.itertuples():
        inside = {getattr(row, first)}
        if name == "episodes":
            inside.add(row.adversary)
        value = getattr(row, second)
        if inside & set(value.split("+")):
            yield Problem(file, row.Index, second, value, f"other states than the {first}")


def _spells(table: pd.DataFrame, name: str, file: str) -> Iterator[Problem]:
    """Spells end after they begin; those of one key do not overlap."""
    if "first" not in table:
        return
    for line, row in table[table["last"] < table["first"]].iterrows():
        yield Problem(file, line, "last", row["last"], f"a year from {row['first']} on")
    key = [column for column in CODING[name].unique or [] if column != "first"]
    for _, own in table.sort_values("first", kind="stable").groupby(key):
        until = own["last"].shift()
        for line in own.index[own["first"] <= until]:
            words = f"a year after {until[line]:.0f}, in which another spell ends"
            shown = max(line, own.index[list(own.index).index(line) - 1])
            yield Problem(file, shown, "first", own.at[shown, "first"], words)


def _judgements(table: pd.DataFrame, states: set[str], file: str) -> Iterator[Problem]:
    """A judgement has a value of its column, and is of a client where the column is."""
    for row in table.itertuples():
        if (row.client != "*") != (row.column in OF_CLIENTS):
            words = "a client" if row.column in OF_CLIENTS else "*"
            yield Problem(file, row.Index, "client", row.client, f"{words} for {row.column}")
        elif row.client != "*" and row.client not in states:
            words = "a COW state abbreviation listed in states.csv"
            yield Problem(file, row.Index, "client", row.client, words)
        allowed = VALUES.get(row.column)
        if allowed is not None and row.value not in allowed:
            yield Problem(file, row.Index, "value", row.value, "one of " + ", ".join(allowed))
        named = row.value.split("+") if row.column == "adversary" else []
        if named and named != ["none"] and not states.issuperset(named):
            words = "none, or COW state abbreviations of states.csv joined by +"
            yield Problem(file, row.Index, "value", row.value, words)


def _members(table: pd.DataFrame, states: set[str], file: str) -> Iterator[Problem]:
    """Members that left are states."""
    for line, member in table["member"].items():
        if member != "*" and member not in states:
            words = "a COW state abbreviation listed in states.csv, or *"
            yield Problem(file, line, "member", member, words)
