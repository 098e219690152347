"""When decisions arose: the years in which a patron could have decided, and those in which it did.

A decision is a case of the dataset: a formation, or a proposal that came to nothing or was refused
(a refused proposal and what it fell back to are one). An accession is none: it needs an alliance to
join, and arises from that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from bayes_alliance.data.variants import SOURCES_END, Coding, choose

KEY = ["patron", "theatre", "year"]


def panel(coding: Coding | Mapping[str, Any] | None = None) -> pd.DataFrame:
    """Years of every patron in every theatre, with the decisions that arose.

    Parameters
    ----------
    coding : Coding or mapping, optional
        Reading of the contestable rules, as `load` takes it.

    Returns
    -------
    pandas.DataFrame
        The columns of ``asymmetric/years.csv`` (see the codebook), without ``coding``, and
        ``decisions``: their number, missing in years after the reading's end of observation.

    Raises
    ------
    InputError
        If the reading cannot be used.
    """
    coding = Coding.read(coding)
    tables, _ = choose(coding)
    episodes = tables.episodes
    new = episodes[episodes["fallback_of"].isna() & episodes["accession_to"].isna()]
    arose = new.groupby(["patron", "theatre", new["date"].dt.year.rename("year")]).size()
    years = tables.years.sort_values(KEY).reset_index(drop=True)
    count = arose.reindex(pd.MultiIndex.from_frame(years[KEY]), fill_value=0).astype(float)
    years["decisions"] = count.to_numpy()
    if not coding.recent:
        years.loc[years["year"] > SOURCES_END.year, "decisions"] = float("nan")
    return years
