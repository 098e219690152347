"""Prospect: threat sets the reference point, the domain of losses makes the patron take risks.

For case i in year t, with Walt's components x_t of the patron's theatre on natural units:

    T_i = x_t'w + epsilon_i,   epsilon_i ~ Normal(0, 1)                        threat
    r_i = rho mean_5(x)'w + (1 - rho) mean_all(x)'w            reference point: status quo
    F_i = logit^-1(kappa (T_i - r_i))                 probability of the domain of losses
    statement_i ~ graded response(loading (T_i - r_i));  frame_i ~ F_i, misread with prob. m
    U_o += (F_i k_loss - (1 - F_i) k_gain) R_o - (k_loss - k_gain)/2 A_o            (H1, H2)
    R_o  = RISK_o exp(risk_spread z_o)                            Figure 1 with its doubt
    A_o  = the part of R_o that constants for an alliance, partners and strength reach
    logit a_i += a_level mean_j t_j - a_spread sd_j t_j         threat that clients share
    log h_y   += h_strong [strong] + h_frame F_y    with the frame of year y from x_y alone

rho = 1 makes threat pure change, rho = 0 sets it against the theatre's long run. H3 is a contrast:
the change in the expected number of allies and in the chance of a strong commitment proposed,
between consecutive cases of a patron and theatre, per unit of the change in threat. The curvatures
k_loss and k_gain are not held above zero, so the data can refuse the hypotheses; epsilon's unit
scale fixes the scale of T and the statements' positive loading its sign. A is taken off so that the
process' constants are those at an even frame, F = 1/2: they alone could not be told from the mean
of the two curvatures, of which only what R - A shows is left to see.
"""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from bayes_alliance.process.alliance import Terms
from bayes_alliance.process.cells import DEPARTURES, PARTNERS, RISK, STRONG
from bayes_alliance.process.containers import CLIENT_COVARIATES, THREAT_COMPONENTS
from bayes_alliance.process.measurement import binary, cutpoints, ordinal
from bayes_alliance.process.sums import group_mean, weighted
from bayes_alliance.theories.hypothesis import Hypothesis, parameter

DESCRIPTION = "High threat puts the patron in a domain of losses, in which it takes risks."
REFERENCE = "He & Feng (2012), European Journal of International Relations 18(2), 227-250"


def terms(x, priors, epsilon=None) -> Terms:
    """The theory's terms in each stage.

    Parameters
    ----------
    x : types.SimpleNamespace
        Containers.
    priors : Priors
        Priors.
    epsilon : TensorVariable, shape (case,), optional
        Residuals of threat, where another theory holds them.

    Returns
    -------
    Terms
        As in the equations above.
    """
    w = pt.stack([priors(f"w_{name}") for name in THREAT_COMPONENTS])  # (component,)
    rho, kappa = priors("rho"), priors("kappa")
    epsilon = pm.Normal("epsilon", dims="case") if epsilon is None else epsilon

    structural = _above_reference(w, rho, x.threat_now, x.threat_recent, x.threat_long_run)
    gap = structural + epsilon[x.case_index]
    pm.Deterministic("threat", weighted(x.threat_now, w) + epsilon[x.case_index], dims="episode")
    frame = pm.Deterministic("frame_of_losses", pt.sigmoid(kappa * gap), dims="episode")
    eta = priors("loading_statement") * gap[x.case_row]
    cuts = cutpoints("cut_statement", priors)
    ordinal("statement_coded", eta, cuts, x.statement, x.statement_confidence, "case")
    wrong = priors("frame_misread")
    seen = wrong + (1 - 2 * wrong) * frame[x.case_row]  # (case,)
    binary("frame_coded", seen, x.frame, x.frame_confidence, "case")

    z = pm.Normal("risk_z", dims="cell")
    risk = pm.Deterministic("risk", RISK * pt.exp(priors.options["risk_spread"] * z), dims="cell")
    k_loss, k_gain = priors("k_loss"), priors("k_gain")
    slope = frame * k_loss - (1 - frame) * k_gain  # (episode,)
    reached = risk - weighted(DEPARTURES @ DEPARTURES.T, risk)  # (cell,)

    panel = x.panel_threat_now, x.panel_threat_recent, x.panel_threat_long_run
    yearly_frame = pt.sigmoid(kappa * _above_reference(w, rho, *panel))  # (panel_year,)
    strong = pt.as_tensor(STRONG)[x.cell_of_design]  # (episode,)
    return Terms(
        utilities=slope[:, None] * risk - (k_loss - k_gain) / 2 * reached,
        acceptance=_shared_threat(x, w, priors),
        trilateral_fallback=pt.zeros(x.case_index.shape[0]),
        hazard=priors("hazard_strong") * strong[x.year_episode]
        + priors("hazard_frame") * yearly_frame[x.year_panel],
    )


