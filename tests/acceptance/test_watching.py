"""Whatever happens to the files, the daemon sees them as they are: at once where there is an event, else with the next regular look."""

import mmap
import shutil
import signal
from hashlib import sha256
from pathlib import Path

import pytest

from support.seeing import Seer, seen
from support.workspaces import ALL, ANIMATIC_CONFIG, STILL, eventually, story

SCENE = "projects/demo/s01.yaml"
OFTEN = 0.2  # seconds between regular looks, where no event can come


def shows(path: str, text: str):
    """Whether a snapshot holds that file with this text."""
    digest = sha256(text.encode()).hexdigest()
    return lambda snapshot: path in snapshot.documents and snapshot.documents[path].digest == digest


# -- what raises an event is seen at once: these have no regular look at all -------------------------------------------------


def atomic_save(seer: Seer, text: str) -> None:
    (seer.root / "fresh").write_text(text)
    (seer.root / "fresh").rename(seer.root / SCENE)


def backup_save(seer: Seer, text: str) -> None:
    """As vim saves: the old file becomes a copy, a new one takes its name, the copy goes."""
    scene = seer.root / SCENE
    scene.rename(scene.with_name("s01.yaml~"))
    scene.write_text(text)
    scene.with_name("s01.yaml~").unlink()


def memory_save(seer: Seer, text: str) -> None:
    with (seer.root / SCENE).open("r+b") as file:
        file.truncate(len(text))
        with mmap.mmap(file.fileno(), 0) as memory:
            memory[:] = text.encode()


SAVES = {"renamed over the old one": atomic_save, "with a copy of the old one": backup_save, "through memory": memory_save}


@pytest.mark.parametrize("save", SAVES.values(), ids=SAVES.keys())
async def test_a_file_is_seen_that_was_saved(save, tmp_path: Path) -> None:
    async with seen(tmp_path) as seer:
        save(seer, "kind: scene # saved\n")
        found = await seer.sees(shows(SCENE, "kind: scene # saved\n"))
        assert sorted(found.documents) == ["projects/demo/project.yaml", SCENE]


async def test_many_nested_folders_made_at_once_are_all_seen(tmp_path: Path) -> None:
    async with seen(tmp_path) as seer:
        for number in range(200):
            seer.write(f"e{number:03d}/a/b/c/s{number:03d}.yaml")
        await seer.sees(lambda snapshot: len(snapshot.documents) == 202)
        seer.write("e150/a/b/c/more.yaml")
        await seer.sees(lambda snapshot: len(snapshot.documents) == 203)


async def test_files_of_editors_wake_nothing_to_be_done(tmp_path: Path) -> None:
    async with seen(tmp_path) as seer:
        before = seer.snapshots[-1]
        for name in (".s01.yaml.swp", "s01.yaml~", "#s01.yaml#", "4913"):
            seer.write(name)
        assert await seer.looks_again() == before


async def test_a_burst_of_saves_is_one_look(tmp_path: Path) -> None:
    async with seen(tmp_path, quiet=0.5) as seer:
        looks = len(seer.snapshots)
        for number in range(50):
            seer.write(SCENE.rpartition("/")[2], f"kind: scene # {number}\n")
        await seer.sees(shows(SCENE, "kind: scene # 49\n"))
        assert len(seer.snapshots) - looks <= 2


async def test_a_link_that_the_settings_name_is_watched_where_it_leads(tmp_path: Path) -> None:
    seer = seen(tmp_path / "workspace", watch="projects/demo")
    (seer.root / "projects/demo").rename(tmp_path / "elsewhere")
    (seer.root / "projects/demo").symlink_to(tmp_path / "elsewhere")
    async with seer:
        (tmp_path / "elsewhere/s01.yaml").write_text("kind: scene # there\n")
        await seer.sees(shows(SCENE, "kind: scene # there\n"))


# -- what raises none is seen with the next regular look ---------------------------------------------------------------------


def recreate(seer: Seer, text: str) -> None:
    shutil.rmtree(seer.root / "projects")
    seer.write("s01.yaml", text)


def swap(seer: Seer, text: str) -> None:
    """Let the link at the root lead elsewhere, in one step, as deployments do."""
    other = seer.root / "two/demo"
    other.mkdir(parents=True)
    (other / "s01.yaml").write_text(text)
    (seer.root / "fresh").symlink_to(seer.root / "two")
    (seer.root / "fresh").rename(seer.root / "projects")


