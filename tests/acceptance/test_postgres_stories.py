"""A workspace whose store is a database: the same stories, and moving there and back."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.postgres import ESCAPED, PASSWORD, needs_postgres, shared
from support.served import ServedComfyUI
from support.workspaces import ALL, Workspace, eventually

needs_postgres()


@pytest.fixture
def address() -> str:
    return shared().fresh()


@pytest.fixture
def moved(workspace: Workspace, address: str) -> Workspace:
    """The workspace with its store in a database from the start."""
    use(workspace, address)
    return workspace


def use(workspace: Workspace, store: str) -> None:
    """Name another store in koma.yaml."""
    kept = [line for line in workspace.read("koma.yaml").splitlines() if not line.startswith("store:")]
    workspace.write("koma.yaml", "\n".join([*kept, f'store: "{store}"', ""]))


def migrate(workspace: Workspace, store: str) -> str:
    done = workspace.koma("migrate-store", "--to", store)
    assert done.code == 0, done
    use(workspace, store)
    return done.out


def rows(address: str, table: str) -> int:
    return int(shared().execute(f"SELECT count(*) FROM {table}", schema=address.rpartition("%3D")[2])[0][0])  # noqa: S608


def test_everything_is_rendered_once_and_then_nothing_is_left(moved: Workspace, server: ServedComfyUI, address: str) -> None:
    moved.once()
    assert {moved.verdict(target) for target in ALL} == {"passed"}
    assert moved.actions() == {}
    assert moved.once().code == 0
    assert set(server.fake.executions.values()) == {1}
    assert (rows(address, "takes"), rows(address, "published"), rows(address, "jobs")) == (4, 4, 0)
    assert not (moved.root / "outputs/.koma/state.db").exists()


def test_moving_to_a_database_and_back_renders_nothing(rendered: Workspace, server: ServedComfyUI, address: str) -> None:
    said = migrate(rendered, address)
    assert re.match(r"copied 4 takes, 4 published, 0 jobs, \d+ flags; read back, they are the same \(digest [0-9a-f]{16}\)\n", said)
    assert rendered.actions() == {}
    rendered.once()
    (rendered.root / "outputs/.koma/state.db").rename(rendered.root / "before.db")
    assert re.match(r"copied 4 takes, 4 published, 0 jobs", migrate(rendered, "sqlite"))
    assert rendered.actions() == {}
    rendered.once()
    assert len(server.fake.executions) == 4


@pytest.mark.parametrize("back", [False, True], ids=["from a file into a database", "from a database into a file"])
def test_a_render_that_is_under_way_is_adopted_after_the_store_moved(
    workspace: Workspace, server: ServedComfyUI, address: str, back: bool
) -> None:
    first, second = (address, "sqlite") if back else ("sqlite", address)
    use(workspace, first)
    server.hold()
    with workspace.start("run") as daemon:
        eventually(lambda: workspace.events("job_submitted"), "a prompt was accepted", process=daemon)
        daemon.kill()
    assert re.search(r", [1-9] jobs,", eventually(lambda: moves(workspace, second), "the lock of the killed daemon is free"))
    use(workspace, second)
    with workspace.start("run", "--once") as daemon:
        eventually(lambda: workspace.events("job_adopted"), "the render is found again", process=daemon)
        server.release()
        assert daemon.ended() == 0, daemon.said
    assert set(server.fake.executions.values()) == {1}
    assert len(server.fake.executions) == 4
    assert workspace.actions() == {}


def moves(workspace: Workspace, store: str) -> str:
    """What migrate-store says once it succeeds; a database takes a moment to notice that a killed daemon is gone."""
    done = workspace.koma("migrate-store", "--to", store)
    assert done.code == 0 or "held by" in done.err, done
    return done.out


def _full(workspace: Workspace, address: str) -> str:
    migrate(workspace, address)
    use(workspace, "sqlite")
    return address


REFUSED: dict[str, tuple[Callable[[Workspace, str], str], str]] = {
    "there is something in it": (_full, "it is not empty: 4 takes, 4 published"),
    "it is the same": (lambda _workspace, _address: "sqlite", "the store already is sqlite"),
    "it is no store": (lambda _workspace, _address: "mysql://a:sesame@b", "can't be used here"),
    "nobody answers": (lambda _workspace, _address: "postgresql://koma@127.0.0.1:1/koma", "Connection refused"),
}


@pytest.mark.parametrize("refused", REFUSED)
def test_the_store_is_not_moved_where(rendered: Workspace, address: str, refused: str) -> None:
    prepare, said = REFUSED[refused]
    done = rendered.koma("migrate-store", "--to", prepare(rendered, address))
    assert done.code in (1, 2)
    assert said in done.err
    assert "Traceback" not in done.err
    assert "sesame" not in done.err
    assert rendered.actions() == {}


def test_the_store_is_not_moved_while_a_daemon_runs(rendered: Workspace, address: str) -> None:
    with rendered.start("run") as daemon:
        eventually(lambda: len(rendered.events("daemon_started")) == 2, "the daemon runs", process=daemon)
        done = rendered.koma("migrate-store", "--to", address)
        assert (done.code, f"process {daemon.popen.pid}" in done.err) == (1, True)
        assert daemon.stop() == 0


def test_a_second_host_with_the_same_database_is_refused_and_told_who_writes(
    moved: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Workspace(tmp_path_factory.mktemp("host") / "w", moved.read("koma.yaml"))
    shutil.copytree(moved.root / "projects", other.root / "projects")
    shutil.copytree(moved.root / "templates", other.root / "templates")
    with moved.start("run") as first:
        eventually(lambda: moved.events("daemon_started"), "the daemon runs", process=first)
        second = other.koma("run", "--once")
        assert second.code == 1
        assert f"held by process {first.popen.pid} on " in second.err
        assert other.koma("plan").code == 0  # reading is free
        assert first.stop() == 0


def test_a_database_that_lost_everything_is_rebuilt_from_receipts(moved: Workspace, server: ServedComfyUI) -> None:
    moved.once()
    use(moved, shared().fresh())
    assert moved.actions() == {}
    moved.once()
    assert moved.actions() == {}
    assert len(server.fake.executions) == 4


def test_collecting_leaves_what_the_database_knows(moved: Workspace) -> None:
    moved.once()
    before = sorted((moved.root / "outputs/.koma/objects").rglob("*.*"))
    assert moved.koma("gc", "--yes").code == 0
    assert sorted((moved.root / "outputs/.koma/objects").rglob("*.*")) == before


def test_the_doctor_tells_of_the_database(moved: Workspace) -> None:
    assert "no store in it yet" in _finding(moved, "database")[1]
    moved.once()
    level, message, fix = _finding(moved, "database")
    assert (level, "ALTER SYSTEM SET fsync = on" in fix) == ("warn", True)  # the server of the tests does not wait for the disk
    assert "PostgreSQL " in message
    assert "schema 1" in message
    assert _finding(moved, "store")[:2] == ("ok", "4 takes, 4 outputs, 0 jobs in the queue")
    use(moved, "postgresql://koma@127.0.0.1:1/koma")
    assert _finding(moved, "database")[0] == "FAIL"


def _finding(workspace: Workspace, item: str) -> tuple[str, str, str]:
    found = workspace.koma("doctor", "--json").json["findings"]
    return next((f["level"], f["message"], f["fix"]) for f in found if f["item"] == item)


@pytest.fixture
def secret(moved: Workspace, address: str, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The password stands in the environment, as a service would have it."""
    schema = address.rpartition("%3D")[2]
    monkeypatch.setenv("KOMA_STORE", shared().address(schema=schema, tcp=True, password=ESCAPED))
    return moved


