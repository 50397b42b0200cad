"""One pass: hear wishes, look, plan, hold what is too much at once, queue the rest, retire what nobody wants.

Level-triggered: a pass looks at everything and remembers nothing between passes but what it said before.
"""

from collections import Counter
from collections.abc import Callable

from koma.core.action import Action, Plan
from koma.core.allowance import allowance, is_spent, not_allowed
from koma.core.faults import SourceError
from koma.core.flags import AFTER_CURRENT, AGAIN, NEXT, PAUSED
from koma.core.job import Job, JobState
from koma.core.patterns import matches
from koma.core.problem import Problem, Severity
from koma.core.safety import Limits, gpu_seconds, objections, plan_digest
from koma.core.wish import Request, Wish
from koma.core.words import ActionKind, Reason, Rendition
from koma.engine.loop import ReconcileResult
from koma.engine.queueing import Queueing, ready
from koma.engine.reviews import Reviewer
from koma.engine.setbacks import Setbacks
from koma.engine.standing import FOR_A_PERSON, LATER, Standing, errors_by_project, states, superseded
from koma.engine.survey import Survey, Surveyor
from koma.ports import Clock, Events, Publisher, Store, Wishes

LOOK_AGAIN_SECONDS = 0.25
FAILURES = 7  # looks in a row without a snapshot, about a minute, until that counts as how things are
LONGEST_FAILURE_REST = 30.0
_NAMED = 3


_DID = {
    ActionKind.RENDER: "rendered",
    ActionKind.RESTORE: "restored",
    ActionKind.MEASURE: "measured again",
    ActionKind.GATE: "judged again",
    ActionKind.PUBLISH: "published",
}


