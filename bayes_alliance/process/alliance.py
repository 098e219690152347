"""The alliance process that all theories share: proposal, acceptance, survival."""

from __future__ import annotations

from dataclasses import dataclass

import pytensor.tensor as pt

from bayes_alliance.process.acceptance import outcome
from bayes_alliance.process.choice import proposal_probability
from bayes_alliance.process.hierarchy import effects
from bayes_alliance.process.priors import Priors
from bayes_alliance.process.survival import survival


@dataclass(frozen=True)
class Terms:
    """What a theory adds to each stage; zero where it has nothing to say.

    Parameters
    ----------
    utilities : TensorVariable, shape (episode, cell)
        Utilities of the patron's proposals.
    acceptance : TensorVariable, shape (episode,)
        Log-odds of acceptance.
    trilateral_fallback : TensorVariable, shape (episode,)
        Log-odds of a trilateral against no fallback.
    hazard : TensorVariable, shape (alliance_year,)
        Log hazard of ending.
    """

    utilities: pt.TensorVariable
    acceptance: pt.TensorVariable
    trilateral_fallback: pt.TensorVariable
    hazard: pt.TensorVariable


def alliance_process(x, terms: Terms, priors: Priors) -> None:
    """Likelihood of proposals, designs and lives, given the theory's terms.

    Parameters
    ----------
    x : types.SimpleNamespace
        Containers.
    terms : Terms
        The theory's terms.
    priors : Priors
        Priors of the process.
    """
    effect = effects(x, priors)  # (stage, episode)
    proposal = proposal_probability(terms.utilities, effect, priors)
    outcome(x, proposal, terms, effect, priors)
    step = priors("hazard_step", dims="age")  # (age,)
    baseline = priors("hazard_0") + step - pt.mean(step)
    log_hazard = baseline[x.year_age] + effect[3][x.year_episode] + terms.hazard
    survival(x, log_hazard)
