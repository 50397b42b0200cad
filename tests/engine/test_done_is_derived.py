"""Done is what row, file, receipt and object say together: whichever of them is lost, it comes back from the others where it can.

Each test loses something of a finished workspace and starts Koma once more, the real one but for its render server.
"""

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support import crash_flow
from support.crash_checks import faults
from support.crash_flow import SERVER, STEPS, VIDEO
from support.crashing import BEGIN, Ended, Forge
from support.ledger import renders

STILL = "demo/s01/sh010/still"
RENDERED = 7  # by the first run


class Rendered:
    """A copy of a workspace in which everything is done."""

    def __init__(self, forge: Forge, done: Path, folder: Path) -> None:
        self._forge = forge
        self._was = done / "w/outputs"
        self.folder, self.root = folder, folder / "w"
        self.outputs = self.root / "outputs"

    def run(self) -> Ended:
        return self._forge.run(self.root, "run", BEGIN + 1000)

    def renders(self) -> int:
        """How many more there were since."""
        return sum(renders(self.folder / SERVER).values()) - RENDERED

    def file(self, target: str) -> Path:
        return self.outputs / f"{target}{'.mp4' if target == VIDEO else '.png'}"

    def receipt(self, target: str) -> Path:
        return self.outputs / f"{target}.receipt.json"

    def object(self, target: str, role: str = "object") -> Path:
        made: dict[str, Any] = next(
            made for made in json.loads((self._was / f"{target}.receipt.json").read_text())["artifacts"] if made["role"] == role
        )
        digest = made["file_digest"]
        return self.outputs / f".koma/objects/{digest[:2]}/{digest[2:]}{made['suffix']}"

    def forget(self, statement: str) -> None:
        database = sqlite3.connect(self.outputs / ".koma/state.db")
        with database:
            assert database.execute(statement).rowcount > 0
        database.close()


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    with Forge(tmp_path_factory.mktemp("forge")) as made:
        yield made


