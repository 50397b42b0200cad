"""The `review` kind: what a person decided about takes, targets and phases. `koma review` writes such documents."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from koma.core.spec.base import DIGEST_PATTERN, TIME_PATTERN, Address, DocumentSpec, Id, PhaseName, Spec, refuse

_OF_A_TAKE = ("take", "content")


def _one_subject(schema: dict[str, Any]) -> None:
    """Tell editors what the validator says: a target or a phase, and what goes with each."""
    schema["oneOf"] = [
        {"required": ["target"], "not": {"anyOf": [{"required": ["phase"]}, {"required": ["scope"]}]}},
        {"required": ["phase"], "not": {"anyOf": [{"required": [name]} for name in ("target", *_OF_A_TAKE)]}},
    ]


class Decision(Spec, json_schema_extra=_one_subject):
    """One decision: about a take of a target, a target, or a phase."""

    target: Address | None = Field(None, description="Target that it is about, with or without its project.", examples=["s01/sh010/still"])
    take: int | None = Field(None, ge=1, description="Number of the take, for people: what counts is `content`.")
    content: str | None = Field(
        None, pattern=DIGEST_PATTERN, description="Content digest of the take, from its receipt: the decision is about these pixels."
    )
    phase: PhaseName | None = Field(None, description="Phase that it is about, instead of a target.")
    scope: Id | None = Field(None, description="Scene in which the phase is meant; else the whole project.")
    decision: Literal["approve", "reject", "retake", "hold"] = Field(
        description="`approve` counts as passed and is chosen; `reject` counts as failed; `retake` makes one more take, once; `hold` "
        "renders nothing more of the target until a later decision about it. A phase is approved or rejected."
    )
    comment: str = Field("", description="Why, for people.")

    @model_validator(mode="after")
    def _is_about_one_thing(self) -> Self:
        if (self.target is None) == (self.phase is None):
            raise refuse("bad-subject", "a decision is about a target or about a phase", expected="`target` or `phase`, and not both")
        self._check_target() if self.phase is None else self._check_phase()
        return self

    def _check_target(self) -> None:
        if self.scope is not None:
            raise refuse("bad-subject", "`scope` belongs to a phase", hint="remove it", field="scope")
        if self.content is None and self.decision != "hold":
            message = f"`{self.decision}` is about a take, and `content` does not say about which"
            hint = f"koma review {self.decision} {self.target}   (writes it)"
            raise refuse("missing-field", message, expected="the content digest of a take, as its receipt names it", hint=hint)

    def _check_phase(self) -> None:
        for name in _OF_A_TAKE:
            if getattr(self, name) is not None:
                raise refuse("bad-subject", f"`{name}` belongs to a target", hint="remove it", field=name)
        if self.decision not in ("approve", "reject"):
            raise refuse(
                "bad-subject", f"a phase can't be decided on by `{self.decision}`", expected="`approve` or `reject`", field="decision"
            )


class Review(DocumentSpec):
    """Decisions of one person at one time. Of two about the same thing the later counts: by `at`, then by id."""

    kind: Literal["review"] = Field(description="What this document is.")
    by: str = Field("", description="Who decided, for people.", examples=["Mina"])
    at: str | None = Field(
        None,
        pattern=TIME_PATTERN,
        description="When, as a date or as date and time in UTC. Two documents that disagree need it.",
        examples=["2026-07-04T21:15:00Z"],
    )
    decisions: list[Decision] = Field([], description="What was decided, the later after the earlier.")
