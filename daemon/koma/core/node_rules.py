"""What a node class takes and gives, compiled from signatures: one rule per input, made once and used for every graph."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, NamedTuple

from koma.core.hints import closest

PLACEHOLDER = "koma-input:"
"""Begins the name under which a document speaks of a picture or clip that it is given."""
"""A string that starts with this stands in a graph where an uploaded file's name goes."""

FILE_SUFFIXES = (".safetensors", ".sft", ".gguf", ".ckpt", ".pt", ".pt2", ".pth", ".bin", ".onnx", ".pkl", ".yaml", ".engine")
"""What names of model files end with."""

_CHOICES_RECORDED = 64  # a recording may stop there, so a list of this length proves nothing about other values

LISTED = 12  # choices named in a message: what fits a line


class Fault(NamedTuple):
    """What is wrong with one value: code, message (without the place), what was expected, what to do; `missing` as in Problem."""

    code: str
    message: str
    expected: str = ""
    hint: str = ""
    missing: str = ""


Check = Callable[[Any], Fault | None]


@dataclass(frozen=True, slots=True)
class InputRule:
    """One input. `literal` judges a value written into the graph, `types` are the output types a link may come from ("*" is any)."""

    type: str
    literal: Check
    types: frozenset[str]


@dataclass(frozen=True, slots=True)
class NodeRule:
    """One node class. `outputs` are the types by slot; `open` says that it takes input names beyond those listed."""

    name: str
    module: str
    required: tuple[str, ...]
    inputs: Mapping[str, InputRule]
    outputs: tuple[str, ...]
    output_node: bool
    open: bool

    @property
    def from_core(self) -> bool:
        """Whether the server brings the class by itself, without a node pack."""
        return is_core(self.module)


def placeholder(name: str) -> str:
    """Name under which a document speaks of an input: `koma-input:image`; a name that is whole already (`reference:aki`) stays."""
    return name if ":" in name else PLACEHOLDER + name


def is_core(module: str) -> bool:
    """Whether a module of node classes belongs to the server itself."""
    return module.startswith(("nodes", "comfy_extras"))


class Signatures:
    """Node signatures in the recorded form, with their rules compiled on first use.

    `classes` maps a class to `module`, `required` and `optional` inputs (`type`, `default`, `min`, `max`, `choices`, `*_upload`),
    `output` types and `output_node`. `live` says that they are one running server's answer: only then do lists of model files
    say what is there. `elsewhere` are other signatures, asked only for the pack of a class that is missing here.
    Not for changing: rules are kept.
    """

    def __init__(self, classes: Mapping[str, Any], *, live: bool = False, elsewhere: "Signatures | None" = None) -> None:
        self.classes = classes
        self.live = live
        self.elsewhere = elsewhere
        self._rules: dict[str, NodeRule] = {}
        self._made: frozenset[str] | None = None

    def rule(self, class_type: str) -> NodeRule | None:
        """Rule of a class, or None if there is no such class."""
        found = self._rules.get(class_type)
        if found is None and class_type in self.classes:
            found = self._rules[class_type] = self._compile(self.classes[class_type], class_type)
        return found

    def pack_of(self, class_type: str) -> str:
        """Where a class comes from (`nodes`, a pack's folder name), "" if nobody knows."""
        if class_type in self.classes:
            return str(self.classes[class_type].get("module", ""))
        return self.elsewhere.pack_of(class_type) if self.elsewhere is not None else ""

    def _compile(self, signature: Mapping[str, Any], class_type: str) -> NodeRule:
        given = {**signature.get("optional", {}), **signature["required"]}
        return NodeRule(
            name=class_type,
            module=str(signature.get("module", "")),
            required=tuple(signature["required"]),
            inputs={name: self._input(spec) for name, spec in given.items()},
            outputs=tuple("COMBO" if isinstance(kind, list) else str(kind) for kind in signature.get("output", ())),
            output_node=bool(signature.get("output_node")),
            open=bool(signature.get("open")) or class_type in _OPEN_CLASSES,
        )

    def _input(self, spec: Mapping[str, Any]) -> InputRule:
        kind = str(spec["type"])
        names = frozenset(part.strip() for part in kind.split(","))
        return InputRule(kind, self._literal(spec, names), names)

    def _literal(self, spec: Mapping[str, Any], names: frozenset[str]) -> Check:
        checks = [self._one(spec, name) for name in sorted(names)]
        if len(checks) == 1:
            return checks[0]
        return lambda value: None if any(check(value) is None for check in checks) else checks[0](value)

    def _one(self, spec: Mapping[str, Any], name: str) -> Check:
        low, high = spec.get("min"), spec.get("max")
        match name:
            case "INT":
                return _int_check(-inf if low is None else low, inf if high is None else high)
            case "FLOAT":
                return _float_check(-inf if low is None else low, inf if high is None else high)
            case "STRING":
                return _string_check
            case "BOOLEAN":
                return _bool_check
            case "COMBO":
                return self._combo(spec)
            case _:
                return _link_only(name) if self._is_made(name) else _anything

    def _combo(self, spec: Mapping[str, Any]) -> Check:
        listed = spec.get("choices")
        choices = tuple(listed or ())
        if any(key.endswith("_upload") and given for key, given in spec.items()):
            return _upload_check
        if listed is None or (not self.live and (not choices or len(choices) >= _CHOICES_RECORDED)):
            return _any_choice
        return _choice_check(choices) if self.live else _recorded_check(choices)

    def _is_made(self, kind: str) -> bool:
        """Whether some node gives this type: if not, only a value in the graph can fill such an input."""
        if self._made is None:
            self._made = frozenset(str(kind) for signature in self.classes.values() for kind in signature.get("output", ()))
        return kind in self._made and kind != "*"


