"""What is done with a take's files on this machine, one thing at a time: collected, measured, recorded, published.

Every function answers with an event of the job, and raises nothing but StoreError and FlushError: after those nobody knows what is on the
disk, so the daemon ends, and recovers when it starts again.
"""

import asyncio
import errno
import tempfile
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from koma.core.attempt import request_of
from koma.core.faults import FlushError, StoreError, is_of_disk
from koma.core.job import Job
from koma.core.media import Artifact, Role
from koma.core.request import Failure, FailureClass
from koma.core.scores import in_order, stamped, still_true
from koma.core.step import Collected, CollectFailed, Event, Measured, PublishedAs, Recalled, Recorded, StepFailed
from koma.core.take import Take
from koma.core.words import ActionKind, BackendKind
from koma.engine.mending import mended
from koma.engine.taking import TakeMissingError, key_to_lie, must_publish, take_of, whole_take
from koma.ports import Backend, Clock, CollectError, MediaTools, Objects, Publisher, Store
from koma.ports import Measure as MeasurePort

DECODES = "decodes"
T = TypeVar("T")
Offload = Callable[..., Awaitable[Any]]
Prepare = Callable[[Sequence[str]], Awaitable[None]]


class CpuLane:
    """The CPU lane of one store. `offload` runs a blocking function elsewhere, one at a time.

    `versions` of Koma and of each backend go into a take's receipt as they are known when it is recorded. `scratch` is a folder for files
    on their way, else the system's. `prepare` is told which metrics come next, before they are measured.
    """

    def __init__(
        self,
        store: Store,
        *,
        objects: Objects,
        media: MediaTools,
        measure: MeasurePort,
        publisher: Publisher,
        clock: Clock,
        versions: Mapping[BackendKind, Mapping[str, str]],
        scratch: Path | None = None,
        offload: Offload = asyncio.to_thread,
        prepare: Prepare | None = None,
    ) -> None:
        self._store = store
        self._objects = objects
        self._media = media
        self._measure = measure
        self._publisher = publisher
        self._clock = clock
        self._versions = versions
        self._scratch = scratch
        self._offload = offload
        self._prepare = prepare
        self._turn = asyncio.Lock()

    async def collect(self, job: Job, backend: Backend) -> Event:
        """Fetch what an attempt made, and keep it."""
        try:
            return await self._collect(job, backend)
        except FlushError:
            raise
        except CollectError as error:
            return CollectFailed(Failure(FailureClass.BACKEND_DOWN if error.away else FailureClass.BAD_OUTPUT, str(error)))
        except ValueError as error:
            return CollectFailed(Failure(FailureClass.BAD_OUTPUT, str(error)))
        except OSError as error:
            return CollectFailed(Failure(FailureClass.DISK, f"{job.work.target}: its files can't be kept on this machine: {error}"))
        except Exception as error:  # noqa: BLE001  # a bug met by one shot's files must not stop the others
            return CollectFailed(_bug(error))

    async def _collect(self, job: Job, backend: Backend) -> Event:
        request = request_of(job)
        with tempfile.TemporaryDirectory(prefix="koma-", dir=self._scratch) as folder:
            files = await backend.collect(request, job.outputs, Path(folder))
            return Collected(tuple(await self._cpu(self._media.build, files, request)))

    def recall(self, job: Job) -> Recalled:
        """Look up what is known of the take."""
        take = whole_take(self._store, job, job.work.take_key)
        return Recalled(take.artifacts, take.measurements) if take is not None else Recalled((), ())

    async def measured(self, job: Job) -> Event:
        """Measure the take's lossless file."""
        lossless = next((artifact for artifact in job.artifacts if artifact.role is Role.OBJECT), None)
        if lossless is None:
            return StepFailed(Failure(FailureClass.NO_OUTPUT, "the take has no lossless object"))
        file = self._objects.path(lossless.file_digest, lossless.suffix)
        return await self._tried(self._measure_file, file, lossless, job)

    async def _measure_file(self, file: Path, lossless: Artifact, job: Job) -> Event:
        """Measure what has no score under the key that is asked for; everything else is known already."""
        work = job.work
        if job.action is not ActionKind.RENDER and not await self._cpu(self._objects.is_sound, lossless.file_digest, lossless.suffix):
            raise TakeMissingError(f"the object of take {work.number} of {work.target} is damaged; it was put aside")
        known = still_true(job.measurements, work.score_keys)
        left = [metric for metric in work.measures if metric not in {found.metric for found in known}]
        made = await self._cpu(self._measure.measure, file, lossless.media, left, work.against, prepared=left) if left else ()
        if any(found.metric == DECODES and found.value == 0 for found in made):  # it did when it was kept: this is no fault of the take
            raise OSError(errno.EIO, "it can't be read, though it was whole when it was kept", str(file))
        fresh = [stamped(found, work.score_keys.get(found.metric, ""), lossless.content_digest) for found in made]
        return Measured(in_order([*known, *fresh], work.measures))

    async def record(self, job: Job) -> Event:
        """Put the take into the store, and its receipt beside the outputs."""
        return await self._tried(self._record_take, job)

    async def _record_take(self, job: Job) -> Event:
        old = whole_take(self._store, job, job.work.take_key)
        take = take_of(job, old, self._versions.get(job.work.backend, {}), self._clock.now())
        self._store.put_take(take)
        await self._cpu(self._publisher.keep_take, take, job.work.stem, job.failure.excerpt if job.failure is not None else "")
        return Recorded(publish=must_publish(self._store, job))

    async def publish(self, job: Job) -> Event:
        """Put the take that is to lie in the outputs folder there."""
        return await self._tried(self._publish_take, job)

    async def _publish_take(self, job: Job) -> Event:
        wanted, _ = key_to_lie(self._store, job)
        take = whole_take(self._store, job, wanted) if wanted else None
        if take is None:
            raise TakeMissingError(f"no take of {job.work.target} may be published, or it is not in the store")
        take = await self._cpu(self._whole, take, job.work.stem)
        if self._store.take(wanted) != take:
            self._store.put_take(take)  # it comes from the id that the target had before it moved, or was mended
        return PublishedAs(await self._cpu(self._publisher.publish, take, job.work.stem))

    def _whole(self, take: Take, stem: str) -> Take:
        """Make sure that all that is to be published of a take is there."""
        self._publisher.give_back(take, stem)
        return mended(take, self._objects, self._media)

    async def _tried(self, function: Callable[..., Awaitable[Event]], *arguments: Any) -> Event:
        try:
            return await function(*arguments)
        except (StoreError, FlushError):
            raise
        except (OSError, ValueError, TakeMissingError) as error:
            return StepFailed(Failure(FailureClass.DISK if is_of_disk(error) else FailureClass.INTERNAL, str(error)))
        except Exception as error:  # noqa: BLE001  # a bug met by one shot must not stop the others
            return StepFailed(_bug(error))

    async def _cpu(self, function: Callable[..., T], *arguments: Any, prepared: Sequence[str] = ()) -> T:
        """Run a function in its turn; what is to be `prepared` for these metrics is chosen then, and not while another one runs."""
        async with self._turn:
            if prepared and self._prepare is not None:
                await self._prepare(prepared)
            result: T = await self._offload(function, *arguments)
            return result


def _bug(error: Exception) -> Failure:
    return Failure(FailureClass.INTERNAL, f"{type(error).__name__}: {error}", "".join(traceback.format_exception(error)[-8:]))