def _above_reference(w, rho, now, recent, long_run) -> pt.TensorVariable:
    """Structural threat less the reference point."""
    now, recent, long_run = (weighted(rows, w) for rows in (now, recent, long_run))
    return now - rho * recent - (1 - rho) * long_run


def drive(x, priors) -> dict[str, pt.TensorVariable]:
    """What makes decisions arise: the structural frame of a year, from 1/2 below even to 1/2 above.

    Parameters
    ----------
    x : types.SimpleNamespace
        Containers of years.
    priors : callable
        The theory's parameters by name.

    Returns
    -------
    dict of str to TensorVariable, shape (row,)
        ``frame``.
    """
    w = pt.stack([priors(f"w_{name}") for name in THREAT_COMPONENTS])  # (component,)
    gap = _above_reference(w, priors("rho"), x.threat_now, x.threat_recent, x.threat_long_run)
    return {"frame": pt.sigmoid(priors("kappa") * gap) - 0.5}


def _shared_threat(x, w, priors) -> pt.TensorVariable:
    """Level and spread of the clients' own threat, each weighed as the patron weighs it."""
    column = {name: i for i, name in enumerate(CLIENT_COVARIATES)}
    weight = {name: i for i, name in enumerate(THREAT_COMPONENTS)}
    own = (
        w[weight["power"]] * x.client_covariates[:, column["capability"]]
        + w[weight["proximity"]] * x.client_covariates[:, column["distance"]]
        + w[weight["intentions"]] * x.client_disputes
    )  # (client,)
    level = group_mean(x, own)  # (episode,)
    variance = group_mean(x, own**2) - level**2
    spread = pt.sqrt(pt.maximum(variance, 0.0) + 1e-4)
    return priors("accept_level") * level + priors("accept_spread") * spread


def _consecutive(draws: xr.Dataset, quantity: np.ndarray) -> xr.DataArray:
    """Slope of the change in a proposed quantity on the change in threat between cases."""
    place = draws["place"].to_numpy()
    order = np.argsort(draws["date"].to_numpy(), kind="stable")
    roots = [i for i in order if draws["is_case"].to_numpy()[i]]
    pairs = [
        (a, b)
        for p in dict.fromkeys(place[roots])
        for a, b in zip(
            [i for i in roots if place[i] == p][:-1],
            [i for i in roots if place[i] == p][1:],
            strict=True,
        )
    ]
    before, after = [a for a, _ in pairs], [b for _, b in pairs]
    expected = (draws["proposal_probability"] * xr.DataArray(quantity, dims="cell")).sum("cell")
    d_threat = (
        draws["threat"].isel(episode=after).values - draws["threat"].isel(episode=before).values
    )
    d_value = expected.isel(episode=after).values - expected.isel(episode=before).values
    slope = (d_threat * d_value).sum(-1) / np.maximum((d_threat**2).sum(-1), 1e-12)
    return xr.DataArray(slope, dims=("chain", "draw"))


HYPOTHESES = (
    Hypothesis(
        "H1",
        "Under high threat the patron chooses multilateral alliances with strong commitments.",
        "k_loss: log-odds gained by a design per unit of risk in the domain of losses",
        parameter("k_loss"),
        1,
        "supported: Pacific Pact 1951, united action 1954",
    ),
    Hypothesis(
        "H2",
        "Under low threat the patron chooses bilateral alliances with weak commitments.",
        "k_gain: log-odds lost by a design per unit of risk in the domain of gains",
        parameter("k_gain"),
        1,
        "supported: Asia before 1950, SEATO's weak commitment",
    ),
    Hypothesis(
        "H1 + H2",
        "The domain of losses moves the patron towards riskier designs.",
        "k_loss + k_gain: log-odds that a design gains per unit of risk from the domain of gains "
        "to that of losses",
        lambda draws: draws["k_loss"] + draws["k_gain"],
        1,
        "what H1 and H2 say together",
    ),
    Hypothesis(
        "H3 allies",
        "When threat rises the alliance gains allies.",
        "change in the expected number of allies proposed (0 to 3, three or more count as 3) "
        "between consecutive cases, per unit of the change in threat",
        lambda draws: _consecutive(draws, np.where(RISK > 0, PARTNERS + 1, 0.0)),
        1,
        "supported by Asia 1949 to 1954",
    ),
    Hypothesis(
        "H3 commitment",
        "When threat rises the alliance gains commitment.",
        "change in the probability of proposing a strong commitment between consecutive cases, "
        "per unit of the change in threat",
        lambda draws: _consecutive(draws, STRONG),
        1,
        "supported by Asia 1949 to 1954",
    ),
)
