"""Threat: balance of threat without frames or reference points.

    T_i = x_t'w + epsilon_i,   epsilon_i ~ Normal(0, 1)          Walt's components
    statement_i ~ graded response(loading T_i)
    U_o += k_threat T_i R_o                                       Figure 1's order of cells
    log h_y += h_threat x_y'w

Linear in the threat itself: the prospect theory nests it where the frame is linear and rho is 0.
"""

from __future__ import annotations

import pymc as pm
import pytensor.tensor as pt

from bayes_alliance.process.alliance import Terms
from bayes_alliance.process.cells import RISK
from bayes_alliance.process.containers import THREAT_COMPONENTS
from bayes_alliance.process.measurement import cutpoints, ordinal
from bayes_alliance.process.sums import weighted
from bayes_alliance.theories.hypothesis import Hypothesis, parameter

DESCRIPTION = "The higher the threat, the more allies and the firmer the commitment; no frames."
REFERENCE = "Walt (1987), The Origins of Alliances, ch. 2"


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
        As in the equations above.
    """
    w = pt.stack([priors(f"w_{name}") for name in THREAT_COMPONENTS])  # (component,)
    epsilon = pm.Normal("epsilon", dims="case")
    level = pm.Deterministic(
        "threat", weighted(x.threat_now, w) + epsilon[x.case_index], dims="episode"
    )
    eta = priors("loading_statement") * level[x.case_row]
    cuts = cutpoints("cut_statement", priors)
    ordinal("statement_coded", eta, cuts, x.statement, x.statement_confidence, "case")
    zero = pt.zeros_like(level)
    return Terms(
        utilities=priors("k_threat") * level[:, None] * RISK,
        acceptance=zero,
        trilateral_fallback=zero,
        hazard=priors("hazard_threat") * weighted(x.panel_threat_now, w)[x.year_panel],
    )


def drive(x, priors) -> dict[str, pt.TensorVariable]:
    """What makes decisions arise: the structural threat of a year.

    Parameters
    ----------
    x : types.SimpleNamespace
        Containers of years.
    priors : callable
        The theory's parameters by name.

    Returns
    -------
    dict of str to TensorVariable, shape (row,)
        ``threat``.
    """
    w = pt.stack([priors(f"w_{name}") for name in THREAT_COMPONENTS])  # (component,)
    return {"threat": weighted(x.threat_now, w)}


HYPOTHESES = (
    Hypothesis(
        "T1",
        "The higher the threat, the larger and the firmer the alliance.",
        "k_threat: log-odds gained by a design per unit of its place in Figure 1 and of threat",
        parameter("k_threat"),
        1,
        "a rival explanation that both articles name; neither measures it",
    ),
    Hypothesis(
        "T2",
        "Alliances fade with the threat.",
        "hazard_threat: log hazard ratio per unit of threat",
        parameter("hazard_threat"),
        -1,
        "a rival explanation that both articles name; neither measures it",
    ),
)
