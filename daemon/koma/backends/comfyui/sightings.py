"""Where a prompt is and how it ended, from `/queue`, `/history/{id}` and `/system_stats`. Pure: JSON values in, values out."""

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from koma.backends.comfyui.shapes import EXCERPT, items, mapping, number
from koma.core.request import BackendStatus, Failure, FailureClass, Sighting, Stage

OURS = "koma"  # the key in extra_data by which our prompts are known in the queue
_PICTURES = ("images", "gifs", "videos", "video")
_OUT_OF_MEMORY = ("out of memory", "outofmemory", "allocation on device", "not enough memory")
_DISK_FULL = ("no space left on device", "not enough space on the disk", "disk quota exceeded")
_ENDS = ("execution_success", "execution_error", "execution_interrupted")
_PROMPT_ID, _EXTRA_DATA = 1, 3  # places in an entry of the queue


def is_queue(answer: Mapping[str, Any]) -> bool:
    """Whether this is what `/queue` says, and not some proxy's word for an error: from that nothing would be absent."""
    return isinstance(answer.get("queue_running"), list) and isinstance(answer.get("queue_pending"), list)


def in_queue(queue: Mapping[str, Any], prompt_id: str) -> Stage | None:
    """Return RUNNING or QUEUED, None if the queue does not have it."""
    if prompt_id in _ids(queue.get("queue_running")):
        return Stage.RUNNING
    return Stage.QUEUED if prompt_id in _ids(queue.get("queue_pending")) else None


def is_idle(queue: Mapping[str, Any], unwanted: Collection[str]) -> bool:
    """Whether the server works on nothing, or on nothing but prompts that were cancelled and do not stop."""
    running = items(queue.get("queue_running"))
    return not running or (len(running) == len(_ids(running)) and _ids(running) <= set(unwanted))


def others_waiting(queue: Mapping[str, Any]) -> int:
    """How many waiting prompts are not Koma's."""
    return _others(queue.get("queue_pending"))


def _others(part: Any) -> int:
    return sum(OURS not in mapping(entry[_EXTRA_DATA]) for entry in _entries(part))


def _entries(part: Any) -> Iterator[list[Any]]:
    yield from (entry for entry in items(part) if isinstance(entry, list) and len(entry) > _EXTRA_DATA)


def _ids(part: Any) -> set[str]:
    return {str(entry[_PROMPT_ID]) for entry in _entries(part)}


def from_history(entry: Mapping[str, Any], peak_memory: int | None = None) -> Sighting:
    """Say how a finished prompt ended. A success without a picture file is a failure: nothing came of it that can be used."""
    messages = _messages(entry)
    files = _files(mapping(entry.get("outputs")))
    failure = _failure(entry, messages) or (None if files else _no_output(entry))
    if failure is not None:
        return Sighting(Stage.FAILED, {}, failure, _seconds(messages), peak_memory)
    from_cache = {item["node"] for item in files} <= {str(node) for node in items(messages.get("execution_cached", {}).get("nodes"))}
    return Sighting(Stage.SUCCEEDED, {"files": files}, None, _seconds(messages), peak_memory, cached=from_cache)


