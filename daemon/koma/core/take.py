"""Takes: one finished try at a render_key each, with all that the state store remembers of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from koma.core.gate import GateResult, Measurement
from koma.core.media import Artifact, Role
from koma.core.request import Failure
from koma.core.words import BackendKind, Verdict


@dataclass(frozen=True, slots=True)
class Take:
    """One finished try at a render_key. It is a fact: only its measurements, gate result and approval may change later.

    `decided` is True once a take of its key passed when first judged, or was approved: after that a key is never tried again
    by itself. A take that ended in an error has `failure` and no artifacts. Times are seconds since the epoch, durations seconds.
    `facts` are the resolved fields that entered the key (flat, JSON values), for saying later what changed.
    `receipt` is the whole receipt as it stands beside the output.
    """

    take_key: str
    target: str
    rendition: str
    render_key: str
    number: int
    seed: int
    backend: BackendKind
    template: str
    artifacts: tuple[Artifact, ...]
    measure_key: str  # digest over the metric ids and versions that were asked for; "" if never measured
    measurements: tuple[Measurement, ...]
    rules_digest: str  # digest over the rules that were applied; "" if never judged
    gate: GateResult | None
    decided: bool
    failure: Failure | None
    render_seconds: float
    finished_at: float
    approved: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)
    receipt: Mapping[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """Passed, failed, unmeasured or error; a take that never rendered is an error."""
        if self.approved:
            return Verdict.PASSED
        if self.failure is not None:
            return Verdict.ERROR
        return self.gate.verdict if self.gate is not None else Verdict.UNMEASURED

    @property
    def object(self) -> Artifact | None:
        """The lossless artifact, whose content digest is what downstream targets read."""
        return self.artifact(Role.OBJECT)

    def artifact(self, role: Role) -> Artifact | None:
        """Return the file of this role, if the take has one."""
        return next((a for a in self.artifacts if a.role is role), None)
