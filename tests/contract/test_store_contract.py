"""What every Store promises, said once and held against each of them.

A further store joins by one entry in STORES: a function from an empty folder to (open, reopenable); `open()` gives the store there.
"""

from dataclasses import replace
from functools import partial

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from koma.core.faults import StoreError
from koma.core.job import TERMINAL, TRANSITIONS, JobState
from koma.core.media import Role
from koma.core.rows import line_of
from koma.core.words import Verdict
from koma.stores.memory import MemoryStore
from koma.stores.sqlite import SqliteStore
from koma.telemetry.clock import SystemClock
from support.postgres import address_of
from support.stored import TARGET, artifact, failed_take, job, published, take


def _postgres(folder):
    address = address_of(folder)  # skips where there is no server
    from koma.stores.postgres.store import PostgresStore

    return PostgresStore(address, SystemClock())


STORES = {
    "memory": lambda _folder: MemoryStore(),
    "sqlite": lambda folder: SqliteStore(folder / "state.db"),
    "postgres": _postgres,
}
DURABLE = {name: STORES[name] for name in ("sqlite", "postgres")}


@pytest.fixture(params=STORES.values(), ids=STORES.keys())
def store(request, tmp_path):
    opened = request.param(tmp_path)
    yield opened
    opened.close()


def test_a_new_store_is_empty_and_sound(store):
    assert (store.published(), store.take_rows(), store.jobs(), store.flags(), store.durations()) == ([], [], [], {}, {})
    assert store.take("none") is None
    assert store.facts(["none"]) == {}
    assert store.check() == []


# Takes


@pytest.mark.parametrize(
    "one", [take(), failed_take(), take(gate=None), take(facts={}, receipt={})], ids=["made", "failed", "unjudged", "bare"]
)
def test_a_take_is_read_back_whole(store, one):
    store.put_take(one)
    assert store.take(one.take_key) == one


def test_published_rows_of_some_targets_are_those_and_no_others(store):
    rows = [published(take(), target=name) for name in ("a/s/1/still", "b/s/1/still", "c/s/1/still")]
    for row in rows:
        store.put_published(row)
    assert store.published([rows[2].target, rows[0].target, "none"]) == [rows[0], rows[2]]
    assert store.published([]) == []


def test_what_is_published_is_told_in_short(store):
    one, other = published(take(render_key="r" * 64), content_digest="c" * 64), published(take(), target="b/s01/sh010/still", size=0)
    chained = published(take(), target="b/s01/sh010/video", last_digest="e" * 64)
    for row in (one, other, chained, published(take(), rendition="final")):
        store.put_published(row)
    assert sorted(store.lying("animatic")) == sorted((line_of(row), row.path, row.size) for row in (one, other, chained))


def test_what_a_chain_goes_on_from_stands_in_both_short_rows(store):
    clip = take(artifacts=(artifact("clip"), artifact("last", Role.LAST)))
    last = clip.artifact(Role.LAST).content_digest
    store.put_take(clip)
    store.put_take(take(2))
    store.put_published(published(clip, last_digest=last))
    assert [row.last_digest for row in store.take_rows()] == [last, ""]
    assert [row.last_digest for row in store.published()] == [last]
    store.put_take(take(artifacts=clip.artifacts[:1]))
    assert [row.last_digest for row in store.take_rows()] == ["", ""]


def test_a_take_row_repeats_what_planning_reads(store):
    one = take(decided=True, approved=True, verdict=Verdict.FAILED)
    store.put_take(one)
    (row,) = store.take_rows()
    assert (row.take_key, row.target, row.rendition, row.render_key, row.number) == (one.take_key, TARGET, "animatic", "k1", 1)
    assert (row.verdict, row.decided, row.approved) == ("passed", True, True)
    assert (row.measure_key, row.rules_digest) == ("m1", "r1")
    assert (row.object_digest, row.content_digest) == (one.object.file_digest, one.object.content_digest)


def test_a_take_that_made_nothing_has_empty_digests_and_is_an_error(store):
    store.put_take(failed_take())
    (row,) = store.take_rows()
    assert (row.verdict, row.object_digest, row.content_digest, row.decided, row.approved) == ("error", "", "", False, False)


