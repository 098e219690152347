"""Posterior predictive checks: test quantities that a reader knows, observed and replicated."""
