"""A process under limits: whatever happens in it, the order that it was at says why, and the next order is carried out."""

import os
import signal
import threading
from pathlib import Path

import pytest

from koma.confined.process import Confined, EndedError, Ending, Limits

LIMITS = Limits(memory=64 << 20, seconds=1, silence=20.0)


@pytest.fixture
def process(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[1]))
    made = Confined("support.trouble", LIMITS)
    yield made
    made.close()


def ask(process, *order):
    return list(process.ask(order))


def test_an_order_has_as_many_answers_as_the_work_gives(process):
    assert ask(process, "echo", {"a": [1, None, "コマ\n"]}) == [{"a": [1, None, "コマ\n"]}]
    assert ask(process, "count", 1000) == list(range(1000))
    assert ask(process, "count", 0) == []


def test_orders_share_one_process(process):
    assert process.pid is None
    ask(process, "echo", 1)
    first = process.pid
    ask(process, "echo", 1)
    assert process.pid == first


@pytest.mark.parametrize(
    ("order", "answer"),
    [pytest.param("loop", "it takes more than 1 s of computing", id="computing"), pytest.param("memory", "too much", id="memory")],
)
def test_a_limit_that_the_work_can_see_ends_nothing(process, order, answer):
    ask(process, "echo", 1)
    first = process.pid
    assert ask(process, order) == [answer]
    assert ask(process, "echo", 2) == [2]
    assert process.pid == first


ENDS = {
    "computing where no exception comes in between": ("sum", Ending.SLOW, "more than 1 s of computing"),
    "a crash": ("crash", Ending.CRASHED, "SIGSEGV"),
    "an abort": ("abort", Ending.CRASHED, "SIGABRT"),
    "an exit": ("exit", Ending.CRASHED, "the last words"),
    "a kill from outside": ("killed", Ending.KILLED, "want of memory"),
    "an answer without an end": ("long", Ending.LONG, "longer than 16 MiB"),
}


@pytest.mark.parametrize(("order", "ending", "words"), ENDS.values(), ids=ENDS)
def test_what_ends_the_process_is_said_and_the_next_order_is_carried_out(process, order, ending, words):
    with pytest.raises(EndedError) as caught:
        ask(process, order)
    assert caught.value.ending is ending
    assert words in str(caught.value)
    assert caught.value.blames_machine is (ending is Ending.KILLED)
    assert ask(process, "echo", 2) == [2]


def test_no_more_words_are_kept_than_anybody_reads_and_each_order_has_its_own(process):
    assert [ask(process, "words") for _ in range(3)] == [[1 << 20]] * 3
    assert ask(process, "echo", 2) == [2]


def test_silence_is_waited_for_no_longer_than_was_said(process):
    ask(process, "echo", 1)
    process.limits = LIMITS._replace(silence=0.05)
    with pytest.raises(EndedError, match=r"no answer in 0\.05 s") as caught:
        ask(process, "silence")
    assert caught.value.blames_machine
    process.limits = LIMITS
    assert ask(process, "echo", 2) == [2]


def test_where_the_computing_went_is_in_its_last_words(process):
    with pytest.raises(EndedError) as caught:
        ask(process, "sum")
    assert "trouble.py" in caught.value.words


def test_whoever_stops_listening_ends_the_process(process):
    answers = process.ask(["count", 1000])
    assert next(answers) == 0
    pid = process.pid
    answers.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert ask(process, "echo", 2) == [2]


def test_a_process_that_died_between_two_orders_is_replaced(process):
    ask(process, "echo", 1)
    first = process.pid
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)
    assert ask(process, "echo", 2) == [2]
    assert process.pid != first


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_asks_a_whole_service_to_end_leaves_the_order_alone(process, asked):
    answers = process.ask(["count", 1000])
    assert next(answers) == 0
    os.kill(process.pid, asked)
    assert list(answers) == list(range(1, 1000))


def test_threads_wait_for_each_other(process):
    found = []
    threads = [threading.Thread(target=lambda: found.append(ask(process, "count", 200))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [list(range(200))] * 8


def test_secrets_of_the_environment_do_not_enter_the_process(process, monkeypatch):
    monkeypatch.setenv("KOMA_SECRET", "hush")
    (seen,) = ask(process, "environment")
    assert "hush" not in str(seen)


def test_where_no_process_can_be_started_the_machine_is_to_blame(monkeypatch):
    monkeypatch.setattr("sys.executable", "/no/such/python")
    with pytest.raises(EndedError) as caught:
        ask(Confined("support.trouble", LIMITS), "echo", 1)
    assert caught.value.blames_machine


def test_an_order_that_is_no_json_is_a_bug_and_harms_nothing(process):
    with pytest.raises(TypeError):
        ask(process, "echo", object())
    assert ask(process, "echo", 1) == [1]
