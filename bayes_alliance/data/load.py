"""Reads the coded tables, checks them, and hands them over as data frames."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayes_alliance.bundled import bundled
from bayes_alliance.data.contradictions import Tables, check_together
from bayes_alliance.data.schema import BUNDLED, TABLES, meta
from bayes_alliance.data.states import elsewhere, outside
from bayes_alliance.data.validate import near, read_table, year_span
from bayes_alliance.data.variants import Coding, choose
from bayes_alliance.errors import InputError

ASYMMETRIC = "asymmetric"
"""Name of the dataset of all asymmetric alliances."""


@dataclass(frozen=True, eq=False)
class Data:
    """Validated tables of one or more theatres.

    Parameters
    ----------
    name : str
        What was loaded, theatres joined by ``+``, or the folder's name.
    episodes, clients, years : pandas.DataFrame
        The coded tables; see ``data/CODEBOOK.md`` for the columns.  ``episodes`` has one column
        more, ``case``: the refused proposal that a fallback came from, else the episode itself.
    codings : pandas.DataFrame
        Source and confidence of the values; may be empty.
    designs : pandas.DataFrame
        Alliance-years with what changes over time; empty but for ``asymmetric``.
    notes : tuple of str
        What a reader should know of the tables, a sentence each: values that are taken for certain
        because no confidence is given, codes that mean another state elsewhere, clients that lie
        outside their theatre.
    """

    name: str
    episodes: pd.DataFrame
    clients: pd.DataFrame
    years: pd.DataFrame
    codings: pd.DataFrame
    designs: pd.DataFrame = field(default_factory=pd.DataFrame)
    notes: tuple[str, ...] = ()

    @property
    def hash(self) -> str:
        """SHA-256 over the normalised tables: the same for any order of rows and any platform."""
        return _digest(self)

    def describe(self) -> pd.DataFrame:
        """Count what the tables hold.

        Returns
        -------
        pandas.DataFrame
            One row a count, one column a theatre, and their total.
        """
        theatres = list(dict.fromkeys(self.episodes["theatre"]))
        columns = {theatre: _counts(self, {theatre}) for theatre in theatres}
        if len(theatres) > 1:
            columns["total"] = _counts(self, set(theatres))
        return pd.DataFrame(columns).rename_axis(index="count")


def load(
    *names: str | PathLike[str],
    frames: bool = True,
    statements: bool = True,
    coding: Coding | Mapping[str, Any] | None = None,
) -> Data:
    """Load validated tables.

    Parameters
    ----------
    *names : str or path
        ``"europe"``, ``"asia"``, both (they are pooled), ``"asymmetric"``, or one folder with
        ``episodes.csv``, ``clients.csv``, ``years.csv`` and ``codings.csv``. Without the last, or
        where it has no row for a value, the value is taken for certain, and ``notes`` says so. A
        `pathlib.Path` is always a folder.
    frames : bool
        False blanks the coded frames, which were coded knowing the outcome.
    statements : bool
        False blanks the coded statements of threat, for the same reason.
    coding : Coding or mapping, optional
        Reading of the contestable rules of ``"asymmetric"``, as `Coding` describes it.

    Returns
    -------
    Data
        The tables.

    Raises
    ------
    InputError
        If there is no such data, or a table cannot be used as it is.
    """
    if not names:
        raise InputError("the name of a theatre or a folder", column="name")
    theatres = [_name(name) for name in names]
    for option, given in (("frames", frames), ("statements", statements)):
        if not isinstance(given, (bool, np.bool_)):
            raise InputError("True or False", column=option, value=given)
    blank = [c for c, keep in (("frame", frames), ("threat_statement", statements)) if not keep]
    if theatres == [ASYMMETRIC]:
        return _asymmetric(Coding.read(coding), tuple(blank))
    if coding is not None:
        words = f"no coding but with {ASYMMETRIC!r}: the other tables are coded as they are"
        raise InputError(words, column="coding", value=coding)
    if all(name in BUNDLED for name in theatres):
        tables, chosen, label = _bundled_tables(), set(theatres), "+".join(dict.fromkeys(theatres))
        return _data(label, tables, chosen, blank)
    folder = _folder(theatres)
    tables = read_folder(folder)
    data = _data(folder.resolve().name, tables, set(tables.episodes["theatre"]), blank)
    return replace(data, notes=(*data.notes, *_notes_on_states(data)))


def _name(given: object) -> str:
    """A theatre's name as text, or a folder's path, which is told from a theatre of that name."""
    if isinstance(given, os.PathLike):
        path = os.fspath(given)
        if isinstance(path, str):
            return path if os.path.isabs(path) else os.path.join(os.curdir, path)
    if not isinstance(given, str) or not given.strip() or "\0" in given:
        many = isinstance(given, (list, tuple, set, frozenset))
        words = "a name or a path" + (", each an argument of its own" if many else ", not empty")
        raise InputError(words, column="name", value=given)
    return given


def _notes_on_states(data: Data) -> list[str]:
    """What the codes of the states mean elsewhere, and who lies outside the theatre."""
    both = data.clients.merge(data.episodes, on="episode")
    codes = [*data.episodes["patron"], *data.episodes["adversary"].dropna(), *both["client"]]
    codes += [code for text in data.years["adversary"].dropna() for code in text.split("+")]
    lying = zip(both["client"], both["theatre"], strict=True)
    return [*elsewhere([*codes, *data.years["patron"]]), *outside(lying)]


def _asymmetric(coding: Coding, blank: tuple[str, ...]) -> Data:
    """Give the asymmetric dataset under one reading."""
    tables, designs = _chosen(coding)
    label = f"{ASYMMETRIC}[{coding.label}]" if coding.label else ASYMMETRIC
    data = _data(label, tables, set(tables.episodes["theatre"]), list(blank))
    return replace(data, designs=designs.copy())


@functools.lru_cache(maxsize=8)
def _chosen(coding: Coding) -> tuple[Tables, pd.DataFrame]:
    return choose(coding)


def _folder(names: list[str]) -> Path:
    """Find the one folder that is asked for, or say what could be."""
    known = (*BUNDLED, ASYMMETRIC)
    for name in names:
        if name not in known and not os.path.isdir(name):
            words = f"{', '.join(map(repr, known))} or an existing folder{near(name, known)}"
            raise InputError(words, file=name, column="name", value=name)
    if len(names) > 1:
        raise InputError(
            f"a folder or {ASYMMETRIC!r} by itself; only europe and asia are pooled",
            column="name",
            value=" ".join(names),
        )
    return Path(names[0])


@functools.cache
def _bundled_tables() -> Tables:
    return read_folder(bundled("data"))


def read_folder(folder: Path) -> Tables:
    """Read and check the tables of a folder.

    Parameters
    ----------
    folder : pathlib.Path
        Folder with the tables.

    Returns
    -------
    Tables
        The tables, indexed by line of their files.
    """
    files = {name: folder / f"{name}.csv" for name in TABLES if name != "states"}
    read = {
        name: read_table(path, TABLES[name], may_be_empty=name == "codings")
        for name, path in files.items()
        if name != "codings" or os.path.lexists(path)
    }
    if "codings" not in read:
        read["codings"] = pd.DataFrame(columns=list(TABLES["codings"].columns), dtype=object)
    tables = Tables(**read, files={name: str(path) for name, path in files.items()})
    check_together(tables)
    return tables


def check_files(paths: Sequence[Path]) -> list[str]:
    """Validate a user's own tables: a folder as a whole, or files each by itself.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        One folder, or files named as in the codebook (``episodes.csv`` and so on).

    Returns
    -------
    list of str
        One sentence a table that passed, and the notes of a folder's data.

    Raises
    ------
    InputError
        At the first table that cannot be used.
    """
    known = {f"{name}.csv": name for name in TABLES}
    out = []
    for path in paths:
        if path.is_dir():
            data = load(path)
            out.append(f"{path}: {len(data.episodes)} episodes, {len(data.clients)} clients")
            out += [f"note: {sentence}" for sentence in data.notes]
            continue
        if path.name not in known:
            raise InputError(f"a folder, or a file named {', '.join(known)}", file=str(path))
        name = known[path.name]
        rows = read_table(path, TABLES[name], may_be_empty=name == "codings")
        out.append(f"{path}: {len(rows)} rows as the schema wants them")
    return out


def _data(label: str, tables: Tables, theatres: set[str], blank: list[str]) -> Data:
    """Choose the theatres and give the columns their final types."""
    episodes = tables.episodes[tables.episodes["theatre"].isin(theatres)].copy()
    for column in blank:
        episodes[column] = pd.Series([None] * len(episodes), index=episodes.index, dtype=object)
    episodes["case"] = episodes["fallback_of"].fillna(episodes["episode"]).astype(object)
    names = set(episodes["episode"])
    codings = tables.codings
    clients = tables.clients[tables.clients["episode"].isin(names)]
    of_client = codings["client"].isin({"*", *clients["client"]})
    about_all = ((codings["episode"] == "*") & of_client) | (codings["table"] == "years")
    data = Data(
        name=label,
        episodes=_final(episodes, "episodes"),
        clients=_final(clients, "clients"),
        years=_final(tables.years[tables.years["theatre"].isin(theatres)], "years"),
        codings=_final(codings[about_all | codings["episode"].isin(names)], "codings"),
    )
    return replace(data, notes=tuple(_certain(data)))


MEASURED = {
    "episodes": ("commitment", "frame", "threat_statement"),
    "clients": ("fear", "disputes"),
}
"""Columns whose confidence the models use, by table."""


def assumed(data: Data) -> dict[str, tuple[int, int]]:
    """Count the values that are taken for certain because no confidence is given.

    Parameters
    ----------
    data : Data
        Loaded tables.

    Returns
    -------
    dict of str to tuple of int
        By column whose confidence the models use: values without a confidence, and values.
    """
    out = {}
    for table, columns in MEASURED.items():
        for column in columns:
            there = getattr(data, table)[column].notna()
            sure = confidence(data, table, column).notna()
            out[column] = int((there & ~sure).sum()), int(there.sum())
    return out


def _certain(data: Data) -> list[str]:
    """Say which values are taken for certain; nothing where every value has its confidence."""
    counts = {column: found for column, found in assumed(data).items() if found[0]}
    if not counts:
        return []
    each = ", ".join(f"{without} of {all_} of {name}" for name, (without, all_) in counts.items())
    total, values = (sum(found[i] for found in assumed(data).values()) for i in (0, 1))
    why = "there is no codings.csv" if data.codings.empty else "codings.csv has none for them"
    return [f"{total} of {values} values are taken for certain (confidence 1), as {why}: {each}"]


def _final(table: pd.DataFrame, name: str) -> pd.DataFrame:
    table = table.reset_index(drop=True).rename_axis(index=None)
    for column, spec in TABLES[name].columns.items():
        info = meta(spec)
        if info.get("ordered"):
            kind = pd.CategoricalDtype(list(info["codes"]), ordered=True)
            table[column] = table[column].astype(kind)
    return table


def confidence(data: Data, table: str, column: str) -> pd.Series:
    """Confidence of each value of a column.

    Parameters
    ----------
    data : Data
        Loaded tables.
    table : str
        ``episodes``, ``clients`` or ``years``.
    column : str
        A column that is not part of the key.

    Returns
    -------
    pandas.Series
        Aligned to the table's rows; missing where the value is empty or nothing covers it.
    """
    rows = getattr(data, table)
    codings = data.codings
    chosen = codings[(codings["table"] == table) & (codings["column"] == column)]
    if chosen.empty:
        return pd.Series(np.nan, index=rows.index, name=column)
    find = _of_year(chosen) if table == "years" else _of_row(chosen)
    values = [
        None if missing else find(row)
        for missing, row in zip(rows[column].isna(), rows.to_dict("records"), strict=True)
    ]
    return pd.Series(values, index=rows.index, dtype="float64", name=column)


Find = Callable[[dict[str, Any]], float | None]


def _of_row(codings: pd.DataFrame) -> Find:
    """Confidence of an episode's or client's value: the exact rows go before those for all."""
    keys = zip(codings["episode"], codings["client"], strict=True)
    known = dict(zip(keys, codings["confidence"], strict=True))

    def find(row: dict[str, Any]) -> float | None:
        client = row.get("client", "*")
        order = [(e, c) for e in (row["episode"], "*") for c in (client, "*")]
        return next((float(known[key]) for key in order if key in known), None)

    return find


def _of_year(codings: pd.DataFrame) -> Find:
    """Confidence of a year's value: the shortest span that covers it."""
    pairs = zip(codings["episode"], codings["confidence"], strict=True)
    spans = [
        (float("inf") if text == "*" else last - first, first, last, float(sure))
        for text, sure in pairs
        for first, last in [(0, 9999) if text == "*" else year_span(text) or (1, 0)]
    ]

    def find(row: dict[str, Any]) -> float | None:
        covering = (s for s in sorted(spans) if s[1] <= row["year"] <= s[2])
        return next((sure for *_, sure in covering), None)

    return find


