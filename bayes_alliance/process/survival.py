"""Survival of a design: piecewise-exponential proportional hazards over alliance-years."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt

OBSERVED_UNTIL = pd.Timestamp("2026-01-01")
"""End of observation (exclusive): designs in force then are right-censored."""
AGE_BREAKS = (10.0, 25.0)
AGE_LABELS = ("under 10 years", "10 to 25 years", "over 25 years")
YEAR = 365.2425
STRETCH = {
    **{"episode": object, "year": np.int64, "age_from": float},
    **{"age": np.int64, "exposure": float, "event": np.int64},
}
"""Columns of a stretch of a design's life."""
ENDED = ("dissolved", "lapsed", "shrunk")
"""Ways to end that count; a design replaced by a deeper one is censored."""


def alliance_years(episodes: pd.DataFrame) -> pd.DataFrame:
    """Cut each design's life at calendar years and age breaks.

    Parameters
    ----------
    episodes : pandas.DataFrame
        Validated episodes. An accession has no clock of its own: the design it joined goes on.

    Returns
    -------
    pandas.DataFrame
        ``episode``, ``year``, ``age_from`` (years), ``age`` (index into `AGE_LABELS`),
        ``exposure`` (years) and ``event`` (1 in the stretch in which the design ended).
    """
    designs = episodes[episodes["start"].notna() & episodes["accession_to"].isna()]
    if designs.empty:  # a scenario's
        return pd.DataFrame({name: np.array([], dtype=kind) for name, kind in STRETCH.items()})
    start = designs["start"].to_numpy("datetime64[ns]")  # (design,)
    until = designs["end"].fillna(OBSERVED_UNTIL).clip(upper=OBSERVED_UNTIL)
    end = until.to_numpy("datetime64[ns]")
    first, last = (when.astype("datetime64[Y]") for when in (start, end))
    count = (last - first).astype(np.int64)  # (design,) turns of the year in between
    turns = np.repeat(first, count) + (_counts_up(count) + 1).astype("timedelta64[Y]")
    ages = [start + np.timedelta64(pd.Timedelta(b * YEAR, "D").value, "ns") for b in AGE_BREAKS]
    place = np.arange(len(designs))
    of = np.concatenate([place, np.repeat(place, count), *(place for _ in ages)])
    begin = np.concatenate([start, turns.astype("datetime64[ns]"), *ages])
    inside = (begin < end[of]) & (begin >= start[of])
    cuts = np.unique(np.rec.fromarrays([of[inside], begin[inside]], names="of,begin"))
    of, begin = cuts["of"], cuts["begin"]
    is_last = np.append(of[1:] != of[:-1], True)[: len(of)]
    stop = np.where(is_last, end[of], np.roll(begin, -1))
    year = np.timedelta64(pd.Timedelta(YEAR, "D").value, "ns")
    age_from = (begin - start[of]) / year
    counted = designs["ended"].isin(ENDED).to_numpy()
    return pd.DataFrame(
        {
            "episode": designs["episode"].to_numpy()[of],
            "year": begin.astype("datetime64[Y]").astype(np.int64) + 1970,
            "age_from": age_from,
            "age": np.searchsorted(AGE_BREAKS, age_from + 1e-6, side="right"),
            "exposure": (stop - begin) / year,
            "event": (is_last & counted[of]).astype(np.int64),
        }
    )


def _counts_up(count: np.ndarray) -> np.ndarray:
    """0, 1, ... as often as each count says, one after the other."""
    return np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)


def durations(episodes: pd.DataFrame) -> pd.DataFrame:
    """Years each design lasted and whether it ended.

    Parameters
    ----------
    episodes : pandas.DataFrame
        Validated episodes.

    Returns
    -------
    pandas.DataFrame
        Indexed by episode: ``duration`` in years, ``event`` (0 = right-censored).
    """
    grouped = alliance_years(episodes).groupby("episode", sort=False)
    return grouped.agg(duration=("exposure", "sum"), event=("event", "max"))


def logp(value: pt.TensorVariable, hazard: pt.TensorVariable, exposure: pt.TensorVariable):
    """Log-likelihood of a stretch: ``event * log(hazard) - hazard * exposure``.

    Parameters
    ----------
    value : TensorVariable, shape (alliance_year,)
        1 where the design ended in the stretch.
    hazard : TensorVariable, shape (alliance_year,)
        Hazard a year.
    exposure : TensorVariable, shape (alliance_year,)
        Years at risk.

    Returns
    -------
    TensorVariable, shape (alliance_year,)
        Pointwise log-likelihood; 0 without exposure and event.

    References
    ----------
    Holford (1980), "The analysis of rates and of survivorship using log-linear models".
    """
    return value * pt.log(hazard) - hazard * exposure


def random(hazard, exposure, rng=None, size=None):
    """Whether the design ends in the stretch.

    Parameters
    ----------
    hazard, exposure : numpy.ndarray
        Hazard a year and years at risk.
    rng : numpy.random.Generator
        Source of randomness.
    size : tuple of int, optional
        Shape of the draw.

    Returns
    -------
    numpy.ndarray of int64
        0 or 1.
    """
    return rng.binomial(1, 1.0 - np.exp(-hazard * exposure), size=size).astype(np.int64)


def survival(x, log_hazard: pt.TensorVariable) -> None:
    """Likelihood of the recorded lives.

    Parameters
    ----------
    x : types.SimpleNamespace
        Containers.
    log_hazard : TensorVariable, shape (alliance_year,)
        Log hazard a year.
    """
    hazard = pm.Deterministic("hazard", pt.exp(log_hazard), dims="alliance_year")
    pm.CustomDist(
        "ended_observed",
        hazard,
        x.exposure,
        logp=logp,
        random=random,
        observed=x.ended,
        dims="alliance_year",
        dtype="int64",
    )