class Reconciler:
    """Makes passes. `allow` is a plan digest that a person gave on the command line."""

    def __init__(
        self,
        surveyor: Surveyor,
        queueing: Queueing,
        store: Store,
        publisher: Publisher,
        reviewer: Reviewer,
        wishes: Wishes,
        clock: Clock,
        events: Events,
        *,
        rendition: Rendition,
        limits: Limits,
        allow: str = "",
        selects: Callable[[str], bool] | None = None,
    ) -> None:
        self._surveyor = surveyor
        self._queueing = queueing
        self._store = store
        self._publisher = publisher
        self._reviewer = reviewer
        self._wishes = wishes
        self._clock = clock
        self._events = events
        self._rendition = rendition
        self._limits = limits
        self._allow = allow
        self._selects = selects or (lambda _target_id: True)
        self._finished: Counter[str] = Counter()
        self._setbacks = Setbacks(clock)
        self._said: frozenset[Problem] = frozenset()
        self._failures = 0
        self.standing = Standing()

    def note(self, job: Job) -> None:
        """Take note of a job that is over. One that failed at anything but a render leaves no take behind: it is tried again later."""
        self._finished[_DID[job.action] if job.state is JobState.DONE else str(job.state)] += 1
        self._setbacks.note(job.work.target, failed=job.state is JobState.FAILED and job.action is not ActionKind.RENDER)

    def summary(self) -> str:
        """Say in one line what was done, and how things stand."""
        if self.standing.error:
            return f"no plan could be made: {self.standing.error}"
        done = ", ".join(f"{count} {name}" for name, count in sorted(self._finished.items())) or "nothing to do"
        survey = self.standing.survey
        counts = survey.plan.summary() if survey is not None else {}
        held = f", {counts['hold']} on hold" if counts.get("hold") else ""
        if not self.standing.held:
            return f"{done}; {counts.get('keep', 0)} as wanted{held}{self._left()}"
        why = "; ".join(self.standing.held)
        return f"held: {why}\nto go ahead with exactly this plan: koma run --allow {self.standing.digest}"

    def _left(self) -> str:
        """Say how many of the targets that were named wait for some that were left out."""
        actions = self.standing.survey.plan.actions if self.standing.survey is not None else []
        left = [a for a in actions if a.action is ActionKind.RENDER and self._selects(a.target_id)]
        names = sorted({name for a in left for name in a.waits_for if not self._selects(name)})
        return f", {len(left)} waiting for what was left out: {', '.join(names[:_NAMED])}" if names else ""

    async def __call__(self) -> ReconcileResult:
        """Make one pass."""
        begun = self._clock.monotonic()
        try:
            result = self._pass()
        except SourceError as error:
            return self._failed(error, self._clock.monotonic() - begun)
        self.standing.error, self._failures = "", 0
        self._tell(result, self._clock.monotonic() - begun)
        return result

    def _failed(self, error: SourceError, seconds: float) -> ReconcileResult:
        """Look again soon, then less often; who waits for the end (`once`) waits for the first few times only."""
        self._failures += 1
        self.standing.error = str(error)
        self._events.emit("reconcile_complete", seconds=seconds, result="error", message=str(error))
        rest = min(LONGEST_FAILURE_REST, 2.0 ** min(self._failures - 1, 16))
        return ReconcileResult(errors=1, next_wake=self._clock.now() + rest, unsettled=self._failures < FAILURES)

    def _pass(self) -> ReconcileResult:
        survey = self._surveyor.survey(self._rendition, counted=self._selects)
        self.standing.collect = []
        wishes = self._wishes.read()
        cancelled = [job_id for request in wishes for job_id in self._grant(request, survey)]
        if wishes:
            survey = self._surveyor.survey(self._rendition, counted=self._selects)
        survey = self._reviewed(survey)
        self.standing.survey = survey
        self.standing.states = states(survey)
        self._tell_problems(survey)
        self._pin_cancelled(survey)
        unhurt = self._hold(survey)
        queued, changed = self._queue(survey, unhurt)
        self._retire(unhurt)
        return self._result(survey, queued, changed, (*cancelled, *superseded(survey)))

    def _reviewed(self, survey: Survey) -> Survey:
        """Bring the takes into line with what people decided; the survey after it."""
        keys = {action.target_id: action.key for action in survey.plan.actions if action.key}
        applied = self._reviewer.apply(self._surveyor.desires.reviewed(survey.wanted), keys)
        if applied.changed:
            survey = self._surveyor.survey(self._rendition, counted=self._selects)
        survey.wanted.problems += applied.problems
        return survey

    def _grant(self, request: Request, survey: Survey) -> list[str]:
        """Carry out one wish; ids of jobs that are to stop. It may be carried out twice, but never be lost."""
        stop: list[str] = []
        match request.wish:
            case Wish.PAUSE | Wish.PAUSE_AFTER_CURRENT:
                self._store.set_flag(PAUSED, "yes" if request.wish is Wish.PAUSE else AFTER_CURRENT)
            case Wish.RESUME:
                self._store.set_flag(PAUSED, None)
            case Wish.ALLOW:
                self._allow = request.plan
            case Wish.RETRY:
                for target_id in _named(request, survey):
                    self._store.set_flag(f"cancelled:{target_id}:{self._rendition}", None)
                    self._store.set_flag(f"retry:{target_id}:{self._rendition}", AGAIN)
            case Wish.CANCEL:
                stop = self._cancel(request, survey)
            case Wish.COLLECT:
                self.standing.collect.append(request)
                return stop  # done with once it was carried out, after this pass
        self._wishes.done(request)
        return stop

    def _cancel(self, request: Request, survey: Survey) -> list[str]:
        stopped = []
        for action in survey.plan.actions:
            if action.action is ActionKind.RENDER and any(matches(p, action.target_id) for p in request.targets):
                self._store.set_flag(f"cancelled:{action.target_id}:{self._rendition}", action.key or NEXT)
                stopped += [job.job_id for job in survey.jobs if (job.work.target, job.work.render_key) == (action.target_id, action.key)]
        return stopped

    def _pin_cancelled(self, survey: Survey) -> None:
        """Bind a cancellation to the picture that it turned out to be about, so that the next edit is another matter."""
        for action in survey.plan.actions:
            name = f"cancelled:{action.target_id}:{self._rendition}"
            if action.reason is Reason.CANCELLED and action.key and survey.observed.flags.get(name) == NEXT:
                self._store.set_flag(name, action.key)

    def _hold(self, survey: Survey) -> Plan:
        """Give the part of the plan that may be carried out: all of it, or nothing that is not allowed while it is too much at once."""
        allowed = self._store.flags().get("allowed_plan", "")
        if allowed and is_spent(survey.plan, allowed):
            self._store.set_flag("allowed_plan", None)
            allowed = ""
        fresh = not_allowed(survey.plan, allowed)
        said = objections(fresh, len(survey.observed.published), self._limits, survey.wanted.projects)
        digest = plan_digest(fresh)
        if said and digest == self._allow:
            self._store.set_flag("allowed_plan", allowance(survey.plan))
            said = []
        if said and (said, digest) != (self.standing.held, self.standing.digest):
            renders = sum(action.action is ActionKind.RENDER for action in fresh.actions)
            end = "" if said[-1].endswith("?") else "."
            message = f"{'; '.join(said)}{end} To go ahead: koma run --allow {digest}"
            self._events.emit("plan_held", digest=digest, renders=renders, gpu_seconds=gpu_seconds(fresh)[0], message=message)
        self.standing.held, self.standing.digest = said, digest
        if not said:
            return survey.plan
        held = set(map(id, fresh.actions))
        return Plan([action for action in survey.plan.actions if id(action) not in held], survey.plan.kept)

    def _queue(self, survey: Survey, plan: Plan) -> tuple[list[Job], bool]:
        """Put jobs into the store; with whether something changed between plan and queue, so that it is to be planned again soon."""
        busy = {(job.work.target, job.work.rendition) for job in survey.jobs}
        jobs: list[Job] = []
        changed = False
        for action in ready(plan.actions):
            if (action.target_id, self._rendition) in busy or not self._selects(action.target_id) or self._rests(action):
                continue
            job = self._queueing.job(survey, action)
            changed = changed or job is None
            if job is not None:
                jobs.append(job)
        self._store.enqueue(jobs)
        for job in jobs:
            if f"retry:{job.work.target}:{self._rendition}" in survey.observed.flags:
                self._store.set_flag(f"retry:{job.work.target}:{self._rendition}", None)
            self._events.emit(
                "job_queued",
                target=job.work.target,
                rendition=job.work.rendition,
                take=job.work.number,
                action=str(job.action),
                template=job.work.template,
            )
        return jobs, changed

    def _rests(self, action: Action) -> bool:
        return action.action is not ActionKind.RENDER and self._setbacks.rests(action.target_id)

    def _retire(self, plan: Plan) -> None:
        gone = {a.target_id for a in plan.actions if a.action is ActionKind.RETIRE and self._selects(a.target_id)}
        for row in self._store.published() if gone else ():
            if row.target in gone and row.rendition == self._rendition:
                self._publisher.retire(row)
                self._store.drop_published(row.target, row.rendition)
                self._events.emit("retired", target=row.target, rendition=row.rendition)

    def _result(self, survey: Survey, queued: list[Job], changed: bool, cancel: tuple[str, ...]) -> ReconcileResult:
        actions, flags = survey.plan.actions, self._store.flags()
        waiting = sum(action.action is ActionKind.HOLD and action.reason in FOR_A_PERSON | LATER for action in actions)
        errors = sum(problem.severity is Severity.ERROR for problem in survey.wanted.problems)
        soon = self._clock.now() + LOOK_AGAIN_SECONDS if changed else None
        settled = self._clock.now() + survey.snapshot.unsettled if survey.snapshot.unsettled else None
        self._setbacks.forget_others({action.target_id for action in actions})
        wakes = [when for when in (soon, settled, *self._setbacks.ends(), *filter(None, (a.until for a in actions))) if when is not None]
        return ReconcileResult(
            queued=tuple(queued),
            cancel=cancel,
            waiting=waiting + len(self.standing.held),
            errors=errors + len(self._setbacks),
            next_wake=min(wakes) if wakes else None,
            unsettled=changed,
            paused=PAUSED in flags,
            after_current=flags.get(PAUSED) == AFTER_CURRENT,
        )

    def _tell_problems(self, survey: Survey) -> None:
        now = frozenset(survey.wanted.problems)
        for problem in sorted(now - self._said):
            self._events.emit(
                "spec_problem",
                place=str(problem.place),
                code=problem.code,
                severity=str(problem.severity),
                message=problem.message,
                expected=problem.expected,
                hint=problem.hint,
            )
        self._said = now

    def _tell(self, result: ReconcileResult, seconds: float) -> None:
        survey = self.standing.survey
        if survey is None:
            return
        summary = survey.plan.summary()
        self._events.emit(
            "reconcile_complete",
            seconds=seconds,
            result="held" if self.standing.held else "problems" if result.errors else "ok",
            waiting=result.waiting,
            spec_errors=errors_by_project(survey),
            targets=[{"project": p, "phase": f, "state": s, "count": n} for (p, f, s), n in sorted(self.standing.states.items())],
            **summary,
        )


def _named(request: Request, survey: Survey) -> list[str]:
    return [t.id for t in survey.wanted.targets if any(matches(pattern, t.id) for pattern in request.targets)]
