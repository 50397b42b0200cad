"""Runs the worker process for the event loop: starts it when it is first needed, asks it, and ends it."""

import asyncio
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

_LONGEST = 1 << 20  # bytes of one answer
_STDERR = 4000  # characters kept for the excerpt


class WorkerLostError(Exception):
    """The worker ended before it answered; `str()` says how, `excerpt` holds its last words."""

    def __init__(self, message: str, excerpt: str) -> None:
        super().__init__(message)
        self.excerpt = excerpt


class WorkerProcess:
    """One worker: the module `module`, which works in the folder `scratch` and removes it should its parent die.

    Orders are answered one at a time; a lost worker is started anew by the next order.
    """

    def __init__(self, module: str, scratch: Path) -> None:
        self._module = module
        self._scratch = scratch
        self._process: asyncio.subprocess.Process | None = None
        self._log: IO[bytes] | None = None

    async def ask(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Send one order and wait for its answer. Raises WorkerLostError. When cancelled, the worker is ended."""
        process = self._process or await self._started()
        try:
            return await _exchange(process, order)
        except (ConnectionError, EOFError, ValueError) as error:
            words = await self.end()
            raise WorkerLostError(
                f"the process of {self._module} ended with code {process.returncode} before it answered", words
            ) from error
        except asyncio.CancelledError:
            await self.end()
            raise

    async def end(self) -> str:
        """End the worker, if it runs; returns what it last wrote to stderr."""
        process, self._process = self._process, None
        log, self._log = self._log, None
        if process is None or log is None:
            return ""
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()
        with log:
            log.seek(0)
            return log.read().decode(errors="replace")[-_STDERR:]

    async def _started(self) -> asyncio.subprocess.Process:
        """Start the worker; someone who is cancelled meanwhile still knows it, and ends it."""
        starting = asyncio.ensure_future(self._start())
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            await asyncio.wait([starting])
            await self.end()
            raise

    async def _start(self) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
        with contextlib.ExitStack() as unless_started:
            log = unless_started.enter_context(tempfile.TemporaryFile())  # a pipe that nobody reads could fill up
            # -P: a file in the folder where Koma was started must not stand in for a module
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                self._module,
                str(self._scratch),
                stdin=pipe,
                stdout=pipe,
                stderr=log,
                limit=_LONGEST,
                env=environment,
            )
            self._log = log
            unless_started.pop_all()
        return self._process


async def _exchange(process: asyncio.subprocess.Process, order: Mapping[str, Any]) -> dict[str, Any]:
    if process.stdin is None or process.stdout is None:
        raise EOFError("no pipes")
    process.stdin.write(json.dumps(order, default=dict).encode() + b"\n")
    await process.stdin.drain()
    line = await process.stdout.readline()
    if not line.endswith(b"\n"):
        raise EOFError("no answer")
    answer: dict[str, Any] = json.loads(line)
    return answer
