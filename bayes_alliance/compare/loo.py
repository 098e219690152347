"""Leave-one-out comparison of theories on the common outcomes.

The unit is the case: a proposal with whatever it fell back to. Its outcomes and what its clients
had promised each other are left out together; its indicators stay. PSIS gives the weights of the
draws; where Pareto k is too high the model is fitted again without the case (`arviz.reloo`). A
whole theatre, or a patron, is always left out exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr

from bayes_alliance.compare.refits import Refit, log_mean, refit_without
from bayes_alliance.diagnostics import marked
from bayes_alliance.errors import InputError
from bayes_alliance.given import fits_given
from bayes_alliance.process.integrated import INFORMATION
from bayes_alliance.quiet import quiet
from bayes_alliance.storage import data_of

BY = ("episode", "theatre", "patron")
SMALL, ERRORS = 4.0, 2.0
"""Differences in log score below the first, or below so many standard errors, tell nothing apart
(Sivula et al. 2020)."""
LEAST_CASES = 5
"""Cases below which the spread of differences says nothing of the error of their sum."""
SCORED = ("outcome", "case_index", "exposure", "ended")
"""Containers that must agree before two fits are compared; indicators may differ."""


def check_comparable(trees: Mapping[str, xr.DataTree], information: str, by: str) -> None:
    """Refuse comparisons that compare nothing or unlike things.

    Parameters
    ----------
    trees : mapping of str to xarray.DataTree
        Fits by name.
    information, by : str
        As in `compare`.

    Raises
    ------
    InputError
        If an option is unknown or the fits are of different cases or outcomes.
    """
    if information not in INFORMATION:
        raise InputError(
            f"one of {', '.join(INFORMATION)}", column="information", value=information
        )
    if by not in BY:
        raise InputError(f"one of {', '.join(BY)}", column="by", value=by)
    scored = {name: _scored(tree) for name, tree in trees.items()}
    for name, tree in trees.items():
        for part, values in scored[name].items():
            if not np.array_equal(values, next(iter(scored.values()))[part]):
                raise InputError(
                    "fits of the same cases and outcomes",
                    row=name,
                    column=part,
                    value=tree.attrs["data_name"],
                )


def _scored(tree: xr.DataTree) -> dict[str, np.ndarray]:
    """Contents that must agree before two fits are compared."""
    constant = tree["constant_data"].to_dataset()
    cases = tree["log_likelihood"]["case"].to_numpy().astype(str)
    # rows of tables may come in any order: their labels decide
    named = constant.assign(case_index=("episode", cases[constant["case_index"].to_numpy()]))
    values = {name: named[name].sortby(named[name].dims[0]).to_numpy() for name in SCORED}
    return values | {"case": np.sort(cases)}


def elpd(
    tree: xr.DataTree,
    information: str = "indicators",
    by: str = "episode",
    exact: bool = True,
    progress: Callable[[str], None] | None = None,
) -> az.ELPDDataLOO:
    """Estimate how well a theory predicts cases that it has not seen.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.
    information : {"indicators", "commitments"}
        Whether a prediction may know what the clients had promised each other.
    by : {"episode", "theatre", "patron"}
        Leave out one case at a time, or all cases of a theatre or of a patron.
    exact : bool
        Refit where Pareto k is too high.
    progress : callable, optional
        Called with the name of each refit as it begins.

    Returns
    -------
    arviz.ELPDDataLOO
        Pointwise by case. ``pareto_k`` of a refitted case is 0; ``influence_pareto_k`` keeps the
        values before refits.

    References
    ----------
    Vehtari, Gelman & Gabry (2017), "Practical Bayesian model evaluation using leave-one-out
    cross-validation and WAIC"; Merkle, Furr & Rabe-Hesketh (2019).
    """
    check_comparable({tree.attrs["theory"]: tree}, information, by)
    psis = _psis(tree, information)
    if by != "episode":
        return _by_group(tree, information, by, psis, progress)
    before = psis.pareto_k.copy()
    if exact and (before > psis.good_k).any():
        psis = az.reloo(
            Refit(tree, information, progress), loo_orig=psis, var_name="joint", pointwise=True
        )
        psis = _summed(psis, tree, information)
    psis.influence_pareto_k = before
    return psis


def pareto(tree: xr.DataTree) -> tuple[xr.DataArray, xr.DataArray, float]:
    """Smoothed weights that make the draws of a fit those of the fit without a case.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit, of which only the densities of all that a case tells are read.

    Returns
    -------
    tuple of xarray.DataArray, xarray.DataArray and float
        Log weights (chain, draw, case), whose weights sum to 1 in each case, Pareto k (case,),
        and the k above which they fail.

    References
    ----------
    Vehtari, Simpson, Gelman, Yao & Gabry (2024), "Pareto smoothed importance sampling".
    """
    joint = tree["log_likelihood"].to_dataset()["joint"]
    with quiet():
        log_weights, pareto_k = joint.azstats.psislw(dim=["chain", "draw"])
    count = joint.sizes["chain"] * joint.sizes["draw"]
    good_k = min(1 - 1 / math.log10(count), 0.7)
    return log_weights.transpose("chain", "draw", "case"), pareto_k, good_k


def _psis(tree: xr.DataTree, information: str) -> az.ELPDDataLOO:
    """PSIS-LOO: weights from the joint density of all that is left out, score on the outcomes."""
    log_weights, pareto_k, _ = pareto(tree)
    with quiet():

        def loo(densities: xr.DataTree, name: str) -> az.ELPDDataLOO:
            return az.loo(
                densities,
                var_name=name,
                log_weights=log_weights,
                pareto_k=pareto_k,
                pointwise=True,
            )

        if information == "indicators":
            return loo(tree, "indicators")
        out = loo(tree, "joint")
        promise = tree["log_likelihood"].to_dataset()[["promise"]]
        promise_only = xr.DataTree.from_dict(
            {"posterior": tree["posterior"].to_dataset(), "log_likelihood": promise}
        )
        out.elpd_i = out.elpd_i - loo(promise_only, "promise").elpd_i
        return _summed(out, tree, information)


def _log_density(scores: xr.Dataset, information: str) -> np.ndarray:
    """Log predictive density of each case, averaged over draws: (case,).

    Given the promises it is the ratio of two averages, p(outcomes, promises) / p(promises), and
    not the average of ratios: the draws have not seen the promises of a left-out case either.
    """
    if information == "indicators":
        return log_mean(scores["indicators"])
    return log_mean(scores["joint"]) - log_mean(scores["promise"])


def _summed(out: az.ELPDDataLOO, tree: xr.DataTree, information: str) -> az.ELPDDataLOO:
    """Sum, standard error and effective number of parameters of pointwise scores."""
    seen = _log_density(tree["log_likelihood"].to_dataset(), information)
    out.elpd = float(out.elpd_i.sum())
    out.se = float(np.sqrt(out.n_data_points * np.var(out.elpd_i.values, ddof=1)))
    out.p = float(seen.sum() - out.elpd)
    return out


def groups(tree: xr.DataTree, by: str) -> dict[str, tuple[int, ...]]:
    """Positions of the cases of each theatre or patron.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.
    by : {"theatre", "patron"}
        What makes a group.

    Returns
    -------
    dict of str to tuple of int
        In the order of the data.
    """
    of_case = data_of(tree).episodes.groupby("case", sort=False)[by].first()
    of_case = of_case.reindex(tree["log_likelihood"]["case"].values).astype(str)
    return {
        name: tuple(int(i) for i in np.flatnonzero(of_case == name))
        for name in dict.fromkeys(of_case)
    }


def _by_group(tree, information, by, psis, progress) -> az.ELPDDataLOO:
    """Exact scores of each group's cases under the fit without that group."""
    found = groups(tree, by)
    if len(found) < 2:
        raise InputError(f"data with two {by}s or more", column="by", value=by)
    out = deepcopy(psis)
    for name, cases in found.items():
        scores = refit_without(tree, cases, name, progress)
        out.elpd_i[list(cases)] = _log_density(scores, information)
    out = _summed(out, tree, information)
    out.pareto_k = xr.zeros_like(out.pareto_k)
    out.warning = False
    return out


