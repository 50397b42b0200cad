"""What a server lacks for a drawn graph, told apart from mistakes in templates: node packs, model files, memory.

What is lacking holds exactly the targets that need it (`Reason.MISSING`), and is listed once for each template. The answers of the
server that was seen last are part of what a plan depends on, so what waits goes on as soon as the missing thing appears.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from koma.core.node_rules import Signatures
from koma.core.problem import Place, Problem, Severity
from koma.core.words import Reason

GB = 1e9  # manifests say gigabytes as card makers do; a card of 12 GB reports a little more than 12e9 bytes
NO_MEMORY = "not-enough-memory"
NO_MODEL = "missing-model"
_UNKNOWN = "unknown-node-class"
MODELS = "models/"  # before the folder of a model file, in `Problem.missing`


class LackKind(StrEnum):
    """What sort of thing a server lacks."""

    PACK = "pack"
    MODEL = "model"
    MEMORY = "memory"


class Lack(NamedTuple):
    """One thing that a server lacks for one template: a file in a models folder ("" where that is not known), a node pack, or memory.

    `template` is the file that asks for it.
    """

    kind: LackKind
    name: str
    folder: str
    template: str

    def __str__(self) -> str:
        return f"{MODELS}{self.folder}/{self.name}" if self.folder else self.name


@dataclass(frozen=True, slots=True)
class ServerMemory:
    """Memory of the server that was seen last: bytes of its first accelerator (None without one), and the kind of that (`cuda`, `mps`)."""

    total: int | None = None
    device: str = ""


def memory_problem(vram_gb: float, template: str, file: str, memory: ServerMemory | None) -> Problem | None:
    """Compare what a run of a template needs (GB) with what the server has; None where it fits or the server does not say.

    On CUDA it is an error, since the total is what there is; elsewhere memory may be shared with the machine's, so it is a warning.
    `file` is the template's manifest.
    """
    if memory is None or memory.total is None or memory.total >= vram_gb * GB:
        return None
    severity = Severity.ERROR if memory.device == "cuda" else Severity.WARNING
    message = f"a run of template {template} needs {vram_gb:g} GB of graphics memory, and the server has {memory.total / GB:.1f} GB"
    hint = "choose a smaller template or set, or lower `vram_gb` in the manifest if it does run there"
    lacks = f"{vram_gb:g} GB" if severity is Severity.ERROR else ""
    return Problem(Place(file), NO_MEMORY, message, f"at least {vram_gb:g} GB", hint, "vram_gb", severity, lacks)


def declared(problems: Iterable[Problem], packs: Sequence[str], signatures: Signatures) -> list[Problem]:
    """Say of classes that nobody knows that a node pack is missing, where the template declares one that the server does not have."""
    there = {str(node.get("module", "")).partition(".")[0] for node in signatures.classes.values()} if signatures.live else set(packs)
    absent = [pack for pack in packs if pack not in there]
    return [
        _of_pack(problem, absent[0]) if absent and problem.code == _UNKNOWN and not problem.missing else problem for problem in problems
    ]


def _of_pack(problem: Problem, pack: str) -> Problem:
    hint = f"install {pack} on the server and restart it; what needs it goes on by itself"
    return problem._replace(message=f"{problem.message}; the template declares the node pack {pack}", hint=hint, missing=pack)


def hold_for(problems: Iterable[Problem]) -> Reason | None:
    """Why a target with these Problems of its graph can't be queued: BLOCKED by a mistake, MISSING at the server, None for neither."""
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if not errors:
        return None
    return Reason.MISSING if all(problem.missing for problem in errors) else Reason.BLOCKED


def lacking(problems: Iterable[Problem]) -> list[Lack]:
    """List what the server lacks by these Problems, each thing once for each template, sorted."""
    return sorted({_lack(problem) for problem in problems if problem.missing})


def _lack(problem: Problem) -> Lack:
    if problem.code == NO_MEMORY:
        return Lack(LackKind.MEMORY, problem.missing, "", problem.place.file)
    if problem.code != NO_MODEL:
        return Lack(LackKind.PACK, problem.missing, "", problem.place.file)
    place = problem.missing.removeprefix(MODELS)
    folder, _, name = place.partition("/") if place != problem.missing else ("", "", place)
    return Lack(LackKind.MODEL, name, folder, problem.place.file)


def once(problems: Sequence[Problem]) -> list[Problem]:
    """List what is missing once for each template, whichever node and however many shots ask for it; mistakes stay as they are."""
    seen: set[tuple[str, str]] = set()
    listed = []
    for problem in dict.fromkeys(problems):
        name = (problem.place.file, problem.missing)
        if not problem.missing or name not in seen:
            listed.append(problem)
        if problem.missing:
            seen.add(name)
    return listed


def memory_to_json(memory: ServerMemory) -> dict[str, Any]:
    """JSON values of what a server said about its memory."""
    return {"total": memory.total, "device": memory.device}


def memory_from_json(data: Mapping[str, Any]) -> ServerMemory:
    """Inverse of `memory_to_json`; what does not fit counts as not said."""
    total, device = data.get("total"), data.get("device")
    return ServerMemory(total if isinstance(total, int) else None, device if isinstance(device, str) else "")
