"""The graph file of a template that is made of a workflow: JSON with tags in it. Pure."""

import json
import re
from collections.abc import Mapping
from typing import Any

from koma.core.workflow_guess import Guess
from koma.core.workflow_trace import Spot

_TAG = re.compile(r"\{[{%#]")  # what the template language would read as its own


def graph_text(guess: Guess) -> str:
    """Text of `graph.json.j2`: every node as it was, with a tag in each place that a parameter or picture fills."""
    tags = {spot: hole.expression for hole in guess.holes.values() for spot in hole.spots}
    tags |= {spot: picture.name for picture in guess.pictures for spot in picture.spots}
    tags |= {Spot(guess.end, "filename_prefix"): "output_prefix"}
    return "{\n" + ",\n".join(_node(node_id, node, tags) for node_id, node in guess.graph.items()) + "\n}\n"


def _node(node_id: str, node: Any, tags: Mapping[Spot, str]) -> str:
    if not isinstance(node, Mapping) or not isinstance(node.get("inputs"), Mapping):
        return f"  {literal(node_id)}: {literal(node)}"
    fields = [f"      {literal(name)}: {_field(tags.get(Spot(node_id, name)), value)}" for name, value in node["inputs"].items()]
    inputs = "{\n" + ",\n".join(fields) + "\n    }" if fields else "{}"
    return f'  {literal(node_id)}: {{\n    "class_type": {literal(node.get("class_type"))},\n    "inputs": {inputs}\n  }}'


def _field(tag: str | None, value: Any) -> str:
    return literal(value) if tag is None else f"{{{{ {tag} }}}}"


def literal(value: Any) -> str:
    """JSON that the template language leaves alone: a text that looks like a tag stands in a tag of its own, as a constant."""
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)
        return f"{{{{ {json.dumps(value)} }}}}" if _TAG.search(value) else text
    if isinstance(value, list):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    if isinstance(value, Mapping):
        fields = ", ".join(f"{literal(str(name))}: {literal(item)}" for name, item in value.items())
        return f"{{ {fields} }}" if fields else "{}"  # a brace before a tag would be read as part of it
    return json.dumps(value)
