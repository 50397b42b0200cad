"""Adapters of the Source port: where documents come from."""
