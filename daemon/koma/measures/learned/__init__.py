"""Learned metrics: what trained networks say, from model files whose digest is recorded. Nothing here is imported until it is asked for."""