def compare(
    trees: Mapping[str, xr.DataTree],
    information: str = "indicators",
    by: str = "episode",
    exact: bool = True,
    progress: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """Compare theories by their expected log predictive density on unseen cases.

    Parameters
    ----------
    trees : mapping of str to xarray.DataTree
        Two fits or more of the same data.
    information : {"indicators", "commitments"}
        Whether predictions may know what the clients had promised each other.
    by : {"episode", "theatre", "patron"}
        Leave out one case at a time, or all cases of a theatre or of a patron (exactly).
    exact : bool
        Refit where Pareto k is too high.
    progress : callable, optional
        Called with the name of each refit as it begins.

    Returns
    -------
    pandas.DataFrame
        As `arviz.compare` gives it: one row a theory, best first, with ``elpd``, ``se``,
        ``elpd_diff``, ``dse``, stacking ``weight``, the warnings of ArviZ and ``problems``, the
        diagnostics that a fit did not pass; ``elpd_<group>`` of each theatre or patron that was
        left out. From fewer than five cases there are no standard
        errors, and weights are equal: so few do not tell theories apart.

    Raises
    ------
    InputError
        If there are fewer than two fits or they are of different data.
    """
    trees = fits_given(trees, least=2)
    check_comparable(trees, information, by)
    scores = {name: elpd(tree, information, by, exact, progress) for name, tree in trees.items()}
    out = table(scores)
    first = next(iter(trees.values()))
    for name, cases in (groups(first, by) if by != "episode" else {}).items():
        of = first["log_likelihood"]["case"].to_numpy()[list(cases)].astype(str)
        out[f"elpd_{name}"] = [pointwise(scores[theory]).loc[of].sum() for theory in out.index]
    return marked(out, trees, out.index)


def aligned(score: az.ELPDDataLOO, cases: xr.DataArray) -> az.ELPDDataLOO:
    """Scores in the order of other cases, which are the same."""
    out = deepcopy(score)
    for name in ("elpd_i", "pareto_k", "influence_pareto_k"):
        values = getattr(out, name, None)
        if values is not None:
            setattr(out, name, values.sel(case=cases.values))
    return out


def pointwise(score: az.ELPDDataLOO) -> pd.Series:
    """Scores by case.

    Parameters
    ----------
    score : arviz.ELPDDataLOO
        What `elpd` gave.

    Returns
    -------
    pandas.Series
        Expected log predictive density, one row a case.
    """
    return pd.Series(score.elpd_i.values, index=[str(c) for c in score.elpd_i["case"].values])


def paired(by_case: pd.Series) -> tuple[float, float]:
    """Sum of differences by case, and the standard error of the sum.

    Parameters
    ----------
    by_case : pandas.Series
        Differences in log score, one a case.

    Returns
    -------
    tuple of float
        Sum, and its standard error as `arviz.compare` gives it (not a number below `LEAST_CASES`).

    References
    ----------
    Vehtari, Gelman & Gabry (2017), equation 24.
    """
    cases = len(by_case)
    error = (
        math.sqrt(cases * by_case.var(ddof=0, skipna=False)) if cases >= LEAST_CASES else math.nan
    )
    return float(by_case.sum(skipna=False)), error


def difference(
    first: az.ELPDDataLOO, second: az.ELPDDataLOO, cases: Sequence[str] | None = None
) -> tuple[float, float, pd.Series]:
    """Difference in expected log predictive density, paired by case.

    Parameters
    ----------
    first, second : arviz.ELPDDataLOO
        Scores of the same cases.
    cases : sequence of str, optional
        Only these cases.

    Returns
    -------
    tuple of float, float and pandas.Series
        Sum over cases of first minus second and its standard error, as in `paired`, and the
        differences by case.
    """
    by_case = pointwise(first) - pointwise(second)
    if cases is not None:
        by_case = by_case.loc[list(cases)]
    return *paired(by_case), by_case


def told_apart(gap: float, error: float) -> bool:
    """Whether a difference in log score tells two theories apart.

    Parameters
    ----------
    gap, error : float
        Difference and its standard error.

    Returns
    -------
    bool
        True if it is neither small in itself nor small against its error; False without an error.

    References
    ----------
    Sivula, Magnusson, Matamoros & Vehtari (2020), "Uncertainty in Bayesian leave-one-out
    cross-validation based model comparison".
    """
    return math.isfinite(error) and abs(gap) >= max(SMALL, ERRORS * error)


def table(scores: Mapping[str, az.ELPDDataLOO]) -> pd.DataFrame:
    """Table of theories from their scores.

    Parameters
    ----------
    scores : mapping of str to arviz.ELPDDataLOO
        What `elpd` gave.

    Returns
    -------
    pandas.DataFrame
        As `compare` gives it.
    """
    cases = next(iter(scores.values())).elpd_i["case"]
    paired_ = {name: aligned(score, cases) for name, score in scores.items()}
    with quiet():
        out = az.compare(paired_, method="stacking", round_to="none")
    if min(score.n_data_points for score in scores.values()) < LEAST_CASES:
        out[["se", "dse", "p_worse"]] = np.nan
        out["weight"] = 1 / len(out)
    return out
