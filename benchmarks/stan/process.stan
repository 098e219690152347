  alpha_alliance ~ normal(1, 1.5);
  alpha_partner ~ normal(1, 2.5);
  alpha_strong ~ normal(0, 1);
  alpha_departure ~ normal(0, 0.5);
  acceptance_0 ~ normal(2, 2.5);
  fallback_bilateral ~ normal(0, 1.5);
  fallback_trilateral ~ normal(-1, 1.5);
  fallback_strong ~ normal(0, 1);
  hazard_0 ~ normal(-3.7, 1);
  hazard_step ~ normal(0, 0.5);
  scale_theatre ~ normal(0, 0.7);
  scale_patron ~ normal(0, 0.5);
  scale_era ~ normal(0, 0.5);
  array[4] vector[episodes] effect;
  for (k in 1:4) {
    z_theatre[k] ~ std_normal();
    z_patron[k] ~ std_normal();
    z_era[k] ~ std_normal();
    vector[theatres] theatre = scale_theatre[k] * z_theatre[k];
    vector[patrons] patron = scale_patron[k] * z_patron[k];
    vector[eras] of_era = scale_era[k] * z_era[k];
    effect[k] = theatre[theatre_index] + patron[patron_index] + of_era[era_index];
  }
  {
    vector[7] constant = alpha_alliance * ALLIANCE + DEPARTURES * alpha_departure;
    vector[episodes] partners = alpha_partner + effect[1];
    vector[episodes] strong = alpha_strong + effect[2];
    vector[episodes] refused = inv_logit(-(acceptance_0 + acceptance + effect[3]));
    real split = inv_logit(fallback_strong);
    vector[7] after_trilateral = fallback([0, fallback_bilateral, -50]', split);
    for (i in 1:episodes) {
      int proposed = outcome[i] %/% 9;
      vector[7] after_multilateral
        = fallback([0, fallback_bilateral, fallback_trilateral + trilateral_fallback[i]]', split);
      if (proposed_to_fallback[i] >= -1) {
        vector[7] known = rep_vector(0, 7);
        if (proposed_to_fallback[i] >= 3) {
          known[proposed_to_fallback[i] + 1] = 1;
        } else {
          known[6:7] = [0.5, 0.5]';
        }
        target += log_path(proposed, outcome[i] % 9, known, 1, after_multilateral,
                           after_trilateral, lapse);
      } else {
        vector[7] q = softmax(constant + partners[i] * PARTNERS + strong[i] * STRONG
                              + utilities[i]);
        target += log_path(proposed, outcome[i] % 9, q, refused[i], after_multilateral,
                           after_trilateral, lapse);
      }
    }
    vector[3] baseline = hazard_0 + hazard_step - mean(hazard_step);
    vector[alliance_years] log_hazard
      = baseline[year_age] + effect[4][year_episode] + hazard;
    target += dot_product(ended, log_hazard) - dot_product(exposure, exp(log_hazard));
  }
