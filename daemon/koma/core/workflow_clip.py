"""What kind of thing a workflow makes: phase, model family, how many frames one run can give. Tables of guesses, in one place."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from koma.core.ids import suggest_id
from koma.core.node_rules import FILE_SUFFIXES
from koma.core.template import FrameRule
from koma.core.workflow_note import Note
from koma.core.workflow_outputs import Saved
from koma.core.workflow_trace import Reader, Spot

_FRAME_INPUTS = ("length", "video_frames", "num_frames")
_BATCHES = {"RepeatImageBatch": "amount", "RepeatLatentBatch": "amount"}
_FREE = 4096  # frames of a batch that no model limits


class Family(NamedTuple):
    """A model family: id, GB and seconds of a run on a card of 12 GB (rough), and what names of its classes and files contain."""

    name: str
    gb: float
    seconds: float
    words: tuple[str, ...]


_FAMILIES = (
    Family("wan", 12, 600, ("wan",)),
    Family("framepack", 8, 600, ("framepack",)),
    Family("hunyuan-video", 12, 600, ("hunyuan",)),
    Family("ltxv", 8, 180, ("ltx",)),
    Family("mochi", 12, 600, ("mochi",)),
    Family("cosmos", 12, 600, ("cosmos",)),
    Family("svd", 10, 180, ("svd", "imageonlycheckpoint")),
    Family("animatediff", 8, 120, ("ade_", "animatediff")),
    Family("flux", 12, 90, ("flux",)),
    Family("qwen-image", 12, 120, ("qwen",)),
    Family("sd3", 10, 60, ("sd3",)),
    Family("sdxl", 8, 40, ("sdxl", "xl_", "_xl", "-xl", "pony", "illustrious", "noob")),
    Family("sd15", 4, 15, ("checkpointloadersimple",)),
)


# Rules of models, by what the name of the class contains: distance, what is left over, longest run that makers speak of.
_RULES = (("Wan", 4, 1, 121), ("Hunyuan", 4, 1, 129), ("LTXV", 8, 1, 257), ("Mochi", 6, 1, 163), ("Cosmos", 8, 1, 121))


def family_of(reader: Reader) -> Family:
    """Guess the model family from classes and model files; the first model file gives a name of its own where no word is known."""
    files = [value for node in reader.graph for value in reader.inputs(node).values() if _is_model(value)]
    said = " ".join([*(reader.kind(node_id) for node_id in reader.graph), *files]).lower()
    for family in _FAMILIES:
        if any(word in said for word in family.words):
            return family
    stem = files[0].replace("\\", "/").rpartition("/")[2].rpartition(".")[0] if files else ""
    return Family(suggest_id(stem) or "unknown", 8, 60, ()) if files else Family("none", 0, 10, ())


def _is_model(value: Any) -> bool:
    return isinstance(value, str) and value.lower().endswith(FILE_SUFFIXES)


def phase_of(reader: Reader, saved: Saved) -> str:
    """Guess the phase: a loop where the context closes, a video where frames are made, else a still."""
    kinds = [reader.kind(node_id) for node_id in reader.above(saved.node)]
    if not (saved.film or any(kind.startswith("ADE_") for kind in kinds) or any(True for _ in _lengths(reader, saved.node))):
        return "still"
    closed = any(reader.inputs(node_id).get("closed_loop") is True for node_id in reader.graph)
    return "loop" if closed or any("LoopedUniform" in kind for kind in kinds) else "video"


def is_canvas(reader: Reader, node_id: str) -> bool:
    """Whether a node makes a picture or latent of a size that is written in it, out of nothing that has a size."""
    inputs = reader.inputs(node_id)
    if not {"width", "height"} <= inputs.keys():
        return False
    outputs = reader.outputs(node_id)
    if outputs is None:
        return any(name in inputs for name in ("batch_size", *_FRAME_INPUTS))
    latent_in = any(reader.spec(Spot(node_id, name)).get("type") == "LATENT" for name in inputs)
    return ("LATENT" in outputs and not latent_in) or reader.kind(node_id) == "EmptyImage"


def _lengths(reader: Reader, end: str) -> Iterator[Spot]:
    for node_id in reader.above(end):
        for name in _FRAME_INPUTS:
            if name in reader.inputs(node_id) and is_canvas(reader, node_id):
                yield Spot(node_id, name)


def batches(reader: Reader, end: str) -> Iterator[Spot]:
    """Where a workflow says how many pictures are made at a time."""
    for node_id in reader.above(end):
        name = _BATCHES.get(reader.kind(node_id), "batch_size" if is_canvas(reader, node_id) else "")
        if name in reader.inputs(node_id):
            yield Spot(node_id, name)


def frame_spots(reader: Reader, end: str) -> list[Spot]:
    """Where a clip's length is written, the likeliest first; those that say the same together."""
    spots = [*_lengths(reader, end)] or [*batches(reader, end)]
    written = [place for spot in spots if (place := reader.written(spot)) is not None and type(reader.value(place)) is int]
    return sorted(dict.fromkeys(written), key=lambda spot: -reader.value(spot))


def counts_of(reader: Reader, spot: Spot, source: str) -> FrameRule:
    """Frame counts that fit a field; `source` is the class that the field belongs to. The workflow's own count always fits."""
    frames, limit = int(reader.value(spot)), int(reader.spec(spot).get("max", _FREE))
    rule = next(((step, offset, longest) for word, step, offset, longest in _RULES if word in source), None)
    if rule is not None:
        step, offset, longest = rule
        counts = FrameRule(min=step + offset, max=min(max(longest, frames), limit), step=step, offset=offset)
    elif "SVD" in source or "SV3D" in source:
        counts = FrameRule(exact=(frames,))
    else:
        counts = FrameRule(max=max(min(limit, _longest(reader)), frames))
    return counts if counts.allows(frames) else FrameRule(exact=(frames,))


def _longest(reader: Reader) -> int:
    """Longest batch: AnimateDiff makes 32 frames at once, and any number with a sliding context; without a model there is no limit."""
    kinds = [reader.kind(node_id) for node_id in reader.graph]
    if not any(kind.startswith("ADE_") for kind in kinds):
        return _FREE
    return 1000 if any("Context" in kind for kind in kinds) else 32


def multiplied(reader: Reader, end: str, frames: int) -> tuple[int, list[Note]]:
    """How many frames come out of the nodes after the sampler that make more of them, and what has to be said of them."""
    notes = []
    for node_id in reader.above(end):
        kind, multiplier = reader.kind(node_id), reader.inputs(node_id).get("multiplier")
        if "VFI" in kind and type(multiplier) is int and multiplier > 1:
            frames = (frames - 1) * multiplier + 1
            notes.append(Note(f"node {node_id} ({kind}) makes {frames} frames, so the length is fixed; `post` templates do this as well"))
        elif any(word in kind for word in ("SelectEveryNth", "ImageFromBatch", "DuplicateImages", "MergeImages", "SplitImages")):
            notes.append(Note(f"node {node_id} ({kind}) changes how many frames there are: correct `frames` in template.yaml", hand=True))
    return frames, notes


def with_value(graph: Mapping[str, Any], spot: Spot, value: Any) -> dict[str, Any]:
    """Copy of a graph with another value in one field."""
    node = graph[spot.node]
    return {**graph, spot.node: {**node, "inputs": {**node["inputs"], spot.input: value}}}
