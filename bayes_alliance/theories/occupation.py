"""Occupation: a credible threat of occupation makes clients commit to each other first.

For client j of episode i, with z_j on natural units (see `process.containers`):

    theta_j = gamma_capability z_cap + gamma_land z_land + gamma_distance z_near
              + gamma_occupied z_occ + epsilon_j,   epsilon_j ~ Normal(0, 1)            (H7)
    fear_j, disputes_j ~ graded response(loading * theta_j)                   measurement
    Theta_i = log mean_j exp(tau theta_j) / tau        if one falls, the rest can
    c_i     ~ ordered logit(beta_6 Theta_i)                                             (H6)
    U_o    += beta_1 c_i [further partners of o] / 2                                    (H1)
    U_o    += beta_5 c_i [o strong]                                                     (H5)
    logit a_i += beta_4 c_i;  log-odds of a trilateral fallback += beta_4t c_i          (H4)
    log h  += [more than one client] (beta_2 c_i + beta_3 [imposed at c_i = none])  (H2, H3)

c_i is 0 (none), 1/2 (consult) or 1 (defend). epsilon has unit scale and theta no intercept, which
fixes scale and location; loadings are positive, which fixes the sign.
"""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from bayes_alliance.process.alliance import Terms
from bayes_alliance.process.cells import JOINT, PARTNERS, STRONG
from bayes_alliance.process.containers import CLIENT_COVARIATES, CLIENT_INDICATORS
from bayes_alliance.process.measurement import cutpoints, ordinal
from bayes_alliance.process.sums import group_mean, weighted
from bayes_alliance.theories.hypothesis import Hypothesis, parameter

DESCRIPTION = "Credible occupation makes clients commit first; that reassures the patron."
REFERENCE = "Cohen, on military occupation, collective security and the design of alliances"


def credibility(x, priors, epsilon) -> pt.TensorVariable:
    """Credibility of occupation by client, and by group, with its indicators.

    Parameters
    ----------
    x : types.SimpleNamespace
        Containers.
    priors : Priors
        Priors.
    epsilon : TensorVariable, shape (client,)
        What the covariates leave unexplained.

    Returns
    -------
    TensorVariable, shape (episode,)
        Theta: group credibility.
    """
    gamma = pt.stack([priors(f"gamma_{name}") for name in CLIENT_COVARIATES])
    theta = pm.Deterministic("theta", weighted(x.client_covariates, gamma) + epsilon, dims="client")
    for k, name in enumerate(CLIENT_INDICATORS):
        eta = priors(f"loading_{name}") * theta
        cuts = cutpoints(f"cut_{name}", priors)
        sure = x.client_indicator_confidence[:, k]
        ordinal(name, eta, cuts, x.client_indicators[:, k], sure, "client")
    tau = priors.options["smooth_maximum"]
    group = pt.log(group_mean(x, pt.exp(tau * theta))) / tau
    return pm.Deterministic("group_credibility", group, dims="episode")


def terms(x, priors, epsilon=None) -> Terms:
    """The theory's terms in each stage.

    Parameters
    ----------
    x : types.SimpleNamespace
        Containers.
    priors : Priors
        Priors.
    epsilon : TensorVariable, shape (client,), optional
        Residuals of credibility, where another theory holds them.

    Returns
    -------
    Terms
        As in the equations above.
    """
    epsilon = pm.Normal("epsilon", dims="client") if epsilon is None else epsilon
    group = credibility(x, priors, epsilon)
    eta = priors("beta_6") * group
    cuts = cutpoints("cut_commitment", priors)
    sure = x.commitment_confidence
    ordinal("commitment_given", eta, cuts, x.commitment_observed, sure, "episode")
    c = x.commitment / 2.0  # (episode,)
    joint = pt.as_tensor(JOINT)[x.cell_of_design]  # (episode,) the design has several clients
    imposed = x.imposed * pt.eq(x.commitment, 0)
    life = joint * (priors("beta_2") * c + priors("beta_3") * imposed)  # (episode,)
    return Terms(
        utilities=priors("beta_1") * c[:, None] * PARTNERS / 2
        + priors("beta_5") * c[:, None] * STRONG,
        acceptance=priors("beta_4") * c,
        trilateral_fallback=priors("beta_4t") * c,
        hazard=life[x.year_episode],
    )


def drive(x, priors) -> dict[str, pt.TensorVariable]:
    """What makes decisions arise: mean structural credibility of occupying those unallied.

    Parameters
    ----------
    x : types.SimpleNamespace
        Containers of years.
    priors : callable
        The theory's parameters by name.

    Returns
    -------
    dict of str to TensorVariable, shape (row,)
        ``credibility``.
    """
    gamma = pt.stack([priors(f"gamma_{name}") for name in CLIENT_COVARIATES])
    return {"credibility": weighted(x.exposed_covariates, gamma)}


def _fallback(draws: xr.Dataset) -> xr.DataArray:
    """Log-odds that a refused proposal falls back to two or three parties against nothing."""
    pair = draws["fallback_bilateral"], draws["fallback_trilateral"]
    return xr.apply_ufunc(np.logaddexp, *pair)


HYPOTHESES = (
    Hypothesis(
        "H1",
        "Patrons want clients to commit to their own security first.",
        "beta_1: log-odds of proposing two or more further partners, clients pledged to defend "
        "each other against unpledged",
        parameter("beta_1"),
        1,
        "strong support; Asia 1951 and 1954 harder to explain",
    ),
    Hypothesis(
        "H2",
        "Alliances in which the patron joins clients' collective security last.",
        "beta_2: log hazard ratio of a design of several clients, pledged to defend each other "
        "against unpledged",
        parameter("beta_2"),
        -1,
        "supported: the North Atlantic alliance outlasted SEATO",
    ),
    Hypothesis(
        "H3",
        "Alliances in which the patron imposes collective security do not last.",
        "beta_3: log hazard ratio of a design of several clients, imposed on unpledged clients",
        parameter("beta_3"),
        1,
        "supported by SEATO",
    ),
    Hypothesis(
        "H4",
        "Where imposed collective security fails, patrons settle for bilateral or trilateral.",
        "log-odds that a refused proposal falls back to a bilateral or trilateral alliance "
        "against none, clients unpledged",
        _fallback,
        1,
        "supported by Asia in 1951",
    ),
    Hypothesis(
        "H5",
        "The patron makes the commitment that clients made to each other.",
        "beta_5: log-odds of proposing a strong commitment, clients pledged to defend each other "
        "against unpledged",
        parameter("beta_5"),
        1,
        "supported in Europe and in Asia",
    ),
    Hypothesis(
        "H6",
        "Clients commit to each other where an adversary can credibly occupy them.",
        "beta_6: log-odds of a higher promise per unit of group credibility",
        parameter("beta_6"),
        1,
        "supported: Europe against Asia",
    ),
    Hypothesis(
        "H7",
        "Occupation is more credible by land than by sea.",
        "gamma_land: credibility of a client contiguous to the adversary's forces against one "
        "beyond the sea, in residual standard deviations",
        parameter("gamma_land"),
        1,
        "some support; geography alone does not decide",
    ),
)
