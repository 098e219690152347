"""Forecasts from a year in the past, by theories that were fitted to what was known then.

Asked are the years after the origin: what designs come of the cases that arise, in which years
decisions arise, and how long designs last. A forecast of a design is given the decision and its
covariates; one of a decision or of a life carries the last known year on (``carried``), or is
told the threat of the years to come (``told``), which nobody knew.

References
----------
Tashman (2000), "Out-of-sample tests of forecasting accuracy: an analysis and review", on rolling
origins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from bayes_alliance.compare.hypotheses import CI_PROB
from bayes_alliance.compare.loo import compare
from bayes_alliance.data.load import Data
from bayes_alliance.data.panel import KEY
from bayes_alliance.errors import InputError
from bayes_alliance.forecast.baselines import design_baselines, life_baselines, year_baselines
from bayes_alliance.forecast.forecast import NODES, STACKED, carry_over, seen_levels, stack
from bayes_alliance.forecast.formation import COVARIATES, hazard
from bayes_alliance.forecast.known import (
    PAIR,
    carried_on,
    cases_after,
    known_at,
    known_panel,
    lives_after,
)
from bayes_alliance.process.cells import CELLS
from bayes_alliance.process.containers import arrays
from bayes_alliance.process.designs import designs
from bayes_alliance.process.integrated import INFORMATION, LATENT, Evaluator
from bayes_alliance.process.survival import OBSERVED_UNTIL, alliance_years
from bayes_alliance.storage import data_of, priors_of
from bayes_alliance.theories import build

HORIZON = 15
"""Years ahead."""
THREAT = ("carried", "told")
"""What a forecast knows of the years to come: nothing, or their covariates."""


def weights_of(trees: Mapping[str, xr.DataTree]) -> dict[str, float]:
    """Stacking weights of fits, by PSIS-LOO of the cases that they have seen.

    Parameters
    ----------
    trees : mapping of str to xarray.DataTree
        Fits of what was known.

    Returns
    -------
    dict of str to float
        Weights that sum to 1.
    """
    if len(trees) == 1:
        return dict.fromkeys(trees, 1.0)
    found = compare(trees, exact=False)["weight"]
    return {name: float(found[name]) for name in trees}


def forecast_designs(
    trees: Mapping[str, xr.DataTree],
    weights: Mapping[str, float],
    data: Data,
    origin: int,
    until: int,
) -> xr.Dataset:
    """Designs of the cases that arise after an origin.

    Parameters
    ----------
    trees : mapping of str to xarray.DataTree
        Fits of ``known_at(data, origin)``.
    weights : mapping of str to float
        Stacking weights by theory.
    data : Data
        All tables.
    origin, until : int
        First year, and the year after the last.

    Returns
    -------
    xarray.Dataset
        ``probability``, dims ``information, name, case, cell``; ``cell_observed``, ``date``,
        ``patron``, ``theatre`` and ``accession`` (0 or 1) by case; ``attrs["notes"]``.

    Raises
    ------
    InputError
        If the years are not observed, or nothing arose in them.
    """
    _check(origin, until)
    cases = cases_after(data, origin, until)
    if cases.episodes.empty:
        raise InputError("years in which a case arose", column="origin", value=origin)
    found = {name: theory_designs(tree, cases) for name, tree in trees.items()}
    found[STACKED] = mixed(found, weights)
    base = known_at(data, origin)
    notes: dict[str, str] = {}
    for i, information in enumerate(INFORMATION):
        others, said = design_baselines(base, cases, information == "commitments")
        notes |= {f"{name}, {information}": words for name, words in said.items()}
        for name, values in others.items():
            found.setdefault(name, np.zeros((len(INFORMATION), *values.shape)))[i] = values
    episodes = cases.episodes
    return xr.Dataset(
        {
            "probability": (
                ("information", "name", "case", "cell"),
                np.stack(list(found.values()), axis=1),
            ),
            "cell_observed": ("case", designs(data).loc[episodes["episode"]].to_numpy()),
            "date": ("case", episodes["date"].dt.strftime("%Y-%m-%d").to_numpy(str)),
            "patron": ("case", episodes["patron"].to_numpy(str)),
            "theatre": ("case", episodes["theatre"].to_numpy(str)),
            "accession": ("case", episodes["accession_to"].notna().to_numpy(int)),
        },
        coords={
            "information": list(INFORMATION),
            "name": list(found),
            "case": episodes["episode"].to_numpy(str),
            "cell": list(CELLS),
        },
        attrs={"notes": notes},
    )


def mixed(found: Mapping[str, np.ndarray], weights: Mapping[str, float]) -> np.ndarray:
    """Mean of the theories' probabilities in proportion to their weights.

    Parameters
    ----------
    found : mapping of str to numpy.ndarray
        Probabilities by theory.
    weights : mapping of str to float
        Weights that sum to 1.

    Returns
    -------
    numpy.ndarray
        Probabilities of the mixture.
    """
    return np.sum([weights[name] * found[name] for name in weights], axis=0)


def theory_designs(tree: xr.DataTree, cases: Data, draws: int = 1000) -> np.ndarray:
    """Probabilities of the designs of cases that a fit has not seen.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.
    cases : Data
        What `bayes_alliance.forecast.known.cases_after` gave.
    draws : int
        About how many draws to use.

    Returns
    -------
    numpy.ndarray, shape (information, case, cell)
        Posterior predictive probabilities. Patrons, theatres and eras that the fit has not seen
        draw their effects from its scales.
    """
    model = build(tree.attrs["theory"], cases, priors_of(tree), seen_levels(tree, data_of(tree)))
    evaluator = Evaluator(model, ("design_probability",))
    nodes = evaluator.nodes(None, NODES, seed=tree.attrs["seed"])
    out = evaluator.run(draws_for_levels(model, tree, draws), nodes)
    mean = out.mean(("chain", "draw"))
    return np.stack([mean[f"design_probability_{known}"].to_numpy() for known in INFORMATION])


def draws_for_levels(model: pm.Model, tree: xr.DataTree, draws: int) -> xr.Dataset:
    """Posterior draws for a model that has more patrons, theatres and eras than the fit.

    Parameters
    ----------
    model : pymc.Model
        The theory's model of other tables.
    tree : xarray.DataTree
        A fit.
    draws : int
        About how many draws to use.

    Returns
    -------
    xarray.Dataset
        What `bayes_alliance.forecast.forecast.carry_over` gives, without latent variables.
    """
    sizes = tree["posterior"].sizes
    step = max(1, sizes["chain"] * sizes["draw"] // draws)
    posterior = tree["posterior"].to_dataset().isel(draw=slice(None, None, step))
    needed = {
        rv.name: (model.named_vars_to_dims.get(rv.name, ()), dict(model.coords))
        for rv in model.free_RVs
        if rv.name != LATENT
    }
    return carry_over(posterior, needed, tree.attrs["seed"])


def forecast_years(
    forms: Mapping[str, xr.DataTree],
    weights: Mapping[str, float],
    panel: pd.DataFrame,
    origin: int,
    until: int,
    seed: int = 1,
) -> xr.Dataset:
    """Years after an origin in which decisions arise.

    Parameters
    ----------
    forms : mapping of str to xarray.DataTree
        What `bayes_alliance.forecast.formation.formation` gave of ``known_panel(panel, origin)``.
    weights : mapping of str to float
        Stacking weights by theory.
    panel : pandas.DataFrame
        All years, as `bayes_alliance.data.panel.panel` gives them.
    origin, until : int
        First year, and the year after the last.
    seed : int
        Seed of the simulated numbers of years.

    Returns
    -------
    xarray.Dataset
        ``probability`` of a decision in the year, dims ``threat, name, row``; ``arose``,
        ``patron``, ``theatre`` and ``year`` by row; ``any``, the probability of a decision in all
        the years, and ``count``, those of each number of years with one, by ``pair`` (a patron in a
        theatre); ``total``, mean and 90 % interval of that number over all pairs, dims
        ``threat, name, bound``. ``attrs["missed"]`` counts the years with a decision of patrons
        that had decided nothing in the theatre before, of which there is no forecast.

    Raises
    ------
    InputError
        If the years are not observed.
    """
    _check(origin, until)
    known = known_panel(panel, origin)
    asked = {"carried": years_ahead(known, origin, until)}
    actual = panel[panel["year"] < until].set_index(KEY)
    told = asked["carried"].set_index(KEY)
    after = actual.loc[actual.index.intersection(told.index, sort=False), told.columns]
    told.loc[after.index] = after
    asked["told"] = told.reset_index()
    rows = asked["carried"]
    index = pd.MultiIndex.from_frame(rows[KEY])
    arose = actual["decisions"].reindex(index, fill_value=0).fillna(0).to_numpy() > 0
    plain = year_baselines(known, rows, seed)
    rng = np.random.default_rng(seed)
    place, _ = pd.factorize(pd.MultiIndex.from_frame(rows[PAIR]))
    found: dict[str, list[np.ndarray]] = {k: [] for k in ("probability", "any", "count", "total")}
    for covariates in asked.values():
        rates = {name: hazard(form, covariates).to_numpy() for name, form in forms.items()}
        rates[STACKED] = stack(rates, weights)
        each = [numbers(rate, place, rng) for rate in (rates | plain).values()]
        for key in found:
            found[key].append(np.stack([one[key] for one in each]))
    later = panel["year"].between(origin, until - 1) & (panel["decisions"] > 0)
    first = rows.drop_duplicates(PAIR)
    return xr.Dataset(
        {
            "probability": (("threat", "name", "row"), np.stack(found["probability"])),
            "arose": ("row", arose.astype(int)),
            "any": (("threat", "name", "pair"), np.stack(found["any"])),
            "count": (("threat", "name", "pair", "number"), np.stack(found["count"])),
            "total": (("threat", "name", "bound"), np.stack(found["total"])),
            **{k: ("row", rows[k].to_numpy(str if k != "year" else int)) for k in KEY},
            "place": ("row", place),
        },
        coords={
            "threat": list(THREAT),
            "name": [*forms, STACKED, *plain],
            "pair": (first["patron"] + " " + first["theatre"]).to_numpy(str),
            "bound": ["mean", "lower", "upper"],
        },
        attrs={"missed": int(later.sum() - arose.sum())},
    )


def years_ahead(known: pd.DataFrame, origin: int, until: int) -> pd.DataFrame:
    """Years to come of the patrons that were major powers in the last known year.

    Parameters
    ----------
    known : pandas.DataFrame
        What `bayes_alliance.forecast.known.known_panel` gave.
    origin, until : int
        First year, and the year after the last.

    Returns
    -------
    pandas.DataFrame
        Rows for `bayes_alliance.forecast.formation.hazard`, the last known values carried on.
    """
    last = known[(known["year"] == origin - 1) & (known["major"] == 1)]
    rows = carried_on(last, origin, until)
    columns = [*KEY, "unallied", *COVARIATES]
    return rows.loc[rows["year"] >= origin, columns].reset_index(drop=True)


def numbers(rate: np.ndarray, place: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """What hazards say of years, of all years of a pair, and of the number of years.

    Parameters
    ----------
    rate : numpy.ndarray, shape (draw, row)
        Hazard a year.
    place : numpy.ndarray of int, shape (row,)
        Pair of each row.
    rng : numpy.random.Generator
        Source of the simulated years.

    Returns
    -------
    dict of str to numpy.ndarray
        ``probability`` (row,), ``any`` (pair,), ``count`` (pair, number) and ``total``, mean and
        90 % interval.
    """
    chance = -np.expm1(-rate)
    of_pair = np.eye(place.max() + 1)[place]  # (row, pair)
    drawn = ((rng.random(rate.shape) < chance) @ of_pair).astype(int)  # (draw, pair)
    most = int(of_pair.sum(0).max())
    total = drawn.sum(1)
    tail = (1 - CI_PROB) / 2
    return {
        "probability": chance.mean(0),
        "any": -np.expm1(-rate @ of_pair).mean(0),
        "count": np.stack([(drawn == k).mean(0) for k in range(most + 1)], axis=-1),
        "total": np.array([chance.sum(1).mean(), *np.quantile(total, [tail, 1 - tail])]),
    }


def forecast_lives(
    trees: Mapping[str, xr.DataTree],
    weights: Mapping[str, float],
    data: Data,
    origin: int,
    until: int,
) -> xr.Dataset:
    """How long the designs last that are in force at an origin or made after it.

    Parameters
    ----------
    trees, weights, data, origin, until
        As in `forecast_designs`.

    Returns
    -------
    xarray.Dataset
        ``standing``, probability that a design still stands, dims ``threat, name, design, ahead``
        (years from the origin, or from its beginning if later; beyond the last year the hazard
        goes on); ``age``, ``follow``, ``duration``, ``event``, ``censored`` and ``made`` by design
        as `bayes_alliance.forecast.known.lives_after` gives them; ``attrs["notes"]``.

    Raises
    ------
    InputError
        If the years are not observed, or no design was in force in them.
    """
    _check(origin, until)
    lives, truth = lives_after(data, origin, until)
    if truth.empty:
        raise InputError("years in which a design was in force", column="origin", value=origin)
    ahead = np.arange(until - origin + 1.0)
    age = truth["age"].to_numpy()
    found = {
        name: theory_lives(tree, lives, age, ahead, origin, until) for name, tree in trees.items()
    }
    found[STACKED] = mixed(found, weights)
    known = known_at(data, origin)
    others, notes = zip(
        *(life_baselines(known, one, age, ahead) for one in by_threat(lives, origin, until)),
        strict=True,
    )
    found |= {name: np.stack([one[name] for one in others]) for name in others[0]}
    return xr.Dataset(
        {
            "standing": (
                ("threat", "name", "design", "ahead"),
                np.stack(list(found.values()), axis=1),
            ),
            **{column: ("design", truth[column].to_numpy()) for column in truth},
        },
        coords={
            "threat": list(THREAT),
            "name": list(found),
            "design": truth.index.to_numpy(str),
            "ahead": ahead,
        },
        attrs={"notes": notes[0]},
    )


def by_threat(lives: Data, origin: int, until: int) -> tuple[Data, Data]:
    """Designs with the last known year carried on, and with the threat to come told.

    A year in which a patron was no state is that before it.

    Parameters
    ----------
    lives : Data
        What `bayes_alliance.forecast.known.lives_after` gave.
    origin, until : int
        First year, and the year after the last.

    Returns
    -------
    tuple of Data
        In the order of `THREAT`.
    """
    carried, told = (carried_on(lives.years, known, until) for known in (origin, until))
    return replace(lives, years=carried), replace(lives, years=told)


def theory_lives(
    tree: xr.DataTree,
    lives: Data,
    age: np.ndarray,
    ahead: np.ndarray,
    origin: int,
    until: int,
    draws: int = 1000,
) -> np.ndarray:
    """Probabilities that designs still stand, by a theory.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.
    lives : Data
        What `bayes_alliance.forecast.known.lives_after` gave.
    age : numpy.ndarray, shape (design,)
        Age at which the forecast begins.
    ahead : numpy.ndarray
        Years from there.
    origin, until : int
        First year, and the year after the last.
    draws : int
        About how many draws to use.

    Returns
    -------
    numpy.ndarray, shape (threat, design, ahead)
        Posterior predictive probabilities, with the years' threat carried on and told.
    """
    base, told = by_threat(lives, origin, until)
    levels = seen_levels(tree, data_of(tree))
    model = build(tree.attrs["theory"], base, priors_of(tree), levels)
    passed = exposure_ahead(alliance_years(lives.episodes), lives, age, ahead)
    with model:
        model.add_coord("ahead", ahead)
        flat = pt.as_tensor(passed.reshape(-1, passed.shape[-1])) @ model["hazard"]
        standing = pt.exp(-flat.reshape(passed.shape[:2]))
        pm.Deterministic("standing", standing, dims=("episode", "ahead"))
    model.made_of = None  # the years are in the graph
    evaluator = Evaluator(model, ("standing",), densities=False)
    nodes = evaluator.nodes(None, seed=tree.attrs["seed"])
    posterior = draws_for_levels(model, tree, draws)
    out = []
    for tables in (base, told):
        values = {name: value for name, (_, value) in arrays(tables, levels).items()}
        pm.set_data(values, model=model)
        mean = evaluator.run(posterior, nodes).mean(("chain", "draw"))
        out.append(mean["standing_commitments"].to_numpy())
    return np.stack(out)


def exposure_ahead(
    stretches: pd.DataFrame, lives: Data, age: np.ndarray, ahead: np.ndarray
) -> np.ndarray:
    """Years that a design spends in each stretch, from the origin up to some years ahead.

    Parameters
    ----------
    stretches : pandas.DataFrame
        What `bayes_alliance.process.survival.alliance_years` gave.
    lives : Data
        Designs, in order.
    age : numpy.ndarray, shape (design,)
        Age at which the forecast begins.
    ahead : numpy.ndarray
        Years from there.

    Returns
    -------
    numpy.ndarray, shape (design, ahead, alliance_year)
        Exposures; the last stretch of a design goes on.
    """
    names = lives.episodes["episode"].tolist()
    design = stretches["episode"].map({name: i for i, name in enumerate(names)}).to_numpy(int)
    begin = stretches["age_from"].to_numpy() - age[design]
    end = begin + stretches["exposure"].to_numpy()
    end[np.append(design[1:] != design[:-1], True)] = np.inf
    spent = np.clip(np.minimum(end, ahead[:, None]) - np.maximum(begin, 0.0), 0.0, None)
    return np.where(design == np.arange(len(names))[:, None, None], spent, 0.0)


def _check(origin: int, until: int) -> None:
    """Refuse years that are not observed."""
    if not origin < until <= OBSERVED_UNTIL.year:
        words = f"years that end by {OBSERVED_UNTIL.year}, the first that is not observed"
        raise InputError(words, column="until", value=until)
