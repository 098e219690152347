"""The alliance process that all theories share: proposal, acceptance, survival."""

from __future__ import annotations

from dataclasses import dataclass, fields

import pytensor.tensor as pt

from bayes_alliance.process.acceptance import outcome
from bayes_alliance.process.cells import PARTNERS, STRONG
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


def linear(x, z: pt.TensorVariable, priors: Priors, name: str) -> Terms:
    """Terms of a theory that says: the more of z, the more (or less) of each stage.

    Parameters
    ----------
    x : types.SimpleNamespace
        Containers.
    z : TensorVariable, shape (episode,)
        What the theory looks at.
    priors : Priors
        Priors of ``<name>_partners``, ``<name>_strong``, ``<name>_acceptance`` and
        ``<name>_hazard``.
    name : str
        What z is.

    Returns
    -------
    Terms
        Log-odds of two or more further partners, of a strong commitment and of acceptance, and
        log hazard, each per unit of z.
    """
    return Terms(
        utilities=priors(f"{name}_partners") * z[:, None] * PARTNERS / 2
        + priors(f"{name}_strong") * z[:, None] * STRONG,
        acceptance=priors(f"{name}_acceptance") * z,
        trilateral_fallback=pt.zeros_like(z),
        hazard=priors(f"{name}_hazard") * z[x.year_episode],
    )


def together(*parts: Terms) -> Terms:
    """Add up the terms of several theories.

    Parameters
    ----------
    *parts : Terms
        Terms of the same episodes.

    Returns
    -------
    Terms
        Their sum in each stage.
    """
    return Terms(*(sum(getattr(p, f.name) for p in parts) for f in fields(Terms)))


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