def test_a_password_is_in_no_file_and_no_word(secret: Workspace) -> None:
    with secret.start("run", "--once", env={"KOMA_STORE": os.environ["KOMA_STORE"]}) as daemon:
        assert daemon.ended() == 0, daemon.said
        said = daemon.said
    for command in (("plan",), ("status",), ("doctor",), ("run", "--once"), ("migrate-store", "--to", "sqlite")):
        done = secret.koma(*command)
        said += done.out + done.err
    files = [file for file in secret.root.rglob("*") if file.is_file() and ".git" not in file.parts]
    told = [file for file in files if any(word.encode() in file.read_bytes() for word in (ESCAPED, PASSWORD))]
    assert (told, ESCAPED in said, PASSWORD in said) == ([], False, False)
    assert "postgresql://koma:" not in said.replace("koma:***", "")


def test_who_keeps_the_store_in_a_file_imports_no_database(rendered: Workspace) -> None:
    code = """
import sys
from koma.__main__ import main
main(["--workspace", sys.argv[1], "plan"])
main(["--workspace", sys.argv[1], "status"])
print(*[name for name in ("psycopg", "psycopg_pool", "koma.stores.postgres") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code, str(rendered.root)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""


def test_a_backup_of_one_database_comes_back_in_another(rendered: Workspace, address: str, tmp_path: Path) -> None:
    migrate(rendered, address)
    assert rendered.koma("backup", str(tmp_path / "backups")).code == 0
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(rendered.root, elsewhere, ignore=shutil.ignore_patterns("outputs"))
    there = Workspace(elsewhere, rendered.read("koma.yaml"))
    use(there, shared().fresh())
    done = there.koma("restore", str(tmp_path / "backups"))
    assert done.code == 0, done
    assert there.actions() == {}
    again = there.koma("restore", str(tmp_path / "backups"), "--replace")
    assert again.code == 1
    assert "name an empty database" in again.err
