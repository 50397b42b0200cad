"""What `template.yaml` may say, as models: types, limits, and a description of every field."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from koma.core.runs import FrameRule
from koma.core.spec.base import Id, Spec, check_unique, refuse, unit
from koma.core.spec.character import SheetPose


def _number(value: Any) -> Any:
    if type(value) is not int and type(value) is not float:
        raise refuse("wrong-type", "this is no number", expected="a number")
    return value


ParameterName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Number = Annotated[Any, BeforeValidator(_number), WithJsonSchema({"type": "number"})]


class ParameterSpec(Spec):
    """One value that the graph takes. A standard name is filled in by Koma; any other may be set in project, scene or shot."""

    type: Literal["string", "int", "float", "bool", "choice", "model", "lora-list"] = Field(description="What the value is.")
    default: Any = Field(None, description="Value where nobody sets one; without it one has to be set.")
    min: Number | None = Field(None, description="Least value of a number.")
    max: Number | None = Field(None, description="Greatest value of a number.")
    multiple_of: int | None = Field(None, ge=1, description="Whole numbers must be a multiple of this.")
    choices: list[str] = Field([], description="Values of a `choice`.")
    unit: str = Field("", description="Unit of a number, for people.")
    description: str = Field(description="What it does to the picture.")
    folder: str = Field("", description="Folder of a `model` under the server's models folder.", examples=["checkpoints"])


class InputSpec(Spec):
    """A picture or clip that the graph reads under this name."""

    source: Literal["still", "reference", "control.pose", "control.depth", "clip", "picture"] = Field(
        alias="from",
        description="`still`: what the shot's still phase made; `reference`: the first one of the first character; `control.pose` and "
        "`control.depth`: what the shot names there; `clip` and `picture`: what a template that finishes works on.",
    )
    description: str = Field("", description="What the picture is used for.")
    required: bool = Field(True, description="Whether the graph needs it; else the name is null where there is none.")  # a field's default


class OutputSpec(Spec):
    """What comes out."""

    media: Literal["image", "frames"] = Field(description="`image`: one picture; `frames`: a lossless clip, as a batch of PNG or FFV1.")
    description: str = Field("", description="More about it, for people.")


class RateSpec(Spec):
    """Frame rates that the model can be asked for."""

    native: Number = Field(gt=0, le=240, description="Rate the model was made for.", json_schema_extra=unit("frames/s"))
    min: Number = Field(gt=0, le=240, description="Least rate.", json_schema_extra=unit("frames/s"))
    max: Number = Field(gt=0, le=240, description="Greatest rate.", json_schema_extra=unit("frames/s"))


class FramesSpec(Spec):
    """Frame counts that one run can make: either `exact`, or `min` to `max` in steps."""

    exact: list[int] = Field([], description="The only counts it can make.")
    min: int | None = Field(None, ge=1, description="Least count.", json_schema_extra=unit("frames"))
    max: int | None = Field(None, ge=1, description="Greatest count.", json_schema_extra=unit("frames"))
    step: int = Field(1, ge=1, description="Distance between counts.", json_schema_extra=unit("frames"))
    offset: int = Field(0, ge=0, description="What is left over when a count is divided by `step`.", json_schema_extra=unit("frames"))

    @model_validator(mode="after")
    def _one_way(self) -> "FramesSpec":
        if bool(self.exact) == (self.max is not None) or any(count < 1 for count in self.exact):
            raise refuse(
                "frame-rule", "this names no frame counts, or names them twice", expected="either `exact: [25]`, or `min` and `max`"
            )
        if self.max is not None and not FrameRule(min=self.min or 1, max=self.max, step=self.step, offset=self.offset).nearest(self.max):
            raise refuse("frame-rule", "no frame count fits this rule", expected="`max` not below the first count from `min` up")
        return self


class CharactersSpec(Spec):
    """What the graph takes of the characters in a shot, as the list `characters`."""

    max: int = Field(ge=1, le=8, description="Most characters that it keeps apart in one picture.")
    references: int = Field(0, ge=0, le=16, description="Most reference pictures of each.")
    sheet: Annotated[list[SheetPose], AfterValidator(check_unique)] = Field(
        [], description="Poses of the character's sheet that it looks at."
    )
    poses: bool = Field(False, description="Whether it takes pose pictures.")


class StyleSpec(Spec):
    """What the graph takes of the project's style, as the list `style_references`."""

    references: int = Field(ge=1, le=16, description="Most pictures of the style document.")


