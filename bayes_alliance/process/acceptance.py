"""From proposal to design: acceptance, refusal and what a refused proposal falls back to."""

from __future__ import annotations

from functools import partial

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from bayes_alliance.process.cells import (
    ALLIANCE,
    BILATERAL,
    CELLS,
    JOINT,
    MULTILATERAL,
    NOTHING,
    REFUSED,
    STRONG,
    TRILATERAL,
)
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

    share = NOTHING + (ALLIANCE - STRONG) * (1 - strong) + STRONG * strong  # (cell,)

    def spread(*kinds: pt.TensorVariable) -> pt.TensorVariable:
        total = zero  # log of the sum of exponentials
        for kind in kinds:
            more = kind - total
            total = total + pt.maximum(more, 0.0) + pt.log1p(pt.exp(-pt.abs(more)))
        # a product and not a list of columns: that would be joined draw by draw
        return sum(
            pt.exp(kind - total)[:, None] * (share * cells)
            for kind, cells in zip((zero, *kinds), (NOTHING, BILATERAL, TRILATERAL), strict=True)
        )  # (episode, cell)

    return spread(bilateral, three), spread(bilateral, zero - 50.0)


def design_probability(proposal, accepted, after_multilateral, after_trilateral, lapse: float):
    """Pr(d) = sum over q of Pr(q) Pr(d | q), with Pr(d | q) a stochastic matrix a case.

    Parameters
    ----------
    proposal : TensorVariable or numpy.ndarray, shape (..., cell)
        Pr(q), or weights of the proposals: zero where a record rules them out.
    accepted : TensorVariable or numpy.ndarray, shape (...)
        Probability that a proposal to several clients is accepted.
    after_multilateral, after_trilateral : TensorVariable or numpy.ndarray, shape (..., cell)
        Fallbacks, from `fallback_probability`.
    lapse : float
        Small probability, spread evenly, of a path that the process does not know (a watered
        down design, say), so that no recorded case is impossible.

    Returns
    -------
    TensorVariable or numpy.ndarray, shape (..., cell)
        Probabilities of the designs; they sum to the sum of ``proposal``.
    """
    sums = [(proposal * kind).sum(-1, keepdims=True) for kind in (MULTILATERAL, TRILATERAL, 1.0)]
    after = after_multilateral, after_trilateral
    return _mixed(proposal, JOINT, *after, *sums, accepted[..., None], lapse)


def _mixed(same, joint, after_multilateral, after_trilateral, *rest):
    """Probability of a cell: proposed and made, or fallen back to, or reached by a lapse."""
    multilateral, trilateral, total, accepted, lapse = rest
    fallback = multilateral * after_multilateral + trilateral * after_trilateral
    refused = 1 - accepted
    known = same * (1 - refused * joint) + refused * fallback
    return (1 - lapse) * known + (lapse / len(CELLS)) * total


def logp(
    value: pt.TensorVariable,
    proposal: pt.TensorVariable,
    accepted: pt.TensorVariable,
    after_multilateral: pt.TensorVariable,
    after_trilateral: pt.TensorVariable,
    lapse: float,
) -> pt.TensorVariable:
    """Log-probability of a recorded or partly recorded pair (proposal, design).

    What is not recorded is summed out, so an episode with neither contributes exactly 0.

    Parameters
    ----------
    value : TensorVariable of int, shape (episode,)
        Code from `bayes_alliance.process.containers.encode`.
    proposal, accepted, after_multilateral, after_trilateral, lapse
        As in `design_probability`, for each episode.

    Returns
    -------
    TensorVariable, shape (episode,)
        Log-probabilities.
    """
    proposed = value // (REFUSED + 2) - 1
    outcome = value % (REFUSED + 2) - 1
    cells = np.arange(len(CELLS))
    possible = pt.or_(pt.lt(proposed, 0)[:, None], pt.eq(proposed[:, None], cells))
    weight = proposal * possible  # (episode, cell)
    of_outcome = pt.eq(outcome[:, None], cells)
    multilateral, trilateral, total, same = (
        pt.sum(weight * chosen, axis=-1) for chosen in (MULTILATERAL, TRILATERAL, 1.0, of_outcome)
    )
    joint, *after = (
        pt.sum(values * of_outcome, axis=-1)
        for values in (JOINT, after_multilateral, after_trilateral)
    )
    sums = multilateral, trilateral, total
    design = _mixed(same, joint, *after, *sums, accepted, lapse)
    refused = _mixed(0.0, 0.0, 1.0, 1.0, *sums, accepted, lapse)
    recorded = pt.where(pt.eq(outcome, REFUSED), refused, design)
    return pt.log(pt.where(pt.lt(outcome, 0), total, recorded))


