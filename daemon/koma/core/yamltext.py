"""YAML text → plain JSON values with the position of every key and value, or located Problems. Knows nothing of kinds.

The YAML 1.2 core schema, a little narrower: a number is decimal and has no leading zero, everything else without quotes
is text (`no`, `010`, `12:30`, `0x10`), and keys are always text. Anchors, aliases, merge keys, tags other than `!!str`,
duplicate keys, NaN and infinity are refused. Limits are checked on the stream of events, before anything is composed: the
C composer is recursive and a deep file would end the process.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from unicodedata import normalize

import yaml
from yaml import events

from koma.core.plaintext import Spot, find_forbidden, forbidden, read_text, spot_of
from koma.core.problem import Place, Problem
from koma.core.snapshot import TEXT_BYTES

MAX_BYTES: Final = TEXT_BYTES
MAX_DEPTH: Final = 32
MAX_NODES: Final = 50_000
MAX_DOCUMENTS: Final = 1000
MAX_PROBLEMS: Final = 20
_MAX_DIGITS: Final = 40
_STR_TAGS: Final = ("tag:yaml.org,2002:str", "!")

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: Final = dict.fromkeys(("", "~", "null", "Null", "NULL"), None) | {
    word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")
}

FieldPath = tuple[str | int, ...]
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class YamlDoc:
    """One document: a mapping of JSON values. `values` and `keys` map a field path to (line, column), both from 1."""

    file: str
    data: dict[str, Any]
    values: dict[FieldPath, Spot]
    keys: dict[FieldPath, Spot]

    def place(self, path: FieldPath = (), *, key: bool = False) -> Place:
        """Where a value (or its key) stands; for a path that is not there, where its nearest ancestor stands."""
        found = self.nearest(path)
        if key and found[-1:] == path[-1:] and found in self.keys:
            return Place(self.file, *self.keys[found])
        return Place(self.file, *self.values[found])

    def entry(self, path: FieldPath) -> Spot:
        """Where a person looks for a field: at its value, or at its key when the value is a block on lines of its own."""
        path = self.nearest(path)
        value = self.values[path]
        key = self.keys.get(path, value)
        return value if key[0] == value[0] else key

    def nearest(self, path: FieldPath) -> FieldPath:
        """Return the longest part of a path that is there. An entry that stands alone, where a list of such may stand, is its first."""
        found: FieldPath = ()
        for part in path:
            if (*found, part) in self.values:
                found = (*found, part)
            elif part != 0 or found not in self.values:
                break
        return found


@dataclass(frozen=True, slots=True)
class YamlDocs:
    """What a file holds: its sound documents, and the problems of the others."""

    documents: tuple[YamlDoc, ...]
    problems: tuple[Problem, ...]


def read_yaml(text: bytes | str, file: str) -> YamlDocs:
    """Read a file of one or more documents. Never raises for what is in the text; `file` is only named in Problems."""
    decoded = read_text(text, file, MAX_BYTES)
    if isinstance(decoded, Problem):
        return YamlDocs((), (decoded,))
    builder = _Builder(file)
    try:
        for event in _events(decoded):
            builder.feed(event)
    except _RefusedError:
        pass
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError) as error:
        builder.problems.append(_library_problem(error, decoded, builder.spot, file))
    if not builder.documents and not builder.problems:
        builder.problems.append(
            Problem(
                Place(file, 1, 1),
                "empty-document",
                "the file holds no document",
                "a mapping of fields (`kind: …`)",
                "write one or remove the file",
            )
        )
    return YamlDocs(tuple(builder.documents), tuple(sorted(builder.problems)))


def _events(text: str) -> Iterator[Any]:
    loader = _LOADER(text)
    try:
        while loader.check_event():
            yield loader.get_event()
    finally:
        loader.dispose()


def _spot(mark: Any) -> Spot:
    return mark.line + 1, mark.column + 1


def _library_problem(error: Exception, text: str, last: Spot, file: str) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    offset = getattr(error, "position", None)
    spot = _spot(mark) if mark else spot_of(text, offset) if isinstance(offset, int) else last
    words = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error) or type(error).__name__
    hint = (
        "indent with spaces, not with tabs"
        if "tab" in words or "'\\t'" in words
        else "look at this line and the one above: indentation, a missing `:`, a quote"
    )
    return Problem(Place(file, *spot), "not-yaml", f"this is not YAML: {words}", "YAML 1.2", hint)


class _RefusedError(Exception):
    """Reading stops here: what follows can't be understood, or must not be read."""


@dataclass(slots=True)
class _Frame:
    """A collection that is being filled; `key` is the mapping key that waits for its value."""

    path: FieldPath
    into: dict[str, Any] | list[Any]
    key: str | None = None


