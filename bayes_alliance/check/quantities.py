"""Test quantities, observed and replicated.

Each is one function of `Choices` or of `Lives`, which are the same for what happened and for what
the theory draws anew; so both sides are read, and censored, in the same way. Which quantities there
are depends on the data: a theatre, patron or era that they do not have has none.

Lives are those of the designs that were made: which designs there are is not drawn anew for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from bayes_alliance.bundled import bundled
from bayes_alliance.check.choices import (
    Choices,
    designs,
    observed_choices,
    replicated_choices,
)
from bayes_alliance.check.lives import (
    Lives,
    lifetimes,
    observed_lives,
    replicated_lives,
    restricted_mean,
    surviving,
)
from bayes_alliance.compare.hypotheses import interval
from bayes_alliance.data.load import Data, load
from bayes_alliance.data.schema import TABLES
from bayes_alliance.data.validate import read_table
from bayes_alliance.diagnostics import problems
from bayes_alliance.errors import InputError
from bayes_alliance.given import fit_given
from bayes_alliance.process.cells import COMMITMENTS, JOINT, MULTILATERAL, STRONG, TRILATERAL
from bayes_alliance.storage import data_of

__all__ = ["check", "checks", "designs", "lifetimes", "quantities"]

ENOUGH = 10
"""Cases that a patron or an era must have for quantities of its own."""
HORIZON, SHORT = 50, 10
"""Years within which mean lives are counted; years that a short-lived design lasts at most."""
KINDS = {
    "multilateral": ("a multilateral design", "multilateral designs", MULTILATERAL),
    "strong": ("a strong commitment", "strong commitments", STRONG),
}
THEATRES = {
    "europe": "European cases",
    "asia": "Asian cases",
    "americas": "American cases",
    "middle-east": "cases of the Middle East and North Africa",
    "africa": "cases of Africa south of the Sahara",
}
PLEDGES = ("not pledged", "pledged to consult", "pledged to defend")
"""What clients had promised each other before."""
SINGLE = {
    "seato": ("southeast-asia-1954", "years that SEATO lasted, counted to the end of observation"),
    "north_atlantic": (
        "north-atlantic-1949",
        "years that the North Atlantic alliance lasted, counted likewise",
    ),
}


class Quantity(NamedTuple):
    """A test quantity: what it is in words, and of what is observed or replicated."""

    words: str
    of: Callable[[Any], Any]


def _share(what: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Share of those chosen that have a property; not a number where none is chosen."""
    count = np.asarray(among.sum(-1), dtype=float)
    return (what & among).sum(-1) / np.where(count > 0, count, np.nan)


PROPOSALS = {
    "proposed_any": Quantity(
        "share of recorded proposals that were for an alliance",
        lambda c: _share(c.proposal > 0, c.proposal >= 0),
    ),
    "proposed_several": Quantity(
        "share of proposed alliances that were to have several clients",
        lambda c: _share(c.to_several, c.proposal > 0),
    ),
    "refused_several": Quantity(
        "share of proposals to several clients that came to fewer or none",
        lambda c: _share(c.refused, c.to_several),
    ),
    "refused_one": Quantity(
        "share of proposals to one client that came to nothing or were refused",
        lambda c: _share(c.refused, c.to_one),
    ),
    "fallback_none": Quantity(
        "share of refused proposals to several clients that fell back to nothing",
        lambda c: _share(c.design == 0, c.to_several & c.refused),
    ),
    "fallback_bilateral": Quantity(
        "share of refused proposals to several clients that fell back to one client",
        lambda c: _share((c.design > 0) & (JOINT[c.design] == 0), c.to_several & c.refused),
    ),
    "fallback_trilateral": Quantity(
        "share of refused proposals to several clients that fell back to two clients",
        lambda c: _share(TRILATERAL[c.design] > 0, c.to_several & c.refused),
    ),
    "clients_several": Quantity(
        "mean number of clients in designs of several (three or more count as three)",
        lambda c: 2 + _share(MULTILATERAL[c.design] > 0, JOINT[c.design] > 0),
    ),
}


def _of_choices(observed: Choices) -> dict[str, Quantity]:
    """Quantities of proposals and designs that a dataset may have."""
    cases = observed.cases
    groups = {n: (w, (cases["theatre"] == n).to_numpy()) for n, w in THEATRES.items()}
    groups = {name: group for name, group in groups.items() if group[1].any()}
    both = "europe" in groups and "asia" in groups
    if len(groups) > 1:
        groups["all"] = ("all cases", np.ones(len(cases), bool))
    names = read_table(bundled("data", "states.csv"), TABLES["states"])
    states = dict(zip(names["abbreviation"], names["name"], strict=True))
    for factor, words in (("patron", "cases with {} as patron"), ("era", "cases of the {} era")):
        for level, count in cases[factor].value_counts(sort=False).items():
            if ENOUGH <= count < len(cases):
                label = words.format(states.get(str(level), level))
                groups[f"{factor}_{level}"] = (label, (cases[factor] == level).to_numpy())
    out = {}
    for kind, (one, several, weight) in KINDS.items():
        if both:
            where = groups["europe"][1], groups["asia"][1]
            words = f"share of {several}, Europe minus Asia"
            out[f"{kind}_difference"] = Quantity(words, partial(_difference, weight, *where))
        for name, (words, chosen) in groups.items():
            words = f"share of {words} that ended in {one}"
            out[f"{kind}_{name}"] = Quantity(words, partial(_ended_in, weight, chosen))
    return out | PROPOSALS


def _ended_in(weight: np.ndarray, chosen: np.ndarray, choices: Choices) -> np.ndarray:
    return _share(weight[choices.design] > 0, np.broadcast_to(chosen, choices.design.shape))


