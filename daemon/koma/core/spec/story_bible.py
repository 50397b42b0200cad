"""The `story-bible` kind: what is true everywhere in a story."""

from typing import Literal

from pydantic import Field

from koma.core.spec.base import DocumentSpec, Name, Sentence, Spec
from koma.core.spec.defaults import Defaults


class World(Spec):
    """What is true of a world."""

    description: str = Field("", description="What the world is like, for people.")
    prompt: str = Field("", description="Words of the world in every prompt.", examples=["rainy harbour city, paper lanterns"])
    negative: str = Field("", description="What the world never shows.", examples=["cars, smartphones"])
    rules: list[Sentence] = Field([], description="What holds in this world, one sentence each.")


class StoryBible(DocumentSpec):
    """Premise, world and defaults of a story."""

    kind: Literal["story-bible"] = Field(description="What this document is.")
    title: Name | None = Field(None, description="Title, for people.")
    premise: str = Field("", description="The story in two sentences.")
    genre: str = Field("", description="Genre, in a few words.")
    themes: list[Name] = Field([], description="What the story is about underneath.")
    world: World = Field(default_factory=World, description="The world of the story.")
    defaults: Defaults = Field(default_factory=Defaults, description="What counts unless a narrower document says otherwise.")
    timeline: str = Field("", description="What happened when, for people.")
    notes: str = Field("", description="Anything else, for people.")
