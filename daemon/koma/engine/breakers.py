"""Circuit breakers: counts what becomes of targets, template by template, and says when a circuit opens or closes."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from koma.core.circuit import BLAMED, GOOD, Circuit, Position, after_failure, digest_of
from koma.core.codec import to_json
from koma.core.flags import CIRCUIT, kept
from koma.core.forgiving import SERVER
from koma.core.job import Job, JobState
from koma.core.supervision import attempt_ended_badly
from koma.core.words import ActionKind, BackendKind
from koma.ports import Clock, Events, Store


class Breakers:
    """The circuits of all templates. They lie in the store, so they outlive the daemon; one that is as good as new leaves no trace.

    When one opens or closes, other targets may begin than before.
    """

    def __init__(self, store: Store, clock: Clock, events: Events) -> None:
        self._on_change: Callable[[], None] = lambda: None
        self._store = store
        self._clock = clock
        self._events = events
        self._known: dict[str, Circuit] | None = None

    @property
    def circuits(self) -> Mapping[str, Circuit]:
        """Circuits by template, of those that something was counted of."""
        if self._known is None:
            self._known = kept(Circuit, self._store.flags(), CIRCUIT)
        return self._known

    def tell(self, on_change: Callable[[], None]) -> None:
        """Tell who watches of circuits that were open before, and `on_change` of those that open or close from now on."""
        self._on_change = on_change
        for template, circuit in self.circuits.items():
            if circuit.until > 0:
                self._events.emit("circuit_opened", **_facts(template, circuit))

    def may_begin(self, job: Job) -> bool:
        """Whether a job that has its turn may begin: a plan holds it while the circuit is open, but it may have been queued before.

        What a person asked for may.
        """
        circuit = self.circuits.get(job.work.template)
        if circuit is None or job.work.asked or job.state is not JobState.QUEUED or job.attempt > 0:
            return True
        return circuit.position(_of(job), self._clock.now()) is not Position.OPEN

    def saw(self, before: Job, after: Job) -> None:
        """Count what a step of a job says of its template."""
        if after.action is not ActionKind.RENDER or after.work.backend is not BackendKind.COMFYUI:
            return
        if after.artifacts and not before.artifacts:
            self._put(after.work.template, GOOD)
        elif attempt_ended_badly(before, after) and after.failure is not None and after.failure.kind in BLAMED:
            circuit = self.circuits.get(after.work.template, GOOD)
            self._put(after.work.template, after_failure(circuit, after.work.target, _of(after), after.failure.message, self._clock.now()))

    def _put(self, template: str, circuit: Circuit) -> None:
        before = self.circuits.get(template, GOOD)
        if circuit == before or self._known is None:
            return
        self._known = {**self._known, template: circuit}
        self._store.set_flag(f"{CIRCUIT}{template}", json.dumps(to_json(circuit)) if circuit != GOOD else None)
        if circuit.until > 0 and circuit.until != before.until:
            self._events.emit("circuit_opened", **_facts(template, circuit))
            self._on_change()
        elif before.until > 0 and circuit.until <= 0:
            self._events.emit("circuit_closed", template=template)
            self._on_change()


def _of(job: Job) -> str:
    return digest_of(job.work.origin.get("template_digest", ""), job.work.origin.get(SERVER, ""))


def _facts(template: str, circuit: Circuit) -> dict[str, Any]:
    words = f"{len(circuit.failed)} targets of {template} failed in a row, the last one of: {circuit.why}"
    return {"template": template, "until": circuit.until, "times": circuit.times, "targets": list(circuit.failed), "message": words}
