"""What changes a forecast: against the status quo, by what it rests on, and what would be needed.

Differences are taken draw by draw. Draws of scenarios of one grouping are pairs: they share the
posterior, the effects of levels that no fit has seen, and what is drawn for shared inputs. So an
interval of a difference is narrower than two intervals side by side suggest.

Indicators of the clients act on the design through the clients' promises too, where a theory says
so. While they are moved, promises are what the theory expects of them; while anything else is
moved, promises are the scenario's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from pytensor.graph.traversal import ancestors

from bayes_alliance.compare.hypotheses import interval
from bayes_alliance.errors import InputError
from bayes_alliance.forecast.forecast import (
    STACKED,
    contents,
    draws_for,
    reader,
    seen_levels,
    stack,
)
from bayes_alliance.forecast.horizon import RUNGS
from bayes_alliance.forecast.ranges import Mover, movers_of, put
from bayes_alliance.forecast.sample import central
from bayes_alliance.forecast.scenario import Scenario
from bayes_alliance.forecast.tables import scenario_data
from bayes_alliance.process.cells import CELLS, MULTILATERAL
from bayes_alliance.process.containers import Arrays, arrays
from bayes_alliance.storage import data_of

DECIDED = "multilateral if decided"
"""Probability of a multilateral design, given a decision in the first year."""
DRAWS, NODES = 200, 64
"""Draws and nodes: fewer than a forecast's: a difference of pairs needs fewer."""
TOGETHER = {"clients": ("clients",), "threat": ("threat",), "all": ()}
"""Groups of movers that are also moved together; ``all`` is every mover."""
FOLLOWED = ("clients",)
"""Groups of movers that promises follow."""

Reader = Callable[..., np.ndarray]


def contrast(
    found: Mapping[str, xr.Dataset],
    base: Mapping[str, xr.Dataset],
    weights: Mapping[str, float],
) -> pd.DataFrame:
    """Difference of a scenario to another of its grouping, paired by draw.

    Parameters
    ----------
    found, base : mapping of str to xarray.Dataset
        What `bayes_alliance.forecast.horizon.outlooks` gave for the scenario, and for the one to
        which it is compared.
    weights : mapping of str to float
        Stacking weights by theory.

    Returns
    -------
    pandas.DataFrame
        One row a theory (and ``stacked``) and quantity: ``before`` and ``after`` (means),
        ``difference`` (mean), ``lower`` and ``upper`` (90 % interval). Quantities are
        `DECIDED`, each rung at the horizon, and ``decision``, that one has arisen by then.

    Raises
    ------
    InputError
        If the two do not end in the same year.
    """
    ends = {int(of["year"][-1]) for of in (*found.values(), *base.values())}
    if len(ends) > 1:
        raise InputError("two scenarios with one horizon", column="horizon", value=sorted(ends))
    after, before = ({name: _ends(of) for name, of in each.items()} for each in (found, base))
    after[STACKED], before[STACKED] = stack(after, weights), stack(before, weights)
    return pd.DataFrame(
        {
            "theory": name,
            "quantity": quantity,
            "before": float(before[name][:, i].mean()),
            "after": float(after[name][:, i].mean()),
            **_summary(after[name][:, i] - before[name][:, i]),
        }
        for name in after
        for i, quantity in enumerate((DECIDED, *RUNGS, "decision"))
    )


def _ends(found: xr.Dataset) -> np.ndarray:
    """Quantities of `contrast`: (draw, quantity)."""
    decided = found["design"].isel(year=0).to_numpy() @ MULTILATERAL
    last = found.isel(year=-1)
    return np.column_stack([decided, last["state"].to_numpy(), last["arises"].to_numpy()])


def _summary(difference: np.ndarray) -> dict[str, float]:
    """Mean and interval of a difference."""
    ends = dict(zip(("lower", "upper"), interval(difference), strict=True))
    return {"difference": float(difference.mean()), **ends}


