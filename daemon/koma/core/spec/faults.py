"""Errors of the models → words for people: what is wrong, what was expected, what comes closest."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from koma.core.hints import did_you_mean
from koma.core.ids import ADDRESS_PATTERN, ID_PATTERN, ID_WORDS, suggest_id
from koma.core.problem import MOST
from koma.core.spec.base import COLOUR_PATTERN, DATE_PATTERN, DIGEST_PATTERN, DURATION_PATTERN, SHOT_PATTERN, TIME_PATTERN

Loc = tuple[str | int, ...]

_TYPES: Final = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list (lines that start with `- `)",
    "dict_type": "a mapping (lines of `name: value`)",
    "model_type": "a mapping (lines of `name: value`)",
    "finite_number": "a finite number",
}
_LIMITS: Final = {"ge": "at least {}", "gt": "more than {}", "le": "at most {}", "lt": "less than {}", "multiple_of": "a multiple of {}"}
_RANGES: Final = {
    "greater_than_equal": "ge",
    "greater_than": "gt",
    "less_than_equal": "le",
    "less_than": "lt",
    "multiple_of": "multiple_of",
}
_SIZES: Final = {"string_too_short", "string_too_long", "too_short", "too_long"}
_PATTERNS: Final = {
    ID_PATTERN: ID_WORDS,
    COLOUR_PATTERN: "a colour as `#rrggbb`",
    DURATION_PATTERN: "seconds+frames, for instance `2+12`",
    DIGEST_PATTERN: "a content digest: 64 digits of 0-9 and a-f",
    DATE_PATTERN: "a date, for instance `2026-07-04`",
    TIME_PATTERN: "a date, or date and time in UTC, for instance `2026-07-04T21:15:00Z`",
    SHOT_PATTERN: "a shot of this scene, or scene/shot, for instance `sh010` or `s01/sh010`",
    ADDRESS_PATTERN: "ids joined by `/`, for instance `s01/sh010`",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One error before it has a place: `loc` is the path in the data as written; `at_key` points at the name, not the value."""

    loc: Loc
    code: str
    message: str
    expected: str = ""
    hint: str = ""
    at_key: bool = False


def faults_of(error: ValidationError, model: type[BaseModel]) -> list[Fault]:
    """Put every error of a document of this model into words; those that are too many to be read get the library's own."""
    found = error.errors(include_url=False)
    return [_fault(details, model) if number < MOST else _unworded(details) for number, details in enumerate(found)]


def _unworded(details: ErrorDetails) -> Fault:
    at_key = details["loc"][-1:] == ("[key]",)
    return Fault(details["loc"][:-1] if at_key else details["loc"], "wrong-value", details["msg"], at_key=at_key)


def field_at(model: type[BaseModel], loc: Loc) -> FieldInfo | None:
    """Return the field that a path leads to, or None where it leads to an item or nowhere."""
    field: FieldInfo | None = None
    here: Any = model
    for part in loc:
        field, here = _step(here, part)
    return field


def _step(annotation: Any, part: str | int) -> tuple[FieldInfo | None, Any]:
    inner = _inner(annotation)
    if isinstance(inner, type) and issubclass(inner, BaseModel):
        field = inner.model_fields.get(str(part))
        return field, field.annotation if field else None
    return None, get_args(inner)[-1] if get_origin(inner) in (list, dict) else None


