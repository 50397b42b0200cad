"""What people write, as models: one file per kind, imported only when a document of that kind is read."""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from koma.core.spec.base import DocumentSpec

KINDS: Final = {
    "project": "Project",
    "story-bible": "StoryBible",
    "character": "Character",
    "location": "Location",
    "style": "Style",
    "scene": "Scene",
    "review": "Review",
    "tuning": "Tuning",
}
"""Every kind of document that can be read, with the name of its model."""


def model_of(kind: str) -> "type[DocumentSpec]":
    """Return the model of a kind. Raises KeyError for a kind that is not in KINDS."""
    name = KINDS[kind]
    model: type[DocumentSpec] = getattr(import_module(f"koma.core.spec.{kind.replace('-', '_')}"), name)
    return model
