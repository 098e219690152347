"""A hypothesis of an article and the quantity of the model that carries it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import xarray as xr


@dataclass(frozen=True)
class Hypothesis:
    """One hypothesis.

    Parameters
    ----------
    name : str
        ``H1``, ``H2``, ...
    words : str
        What the article expects, in short.
    estimand : str
        The parameter or contrast, in words with its scale.
    draws : callable
        From a posterior (or prior) dataset to draws of the estimand, dims ``chain, draw``.
    direction : int
        +1 if the article expects the estimand above 0, -1 if below.
    finding : str
        What the article reports.
    """

    name: str
    words: str
    estimand: str
    draws: Callable[[xr.Dataset], xr.DataArray]
    direction: int
    finding: str


def parameter(name: str) -> Callable[[xr.Dataset], xr.DataArray]:
    """Draws of a parameter as they are.

    Parameters
    ----------
    name : str
        Variable of the posterior.

    Returns
    -------
    callable
        Function of a dataset.
    """
    return lambda draws: draws[name]
