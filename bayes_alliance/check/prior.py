"""What a theory says before it has seen an outcome, and whether that is sane.

Only priors are drawn: no fit is needed. Shares are expected ones, probabilities averaged over the
cases, so that the chance of few cases cannot make a narrow prior look wide. Covariates are taken as
coded, and so are promises where they are covariates; hazards are those of the designs that were
made. A criterion of sanity says what a prior must leave open. The criteria are fixed here and ask
nothing of the outcomes.

References
----------
Gabry, Simpson, Vehtari, Betancourt & Gelman (2019), "Visualization in Bayesian workflow".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import arviz as az
import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from bayes_alliance.compare.hypotheses import CI_PROB, interval
from bayes_alliance.data.load import Data
from bayes_alliance.data.schema import THEATRES
from bayes_alliance.errors import InputError
from bayes_alliance.process.cells import CELLS, COMMITMENTS, JOINT, MULTILATERAL, STRONG, label
from bayes_alliance.process.integrated import COMMITMENT, at_draws
from bayes_alliance.process.priors import load_priors
from bayes_alliance.process.survival import OBSERVED_UNTIL, YEAR, alliance_years
from bayes_alliance.theories import build, get

LEAST_DRAWS = 100
"""Fewer draws do not give a 90 % interval."""
FOLLOWED = 50
"""Years for which each design is followed, whenever it ended."""
HAZARDS = (0.01, 0.05)
"""Hazards a year that a prior must leave open."""
AGES = (10, 25, 50)
"""Ages in years at which survival is shown."""
OLDEST = 1e6
"""Years at which the search for the median life gives up."""
OFF_CENTRE = 0.1
"""How far from 0 the mean of a centred difference may lie."""


@dataclass(frozen=True)
class Quantity:
    """A quantity that a reader knows, and what a sane prior says of it.

    Parameters
    ----------
    words : str
        What it is.
    covers : tuple of float
        Values that must lie inside the 90 % interval, with all between them.
    reason : str
        Why.
    within : tuple of float, optional
        Values between which the 90 % interval must lie.
    centred : bool
        Whether the mean must be close to 0.
    years : bool
        Whether it is in years; else it is a share or a difference of shares.
    """

    words: str
    covers: tuple[float, float]
    reason: str
    within: tuple[float, float] | None = None
    centred: bool = False
    years: bool = False

    @property
    def criterion(self) -> str:
        """The criterion in words."""
        low, high = (f"{value:.{0 if self.years else 2}f}" for value in self.covers)
        parts = [f"covers {low}" if low == high else f"covers {low} to {high}"]
        if self.within:
            parts.append(f"lies within {self.within[0]:g} to {self.within[1]:g}")
        if self.centred:
            parts.append(f"the mean is less than {OFF_CENTRE:g} from 0")
        return ", and ".join(parts)

    def sane(self, draws: np.ndarray) -> bool:
        """Whether draws of the prior meet the criterion.

        Parameters
        ----------
        draws : numpy.ndarray
            Prior draws of the quantity.

        Returns
        -------
        bool
            All parts of the criterion hold.
        """
        lower, upper = interval(draws)
        found = lower <= self.covers[0] and self.covers[1] <= upper
        if self.within:
            found &= self.within[0] <= lower and upper <= self.within[1]
        if self.centred:
            found &= abs(float(np.mean(draws))) < OFF_CENTRE
        return bool(found)


def prior_quantities(theatres: Sequence[str]) -> dict[str, Quantity]:
    """List the quantities with their criteria.

    Parameters
    ----------
    theatres : sequence of str
        Theatres of the data.

    Returns
    -------
    dict of str to Quantity
        By name, in reading order.
    """
    even = 1 / len(CELLS)
    out = {
        cell: Quantity(
            f"{label(cell)}: share of cases",
            (even, even),
            "One case in seven is within reach of each of the seven cells: none is ruled out.",
        )
        for cell in CELLS
    }
    out["multilateral"] = Quantity(
        "multilateral designs: share of cases",
        (0.05, 0.95),
        "From next to none to nearly all: the cases decide.",
    )
    out["proposed_multilateral"] = replace(
        out["multilateral"],
        words="multilateral proposals: share of cases",
        reason="As for designs, before clients refuse.",
    )
    for theatre in theatres:
        out[f"multilateral_{theatre}"] = replace(
            out["multilateral"],
            words=f"multilateral in {THEATRES.get(theatre, theatre)}: share of its cases",
            reason="As for all cases, in each theatre.",
        )
    if {"europe", "asia"} <= set(theatres):
        out["multilateral_difference"] = Quantity(
            "share multilateral, Europe minus Asia",
            (-0.25, 0.25),
            "No theatre is favoured, and a quarter of the cases more or fewer is no surprise.",
            centred=True,
        )
    out["strong"] = Quantity(
        "strong commitments: share of cases",
        (0.25, 0.75),
        "Strong commitments may be the exception or the rule.",
    )
    out["refused"] = Quantity(
        "refused: share of proposals to several clients",
        (0.05, 0.75),
        "Clients may take nearly every proposal, or refuse most of them.",
    )
    out["defend"] = Quantity(
        "clients had promised to defend each other: share of cases",
        (0.1, 0.5),
        "Such promises may be rare or as frequent as not; they are not thought the rule.",
    )
    out["median_life"] = Quantity(
        "years until half of the designs have ended",
        (float(np.log(2) / HAZARDS[1]), float(np.log(2) / HAZARDS[0])),
        "Hazards of 1 and 5 % a year are open; lives of months or of many centuries are not.",
        within=(2.0, 500.0),
        years=True,
    )
    for age in AGES:
        out[f"survival_{age}"] = Quantity(
            f"designs that stand after {age} years: share",
            (float(np.exp(-HAZARDS[1] * age)), float(np.exp(-HAZARDS[0] * age))),
            "Hazards of 1 and 5 % a year are open.",
        )
    return out


def followed(data: Data) -> Data:
    """The same data with every design followed for `FOLLOWED` years, whenever it ended.

    Parameters
    ----------
    data : Data
        Validated tables.

    Returns
    -------
    Data
        No design ends by itself, and none is followed beyond the end of observation; where the
        panel of threat ends before, its last values go on.
    """
    episodes = data.episodes.copy()
    episodes["end"] = episodes["start"] + pd.Timedelta(FOLLOWED * YEAR, "D")
    episodes["ended"] = episodes["ended"].where(episodes["start"].isna(), "in_force")
    carried = []
    for (patron, theatre), rows in data.years.groupby(["patron", "theatre"], sort=False):
        every = pd.RangeIndex(rows["year"].min(), OBSERVED_UNTIL.year, name="year")
        rows = rows.sort_values("year").set_index("year").reindex(every, method="ffill")
        carried.append(rows.reset_index().assign(patron=patron, theatre=theatre))
    years = pd.concat(carried, ignore_index=True)[data.years.columns.tolist()]
    return replace(data, episodes=episodes, years=years)


def prior_predictive(
    theory: str,
    data: Data,
    priors: Mapping[str, Any] | str | Path | None = None,
    draws: int = 500,
    seed: int = 1,
) -> xr.DataTree:
    """Draw from a theory before it has seen an outcome.

    Parameters
    ----------
    theory : str
        Name of a theory.
    data : Data
        Validated tables; their lives are those of `followed`.
    priors : mapping or path, optional
        Changes to the bundled priors.
    draws : int
        Number of draws, at least `LEAST_DRAWS`.
    seed : int
        Seed.

    Returns
    -------
    xarray.DataTree
        ``prior`` (parameters, probabilities, ``hazard`` a year and, where the theory models
        promises, ``promise_to_defend``, its probability), ``prior_predictive`` (replicated
        outcomes, indicators and endings) and ``constant_data``. Coordinates of ``prior`` say
        which episodes are cases of their own (``is_case``), their theatre (``place``), and of
        each stretch of hazard its ``design`` and the age at which it begins (``age_from``).

    Raises
    ------
    InputError
        If an argument is unknown or out of range.
    """
    if isinstance(draws, bool) or not isinstance(draws, int) or draws < LEAST_DRAWS:
        words = f"a whole number of at least {LEAST_DRAWS}"
        raise InputError(words, column="draws", value=draws)
    get(theory)
    spec, longer = load_priors(theory, priors), followed(data)
    model = build(theory, longer, spec)
    drawn = pm.sample_prior_predictive(
        draws, model=model, random_seed=seed, compile_kwargs={"mode": "FAST_COMPILE"}
    )
    episodes, stretches = longer.episodes, alliance_years(longer.episodes)
    prior = drawn["prior"].to_dataset()
    if COMMITMENT in model.named_vars:
        prior["promise_to_defend"] = _promise(model, prior)
    groups = {
        "prior": prior.assign_coords(
            is_case=("episode", (episodes["episode"] == episodes["case"]).to_numpy()),
            place=("episode", episodes["theatre"].astype(str).to_numpy()),
            design=("alliance_year", stretches["episode"].to_numpy()),
            age_from=("alliance_year", stretches["age_from"].to_numpy(float)),
        ),
        "prior_predictive": drawn["prior_predictive"].to_dataset(),
        "constant_data": drawn["constant_data"].to_dataset(),
    }
    tree = xr.DataTree.from_dict(groups)
    tree.attrs.update(
        theory=theory, data_name=data.name, data_hash=data.hash, priors_hash=spec.hash, seed=seed
    )
    return tree


def _promise(model: pm.Model, prior: xr.Dataset) -> xr.DataArray:
    """Probability that clients promise to defend each other, as made and not as misread."""
    sure = model["commitment_confidence"]
    recorded = sure.get_value()
    sure.set_value(np.ones_like(recorded))
    level = np.full(recorded.shape, COMMITMENTS.index("defend"))
    made = pt.exp(pm.logp(model[COMMITMENT], level))
    out = at_draws(model, prior, {"promise": made})["promise"]
    sure.set_value(recorded)
    return out.rename(promise_dim_0="episode")


def survival_at(
    hazard: np.ndarray, age_from: np.ndarray, design: np.ndarray, age: float | np.ndarray
) -> np.ndarray:
    """Expected share of designs that stand at an age: the mean of exp(-cumulative hazard).

    Parameters
    ----------
    hazard : numpy.ndarray, shape (draw, stretch)
        Hazard a year in each stretch.
    age_from : numpy.ndarray, shape (stretch,)
        Age at which each stretch begins; it ends where the next of its design begins, and the last
        goes on for ever.
    design : numpy.ndarray, shape (stretch,)
        Design of each stretch; those of a design lie together.
    age : float or numpy.ndarray, shape (draw,)
        Age in years.

    Returns
    -------
    numpy.ndarray, shape (draw,)
        Shares.
    """
    first = np.flatnonzero(np.append(True, design[1:] != design[:-1]))  # (design,)
    length = np.append(np.diff(age_from), np.inf)
    length[first[1:] - 1] = np.inf
    years = np.clip(np.reshape(age, (-1, 1)) - age_from, 0.0, length)  # (draw or 1, stretch)
    return np.exp(-np.add.reduceat(hazard * years, first, axis=1)).mean(1)


def median_life(hazard: np.ndarray, age_from: np.ndarray, design: np.ndarray) -> np.ndarray:
    """Age at which half of the designs are expected to have ended, by bisection.

    Parameters
    ----------
    hazard, age_from, design : numpy.ndarray
        As in `survival_at`.

    Returns
    -------
    numpy.ndarray, shape (draw,)
        Years, at most `OLDEST`.
    """
    low, high = np.full(len(hazard), -np.log(OLDEST)), np.full(len(hazard), np.log(OLDEST))
    for _ in range(40):
        middle = (low + high) / 2
        stands = survival_at(hazard, age_from, design, np.exp(middle)) > 0.5
        low, high = np.where(stands, middle, low), np.where(stands, high, middle)
    return np.exp((low + high) / 2)


def prior_values(tree: xr.DataTree) -> dict[str, np.ndarray]:
    """Draws of every quantity that the theory and its data have.

    Parameters
    ----------
    tree : xarray.DataTree
        What `prior_predictive` gave.

    Returns
    -------
    dict of str to numpy.ndarray, shape (draw,)
        Names as in `prior_quantities`.
    """
    prior = tree["prior"].to_dataset().stack(sample=("chain", "draw")).transpose("sample", ...)
    cases = prior.isel(episode=np.flatnonzero(prior["is_case"]))
    place = cases["place"].to_numpy()
    design = cases["design_probability"].to_numpy()  # (draw, case, cell)
    mean = design.mean(1)
    several = design @ MULTILATERAL  # (draw, case)
    proposal = cases["proposal_probability"].to_numpy()  # (draw, case, cell)
    out = {cell: mean[:, i] for i, cell in enumerate(CELLS)}
    out |= {"multilateral": several.mean(1), "strong": mean @ STRONG}
    out["proposed_multilateral"] = (proposal @ MULTILATERAL).mean(1)
    theatres = list(dict.fromkeys(place))
    out |= {f"multilateral_{t}": several[:, place == t].mean(1) for t in theatres}
    if {"europe", "asia"} <= set(theatres):
        gap = out["multilateral_europe"] - out["multilateral_asia"]
        out["multilateral_difference"] = gap
    asked = proposal @ JOINT  # (draw, case)
    accepted = cases["acceptance_probability"].to_numpy()
    out["refused"] = (asked * (1 - accepted)).sum(1) / asked.sum(1)
    if "promise_to_defend" in cases:
        out["defend"] = cases["promise_to_defend"].to_numpy().mean(1)
    if prior.sizes["alliance_year"]:
        hazard, age_from, of = (prior[n].to_numpy() for n in ("hazard", "age_from", "design"))
        out["median_life"] = median_life(hazard, age_from, of)
        out |= {f"survival_{age}": survival_at(hazard, age_from, of, age) for age in AGES}
    return {name: out[name] for name in prior_quantities(theatres) if name in out}


def prior_summary(
    theory: str,
    data: Data,
    priors: Mapping[str, Any] | str | Path | None = None,
    draws: int = 500,
    seed: int = 1,
) -> pd.DataFrame:
    """Quantities that a reader knows, over prior draws, each with its criterion of sanity.

    Parameters
    ----------
    theory, data, priors, draws, seed
        As in `prior_predictive`.

    Returns
    -------
    pandas.DataFrame
        Indexed by quantity: ``words``, ``mean``, ``median``, ``lower`` and ``upper`` (90 %
        interval), ``lower_half`` and ``upper_half`` (50 % interval), ``lower_mcse`` and
        ``upper_mcse`` (Monte Carlo standard errors of the ends of the 90 % interval),
        ``criterion`` (of the 90 % interval), ``reason`` and ``sane``. Quantities that the theory
        or the data do not have are not there.
    """
    values = prior_values(prior_predictive(theory, data, priors, draws, seed))
    known = prior_quantities(list(dict.fromkeys(data.episodes["theatre"].astype(str))))
    rows = {}
    for name, drawn in values.items():
        lower, upper = interval(drawn, CI_PROB)
        lower_half, upper_half = interval(drawn, 0.5)
        rows[name] = {
            "words": known[name].words,
            "mean": float(drawn.mean()),
            "median": float(np.median(drawn)),
            "lower": lower,
            "upper": upper,
            "lower_half": lower_half,
            "upper_half": upper_half,
            "lower_mcse": _mcse(drawn, (1 - CI_PROB) / 2),
            "upper_mcse": _mcse(drawn, (1 + CI_PROB) / 2),
            "criterion": known[name].criterion,
            "reason": known[name].reason,
            "sane": known[name].sane(drawn),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(index="quantity")


def _mcse(draws: np.ndarray, prob: float) -> float:
    """Monte Carlo standard error of a quantile."""
    return float(az.mcse(draws[None], method="quantile", prob=prob))