@dataclass(frozen=True)
class Scan:
    """Probability of a multilateral design given a decision, as movers go through their ranges.

    Parameters
    ----------
    movers : tuple of Mover
        What was moved, one at a time.
    own : numpy.ndarray, shape (draw,)
        In the scenario itself, with what is uncertain at its middle.
    alone : dict of str to numpy.ndarray, shape (value, draw)
        By mover, at each of its values.
    together : dict of str to numpy.ndarray, shape (2, draw)
        By group of movers: all at the ends that lower the probability, all at those that raise it.
    """

    movers: tuple[Mover, ...]
    own: np.ndarray
    alone: dict[str, np.ndarray]
    together: dict[str, np.ndarray]

    def end(self, mover: Mover, raising: bool) -> Any:
        """Value at that end of a range at which the mean probability is higher, or lower."""
        first, last = self.alone[mover.name][[0, -1]].mean(1)
        return mover.values[-1 if (last >= first) == raising else 0]


def scan(
    trees: Mapping[str, xr.DataTree], scenario: Scenario, draws: int = DRAWS
) -> dict[str, Scan]:
    """Move everything that could move the design of a decision in a scenario's first year.

    Parameters
    ----------
    trees : mapping of str to xarray.DataTree
        Fits of the same data.
    scenario : Scenario
        What is supposed else; of uncertain inputs the middle is taken, and all of the promises.
    draws : int
        About how many draws to use.

    Returns
    -------
    dict of str to Scan
        By theory.
    """
    any_tree = next(iter(trees.values()))
    base = data_of(any_tree)
    levels = seen_levels(any_tree, base)
    movers = movers_of(base)

    def point(values: Mapping[str, Any]) -> tuple[Arrays, np.ndarray]:
        changed = put(scenario, values)
        inputs = central(changed)
        promised = inputs["commitment"].sel(year=[scenario.year]).to_numpy().astype(float)
        return arrays(scenario_data(changed, base, inputs), levels), promised

    own, out = point({}), {}
    made: dict[tuple[str, Any], tuple[Arrays, np.ndarray]] = {}
    for name, tree in trees.items():
        read, unread = _reader(tree, scenario, draws), set[str]()

        def at(one: Mover, value: Any, read: Reader = read) -> np.ndarray:
            if (one.name, value) not in made:
                made[one.name, value] = point({one.name: value})
            return read(*made[one.name, value], follow=one.group in FOLLOWED)

        alone = {}
        for one in movers:
            if one.name not in unread:
                first, last = at(one, one.values[0]), at(one, one.values[-1])
                if first is last:
                    unread.add(one.name)
            if one.name in unread:
                same = read(*own, follow=one.group in FOLLOWED)
                alone[one.name] = np.array([same] * len(one.values))
            else:
                middle = [at(one, value) for value in one.values[1:-1]]
                alone[one.name] = np.array([first, *middle, last])
        scanned = Scan(movers, read(*own), alone, {})
        for group, members in TOGETHER.items():
            of = [m for m in movers if not members or m.group in members]
            moved = [m for m in of if m.name not in unread]
            ends = [{m.name: scanned.end(m, raising) for m in moved} for raising in (False, True)]
            follow = all(m.group in FOLLOWED for m in of)
            scanned.together[group] = np.array(
                [read(*(point(values) if values else own), follow=follow) for values in ends]
            )
        out[name] = scanned
    return out


def _reader(tree: xr.DataTree, scenario: Scenario, draws: int) -> Reader:
    """Compile the probability of a multilateral design, by draw.

    It takes arrays and promises, and whether promises follow from the arrays instead.
    """
    base = data_of(tree)
    data = scenario_data(scenario, base, central(scenario))
    model, evaluator = reader(tree, data, seen_levels(tree, base))
    nodes = evaluator.nodes(None, NODES, seed=tree.attrs["seed"])
    carried = draws_for(model, tree, scenario, draws)
    seen = [rv for rv in model.observed_RVs if rv.name != "ended_observed"]
    above = ancestors([model["design_probability"], *seen, *map(model.rvs_to_values.get, seen)])
    read = {v.name for v in above}
    done: dict[tuple[bytes, ...], np.ndarray] = {}

    def probability(values: Arrays, promised: np.ndarray, follow: bool = False) -> np.ndarray:
        key = tuple(value.tobytes() for name, (_, value) in values.items() if name in read)
        key += (b"" if follow else promised.tobytes(),)
        if key not in done:  # a theory does not read most of what is moved
            given, at = None if follow else promised, evaluator.of(contents(values))
            out = at.run(carried, nodes, given=given)["design_probability_indicators"]
            done[key] = out.to_numpy().reshape(-1, len(CELLS)) @ MULTILATERAL
        return done[key]

    return probability


