// The occupation theory, as bayes_alliance/theories/occupation.py has it.
functions {
#include functions.stan
}
data {
#include data.stan
  matrix[clients, 4] client_covariates;
  array[clients, 2] int client_indicators;
  matrix[clients, 2] client_indicator_confidence;
  int<lower=1> places;
  array[places] int<lower=1> client_of_place; // the clients of each episode in a row
  array[episodes + 1] int<lower=1> first_place;
  real smooth_maximum;
  array[episodes] int<lower=0, upper=2> commitment;
  array[episodes] int commitment_observed;
  vector[episodes] commitment_confidence;
  vector[episodes] imposed;
}
transformed data {
#include constants.stan
  vector[episodes] c = to_vector(commitment) / 2;
  vector[episodes] joint;
  vector[episodes] imposed_first;
  for (i in 1:episodes) {
    joint[i] = cell_of_design[i] >= 4;
    imposed_first[i] = imposed[i] * (commitment[i] == 0);
  }
}
parameters {
#include parameters.stan
  real gamma_capability;
  real gamma_land;
  real gamma_distance;
  real gamma_occupied;
  real<lower=0> loading_fear;
  real cut_fear_first;
  real<lower=0> cut_fear_step;
  real<lower=0> loading_disputes;
  real cut_disputes_first;
  real<lower=0> cut_disputes_step;
  real cut_commitment_first;
  real<lower=0> cut_commitment_step;
  real beta_1;
  real beta_2;
  real beta_3;
  real beta_4;
  real beta_4t;
  real beta_5;
  real beta_6;
  vector[clients] epsilon;
}
model {
  gamma_capability ~ normal(0.5, 0.5);
  gamma_land ~ normal(0, 1);
  gamma_distance ~ normal(0.5, 0.5);
  gamma_occupied ~ normal(0.5, 0.5);
  loading_fear ~ lognormal(0.4, 0.4);
  cut_fear_first ~ normal(0, 1);
  cut_fear_step ~ lognormal(0.4, 0.4);
  loading_disputes ~ lognormal(-0.4, 0.4);
  cut_disputes_first ~ normal(1, 1);
  cut_disputes_step ~ lognormal(0, 0.4);
  cut_commitment_first ~ normal(0.5, 1);
  cut_commitment_step ~ lognormal(-0.7, 0.5);
  beta_1 ~ normal(0, 1.5);
  beta_2 ~ normal(0, 1);
  beta_3 ~ normal(0, 1);
  beta_4 ~ normal(0, 1.5);
  beta_4t ~ normal(0, 1.5);
  beta_5 ~ normal(0, 1.5);
  beta_6 ~ normal(0, 1);
  epsilon ~ std_normal();
  vector[clients] theta
    = client_covariates * [gamma_capability, gamma_land, gamma_distance, gamma_occupied]'
      + epsilon;
  target += ordinal(client_indicators[ : , 1], loading_fear * theta, cut_fear_first,
                    cut_fear_step, client_indicator_confidence[ : , 1]);
  target += ordinal(client_indicators[ : , 2], loading_disputes * theta, cut_disputes_first,
                    cut_disputes_step, client_indicator_confidence[ : , 2]);
  vector[clients] grown = exp(smooth_maximum * theta);
  vector[episodes] group;
  for (i in 1:episodes) {
    group[i] = log(mean(grown[client_of_place[first_place[i]:(first_place[i + 1] - 1)]]))
               / smooth_maximum;
  }
  target += ordinal(commitment_observed, beta_6 * group, cut_commitment_first,
                    cut_commitment_step, commitment_confidence);
  vector[episodes] life = joint .* (beta_2 * c + beta_3 * imposed_first);
  array[episodes] vector[7] utilities;
  for (i in 1:episodes) {
    utilities[i] = c[i] * (beta_1 / 2 * PARTNERS + beta_5 * STRONG);
  }
  vector[episodes] acceptance = beta_4 * c;
  vector[episodes] trilateral_fallback = beta_4t * c;
  vector[alliance_years] hazard = life[year_episode];
#include process.stan
}
