"""Parameters that are made of values in a graph: name, where they go in, limits. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from koma.core.node_rules import Signatures
from koma.core.parameter import Parameter as Limits
from koma.core.parameter import ParameterType, WrongValueError, check_of
from koma.core.plaintext import find_forbidden
from koma.core.template import STANDARD
from koma.core.workflow_trace import Reader, Spot

_CHOICES = 64  # a recorded list of this length may be cut
SEED_MAX = 2**64 - 1
"""Greatest seed that Koma gives."""
_TYPES = {"INT": ParameterType.INT, "FLOAT": ParameterType.FLOAT, "STRING": ParameterType.STRING, "COMBO": ParameterType.CHOICE}


@dataclass(frozen=True, slots=True)
class Hole:
    """One parameter: the value that the workflow had, every place where it goes in, and `expression`, what stands there."""

    name: str
    value: Any
    limits: Limits
    spots: tuple[Spot, ...]
    expression: str

    @property
    def standard(self) -> bool:
        """Whether Koma fills it in by itself."""
        return self.name in STANDARD


@dataclass(slots=True)
class Holes:
    """Collects parameters of one graph; a place belongs to the first that asks for it."""

    reader: Reader
    found: dict[str, Hole] = field(default_factory=dict)
    taken: set[Spot] = field(default_factory=set)

    def add(self, name: str, spots: Iterable[Spot], description: str, *, kind: str = "", folder: str = "", **limits: Any) -> bool:
        """Make a parameter of free places that all hold one fitting value; False where there is none to be made."""
        free = [spot for spot in dict.fromkeys(spots) if spot not in self.taken]
        if not free or name in self.found:
            return False
        value = self.reader.value(free[0])
        made = self._limits(free, kind, description, folder, limits)
        same = [spot for spot in free if _same(self.reader.value(spot), value)]
        if not _fits(made, value):
            return False
        self.found[name] = Hole(name, value, made, tuple(same), _expression(name, self.reader, same))
        self.taken.update(same)
        return True

    def each(self, name: str, spots: Iterable[Spot], description: str, **more: Any) -> None:
        """Make one parameter per value: `steps`, `steps_2`, ... Places with the same value share one."""
        groups: dict[str, list[Spot]] = {}
        for spot in spots:
            if spot not in self.taken and not isinstance(self.reader.value(spot), list):
                groups.setdefault(repr(self.reader.value(spot)), []).append(spot)
        for group in groups.values():
            self.add(self.free(name), group, description, **more)

    def free(self, name: str) -> str:
        """Name that is not taken: `steps`, else `steps_2`, ..."""
        number = 2
        made = name
        while made in self.found:
            made, number = f"{name}_{number}", number + 1
        return made

    def _limits(self, spots: list[Spot], kind: str, description: str, folder: str, more: Mapping[str, Any]) -> Limits:
        specs = [self.reader.spec(spot) for spot in spots]
        given = ParameterType(kind) if kind else _type_of(specs[0], self.reader.value(spots[0]))
        choices = _choices(specs[0], self.reader.signatures) if given is ParameterType.CHOICE else ()
        if given is ParameterType.CHOICE and self.reader.value(spots[0]) not in choices:
            given, choices = ParameterType.STRING, ()
        numbers = given in (ParameterType.INT, ParameterType.FLOAT)
        low = max((spec["min"] for spec in specs if numbers and "min" in spec), default=None)
        high = min((spec["max"] for spec in specs if numbers and "max" in spec), default=None)
        limits: dict[str, Any] = {"min": low, "max": high, "choices": choices, "description": description, "folder": folder, **more}
        return Limits(given, **limits)


def _fits(limits: Limits, value: Any) -> bool:
    if isinstance(value, str) and find_forbidden(value):  # could not be written into a document
        return False
    try:
        check_of(limits)(value)
    except WrongValueError:
        return False
    return True


def _same(one: Any, other: Any) -> bool:
    return type(one) is not bool and type(other) is not bool and bool(one == other)


def _type_of(spec: Mapping[str, Any], value: Any) -> ParameterType:
    kinds = [part.strip() for part in str(spec.get("type", "")).split(",")]
    found = next((_TYPES[kind] for kind in kinds if kind in _TYPES), None)
    if found is not None:
        return found
    return ParameterType.INT if type(value) is int else ParameterType.FLOAT if type(value) is float else ParameterType.STRING


def _choices(spec: Mapping[str, Any], signatures: Signatures) -> tuple[str, ...]:
    listed = spec.get("choices") or ()
    return tuple(map(str, listed)) if signatures.live or len(listed) < _CHOICES else ()


def _expression(name: str, reader: Reader, spots: Iterable[Spot]) -> str:
    """Say what stands in the graph. Koma's seeds have 64 bits, and its rates may have a fraction; some nodes take less."""
    specs = [reader.spec(spot) for spot in spots]
    greatest = min((int(spec["max"]) for spec in specs if "max" in spec), default=SEED_MAX)
    if name.partition("_")[0] == "seed" and 0 < greatest < SEED_MAX:
        return f"{name} % {greatest + 1}"
    whole = {spec.get("type") for spec in specs} == {"INT"}
    return f"{name} | round | int" if name == "fps" and whole else name
