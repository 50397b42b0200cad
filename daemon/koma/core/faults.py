"""Lost effects as exceptions. A mistake in what a person wrote is a Problem instead; anything else that is raised is a bug."""

from koma.core.errors import KomaError


class StoreError(KomaError):
    """What is remembered can't be read or written; `str()` says what happened, where, and what to do."""


class SourceError(KomaError):
    """No snapshot could be made; `str()` says why and what to do. What was planned before stands."""
