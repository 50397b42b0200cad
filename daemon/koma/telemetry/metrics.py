"""Prometheus metrics, fed by events. The only module that knows Prometheus.

Labels are bounded: never a shot, a seed, a prompt or a commit. A label that a workspace can make up (project, template, backend) takes
at most MANY values; the rest counts under `other`.
"""

import shutil
from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from koma.core.request import FailureClass
from koma.core.shown import printable
from koma.core.supervision import Why
from koma.core.words import BackendKind, Verdict
from koma.telemetry.events import Event

MANY = 50
_LONGEST = 100  # characters of a label
_NO_FOLDERS: Mapping[str, Path] = {}
STAGES = ("submit", "render", "collect", "measure", "judge", "publish")
RESULTS = ("ok", "problems", "held", "error")
_RENDER_BUCKETS = (1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)
_STAGE_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
_ENDED = {"job_complete": "success", "job_failed": "failed", "job_cancelled": "cancelled"}


class Metrics:
    """All metrics of one daemon, in a registry of their own: a sink for events. Free space is told by name: `outputs` and `folders`."""

    def __init__(self, version: str, outputs: Path, folders: Mapping[str, Path] = _NO_FOLDERS) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # the library leaves this one function untyped
        self._registry = CollectorRegistry(auto_describe=True)
        build = Gauge("koma_build_info", "Always 1; the label says which version runs.", ["version"], registry=self._registry)
        build.labels(version).set(1)
        disk = Gauge("koma_output_disk_free_bytes", "Free space where the outputs lie.", registry=self._registry)
        disk.set_function(lambda: _free_bytes(outputs))
        free = Gauge("koma_disk_free_bytes", "Free space where Koma writes.", ["place"], registry=self._registry)
        for name, folder in folders.items():
            free.labels(name).set_function(partial(_free_bytes, folder))
        self._families = (
            _Reconciling(self._registry),
            _Rendering(self._registry),
            _Judging(self._registry),
            _Backends(self._registry),
            _Disk(self._registry),
        )

    def __call__(self, event: Event) -> None:
        """Count one event."""
        for family in self._families:
            family.count(event)

    def close(self) -> None:
        """Nothing is held."""

    def exposition(self) -> tuple[str, bytes]:
        """Content type and body of /metrics."""
        return CONTENT_TYPE_LATEST, generate_latest(self._registry)


class _Reconciling:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._targets = Gauge("koma_targets", "Targets by how they stand.", ["project", "phase", "state"], registry=registry)
        self._queue = Gauge("koma_queue_length", "Jobs that wait.", registry=registry)
        self._seconds = Histogram("koma_reconcile_duration_seconds", "Time of one pass.", registry=registry, buckets=_STAGE_BUCKETS)
        self._passes = Counter("koma_reconcile", "Passes by result.", ["result"], registry=registry)
        self._spec_errors = Gauge("koma_spec_errors", "Errors in what people wrote.", ["project"], registry=registry)
        self._heartbeat = Gauge("koma_heartbeat_timestamp_seconds", "When the daemon last finished a pass.", registry=registry)
        self._projects = _Bounded()

    def count(self, event: Event) -> None:
        if "queue" in event.fields:
            self._queue.set(event.fields["queue"])
        if event.name == "reconcile_complete":
            self._heartbeat.set(event.at)
            self._seconds.observe(event.fields.get("seconds", 0.0))
            self._passes.labels(_closed(event.fields.get("result", "ok"), RESULTS)).inc()
            self._show_targets(event.fields.get("targets", ()))
            self._show_errors(event.fields.get("spec_errors", {}))

    def _show_targets(self, rows: Any) -> None:
        """Replace every row: a project that is gone leaves nothing behind."""
        sums: defaultdict[tuple[str, str, str], int] = defaultdict(int)
        for row in rows:
            sums[self._projects.label(row["project"]), row["phase"], row["state"]] += row["count"]
        self._targets.clear()
        for labels, number in sums.items():
            self._targets.labels(*labels).set(number)

    def _show_errors(self, errors: Mapping[str, int]) -> None:
        sums: defaultdict[str, int] = defaultdict(int)
        for project, number in errors.items():
            sums[self._projects.label(project)] += number
        self._spec_errors.clear()
        for project, number in sums.items():
            self._spec_errors.labels(project).set(number)


