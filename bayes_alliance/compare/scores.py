"""Proper scores of predictions: arrays in, arrays out, and a table of whoever predicts.

Log, Brier, ranked probability and integrated Brier score are losses: less is better. Concordance is
the share of pairs in the right order: more is better, and a coin has 1/2. The unit is the case.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from bayes_alliance.data.load import Data
from bayes_alliance.errors import InputError
from bayes_alliance.process.cells import ALLIANCE, PARTNERS
from bayes_alliance.process.designs import designs
from bayes_alliance.process.survival import durations
from bayes_alliance.theories import NULL

LADDER = ("none", "bilateral", "trilateral", "multilateral")
RUNG = (ALLIANCE + PARTNERS).astype(np.int64)  # (cell,)
"""Rung of the ladder on which a cell stands."""
SCORES = {
    "log": "less",
    "brier": "less",
    "ranked": "less",
    "integrated_brier": "less",
    "concordance": "more",
}
"""Scores, and whether less or more of each is better."""


def log_score(probability: np.ndarray, category: np.ndarray) -> np.ndarray:
    """Minus the log-probability of what happened.

    Parameters
    ----------
    probability : numpy.ndarray, shape (case, category)
        Predicted probabilities.
    category : numpy.ndarray of int, shape (case,)
        What happened.

    Returns
    -------
    numpy.ndarray, shape (case,)
        From 0; infinite where what happened was held to be impossible.

    References
    ----------
    Good (1952), "Rational decisions"; Gneiting & Raftery (2007), "Strictly proper scoring rules,
    prediction, and estimation".
    """
    with np.errstate(divide="ignore"):
        return -np.log((probability * _happened(probability, category)).sum(-1))


def brier_score(probability: np.ndarray, category: np.ndarray) -> np.ndarray:
    """Squared distance of the probabilities from what happened, over all categories.

    Parameters
    ----------
    probability, category
        As in `log_score`.

    Returns
    -------
    numpy.ndarray, shape (case,)
        From 0 to 2.

    References
    ----------
    Brier (1950), "Verification of forecasts expressed in terms of probability".
    """
    return ((probability - _happened(probability, category)) ** 2).sum(-1)


def ranked_probability_score(probability: np.ndarray, category: np.ndarray) -> np.ndarray:
    """Squared distance of the cumulative probabilities, for categories in order.

    Parameters
    ----------
    probability, category
        As in `log_score`; the ladder's are ``ladder(probability)`` and ``RUNG[cell]``.

    Returns
    -------
    numpy.ndarray, shape (case,)
        From 0 to the number of categories minus 1.

    References
    ----------
    Epstein (1969), "A scoring system for probability forecasts of ranked categories".
    """
    distance = np.cumsum(probability - _happened(probability, category), axis=-1)
    return (distance[..., :-1] ** 2).sum(-1)


def ladder(probability: np.ndarray) -> np.ndarray:
    """Probabilities of the rungs from those of the cells.

    Parameters
    ----------
    probability : numpy.ndarray, shape (case, cell)
        Probabilities of the seven cells.

    Returns
    -------
    numpy.ndarray, shape (case, rung)
        Probabilities of `LADDER`.
    """
    return probability @ np.eye(len(LADDER))[RUNG]


def _happened(probability: np.ndarray, category: np.ndarray) -> np.ndarray:
    """1 for what happened, 0 for the rest; refuses what is no distribution."""
    if (probability < 0).any() or not np.allclose(probability.sum(-1), 1):
        raise InputError("probabilities that sum to 1", column="probability", value=probability)
    return np.eye(probability.shape[-1])[category]


def still_observed(
    duration: np.ndarray, ended: np.ndarray, times: np.ndarray, before: bool = False
) -> np.ndarray:
    """Kaplan-Meier estimate of the probability of not being censored yet.

    Parameters
    ----------
    duration : numpy.ndarray, shape (design,)
        Years observed.
    ended : numpy.ndarray of bool, shape (design,)
        Whether the design ended, and was not censored.
    times : numpy.ndarray
        Ages.
    before : bool
        Whether the value just before each age is wanted.

    Returns
    -------
    numpy.ndarray, shape of ``times``
        Probabilities. Of designs with one duration those that ended leave first.
    """
    at, censored = np.unique(duration[~ended], return_counts=True)
    longer = len(duration) - np.searchsorted(np.sort(duration), at, side="right")
    at_risk = longer + censored
    curve = np.cumprod(np.append(1.0, 1 - censored / at_risk))
    return curve[np.searchsorted(at, times, side="left" if before else "right")]


def integrated_brier_score(
    standing: np.ndarray, years: np.ndarray, duration: np.ndarray, ended: np.ndarray
) -> np.ndarray:
    """Brier score of survival curves, averaged over ages, weighted for censoring.

    At each age a design that stands counts (1 - S)^2 over the probability of not being censored by
    then, one that ended counts S^2 over the probability of not being censored before its end, and
    one censored by then counts nothing. Censoring is estimated from all designs at once, alike for
    whoever predicts.

    Parameters
    ----------
    standing : numpy.ndarray, shape (design, years)
        Predicted survival, read as straight between the ages.
    years : numpy.ndarray, shape (years,)
        Ages, from 0 on; the average is taken up to the last.
    duration : numpy.ndarray, shape (design,)
        Years observed.
    ended : numpy.ndarray of bool, shape (design,)
        Whether the design ended, and was not censored.

    Returns
    -------
    numpy.ndarray, shape (design,)
        Contributions, whose mean over designs is the score.

    References
    ----------
    Graf, Schmoor, Sauerbrei & Schumacher (1999), "Assessment and comparison of prognostic
    classification schemes for survival data".
    """
    ended = ended.astype(bool)
    edges = np.unique(np.concatenate([years, duration[duration < years[-1]]]))
    middle, width = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    # between two edges nobody ends and nobody is censored: the midpoint knows no ties
    k = np.searchsorted(years, middle, side="right") - 1
    share = (middle - years[k]) / (years[k + 1] - years[k])
    predicted = (1 - share) * standing[:, k] + share * standing[:, k + 1]  # (design, middle)
    stands = duration[:, None] > middle
    observed = still_observed(duration, ended, middle)
    safe = np.where(stands.any(0), observed, 1.0)  # where nobody is left nobody is weighted
    gone = ended / still_observed(duration, ended, duration, before=True)
    weight = np.where(stands, 1 / safe, gone[:, None])
    return (weight * (predicted - stands) ** 2) @ width / years[-1]


def concordance(
    life: np.ndarray, duration: np.ndarray, ended: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of each unseen design with the others, and how many are in the right order.

    A pair counts if it is known which design ended first. Both of its lives are predicted by the
    one fit that has not seen the design: pooling the predictions of different fits would punish
    every one of them, since leaving out a short life lengthens all that the fit predicts.

    Parameters
    ----------
    life : numpy.ndarray, shape (design, other)
        Predicted life of every other design by the fit without the design's case.
    duration : numpy.ndarray, shape (design,)
        Years observed.
    ended : numpy.ndarray of bool, shape (design,)
        Whether the design ended, and was not censored.

    Returns
    -------
    tuple of numpy.ndarray, each of shape (design,)
        Pairs in the right order (equal predictions count 1/2), and pairs. The ratio of their sums
        is Harrell's concordance where all rows of ``life`` are one.

    References
    ----------
    Harrell, Lee & Mark (1996), "Multivariable prognostic models"; Airola et al. (2011), "An
    experimental comparison of cross-validation techniques for estimating the area under the ROC
    curve", on pooling.
    """
    ended = ended.astype(bool)
    same = duration[:, None] == duration
    first = ended[:, None] & ((duration[:, None] < duration) | (same & ~ended))
    # differences in rounding are no order
    longer = np.sign(np.round(life - np.diagonal(life)[:, None], 9))  # (design, other)
    right = first * (1 + longer) / 2 + first.T * (1 - longer) / 2
    return right.sum(1), (first | first.T).sum(1).astype(float)


