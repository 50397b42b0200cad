"""The work behind `koma measure FILE...`: measure, hold against rules, tell."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from koma.cli.measuring_against import Comparison, comparison
from koma.cli.measuring_shown import facts_of, lines_of
from koma.cli.printing import print_json, print_lines, say
from koma.core.errors import UsageError
from koma.core.gate import Check, GateResult, Measurement, Rule, judge
from koma.core.hints import did_you_mean
from koma.core.media import Media
from koma.core.metrics import METRICS, OVERALL
from koma.core.metrics.spec import MetricSpec
from koma.core.overall import TERMS
from koma.core.profiles import Asked
from koma.core.scores import in_order
from koma.core.words import BackendKind, Phase
from koma.measures.measure import FileMeasure
from koma.pixels.whole import PICTURES, Container, container_of

TELL_EVERY = 250  # frames
_PICTURE_NAMES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".svg", ".psd"})


class Wish(NamedTuple):
    """What was asked for: files, characters as named, metrics (all, if empty), profile and phase ("" to be found out), folder for plots."""

    files: tuple[Path, ...]
    against: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    profile: str = ""
    judged_as: str = ""
    plots: Path | None = None


class Measured(NamedTuple):
    """One file: what it is called, what it is judged as, how many frames were seen, its measurements, and what the rules make of them."""

    file: Path
    name: str
    phase: Phase
    frames: int
    measurements: tuple[Measurement, ...]
    gate: GateResult

    @property
    def decodes(self) -> bool:
        """Whether it could be read at all."""
        return any(found.metric == "decodes" and found.value == 1 for found in self.measurements)


def run(workspace: Path | None, wish: Wish, *, as_json: bool) -> int:
    """Measure, print, and return the exit code: 1 if a file does not decode."""
    metrics = _known(wish.metrics)
    media = {file: _media(file) for file in wish.files}
    compared = comparison(workspace, wish.against, wish.profile)
    left_out = {metric: why for metric in metrics if (why := _why_not(METRICS[metric], compared))}
    possible = [metric for metric in metrics if metric not in left_out]
    asking = _Asking(wish, possible, [_absent(*item) for item in left_out.items()], compared)
    found = [asking.measured(file, media[file]) for file in wish.files]
    if as_json:
        print_json(facts_of(found, compared))
    else:
        print_lines(lines_of(found, left_out, compared))
    if wish.plots is not None:
        from koma.cli.measuring_plots import draw

        say(draw(wish.plots, found))
    return int(not all(one.decodes for one in found))


def _known(wanted: Sequence[str]) -> list[str]:
    """Metrics to be measured; whatever is asked for, the file has to decode. `overall` is made of others."""
    for metric in wanted:
        if metric not in METRICS:
            raise UsageError(f"there is no metric {metric!r}", did_you_mean(metric, METRICS) or f"one of {', '.join(METRICS)}")
    asked = [*wanted, *(TERMS if OVERALL.id in wanted else ())] or list(METRICS)
    return [metric for metric in METRICS if metric == "decodes" or (metric in asked and metric != OVERALL.id)]


def _media(file: Path) -> Media:
    """Say what a file is, by its first bytes; by its name where they do not tell, or it can't be read, which is told as `decodes` 0."""
    try:
        kind = container_of(file)
    except OSError:
        kind = Container.OTHER
    if kind is Container.OTHER:
        return Media.IMAGE if file.suffix.lower() in _PICTURE_NAMES else Media.VIDEO
    return Media.IMAGE if kind in PICTURES else Media.VIDEO


def _why_not(spec: MetricSpec, compared: Comparison) -> str:
    """Say why a metric can't be measured in this place whatever the file, "" if nothing is seen to be in the way."""
    if spec.reads == "characters" and not compared.against.subjects:
        return "no character is named to compare with; do: --against CHARACTER"
    if spec.reads == "style" and not compared.against.style:
        return "there are no pictures of a style to compare with; do: --against a character of a project whose style has references"
    if not spec.weights:
        return ""
    from koma.measures.learned.registry import unavailable
    from koma.measures.setting import Setting

    return unavailable(spec.id, Setting(compared.against, models=compared.models))


def _absent(metric: str, why: str) -> Measurement:
    spec = METRICS[metric]
    return Measurement(metric, spec.version, spec.unit, None, why, record={"definition": spec.digest})


class _Asking(NamedTuple):
    """What is asked of every file: the wish, metrics that can be measured here, words about those that can't, what it is held against."""

    wish: Wish
    metrics: Sequence[str]
    absent: Sequence[Measurement]
    compared: Comparison

    def measured(self, file: Path, media: Media) -> Measured:
        name = self._name(file)
        watcher = _Watcher(name)
        measure = FileMeasure(self.compared.picture, self.compared.models, lambda: self.compared.device, seen=watcher)
        found = [*measure.measure(file, media, self.metrics, self.compared.against), *self.absent]
        phase = Phase(self.wish.judged_as or (Phase.STILL if media is Media.IMAGE else Phase.VIDEO))
        gate = judge(found, self._rules(phase, {one.metric for one in found}))
        return Measured(file, name, phase, watcher.frames, in_order([*found, *self._overall(gate)], list(METRICS)), gate)

    def _name(self, file: Path) -> str:
        """Give its path where another file has the same name, or it has none."""
        names = [one.name for one in dict.fromkeys(self.wish.files)]
        return file.name if file.name and names.count(file.name) == 1 else str(file)

    def _rules(self, phase: Phase, metrics: Collection[str]) -> list[Rule]:
        """Rules about what was asked for."""
        rules = self.compared.rules(Asked(phase, BackendKind.COMFYUI, _expected(phase), against=self.compared.against))
        return [rule for rule in rules if rule.metric in metrics or (rule.metric == OVERALL.id and self._wants_overall)]

    def _overall(self, gate: GateResult) -> list[Measurement]:
        """Give the overall value, which the rules make; who asks for it by name is told where there is none."""
        found = [_valued(check) for check in gate.checks if check.rule.metric == OVERALL.id]
        asked = OVERALL.id in self.wish.metrics
        return found or ([_absent(OVERALL.id, "these rules ask for no overall value; do: --profile standard, and a clip")] if asked else [])

    @property
    def _wants_overall(self) -> bool:
        return not self.wish.metrics or OVERALL.id in self.wish.metrics


def _expected(phase: Phase) -> Mapping[str, Any]:
    """Nobody said how large the file has to be; a clip has to move, as most shots do."""
    return {} if phase is Phase.STILL else {"motion": True}


def _valued(check: Check) -> Measurement:
    why = check.message if check.value is None else ""
    return Measurement(OVERALL.id, OVERALL.version, OVERALL.unit, check.value, why, record={"definition": OVERALL.digest})


class _Watcher:
    """Hears of each frame of a file, and tells about a long one."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.frames = 0

    def __call__(self, frames: int) -> None:
        self.frames = frames
        if frames % TELL_EVERY == 0:
            say(f"{self._name}: {frames} frames")
