"""Words and values that documents of several kinds share: ids, texts, colours, LoRAs, choices of the camera.

Every model is frozen and strict: no field is unknown, and nothing is converted silently (`"12"` is no number).
"""

from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from koma.core.ids import ADDRESS_PATTERN, ID_PATTERN, ID_WORDS, RESERVED
from koma.core.spec import standard

COLOUR_PATTERN = r"^#[0-9a-fA-F]{6}$"
SHOT_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}(/[a-z0-9][a-z0-9_-]{0,63})?$"
DIGEST_PATTERN = r"^[0-9a-f]{64}$"
DATE_PATTERN = r"^[0-9]{4}-[01][0-9]-[0-3][0-9]$"
TIME_PATTERN = r"^[0-9]{4}-[01][0-9]-[0-3][0-9](T[0-2][0-9]:[0-5][0-9](:[0-5][0-9])?Z)?$"
TAKE_KEY_PATTERN = r"^[0-9a-f]{8,64}$"
DURATION_PATTERN = r"^[0-9]{1,4}\+[0-9]{1,3}$"


class Spec(BaseModel):
    """Base of everything that people write."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)


def unit(name: str) -> dict[str, Any]:
    """Return the schema note that says in which unit a number counts."""
    return {"x-unit": name}


def refuse(code: str, message: str, *, expected: str = "", hint: str = "", field: str = "") -> PydanticCustomError:
    """Return an error for a validator to raise; `field` places it at a field of the model that is being checked."""
    literal = message.replace("{", "(").replace("}", ")")  # pydantic reads braces as placeholders
    return PydanticCustomError(code, literal, {"expected": expected, "hint": hint, "field": field})  # type: ignore[arg-type, unused-ignore]  # pydantic wants literal strings here, to keep its own messages translatable


def _check_id(text: str) -> str:
    if text in RESERVED:
        raise refuse("reserved-id", f"`{text}` is kept for Koma or the file system", expected=ID_WORDS, hint="choose another id")
    return text


def _check_path(text: str) -> str:
    parts = text.split("/")
    if "\\" in text or ":" in text or any(part in ("", ".", "..") for part in parts):
        message = f"`{text}` does not stay in the project folder"
        raise refuse("bad-path", message, expected="a path relative to the project folder, with `/` and without `..`")
    return text


def _check_scalar(value: Any) -> Any:
    if not isinstance(value, str | int | float):
        raise refuse("wrong-type", "a list or a mapping is no parameter value", expected="text, a number, or true or false")
    return value


def check_unique(values: list[str]) -> list[str]:
    """Refuse a list that holds something twice."""
    if len(set(values)) < len(values):
        twice = next(value for value, count in Counter(values).items() if count > 1)
        raise refuse("duplicate-value", f"`{twice}` is listed twice", hint="list each one once")
    return values


def prompt_shorthand(value: Any) -> Any:
    """Read a bare text as `{prompt: text}`."""
    return {"prompt": value} if isinstance(value, str) else value


def id_shorthand(value: Any) -> Any:
    """Read a bare id as `{id: id}`."""
    return {"id": value} if isinstance(value, str) else value


Id = Annotated[str, Field(pattern=ID_PATTERN), AfterValidator(_check_id)]
Address = Annotated[str, Field(pattern=ADDRESS_PATTERN)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Sentence = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Colour = Annotated[str, Field(pattern=COLOUR_PATTERN)]
RelativePath = Annotated[str, StringConstraints(min_length=1, max_length=400), AfterValidator(_check_path)]
Scalar = Annotated[Any, BeforeValidator(_check_scalar), WithJsonSchema({"type": ["string", "number", "boolean"]})]
Parameters = dict[Name, Scalar]

PhaseName = Literal["animatic", "still", "loop", "video"]
TemplatePhase = Literal["still", "loop", "video"]  # the animatic is drawn without a template
Phases = Annotated[list[PhaseName], Field(min_length=1), AfterValidator(check_unique)]
TimeOfDay = Literal["dawn", "morning", "day", "noon", "afternoon", "sunset", "dusk", "evening", "night"]
Framing = Literal["extreme-wide", "wide", "full", "medium", "close-up", "extreme-close-up", "over-shoulder", "insert"]
Angle = Literal["eye", "low", "high", "dutch", "overhead", "worm"]
Move = Literal["static", "pan", "tilt", "zoom", "dolly", "tracking", "orbit", "handheld", "crane"]
Direction = Literal["left", "right", "up", "down", "in", "out"]


class DocumentSpec(Spec):
    """Base of every kind: `kind` says what a document is, `id` what it is called."""

    id: Id = Field(description="What this document is called in its project; files may be renamed and moved freely.")


class Lora(Spec):
    """A LoRA file and how strongly it counts."""

    name: Name = Field(description="File name as the backend lists it.", examples=["ink-wash.safetensors"])
    strength: float = Field(standard.LORA_STRENGTH, ge=-5, le=5, description="How strongly it changes the picture; 0 is not at all.")
    strength_clip: float | None = Field(
        None, ge=-5, le=5, description="How strongly it changes the reading of the prompt; else `strength`."
    )
    trigger: str = Field("", description="Words that wake it, added to the prompt.")


Steps = Annotated[list[Id], AfterValidator(check_unique)]


class Finish(Spec):
    """Finishing steps by phase, in order: ids of `finish` templates, or the built-in `colour-match`. An empty list is no step.

    `colour-match` is left out where no character in the shot has a palette.
    """

    still: Steps | None = Field(None, description="Steps for stills.", examples=[["colour-match"]])
    loop: Steps | None = Field(None, description="Steps for loops.", examples=[["post"]])
    video: Steps | None = Field(None, description="Steps for videos.", examples=[["colour-match", "post"]])


class Camera(Spec):
    """What the camera does during a shot."""

    move: Move = Field("static", description="Kind of move.")
    direction: Direction | None = Field(None, description="Where the move goes.")
    speed: float = Field(standard.CAMERA_SPEED, gt=0, le=5, description="How fast, as a multiple of a usual move.")


class Prompted(Spec):
    """Words for the picture, under a name of their own (an expression, a pose)."""

    prompt: str = Field(description="Words added to the prompt.")
    negative: str = Field("", description="Words added to the negative prompt.")
