"""The submit protocol under seeds: the real `decide` with a client that is killed, a network that loses, a server that forgets.

No clock, no socket, no thread: one seed is one story, which can be told again with `submit_protocol.py --seed 4711`.
"""

import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for `support` and `faults`

from faults.table import Row, main
from koma.core import step
from koma.core.decide import decide
from koma.core.gate import Measurement
from koma.core.job import TERMINAL, Job, JobState
from koma.core.media import Artifact, Media, Role
from koma.core.request import Failure, FailureClass, Sighting, Stage, SubmitOutcome, Submitted
from koma.core.rows import Published
from support.scripted import make_job
from support.simulated import SimulatedServer

SEEDS = 100_000
MOST_STEPS = 5_000
PICTURE = Artifact(Role.OBJECT, Media.IMAGE, "f", "c", ".png", 1, 1, 1)
SHARP = Measurement("sharpness", "1", "", 1.0)
SHOWN = Published("p/s01/sh010/still", "final", "take", "key", "t.png", 1, "passed", "m", "r", "c")
QUEUED = make_job()
KINDS = (
    "request lost",
    "reply lost",
    "late accept",
    "accepted after the grace",
    "server restarted",
    "server restarted in a render",
    "server unreachable",
    "killed before a state was stored",
    "killed after a state was stored",
    "killed after an effect",
    "files not fetched",
)


@dataclass(frozen=True, slots=True)
class Odds:
    """How likely each fault is: per POST, per question, per fetch, and per moment at which the client can be killed.

    A request that is accepted late takes up to `latest` seconds; `never_believed` is the share of those that take longer than the grace.
    """

    request_lost: float = 0.08
    reply_lost: float = 0.08
    late: float = 0.08
    latest: float = 9.0
    after_grace: float = 0.005
    unreachable: float = 0.05
    not_fetched: float = 0.03
    killed: float = 0.01
    restarted: float = 0.4
    adopts: bool = True


@dataclass(slots=True)
class Story:
    """One job from the queue to its end: what is on the client's disk (`job`), and what happens to it."""

    rng: Random
    odds: Odds
    server: SimulatedServer
    job: Job = QUEUED
    now: float = 1_000.0
    fired: Counter[str] = field(default_factory=Counter)

    def tell(self) -> None:
        """Play until the job is over. Raises AssertionError if it never is."""
        event: step.Event | None = step.Start()
        for _ in range(MOST_STEPS):
            event = self._step(event) if event is not None else self._started_again()
            if self.job.state in TERMINAL:
                self.server.drain()
                return
        raise AssertionError(f"not over after {MOST_STEPS} steps: {self.job.state}")

    def _step(self, event: step.Event) -> step.Event | None:
        """Decide, store, carry out, as the worker does; None where the client was killed."""
        job, effects = decide(self.job, event, self.now)
        if job != self.job:
            if self._happens("killed before a state was stored", self.odds.killed):
                return None
            self.job = job
            if self._happens("killed after a state was stored", self.odds.killed):
                return None
        answer: step.Event | None = None
        for effect in effects:
            answer = self._carry_out(effect) or answer
            if self._happens("killed after an effect", self.odds.killed):
                return None
        if answer is None and self.job.state is JobState.QUEUED:
            self.now = max(self.now, self.job.not_before) + self.rng.uniform(0.0, 0.5)
            return step.Start()
        return answer or step.Tick()

    def _started_again(self) -> step.Event:
        self.now += self.rng.choice([0.5, 5.0, 120.0])
        return step.Start() if self.job.state is JobState.QUEUED else step.Recovered()

    def _happens(self, kind: str, odds: float) -> bool:
        happens = self.rng.random() < odds
        self.fired[kind] += happens
        return happens

    def _carry_out(self, effect: step.Effect) -> step.Event | None:  # noqa: C901, PLR0911, PLR0912  # one case per effect is the point
        match effect:
            case step.Submit(prompt):
                return step.SubmitAnswer(self._post(prompt))
            case step.Ask(prompt):
                return step.Seen(self._ask(prompt))
            case step.Find():
                return step.Found(self._find())
            case step.Collect():
                return self._collect()
            case step.Wait(until):
                return self._wait(until)
            case step.Interrupt(prompt):
                self.server.interrupt(prompt, self.now)
                return None
            case step.Measure():
                return step.Measured((SHARP,))
            case step.RecordTake():
                return step.Recorded(publish=self.job.finished_at == 0)
            case step.Publish():
                return step.PublishedAs(SHOWN)
            case step.Recall():
                return step.Recalled(self.job.artifacts, self.job.measurements)
            case step.Restart():
                return step.Restarted(done=False)
            case step.Look():
                return step.MemorySeen(None, None)
            case _:
                return None

    def _post(self, prompt: str) -> Submitted:
        if self.server.is_down(self.now):
            return Submitted(SubmitOutcome.BUSY)
        if self._happens("request lost", self.odds.request_lost):
            return self._unknown(self.rng.uniform(0.0, 30.0))
        if self._happens("reply lost", self.odds.reply_lost):
            self.server.send(prompt, self.now + self.rng.uniform(0.0, 3.0))
            return self._unknown(self.rng.uniform(3.0, 30.0))
        if self._happens("late accept", self.odds.late):
            beyond = self._happens("accepted after the grace", self.odds.after_grace)
            self.server.send(prompt, self.now + (self.rng.uniform(10.0, 60.0) if beyond else self.rng.uniform(0.0, self.odds.latest)))
            return self._unknown(0.0)
        self.server.send(prompt, self.now)
        self.now += self.rng.uniform(0.01, 2.0)
        return Submitted(SubmitOutcome.ACCEPTED)

    def _unknown(self, seconds: float) -> Submitted:
        self.now += seconds
        return Submitted(SubmitOutcome.UNKNOWN, Failure(FailureClass.LOST, "no reply"))

    def _ask(self, prompt: str) -> Sighting:
        """Read queue, then history, with time between the two as between two requests."""
        if self._is_away():
            return Sighting(Stage.UNREACHABLE)
        if self.server.is_waiting(prompt, self.now):
            running = self.server.end_of(prompt, self.now) is not None
            return Sighting(Stage.RUNNING if running else Stage.QUEUED)
        self.now += self.rng.uniform(0.0, 0.2)
        if self._is_away():
            return Sighting(Stage.UNREACHABLE)
        return Sighting(Stage.SUCCEEDED, {"file": prompt}) if self.server.is_done(prompt, self.now) else Sighting(Stage.ABSENT)

    def _is_away(self) -> bool:
        return self.server.is_down(self.now) or self._happens("server unreachable", self.odds.unreachable)

    def _find(self) -> Sighting:
        if self._is_away():
            return Sighting(Stage.UNREACHABLE)
        there = self.odds.adopts and self.server.has_file(self.job.prompt_id, self.now)
        return Sighting(Stage.SUCCEEDED, {"file": self.job.prompt_id}) if there else Sighting(Stage.ABSENT)

    def _collect(self) -> step.Event:
        if self.server.is_down(self.now) or self._happens("files not fetched", self.odds.not_fetched):
            return step.CollectFailed(Failure(FailureClass.BACKEND_DOWN, "the file did not come whole"))
        if not self.server.has_file(str(self.job.outputs["file"]), self.now):
            return step.CollectFailed(Failure(FailureClass.NO_OUTPUT, "there is no such file"))
        return step.Collected((PICTURE,))

    def _wait(self, until: float) -> step.Event:
        """Wait, or be woken a little after the prompt ended: the WebSocket hints in most cases."""
        end = self.server.end_of(self.job.prompt_id, self.now) if self.rng.random() < 0.8 else None
        self.now = max(self.now, until if end is None else min(until, end + 0.01))
        return step.Tick()


