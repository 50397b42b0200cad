"""ComfyUI graphs in API format: node id → `class_type` and `inputs`. Read, brought into the form that keys hash, prefixed."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from koma.core.graph_check import Graph, check_graph
from koma.core.jsontext import JsonError, read_json
from koma.core.model_folders import folder_of
from koma.core.node_rules import FILE_SUFFIXES, PLACEHOLDER, NodeRule, Signatures
from koma.core.problem import Place, Problem

__all__ = [
    "PLACEHOLDER",
    "Graph",
    "Signatures",
    "canonical_graph",
    "check_graph",
    "expected_outputs",
    "model_files",
    "parse_graph",
    "placeholders",
    "with_output_prefix",
]

_PREFIX = "filename_prefix"
MAX_BYTES = 16 * 1024 * 1024  # of a rendered graph; large ones have a few hundred thousand


def parse_graph(text: str, file: str) -> dict[str, Any] | Problem:
    """Read a rendered graph; a Problem if it is not one JSON object, has a key twice, holds NaN or infinity, or has no end.

    Line and column count in the rendered text, which differ from the template's below a block that was repeated or left out.
    """
    try:
        graph = read_json(text, MAX_BYTES, unique=True)
    except JsonError as error:
        return _not_json(error, text, file)
    if not isinstance(graph, dict):
        return Problem(Place(file), "not-a-graph", "the rendered graph is not an object", "node id → class_type and inputs")
    return graph


def _not_json(error: JsonError, text: str, file: str) -> Problem:
    if not error.line:
        return Problem(
            Place(file), "not-json", f"the rendered graph is not plain JSON: {error}", "each key once, finite numbers, few levels"
        )
    lines = text.splitlines()
    near = lines[error.line - 1].strip()[:120] if error.line <= len(lines) else ""
    hint = f"the rendered line is: {near}" if near else "look for a missing bracket or a comma too many"
    return Problem(Place(file, error.line, error.column), "not-json", f"the rendered graph is not JSON: {error}", "a JSON object", hint)


def canonical_graph(graph: Graph) -> dict[str, Any]:
    """Only what can change pixels: without `_meta` and without where files go. Node ids stay as they are.

    A graph that was not checked goes through as well; what is no node stays as it is.
    """
    return {node_id: _canonical_node(node) if isinstance(node, Mapping) else node for node_id, node in graph.items()}


def _canonical_node(node: Mapping[str, Any]) -> dict[str, Any]:
    inputs = node.get("inputs")
    if isinstance(inputs, Mapping) and _PREFIX in inputs:
        inputs = {name: value for name, value in inputs.items() if name != _PREFIX}
    return {"class_type": node.get("class_type"), "inputs": inputs}


def with_output_prefix(graph: Graph, prefix: str) -> dict[str, Any]:
    """Copy in which every `filename_prefix` is `prefix`, or `<prefix>/<node id>` where several nodes have one."""
    savers = [node_id for node_id, node in graph.items() if _PREFIX in node["inputs"]]
    changed = dict(graph)
    for node_id in savers:
        place = prefix if len(savers) == 1 else f"{prefix}/{re.sub(r'[^A-Za-z0-9_-]', '_', node_id)}"
        node = graph[node_id]
        changed[node_id] = {**node, "inputs": {**node["inputs"], _PREFIX: place}}
    return changed


def placeholders(value: Any) -> Iterator[str]:
    """Every placeholder of an input in a graph, or in a part of one, however deep."""
    if isinstance(value, str):
        if value.startswith(PLACEHOLDER):
            yield value
    elif isinstance(value, Mapping | list | tuple):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from placeholders(part)


def model_files(graph: Graph, signatures: Signatures) -> list[tuple[str, str]]:
    """List the model files that a checked graph names: (models folder, or the input's name where it is not known; file), in node order."""
    found: dict[tuple[str, str], None] = {}
    for node in graph.values():
        rule = signatures.rule(node["class_type"])
        for name, value in node["inputs"].items():
            known = rule.inputs.get(name) if rule else None
            if isinstance(value, str) and value.lower().endswith(FILE_SUFFIXES) and (known is None or known.type == "COMBO"):
                found[(_folder(rule, name), value)] = None
    return list(found)


def _folder(rule: NodeRule | None, name: str) -> str:
    return (folder_of(rule.name, name, core=rule.from_core) if rule is not None else "") or name


def expected_outputs(graph: Graph, signatures: Signatures) -> dict[str, str]:
    """Node id → class of the nodes of a checked graph that write files; previews, which write only temporary ones, are left out."""
    return {
        node_id: node["class_type"]
        for node_id, node in graph.items()
        if _PREFIX in node["inputs"] and (rule := signatures.rule(node["class_type"])) is not None and rule.output_node
    }
