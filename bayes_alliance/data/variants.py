"""The asymmetric dataset under one reading of its contestable rules.

The shipped tables hold every candidate; `choose` keeps those that a `Coding` counts, derives the
columns that depend on it, and lets the judgements override them.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

import numpy as np
import pandas as pd

from bayes_alliance.bundled import bundled
from bayes_alliance.data.contradictions import Tables
from bayes_alliance.data.schema import TABLES
from bayes_alliance.data.universe_schema import CODING, UNIVERSE
from bayes_alliance.data.validate import read_table
from bayes_alliance.errors import InputError

SOURCES_END = pd.Timestamp("2016-12-31")
"""Last day of the source of alliances; what came later is coded by hand."""

NEVER = pd.Timestamp("2200-01-01")
"""After any date: the end of what has not ended."""

SIZES = ("none", "bilateral", "trilateral", "multilateral")
PROMISES = ("none", "consult", "defend")
ENOUGH = {"words": 0, "moderate": 1, "high": 2}
"""Military institutions from which a commitment is strong, by rule."""


@dataclass(frozen=True)
class Coding:
    """A reading of the contestable rules.

    Parameters
    ----------
    k : float
        How many times as capable as each client the patron is at least: 1.5 or more.
    ends : {"design", "treaty"}
        Whether an alliance ends with its design (a multilateral one with fewer than three clients
        left), or with the last obligation of the patron.
    pairs : {"any", "majority"}
        Whether one pair of clients bound to each other is a prior commitment, or over half; the
        second is computed for all episodes, whatever was judged.
    wartime : bool
        Count coalitions made for a war under way.
    strong : {"words", "moderate", "high"}
        What makes a commitment strong by rule: any promise to defend, or moderate or high military
        institutions. The last two leave the judgements of alliances by rule aside.
    overlay : bool
        Let judgements override the rules and count what is coded by hand.
    recent : bool
        Count what was coded by hand after the source of alliances ends in 2016; without it,
        observation ends there.
    """

    k: float = 2.0
    ends: Literal["design", "treaty"] = "design"
    pairs: Literal["any", "majority"] = "any"
    wartime: bool = False
    strong: Literal["words", "moderate", "high"] = "words"
    overlay: bool = True
    recent: bool = True

    @classmethod
    def read(cls, given: Coding | Mapping[str, Any] | None) -> Coding:
        """Check what is given and fill in the defaults.

        Parameters
        ----------
        given : Coding, mapping or None
            Options by name.

        Returns
        -------
        Coding
            The reading.

        Raises
        ------
        InputError
            If an option is unknown or its value is not one of those above.
        """
        if not isinstance(given, (Coding, Mapping, type(None))):
            raise InputError("options by name, for example {'k': 3}", column="coding", value=given)
        options = dataclasses.asdict(given) if isinstance(given, Coding) else dict(given or {})
        allowed: dict[str, Any] = {
            "ends": ("design", "treaty"),
            "pairs": ("any", "majority"),
            "strong": tuple(ENOUGH),
            "wartime": (False, True),
            "overlay": (False, True),
            "recent": (False, True),
        }
        for name, value in options.items():
            if name == "k":
                number = isinstance(value, Real) and not isinstance(value, bool)
                if not number or not 1.5 <= value <= 1000:
                    raise InputError("a number from 1.5 to 1000", column="coding.k", value=value)
                options["k"] = float(value)
            elif name not in allowed:
                words = f"one of k, {', '.join(allowed)}"
                raise InputError(words, column="coding", value=name)
            elif not any(
                value is v or (isinstance(value, str) and value == v) for v in allowed[name]
            ):
                words = f"one of {', '.join(map(str, allowed[name]))}"
                raise InputError(words, column=f"coding.{name}", value=value)
        return cls(**options)

    @property
    def label(self) -> str:
        """What differs from the default, in words; empty if nothing does."""
        changed = [
            f"{f.name}={getattr(self, f.name):g}"
            if f.name == "k"
            else f"{f.name}={getattr(self, f.name)}"
            for f in dataclasses.fields(self)
            if getattr(self, f.name) != f.default
        ]
        return ",".join(changed)


@functools.cache
def universe() -> dict[str, pd.DataFrame]:
    """Read the shipped tables of candidates.

    Returns
    -------
    dict of str to pandas.DataFrame
        Tables of `UNIVERSE` by name.
    """
    folder = bundled("data", "asymmetric")
    return {name: read_table(folder / f"{name}.csv", schema) for name, schema in UNIVERSE.items()}


@functools.cache
def judgements() -> dict[str, pd.DataFrame]:
    """Read the shipped judgements.

    Returns
    -------
    dict of str to pandas.DataFrame
        Tables of `CODING` by name.
    """
    folder = bundled("data", "coding")
    return {name: read_table(folder / f"{name}.csv", schema) for name, schema in CODING.items()}


def choose(coding: Coding) -> tuple[Tables, pd.DataFrame]:
    """Make the tables of one reading.

    Parameters
    ----------
    coding : Coding
        The reading.

    Returns
    -------
    tuple of Tables and pandas.DataFrame
        Episodes, clients, years and codings as for any dataset, and the alliance-years.
    """
    rows = _kept(derived(coding), coding)
    everything = universe()
    clients = everything["clients"].merge(
        rows[["episode", "adversary"]].fillna("-"),
        left_on=["episode", everything["clients"]["adversary"].fillna("-")],
        right_on=["episode", "adversary"],
        suffixes=("_", ""),
    )
    if not coding.overlay:
        clients["fear"] = None
    order = {e: i for i, e in enumerate(rows["episode"])}
    clients = clients.sort_values("episode", key=lambda s: s.map(order), kind="stable")
    panel = everything["years"]
    years = panel[panel["coding"].isin(("both", "overlay" if coding.overlay else "rule"))]
    tables = Tables(
        episodes=rows,
        clients=clients[list(TABLES["clients"].columns)].reset_index(drop=True),
        years=years.drop(columns="coding").reset_index(drop=True),
        codings=sources(rows, coding),
        files={name: f"asymmetric: {name}" for name in TABLES},
    )
    return tables, _alliance_years(rows, everything["designs"], coding)


def derived(coding: Coding) -> pd.DataFrame:
    """All candidates with the columns that a reading decides.

    Parameters
    ----------
    coding : Coding
        The reading.

    Returns
    -------
    pandas.DataFrame
        The table of alliances with ``outcome``, ``commitment``, ``initiative``, ``start``,
        ``end`` and ``ended`` derived.
    """
    rows = universe()["alliances"].copy()
    judged = _judged() if coding.overlay else {}
    if coding.overlay:
        rows = rows[rows["coded_as"].isna()]
    else:
        rows = rows[rows["origin"] == "rule"].assign(adversary=rows["adversary_by_rule"])
    rows = rows.reset_index(drop=True)
    if not coding.recent:
        rows = rows[rows["date"] <= SOURCES_END].reset_index(drop=True)
    by_rule = rows["origin"] == "rule"

    def overriding(column: str, rule: pd.Series) -> pd.Series:
        said = [judged.get((e, column)) for e in rows["episode"]]
        return pd.Series([r if s is None else s for s, r in zip(said, rule, strict=True)])

    strong = (rows["institutions"].fillna(0) >= ENOUGH[coding.strong]).astype(int)
    if coding.strong == Coding.strong:  # another rule that is asked for stands as it is
        strong = overriding("strong", strong).astype(int)
    size = rows["clients"].clip(0, 3).astype(int)
    cells = [f"{SIZES[n]}_{'strong' if s else 'weak'}" for n, s in zip(size, strong, strict=True)]
    rows["outcome"] = rows["outcome"].where(~by_rule, cells)
    rows["commitment"] = _commitment(rows, coding)
    if coding.pairs == Coding.pairs:
        rows["commitment"] = overriding("commitment", rows["commitment"])
    rows["initiative"] = overriding("initiative", rows["initiative"])
    for flag in ("wartime", "defence"):
        rows[flag] = overriding(flag, rows[flag]).astype(int)
    if coding.ends == "treaty":
        rows["end"], rows["ended"] = rows["treaty_end"], rows["treaty_ended"]
    if not coding.recent:
        late = rows["end"] > SOURCES_END
        rows.loc[late, "end"], rows.loc[late, "ended"] = pd.NaT, "in_force"
    return _joined(rows)


def _joined(rows: pd.DataFrame) -> pd.DataFrame:
    """An accession joins the row that stands for the formation, and has its cell's strength."""
    stands = universe()["alliances"].set_index("episode")["coded_as"].dropna().to_dict()
    known = set(rows["episode"])
    joins = rows["accession_to"].map(lambda e: e if e in known else stands.get(e, e), "ignore")
    rows["accession_to"] = joins.astype(object).where(joins.notna(), None)
    cell = rows.set_index("episode")["outcome"]
    strength = rows["accession_to"].map(cell).str.rpartition("_")[2]
    by_rule = (rows["origin"] == "rule") & strength.isin(("strong", "weak"))
    rows.loc[by_rule, "outcome"] = rows["outcome"].str.rpartition("_")[0] + "_" + strength
    return rows


