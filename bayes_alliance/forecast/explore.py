"""What the explorer's page carries, so that it can compute forecasts by itself.

The page has thinned draws of the posterior of each theory and of its hazard of decisions, with an
effect of every level of theatre, patron and era that can be chosen on it: `thinned` gives a fit of
these draws alone, and every function of this package that forecasts from a fit gives from that one
what the page shows. The page itself is in `bayes_alliance.forecast.explorer`.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr
from numpy.polynomial.hermite_e import hermegauss

from bayes_alliance.compare.hypotheses import CI_PROB
from bayes_alliance.compare.loo import difference, elpd, table, told_apart
from bayes_alliance.data.columns import THEATRES
from bayes_alliance.data.latest import latest
from bayes_alliance.data.load import Data
from bayes_alliance.data.panel import panel
from bayes_alliance.data.schema import bounds
from bayes_alliance.data.universe_schema import POWERS
from bayes_alliance.diagnostics import diagnose
from bayes_alliance.errors import InputError
from bayes_alliance.files import target, write_text
from bayes_alliance.forecast.clients import COLUMNS, states
from bayes_alliance.forecast.decided import constant
from bayes_alliance.forecast.explorer import page
from bayes_alliance.forecast.formation import USUAL, formation
from bayes_alliance.forecast.horizon import RUNG_OF_CELL, RUNGS
from bayes_alliance.forecast.inputs import Beta
from bayes_alliance.forecast.lasting import DESIGNS, YEARS
from bayes_alliance.forecast.path import COLUMNS as THREAT
from bayes_alliance.forecast.sample import central, sample
from bayes_alliance.forecast.scenario import Scenario, bundled_scenarios, read
from bayes_alliance.process.cells import (
    CELLS,
    DEPARTURES,
    MULTILATERAL,
    PARTNERS,
    RISK,
    STRONG,
    TRILATERAL,
)
from bayes_alliance.process.containers import (
    FACTORS,
    LAND,
    LEAST_RATIO,
    MEMORY,
    era,
    threat_components,
)
from bayes_alliance.process.integrated import ABOUT_PRIOR, sobol_normal
from bayes_alliance.process.survival import AGE_BREAKS
from bayes_alliance.storage import data_of, priors_of
from bayes_alliance.theories import MAIN, NULL

YEAR = 2027
"""First year of the forecasts, that of the bundled groupings."""
DRAWS = 400
NODES = 64
"""Nodes of the clients' credibility, where the page asks what they would promise each other."""
MOST_CLIENTS = 12
LAST_HORIZON = YEAR + 13
CLIENT = ("capability_ratio", "distance_km", "land_access", "occupied", "disputes")
NUMBERS = tuple(column for column in CLIENT if column != "land_access")
STATEMENTS = ("low", "moderate", "high")
ERA = era(pd.Timestamp(YEAR, 1, 1))
OF_PARAMETERS = {"cell", "departure", "stage", "age", "driver", "carried", *FACTORS}
"""Dimensions of what does not belong to a case."""


def explore(
    trees: Mapping[str, xr.DataTree],
    out: str | Path,
    forms: Mapping[str, xr.DataTree] | None = None,
    scenarios: Sequence[Scenario] = (),
    progress: Callable[[str], None] | None = None,
) -> Path:
    """Write the explorer: one HTML page that needs no network.

    Parameters
    ----------
    trees : mapping of str to xarray.DataTree
        Fits of the occupation and prospect theories and the null (or some of them) to the same
        data.
    out : str or pathlib.Path
        The page.
    forms : mapping of str to xarray.DataTree, optional
        The hazard of decisions by theory, as
        `bayes_alliance.forecast.formation.formation` gives it; fitted if not given.
    scenarios : sequence of Scenario
        Groupings to offer before the bundled ones.
    progress : callable, optional
        Called with the name of each step as it begins.

    Returns
    -------
    pathlib.Path
        The page.

    Raises
    ------
    InputError
        If the fits cannot be used together, or the place cannot be written.
    """
    tell = progress or (lambda step: None)
    out = Path(out)
    check(trees, out, scenarios)
    if forms is None:
        forms = {}
        for name, tree in trees.items():
            tell(f"compile and sample the hazard of decisions: {name}")
            forms[name] = formation(tree)
    tell("compare")
    scores = {name: elpd(tree, progress=tell) for name, tree in trees.items()}
    tell("write the page")
    offered = {s.name: s for s in (*scenarios, *map(read, bundled_groupings()))}
    text = page(content(trees, forms, scores, list(offered.values())))
    return write_text(out, text)


