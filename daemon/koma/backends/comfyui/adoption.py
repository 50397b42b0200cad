"""Finished files of a prompt that the server has forgotten: how they must be called, and whether they are of this graph.

History lies in the server's memory, files on its disk. The prefix of an attempt holds digests of take and prompt, so a file of that name
was written by that prompt and no other. Counters and suffixes are those of ComfyUI's own save nodes and of VideoHelperSuite.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from koma.core.jsontext import JsonError, read_json
from koma.core.request import RenderRequest
from koma.core.workflow_png import text_chunks

_PICTURES = "SaveImage"
_CLIPS: Mapping[str, tuple[str, ...]] = {
    "SaveAnimatedPNG": ("_00001_.png",),
    "SaveAnimatedWEBP": ("_00001_.webp",),
    "SaveWEBM": ("_00001_.webm",),
    "SaveVideo": ("_00001_.mp4",),
    "VHS_VideoCombine": ("_00001.mkv", "_00001.mp4", "_00001.webm", "_00001.webp", "_00001.gif"),
}
_LARGEST = 32 * 1024 * 1024  # bytes of an embedded graph
_EMBEDDED = "prompt"  # the text of a PNG in which ComfyUI keeps the graph

File = dict[str, str]


def candidates(request: RenderRequest) -> Sequence[Sequence[File]]:
    """Ways in which the one saving node of a request may have called its files, each a whole set in frame order.

    None where the graph has several such nodes, one that is not known, or where the number of frames was left open: then nobody can tell
    whether everything is there. The prefix of the request stands in the node.
    """
    savers = [(node, entry) for node, entry in request.document.items() if "filename_prefix" in entry["inputs"]]
    if len(savers) != 1 or request.frames < 1:
        return ()
    node, entry = savers[0]
    if entry["class_type"] == _PICTURES:
        return ([_file(node, f"{request.prefix}_{number:05d}_.png") for number in range(1, request.frames + 1)],)
    return [[_file(node, request.prefix + tail)] for tail in _CLIPS.get(entry["class_type"], ())]


def _file(node: str, place: str) -> File:
    path = PurePosixPath(place)
    return {"node": node, "filename": path.name, "subfolder": "" if path.parent == PurePosixPath() else str(path.parent), "type": "output"}


def beyond(files: Sequence[Mapping[str, str]]) -> File:
    """Name the file that must not be there, since the set would be one of more frames."""
    head, _, tail = files[-1]["filename"].rpartition(f"_{len(files):05d}")
    return {**files[-1], "filename": f"{head}_{len(files) + 1:05d}{tail}"}


def is_of(data: bytes, graph: Mapping[str, Any]) -> bool:
    """Whether a picture may come of this graph: it carries the same one, or none at all, and then its name has to do."""
    text = (text_chunks(data) or {}).get(_EMBEDDED)
    if text is None:
        return True
    try:
        embedded = read_json(text, _LARGEST, nan=True)
    except JsonError:
        return False
    return isinstance(embedded, Mapping) and list(_drawn(embedded)) == list(_drawn(graph))


def _drawn(graph: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Node by node, what is drawn: servers add fields of their own."""
    for node in sorted(graph):
        entry = graph[node] if isinstance(graph[node], Mapping) else {}
        yield node, entry.get("class_type"), json.dumps(entry.get("inputs"), sort_keys=True, default=list)
