"""Template parameters: their types and ranges, and the checks made from them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import Any

from koma.core.hints import did_you_mean


class ParameterType(StrEnum):
    """What a parameter's value is. `model` is a file name under a models folder, `lora-list` a list of {name, strength, strength_clip}."""

    STRING = "string"
    INT = "int"
    FLOAT = "float"
    BOOL = "bool"
    CHOICE = "choice"
    MODEL = "model"
    LORA_LIST = "lora-list"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. A default of None means that it has to be given. `folder` is the models folder, for `model`."""

    type: ParameterType
    default: Any = None
    min: Any = None  # int or float: a seed's bound is too long for a float
    max: Any = None
    multiple_of: int | None = None
    choices: tuple[str, ...] = ()
    unit: str = ""
    description: str = ""
    folder: str = ""


class WrongValueError(ValueError):
    """A value that does not fit its parameter. `str()` says what it is, `expected` what it should be."""

    def __init__(self, message: str, expected: str) -> None:
        super().__init__(message)
        self.expected = expected


Check = Callable[[Any], Any]


def shown(value: Any) -> str:
    """Write a value for a message, cut to 80 characters."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."  # noqa: PLR2004 - the number is in the sentence above


def _string(value: Any) -> str:
    if type(value) is not str:
        raise WrongValueError(f"got {shown(value)}", "a text")
    return value


def _bool(value: Any) -> bool:
    if type(value) is not bool:
        raise WrongValueError(f"got {shown(value)}", "true or false")
    return value


def _bounds(parameter: Parameter) -> tuple[float, float]:
    return (float("-inf") if parameter.min is None else parameter.min, float("inf") if parameter.max is None else parameter.max)


def _range(parameter: Parameter) -> str:
    ends = (f"from {parameter.min:.15g}" if parameter.min is not None else "", f"to {parameter.max}" if parameter.max is not None else "")
    multiple = f", a multiple of {parameter.multiple_of}" if parameter.multiple_of else ""
    return (" ".join(end for end in ends if end) + multiple + f" {parameter.unit}").strip(" ,") or "any"


def _int(parameter: Parameter) -> Check:
    low, high = _bounds(parameter)
    multiple = parameter.multiple_of or 1

    def check(value: Any) -> int:
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int:
            raise WrongValueError(f"got {shown(value)}", "a whole number")
        if not low <= value <= high or value % multiple:
            raise WrongValueError(f"{value} does not fit", _range(parameter))
        return value

    return check


def _float(parameter: Parameter) -> Check:
    low, high = _bounds(parameter)

    def check(value: Any) -> float:
        if type(value) is not float and type(value) is not int:
            raise WrongValueError(f"got {shown(value)}", "a number")
        if not low <= value <= high or not isfinite(value):
            raise WrongValueError(f"{value} does not fit", _range(parameter))
        return float(value)

    return check


def _choice(parameter: Parameter) -> Check:
    choices = frozenset(parameter.choices)

    def check(value: Any) -> str:
        if type(value) is not str or value not in choices:
            near = did_you_mean(value, choices) if isinstance(value, str) else ""
            raise WrongValueError(f"got {shown(value)}", f"one of {', '.join(parameter.choices)}" + (f"; {near}" if near else ""))
        return value

    return check


def _model(value: Any) -> str:
    if type(value) is not str or not value:
        raise WrongValueError(f"got {shown(value)}", "the name of a model file, as the server lists it")
    if value[0] in "/\\" or ":" in value or ".." in value.replace("\\", "/").split("/"):
        raise WrongValueError(f"{value!r} leaves the models folder", "a name relative to the server's models folder")
    return value


_LORA_KEYS = frozenset({"name", "strength", "strength_clip"})
_strength = _float(Parameter(ParameterType.FLOAT, min=-100.0, max=100.0))


def _loras(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list | tuple):
        raise WrongValueError(f"got {shown(value)}", "a list of {name, strength, strength_clip}")
    return [_lora(entry) for entry in value]


def _lora(entry: Any) -> dict[str, Any]:
    if not isinstance(entry, Mapping) or "name" not in entry or not entry.keys() <= _LORA_KEYS:
        raise WrongValueError(f"got {shown(entry)}", "an object {name, strength, strength_clip}")
    strength = _strength(entry.get("strength", 1.0))
    return {"name": _model(entry["name"]), "strength": strength, "strength_clip": _strength(entry.get("strength_clip", strength))}


_MAKERS: Mapping[ParameterType, Callable[[Parameter], Check]] = {
    ParameterType.STRING: lambda _: _string,
    ParameterType.INT: _int,
    ParameterType.FLOAT: _float,
    ParameterType.BOOL: lambda _: _bool,
    ParameterType.CHOICE: _choice,
    ParameterType.MODEL: lambda _: _model,
    ParameterType.LORA_LIST: lambda _: _loras,
}


def check_of(parameter: Parameter) -> Check:
    """Make the check of one parameter: value → value as it enters the graph (7 as 7.0 for a float). It raises WrongValueError."""
    return _MAKERS[parameter.type](parameter)


def is_factor(parameter: Parameter, value: Any) -> bool:
    """Whether a rung of a memory ladder multiplies the parameter instead of setting it: a fraction of a whole number does."""
    return parameter.type is ParameterType.INT and type(value) is float and 0 < value < 1


def scaled(parameter: Parameter, value: int, factor: float) -> int:
    """Give `factor` times a whole number, as a multiple of what it must be one of, and not below its least value."""
    step = parameter.multiple_of or 1
    least = -(-(parameter.min or 0) // step) * step
    return int(max(least, value * factor // step * step))
