"""A theory's parameters in a model of other data: their posterior of the fit is the prior there.

On the scale on which each is unbounded (as it is, its log or its log-odds) the posterior is taken
for a multivariate normal with its mean and covariance. That keeps how the parameters hang together
and drops skew and tails.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr
from scipy.special import expit, logit

from bayes_alliance.errors import InputError
from bayes_alliance.process.sums import weighted
from bayes_alliance.storage import priors_of


@dataclass(frozen=True)
class Scale:
    """Way between a parameter and the real line.

    Parameters
    ----------
    to_line, from_line : callable
        From the parameter to the line, and back, of arrays.
    symbolic : callable
        Back, of tensors.
    """

    to_line: Callable[[np.ndarray], np.ndarray]
    from_line: Callable[[np.ndarray], np.ndarray]
    symbolic: Callable[[pt.TensorVariable], pt.TensorVariable]


_LOG = Scale(np.log, np.exp, pt.exp)
SCALES = {
    "normal": Scale(np.asarray, np.asarray, pt.as_tensor),
    "log_normal": _LOG,
    "half_normal": _LOG,
    "beta": Scale(logit, expit, pt.sigmoid),
}
"""Scale of a parameter by the distribution of its prior."""


@dataclass(frozen=True)
class Parameters:
    """What a theory's ``drive`` takes for its priors: ``priors("name")`` gives the parameter.

    Parameters
    ----------
    values : mapping of str to TensorVariable
        Parameters by name.
    options : mapping of str to float
        Fixed quantities of the theory.
    """

    values: Mapping[str, pt.TensorVariable]
    options: Mapping[str, float]

    def __call__(self, name: str) -> pt.TensorVariable:
        """Look up a parameter.

        Parameters
        ----------
        name : str
            Its name.

        Returns
        -------
        TensorVariable
            The parameter.
        """
        return self.values[name]


class Asked(dict):
    """Parameters that notes which ones are asked for."""

    def __missing__(self, name: str) -> pt.TensorVariable:
        """Note the name, and stand in for its value."""
        self[name] = pt.dscalar(name)
        return self[name]


@dataclass(frozen=True)
class Carried:
    """Posterior of some parameters as a multivariate normal on the real line.

    Parameters
    ----------
    kinds : dict of str to str
        Distribution of the prior by parameter.
    mean : numpy.ndarray, shape (parameter,)
        Means.
    root : numpy.ndarray, shape (parameter, parameter)
        Cholesky factor of the covariance.
    """

    kinds: dict[str, str]
    mean: np.ndarray
    root: np.ndarray

    @classmethod
    def of(cls, tree: xr.DataTree, names: list[str]) -> Carried:
        """Approximate the posterior of a fit.

        Parameters
        ----------
        tree : xarray.DataTree
            A fit.
        names : list of str
            Parameters; each has one value.

        Returns
        -------
        Carried
            The approximation.

        Raises
        ------
        InputError
            If the fit has no such parameter.
        """
        posterior, specs = tree["posterior"].to_dataset(), priors_of(tree).parameters
        for name in names:
            if name not in specs or name not in posterior or posterior[name].ndim != 2:
                raise InputError(
                    "a parameter of the fit with one value", column="drive", value=name
                )
        if not names:
            return cls({}, np.zeros(0), np.zeros((0, 0)))
        kinds = {name: specs[name]["distribution"] for name in names}
        draws = np.array(
            [SCALES[kind].to_line(posterior[n].to_numpy().ravel()) for n, kind in kinds.items()]
        )  # (parameter, draw)
        covariance = np.atleast_2d(np.cov(draws))
        return cls(kinds, draws.mean(1), np.linalg.cholesky(covariance))

    def random(self, count: int, seed: int) -> dict[str, np.ndarray]:
        """Draw from the approximation.

        Parameters
        ----------
        count : int
            Number of draws.
        seed : int
            Seed.

        Returns
        -------
        dict of str to numpy.ndarray, shape (draw,)
            Parameters on their own scales.
        """
        z = np.random.default_rng(seed).standard_normal((count, len(self.mean)))
        line = self.mean + z @ self.root.T  # (draw, parameter)
        return {n: SCALES[k].from_line(line[:, i]) for i, (n, k) in enumerate(self.kinds.items())}

    def register(self) -> dict[str, Any]:
        """Add the parameters to the model on the context stack, dimension ``carried``.

        Returns
        -------
        dict of str to TensorVariable
            Parameters by name.
        """
        mean = pm.Data("carried_mean", self.mean, dims="carried")
        root = pm.Data("carried_root", self.root, dims=("carried", "carried_z"))
        z = pm.Normal("z_carried", dims="carried")
        line = mean + weighted(root, z)
        return {
            name: pm.Deterministic(name, SCALES[kind].symbolic(line[i]))
            for i, (name, kind) in enumerate(self.kinds.items())
        }
