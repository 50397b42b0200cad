"""Pictures and clips that a workflow loads, and where Koma should take them from. Pure."""

from collections.abc import Iterator
from typing import NamedTuple

from koma.core.workflow_note import Note
from koma.core.workflow_trace import Reader, Spot

_CONTROL = ("pose", "depth")
_DETECTORS = ("Preprocessor", "Detect", "Estimat")  # classes that make a control picture of any other


class Picture(NamedTuple):
    """One picture: its name in the template, where it comes from, every place where it goes in, and the file that the workflow had."""

    name: str
    source: str
    spots: tuple[Spot, ...]
    file: str


def pictures_of(reader: Reader, end: str, phase: str) -> tuple[list[Picture], list[Note]]:
    """Every file that is loaded: as a picture where the server takes an upload there, else as a note."""
    files: dict[str, list[Spot]] = {}
    notes: list[Note] = []
    for spot in _loads(reader, end):
        if _takes_upload(reader, spot) and (spot.input == "image" or phase == "finish"):
            files.setdefault(str(reader.value(spot)), []).append(spot)
        else:
            kind, file = reader.kind(spot.node), reader.value(spot)
            notes.append(Note(f"node {spot.node} ({kind}) loads {file!r} from the server, which Koma can't replace", hand=True))
    found: list[Picture] = []
    for file, spots in files.items():
        found.append(_picture(reader, end, phase, found, file, spots))
    return found, notes


def _loads(reader: Reader, end: str) -> Iterator[Spot]:
    for node_id in reader.above(end):
        if "Load" in reader.kind(node_id):
            yield from (Spot(node_id, name) for name in ("image", "video", "file") if isinstance(reader.inputs(node_id).get(name), str))


def _takes_upload(reader: Reader, spot: Spot) -> bool:
    kind = reader.kind(spot.node)
    if kind == "LoadImageOutput":  # lists a folder that nothing can be uploaded to
        return False
    return kind.startswith("LoadImage") or any(key.endswith("_upload") and given for key, given in reader.spec(spot).items())


def _picture(reader: Reader, end: str, phase: str, before: list[Picture], file: str, spots: list[Spot]) -> Picture:
    control = _control(reader, end, spots[0].node)
    clip = spots[0].input != "image"
    source = control or ("clip" if clip else "picture" if phase == "finish" else "reference" if phase == "still" else "still")
    if not control and any(picture.source == source for picture in before):
        source = "reference"
    name = control.rpartition(".")[2] or ("clip" if clip else "image")
    number = sum(picture.name.partition("_")[0] == name for picture in before)
    return Picture(f"{name}_{number + 1}" if number else name, source, tuple(spots), file)


def _control(reader: Reader, end: str, node_id: str) -> str:
    """`control.pose` or `control.depth` where a picture goes into such a ControlNet as it is, else ""."""
    reached = {node_id}
    for later in reader.above(end):
        read = [name for name, source, _ in reader.links(later) if source in reached]
        if not read:
            continue
        if "ControlNetApply" in reader.kind(later):
            return _kind_of_control(reader, later) if "image" in read else ""
        if any(word in reader.kind(later) for word in _DETECTORS):
            return ""
        if {"IMAGE"} >= set(reader.outputs(later) or ()):
            reached.add(later)
    return ""


def _kind_of_control(reader: Reader, node_id: str) -> str:
    link = reader.link(node_id, "control_net")
    nodes = reader.above(link[0]) if link is not None else []
    said = " ".join(str(value) for name in nodes for value in reader.inputs(name).values() if isinstance(value, str)).lower()
    return next((f"control.{word}" for word in _CONTROL if word in said), "")
