"""Both: occupation and prospect theory at once, each with its own latent variable.

    terms = terms of the occupation theory + terms of the prospect theory

The clients' credibility of occupation and the patron's threat keep their own equations and
indicators (see `occupation` and `prospect`); utilities, acceptance and log hazard add up. It nests
each of the two, and asks what one still explains beside the other.
"""

from __future__ import annotations

import pymc as pm
import pytensor.tensor as pt

from bayes_alliance.process.alliance import Terms, together
from bayes_alliance.theories import occupation, prospect
from bayes_alliance.theories.hypothesis import Hypothesis

DESCRIPTION = "Occupation and prospect theory together, which nests each of them."
REFERENCE = "Ben-Akiva et al. (2002), Marketing Letters 13(3), 163-175, on hybrid choice"


def terms(x, priors) -> Terms:
    """The theory's terms in each stage.

    Parameters
    ----------
    x : types.SimpleNamespace
        Containers.
    priors : Priors
        Priors.

    Returns
    -------
    Terms
        As in the equation above.
    """
    epsilon = pm.Normal("epsilon", dims="unit")  # clients first, then cases
    clients = x.client_case.shape[0]
    return together(
        occupation.terms(x, priors, epsilon[:clients]),
        prospect.terms(x, priors, epsilon[clients:]),
    )


def drive(x, priors) -> dict[str, pt.TensorVariable]:
    """What makes decisions arise: credibility of occupation, and the frame.

    Parameters
    ----------
    x : types.SimpleNamespace
        Containers of years.
    priors : callable
        The theories' parameters by name.

    Returns
    -------
    dict of str to TensorVariable, shape (row,)
        ``credibility`` and ``frame``.
    """
    return occupation.drive(x, priors) | prospect.drive(x, priors)


def _named(module, label: str) -> tuple[Hypothesis, ...]:
    """Hypotheses of one theory, marked with its name."""
    return tuple(
        Hypothesis(f"{label} {h.name}", h.words, h.estimand, h.draws, h.direction, h.finding)
        for h in module.HYPOTHESES
    )


HYPOTHESES = (*_named(occupation, "occupation"), *_named(prospect, "prospect"))
