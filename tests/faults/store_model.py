"""Any calls in any order, with kills and restarts between them: every store answers as the one in memory does.

One seed is one run of 50 steps. A run that ends badly is told by its seed: `store_model.tell(SqlitePlace, 4711)`.
"""

import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for `support` and `faults`

from faults.table import Row, main
from koma.core.faults import StoreError
from koma.core.job import TERMINAL, TRANSITIONS, JobState
from koma.core.words import Verdict
from koma.stores.lock import LockHeld
from koma.stores.memory import MemoryStore
from koma.stores.sqlite import SqliteStore
from koma.telemetry.clock import SystemClock
from support.postgres import LosesCommit, available, shared
from support.stored import job, published, take

RUNS, POSTGRES_RUNS, STEPS = 10_000, 1_000, 50
LOOK_EVERY = 5  # steps between two looks at everything; the answer to each call is compared at once
RESTARTED = 0.08  # of all steps
CHECK_EVERY = 10  # runs between two whole checks of the store, which are slow
CLOSED, KILLED, IN_A_WRITE = "closed and opened again", "killed between two writes", "killed in a write"
ENDED, COMMIT_LOST = "session ended by the server", "reply to a commit lost"
TARGETS, RENDITIONS, KEYS, NAMES = ("a/still", "b/still", "c/still"), ("animatic", "final"), ("k1", "k2"), ("j1", "j2", "j3", "j4")
LIVE = [state for state in JobState if state not in TERMINAL]


class MismatchError(AssertionError):
    """A store said something else than the one in memory."""


class Killed(BaseException):
    """Ends a write in the middle."""


