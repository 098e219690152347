"""What a report says beyond the design of a decision: by year, against the status quo, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from bayes_alliance.compare.hypotheses import interval
from bayes_alliance.forecast.answers import contrast, movers, needed, scan
from bayes_alliance.forecast.forecast import STACKED, stack
from bayes_alliance.forecast.horizon import by_year, outlooks
from bayes_alliance.forecast.lasting import lasting
from bayes_alliance.forecast.sample import settled
from bayes_alliance.forecast.scenario import QUO, Scenario, bundled_scenarios, grouping, read
from bayes_alliance.process.cells import CELLS, MULTILATERAL

DECIDED = "decided"
"""Quantity of `groupings`: a multilateral design, given a decision in the first year."""
FEWER = 400
"""Draws of each scenario in the table of all groupings."""


@dataclass(frozen=True)
class Outlook:
    """What becomes of a grouping in a scenario.

    Parameters
    ----------
    years : pandas.DataFrame
        What `bayes_alliance.forecast.horizon.by_year` gives.
    lasting : pandas.DataFrame
        ``theory``, ``cell`` (multilateral ones), ``age``, ``probability`` that a design made in
        the first year still stands, ``lower``, ``upper``.
    movers : pandas.DataFrame
        What `bayes_alliance.forecast.answers.movers` gives.
    needed : pandas.DataFrame
        What `bayes_alliance.forecast.answers.needed` gives, with ``theory``.
    contrast : pandas.DataFrame or None
        What `bayes_alliance.forecast.answers.contrast` gives, against the status quo of the same
        grouping; None for that itself, and where there is none.
    """

    years: pd.DataFrame
    lasting: pd.DataFrame
    movers: pd.DataFrame
    needed: pd.DataFrame
    contrast: pd.DataFrame | None = None


def outlooks_of(
    trees: Mapping[str, xr.DataTree],
    forms: Mapping[str, xr.DataTree],
    scenarios: Mapping[str, Scenario],
    weights: Mapping[str, float],
    tell: Callable[[str], None],
) -> dict[str, Outlook]:
    """Outlook of each scenario.

    Parameters
    ----------
    trees, forms : mapping of str to xarray.DataTree
        Fits, and hazards of decisions, by theory.
    scenarios : mapping of str to Scenario
        What is asked.
    weights : mapping of str to float
        Stacking weights by theory.
    tell : callable
        Called with the name of each step.

    Returns
    -------
    dict of str to Outlook
        By scenario.
    """
    quo = {name: f"{grouping(name)}{QUO}" for name in scenarios if grouping(name)}
    asked = {base: read(base) for base in quo.values() if base not in scenarios} | dict(scenarios)
    found = {}
    for name, scenario in asked.items():
        tell(f"forecast {name} by year")
        found[name] = outlooks(trees, forms, scenario)
    out = {}
    for name, scenario in scenarios.items():
        tell(f"forecast {name}: what moves it")
        scans = scan(trees, scenario)
        base = quo.get(name, name)
        out[name] = Outlook(
            years=by_year(found[name], weights),
            lasting=_lasting(trees, scenario, weights),
            movers=movers(scans, weights),
            needed=pd.concat([needed(one).assign(theory=n) for n, one in scans.items()]),
            contrast=None if base == name else contrast(found[name], found[base], weights),
        )
    return out


def _lasting(
    trees: Mapping[str, xr.DataTree], scenario: Scenario, weights: Mapping[str, float]
) -> pd.DataFrame:
    """How long a multilateral design would last, by theory and stacked."""
    cells = [cell for cell in CELLS if cell.startswith("multilateral")]
    found = {name: lasting(tree, scenario).sel(cell=cells) for name, tree in trees.items()}
    ages = next(iter(found.values()))["age"].to_numpy()
    draws = {name: of.to_numpy() for name, of in found.items()}
    draws[STACKED] = stack(draws, weights)
    return pd.DataFrame(
        {"theory": name, "cell": cell, "age": int(age)} | _summary(values[:, i, j])
        for name, values in draws.items()
        for i, cell in enumerate(cells)
        for j, age in enumerate(ages)
    )


def _summary(draws: np.ndarray) -> dict[str, float]:
    """Mean and interval of a probability."""
    low, high = interval(draws)
    return {"probability": float(draws.mean()), "lower": low, "upper": high}


def groupings(
    trees: Mapping[str, xr.DataTree],
    forms: Mapping[str, xr.DataTree],
    weights: Mapping[str, float],
    tell: Callable[[str], None],
) -> pd.DataFrame:
    """Outlook of every bundled scenario, in short.

    Parameters
    ----------
    trees, forms : mapping of str to xarray.DataTree
        Fits, and hazards of decisions, by theory.
    weights : mapping of str to float
        Stacking weights by theory.
    tell : callable
        Called with the name of each step.

    Returns
    -------
    pandas.DataFrame
        One row a scenario, theory (and ``stacked``) and quantity: `DECIDED`, and by the end of
        the horizon ``decision`` and ``multilateral``. What is uncertain of the inputs is at its
        middle; the share of the decisions stays uncertain.
    """
    rows = []
    for name in bundled_scenarios():
        tell(f"forecast {name} in short")
        scenario = settled(read(name))
        found = outlooks(trees, forms, scenario, FEWER)
        decided = {n: of["design"].to_numpy()[:, 0] @ MULTILATERAL for n, of in found.items()}
        decided[STACKED] = stack(decided, weights)
        years = by_year(found, weights)
        last = years[(years["year"] == scenario.horizon)]
        last = last[last["rung"].isin(["decision", "multilateral"])]
        rows += [
            {"scenario": name, "theory": n, "quantity": DECIDED} | _summary(draws)
            for n, draws in decided.items()
        ]
        rows += [
            {"scenario": name, **row}
            for row in last.rename(columns={"rung": "quantity"})
            .drop(columns="year")
            .to_dict(orient="records")
        ]
    return pd.DataFrame(rows)
