"""What the figures of a dataset show: rows of the timeline, who is bound to whom, gaps."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import numpy as np
import pandas as pd

from bayes_alliance.bundled import bundled
from bayes_alliance.data.load import Data
from bayes_alliance.data.schema import TABLES, meta
from bayes_alliance.data.validate import read_table
from bayes_alliance.process.cells import CELLS
from bayes_alliance.process.survival import OBSERVED_UNTIL

KINDS = ("bilateral", "trilateral", "multilateral")
SHORT = {"USA": "United States", "UKG": "Britain"}
"""Names of states that are shorter than those of the list of states."""
PERIODS = {1816: "to 1913", 1914: "1914–44", 1945: "1945–91", 1992: "from 1992"}
"""Periods by their first year."""
NOT_MISSING = frozenset({"fallback_of", "accession_to", "start", "end", "ended"})
"""Columns in which an empty cell has a meaning of its own."""


@functools.cache
def state_names() -> Mapping[str, str]:
    """Names of states as a reader knows them.

    Returns
    -------
    mapping of str to str
        Names by abbreviation.
    """
    table = read_table(bundled("data", "states.csv"), TABLES["states"])
    return dict(zip(table["abbreviation"], table["name"], strict=True)) | SHORT


def decisions(data: Data) -> pd.DataFrame:
    """Rows of the timeline: every design, and every proposal or request that failed.

    An accession that came about is no row, since the design that it joined goes on.

    Parameters
    ----------
    data : Data
        Loaded tables.

    Returns
    -------
    pandas.DataFrame
        ``episode``, ``name``, ``patron``, ``date``; ``failed``; ``kind`` of the design or of the
        failed proposal (missing where nothing was proposed) and ``strong``; ``start``, ``end``
        and ``in_force`` of a design, ``end`` being the end of observation if it is in force.
        In order of patrons, those with most rows first, and dates.
    """
    rows = data.episodes
    failed = rows["outcome"].isin(["none", "refused"])
    formed = rows["start"].notna() & rows["accession_to"].isna() & ~failed
    cell = rows["outcome"].astype(object).where(formed, rows["proposal"].astype(object))
    parts = cell.where(cell.isin(CELLS[1:])).astype(object).str.split("_", expand=True)
    parts = parts.reindex(columns=[0, 1])
    out = rows[["episode", "name", "patron", "date", "start"]].assign(
        failed=failed,
        kind=parts[0],
        strong=parts[1] == "strong",
        in_force=formed & rows["end"].isna(),
        end=rows["end"].fillna(OBSERVED_UNTIL).where(formed),
    )[formed | failed]
    busiest = out["patron"].map(-out["patron"].value_counts())
    return (
        out.assign(busiest=busiest)
        .sort_values(["busiest", "patron", "date"], kind="stable")
        .drop(columns="busiest")
        .reset_index(drop=True)
    )


def bound(data: Data, day: pd.Timestamp) -> pd.DataFrame:
    """Patrons and the clients that were bound to them on a day.

    Parameters
    ----------
    data : Data
        Loaded tables.
    day : pandas.Timestamp
        Day.

    Returns
    -------
    pandas.DataFrame
        One row a patron and client: ``patron``, ``client``, ``theatre`` and ``outcome`` of the
        widest design in force between them (of two as wide, the strong one), with those who had
        joined it by then, and ``designs``, their number. Without alliance-years, which have the
        exits, clients count as bound until the design ends.
    """
    rows = data.episodes[["episode", "patron", "theatre", "outcome", "start", "end"]].assign(
        design=data.episodes["accession_to"].fillna(data.episodes["episode"])
    )
    alive = rows[(rows["start"] <= day) & ~(rows["end"] <= day)]
    width = alive["outcome"].astype(str).map(CELLS.index).groupby(alive["design"]).transform("max")
    alive = alive.assign(width=width, outcome=[CELLS[w] for w in width])
    if len(data.designs):  # which have exits, and successors of states that ceased to exist
        now = data.designs[data.designs["year"] == day.year]
        members = now.assign(client=now["members"].str.split("+")).explode("client")
        pairs = alive.merge(members[["episode", "client"]], on="episode")
    else:
        pairs = alive.merge(data.clients[["episode", "client"]], on="episode")
    keys = ["patron", "client"]
    many = pairs.groupby(keys)["design"].nunique().rename("designs")
    widest = pairs.sort_values("width", kind="stable").drop_duplicates(keys, keep="last")
    columns = ["patron", "client", "theatre", "outcome", "designs"]
    return widest.merge(many.reset_index(), on=keys)[columns].sort_values(keys, ignore_index=True)


def missing(data: Data) -> pd.DataFrame:
    """Share of missing values by column and period.

    Parameters
    ----------
    data : Data
        Loaded tables.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``table`` and ``column``, for columns that may be missing: ``all`` and one
        column a period of `PERIODS`, NaN where the table has no rows in the period. Empty cells
        that say something, such as the end of a design in force, do not count.
    """
    parts = []
    for name, (table, years) in tables(data).items():
        empty = table.isna()
        by_period = empty.groupby(_period(years), observed=False).mean().T
        part = by_period.assign(all=empty.mean())[["all", *PERIODS.values()]]
        part.index = pd.MultiIndex.from_product([[name], part.index], names=["table", "column"])
        parts.append(part)
    return pd.concat(parts)


def tables(data: Data) -> dict[str, tuple[pd.DataFrame, pd.Series]]:
    """Values that may be missing, and the year of each row.

    Parameters
    ----------
    data : Data
        Loaded tables.

    Returns
    -------
    dict of str to (pandas.DataFrame, pandas.Series)
        Values and years by name of the table; tables without rows are left out.
    """
    year_of = data.episodes.set_index("episode")["date"].dt.year
    years = {
        "episodes": data.episodes["date"].dt.year,
        "clients": data.clients["episode"].map(year_of),
        "years": data.years.get("year"),
        "designs": data.designs.get("year"),
    }
    return {
        name: (getattr(data, name)[_values(name, getattr(data, name))], year)
        for name, year in years.items()
        if len(getattr(data, name))
    }


def _values(name: str, table: pd.DataFrame) -> list[str]:
    """Columns of the schema, if it has the table, that hold values and no keys."""
    if name in TABLES:
        spec = TABLES[name].columns
        known = [c for c in spec if c in table and not meta(spec[c]).get("key")]
    else:
        known = [c for c in table if c not in ("episode", "year")]
    return [c for c in known if c not in NOT_MISSING]


def _period(years: pd.Series) -> pd.Series:
    edges = [*PERIODS, np.inf]
    return pd.cut(years, edges, right=False, labels=list(PERIODS.values()))