def _judged() -> dict[tuple[str, str], str]:
    """Judgements of episodes by episode and column."""
    table = judgements()["judgements"]
    own = table[table["client"] == "*"]
    return dict(zip(zip(own["episode"], own["column"], strict=True), own["value"], strict=True))


def _commitment(rows: pd.DataFrame, coding: Coding) -> pd.Series:
    """Prior commitment: what is coded, else by the pairs of clients bound to each other.

    Coders look for any pair, so that a majority is asked of every row.
    """
    majority = coding.pairs == "majority"
    need = 0.5 * rows["pairs"] if majority else 0
    level = (rows["pairs_consult"] > need).astype(int) + (rows["pairs_defend"] > need)
    ruled = pd.Series([PROMISES[n] for n in level], index=rows.index, dtype=object)
    return ruled if majority else ruled.where(rows["origin"] == "rule", rows["commitment"])


def _kept(rows: pd.DataFrame, coding: Coding) -> pd.DataFrame:
    """Rows of the universe: whole cases, and accessions only to alliances of the universe."""
    offered = (rows["defence"] == 1) | (rows["origin"] != "rule") | rows["accession_to"].notna()
    passes = (rows["major"] == 1) & offered & (rows["least_ratio"] >= coding.k)
    if not coding.wartime:
        passes &= rows["wartime"] == 0
    good = set(rows.loc[passes, "episode"])
    whole = rows["fallback_of"].isin(good)
    alone = rows["fallback_of"].notna() & ~whole  # the proposal is outside, what came of it inside
    rows = rows.assign(
        fallback_of=rows["fallback_of"].where(~alone, None),
        proposal=rows["proposal"].where(~alone, None),
    )
    kept = rows[passes | whole]
    over = kept.set_index("episode")["end"].fillna(NEVER)
    last = kept["accession_to"].map(over)  # missing where the alliance is not in the universe
    inside = kept["accession_to"].isna() | (kept["date"] < last)
    kept = kept[inside & ~_abandoned(kept)]
    return kept.sort_values(["date", "episode"]).reset_index(drop=True)


