"""Collecting garbage in one workspace: read everything that may need a file, or refuse; then delete what nothing needs.

Beside a running daemon this goes on between two passes, so that nothing is planned meanwhile; what running jobs make is younger than the
grace of a day, and an object that is put once more at that very moment stays.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from koma.app.workspace import App
from koma.core.errors import KomaError
from koma.core.jsontext import read_json
from koma.core.problem import Problem
from koma.core.receipt import MAX_BYTES
from koma.core.retention import Needs, Remembered, cutoff, kept, newest_commits
from koma.core.rows import TakeRow
from koma.core.safety import Limits, objections
from koma.core.take import Take
from koma.engine.garbage import (
    DAY,
    Litter,
    digests_in,
    digests_of,
    digests_of_job,
    left_halfway,
    outlived,
    shown_takes,
    sweep,
    unlink,
    unlink_below,
    unmarked,
)
from koma.engine.survey import Survey
from koma.files import read_file
from koma.publish.layout import GATE, RECEIPT, receipts
from koma.sources.git import GitSource

_SHORT = 12  # digits of a take key in file names
_NO_HISTORY = frozenset({"not-a-repository", "missing-git", "missing-ref"})


@dataclass(slots=True)
class Found:
    """What may go, by how it is deleted."""

    objects: list[Litter] = field(default_factory=list)
    shown: list[Litter] = field(default_factory=list)
    retired: list[Litter] = field(default_factory=list)
    scratch: list[Litter] = field(default_factory=list)

    @property
    def all(self) -> list[Litter]:
        """Everything, objects first."""
        return [*self.objects, *self.shown, *self.retired, *self.scratch]


def look(app: App, survey: Survey, retired_days: float | None = None) -> Found:
    """Find what may go, and delete nothing. Raises KomaError where something can't be read, and so nothing is known."""
    config, now = app.config, app.disk_time
    paths = config.paths
    _must_be_known(app, survey)
    marks = _marks(app, survey, now)
    days = config.gc.retired_days if retired_days is None else retired_days
    return Found(
        objects=unmarked(paths.objects, marks.keep, now, whys=marks.whys),
        shown=shown_takes(paths.outputs, marks.gone),
        retired=outlived(paths.retired, now, days * DAY),
        scratch=[*outlived(app.scratches, now, DAY, "left behind"), *left_halfway(paths.outputs, now)],
    )


def delete(app: App, found: Found) -> list[Litter]:
    """Delete what was found, as far as it is still as it was; what went."""
    since = app.disk_time - DAY
    paths = app.config.paths
    return [
        *sweep(found.objects, lambda file: app.objects.discard(file, since)),  # first: without its links an object looks used just now
        *sweep(found.shown, unlink),
        *sweep(found.retired, unlink_below(paths.retired)),
        *sweep(found.scratch, unlink_below(app.scratches, app.scratch)),
    ]


def _must_be_known(app: App, survey: Survey) -> None:
    """Raise KomaError where what is wanted may only be missing for now, as with a watched folder that is not there."""
    safety = app.config.safety
    limits = Limits(None, safety.retire_share, safety.retire_at_least)
    held = objections(survey.plan, len(survey.observed.published), limits, survey.wanted.projects)
    if held:
        raise KomaError(f"the plan is held, so it is not known what is needed: {'; '.join(held)}", "koma plan; nothing was deleted")


@dataclass(slots=True)
class _Marks:
    """Digests that are kept; why others may go; and takes whose files go, by the digits of their keys that file names have."""

    keep: set[str]
    whys: Mapping[str, str]
    gone: Mapping[str, str]


def _marks(app: App, survey: Survey, now: float) -> _Marks:
    problems = app.store.check()
    if problems:
        raise KomaError(f"the state store is damaged: {problems[0]}", "koma doctor; nothing was deleted")
    jobs = app.store.jobs() if app.has_store else []  # before the takes: what ends meanwhile is among these
    takes = _takes(app)
    if not takes:
        hint = "koma run --once   (finds the takes again from the receipts); nothing was deleted"
        raise KomaError("the state store knows no take, so every object would look unneeded", hint)
    needs = _needs(app, survey, [take for take, _ in takes], now)
    needs = needs._replace(keys={*needs.keys, *(job.work.render_key for job in jobs)})
    chosen = kept([take for take, _ in takes], needs)
    keep = {digest for take, digests in takes if take.take_key in chosen for digest in digests}
    keep |= {digest for job in jobs for digest in digests_of_job(job)}
    keep |= {digest for receipt in _unknown(app, {take.take_key for take, _ in takes}) for digest in digests_in(receipt)}
    lost = [(take, digests) for take, digests in takes if take.take_key not in chosen]
    whys = {digest: _why(take, now) for take, digests in lost for digest in digests}
    return _Marks(keep, whys, {take.take_key[:_SHORT]: _why(take, now) for take, _ in lost})