# Their inputs depend on the value of another input, which signatures do not tell.
_OPEN_CLASSES = frozenset({"VHS_VideoCombine"})


def compact(classes: Mapping[str, Any], *, files: bool = False) -> dict[str, Any]:
    """Signatures as they are kept in a file: sorted, without what no check reads; `files` keeps the names of one machine's files."""
    return {name: _compact_class(classes[name], files=files) for name in sorted(classes)}


def _compact_class(signature: Mapping[str, Any], *, files: bool) -> dict[str, Any]:
    kept = {key: signature[key] for key in ("module", "output", "output_node") if key in signature}
    if signature.get("open"):
        kept["open"] = True
    for group in ("required", "optional"):
        kept[group] = {name: _compact_input(spec, files=files) for name, spec in signature.get(group, {}).items()}
    return kept


def _compact_input(spec: Mapping[str, Any], *, files: bool) -> dict[str, Any]:
    kept = {key: spec[key] for key in sorted(spec) if key in {"type", "default", "min", "max", "choices"} or key.endswith("_upload")}
    choices = kept.get("choices")
    if choices and not files and all(isinstance(choice, str) and choice.lower().endswith(FILE_SUFFIXES) for choice in choices):
        kept["choices"] = []
    return kept


def shown(value: Any) -> str:
    """Write a value for a message, cut to 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004 - the number is in the sentence above


def _wrong_type(value: Any, expected: str) -> Fault:
    if isinstance(value, list):
        hint = 'a list is read as a link [node id, slot]; write a constant list as {"__value__": [...]}'
        return Fault("wrong-type", f"got the list {shown(value)}", expected, hint)
    return Fault("wrong-type", f"got {shown(value)}, {_article(value)}", expected)


def _article(value: Any) -> str:
    words = {str: "a text", bool: "a boolean", int: "a whole number", float: "a number", dict: "an object", type(None): "nothing"}
    return words.get(type(value), "something else")


def _span(low: float, high: float) -> str:
    parts = [f"at least {low:.15g}"] if low != -inf else []
    parts += [f"at most {int(high) if high != inf and float(high).is_integer() else high}"] if high != inf else []
    return " and ".join(parts)


def _int_check(low: float, high: float) -> Check:
    def check(value: Any) -> Fault | None:
        if type(value) is not int:
            return _wrong_type(value, "a whole number")
        return None if low <= value <= high else Fault("out-of-range", f"{value} is out of range", _span(low, high))

    return check


def _float_check(low: float, high: float) -> Check:
    def check(value: Any) -> Fault | None:
        if type(value) is not float and type(value) is not int:
            return _wrong_type(value, "a number")
        return None if low <= value <= high else Fault("out-of-range", f"{value} is out of range", _span(low, high))

    return check


def _string_check(value: Any) -> Fault | None:
    return None if type(value) is str else _wrong_type(value, "a text")


def _bool_check(value: Any) -> Fault | None:
    return None if type(value) is bool else _wrong_type(value, "true or false")


def _any_choice(value: Any) -> Fault | None:
    if type(value) not in (str, int, float, bool):
        return _wrong_type(value, "a name")
    return _misplaced(value) if isinstance(value, str) and value.startswith(PLACEHOLDER) else None


def _upload_check(value: Any) -> Fault | None:
    return None if type(value) is str else _wrong_type(value, "the name of an uploaded file")


def _choice_check(choices: tuple[Any, ...]) -> Check:
    known = frozenset(choices)

    def check(value: Any) -> Fault | None:
        if type(value) not in (str, int, float, bool):
            return _wrong_type(value, "one of the choices")
        return None if value in known else _not_a_choice(value, choices)

    return check


def _recorded_check(choices: tuple[Any, ...]) -> Check:
    """Take any model file as well: a recording does not say which files a server has."""
    listed = _choice_check(choices)

    def check(value: Any) -> Fault | None:
        return None if isinstance(value, str) and value.lower().endswith(FILE_SUFFIXES) else listed(value)

    return check


def _not_a_choice(value: Any, choices: tuple[Any, ...]) -> Fault:
    if isinstance(value, str) and value.startswith(PLACEHOLDER):
        return _misplaced(value)
    if isinstance(value, str) and value.lower().endswith(FILE_SUFFIXES):
        near = closest(value, [str(choice) for choice in choices])
        expected = (
            f"closest: {near}" if near else f"one of {_listed(choices)}" if choices else "a file: the server lists none in that folder"
        )
        hint = "put the file into the server's models folder, or name another"
        return Fault("missing-model", f"the server has no file {value!r}", expected, hint, value)
    near = closest(str(value), [str(choice) for choice in choices])
    expected = f"one of {_listed(choices) or 'none'}" + (f"; closest: {near}" if near else "")
    return Fault("unknown-choice", f"{shown(value)} is not a choice", expected)


def _listed(choices: tuple[Any, ...]) -> str:
    return ", ".join(map(str, choices[:LISTED])) + (", ..." if len(choices) > LISTED else "")


def _misplaced(value: str) -> Fault:
    return Fault("misplaced-input", f"{value!r} stands where no uploaded file can go", "an input such as that of LoadImage")


def _link_only(kind: str) -> Check:
    def check(value: Any) -> Fault | None:
        return Fault("wrong-type", f"got {shown(value)}", f"a link [node id, slot] to a node that gives {kind}")

    return check


def _anything(_value: Any) -> Fault | None:
    return None
