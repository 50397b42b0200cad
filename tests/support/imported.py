"""Workflows to import: the files in tests/templating/workflows, and the way from one to a rendered graph."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from koma.core.graph import parse_graph
from koma.core.manifest import parse_sample, parse_template
from koma.core.template import Template, bind
from koma.core.workflow import Workflow, read_workflow
from koma.core.workflow_folder import folder_files
from koma.core.workflow_guess import Guess, guess
from koma.core.workflow_outputs import lossless
from koma.templating.jinja import JinjaRenderer
from koma.templating.signatures import load_recorded

WORKFLOWS = Path(__file__).parents[1] / "templating" / "workflows"


class Imported(NamedTuple):
    """A workflow that became a template."""

    guess: Guess
    manifest: Template
    files: dict[str, str]
    graph: dict[str, Any]
    sample: Any


def api_nodes(name: str) -> dict[str, Any]:
    """Nodes of an API file: id → (class, inputs)."""
    data = json.loads((WORKFLOWS / name).read_text())
    return nodes_of(data.get("prompt", data))


def nodes_of(graph: dict[str, Any]) -> dict[str, Any]:
    return {node_id: (node["class_type"], node["inputs"]) for node_id, node in graph.items()}


def read(name: str) -> Workflow:
    found = read_workflow((WORKFLOWS / name).read_bytes(), name, load_recorded())
    assert isinstance(found, Workflow), found
    return found


def import_graph(graph: dict[str, Any], phase: str = "") -> Imported:
    """Make a template of a graph in API format, read it back, and render it with its own sample."""
    saved = lossless(graph, load_recorded())
    assert saved is not None
    made = guess(saved, load_recorded(), phase)
    files = folder_files(made, "made", "made.json", "API format")
    manifest = parse_template(files["template.yaml"], "template.yaml")
    assert isinstance(manifest, Template), manifest
    sample = parse_sample(files["sample.yaml"], "sample.yaml")
    assert isinstance(sample, dict), sample
    bound, problems = bind(manifest, sample)
    assert problems == []
    (text,) = JinjaRenderer().render("graph.json.j2", files["graph.json.j2"], [bound])
    assert isinstance(text, str), text
    rendered = parse_graph(text, "graph.json.j2")
    assert isinstance(rendered, dict), rendered
    return Imported(made, manifest, files, rendered, sample)


def import_file(name: str, phase: str = "") -> Imported:
    return import_graph(read(name).graph, phase)
