"""Placeholders in a graph: where they stand, and what the server calls the file that belongs there. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from koma.core.graph import placeholders


def fill(graph: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Copy the graph with every placeholder that stands as an input value replaced by the server's name for the file."""
    return {node: _fill_node(entry, names) for node, entry in graph.items()}


def _fill_node(entry: Any, names: Mapping[str, str]) -> Any:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("inputs"), Mapping):
        return entry
    return {**entry, "inputs": {name: _fill_value(value, names) for name, value in entry["inputs"].items()}}


def _fill_value(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, Mapping):
        return {key: _fill_value(part, names) for key, part in value.items()}
    return [_fill_value(part, names) for part in value] if isinstance(value, list | tuple) else value


def defects(graph: Any) -> Iterator[str]:
    """Say what would make the server answer 500, or kill its worker, instead of refusing: graphs that are no graphs.

    One node without `inputs` stops the worker thread of a real server for good, behind an HTTP side that stays healthy.
    """
    if not isinstance(graph, Mapping) or not graph:
        yield "the document is no graph; expected: node ids, each with class_type and inputs"
        return
    for node, entry in graph.items():
        if not isinstance(entry, Mapping) or not isinstance(entry.get("class_type"), str):
            yield f"node {node}: no class_type; expected: {{class_type: ..., inputs: {{...}}}}"
        elif not isinstance(entry.get("inputs"), Mapping):
            yield f"node {node} ({entry['class_type']}): no inputs; expected: a mapping, empty if it has none"


def unfilled(graph: Mapping[str, Any]) -> Iterator[str]:
    """Name the placeholders that still stand in a filled graph."""
    for node, entry in graph.items():
        for name in placeholders(entry.get("inputs")):
            yield f"node {node} ({entry.get('class_type')}): no file was given for {name}"