def _counts(data: Data, theatres: set[str]) -> dict[str, int]:
    episodes = data.episodes[data.episodes["theatre"].isin(theatres)]
    clients = data.clients[data.clients["episode"].isin(episodes["episode"])]
    designs = ~episodes["outcome"].isin(["none", "refused"])
    joined = episodes["accession_to"].notna()
    return {
        "episodes": len(episodes),
        "cases (a proposal with its fallbacks)": episodes["case"].nunique(),
        "new alliances": int((designs & ~joined).sum()),
        "accessions": int(joined.sum()),
        "came to nothing": int((episodes["outcome"] == "none").sum()),
        "refused, with fallbacks": int((episodes["outcome"] == "refused").sum()),
        "designs still in force": int((episodes["ended"] == "in_force").sum()),
        "proposals recorded": int(episodes["proposal"].notna().sum()),
        "frames coded": int(episodes["frame"].notna().sum()),
        "rows of clients": len(clients),
        "distinct clients": clients["client"].nunique(),
        "fear of occupation coded": int(clients["fear"].notna().sum()),
        "years of threat": int(data.years["theatre"].isin(theatres).sum()),
    }


def _cell(value: object) -> str:
    """Write a value so that it depends neither on the platform nor on pandas' version."""
    if value is None or pd.isna(value):
        return ""
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    if isinstance(value, float):
        return f"{value:.12g}"
    return str(value)


def _digest(data: Data) -> str:
    """Hash of the values; of the codings only the confidence, since notes are not data."""
    digest = hashlib.sha256()
    for name in ("episodes", "clients", "years", "codings"):
        columns = [c for c in TABLES[name].columns if c not in ("source", "note")]
        table = getattr(data, name)
        rows = zip(*(map(_cell, table[column]) for column in columns), strict=True)
        for line in [name, *columns, *sorted("\x1f".join(row) for row in rows)]:
            digest.update(line.encode() + b"\x1e")
    return digest.hexdigest()
