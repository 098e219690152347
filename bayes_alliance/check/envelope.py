"""A band that whole curves stay in: the global rank envelope."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata


def envelope(simulated: np.ndarray, prob: float) -> tuple[np.ndarray, np.ndarray]:
    """Band that holds at least a given share of simulated curves at every point at once.

    A curve's depth is the least rank, counted from either side, that it has at any point. The band
    goes from the k-th lowest to the k-th highest value at each point, with the largest k that
    enough curves reach.

    Parameters
    ----------
    simulated : numpy.ndarray, shape (draw, point)
        Curves under the model.
    prob : float
        Share of curves that stay inside.

    Returns
    -------
    tuple of numpy.ndarray, each of shape (point,)
        Lower and upper end.

    References
    ----------
    Myllymaki, Mrkvicka, Grabarnik, Seijo & Hahn (2017), "Global envelope tests for spatial
    processes".
    """
    count = len(simulated)
    below = rankdata(simulated, method="max", axis=0)
    above = rankdata(-simulated, method="max", axis=0)
    depth = np.sort(np.minimum(below, above).min(axis=1))
    most = int((1 - prob) * count + 1e-9)  # curves that may leave the band
    k = int(depth[most])
    ordered = np.sort(simulated, axis=0)
    return ordered[k - 1], ordered[count - k]
