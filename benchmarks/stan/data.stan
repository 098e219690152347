  int<lower=1> episodes;
  int<lower=1> cases;
  int<lower=1> clients;
  int<lower=1> alliance_years;
  int<lower=1> panel_years;
  int<lower=2> theatres;
  int<lower=2> patrons;
  int<lower=2> eras;
  real<lower=0, upper=1> lapse;
  array[episodes] int outcome; // (proposal + 1) * 9 + outcome + 1, from 0
  array[episodes] int proposed_to_fallback; // cell from 0, -1 unrecorded, -2 no fallback
  array[episodes] int<lower=1> theatre_index;
  array[episodes] int<lower=1> patron_index;
  array[episodes] int<lower=1> era_index;
  array[episodes] int<lower=1, upper=7> cell_of_design;
  array[alliance_years] int<lower=1> year_episode;
  array[alliance_years] int<lower=1, upper=3> year_age;
  vector[alliance_years] exposure;
  vector[alliance_years] ended;
