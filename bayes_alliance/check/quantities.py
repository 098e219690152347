"""Test quantities, observed and replicated.

A case counts once: a proposal that was refused counts as the most inclusive design that it fell
back to. Replications draw new proposals, acceptances, fallbacks and lives from the posterior; where
a replicated proposal is refused and the case has fallback rows, the replicated fallbacks of those
rows are read in the same way.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from bayes_alliance.data.load import Data
from bayes_alliance.errors import InputError
from bayes_alliance.fit import data_of, priors_of
from bayes_alliance.process.cells import JOINT, MULTILATERAL, PARTNERS, REFUSED, STRONG
from bayes_alliance.process.containers import outcome_codes
from bayes_alliance.process.integrated import at_draws
from bayes_alliance.process.survival import OBSERVED_UNTIL, YEAR, alliance_years
from bayes_alliance.theories import build

REACH = PARTNERS + STRONG / 2 + (np.arange(len(STRONG)) > 0)  # (cell,)
"""Order of designs by how much they bind: more partners first, then strength."""
LIVES = {"years_seato": "southeast-asia-1954", "years_north_atlantic": "north-atlantic-1949"}


def quantities() -> dict[str, str]:
    """List the test quantities.

    Returns
    -------
    dict of str to str
        Name to description.
    """
    return {
        "multilateral_europe": "share of European cases that ended in a multilateral design",
        "multilateral_asia": "share of Asian cases that ended in a multilateral design",
        "multilateral_difference": "share of multilateral designs, Europe minus Asia",
        "strong_europe": "share of European cases that ended in a strong commitment",
        "strong_asia": "share of Asian cases that ended in a strong commitment",
        "strong_difference": "share of strong commitments, Europe minus Asia",
        "years_seato": "years that SEATO lasted, counted to the end of observation",
        "years_north_atlantic": "years that the North Atlantic alliance lasted, counted likewise",
    }


def check(tree: xr.DataTree, quantity: str, seed: int = 1) -> xr.DataTree:
    """Compare a test quantity of the data with its posterior predictive replications.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.
    quantity : str
        One of `quantities`.
    seed : int
        Seed of the replicated lives.

    Returns
    -------
    xarray.DataTree
        ``observed_data`` and ``posterior_predictive`` with one variable, the quantity; ``attrs``
        with ``description``, ``observed``, ``mean``, ``lower``, ``upper`` (90 % interval of the
        replications) and ``tail`` (the smaller of the shares of replications at or above and at
        or below the observed value).

    Raises
    ------
    InputError
        If the quantity is unknown or the data do not have it.
    """
    known = quantities()
    if quantity not in known:
        raise InputError(f"one of {', '.join(known)}", column="quantity", value=quantity)
    data = data_of(tree)
    if quantity in LIVES:
        observed, replicated = _life(tree, data, LIVES[quantity], seed)
    else:
        kind, where = quantity.split("_")
        observed, replicated = _share(
            tree, data, MULTILATERAL if kind == "multilateral" else STRONG, where
        )
    low, high = np.quantile(replicated, [0.05, 0.95])
    out = xr.DataTree.from_dict(
        {
            "observed_data": xr.Dataset({quantity: ((), float(observed))}),
            "posterior_predictive": xr.Dataset({quantity: (("chain", "draw"), replicated)}),
        }
    )
    out.attrs.update(
        description=known[quantity],
        observed=float(observed),
        mean=float(replicated.mean()),
        lower=float(low),
        upper=float(high),
        tail=float(min((replicated >= observed).mean(), (replicated <= observed).mean())),
    )
    return out


def designs(data: Data) -> pd.Series:
    """Cell that each case ended in: of a refused proposal, its most inclusive fallback.

    Parameters
    ----------
    data : Data
        Validated tables.

    Returns
    -------
    pandas.Series of int
        Cell by case, in the order of the cases.
    """
    code = outcome_codes(data.episodes["outcome"])
    frame = pd.DataFrame(
        {"case": data.episodes["case"], "cell": np.where(code == REFUSED, 0, code)}
    )
    frame["reach"] = REACH[frame["cell"]]
    best = frame.sort_values("reach", kind="stable").groupby("case", sort=False)["cell"].last()
    return best.reindex(list(dict.fromkeys(data.episodes["case"])))


def replicated_designs(tree: xr.DataTree, data: Data) -> np.ndarray:
    """Cell that each replicated case ended in, read as `designs` reads the observed ones.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.
    data : Data
        Its data.

    Returns
    -------
    numpy.ndarray of int, shape (chain, draw, case)
        Cells.
    """
    codes = tree["posterior_predictive"]["outcome_observed"].to_numpy()
    proposal, cell = codes // (REFUSED + 2) - 1, codes % (REFUSED + 2) - 1
    episodes = data.episodes.reset_index(drop=True)
    out = []
    for case, rows in episodes.groupby("case", sort=False).groups.items():
        root = episodes.index[episodes["episode"] == case][0]
        ended = cell[..., root]
        fallbacks = [row for row in rows if row != root]
        if fallbacks:
            options = cell[..., fallbacks]
            best = np.take_along_axis(options, REACH[options].argmax(-1)[..., None], -1)[..., 0]
            refused = (JOINT[proposal[..., root]] > 0) & (ended != proposal[..., root])
            ended = np.where(refused, best, ended)
        out.append(ended)
    return np.stack(out, axis=-1)


def _share(tree, data: Data, weight: np.ndarray, where: str) -> tuple[float, np.ndarray]:
    """Share of cases with a property, by theatre or as a difference."""
    episodes = data.episodes
    roots = np.flatnonzero(episodes["episode"] == episodes["case"])
    theatre = episodes["theatre"].to_numpy()[roots]
    needed = ("europe", "asia") if where == "difference" else (where,)
    for name in needed:
        if name not in theatre:
            raise InputError(f"data with cases of {name}", column="data", value=data.name)
    replicated = weight[replicated_designs(tree, data)]  # (chain, draw, case)
    observed = weight[designs(data).to_numpy()]
    shares = [
        (observed[theatre == name].mean(), replicated[..., theatre == name].mean(-1))
        for name in needed
    ]
    if len(shares) == 1:
        return shares[0]
    return shares[0][0] - shares[1][0], shares[0][1] - shares[1][1]


def _life(tree, data: Data, episode: str, seed: int) -> tuple[float, np.ndarray]:
    """Years a design lasted, up to the end of observation."""
    at = data.episodes.index[data.episodes["episode"] == episode]
    if not len(at):
        raise InputError(f"data with the episode {episode}", column="data", value=data.name)
    row = data.episodes.loc[at[0]]
    end = row["end"] if pd.notna(row["end"]) else OBSERVED_UNTIL
    observed = (end - row["start"]) / pd.Timedelta(YEAR, "D")
    episodes = data.episodes.copy()
    episodes.loc[at, ["end", "ended"]] = [pd.NaT, "in_force"]
    open_ended = Data(data.name, episodes, data.clients, data.years, data.codings)
    model = build(tree.attrs["theory"], open_ended, priors_of(tree))
    step = max(1, tree["posterior"].sizes["draw"] // 250)
    posterior = tree["posterior"].to_dataset().isel(draw=slice(None, None, step))
    hazard = at_draws(model, posterior, {"hazard": model["hazard"]})["hazard"].to_numpy()
    years = alliance_years(episodes)
    of_design = (years["episode"] == episode).to_numpy()
    return float(observed), lifetimes(
        hazard[..., of_design], years.loc[of_design, "exposure"].to_numpy(), seed
    )


def lifetimes(hazard: np.ndarray, exposure: np.ndarray, seed: int) -> np.ndarray:
    """Draw lives from piecewise-constant hazards, censored at the end of the last stretch.

    Parameters
    ----------
    hazard : numpy.ndarray, shape (..., stretch)
        Hazard a year in each stretch.
    exposure : numpy.ndarray, shape (stretch,)
        Length of each stretch in years.
    seed : int
        Seed.

    Returns
    -------
    numpy.ndarray, shape (...)
        Years.
    """
    target = np.random.default_rng(seed).exponential(size=hazard.shape[:-1])
    total = np.cumsum(hazard * exposure, axis=-1)
    stretch = (total < target[..., None]).sum(-1)
    last = len(exposure) - 1
    inside = np.minimum(stretch, last)
    before = np.take_along_axis(total, inside[..., None], -1)[..., 0]
    rate = np.take_along_axis(hazard, inside[..., None], -1)[..., 0]
    end = np.cumsum(exposure)
    life = end[inside] - (before - target) / rate
    return np.where(stretch > last, end[-1], life)


def checks(tree: xr.DataTree) -> pd.DataFrame:
    """All test quantities that the data have.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.

    Returns
    -------
    pandas.DataFrame
        One row a quantity, with the attributes of `check`.
    """
    rows = {}
    for name in quantities():
        try:
            rows[name] = check(tree, name).attrs
        except InputError:
            continue
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(index="quantity")
