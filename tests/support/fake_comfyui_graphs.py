"""What the fake server does with a graph: checks it as the real one does, and draws pictures that depend on it alone."""

import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

RECORDED = json.loads(Path(__file__).with_name("comfyui_exchanges.json").read_text())
EXCHANGES: dict[str, Any] = RECORDED["exchanges"]
NODES: dict[str, Any] = RECORDED["nodes"]
_MODEL_SUFFIXES = (".safetensors", ".ckpt", ".pt", ".pth", ".bin", ".gguf", ".onnx")
_TRUNCATED = 64  # recorded choice lists stop there
_WRITERS = {"filename_prefix"}


def object_info(signatures: Mapping[str, Any]) -> dict[str, Any]:
    """Recorded signatures, back in the form of `/object_info`."""
    return {name: _raw_node(name, signature) for name, signature in signatures.items()}


def _raw_node(name: str, signature: Mapping[str, Any]) -> dict[str, Any]:
    groups = {group: {key: _raw_input(value) for key, value in signature[group].items()} for group in ("required", "optional")}
    own = signature["module"].startswith(("nodes", "comfy"))
    return {
        "input": groups,
        "output": signature["output"],
        "name": name,
        "python_module": signature["module"] if own else f"custom_nodes.{signature['module']}",
        "output_node": signature["output_node"],
    }


def _raw_input(value: Mapping[str, Any]) -> list[Any]:
    options = {key: part for key, part in value.items() if key not in {"type", "choices"}}
    return [value.get("choices", []) if value["type"] == "COMBO" else value["type"], options]


class InvalidError(Exception):
    """The whole graph is refused; `args[0]` is the error object of the answer, `args[1]` its node_errors."""


def check(
    graph: Mapping[str, Any], signatures: Mapping[str, Any], files: set[str], models: set[str] | None
) -> tuple[list[str], dict[str, Any]]:
    """Return the output nodes that are sound, and node_errors for the others; raises InvalidError where none is left."""
    for node, entry in graph.items():
        if entry["class_type"] not in signatures:
            raise InvalidError(
                _error("invalid_prompt", f"Cannot execute because node {entry['class_type']} does not exist.", f"Node ID '#{node}'"), {}
            )
    ends = [node for node, entry in graph.items() if signatures[entry["class_type"]]["output_node"]]
    if not ends:
        raise InvalidError(_error("prompt_no_outputs", "Prompt has no outputs", ""), {})
    if any(_circular(end, graph, ()) for end in ends):
        raise InvalidError(_error("prompt_outputs_failed_validation", "Prompt outputs failed validation", ""), {})
    found = {node: list(_node_errors(node, graph, signatures, files, models)) for node in graph}
    upstream = {end: _upstream(end, graph) for end in ends}
    good = [end for end in ends if not any(found.get(node) for node in upstream[end])]
    reached = {node for end in ends for node in upstream[end] if found.get(node)}
    errors = {node: _entry(found[node], graph[node]["class_type"], [e for e in ends if node in upstream[e]]) for node in reached}
    if not good:
        raise InvalidError(_error("prompt_outputs_failed_validation", "Prompt outputs failed validation", ""), errors)
    return good, errors


def _error(kind: str, message: str, details: str) -> dict[str, Any]:
    return {"type": kind, "message": message, "details": details, "extra_info": {}}


def _entry(errors: list[dict[str, Any]], class_type: str, ends: list[str]) -> dict[str, Any]:
    return {"errors": errors, "dependent_outputs": ends, "class_type": class_type}


