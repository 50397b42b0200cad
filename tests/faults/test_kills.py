"""Kills at system calls: a small share of what `kills.py` does, and the order of flushes in traces that are made up."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from faults.kills import measure
from support.crash_order import order_of
from support.needs import may_trace
from support.tracing import Call, Fault, read_trace, touching

OUTPUTS = Path("/w/outputs")
STORE = f"{OUTPUTS}/.koma/state.db-wal"
HEX = "ab" + "c" * 62
OBJECT = f"{OUTPUTS}/.koma/objects/ab/{'c' * 62}.png"
PART = f"{OUTPUTS}/.koma/objects/incoming/tmp1"
STILL = f"{OUTPUTS}/demo/s01/sh010/still"


def call(name: str, *paths: str, says: str = "") -> Call:
    return Call(name, 1, says, 0, paths)


def folder(path: str) -> str:
    return path.rpartition("/")[0]


KEPT = [call("write", PART), call("fsync", PART), call("rename", PART, OBJECT), call("fsync", folder(OBJECT))]
TOLD = [call("pwrite64", STORE, says=HEX), call("fdatasync", STORE)]
SHOWN = [
    *(
        part
        for suffix in (".png", ".gate.json", ".receipt.json")
        for part in [
            call("write", f"{STILL}{suffix}.part"),
            call("fsync", f"{STILL}{suffix}.part"),
            call("rename", f"{STILL}{suffix}.part", f"{STILL}{suffix}"),
            call("fsync", folder(STILL)),
        ]
    ),
    call("pwrite64", STORE, says="demo/s01/sh010/still.png"),
    call("fdatasync", STORE),
]


def without(calls: Sequence[Call], *numbers: int) -> list[Call]:
    return [found for number, found in enumerate(calls) if number not in numbers]


def test_a_few_kills_leave_nothing_behind():
    may_trace()
    for row in measure(0.02):
        assert row.holds, row


@pytest.mark.parametrize(
    "calls",
    [
        pytest.param([*KEPT, *TOLD], id="an object, then the row that names it"),
        pytest.param(SHOWN, id="file, gate result and receipt, then their row"),
        pytest.param([call("write", f"{OUTPUTS}/.koma/logs/events.jsonl"), *KEPT], id="a line of the log, which is never flushed"),
    ],
)
def test_the_right_order(calls):
    assert order_of(calls, OUTPUTS).bad == []


@pytest.mark.parametrize(
    ("calls", "why"),
    [
        pytest.param(without(KEPT, 1), "before its bytes are flushed", id="an object that was not flushed"),
        pytest.param(without(KEPT, 3), "never became durable", id="the folder of an object that was not flushed"),
        pytest.param([*KEPT[:3], *TOLD, *KEPT[3:]], "named by the store before", id="a row before its object's folder was flushed"),
        pytest.param([TOLD[0], *KEPT, TOLD[1]], "the store was not flushed", id="an effect before its row was flushed"),
        pytest.param(without(SHOWN, 1), "before its bytes are flushed", id="a picture that was not flushed"),
        pytest.param(without(SHOWN, 3, 7, 11), "never became durable", id="a folder that was not flushed"),
        pytest.param(without(SHOWN, 3, 7), "its receipt comes before", id="a receipt before what it names is durable"),
        pytest.param([*SHOWN[:11], *SHOWN[12:]], "named by the store before", id="a row before the receipt's folder was flushed"),
    ],
)
def test_another_order_is_told(calls, why):
    assert any(why in word for word in order_of(calls, OUTPUTS).bad), order_of(calls, OUTPUTS)


def test_a_trace_is_read_as_strace_writes_it(tmp_path):
    log = tmp_path / "trace.log"
    log.write_text(
        'openat(AT_FDCWD</w>, "/w/outputs/a", O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0666) = 5</w/outputs/a>\n'
        'write(5</w/outputs/a>, "x) = 3\\n", 7) = 7\n'
        'openat(AT_FDCWD</w>, "/w/outputs/b", O_RDONLY|O_CLOEXEC) = -1 ENOENT (No such file or directory)\n'
        'rename("/w/outputs/a", "/w/outputs/c") = -1 EIO (Input/output error) (INJECTED)\n'
        'unlinkat(7</w/outputs/d>, "e", 0) = 0\n'
        'write(5</w/outputs/a>, "yy", 2) = ?\n'
        "+++ killed by SIGKILL +++\n"
    )
    calls = read_trace(log)
    assert [(found.name, found.number, found.result, found.paths) for found in calls] == [
        ("openat", 1, 5, ("/w/outputs/a",)),
        ("write", 1, 7, ("/w/outputs/a",)),
        ("openat", 2, -1, ("/w/outputs/b",)),
        ("rename", 1, -1, ("/w/outputs/a", "/w/outputs/c")),
        ("unlinkat", 1, 0, ("/w/outputs/d/e",)),
        ("write", 2, None, ("/w/outputs/a",)),
    ]
    assert [found.injected for found in calls] == [False, False, False, True, False, False]
    assert [found.name for found in touching(calls, Path("/w/outputs"))] == ["openat", "write", "unlinkat"]
    assert touching(calls, Path("/w/other")) == []


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        pytest.param(Fault("fsync", 3, "error=EIO"), "inject=fsync:error=EIO:when=3", id="one call"),
        pytest.param(Fault("write", 1, "error=ENOSPC", lasts=True), "inject=write:error=ENOSPC:when=1+", id="all from one on"),
    ],
)
def test_a_fault_in_the_words_of_strace(fault, word):
    assert fault.word == word
