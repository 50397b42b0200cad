"""Adapter of the Renderer port: Jinja templates to graph texts."""
