"""What the functions of forecasts are given: fits, hazards of decisions, scenarios, weights."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from typing import Any

import xarray as xr

from bayes_alliance.errors import InputError
from bayes_alliance.forecast.scenario import Scenario, read
from bayes_alliance.given import fits_given


def fits(trees: Any) -> dict[str, xr.DataTree]:
    """Check fits by theory.

    Parameters
    ----------
    trees : mapping of str to xarray.DataTree
        Fits of the same data.

    Returns
    -------
    dict of str to xarray.DataTree
        The fits.

    Raises
    ------
    InputError
        If they are no such mapping.
    """
    found = _with_groups(trees, "fits", "posterior", "log_prior")
    hashes = {name: tree.attrs.get("data_hash") for name, tree in found.items()}
    first = next(iter(hashes))
    for name, one in hashes.items():
        if one != hashes[first]:
            raise InputError(f"a fit of the same data as {first!r}", row=name, column="fits")
    return found


def hazards(forms: Any, trees: Mapping[str, xr.DataTree]) -> dict[str, xr.DataTree]:
    """Check hazards of decisions by theory.

    Parameters
    ----------
    forms : mapping of str to xarray.DataTree
        What `bayes_alliance.formation` gave by theory.
    trees : mapping of str to xarray.DataTree
        The fits whose theories need one.

    Returns
    -------
    dict of str to xarray.DataTree
        The hazards.

    Raises
    ------
    InputError
        If a theory has none, or one of another theory.
    """
    found = _with_groups(forms, "forms", "posterior", "tables")
    for name, tree in trees.items():
        if name not in found:
            raise InputError("a hazard of decisions of each theory", column="forms", value=name)
        theory = tree.attrs["theory"]
        if found[name].attrs["theory"] != theory:
            words = f"a hazard of decisions of the theory {theory!r}, as formation(fit) gives it"
            raise InputError(words, row=name, column="forms", value=found[name].attrs["theory"])
    return {name: found[name] for name in trees}


def scenario_of(given: Any) -> Scenario:
    """Read a scenario that is not yet read.

    Parameters
    ----------
    given : Scenario, str or pathlib.Path
        A scenario, the name of a bundled one, or a TOML file.

    Returns
    -------
    Scenario
        The scenario.

    Raises
    ------
    InputError
        If it is none of these.
    """
    if isinstance(given, Scenario):
        return given
    if not isinstance(given, (str, Path)):
        words = "the name of a bundled scenario, a TOML file, or what scenario.parse(table) gives"
        raise InputError(words, column="scenario", value=given)
    return read(given)


def weights_of(given: Any, names: Any) -> dict[str, float]:
    """Check stacking weights.

    Parameters
    ----------
    given : mapping of str to float
        Weights by theory.
    names : iterable of str
        The theories that were fitted.

    Returns
    -------
    dict of str to float
        Weights that sum to 1, in the order of the theories.

    Raises
    ------
    InputError
        If they are not weights of these theories.
    """
    names = list(names)
    words = f"weights of the fitted theories ({', '.join(names)}), none below 0, that sum to 1"
    shown = dict(given) if isinstance(given, Mapping) else given
    right = isinstance(given, Mapping) and set(given) == set(names)
    if not right or not all(_is_weight(w) for w in given.values()):
        raise InputError(words, column="weights", value=shown)
    if abs(sum(given.values()) - 1) > 1e-3:
        raise InputError(words, column="weights", value=shown)
    return {name: float(given[name]) for name in names}


def _is_weight(value: Any) -> bool:
    """Tell whether a value can be a weight; NaN and numbers too large for a float are none."""
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    try:
        return 0 <= float(value) <= 1.001
    except OverflowError:
        return False


def _with_groups(given: Any, column: str, *groups: str) -> dict[str, xr.DataTree]:
    """Fits by name that have some groups."""
    found = fits_given(given, column=column)
    for name, tree in found.items():
        if not set(groups) <= set(tree.children):
            words = f"a DataTree that fit, open or formation gave ({', '.join(groups)} in it)"
            raise InputError(words, row=name, column=column, value=type(tree).__name__)
    return found