def test_putting_a_take_again_replaces_it(store):
    store.put_take(take(verdict=Verdict.FAILED))
    store.put_take(take(verdict=Verdict.PASSED, measure_key="m2"))
    assert [(row.verdict, row.measure_key) for row in store.take_rows()] == [("passed", "m2")]
    assert store.take(take().take_key).measure_key == "m2"


def test_take_rows_come_by_target_rendition_key_and_number(store):
    wanted = [
        ("a/still", "animatic", "k1", 1),
        ("a/still", "animatic", "k1", 2),
        ("a/still", "animatic", "k1", 10),
        ("a/still", "animatic", "k2", 1),
        ("a/still", "final", "k1", 1),
        ("b/still", "animatic", "k1", 1),
    ]
    for target, rendition, key, number in reversed(wanted):
        store.put_take(take(number, target=target, rendition=rendition, render_key=key))
    assert [(row.target, row.rendition, row.render_key, row.number) for row in store.take_rows()] == wanted


def test_take_rows_of_some_keys_leave_out_the_others(store):
    for key in ("k1", "k2", "k3"):
        store.put_take(take(render_key=key))
    assert [row.render_key for row in store.take_rows(iter(["k3", "k1", "k9"]))] == ["k1", "k3"]
    assert store.take_rows([]) == []


def test_take_rows_of_very_many_keys_leave_out_the_others(store):
    for key in ("k1", "k2", "k3"):
        store.put_take(take(render_key=key))
    assert [row.render_key for row in store.take_rows(["k3", "k1", *map(str, range(5000))])] == ["k1", "k3"]


def test_two_targets_with_one_take_key_keep_their_own_takes(store):
    store.put_take(take(target="b/still"))
    store.put_take(take(target="a/still"))
    assert [row.target for row in store.take_rows()] == ["a/still", "b/still"]
    assert store.take(take().take_key).target == "a/still"


def test_facts_come_without_their_takes(store):
    first, second = take(1, facts={"seed": 1}), take(2, facts={"seed": 2})
    store.put_take(first)
    store.put_take(second)
    assert store.facts([second.take_key, "unknown"]) == {second.take_key: {"seed": 2}}


# Decided keys


@pytest.mark.parametrize("order", [(True, False, False), (False, True, False), (False, False, True)], ids=["first", "second", "third"])
def test_once_a_take_is_decided_all_takes_of_its_key_are(store, order):
    for number, decided in enumerate(order, 1):
        store.put_take(take(number, decided=decided))
    assert [row.decided for row in store.take_rows()] == [True] * 3
    assert all(store.take(take(number).take_key).decided for number in (1, 2, 3))


@pytest.mark.parametrize(
    "other", [{"target": "other/still"}, {"rendition": "final"}, {"render_key": "k2"}], ids=lambda one: next(iter(one))
)
def test_a_decided_key_decides_nothing_for_another(store, other):
    store.put_take(take(decided=True))
    store.put_take(take(**other))
    assert sorted(row.decided for row in store.take_rows()) == [False, True]


def test_a_decided_take_put_again_as_undecided_stays_decided(store):
    store.put_take(take(decided=True))
    store.put_take(take(decided=False, verdict=Verdict.FAILED))
    assert [(row.decided, row.verdict) for row in store.take_rows()] == [(True, "failed")]


def test_what_is_published_is_decided_once_its_key_is(store):
    store.put_take(take())
    store.put_published(published())
    assert [row.decided for row in store.published()] == [False]
    store.put_take(take(2, decided=True))
    assert [row.decided for row in store.published()] == [True]
    store.put_published(published())
    assert [row.decided for row in store.published()] == [True]
    store.put_published(published(take(render_key="k2")))
    assert [row.decided for row in store.published()] == [False]


# Durations


def test_durations_are_those_of_the_newest_hundred_takes_of_each_template(store):
    for number in range(1, 103):
        store.put_take(take(number, render_seconds=float(number), finished_at=float(number)))
    store.put_take(take(1, target="other", template="svd-video", render_seconds=7.0))
    assert store.durations() == {"still": [float(n) for n in range(102, 2, -1)], "svd-video": [7.0]}