def _messages(entry: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    listed = items(mapping(entry.get("status")).get("messages"))
    return {str(pair[0]): mapping(pair[1]) for pair in listed if isinstance(pair, list) and len(pair) > 1}


def _seconds(messages: Mapping[str, Mapping[str, Any]]) -> float | None:
    start = number(messages.get("execution_start", {}).get("timestamp"))
    end = next((number(messages[name].get("timestamp")) for name in _ENDS if name in messages), None)
    return None if start is None or end is None else max(0.0, end - start) / 1000


def _failure(entry: Mapping[str, Any], messages: Mapping[str, Mapping[str, Any]]) -> Failure | None:
    if "execution_interrupted" in messages:
        return Failure(FailureClass.INTERRUPTED, f"{_where(messages['execution_interrupted'])}: interrupted at the server")
    if "execution_error" in messages:
        return _node_failure(messages["execution_error"])
    said = mapping(entry.get("status")).get("status_str", "success")
    return None if said == "success" else Failure(FailureClass.INTERNAL, f"the server reports {said!r} and gives no reason")


def _no_output(entry: Mapping[str, Any]) -> Failure:
    said = "the prompt ended well but saved no picture; expected: an output node that saves files (SaveImage, a video node)"
    return Failure(FailureClass.NO_OUTPUT, said, json.dumps(entry.get("outputs"))[:EXCERPT])


def _node_failure(error: Mapping[str, Any]) -> Failure:
    kind, said = str(error.get("exception_type", ""))[:EXCERPT], str(error.get("exception_message", "")).strip()[:EXCERPT]
    full = any(words in f"{kind} {said}".lower() for words in _OUT_OF_MEMORY)
    trace = "".join(str(line) for line in items(error.get("traceback")))[-EXCERPT:]
    if any(words in said.lower() for words in _DISK_FULL):  # no shot is to blame, and none would fare better
        return Failure(FailureClass.BACKEND_DOWN, f"{_where(error)}: the server's disk is full; make room there: {said}", trace)
    return Failure(FailureClass.OUT_OF_MEMORY if full else FailureClass.NODE, f"{_where(error)}: {kind}: {said}", trace)


def _where(data: Mapping[str, Any]) -> str:
    return f"node {data.get('node_id', '?')} ({data.get('node_type', '?')})"


def _files(outputs: Mapping[str, Any]) -> list[dict[str, str]]:
    found = ((node, mapping(item)) for node in sorted(outputs, key=_node_order) for item in _pictures(mapping(outputs[node])))
    return [_file(node, item) for node, item in found if item.get("filename") and item.get("type") == "output"]


def _pictures(output: Mapping[str, Any]) -> Iterator[Any]:
    for kind in _PICTURES:
        yield from items(output.get(kind))


def _file(node: str, item: Mapping[str, Any]) -> dict[str, str]:
    return {"node": node, "filename": str(item["filename"]), "subfolder": str(item.get("subfolder") or ""), "type": "output"}


def _node_order(node: str) -> list[tuple[int, int, str]]:
    """Sort `2` before `10`, and `2:1` (a node inside a subgraph) after `2`."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in node.split(":")]


def memory_in_use(stats: Mapping[str, Any]) -> int | None:
    """Bytes in use on the first accelerator, by anyone; None without one (on a CPU the figure is that of the whole machine)."""
    device = _accelerator(stats)
    total, free = _bytes(device.get("vram_total")), _bytes(device.get("vram_free"))
    return None if total is None or free is None else total - free


def status(stats: Mapping[str, Any], queue: Mapping[str, Any]) -> BackendStatus:
    """Condense what a server that is up says of itself."""
    system, device = mapping(stats.get("system")), _accelerator(stats)
    named = {"comfyui": "comfyui_version", "python": "python_version", "pytorch": "pytorch_version"}
    return BackendStatus(
        up=True,
        version=str(system.get("comfyui_version") or ""),
        vram_total=_bytes(device.get("vram_total")),
        vram_free=_bytes(device.get("vram_free")),
        others_waiting=others_waiting(queue),
        others_running=_others(queue.get("queue_running")),
        ram_total=_bytes(system.get("ram_total")),
        ram_free=_bytes(system.get("ram_free")),
        versions={name: str(system[key]) for name, key in named.items() if system.get(key)},
        device=_device(stats),
    )


def _accelerator(stats: Mapping[str, Any]) -> Mapping[str, Any]:
    return next((mapping(device) for device in items(stats.get("devices")) if mapping(device).get("type") != "cpu"), {})


def _device(stats: Mapping[str, Any]) -> str:
    kinds = [str(mapping(device).get("type") or "") for device in items(stats.get("devices"))]
    return next((kind for kind in kinds if kind != "cpu"), "cpu" if kinds else "")


def _bytes(value: Any) -> int | None:
    found = number(value)
    return None if found is None else int(found)
