"""The `scene` kind: where and when something happens, who is there, and the shots that show it."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from koma.core.spec import standard
from koma.core.spec.base import (
    DURATION_PATTERN,
    SHOT_PATTERN,
    TAKE_KEY_PATTERN,
    Angle,
    Camera,
    DocumentSpec,
    Finish,
    Framing,
    Id,
    Name,
    Parameters,
    Phases,
    RelativePath,
    Sentence,
    Spec,
    TemplatePhase,
    TimeOfDay,
    id_shorthand,
    refuse,
    unit,
)
from koma.core.spec.defaults import Defaults
from koma.core.spec.visual import Visual

Position = Literal["left", "center", "right", "far-left", "far-right", "background"]
Facing = Literal["left", "right", "camera", "away"]


class CastMember(Visual):
    """Somebody in a scene or a shot. The looks given here overlay the character's."""

    id: Id = Field(description="The character.")
    version: Id | None = Field(None, description="Version of the character.")
    outfit: Id | None = Field(None, description="What is worn.")
    expression: Id | None = Field(None, description="Expression of the face.")
    pose: Id | None = Field(None, description="Pose of the body.")
    position: Position | None = Field(None, description="Place in the picture.")
    facing: Facing | None = Field(None, description="Where somebody looks.")


Cast = list[Annotated[CastMember, BeforeValidator(id_shorthand, json_schema_input_type=Id | CastMember)]]


class Line(Spec):
    """A line of dialogue."""

    id: Id = Field(description="What the line is called in its shot.")
    who: Id = Field(description="The character who speaks.")
    text: Sentence = Field(description="What is said.")
    reading: str = Field("", description="How it is read aloud, where writing does not say.", examples=["おそいぞ"])
    emotion: str = Field("", description="How it is said, in a few words.")


class Setting(Spec):
    """What a scene and a shot may both say; the shot's word counts."""

    title: Name | None = Field(None, description="Title, for people.")
    location: Id | None = Field(None, description="Where it happens.")
    time: TimeOfDay | None = Field(None, description="Time of day.")
    mood: str = Field("", description="Mood, in a few words.")
    weather: str = Field("", description="Weather, in a few words.")
    prompt: str = Field("", description="Words added to the prompt.")
    negative: str = Field("", description="Words added to the negative prompt.")
    characters: Cast = Field(
        [], description="Who is there; a shot that names somebody shows only those. A bare id is a character as it stands."
    )
    templates: dict[TemplatePhase, Id] = Field({}, description="Which template makes each phase.", examples=[{"video": "svd-video"}])
    parameters: dict[Id, Parameters] = Field({}, description="Parameters by template.", examples=[{"still": {"steps": 28}}])
    phases: Phases | None = Field(None, description="What is made.")
    finish: Finish = Field(default_factory=Finish, description="What is done to what was made, step by step; the project's steps else.")
    colour_match: float | None = Field(
        None, ge=0, le=1, description="How strongly the step `colour-match` pulls towards the palettes; else the project's value."
    )
    hold: bool = Field(False, description="Whether nothing is rendered for now.")
    priority: int = Field(0, ge=-1000, le=1000, description="Higher is rendered first.")
    notes: str = Field("", description="Anything else, for people.")


class StartFrom(Spec):
    """Where a shot continues from, instead of beginning anew."""

    shot: str = Field(
        pattern=SHOT_PATTERN, description="The shot before it, with its scene where that is another one.", examples=["s01/sh010"]
    )
    frame: Literal["last"] = Field("last", description="Which of its frames.")


class Control(Spec):
    """Pictures that lay out a still, by paths relative to the project folder, in references/."""

    pose: RelativePath | None = Field(None, description="Skeletons of who is there.", examples=["references/layout/sh010-pose.png"])
    depth: RelativePath | None = Field(None, description="Depth, near is white.", examples=["references/layout/sh010-depth.png"])


def _check_pin(value: Any) -> Any:
    number = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    if number or (isinstance(value, str) and re.fullmatch(TAKE_KEY_PATTERN, value)):
        return value
    raise refuse("wrong-type", "this names no take", expected="a take number from 1, or the first 8 or more digits of a take key")


Pin = Annotated[
    Any,
    BeforeValidator(_check_pin),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": TAKE_KEY_PATTERN}]}),
]


class Shot(Setting):
    """One cut: what is seen without a break."""

    id: Id = Field(description="What the shot is called in its scene.")
    framing: Framing | None = Field(None, description="How much is in the picture.")
    angle: Angle | None = Field(None, description="From where the camera looks.")
    camera: Camera = Field(default_factory=Camera, description="What the camera does.")
    action: str = Field("", description="What happens.", examples=["walks out of the steam, collar up"])
    frames: int | None = Field(None, ge=1, le=100_000, description="Length, at the project's fps.", json_schema_extra=unit("frames"))
    seconds: float | None = Field(None, gt=0, le=3600, description="Length, instead of `frames`.", json_schema_extra=unit("s"))
    duration: str | None = Field(
        None,
        pattern=DURATION_PATTERN,
        description="Length as seconds and frames, instead of `frames`: `2+12` is two seconds and twelve frames at the project's fps.",
        examples=["2+12"],
        json_schema_extra=unit("s+frames"),
    )
    seed: int | None = Field(None, ge=0, le=standard.MAX_SEED, description="Seed of take 1; else derived from the target id.")
    dialogue: list[Line] = Field([], description="What is said, in order.")
    takes: int | None = Field(
        None, ge=1, le=20, description="How many takes are made at once; the best is chosen.", json_schema_extra=unit("takes")
    )
    start_from: StartFrom | None = Field(None, description="Shot whose end this one continues from.")
    reanchor_every: int | None = Field(
        None,
        ge=1,
        le=1000,
        description="After how many segments a chained video begins anew from the shot's still.",
        json_schema_extra=unit("segments"),
    )
    pin: Pin | None = Field(
        None,
        description="Take of the last phase at which the shot stays, by number or by the first digits of its key, whatever changes.",
        examples=[2],
    )
    control: Control = Field(default_factory=Control, description="Pictures that lay out the still.")
    transition: Literal["cut", "fade", "dissolve", "wipe"] = Field("cut", description="How the shot before gives way to this one.")

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        given = [field for field in ("frames", "seconds", "duration") if field in self.model_fields_set]
        if len(given) > 1:
            message = f"the length is given twice, as `{given[0]}` and as `{given[1]}`"
            raise refuse("two-lengths", message, expected="one of `frames`, `seconds` and `duration`", field=given[1])
        return self


def _with_cuts(schema: dict[str, Any]) -> None:
    schema["properties"]["cuts"] = schema["properties"]["shots"] | {"description": "Another word for `shots`."}
    schema["not"] = {"required": ["shots", "cuts"]}


class Scene(DocumentSpec, Setting, json_schema_extra=_with_cuts):
    """Shots that belong together in place and time."""

    kind: Literal["scene"] = Field(description="What this document is.")
    max_chain: int | None = Field(
        None,
        ge=1,
        le=100,
        description="How many shots may continue from one another before one begins anew; else the project's value.",
        json_schema_extra=unit("shots"),
    )
    episode: Id | None = Field(None, description="Episode it belongs to; never part of an id or a path.")
    defaults: Defaults = Field(default_factory=Defaults, description="What counts in this scene unless a shot says otherwise.")
    shots: list[Shot] = Field([], description="The shots, in order.")