@pytest.mark.parametrize("one", [failed_take(render_seconds=9.0), take(render_seconds=0.0)], ids=["made nothing", "took no time"])
def test_a_take_that_says_nothing_about_time_has_no_duration(store, one):
    store.put_take(one)
    assert store.durations() == {}


# Published


def test_published_rows_are_one_per_target_and_rendition(store):
    other = published(take(rendition="final"))
    store.put_published(published())
    store.put_published(other)
    store.put_published(published(size=99, path="elsewhere.png", decided=True))
    assert store.published() == [published(size=99, path="elsewhere.png", decided=True), other]


def test_what_is_dropped_is_no_longer_published(store):
    store.put_published(published())
    store.drop_published(TARGET, "final")
    assert store.published() == [published()]
    store.drop_published(TARGET, "animatic")
    assert store.published() == []


def test_a_published_row_ends_its_job_in_the_same_transaction(store):
    store.enqueue([job(state=JobState.PUBLISHING)])
    store.put_published(published(), job(state=JobState.DONE))
    assert (store.published(), store.jobs()) == ([published()], [])


@pytest.mark.parametrize(
    "ended",
    [job(state=JobState.DONE), job(state=JobState.FAILED, target="other"), job(target="other")],
    ids=["a step that is not in the table", "another target", "another target in the same state"],
)
def test_a_published_row_with_an_impossible_job_changes_nothing(store, ended):
    store.enqueue([job(state=JobState.QUEUED)])
    before = store.serial()
    with pytest.raises(StoreError, match="Nothing was changed"):
        store.put_published(published(), ended)
    assert (store.published(), store.jobs(), store.serial()) == ([], [job()], before)


def test_publishing_again_after_its_job_has_gone_is_no_error(store):
    store.put_published(published(), job(state=JobState.DONE))
    assert (store.published(), store.jobs()) == ([published()], [])


def test_publishing_from_a_take_that_is_not_known_is_told_by_check(store):
    store.put_published(published())
    (told,) = store.check()
    assert published().path in told
    store.put_take(take())
    assert store.check() == []


# Jobs


def test_a_job_is_read_back_whole(store):
    one = job(attempt=2, artifacts=(artifact(),), outputs={"9": {"images": []}}, cancel_asked=True, peak_memory_bytes=5)
    store.enqueue([one])
    assert store.jobs() == [one]


def test_jobs_come_oldest_first_and_equally_old_ones_as_they_were_queued(store):
    ages = {"j1": 3.0, "j2": 1.0, "j3": 3.0, "j4": 2.0}
    store.enqueue([job(name, target=name, queued_at=age) for name, age in ages.items()])
    assert [one.job_id for one in store.jobs()] == ["j2", "j4", "j1", "j3"]


def test_a_job_that_is_queued_later_than_before_comes_later(store):
    store.enqueue([job("j1"), job("j2", target="other", queued_at=2.0)])
    assert store.advance(job("j1", queued_at=3.0), JobState.QUEUED)
    assert [one.job_id for one in store.jobs()] == ["j2", "j1"]


def test_a_job_that_is_there_is_left_as_it_is(store):
    store.enqueue([job("j1", attempt=1)])
    store.enqueue([job("j1", attempt=5), job("j2", target="other")])
    assert [(one.job_id, one.attempt) for one in store.jobs()] == [("j1", 1), ("j2", 0)]


def test_a_job_that_has_ended_may_be_queued_again_under_its_id(store):
    store.enqueue([job()])
    assert store.advance(job(state=JobState.CANCELLED), JobState.QUEUED)
    store.enqueue([job(attempt=3)])
    assert [one.attempt for one in store.jobs()] == [3]


@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_a_job_can_not_begin_at_its_end(store, state):
    with pytest.raises(StoreError):
        store.enqueue([job(state=state)])
    assert store.jobs() == []


def test_a_second_live_job_for_a_target_is_refused_and_nothing_of_its_batch_stays(store):
    store.enqueue([job("j1")])
    before = store.serial()
    with pytest.raises(StoreError):
        store.enqueue([job("j2", target="other"), job("j3")])
    assert ([one.job_id for one in store.jobs()], store.serial()) == (["j1"], before)


