"""Node signatures: what a ComfyUI server says about its nodes, in the smaller form that graph checks read.

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


def _node(entry: Mapping[str, Any]) -> dict[str, Any]:
    inputs = entry["input"]
    return {
        "module": str(entry.get("python_module", "")).removeprefix("custom_nodes."),
        "required": _inputs(inputs.get("required")),
        "optional": _inputs(inputs.get("optional")),
        "output": [_type(output) for output in entry.get("output") or ()],
        "output_node": bool(entry.get("output_node")),
    }


def _inputs(group: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: _input(declared) for name, declared in (group or {}).items()}


def _input(declared: Any) -> dict[str, Any]:
    parts = declared if isinstance(declared, list | tuple) and declared else [declared]
    options = parts[1] if len(parts) > 1 and isinstance(parts[1], Mapping) else {}
    kept = {key: options[key] for key in _KEPT if key in options}
    choices = parts[0] if isinstance(parts[0], list) else options.get("options") if parts[0] == COMBO else None
    if isinstance(choices, list):
        kept["choices"] = list(choices)
    return {"type": _type(parts[0]), **kept}


def _type(declared: Any) -> str:
    return COMBO if isinstance(declared, list) else str(declared)
