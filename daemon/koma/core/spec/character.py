"""The `character` kind: looks, versions by age and emotional state, outfits, expressions, poses, the sheet, and who somebody is."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from koma.core.hints import did_you_mean
from koma.core.spec import standard
from koma.core.spec.base import DocumentSpec, Id, Name, Prompted, RelativePath, Spec, check_unique, prompt_shorthand, refuse
from koma.core.spec.visual import Palette, Visual


def _check_age(value: Any) -> Any:
    years = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 100_000  # noqa: PLR2004  # dragons are old
    if years or (isinstance(value, str) and value):
        return value
    raise refuse("wrong-type", "this is no age", expected="whole years (`34`) or words (`early thirties`)")


Age = Annotated[
    Any,
    BeforeValidator(_check_age),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0, "maximum": 100_000}, {"type": "string", "minLength": 1}]}),
]


class References(Spec):
    """Pictures that show the character, beside what lies in its reference folder."""

    weight: float | None = Field(
        None,
        ge=0,
        le=2,
        description=f"How strongly they count, for templates that take pictures of a character; else {standard.REFERENCE_WEIGHT:g}.",
    )
    files: list[RelativePath] = Field(
        [], description="Pictures in the project's references/ folder that come first, by paths relative to the project folder."
    )
    purpose: str = Field("", description="What they show.", examples=["face, neutral light"])


class Version(Visual):
    """The character at another age or in another state: only what differs."""

    description: str = Field("", description="Who this is, for people.")
    age: Age | None = Field(None, description="Whole years, or words.", examples=[34], json_schema_extra={"x-unit": "years"})
    emotional_state: str = Field("", description="State that colours the whole version.", examples=["grieving"])
    references: References = Field(default_factory=References, description="Pictures of this version.")


class Outfit(Spec):
    """Clothes."""

    prompt: str = Field("", description="Words for the clothes.")
    negative: str = Field("", description="What must not be worn.")
    palette: Palette = Field(default_factory=Palette, description="Colours that differ in these clothes.")
    traits: dict[Name, str] = Field({}, description="Traits that differ in these clothes.")
    references: References = Field(default_factory=References, description="Pictures of these clothes.")


class Expression(Prompted):
    """What a face does."""

    prompt: str = Field("", description="Words added to the prompt; else the expression's id.")
    references: References = Field(default_factory=References, description="Pictures of this expression.")


class Pose(Prompted):
    """What a body does."""

    prompt: str = Field("", description="Words added to the prompt; else the pose's id.")
    references: References = Field(default_factory=References, description="Pictures of this pose.")
    image: RelativePath | None = Field(
        None,
        description="The pose as an OpenPose skeleton of a character of height 1.0, feet at the lower edge: a picture in the project's"
        " references/ folder, by a path relative to the project folder.",
        examples=["references/skeletons/walking.png"],
    )


SheetPose = Literal["front", "side", "back", "three-quarter", "sitting", "walking", "action", "close-up"]


class Sheet(Spec):
    """A character sheet: the same character in several poses, drawn from the references before any shot."""

    template: Id = Field(standard.SHEET_TEMPLATE, description="Template that draws each pose.")
    poses: Annotated[list[SheetPose], Field(min_length=1), AfterValidator(check_unique)] = Field(
        list(standard.POSES), description="Poses that are drawn."
    )
    versions: Annotated[list[Name], AfterValidator(check_unique)] = Field(
        [], description="Versions that get a sheet, `base` for the character as it stands; else every version, and `base` if there is none."
    )


def _sheet_shorthand(value: Any) -> Any:
    """Read `true` as a sheet of everything, `false` as none."""
    return ({} if value else None) if isinstance(value, bool) else value


SheetChoice = Annotated[Sheet | None, BeforeValidator(_sheet_shorthand, json_schema_input_type=bool | Sheet)]


class Relationship(Spec):
    """What somebody is to somebody else."""

    to: Id = Field(description="The other character.")
    kind: Name = Field(description="What they are to each other.", examples=["rival"])
    since: str = Field("", description="Since when, in words.")
    note: str = Field("", description="Anything else.")


class Voice(Spec):
    """A voice, in words."""

    engine: str = Field("", description="Voice engine.")
    description: str = Field("", description="How it sounds.", examples=["low, unhurried, a little hoarse"])
    language: str = Field("", description="Language tag.", examples=["ja-JP"])


OutfitText = Annotated[Outfit, BeforeValidator(prompt_shorthand, json_schema_input_type=str | Outfit)]
ExpressionText = Annotated[Expression, BeforeValidator(prompt_shorthand, json_schema_input_type=str | Expression)]
PoseText = Annotated[Pose, BeforeValidator(prompt_shorthand, json_schema_input_type=str | Pose)]


class Character(DocumentSpec, Visual):
    """Somebody who appears in shots."""

    kind: Literal["character"] = Field(description="What this document is.")
    name: Name = Field(description="Name, for people.")
    role: str = Field("", description="Part in the story.", examples=["protagonist"])
    references: References = Field(default_factory=References, description="Pictures of the character.")
    versions: dict[Id, Version] = Field({}, description="The character at other ages or in other states, by id.")
    outfits: dict[Id, OutfitText] = Field({}, description="Clothes, by id; a bare text is its prompt.")
    expressions: dict[Id, ExpressionText] = Field({}, description="Expressions, by id; a bare text is its prompt.")
    poses: dict[Id, PoseText] = Field({}, description="Poses, by id; a bare text is its prompt.")
    sheet: SheetChoice = Field(None, description="The character sheet; `true` is one of every version in all poses.")
    default_version: Id | None = Field(None, description="Version that counts where a shot names none.")
    default_outfit: Id | None = Field(None, description="Outfit that counts where a shot names none.")
    consistency_threshold: float = Field(
        standard.CONSISTENCY_THRESHOLD, ge=0, le=1, description="Likeness to the references below which a take fails."
    )
    personality: str = Field("", description="What somebody is like.")
    backstory: str = Field("", description="What happened before.")
    behaviours: list[str] = Field([], description="Habits that show, one each.")
    relationships: list[Relationship] = Field([], description="What the character is to others.")
    voice: Voice = Field(default_factory=Voice, description="How the character sounds.")

    @model_validator(mode="after")
    def _defaults_exist(self) -> Self:
        for field, known in (("default_version", self.versions), ("default_outfit", self.outfits)):
            wanted = getattr(self, field)
            if wanted is not None and wanted not in known:
                message = f"`{wanted}` is not among this character's {field.removeprefix('default_')}s"
                expected = "one of " + ", ".join(f"`{name}`" for name in known) if known else "an id that is defined in this document"
                raise refuse("missing-reference", message, expected=expected, hint=did_you_mean(wanted, known), field=field)
        return self

    @model_validator(mode="after")
    def _versions_exist(self) -> Self:
        if standard.BASE_VERSION in self.versions:
            message = f"`{standard.BASE_VERSION}` is the name of the character without a version"
            raise refuse("reserved-id", message, expected="another id", hint="choose another id for this version", field="versions")
        known = [standard.BASE_VERSION, *self.versions]
        for wanted in self.sheet.versions if self.sheet is not None else ():
            if wanted not in known:
                message, expected = (
                    f"`{wanted}` is not among this character's versions",
                    "one of " + ", ".join(f"`{name}`" for name in known),
                )
                raise refuse("missing-reference", message, expected=expected, hint=did_you_mean(wanted, known), field="sheet")
        return self
