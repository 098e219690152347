"""Scores of forecasts from the past, their skill over base rates, and how sure both are.

A forecast is scored by itself; scores are averaged over the forecasts of one origin or of several.
Forecasts about one thing are no independent evidence: standard errors are those of a mean over
clusters. A cluster is a case (two origins may ask about it), a design, or a patron in a theatre
with all of its years. Concordance is no mean, and its intervals come from the bootstrap over
clusters.

References
----------
Murphy (1988), "Skill scores based on the mean square error and their relationships to the
correlation coefficient". Cameron & Miller (2015), "A practitioner's guide to cluster-robust
inference".
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from bayes_alliance.check.reliability import EVENTS
from bayes_alliance.compare.hypotheses import CI_PROB
from bayes_alliance.compare.scores import (
    RUNG,
    brier_score,
    integrated_brier_score,
    ladder,
    log_score,
    ranked_probability_score,
)

KEYS = ("origin", "cluster", "unit", "knows", "name")
"""Columns that are no scores: what is forecast, what the forecast knows, and who makes it."""
DESIGNS, YEARS, LIVES = "designs", "years", "lives"
SUBJECTS = (DESIGNS, YEARS, LIVES)


def design_scores(found: xr.Dataset, origin: int) -> pd.DataFrame:
    """Scores of forecast designs.

    Parameters
    ----------
    found : xarray.Dataset
        What `bayes_alliance.forecast.backtest.forecast_designs` gave.
    origin : int
        First year.

    Returns
    -------
    pandas.DataFrame
        One row a case, what is known (information) and who forecasts: ``log`` and ``brier`` over
        the cells, ``ranked`` over the ladder, and ``entropy`` of the forecast (less is sharper).
    """
    cell = found["cell_observed"].to_numpy()
    unit = found["case"].to_numpy()

    def scores(p: np.ndarray) -> dict[str, np.ndarray]:
        return {
            "log": log_score(p, cell),
            "brier": brier_score(p, cell),
            "ranked": ranked_probability_score(ladder(p), RUNG[cell]),
            "entropy": entropy(p),
        }

    return _rows(found["probability"], "information", origin, unit, unit, scores)


def year_scores(found: xr.Dataset, origin: int) -> pd.DataFrame:
    """Scores of forecast years.

    Parameters
    ----------
    found : xarray.Dataset
        What `bayes_alliance.forecast.backtest.forecast_years` gave.
    origin : int
        First year.

    Returns
    -------
    pandas.DataFrame
        One row a year of a patron in a theatre, what is known (threat) and who forecasts: ``log``,
        ``brier`` (both probabilities, 0 to 2) and ``entropy``.
    """
    arose = found["arose"].to_numpy()
    names = [found[key].to_numpy().astype(str) for key in ("patron", "theatre", "year")]
    pair = np.char.add(np.char.add(names[0], " "), names[1])
    unit = np.char.add(np.char.add(pair, " "), names[2])

    def scores(p: np.ndarray) -> dict[str, np.ndarray]:
        return _binary(p, arose)

    return _rows(found["probability"], "threat", origin, unit, pair, scores)


def pair_scores(found: xr.Dataset, origin: int) -> pd.DataFrame:
    """Scores of the number of years with a decision.

    Parameters
    ----------
    found : xarray.Dataset
        What `bayes_alliance.forecast.backtest.forecast_years` gave.
    origin : int
        First year.

    Returns
    -------
    pandas.DataFrame
        One row a patron in a theatre, what is known (threat) and who forecasts: ``log`` and
        ``brier`` of whether any decision arises, and ``ranked`` of the number of years with one.
    """
    arose, place = found["arose"].to_numpy(), found["place"].to_numpy()
    seen = np.bincount(place, arose).astype(int)
    pair = found["pair"].to_numpy()
    count = found["count"]

    def scores(p: np.ndarray) -> dict[str, np.ndarray]:
        return {"ranked": ranked_probability_score(p, seen)}

    def any_(p: np.ndarray) -> dict[str, np.ndarray]:
        return _binary(p, (seen > 0).astype(int))

    ranked = _rows(count, "threat", origin, pair, pair, scores)
    whole = _rows(found["any"], "threat", origin, pair, pair, any_)
    return whole.merge(ranked, on=list(KEYS), validate="1:1")


def life_scores(found: xr.Dataset, origin: int) -> pd.DataFrame:
    """Scores of forecast lives.

    Parameters
    ----------
    found : xarray.Dataset
        What `bayes_alliance.forecast.backtest.forecast_lives` gave.
    origin : int
        First year.

    Returns
    -------
    pandas.DataFrame
        One row a design, what is known (threat) and who forecasts: ``log`` and ``brier`` of
        whether it ends by the last year, missing for one that gave way to a deeper design;
        ``integrated_brier``; ``entropy``.
    """
    ended = found["event"].to_numpy()
    duration, follow = found["duration"].to_numpy(), found["follow"].to_numpy()
    ahead = found["ahead"].to_numpy()
    unit = found["design"].to_numpy()
    blank = np.where(found["censored"].to_numpy() == 1, np.nan, 1.0)

    def scores(standing: np.ndarray) -> dict[str, np.ndarray]:
        by_end = _binary(1 - at(standing, ahead, follow), ended)
        return {name: values * blank for name, values in by_end.items()} | {
            "integrated_brier": integrated_brier_score(standing, ahead, duration, ended == 1)
        }

    return _rows(found["standing"], "threat", origin, unit, unit, scores)


def at(standing: np.ndarray, ahead: np.ndarray, years: np.ndarray) -> np.ndarray:
    """Curves at one point each.

    Parameters
    ----------
    standing : numpy.ndarray, shape (design, ahead)
        Curves.
    ahead : numpy.ndarray
        Their years.
    years : numpy.ndarray, shape (design,)
        The year wanted of each, read straight between the years of the curve.

    Returns
    -------
    numpy.ndarray, shape (design,)
        Values.
    """
    return np.array(
        [np.interp(year, ahead, curve) for year, curve in zip(years, standing, strict=True)]
    )


def entropy(probability: np.ndarray) -> np.ndarray:
    """Entropy of forecasts: how little they commit themselves.

    Parameters
    ----------
    probability : numpy.ndarray, shape (..., category)
        Probabilities.

    Returns
    -------
    numpy.ndarray
        Nats, from 0.
    """
    return -(probability * np.log(np.maximum(probability, 1e-300))).sum(-1)


def _binary(p: np.ndarray, happened: np.ndarray) -> dict[str, np.ndarray]:
    """Scores of one event."""
    both = np.stack([1 - p, p], axis=-1).clip(0.0, 1.0)
    return {
        "log": log_score(both, happened),
        "brier": brier_score(both, happened),
        "entropy": entropy(both),
    }


def _rows(values: xr.DataArray, knows: str, origin: int, unit, cluster, scores) -> pd.DataFrame:
    """Scores of everybody who forecasts, one below the other."""
    parts = []
    for known in values[knows].to_numpy():
        for name in values["name"].to_numpy():
            one = values.sel({knows: known, "name": name}).to_numpy()
            keys = dict(zip(KEYS, (origin, cluster, unit, known, name), strict=True))
            parts.append(pd.DataFrame(keys | scores(one)))
    return pd.concat(parts, ignore_index=True)


def clustered_error(values: np.ndarray, cluster: np.ndarray) -> float:
    """Standard error of a mean whose clusters are independent.

    Parameters
    ----------
    values : numpy.ndarray, shape (forecast,)
        Values.
    cluster : numpy.ndarray, shape (forecast,)
        Cluster of each.

    Returns
    -------
    float
        Standard error; that of a mean of independent values where each is its own cluster, and
        not a number for one cluster.
    """
    _, at_cluster = np.unique(cluster, return_inverse=True)
    total = np.bincount(at_cluster, values - values.mean())
    many = len(total)
    if many < 2:
        return float("nan")
    return float(np.sqrt((total**2).sum() * many / (many - 1)) / len(values))


def summary(rows: pd.DataFrame, score: str, reference: str) -> pd.DataFrame:
    """Mean scores of everybody, against one of them.

    Parameters
    ----------
    rows : pandas.DataFrame
        Scores of one kind of forecast, of one origin or of several.
    score : str
        Column; less is better.
    reference : str
        Who the others are set against.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``knows`` and ``name``: ``mean``; ``gain``, the reference's mean less it, paired
        by forecast, and ``gain_se``; ``skill``, the gain over the reference's mean; ``forecasts``
        and ``clusters``.
    """
    out = {}
    for known, of in rows.groupby("knows", sort=False):
        table = of.pivot(index=["origin", "unit"], columns="name", values=score).dropna()
        of_unit = of.drop_duplicates(["origin", "unit"]).set_index(["origin", "unit"])["cluster"]
        cluster = of_unit.reindex(table.index).to_numpy(str)
        for name in dict.fromkeys(of["name"]):
            gain = (table[reference] - table[name]).to_numpy()
            out[known, name] = {
                "mean": table[name].mean(),
                "gain": gain.mean(),
                "gain_se": clustered_error(gain, cluster),
                "skill": gain.mean() / table[reference].mean(),
                "forecasts": len(table),
                "clusters": len(set(cluster)),
            }
    return pd.DataFrame.from_dict(out, orient="index").rename_axis(index=["knows", "name"])


def life_concordance(
    found: Mapping[int, xr.Dataset], reference: str, replications: int = 500, seed: int = 1
) -> pd.DataFrame:
    """Share of pairs of designs whose lives are forecast in the right order.

    Parameters
    ----------
    found : mapping of int to xarray.Dataset
        What `bayes_alliance.forecast.backtest.forecast_lives` gave, by origin; only designs of one
        origin make a pair.
    reference : str
        Who the others are set against.
    replications : int
        Replications of the bootstrap over designs; an origin's designs are drawn within it.
    seed : int
        Seed.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``knows`` and ``name``: ``mean`` with ``lower`` and ``upper`` (90 % interval),
        and ``gain`` over the reference with ``gain_lower`` and ``gain_upper``.
    """
    first = next(iter(found.values()))
    knows, names = first["threat"].to_numpy(), first["name"].to_numpy()
    right, pairs = {}, {}
    for origin, one in found.items():
        life = np.trapezoid(one["standing"].to_numpy(), one["ahead"].to_numpy(), axis=-1)
        args = one["duration"].to_numpy(), one["event"].to_numpy() == 1
        right[origin], pairs[origin] = _ordered(life, *args)
    rng = np.random.default_rng(seed)
    whole = _share(right, pairs, {o: np.ones(len(p)) for o, p in pairs.items()})
    drawn = np.stack(
        [
            _share(right, pairs, {o: _redraw(len(p), rng) for o, p in pairs.items()})
            for _ in range(replications)
        ]
    )
    base = list(names).index(reference)
    tail = (1 - CI_PROB) / 2
    low, high = np.nanquantile(drawn, [tail, 1 - tail], axis=0)
    gains = drawn - drawn[:, :, [base]]
    gain_low, gain_high = np.nanquantile(gains, [tail, 1 - tail], axis=0)
    out = {
        "mean": whole,
        "lower": low,
        "upper": high,
        "gain": whole - whole[:, [base]],
        "gain_lower": gain_low,
        "gain_upper": gain_high,
    }
    index = pd.MultiIndex.from_product([knows, names], names=["knows", "name"])
    return pd.DataFrame({k: v.ravel() for k, v in out.items()}, index=index)


def _ordered(
    life: np.ndarray, duration: np.ndarray, ended: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs in the right order, (knows, name, design, design), and pairs that can be ordered."""
    same = duration[:, None] == duration
    first = ended[:, None] & ((duration[:, None] < duration) | (same & ~ended))
    sign = np.sign(np.round(life[..., None, :] - life[..., :, None], 9))
    return first * (1 + sign) / 2, first.astype(float)


