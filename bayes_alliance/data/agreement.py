"""How far hand coding and the rules agree, and each difference with its reason."""

from __future__ import annotations

import pandas as pd

from bayes_alliance.bundled import bundled
from bayes_alliance.data.schema import TABLES
from bayes_alliance.data.validate import read_table
from bayes_alliance.data.variants import Coding, derived, judgements, universe

DATED = ("date", "start", "end")
COMPARED = (
    "theatre",
    "patron",
    "adversary",
    *DATED,
    "ended",
    "wartime",
    "outcome",
    "commitment",
    "clients",
)
"""Columns of an episode that both the rules and the coders give; clients are compared as sets."""

SAME = pd.Timedelta(31, "D")
"""Dates within this of each other are counted as close."""

REASONS = {
    "start": "the coded date is that of entry into force, ATOP's that of signature",
    "wartime": "signed while a member fought elsewhere; no coalition for that war",
    "adversary": "rule: strategic rivalries; coders: whom the treaty was meant against",
    "outcome": "rule: ATOP's military institutions; coders: the words of the treaty and the forces",
    "commitment": "rule: any pact of ATOP between clients; coders: promises for this theatre",
    "theatre": "rule: where most clients lie; coders: where they were to be defended",
}


def overrides() -> pd.DataFrame:
    """Count how often judgements override a rule, and how often they change its value.

    Returns
    -------
    pandas.DataFrame
        One row a judged column: ``judgements``, of these ``changed`` something in the default
        dataset, and their mean ``confidence``.
    """
    table = judgements()["judgements"]
    by_rule = derived(Coding(overlay=False)).set_index("episode")
    rows = []
    for column, group in table.groupby("column", sort=True):
        known = group[group["episode"].isin(by_rule.index)]
        changed = sum(
            _by_rule(by_rule.loc[row.episode], str(column)) != row.value
            for row in known.itertuples()
        )
        rows.append(
            {
                "column": column,
                "judgements": len(group),
                "changed": changed,
                "confidence": group["confidence"].mean(),
            }
        )
    return pd.DataFrame(rows).set_index("column")


def _by_rule(row: pd.Series, column: str) -> str:
    """Value of a rule as a judgement would write it."""
    if column == "strong":
        return str(int(row["outcome"].endswith("strong")))
    if column == "fear":
        return ""
    value = row[column]
    missing = "none" if column == "adversary" else ""
    return missing if pd.isna(value) else str(value)


def pairs() -> pd.DataFrame:
    """Rows coded by hand beside the rows by rule that they stand for.

    Returns
    -------
    pandas.DataFrame
        One row a coded episode, column and difference or agreement: ``episode``, ``atop``,
        ``column``, ``coded``, ``by_rule``, ``agrees`` and ``reason`` (empty where they agree).
    """
    coded = derived(Coding()).set_index("episode")
    ruled = derived(Coding(overlay=False)).set_index("episode")
    stands = universe()["alliances"].dropna(subset=["coded_as"])
    groups = universe()["clients"].groupby("episode")["client"].agg(frozenset)
    rows = []
    for rule in stands.itertuples():
        if rule.coded_as not in coded.index:
            continue
        hand, auto = coded.loc[rule.coded_as], ruled.loc[rule.episode]
        for column in COMPARED:
            if column == "clients":
                values = groups[rule.coded_as], groups[rule.episode]
            else:
                values = hand[column], auto[column]
            if column != "clients" and pd.isna(values[0]) and pd.isna(values[1]):
                continue
            rows.append(
                {
                    "episode": rule.coded_as,
                    "atop": int(rule.atop),
                    "column": column,
                    "coded": _shown(values[0]),
                    "by_rule": _shown(values[1]),
                    "agrees": values[0] == values[1],
                    "reason": _reason(rule.coded_as, column) if values[0] != values[1] else "",
                }
            )
    return pd.DataFrame(rows)


def _shown(value: object) -> str:
    if isinstance(value, frozenset):
        return "+".join(sorted(value))
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat()
    return "" if pd.isna(value) else str(value)  # type: ignore[call-overload]


def _reason(episode: str, column: str) -> str:
    """Reason of a value: the coders' note on it, else that of the column, else of the row."""
    notes = read_table(bundled("data", "codings.csv"), TABLES["codings"])
    note = notes.loc[(notes["episode"] == episode) & (notes["column"] == column), "note"].dropna()
    if len(note):
        return note.iloc[0]
    own = judgements()["episodes"].set_index("episode")
    of_row = own["reason"].get(episode, "coded from the articles")
    return of_row if column == "date" and "accession" not in of_row else REASONS.get(column, of_row)


def agreement() -> pd.DataFrame:
    """Agreement of hand coding with the rules by column.

    Returns
    -------
    pandas.DataFrame
        One row a column: ``compared``, ``agree``, ``share`` and, for dates, ``close`` (within 31
        days).
    """
    table = pairs()
    rows = {}
    for column, group in table.groupby("column", sort=False):
        row: dict[str, float] = {"compared": len(group), "agree": int(group["agrees"].sum())}
        row["share"] = row["agree"] / row["compared"]
        if column in DATED:
            dates = [pd.to_datetime(group[name], errors="coerce") for name in ("coded", "by_rule")]
            row["close"] = int(((dates[0] - dates[1]).abs() <= SAME).sum())
        rows[column] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("column")
