"""Disks that are full, fail or lie: a small share of what `disk_errors.py` does."""

import pytest

from faults.disk_errors import flushed_again, measure
from support.needs import may_trace
from support.tracing import Call

FAILED = Call("fsync", 1, "", -1, ("/a",), "EIO (Input/output error) (INJECTED)")
AGAIN = Call("fsync", 2, "", 0, ("/a",))


def test_a_few_errors_lose_nothing():
    may_trace()
    for row in measure(0.01):
        assert row.holds, row


@pytest.mark.parametrize(
    ("calls", "again"),
    [
        pytest.param([FAILED], False, id="it is left at that"),
        pytest.param([FAILED, AGAIN], True, id="the same file is flushed again"),
        pytest.param([FAILED, Call("fsync", 2, "", 0, ("/b",))], False, id="another file is flushed"),
        pytest.param([FAILED, Call("write", 1, "", 5, ("/a",)), AGAIN], False, id="it was written anew before"),
        pytest.param([FAILED, Call("rename", 1, "", 0, ("/b", "/a/c")), AGAIN], False, id="something else has come into the folder"),
        pytest.param([FAILED, Call("openat", 1, "O_RDONLY", 5, ("/a/c",)), AGAIN], True, id="something in the folder was read"),
        pytest.param([FAILED, Call("openat", 1, "O_RDONLY", 5, ("/a",)), AGAIN], True, id="it was only opened"),
        pytest.param([AGAIN, AGAIN], False, id="a flush that went well is repeated"),
    ],
)
def test_a_second_flush_is_seen(calls, again):
    assert flushed_again(calls) is again
