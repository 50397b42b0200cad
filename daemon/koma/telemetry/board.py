"""The board: the newest facts about a running daemon, kept from events, for /status.json and /healthz."""

from collections.abc import Mapping
from threading import Lock
from typing import Any

from koma.telemetry.events import Event

FORMAT_VERSION = 1
HEALTHY_SECONDS = 120.0
RECENT_FAILURES = 20
_BEGINS = frozenset({"job_submitted", "job_adopted"})
_ENDS = frozenset({"job_complete", "job_failed", "job_cancelled", "job_queued", "job_retried", "job_fenced"})


class Board:
    """A sink that remembers: targets, queue, what renders now, backends, the newest failures."""

    def __init__(self, version: str, started_at: float) -> None:
        self._lock = Lock()
        self._heartbeat = started_at
        self._running: dict[str, dict[str, Any]] = {}
        self._failures: list[dict[str, Any]] = []
        self._backends: dict[str, bool] = {}
        self._facts: dict[str, Any] = {
            "format_version": FORMAT_VERSION,
            "version": version,
            "started_at": started_at,
            "reconciled_at": None,
            "queue": 0,
            "targets": [],
            "spec_errors": {},
            "held_plan": None,
            "disk_low": None,
        }

    def __call__(self, event: Event) -> None:
        """Take in one event."""
        with self._lock:
            if "queue" in event.fields:
                self._facts["queue"] = event.fields["queue"]
            self._note_reconcile(event)
            self._note_job(event)
            if event.name in {"disk_low", "disk_ok"}:
                self._facts["disk_low"] = event.fields.get("message")
            if event.name in {"backend_up", "backend_down"}:
                self._backends[event.fields.get("backend", "")] = event.name == "backend_up"

    def close(self) -> None:
        """Nothing is held."""

    def status(self) -> dict[str, Any]:
        """Return the body of /status.json: additions only within one `format_version`. Times are epoch seconds."""
        with self._lock:
            running = [dict(job) for job in self._running.values()]
            return {**self._facts, "running": running, "backends": dict(self._backends), "failures": list(self._failures)}

    def healthy(self, now: float) -> bool:
        """Whether a reconcile pass or a job moved within HEALTHY_SECONDS."""
        with self._lock:
            return now - self._heartbeat <= HEALTHY_SECONDS

    @property
    def disk_low(self) -> str:
        """Say where room lacks, while renders wait for it; "" else."""
        with self._lock:
            return str(self._facts["disk_low"] or "")

    def _note_reconcile(self, event: Event) -> None:
        if event.name == "plan_held":
            self._facts["held_plan"] = event.fields.get("digest")
        elif event.name == "plan_ready":
            self._facts["held_plan"] = None
        elif event.name == "reconcile_complete":
            self._heartbeat = event.at
            self._facts["reconciled_at"] = event.at
            self._facts["targets"] = list(event.fields.get("targets", ()))
            self._facts["spec_errors"] = dict(event.fields.get("spec_errors", {}))

    def _note_job(self, event: Event) -> None:
        fields = event.fields
        job = (
            f"{fields.get('target', '')} {fields.get('rendition', '')}"  # it has no more than one at a time, whatever its prompt is called
        )
        if event.name in _BEGINS:
            self._running[job] = {**_who(fields), "since": event.at, "fraction": None}
        elif event.name == "progress":
            self._heartbeat = event.at
            for running in self._running.values():
                if running.get("prompt_id") == fields.get("prompt_id"):
                    running["fraction"] = fields.get("fraction")
        elif event.name in _ENDS:
            self._running.pop(job, None)
        if event.name == "job_failed":
            words = {"error_class": fields.get("error_class", ""), "message": fields.get("message", "")}
            self._failures = [{**_who(fields), **words, "at": event.at}, *self._failures][:RECENT_FAILURES]


def _who(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: fields[key] for key in ("target", "rendition", "take", "prompt_id", "template") if key in fields}
