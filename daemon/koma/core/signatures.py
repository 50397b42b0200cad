"""Node signatures: what a ComfyUI server says about its nodes, in the smaller form that graph checks read.

Node packs write their part of it by hand, so nothing of its shape is promised: what is not as expected counts as not said.

The recorded form is `class → {module, required, optional, output, output_node}`; `required` and `optional` map an input name to
`{type, default, min, max, step, choices, multiline, *_upload}`, each key only where the server gave it. `output` is a list of
type names. A choice of values has the type `COMBO` whichever of the two ways the server wrote it.
"""

from collections.abc import Mapping
from typing import Any

COMBO = "COMBO"
_KEPT = ("default", "min", "max", "step", "multiline", "image_upload", "video_upload", "audio_upload")


def from_object_info(object_info: Mapping[str, Any]) -> dict[str, Any]:
    """Convert the reply of `/object_info`; an entry that is no node description is left out."""
    return {name: _node(entry) for name, entry in object_info.items() if isinstance(entry, Mapping) and "input" in entry}


def read_recorded(data: Any) -> dict[str, Any]:
    """Take what is sound out of a file in the recorded form, which may be damaged or of another version."""
    return {name: _recorded(entry) for name, entry in _mapping(data).items() if isinstance(entry, Mapping)}


def _recorded(entry: Mapping[str, Any]) -> dict[str, Any]:
    groups = {group: _recorded_inputs(entry.get(group)) for group in ("required", "optional")}
    output = entry.get("output")
    return {**entry, **groups, "output": output if isinstance(output, list) else []}


def _recorded_inputs(group: Any) -> dict[str, Any]:
    return {name: {**spec, **_limits(spec)} for name, spec in _mapping(group).items() if isinstance(spec, Mapping) and "type" in spec}


def _node(entry: Mapping[str, Any]) -> dict[str, Any]:
    inputs, output = _mapping(entry["input"]), entry.get("output")
    return {
        "module": str(entry.get("python_module", "")).removeprefix("custom_nodes."),
        "required": _inputs(inputs.get("required")),
        "optional": _inputs(inputs.get("optional")),
        "output": [_type(one) for one in output] if isinstance(output, list | tuple) else [],
        "output_node": bool(entry.get("output_node")),
    }


def _inputs(group: Any) -> dict[str, Any]:
    return {name: _input(declared) for name, declared in _mapping(group).items()}


def _input(declared: Any) -> dict[str, Any]:
    parts = declared if isinstance(declared, list | tuple) and declared else [declared]
    options = parts[1] if len(parts) > 1 and isinstance(parts[1], Mapping) else {}
    kept = {key: options[key] for key in _KEPT if key in options}
    choices = parts[0] if isinstance(parts[0], list) else options.get("options") if parts[0] == COMBO else None
    if isinstance(choices, list):
        kept["choices"] = choices
    return {"type": _type(parts[0]), **kept, **_limits(kept)}


def _limits(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Limits and choices of an input, as far as there can be such."""
    found: dict[str, Any] = {key: _number(spec[key]) for key in ("min", "max") if key in spec}
    if "choices" in spec:
        listed = spec["choices"]
        found["choices"] = [one for one in listed if isinstance(one, str | int | float)] if isinstance(listed, list) else []
    return found


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _type(declared: Any) -> str:
    return COMBO if isinstance(declared, list) else str(declared)
