"""Koma: a declarative, file-driven render daemon for anime made with ComfyUI."""

__version__ = "0.1.0"