def test_two_renditions_of_a_target_may_be_on_their_way_together(store):
    store.enqueue([job("j1"), job("j2", rendition="draft")])
    assert len(store.jobs()) == 2


STEPS = [(before, after) for before in JobState if before not in TERMINAL for after in JobState]


@pytest.mark.parametrize(("before", "after"), STEPS, ids=[f"{before} to {after}" for before, after in STEPS])
def test_a_job_takes_only_the_steps_of_the_table(store, before, after):
    store.enqueue([job(state=before)])
    serial = store.serial()
    allowed = before is after or after in TRANSITIONS[before]
    assert store.advance(job(state=after, attempt=7), before) is allowed
    assert (store.serial() > serial) is allowed
    wanted = [] if allowed and after in TERMINAL else [(after, 7)] if allowed else [(before, 0)]
    assert [(one.state, one.attempt) for one in store.jobs()] == wanted


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (job(state=JobState.SUBMITTED), JobState.SUBMITTING),
        (job("unknown", JobState.SUBMITTING), JobState.QUEUED),
        (job(state=JobState.SUBMITTING, target="other"), JobState.QUEUED),
        (job(state=JobState.SUBMITTING, rendition="final"), JobState.QUEUED),
    ],
    ids=["its state is another", "it is not there", "it changes its target", "it changes its rendition"],
)
def test_a_job_is_not_advanced_if(store, wanted, expected):
    store.enqueue([job()])
    before = store.serial()
    assert store.advance(wanted, expected) is False
    assert (store.jobs(), store.serial()) == ([job()], before)


def test_only_the_first_of_two_who_advance_a_job_succeeds(store):
    store.enqueue([job()])
    assert [store.advance(job(state=JobState.SUBMITTING), JobState.QUEUED) for _ in range(2)] == [True, False]


def test_jobs_that_have_ended_are_not_kept(store):
    for number in range(20):
        store.enqueue([job(f"j{number}")])
        assert store.advance(job(f"j{number}", JobState.FAILED), JobState.QUEUED)
    assert store.jobs() == []
    assert store.advance(job("j1", JobState.FAILED), JobState.FAILED) is False


# Flags and serial


def test_flags_are_set_replaced_and_removed(store):
    store.set_flag("paused", "by hand")
    store.set_flag("allowed_plan", "abc")
    store.set_flag("paused", "again")
    assert store.flags() == {"allowed_plan": "abc", "paused": "again"}
    store.set_flag("paused", None)
    assert store.flags() == {"allowed_plan": "abc"}


CHANGES = {
    "putting a take": lambda store: store.put_take(take()),
    "publishing": lambda store: store.put_published(published()),
    "dropping what is published": lambda store: store.drop_published("old/still", "animatic"),
    "queueing": lambda store: store.enqueue([job()]),
    "advancing a job": lambda store: store.advance(job("old", JobState.SUBMITTING, target="old/still"), JobState.QUEUED),
    "setting a flag": lambda store: store.set_flag("paused", "1"),
    "removing a flag": lambda store: store.set_flag("old", None),
}
IDLE = {
    "queueing nothing": lambda store: store.enqueue([]),
    "queueing a job that is there": lambda store: store.enqueue([job("old", target="old/still")]),
    "dropping what is not published": lambda store: store.drop_published(TARGET, "final"),
    "removing a flag that is not set": lambda store: store.set_flag("new", None),
    "reading": lambda store: (store.jobs(), store.take_rows(), store.durations(), store.flags(), store.published(), store.check()),
}


def _with_something_in_it(store):
    store.put_published(published(take(target="old/still")))
    store.enqueue([job("old", target="old/still")])
    store.set_flag("old", "1")


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_the_serial_grows_by(store, change):
    _with_something_in_it(store)
    before = store.serial()
    change(store)
    assert store.serial() > before


@pytest.mark.parametrize("idle", IDLE.values(), ids=IDLE.keys())
def test_the_serial_stays_after(store, idle):
    _with_something_in_it(store)
    before = store.serial()
    idle(store)
    assert store.serial() == before


# Lasting


