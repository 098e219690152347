"""How often decisions about alliances arise: a hazard by patron, theatre and year.

    arose_y ~ Bernoulli(1 - exp(-h_y))                        at least one decision in year y
    log h_y = alpha + eta (log(1 + unallied_y) - 3) + theatre + patron + era + sum_k b_k z_ky

(complementary log-log: h is a hazard in continuous time, constant within the year). At risk are the
years in which the patron is a major power. Effects are those of `process.hierarchy`: they sum to
zero within a factor and are partially pooled. z_k is what the theory says makes decisions arise
(its ``drive``): the frame of the prospect theory, the threat of the threat theory, the mean
credibility of occupying the unallied states of the occupation theory; without ``drive`` there is
none. z stands on fixed units, and its parameters have their posterior of the theory's fit for prior
(`forecast.parameters`), so that its doubt is in the hazard.

References
----------
Prentice & Gloeckler (1978), "Regression analysis of grouped survival data with application to
breast cancer data". Beck, Katz & Tucker (1998), "Taking time seriously".
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt
import xarray as xr
from cachetools import LRUCache, cached

from bayes_alliance.bundled import bundled
from bayes_alliance.data.columns import THEATRES
from bayes_alliance.data.panel import KEY
from bayes_alliance.data.panel import panel as bundled_panel
from bayes_alliance.data.schema import TABLES
from bayes_alliance.data.validate import read_table
from bayes_alliance.density import GRAPHS, compile_model, untraced
from bayes_alliance.errors import InputError
from bayes_alliance.fit import made_for, sample_model, versions, with_containers
from bayes_alliance.forecast import given
from bayes_alliance.forecast.forecast import READERS, carry_over, contents
from bayes_alliance.forecast.parameters import Asked, Carried, Parameters
from bayes_alliance.process.containers import (
    CLIENT_COVARIATES,
    FACTORS,
    THREAT_COMPONENTS,
    Arrays,
    codes,
    era,
    exposed_covariates,
    threat_history,
)
from bayes_alliance.process.hierarchy import effects
from bayes_alliance.process.integrated import quantities
from bayes_alliance.process.priors import CONTAINER, Priors, load_priors
from bayes_alliance.sampling import check_room, settings
from bayes_alliance.storage import priors_of
from bayes_alliance.theories import NAMES, code_of, get, sizes

MODEL = "formation"
TARGET_ACCEPT = 0.95
"""Smaller steps than a theory's fit has: rare decisions and few patrons make scales narrow."""
USUAL = 3.0
"""log(1 + unallied states) at which alpha is the log hazard: about nineteen states."""
LAST_YEAR = 2200
BOUNDS: dict[str, tuple[float, float, bool]] = {
    "year": (1816, LAST_YEAR, True),
    "unallied": (0, 10_000, True),
    "power_ratio": (0, 1e6, False),
    "forces_ratio": (0, 1e6, False),
    "distance_km": (0, 20040, False),
    "polyarchy_gap": (-1, 1, False),
    "disputes": (0, 10_000, True),
    "exposed_capability_ratio": (0, 1e6, False),
    "exposed_contiguous": (0, 1, False),
    "exposed_landmass": (0, 1, False),
    "exposed_distance_km": (0, 20040, False),
    "exposed_occupied": (0, 1, False),
    "major": (0, 1, True),
    "decisions": (0, 10_000, True),
}
"""Least and largest value of each column, and whether it is whole."""
COVARIATES = tuple(BOUNDS)[2:12]
"""Columns of which what is not known stands at its centre."""
MAY_BE_EMPTY = {*COVARIATES, "decisions"}

_log_densities: LRUCache[tuple, Any] = LRUCache(READERS)


