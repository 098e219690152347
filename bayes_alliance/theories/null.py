"""Null: no theory, only the hierarchy.

    U_o, a(q), f, log h  =  constants + theatre + patron + era

Whatever a theory predicts better than this, it predicts from its latent variable.
"""

from __future__ import annotations

import pytensor.tensor as pt

from bayes_alliance.process.alliance import Terms
from bayes_alliance.process.cells import CELLS
from bayes_alliance.theories.hypothesis import Hypothesis

DESCRIPTION = "Theatre, patron and era effects only."
REFERENCE = "Gelman & Hill (2007), Data Analysis Using Regression and Multilevel Models, ch. 12"
HYPOTHESES: tuple[Hypothesis, ...] = ()


def terms(x, priors) -> Terms:
    """No terms.

    Parameters
    ----------
    x : types.SimpleNamespace
        Containers.
    priors : Priors
        Priors.

    Returns
    -------
    Terms
        Zeros.
    """
    n = x.case_index.shape[0]
    return Terms(
        utilities=pt.zeros((n, len(CELLS))),
        acceptance=pt.zeros(n),
        trilateral_fallback=pt.zeros(n),
        hazard=pt.zeros(x.year_episode.shape[0]),
    )