@dataclass(slots=True)
class _Builder:
    """Builds documents out of events, without recursion. `spot` is where it is."""

    file: str
    documents: list[YamlDoc] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    spot: Spot = (1, 1)
    _stack: list[_Frame] = field(default_factory=list)
    _values: dict[FieldPath, Spot] = field(default_factory=dict)
    _keys: dict[FieldPath, Spot] = field(default_factory=dict)
    _root: Any = None
    _nodes: int = 0
    _begun: int = 0
    _known: int = 0

    def feed(self, event: Any) -> None:
        """Take one event. Raises _RefusedError when reading must stop; the Problem is then in `problems`."""
        self.spot = _spot(event.start_mark)
        if isinstance(event, events.NodeEvent):
            self._node(event)
        elif isinstance(event, events.CollectionEndEvent):
            self._stack.pop()
        elif isinstance(event, events.DocumentStartEvent):
            self._begin()
        elif isinstance(event, events.DocumentEndEvent):
            self._finish()

    def _begin(self) -> None:
        self._begun += 1
        if self._begun > MAX_DOCUMENTS:
            self._refuse(
                "too-many-documents", "the file holds too many documents", f"at most {MAX_DOCUMENTS:,}", "split it into several files"
            )
        self._values, self._keys, self._root, self._known = {}, {}, None, len(self.problems)

    def _node(self, event: Any) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._refuse("too-many-values", "the file holds too many values", f"at most {MAX_NODES:,}", "split it into several files")
        if event.anchor is not None:
            self._report(
                "anchor", "anchors and aliases (`&name`, `*name`) are not read", "every value written out", "write the value in both places"
            )
        if isinstance(event, events.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, events.AliasEvent):
            self._place("")
        else:
            self._collection(event)

    def _scalar(self, event: Any) -> None:
        if event.tag is not None and event.tag not in _STR_TAGS:
            self._report("tag", f"the tag `{event.tag}` is not read", "a value without a tag", "leave the tag out")
        frame = self._stack[-1] if self._stack else None
        if frame is not None and frame.key is None and isinstance(frame.into, dict):
            self._key(frame, frame.into, event)
        else:
            plain = event.implicit[0] and event.tag is None
            self._place(self._plain(event.value) if plain else self._text(event.value))

    def _key(self, frame: _Frame, into: dict[str, Any], event: Any) -> None:
        key = self._text(event.value)
        if key == "<<" and event.implicit[0]:
            self._report("merge-key", "merge keys (`<<`) are not read", "every field written out", "write the fields in both places")
        if not key:
            self._report("empty-key", "a field has no name", "`name: value`", "write its name before the `:`")
        path = (*frame.path, key)
        if key in into:
            first, column = self._keys.get(path, self.spot)  # an alias in the place of a name has no position of its own
            hint = f"remove one of them: the first stands in line {first}, column {column}"
            self._report("duplicate-key", f"`{key}` is written twice: in line {first} and in line {self.spot[0]}", "every field once", hint)
        self._keys[path] = self.spot
        into[key] = None
        frame.key = key

    def _collection(self, event: Any) -> None:
        if len(self._stack) >= MAX_DEPTH:
            self._refuse("too-deep", "the file is nested too deeply", f"at most {MAX_DEPTH} levels", "nest less")
        if event.tag is not None:
            self._report("tag", f"the tag `{event.tag}` is not read", "a value without a tag", "leave the tag out")
        frame = self._stack[-1] if self._stack else None
        if frame is not None and frame.key is None and isinstance(frame.into, dict):
            self._refuse(
                "complex-key",
                "a list or a mapping stands where the name of a field should",
                "`name: value`",
                "put text with `{` or `[` into quotes",
            )
        into: dict[str, Any] | list[Any] = {} if isinstance(event, events.MappingStartEvent) else []
        self._stack.append(_Frame(self._place(into), into))

    def _place(self, value: Any) -> FieldPath:
        """Put a value where it belongs and return its path."""
        path: FieldPath = ()
        if not self._stack:
            self._root = value
        else:
            frame = self._stack[-1]
            if isinstance(frame.into, list):
                path = (*frame.path, len(frame.into))
                frame.into.append(value)
            else:
                key = frame.key or ""
                path, frame.key = (*frame.path, key), None
                frame.into[key] = value
        self._values[path] = self.spot
        return path

    def _plain(self, text: str) -> Any:
        if text in _WORDS:
            return _WORDS[text]
        if _INT.fullmatch(text):
            return int(text) if len(text) <= _MAX_DIGITS else self._bad_number(text)
        if _FLOAT.fullmatch(text):
            number = float(text)
            return number if math.isfinite(number) else self._bad_number(text)
        return self._bad_number(text) if _NOT_FINITE.fullmatch(text) else self._text(text)

    def _bad_number(self, text: str) -> str:
        self._report(
            "bad-number", f"`{text[:_MAX_DIGITS]}` is no number that can be used", "a finite number", "put it into quotes if it is text"
        )
        return text

    def _text(self, text: str) -> str:
        if found := find_forbidden(text):
            self._add(forbidden(found, Place(self.file, *self.spot)))
        return text if text.isascii() else normalize("NFC", text)

    def _finish(self) -> None:
        if self._root is None and not self._keys:
            return  # nothing between two `---`
        if not isinstance(self._root, dict):
            self.spot = self._values[()]
            self._report(
                "not-a-mapping", "this is not a mapping of fields", "fields, one on each line: `kind: scene`", "write `name: value` lines"
            )
        elif len(self.problems) == self._known:
            self.documents.append(YamlDoc(self.file, self._root, self._values, self._keys))

    def _report(self, code: str, message: str, expected: str, hint: str) -> None:
        self._add(Problem(Place(self.file, *self.spot), code, message, expected, hint))

    def _add(self, problem: Problem) -> None:
        self.problems.append(problem)
        if len(self.problems) >= MAX_PROBLEMS:
            raise _RefusedError

    def _refuse(self, code: str, message: str, expected: str, hint: str) -> None:
        self.problems.append(Problem(Place(self.file, *self.spot), code, message, expected, hint))
        raise _RefusedError
