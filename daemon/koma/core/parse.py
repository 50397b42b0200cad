"""Text of a file → documents, each checked against the model of its kind, or Problems that say where, what and what else.

A broken shot holds itself, not its scene; an error above the shots holds the document. Whether references between
documents lead anywhere is not decided here.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from pydantic import ValidationError

from koma.core.hints import did_you_mean
from koma.core.ids import is_id
from koma.core.problem import Place, Problem, told
from koma.core.spec import KINDS, model_of
from koma.core.spec.base import DocumentSpec
from koma.core.spec.faults import Fault, faults_of
from koma.core.yamltext import FieldPath, YamlDoc, read_yaml

PARTS: Final = {"scene": "shots"}
"""Kinds whose entries of one list stand for themselves: a broken one is left out and the others go on."""
ALIASES: Final = {"scene": {"cuts": "shots"}}
CAST: Final = "characters"  # the list whose entries may be bare ids


@dataclass(frozen=True, slots=True)
class Document:
    """One checked document.

    `data` holds what was written, as JSON values in normal form: a bare character id is `{id}`, a bare prompt `{prompt}`,
    `cuts` is `shots`; what was not written is not there. `positions` maps a field path (`shots.sh010.seed`: entries with an
    id by id, others by number) to [line, column]. `held` names the entries (shots) that were left out because they are
    broken; an empty name stands for one whose id can't be read. `index` counts the documents of a file from 0.
    """

    kind: str
    id: str
    file: str
    index: int
    data: dict[str, Any]
    positions: Mapping[str, list[int]]
    held: tuple[str, ...] = ()

    def place(self, path: str = "") -> Place:
        """Where a field stands; for one that was not written, where the nearest field around it stands."""
        while path and path not in self.positions:
            path = path.rpartition(".")[0]
        return Place(self.file, *self.positions[path])

    def to_json(self) -> dict[str, Any]:
        """Return JSON values for a cache."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Document":
        """Return the document that `to_json` gave. Raises TypeError or KeyError for anything else."""
        return cls(**{**value, "held": tuple(value["held"])})


@dataclass(frozen=True, slots=True)
class HeldDocument:
    """A document that can't be used, as far as it says what it is: `id` is empty where it can't be read, both where the kind is unknown."""

    kind: str
    id: str
    file: str
    index: int


@dataclass(frozen=True, slots=True)
class Parsed:
    """What is in a file. Of a file that YAML refuses, wholly or in part, there are only problems: nobody knows what it would hold."""

    documents: tuple[Document, ...]
    problems: tuple[Problem, ...]
    held: tuple[HeldDocument, ...] = ()


def parse_document(text: bytes | str, file: str) -> Parsed:
    """Read and check every document of a file. Never raises for what is in the text; `file` is only named in results."""
    try:
        return _parsed(text, file)
    except (RecursionError, ValueError, OverflowError) as error:  # a file that finds a hole in a library holds itself, and no other
        message = f"this file can't be read: {type(error).__name__}: {error}"
        hint = "simplify it, and report it to the makers of Koma: no file should be able to do this"
        return Parsed((), tuple(told([Problem(Place(file, 1, 1), "unreadable", message, "a document that can be read", hint)])))


def _parsed(text: bytes | str, file: str) -> Parsed:
    read = read_yaml(text, file)
    documents: list[Document] = []
    problems, held = [*read.problems], []
    for index, yaml in enumerate(read.documents):
        document, found = _check(yaml, index)
        problems += found
        if document:
            documents.append(document)
        else:
            held.append(_held(yaml, index))
    if read.problems:
        return Parsed((), tuple(told(problems)))
    return Parsed(tuple(documents), tuple(told(problems)), tuple(held))


def _held(yaml: YamlDoc, index: int) -> HeldDocument:
    kind = yaml.data.get("kind")
    known = isinstance(kind, str) and kind in KINDS
    return HeldDocument(str(kind) if known else "", _entry_id(yaml.data) if known else "", yaml.file, index)


def _check(yaml: YamlDoc, index: int) -> tuple[Document | None, list[Problem]]:
    kind = yaml.data.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        return None, [_no_kind(yaml)]
    for alias, field in ALIASES.get(kind, {}).items():
        if alias in yaml.data and field in yaml.data:
            return None, [_two_names(yaml, alias, field)]
        if alias in yaml.data:
            yaml = _renamed(yaml, alias, field)
    return _check_parts(yaml, kind, index)


def _no_kind(yaml: YamlDoc) -> Problem:
    kind = yaml.data.get("kind")
    expected = "`kind:` with one of " + ", ".join(f"`{name}`" for name in KINDS)
    if kind is None:
        return Problem(yaml.place(), "missing-field", "`kind` is missing", expected, "say what this document is", "kind")
    hint = did_you_mean(str(kind), KINDS) or "choose one of them"
    return Problem(yaml.place(("kind",)), "unknown-kind", f"`{kind}` is no kind of document that Koma reads", expected, hint, "kind")


def _two_names(yaml: YamlDoc, alias: str, field: str) -> Problem:
    message = f"`{alias}` is another word for `{field}`, and both are here"
    return Problem(yaml.place((alias,), key=True), "two-names", message, "one of them", f"put all entries under `{field}`", alias)


def _renamed(yaml: YamlDoc, alias: str, field: str) -> YamlDoc:
    def move(path: FieldPath) -> FieldPath:
        return (field, *path[1:]) if path[:1] == (alias,) else path

    return _moved(replace(yaml, data={field if name == alias else name: value for name, value in yaml.data.items()}), move)


