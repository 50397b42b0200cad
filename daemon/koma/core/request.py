"""What is asked of a backend, and what a backend answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from koma.core.media import InputFile, Media
from koma.core.words import BackendKind


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """One attempt, complete: everything a backend needs, so that it may be repeated after a crash.

    `document` is the ComfyUI graph in API format (with the take's seed, output prefix set, and `koma-input:*` placeholders
    where files go), or the resolved panel description of the animatic. `media` is what is expected back: one image, or frames.
    `label` is for people (`lantern-street/s01/sh010/still take 1`). `fps` and `frames` are what the object must have; 0 frames means any.
    """

    prompt_id: str
    prefix: str
    kind: BackendKind
    document: Mapping[str, Any]
    inputs: tuple[InputFile, ...]
    media: Media
    label: str
    fps: float = 0.0
    frames: int = 1


class SubmitOutcome(StrEnum):
    """What is known after the one POST."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"  # will never work as it is: do not repeat
    BUSY = "busy"  # backend down or refusing for now: nothing was queued
    UNKNOWN = "unknown"  # the reply was lost: ask before anything else


class FailureClass(StrEnum):
    """Why a render failed, as far as it decides what to do next (and as a bounded metric label)."""

    VALIDATION = "validation"
    MISSING_MODEL = "missing-model"
    MISSING_NODE = "missing-node"
    INPUT = "input"
    NODE = "node"
    OUT_OF_MEMORY = "out-of-memory"
    INTERRUPTED = "interrupted"
    LOST = "lost"
    BACKEND_DOWN = "backend-down"
    NO_OUTPUT = "no-output"
    BAD_OUTPUT = "bad-output"
    TIMEOUT = "timeout"
    DISK = "disk"  # of this machine: full, or failing
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure: class, a message for people, and an excerpt of the backend's own words (traceback, node id)."""

    kind: FailureClass
    message: str
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class Submitted:
    """Answer to `Backend.submit`."""

    outcome: SubmitOutcome
    failure: Failure | None = None


class Stage(StrEnum):
    """Where a prompt is, as the backend says when asked (queue first, then history)."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABSENT = "absent"  # in neither queue nor history
    UNREACHABLE = "unreachable"  # the backend did not answer: nothing is known


@dataclass(frozen=True, slots=True)
class Sighting:
    """Answer to `Backend.ask`. `outputs` is opaque to everyone but the backend that made it (JSON values only).

    `idle` says of one that waits that the backend works on nothing at all; `cached` of one that succeeded that nothing was computed for it.
    """

    stage: Stage
    outputs: Mapping[str, Any] = field(default_factory=dict)
    failure: Failure | None = None
    render_seconds: float | None = None
    peak_memory_bytes: int | None = None
    idle: bool = False
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """A hint from the backend: `fraction` is 0..1 or None; nothing is decided from it, except when to ask."""

    prompt_id: str
    fraction: float | None
    note: str = ""
    finished: bool = False


@dataclass(frozen=True, slots=True)
class BackendStatus:
    """What a probe found.

    Memory in bytes, None where the backend does not say. `device` is the kind of accelerator (`cuda`, `mps`), `cpu` where there is none, ""
    if it does not say. `others_waiting` and `others_running` count prompts that are not ours. `ram` is the memory of its machine.
    """

    up: bool
    version: str = ""
    vram_total: int | None = None
    vram_free: int | None = None
    others_waiting: int = 0
    message: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    device: str = ""
    others_running: int = 0
    ram_total: int | None = None
    ram_free: int | None = None
