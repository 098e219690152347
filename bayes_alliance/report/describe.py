"""What ``bayes-alliance data`` draws and tabulates of a dataset."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pandas as pd

from bayes_alliance.data.load import Data, load
from bayes_alliance.files import writable, write_set
from bayes_alliance.process.survival import durations
from bayes_alliance.report.figures.dataset import dataset_figures, median_life, survival_curve
from bayes_alliance.report.figures.style import save

READINGS: tuple[dict[str, Any], ...] = (
    {},
    {"k": 1.5},
    {"k": 3.0},
    {"ends": "treaty"},
    {"pairs": "majority"},
    {"wartime": True},
    {"strong": "moderate"},
    {"strong": "high"},
    {"overlay": False},
    {"recent": False},
)
"""Readings of the rules, each but the first changing one of them."""


def write_figures(data: Data, out: str | Path) -> list[Path]:
    """Draw a dataset.

    Parameters
    ----------
    data : Data
        Tables.
    out : str or pathlib.Path
        Folder to write.

    Returns
    -------
    list of pathlib.Path
        The figures, as SVG.
    """
    folder = writable(out)
    drawn = {folder / f"{name}.svg": figure for name, figure in dataset_figures(data).items()}
    texts = {}
    for path, figure in drawn.items():
        save(figure, text := io.StringIO())
        texts[path] = text.getvalue().encode()
    return write_set(texts)


def variants_table() -> pd.DataFrame:
    """Count what each reading of the contestable rules changes.

    Returns
    -------
    pandas.DataFrame
        One row a reading: episodes, new alliances, multilateral ones and their share, strong
        ones' share, and the median years that designs last by prior commitment (empty where it is
        not reached).
    """
    rows = {}
    for options in READINGS:
        data = load("asymmetric", coding=options)
        episodes = data.episodes
        designs = episodes[
            ~episodes["outcome"].isin(["none", "refused"]) & episodes["accession_to"].isna()
        ]
        lives = durations(episodes)
        row: dict[str, float] = {
            "episodes": len(episodes),
            "new alliances": len(designs),
            "multilateral": int(designs["outcome"].str.startswith("multilateral").sum()),
            "clients": len(data.clients),
            "alliance-years": len(data.designs),
        }
        row["share multilateral"] = row["multilateral"] / len(designs)
        row["share strong"] = float(designs["outcome"].str.endswith("strong").mean())
        promised = episodes.set_index("episode")["commitment"].reindex(lives.index).astype(object)
        for level in ("none", "consult", "defend"):
            own = lives[promised == level]
            row[f"median years, {level}"] = (
                median_life(survival_curve(own))["median"] if len(own) else float("nan")
            )
        rows[", ".join(f"{k} = {v}" for k, v in options.items()) or "default"] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("reading")
