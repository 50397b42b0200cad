"""Templates as values: what a ComfyUI template takes and makes, and whether given parameters fit it.

`parse_template` in `koma.core.manifest` reads one from its `template.yaml`; this module is light enough for the planning path.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from koma.core.codec import from_json, to_json
from koma.core.hints import did_you_mean
from koma.core.media import Media
from koma.core.node_rules import PLACEHOLDER
from koma.core.parameter import Check, Parameter, WrongValueError, check_of, shown
from koma.core.problem import Place, Problem
from koma.core.words import BackendKind, Phase

OUTPUT_PREFIX = "koma-output"
"""What `output_prefix` is in every rendered graph; the prefix of the attempt takes its place before submission."""

STANDARD = frozenset(
    {"prompt", "negative", "seed", "width", "height", "frames", "fps", "checkpoint", "loras", "output_prefix"},
)
"""Names that Koma fills in from the resolved shot, for whatever template declares them."""


@dataclass(frozen=True, slots=True)
class TemplateInput:
    """A picture that the graph reads: the shot's own `still`, or the first `reference` of its first character."""

    source: str
    description: str = ""
    required: bool = True


@dataclass(frozen=True, slots=True)
class Rate:
    """Frames per second: the rate the model was made for, and the least and most that it can be asked for."""

    native: float
    min: float
    max: float


@dataclass(frozen=True, slots=True)
class FrameRule:
    """Which frame counts can be made: those in `exact` if there are any, else `offset` + k times `step` from `min` to `max`."""

    exact: tuple[int, ...] = ()
    min: int = 1
    max: int = 1
    step: int = 1
    offset: int = 0

    def allows(self, frames: int) -> bool:
        """Whether this many frames can be made in one run."""
        if self.exact:
            return frames in self.exact
        return self.min <= frames <= self.max and (frames - self.offset) % self.step == 0

    def nearest(self, frames: int) -> tuple[int, ...]:
        """Give the counts that come closest from below and from above, where there are such."""
        known = self.exact or range(self.min + (self.offset - self.min) % self.step, self.max + 1, self.step)
        below = max((count for count in known if count <= frames), default=None)
        above = min((count for count in known if count >= frames), default=None)
        return tuple(sorted({count for count in (below, above) if count is not None}))

    def __str__(self) -> str:
        if self.exact:
            return "exactly " + " or ".join(str(count) for count in self.exact)
        steps = f", {self.offset % self.step} more than a multiple of {self.step}" if self.step > 1 else ""
        return f"{self.min} to {self.max}{steps}"


@dataclass(frozen=True, slots=True)
class ModelNote:
    """A model file that a template is known to work with, for people and `koma doctor`: file, models folder, where it comes from, GB."""

    file: str
    folder: str
    source: str = ""
    gb: float | None = None