def random(
    proposal, accepted, after_multilateral, after_trilateral, lapse: float, rng=None, size=None
):
    """Draw a proposal and a design for every episode.

    Parameters
    ----------
    proposal, accepted, after_multilateral, after_trilateral, lapse
        As in `design_probability`, as arrays.
    rng : numpy.random.Generator
        Source of randomness.
    size : tuple of int, optional
        Shape of the draw.

    Returns
    -------
    numpy.ndarray of int64
        Codes from `bayes_alliance.process.containers.encode`.
    """
    cells = proposal, after_multilateral, after_trilateral
    common = np.broadcast_shapes(np.shape(accepted), *(np.shape(p)[:-1] for p in cells))
    shape = tuple(size) if size is not None else common

    def draw(weight) -> np.ndarray:
        cumulative = np.cumsum(np.broadcast_to(weight, (*shape, len(CELLS))), axis=-1)
        u = rng.uniform(size=shape)[..., None] * cumulative[..., -1:]
        return np.minimum((cumulative < u).sum(-1), len(CELLS) - 1)

    proposed = draw(proposal)
    chosen = np.eye(len(CELLS))[proposed]
    accepted = np.broadcast_to(accepted, shape)
    design = draw(design_probability(chosen, accepted, after_multilateral, after_trilateral, lapse))
    return ((proposed + 1) * (REFUSED + 2) + design + 1).astype(np.int64)


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
    lapse = priors.options["lapse"]
    log_odds = priors("acceptance_0") + terms.acceptance + effect[2]  # (episode,)
    accepted = pm.Deterministic("acceptance_probability", pt.sigmoid(log_odds), dims="episode")
    multi, tri = fallback_probability(terms.trilateral_fallback, priors)
    design = design_probability(proposal, accepted, multi, tri, lapse)
    pm.Deterministic("design_probability", design, dims=("episode", "cell"))
    pm.Deterministic("fallback_probability", multi, dims=("episode", "cell"))
    is_fallback = pt.ge(x.proposed_to_fallback, -1)
    pm.CustomDist(
        "outcome_observed",
        pt.where(is_fallback[:, None], refused_proposal(x.proposed_to_fallback), proposal),
        pt.where(is_fallback, 0.0, accepted),
        multi,
        tri,
        logp=partial(logp, lapse=lapse),
        random=partial(random, lapse=lapse),
        signature="(q),(),(q),(q)->()",
        observed=x.outcome,
        dims="episode",
        dtype="int64",
    )


def refused_proposal(proposed: pt.TensorVariable) -> pt.TensorVariable:
    """Proposal of a fallback row, which is known to have been made and refused.

    Parameters
    ----------
    proposed : TensorVariable of int, shape (episode,)
        Cell of the proposal, -1 where unrecorded. A proposal to one client that was refused, or
        an unrecorded one, falls back as a multilateral one does.

    Returns
    -------
    TensorVariable, shape (episode, cell)
        Probabilities.
    """
    known = pt.eq(proposed[:, None], np.arange(len(CELLS))) * JOINT
    return pt.where(pt.eq(pt.sum(known, axis=-1), 0)[:, None], MULTILATERAL / 2, known)
