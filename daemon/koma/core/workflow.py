"""Workflows as people save them: which of ComfyUI's forms a text is in, and its graph in API format. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from koma.core.jsontext import JsonError, read_json
from koma.core.node_rules import Signatures
from koma.core.problem import Place, Problem
from koma.core.workflow_note import Note
from koma.core.workflow_png import text_chunks
from koma.core.workflow_ui import from_ui

_MAX_BYTES = 32 * 1024 * 1024  # of a text; large workflows have a few hundred thousand
_WANTED = "a workflow that ComfyUI saved, or its export in API format"


class Workflow(NamedTuple):
    """One graph in API format (node id → `class_type`, `inputs`), the form it was saved in, and what a person has to know.

    `text` is what an API export says, for finding lines; "" for other forms.
    """

    graph: dict[str, Any]
    form: str
    notes: tuple[Note, ...]
    text: str


def read_workflow(data: bytes, file: str, signatures: Signatures) -> Workflow | Problem:
    """Read a JSON text, or a PNG picture that carries one; a Problem at the place in `file` where it is none."""
    chunks = text_chunks(data)
    if chunks is None:
        text = _decoded(data, file)
        return text if isinstance(text, Problem) else _of_text(text, file, signatures)
    for name in ("prompt", "workflow"):  # the first is what the server ran
        if name in chunks:
            found = _of_text(chunks[name], file, signatures)
            return _inside(found, name) if isinstance(found, Problem) else found._replace(form=f"PNG picture, {found.form}", text="")
    held = ", ".join(sorted(chunks)) or "none"
    hint = "take the picture as ComfyUI saved it: programs that edit pictures, and many web pages, drop the graph"
    return Problem(Place(file), "no-graph", f"the picture carries no graph (its texts: {held})", "a PNG text `prompt` or `workflow`", hint)


def _decoded(data: bytes, file: str) -> str | Problem:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"this is neither a PNG picture nor UTF-8 text: byte {error.start} is 0x{data[error.start]:02x}"
        return Problem(Place(file), "not-utf-8", message, _WANTED)


def _inside(problem: Problem, name: str) -> Problem:
    return problem._replace(place=Place(problem.place.file), message=f"its text `{name}`: {problem.message}")


def _of_text(text: str, file: str, signatures: Signatures) -> Workflow | Problem:
    try:
        data = read_json(text, _MAX_BYTES, nan=True)  # servers write NaN beside graphs
    except JsonError as error:
        return Problem(Place(file, error.line, error.column), "not-json", f"this is not JSON: {error}", _WANTED)
    return _of_data(data, text, file, signatures)


def _of_data(data: Any, text: str, file: str, signatures: Signatures) -> Workflow | Problem:
    if isinstance(data, dict) and isinstance(data.get("nodes"), list):
        graph, notes = from_ui(data, signatures)
        found = Workflow(graph, "UI format", tuple(notes), "")
    else:
        nodes = data.get("prompt", data) if isinstance(data, dict) else None
        if not isinstance(nodes, dict) or not any(isinstance(node, Mapping) and "class_type" in node for node in nodes.values()):
            return Problem(Place(file, 1, 1), "not-a-workflow", "no node of ComfyUI stands in this file", _WANTED)
        found = Workflow({node_id: _clean(node) for node_id, node in nodes.items()}, "API format", (), text)
    return found if found.graph else Problem(Place(file), "empty-graph", "the workflow has no node that the server would run", _WANTED)


def _clean(node: Any) -> Any:
    """Keep what the server reads; what is no node stays as it is, and is refused later."""
    return {key: node[key] for key in ("class_type", "inputs") if key in node} if isinstance(node, dict) else node