def tell(seed: int, odds: Odds) -> Story:
    """Tell the story of one seed."""
    rng = Random(seed)
    begin = 1_000.0 + rng.uniform(0.0, 60.0)
    outages = []
    for _ in range(2):
        if rng.random() < odds.restarted:
            outages.append((begin, begin + rng.uniform(1.0, 40.0)))
            begin = outages[-1][1] + rng.uniform(5.0, 90.0)
    story = Story(rng, odds, SimulatedServer(rng.uniform(0.2, 60.0), outages))
    story.tell()
    story.fired["server restarted"] += sum(at < story.now for at, _ in outages)
    story.fired["server restarted in a render"] += story.server.died_with_work
    return story


def simulate(seeds: range, odds: Odds | None = None) -> tuple[Counter[str], list[int], int, int]:
    """Tell the stories of these seeds: faults that happened, seeds that lost their picture, finished renders, and those to spare."""
    fired: Counter[str] = Counter(dict.fromkeys(KINDS, 0))
    lost, renders, spare = [], 0, 0
    for seed in seeds:
        story = tell(seed, odds or Odds())
        fired.update(story.fired)
        done = sum(story.server.finished.values())
        renders += done
        spare += max(0, done - 1)
        if story.job.state is not JobState.DONE or not done:
            lost.append(seed)
    return fired, lost, renders, spare


def measure(share: float) -> list[Row]:
    """Tell `SEEDS` stories, or a share of them."""
    count = max(1, round(SEEDS * share))
    fired, lost, renders, spare = simulate(range(count))
    wasted = 100 * spare / max(1, renders)
    figure = f"{count:,} seeds: {len(lost)} lost, {spare} of {renders:,} finished renders wasted ({wasted:.3f} %)"
    notes = f"seeds that lost: {lost[:10]}" if lost else ""
    return [Row("submit simulator", "100,000 seeds: 0 lost, wasted renders ≤ 0.1 %", figure, not lost and wasted <= 0.1, fired, notes)]


if __name__ == "__main__":
    if "--seed" in sys.argv:
        told = tell(int(sys.argv[sys.argv.index("--seed") + 1]), Odds())
        sys.stdout.write(f"{told.job.state} after {told.now - 1000:.1f} s: {dict(told.fired)}\n{told.job}\n")
        sys.exit(0)
    sys.exit(main(measure))
