"""What can happen to a job (events) and what is to be done about it (effects), as small values.

Every effect may be repeated. Look, Restart, Ask, Submit, Find, Collect, Recall, Measure, RecordTake, Publish and Wait are answered by an
event; Interrupt, Withdraw, Free and Emit by nothing. All times are seconds since the epoch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from koma.core.gate import Measurement
from koma.core.media import Artifact
from koma.core.memory import Care
from koma.core.request import Failure, Sighting, Submitted
from koma.core.rows import Published
from koma.core.supervision import Why


@dataclass(frozen=True, slots=True)
class Start:
    """The lane gives the job its turn; with `care`, memory is looked at before it is submitted."""

    care: Care | None = None


@dataclass(frozen=True, slots=True)
class Recovered:
    """A daemon found the job running in the store when it started."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A wait is over, or the backend hinted that the prompt has ended."""


@dataclass(frozen=True, slots=True)
class CancelAsked:
    """A person wants it stopped."""


@dataclass(frozen=True, slots=True)
class TakeBack:
    """A person wants nothing more begun: what only waits at the backend is to come back into the queue."""


@dataclass(frozen=True, slots=True)
class MemorySeen:
    """How much graphics memory is in use, and how much there is, in bytes; None where the backend does not say."""

    used: int | None
    total: int | None


@dataclass(frozen=True, slots=True)
class Restarted:
    """Whether the restart command brought the backend back; `message` says why not, "" where none is configured."""

    done: bool
    message: str = ""


@dataclass(frozen=True, slots=True)
class SubmitAnswer:
    """What came of the one POST."""

    answer: Submitted


@dataclass(frozen=True, slots=True)
class Seen:
    """What the backend says of the prompt. `moved` is when it last showed progress (epoch seconds), 0 where nobody looked."""

    sighting: Sighting
    moved: float = 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """What came of looking for files of a prompt that the backend has forgotten: succeeded, absent or unreachable."""

    sighting: Sighting


@dataclass(frozen=True, slots=True)
class Collected:
    """The files were fetched, decoded and stored."""

    artifacts: tuple[Artifact, ...]


@dataclass(frozen=True, slots=True)
class CollectFailed:
    """Files are missing, broken, or not what was asked for."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Recalled:
    """What the store knows of a take that was made earlier; no artifacts where it knows nothing."""

    artifacts: tuple[Artifact, ...]
    measurements: tuple[Measurement, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """Every metric was tried."""

    measurements: tuple[Measurement, ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """The take is in the store and beside the output; `publish` says whether the outputs folder has to change for it."""

    publish: bool


@dataclass(frozen=True, slots=True)
class PublishedAs:
    """The files lie in the outputs folder."""

    published: Published


@dataclass(frozen=True, slots=True)
class StepFailed:
    """Measuring, recording or publishing did not work this time (a full disk, a bug in a metric)."""

    failure: Failure


Event = (
    Start
    | Recovered
    | Tick
    | CancelAsked
    | TakeBack
    | MemorySeen
    | Restarted
    | SubmitAnswer
    | Seen
    | Found
    | Collected
    | CollectFailed
    | Recalled
    | Measured
    | Recorded
    | PublishedAs
    | StepFailed
)


@dataclass(frozen=True, slots=True)
class Look:
    """Read how much memory is in use."""


@dataclass(frozen=True, slots=True)
class Restart:
    """Run the restart command of the backend, if it has one, and wait until it answers again."""

    why: Why


@dataclass(frozen=True, slots=True)
class Submit:
    """POST the current attempt. Decided once per prompt id."""

    prompt_id: str


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the backend where the prompt is."""

    prompt_id: str


@dataclass(frozen=True, slots=True)
class Find:
    """Look for finished files of an attempt that the backend has forgotten, by the names that only it can have."""


@dataclass(frozen=True, slots=True)
class Collect:
    """Fetch the output files and make artifacts of them."""


@dataclass(frozen=True, slots=True)
class Recall:
    """Read artifacts and measurements of the take from the store."""


@dataclass(frozen=True, slots=True)
class Measure:
    """Measure the lossless object."""


@dataclass(frozen=True, slots=True)
class RecordTake:
    """Store the take, or the failure, with its receipt; then choose what is to lie in the outputs folder."""


@dataclass(frozen=True, slots=True)
class Publish:
    """Put the chosen take into the outputs folder."""


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Take the prompt from the backend's queue or stop it."""

    prompt_id: str


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Take the prompt from the backend's queue if it waits there; one that runs goes on."""

    prompt_id: str


@dataclass(frozen=True, slots=True)
class Free:
    """Let the backend give back memory."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait until a time, a hint or a person's wish."""

    until: float


@dataclass(frozen=True, slots=True)
class Emit:
    """Tell everyone who watches."""

    name: str
    fields: Mapping[str, Any]


Effect = (
    Look | Restart | Submit | Ask | Find | Collect | Recall | Measure | RecordTake | Publish | Interrupt | Withdraw | Free | Wait | Emit
)
