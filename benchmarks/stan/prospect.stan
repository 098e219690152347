// The prospect theory, as bayes_alliance/theories/prospect.py has it.
functions {
#include functions.stan
}
data {
#include data.stan
  array[episodes] int<lower=1> case_index;
  array[cases] int<lower=1> case_row;
  matrix[episodes, 5] threat_now;
  matrix[episodes, 5] threat_recent;
  matrix[episodes, 5] threat_long_run;
  matrix[panel_years, 5] panel_threat_now;
  matrix[panel_years, 5] panel_threat_recent;
  matrix[panel_years, 5] panel_threat_long_run;
  array[alliance_years] int<lower=1> year_panel;
  array[cases] int statement;
  vector[cases] statement_confidence;
  array[cases] int frame;
  vector[cases] frame_confidence;
  matrix[clients, 4] client_covariates;
  vector[clients] client_disputes;
  int<lower=1> places;
  array[places] int<lower=1> client_of_place; // the clients of each episode in a row
  array[episodes + 1] int<lower=1> first_place;
  real risk_spread;
}
transformed data {
#include constants.stan
  vector[7] RISK = [0, 1, 2, 1.5, 3, 2, 4]';
  matrix[clients, 3] own_threat = append_col(client_covariates[ : , {1, 3}], client_disputes);
  vector[episodes] strong_design;
  for (i in 1:episodes) {
    strong_design[i] = STRONG[cell_of_design[i]];
  }
}
parameters {
#include parameters.stan
  real w_power;
  real w_forces;
  real w_proximity;
  real w_ideology;
  real w_intentions;
  real<lower=0, upper=1> rho;
  real<lower=0> kappa;
  vector[cases] epsilon;
  real<lower=0> loading_statement;
  real cut_statement_first;
  real<lower=0> cut_statement_step;
  real<lower=0, upper=1> frame_misread;
  vector[7] risk_z;
  real k_loss;
  real k_gain;
  real accept_level;
  real accept_spread;
  real hazard_strong;
  real hazard_frame;
}
model {
  w_power ~ normal(0.5, 0.5);
  w_forces ~ normal(0.5, 0.5);
  w_proximity ~ normal(0.5, 0.5);
  w_ideology ~ normal(0.5, 0.5);
  w_intentions ~ normal(0.5, 0.5);
  rho ~ beta(2, 2);
  kappa ~ lognormal(0.4, 0.4);
  epsilon ~ std_normal();
  loading_statement ~ lognormal(0.4, 0.4);
  cut_statement_first ~ normal(-1, 1);
  cut_statement_step ~ lognormal(0.7, 0.4);
  frame_misread ~ beta(2, 18);
  risk_z ~ std_normal();
  k_loss ~ normal(0, 0.7);
  k_gain ~ normal(0, 0.7);
  accept_level ~ normal(0, 1);
  accept_spread ~ normal(0, 1);
  hazard_strong ~ normal(0, 1);
  hazard_frame ~ normal(0, 1);
  vector[5] w = [w_power, w_forces, w_proximity, w_ideology, w_intentions]';
  vector[episodes] gap
    = threat_now * w - rho * (threat_recent * w) - (1 - rho) * (threat_long_run * w)
      + epsilon[case_index];
  vector[episodes] losses = inv_logit(kappa * gap);
  target += ordinal(statement, loading_statement * gap[case_row], cut_statement_first,
                    cut_statement_step, statement_confidence);
  for (k in 1:cases) {
    if (frame[k] >= 0) {
      real seen = frame_misread + (1 - 2 * frame_misread) * losses[case_row[k]];
      target += log(frame_confidence[k] * (frame[k] == 1 ? seen : 1 - seen)
                    + (1 - frame_confidence[k]) / 2);
    }
  }
  vector[7] risk = RISK .* exp(risk_spread * risk_z);
  vector[7] level = (k_loss - k_gain) / 2 * (risk - DEPARTURES * (DEPARTURES' * risk));
  vector[clients] own = own_threat * [w_power, w_proximity, w_intentions]';
  array[episodes] vector[7] utilities;
  vector[episodes] acceptance;
  for (i in 1:episodes) {
    utilities[i] = (losses[i] * k_loss - (1 - losses[i]) * k_gain) * risk - level;
    vector[first_place[i + 1] - first_place[i]] theirs
      = own[client_of_place[first_place[i]:(first_place[i + 1] - 1)]];
    real middle = mean(theirs);
    acceptance[i] = accept_level * middle
                    + accept_spread * sqrt(fmax(mean(square(theirs)) - square(middle), 0) + 1e-4);
  }
  vector[episodes] trilateral_fallback = rep_vector(0, episodes);
  vector[panel_years] yearly
    = inv_logit(kappa * (panel_threat_now * w - rho * (panel_threat_recent * w)
                         - (1 - rho) * (panel_threat_long_run * w)));
  vector[alliance_years] hazard
    = hazard_strong * strong_design[year_episode] + hazard_frame * yearly[year_panel];
#include process.stan
}