def movers(scans: Mapping[str, Scan], weights: Mapping[str, float]) -> pd.DataFrame:
    """How far each mover moves the probability of a multilateral design, given a decision.

    Parameters
    ----------
    scans : mapping of str to Scan
        What `scan` gave.
    weights : mapping of str to float
        Stacking weights by theory.

    Returns
    -------
    pandas.DataFrame
        One row a theory (and ``stacked``) and mover: ``low`` and ``high`` (what it is set to),
        ``difference`` (mean, from low to high), ``lower`` and ``upper`` (90 % interval). Groups
        (``clients``, ``threat``, ``all``) go from the ends that lower a theory's probability to
        those that raise it.
    """
    rows = []
    for one in next(iter(scans.values())).movers:
        draws = {name: of.alone[one.name][-1] - of.alone[one.name][0] for name, of in scans.items()}
        rows += list(_moved(draws, weights, one.name, one.values[0], one.values[-1]))
    for group in TOGETHER:
        draws = {name: of.together[group][1] - of.together[group][0] for name, of in scans.items()}
        rows += list(_moved(draws, weights, group, None, None))
    return pd.DataFrame(rows)


def _moved(
    draws: dict[str, np.ndarray], weights: Mapping[str, float], name: str, low: Any, high: Any
) -> Iterator[dict[str, Any]]:
    draws = draws | {STACKED: stack(draws, weights)}
    for theory, difference in draws.items():
        about = {"theory": theory, "mover": name, "low": low, "high": high}
        yield about | _summary(difference)


def needed(scan: Scan, probability: float = 0.5) -> pd.DataFrame:
    """What a theory would need to see to give a multilateral design some probability.

    Parameters
    ----------
    scan : Scan
        What `scan` gave for the theory.
    probability : float
        Mean probability that is asked for, given a decision.

    Returns
    -------
    pandas.DataFrame
        One row a mover, and a group of movers: ``reached``, ``value`` (at which it is reached
        first on the way from the lowering to the raising end; a number on the line between two
        that were looked at; None for groups), ``highest`` (largest mean probability within the
        range of the data), ``at`` (where), ``lower`` and ``upper`` (90 % interval there).
    """
    rows = []
    for one in scan.movers:
        draws = scan.alone[one.name]
        mean, best = draws.mean(1), int(draws.mean(1).argmax())
        about = {"mover": one.name, "value": _first(one, mean, probability), "at": one.values[best]}
        rows.append(about | _highest(draws[best], probability))
    for group, draws in scan.together.items():
        about = {"mover": group, "value": None, "at": None}
        rows.append(about | _highest(draws[1], probability))
    columns = ["mover", "reached", "value", "highest", "at", "lower", "upper"]
    return pd.DataFrame(rows, columns=columns)


def _highest(draws: np.ndarray, probability: float) -> dict[str, Any]:
    low, high = interval(draws)
    mean = float(draws.mean())
    return {"reached": mean >= probability, "highest": mean, "lower": low, "upper": high}


def _first(mover: Mover, mean: Sequence[float] | np.ndarray, probability: float) -> Any:
    """Value at which the mean is reached first, from the end where it is lower; or None."""
    points = list(zip(mover.values, mean, strict=True))
    if points[-1][1] < points[0][1]:
        points.reverse()
    if points[0][1] >= probability:
        return points[0][0]
    for (value, before), (other, after) in pairwise(points):
        if after >= probability:
            if not all(isinstance(v, float) for v in (value, other)):
                return other
            share = (probability - before) / (after - before)
            if mover.log:
                return float(value * (other / value) ** share)
            return value + (other - value) * share
    return None
