"""How somebody looks: the fields that versions, outfits, scenes and shots may overlay."""

from pydantic import Field

from koma.core.spec import standard
from koma.core.spec.base import Colour, Lora, Name, Spec


class Palette(Spec):
    """The colours of a character, one per slot."""

    hair: Colour | None = Field(None, description="Colour of the hair.", examples=["#2b2d42"])
    eyes: Colour | None = Field(None, description="Colour of the eyes.", examples=["#e09f3e"])
    skin: Colour | None = Field(None, description="Colour of the skin.", examples=["#f2d3b3"])
    outfit: Colour | None = Field(None, description="Main colour of the clothes.", examples=["#335c67"])
    primary: Colour | None = Field(None, description="Colour that people remember the character by.", examples=["#9e2a2b"])
    accent: Colour | None = Field(None, description="Small contrast: a ribbon, a lamp, a badge.", examples=["#fff3b0"])


class Visual(Spec):
    """Everything about the looks of a character. An overlay says only what differs."""

    base_prompt: str = Field("", description="What is always true of the looks.", examples=["young woman, short black hair, freckles"])
    negative: str = Field("", description="What must not be seen.")
    traits: dict[Name, str] = Field({}, description="Single traits by name; an overlay replaces one without repeating the rest.")
    palette: Palette = Field(default_factory=Palette, description="Colours, one per slot.")
    height: float = Field(standard.CHARACTER_HEIGHT, ge=0.3, le=3, description="Height relative to a usual adult, who is 1.0.")
    loras: list[Lora] = Field([], description="LoRAs that are loaded whenever the character is in the picture.")