def _circular(node: str, graph: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    return node in path or any(_circular(link, graph, (*path, node)) for link in _links(node, graph))


def _links(node: str, graph: Mapping[str, Any]) -> list[str]:
    return [value[0] for value in graph[node]["inputs"].values() if isinstance(value, list)] if node in graph else []


def _upstream(node: str, graph: Mapping[str, Any]) -> set[str]:
    return {node}.union(*(_upstream(link, graph) for link in _links(node, graph)))


def _node_errors(
    node: str, graph: Mapping[str, Any], signatures: Mapping[str, Any], files: set[str], models: set[str] | None
) -> Iterator[dict[str, Any]]:
    given, signature = graph[node]["inputs"], signatures[graph[node]["class_type"]]
    for name, declared in {**signature["required"], **signature["optional"]}.items():
        info = {"input_name": name, "received_value": given.get(name)}
        if name not in given:
            if name in signature["required"]:
                yield {"type": "required_input_missing", "message": "Required input is missing", "details": name, "extra_info": info}
        elif isinstance(given[name], list):
            yield from _link_errors(given[name], declared, graph, signatures, info)
        elif declared.get("image_upload"):
            if given[name] not in files:
                details = f"{name} - Invalid image file: {given[name]}"
                yield {
                    "type": "custom_validation_failed",
                    "message": "Custom validation failed for node",
                    "details": details,
                    "extra_info": info,
                }
        else:
            yield from _value_errors(given[name], declared, models, info)


def _link_errors(
    link: Sequence[Any], declared: Mapping[str, Any], graph: Mapping[str, Any], signatures: Mapping[str, Any], info: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    name = info["input_name"]
    if link[0] not in graph:
        message = "Exception when validating inner node"
        yield {"type": "exception_during_inner_validation", "message": message, "details": repr(link[0]), "extra_info": info}
        return
    outputs = signatures[graph[link[0]]["class_type"]]["output"]
    kind = outputs[link[1]] if link[1] < len(outputs) else "nothing"
    if "*" not in {kind, declared["type"]} and not set(kind.split(",")) & set(declared["type"].split(",")):
        details = f"{name}, received_type({kind}) mismatch input_type({declared['type']})"
        yield {
            "type": "return_type_mismatch",
            "message": "Return type mismatch between linked nodes",
            "details": details,
            "extra_info": info,
        }


def _value_errors(value: Any, declared: Mapping[str, Any], models: set[str] | None, info: dict[str, Any]) -> Iterator[dict[str, Any]]:
    name, choices = info["input_name"], declared.get("choices") or []
    if declared["type"] in {"INT", "FLOAT"}:
        try:
            value = float(value)
        except (TypeError, ValueError) as error:
            message = f"Failed to convert an input value to a {declared['type']} value"
            yield {"type": "invalid_input_type", "message": message, "details": f"{name}, {value}, {error}", "extra_info": info}
            return
        for limit, word, wrong in (("min", "smaller", float.__lt__), ("max", "bigger", float.__gt__)):
            if limit in declared and wrong(value, float(declared[limit])):
                message = f"Value {value:g} {word} than {limit} of {declared[limit]}"
                yield {"type": f"value_{word}_than_{limit}", "message": message, "details": name, "extra_info": info}
    elif declared["type"] == "COMBO" and not _in_list(value, choices, models):
        details = f"{name}: {value!r} not in {choices}"
        yield {"type": "value_not_in_list", "message": "Value not in list", "details": details, "extra_info": info}


def _in_list(value: Any, choices: list[Any], models: set[str] | None) -> bool:
    if str(value).lower().endswith(_MODEL_SUFFIXES):
        return models is None or value in models
    return value in choices or not choices or len(choices) >= _TRUNCATED


def first_number(graph: Mapping[str, Any], *names: str, default: int) -> int:
    """The first whole number that any node has under one of these input names."""
    values = (entry["inputs"].get(name) for name in names for entry in graph.values())
    return next((value for value in values if isinstance(value, int) and not isinstance(value, bool)), default)


def pixels(graph: Mapping[str, Any], start: int = 0) -> list[np.ndarray]:
    """Frames that the graph asks for: along a drawn street, from `start` px on, with a patch that is of the seed and of everything else.

    File prefixes change nothing. The patch's first row tells how far along a frame is (see `place_of`).
    """
    width, height = first_number(graph, "width", default=64), first_number(graph, "height", default=64)
    count = first_number(graph, "batch_size", "length", "num_frames", default=1)
    bare = {n: {k: v for k, v in e["inputs"].items() if k not in _WRITERS} for n, e in graph.items()}
    seed = hashlib.sha256(json.dumps(bare, sort_keys=True).encode()).digest()
    rng, size = np.random.default_rng(list(seed)), max(4, min(width, height) // 10)
    patch = rng.integers(96, 160, (2, 2, 3), dtype=np.uint8).repeat(size // 2, axis=0).repeat(size // 2, axis=1)
    around, step = _street(width, height), max(2, width // 32)
    return [_seen(around, patch, start + step * number) for number in range(count)]


def _seen(around: np.ndarray, patch: np.ndarray, left: int) -> np.ndarray:
    frame = np.roll(around, -left, axis=1)
    frame[: patch.shape[0], : patch.shape[1]] = patch
    frame[0, :2] = [(left >> 8) & 255, left & 255, _MARK]
    return frame


def place_of(frame: np.ndarray) -> int:
    """How far along the street a frame of this server is, in px; 0 for any other picture."""
    first, second = frame[0, 0], frame[0, 1]
    return int(first[0]) << 8 | int(first[1]) if first[2] == _MARK and (first == second).all() else 0


_MARK = 113


@cache
def _street(width: int, height: int) -> np.ndarray:
    """A picture that meets itself at its sides: flat shapes with edges as drawings have them, and nothing on a grid."""
    rng = np.random.default_rng(7)
    large = Image.new("RGB", (width * _FINER, height * _FINER), (96, 112, 140))
    pen, side = ImageDraw.Draw(large), min(large.size)
    for _ in range(16):
        across, down, size = rng.integers(0, large.width), rng.integers(0, large.height), rng.integers(side // 8, side // 3)
        colour = tuple(int(part) for part in rng.integers(70, 190, 3))
        for shift in (-large.width, 0, large.width):
            pen.ellipse((across + shift, down, across + shift + size, down + size * 3 // 2), colour)
    return np.asarray(large.resize((width, height), Image.Resampling.BOX))


_FINER = 4  # times drawn larger, so that edges are as soft as a model's


def png(frame: np.ndarray, graph: Mapping[str, Any]) -> bytes:
    """One PNG file, which carries the graph as the real ones do."""
    info, out = PngInfo(), io.BytesIO()
    info.add_text("prompt", json.dumps(graph))
    Image.fromarray(frame).save(out, "PNG", pnginfo=info)
    return out.getvalue()


def ffv1(frames: Sequence[np.ndarray], rate: int) -> bytes:
    """A lossless Matroska file of the frames."""
    import av

    out = io.BytesIO()
    with av.open(out, "w", format="matroska") as container:
        stream = container.add_stream("ffv1", rate=rate)
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "bgr0"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return out.getvalue()
