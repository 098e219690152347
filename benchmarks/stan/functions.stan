  // Probabilities of the cells after a refusal: log-odds of nothing, two and three parties.
  vector fallback(vector kinds, real strong) {
    vector[3] p = softmax(kinds);
    return [p[1], p[2] * (1 - strong), p[2] * strong, p[3] * (1 - strong), p[3] * strong, 0, 0]';
  }

  // Log probability of a recorded or partly recorded pair of proposal and design.
  // proposed: 0 unrecorded, 1 to 7 a cell; outcome: 0 unrecorded, 1 to 7 a cell, 8 refused.
  real log_path(int proposed, int outcome, vector q, real refused, vector after_multilateral,
                vector after_trilateral, real lapse) {
    real total = proposed > 0 ? q[proposed] : 1;
    real multilateral = proposed == 0 ? q[6] + q[7] : proposed >= 6 ? total : 0;
    real trilateral = proposed == 0 ? q[4] + q[5] : proposed == 4 || proposed == 5 ? total : 0;
    real known;
    if (outcome == 0) {
      return log(total);
    }
    if (outcome == 8) {
      known = refused * (multilateral + trilateral);
    } else {
      real same = proposed == 0 || proposed == outcome ? q[outcome] : 0;
      known = same * (outcome >= 4 ? 1 - refused : 1)
              + refused * (multilateral * after_multilateral[outcome]
                           + trilateral * after_trilateral[outcome]);
    }
    return log((1 - lapse) * known + lapse * total / 7);
  }

  // Graded response with two cutpoints, misread with a known probability; -1 is unrecorded.
  real ordinal(array[] int value, vector eta, real first, real step, vector confidence) {
    real total = 0;
    for (i in 1:size(value)) {
      if (value[i] >= 0) {
        real p = value[i] == 0 ? inv_logit(first - eta[i])
                 : value[i] == 1 ? inv_logit(eta[i] - first) - inv_logit(eta[i] - first - step)
                 : inv_logit(eta[i] - first - step);
        total += log(confidence[i] * p + (1 - confidence[i]) / 3);
      }
    }
    return total;
  }
