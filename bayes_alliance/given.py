"""Fits as the public functions are given them: anything else is refused in one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import xarray as xr

from bayes_alliance.errors import InputError

HOW = 'such as {"null": ba.fit("null", data)}'


def fit_given(given: Any) -> xr.DataTree:
    """Refuse what is no fit.

    Parameters
    ----------
    given : object
        What a caller gave.

    Returns
    -------
    xarray.DataTree
        The same.

    Raises
    ------
    InputError
        If it is something else.
    """
    if isinstance(given, Mapping) and not isinstance(given, xr.DataTree):
        raise InputError('one of the fits, such as fits["null"]', column="fit", value=list(given))
    if not isinstance(given, xr.DataTree) or not {"theory"} <= set(given.attrs):
        words = "a fit, as ba.fit makes it and ba.open opens it"
        raise InputError(words, column="fit", value=type(given).__name__)
    return given


def fits_given(given: Any, least: int = 1, column: str = "fits") -> dict[str, xr.DataTree]:
    """Refuse what are no fits by name.

    Parameters
    ----------
    given : object
        What a caller gave.
    least : int
        Fits that are needed.
    column : str
        What to call them in errors.

    Returns
    -------
    dict of str to xarray.DataTree
        The same.

    Raises
    ------
    InputError
        If it is something else, or has too few.
    """
    words = f"fits by name, {HOW}"
    if isinstance(given, xr.DataTree) or not isinstance(given, Mapping):
        raise InputError(words, column=column, value=type(given).__name__)
    if len(given) < least:
        some = "one fit" if least == 1 else "two fits"
        raise InputError(f"{some} or more", column=column, value=list(given))
    for name, tree in given.items():
        if not isinstance(name, str):
            raise InputError(words, column=column, value=name)
        try:
            fit_given(tree)
        except InputError as error:
            raise InputError(error.expected, row=name, column=column, value=error.value) from None
    return dict(given)
