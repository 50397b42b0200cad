"""The `location` kind: a place that scenes happen in."""

from typing import Literal

from pydantic import Field

from koma.core.spec.base import Colour, DocumentSpec, Name, Sentence, TimeOfDay


class Location(DocumentSpec):
    """A place."""

    kind: Literal["location"] = Field(description="What this document is.")
    name: Name | None = Field(None, description="Name, for people.")
    description: str = Field("", description="What the place is like, for people.")
    prompt: str = Field("", description="Words for the place.", examples=["narrow alley, wet cobbles, neon signs"])
    negative: str = Field("", description="What the place never shows.")
    palette: list[Colour] = Field([], max_length=16, description="Colours of the place, from the largest area to the smallest.")
    features: list[Sentence] = Field([], description="What is always to be seen there, one each.")
    time: TimeOfDay | None = Field(None, description="Time of day where a scene names none.")
    weather: str = Field("", description="Weather where a scene names none.")
