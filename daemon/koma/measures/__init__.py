"""Metrics: one file each, and the registry."""
