/* The equations of bayes_alliance for one case that has not been seen, at stored posterior draws.

   Functions and quantities have the names they have in Python (process/, theories/, forecast/), so
   that the two can be read side by side. Parameters are arrays over draws: draws.kappa[s]; those
   with components are arrays of such arrays: draws.scale_theatre[stage][s].

   make_model(content).answer(settings) gives what the page shows:

   settings = {
     patron, theatre, adversary, initiative, today, horizon, share, formation, statement, expected,
     supposed: {share, promises}: {middle, draws} of what a grouping is unsure of, or nothing,
     promises: [none, consult, defend], threat: {power_ratio, forces_ratio, ...}, design,
     clients: [{state, capability_ratio, distance_km, land_access, occupied, disputes}, ...],
   }
*/
"use strict";

function make_model(content) {
  const { cells, partners, strong, trilateral, multilateral, departures, risk } = content.cells;
  const { rung_of_cell, rungs, year, prob, quadrature, sobol, constants } = content;
  const CELLS = cells.length;
  const names = Object.keys(content.theories);
  const theories = Object.fromEntries(names.map((name) => [name, decode(content.theories[name])]));

  // ---- draws -------------------------------------------------------------------------------------

  function decode(stored) {
    const draws = {};
    for (const [name, { shape, data }] of Object.entries(stored.parameters)) {
      const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
      draws[name] = nested(new Float32Array(bytes.buffer), shape, stored.count);
    }
    return stored.formation ? { ...stored, draws, formation: decode(stored.formation) }
      : { ...stored, draws };
  }

  function nested(values, shape, count) {
    if (shape.length === 0) return values;
    const size = values.length / shape[0];
    return Array.from({ length: shape[0] }, (_, i) =>
      nested(values.subarray(i * size, (i + 1) * size), shape.slice(1), count));
  }

  // ---- small things ------------------------------------------------------------------------------

  const sigmoid = (x) => 1 / (1 + Math.exp(-x));
  const nearness = (km) => -Math.log10((km + 50) / 550);
  const log_ratio = (ratio) => Math.log10(Math.max(ratio, constants.least_ratio));
  const known = (value, of) => (value === null || value === undefined ? 0 : of(value));

  function softmax(values, out) {
    let largest = -Infinity, sum = 0;
    for (let o = 0; o < CELLS; o++) if (values[o] > largest) largest = values[o];
    for (let o = 0; o < CELLS; o++) sum += out[o] = Math.exp(values[o] - largest);
    for (let o = 0; o < CELLS; o++) out[o] /= sum;
  }

  /* Probability of a category (0, 1 or 2) of a graded response with two cutpoints. */
  const ordinal = (category, eta, first, step) =>
    (category === 0 ? 1 : sigmoid(eta - first - (category === 2 ? step : 0)))
    - (category === 2 ? 0 : sigmoid(eta - first - (category === 1 ? step : 0)));

  function client_covariates(client) {
    return [
      log_ratio(client.capability_ratio) - 1,
      constants.land[client.land_access] - 0.5,
      nearness(client.distance_km),
      client.occupied - 0.5,
    ];
  }

  function threat_components(threat) {
    return [
      known(threat.power_ratio, log_ratio),
      known(threat.forces_ratio, log_ratio),
      known(threat.distance_km, nearness),
      known(threat.polyarchy_gap, (v) => v - 0.5),
      known(threat.disputes, (v) => Math.log1p(v) - 1),
    ];
  }

  /* Threat in each year from the first on, after a past: {count, sum, recent} of its components. */
  function threat_history(past, now, years) {
    const recent = past.recent.map((row) => row.slice()), sum = past.sum.slice(), out = [];
    for (let y = 0; y < years; y++) {
      const count = past.count + y, last = recent.slice(-constants.memory);
      out.push({
        now,
        recent: now.map((v, k) => (last.length ? mean(last.map((row) => row[k])) : v)),
        long_run: now.map((v, k) => (count ? sum[k] / count : v)),
      });
      recent.push(now);
      now.forEach((v, k) => { sum[k] += v; });
    }
    return out;
  }

  const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;

  /* Draws of what a grouping is unsure of, while it stands as the grouping has it. */
  function supposed(settings, key) {
    const of = settings.supposed && settings.supposed[key];
    return of && String(of.middle) === String(settings[key]) ? of.draws : null;
  }

  /* What the equations read: numbers on the models' own units. */
  function containers(settings) {
    const place = content.places[`${settings.patron} ${settings.theatre}`];
    const now = threat_components(settings.threat), years = settings.horizon - year + 1;
    return {
      patron: settings.patron,
      theatre: settings.theatre,
      years,
      covariates: settings.clients.map(client_covariates),
      disputes: settings.clients.map((client) => client.disputes),
      statement: settings.statement ? content.statements.indexOf(settings.statement) : -1,
      imposed: settings.initiative === "patron" ? 1 : 0,
      threat: threat_history(place.past, now, years),
      panel_threat: threat_history(place.panel_past, now, constants.ages),
      formation_threat: threat_history(place.formation_past, now, years),
      unallied: Math.log1p(place.unallied) - constants.usual,
      promises: settings.promises,
      promise_draws: supposed(settings, "promises"),
      expected: settings.expected,
    };
  }

  // ---- process -----------------------------------------------------------------------------------

  /* Sum of the effects of theatre, patron and era on a stage. */
  function effects(draws, levels, x, stage) {
    const level = { theatre: x.theatre, patron: x.patron, era: content.era };
    const out = new Float64Array(draws.scale_theatre[0].length);
    for (const factor of ["theatre", "patron", "era"]) {
      const scale = draws[`scale_${factor}`][stage];
      const z = draws[`z_${factor}`][stage][levels[factor].indexOf(level[factor])];
      for (let s = 0; s < out.length; s++) out[s] += scale[s] * z[s];
    }
    return out;
  }

  /* Constants of the cells: any alliance, further partners, strength, and departures from the sum. */
  function cell_constants(draws, s, on_partners, on_strong, out) {
    const partner = draws.alpha_partner[s] + on_partners, firm = draws.alpha_strong[s] + on_strong;
    for (let o = 0; o < CELLS; o++) {
      out[o] = (o > 0 ? draws.alpha_alliance[s] : 0) + partner * partners[o] + firm * strong[o];
      for (let k = 0; k < 3; k++) out[o] += departures[o][k] * draws.alpha_departure[k][s];
    }
  }

  /* What a refused proposal becomes: [after a multilateral, after a trilateral one]. */
  function fallback_probability(draws, s, shift) {
    const firm = sigmoid(draws.fallback_strong[s]);
    const spread = (bilateral, three) => {
      const sum = 1 + bilateral + three, two = bilateral / sum, tri = three / sum;
      return [1 / sum, two * (1 - firm), two * firm, tri * (1 - firm), tri * firm, 0, 0];
    };
    const bilateral = Math.exp(draws.fallback_bilateral[s]);
    const three = Math.exp(draws.fallback_trilateral[s] + shift);
    return [spread(bilateral, three), spread(bilateral, Math.exp(-50))];
  }

  /* Pr(d) = sum over q of Pr(q) Pr(d | q), times a weight, added to out[cell][s]. */
  function add_designs(proposal, accepted, fallback, lapse, weight, out, s) {
    let multi = 0, tri = 0;
    for (let o = 0; o < CELLS; o++) {
      multi += proposal[o] * multilateral[o];
      tri += proposal[o] * trilateral[o];
    }
    const refused = 1 - accepted;
    for (let o = 0; o < CELLS; o++) {
      const joint = multilateral[o] + trilateral[o];
      const made = proposal[o] * (1 - refused * joint)
        + refused * (multi * fallback[0][o] + tri * fallback[1][o]);
      out[o][s] += weight * ((1 - lapse) * made + lapse / CELLS);
    }
  }

  const empty = (count) => cells.map(() => new Float64Array(count));

  /* Probabilities of the cells given a decision in each year: [year][cell][s]. */
  function yearly_designs(theory, x) {
    return { null: null_designs, occupation: occupation_designs, prospect: prospect_designs }[
      theory.name](theory, x);
  }

  // ---- theories ----------------------------------------------------------------------------------

  function null_designs(theory, x) {
    const { draws, levels, count, options } = theory;
    const effect = [0, 1, 2].map((stage) => effects(draws, levels, x, stage));
    const out = empty(count), utility = new Float64Array(CELLS), proposal = new Float64Array(CELLS);
    for (let s = 0; s < count; s++) {
      cell_constants(draws, s, effect[0][s], effect[1][s], utility);
      softmax(utility, proposal);
      const accepted = sigmoid(draws.acceptance_0[s] + effect[2][s]);
      const fallback = fallback_probability(draws, s, 0);
      add_designs(proposal, accepted, fallback, options.lapse, 1, out, s);
    }
    return Array(x.years).fill(out);
  }

  /* Occupation: c, what clients promised each other, moves proposal, acceptance and fallback. */
  function occupation_designs(theory, x) {
    const { draws, levels, count, options } = theory;
    const effect = [0, 1, 2].map((stage) => effects(draws, levels, x, stage));
    const promised = (x.promised ??= promise_probability(theory, x));
    const out = empty(count), utility = new Float64Array(CELLS), proposal = new Float64Array(CELLS);
    for (let s = 0; s < count; s++) {
      for (let level = 0; level < 3; level++) {
        const c = level / 2;
        cell_constants(draws, s, effect[0][s], effect[1][s], utility);
        for (let o = 0; o < CELLS; o++) {
          utility[o] += draws.beta_1[s] * c * partners[o] / 2 + draws.beta_5[s] * c * strong[o];
        }
        softmax(utility, proposal);
        const accepted = sigmoid(draws.acceptance_0[s] + draws.beta_4[s] * c + effect[2][s]);
        const fallback = fallback_probability(draws, s, draws.beta_4t[s] * c);
        add_designs(proposal, accepted, fallback, options.lapse, promised[level][s], out, s);
      }
    }
    return Array(x.years).fill(out);
  }

  /* Pr(c): as set, or as credibility has it (H6), given the disputes: [level][s]. */
  function promise_probability(theory, x) {
    const { draws, count, options } = theory;
    if (!x.expected) {
      const of = x.promise_draws;
      return x.promises.map((p, k) =>
        Float64Array.from({ length: count }, (_, s) => (of ? of[k][s % of[k].length] : p)));
    }
    const out = [0, 1, 2].map(() => new Float64Array(count)), tau = options.smooth_maximum;
    for (let s = 0; s < count; s++) {
      const theta = x.covariates.map((z) => z[0] * draws.gamma_capability[s]
        + z[1] * draws.gamma_land[s] + z[2] * draws.gamma_distance[s]
        + z[3] * draws.gamma_occupied[s]);
      const loading = draws.loading_disputes[s], first = draws.cut_disputes_first[s];
      const step = draws.cut_disputes_step[s], sum = [0, 0, 0];
      for (const epsilon of sobol) {
        let weight = 1, group = 0;
        for (let j = 0; j < theta.length; j++) {
          const credible = theta[j] + epsilon[j];
          weight *= ordinal(Math.min(x.disputes[j], 2), loading * credible, first, step);
          group += Math.exp(tau * credible);
        }
        const eta = draws.beta_6[s] * Math.log(group / theta.length) / tau;
        for (let level = 0; level < 3; level++) {
          sum[level] += weight
            * ordinal(level, eta, draws.cut_commitment_first[s], draws.cut_commitment_step[s]);
        }
      }
      const total = sum[0] + sum[1] + sum[2];
      for (let level = 0; level < 3; level++) out[level][s] = sum[level] / total;
    }
    return out;
  }

  const weights_of_threat = (draws, s) => [
    draws.w_power[s], draws.w_forces[s], draws.w_proximity[s], draws.w_ideology[s],
    draws.w_intentions[s]];

  /* Structural threat less the reference point. */
  function above_reference(w, rho, { now, recent, long_run }) {
    let gap = 0;
    for (let k = 0; k < 5; k++) gap += w[k] * (now[k] - rho * recent[k] - (1 - rho) * long_run[k]);
    return gap;
  }

  /* Level and spread of the clients' own threat, weighed as the patron weighs it. */
  function shared_threat(draws, s, x) {
    const own = x.covariates.map((z, j) => draws.w_power[s] * z[0] + draws.w_proximity[s] * z[2]
      + draws.w_intentions[s] * Math.log1p(x.disputes[j]));
    const level = mean(own), variance = mean(own.map((v) => v * v)) - level * level;
    const spread = Math.sqrt(Math.max(variance, 0) + 1e-4);
    return draws.accept_level[s] * level + draws.accept_spread[s] * spread;
  }

  /* Prospect: the frame of losses moves the patron to risky designs; epsilon is integrated out. */
  function prospect_designs(theory, x) {
    const { draws, levels, count, options } = theory;
    const effect = [0, 1, 2].map((stage) => effects(draws, levels, x, stage));
    const out = x.threat.map(() => empty(count));
    const [constant, odds, own_risk, proposal, expected] = Array.from({ length: 5 },
      () => new Float64Array(CELLS));
    const { at, weight } = quadrature;
    for (let s = 0; s < count; s++) {
      const w = weights_of_threat(draws, s), kappa = draws.kappa[s], rho = draws.rho[s];
      const k_loss = draws.k_loss[s], k_gain = draws.k_gain[s];
      const loading = draws.loading_statement[s], first = draws.cut_statement_first[s];
      const step = draws.cut_statement_step[s];
      cell_constants(draws, s, effect[0][s], effect[1][s], constant);
      for (let o = 0; o < CELLS; o++) {
        own_risk[o] = risk[o] * Math.exp(options.risk_spread * draws.risk_z[o][s]);
      }
      // reached = risk less its part along the departures
      for (let o = 0; o < CELLS; o++) {
        let reached = own_risk[o];
        for (let p = 0; p < CELLS; p++) {
          for (let k = 0; k < 3; k++) reached -= departures[o][k] * departures[p][k] * own_risk[p];
        }
        odds[o] = Math.exp(constant[o] - (k_loss - k_gain) / 2 * reached);
      }
      const accepted = sigmoid(draws.acceptance_0[s] + shared_threat(draws, s, x) + effect[2][s]);
      const fallback = fallback_probability(draws, s, 0);
      for (let y = 0; y < x.threat.length; y++) {
        const structural = above_reference(w, rho, x.threat[y]);
        let total = 0;
        expected.fill(0);
        for (let i = 0; i < at.length; i++) {
          const gap = structural + at[i], frame = sigmoid(kappa * gap);
          const informed = x.statement < 0 ? weight[i]
            : weight[i] * ordinal(x.statement, loading * gap, first, step);
          const slope = frame * k_loss - (1 - frame) * k_gain;
          // the softmax of constant + slope risk, of which the first cell, none, is 0
          let sum = proposal[0] = 1;
          for (let o = 1; o < CELLS; o++) {
            sum += proposal[o] = odds[o] * Math.exp(slope * own_risk[o]);
          }
          const share = informed / sum;
          for (let o = 0; o < CELLS; o++) expected[o] += share * proposal[o];
          total += informed;
        }
        for (let o = 0; o < CELLS; o++) expected[o] /= total;
        add_designs(expected, accepted, fallback, options.lapse, 1, out[y], s);
      }
    }
    return out;
  }

  // ---- survival ----------------------------------------------------------------------------------

  /* Probability that a design made in the first year still stands: [age][s]. */
  function lasting(theory, x, cell) {
    const { draws, levels, count } = theory, o = cells.indexOf(cell);
    const effect = effects(draws, levels, x, 3);
    const out = Array.from({ length: constants.ages + 1 }, () => new Float64Array(count).fill(1));
    const promised = theory.name === "occupation" ? x.promised : null;
    const band = Array.from({ length: constants.ages },
      (_, age) => constants.age_breaks.filter((b) => b <= age + 1e-6).length);
    const joint = multilateral[o] + trilateral[o];
    for (let s = 0; s < count; s++) {
      const step = draws.hazard_step.map((of) => of[s]);
      const w = theory.name === "prospect" ? weights_of_threat(draws, s) : null;
      let total = 0;
      for (let age = 0; age < constants.ages; age++) {
        let log_hazard = draws.hazard_0[s] + step[band[age]] - mean(step) + effect[s];
        if (w) {
          const gap = above_reference(w, draws.rho[s], x.panel_threat[age]);
          log_hazard += draws.hazard_strong[s] * strong[o]
            + draws.hazard_frame[s] * sigmoid(draws.kappa[s] * gap);
        }
        total += Math.exp(log_hazard);
        if (!promised) {
          out[age + 1][s] = Math.exp(-total);
          continue;
        }
        out[age + 1][s] = 0;
        for (let level = 0; level < 3; level++) {
          const imposed = level === 0 ? x.imposed : 0;
          const life = joint * (draws.beta_2[s] * level / 2 + draws.beta_3[s] * imposed);
          out[age + 1][s] += promised[level][s] * Math.exp(-total * Math.exp(life));
        }
      }
    }
    return out;
  }

  // ---- formation and the ladder ------------------------------------------------------------------

  /* Hazard of a decision of the patron in the theatre in each year: [year][s]. */
  function hazard(theory, x) {
    const { draws, levels, count } = theory.formation;
    const effect = effects(draws, levels, x, 0);
    const exposed = [0, 1, 2, 3].map((k) => mean(x.covariates.map((z) => z[k])));
    return x.formation_threat.map((history) => {
      const out = new Float64Array(count);
      for (let s = 0; s < count; s++) {
        let log_hazard = draws.alpha[s] + draws.eta[s] * x.unallied + effect[s];
        if (theory.name === "occupation") {
          log_hazard += draws.b[0][s] * (exposed[0] * draws.gamma_capability[s]
            + exposed[1] * draws.gamma_land[s] + exposed[2] * draws.gamma_distance[s]
            + exposed[3] * draws.gamma_occupied[s]);
        } else if (theory.name === "prospect") {
          const gap = above_reference(weights_of_threat(draws, s), draws.rho[s], history);
          log_hazard += draws.b[0][s] * (sigmoid(draws.kappa[s] * gap) - 0.5);
        }
        out[s] = Math.exp(log_hazard);
      }
      return out;
    });
  }

  /* Probability of a decision about the grouping in each year; without formation, in the first. */
  function arises(theory, x, settings) {
    if (!settings.formation) {
      return x.threat.map((_, y) => new Float64Array(theory.count).fill(y === 0 ? 1 : 0));
    }
    const of = supposed(settings, "share"), share = (s) => (of ? of[s % of.length] : settings.share);
    return hazard(theory, x).map((h) => h.map((v, s) => -Math.expm1(-share(s) * v)));
  }

  /* Probability of each rung by the end of each year: [year][rung][s]. */
  function ladder(decision, design, today) {
    const count = decision[0].length;
    const stays = rungs.map(() => new Float64Array(count).fill(1));
    return decision.map((p, y) => {
      const out = rungs.map(() => new Float64Array(count));
      for (let s = 0; s < count; s++) {
        let before = 0, at_most = 0;
        for (let k = 0; k < rungs.length; k++) {
          for (let o = 0; o < CELLS; o++) if (rung_of_cell[o] === k) at_most += design[y][o][s];
          stays[k][s] *= 1 - p[s] * (1 - at_most);
          const below = k < today ? 0 : stays[k][s];
          out[k][s] = Math.min(Math.max(below - before, 0), 1);
          before = below;
        }
      }
      return out;
    });
  }

  /* Probability that a decision has arisen by the end of each year: [year][s]. */
  function arisen(decision) {
    const none = new Float64Array(decision[0].length).fill(1);
    return decision.map((p) => p.map((v, s) => 1 - (none[s] *= 1 - v)));
  }

  // ---- summaries ---------------------------------------------------------------------------------

  /* Mean and equal-tailed interval by theory, and of their mixture by stacking weights. */
  function summaries(by_theory) {
    const sorted = names.map((name) => Float64Array.from(by_theory[name]).sort());
    const out = {};
    names.forEach((name, i) => { out[name] = summary([sorted[i]], [1]); });
    const weights = names.map((name) => theories[name].weight);
    if (names.length > 1) out.stacked = summary(sorted, weights);
    return out;
  }

  function summary(parts, weights) {
    let middle = 0;
    const used = [];
    parts.forEach((values, i) => {
      if (weights[i] <= 0) return;
      let sum = 0;
      for (const v of values) sum += v;
      middle += weights[i] * sum / values.length;
      used.push({ values, weight: weights[i] / values.length, next: 0 });
    });
    const total = weights.reduce((a, b) => a + b, 0);
    const wanted = [(1 - prob) / 2, (1 + prob) / 2];
    if (used.length > 1) return [middle / total, ...quantiles(used, wanted)];
    return [middle / total, ...wanted.map((p) => quantile(used[0].values, p))];
  }

  function quantile(values, p) {
    const at = p * (values.length - 1), below = Math.floor(at), low = values[below];
    return low + (at - below) * (values[Math.min(below + 1, values.length - 1)] - low);
  }

  /* Quantiles of weighted draws in sorted parts: on the line between neighbours, which lie as far
     apart as the mean of their weights. With equal weights these are numpy's. */
  function quantiles(parts, wanted) {
    let length = 0;
    for (const part of parts) length += part.weight * part.values.length;
    let first = Infinity, last = -Infinity, of_first = 0, of_last = 0;
    for (const { values, weight } of parts) {
      if (values[0] < first) { first = values[0]; of_first = weight; }
      if (values[values.length - 1] > last) { last = values[values.length - 1]; of_last = weight; }
    }
    length -= (of_first + of_last) / 2;
    const out = [];
    for (const part of parts) part.next = 0;
    let at = 0, before = null, own = 0;
    while (out.length < wanted.length) {
      let least = null;
      for (const part of parts) {
        if (part.next < part.values.length
          && (least === null || part.values[part.next] < least.values[least.next])) least = part;
      }
      if (least === null) { out.push(before); continue; }
      const value = least.values[least.next++];
      const gap = before === null ? 0 : (own + least.weight) / 2;
      while (out.length < wanted.length && at + gap >= wanted[out.length] * length) {
        const share = gap ? (wanted[out.length] * length - at) / gap : 0;
        out.push(before === null ? value : before + share * (value - before));
      }
      at += gap;
      before = value;
      own = least.weight;
    }
    return out;
  }

  const each = (of) => Object.fromEntries(names.map((name) => [name, of(name)]));

  function answer(settings) {
    const x = containers(settings), today = rungs.indexOf(settings.today);
    const design = each((name) => yearly_designs(theories[name], x));
    const decision = each((name) => arises(theories[name], x, settings));
    const state = each((name) => ladder(decision[name], design[name], today));
    const decided = each((name) => arisen(decision[name]));
    const life = each((name) => lasting(theories[name], x, settings.design));
    const years = Array.from({ length: x.years }, (_, y) => y);
    return {
      cells: Object.fromEntries(
        cells.map((cell, o) => [cell, summaries(each((name) => design[name][0][o]))])),
      ladder: years.map((y) => Object.fromEntries([
        ...rungs.map((rung, k) => [rung, summaries(each((name) => state[name][y][k]))]),
        ["decision", summaries(each((name) => decided[name][y]))],
      ])),
      survival: Array.from({ length: constants.ages + 1 },
        (_, age) => summaries(each((name) => life[name][age]))),
    };
  }

  return { answer, names };
}
