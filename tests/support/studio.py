"""A workspace with everything of the engine but a backend: passes are made by hand, and jobs end as a test says."""

import asyncio
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

from koma.app.workspace import App
from koma.core.action import Selection
from koma.core.gate import Measurement, Op, Rule, judge
from koma.core.job import TERMINAL, Job, JobState
from koma.core.keys import digest
from koma.core.media import Artifact, Media, Role
from koma.core.request import Failure, FailureClass
from koma.core.rows import Published
from koma.core.safety import Limits
from koma.core.take import Take
from koma.core.wish import Request, Wish
from koma.core.words import ActionKind, Verdict
from koma.engine.loop import ReconcileResult
from koma.engine.queueing import Queueing
from koma.engine.reasons import Reasons
from koma.engine.reconcile import Reconciler
from koma.engine.reviews import Reviewer
from koma.engine.survey import Survey
from koma.engine.taking import key_to_lie, must_publish, take_of, whole_take
from koma.sources.inbox import Inbox
from support.virtual import VirtualClock
from support.workspaces import ANIMATIC_CONFIG, Workspace, comfyui_config, story

FINAL = comfyui_config("http://127.0.0.1:9")
_STATES = tuple(state for state in JobState if state not in TERMINAL)  # in their order


class Events:
    """Remembers what was said."""

    def __init__(self) -> None:
        self.said: list[tuple[str, dict[str, Any]]] = []

    def emit(self, name: str, **fields: Any) -> None:
        self.said.append((name, fields))

    def of(self, name: str) -> list[dict[str, Any]]:
        return [fields for said, fields in self.said if said == name]


class Folder:
    """Publishes small files."""

    def __init__(self, outputs: Path) -> None:
        self.outputs = outputs
        self.retired: list[str] = []

    def publish(self, take: Take, stem: str) -> Published:
        path = stem + (".mp4" if take.template.startswith(("animatic-video", "noisevid")) else ".png")
        file = self.outputs / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(take.take_key)
        (self.outputs / f"{stem}.receipt.json").write_text(take.take_key)
        content = take.object.content_digest if take.object else ""
        shown = (take.target, take.rendition, take.take_key, take.render_key, path, len(take.take_key), str(take.verdict))
        return Published(*shown, take.measure_key, take.rules_digest, content, decided=take.decided)

    def retire(self, published: Published) -> None:
        self.retired.append(published.target)
        (self.outputs / published.path).unlink(missing_ok=True)


