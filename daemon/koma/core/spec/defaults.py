"""Defaults: what counts for every shot and every character, unless a narrower document says otherwise."""

from pydantic import Field

from koma.core.spec import standard
from koma.core.spec.base import Angle, Camera, Framing, Phases, Spec, TimeOfDay, unit
from koma.core.spec.visual import Visual


class ShotDefaults(Spec):
    """What counts for every shot that does not say otherwise."""

    framing: Framing | None = Field(None, description="How much is in the picture.")
    angle: Angle | None = Field(None, description="From where the camera looks.")
    camera: Camera = Field(default_factory=Camera, description="What the camera does.")
    frames: int = Field(standard.FRAMES, ge=1, le=100_000, description="Length, at the project's fps.", json_schema_extra=unit("frames"))
    time: TimeOfDay | None = Field(None, description="Time of day.")
    mood: str = Field("", description="Mood, in a few words.")
    weather: str = Field("", description="Weather, in a few words.")
    phases: Phases | None = Field(None, description="What is made of every shot; else the project's `phases`.")


class Defaults(Spec):
    """Defaults for shots and for characters."""

    shot: ShotDefaults = Field(default_factory=ShotDefaults, description="For every shot.")
    character: Visual = Field(default_factory=Visual, description="For every character.")
