"""Values between a resolved shot and a target row: the context of drafting, and the draft of one target."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from koma.core.chain import Run
from koma.core.document import Doc
from koma.core.media import Media
from koma.core.problem import Place, Problem
from koma.core.start import Start
from koma.core.target import Read
from koma.core.template import Template
from koma.core.words import PHASE_RANK, BackendKind, Phase, Reason, Rendition
from koma.core.world import World

Placed = Callable[[str, int, str], Place]


class LoadedTemplate(NamedTuple):
    """A template folder, read: its manifest, its graph text, and a digest over both."""

    name: str
    file: str
    digest: str
    text: str
    manifest: Template


class Input(NamedTuple):
    """A reference picture that a target reads: input name, content digest ("" if it can't be decoded), file digest, suffix with its dot."""

    name: str
    content_digest: str
    file_digest: str
    suffix: str

    @property
    def unusable(self) -> bool:
        """Whether the picture can't be decoded."""
        return not self.content_digest


@dataclass(slots=True)
class Context:
    """What drafting reads besides the scene: one project's world, the rendition, templates, and how to find a place in a file."""

    world: World
    rendition: Rendition
    templates: Mapping[str, LoadedTemplate]
    place: Placed
    problems: list[Problem] = field(default_factory=list)
    broken: Mapping[str, Sequence[Problem]] = field(default_factory=dict)  # templates that can't be used, by name
    versions: str = ""  # digest of what runs at the backend, for projects whose keys hold it

    @property
    def backend(self) -> BackendKind:
        """Which kind of backend draws the shots of this rendition."""
        return BackendKind.ANIMATIC if self.rendition is Rendition.ANIMATIC else BackendKind.COMFYUI


class Cut(NamedTuple):
    """One target to be drafted: its scene (or character), what is written of its shot, what that resolves to, its phase and take number.

    `part` is the segment or finishing step, "" for the phase's own target; `run` what a segment makes; `start` the shot whose last frame
    it begins with. `template` overrules the choice of the shot, as sheets and finishing steps do.
    """

    scene: Doc
    shot: Mapping[str, Any]
    address: str
    values: dict[str, Any]
    phase: Phase
    number: int
    part: str = ""
    run: Run | None = None
    start: Start | None = None
    template: str = ""

    @property
    def id(self) -> str:
        """The target id."""
        return "/".join(part for part in (self.address, self.phase if self.scene.kind != "character" else "", self.part) if part)


class Draft(NamedTuple):
    """One target before its graph is rendered.

    `params` is None for what has no graph, whose `panel` is ready: a panel of the animatic, or what the CPU is to do. `hold` is a Reason
    word or "". `sheets` are id prefixes of sheets of which enough poses must have passed; `followed` says that a finishing step follows.
    """

    id: str
    address: str
    phase: str
    scene_file: str
    shot: Mapping[str, Any]
    hold: str
    values: dict[str, Any]
    seed: int = 0
    template: LoadedTemplate | None = None
    params: dict[str, Any] | None = None
    panel: dict[str, Any] | None = None
    reads: tuple[Read, ...] = ()
    inputs: tuple[Input, ...] = ()
    needs: tuple[str, ...] = ()
    expect: Mapping[str, Any] = {}
    backend: BackendKind = BackendKind.COMFYUI
    sheets: tuple[str, ...] = ()
    followed: bool = False

    @property
    def media(self) -> Media:
        """What comes out: a picture, or frames."""
        return Media.FRAMES if self.expect.get("fps") else Media.IMAGE

    @property
    def part(self) -> str:
        """Which part of its phase it is: a segment or a finishing step; "" for the phase's own target."""
        own = f"{self.address}/{self.phase}/"
        return self.id.removeprefix(own) if self.id.startswith(own) else ""


def draft_of(cut: Cut, backend: BackendKind, **made: Any) -> Draft:
    """Draft what a cut is about; `made` are the fields that tell how it is made."""
    hold = made.pop("hold", None)
    return Draft(
        cut.id,
        cut.address,
        str(cut.phase),
        cut.scene.file,
        cut.shot,
        hold_of(cut) if hold is None else hold,
        cut.values,
        backend=backend,
        **made,
    )


def blocked(cut: Cut, reason: Reason = Reason.BLOCKED) -> Draft:
    """Draft a target that can't be drawn for now."""
    return draft_of(cut, BackendKind.COMFYUI, hold=reason)


def hold_of(cut: Cut) -> str:
    """Reason word of a shot that its spec holds, or ""."""
    return Reason.HELD_BY_SPEC if cut.shot.get("hold") or cut.scene.data.get("hold") else ""


def needs_of(cut: Cut) -> tuple[str, ...]:
    """Targets that come first: of a loop or video the shot's own still, of a still its animatic; the nearest one that the shot has."""
    earlier = [phase for phase in (Phase.STILL, Phase.ANIMATIC) if PHASE_RANK[phase] < PHASE_RANK[cut.phase]]
    own = next((phase for phase in earlier if phase in cut.values["phases"]), None)
    return () if own is None or cut.scene.kind == "character" else (f"{cut.address}/{own}",)


def expect_of(cut: Cut, width: int, height: int) -> dict[str, Any]:
    """Say what the file contract compares with: width and height in px, frames, fps (0 for a picture), whether motion is asked for."""
    values, still = cut.values, cut.phase is Phase.STILL
    moving = not still and (values["camera"]["move"] != "static" or bool(values["action"]))
    if cut.run is not None:
        frames, fps = cut.run.frames, cut.run.fps
    else:
        frames, fps = (1, 0) if still else (values["frames"], values["fps"])
    return {"width": width, "height": height, "frames": frames, "fps": fps, "motion": moving}


def origin_of(world: World, address: str) -> str:
    """Address under which a moved shot or target was first known: derived seeds and labels stay those of the old id."""
    for old, new in (world.project.data.get("moved") or {}).items():
        full = _full(world, new)
        if address == full or address.startswith(f"{full}/"):
            return _full(world, old) + address[len(full) :]
    return address


def _full(world: World, address: str) -> str:
    return address if address.startswith(f"{world.id}/") else f"{world.id}/{address}"