class Studio:
    """One workspace. `made` lists the jobs that rendered, `events` what was said."""

    def __init__(self, root: Path, config: str = FINAL, limits: Limits | None = None, **more: Any) -> None:
        self.files: Workspace = story(root, config)
        self.clock, self.events = VirtualClock(), Events()
        self.made: list[Job] = []
        self._opening = more
        self.app = self._open(root)
        self.publisher = Folder(self.app.config.paths.outputs)
        self.inbox = Inbox(self.app.config.paths.inbox)
        self.limits = limits or Limits()
        self.reconciler = self.reconcile()

    def _open(self, root: Path) -> App:
        app = App.open(root, writes=True, **self._opening)
        app.clock = self.clock
        return app

    def restart(self) -> None:
        """End the process and begin another: what was only remembered in memory is gone."""
        self.app.close()
        self.app = self._open(self.files.root)
        self.reconciler = self.reconcile()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.app.close()

    # -- looking ----------------------------------------------------------------------------------------------------------

    @property
    def queueing(self) -> Queueing:
        app = self.app
        return Queueing(app.source, app.desires, app.drafting, app.store, app.objects, self.clock, outputs=app.config.paths.outputs)

    def reconcile(self, **more: Any) -> Reconciler:
        """A reconciler that has said nothing yet."""
        app = self.app
        reviewer = Reviewer(app.store, self.publisher, app.desires.documents)
        parts = (app.surveyor, self.queueing, app.store, self.publisher, reviewer, self.inbox, self.clock, self.events)
        return Reconciler(*parts, rendition=app.config.rendition, limits=self.limits, **more)

    def survey(self, selection: Selection | None = None) -> Survey:
        return self.app.surveyor.survey(self.app.config.rendition, selection)

    def said(self) -> dict[str, str]:
        """Target id → action and reason, as planned now; what is kept is left out."""
        return {action.target_id: f"{action.action} {action.reason}" for action in self.survey().plan.actions}

    def problems(self) -> list[str]:
        """Codes of all problems now, errors only, sorted by place."""
        return [problem.code for problem in sorted(self.survey().wanted.problems) if problem.severity == "error"]

    def explained(self) -> dict[str, list[tuple[str, Any, Any, str]]]:
        """Target id → (field, old, new, file:line) of what changed."""
        survey = self.survey()
        reasons = Reasons(survey, self.app.desires, self.app.drafting, self.app.store)
        return {
            action.target_id: [(change.field, change.old, change.new, f"{change.file}:{change.line}") for change in action.changed]
            for action in reasons.explained(survey.plan.actions)
        }

    # -- working ----------------------------------------------------------------------------------------------------------

    def wish(self, wish: Wish, *targets: str, plan: str = "") -> None:
        self.inbox.leave(Request(wish, targets, plan))

    def look(self) -> ReconcileResult:
        """Make one pass."""
        return asyncio.run(self.reconciler())

    def settle(self, **outcome: Any) -> list[str]:
        """Make passes and end every job, until nothing is queued; labels of what was done: `render demo/s01/sh010/still`."""
        done = []
        for _ in range(30):
            result = self.look()
            if not result.queued:
                return sorted(done)
            for job in result.queued:
                self.finish(job, **outcome)
                done.append(f"{job.action} {job.work.target}")
        raise AssertionError(f"no end of work: {done}")

    def finish(self, job: Job, verdict: Verdict = Verdict.PASSED, pixels: str = "", *, kind: FailureClass = FailureClass.NODE) -> None:
        """End a job: a render makes a file whose pixels are those given, else its own alone; one in error failed of `kind`."""
        failed = verdict is Verdict.ERROR
        if job.action is ActionKind.RENDER:
            self.made.append(job)
            failure = Failure(kind, "the sampler stopped") if failed else None
            job = replace(job, artifacts=() if failed else (self._artifact(job, pixels),), failure=failure)
        old = whole_take(self.app.store, job, job.work.take_key)
        if job.action in (ActionKind.RENDER, ActionKind.MEASURE):
            job = replace(job, measurements=() if failed else measured(job.work.rules, verdict))
        if job.action in (ActionKind.RENDER, ActionKind.MEASURE, ActionKind.GATE):
            known = job.measurements or (old.measurements if old else ())
            job = replace(job, gate=None if failed else judge(known, job.work.rules), measurements=known)
            self.app.store.put_take(take_of(job, old, {}, self.clock.now()))
        publish = job.action in (ActionKind.PUBLISH, ActionKind.RESTORE) or must_publish(self.app.store, job)
        self._end(job, self._publish(job) if publish else None)

    def drop(self, job: Job) -> None:
        """End a job as cancelled."""
        self.app.store.advance(replace(job, state=JobState.CANCELLED), job.state)

    def _publish(self, job: Job) -> Published | None:
        wanted, _ = key_to_lie(self.app.store, job)
        take = whole_take(self.app.store, job, wanted) if wanted else None
        if take is None:
            return None
        self.app.store.put_take(take)
        return self.publisher.publish(take, job.work.stem)

    def _end(self, job: Job, published: Published | None) -> None:
        store = self.app.store
        states = _STATES[_STATES.index(job.state) :]
        for before, after in pairwise(states):
            job = replace(job, state=after)
            assert store.advance(job, before)
        ended = replace(job, state=JobState.DONE)
        if published is not None:
            store.put_published(published, ended)
        else:
            assert store.advance(ended, job.state)

    def _artifact(self, job: Job, pixels: str) -> Artifact:
        content = digest(pixels or [job.work.render_key, job.work.number])
        still = job.work.phase == "still"
        media, suffix = (Media.IMAGE, ".png") if still else (Media.FRAMES, ".mkv")
        file = self.app.scratch / f"made{suffix}"
        file.write_text(content)
        return Artifact(Role.OBJECT, media, self.app.objects.put(file), content, suffix, len(content), 64, 64)


def measured(rules: tuple[Rule, ...], verdict: Verdict) -> tuple[Measurement, ...]:
    """Measurements that these rules judge like that."""
    if verdict is Verdict.UNMEASURED:
        return ()
    off = {Op.AT_LEAST: -1.0, Op.AT_MOST: 1.0, Op.EQUALS: 1.0} if verdict is Verdict.FAILED else dict.fromkeys(Op, 0.0)
    values = {rule.metric: rule.threshold + off[rule.op] for rule in reversed(rules)}  # of a floor and a ceiling, the floor
    return tuple(Measurement(metric, "1", "", value) for metric, value in values.items())


def animatic(root: Path, **more: Any) -> Studio:
    return Studio(root, ANIMATIC_CONFIG, **more)
