"""A disk that fills up, a real one: renders wait, go on by themselves when there is room, and nothing is lost or paid for twice."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from support.needs import OPT_IN
from support.served import ServedComfyUI
from support.workspaces import ALL, Workspace, comfyui_config, eventually

MB = 1 << 20
BLOCK = 4096
SIZE = 32 * MB
KEPT = 8 * MB  # the reserve: 25 %


@pytest.fixture
def disk(workspace: Workspace) -> Iterator[Path]:
    """A file system of 32 MB where the outputs go."""
    outputs = workspace.root / "outputs"
    outputs.mkdir()
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", f"size={SIZE}", "koma-test", str(outputs)]
    if mount is None or os.geteuid() != 0 or subprocess.run(command, check=False).returncode:
        pytest.skip(OPT_IN + "run as root, with the right to mount a small file system")
    yield outputs
    subprocess.run(["umount", "--lazy", outputs], check=True)


@pytest.fixture
def small(workspace: Workspace, server: ServedComfyUI, disk: Path) -> Workspace:
    """The story's workspace on that disk, where a quarter stays free. The scratch folder lies on it as well."""
    assert disk.is_dir()
    workspace.write("koma.yaml", comfyui_config(server.url, "disk: {reserve_percent: 25}\n"))
    return workspace


def fill(disk: Path, leave: int) -> Path:
    """Take all of the disk but so many bytes."""
    file = disk / "somebody-elses"
    with file.open("wb", buffering=0) as stream, suppress(OSError):
        while (room := shutil.disk_usage(disk).free - leave) > 0:
            stream.write(bytes(min(room, BLOCK)))
    return file


def test_renders_wait_for_room_and_go_on_by_themselves(small: Workspace, server: ServedComfyUI, disk: Path) -> None:
    hog = fill(disk, KEPT - MB)
    with small.start("run", env={"TMPDIR": str(disk)}) as daemon:
        (low,) = eventually(lambda: small.events("disk_low"), "the daemon says that room lacks", process=daemon)
        assert low["spaces"][0]["total"] == SIZE
        assert low["spaces"][0]["free"] < low["spaces"][0]["reserve"]
        eventually(lambda: small.events("reconcile_complete"), "a pass is over", process=daemon)
        assert "no render begins until there is more room" in small.koma("status").out
        assert "no render begins until there is more room" in small.koma("plan").out
        assert "no render begins until there is more room" in small.koma("explain", ALL[0]).out
        assert server.prompts == 0
        hog.unlink()
        eventually(lambda: len(small.events("published")) == len(ALL), "everything is rendered", process=daemon)
        assert small.events("disk_ok")
        assert daemon.stop() == 0
    assert server.prompts == len(ALL)
    assert small.actions() == {}


def test_a_disk_that_is_full_to_the_last_byte_in_the_middle_of_a_render_costs_nothing_that_was_paid_for(
    small: Workspace, server: ServedComfyUI, disk: Path
) -> None:
    server.hold()
    with small.start("run", env={"TMPDIR": str(disk)}) as daemon:
        eventually(lambda: small.events("job_submitted"), "a prompt is at the server", process=daemon)
        hog = fill(disk, 0)
        server.release()
        eventually(lambda: server.fake.history, "the server is done with it")
        daemon.stop()
    hog.unlink()
    with small.start("run", "--once", env={"TMPDIR": str(disk)}) as process:
        assert process.ended() == 0, process.said
    assert {small.verdict(target) for target in ALL} == {"passed"}
    assert set(server.fake.renders.values()) == {1}
    assert len(server.fake.renders) == len(ALL)
    assert small.actions() == {}