def by_case(predictions: xr.Dataset, data: Data) -> pd.DataFrame:
    """Scores of one who predicts, by case.

    Parameters
    ----------
    predictions : xarray.Dataset
        What `bayes_alliance.compare.predictions.assemble` gave.
    data : Data
        The data that were predicted.

    Returns
    -------
    pandas.DataFrame
        One row a case, one column a score of what was predicted. Survival scores are means over
        the designs of a case, and missing where none has a life. Concordance is linearised: the
        mean over cases is the share of pairs in the right order, and their spread gives its
        standard error.

    Raises
    ------
    InputError
        If the predictions are of other cases or designs.
    """
    cell = designs(data)
    if list(predictions["case"].values) != list(cell.index):
        raise InputError("predictions of the same cases", column="case", value=data.name)
    out = pd.DataFrame(index=cell.index.rename("case"))
    if "probability" in predictions:
        probability = predictions["probability"].to_numpy()
        out["log"] = log_score(probability, cell.to_numpy())
        out["brier"] = brier_score(probability, cell.to_numpy())
        rung = RUNG[cell.to_numpy()]
        out["ranked"] = ranked_probability_score(ladder(probability), rung)
    if "standing" in predictions:
        lives = durations(data.episodes)
        if list(predictions["design"].values) != list(lives.index):
            raise InputError("predictions of the same designs", column="design", value=data.name)
        duration, ended = lives["duration"].to_numpy(float), lives["event"].to_numpy() == 1
        case = predictions["case_of_design"].to_numpy()
        score = integrated_brier_score(
            predictions["standing"].to_numpy(), predictions["years"].to_numpy(), duration, ended
        )
        out["integrated_brier"] = pd.Series(score).groupby(case).mean()
        life = predictions["life"].to_numpy()[cell.index.get_indexer(case)]
        right, compared = concordance(life, duration, ended)
        pairs = pd.DataFrame({"right": right, "all": compared}).groupby(case).sum()
        if pairs["all"].sum() > 0:
            share = pairs["right"].sum() / pairs["all"].sum()
            # twice, as each pair stands in the row of both of its cases
            rest = 2 * (pairs["right"] - share * pairs["all"]) / pairs["all"].mean()
            out["concordance"] = share + rest
    return out


