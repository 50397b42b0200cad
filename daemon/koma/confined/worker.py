"""The inside of a confined process: one JSON order a line on stdin, its JSON answers a line each on stdout, an empty line at their end.

What is done for each answer has `seconds` of computing: after them TooSlowError is raised where the work stands, and should nobody see to
that, as within a decoder, the system ends the process less than two seconds later. Memory that is asked for beyond the limit is refused, as
MemoryError. When stdin closes, the process ends: nothing outlives the one that started it.
"""

import faulthandler
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

_WORDS = 1 << 20  # bytes that it may write to stderr, which is a file in memory

_STDERR = 2

Handle = Callable[[Any], Iterator[Any]]


class TooSlowError(Exception):
    """The time of computing for one answer is over; the text says how long it was."""


def main(handle: Handle) -> None:
    """Be the process; its arguments are the limits. What was imported until now does not count against that of memory."""
    seconds = int(sys.argv[2])
    for asked in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # they reach every process of a terminal or service at once
        signal.signal(asked, signal.SIG_IGN)  # the parent decides when to end
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, _WORDS)
    faulthandler.enable(all_threads=False)
    faulthandler.register(signal.SIGXCPU, all_threads=False, chain=True)  # says where it was, and then ends as it would have
    limit_memory()
    signal.signal(signal.SIGPROF, lambda *_: _too_slow(seconds))
    for line in sys.stdin.buffer:
        _carry_out(handle, line, seconds)


def limit_memory() -> None:
    """Let the limit of memory count from what is in use by now."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123  # pathlib takes time to import, and this is all there is to read
        pages = int(file.read().split()[0])
    _limit(resource.RLIMIT_AS, pages * resource.getpagesize() + int(sys.argv[1]))


def _carry_out(handle: Handle, line: bytes, seconds: int) -> None:
    os.ftruncate(_STDERR, 0)
    os.lseek(_STDERR, 0, os.SEEK_SET)  # what it says from here on is about this order
    answers = handle(json.loads(line))
    while True:
        _allow(seconds)
        answer = next(answers, None)
        signal.setitimer(signal.ITIMER_PROF, 0)
        if answer is None:
            break
        _say(json.dumps(answer).encode())
    _say(b"")


def _allow(seconds: int) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + seconds + 1)
    signal.setitimer(signal.ITIMER_PROF, seconds)


def _limit(which: int, wanted: int) -> None:
    hard = resource.getrlimit(which)[1]
    resource.setrlimit(which, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _too_slow(seconds: int) -> NoReturn:
    raise TooSlowError(f"it takes more than {seconds} s of computing")


def _say(line: bytes) -> None:
    rest = memoryview(line + b"\n")
    while rest:
        rest = rest[os.write(1, rest) :]