def _difference(weight: np.ndarray, one: np.ndarray, two: np.ndarray, choices: Choices):
    return _ended_in(weight, one, choices) - _ended_in(weight, two, choices)


def _of_lives(observed: Lives) -> dict[str, Quantity]:
    """Quantities of lives that a dataset may have."""
    episodes, joint = observed.designs.index, JOINT[observed.designs["cell"]] > 0
    pledge = observed.designs["commitment"].to_numpy()
    out = {}
    for name, (episode, words) in SINGLE.items():
        if episode in episodes:
            at = episodes.get_loc(episode)
            out[f"years_{name}"] = Quantity(words, partial(_years_of, at))
    groups = {"one": ("one client", ~joint), "several": ("several clients", joint)}
    groups = {name: group for name, group in groups.items() if group[1].any()}
    for name, (words, chosen) in groups.items():
        words = f"share of designs of {words} that end within {SHORT} years"
        out[f"ended_{name}"] = Quantity(words, partial(_short_lived, chosen))
    for code, (level, words) in enumerate(zip(COMMITMENTS, PLEDGES, strict=True)):
        chosen = joint & (pledge == code)
        if chosen.any():
            groups[f"several_{level}"] = (f"clients {words} before", chosen)
    for name, (words, chosen) in groups.items():
        words = f"mean life to {HORIZON} years of designs of {words} (n={chosen.sum()})"
        out[f"years_{name}"] = Quantity(words, partial(_mean_life, chosen))
    return out


def _years_of(at: int, lives: Lives) -> np.ndarray:
    return lives.years[..., at]


def _mean_life(chosen: np.ndarray, lives: Lives) -> np.ndarray:
    return restricted_mean(lives.years[..., chosen], lives.ended[..., chosen], HORIZON)


def _short_lived(chosen: np.ndarray, lives: Lives) -> np.ndarray:
    at = np.array([SHORT])
    return 1 - surviving(lives.years[..., chosen], lives.ended[..., chosen], at)[..., 0]


class _Side(NamedTuple):
    """Quantities of one kind that the data have, what is observed, and how to draw it anew."""

    table: dict[str, Quantity]
    observed: Choices | Lives
    replicate: Callable[[xr.DataTree, int], Choices | Lives]


def _sides(data: Data) -> Iterator[_Side]:
    """The two kinds of quantities: a quantity is there where its observed value is a number."""
    choices, lives = observed_choices(data), observed_lives(data)
    for table, observed, replicate in (
        (_of_choices(choices), choices, lambda tree, seed: replicated_choices(tree, data)),
        (_of_lives(lives), lives, lambda tree, seed: replicated_lives(tree, data, seed)),
    ):
        there = {name: q for name, q in table.items() if np.isfinite(q.of(observed))}
        yield _Side(there, observed, replicate)


def quantities(data: Data | None = None) -> dict[str, str]:
    """List the test quantities.

    Parameters
    ----------
    data : Data, optional
        The quantities that these data have; by default those of the bundled Europe and Asia.

    Returns
    -------
    dict of str to str
        Name to description.
    """
    data = load("europe", "asia") if data is None else data
    return {name: q.words for side in _sides(data) for name, q in side.table.items()}


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
        replications), ``tail`` (the smaller of the shares of replications at or above and at
        or below the observed value) and ``undefined``, the share of replications in which there
        is no such quantity (a share of refusals without a refusal, say): the others are compared;
        ``problems``, the diagnostics that the fit did not pass.

    Raises
    ------
    InputError
        If the data have no such quantity.
    """
    known: list[str] = []
    tree, asked = fit_given(tree), quantity if isinstance(quantity, str) else ""
    for side in _sides(data_of(tree)):
        if asked in side.table:
            found = side.table[asked]
            out = _compared(quantity, found, side.observed, side.replicate(tree, seed))
            out.attrs["problems"] = problems(tree)
            return out
        known += side.table
    near = get_close_matches(asked[:100], known, 1)
    words = f"{near[0]} (did you mean that?), or" if near else "a test quantity:"
    raise InputError(f"{words} one of {', '.join(known)}", column="quantity", value=quantity)


def _compared(
    name: str, quantity: Quantity, observed: Choices | Lives, replicated: Choices | Lives
) -> xr.DataTree:
    """Both sides of a quantity."""
    value, draws = float(quantity.of(observed)), quantity.of(replicated)  # (chain, draw)
    out = xr.DataTree.from_dict(
        {
            "observed_data": xr.Dataset({name: ((), value)}),
            "posterior_predictive": xr.Dataset({name: (("chain", "draw"), draws)}),
        }
    )
    defined = draws[np.isfinite(draws)]
    shown = defined if defined.size else np.array([np.nan])
    low, high = interval(shown)
    out.attrs.update(
        description=quantity.words,
        observed=value,
        mean=float(shown.mean()),
        lower=low,
        upper=high,
        tail=float(min((shown >= value).mean(), (shown <= value).mean())),
        undefined=1 - defined.size / draws.size,
    )
    return out


def checks(tree: xr.DataTree, seed: int = 1) -> pd.DataFrame:
    """All test quantities that the data have.

    Parameters
    ----------
    tree : xarray.DataTree
        A fit.
    seed : int
        Seed of the replicated lives.

    Returns
    -------
    pandas.DataFrame
        One row a quantity, with the attributes of `check`.
    """
    tree, rows = fit_given(tree), {}
    for side in _sides(data_of(tree)):
        if side.table:
            replicated = side.replicate(tree, seed)
            for name, quantity in side.table.items():
                rows[name] = _compared(name, quantity, side.observed, replicated).attrs
    out = pd.DataFrame.from_dict(rows, orient="index").rename_axis(index="quantity")
    return out.assign(problems=problems(tree))
