"""Domain events: their names, the value that carries one, and the hub that hands it to every sink.

Fields are JSON values. Every event may carry `target`, `rendition`, `phase`, `take`, `attempt`, `prompt_id`, `template`, `seconds`,
`verdict`, `error_class`, `message`; `queue` on any event is the number of jobs that wait. What else the sinks read:

- `daemon_started`, `daemon_stopped`: `version`, `workspace`
- `reconcile_complete`: `seconds`, `result` (ok, problems, held, error), `targets` (list of project, phase, state, count),
  `spec_errors` (project → count)
- `spec_problem`: `place`, `code`, `message`
- `plan_ready`, `plan_held`: `digest`, `renders` (how many), `gpu_seconds`, `message`
- `job_queued`, `job_submitted`, `job_adopted`, `job_cancelled`: `action`, `backend` (its kind)
- `job_retried` (an attempt failed, another follows), `job_fenced` (the store refused a step of a job that is no longer ours)
- `progress`: `fraction` 0..1 or null, `note`
- `job_complete`, `job_failed`: `action`, `backend` (its kind), `seconds` (the backend's render time), `stages` (stage → seconds),
  `error_class`
- `quality_evaluation`: `phase`, `verdict`, `values` (metric, and the character it is about → value), `stage` that decided, `message`
- `published`, `retired`: `path`; `watch_failed`: `message`
- `circuit_opened`: `template`, `until` (epoch seconds), `times`, `targets`, `message`; `circuit_closed`: `template`
- `backend_restarted`, `backend_restart_failed`: `backend` (its name), `why` (a koma.core.supervision.Why), `seconds`, `message`
- `backend_stuck`, `backend_unstuck`: `backend` (its name), `message`; `quiet_began`, `quiet_ended`: `until` (epoch seconds or null)
- `store_away`: `message`; `store_back`
- `disk_low`, `disk_ok`: `spaces` (list of places, free, total, reserve, again: bytes), `message`
- `collected`: `wish` (its name), `files`, `bytes`, `rows` (the first of them: file, bytes, why), `message` where nothing could be done
- `backend_up`, `backend_down`: `backend` (its name), `message`; `backend_busy`: as for jobs, when it refused work for now
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Protocol

from koma.core.redact import redact_text, redacted
from koma.ports import Clock

NAMES = frozenset(
    {
        "daemon_started",
        "daemon_stopped",
        "reconcile_complete",
        "spec_problem",
        "plan_ready",
        "plan_held",
        "job_queued",
        "job_submitted",
        "job_adopted",
        "progress",
        "job_complete",
        "job_failed",
        "job_cancelled",
        "job_retried",
        "job_fenced",
        "quality_evaluation",
        "published",
        "retired",
        "watch_failed",
        "circuit_opened",
        "circuit_closed",
        "backend_restarted",
        "backend_restart_failed",
        "backend_stuck",
        "backend_unstuck",
        "quiet_began",
        "quiet_ended",
        "store_away",
        "store_back",
        "disk_low",
        "disk_ok",
        "collected",
        "backend_up",
        "backend_down",
        "backend_busy",
    }
)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, at `at` seconds since the epoch."""

    name: str
    at: float
    fields: Mapping[str, Any]


class Sink(Protocol):
    """One place where events go. It may raise; the hub says so once and goes on."""

    def __call__(self, event: Event) -> None:
        """Take one event."""
        ...

    def close(self) -> None:
        """Release what it holds."""
        ...


class EventHub:
    """Hands each event to every sink, one event at a time, from any thread. A broken sink never stops the daemon."""

    def __init__(self, sinks: Sequence[Sink], clock: Clock) -> None:
        self._sinks = tuple(sinks)
        self._clock = clock
        self._lock = Lock()
        self._told: set[int] = set()

    def emit(self, name: str, **fields: Any) -> None:
        """Report one event; see the module's list for the fields. Secrets in texts are taken out here, for every sink."""
        event = Event(name, self._clock.now(), _without_secrets(fields))
        with self._lock:
            for sink in self._sinks:
                self._hand(sink, event)

    def close(self) -> None:
        """Close every sink."""
        for sink in self._sinks:
            sink.close()

    def _hand(self, sink: Sink, event: Event) -> None:
        try:
            sink(event)
        except Exception as error:  # noqa: BLE001 - a full disk or a closed terminal must not end a render
            if id(sink) not in self._told:
                self._told.add(id(sink))
                sys.stderr.write(f"koma: events no longer reach {type(sink).__name__}: {error}\n")


def _without_secrets(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Take secrets out; a message is free text, and may be a server's."""
    found: dict[str, Any] = redacted(fields)
    return {name: redact_text(value) if name == "message" and isinstance(value, str) else value for name, value in found.items()}
