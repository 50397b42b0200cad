"""The `style` kind: how pictures are drawn, and what may be used to draw them."""

from typing import Literal

from pydantic import Field

from koma.core.spec.base import DocumentSpec, Lora, Name, RelativePath
from koma.core.spec.rules import StyleRules


class Style(DocumentSpec):
    """A look, with the models that make it and the rules that keep it."""

    kind: Literal["style"] = Field(description="What this document is.")
    title: Name | None = Field(None, description="Title, for people.")
    look: Literal["drawn", "photographic"] = Field("drawn", description="Kind of picture; some metrics fit only one of them.")
    prompt: str = Field("", description="Words of the style in every prompt.", examples=["ink lines, flat colours, film grain"])
    negative: str = Field("", description="What the style never shows.")
    checkpoint: Name | None = Field(None, description="Checkpoint file, as the backend lists it.")
    loras: list[Lora] = Field([], description="LoRAs that make the style.")
    rules: StyleRules = Field(default_factory=StyleRules, description="What shots may use.")
    references: list[RelativePath] = Field([], description="Pictures of the style, by paths relative to the project folder.")