class ChainSpec(Spec):
    """How runs follow one another where a shot is longer than one run."""

    input: ParameterName = Field(description="Input that takes the last frame of the run before.")
    overlap: int = Field(1, ge=0, description="Frames that a later run repeats; the join drops them.", json_schema_extra=unit("frames"))
    max: int = Field(60, ge=1, le=1000, description="Most runs of one clip.")


class FinishSpec(Spec):
    """What a template that finishes does to the length of a clip."""

    multiplier: ParameterName = Field(
        description="Whole number m among the parameters: n frames become (n - 1) * m + 1, at m times the rate."
    )


class ModelSpec(Spec):
    """A model file that the template is known to work with."""

    file: str = Field(description="File name as the server lists it.")
    folder: str = Field(description="Folder under the server's models folder.")
    source: str = Field("", description="Where to get it.")
    gb: float | None = Field(None, ge=0, description="Size on disk.", json_schema_extra=unit("GB"))


def _rate_shorthand(value: Any) -> Any:
    return {"native": value, "min": value, "max": value} if isinstance(value, int | float) else value


class Manifest(Spec):
    """What a template takes, makes and needs."""

    kind: Literal["template"] = Field(description="What this document is.")
    name: Id = Field(description="What shots call it; the same as its folder.")
    title: str = Field(description="Its name for people.")
    description: str = Field(description="What it is for.")
    phase: Literal["still", "loop", "video", "finish"] = Field(
        description="Which phase it makes; `finish`: it works on what another template made."
    )
    backend: Literal["comfyui"] = Field("comfyui", description="Which kind of backend draws it.")
    family: str = Field(
        min_length=1, description="Model family; jobs of one follow each other, so that models stay loaded.", examples=["sd15"]
    )
    parameters: dict[ParameterName, ParameterSpec] = Field({}, description="Values that the graph takes.")
    inputs: dict[ParameterName, InputSpec] = Field({}, description="Pictures and clips that the graph reads.")
    characters: CharactersSpec | None = Field(None, description="What it takes of the characters in a shot.")
    style: StyleSpec | None = Field(None, description="What it takes of the project's style.")
    outputs: OutputSpec = Field(description="What comes out.")
    fps: Annotated[RateSpec, BeforeValidator(_rate_shorthand)] | None = Field(None, description="Frame rates; one number is the only one.")
    frames: FramesSpec | None = Field(None, description="Frame counts of one run.")
    chain: ChainSpec | None = Field(None, description="How runs follow one another; without it there is one run.")
    finish: FinishSpec | None = Field(None, description="What a template that finishes does to the length of a clip.")
    node_packs: list[str] = Field([], description="Node packs that the server needs, by folder name; none for core nodes.")
    models: dict[ParameterName, ModelSpec] = Field({}, description="Model files, for people and `koma doctor`.")
    vram_gb: float = Field(ge=0, description="Graphics memory of a run.", json_schema_extra=unit("GB"))
    estimate_seconds: float = Field(gt=0, description="How long a run takes until Koma has seen some.", json_schema_extra=unit("s"))
    sets: dict[Literal["animatic", "draft", "final"], dict[str, Any]] = Field({}, description="Parameter values by rendition.")
    ladder: list[dict[ParameterName, Any]] = Field(
        [],
        description="What to give up, one after the other, where memory runs out and the project allows it: parameter values, "
        "or for a whole number a factor between 0 and 1.",
    )
