"""The floor: value and gradient of the occupation theory's log density, written by hand.

One fused pass in Numba over the same rows that the sampler reads, without intermediate arrays where
none is needed. It shows what a gradient costs at least, and
nothing else uses it. Parameters are those that the sampler sees (`pymc.Model.value_vars`), in
their order.
"""

from __future__ import annotations

from collections.abc import Callable

import numba
import numpy as np
import pymc as pm

from bayes_alliance.data.load import Data
from bayes_alliance.process.cells import DEPARTURES, PARTNERS, STRONG
from bayes_alliance.process.containers import (
    CLIENT_COVARIATES,
    FACTORS,
    STAGES,
    arrays,
    coords,
    stretches,
)
from bayes_alliance.process.priors import load_priors
from bayes_alliance.process.scales import STEEPNESS

THEORY = "occupation"
SCALARS = (
    *(f"gamma_{name}" for name in CLIENT_COVARIATES),
    *("loading_fear", "cut_fear_first", "cut_fear_step"),
    *("loading_disputes", "cut_disputes_first", "cut_disputes_step"),
    *("beta_6", "cut_commitment_first", "cut_commitment_step"),
    *("beta_1", "beta_2", "beta_3", "beta_4", "beta_4t", "beta_5"),
    *("alpha_alliance", "alpha_partner", "alpha_strong", "acceptance_0"),
    *("fallback_bilateral", "fallback_trilateral", "fallback_strong", "hazard_0"),
)
"""Scalar parameters in the order in which `_density` takes them."""
POSITIVE = ("loading_", "_step")
"""Marks of scalars that are positive, and seen on the log scale."""

HALF_LOG_2PI = 0.5 * np.log(2 * np.pi)
STAGE_COUNT = len(STAGES)


def log_density(model: pm.Model, data: Data) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
    """Value and gradient of the log density at a flat vector of what the sampler sees.

    Parameters
    ----------
    model : pymc.Model
        The model of the occupation theory with the bundled priors, for the order of parameters.
    data : Data
        The tables that it was built of.

    Returns
    -------
    callable
        From the vector to value and gradient.
    """
    labels, x = coords(data), {name: value for name, (_, value) in arrays(data).items()}
    x |= stretches(x, ("year_episode", "year_age"))
    point = model.initial_point()
    sizes = {
        rv.name: point[value.name].size
        for rv, value in zip(model.free_RVs, model.value_vars, strict=True)
    }
    start = dict(zip(sizes, np.cumsum([0, *sizes.values()])[:-1].tolist(), strict=True))
    spec = load_priors(THEORY)
    normal = np.array(
        [[spec.parameters[n]["mu"], spec.parameters[n]["sigma"]] for n in SCALARS]
    )  # (scalar, 2)
    groups = [start[n] for n in ("epsilon", "alpha_departure", "hazard_step")]
    groups += [start[f"{kind}_{f}"] for f in FACTORS for kind in ("scale", "z")]
    wide = [spec.parameters[n]["sigma"] for n in ("alpha_departure", "hazard_step")]
    wide += [spec.parameters[f"scale_{f}"]["sigma"] for f in FACTORS]
    options = np.array([spec.options["lapse"], spec.options["smooth_maximum"]])
    fixed = (
        np.array([start[n] for n in SCALARS]),
        np.array([n.startswith(POSITIVE[0]) or n.endswith(POSITIVE[1]) for n in SCALARS]),
        normal,
        np.array(groups),
        np.array(wide),
        np.array([len(labels[f]) for f in FACTORS]),
        np.column_stack([x[f"{f}_index"] for f in FACTORS]),
        options,
        x["client_covariates"],
        x["client_indicators"],
        x["client_indicator_confidence"],
        x["member_client"],
        np.cumsum([0, *np.bincount(x["member_episode"])]),
        x["commitment"],
        x["commitment_observed"],
        x["commitment_confidence"],
        x["imposed"],
        x["outcome"],
        x["proposed_to_fallback"],
        x["cell_of_design"],
        x["year_episode"],
        x["year_age"],
        x["exposure"],
        x["ended"],
    )

    def at(vector: np.ndarray) -> tuple[float, np.ndarray]:
        gradient = np.empty_like(vector)
        return _density(vector, gradient, *fixed), gradient

    return at


@numba.njit(cache=False)
def _sigmoid(x):
    if x >= 0:
        return 1 / (1 + np.exp(-x))
    e = np.exp(x)
    return e / (1 + e)


