"""The patron's proposal: a multinomial logit over the seven cells."""

from __future__ import annotations

import pymc as pm
import pytensor.tensor as pt

from bayes_alliance.process.cells import ALLIANCE, DEPARTURES, PARTNERS, STRONG
from bayes_alliance.process.priors import Priors
from bayes_alliance.process.sums import weighted


def proposal_probability(
    utilities: pt.TensorVariable, effect: pt.TensorVariable, priors: Priors
) -> pt.TensorVariable:
    """Pr(q = o) = softmax over cells of U_o.

    The constants of the cells have three parameters: any alliance at all, each further partner,
    a strong commitment. Seven free constants would leave the theories nothing to explain; none
    but these three would make a theory whose cells are doubtful (the risks of Figure 1) mend what
    the sum leaves, with the wrong sign as readily as with the right one. So each cell may depart
    from the sum a little, in the three directions that the sum does not have.

    Parameters
    ----------
    utilities : TensorVariable, shape (episode, cell)
        The theory's part of the utilities.
    effect : TensorVariable, shape (stage, episode)
        Effects of theatre, patron and era.
    priors : Priors
        Priors of the three constants and of the departures.

    Returns
    -------
    TensorVariable, shape (episode, cell)
        Probabilities of the proposals.

    References
    ----------
    McFadden (1974), "Conditional logit analysis of qualitative choice behavior".
    """
    partners = priors("alpha_partner") + effect[0]  # (episode,)
    strong = priors("alpha_strong") + effect[1]  # (episode,)
    constant = (
        priors("alpha_alliance") * ALLIANCE
        + partners[:, None] * PARTNERS
        + strong[:, None] * STRONG
        + weighted(DEPARTURES, priors("alpha_departure", dims="departure"))
    )  # (episode, cell)
    probability = pt.special.softmax(constant + utilities, axis=-1)
    return pm.Deterministic("proposal_probability", probability, dims=("episode", "cell"))
