"""Outlooks out of thin air, of the form that a report has them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bayes_alliance.forecast.answers import DECIDED
from bayes_alliance.forecast.forecast import STACKED
from bayes_alliance.forecast.horizon import RUNGS
from bayes_alliance.forecast.scenario import QUO, bundled_scenarios, read
from bayes_alliance.process.cells import CELLS
from bayes_alliance.report.outlook import DECIDED as IN_SHORT
from bayes_alliance.report.outlook import Outlook

MOVERS = {
    "promises": ("none", "defend", {"occupation": 0.2}),
    "threat.power_ratio": (0.25, 6.5, {"prospect": 0.1}),
    "statement": ("low", "high", {"prospect": 0.15}),
    "initiative": ("clients", "patron", {}),
    "clients": (None, None, {"occupation": 0.05, "prospect": -0.02}),
    "threat": (None, None, {"prospect": 0.2}),
    "all": (None, None, {"occupation": 0.25, "prospect": 0.4}),
}


def spread(p: float) -> dict[str, float]:
    """A probability with an interval."""
    return {"probability": p, "lower": p / 2, "upper": min(1.0, 1.5 * p)}


def made_outlook(theories: Sequence[str], name: str = f"quad{QUO}", later: float = 0.1) -> Outlook:
    """An outlook in which a decision arises with ``later`` a year."""
    scenario, everyone = read(name), [*theories, STACKED]
    rows = []
    for theory in everyone:
        for i, year in enumerate(range(scenario.year, scenario.horizon + 1), start=1):
            arises = 1 - (1 - later) ** i
            state = dict.fromkeys(RUNGS, arises / 10)
            state[scenario.today] = 1 - 4 * arises / 10
            many = state["multilateral_weak"] + state["multilateral_strong"]
            state |= {"multilateral": many, "decision": arises}
            rows += [
                {"theory": theory, "year": year, "rung": rung} | spread(p)
                for rung, p in state.items()
            ]
    movers, needed = [], []
    for mover, (low, high, moved) in MOVERS.items():
        for theory in everyone:
            d = moved.get(theory, 0.0)
            ends = {"low": low, "high": high, "difference": d, "lower": d - 2 * abs(d)}
            movers.append({"theory": theory, "mover": mover} | ends | {"upper": d + 2 * abs(d)})
        for theory in theories:
            highest = 0.3 + max(moved.get(theory, 0.0), 0.0)
            reached = highest >= 0.5
            single = {"value": high if reached else None, "at": high}
            needed.append(
                {"theory": theory, "mover": mover, "reached": reached, "highest": highest}
                | single
                | {"lower": 0.1, "upper": 0.9}
            )
    contrast = None
    if not name.endswith(QUO):
        contrast = pd.DataFrame(
            {"theory": t, "quantity": q, "before": 0.2, "after": 0.3}
            | {"difference": 0.1, "lower": -0.05, "upper": 0.25}
            for t in everyone
            for q in (DECIDED, *RUNGS, "decision")
        )
    lasting = [
        {"theory": t, "cell": cell, "age": age} | spread(0.95**age)
        for t in everyone
        for cell in CELLS[-2:]
        for age in range(31)
    ]
    return Outlook(
        pd.DataFrame(rows), pd.DataFrame(lasting), pd.DataFrame(movers), pd.DataFrame(needed),
        contrast,
    )  # fmt: skip


def made_groupings(theories: Sequence[str]) -> pd.DataFrame:
    """All bundled scenarios in short."""
    rng = np.random.default_rng(5)
    return pd.DataFrame(
        {"scenario": name, "theory": theory, "quantity": quantity} | spread(rng.uniform(0, 0.6))
        for name in bundled_scenarios()
        for theory in (*theories, STACKED)
        for quantity in (IN_SHORT, "decision", "multilateral")
    )