def check(
    trees: Mapping[str, xr.DataTree], out: str | Path, scenarios: Sequence[Scenario] = ()
) -> None:
    """Refuse, before anything is computed, what cannot become a page.

    Parameters
    ----------
    trees : mapping of str to xarray.DataTree
        Fits by theory.
    out : str or pathlib.Path
        The page.
    scenarios : sequence of Scenario
        Groupings to offer.

    Raises
    ------
    InputError
        If the fits cannot be used together, or the place cannot be written.
    """
    if Path(out).suffix not in (".html", ".htm"):
        raise InputError("a file name ending in .html", file=str(out))
    target(out)
    _check(trees, scenarios)


def bundled_groupings() -> list[str]:
    """Names of the bundled scenarios of which others are changes: one a grouping.

    Returns
    -------
    list of str
        In their order.
    """
    return [name for name in bundled_scenarios() if name.endswith("-status-quo")]


def content(
    trees: Mapping[str, xr.DataTree],
    forms: Mapping[str, xr.DataTree],
    scores: Mapping[str, az.ELPDDataLOO],
    scenarios: Sequence[Scenario],
    draws: int = DRAWS,
) -> dict[str, Any]:
    """All that the page carries, as plain values.

    Parameters
    ----------
    trees : mapping of str to xarray.DataTree
        Fits by theory.
    forms : mapping of str to xarray.DataTree
        The hazard of decisions by theory.
    scores : mapping of str to arviz.ELPDDataLOO
        What `bayes_alliance.compare.loo.elpd` gave by theory.
    scenarios : sequence of Scenario
        Groupings to offer.
    draws : int
        About how many draws to carry.

    Returns
    -------
    dict
        For `bayes_alliance.forecast.explorer.page`.

    Raises
    ------
    InputError
        If the fits cannot be used together.
    """
    _check(trees, scenarios)
    panels = {str(forms[name]["tables"]["panel"].item()) for name in trees}
    if len(panels) > 1:
        raise InputError("hazards of decisions of the same years", column="forms")
    base = data_of(next(iter(trees.values())))
    weights = table(scores)["weight"].to_dict() if len(trees) > 1 else dict.fromkeys(trees, 1.0)
    where = places(base, pd.read_csv(io.StringIO(panels.pop())), scenarios)
    at, weight = hermegauss(ABOUT_PRIOR)
    return {
        "data": {"name": base.name, "cases": int(base.episodes["case"].nunique())},
        "year": YEAR,
        "last_horizon": LAST_HORIZON,
        "era": ERA,
        "prob": CI_PROB,
        "rungs": list(RUNGS),
        "rung_of_cell": RUNG_OF_CELL.tolist(),
        "designs": list(DESIGNS),
        "statements": list(STATEMENTS),
        "theatres": list(THEATRES),
        "powers": list(POWERS),
        "most_clients": MOST_CLIENTS,
        "cells": {
            "cells": list(CELLS),
            "partners": PARTNERS.tolist(),
            "strong": STRONG.tolist(),
            "trilateral": TRILATERAL.tolist(),
            "multilateral": MULTILATERAL.tolist(),
            "departures": DEPARTURES.tolist(),
            "risk": RISK.tolist(),
        },
        "constants": {
            "least_ratio": LEAST_RATIO,
            "memory": MEMORY,
            "land": LAND,
            "usual": USUAL,
            "ages": YEARS,
            "age_breaks": list(AGE_BREAKS),
        },
        "quadrature": {"at": at.tolist(), "weight": weight.tolist()},
        "sobol": np.round(sobol_normal(NODES, MOST_CLIENTS, seed=0), 6).tolist(),
        "bounds": {
            "clients": {c: list(map(float, bounds(COLUMNS[c]))) for c in NUMBERS},
            "threat": {c: _threat_bounds(c) for c in THREAT},
        },
        "ranges": {
            "clients": {c: _range(base.clients[c]) for c in NUMBERS},
            "group": int(base.clients.groupby("episode").size().max()),
            "levels": _levels_of(base),
        },
        "states": states(),
        "latest": _latest(),
        "places": where,
        "groupings": [start(scenario, where) for scenario in scenarios],
        "theories": {
            name: stored(tree, forms[name], round(float(weights[name]), 6), where, draws)
            for name, tree in sorted(trees.items(), key=lambda item: MAIN.index(item[0]))
        },
        "limits": limits(trees, scores, base, draws),
    }