def formation(
    tree: xr.DataTree,
    panel: pd.DataFrame | None = None,
    *,
    draws: int = 1000,
    tune: int = 500,
    chains: int = 4,
    seed: int = 1,
    priors: Mapping[str, Any] | str | Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> xr.DataTree:
    """Fit the hazard that decisions arise, driven by a theory's latent variable.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit of the theory: its parameters, with their posterior, make the driver.
    panel : pandas.DataFrame, optional
        Years of patrons in theatres as `bayes_alliance.data.panel.panel` gives them, which is the
        default. A year whose ``decisions`` are missing is not observed.
    draws, tune, chains : int
        Draws kept and discarded by chain, and number of chains.
    seed : int
        Seed of everything random.
    priors : mapping or path, optional
        Changes to the priors of ``models/formation.toml``.
    progress : callable, optional
        Called with the name of each step as it begins.

    Returns
    -------
    xarray.DataTree
        Groups ``posterior``, ``sample_stats``, ``log_likelihood`` (by observed year at risk, in
        single precision: there are millions of them),
        ``log_prior``, ``constant_data`` and ``tables``; ``attrs`` carry versions, hashes, seed and
        seconds. `bayes_alliance.diagnose` and `bayes_alliance.save` take it.

    Raises
    ------
    InputError
        If an argument is out of range, or the panel cannot be used.
    """
    asked = settings(draws, tune, chains, seed)
    draws, tune, chains, seed = asked.values()
    given.fits({"fit": tree})
    if panel is not None and not isinstance(panel, pd.DataFrame):
        raise InputError("a DataFrame, or None", column="panel", value=type(panel).__name__)
    tell = progress or (lambda step: None)
    years = bundled_panel() if panel is None else check_years(panel, ("major", "decisions"))
    spec = load_priors(MODEL, priors)
    theory, options = tree.attrs["theory"], priors_of(tree).options
    carried = Carried.of(tree, _asked(theory, options, years))
    at_risk = (years["major"] == 1).to_numpy()
    if not (at_risk & years["decisions"].notna()).any():
        raise InputError("an observed year of a major power", column="major")
    began = time.perf_counter()
    tell("compile")
    rows = _arrays(years, at_risk)
    model = _model(theory, options, carried, spec, rows)
    log_density = _compiled(model, theory, options, carried, spec, rows)
    check_room(model, draws, tune, chains)
    compiled_after = time.perf_counter()
    tell("sample")
    sampled = sample_model(model, log_density, draws, tune, chains, seed, "nutpie", TARGET_ACCEPT)
    sampled_after = time.perf_counter()
    tell("summarise")
    out = _complete(sampled, model, years, spec, options, carried)
    whole = {"chain": chains, "draw": draws}
    out.attrs.update(
        model=MODEL,
        theory=theory,
        fit_data_hash=tree.attrs["data_hash"],
        fit_priors_hash=tree.attrs["priors_hash"],
        data_hash=digest(years),
        priors_hash=spec.hash,
        **asked,
        sampler="nutpie",
        seconds_compile=compiled_after - began,
        seconds_sample=sampled_after - compiled_after,
        seconds=time.perf_counter() - began,
        interrupted=int(any(out["posterior"].sizes[d] < n for d, n in whole.items())),
        **made_for(),
        **{f"version_{name}": v for name, v in versions().items()},
    )
    return out


def hazard(form: xr.DataTree, rows: pd.DataFrame) -> xr.DataArray:
    """Hazard of a decision in years to come, or in any others.

    Parameters
    ----------
    form : xarray.DataTree
        What `formation` gave.
    rows : pandas.DataFrame
        ``patron``, ``theatre``, ``year``, ``unallied``, and the covariates of the panel, which may
        be empty. The years before them are those of the panel; rows take the place of its own.

    Returns
    -------
    xarray.DataArray, dims draw, row
        Hazard a year; the probability of at least one decision in it is 1 - exp(-hazard). Effects
        of patrons, theatres and eras without a year in the panel are drawn from their scales.

    Raises
    ------
    InputError
        If the rows cannot be used.
    """
    return xr.DataArray(
        hazards(form, [rows])[0],
        dims=("draw", "row"),
        coords={name: ("row", rows[name].to_numpy()) for name in KEY},
        name="hazard",
    )


def hazards(form: xr.DataTree, tables: Sequence[pd.DataFrame]) -> np.ndarray:
    """Hazards of several suppositions about the same years, from one model of all.

    Parameters
    ----------
    form : xarray.DataTree
        What `formation` gave.
    tables : sequence of pandas.DataFrame
        Each as `hazard` takes it; all of the same patrons, theatres and years.

    Returns
    -------
    numpy.ndarray, shape (table, draw, row)
        Hazards; effects that are drawn are the same in all tables.

    Raises
    ------
    InputError
        If a table cannot be used.
    """
    years, seen = _panel_of(str(form["tables"]["panel"].item()))
    theory, stored = form.attrs["theory"], json.loads(str(form["tables"]["priors"].item()))
    spec = Priors(MODEL, stored["parameters"], {})
    fixed = form["constant_data"].to_dataset()
    mean, root = (
        fixed[f"carried_{n}"].to_numpy() if stored["kinds"] else np.zeros(0)
        for n in ("mean", "root")
    )
    # the stored text has them by name, the mean and the root in the order of the coordinate
    order = fixed["carried"].to_numpy().tolist() if stored["kinds"] else []
    carried = Carried({name: stored["kinds"][name] for name in order}, mean, root)
    checked = [check_years(table) for table in tables]
    # other patrons and theatres are not the past of these
    pairs = set(zip(checked[0]["patron"], checked[0]["theatre"], strict=True))
    own = zip(years["patron"], years["theatre"], strict=True)
    years = years[[pair in pairs for pair in own]]
    parts, places = [], []
    for i, rows in enumerate(checked):
        both = pd.concat([rows.assign(_row=np.arange(len(rows))), years], ignore_index=True)
        both = both.drop_duplicates(KEY).sort_values(KEY).reset_index(drop=True)
        wanted = both["_row"].notna().to_numpy()
        parts.append(_arrays(both.assign(decisions=np.nan), wanted, seen))
        places.append(i * len(rows) + both.loc[wanted, "_row"].to_numpy(int))
    values, labels = parts[0]
    both_values = {
        name: (dims, np.concatenate([part[name][1] for part, _ in parts]))
        for name, (dims, _) in values.items()
    }
    names = [f"{i} {row}" for i, (_, of) in enumerate(parts) for row in of["row"]]
    arrays = both_values, labels | {"row": names}
    model, at = _reader(theory, stored["options"], carried, spec, arrays)
    holds = contents(both_values) | {"carried_mean": mean, "carried_root": root}
    needed = {
        rv.name: (model.named_vars_to_dims.get(rv.name, ()), dict(model.coords))
        for rv in model.free_RVs
    }
    posterior = carry_over(form["posterior"].to_dataset(), needed, form.attrs["seed"])
    found = at(posterior, holds)["hazard"].to_numpy()
    flat = found.reshape(-1, len(names))[:, np.argsort(np.concatenate(places))]
    return np.moveaxis(flat.reshape(len(flat), len(tables), -1), 1, 0)


@functools.lru_cache(maxsize=8)
def _panel_of(text: str) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """The years that a hazard was fitted to, and the theatres, patrons and eras at risk in them."""
    years = pd.read_csv(io.StringIO(text))
    return years, _levels(years[years["major"] == 1])


def _form(theory, options, carried, priors, arrays) -> tuple:
    """What one model of years to come cannot share with another."""
    of = {d: tuple(v) if d in FACTORS else len(v) for d, v in arrays[1].items()}
    kinds = tuple(carried.kinds.items())
    spec = tuple(sorted(options.items())), kinds, priors.hash, tuple(sorted(of.items()))
    return theory, *code_of(theory), *spec


@cached(LRUCache(READERS), key=_form, lock=threading.Lock())
def _reader(
    theory: str,
    options: Mapping[str, float],
    carried: Carried,
    priors: Priors,
    arrays: tuple[Arrays, dict[str, list[str]]],
) -> tuple[pm.Model, Callable[..., xr.Dataset]]:
    """A model of years to come, whose containers are filled anew, and its hazard at draws."""
    model = _model(theory, options, carried, priors, arrays)
    return model, quantities(model, {"hazard": model["hazard"]}, "hazard")


def arises(form: xr.DataTree, rows: pd.DataFrame) -> xr.DataArray:
    """Probability that a decision arises at least once by the end of each year.

    Parameters
    ----------
    form : xarray.DataTree
        What `formation` gave.
    rows : pandas.DataFrame
        As `hazard` takes them; the years of a patron in a theatre follow each other without a gap,
        and the count begins with the first.

    Returns
    -------
    xarray.DataArray, dims draw, row
        Probabilities, in the order of the rows.

    Raises
    ------
    InputError
        If the rows cannot be used, or leave a year out.
    """
    yearly = hazard(form, rows)
    rows = rows.reset_index(drop=True)
    order = rows.sort_values(KEY).index.to_numpy()
    total = np.zeros(yearly.shape)
    for (patron, theatre), own in rows.loc[order].groupby(KEY[:2], sort=False):
        gap = own["year"].diff().gt(1)
        if gap.any():
            words = f"every year of {patron} in {theatre} from the first to the last"
            raise InputError(words, column="year", value=int(own.loc[gap, "year"].iloc[0]) - 1)
        total[:, own.index] = np.cumsum(yearly.to_numpy()[:, own.index], axis=1)
    return yearly.copy(data=-np.expm1(-total)).rename("arises")


def check_years(table: pd.DataFrame, more: tuple[str, ...] = ()) -> pd.DataFrame:
    """Check years of patrons in theatres.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows.
    more : tuple of str
        Columns that must be there beside the keys, ``unallied`` and the covariates.

    Returns
    -------
    pandas.DataFrame
        The columns that the model reads, indexed from 0.

    Raises
    ------
    InputError
        With the row (from 0), column and value of the first that cannot be used.
    """
    columns = [*KEY, "unallied", *COVARIATES, *more]
    if not isinstance(table, pd.DataFrame) or table.empty:
        raise InputError("a table with a row or more", column="years")
    for name in columns:
        if name not in table:
            raise InputError(f"a column {name!r} in the table of years", column=name)
    out = table[columns].reset_index(drop=True)
    for name in columns[2:]:
        low, high, whole = BOUNDS[name]
        found = pd.to_numeric(out[name], errors="coerce")
        inside = found.between(low, high) & np.isfinite(found)
        if whole:
            inside &= found % 1 == 0
        kind, empty = "a whole" if whole else "a finite", name in MAY_BE_EMPTY
        words = f"{kind} number between {low:g} and {high:g}{', or nothing' if empty else ''}"
        _refuse(out, name, inside | (out[name].isna() & empty), words)
        out[name] = found.astype(float)
    _refuse(out, "patron", out["patron"].isin(_states()), "a state listed in states.csv")
    _refuse(out, "theatre", out["theatre"].isin(set(THEATRES)), f"one of {', '.join(THEATRES)}")
    _refuse(out, "year", ~out.duplicated(KEY), "each patron, theatre and year once")
    return out.astype({"year": int})


@functools.cache
def _states() -> set[str]:
    """Abbreviations of all states."""
    return set(read_table(bundled("data", "states.csv"), TABLES["states"])["abbreviation"])


def _refuse(table: pd.DataFrame, column: str, good: pd.Series, words: str) -> None:
    """Raise for the first row that is not good."""
    bad = np.flatnonzero(~good.to_numpy(bool))
    if bad.size:
        at = int(bad[0])
        raise InputError(words, row=at, column=column, value=table[column].iloc[at])


def _levels(years: pd.DataFrame) -> dict[str, list[str]]:
    """Theatres, patrons and eras of some years."""
    eras = [era(pd.Timestamp(year, 1, 1)) for year in years["year"]]
    found = {"theatre": years["theatre"], "patron": years["patron"], "era": eras}
    return {name: sorted(set(found[name])) for name in FACTORS}


def _arrays(
    years: pd.DataFrame, chosen: np.ndarray, seen: Mapping[str, list[str]] | None = None
) -> tuple[Arrays, dict[str, list[str]]]:
    """Arrays of chosen years, whose past is in the others, and coordinates; seen levels first."""
    order = years.sort_values(KEY).index
    years, chosen = years.loc[order].reset_index(drop=True), chosen[order]
    history = {name: value[chosen] for name, value in threat_history(years).items()}
    rows = years[chosen].reset_index(drop=True)
    known = rows["decisions"].to_numpy(float)
    decided = np.flatnonzero(known > 0)
    own = _levels(rows)
    levels = {f: list(dict.fromkeys([*(seen or {}).get(f, []), *own[f]])) for f in FACTORS}
    factor = {
        "theatre": rows["theatre"],
        "patron": rows["patron"],
        "era": rows["year"].map(lambda year: era(pd.Timestamp(year, 1, 1))),
    }
    values: Arrays = {
        "arose": (("row",), np.where(np.isnan(known), -1, known > 0).astype(np.int64)),
        "decided_row": (("decision",), decided),
        "unallied": (("row",), np.log1p(rows["unallied"].to_numpy(float)) - USUAL),
        "exposed_covariates": (("row", "covariate"), exposed_covariates(rows)),
        **{name: (("row", "component"), value) for name, value in history.items()},
        **{f"{f}_index": (("row",), codes(factor[f], levels[f])) for f in FACTORS},
    }
    names = zip(*(rows[name].astype(str) for name in KEY), strict=True)
    labels = [" ".join(name) for name in names]
    coords = {
        "row": labels,
        "decision": [labels[i] for i in decided],
        "stage": [MODEL],
        "component": list(THREAT_COMPONENTS),
        "covariate": list(CLIENT_COVARIATES),
        **levels,
    }
    return values, coords


def _drivers(theory: str, x: SimpleNamespace, parameters: Parameters) -> dict[str, Any]:
    """What a theory says makes decisions arise; nothing where it says nothing."""
    drive = getattr(get(theory), "drive", None)
    return drive(x, parameters) if drive else {}


def _asked(theory: str, options: Mapping[str, float], years: pd.DataFrame) -> list[str]:
    """Names of the parameters that a theory's driver reads."""
    values, coords = _arrays(years.head(1).assign(decisions=np.nan), np.array([True]))
    asked = Asked()
    with pm.Model(coords=coords):
        x = SimpleNamespace(**{k: pm.Data(k, v, dims=dims) for k, (dims, v) in values.items()})
        _drivers(theory, x, Parameters(asked, options))
    return list(asked)


@untraced()
def _model(
    theory: str,
    options: Mapping[str, float],
    carried: Carried,
    priors: Priors,
    arrays: tuple[Arrays, dict[str, list[str]]],
) -> pm.Model:
    """The model of some years."""
    values, coords = arrays
    names = list(carried.kinds)
    with pm.Model(coords=coords | {"carried": names, "carried_z": names}) as model:
        x = SimpleNamespace(**{k: pm.Data(k, v, dims=dims) for k, (dims, v) in values.items()})
        parameters = Parameters(carried.register() if names else {}, options)
        drivers = _drivers(theory, x, parameters)
        log_hazard = priors("alpha") + priors("eta") * x.unallied + effects(x, priors)[0]
        if drivers:
            model.add_coord("driver", list(drivers))
            b = priors("b", dims="driver")
            log_hazard = log_hazard + sum(b[i] * z for i, z in enumerate(drivers.values()))
        rate = pm.Deterministic("hazard", pt.exp(log_hazard), dims="row")
        pm.CustomDist(
            "decided",
            rate,
            logp=partial(logp, decided=x.decided_row),
            random=random,
            observed=x.arose,
            dims="row",
            dtype="int64",
        )
    if theory in NAMES:
        of = tuple(sorted(options.items())), tuple(carried.kinds.items())
        model.made_of = (MODEL, theory, *of, priors.form, *sizes(model))
    return model


def logp(value, rate, decided) -> pt.TensorVariable:
    """Log-likelihood of whether a decision arose in a year.

    Parameters
    ----------
    value : TensorVariable or numpy.ndarray of int, shape (row,)
        1 if one did, 0 if none did, -1 where it is not recorded.
    rate : TensorVariable, shape (row,)
        Hazard.
    decided : TensorVariable or numpy.ndarray of int, shape (decision,)
        Rows whose value is 1: they alone need the logarithm.

    Returns
    -------
    TensorVariable, shape (row,)
        Pointwise; 0 where it is not recorded.
    """
    own = rate[decided]
    return pt.where(pt.eq(value, 0), -rate, 0.0)[decided].inc(pt.log(-pt.expm1(-own)))


def random(rate, rng=None, size=None):
    """Whether a decision arises in a year.

    Parameters
    ----------
    rate : numpy.ndarray
        Hazard.
    rng : numpy.random.Generator
        Source of randomness.
    size : tuple of int, optional
        Shape of the draw.

    Returns
    -------
    numpy.ndarray of int64
        0 or 1.
    """
    return rng.binomial(1, -np.expm1(-rate), size=size).astype(np.int64)


def _compiled(
    model: pm.Model,
    theory: str,
    options: Mapping[str, float],
    carried: Carried,
    priors: Priors,
    rows: tuple[Arrays, dict[str, list[str]]],
) -> Any:
    """Log density for nutpie, made once for all rows and priors of the same form."""
    names, shapes = sizes(model)
    form = (theory, tuple(sorted(options.items())), priors.form, names, shapes)
    key = (*form, *code_of(theory))
    with GRAPHS:
        if key not in _log_densities:
            usual = load_priors(MODEL)
            same = priors.form == usual.form
            # chains begin where the bundled priors have them, whichever hazard was compiled first
            other = same and priors.hash != usual.hash
            first = _model(theory, options, carried, usual, rows) if other else model
            # The driver with its sign turned, and b with it, is a second mode: one of little
            # weight, but a chain that begins there stays. At b = 0 the years have no say in the
            # driver yet.
            moved = {rv for rv in first.free_RVs if rv.name != "b"}
            made_of = repr((MODEL, *form)) if theory in NAMES else None
            _log_densities[key] = compile_model(first, made_of, var_names=names, jitter_rvs=moved)
        log_density = _log_densities[key]
    return with_containers(log_density, {v.name: v.get_value() for v in model.data_vars})


def _complete(
    sampled: xr.DataTree,
    model: pm.Model,
    years: pd.DataFrame,
    priors: Priors,
    options: Mapping[str, float],
    carried: Carried,
) -> xr.DataTree:
    """Add what follows from the draws."""
    posterior = sampled["posterior"].to_dataset()
    rate = quantities(model, {"hazard": model["hazard"]}, "hazard")(posterior)["hazard"]
    arose = model["arose"].get_value()
    seen = arose >= 0
    rate, arose = rate.isel(row=seen), xr.DataArray(arose[seen], dims="row")
    likelihood = (-rate).transpose("chain", "draw", "row").astype(np.float32)
    decided = np.flatnonzero(arose.to_numpy() == 1)
    likelihood[..., decided] = np.log(-np.expm1(-rate.isel(row=decided)))
    of_theory = {name: model[name] for name in carried.kinds}
    more = (
        [posterior, quantities(model, of_theory, "carried")(posterior)]
        if of_theory
        else [posterior]
    )
    constant = {
        v.name: (model.named_vars_to_dims[v.name], v.get_value())
        for v in model.data_vars
        if v.name != CONTAINER
    }
    used = {d for dims, _ in constant.values() for d in dims}
    stored = {"parameters": priors.parameters, "options": dict(options), "kinds": carried.kinds}
    tables = {"panel": years.to_csv(index=False), "priors": json.dumps(stored, sort_keys=True)}
    density = {rv.name: partial(pm.logp, rv, rv) for rv in model.free_RVs}
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.merge(more),
            "sample_stats": sampled["sample_stats"].to_dataset(),
            "log_likelihood": xr.Dataset({"decided": likelihood}),
            "log_prior": quantities(model, density, "prior densities")(posterior),
            "constant_data": xr.Dataset(constant, {d: list(model.coords[d]) for d in used}),
            "tables": xr.Dataset({name: ((), text) for name, text in tables.items()}),
        }
    )
    for group in tree.children.values():
        group.attrs.clear()
    return tree


def digest(years: pd.DataFrame) -> str:
    """Digest of years, whatever their order.

    Parameters
    ----------
    years : pandas.DataFrame
        What `bayes_alliance.data.panel.panel` or `check_years` gave.

    Returns
    -------
    str
        Hexadecimal SHA-256.
    """
    text = years.sort_values(KEY).to_csv(index=False, float_format="%.12g")
    return hashlib.sha256(text.encode()).hexdigest()