@pytest.mark.parametrize("opened", DURABLE.values(), ids=DURABLE.keys())
def test_everything_is_there_after_closing_and_opening_again(opened, tmp_path):
    store = opened(tmp_path)
    store.put_take(take(decided=True))
    store.put_published(published())
    store.enqueue([job()])
    store.set_flag("paused", "1")
    serial = store.serial()
    store.close()
    store.close()
    again = opened(tmp_path)
    try:
        assert again.serial() == serial
        assert again.take(take().take_key) == take(decided=True)
        assert (again.published(), again.jobs(), again.flags()) == ([published(decided=True)], [job()], {"paused": "1"})
    finally:
        again.close()


# All together: any sequence of calls gives the same answers from each store as from the one in memory.

_TARGETS = st.sampled_from(["a/still", "b/still"])
_RENDITIONS = st.sampled_from(["animatic", "final"])
_KEYS = st.sampled_from(["k1", "k2"])
_NUMBERS = st.integers(1, 3)
_STATES = st.sampled_from(JobState)
_JOBS = st.builds(
    job, st.sampled_from(["j1", "j2", "j3"]), _STATES, target=_TARGETS, rendition=_RENDITIONS, queued_at=st.sampled_from([1.0, 2.0])
)
_TAKES = st.builds(
    take,
    _NUMBERS,
    target=_TARGETS,
    rendition=_RENDITIONS,
    render_key=_KEYS,
    decided=st.booleans(),
    verdict=st.sampled_from([Verdict.PASSED, Verdict.FAILED]),
    render_seconds=st.sampled_from([0.0, 1.0, 2.0]),
    approved=st.booleans(),
)


class _Alike(RuleBasedStateMachine):
    """A store beside the one in memory."""

    def __init__(self, opened, folders):
        super().__init__()
        self.memory = MemoryStore()
        self.other = opened(next(folders))

    def teardown(self):
        self.other.close()

    def _both(self, call):
        answers = [self._answer(store, call) for store in (self.memory, self.other)]
        assert answers[0] == answers[1]

    @staticmethod
    def _answer(store, call):
        before = store.serial()
        try:
            answer = call(store)
        except StoreError:
            answer = StoreError
        return answer, store.serial() > before

    @rule(one=_TAKES)
    def put_take(self, one):
        self._both(lambda store: store.put_take(one))

    @rule(one=_TAKES, ended=st.none() | _JOBS)
    def put_published(self, one, ended):
        self._both(lambda store: store.put_published(published(one), ended))

    @rule(of=_TARGETS, rendition=_RENDITIONS)
    def drop_published(self, of, rendition):
        self._both(lambda store: store.drop_published(of, rendition))

    @rule(jobs=st.lists(_JOBS, max_size=3))
    def enqueue(self, jobs):
        self._both(lambda store: store.enqueue(jobs))

    @rule(one=_JOBS, expected=_STATES)
    def advance(self, one, expected):
        self._both(lambda store: store.advance(one, expected))

    @precondition(lambda self: self.memory.jobs())
    @rule(choice=st.data())
    def advance_as_the_table_says(self, choice):
        one = choice.draw(st.sampled_from(self.memory.jobs()))
        after = choice.draw(st.sampled_from(sorted(TRANSITIONS[one.state])))
        self._both(lambda store: store.advance(replace(one, state=after), one.state))

    @rule(name=st.sampled_from(["paused", "allowed_plan"]), value=st.none() | st.sampled_from(["1", "2"]))
    def set_flag(self, name, value):
        self._both(lambda store: store.set_flag(name, value))

    @rule(keys=st.lists(_KEYS, max_size=2), number=_NUMBERS)
    def look_up(self, keys, number):
        one = take(number).take_key
        self._both(lambda store: (store.take_rows(keys), store.take(one), store.facts([one])))

    @invariant()
    def they_tell_the_same(self):
        for read in ("published", "take_rows", "jobs", "durations", "flags"):
            assert getattr(self.memory, read)() == getattr(self.other, read)()


@pytest.mark.parametrize("opened", DURABLE.values(), ids=DURABLE.keys())
def test_every_store_answers_as_the_one_in_memory_does(opened, tmp_path_factory):
    folders = iter(partial(tmp_path_factory.mktemp, "alike"), None)
    checks = settings(max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(partial(_Alike, opened, folders), settings=checks)
