"""Which values of a workflow a shot should choose: prompt, seed, size, length, pictures, models. What is left is said. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from koma.core.graph import model_files
from koma.core.node_rules import Signatures
from koma.core.template import FrameRule
from koma.core.workflow_clip import Family, batches, counts_of, family_of, frame_spots, is_canvas, multiplied, phase_of, with_value
from koma.core.workflow_hole import SEED_MAX, Hole, Holes
from koma.core.workflow_note import Note
from koma.core.workflow_outputs import Saved
from koma.core.workflow_pictures import Picture, pictures_of
from koma.core.workflow_trace import Reader, Spot

_SAMPLING = (
    ("steps", ("steps",), "Sampling steps: more is slower and up to some point cleaner."),
    ("cfg", ("cfg",), "How literally the words are taken."),
    ("sampler_name", ("sampler_name", "sampler"), "How noise is taken away."),
    ("scheduler", ("scheduler",), "How the steps are spread over the noise."),
    ("denoise", ("denoise", "denoise_strength"), "How much of what was there before is drawn anew; 1 is all."),
    ("motion_bucket_id", ("motion_bucket_id",), "How much moves."),
    ("total_second_length", ("total_second_length",), "Length of the clip in seconds."),
)
_RATES = (("LTXVConditioning", "frame_rate"), ("SVD_img2vid_Conditioning", "fps"))
_SCALING = ("ScaleBy", "UpscaleBy", "UpscaleWithModel", "ScaleToTotalPixels", "UpscaleImage")  # in names of classes
_FLOATS = frozenset({"cfg", "denoise", "total_second_length"})


class Guess(NamedTuple):
    """What a template is made of: the changed graph, its parameters and pictures, what it makes, and what a person has to know.

    `rate` is the film's frames per second (0 for none), `counts` its lengths (None where no clip is made).
    """

    graph: dict[str, Any]
    end: str
    phase: str
    holes: Mapping[str, Hole]
    pictures: tuple[Picture, ...]
    rate: float
    counts: FrameRule | None
    family: Family
    packs: tuple[str, ...]
    models: tuple[tuple[str, str], ...]
    notes: tuple[Note, ...]


def guess(saved: Saved, signatures: Signatures, phase: str = "") -> Guess:
    """Guess everything; `phase` names it where a person did."""
    first = Reader(saved.graph, signatures)
    made = phase or phase_of(first, saved)
    graph, notes = _single(first, saved) if made == "still" else (saved.graph, [])
    finder = _Finder(Reader(graph, signatures), saved.node, made)
    counts = finder.everything()
    pictures, seen = pictures_of(finder.reader, saved.node, made)
    packs = sorted({signatures.pack_of(finder.reader.kind(node_id)) for node_id in graph} - {""})
    sound = {node_id: node for node_id, node in graph.items() if finder.reader.is_node(node_id)}
    return Guess(
        graph, saved.node, made, finder.holes.found, tuple(pictures), saved.rate or finder.rate, counts, family_of(finder.reader),
        tuple(pack for pack in packs if not pack.startswith(("nodes", "comfy_"))), tuple(model_files(sound, signatures)),
        (*saved.notes, *_strange(finder.reader), *notes, *finder.notes, *seen),
    )  # fmt: skip


def _strange(reader: Reader) -> list[Note]:
    unknown = {kind for node_id in reader.graph if reader.outputs(node_id) is None and (kind := reader.kind(node_id))}
    return [Note(f"the node class {kind} is not known: install its node pack on the server", hand=True) for kind in sorted(unknown)]


def _single(reader: Reader, saved: Saved) -> tuple[dict[str, Any], list[Note]]:
    """Make one picture at a time: that is what a still is."""
    graph, notes = saved.graph, []
    for spot in batches(reader, saved.node):
        many = reader.value(spot)
        if type(many) is int and many > 1:
            graph = with_value(graph, spot, 1)
            notes.append(Note(f"node {spot.node} ({reader.kind(spot.node)}) made {many} pictures at a time, and now makes one"))
    return graph, notes


class _Finder:
    """Makes the parameters of one graph."""

    def __init__(self, reader: Reader, end: str, phase: str) -> None:
        self.reader, self.phase, self.end = reader, phase, end
        self.draws = phase != "finish"  # what finishes needs no words, noise or size of its own
        self.order = reader.above(end)
        self.holes = Holes(reader)
        self.notes: list[Note] = []
        self.rate = 0.0

    def everything(self) -> FrameRule | None:
        """Fill `holes` and `notes`; gives the frame counts, None where no clip is made."""
        self._words()
        self._seeds()
        self._size()
        counts = self._length() if self.phase in ("loop", "video") else None
        for name, inputs, description in _SAMPLING:
            kind = "float" if name in _FLOATS else ""
            self.holes.each(name, self._spots(*inputs), description, kind=kind)
        self._models()
        return counts

    def _spots(self, *names: str) -> list[Spot]:
        """Places where inputs of these names are written, from the first node that runs to the last."""
        asked = (Spot(node_id, name) for node_id in self.order for name in names if name in self.reader.inputs(node_id))
        written = (self.reader.written(spot) for spot in asked if self._is_value(spot))
        return [spot for spot in written if spot is not None]

    def _is_value(self, spot: Spot) -> bool:
        return str(self.reader.spec(spot).get("type", "INT")).split(",", 1)[0] in {"INT", "FLOAT", "STRING", "COMBO"}

    def _samplers(self) -> list[str]:
        return [node_id for node_id in self.order if self._samples(node_id)]

    def _samples(self, node_id: str) -> bool:
        inputs = self.reader.inputs(node_id)
        seeded = "seed" in inputs or "noise_seed" in inputs
        return (seeded and "positive" in inputs) or ("guider" in inputs and "sigmas" in inputs)

    def _words(self) -> None:
        samplers = self._samplers()
        if not samplers:
            self.notes.append(Note("no sampler was found, so no prompt was looked for", hand=self.draws))
        for role, name, said in (("positive", "prompt", "what is in the picture"), ("negative", "negative", "what must not be in it")):
            spots = [spot for node_id in samplers for spot in self.reader.words(node_id, role)]
            spots.sort(key=lambda spot: -len(self.reader.value(spot)))  # the longest is the one that a person wrote
            self.holes.each(name, spots, f"Words for {said}.", kind="string")
            if samplers and name == "prompt" and name not in self.holes.found:
                self.notes.append(Note("the words that the sampler gets were not found: no prompt goes into this template", hand=True))
        self.notes += [
            Note(
                f"there are several texts: `{name}` is fixed unless a shot sets it, and only `{name.rpartition('_')[0]}` takes Koma's words"
            )
            for name in self.holes.found
            if name not in ("prompt", "negative")
        ]

    def _seeds(self) -> None:
        spots = [
            spot for spot in self._spots("seed", "noise_seed") if self.reader.inputs(spot.node).get("add_noise") not in ("disable", False)
        ]
        said = "Start of the noise. The same seed and values give the same picture."
        self.holes.each("seed", spots, said, kind="int", min=0, max=SEED_MAX)
        if "seed" not in self.holes.found:
            self.notes.append(Note("no seed was found: every take will look the same", hand=self.draws))

    def _size(self) -> None:
        canvases = [node_id for node_id in self.order if is_canvas(self.reader, node_id)]
        sized = [node_id for node_id in self.order if {"width", "height"} <= self.reader.inputs(node_id).keys()]
        first = next((size for node_id in canvases if (size := self._size_of(node_id)) is not None), None)
        if first is None:
            self.notes.append(
                Note("no node makes an empty picture of a written size: the size stays that of the workflow", hand=self.draws)
            )
            return
        same = [size for node_id in sized if (size := self._size_of(node_id)) is not None and self._equal(size, first)]
        for number, name in enumerate(("width", "height")):
            value = self.reader.value(first[number])
            latent = self.reader.kind(first[number].node) != "EmptyImage"
            eight: dict[str, Any] = {"multiple_of": 8, "min": 8} if latent and value % 8 == 0 else {}
            self.holes.add(name, (size[number] for size in same), f"{name.capitalize()}.", kind="int", unit="px", **eight)
        others = [node_id for node_id in sized if (size := self._size_of(node_id)) is not None and not self._equal(size, first)]
        self.notes += [self._resized(node_id, "keeps its own width and height") for node_id in others]
        scaled = [node_id for node_id in self.order if any(word in self.reader.kind(node_id) for word in _SCALING)]
        self.notes += [self._resized(node_id, "makes pictures of another size") for node_id in scaled]

    def _resized(self, node_id: str, said: str) -> Note:
        """Say what a node does to the size; where that is a picture's, what comes out is not what a shot asks for."""
        drawn = self.draws and not {"LATENT", "IMAGE"}.isdisjoint(self.reader.outputs(node_id) or ("IMAGE",))
        return Note(
            f"node {node_id} ({self.reader.kind(node_id)}) {said}" + (": a shot gets another size than it asks for" if drawn else ""),
            hand=drawn,
        )

    def _size_of(self, node_id: str) -> tuple[Spot, Spot] | None:
        width, height = (self.reader.written(Spot(node_id, name)) for name in ("width", "height"))
        whole = width is not None and height is not None and all(type(self.reader.value(spot)) is int for spot in (width, height))
        return (width, height) if whole and width is not None and height is not None else None

    def _equal(self, one: tuple[Spot, Spot], other: tuple[Spot, Spot]) -> bool:
        return [self.reader.value(spot) for spot in one] == [self.reader.value(spot) for spot in other]

    def _length(self) -> FrameRule:
        asked = [Spot(node_id, name) for node_id in self.order for kind, name in _RATES if self.reader.kind(node_id) == kind]
        rates = [
            place for spot in asked if (place := self.reader.written(spot)) is not None and type(self.reader.value(place)) in (int, float)
        ]
        if rates and self.holes.add("fps", rates, "Frames per second that the clip is meant for.", kind="float", unit="frames/s"):
            self.rate = float(self.reader.value(rates[0]))
        spots = frame_spots(self.reader, self.end)
        if not spots:
            self.notes.append(Note("the number of frames was not found: correct `frames` in template.yaml", hand=True))
            return FrameRule(max=1000)
        frames = self.reader.value(spots[0])
        made, notes = multiplied(self.reader, self.end, frames)
        self.notes += notes
        if made != frames:
            return FrameRule(exact=(made,))
        counts = counts_of(self.reader, spots[0], self._class_of(spots[0]))
        self.holes.add("frames", spots, "Length of the clip.", kind="int", unit="frames")
        return counts

    def _class_of(self, spot: Spot) -> str:
        """Class whose length a field is: that of its node, or of the one that reads it."""
        if is_canvas(self.reader, spot.node):
            return self.reader.kind(spot.node)
        readers = (node_id for node_id in self.order if any(source == spot.node for _, source, _ in self.reader.links(node_id)))
        return next((self.reader.kind(node_id) for node_id in readers), "")

    def _models(self) -> None:
        for node_id in self.order:
            video = self.reader.kind(node_id).startswith("ImageOnly")
            self._model(Spot(node_id, "ckpt_name"), "video_checkpoint" if video else "checkpoint", "checkpoints", "The base model.")
            self._model(Spot(node_id, "unet_name"), "diffusion_model", "diffusion_models", "The base model.")
        chain = [node_id for node_id in self.order if isinstance(self.reader.inputs(node_id).get("lora_name"), str)]
        for number, node_id in enumerate(chain, 1):
            self._model(Spot(node_id, "lora_name"), f"lora_{number}", "loras", "A LoRA.")
            clip = Spot(node_id, "strength_clip")
            spots = [Spot(node_id, "strength_model"), Spot(node_id, "strength"), clip]
            there = [spot for spot in spots if spot.input in self.reader.inputs(node_id)]
            self.holes.add(f"lora_{number}_strength", there, "How strongly it works on the picture.", kind="float")
            self.holes.add(f"lora_{number}_strength_clip", there and [clip], "How strongly it works on the words.", kind="float")
        if chain:
            self.notes.append(Note("it keeps the LoRAs of the workflow; those of project and characters do not go in"))

    def _model(self, asked: Spot, name: str, folder: str, description: str) -> None:
        spot = self.reader.written(asked)
        if spot is not None:
            self.holes.each(name, [spot], description, kind="model", folder=folder)