def _moved(yaml: YamlDoc, move: Callable[[FieldPath], FieldPath | None]) -> YamlDoc:
    """Return the document with its positions under other paths; None drops one."""
    values = {new: spot for path, spot in yaml.values.items() if (new := move(path)) is not None}
    keys = {new: spot for path, spot in yaml.keys.items() if (new := move(path)) is not None}
    return replace(yaml, values=values, keys=keys)


def _check_parts(yaml: YamlDoc, kind: str, index: int) -> tuple[Document | None, list[Problem]]:
    """Check the document again and again without its broken entries, until what is left is sound."""
    model, part = model_of(kind), PARTS.get(kind, "")
    problems: list[Problem] = []
    held: list[str] = []
    while True:
        data, faults = _validate(yaml, model)
        if data is not None:
            document = Document(kind, data["id"], yaml.file, index, data, _positions(yaml, data), tuple(dict.fromkeys(held)))
            return document, problems
        problems += [_problem(fault, yaml) for fault in faults]
        broken = _broken(yaml, faults, part)
        if not broken:
            return None, problems
        held += [_entry_id(yaml.data[part][number]) for number in sorted(broken)]
        yaml = _without(yaml, part, broken)


def _validate(yaml: YamlDoc, model: type[DocumentSpec]) -> tuple[dict[str, Any] | None, list[Fault]]:
    faults = [*_flaws(yaml)]
    known = {fault.loc for fault in faults}
    try:
        spec = model.model_validate(yaml.data)
    except ValidationError as error:
        faults += [fault for fault in faults_of(error, model) if fault.loc not in known]
    else:
        if not faults:
            return spec.model_dump(exclude_unset=True), []
    return None, faults


def _flaws(yaml: YamlDoc) -> Iterator[Fault]:
    """Find what no model sees: fields without a value, and entries of a list that have the same id."""
    todo: list[tuple[FieldPath, Any]] = [((), yaml.data)]
    while todo:
        loc, value = todo.pop()
        if isinstance(value, list):
            yield from _twice(yaml, value, loc)
        for part, item in _items(value):
            if isinstance(item, dict | list):
                todo.append(((*loc, part), item))
            elif item is None:
                yield Fault((*loc, part), "empty-value", f"`{part}` has no value", "a value", "write one, or leave the field out")


def _items(value: Any) -> Iterable[tuple[str | int, Any]]:
    return value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()


def _twice(yaml: YamlDoc, entries: list[Any], loc: FieldPath) -> Iterator[Fault]:
    seen: dict[str, int] = {}
    for number, item in enumerate(entries):
        name = _entry_id(item) if isinstance(item, dict) or loc[-1] == CAST else ""
        if name and seen.setdefault(name, number) != number:
            line, _ = yaml.entry((*loc, seen[name], "id"))
            message = f"the id `{name}` is used twice in `{loc[-1]}`: the first stands in line {line}"
            yield Fault((*loc, number, "id"), "duplicate-id", message, "every id once", "give one of them another id")


def _entry_id(item: Any) -> str:
    """Return the id of a list entry, or an empty string where it has none that is sound."""
    found = item.get("id") if isinstance(item, dict) else item
    return found if isinstance(found, str) and is_id(found) else ""


def _broken(yaml: YamlDoc, faults: list[Fault], part: str) -> set[int]:
    """Return which entries to leave out, with all of the same id; none where the fault lies above them."""
    if not all(fault.loc[:1] == (part,) and len(fault.loc) > 1 for fault in faults):
        return set()
    broken = {number for fault in faults if isinstance(number := fault.loc[1], int)}
    entries = [_entry_id(item) for item in yaml.data[part]]
    names = {entries[number] for number in broken} - {""}
    return broken | {number for number, name in enumerate(entries) if name in names}


def _without(yaml: YamlDoc, part: str, broken: set[int]) -> YamlDoc:
    kept = [number for number in range(len(yaml.data[part])) if number not in broken]
    rank = {number: position for position, number in enumerate(kept)}

    def move(path: FieldPath) -> FieldPath | None:
        if len(path) < 2 or path[0] != part:  # noqa: PLR2004  # the list itself, or another field
            return path
        position = rank.get(path[1])  # type: ignore[arg-type]  # entries of a list have numbers
        return None if position is None else (part, position, *path[2:])

    return _moved(replace(yaml, data=yaml.data | {part: [yaml.data[part][number] for number in kept]}), move)


def _problem(fault: Fault, yaml: YamlDoc) -> Problem:
    place = yaml.place(fault.loc, key=True) if fault.at_key else Place(yaml.file, *yaml.entry(fault.loc))
    return Problem(place, fault.code, fault.message, fault.expected, fault.hint, _address(yaml.data, fault.loc))


def _address(value: Any, loc: FieldPath) -> str:
    """Return the field path that people read: entries with an id by id."""
    names = []
    for part in loc:
        inside = isinstance(value, dict | list) and (part in value if isinstance(value, dict) else int(part) < len(value))
        value = value[part] if inside else None
        names.append(_label(part, value))
    return ".".join(names)


def _label(part: str | int, item: Any) -> str:
    return str(part) if isinstance(part, str) or not isinstance(item, dict) else _entry_id(item) or str(part)


def _positions(yaml: YamlDoc, data: dict[str, Any]) -> dict[str, list[int]]:
    found = {"": [*yaml.entry(())]}
    todo: list[tuple[FieldPath, str, Any]] = [((), "", data)]
    while todo:
        loc, prefix, value = todo.pop()
        for part, item in _items(value):
            path, name = (*loc, part), prefix + _label(part, item)
            found[name] = [*yaml.entry(path)]
            if isinstance(item, dict | list):
                todo.append((path, name + ".", item))
    return found