def _abandoned(rows: pd.DataFrame) -> pd.Series:
    """Refused proposals none of whose fallbacks are in the universe."""
    return (rows["outcome"] == "refused") & ~rows["episode"].isin(set(rows["fallback_of"].dropna()))


def _alliance_years(rows: pd.DataFrame, designs: pd.DataFrame, coding: Coding) -> pd.DataFrame:
    """Alliance-years of the chosen episodes, up to the end that the reading gives."""
    last = rows.set_index("episode")["end"].dt.year
    own = designs[designs["episode"].isin(set(rows["episode"]))]
    until = own["episode"].map(last).fillna(np.inf if coding.recent else SOURCES_END.year)
    return own[own["year"] <= until].reset_index(drop=True)


def sources(rows: pd.DataFrame, coding: Coding) -> pd.DataFrame:
    """Source and confidence of every value, judgements before the rules'.

    Parameters
    ----------
    rows : pandas.DataFrame
        Chosen episodes.
    coding : Coding
        The reading.

    Returns
    -------
    pandas.DataFrame
        As ``codings.csv``.
    """
    parts = [read_table(bundled("data", "asymmetric", "codings.csv"), TABLES["codings"])]
    if coding.overlay:
        names = set(rows["episode"])
        hand = judgements()["episodes"]
        hand = hand[hand["episode"].isin(names)]
        values = [c for c in TABLES["episodes"].columns if c in hand.columns and c != "episode"]
        parts.append(
            pd.concat(
                [
                    hand[["episode", "source", "confidence", "reason"]].assign(column=column)
                    for column in values
                ]
            ).assign(table="episodes", client="*")
        )
        judged = judgements()["judgements"]
        judged = judged[judged["episode"].isin(names)]
        where = {"strong": "outcome", "fear": "fear"}
        idle = ["wartime", "defence"]  # no columns of the tables
        idle += ["strong"] * (coding.strong != Coding.strong)
        idle += ["commitment"] * (coding.pairs != Coding.pairs)
        judged = judged[~judged["column"].isin(idle)]
        parts.append(
            judged.assign(
                column=judged["column"].replace(where),
                table=np.where(judged["client"] == "*", "episodes", "clients"),
            )
        )
        own = read_table(bundled("data", "codings.csv"), TABLES["codings"])
        parts.append(own[own["episode"].isin(names)])
    out = pd.concat([p.rename(columns={"reason": "note"}) for p in parts], ignore_index=True)
    return out[list(TABLES["codings"].columns)].drop_duplicates(
        ["table", "episode", "client", "column"], keep="last"
    )
