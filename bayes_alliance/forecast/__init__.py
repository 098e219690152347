"""Scenarios and what the theories say of them."""
