"""Reading settings field by field out of a parsed document, with every mistake located. Pure; light enough for start-up."""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` and the dataclasses of Problem cost start-up time
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, TypeAlias, TypeVar

    from koma.core.problem import Problem

    KeyPath: TypeAlias = tuple[str | int, ...]
    T = TypeVar("T")


def _meant(word: str, known: Sequence[str]) -> str:
    from koma.core.hints import did_you_mean  # noqa: PLC0415 - difflib is only needed to word a mistake

    return did_you_mean(word, known)


def _problem(spot: tuple[Any, ...], code: str, message: str, *, expected: str = "", hint: str = "", path: str = "") -> Problem:
    from koma.core.problem import Place, Problem  # noqa: PLC0415 - only needed to word a mistake

    return Problem(Place(*spot), code, message, expected, hint, path)


class Report:
    """What was wrong, and which settings exist. `positions` says where each key path stands (line and column from 1).

    `env` maps variable names to texts; a variable named `PREFIX` + the key path in capitals, joined by two underscores, wins
    over the document.
    """

    def __init__(self, file: str, positions: Mapping[KeyPath, tuple[int, int]], env: Mapping[str, str], prefix: str) -> None:
        self.problems: list[Problem] = []
        self.known: set[str] = set()
        self._file = file
        self._positions = positions
        self._env = env
        self._prefix = prefix

    def variable(self, path: KeyPath) -> str:
        """Name of the environment variable for a key path: `KOMA_HTTP__PORT`."""
        return self._prefix + "__".join(str(part) for part in path).upper()

    def override(self, path: KeyPath) -> str | None:
        """Text of that variable, or None where it is not set."""
        self.known.add(self.variable(path))
        return self._env.get(self.variable(path))

    def add(self, path: KeyPath, code: str, message: str, *, expected: str = "", hint: str = "") -> None:
        """Note a mistake at the variable that set the value, at the key, or at the nearest key around it."""
        dotted = ".".join(str(part) for part in path)
        variable = self.variable(path)
        spot = (variable,) if variable in self._env else (self._file, *self._position(path))
        self.problems.append(_problem(spot, code, message, expected=expected, hint=hint, path=dotted))

    def strays(self) -> None:
        """Note variables that carry the prefix and look like a setting, but are none."""
        for name in sorted(self._env):
            if name.startswith(self._prefix) and name not in self.known:
                setting = name.removeprefix(self._prefix)
                hint = _meant(setting, [known.removeprefix(self._prefix) for known in self.known])
                if hint or "__" in setting:
                    hint = hint.replace("`", f"`{self._prefix}", 1)
                    self.problems.append(_problem((name,), "unknown-setting", f"no setting is called `{name}`", hint=hint))

    def _position(self, path: KeyPath) -> tuple[int, int]:
        while path and path not in self._positions:
            path = path[:-1]
        return self._positions.get(path, (0, 0))


class Fields:
    """One mapping of the document. Each reader returns a usable value always; what was wrong stands in the report."""

    def __init__(self, data: Any, report: Report, path: KeyPath = ()) -> None:
        self._report = report
        self._path = path
        self._seen: set[str] = set()
        self._data: Mapping[Any, Any] = {}
        if isinstance(data, dict):
            self._data = data
        elif data is not None:
            self._wrong(path, data, "a mapping of settings")

    def text(self, key: str, default: str, choices: Sequence[str] = ()) -> str:
        """Read a string, or one of a closed list."""
        value = self._get(key)
        if value is None:
            return default
        if not isinstance(value, str):
            return self._reject(key, value, "text", default)
        if choices and value not in choices:
            wanted = " or ".join(choices)
            self._report.add(
                (*self._path, key), "unknown-value", f"`{value}` can't be used here", expected=wanted, hint=_meant(value, choices)
            )
            return default
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """Read true or false."""
        value = self._get(key)
        if isinstance(value, str) and self.from_env(key):
            value = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}.get(value.lower(), value)
        if value is None:
            return default
        return value if isinstance(value, bool) else self._reject(key, value, "true or false", default)

    def number(self, key: str, default: float, low: float, high: float) -> float:
        """Read a number within limits, both included."""
        return self._number(key, default, low, high, f"a number from {low:g} to {high:g}")

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        """Read a whole number within limits, both included."""
        wanted = f"a whole number from {low} to {high}"
        value = self._number(key, default, low, high, wanted)
        return int(value) if value == int(value) else self._reject(key, value, wanted, default)

    def limit(self, key: str, low: float) -> float | None:
        """Read a number from `low` up, or null for no limit."""
        if self._data.get(key) is None and not self.from_env(key):
            self._get(key)
            return None
        return self._number(key, low, low, 1e12, f"a number from {low:g} up, or null for no limit")

    def texts(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """Read a list of strings; comma-separated in a variable."""
        value = self._get(key)
        if value is None:
            return default
        if isinstance(value, str) and self.from_env(key):
            value = [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, list) and all(isinstance(item, str) and item for item in value):
            return tuple(value)
        return self._reject(key, value, "a list of texts", default)

    def section(self, key: str) -> Fields:
        """Read a mapping inside this one; empty where it is not written."""
        self._seen.add(key)
        return Fields(self._data.get(key), self._report, (*self._path, key))

    def sections(self, key: str) -> tuple[Fields, ...]:
        """Read a list of mappings."""
        self._seen.add(key)
        value = self._data.get(key)
        if value is None:
            return ()
        if not isinstance(value, list):
            return self._reject(key, value, "a list", ())
        return tuple(Fields(item, self._report, (*self._path, key, index)) for index, item in enumerate(value))

    def wrong(self, key: str, message: str, *, expected: str = "", hint: str = "") -> None:
        """Note a mistake that only the caller can see."""
        self._report.add((*self._path, key), "wrong-value", message, expected=expected, hint=hint)

    def from_env(self, key: str) -> bool:
        """Whether a variable sets it."""
        return self._report.override((*self._path, key)) is not None

    def done(self) -> None:
        """Call last: everything that was not read is an unknown setting."""
        for key in self._data:
            if key not in self._seen:
                hint = _meant(str(key), sorted(self._seen)) or "settings here are " + ", ".join(sorted(self._seen))
                self._report.add((*self._path, key), "unknown-field", f"no setting is called `{key}`", hint=hint)

    def _get(self, key: str) -> Any:
        self._seen.add(key)
        override = self._report.override((*self._path, key))
        return self._data.get(key) if override is None else override

    def _number(self, key: str, default: float, low: float, high: float, wanted: str) -> float:
        value = self._get(key)
        if value is None:
            return default
        if isinstance(value, str) and self.from_env(key):
            value = _as_number(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            return self._reject(key, value, wanted, default)
        return value

    def _reject(self, key: str, value: Any, wanted: str, default: T) -> T:
        self._wrong((*self._path, key), value, wanted)
        return default

    def _wrong(self, path: KeyPath, value: Any, wanted: str) -> None:
        self._report.add(path, "wrong-type", f"`{path[-1] if path else 'the file'}` can't be {_shown(value)}", expected=wanted)


def _as_number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _shown(value: Any) -> str:
    words = {list: "a list", dict: "a mapping", bool: str(value).lower(), type(None): "empty"}
    return words.get(type(value)) or f"`{value}`"