@numba.njit(cache=False)
def _ordinal(value, eta, first, step, sure):
    """Log probability, and its derivatives by eta, the first cutpoint and the step."""
    above, beyond = _sigmoid(eta - first), _sigmoid(eta - first - step)
    d_above, d_beyond = above * (1 - above), beyond * (1 - beyond)
    if value == 0:
        p, by_first, by_second = 1 - above, d_above, 0.0
    elif value == 1:
        p, by_first, by_second = above - beyond, -d_above, d_beyond
    else:
        p, by_first, by_second = beyond, 0.0, -d_beyond
    total = sure * p + (1 - sure) / 3
    weight = sure / total
    both = by_first + by_second
    return np.log(total), -weight * both, weight * both, weight * by_second


@numba.njit(cache=False)
def _density(
    vector,
    gradient,
    scalar_at,
    positive,
    normal,
    group_at,
    wide,
    levels,
    level_of,
    options,
    covariates,
    indicators,
    indicator_sure,
    member,
    first_member,
    commitment,
    commitment_observed,
    commitment_sure,
    imposed,
    outcome,
    to_fallback,
    cell_of_design,
    year_episode,
    year_age,
    exposure,
    ended,
):
    lapse, tau = options
    clients, episodes, scalars = covariates.shape[0], commitment.size, scalar_at.size
    value = 0.0
    gradient[:] = 0.0

    # scalars: their priors are normal on the scale that the sampler sees
    s, g = np.empty(scalars), np.zeros(scalars)
    for k in range(scalars):
        seen = vector[scalar_at[k]]
        z = (seen - normal[k, 0]) / normal[k, 1]
        value -= 0.5 * z * z + np.log(normal[k, 1]) + HALF_LOG_2PI
        gradient[scalar_at[k]] = -z / normal[k, 1]
        s[k] = np.exp(seen) if positive[k] else seen

    epsilon_at, departure_at, step_at = group_at[0], group_at[1], group_at[2]
    for k in range(2):
        for i in range(group_at[1 + k], group_at[1 + k] + 3):
            z = vector[i] / wide[k]
            value -= 0.5 * z * z + np.log(wide[k]) + HALF_LOG_2PI
            gradient[i] = -z / wide[k]

    # effects by factor, stage and level, and what they gather
    most = levels.max()
    effect = np.zeros((3, STAGE_COUNT, most))
    unscaled = np.zeros((3, STAGE_COUNT, most))
    g_effect = np.zeros((3, STAGE_COUNT, most))
    for f in range(3):
        scale_at, z_at, n = group_at[3 + 2 * f], group_at[4 + 2 * f], levels[f]
        root = np.sqrt(n)
        for k in range(STAGE_COUNT):
            u = STEEPNESS * vector[scale_at + k]
            softplus = max(u, 0.0) + np.log1p(np.exp(-abs(u)))
            scale = wide[2 + f] * softplus / STEEPNESS
            value += 0.5 * np.log(2 / np.pi) - 0.5 * (scale / wide[2 + f]) ** 2 + u - softplus
            gradient[scale_at + k] = -scale / wide[2 + f] * _sigmoid(u) + STEEPNESS * _sigmoid(-u)
            total = 0.0
            for i in range(n - 1):
                z = vector[z_at + k * (n - 1) + i]
                value -= 0.5 * z * z + HALF_LOG_2PI
                gradient[z_at + k * (n - 1) + i] = -z
                total += z
            for i in range(n - 1):
                unscaled[f, k, i] = vector[z_at + k * (n - 1) + i] - total / (root + n)
            unscaled[f, k, n - 1] = -total / root
            for i in range(n):
                effect[f, k, i] = scale * unscaled[f, k, i]

    # measurement of credibility, by client
    grown, g_theta = np.empty(clients), np.empty(clients)
    theta = np.empty(clients)
    for j in range(clients):
        e = vector[epsilon_at + j]
        value -= 0.5 * e * e + HALF_LOG_2PI
        t, by_theta = e, 0.0
        for k in range(4):
            t += s[k] * covariates[j, k]
        for k in range(2):
            if indicators[j, k] >= 0:
                at = 4 + 3 * k
                lp, by_eta, by_first, by_step = _ordinal(
                    indicators[j, k], s[at] * t, s[at + 1], s[at + 2], indicator_sure[j, k]
                )
                value += lp
                by_theta += by_eta * s[at]
                g[at] += by_eta * t
                g[at + 1] += by_first
                g[at + 2] += by_step
        theta[j], g_theta[j], grown[j] = t, by_theta, np.exp(tau * t)

    # cases: commitment, proposal, acceptance
    log_ratio = np.empty(episodes)
    g_ratio = np.zeros(episodes)
    split = _sigmoid(s[25])
    top = max(0.0, s[23])
    two, nothing = np.exp(s[23] - top), np.exp(-top)
    least = np.exp(-50.0 - top)
    after_two, after_nothing = two / (two + nothing + least), nothing / (two + nothing + least)
    after_three = least / (two + nothing + least)
    utility, q, g_q = np.empty(7), np.empty(7), np.empty(7)
    for i in range(episodes):
        c = commitment[i] / 2.0
        begin, end = first_member[i], first_member[i + 1]
        total = 0.0
        for j in range(begin, end):
            total += grown[member[j]]
        if commitment_observed[i] >= 0:
            group = np.log(total / (end - begin)) / tau
            lp, by_eta, by_first, by_step = _ordinal(
                commitment_observed[i], s[10] * group, s[11], s[12], commitment_sure[i]
            )
            value += lp
            g[10] += by_eta * group
            g[11] += by_first
            g[12] += by_step
            for j in range(begin, end):
                g_theta[member[j]] += by_eta * s[10] * grown[member[j]] / total

        a, b, d = level_of[i, 0], level_of[i, 1], level_of[i, 2]
        joint = cell_of_design[i] >= 3
        first = imposed[i] * (commitment[i] == 0)
        log_ratio[i] = effect[0, 3, a] + effect[1, 3, b] + effect[2, 3, d]
        if joint:
            log_ratio[i] += s[14] * c + s[15] * first

        proposed, recorded = outcome[i] // 9 - 1, outcome[i] % 9 - 1
        given = to_fallback[i] >= -1
        if recorded < 0 and (proposed < 0 or given):
            continue
        if given:
            q[:] = 0.0
            if to_fallback[i] >= 3:
                q[to_fallback[i]] = 1.0
            else:
                q[5] = q[6] = 0.5
            refused = 1.0
        else:
            partners = s[20] + effect[0, 0, a] + effect[1, 0, b] + effect[2, 0, d] + s[13] * c / 2
            strong = s[21] + effect[0, 1, a] + effect[1, 1, b] + effect[2, 1, d] + s[18] * c
            for o in range(7):
                u = partners * PARTNERS[o] + strong * STRONG[o] + (s[19] if o else 0.0)
                for k in range(3):
                    u += DEPARTURES[o, k] * vector[departure_at + k]
                utility[o] = u
            top = utility.max()
            total = 0.0
            for o in range(7):
                q[o] = np.exp(utility[o] - top)
                total += q[o]
            for o in range(7):
                q[o] /= total
            log_odds = effect[0, 2, a] + effect[1, 2, b] + effect[2, 2, d] + s[22] + s[16] * c
            refused = _sigmoid(-log_odds)
        g_q[:] = 0.0
        by_refused = 0.0
        whole = q[proposed] if proposed >= 0 else 1.0
        if recorded < 0:
            value += np.log(whole)
            g_q[proposed] += 1 / whole
        else:
            if proposed < 0:
                multilateral, trilateral = q[5] + q[6], q[3] + q[4]
            else:
                multilateral = whole if proposed >= 5 else 0.0
                trilateral = whole if 3 <= proposed < 5 else 0.0
            if recorded == 7:
                fallen, of_multilateral, of_trilateral = multilateral + trilateral, 1.0, 1.0
                same, matches = 0.0, False
            else:
                # chances of nothing, two and three parties after a refused multilateral proposal
                shift = s[24] + s[17] * c
                top = max(0.0, s[23], shift)
                p0, p2, p3 = np.exp(-top), np.exp(s[23] - top), np.exp(shift - top)
                norm = p0 + p2 + p3
                p0, p2, p3 = p0 / norm, p2 / norm, p3 / norm
                kind = (recorded + 1) // 2  # 0 nothing, 1 two, 2 three, 3 more parties
                share = 1.0 if kind == 0 else split if recorded % 2 == 0 else 1 - split
                m = p0 if kind == 0 else p2 if kind == 1 else p3 if kind == 2 else 0.0
                t = (
                    after_nothing
                    if kind == 0
                    else after_two
                    if kind == 1
                    else after_three
                    if kind == 2
                    else 0.0
                )
                of_multilateral, of_trilateral = m * share, t * share
                fallen = multilateral * of_multilateral + trilateral * of_trilateral
                matches = proposed < 0 or proposed == recorded
                same = q[recorded] if matches else 0.0
            kept = 1 - refused if recorded >= 3 else 1.0
            known = same * kept + refused * fallen
            mixed = (1 - lapse) * known + lapse * whole / 7
            value += np.log(mixed)
            weight = (1 - lapse) / mixed
            if recorded != 7:
                by_m = weight * refused * multilateral * of_multilateral
                by_t = weight * refused * trilateral * of_trilateral
                g[23] += by_m * ((kind == 1) - p2) + by_t * ((kind == 1) - after_two)
                by_shift = by_m * ((kind == 2) - p3)
                g[24] += by_shift
                g[17] += by_shift * c
                if kind in (1, 2):
                    g[25] += (by_m + by_t) * (1 - split if recorded % 2 == 0 else -split)
            if not given:
                by_refused = weight * (fallen - (same if recorded >= 3 and matches else 0.0))
                if matches:
                    g_q[recorded] += weight * kept
                by_whole = lapse / 7 / mixed
                by_many, by_three = (
                    weight * refused * of_multilateral,
                    weight * refused * of_trilateral,
                )
                if proposed < 0:
                    g_q[5] += by_many
                    g_q[6] += by_many
                    g_q[3] += by_three
                    g_q[4] += by_three
                else:
                    g_q[proposed] += by_whole
                    if proposed >= 5:
                        g_q[proposed] += by_many
                    elif proposed >= 3:
                        g_q[proposed] += by_three
        if given:
            continue
        centre = 0.0
        for o in range(7):
            centre += q[o] * g_q[o]
        by_partners = by_strong = 0.0
        for o in range(1, 7):
            by_u = q[o] * (g_q[o] - centre)
            by_partners += by_u * PARTNERS[o]
            by_strong += by_u * STRONG[o]
            g[19] += by_u
            for k in range(3):
                gradient[departure_at + k] += by_u * DEPARTURES[o, k]
        by_odds = -by_refused * refused * (1 - refused)
        g[20] += by_partners
        g[13] += by_partners * c / 2
        g[21] += by_strong
        g[18] += by_strong * c
        g[22] += by_odds
        g[16] += by_odds * c
        for f in range(3):
            level = level_of[i, f]
            g_effect[f, 0, level] += by_partners
            g_effect[f, 1, level] += by_strong
            g_effect[f, 2, level] += by_odds

    # lives
    steps = vector[step_at : step_at + 3]
    baseline = s[26] + steps - steps.mean()
    by_age = np.zeros(3)
    for y in range(year_episode.size):
        i, age = year_episode[y], year_age[y]
        lh = baseline[age] + log_ratio[i]
        expected = exposure[y] * np.exp(lh)
        value += ended[y] * lh - expected
        by_lh = ended[y] - expected
        by_age[age] += by_lh
        g_ratio[i] += by_lh
    g[26] += by_age.sum()
    for k in range(3):
        gradient[step_at + k] += by_age[k] - by_age.sum() / 3
    for i in range(episodes):
        for f in range(3):
            g_effect[f, 3, level_of[i, f]] += g_ratio[i]
        if cell_of_design[i] >= 3:
            g[14] += g_ratio[i] * commitment[i] / 2.0
            if commitment[i] == 0:
                g[15] += g_ratio[i] * imposed[i]

    # back to what the sampler sees
    for f in range(3):
        scale_at, z_at, n = group_at[3 + 2 * f], group_at[4 + 2 * f], levels[f]
        root = np.sqrt(n)
        for k in range(STAGE_COUNT):
            u = STEEPNESS * vector[scale_at + k]
            scale = wide[2 + f] * (max(u, 0.0) + np.log1p(np.exp(-abs(u)))) / STEEPNESS
            by_scale, total = 0.0, 0.0
            for i in range(n):
                by_scale += g_effect[f, k, i] * unscaled[f, k, i]
                if i < n - 1:
                    total += g_effect[f, k, i]
            gradient[scale_at + k] += by_scale * wide[2 + f] * _sigmoid(u)
            common = g_effect[f, k, n - 1] / root + total / (root + n)
            for i in range(n - 1):
                gradient[z_at + k * (n - 1) + i] += scale * (g_effect[f, k, i] - common)
    for j in range(clients):
        gradient[epsilon_at + j] = g_theta[j] - vector[epsilon_at + j]
        for k in range(4):
            g[k] += g_theta[j] * covariates[j, k]
    for k in range(scalars):
        gradient[scalar_at[k]] += g[k] * s[k] if positive[k] else g[k]
    return value
