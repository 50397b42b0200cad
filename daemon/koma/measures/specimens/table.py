"""The discrimination table: every specimen measured and judged, and which check caught which fault."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from koma.core.against import Against
from koma.core.gate import Check, GateResult, Measurement, Op, Rule, judge
from koma.core.media import Media
from koma.core.metrics import METRICS, Stage
from koma.core.profiles import Asked, profile_rules
from koma.core.words import BackendKind, Phase, Verdict
from koma.measures.measure import FileMeasure
from koma.measures.specimens.clips import FRAMES, HEIGHT, RATE, SPECIMENS, SUBJECT, WIDTH, write

AGAINST = Against((SUBJECT,))
PREDECESSOR = tuple(
    Rule(metric, Op.AT_LEAST, 0.85, source="the predecessor") for metric in ("mae-consistency", "ssim-consistency", "flow-smoothness")
)
"""The predecessor's threshold for coherence, in three definitions that all bear this name."""


@dataclass(frozen=True, slots=True)
class Row:
    """One specimen, what was measured, and the verdict. `meant` is the metric that is there for its fault, "" for a clean clip."""

    name: str
    words: str
    meant: str
    measurements: tuple[Measurement, ...]
    result: GateResult

    @property
    def caught_by(self) -> tuple[str, ...]:
        """Metrics whose required checks did not pass, each once."""
        return tuple(dict.fromkeys(check.rule.metric for check in self.result.checks if _objects(check)))

    @property
    def right(self) -> bool:
        """Whether a clean clip passed, or a fault was caught by the metric that is there for it."""
        return self.meant in self.caught_by if self.meant else self.result.verdict is Verdict.PASSED


def _objects(check: Check) -> bool:
    return check.rule.required and check.verdict is not Verdict.PASSED


def standing_rules(width: int = WIDTH, height: int = HEIGHT, frames: int = FRAMES) -> tuple[Rule, ...]:
    """Rules of the profile `basic` for a loop in which the specimens' character moves, told by its colours."""
    expect = {"width": width, "height": height, "frames": frames, "fps": float(RATE), "motion": True}
    return profile_rules("basic", Asked(Phase.LOOP, BackendKind.COMFYUI, expect, against=AGAINST), identity="palette")


def discrimination(
    rules: Sequence[Rule] | None = None,
    *,
    names: Iterable[str] = SPECIMENS,
    width: int = WIDTH,
    height: int = HEIGHT,
    frames: int = FRAMES,
    strength: float = 1.0,
) -> tuple[Row, ...]:
    """Write each specimen as a lossless clip, measure it as any other file, and judge it by these rules, else `standing_rules`.

    Sizes are in px. Takes about a second for each specimen of the usual size.
    """
    rules = standing_rules(width, height, frames) if rules is None else rules
    metrics = tuple(dict.fromkeys(rule.metric for rule in (*rules, *PREDECESSOR)))
    rows = []
    with TemporaryDirectory(prefix="koma-specimens-") as folder:
        for name in names:
            file = write(name, Path(folder) / f"{name}.mkv", width=width, height=height, frames=frames, strength=strength)
            rows.append(_row(name, FileMeasure().measure(file, Media.FRAMES, metrics, AGAINST), rules))
            file.unlink()
    return tuple(rows)


def judged(rows: Iterable[Row], rules: Sequence[Rule]) -> tuple[Row, ...]:
    """Judge what was measured by other rules, such as PREDECESSOR."""
    return tuple(_row(row.name, row.measurements, rules) for row in rows)


def _row(name: str, measurements: Sequence[Measurement], rules: Sequence[Rule]) -> Row:
    specimen = SPECIMENS[name]
    return Row(name, specimen.words, specimen.caught_by, tuple(measurements), judge(measurements, rules))


def columns(rows: Sequence[Row]) -> tuple[str, ...]:
    """Metrics that rules ask for, without the file contract, in their order."""
    asked = dict.fromkeys(check.rule.metric for row in rows for check in row.result.checks)
    return tuple(metric for metric in asked if METRICS[metric].stage is not Stage.VALIDITY or metric in ("blank", "black"))


def markdown(rows: Sequence[Row]) -> str:
    """Table in Markdown. Bold is what a required rule does not let pass; a metric in brackets is shown only."""
    metrics = columns(rows)
    shown_only = {metric for metric in metrics if not any(_required(check, metric) for row in rows for check in row.result.checks)}
    heads = ["clip", "verdict", "caught by", *(f"({metric})" if metric in shown_only else metric for metric in metrics)]
    lines = [heads, ["---"] * 3 + ["---:"] * len(metrics), *(_cells(row, metrics) for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _required(check: Check, metric: str) -> bool:
    return check.rule.metric == metric and check.rule.required


def _cells(row: Row, metrics: Sequence[str]) -> list[str]:
    caught = ", ".join(f"**{metric}**" if metric == row.meant else metric for metric in row.caught_by) or "none"
    return [row.name, str(row.result.verdict), caught, *(_cell(row, metric) for metric in metrics)]


def _cell(row: Row, metric: str) -> str:
    value = _value(row, metric)
    text = "none" if value is None else f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"  # noqa: PLR2004  digits that say something
    return f"**{text}**" if metric in row.caught_by else text


def _value(row: Row, metric: str) -> float | None:
    return next((found.value for found in row.measurements if found.metric == metric), None)


def as_json(rows: Sequence[Row]) -> list[Mapping[str, Any]]:
    """Rows as JSON values: name, words, meant, right, verdict, caught_by, and per metric its value and the outcome of each rule."""
    return [
        {
            "name": row.name,
            "words": row.words,
            "meant": row.meant,
            "right": row.right,
            "verdict": str(row.result.verdict),
            "caught_by": list(row.caught_by),
            "metrics": {metric: {"value": _value(row, metric), "checks": _outcomes(row, metric)} for metric in columns(rows)},
        }
        for row in rows
    ]


def _outcomes(row: Row, metric: str) -> list[Mapping[str, Any]]:
    return [
        {"op": str(check.rule.op), "threshold": check.rule.threshold, "required": check.rule.required, "verdict": str(check.verdict)}
        for check in row.result.checks
        if check.rule.metric == metric
    ]