def score_table(
    predictions: Mapping[str, xr.Dataset], data: Data, reference: str = NULL
) -> pd.DataFrame:
    """Table of scores of all who predict the same cases.

    Parameters
    ----------
    predictions : mapping of str to xarray.Dataset
        Predictions by name: of theories and of yardsticks.
    data : Data
        The data that were predicted.
    reference : str
        Whose scores the others' are set against.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``score`` and ``name``: ``mean`` over cases and ``se``, its standard error;
        ``difference`` (minus the reference's) and ``difference_se``, paired by case; ``cases``
        that have the score; ``better``, whether ``less`` or ``more`` is; ``note``, how the
        predictions were made. Only scores of what was predicted have a row.

    Raises
    ------
    InputError
        If the reference does not predict, or the predictions are of other cases.
    """
    if reference not in predictions:
        raise InputError(f"one of {', '.join(predictions)}", column="reference", value=reference)
    found = {name: by_case(one, data) for name, one in predictions.items()}
    rows = {}
    for score, better in SCORES.items():
        for name, scores in found.items():
            if score not in scores:
                continue
            values = scores[score].dropna()
            apart = (values - found[reference].get(score, np.nan)).loc[values.index]
            rows[score, name] = {
                "mean": values.mean(),
                "se": values.sem(),
                "difference": apart.mean(),
                "difference_se": apart.sem(),
                "cases": len(values),
                "better": better,
                "note": predictions[name].attrs.get("note", ""),
            }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(index=["score", "name"])