class _Rendering:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._ended = Counter("koma_renders", "Renders that ended.", ["template", "result"], registry=registry)
        self._failures = Counter("koma_render_failures", "Attempts that ended in an error.", ["error_class"], registry=registry)
        help_text = "Render time at the backend."
        self._seconds = Histogram("koma_render_duration_seconds", help_text, ["template"], registry=registry, buckets=_RENDER_BUCKETS)
        self._stages = Histogram(
            "koma_stage_duration_seconds", "Time in one stage of a job.", ["stage"], registry=registry, buckets=_STAGE_BUCKETS
        )
        self._gpu = Counter("koma_gpu_busy_seconds", "Render time of backends that use a GPU, summed up.", registry=registry)
        self._templates = _Bounded()

    def count(self, event: Event) -> None:
        if event.name in {"job_failed", "job_retried"}:
            self._failures.labels(_closed(event.fields.get("error_class", ""), [str(kind) for kind in FailureClass])).inc()
        if event.name not in _ENDED:
            return
        for stage, seconds in event.fields.get("stages", {}).items():
            self._stages.labels(_closed(stage, STAGES)).observe(seconds)
        if event.fields.get("action", "render") == "render":
            self._count_render(event)

    def _count_render(self, event: Event) -> None:
        template = self._templates.label(event.fields.get("template", ""))
        self._ended.labels(template, _ENDED[event.name]).inc()
        seconds = event.fields.get("seconds") or 0.0
        if event.name == "job_complete":
            self._seconds.labels(template).observe(seconds)
        if event.fields.get("backend") != BackendKind.ANIMATIC:
            self._gpu.inc(seconds)


class _Judging:
    _MOVES = frozenset({"job_submitted", "job_adopted", "progress", "job_complete", "quality_evaluation", "published"})

    def __init__(self, registry: CollectorRegistry) -> None:
        self._verdicts = Counter("koma_gate_results", "Verdicts, by the phase whose gate it is.", ["gate", "verdict"], registry=registry)
        self._progress = Gauge("koma_last_progress_timestamp_seconds", "When a job last moved.", registry=registry)
        self._gates = _Bounded()

    def count(self, event: Event) -> None:
        if event.name in self._MOVES:
            self._progress.set(event.at)
        if event.name == "quality_evaluation":
            verdict = _closed(event.fields.get("verdict", ""), [str(word) for word in Verdict])
            self._verdicts.labels(self._gates.label(event.fields.get("phase", "")), verdict).inc()


class _Backends:
    _OF_BACKENDS = frozenset(
        {"backend_up", "backend_down", "backend_stuck", "backend_unstuck", "backend_restarted", "backend_restart_failed"}
    )

    def __init__(self, registry: CollectorRegistry) -> None:
        self._up = Gauge("koma_backend_up", "1 while the backend answers.", ["backend"], registry=registry)
        self._stuck = Gauge("koma_backend_stuck", "1 while the backend answers and works on nothing.", ["backend"], registry=registry)
        self._restarts = Counter("koma_backend_restarts", "Runs of the restart command.", ["backend", "why", "result"], registry=registry)
        self._circuits = Gauge("koma_circuit_open", "1 while targets of the template wait.", ["template"], registry=registry)
        self._names, self._templates = _Bounded(), _Bounded()

    def count(self, event: Event) -> None:
        name = self._names.label(event.fields.get("backend", "")) if event.name in self._OF_BACKENDS else ""
        if event.name in {"backend_up", "backend_down"}:
            self._up.labels(name).set(event.name == "backend_up")
        elif event.name in {"backend_stuck", "backend_unstuck"}:
            self._stuck.labels(name).set(event.name == "backend_stuck")
        elif event.name in self._OF_BACKENDS:
            why = _closed(event.fields.get("why", ""), [str(why) for why in Why])
            self._restarts.labels(name, why, "failed" if event.name == "backend_restart_failed" else "success").inc()
        elif event.name in {"circuit_opened", "circuit_closed"}:
            self._circuits.labels(self._templates.label(event.fields.get("template", ""))).set(event.name == "circuit_opened")


class _Disk:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._low = Gauge("koma_disk_low", "1 while renders wait for room on disk.", registry=registry)

    def count(self, event: Event) -> None:
        if event.name in {"disk_low", "disk_ok"}:
            self._low.set(event.name == "disk_low")


class _Bounded:
    """Lets the first MANY values of a label through."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def label(self, value: str) -> str:
        value = printable(value)[:_LONGEST]  # half of a surrogate pair in one label would end every scrape
        if value not in self._seen and len(self._seen) >= MANY:
            return "other"
        self._seen.add(value)
        return value or "none"


def _closed(value: str, known: tuple[str, ...] | list[str]) -> str:
    return value if value in known else "other"


def _free_bytes(folder: Path) -> float:
    """Ask the nearest folder that exists: the outputs folder appears with the first output."""
    existing = next((path for path in (folder, *folder.parents) if path.exists()), None)
    return float(shutil.disk_usage(existing).free) if existing is not None else float("nan")