@dataclass(frozen=True)
class Template:
    """One template, without its graph.

    `sets` are parameter values by rendition. `vram_gb` is what a run needs, `estimate_seconds` what it takes. `rate` and `frames` are
    None for pictures. `file` is the path of the manifest. Not for changing: checks are compiled once.
    """

    name: str
    title: str
    description: str
    phase: Phase
    backend: BackendKind
    family: str
    parameters: Mapping[str, Parameter]
    inputs: Mapping[str, TemplateInput]
    media: Media
    vram_gb: float
    estimate_seconds: float
    rate: Rate | None = None
    frames: FrameRule | None = None
    node_packs: tuple[str, ...] = ()
    models: Mapping[str, ModelNote] = field(default_factory=dict)
    sets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    output: str = ""
    file: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values, for a cache."""
        return to_json(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Template":
        """Read what `to_json` gave. Raises koma.core.codec.CodecError."""
        return from_json(Template, data)

    def nearest(self, frames: int) -> tuple[int, ...]:
        """Give the frame counts closest to the one wanted, from below and above; the count itself for pictures."""
        return (frames,) if self.frames is None else self.frames.nearest(frames)

    def frame_problem(self, frames: int, fps: float) -> str:
        """Say why one run can't make a clip of this many frames at this rate, and what it could; "" if it can, always for pictures."""
        if self.frames is not None and not self.frames.allows(frames):
            near = " or ".join(str(count) for count in self.nearest(frames))
            return f"template {self.name} can't make {frames} frames in one run: it makes {self.frames} (nearest: {near})"
        if self.rate is not None and not self.rate.min <= fps <= self.rate.max:
            return f"template {self.name} can't run at {fps:g} frames per second: it runs at {self.rate.min:g} to {self.rate.max:g}"
        return ""

    @cached_property
    def checks(self) -> Mapping[str, Check]:
        """Name → function that gives the value as it enters the graph, or raises WrongValueError."""
        checks: dict[str, Check] = {name: check_of(parameter) for name, parameter in self.parameters.items()}
        checks.update({name: _picture(name) for name in self.inputs})
        checks["output_prefix"] = lambda _value: OUTPUT_PREFIX
        return checks

    @cached_property
    def _filled(self) -> dict[str, dict[str, Any]]:
        return {}

    def filled(self, rendition: str) -> Mapping[str, Any]:
        """Everything that need not be given: defaults under the rendition's set, pictures, the output prefix."""
        found = self._filled.get(rendition)
        if found is None:
            known = {name: parameter.default for name, parameter in self.parameters.items() if parameter.default is not None}
            known.update(self.sets.get(rendition, {}))
            found = {name: self.checks[name](value) for name, value in known.items()}
            found.update({name: PLACEHOLDER + name if given.required else None for name, given in self.inputs.items()})
            found["output_prefix"] = OUTPUT_PREFIX
            self._filled[rendition] = found
        return found


def bind(
    template: Template, values: Mapping[str, Any], rendition: str = "", place: Place | None = None
) -> tuple[dict[str, Any], list[Problem]]:
    """Put values over the rendition's set over the defaults, and check each; what comes out goes into the graph as it is.

    Standard names that the template does not declare are passed over; any other unknown name is a problem. A picture that is not
    required is None unless its placeholder (`koma-input:<name>`) is given. Problems lie at `place`; `path` is `parameters.<name>`.
    """
    checks = template.checks
    bound = dict(template.filled(rendition))
    problems: list[Problem] = []
    for name, value in values.items():
        check = checks.get(name)
        if check is None:
            if name not in STANDARD:
                problems.append(_unknown(template, name, place))
            continue
        try:
            bound[name] = check(value)
        except WrongValueError as error:
            problems.append(_wrong(template, name, error, place))
    if len(bound) != len(checks):
        problems += [_missing(template, name, place) for name in checks if name not in bound and name not in values]
    return bound, problems


def _unknown(template: Template, name: str, place: Place | None) -> Problem:
    known = ", ".join(sorted(template.parameters.keys() - STANDARD)) or "none"
    hint = did_you_mean(name, template.parameters) or "remove it, or choose another template"
    message = f"template {template.name} has no parameter {name!r}"
    return Problem(place or Place(template.file), "unknown-parameter", message, f"one of {known}", hint, f"parameters.{name}")


def _wrong(template: Template, name: str, error: WrongValueError, place: Place | None) -> Problem:
    message = f"parameter {name!r} of template {template.name}: {error}"
    hint = (
        f"set it for this template alone: `parameters: {{{template.name}: {{{name}: ...}}}}`" if name in STANDARD else "correct the value"
    )
    return Problem(place or Place(template.file), "wrong-parameter", message, error.expected, hint, f"parameters.{name}")


_WHERE = {
    "checkpoint": "set `checkpoint` in the project or its style",
    "seed": "set `seed` for the shot",
}


def _missing(template: Template, name: str, place: Place | None) -> Problem:
    hint = _WHERE.get(name, f"set it under `parameters: {{{template.name}: {{{name}: ...}}}}`")
    message = f"template {template.name} needs a value for {name!r}"
    expected = template.parameters[name].description if name in template.parameters else ""
    return Problem(place or Place(template.file), "missing-parameter", message, expected, hint, f"parameters.{name}")


def _picture(name: str) -> Check:
    wanted = PLACEHOLDER + name

    def check(value: Any) -> str | None:
        if value is not None and value != wanted:
            raise WrongValueError(f"got {shown(value)}", f"{wanted!r}: Koma puts the picture there by itself")
        return wanted if value is not None else None

    return check
