"""The Problem of a template that asks for more than any template needs."""

from koma.core.problem import Place, Problem

LIMIT = "template-limit"


def past_limit(place: Place, what: str) -> Problem:
    """Say which limit a template passed; `what` is a sentence about it."""
    hint = "look for loops within loops, and for a list or text that is put into itself again and again"
    return Problem(place, LIMIT, f"the template can't be rendered: {what}", hint=hint)
