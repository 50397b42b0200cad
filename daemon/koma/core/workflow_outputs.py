"""What a workflow saves, turned into what Koma reads: lossless pictures from one `SaveImage`. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from koma.core.node_rules import Signatures
from koma.core.workflow_note import Note
from koma.core.workflow_trace import Reader, Spot

# Classes that write frames as a film, with the input that holds its rate ("" for none).
FILMS = {
    "VHS_VideoCombine": "frame_rate",
    "ADE_AnimateDiffCombine": "frame_rate",
    "SaveAnimatedWEBP": "fps",
    "SaveAnimatedPNG": "fps",
    "SaveWEBM": "fps",
    "SaveVideo": "",
}
_PICTURES = ("SaveImage", "PreviewImage", "SaveImageWebsocket")


class Saved(NamedTuple):
    """A graph that ends in one `SaveImage` (`node`), the rate of the film it made before (0 for none), and what was changed."""

    graph: dict[str, Any]
    node: str
    rate: float
    film: bool
    notes: tuple[Note, ...]


def lossless(graph: Mapping[str, Any], signatures: Signatures) -> Saved | None:
    """End a graph in one `SaveImage`; None if it has no node whose pictures could be saved."""
    reader = Reader(graph, signatures)
    ends = {node_id: _images(reader, node_id) for node_id in graph if _ends_here(reader, node_id)}
    known = {node_id: link for node_id, link in ends.items() if link is not None}
    if not known:
        return None
    chosen = max(known, key=lambda node_id: _rank(reader, node_id))
    notes = [_told(reader, chosen)] if reader.kind(chosen) != "SaveImage" else []
    changed = dict(graph)
    changed[chosen] = {"class_type": "SaveImage", "inputs": {"images": list(known[chosen]), "filename_prefix": ""}}
    others = [node_id for node_id in ends if node_id != chosen and reader.kind(node_id) != "PreviewImage"]
    notes += [_silenced(reader, node_id, known.get(node_id), changed) for node_id in others]
    film = any(reader.kind(node_id) in FILMS for node_id in ends)
    rates = [rate for node_id in (chosen, *ends) if (rate := _rate(reader, node_id))]
    _drop_unread(reader, ends, changed)
    return Saved(changed, chosen, next(iter(rates), 0.0), film, tuple(notes))


def _ends_here(reader: Reader, node_id: str) -> bool:
    kind = reader.kind(node_id)
    return kind in _PICTURES or kind in FILMS or ("save" in kind.lower() and _images(reader, node_id) is not None)


def _images(reader: Reader, node_id: str) -> tuple[str, int] | None:
    """Link to the frames that a node saves."""
    video = reader.link(node_id, "video")
    source = reader.link(video[0], "images") if video is not None and reader.kind(video[0]) == "CreateVideo" else None
    return source or reader.link(node_id, "images") or reader.link(node_id, "image")


def _rank(reader: Reader, node_id: str) -> tuple[int, int]:
    """Films before pictures before previews; of several, the one that most nodes lead to."""
    kind = reader.kind(node_id)
    return (2 if kind in FILMS else 0 if kind == "PreviewImage" else 1, len(reader.above(node_id)))


def _rate(reader: Reader, node_id: str) -> float:
    spot = Spot(node_id, FILMS.get(reader.kind(node_id), ""))
    video = reader.link(node_id, "video")
    if video is not None:
        spot = Spot(video[0], "fps")
    place = reader.written(spot)
    value: Any = reader.value(place) if place is not None else None
    return float(value) if isinstance(value, int | float) and 0 < value <= 240 else 0.0  # noqa: PLR2004 - the greatest rate of a manifest


def _told(reader: Reader, node_id: str) -> Note:
    kind = reader.kind(node_id)
    inputs = reader.inputs(node_id)
    lost = [name for name, there in (("its pingpong", inputs.get("pingpong") is True), ("its sound", "audio" in inputs)) if there]
    also = f"; {' and '.join(lost)} is lost" if lost else ""
    why = "Koma wants lossless frames, and encodes them itself" if kind in FILMS else "its pictures are the result"
    return Note(f"node {node_id} ({kind}) is now a SaveImage: {why}{also}", hand=bool(lost))


def _silenced(reader: Reader, node_id: str, images: tuple[str, int] | None, changed: dict[str, Any]) -> Note:
    if images is None:
        del changed[node_id]
        return Note(f"node {node_id} ({reader.kind(node_id)}) was left out: its frames come from a node that is not known", hand=True)
    changed[node_id] = {"class_type": "PreviewImage", "inputs": {"images": list(images)}}
    return Note(f"node {node_id} ({reader.kind(node_id)}) is now a PreviewImage: a template gives one result")


def _drop_unread(reader: Reader, ends: Mapping[str, Any], changed: dict[str, Any]) -> None:
    """Take out the nodes that made films of frames, where nothing reads them any more."""
    read = {source for node_id in changed for _, source, _ in Reader(changed, reader.signatures).links(node_id)}
    for video in filter(None, (reader.link(node_id, "video") for node_id in ends)):
        if video[0] not in read and reader.kind(video[0]) == "CreateVideo":
            changed.pop(video[0], None)
