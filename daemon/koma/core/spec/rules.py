"""Style rules: what shots may use. A shot that breaks one is an error, located where it does."""

from typing import Self

from pydantic import Field, model_validator

from koma.core.spec.base import Id, Name, Spec, refuse


class Range(Spec):
    """Smallest and largest value that a parameter may have."""

    min: float | None = Field(None, description="Smallest value allowed.")
    max: float | None = Field(None, description="Largest value allowed.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise refuse("bad-range", f"min {self.min:g} is larger than max {self.max:g}", field="min")
        return self


class StyleRules(Spec):
    """What is allowed. A list that is left out allows everything."""

    checkpoints: list[Name] | None = Field(None, description="The only checkpoints that may be used.")
    loras: list[Name] | None = Field(None, description="The only LoRAs that may be used.")
    templates: list[Id] | None = Field(None, description="The only templates that may be used.")
    forbid_words: list[Name] = Field([], description="Words that no prompt may contain.", examples=[["photo", "3d render"]])
    max_loras: int | None = Field(None, ge=0, le=50, description="How many LoRAs one picture may use.")
    parameters: dict[Name, Range] = Field({}, description="Ranges that template parameters must keep, by parameter name.")
