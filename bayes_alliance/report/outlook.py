"""What a report says beyond the design of a decision: by year, against the status quo, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from bayes_alliance.compare.hypotheses import interval
from bayes_alliance.forecast.answers import Scan, contrast, movers, needed, scan
from bayes_alliance.forecast.forecast import STACKED, design_draws, stack
from bayes_alliance.forecast.horizon import by_year, outlook
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


@dataclass(frozen=True)
class Foreseen:
    """What one theory says of scenarios, in draws; by scenario.

    Parameters
    ----------
    designs : dict of str to numpy.ndarray, shape (draw, cell)
        What `bayes_alliance.forecast.forecast.design_draws` gives.
    years : dict of str to xarray.Dataset
        What `bayes_alliance.forecast.horizon.outlook` gives, of the status quo of each grouping
        too.
    lasting : dict of str to xarray.DataArray
        What `bayes_alliance.forecast.lasting.lasting` gives.
    scans : dict of str to Scan
        What `bayes_alliance.forecast.answers.scan` gives.
    short : dict of str to xarray.Dataset
        As ``years``, from fewer draws, of every bundled scenario with what is uncertain of the
        inputs at its middle; the share of the decisions stays uncertain.
    """

    designs: dict[str, np.ndarray]
    years: dict[str, xr.Dataset]
    lasting: dict[str, xr.DataArray]
    scans: dict[str, Scan]
    short: dict[str, xr.Dataset]


def foresee(
    tree: xr.DataTree,
    form: xr.DataTree,
    scenarios: Mapping[str, Scenario],
    every: bool,
    tell: Callable[[str], None],
) -> Foreseen:
    """Forecast scenarios by one theory.

    Parameters
    ----------
    tree, form : xarray.DataTree
        A fit, and its hazard of decisions.
    scenarios : mapping of str to Scenario
        What is asked.
    every : bool
        Whether every bundled scenario is looked at in short.
    tell : callable
        Called with the name of each step.

    Returns
    -------
    Foreseen
        Draws by scenario.
    """
    out, theory = Foreseen({}, {}, {}, {}, {}), tree.attrs["theory"]
    for name, scenario in scenarios.items():
        tell(f"forecast {name}")
        out.designs[name] = design_draws(tree, scenario)
    bases = {base: read(base) for base in map(_base, scenarios) if base not in scenarios}
    for name, scenario in (bases | dict(scenarios)).items():
        tell(f"forecast {name} by year")
        out.years[name] = outlook(tree, form, scenario)
    for name, scenario in scenarios.items():
        tell(f"forecast {name}: what moves it")
        out.scans[name] = scan({theory: tree}, scenario)[theory]
        out.lasting[name] = lasting(tree, scenario)
    for name in bundled_scenarios() if every else ():
        tell(f"forecast {name} in short")
        out.short[name] = outlook(tree, form, settled(read(name)), FEWER)
    return out


def _base(name: str) -> str:
    """The status quo of the grouping of a scenario; itself, where it is of none."""
    return f"{grouping(name)}{QUO}" if grouping(name) else name


def outlooks_of(
    found: Mapping[str, Foreseen], scenarios: Mapping[str, Scenario], weights: Mapping[str, float]
) -> dict[str, Outlook]:
    """Outlook of each scenario.

    Parameters
    ----------
    found : mapping of str to Foreseen
        What each theory says.
    scenarios : mapping of str to Scenario
        What is asked.
    weights : mapping of str to float
        Stacking weights by theory.

    Returns
    -------
    dict of str to Outlook
        By scenario.
    """
    out = {}
    for name in scenarios:
        years, base = ({n: of.years[k] for n, of in found.items()} for k in (name, _base(name)))
        scans = {n: of.scans[name] for n, of in found.items()}
        out[name] = Outlook(
            years=by_year(years, weights),
            lasting=_lasting({n: of.lasting[name] for n, of in found.items()}, weights),
            movers=movers(scans, weights),
            needed=pd.concat([needed(one).assign(theory=n) for n, one in scans.items()]),
            contrast=None if _base(name) == name else contrast(years, base, weights),
        )
    return out


def _lasting(lives: Mapping[str, xr.DataArray], weights: Mapping[str, float]) -> pd.DataFrame:
    """How long a multilateral design would last, by theory and stacked."""
    cells = [cell for cell in CELLS if cell.startswith("multilateral")]
    found = {name: of.sel(cell=cells) for name, of in lives.items()}
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


def groupings(found: Mapping[str, Foreseen], weights: Mapping[str, float]) -> pd.DataFrame:
    """Outlook of every bundled scenario, in short.

    Parameters
    ----------
    found : mapping of str to Foreseen
        What each theory says.
    weights : mapping of str to float
        Stacking weights by theory.

    Returns
    -------
    pandas.DataFrame
        One row a scenario, theory (and ``stacked``) and quantity: `DECIDED`, and by the end of
        the horizon ``decision`` and ``multilateral``.
    """
    rows = []
    for name in next(iter(found.values())).short:
        short = {n: of.short[name] for n, of in found.items()}
        decided = {n: of["design"].to_numpy()[:, 0] @ MULTILATERAL for n, of in short.items()}
        decided[STACKED] = stack(decided, weights)
        last = by_year({n: of.isel(year=[-1]) for n, of in short.items()}, weights)
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
