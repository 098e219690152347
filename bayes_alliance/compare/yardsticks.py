"""Maximum-likelihood yardsticks: what usual regressions predict of the same left-out cases.

Of the cells: base rates; an ordered logit over the ladder none, bilateral, trilateral,
multilateral, whose alliances are strong in one proportion on every rung; a multinomial logit over
the cells. Of survival: Kaplan-Meier; a Cox regression. Each is fitted without the case that it
predicts, on the same folds as the theories.

A few cases separate: some combination of covariates tells the categories apart without error, and
the likelihood has no maximum. If any fold of a regression does so, or does not converge for another
reason, all its folds are fitted with a ridge penalty, and ``attrs["note"]`` says so.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import xarray as xr
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.exceptions import ConvergenceError, ConvergenceWarning
from scipy.optimize import minimize
from statsmodels.discrete.discrete_model import MNLogit
from statsmodels.miscmodels.ordinal_model import OrderedModel

from bayes_alliance.compare.predictions import ages, assemble
from bayes_alliance.compare.scores import LADDER, RUNG
from bayes_alliance.data.load import Data
from bayes_alliance.errors import InputError
from bayes_alliance.process.cells import CELLS, JOINT, STRONG
from bayes_alliance.process.containers import CELLS_ONLY, CLIENT_COVARIATES, arrays, codes
from bayes_alliance.process.designs import designs
from bayes_alliance.process.integrated import INFORMATION
from bayes_alliance.process.priors import load_priors
from bayes_alliance.process.survival import durations
from bayes_alliance.quiet import quiet
from bayes_alliance.theories import NULL

RIDGE = 1.0
"""Penalty on half the squared slopes per standard deviation: that of a standard normal prior."""
COX_RIDGE = 0.1
"""``penalizer`` of lifelines, which multiplies it by the number of designs."""
SEPARATED = 30.0
"""A standard error, per standard deviation of the covariates, beyond this is taken for separation:
the likelihood goes on rising, and flattens out."""
STEPS = 300
STEEP = 1e-3
"""A search that stops where the likelihood is steeper than this has not converged."""

ADD_ONE = "one case added to each cell"

Fitted = tuple[np.ndarray, bool]
"""What a fit predicts, and whether it converged."""


def yardsticks(data: Data, information: str = "indicators") -> dict[str, xr.Dataset]:
    """Predictions of every case by each yardstick fitted without it.

    Parameters
    ----------
    data : Data
        Validated tables.
    information : {"indicators", "commitments"}
        Whether what the clients had promised each other is among the covariates.

    Returns
    -------
    dict of str to xarray.Dataset
        By yardstick, what `bayes_alliance.compare.predictions.assemble` gives: ``base rates``,
        ``ordered logit`` and ``multinomial logit`` predict cells, ``Kaplan-Meier`` and ``Cox``
        survival. ``attrs["note"]`` says how each was fitted.

    Raises
    ------
    InputError
        If there is no such information set.
    """
    if information not in INFORMATION:
        raise InputError(
            f"one of {', '.join(INFORMATION)}", column="information", value=information
        )
    table = covariates(data, information == "commitments")
    roots = (data.episodes["episode"] == data.episodes["case"]).to_numpy()
    cell, x, years = designs(data).to_numpy(), table[roots].to_numpy(), ages(data)
    cases = list(dict.fromkeys(data.episodes["case"]))
    out = {"base rates": assemble(data, years, base_rates(cell)).assign_attrs(note=ADD_ONE)}
    for name, logit in (("ordered logit", ordered_logit), ("multinomial logit", multinomial_logit)):

        def without(case: int, penalty: float, logit: Callable = logit) -> Fitted:
            seen = np.arange(len(cases)) != case
            return logit(x[seen], cell[seen], x[case], penalty)

        probability, note = on_folds(without, len(cases), RIDGE)
        out[name] = assemble(data, years, probability).assign_attrs(note=note)
    lives = lives_with(data, table)
    for name, survive in (("Kaplan-Meier", kaplan_meier), ("Cox", cox)):

        def surviving(case: int, penalty: float, survive: Callable = survive) -> Fitted:
            seen = (lives["case"] != cases[case]).to_numpy()
            return survive(lives.drop(columns="case"), seen, years, penalty)

        if lives["case"].nunique() > 1:
            curves, note = on_folds(surviving, len(cases), COX_RIDGE)
            out[name] = assemble(data, years, curves=curves).assign_attrs(note=note)
    return out


def on_folds(
    without: Callable[[int, float], Fitted], cases: int, ridge: float
) -> tuple[np.ndarray, str]:
    """Predictions of one estimator on all folds: maximum likelihood, or ridge if any fold fails.

    Parameters
    ----------
    without : callable
        Takes the number of a fold and a ridge penalty; gives what a fit predicts, and whether it
        converged.
    cases : int
        Folds.
    ridge : float
        Penalty.

    Returns
    -------
    tuple of numpy.ndarray, first dimension the fold, and str
        Predictions, and how they were fitted.
    """
    found = [without(case, 0.0) for case in range(cases)]
    failed = sum(not converged for _, converged in found)
    note = "maximum likelihood"
    if failed:
        found = [without(case, ridge) for case in range(cases)]
        still = sum(not converged for _, converged in found)
        note = (
            f"ridge penalty {ridge:g}, as without it {failed} of {cases} folds separate or do not "
            "converge" + (f"; {still} fail with it too and do without covariates" if still else "")
        )
    return np.stack([prediction for prediction, _ in found]), note


def covariates(data: Data, promises: bool = False) -> pd.DataFrame:
    """A few covariates of each episode, from the arrays that the theories read.

    Parameters
    ----------
    data : Data
        Validated tables.
    promises : bool
        Whether the clients' promises to each other are among them.

    Returns
    -------
    pandas.DataFrame
        Indexed by episode: means over its clients of ``land`` and ``capability`` (the adversary's
        over the client's), the mean of Walt's components of ``threat``, and ``promise`` (0 none,
        1/2 consult, 1 defend).
    """
    x = {name: value for name, (_, value) in arrays(data).items()}
    of_client = x["member_share"][:, None] * x["client_covariates"][x["member_client"]]
    means = np.zeros((len(data.episodes), len(CLIENT_COVARIATES)))
    np.add.at(means, x["member_episode"], of_client)
    of_group = dict(zip(CLIENT_COVARIATES, means.T, strict=True))
    columns = {name: of_group[name] for name in ("land", "capability")}
    columns["threat"] = x["threat_now"].mean(1)
    if promises:
        columns["promise"] = x["commitment"] / 2
    return pd.DataFrame(columns, index=data.episodes["episode"].to_numpy())


def lives_with(data: Data, table: pd.DataFrame) -> pd.DataFrame:
    """Duration, end, case and covariates of each design.

    Parameters
    ----------
    data : Data
        Validated tables.
    table : pandas.DataFrame
        What `covariates` gave.

    Returns
    -------
    pandas.DataFrame
        Indexed by episode: ``duration``, ``event``, ``case``, the covariates, and ``strong`` and
        ``several`` (clients) of the design.
    """
    lives = durations(data.episodes)
    cell = codes(data.episodes["outcome"], CELLS_ONLY)
    design = pd.DataFrame({"strong": STRONG[cell], "several": JOINT[cell]}, index=table.index)
    case = data.episodes.set_index("episode")["case"]
    return lives.join(case).join(table).join(design)


def base_rates(cell: np.ndarray) -> np.ndarray:
    """Share of each cell among the other cases, with one added to each cell.

    Parameters
    ----------
    cell : numpy.ndarray of int, shape (case,)
        Cells that the cases ended in.

    Returns
    -------
    numpy.ndarray, shape (case, cell)
        Probabilities of each case by the others.
    """
    own = np.eye(len(CELLS))[cell]
    count = own.sum(0) - own + 1
    return count / count.sum(1, keepdims=True)


def ordered_logit(x: np.ndarray, cell: np.ndarray, new: np.ndarray, penalty: float) -> Fitted:
    """Ordered logit over the ladder; alliances are strong in one proportion on every rung.

    Parameters
    ----------
    x : numpy.ndarray, shape (case, covariate)
        Covariates of the cases that are seen.
    cell : numpy.ndarray of int, shape (case,)
        Cells that they ended in.
    new : numpy.ndarray, shape (covariate,)
        Covariates of the case to predict.
    penalty : float
        Ridge penalty on slopes per standard deviation.

    Returns
    -------
    tuple of numpy.ndarray of shape (cell,) and bool
        Probabilities, with the lapse that the theories have, and whether the fit converged. Where
        it did not they are the shares of the seen cases.

    References
    ----------
    McCullagh (1980), "Regression models for ordinal data".
    """
    rung, alliance = RUNG[cell], RUNG[cell] > 0
    present, code = np.unique(rung, return_inverse=True)
    strong = (STRONG[cell][alliance].sum() + 1) / (alliance.sum() + 2)
    seen, new = _standard(x, new)
    probability, converged = np.zeros(len(LADDER)), False
    probability[present] = np.bincount(code) / len(code)
    if len(present) > 1 and seen.shape[1]:
        model = OrderedModel(code, seen, distr="logit")
        slope = np.arange(len(model.start_params)) < seen.shape[1]
        best, converged = _maximum(model, model.start_params, slope, penalty)
        if converged:
            probability[present] = model.predict(best, new[None])[0]
    of_rung = np.where(RUNG > 0, np.where(STRONG > 0, strong, 1 - strong), 1.0)
    return lapsed(probability[RUNG] * of_rung), converged


def multinomial_logit(x: np.ndarray, cell: np.ndarray, new: np.ndarray, penalty: float) -> Fitted:
    """Multinomial logit over the cells that the seen cases ended in.

    Parameters
    ----------
    x, cell, new, penalty
        As in `ordered_logit`.

    Returns
    -------
    tuple of numpy.ndarray of shape (cell,) and bool
        Probabilities, with the lapse that the theories have, and whether the fit converged. Where
        it did not they are the shares of the seen cases.

    References
    ----------
    McFadden (1974), "Conditional logit analysis of qualitative choice behavior".
    """
    present, code = np.unique(cell, return_inverse=True)
    seen, new = _standard(x, new)
    probability, converged = np.zeros(len(CELLS)), False
    probability[present] = np.bincount(code) / len(code)
    if len(present) > 1 and seen.shape[1]:
        model = MNLogit(code, np.column_stack([np.ones(len(seen)), seen]))
        slope = np.tile(np.arange(model.K) > 0, model.J - 1)
        best, converged = _maximum(model, np.zeros(len(slope)), slope, penalty)
        if converged:
            by_cell = best.reshape(model.K, -1, order="F")
            probability[present] = model.predict(by_cell, np.append(1.0, new)[None])[0]
    return lapsed(probability), converged


def lapsed(probability: np.ndarray) -> np.ndarray:
    """Spread the lapse of the process over all categories, so that none is impossible.

    Parameters
    ----------
    probability : numpy.ndarray, shape (..., category)
        Probabilities.

    Returns
    -------
    numpy.ndarray, shape (..., category)
        Probabilities, each above 0.
    """
    lapse = load_priors(NULL).options["lapse"]
    return (1 - lapse) * probability + lapse / probability.shape[-1]


def _standard(x: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Covariates in standard deviations of those seen, without those that do not vary."""
    varies = x.std(0) > 1e-9
    x, new = x[:, varies], new[..., varies]
    return (x - x.mean(0)) / x.std(0), (new - x.mean(0)) / x.std(0)


def _maximum(model, start: np.ndarray, slope: np.ndarray, penalty: float) -> Fitted:
    """Most likely parameters, with a ridge penalty on the slopes, and whether it is a maximum."""

    def loss(p: np.ndarray) -> float:
        return penalty / 2 * (p[slope] ** 2).sum() - model.loglike(p)

    def gradient(p: np.ndarray) -> np.ndarray:
        return penalty * p * slope - model.score(p)

    with np.errstate(all="ignore"):
        found = minimize(loss, start, jac=gradient, method="BFGS", options={"maxiter": STEPS})
        information = np.diag(penalty * slope) - model.hessian(found.x)
    if not np.isfinite(information).all() or not np.abs(found.jac).max() < STEEP:
        return found.x, False
    return found.x, bool(np.linalg.eigvalsh(information).min() > SEPARATED**-2)


def kaplan_meier(
    lives: pd.DataFrame, seen: np.ndarray, years: np.ndarray, penalty: float = 0.0
) -> Fitted:
    """One survival curve for all designs.

    Parameters
    ----------
    lives : pandas.DataFrame
        ``duration`` and ``event`` of all designs.
    seen : numpy.ndarray of bool, shape (design,)
        Which of them may be used.
    years : numpy.ndarray
        Ages.
    penalty : float
        Not used: there is nothing to penalise.

    Returns
    -------
    tuple of numpy.ndarray of shape (design, years) and bool
        Curves, and that there is nothing to converge.

    References
    ----------
    Kaplan & Meier (1958), "Nonparametric estimation from incomplete observations".
    """
    used = lives[seen]
    curve = KaplanMeierFitter().fit(used["duration"], used["event"])
    at_ages = curve.survival_function_at_times(years).to_numpy()
    return np.tile(at_ages, (len(lives), 1)), True


def cox(lives: pd.DataFrame, seen: np.ndarray, years: np.ndarray, penalty: float) -> Fitted:
    """Cox regression on covariates as they stood when the design began.

    Parameters
    ----------
    lives : pandas.DataFrame
        ``duration``, ``event`` and covariates of all designs.
    seen : numpy.ndarray of bool, shape (design,)
        Which of them may be used.
    years : numpy.ndarray
        Ages.
    penalty : float
        ``penalizer`` of `lifelines.CoxPHFitter`.

    Returns
    -------
    tuple of numpy.ndarray of shape (design, years) and bool
        Curves of all designs, with Breslow's baseline, and whether the fit converged. Where it
        fails outright the curve is that of Kaplan-Meier.

    References
    ----------
    Cox (1972), "Regression models and life-tables".
    """
    outcome, x = lives[["duration", "event"]], lives.drop(columns=["duration", "event"])
    used, every = _standard(x[seen].to_numpy(), x.to_numpy())
    names = [f"x{i}" for i in range(used.shape[1])]
    train = outcome[seen].reset_index(drop=True).join(pd.DataFrame(used, columns=names))
    try:
        with quiet() as said:
            fitted = CoxPHFitter(penalizer=penalty).fit(train, "duration", "event")
            relative = fitted.predict_partial_hazard(pd.DataFrame(every, columns=names))
    except (ConvergenceError, ValueError, np.linalg.LinAlgError):
        return kaplan_meier(lives, seen, years)[0], False
    doubted = any(issubclass(w.category, ConvergenceWarning) for w in said)
    separated = np.linalg.eigvalsh(fitted.variance_matrix_.to_numpy()).max() > SEPARATED**2
    # Breslow's steps; lifelines draws lines between them, and from no hazard at all to the first
    baseline = fitted.baseline_cumulative_hazard_.iloc[:, 0]
    steps = np.append(0.0, baseline.to_numpy())[np.searchsorted(baseline.index, years, "right")]
    curves = np.exp(-relative.to_numpy()[:, None] * steps)
    return curves, not separated and (penalty > 0 or not doubted)
