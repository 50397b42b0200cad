"""Retries: what a project changes from one take to the next, by what the take before failed of."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from koma.core.spec.base import Name, Scalar, Spec, refuse
from koma.core.template import STANDARD

_OF_THE_SHOT = "what the shot says is the same for all of its takes"


def _own_parameter(name: str) -> str:
    if name not in STANDARD:
        return name
    hint = "say `seed: new` or `seed: keep` beside it" if name == "seed" else _OF_THE_SHOT
    raise refuse("wrong-parameter", f"`{name}` is filled in by Koma", expected="a parameter of the template's own", hint=hint)


ParameterName = Annotated[Name, AfterValidator(_own_parameter)]
Summand = Annotated[float, Field(allow_inf_nan=False)]
Factor = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class RetryStep(Spec):
    """What follows one failed take. Values stay within the ranges of the template and of the style's rules."""

    seed: Literal["new", "keep"] = Field("new", description="`keep` leaves the seed, so that nothing else differs.")
    add: dict[ParameterName, Summand] = Field(
        {},
        description="What is added, by template parameter; `identity_weight` is the weight of the pictures of every character.",
        examples=[{"steps": 8, "cfg": -1}],
    )
    multiply: dict[ParameterName, Factor] = Field({}, description="What is multiplied, by template parameter.", examples=[{"steps": 1.5}])
    set: dict[ParameterName, Scalar] = Field({}, description="Values, by template parameter.", examples=[{"sampler_name": "euler"}])
    restart: bool = Field(
        False,
        description="Whether the backend is restarted first, once for a target: only where `backends[].restart` in koma.yaml names how.",
    )

    @model_validator(mode="after")
    def _one_thing_each(self) -> Self:
        names = [*self.add, *self.multiply, *self.set]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise refuse("duplicate-value", f"`{twice}` is changed in two ways", expected="one of `add`, `multiply` and `set` for each")
        if self.seed == "keep" and not names and not self.restart:
            hint = "change something beside it, or leave the seed to be new"
            raise refuse("empty-step", "the next take would be the same picture", expected="another seed or another value", hint=hint)
        return self


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


Several = Annotated[list[RetryStep], Field(min_length=1, max_length=20)]
RetrySteps = Annotated[Several, BeforeValidator(_listed, json_schema_input_type=RetryStep | Several)]


def _after(what: str) -> Any:
    return Field([], description=f"After a take {what}.")


class Retries(Spec):
    """What the next take changes, by failure kind: one step, or a list of them for the first take that failed of it, the second, and so on.

    The last step of a list repeats, and steps add up. A kind that is not written has the steps of `default`; black frames, where nothing is
    written of them, a new seed and then a restart.
    """

    default: RetrySteps = Field([], description="After a take that failed of anything else; a new seed if this is not written.")
    contract: RetrySteps = _after("that is not the file that was asked for: size, frames, rate, or it can't be decoded")
    black: RetrySteps = _after("with black frames")
    blank: RetrySteps = _after("with frames of one colour")
    motion: RetrySteps = _after("in which nothing moves, or not for long enough")
    blurred: RetrySteps = _after("that is not sharp")
    noisy: RetrySteps = _after("with noise, or traces of compression")
    flicker: RetrySteps = _after("whose brightness flickers")
    jump: RetrySteps = _after("with a frame that does not follow from the one before")
    melt: RetrySteps = _after("in which shapes melt")
    seam: RetrySteps = _after("of a loop that does not close")
    colour: RetrySteps = _after("whose colours drift")
    style: RetrySteps = _after("that is not in the project's style")
    faces: RetrySteps = _after("with too few, too many or broken faces")
    aesthetic: RetrySteps = _after("that does not please")
    identity: RetrySteps = _after("in which a character is not itself")
    overall: RetrySteps = _after("that comes to too little in all")
    rejected: RetrySteps = _after("that a person rejected")