@cache
def new_state_file() -> bytes:
    """A state file with nothing in it; making one takes longer than a run."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "state.db"
        SqliteStore(file).close()
        return file.read_bytes()


class SqlitePlace:
    """A state file. Killing it is copying its files as they are at that moment, and going on with the copy."""

    kinds = (CLOSED, KILLED, IN_A_WRITE)

    def __init__(self) -> None:
        memory = Path("/dev/shm")  # noqa: S108  # the disk is not what is tested here
        self._root = Path(tempfile.mkdtemp(prefix="koma-model-", dir=memory if memory.is_dir() else None))
        self._number = 0
        (self._root / "0").mkdir()
        (self._root / "0/state.db").write_bytes(new_state_file())
        self.fired: Counter[str] = Counter()
        self.store = self._open()

    def restart(self, kind: str) -> None:
        self.fired[kind] += 1
        if kind == IN_A_WRITE:
            with suppress(Killed), self.store._writing("half a write") as connection:
                connection.execute("INSERT OR REPLACE INTO flags VALUES ('torn', '1')")
                connection.execute("DELETE FROM takes")
                self._copy()
                raise Killed
        elif kind == KILLED:
            self._copy()
        self.store.close()
        self._number += kind != CLOSED
        self.store = self._open()

    def remove(self) -> None:
        self.store.close()
        shutil.rmtree(self._root)

    def _open(self) -> SqliteStore:
        return SqliteStore(self._root / str(self._number) / "state.db")

    def _copy(self) -> None:
        shutil.copytree(self._root / str(self._number), self._root / str(self._number + 1))


class PostgresPlace:
    """A schema of a database. Killing its writer is closing its sockets, as the kernel does for a process that ends."""

    kinds = (CLOSED, KILLED, IN_A_WRITE, ENDED, COMMIT_LOST)

    def __init__(self) -> None:
        self._address = shared().fresh()
        self.fired: Counter[str] = Counter()
        self.store = self._open()

    def restart(self, kind: str) -> None:
        if kind == COMMIT_LOST:
            LosesCommit.arm(self.store, self._count)
            return
        self.fired[kind] += 1
        if kind == ENDED:
            shared().execute("SELECT pg_terminate_backend(%s)", self.store._writer._connection.info.backend_pid)
            return
        if kind == IN_A_WRITE:
            with suppress(Killed):
                self.store._write("half a write", self._half)
        self.store.close()
        self.store = self._open()

    def remove(self) -> None:
        self.store.close()
        shared().execute(f"DROP SCHEMA {self._address.rpartition('%3D')[2]} CASCADE")

    def _half(self, changes):
        changes.execute("INSERT INTO flags VALUES ('torn', '1')", {})
        changes.execute("DELETE FROM take_bodies", {})
        self.store._writer._connection.close()
        raise Killed

    def _count(self) -> None:
        self.fired[COMMIT_LOST] += 1

    def _open(self):
        from koma.stores.postgres.store import PostgresStore

        while True:
            with suppress(LockHeld):  # the server takes a moment to see that a socket is closed
                return PostgresStore(self._address, SystemClock())


class Story:
    """One run: a store beside the one in memory, and calls that a seed chooses."""

    def __init__(self, place, seed: int) -> None:
        self.place = place
        self.memory = MemoryStore()
        self._random = Random(seed)
        self._where = f"seed {seed}"
        self._checks = seed % CHECK_EVERY == 0
        self._calls: list[tuple[int, Callable[[], None]]] = [
            (6, self._put_take),
            (5, self._put_published),
            (1, self._drop_published),
            (5, self._enqueue),
            (3, self._advance_anyhow),
            (9, self._advance),
            (2, self._set_flag),
            (3, self._look_up),
        ]

    def run(self) -> None:
        weights, calls = zip(*self._calls, strict=True)
        for number in range(1, STEPS + 1):
            self._step = number
            if self._random.random() < RESTARTED:
                self.place.restart(self._random.choice(self.place.kinds))
                self._look()
            else:
                self._random.choices(calls, weights)[0]()
            if number % LOOK_EVERY == 0:
                self._look()
        if self._checks:
            self._check()

    def _check(self) -> None:
        problems = self.place.store.check()
        if {line.split(": ", 1)[1] for line in problems} != set(self.memory.check()):
            raise MismatchError(f"{self._where}, at the end: {problems}")

    def _look(self) -> None:
        for read in ("published", "take_rows", "jobs", "durations", "flags", "is_working"):
            self._same(read, *(getattr(store, read)() for store in (self.memory, self.place.store)))
        for rendition in RENDITIONS:
            self._same("lying", *(sorted(store.lying(rendition)) for store in (self.memory, self.place.store)))

    def _both(self, name: str, *given) -> None:
        self._same(f"{name}{given}", *(self._answer(store, name, given) for store in (self.memory, self.place.store)))

    def _same(self, what: str, wanted, told) -> None:
        if wanted != told:
            raise MismatchError(f"{self._where}, step {self._step}: {what}: {told}, and in memory {wanted}")

    @staticmethod
    def _answer(store, name, given):
        before = store.serial()
        try:
            answer = getattr(store, name)(*given)
        except StoreError:
            answer = StoreError
        return answer, store.serial() - before

    def _take(self):
        choose = self._random.choice
        return take(
            choose((1, 2, 3)),
            target=choose(TARGETS),
            rendition=choose(RENDITIONS),
            render_key=choose(KEYS),
            decided=self._random.random() < 0.2,
            verdict=choose((Verdict.PASSED, Verdict.FAILED)),
            render_seconds=choose((0.0, 1.0, 2.0)),
            approved=choose((True, False)),
        )

    def _job(self, state: JobState):
        choose = self._random.choice
        return job(choose(NAMES), state, target=choose(TARGETS), rendition=choose(RENDITIONS), queued_at=choose((1.0, 2.0)))

    def _put_take(self) -> None:
        self._both("put_take", self._take())

    def _put_published(self) -> None:
        one, jobs = self._take(), self.memory.jobs()
        ended = None
        if self._random.random() < 0.5:
            ended = self._job(self._random.choice(list(JobState)))
        elif jobs:
            ended = replace(self._random.choice(jobs), state=JobState.DONE)
        self._both("put_published", published(one), ended)

    def _drop_published(self) -> None:
        self._both("drop_published", self._random.choice(TARGETS), self._random.choice(RENDITIONS))

    def _enqueue(self) -> None:
        states = list(JobState) if self._random.random() < 0.1 else [JobState.QUEUED, *LIVE]
        self._both("enqueue", [self._job(self._random.choice(states)) for _ in range(self._random.choice((0, 1, 1, 2)))])

    def _advance_anyhow(self) -> None:
        self._both("advance", self._job(self._random.choice(list(JobState))), self._random.choice(list(JobState)))

    def _advance(self) -> None:
        jobs = self.memory.jobs()
        if jobs:
            one = self._random.choice(jobs)
            after = self._random.choice([one.state, *sorted(TRANSITIONS[one.state])])
            self._both("advance", replace(one, state=after, attempt=one.attempt + 1), one.state)

    def _set_flag(self) -> None:
        self._both("set_flag", self._random.choice(("paused", "allowed_plan")), self._random.choice((None, "1", "2")))

    def _look_up(self) -> None:
        one = take(self._random.choice((1, 2, 3)), render_key=self._random.choice(KEYS)).take_key
        self._both("take_rows", self._random.sample(KEYS, self._random.choice((0, 1, 2))))
        self._both("take", one)
        self._both("facts", [one, "unknown"])


def tell(place: type, seed: int) -> Counter[str]:
    """One run; how often each fault happened. Raises MismatchError."""
    made = place()
    try:
        Story(made, seed).run()
    finally:
        made.remove()
    return made.fired


def measure(share: float) -> list[Row]:
    """Both stores, each as often as the share says."""
    return [_row("SQLite", SqlitePlace, round(RUNS * share)), _row("PostgreSQL", PostgresPlace, round(POSTGRES_RUNS * share))]


def _row(name: str, place: type, runs: int) -> Row:
    what, target = f"model of the store: {name} beside the store in memory", f"{runs} runs of {STEPS} steps, 0 differ"
    if place is PostgresPlace and not available():
        return Row(what, target, "there is no PostgreSQL here", good=False)
    fired: Counter[str] = Counter(dict.fromkeys(place.kinds, 0))
    differing = []
    for seed in range(1, runs + 1):
        try:
            fired.update(tell(place, seed))
        except MismatchError as error:
            differing.append(str(error))
    figure = f"{runs} runs of {STEPS} steps, {len(differing)} differ"
    return Row(what, target, figure, good=not differing, fired=fired, notes="; ".join(differing[:3]))


if __name__ == "__main__":
    sys.exit(main(measure))
