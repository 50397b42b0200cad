"""What the answer to `POST /prompt` means. Pure: a reply in, a `Submitted` out."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from koma.backends.comfyui.shapes import EXCERPT, Reply, items, mapping
from koma.core.model_folders import folder_of
from koma.core.request import Failure, FailureClass, SubmitOutcome, Submitted

# Answers of something that refuses before the queue is reached: a proxy, a limiter, another program on that port.
_NOT_QUEUED = frozenset({301, 302, 303, 307, 308, 401, 403, 404, 405, 407, 429, 503})
_OK = 200
_MODEL_FILE = re.compile(r"\.(safetensors|sft|ckpt|pt|pth|bin|gguf|onnx)$", re.IGNORECASE)
_MISSING_NODE = re.compile(r"node '?(?P<name>.+?)'? (does not exist|not found)")
_UNKNOWN_FOLDER = "<the folder that this node reads>"
_WORST_FIRST = (FailureClass.MISSING_NODE, FailureClass.MISSING_MODEL, FailureClass.INPUT, FailureClass.VALIDATION)


def submitted(reply: Reply, prompt_id: str) -> Submitted:
    """Classify the answer to a prompt that asked for `prompt_id`."""
    if reply.status == _OK:
        return _accepted(reply, prompt_id)
    if reply.status in _NOT_QUEUED:
        message = f"the server answered HTTP {reply.status} and queued nothing; is there a ComfyUI at this address?"
        return Submitted(SubmitOutcome.BUSY, Failure(FailureClass.BACKEND_DOWN, message, reply.text))
    if 400 <= reply.status < 500:  # noqa: PLR2004 - the range that HTTP gives to mistakes of the client
        return Submitted(SubmitOutcome.REJECTED, refusal(reply))
    return _unknown(f"the server answered HTTP {reply.status}; the prompt may have been queued", reply)


def _accepted(reply: Reply, prompt_id: str) -> Submitted:
    if not isinstance(reply.data, Mapping) or not isinstance(reply.data.get("prompt_id"), str):
        return _unknown("the answer to the prompt can't be read; it may have been queued", reply)
    if reply.data.get("node_errors"):
        return Submitted(SubmitOutcome.REJECTED, refusal(reply))
    if reply.data["prompt_id"] != prompt_id:
        message = "the server gave the prompt an id of its own, so it could not be found again; expected: ComfyUI 0.3.64 or newer"
        return Submitted(SubmitOutcome.REJECTED, Failure(FailureClass.VALIDATION, message, reply.text))
    return Submitted(SubmitOutcome.ACCEPTED)


def _unknown(message: str, reply: Reply) -> Submitted:
    return Submitted(SubmitOutcome.UNKNOWN, Failure(FailureClass.LOST, message, reply.text))


@dataclass(frozen=True, slots=True)
class _Finding:
    kind: FailureClass
    message: str


def refusal(reply: Reply) -> Failure:
    """Say in words why the graph was refused: the gravest finding first, the server's own words as the excerpt."""
    data = mapping(reply.data)
    findings = sorted(_findings(data), key=lambda finding: _WORST_FIRST.index(finding.kind)) or [_general(data.get("error"), reply)]
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    excerpt = json.dumps(data.get("node_errors") or data, ensure_ascii=False)[:EXCERPT] if data else reply.text
    return Failure(findings[0].kind, findings[0].message + more, excerpt)


def _findings(data: Mapping[str, Any]) -> Iterator[_Finding]:
    for node_id, entry in mapping(data.get("node_errors")).items():
        for error in items(mapping(entry).get("errors")):
            yield _finding(str(node_id), str(mapping(entry).get("class_type", "?")), mapping(error))


def _finding(node_id: str, class_type: str, error: Mapping[str, Any]) -> _Finding:
    extra = mapping(error.get("extra_info"))
    name, value = str(extra.get("input_name", "")), extra.get("received_value")
    where = f"node {node_id} ({class_type})" + (f", input {name}" if name else "")
    kind = _kind(class_type, name, error)
    if kind is FailureClass.MISSING_MODEL:
        return _Finding(
            kind, f"{where}: model {value!r} is not on the server; put it into models/{folder_of(class_type, name) or _UNKNOWN_FOLDER}"
        )
    details = error.get("details")
    said = f": {details}" if details and details != name else ""
    return _Finding(kind, f"{where}: {error.get('message', 'refused')}{said}")


def _kind(class_type: str, name: str, error: Mapping[str, Any]) -> FailureClass:
    value = str(mapping(error.get("extra_info")).get("received_value", ""))
    if error.get("type") == "value_not_in_list" and (folder_of(class_type, name) or _MODEL_FILE.search(value)):
        return FailureClass.MISSING_MODEL
    if error.get("type") == "custom_validation_failed" and "Invalid" in str(error.get("details")):
        return FailureClass.INPUT
    return FailureClass.VALIDATION


def _general(error: Any, reply: Reply) -> _Finding:
    if not isinstance(error, Mapping):
        said = str(error) if error else reply.text or "no reason given"
        return _Finding(FailureClass.VALIDATION, f"the server refused the graph with HTTP {reply.status}: {said}")
    message, details = str(error.get("message", "refused")), str(error.get("details") or "")
    missing = _MISSING_NODE.search(message)
    if missing and "class_type property" not in message:
        said = f"{details or 'a node'}: the server has no node {missing['name']}; install its node pack"
        return _Finding(FailureClass.MISSING_NODE, said)
    added = f" ({details})" if details not in {"", message} else ""
    return _Finding(FailureClass.VALIDATION, f"the server refused the graph: {message}{added}")
