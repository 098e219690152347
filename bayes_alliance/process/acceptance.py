"""From proposal to design: acceptance, refusal and what a refused proposal falls back to."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from bayes_alliance.process.cells import CELLS, JOINT, MULTILATERAL, REFUSED, TRILATERAL
from bayes_alliance.process.priors import Priors


def fallback_probability(
    trilateral: pt.TensorVariable, priors: Priors
) -> tuple[pt.TensorVariable, pt.TensorVariable]:
    """What a refused proposal becomes for a client: nothing, bilateral or trilateral.

    Parameters
    ----------
    trilateral : TensorVariable, shape (episode,)
        The theory's shift of the log-odds of a trilateral fallback.
    priors : Priors
        Priors of ``fallback_bilateral``, ``fallback_trilateral`` and ``fallback_strong``.

    Returns
    -------
    tuple of TensorVariable, each of shape (episode, cell)
        Probabilities after a refused multilateral and after a refused trilateral proposal.
    """
    zero = pt.zeros_like(trilateral)
    bilateral = priors("fallback_bilateral") + zero
    three = priors("fallback_trilateral") + trilateral
    strong = pt.sigmoid(priors("fallback_strong"))

    def spread(kinds: pt.TensorVariable) -> pt.TensorVariable:
        p = pt.special.softmax(kinds, axis=-1)  # (episode, kind)
        split = pt.stack([1 - strong, strong])
        return pt.concatenate(
            [p[:, :1], p[:, 1:2] * split, p[:, 2:3] * split, pt.zeros((p.shape[0], 2))], axis=-1
        )  # (episode, cell)

    return (
        spread(pt.stack([zero, bilateral, three], axis=-1)),
        spread(pt.stack([zero, bilateral, zero - 50.0], axis=-1)),
    )


def design_kernel(
    acceptance: pt.TensorVariable,
    after_multilateral: pt.TensorVariable,
    after_trilateral: pt.TensorVariable,
    lapse: float,
) -> pt.TensorVariable:
    """Pr(d | q): a stochastic matrix a case, with a last column for 'refused'.

    Parameters
    ----------
    acceptance : TensorVariable, shape (episode,)
        Log-odds that a proposal to several clients is accepted.
    after_multilateral, after_trilateral : TensorVariable, shape (episode, cell)
        Fallbacks, from `fallback_probability`.
    lapse : float
        Small probability, spread evenly, of a path that the process does not know (a watered
        down design, say), so that no recorded case is impossible.

    Returns
    -------
    TensorVariable, shape (episode, proposal, cell + 1)
        The first seven columns sum to 1; the last is the probability of refusal, for cases whose
        designs stand in fallback rows.
    """
    n = len(CELLS)
    accept = pt.sigmoid(acceptance)[:, None]  # (episode, 1)
    refuse = (1 - accept) * JOINT  # (episode, proposal)
    kept = 1 - refuse
    fallback = (
        MULTILATERAL[None, :, None] * after_multilateral[:, None, :]
        + TRILATERAL[None, :, None] * after_trilateral[:, None, :]
    )  # (episode, proposal, cell)
    design = kept[:, :, None] * np.eye(n) + refuse[:, :, None] * fallback
    design = (1 - lapse) * design + lapse / n
    refused = (1 - lapse) * refuse + lapse / n
    return pt.concatenate([design, refused[:, :, None]], axis=-1)


def logp(value: pt.TensorVariable, joint: pt.TensorVariable) -> pt.TensorVariable:
    """Log-probability of a recorded or partly recorded pair (proposal, design).

    What is not recorded is summed out, so an episode with neither contributes exactly 0.

    Parameters
    ----------
    value : TensorVariable of int, shape (episode,)
        Code from `bayes_alliance.process.containers.encode`.
    joint : TensorVariable, shape (episode, proposal, cell + 1)
        Joint probabilities of proposal and design.

    Returns
    -------
    TensorVariable, shape (episode,)
        Log-probabilities.
    """
    proposal = value // (REFUSED + 2) - 1
    outcome = value % (REFUSED + 2) - 1
    columns = np.arange(len(CELLS) + 1)
    of_proposal = pt.or_(pt.lt(proposal, 0)[:, None], pt.eq(proposal[:, None], columns[:-1]))
    unknown = pt.and_(pt.lt(outcome, 0)[:, None], columns < REFUSED)
    of_outcome = pt.or_(unknown, pt.eq(outcome[:, None], columns))
    chosen = of_proposal[:, :, None] * of_outcome[:, None, :]
    return pt.log(pt.sum(chosen * joint, axis=(-2, -1)))


def random(joint, rng=None, size=None):
    """Draw a proposal and a design for every episode.

    Parameters
    ----------
    joint : numpy.ndarray, shape (..., proposal, cell + 1)
        Joint probabilities.
    rng : numpy.random.Generator
        Source of randomness.
    size : tuple of int, optional
        Shape of the draw.

    Returns
    -------
    numpy.ndarray of int64
        Codes from `bayes_alliance.process.containers.encode`.
    """
    n = len(CELLS)
    flat = joint[..., :n].reshape(*joint.shape[:-2], n * n)
    flat = np.broadcast_to(flat, (*(size if size is not None else flat.shape[:-1]), n * n))
    cumulative = np.cumsum(flat, axis=-1)
    u = rng.uniform(size=flat.shape[:-1])[..., None] * cumulative[..., -1:]
    cell = np.minimum((cumulative < u).sum(-1), n * n - 1)
    return ((cell // n + 1) * (REFUSED + 2) + cell % n + 1).astype(np.int64)


def outcome(x, proposal: pt.TensorVariable, terms, effect: pt.TensorVariable, priors: Priors):
    """Likelihood of proposals and designs.

    Parameters
    ----------
    x : types.SimpleNamespace
        Containers.
    proposal : TensorVariable, shape (episode, cell)
        Probabilities of the proposals.
    terms : Terms
        The theory's terms.
    effect : TensorVariable, shape (stage, episode)
        Effects of theatre, patron and era.
    priors : Priors
        Priors of acceptance and fallback.
    """
    log_odds = priors("acceptance_0") + terms.acceptance + effect[2]  # (episode,)
    pm.Deterministic("acceptance_probability", pt.sigmoid(log_odds), dims="episode")
    multi, tri = fallback_probability(terms.trilateral_fallback, priors)
    kernel = design_kernel(log_odds, multi, tri, priors.options["lapse"])  # (episode, 7, 8)
    design = pt.sum(proposal[:, :, None] * kernel[:, :, : len(CELLS)], axis=1)
    pm.Deterministic("design_probability", design, dims=("episode", "cell"))
    pm.Deterministic("fallback_probability", multi, dims=("episode", "cell"))
    joint = pt.where(
        pt.ge(x.proposed_to_fallback, -1)[:, None, None],
        _given_refusal(x.proposed_to_fallback, multi, tri, priors.options["lapse"]),
        proposal[:, :, None] * kernel,
    )
    pm.CustomDist(
        "outcome_observed",
        joint,
        logp=logp,
        random=random,
        signature="(q,d)->()",
        observed=x.outcome,
        dims="episode",
        dtype="int64",
    )


def _given_refusal(proposed, multi, tri, lapse: float) -> pt.TensorVariable:
    """Joint probabilities of a fallback row: its proposal is known to have been refused."""
    n = len(CELLS)
    was = pt.eq(proposed[:, None], np.arange(n))  # (episode, proposal)
    was = pt.where(pt.lt(proposed, 0)[:, None], MULTILATERAL / 2, was)
    kernel = pt.where((JOINT * TRILATERAL > 0)[None, :, None], tri[:, None, :], multi[:, None, :])
    kernel = (1 - lapse) * kernel + lapse / n
    return pt.concatenate([was[:, :, None] * kernel, pt.zeros((was.shape[0], n, 1))], axis=-1)
