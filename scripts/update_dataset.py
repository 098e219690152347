"""Write docs/dataset.md from the coded tables; ``--check`` only compares."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

from bayes_alliance.data.agreement import agreement, overrides, pairs
from bayes_alliance.data.load import Data, load
from bayes_alliance.process.containers import era
from bayes_alliance.report.describe import variants_table

PAGE = Path(__file__).parent.parent / "docs/dataset.md"


def markdown(table: pd.DataFrame) -> str:
    """Make a table with its index as the first column."""

    def cell(value: object) -> str:
        if isinstance(value, float):
            return "" if value != value else f"{value:.3g}"
        return str(value).replace("|", "/")

    head = [str(table.index.name or ""), *map(str, table.columns)]
    lines = [f"| {' | '.join(head)} |", f"| --- |{' ---: |' * len(table.columns)}"]
    for index, row in table.iterrows():
        lines.append(f"| {' | '.join([str(index), *map(cell, row)])} |")
    return "\n".join(lines)


def counted(data: Data) -> pd.DataFrame:
    """New alliances, the share of them that are multilateral, and proposals that failed."""
    episodes = data.episodes.assign(era=[era(day) for day in data.episodes["date"]])
    design = ~episodes["outcome"].isin(["none", "refused"]) & episodes["accession_to"].isna()
    episodes = episodes.assign(
        design=design,
        multilateral=design & episodes["outcome"].str.startswith("multilateral"),
        failed=episodes["outcome"].isin(["none", "refused"]),
        years=episodes["episode"].map(data.designs["episode"].value_counts()).fillna(0),
    )
    rows = {}
    for column in ("patron", "era", "theatre"):
        for level, group in episodes.groupby(column, sort=True):
            rows[f"{column} {level}"] = group
    rows["all"] = episodes
    return pd.DataFrame(
        {
            name: {
                "episodes": len(g),
                "new alliances": int(g["design"].sum()),
                "multilateral": int(g["multilateral"].sum()),
                "failed proposals": int(g["failed"].sum()),
                "alliance-years": int(g["years"].sum()),
            }
            for name, g in rows.items()
        }
    ).T.rename_axis("group")


def empty(data: Data) -> pd.DataFrame:
    """Share of empty cells of every column that has some."""
    rows = {
        f"{name}: {column}": share
        for name in ("episodes", "clients", "years", "designs")
        for column, share in getattr(data, name).isna().mean().items()
        if share > 0
    }
    return pd.DataFrame({"share empty": rows}).rename_axis("column")


def page() -> str:
    """Compose the page."""
    data = load("asymmetric")
    differing = pairs()
    differing = differing[~differing["agrees"]].drop(columns="agrees").set_index("episode")
    hand = data.episodes[data.episodes["origin"] == "hand"].set_index("episode")
    hand = hand.assign(date=hand["date"].dt.date)[["name", "patron", "date", "outcome"]]
    parts = [
        "# The asymmetric dataset in numbers",
        "Written by `python scripts/update_dataset.py` from the shipped tables; the rules and "
        "their reasons are in `data/CODEBOOK.md`.",
        "## Counts",
        markdown(counted(data)),
        "## What each reading of the rules changes",
        "Each row changes one rule of the default. Medians are Kaplan-Meier estimates of the years "
        "that designs last, by the clients' prior commitment; empty where more than half outlast "
        "observation.",
        markdown(variants_table()),
        "## Agreement of hand coding with the rules",
        "Rows of Europe, Asia and the hand-coded episodes beside the rows that the rules derive "
        "from ATOP for the same treaties. `close` counts dates within 31 days.",
        markdown(agreement()),
        "Each difference with its reason:",
        markdown(differing),
        "## Judgements that override a rule",
        markdown(overrides()),
        "## Episodes coded by hand",
        markdown(hand),
        "## Missing values",
        markdown(empty(data)),
    ]
    return "\n\n".join(parts) + "\n"


def main() -> int:
    """Write the page or, with ``--check``, compare."""
    text = page()
    if "--check" not in sys.argv:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
        print("docs/dataset.md is not what the tables say: run python scripts/update_dataset.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
