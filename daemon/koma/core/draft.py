"""Values between a resolved shot and a target row: the context of drafting, and the draft of one target."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from koma.core.document import Doc
from koma.core.problem import Place, Problem
from koma.core.template import Template
from koma.core.words import BackendKind, Phase, Reason, Rendition
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
        """Which kind of backend draws this rendition."""
        return BackendKind.ANIMATIC if self.rendition is Rendition.ANIMATIC else BackendKind.COMFYUI


class Cut(NamedTuple):
    """One shot to be drafted: its scene, what is written of it, what it resolves to, its phase and take number."""

    scene: Doc
    shot: Mapping[str, Any]
    address: str
    values: dict[str, Any]
    phase: Phase
    number: int


class Draft(NamedTuple):
    """One target before its graph is rendered.

    `params` is None for the animatic, whose `panel` is ready; `hold` is a Reason word or "". `reads` are (input name, target id).
    """

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
    reads: tuple[tuple[str, str], ...] = ()
    inputs: tuple[Input, ...] = ()
    needs: tuple[str, ...] = ()
    expect: Mapping[str, Any] = {}

    @property
    def id(self) -> str:
        """The target id."""
        return f"{self.address}/{self.phase}"


def blocked(address: str, phase: str, scene: Doc, shot: Mapping[str, Any], values: dict[str, Any] | None = None) -> Draft:
    """Draft a target that can't be drawn for now."""
    return Draft(address, str(phase), scene.file, shot, Reason.BLOCKED, values or {})


def hold_of(cut: Cut) -> str:
    """Reason word of a shot that its spec holds, or ""."""
    return Reason.HELD_BY_SPEC if cut.shot.get("hold") or cut.scene.data.get("hold") else ""


def needs_of(address: str, phase: Phase, phases: Sequence[str]) -> tuple[str, ...]:
    """Targets that come first: for a loop or video, the shot's own still, if it has one."""
    return (f"{address}/{Phase.STILL}",) if phase is not Phase.STILL and Phase.STILL in phases else ()


def expect_of(values: Mapping[str, Any], phase: Phase, width: int, height: int) -> dict[str, Any]:
    """Say what the file contract compares with: width and height in px, frames, fps (0 for a picture), whether motion is asked for."""
    still = phase is Phase.STILL
    moving = not still and (values["camera"]["move"] != "static" or bool(values["action"]))
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
