"""Weighted sums and means as the models take them: by elements and by index.

The matrices here are small or mostly zeros. Sums by element need no linear algebra, which the loops
of `bayes_alliance.machine` do not have and Numba takes several seconds a product to compile, and a
mean over the clients of an episode looks at them alone.
"""

from __future__ import annotations

import pytensor.tensor as pt


def weighted(rows, weights) -> pt.TensorVariable:
    """Sum of the columns, each times its weight.

    Parameters
    ----------
    rows : TensorVariable or numpy.ndarray, shape (row, column)
        Values.
    weights : TensorVariable, shape (column,)
        Weights.

    Returns
    -------
    TensorVariable, shape (row,)
        Sums.
    """
    return pt.sum(rows * weights, axis=-1)


def group_mean(x, values: pt.TensorVariable) -> pt.TensorVariable:
    """Mean over the clients of each episode.

    Parameters
    ----------
    x : types.SimpleNamespace
        Containers.
    values : TensorVariable, shape (client,)
        Values by client.

    Returns
    -------
    TensorVariable, shape (episode,)
        Means.
    """
    shares = x.member_share * values[x.member_client]  # (member,)
    return pt.zeros_like(x.group_size)[x.member_episode].inc(shares)