def _threat_bounds(column: str) -> list[float]:
    low, high = map(float, bounds(THREAT[column]))
    return [max(low, LEAST_RATIO), high] if column.endswith("_ratio") else [low, high]


def _check(trees: Mapping[str, xr.DataTree], scenarios: Sequence[Scenario]) -> None:
    """Refuse what the page has no equations for."""
    if not trees:
        raise InputError("one fit or more", column="fits")
    for name, tree in trees.items():
        if tree.attrs["theory"] not in MAIN:
            raise InputError(
                f"fits of {', '.join(MAIN)}: the page has the equations of these",
                column="theory",
                value=name,
            )
        if tree.attrs["data_hash"] != next(iter(trees.values())).attrs["data_hash"]:
            raise InputError("fits of the same data", row=name, column="data")
    for scenario in scenarios:
        if scenario.year != YEAR:
            raise InputError(
                f"{YEAR}, the first year of every grouping on the page",
                file=scenario.name,
                column="year",
                value=scenario.year,
            )
        if not constant(scenario):
            words = "values that hold in all years: the page sets each for all of them"
            raise InputError(words, file=scenario.name, column="path, interventions")
        if not scenario.horizon <= LAST_HORIZON or len(scenario.clients) > MOST_CLIENTS:
            raise InputError(
                f"a horizon to {LAST_HORIZON} and at most {MOST_CLIENTS} clients",
                file=scenario.name,
                column="horizon, clients",
                value=f"{scenario.horizon}, {len(scenario.clients)}",
            )


# --- draws ----------------------------------------------------------------------------------------


def thinned(tree: xr.DataTree, levels: Mapping[str, Sequence[str]], draws: int = DRAWS):
    """A fit, or a hazard of decisions, with the draws that the page carries and no others.

    Parameters
    ----------
    tree : xarray.DataTree
        What `bayes_alliance.fit` or `bayes_alliance.forecast.formation.formation` gave.
    levels : mapping of str to sequence of str
        By factor, the levels that must have an effect. Those that the fit has not seen draw
        theirs from a standard normal, which the scale multiplies in the model; the only level of
        a factor without effects has none.
    draws : int
        About how many draws.

    Returns
    -------
    xarray.DataTree
        One chain, rounded to single precision. Draws of a hazard are in random order, so that
        pairs with those of the theory are pairs at random.
    """
    posterior = tree["posterior"].to_dataset()
    keep = [n for n, v in posterior.data_vars.items() if set(v.dims[2:]) <= OF_PARAMETERS]
    flat = posterior[keep].stack(sample=("chain", "draw")).transpose("sample", ...)
    rng = np.random.default_rng(int(tree.attrs["seed"]))
    chosen = np.linspace(0, flat.sizes["sample"] - 1, min(draws, flat.sizes["sample"]))
    chosen = chosen.round().astype(int)
    if "model" in tree.attrs:
        chosen = rng.permutation(chosen)
    variables = {n: (v.dims[1:], v.to_numpy()[chosen]) for n, v in flat[keep].data_vars.items()}
    coords = {d: flat[d].to_numpy() for d in OF_PARAMETERS if d in flat.coords}
    own = _own_levels(tree, flat)
    for factor in FACTORS:
        known = own[factor]
        every = [*known, *(level for level in levels[factor] if level not in known)]
        stages = len(flat[f"scale_{factor}"][0])
        values = rng.standard_normal((len(chosen), stages, len(every)))
        name = f"z_{factor}"
        values[..., : len(known)] = variables[name][1] if name in variables else 0.0
        variables[name] = (("stage", factor), values)
        coords[factor] = np.array(every)
    data = {
        name: (("chain", "draw", *dims), values.astype(np.float32).astype(float)[None])
        for name, (dims, values) in variables.items()
    }
    made = xr.Dataset(data, coords={"chain": [0], "draw": np.arange(len(chosen)), **coords})
    groups = {name: group.to_dataset() for name, group in tree.children.items()}
    out = xr.DataTree.from_dict(groups | {"posterior": made})
    out.attrs.update(tree.attrs)
    return out


