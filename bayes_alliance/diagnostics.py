"""Diagnostics of a fit and the verdict that they give."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr

from bayes_alliance.errors import InputError

RHAT_MAX, ESS_MIN, EBFMI_MIN = 1.01, 400, 0.3


def diagnose(tree: xr.DataTree) -> dict[str, Any]:
    """Diagnostics of a fit and one verdict.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.

    Returns
    -------
    dict
        ``rhat_max``, ``ess_bulk_min``, ``ess_tail_min`` (each with ``_at``, the parameter),
        ``divergences``, ``ebfmi_min``, ``problems`` (list of str) and ``verdict`` (``"ok"`` or
        ``"not to be trusted"``).

    References
    ----------
    Vehtari, Gelman, Simpson, Carpenter & Buerkner (2021), "Rank-normalization, folding, and
    localization: an improved R-hat".
    """
    if not isinstance(tree, xr.DataTree) or "posterior" not in tree.children:
        words = "a fit, as ba.fit makes it and ba.open opens it"
        raise InputError(words, column="fit", value=type(tree).__name__)
    names = [*tree["log_prior"].data_vars, "epsilon"]
    posterior = tree["posterior"].to_dataset()
    free = posterior[[name for name in names if name in posterior]]
    out: dict[str, Any] = {}
    for name, values, worst in (
        ("rhat_max", az.rhat(free), "max"),
        ("ess_bulk_min", az.ess(free, method="bulk"), "min"),
        ("ess_tail_min", az.ess(free, method="tail"), "min"),
    ):
        # undefined (one chain, say) is as bad as it can be
        flat = _flat(values).fillna(np.inf if worst == "max" else 0.0)
        where = flat.idxmax() if worst == "max" else flat.idxmin()
        out[name], out[f"{name}_at"] = float(flat[where]), str(where)
    out["divergences"] = int(tree["sample_stats"]["diverging"].sum())
    out["ebfmi_min"] = float(np.min(az.bfmi(tree)["energy"].to_numpy()))
    checks = (
        (out["rhat_max"] <= RHAT_MAX, f"R-hat {out['rhat_max']:.3f} at {out['rhat_max_at']}"),
        (
            out["ess_bulk_min"] >= ESS_MIN,
            f"bulk ESS {out['ess_bulk_min']:.0f} at {out['ess_bulk_min_at']}",
        ),
        (
            out["ess_tail_min"] >= ESS_MIN,
            f"tail ESS {out['ess_tail_min']:.0f} at {out['ess_tail_min_at']}",
        ),
        (out["divergences"] == 0, f"{out['divergences']} divergences"),
        (out["ebfmi_min"] >= EBFMI_MIN, f"E-BFMI {out['ebfmi_min']:.2f}"),
        (not tree.attrs.get("interrupted"), "interrupted before all draws were made"),
    )
    out["problems"] = [text for passed, text in checks if not passed]
    out["verdict"] = "not to be trusted" if out["problems"] else "ok"
    return out


def problems(tree: xr.DataTree) -> str:
    """What spoils numbers that rest on a tree, in words; nothing where a fit passed."""
    if not {"log_prior", "sample_stats"} <= set(tree.children):
        return "no diagnostics: this is no whole fit"
    return "; ".join(diagnose(tree)["problems"])


def marked(
    table: pd.DataFrame,
    trees: Mapping[str, xr.DataTree],
    names: Iterable[str],
    hazards: Mapping[str, xr.DataTree] | None = None,
) -> pd.DataFrame:
    """A table with a column ``problems``: what spoils the fits that each row rests on.

    ``names`` has the fit of each row, whose hazard of decisions counts too where there are any;
    what is of no one fit rests on all.
    """
    own = {name: problems(tree) for name, tree in trees.items()}
    for name, tree in (hazards or {}).items():
        spoilt = problems(tree)
        both = [own[name], f"hazard of decisions: {spoilt}" if spoilt else ""]
        own[name] = "; ".join(filter(None, both))
    every = "; ".join(f"{name}: {words}" for name, words in own.items() if words)
    return table.assign(problems=[own.get(name, every) for name in names])


def _flat(values: xr.Dataset) -> pd.Series:
    """One value a scalar parameter, by name with its coordinates."""
    rows = {}
    for name, array in values.data_vars.items():
        for index in np.ndindex(array.shape):
            at = [
                str(array.coords[d].values[i]) if d in array.coords else str(i)
                for d, i in zip(array.dims, index, strict=True)
            ]
            rows[f"{name}[{', '.join(at)}]" if at else str(name)] = float(array.values[index])
    return pd.Series(rows)
