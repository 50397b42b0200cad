"""Frozen dataclasses to JSON values and back, by their type hints.

The reader is typed and forgiving in one direction: keys it does not know are passed over and missing keys take the field's
default, so that a row written by an older or newer Koma loads. Anything else that does not fit is a CodecError with its path.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Decode = Callable[[Any], Any]
_LARGEST = 10**300  # a whole number beyond this is none that a float can hold, and was never written by us
_UNENDING = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


class CodecError(ValueError):
    """Data that does not fit its class. `str()` gives the path (`Take.artifacts.0.width`), what was expected and what was found."""

    def __init__(self, message: str, path: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.path = path

    def __str__(self) -> str:
        return f"{'.'.join(self.path)}: {self.message}" if self.path else self.message

    def under(self, step: str | int) -> "CodecError":
        """Return the same error, one step further from the root."""
        return CodecError(self.message, (str(step), *self.path))


def to_json(value: Any) -> dict[str, Any]:
    """Return a dataclass as JSON values (dict, list, str, int, float, bool, None); NaN and infinities become strings.

    Raises TypeError for a value that JSON has no form for, and for a mapping key that is not a string.
    """
    return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}


def from_json(cls: type[T], data: Any) -> T:
    """Build `cls` from what `to_json` gave, or from JSON that was written by another version. Raises CodecError."""
    kind: Any = cls
    try:
        return _decoder(kind)(data)  # type: ignore[no-any-return]  # the decoder of a class gives that class
    except CodecError as error:
        raise error.under(cls.__name__) from None


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return _plain_parts(value)


def _plain_parts(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_key(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [_plain(item) for item in value]
    if is_dataclass(value):
        return to_json(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON: {value!r:.80}")


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a JSON key must be a string, not {key!r:.80}")
    return key.value if isinstance(key, Enum) else key


@cache
def _decoder(hint: Any) -> Decode:
    if hint in _SCALARS:
        return _SCALARS[hint]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum(hint)
    if isinstance(hint, type) and is_dataclass(hint):
        return _record(hint)
    return _compound(hint)


def _compound(hint: Any) -> Decode:
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return _optional(hint, args)
    if origin is tuple and args[-1] is Ellipsis:
        return _many(_decoder(args[0]))
    if origin is tuple:
        return _fixed(tuple(_decoder(arg) for arg in args))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(_decoder(args[1]))
    raise TypeError(f"koma.core.codec does not know how to read {hint}")


def _wrong(expected: str, data: Any) -> CodecError:
    return CodecError(f"expected {expected}, found {type(data).__name__} {data!r:.60}")


def _anything(data: Any) -> Any:
    return data


def _scalar(kind: type, expected: str) -> Decode:
    def decode(data: Any) -> Any:
        if type(data) is not kind:
            raise _wrong(expected, data)
        return data

    return decode


def _float(data: Any) -> float:
    if type(data) is float:
        return data
    if type(data) is int and abs(data) < _LARGEST:
        return float(data)
    if isinstance(data, str) and data in _UNENDING:
        return _UNENDING[data]
    raise _wrong("a number", data)


_SCALARS: dict[Any, Decode] = {
    Any: _anything,
    str: _scalar(str, "a string"),
    int: _scalar(int, "a whole number"),
    bool: _scalar(bool, "true or false"),
    float: _float,
    NoneType: _scalar(NoneType, "null"),
}


def _enum(kind: type[Enum]) -> Decode:
    known = {member.value: member for member in kind}

    def decode(data: Any) -> Any:
        if not isinstance(data, str | int) or data not in known:
            raise _wrong("one of " + ", ".join(map(str, known)), data)
        return known[data]

    return decode


def _optional(hint: Any, args: tuple[Any, ...]) -> Decode:
    others = [arg for arg in args if arg is not NoneType]
    if len(others) != 1:
        raise TypeError(f"koma.core.codec reads `X | None`, but no other choice of types: {hint}")
    inner = _decoder(others[0])
    return lambda data: None if data is None else inner(data)


def _many(inner: Decode) -> Decode:
    def decode(data: Any) -> tuple[Any, ...]:
        if not isinstance(data, list | tuple):
            raise _wrong("a list", data)
        return tuple(_at(index, inner, item) for index, item in enumerate(data))

    return decode


def _fixed(inner: tuple[Decode, ...]) -> Decode:
    def decode(data: Any) -> tuple[Any, ...]:
        if not isinstance(data, list | tuple) or len(data) != len(inner):
            raise _wrong(f"a list of {len(inner)}", data)
        return tuple(_at(index, one, item) for index, (one, item) in enumerate(zip(inner, data, strict=True)))

    return decode


def _mapping(inner: Decode) -> Decode:
    def decode(data: Any) -> dict[str, Any]:
        if not isinstance(data, Mapping):
            raise _wrong("an object", data)
        return {key: _at(key, inner, item) for key, item in data.items()}

    return decode


def _record(kind: type) -> Decode:
    hints = get_type_hints(kind)
    known = {field.name: _decoder(hints[field.name]) for field in fields(kind)}
    required = [field.name for field in fields(kind) if _is_required(field)]

    def decode(data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise _wrong("an object", data)
        for name in required:
            if name not in data:
                raise CodecError("is missing", (name,))
        return kind(**{name: _at(name, inner, data[name]) for name, inner in known.items() if name in data})

    return decode


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _at(step: str | int, inner: Decode, data: Any) -> Any:
    try:
        return inner(data)
    except CodecError as error:
        raise error.under(step) from None
