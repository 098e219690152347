"""Measurement equations: ordinal and binary indicators of a latent variable.

Coding confidence enters here: a value that its coders hold with confidence s is the true category
with probability s, and any of the K categories alike with probability 1 - s.
"""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor.tensor as pt


def ordinal_logp(value, eta, cutpoints, confidence) -> pt.TensorVariable:
    """Graded response, misread with a known probability; an unrecorded value drops out.

    Pr(v >= k) = logit^-1(eta - cutpoint_k) of the true category.

    Parameters
    ----------
    value : TensorVariable of int, shape (...)
        Category from 0, or -1 where unrecorded.
    eta : TensorVariable, shape (...)
        Loading times latent variable.
    cutpoints : TensorVariable, shape (..., category - 1)
        Increasing cutpoints.
    confidence : TensorVariable, shape (...)
        Probability that the coding is right.

    Returns
    -------
    TensorVariable, shape (...)
        Log-probabilities, 0 where unrecorded.

    References
    ----------
    Samejima (1969), "Estimation of latent ability using a response pattern of graded scores".
    """
    categories = cutpoints.type.shape[-1] + 1
    probability = pt.eq(value, 0) * 1.0
    # the chance to lie above the cutpoint below the category, minus that above the next
    for k in range(categories - 1):
        ends = pt.eq(value, k + 1) * 1.0 - pt.eq(value, k)
        probability += pt.sigmoid(eta - cutpoints[..., k]) * ends
    total = confidence * probability + (1 - confidence) / categories
    return pt.where(pt.lt(value, 0), 0.0, pt.log(pt.where(pt.lt(value, 0), 1.0, total)))


def ordinal_random(eta, cutpoints, confidence, rng=None, size=None):
    """Draw categories.

    Parameters
    ----------
    eta : numpy.ndarray, shape (...)
        Loading times latent variable.
    cutpoints : numpy.ndarray, shape (..., category - 1)
        Increasing cutpoints.
    confidence : numpy.ndarray, shape (...)
        Probability that the coding is right.
    rng : numpy.random.Generator
        Source of randomness.
    size : tuple of int, optional
        Shape of the draw.

    Returns
    -------
    numpy.ndarray of int64
        Categories from 0.
    """
    shape = size if size is not None else np.broadcast_shapes(eta.shape, cutpoints.shape[:-1])
    latent = eta + rng.logistic(size=shape)
    true = (latent[..., None] > cutpoints).sum(-1)
    any_ = rng.integers(cutpoints.shape[-1] + 1, size=shape)
    return np.where(rng.uniform(size=shape) < confidence, true, any_).astype(np.int64)


def ordinal(name: str, eta, cutpoints, observed, confidence, dims: str) -> None:
    """Likelihood of one ordinal indicator.

    Parameters
    ----------
    name : str
        Name of the indicator.
    eta : TensorVariable, shape (unit,)
        Loading times latent variable.
    cutpoints : TensorVariable, shape (category - 1,)
        Increasing cutpoints.
    observed : TensorVariable of int, shape (unit,)
        Categories, -1 where unrecorded.
    confidence : TensorVariable, shape (unit,)
        Probability that the coding is right.
    dims : str
        Dimension of the units.
    """
    pm.CustomDist(
        name,
        eta,
        cutpoints,
        confidence,
        logp=ordinal_logp,
        random=ordinal_random,
        signature="(),(k),()->()",
        observed=observed,
        dims=dims,
        dtype="int64",
    )


def cutpoints(name: str, priors) -> pt.TensorVariable:
    """Two increasing cutpoints: a first one and a positive increment.

    Parameters
    ----------
    name : str
        Priors ``<name>_first`` and ``<name>_step`` are used.
    priors : Priors
        Priors.

    Returns
    -------
    TensorVariable, shape (2,)
        The cutpoints.
    """
    first = priors(f"{name}_first")
    return pt.stack([first, first + priors(f"{name}_step")])


def binary_logp(value, probability, confidence) -> pt.TensorVariable:
    """Bernoulli log-probability, misread with a known probability; -1 is unrecorded.

    Parameters
    ----------
    value : TensorVariable of int, shape (...)
        0, 1, or -1 where unrecorded.
    probability : TensorVariable, shape (...)
        Probability of 1.
    confidence : TensorVariable, shape (...)
        Probability that the coding is right.

    Returns
    -------
    TensorVariable, shape (...)
        Log-probabilities, 0 where unrecorded.
    """
    chosen = pt.where(pt.eq(value, 1), probability, 1 - probability)
    chosen = confidence * chosen + (1 - confidence) / 2
    return pt.where(pt.lt(value, 0), 0.0, pt.log(chosen))


def binary_random(probability, confidence, rng=None, size=None):
    """Draw 0 or 1.

    Parameters
    ----------
    probability : numpy.ndarray
        Probability of 1.
    confidence : numpy.ndarray
        Probability that the coding is right.
    rng : numpy.random.Generator
        Source of randomness.
    size : tuple of int, optional
        Shape of the draw.

    Returns
    -------
    numpy.ndarray of int64
        Draws.
    """
    misread = confidence * probability + (1 - confidence) / 2
    return rng.binomial(1, misread, size=size).astype(np.int64)


def binary(name: str, probability, observed, confidence, dims: str) -> None:
    """Likelihood of one binary indicator.

    Parameters
    ----------
    name : str
        Name of the indicator.
    probability : TensorVariable, shape (unit,)
        Probability of 1.
    observed : TensorVariable of int, shape (unit,)
        0, 1, or -1 where unrecorded.
    confidence : TensorVariable, shape (unit,)
        Probability that the coding is right.
    dims : str
        Dimension of the units.
    """
    pm.CustomDist(
        name,
        probability,
        confidence,
        logp=binary_logp,
        random=binary_random,
        observed=observed,
        dims=dims,
        dtype="int64",
    )