@pytest.fixture(scope="module")
def done(forge: Forge, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("done") / "at"
    folder.mkdir()
    STEPS[0].prepare(folder / "w")
    assert forge.run(folder / "w", "run", BEGIN).status == 3
    return folder


@pytest.fixture
def rendered(forge: Forge, done: Path, tmp_path: Path) -> Rendered:
    subprocess.run(["cp", "-a", str(done), str(tmp_path / "at")], check=True)
    return Rendered(forge, done, tmp_path / "at")


Loss = Callable[[Rendered, str], None]


def file(of: Rendered, target: str) -> None:
    of.file(target).unlink()


def receipt(of: Rendered, target: str) -> None:
    of.receipt(target).unlink()


def empty_receipt(of: Rendered, target: str) -> None:
    of.receipt(target).write_text("")


def lossless(of: Rendered, target: str) -> None:
    of.object(target).unlink()


def delivery(of: Rendered, target: str) -> None:
    of.object(target, "delivery").unlink()


def poster(of: Rendered, target: str) -> None:
    of.object(target, "poster").unlink()
    (of.outputs / f"{target}.jpg").unlink()


def row(of: Rendered, target: str) -> None:
    of.forget(f"DELETE FROM published WHERE target = '{target}'")  # noqa: S608  a name of this test


def takes(of: Rendered, target: str) -> None:
    of.forget(f"DELETE FROM takes WHERE target = '{target}'")  # noqa: S608


def cut(of: Rendered, target: str) -> None:
    """Cut the file short; the object is a link to it, and so cut as well."""
    of.file(target).chmod(0o644)
    with of.file(target).open("r+b") as stream:
        stream.truncate(100)


def cut_copy(of: Rendered, target: str) -> None:
    """Cut the file short, where it is a copy and no link."""
    data = of.file(target).read_bytes()
    of.file(target).unlink()
    of.file(target).write_bytes(data[:100])


def store(of: Rendered, target: str) -> None:
    crash_flow.lose(of.root, "state.db*")


def kept_receipts(of: Rendered, target: str) -> None:
    shutil.rmtree(of.file(target).parent / "takes")


@pytest.mark.parametrize(
    ("target", "losses", "again"),
    [
        pytest.param(STILL, [file], 0, id="a still: the file"),
        pytest.param(STILL, [receipt], 0, id="a still: the receipt"),
        pytest.param(STILL, [empty_receipt], 0, id="a still: what the receipt says"),
        pytest.param(STILL, [lossless], 0, id="a still: the object"),
        pytest.param(STILL, [row], 0, id="a still: the row"),
        pytest.param(STILL, [takes], 0, id="a still: its takes in the store"),
        pytest.param(STILL, [takes, row], 0, id="a still: everything in the store"),
        pytest.param(STILL, [file, receipt], 0, id="a still: file and receipt"),
        pytest.param(STILL, [file, row], 0, id="a still: file and row"),
        pytest.param(STILL, [receipt, row], 0, id="a still: receipt and row"),
        pytest.param(STILL, [lossless, receipt], 0, id="a still: object and receipt"),
        pytest.param(STILL, [lossless, row], 0, id="a still: object and row"),
        pytest.param(STILL, [lossless, receipt, row], 0, id="a still: all but the file"),
        pytest.param(STILL, [file, receipt, row], 0, id="a still: all but the object"),
        pytest.param(STILL, [file, receipt, row, takes], 0, id="a still: all but the object and the receipt of the take"),
        pytest.param(STILL, [lossless, file], 1, id="a still: object and file, so that there is nothing to bring back"),
        pytest.param(STILL, [cut_copy], 0, id="a still: half of the file, which is a copy"),
        pytest.param(STILL, [cut], 1, id="a still: half of the file, and of the object with it"),
        pytest.param(STILL, [store], 0, id="the whole store"),
        pytest.param(STILL, [store, receipt], 0, id="the whole store, and the receipt of a still"),
        pytest.param(STILL, [store, kept_receipts], 0, id="the whole store, and what is kept of the takes of a still"),
        pytest.param(VIDEO, [delivery, file], 0, id="a clip: what people see of it, so that it is encoded again"),
        pytest.param(VIDEO, [cut], 0, id="a clip: half of what people see of it"),
        pytest.param(VIDEO, [poster, delivery, file, receipt, row], 0, id="a clip: all but the lossless frames"),
        pytest.param(VIDEO, [lossless, file], 1, id="a clip: the lossless frames and the file"),
    ],
)
def test_what_is_lost_comes_back(rendered: Rendered, target: str, losses: list[Loss], again: int) -> None:
    for lose in losses:
        lose(rendered, target)
    ended = rendered.run()
    assert ended.status == 3, ended.said
    assert rendered.renders() == again, ended.said
    assert list(faults(rendered.root)) == []
    assert "nothing to do" in rendered.run().said


@pytest.mark.parametrize("lose", [lossless, delivery], ids=["the lossless frames", "what people see of it"])
def test_an_object_of_a_clip_that_nobody_asks_for_is_left_alone(rendered: Rendered, lose: Loss) -> None:
    lose(rendered, VIDEO)
    assert "nothing to do" in rendered.run().said
    assert len([word for word in faults(rendered.root) if "is gone or damaged" in word]) == 1


def test_what_is_restored_is_told(rendered: Rendered) -> None:
    delivery(rendered, VIDEO)
    file(rendered, VIDEO)
    assert "1 published; 5 as wanted" in rendered.run().said


def test_a_damaged_object_is_put_aside_and_not_thrown_away(rendered: Rendered) -> None:
    path = rendered.object(VIDEO, "delivery")
    cut(rendered, VIDEO)
    rendered.run()
    assert path.stat().st_size > 100
    (damaged,) = (rendered.outputs / ".koma/objects/damaged").iterdir()
    assert damaged.stat().st_size == 100
    assert damaged.name == f"{path.parent.name}{path.name}"
