"""Reads the coded tables, checks them, and hands them over as data frames."""

from __future__ import annotations

import difflib
import functools
import hashlib
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import pandas as pd

from bayes_alliance.bundled import bundled
from bayes_alliance.data.schema import TABLES, THEATRES, meta
from bayes_alliance.data.validate import Tables, check_together, read_table, year_span
from bayes_alliance.errors import InputError


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
    """

    name: str
    episodes: pd.DataFrame
    clients: pd.DataFrame
    years: pd.DataFrame
    codings: pd.DataFrame

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


def load(*names: str | PathLike[str], frames: bool = True, statements: bool = True) -> Data:
    """Load validated tables.

    Parameters
    ----------
    *names : str or path
        ``"europe"``, ``"asia"``, both (they are pooled), or one folder with
        ``episodes.csv``, ``clients.csv``, ``years.csv`` and, if wanted, ``codings.csv``.
    frames : bool
        False blanks the coded frames, which were coded knowing the outcome.
    statements : bool
        False blanks the coded statements of threat, for the same reason.

    Returns
    -------
    Data
        The tables.

    Raises
    ------
    InputError
        If there is no such data, or a table cannot be used as it is.
    """
    theatres = [str(name) for name in names]
    if not names:
        raise InputError("the name of a theatre or a folder", column="name")
    if all(name in THEATRES for name in theatres):
        tables, chosen, label = _bundled_tables(), set(theatres), "+".join(dict.fromkeys(theatres))
    else:
        folder = _folder(theatres)
        tables = read_folder(folder)
        chosen, label = set(tables.episodes["theatre"]), folder.resolve().name
    blank = [c for c, keep in (("frame", frames), ("threat_statement", statements)) if not keep]
    return _data(label, tables, chosen, blank)


def _folder(names: list[str]) -> Path:
    """Find the one folder that is asked for, or say what could be."""
    theatres = " or ".join(repr(name) for name in THEATRES)
    for name in names:
        if name == "asymmetric":
            raise InputError(
                f"{theatres} or a folder; the wider universe of asymmetric alliances is not "
                "coded yet",
                column="name",
                value=name,
            )
        if name not in THEATRES and not Path(name).is_dir():
            near = difflib.get_close_matches(name, THEATRES, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise InputError(
                f"{theatres} or an existing folder{hint}", file=name, column="name", value=name
            )
    if len(names) > 1:
        raise InputError(
            "a folder by itself; only the bundled theatres are pooled",
            column="name",
            value=" ".join(names),
        )
    return Path(names[0])


@functools.cache
def _bundled_tables() -> Tables:
    return read_folder(bundled("data"))


@functools.cache
def _states() -> frozenset[str]:
    return frozenset(read_table(bundled("data", "states.csv"), "states")["abbreviation"])


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
        name: read_table(path, name, may_be_empty=name == "codings")
        for name, path in files.items()
        if name != "codings" or path.is_file()
    }
    if "codings" not in read:
        read["codings"] = pd.DataFrame(columns=list(TABLES["codings"].columns), dtype=object)
    tables = Tables(**read, files={name: str(path) for name, path in files.items()})
    check_together(tables, set(_states()))
    return tables


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
    return Data(
        name=label,
        episodes=_final(episodes, "episodes"),
        clients=_final(clients, "clients"),
        years=_final(tables.years[tables.years["theatre"].isin(theatres)], "years"),
        codings=_final(codings[about_all | codings["episode"].isin(names)], "codings"),
    )


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
    values = [
        None if missing else _most_specific(chosen, row, table)
        for missing, (_, row) in zip(rows[column].isna(), rows.iterrows(), strict=True)
    ]
    return pd.Series(values, index=rows.index, dtype="float64", name=column)


def _most_specific(codings: pd.DataFrame, row: pd.Series, table: str) -> float | None:
    """Find the narrowest coding of a row: exact client, exact episode (or years), then *."""
    best: tuple[float, float] | None = None
    for coding in codings.itertuples():
        if coding.client not in ("*", row.get("client")):
            continue
        width: float | None
        if coding.episode == "*":
            width = 1e6
        elif table == "years":
            first, last = year_span(coding.episode) or (1, 0)
            width = last - first + 1 if first <= row["year"] <= last else None
        else:
            width = 1.0 if coding.episode == row["episode"] else None
        if width is None:
            continue
        width -= 0.5 * (coding.client != "*")
        if best is None or width < best[0]:
            best = (width, float(coding.confidence))
    return None if best is None else best[1]


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
