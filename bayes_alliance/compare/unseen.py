"""What a theory says of a case that it has not seen, nor anything like it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import xarray as xr

from bayes_alliance.compare.loo import BY, groups, pareto
from bayes_alliance.compare.refits import designs_seen, refit_without
from bayes_alliance.errors import InputError
from bayes_alliance.process.cells import CELLS, PARTNERS, STRONG
from bayes_alliance.process.integrated import INFORMATION

KINDS = {
    **{name: np.array([cell.startswith(name) for cell in CELLS]) for name in ("none", "bilateral")},
    "trilateral": PARTNERS == 1,
    "multilateral": PARTNERS == 2,
    "strong": STRONG > 0,
}  # each (cell,)
"""What is asked of a design: how many parties, and whether the commitment is strong."""


def unseen(
    tree: xr.DataTree,
    case: str,
    by: str = "theatre",
    information: str = "indicators",
    progress: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """Predict a case from a fit without it, or without all cases of its theatre or patron.

    Without the case alone the draws of the fit are weighted by PSIS, as in every score, where
    Pareto k allows it; otherwise the model is fitted again.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.
    case : str
        Name of a case.
    by : {"episode", "theatre", "patron"}
        What is left out with it.
    information : {"indicators", "commitments"}
        Whether the prediction may know what the clients had promised each other.
    progress : callable, optional
        Called with the name of a refit as it begins.

    Returns
    -------
    pandas.DataFrame
        Indexed by kind of design (none, bilateral, trilateral, multilateral, strong):
        ``probability`` (mean over draws), ``lower`` and ``upper`` (90 % interval).

    Raises
    ------
    InputError
        If the case or an option is unknown.
    """
    names = list(tree["log_likelihood"]["case"].to_numpy().astype(str))
    if case not in names:
        raise InputError("a case of the data", column="case", value=case)
    for column, value, known in (("by", by, BY), ("information", information, INFORMATION)):
        if value not in known:
            raise InputError(f"one of {', '.join(known)}", column=column, value=value)
    at = names.index(case)
    label: str = case
    out: tuple[int, ...] = (at,)
    if by != "episode":
        label, out = next((k, v) for k, v in groups(tree, by).items() if at in v)
        if len(out) == len(names):
            raise InputError(f"data with two {by}s or more", column="by", value=by)
    name, asked = f"design_probability_{information}", {"episode": case}
    log_weights, pareto_k, good_k = pareto(tree)
    if by == "episode" and pareto_k[at] <= good_k:
        cells = designs_seen(tree)[name].sel(asked).to_numpy().reshape(-1, len(CELLS))
        weights = np.exp(log_weights[..., at].to_numpy().ravel())  # (sample,)
    else:
        cells = refit_without(tree, out, label, progress)[name].sel(asked).to_numpy()
        weights = np.ones(len(cells))
    rows = {}
    for kind, of_cell in KINDS.items():
        draws = cells @ of_cell
        ends = np.quantile(draws, [0.05, 0.95], weights=weights, method="inverted_cdf")
        mean = np.average(draws, weights=weights)
        rows[kind] = {"probability": mean, "lower": ends[0], "upper": ends[1]}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(index="design")
