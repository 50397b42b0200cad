"""`koma reproduce` renders a receipt again and compares: 0 identical, 1 different, 3 impossible. It publishes nothing."""

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest

from koma.core.request import BackendStatus, Sighting, Stage, SubmitOutcome, Submitted
from koma.engine.comparing import Difference, compare
from koma.engine.reproducing import CannotReproduceError, Reproducer, changed_versions
from koma.ports import CollectError
from koma.publish.objects import FileObjects
from support.pictures import drawing, flat, save, save_clip
from support.workspaces import STILL, VIDEO, Workspace


def receipt_of(workspace: Workspace, target: str) -> str:
    return str(workspace.output(target, ".receipt.json"))


def change(workspace: Workspace, target: str, **fields: object) -> str:
    """Write a receipt with other fields beside the workspace's own; its path."""
    document = {**workspace.receipt(target), **fields}
    return str(workspace.write("changed.receipt.json", json.dumps(document)))


def tree(root: Path) -> dict[str, bytes]:
    """Every file in outputs/, without what is only remembered for speed."""
    outputs, quick = root / "outputs", ("cache.db", "koma.yaml.json")
    return {f.relative_to(outputs).as_posix(): f.read_bytes() for f in outputs.rglob("*") if f.is_file() and not f.name.startswith(quick)}


@pytest.mark.parametrize("target", [STILL, VIDEO], ids=["a still", "a video, whose input is the still"])
def test_the_same_server_gives_the_same_frames(rendered, server, target):
    before, prompts = tree(rendered.root), server.prompts
    done = rendered.koma("reproduce", receipt_of(rendered, target), "--json")
    assert done.code == 0
    assert (done.json["format_version"], done.json["target"], done.json["result"]) == (1, target, "identical")
    assert done.json["versions"] == {}
    assert server.prompts == prompts + 1
    assert tree(rendered.root) == before


def test_it_works_while_a_daemon_holds_the_lock(rendered):
    from koma.stores.lock import StateLock

    with StateLock(rendered.root / "outputs/.koma/state.lock"):
        assert rendered.koma("reproduce", receipt_of(rendered, STILL)).code == 0


@pytest.mark.parametrize(("target", "frames"), [(STILL, 1), (VIDEO, 4)], ids=["a still", "a video"])
def test_other_frames_are_measured(rendered, server, monkeypatch, target, frames):
    monkeypatch.setattr(server, "spoils", lambda _graph: True)
    done = rendered.koma("reproduce", receipt_of(rendered, target), "--json")
    assert done.code == 1
    assert done.json["result"] == "different"
    assert (done.json["first_frame"], done.json["frames"]) == (0, {"then": frames, "now": frames})
    assert 0 < done.json["mean_difference"] < done.json["max_difference"] <= 255
    text = rendered.koma("reproduce", receipt_of(rendered, target)).out
    assert f"{target}: different\n" in text
    assert "first frame that differs: 0, counted from 0" in text


def test_versions_that_differ_are_named(rendered):
    versions = {**rendered.receipt(STILL)["versions"], "koma": "0.0.1"}
    done = rendered.koma("reproduce", change(rendered, STILL, versions=versions))
    assert done.code == 0
    assert "koma: 0.0.1 then, " in done.out


def lose_object(workspace: Workspace) -> str:
    digest = next(a["file_digest"] for a in workspace.receipt(STILL)["artifacts"] if a["role"] == "object")
    next((workspace.root / "outputs/.koma/objects" / digest[:2]).glob(f"{digest[2:]}*")).unlink()
    return receipt_of(workspace, STILL)


def lose_input(workspace: Workspace) -> str:
    lose_object(workspace)
    return receipt_of(workspace, VIDEO)


def stop_server(workspace: Workspace) -> str:
    url = workspace.read("koma.yaml").partition('url: "')[2].partition('"')[0]
    workspace.edit("koma.yaml", url, "http://127.0.0.1:1")
    return receipt_of(workspace, STILL)


def forget_backend(workspace: Workspace) -> str:
    workspace.write("koma.yaml", "rendition: animatic\n")
    return receipt_of(workspace, STILL)


def remove_node(workspace: Workspace) -> str:
    request = workspace.receipt(STILL)["request"]
    document = {**request["document"], "2": {**request["document"]["2"], "class_type": "GoneNode"}}
    return change(workspace, STILL, request={**request, "document": document})


IMPOSSIBLE = {
    "its object is gone": (lose_object, "the recorded picture"),
    "an input is gone": (lose_input, "the input koma-input:image"),
    "the server is down": (stop_server, "is down"),
    "no backend is named": (forget_backend, "koma.yaml names no backend"),
    "the server lacks a node": (remove_node, "GoneNode"),
    "the take was never rendered": (lambda w: change(w, STILL, request=None), "names no request"),
    "the take failed": (lambda w: change(w, STILL, artifacts=[]), "this take failed"),
    "the receipt is of a later format": (lambda w: change(w, STILL, format_version=99), "format_version is 99"),
    "the rendition is unknown": (lambda w: change(w, STILL, rendition="imax"), "names no rendition"),
    "another kind of backend drew it": (lambda w: change(w, STILL, rendition="animatic"), "no backend of the kind 'comfyui'"),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "words"), IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_what_is_missing_is_named(rendered, spoil, words):
    file = spoil(rendered)
    done = rendered.koma("reproduce", file, "--json")
    assert done.code == 3, done
    assert done.json["result"] == "cannot"
    assert words in " ".join(done.json["missing"])
    assert f"can't be reproduced\n  missing: {done.json['missing'][0]}" in rendered.koma("reproduce", file).out