def _redraw(count: int, rng: np.random.Generator) -> np.ndarray:
    """How often each design is in a bootstrap sample."""
    return np.bincount(rng.integers(0, count, count), minlength=count).astype(float)


def _share(right: Mapping, pairs: Mapping, times: Mapping) -> np.ndarray:
    """Share of pairs in the right order, pairs of a sample weighing by how often they are in it."""
    above = sum(np.einsum("...ij,i,j->...", right[o], t, t) for o, t in times.items())
    below = sum(t @ pairs[o] @ t for o, t in times.items())
    return above / below if below > 0 else np.full(np.shape(above), np.nan)


def expected(found: Mapping[int, Mapping[str, xr.Dataset]]) -> pd.DataFrame:
    """What was expected of each origin, and what happened: calibration in the large.

    Parameters
    ----------
    found : mapping of int to mapping of str to xarray.Dataset
        By origin, the forecasts by subject (`SUBJECTS`).

    Returns
    -------
    pandas.DataFrame
        One row an origin, ``what`` is counted and ``name`` of who forecasts, who knows the least:
        ``expected`` number, ``lower`` and ``upper`` (90 % interval; for designs and lives that of
        independent events, without the doubt that they share), ``observed``.
    """
    rows = []
    for origin, subjects in found.items():
        designs, years, lives = (subjects[s] for s in SUBJECTS)
        p = designs["probability"][0].to_numpy()  # (name, case, cell)
        cell = designs["cell_observed"].to_numpy()
        follow = lives["follow"].to_numpy()
        plain = lives["censored"].to_numpy() == 0
        gone = np.stack(
            [1 - at(s, lives["ahead"].to_numpy(), follow) for s in lives["standing"][0].to_numpy()]
        )
        events = {
            f"{name} designs": (designs, p @ weight, weight[cell] > 0)
            for name, weight in EVENTS.items()
        }
        events["designs that ended"] = (lives, gone[:, plain], lives["event"].to_numpy()[plain])
        for what, (one, chance, happened) in events.items():
            for name, own in zip(one["name"].to_numpy(), chance, strict=True):
                spread = spread_of(own)
                rows.append((origin, what, str(name), own.sum(), *spread, int(happened.sum())))
        arose = int(years["arose"].sum())
        for name, total in zip(years["name"].to_numpy(), years["total"][0].to_numpy(), strict=True):
            rows.append((origin, "years with a decision", str(name), *total, arose))
    columns = ["origin", "what", "name", "expected", "lower", "upper", "observed"]
    return pd.DataFrame(rows, columns=columns)


def spread_of(chance: np.ndarray) -> tuple[float, float]:
    """90 % interval of the number of independent events.

    Parameters
    ----------
    chance : numpy.ndarray, shape (event,)
        Their probabilities.

    Returns
    -------
    tuple of float
        Least and most number.
    """
    mass = np.ones(1)
    for p in chance:
        mass = np.convolve(mass, [1 - p, p])
    tail, below = (1 - CI_PROB) / 2, np.cumsum(mass)
    return tuple(float(np.searchsorted(below, q)) for q in (tail, 1 - tail))  # type: ignore[return-value]
