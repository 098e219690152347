"""Bayesian models of why some alliances are multilateral and others bilateral."""