def _why(take: Remembered, now: float) -> str:
    return f"named by a take of {take.target} that was in use {(now - take.used_at) / DAY:.0f} days ago"


def _takes(app: App) -> list[tuple[Remembered, frozenset[str]]]:
    """Every take that the store knows, with the digests that it names; one at a time, because whole ones are large."""
    rows = app.store.take_rows() if app.has_store else []  # what receipts tell of a lost store is not all it knew
    used = _last_used(app.config.paths.outputs)
    return [_remembered(row, take, used) for row in rows if (take := app.store.take(row.take_key)) is not None]


def _remembered(row: TakeRow, take: Take, used: Mapping[str, float]) -> tuple[Remembered, frozenset[str]]:
    commit, made_at = str(take.receipt.get("commit") or ""), take.finished_at
    used_at = max(made_at, used.get(row.take_key[:_SHORT], 0.0))
    found = Remembered(row.take_key, row.target, row.rendition, row.render_key, commit, made_at, used_at, row.approved)
    return found, frozenset(digests_of(take))


def _needs(app: App, survey: Survey, rows: Sequence[Remembered], now: float) -> Needs:
    config = app.config
    published = app.store.published()
    actions = survey.plan.actions
    commits = _commits(app)
    return Needs(
        takes={row.take_key for row in published} | {action.take_key for action in actions},
        keys={row.render_key for row in published} | {action.key for action in actions},
        unsure=frozenset(survey.wanted.blocked),
        commits=commits.keys() | newest_commits(rows, config.gc.keep_commits),
        since=cutoff(now, config.gc.keep_days * DAY, commits.values()),
    )


def _commits(app: App) -> Mapping[str, float]:
    """Last commits of what documents are read from, with their times; none where there is no git. Raises KomaError if git does not say."""
    config = app.config
    if config.source.mode == "git":
        source, cache = config.source, config.paths.private / "git"
        remote = "://" in source.repository or "@" in source.repository
        git = GitSource(source.repository if remote else config.workspace / source.repository, source.ref, (), cache)
    else:
        git = GitSource(config.workspace, "HEAD", (), config.paths.private / "git")
    found = git.recent(config.gc.keep_commits)
    if not isinstance(found, Problem):
        return found
    if found.code in _NO_HISTORY and config.source.mode != "git":
        return {}
    raise KomaError(f"{found.message}, so it is not known what the last commits need", f"{found.hint}; nothing was deleted")


def _last_used(outputs: Path) -> Mapping[str, float]:
    """When takes were judged, or taken out of the outputs folder last, by the digits of their keys that file names have."""
    found: defaultdict[str, float] = defaultdict(float)
    for receipt, stem in receipts(outputs):
        gate = receipt.with_name(receipt.name.removesuffix(RECEIPT) + GATE)
        if not stem and gate.is_file():
            digits = _digits(receipt)
            found[digits] = max(found[digits], gate.stat().st_mtime)
    return found


def _unknown(app: App, known: set[str]) -> Iterator[Mapping[str, Any]]:
    """Receipts of what is published, and of takes that the store does not know. Raises KomaError for one that can't be read."""
    short = {key[:_SHORT] for key in known}
    paths = app.config.paths
    for file, stem in receipts(paths.outputs):
        if stem or _digits(file) not in short:
            yield _read(file)
    for file in sorted(paths.retired.rglob(f"*{RECEIPT}")):
        if file.parent.name.rpartition(".")[2] not in short:
            yield _read(file)


def _digits(receipt: Path) -> str:
    return receipt.name.removesuffix(RECEIPT).rpartition(".")[2]


def _read(file: Path) -> Mapping[str, Any]:
    try:
        document = read_json(read_file(file, MAX_BYTES), MAX_BYTES)
    except (OSError, ValueError) as error:
        hint = "repair it, or move it away if its pictures may go; nothing was deleted"
        raise KomaError(f"{file} can't be read, so what it names is not known: {error}", hint) from error
    return document if isinstance(document, dict) else {}
