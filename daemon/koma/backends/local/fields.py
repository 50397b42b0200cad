"""Reads the fields of a JSON document, and says precisely what is wrong with one that does not fit."""

from collections.abc import Mapping, Sequence
from typing import Any

from koma.pixels.colour import RGB, parse


class DocumentError(Exception):
    """A document that cannot be carried out; `str()` names the field, what was found and what was expected."""


class Fields:
    """One object of a document, with the path to it for messages. Every reader raises DocumentError."""

    def __init__(self, values: Any, path: str = "") -> None:
        self.path = path
        if not isinstance(values, Mapping):
            raise DocumentError(f"{path or 'document'}: expected an object, found {_kind(values)}")
        self.values = values

    def text(self, key: str) -> str:
        """Return a string, empty where it is missing or null."""
        value = self.values.get(key)
        if value is not None and not isinstance(value, str):
            raise self.wrong(key, "text")
        return value or ""

    def choice(self, key: str, allowed: Sequence[str], default: str | None = None) -> str:
        """Return one of a list; the default stands for an empty or missing value."""
        value = self.text(key) or default or ""
        if value not in allowed:
            raise self.wrong(key, "one of " + ", ".join(name for name in allowed if name))
        return value

    def number(self, key: str, low: float, high: float) -> float:
        """Return a number within bounds."""
        value = self.values.get(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise self.wrong(key, f"a number from {low:g} to {high:g}")
        return float(value)

    def whole(self, key: str, low: int, high: int) -> int:
        """Return a whole number within bounds."""
        value = self.values.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.wrong(key, f"a whole number from {low} to {high}")
        return value

    def sequence(self, key: str) -> Sequence[Any]:
        """Return a list, empty where it is missing or null."""
        value = self.values.get(key)
        if value is not None and not isinstance(value, list | tuple):
            raise self.wrong(key, "a list")
        return value or ()

    def child(self, key: str) -> "Fields":
        """Return an object, empty where it is missing or null."""
        value = self.values.get(key)
        return Fields({} if value is None else value, self.at(key))

    def children(self, key: str) -> list["Fields"]:
        """Return a list of objects."""
        return [Fields(value, f"{self.at(key)}[{number}]") for number, value in enumerate(self.sequence(key))]

    def colour(self, key: str, value: Any) -> RGB:
        """Read a colour found under `key`."""
        try:
            return parse(value)
        except (ValueError, AttributeError):
            raise DocumentError(f"{self.at(key)}: expected a colour such as #3aa0ff, found {value!r}") from None

    def at(self, key: str) -> str:
        """Path of one of its fields."""
        return f"{self.path}.{key}" if self.path else key

    def wrong(self, key: str, expected: str) -> DocumentError:
        """Make the error of a field that is not what was expected."""
        found = repr(self.values[key]) if key in self.values else "nothing"
        return DocumentError(f"{self.at(key)}: expected {expected}, found {found[:80]}")


def _kind(value: Any) -> str:
    return {list: "a list", str: "text", type(None): "nothing"}.get(type(value), type(value).__name__)