def _own_levels(tree: xr.DataTree, flat: xr.Dataset) -> dict[str, list[str]]:
    """Levels with an effect, or the one of a factor that has none."""
    alone = _levels_of(data_of(tree)) if "model" not in tree.attrs else {}
    return {
        f: flat[f].to_numpy().tolist() if f"z_{f}" in flat else alone.get(f, [])[:1]
        for f in FACTORS
    }


def _levels_of(data: Data) -> dict[str, list[str]]:
    episodes = data.episodes
    found = {
        "theatre": episodes["theatre"].astype(str),
        "patron": episodes["patron"].astype(str),
        "era": episodes["date"].map(era),
    }
    return {factor: list(dict.fromkeys(found[factor])) for factor in FACTORS}


def offered_levels(where: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Levels of the factors that can be chosen on the page.

    Parameters
    ----------
    where : mapping
        What `places` gave.

    Returns
    -------
    dict of str to list of str
        By factor.
    """
    found = {f: list(dict.fromkeys(p[f] for p in where.values())) for f in ("theatre", "patron")}
    return found | {"era": [ERA]}


def stored(
    tree: xr.DataTree,
    form: xr.DataTree,
    weight: float,
    where: Mapping[str, Mapping[str, Any]],
    draws: int = DRAWS,
) -> dict[str, Any]:
    """Draws of a theory and of its hazard of decisions, as the page carries them.

    Parameters
    ----------
    tree, form : xarray.DataTree
        A fit and its hazard of decisions.
    weight : float
        Stacking weight.
    where : mapping
        What `places` gave.
    draws : int
        About how many draws.

    Returns
    -------
    dict
        Plain values.
    """
    levels = offered_levels(where)
    small = [thinned(of, levels, draws) for of in (tree, form)]
    count = min(of["posterior"].sizes["draw"] for of in small)
    own, decisions = (_draws(of, count) for of in small)
    name, options = tree.attrs["theory"], dict(priors_of(tree).options)
    return {"name": name, "weight": weight, "options": options, **own, "formation": decisions}


def _draws(small: xr.DataTree, count: int) -> dict[str, Any]:
    """Draws as text: single precision, little-endian, base64, the draw last."""
    posterior = small["posterior"].to_dataset().isel(chain=0, draw=slice(count))
    parameters = {}
    for name, value in posterior.data_vars.items():
        rows = value.transpose(..., "draw").to_numpy().astype("<f4")
        text = base64.b64encode(rows.tobytes()).decode("ascii")
        parameters[name] = {"shape": list(rows.shape[:-1]), "data": text}
    levels = {factor: posterior[factor].to_numpy().tolist() for factor in FACTORS}
    return {"count": count, "levels": levels, "parameters": parameters}


# --- what is known --------------------------------------------------------------------------------


def places(
    base: Data, years: pd.DataFrame, scenarios: Sequence[Scenario]
) -> dict[str, dict[str, Any]]:
    """Patrons in theatres that can be chosen, with the threat to them and its past.

    Parameters
    ----------
    base : Data
        Tables of the fits.
    years : pandas.DataFrame
        Years that the hazards of decisions were fitted to.
    scenarios : sequence of Scenario
        Groupings, whose places are offered too.

    Returns
    -------
    dict of str to dict
        By patron and theatre: those of the groupings, and those in which the patron is a major
        power in the last year.
    """
    recent = panel()
    now = recent[(recent["year"] == recent["year"].max()) & (recent["major"] == 1)]
    keys = [(s.patron, s.theatre) for s in scenarios]
    keys += list(zip(now["patron"], now["theatre"], strict=True))
    out = {}
    for patron, theatre in dict.fromkeys(keys):
        known, wide, ours = (
            frame[(frame["patron"] == patron) & (frame["theatre"] == theatre)].sort_values("year")
            for frame in (base.years, recent, years[years["year"] < YEAR])
        )
        last = known if len(known) else wide
        threat = {c: _plain(last[c].iloc[-1]) if len(last) else None for c in THREAT}
        supposed = [_threat(s) for s in scenarios if (s.patron, s.theatre) == (patron, theatre)]
        if not len(last):
            threat |= supposed[0]
        if not len(known) and not supposed and None in threat.values():
            continue  # without years in the data all of the threat must come from somewhere
        ends = int(known["year"].iloc[-1]) if len(known) else None
        carried = known.set_index("year") if len(known) else known
        if ends is not None:
            # the years from the last to the first of the forecast repeat the last; lives of
            # designs are followed year by year, so there gaps are filled too
            more = carried.reindex([*carried.index, *range(ends + 1, YEAR)], method="ffill")
            whole = carried.reindex(range(int(carried.index[0]), YEAR), method="ffill")
        else:
            more = whole = known
        out[f"{patron} {theatre}"] = {
            "patron": patron,
            "theatre": theatre,
            "adversary": last["adversary"].iloc[-1] if len(last) else None,
            "ends": ends,
            "threat": threat,
            "ranges": {c: _range(known[c]) for c in THREAT} if len(known) else None,
            "past": _past(more),
            "panel_past": _past(whole),
            "formation_past": _past(ours),
            "unallied": float(wide["unallied"].iloc[-1] if len(wide) else round(np.expm1(USUAL))),
        }
    return out


def _threat(scenario: Scenario) -> dict[str, float]:
    """Components of threat that a scenario sets in its first year."""
    first = central(scenario).sel(year=scenario.year)
    given = {c: _plain(first[f"threat_{c}"].item()) for c in THREAT if f"threat_{c}" in first}
    return {column: value for column, value in given.items() if value is not None}


def _past(years: pd.DataFrame) -> dict[str, Any]:
    """What later years need of those before: how many, their sum, and the last."""
    rows = threat_components(years)
    return {
        "count": len(rows),
        "sum": rows.sum(0).tolist(),
        "recent": rows[-MEMORY:].tolist(),
    }


def _range(values: pd.Series) -> list[float] | None:
    known = values.dropna().astype(float)
    return [float(known.min()), float(known.max())] if len(known) else None


def _plain(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)


def _latest() -> dict[str, dict[str, list[Any]]]:
    """Indicators of every state, by adversary and state, in the order of `CLIENT`."""
    out: dict[str, dict[str, list[Any]]] = {power: {} for power in POWERS}
    for (client, power), row in latest().iterrows():  # type: ignore[misc]
        out[power][client] = [row[c] if c == "land_access" else _plain(row[c]) for c in CLIENT]
    return out


def start(scenario: Scenario, where: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Settings of the page that a scenario begins with: the middle of what it supposes.

    Parameters
    ----------
    scenario : Scenario
        A grouping.
    where : mapping
        What `places` gave.

    Returns
    -------
    dict
        ``name``, ``title``, ``question`` and ``settings``, which the page's ``answer`` takes.
    """
    first = central(scenario).sel(year=scenario.year)
    statement = first["statement"].item()
    threat = where[f"{scenario.patron} {scenario.theatre}"]["threat"] | _threat(scenario)
    share = 0.5 if scenario.share is None else scenario.share
    clients = []
    for name in scenario.clients:
        row = {c: first[c].sel(client=name).item() for c in CLIENT}
        clients.append(
            {"state": name, "land_access": row["land_access"]}
            | {c: _plain(row[c]) for c in NUMBERS}
        )
    settings = {
        "patron": scenario.patron,
        "theatre": scenario.theatre,
        "adversary": scenario.adversary,
        "initiative": scenario.initiative,
        "today": scenario.today,
        "horizon": scenario.horizon,
        "share": float(share.centre if isinstance(share, Beta) else share),
        "formation": True,
        "statement": statement,
        "expected": False,
        "promises": [float(v) for v in first["commitment"].to_numpy()],
        "threat": threat,
        "design": DESIGNS[-1],
        "clients": clients,
    }
    settings["supposed"] = _supposed(scenario, settings)
    words = {"title": scenario.title, "question": scenario.question}
    return {"name": scenario.name, **words, "settings": settings}


def _supposed(scenario: Scenario, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What a grouping is unsure of, by draw: it holds while a control stands at its middle."""
    drawn, out = sample(scenario, DRAWS, seed=1), {}
    if not isinstance(scenario.share, float | int):
        out["share"] = drawn["share"]
    if scenario.certainty is not None:
        promises = drawn["commitment"].sel(year=scenario.year)
        out["promises"] = promises.transpose("commitment_level", "draw")
    return {
        key: {"middle": settings[key], "draws": values.to_numpy().round(5).tolist()}
        for key, values in out.items()
    }


# --- what it cannot know --------------------------------------------------------------------------


def limits(
    trees: Mapping[str, xr.DataTree],
    scores: Mapping[str, az.ELPDDataLOO],
    base: Data,
    draws: int,
) -> list[str]:
    """What stands on the page of what it cannot know.

    Parameters
    ----------
    trees : mapping of str to xarray.DataTree
        Fits by theory.
    scores : mapping of str to arviz.ELPDDataLOO
        Scores by theory.
    base : Data
        Tables of the fits.
    draws : int
        Draws that the page carries.

    Returns
    -------
    list of str
        Sentences.
    """
    cases, episodes = base.episodes["case"].nunique(), base.episodes
    first, last = episodes["date"].dt.year.min(), episodes["date"].dt.year.max()
    percent = f"{CI_PROB:.0%}".replace("%", " %")
    sizes = next(iter(trees.values()))["posterior"].sizes
    total = sizes["chain"] * sizes["draw"]
    out = [
        "Every number is conditional on these models and on what is set here. An interval holds "
        f"{percent} of the posterior draws: it says how unsure the parameters are, not how likely "
        "the models are to be wrong.",
        f"The fits are of {cases} cases of {base.name}, {first} to {last}. The page carries "
        f"{min(draws, total)} of {total} draws a theory, so the last digit may differ from the "
        "package's own answer.",
        *_told(scores),
        "The share of decisions that are about this grouping is a judgement. No data inform it. As "
        "a grouping begins its doubt about the share and the promises is in the intervals; what is "
        "moved is taken as certain. Other inputs given as distributions stand at their middle.",
        "What is set holds from the first year on, in all years. Nothing answers back: a design "
        "does not change the threat, and a threat does not change the promises, unless they are "
        "left to the occupation theory.",
        "Within the horizon a design is not unmade. How long it would last is the last figure.",
    ]
    if ERA not in _levels_of(base)["era"]:
        out.insert(
            2,
            f"No case is of the era after 2016 ({ERA!r}). Its effects come from how far the other "
            "eras differ, or from the priors.",
        )
    for name, tree in trees.items():
        found = diagnose(tree)
        if found["problems"]:
            out.append(f"The fit of {name} is not to be trusted: {'; '.join(found['problems'])}.")
    return out


def _told(scores: Mapping[str, az.ELPDDataLOO]) -> list[str]:
    """Whether the theories are told apart from the null, and from each other."""
    names = [name for name in MAIN if name in scores]
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    out = []
    for told in (False, True):
        said = [
            f"{a} from {'the null model' if b == NULL else b} ({_gap(scores[a], scores[b])})"
            for a, b in pairs
            if told_apart(*difference(scores[a], scores[b])[:2]) == told
        ]
        if said:
            words = "The cases tell apart" if told else "The cases do not tell apart"
            out.append(f"{words}: {'; '.join(said)}.")
    return out


def _gap(first: az.ELPDDataLOO, second: az.ELPDDataLOO) -> str:
    gap, error, _ = difference(first, second)
    of_error = f", standard error {error:.1f}" if math.isfinite(error) else ""
    return f"difference in log score {gap:.1f}{of_error}".replace("-", "−")
