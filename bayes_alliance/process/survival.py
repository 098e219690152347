"""Survival of a design: piecewise-exponential proportional hazards over alliance-years."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt

OBSERVED_UNTIL = pd.Timestamp("2026-01-01")
"""End of observation (exclusive): designs in force then are right-censored."""
AGE_BREAKS = (10.0, 25.0)
AGE_LABELS = ("under 10 years", "10 to 25 years", "over 25 years")
YEAR = 365.2425
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
    rows = []
    designs = episodes[episodes["start"].notna() & episodes["accession_to"].isna()]
    for e in designs.itertuples():
        end = min(e.end, OBSERVED_UNTIL) if pd.notna(e.end) else OBSERVED_UNTIL
        years = [pd.Timestamp(y, 1, 1) for y in range(e.start.year + 1, end.year + 1)]
        ages = [e.start + pd.Timedelta(b * YEAR, "D") for b in AGE_BREAKS]
        cuts = sorted({e.start, end, *(c for c in years + ages if e.start < c < end)})
        for begin, stop in pairwise(cuts):
            age_from = (begin - e.start) / pd.Timedelta(YEAR, "D")
            rows.append(
                {
                    "episode": e.episode,
                    "year": begin.year,
                    "age_from": age_from,
                    "age": int(np.searchsorted(AGE_BREAKS, age_from + 1e-6, side="right")),
                    "exposure": (stop - begin) / pd.Timedelta(YEAR, "D"),
                    "event": int(stop == end and e.ended in ENDED),
                }
            )
    columns = ["episode", "year", "age_from", "age", "exposure", "event"]
    return pd.DataFrame(rows, columns=columns)


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