def _inner(annotation: Any) -> Any:
    """Take off `Annotated` and `| None`."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, UnionType):
            annotation = next(arg for arg in get_args(annotation) if arg is not NoneType)
        else:
            return annotation


def _model_at(model: type[BaseModel], loc: Loc) -> type[BaseModel]:
    here: Any = model
    for part in loc:
        here = _step(here, part)[1]
    inner: type[BaseModel] = _inner(here)
    return inner


@dataclass(frozen=True, slots=True)
class _Error:
    """One error of pydantic, with what it is about."""

    details: ErrorDetails
    loc: Loc
    model: type[BaseModel]
    at_key: bool

    @property
    def context(self) -> dict[str, Any]:
        return self.details.get("ctx", {})

    @property
    def value(self) -> Any:
        return self.details["input"]

    @property
    def field(self) -> FieldInfo | None:
        return field_at(self.model, self.loc)

    @property
    def subject(self) -> str:
        """What a sentence about it starts with: the name of a field, or of the list or mapping that an entry stands in."""
        loc = self.loc[:-1] if self.at_key else self.loc
        name = next((f"`{part}`" for part in reversed(loc) if isinstance(part, str)), "the document")
        if self.at_key:
            return f"a name in {name}"
        return f"an entry of {name}" if loc and isinstance(loc[-1], int) else name

    def fault(self, code: str, message: str, expected: str = "", hint: str = "") -> Fault:
        return Fault(self.loc, code, message, expected, hint, self.at_key)


def _fault(details: ErrorDetails, model: type[BaseModel]) -> Fault:
    loc = details["loc"]
    at_key = bool(loc) and loc[-1] == "[key]"
    error = _Error(details, loc[:-1] if at_key else loc, model, at_key or details["type"] == "extra_forbidden")
    return _WRITERS.get(details["type"], _other)(error)


def _show(value: Any) -> str:
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text `{value if len(value) <= 40 else value[:39] + '…'}`"  # noqa: PLR2004  # what fits into a line
    return "nothing" if value is None else "a list" if isinstance(value, list) else "a mapping"


def _described(words: str, field: FieldInfo | None) -> str:
    """Add to `words` the unit and what the field means."""
    extra = field.json_schema_extra if field else None
    unit = f", in {extra['x-unit']}" if isinstance(extra, dict) and "x-unit" in extra else ""
    meaning = f" ({field.description.rstrip('.')})" if field and field.description else ""
    return f"{words}{unit}{meaning}"


def _wrong_type(error: _Error) -> Fault:
    words = _TYPES[error.details["type"]]
    hint = ""
    if words == "text" and isinstance(error.value, bool | int | float):
        hint = "put it into quotes if it is text"
    elif "number" in words and isinstance(error.value, str):
        hint = "write a decimal number without quotes"
    return error.fault("wrong-type", f"{error.subject} is {_show(error.value)}", _described(words, error.field), hint)


def _limits(field: FieldInfo | None) -> Iterator[str]:
    for item in field.metadata if field else ():
        for name, words in _LIMITS.items():
            if (limit := getattr(item, name, None)) is not None:
                yield words.format(limit)


def _out_of_range(error: _Error) -> Fault:
    limit = _RANGES[error.details["type"]]
    words = ", ".join(_limits(error.field)) or _LIMITS[limit].format(error.context[limit])
    return error.fault("out-of-range", f"{error.subject} is {error.value}", _described(words, error.field))


def _wrong_size(error: _Error) -> Fault:
    one, many = ("character", "characters") if isinstance(error.value, str) else ("entry", "entries")
    least, most = error.context.get("min_length"), error.context.get("max_length")
    words = f"at most {most} {many}" if least is None else f"at least {least} {one if least == 1 else many}"
    state = "is empty" if not error.value else "is too long" if least is None else "is too short"
    return error.fault("wrong-size", f"{error.subject} {state}", _described(words, error.field))


def _pattern(error: _Error) -> Fault:
    pattern = error.context["pattern"]
    code, near = ("bad-id", suggest_id(error.value)) if pattern == ID_PATTERN else ("bad-text", "")
    hint = f"did you mean `{near}`?" if near else ""
    return error.fault(code, f"{error.subject} is {_show(error.value)}", _PATTERNS.get(pattern, f"text that matches `{pattern}`"), hint)


def _choice(error: _Error) -> Fault:
    names = [part for part in error.context["expected"].split("'") if part.strip() not in ("", ",", "or")]
    hint = did_you_mean(error.value, names) if isinstance(error.value, str) else ""
    return error.fault("unknown-value", f"{error.subject} is {_show(error.value)}", _one_of(names), hint)


def _missing(error: _Error) -> Fault:
    return error.fault("missing-field", f"{error.subject} is missing", _described("a value", error.field), f"add {error.subject}")


def _unknown(error: _Error) -> Fault:
    word, here = str(error.loc[-1]), _model_at(error.model, error.loc[:-1])
    names = [field.alias or name for name, field in here.model_fields.items()]
    owner = _owner(here, word)
    hint = f"`{word}` belongs into {owner}" if owner else did_you_mean(word, names) or "remove it"
    return error.fault("unknown-field", f"`{word}` is no field here", _one_of(names), hint)


def _one_of(names: Sequence[str]) -> str:
    return "one of " + ", ".join(f"`{name}`" for name in names)


def _owner(model: type[BaseModel], word: str) -> str:
    """Return the words for the part of this model that has such a field, or an empty string."""
    for name, field in model.model_fields.items():
        inner = _inner(field.annotation)
        item = _inner(get_args(inner)[-1]) if get_origin(inner) in (list, dict) else inner
        if isinstance(item, type) and issubclass(item, BaseModel) and word in item.model_fields:
            return f"`{name}`" if item is inner else f"an entry of `{name}`"
    return ""


def _other(error: _Error) -> Fault:
    """Pass on what a validator of ours says (see base.refuse)."""
    loc = (*error.loc, error.context["field"]) if error.context.get("field") else error.loc
    expected, hint = str(error.context.get("expected", "")), str(error.context.get("hint", ""))
    return Fault(loc, error.details["type"].replace("_", "-"), error.details["msg"], expected, hint, error.at_key)


_WRITERS: Final[dict[str, Callable[[_Error], Fault]]] = {
    "string_pattern_mismatch": _pattern,
    "literal_error": _choice,
    "missing": _missing,
    "extra_forbidden": _unknown,
    **dict.fromkeys(_TYPES, _wrong_type),
    **dict.fromkeys(_RANGES, _out_of_range),
    **dict.fromkeys(_SIZES, _wrong_size),
}
