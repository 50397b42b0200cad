"""The restart command: what it runs, how long it waits, and what it says."""

import sys
from pathlib import Path

import pytest

from koma.backends.comfyui.backend import ComfyUIBackend
from koma.backends.comfyui.restart import RestartCommand
from koma.core.request import BackendStatus
from support.fake_comfyui import FakeComfyUI


class Server:
    """Up once the file is there that a restart command makes."""

    def __init__(self, file: Path) -> None:
        self.file = file

    async def probe(self) -> BackendStatus:
        return BackendStatus(self.file.exists())


def command(folder: Path, *words: str, **seconds: float) -> RestartCommand:
    return RestartCommand(words, Server(folder / "up").probe, folder, **seconds)


async def test_the_command_runs_in_the_workspace_and_the_server_is_waited_for(tmp_path: Path) -> None:
    script = tmp_path / "restart.py"
    script.write_text("import pathlib; pathlib.Path('up').touch()")
    assert await command(tmp_path, sys.executable, "restart.py")() == ""
    assert (tmp_path / "up").exists()


async def test_a_server_that_the_command_leaves_running_does_not_keep_it_waiting(tmp_path: Path) -> None:
    (tmp_path / "up").touch()
    script = tmp_path / "restart.py"
    script.write_text("import subprocess; subprocess.Popen(['sleep', '3'])")
    assert await command(tmp_path, sys.executable, "restart.py", command_seconds=60.0)() == ""


@pytest.mark.parametrize(
    ("words", "seconds", "said"),
    [
        pytest.param(("no-such-command",), {}, "no-such-command can't be run: No such file", id="a command that is not there"),
        pytest.param(
            (sys.executable, "-c", "import sys; sys.exit('no permission')"), {}, "ended with 1: no permission", id="a command that fails"
        ),
        pytest.param(("sleep", "60"), {"command_seconds": 0.05}, "did not end within 0.05 s", id="a command that never ends"),
        pytest.param(("true",), {"answer_seconds": 0.05}, "did not answer within 0.05 s", id="a server that does not come back"),
    ],
)
async def test_what_went_wrong_is_said(tmp_path: Path, words: tuple[str, ...], seconds: dict[str, float], said: str) -> None:
    assert said in await command(tmp_path, *words, **seconds)()


async def test_a_server_that_was_told_to_free_memory_says_so_when_it_is_asked() -> None:
    async with FakeComfyUI() as server:
        backend = ComfyUIBackend("studio", server.url)
        before = await backend.probe()
        await backend.free()
        after = await backend.probe()
        await backend.close()
    assert (before.device, before.vram_total) == ("cuda", 12 << 30)
    assert before.vram_free is not None
    assert after.vram_free == after.vram_total > before.vram_free
