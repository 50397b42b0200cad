"""Templates as values: what a ComfyUI template takes and makes, and whether given parameters fit it.

`parse_template` in `koma.core.manifest` reads one from its `template.yaml`; this module is light enough for the planning path.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from koma.core.codec import from_json, to_json
from koma.core.hints import did_you_mean
from koma.core.media import Media
from koma.core.node_rules import PLACEHOLDER
from koma.core.parameter import Check, Parameter, WrongValueError, check_of, is_factor, scaled, shown
from koma.core.problem import Place, Problem
from koma.core.runs import Chain, FrameRule, Rate, counts_of, frames_of
from koma.core.shapes import characters_check, pictures_check
from koma.core.words import BackendKind, Phase

__all__ = [
    "OUTPUT_PREFIX",
    "RESERVED",
    "STANDARD",
    "Chain",
    "CharacterNeeds",
    "FrameRule",
    "ModelNote",
    "Rate",
    "Template",
    "TemplateInput",
    "bind",
]

OUTPUT_PREFIX = "koma-output"
"""What `output_prefix` is in every rendered graph; the prefix of the attempt takes its place before submission."""

RESERVED = frozenset({"output_prefix", "characters", "style_references"})
"""Names that no parameter or input may have: Koma fills them in, and the manifest says elsewhere whether the graph reads them."""

STANDARD = RESERVED | {"prompt", "negative", "seed", "width", "height", "frames", "fps", "checkpoint", "loras"}
"""Names that Koma fills in from the resolved shot, for whatever template declares them."""


@dataclass(frozen=True, slots=True)
class TemplateInput:
    """A picture or clip that the graph reads.

    `source`: the shot's own `still`, the first `reference` of its first character, its `control.pose` or `control.depth`, or, for a
    template that finishes, the `clip` or `picture` it works on.
    """

    source: str
    description: str = ""
    required: bool = True


@dataclass(frozen=True, slots=True)
class CharacterNeeds:
    """What a graph takes of the characters in a shot: how many at most, references of each, poses of their sheets, pose pictures."""

    max: int
    references: int = 0
    sheet: tuple[str, ...] = ()
    poses: bool = False


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

    `phase` is None for a template that finishes what another made. `sets` are parameter values by rendition. `vram_gb` is what a run
    needs, `estimate_seconds` what it takes. `rate` and `frames` are None for pictures. `style_references` are pictures of the style
    that the graph takes at most, `multiplier` is the parameter m of a finish that makes (n - 1) * m + 1 of n frames ("" if none does),
    `ladder` what to give up one after the other where memory runs out. `file` is the path of the manifest. Not for changing: checks are
    compiled once.
    """

    name: str
    title: str
    description: str
    phase: Phase | None
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
    characters: CharacterNeeds | None = None
    style_references: int = 0
    chain: Chain | None = None
    multiplier: str = ""
    ladder: tuple[Mapping[str, Any], ...] = ()

    @property
    def finishes(self) -> bool:
        """Whether it works on what another template made, and belongs to no phase."""
        return self.phase is None

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

    def run_rate(self, fps: float) -> float:
        """Frames per second of a run where `fps` are asked for: the same if the model can, else the rate it was made for."""
        return fps if self.rate is None or self.rate.min <= fps <= self.rate.max else self.rate.native

    def runs(self, frames_wanted: int, fps: float) -> tuple[int, ...] | str:
        """Frame counts of the runs, each at `run_rate(fps)`, that cover `frames_wanted` at `fps`; or why it can't be made, and what could.

        As few runs as possible, the last one as short as possible. A picture takes whatever is asked for.
        """
        if self.frames is None:
            return (frames_wanted,)
        run_fps = self.run_rate(fps)
        needed = frames_of(frames_wanted, fps, run_fps)
        return counts_of(needed, self.frames, self.chain) or self._too_long(frames_wanted, fps, needed, run_fps)

    def _too_long(self, wanted: int, fps: float, needed: int, run_fps: float) -> str:
        longest = self.frames.counts[-1] if self.frames else 0
        asked = f"template {self.name} can't make {wanted} frames at {fps:g} frames/s"
        also = f" ({needed} at its own {run_fps:g} frames/s)" if run_fps != fps else ""
        if self.chain is None:
            return f"{asked}{also}: it makes {self.frames} in its one run"
        most = longest + (self.chain.max - 1) * (longest - self.chain.overlap)
        return f"{asked}{also}: it makes at most {most} in {self.chain.max} runs of {longest}"

    @cached_property
    def checks(self) -> Mapping[str, Check]:
        """Name → function that gives the value as it enters the graph, or raises WrongValueError."""
        checks: dict[str, Check] = {name: check_of(parameter) for name, parameter in self.parameters.items()}
        checks.update({name: _picture(name) for name in self.inputs})
        checks.update({name: check for name, check in self._cast_checks() if check is not None})
        checks["output_prefix"] = lambda _value: OUTPUT_PREFIX
        return checks

    def _cast_checks(self) -> Iterator[tuple[str, Check | None]]:
        yield "characters", characters_check(self.characters.max) if self.characters else None
        yield "style_references", pictures_check(self.style_references) if self.style_references else None

    def reduced(self, values: Mapping[str, Any], rungs: int) -> dict[str, Any]:
        """Give bound values after the first `rungs` rungs of the ladder: each sets parameters, or scales whole numbers down."""
        result = dict(values)
        for rung in self.ladder[:rungs]:
            for name, given in rung.items():
                parameter = self.parameters[name]
                result[name] = scaled(parameter, result[name], given) if is_factor(parameter, given) else self.checks[name](given)
        return result

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
            found.update({name: [] for name, check in self._cast_checks() if check is not None})
            found["output_prefix"] = OUTPUT_PREFIX
            self._filled[rendition] = found
        return found


def bind(
    template: Template, values: Mapping[str, Any], rendition: str = "", place: Place | None = None
) -> tuple[dict[str, Any], list[Problem]]:
    """Put values over the rendition's set over the defaults, and check each; what comes out goes into the graph as it is.

    Standard names that the template does not declare are passed over; any other unknown name is a problem. A picture that is not
    required is None unless its placeholder (`koma-input:<name>`) is given; characters and pictures of the style are [] then. Problems
    lie at `place`; `path` is `parameters.<name>`.
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
