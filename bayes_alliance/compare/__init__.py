"""Which theory predicts better: integrated likelihood, LOO with refits, weights."""