def write_elsewhere(seer: Seer, text: str) -> None:
    """Write under the file's other name, which no folder under watch has."""
    (seer.root / "other.yaml").write_text(text)


def linked(seer: Seer) -> None:
    (seer.root / "projects").rename(seer.root / "one")
    (seer.root / "projects").symlink_to(seer.root / "one")


def hardlinked(seer: Seer) -> None:
    (seer.root / "other.yaml").hardlink_to(seer.root / SCENE)


def blind(seer: Seer, text: str) -> None:
    seer.watch.stop()
    seer.write("s01.yaml", text)


SILENT = {
    "the root is deleted and made again": (lambda _seer: None, recreate),
    "the link at the root leads elsewhere": (linked, swap),
    "the file is written under another name": (hardlinked, write_elsewhere),
    "the watcher has died": (lambda _seer: None, blind),
}


@pytest.mark.parametrize(("prepare", "change"), SILENT.values(), ids=SILENT.keys())
async def test_the_next_look_sees_it_when(prepare, change, tmp_path: Path) -> None:
    seer = seen(tmp_path, rescan=OFTEN)
    prepare(seer)
    async with seer:
        change(seer, "kind: scene # changed\n")
        await seer.sees(shows(SCENE, "kind: scene # changed\n"))


AGAIN = {
    name: SILENT[name] for name in ("the root is deleted and made again", "the link at the root leads elsewhere", "the watcher has died")
}


@pytest.mark.parametrize(("prepare", "change"), AGAIN.values(), ids=AGAIN.keys())
async def test_after_that_look_events_come_again_when(prepare, change, tmp_path: Path) -> None:
    seer = seen(tmp_path, rescan=OFTEN)
    prepare(seer)
    async with seer:
        change(seer, "kind: scene # changed\n")
        await seer.sees(shows(SCENE, "kind: scene # changed\n"))
        seer.look_only_at_events()
        await seer.looks_again()  # the last of the regular ones
        seer.write("s01.yaml", "kind: scene # by event\n")
        await seer.sees(shows(SCENE, "kind: scene # by event\n"))


async def test_what_lies_behind_a_link_inside_a_project_is_told_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/s02.yaml").write_text("kind: scene\n")
    async with seen(tmp_path / "workspace", rescan=OFTEN) as seer:
        (seer.root / "projects/demo/more").symlink_to(tmp_path / "elsewhere")
        found = await seer.sees(lambda snapshot: snapshot.problems)
        assert [(str(problem.place), problem.code) for problem in found.problems] == [("projects/demo/more", "symlink")]
        assert len(found.documents) == 2


async def test_a_lock_of_git_is_waited_for_and_what_it_leaves_is_seen(tmp_path: Path) -> None:
    lock = tmp_path / ".git/index.lock"
    async with seen(tmp_path) as seer:
        lock.parent.mkdir()
        lock.touch()
        seer.write("s01.yaml", "kind: scene # half of a checkout\n")
        assert "git is changing files" in await seer.refuses()
        assert not any(map(shows(SCENE, "kind: scene # half of a checkout\n"), seer.snapshots))
        seer.write("s01.yaml", "kind: scene # the whole\n")
        lock.unlink()
        await seer.sees(shows(SCENE, "kind: scene # the whole\n"))


# -- the daemon itself -------------------------------------------------------------------------------------------------------


QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")


@pytest.mark.skipif(not QUEUE.exists(), reason="needs inotify")
def test_events_that_were_lost_while_the_daemon_stood_still_cost_nothing(tmp_path: Path) -> None:
    workspace = story(tmp_path, ANIMATIC_CONFIG)
    noise = tmp_path / "projects/demo/noise"
    noise.mkdir()
    with workspace.start("run") as daemon:
        eventually(lambda: len(workspace.events("published")) == len(ALL), "everything is published", process=daemon)
        daemon.popen.send_signal(signal.SIGSTOP)
        for number in range(int(QUEUE.read_text()) // 2):  # three events each
            (noise / f"{number}.txt").touch()
        workspace.edit(SCENE, "walks into the light", "runs into the dark")
        daemon.popen.send_signal(signal.SIGCONT)
        eventually(lambda: STILL in [e["target"] for e in workspace.events("published")[len(ALL) :]], "the edit is drawn", process=daemon)
        assert "queue overflowed" in daemon.said, "no event was lost, so nothing was tested"
        assert daemon.stop() == 0
