"""What a theory says of a case that it has not seen, nor anything like it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import xarray as xr

from bayes_alliance.compare.loo import BY, groups
from bayes_alliance.compare.refits import refit_without
from bayes_alliance.errors import InputError
from bayes_alliance.fit import data_of
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
    found = refit_without(tree, out, label, progress)[f"design_probability_{information}"]
    episodes = data_of(tree).episodes
    kept = episodes.loc[episodes["case"].isin([names[i] for i in out]), "episode"]
    cells = found.to_numpy()[:, list(kept).index(case)]  # (sample, cell)
    rows = {}
    for kind, of_cell in KINDS.items():
        draws = cells @ of_cell
        lower, upper = np.quantile(draws, [0.05, 0.95])
        rows[kind] = {"probability": draws.mean(), "lower": lower, "upper": upper}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(index="design")