@pytest.mark.parametrize("text", ["{", "[]"], ids=["half a file", "a list"])
def test_a_file_that_is_no_receipt_ends_with_3(rendered, text):
    assert rendered.koma("reproduce", str(rendered.write("x.receipt.json", text))).code == 3


def test_a_render_that_fails_can_not_be_compared(rendered, server):
    server.fail_next()
    done = rendered.koma("reproduce", receipt_of(rendered, STILL), "--json")
    assert done.code == 3
    assert "the render failed" in done.json["missing"][0]


# -- a backend that is slow to answer --------------------------------------------------------------------------------------


class Lost:
    """A backend whose reply to the POST was lost; `stages` are its answers afterwards."""

    name, kind = "far", "animatic"

    def __init__(self, *stages: Stage) -> None:
        self.stages = list(stages)
        self.cancelled: list[str] = []

    async def open(self): ...
    async def close(self): ...
    async def free(self): ...

    async def probe(self):
        return BackendStatus(up=True)

    async def submit(self, _request, _inputs):
        return Submitted(SubmitOutcome.UNKNOWN)

    async def ask(self, _prompt_id):
        return Sighting(self.stages.pop(0) if len(self.stages) > 1 else self.stages[0])

    async def collect(self, _request, _outputs, _into):
        raise CollectError("frame 3 is cut short")

    async def cancel(self, prompt_id):
        self.cancelled.append(prompt_id)


class Ticking:
    """Ten seconds pass each time somebody looks."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        self.time += 10.0
        return self.time


LOST = {
    "a prompt that never shows up": ([Stage.ABSENT], "the backend far lost the render"),
    "a server that went away": ([Stage.RUNNING, Stage.UNREACHABLE], "the backend far lost the render"),
    "a prompt that shows up late and ends": ([Stage.ABSENT, Stage.UNREACHABLE, Stage.QUEUED, Stage.SUCCEEDED], "frame 3 is cut short"),
}


async def no_nap(_seconds: float) -> None:
    return


@pytest.mark.parametrize(("stages", "words"), LOST.values(), ids=LOST.keys())
async def test_a_lost_reply_is_waited_out(once_rendered, tmp_path, stages, words):
    objects = FileObjects(once_rendered.root / "outputs/.koma/objects")
    reproducer = Reproducer(Lost(*stages), objects, objects, None, Ticking(), sleep=no_nap)
    with pytest.raises(CannotReproduceError, match=words):
        await reproducer.run(once_rendered.receipt(STILL), {}, tmp_path)


async def test_a_person_who_stops_it_stops_the_render(once_rendered, tmp_path):
    async def stopped(_seconds: float) -> None:
        raise asyncio.CancelledError

    backend, objects = Lost(Stage.RUNNING), FileObjects(once_rendered.root / "outputs/.koma/objects")
    with pytest.raises(asyncio.CancelledError):
        await Reproducer(backend, objects, objects, None, Ticking(), sleep=stopped).run(once_rendered.receipt(STILL), {}, tmp_path)
    assert len(backend.cancelled) == 1


# -- comparing ------------------------------------------------------------------------------------------------------------


def test_equal_pictures_have_no_difference(tmp_path):
    one, two = save(drawing(), tmp_path / "a.png"), save(drawing(), tmp_path / "b.png", compress_level=1)
    assert one.read_bytes() != two.read_bytes()
    assert compare(one, two, clip=False) is None


def test_one_sample_that_differs_is_found(tmp_path):
    changed = drawing()
    changed[3, 5, 1] ^= 4
    found = compare(save(drawing(), tmp_path / "a.png"), save(changed, tmp_path / "b.png"), clip=False)
    assert found == Difference(4, pytest.approx(4 / changed.size), 0, (1, 1), ((48, 32), (48, 32)))


def test_the_first_frame_that_differs_is_counted_from_zero(tmp_path):
    frames = [drawing(shift=n) for n in range(5)]
    other = [np.copy(frame) for frame in frames]
    other[3][:] = 255 - other[3]
    found = compare(save_clip(tmp_path / "a.mkv", frames), save_clip(tmp_path / "b.mkv", other), clip=True)
    assert found is not None
    assert (found.first, found.frames) == (3, (5, 5))


def test_a_shorter_clip_differs_where_it_ends(tmp_path):
    frames = [drawing(shift=n) for n in range(5)]
    found = compare(save_clip(tmp_path / "a.mkv", frames), save_clip(tmp_path / "b.mkv", frames[:3]), clip=True)
    assert found == Difference(0, 0.0, 3, (5, 3), ((48, 32), (48, 32)))


def test_another_size_differs_at_once(tmp_path):
    found = compare(save(flat(9), tmp_path / "a.png"), save(flat(9, width=64), tmp_path / "b.png"), clip=False)
    assert found == Difference(0, 0.0, 0, (1, 1), ((48, 32), (64, 32)))


def test_versions_that_came_and_went_are_told():
    assert changed_versions({"a": "1", "b": "1", "gone": "1"}, {"a": "1", "b": "2", "new": "3"}) == {
        "b": ("1", "2"),
        "gone": ("1", ""),
        "new": ("", "3"),
    }
