"""Checks of what Koma itself puts into a graph's parameters: characters with their pictures and places, and pictures of a style.

They hold samples, which people write, and what Koma injects to one shape, so that a graph may rely on every field.
"""

from collections.abc import Mapping
from typing import Any

from koma.core.node_rules import PLACEHOLDER
from koma.core.parameter import Check, Parameter, ParameterType, WrongValueError, check_of, shown

_WEIGHTS = Parameter(ParameterType.FLOAT, min=-1.0, max=5.0)
_PLACES = Parameter(ParameterType.INT, min=0, max=16384, unit="px")
_SIZES = Parameter(ParameterType.INT, min=1, max=16384, unit="px")


def _picture(value: Any) -> str:
    if type(value) is not str or not value.startswith(PLACEHOLDER) or len(value) == len(PLACEHOLDER):
        raise WrongValueError(f"got {shown(value)}", f"`{PLACEHOLDER}` and the name of the picture: Koma puts it there by itself")
    return value


def pictures_check(most: int | None = None) -> Check:
    """Make the check of a list of placeholders of pictures, `most` of them at most."""

    def check(value: Any) -> list[str]:
        if not isinstance(value, list | tuple) or (most is not None and len(value) > most):
            wanted = "a list of pictures" if most is None else f"a list of at most {most} pictures"
            raise WrongValueError(f"got {shown(value)}", wanted)
        return [_picture(entry) for entry in value]

    return check


def _record(checks: Mapping[str, Check]) -> Check:
    fields = ", ".join(checks)

    def check(value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping) or value.keys() != checks.keys():
            raise WrongValueError(f"got {shown(value)}", f"an object with exactly these fields: {fields}")
        return {name: _under(name, inner, value[name]) for name, inner in checks.items()}

    return check


def _under(name: str, check: Check, value: Any) -> Any:
    try:
        return check(value)
    except WrongValueError as error:
        raise WrongValueError(f"{name}: {error}", error.expected) from None


def _optional(check: Check) -> Check:
    return lambda value: None if value is None else check(value)


_text = check_of(Parameter(ParameterType.STRING))
_BOX = {"x": check_of(_PLACES), "y": check_of(_PLACES), "width": check_of(_SIZES), "height": check_of(_SIZES)}
_character = _record(
    {
        **dict.fromkeys(("id", "name", "version", "prompt", "negative"), _text),
        "weight": check_of(_WEIGHTS),
        "references": pictures_check(),
        "sheet": pictures_check(),
        "region": _record(_BOX),
        "pose": _optional(_record({"image": _picture, **_BOX})),
    }
)


def characters_check(most: int) -> Check:
    """Make the check of the characters of a shot, `most` of them at most.

    Each has `id`, `name`, `version`, `prompt`, `negative` (texts), `weight` (how strongly its pictures count), `references` and `sheet`
    (lists of placeholders), `region` (px within the picture) and `pose` (a placeholder and its place on the canvas in px, or None).
    """

    def check(value: Any) -> list[dict[str, Any]]:
        if not isinstance(value, list | tuple) or len(value) > most:
            raise WrongValueError(f"got {shown(value)}", f"a list of at most {most} characters")
        return [_under(f"character {number}", _character, entry) for number, entry in enumerate(value, 1)]

    return check
