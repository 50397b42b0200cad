"""The restart command of a server: run it, and wait until the server answers again."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from koma.core.request import BackendStatus

COMMAND_SECONDS = 60.0  # for the command itself
ANSWER_SECONDS = 180.0  # for the server to answer after it; packs take their time to load
_PROBE_SECONDS = 1.0
_SAID = 400  # characters of what the command said that go into a message


class RestartCommand:
    """Restarts one server by a command of its owner. `words` are program and arguments, run in `folder`, without a shell."""

    def __init__(
        self,
        words: Sequence[str],
        probe: Callable[[], Awaitable[BackendStatus]],
        folder: Path,
        *,
        command_seconds: float = COMMAND_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._words = tuple(words)
        self._probe = probe
        self._folder = folder
        self._command_seconds = command_seconds
        self._answer_seconds = answer_seconds

    async def __call__(self) -> str:
        """Run the command once and wait for the server; "" when it answers, else what went wrong."""
        said = await self._run()
        return said or await self._until_up()

    async def _run(self) -> str:
        name, none = self._words[0], asyncio.subprocess.DEVNULL
        with tempfile.TemporaryFile() as errors:  # no pipe: a server that it starts would keep that open
            try:
                process = await asyncio.create_subprocess_exec(
                    *self._words, cwd=self._folder, stdin=none, stdout=none, stderr=errors, start_new_session=True
                )
            except OSError as error:
                return f"the restart command {name} can't be run: {error.strerror}"
            code = await self._ended(process)
            errors.seek(0)
            said = errors.read(_SAID).decode(errors="replace").strip()
        if code is None:
            return f"the restart command {name} did not end within {self._command_seconds:g} s"
        return f"the restart command {name} ended with {code}: {said}".rstrip(": ") if code else ""

    async def _ended(self, process: asyncio.subprocess.Process) -> int | None:
        try:
            return await asyncio.wait_for(process.wait(), self._command_seconds)
        except TimeoutError:
            process.kill()
            await process.wait()
            return None

    async def _until_up(self) -> str:
        try:
            async with asyncio.timeout(self._answer_seconds):
                while not (await self._probe()).up:  # noqa: ASYNC110  # another process, which tells nobody
                    await asyncio.sleep(_PROBE_SECONDS)
        except TimeoutError:
            return f"the server did not answer within {self._answer_seconds:g} s of the restart command"
        return ""
