"""Talks: one module per outside thing."""
