"""A confined process as the one who gives it orders sees it: started by the first order, and anew by the next one after it ended.

What runs in it may take it down, by asking for too much or through a fault in a decoder. Then the order that it was at ends in EndedError,
which says why, and nothing else is harmed.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from enum import StrEnum
from typing import Any, NamedTuple

_BLOCK = 1 << 16
_WORDS = 4000  # bytes that are kept of what it last wrote to stderr
_LONGEST = 16 << 20  # bytes of one answer
_FROM_OUTSIDE = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT})
_GRACE = 5.0  # s in which a process that closed its pipe is gone
_KEPT = ("PATH", "LD_LIBRARY_PATH", "HOME", "TMPDIR", "PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE")
# Threads take addresses for memory that they never use, and numbers of one machine's cores must not decide what fits.
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2", "LC_ALL": "C.UTF-8"}


class Limits(NamedTuple):
    """Bytes of addresses beyond what the work starts with; whole seconds of computing for one answer; seconds of waiting for one."""

    memory: int
    seconds: int
    silence: float


class Ending(StrEnum):
    """Why a confined process ended."""

    SLOW = "slow"  # more computing than it may
    SILENT = "silent"  # no answer in time, although it may compute for less: the machine has other things to do
    LONG = "long"  # an answer beyond all bounds
    CRASHED = "crashed"  # a fault in what it ran
    KILLED = "killed"  # from outside, as the system does where memory runs out
    NOT_STARTED = "not started"


class EndedError(Exception):
    """The process ended before it answered; `str()` says how, `words` is what it last wrote to stderr."""

    def __init__(self, ending: Ending, message: str, words: str = "") -> None:
        super().__init__(message)
        self.ending = ending
        self.words = words

    @property
    def blames_machine(self) -> bool:
        """Whether this says more about the machine than about what the process was given."""
        return self.ending in (Ending.KILLED, Ending.SILENT, Ending.NOT_STARTED)


class Confined:
    """One process that runs `main` of a module (see koma.confined.worker). For several threads; orders are carried out one at a time."""

    def __init__(self, module: str, limits: Limits) -> None:
        self.limits = limits
        self._module = module
        self._running: _Running | None = None
        self._turn = threading.Lock()

    def ask(self, order: Any) -> Generator[Any, None, None]:
        """Yield every answer to one order as it comes. Raises EndedError; whoever stops listening before the end ends the process."""
        with self._turn:
            process = self._running if self._running is not None and self._running.is_alive() else self._started()
            try:
                yield from process.exchange(json.dumps(order, default=dict).encode(), self.limits)
            except BaseException:
                self._running = None
                process.end()
                raise

    def close(self) -> None:
        """End the process, if there is one; an order after that starts another."""
        with self._turn:
            process, self._running = self._running, None
            if process is not None:
                process.end()

    @property
    def pid(self) -> int | None:
        """Process id, None where none runs."""
        return self._running.pid if self._running is not None else None

    def _started(self) -> "_Running":
        if self._running is not None:
            self._running.end()  # it died between two orders, of none of them
        try:
            self._running = _Running(self._module, self.limits)
        except OSError as error:
            raise EndedError(Ending.NOT_STARTED, f"no process can be started for it: {error.strerror or error}") from error
        return self._running


class _Running:
    """A process with its pipes."""

    def __init__(self, module: str, limits: Limits) -> None:
        # -P: a file in the folder where Koma was started must not stand in for a module
        command = [sys.executable, "-P", "-c", f"from {module} import run; run()", str(limits.memory), str(limits.seconds)]
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | _ENVIRONMENT
        pipe = subprocess.PIPE
        self._words = os.memfd_create("words")  # a pipe that nobody reads could fill up
        try:
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=self._words, env=environment, bufsize=0)  # noqa: S603  our own interpreter, without a shell
        except OSError:
            os.close(self._words)
            raise
        self.pid = self._process.pid
        self._orders, self._answers = self._process.stdin, self._process.stdout
        for stream in (self._orders, self._answers):
            os.set_blocking(stream.fileno(), False)  # type: ignore[union-attr]  # both were asked for as pipes
        self._read = bytearray()

    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def exchange(self, order: bytes, limits: Limits) -> Iterator[Any]:
        """Send an order, and yield its answers. Raises EndedError."""
        try:
            self._send(order + b"\n", limits.silence)
            while line := self._line(limits.silence):
                yield json.loads(line)
        except TimeoutError:
            raise EndedError(Ending.SILENT, f"it gave no answer in {limits.silence:g} s", self.end()) from None
        except ConnectionError:
            raise self._gone(limits) from None

    def end(self) -> str:
        """End it; what it last wrote to stderr."""
        if self._orders is None or self._answers is None or self._orders.closed:
            return ""
        self._process.kill()
        return self._buried()

    def _buried(self) -> str:
        self._process.wait()
        for stream in (self._orders, self._answers):
            with contextlib.suppress(OSError):
                stream.close()  # type: ignore[union-attr]  # as above
        size = os.fstat(self._words).st_size
        words = os.pread(self._words, _WORDS, max(0, size - _WORDS))
        os.close(self._words)
        return words.decode(errors="replace")

    def _gone(self, limits: Limits) -> EndedError:
        try:
            self._process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
        words = self._buried()
        code = self._process.returncode
        match -code:
            case signal.SIGXCPU:
                return EndedError(Ending.SLOW, f"it takes more than {limits.seconds} s of computing", words)
            case number if number in _FROM_OUTSIDE:
                return EndedError(Ending.KILLED, "the process for it was killed from outside, perhaps for want of memory", words)
            case number if number > 0:
                return EndedError(Ending.CRASHED, f"it brought its process down ({signal.Signals(number).name})", words)
            case _:
                last = words.strip().rpartition("\n")[2]
                return EndedError(Ending.CRASHED, f"it brought its process down (exit code {code}): {last}", words)

    def _send(self, data: bytes, seconds: float) -> None:
        rest = memoryview(data)
        while rest:
            _ready(self._orders, select.POLLOUT, seconds)
            rest = rest[os.write(self._orders.fileno(), rest[:_BLOCK]) :]  # type: ignore[union-attr]  # as above

    def _line(self, seconds: float) -> bytes:
        """Read one line, without its end. Raises TimeoutError, ConnectionError, EndedError."""
        seen = 0
        while (at := self._read.find(b"\n", seen)) < 0:
            seen = len(self._read)
            if seen > _LONGEST:
                raise EndedError(Ending.LONG, f"its answer is longer than {_LONGEST >> 20} MiB", self.end())
            _ready(self._answers, select.POLLIN, seconds)
            block = os.read(self._answers.fileno(), _BLOCK)  # type: ignore[union-attr]  # as above
            if not block:
                raise ConnectionResetError
            self._read += block
        line = bytes(self._read[:at])
        del self._read[: at + 1]
        return line


def _ready(stream: Any, event: int, seconds: float) -> None:
    """Wait until a pipe can be read or written, or was closed. Raises TimeoutError."""
    poll = select.poll()
    poll.register(stream, event)
    if not poll.poll(seconds * 1000):
        raise TimeoutError
