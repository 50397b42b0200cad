"""Good input for the parsers of `support.parsers`, to be changed until it is bad."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from koma.backends.comfyui.shapes import mapping
from koma.core.node_rules import Signatures
from koma.core.receipt import finished_take, gate_document
from koma.templating.signatures import load_recorded
from support.fake_comfyui_graphs import EXCHANGES
from support.takes import FINISHED, still_job

ROOT = Path(__file__).resolve().parents[2]


@cache
def recorded_signatures() -> Signatures:
    """Signatures that ship with Koma."""
    return load_recorded()


@cache
def graph_seed() -> dict[str, Any]:
    """A graph that a real server ran."""
    graph: dict[str, Any] = EXCHANGES["sampler_success"]["request"]["prompt"]
    return graph


@cache
def workflow_seeds() -> Sequence[Any]:
    """Workflows as people save them."""
    return [json.loads(file.read_bytes()) for file in sorted((ROOT / "tests/templating/workflows").glob("*.json"))]


@cache
def receipt_seeds() -> tuple[Any, Any]:
    """A receipt and the gate document beside it."""
    take = finished_take(still_job(), FINISHED)
    return json.loads(json.dumps(take.receipt)), json.loads(json.dumps(gate_document(take)))


@cache
def lock_seed() -> dict[str, Any]:
    """A models.json."""
    entry = {"file": "a.onnx", "sha256": "a" * 64, "bytes": 5, "licence": "MIT", "commercial": True, "added": "2026-01-01"}
    return {"format_version": 1, "models": {"face-detector": entry}}


@cache
def reply_seeds() -> Sequence[Any]:
    """Answers of a real server."""
    found = [entry[key] for entry in EXCHANGES.values() for key in ("response", "history") if isinstance(entry.get(key), dict)]
    return [*found, {key: EXCHANGES["queue_busy"][key] for key in ("queue_running", "queue_pending")}]


@cache
def message_seeds() -> Sequence[Any]:
    """Messages of its WebSocket, about the prompt `id`."""
    sent = [message for entry in EXCHANGES.values() for message in entry.get("ws", ()) if isinstance(message, dict)]
    return [{**message, "data": {**mapping(message.get("data")), "prompt_id": "id"}} for message in sent][:40]


@cache
def info_seed() -> dict[str, Any]:
    """What a server says of one node."""
    required = {"seed": ["INT", {"default": 0, "min": 0, "max": 2**64 - 1}], "name": [["a", "b"], {}], "image": ["IMAGE"]}
    kinds = {"required": required, "optional": {"mode": ["COMBO", {"options": ["x", 1]}]}}
    return {"Node": {"input": kinds, "output": ["IMAGE", ["a"]], "output_node": True, "python_module": "custom_nodes.pack"}}
