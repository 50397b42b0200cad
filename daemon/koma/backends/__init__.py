"""Adapters of the Backend port: what draws."""
