"""Look at the world once: snapshot, what is wanted, what there is, and the plan between them. Nothing is changed.

`koma plan`, `koma status` and each pass of the daemon go through here.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from koma.core.action import EVERYTHING, Observed, Plan, Selection
from koma.core.flags import CIRCUIT, HEALTH
from koma.core.words import Reason
from koma.engine.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from koma.core.job import Job
    from koma.core.phases import PhaseRate
    from koma.core.retakes import Retake
    from koma.core.review import Reviewed
    from koma.core.rows import Lying, Published, TakeRow
    from koma.core.snapshot import Snapshot
    from koma.core.target import Target
    from koma.core.words import Rendition
    from koma.engine.retaking import Retakes
    from koma.engine.wanted import Desires, Wanted
    from koma.ports import Objects, Source, Store, StoreReader

_SEGMENT = "/seg"
# Suffixes of lossless objects by that of the file people see: backends answer with one of several picture formats.
OBJECT_SUFFIXES = {".png": (".png", ".webp", ".jpg", ".jpeg"), ".mp4": (".mkv",)}


class Survey(NamedTuple):
    """One look: what was read, wanted, found, and what follows. `server` gives a digest of what is known of the server."""

    rendition: Rendition
    snapshot: Snapshot
    wanted: Wanted
    observed: Observed
    plan: Plan
    jobs: list[Job]
    server: Callable[[], str]


class Surveyor:
    """Makes surveys of one workspace. `store` and `objects` are asked for only where more than `reader` knows is needed.

    `qualified` gives render seconds by template from `koma qualify`, for templates without past renders. `retakes` works out what later
    takes change. With `receipts`, what lies there without its receipt counts as missing: who publishes looks so closely.
    `now` gives the time (epoch seconds), `server` a digest of what is known of the server.
    """

    def __init__(
        self,
        source: Source,
        desires: Desires,
        reader: StoreReader,
        store: Callable[[], Store],
        objects: Callable[[], Objects],
        outputs: Path,
        *,
        qualified: Callable[[], Mapping[str, Sequence[float]]] = dict,
        retakes: Callable[[], Retakes] | None = None,
        receipts: bool = False,
        now: Callable[[], float] = float,
        server: Callable[[], str] = str,
    ) -> None:
        self._source = source
        self._reader = reader
        self._store = store
        self._objects = objects
        self._outputs = outputs
        self._qualified = qualified
        self._retakes = retakes
        self._receipts = receipts
        self._now = now
        self._server = server
        self.desires = desires

    def survey(self, rendition: Rendition, selection: Selection | None = None, counted: Callable[[str], bool] | None = None) -> Survey:
        """Look once. `counted` says which targets count for the rates of phases, all if None. Raises SourceError if none can be had."""
        snapshot = self._source.snapshot()
        lying = self._reader.lying(rendition)
        gone = missing(str(self._outputs), lying, receipts=self._receipts)
        flags = self._reader.flags()
        lines = _lines(lying, gone, flags, rendition)
        wanted = self.desires.wanted(snapshot, rendition, lines)
        jobs = self._store().jobs() if self._reader.is_working() else []
        by = self.desires.reviewed(wanted) if _has_reviews(wanted) else None
        doubted = self._doubted(by, rendition) if by is not None else frozenset()
        wanted.unsettle(doubted)
        wanted.problems += by.problems if by is not None else ()
        server = cache(self._server)
        observed = self._observe(rendition, wanted, jobs, lying, gone, flags, by)._replace(doubted=doubted)
        observed = observed._replace(again=lambda row: self._again(row, server()), now=self._now())
        planned = self._plan(wanted, observed, selection, counted or EVERYTHING.takes, by)
        planned = self._held_back(planned, observed, jobs, server, counted or EVERYTHING.takes)
        self.desires.remember(wanted, observed.published, planned.current)
        return Survey(rendition, snapshot, wanted, observed, planned, jobs, server)

    def phases(self, survey: Survey) -> Mapping[tuple[str, str], PhaseRate]:
        """Tell how far each phase is, by (scope, phase), where nothing is to be done as well."""
        if survey.plan.phases:
            return survey.plan.phases
        from koma.core.gating import Phases  # noqa: PLC0415  # start-up time of a plan with nothing to do

        phases = Phases(self.desires.gatings(survey.wanted, self.desires.reviewed(survey.wanted)), EVERYTHING.takes)
        phases.passed(survey.plan.kept)
        return phases.rates()

    def _plan(
        self, wanted: Wanted, observed: Observed, selection: Selection | None, counted: Callable[[str], bool], by: Reviewed | None
    ) -> Plan:
        if not wanted.scenes and len(wanted.settled) == len(observed.published):
            return Plan([], list(filter((selection or EVERYTHING).takes, wanted.settled)))
        from koma.core.plan import plan  # noqa: PLC0415  # start-up time of a plan with nothing to do

        blocked, moved = _blocked(wanted, observed.published), wanted.moved
        held = by.held if by is not None else {}
        targets = [_held(target) if target.id in held else target for scene in wanted.scenes for target in scene.targets]
        gatings = self.desires.gatings(wanted, by or self.desires.reviewed(wanted))
        return plan(
            targets,
            observed,
            settled=wanted.settled,
            selection=selection,
            blocked=blocked,
            moved=moved,
            gatings=gatings,
            counted=counted,
        )

    def _observe(
        self,
        rendition: Rendition,
        wanted: Wanted,
        jobs: Sequence[Job],
        lying: Sequence[Lying],
        gone: frozenset[str],
        flags: Mapping[str, str],
        by: Reviewed | None,
    ) -> Observed:
        running = {(job.work.target, job.work.render_key): str(job.action) for job in jobs if job.work.rendition == rendition}
        return Observed(
            Shelf(lying, wanted.settled, lambda ids: [row for row in self._reader.published(ids) if row.rendition == rendition]),
            lambda keys: self._takes(keys, rendition, by),
            missing=gone,
            running=running,
            flags=flags,
            has_object=self._has_object,
            durations=cache(lambda: {**self._qualified(), **self._store().durations()}),
            pinned=lambda target, pin: self._pinned({target.id, target.origin_id}, rendition, pin),
            retake=lambda target, rows, number: self._retake(wanted, target, rows, number),
        )

    def _again(self, row: TakeRow, server: str) -> float | None:
        from koma.engine.trouble import again_at  # noqa: PLC0415  # start-up time of a plan without errors

        return again_at(self._store(), row, server)

    def _held_back(
        self, planned: Plan, observed: Observed, jobs: Sequence[Job], server: Callable[[], str], counted: Callable[[str], bool]
    ) -> Plan:
        if not any(name.startswith((CIRCUIT, HEALTH)) for name in observed.flags):
            return planned
        from koma.engine.trouble import held_back  # noqa: PLC0415  # start-up time where nothing ever went wrong

        return held_back(planned, observed, jobs, server(), counted)

    def _retake(self, wanted: Wanted, target: Target, rows: Sequence[TakeRow], number: int) -> Retake | None:
        return self._retakes().retake(wanted, target, rows, number) if self._retakes is not None else None

    def _doubted(self, by: Reviewed, rendition: Rendition) -> frozenset[str]:
        """Ids of targets whose published take a person rejected, whether or not a pass has taken note of it."""
        named = {by.now(target): said.decision for (target, _), said in by.takes.items()}
        rows = self._reader.published(named) if named else []
        words = ((row, by.word(row.target, row.content_digest)) for row in rows if row.rendition == rendition)
        return frozenset(row.target for row, said in words if said is not None and said.decision == "reject")

    def _takes(self, keys: Iterable[str], rendition: Rendition, by: Reviewed | None) -> list[TakeRow]:
        rows = [row for row in self._store().take_rows(keys) if row.rendition == rendition]
        if by is None:
            return rows
        from koma.core.review import as_planned  # noqa: PLC0415  # start-up time where nobody reviewed anything

        return as_planned(rows, by)

    def _pinned(self, ids: Collection[str], rendition: Rendition, pin: str) -> TakeRow | None:
        """Find the take that a pin means: by the first digits of its key, or by its number, then of what is published before all others.

        One of another rendition is given where this rendition has none. `ids` are those that the target has and had.
        """
        rows = [row for row in self._store().take_rows() if row.target in ids and row.object_digest]
        named = [row for row in rows if (str(row.number) == pin if len(pin) < _KEY_DIGITS else row.take_key.startswith(pin))]
        there = {row.render_key for row in self._reader.published(ids) if row.rendition == rendition}
        return max(
            named,
            key=lambda row: (row.rendition == rendition, row.render_key in there, row.approved, row.verdict == "passed"),
            default=None,
        )

    def _has_object(self, file_digest: str, suffix: str) -> bool:
        objects = self._objects()
        return any(objects.has(file_digest, kept) for kept in OBJECT_SUFFIXES[suffix])


def _has_reviews(wanted: Wanted) -> bool:
    return any(folder.heads.get("review") for folder in wanted.projects.values())


def _held(target: Target) -> Target:
    """Hold a target that a review holds; a stronger reason of its own stays."""
    return target if target.hold else target._replace(hold=Reason.HELD_BY_REVIEW)


_KEY_DIGITS = 8  # a pin of so many digits is a take's key, a shorter one its number


def _lines(lying: Sequence[Lying], gone: Collection[str], flags: Mapping[str, str], rendition: Rendition) -> frozenset[str]:
    """Lines of what lies there whole, and is not to be made again."""
    again = {name.removeprefix("retry:").removesuffix(f":{rendition}") for name in flags if name.startswith("retry:")}
    if not gone and not again:
        return frozenset([line for line, _, _ in lying])
    return frozenset([line for line, path, _ in lying if path not in gone and line.partition(" ")[0] not in again])


def missing(outputs: str, published: Iterable[Lying], *, receipts: bool = False) -> frozenset[str]:
    """Find published paths whose file is gone or has another size, or, with `receipts`, has none or an empty one beside it."""
    stat, inside = os.stat, f"{outputs}/"  # pathlib is slow, and these are ten thousand
    gone = []
    for _, path, size in published:
        try:
            asks = receipts or _SEGMENT in path  # what later segments and the join read is asked for by a receipt that is gone as well
            if stat(inside + path).st_size != size or (asks and not stat(f"{inside}{path.rpartition('.')[0]}.receipt.json").st_size):
                gone.append(path)
        except OSError:
            gone.append(path)
    return frozenset(gone)


def _blocked(wanted: Wanted, published: Mapping[str, Published]) -> list[str]:
    """Open up `*`: a project whose own document can't be read is known only by what it published."""
    if "*" not in wanted.blocked:
        return wanted.blocked
    unknown = {target.split("/", 1)[0] for target in published} - wanted.projects.keys()
    return [prefix for prefix in wanted.blocked if prefix != "*"] + sorted(unknown)
