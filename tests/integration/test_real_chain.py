"""Chained clips on a real ComfyUI server: rendered in runs, joined, repaired, continued after a kill, made again from their receipts.

Needs no model: pictures, noise and blurs.
"""

import shutil
import time
from itertools import chain as concatenated
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from koma.publish.objects import FileObjects
from support.real_server import RealServer
from support.workspaces import TEMPLATES, Workspace, comfyui_config, eventually, picture

CONTRACT = "gates: {profile: own}\n"  # what graphs without weights draw is noise, which no other profile lets pass
SCENE_FILE, PROJECT_FILE, TEMPLATE = "projects/real/s01.yaml", "projects/real/project.yaml", "templates/reel/template.yaml"
FRAMES, RUNS = 9, (4, 4, 4)
BLURS = 6


class Reel(Workspace):
    """One shot of nine frames: a still of noise, and a video as three runs of four frames, each of which but the first repeats one."""

    def __init__(self, root: Path, server: RealServer, project: str) -> None:
        super().__init__(root, comfyui_config(server.url))
        self.paper = f"{project}.png"
        server.put(self.paper, picture(1, 64))
        shutil.copytree(TEMPLATES, root / "templates")
        self.add_template("reel")
        self.still, self.video = f"{project}/s01/sh010/still", f"{project}/s01/sh010/video"
        self.segments = [f"{self.video}/seg{number:02d}" for number, _ in enumerate(RUNS, 1)]
        self.write(
            PROJECT_FILE,
            f"kind: project\nid: {project}\nwidth: 64\nheight: 64\nfps: 8\ntemplates: {{still: noise, video: reel}}\n{CONTRACT}"
            f"parameters: {{reel: {{paper: {self.paper}}}}}\n",
        )
        seed = time.time_ns() % 2**32
        self.write(SCENE_FILE, f"kind: scene\nid: s01\nshots:\n  - {{id: sh010, action: walks, frames: {FRAMES}, seed: {seed}}}\n")

    def artifact(self, target: str, role: str) -> Any:
        return next(found for found in self.receipt(target)["artifacts"] if found["role"] == role)

    def object(self, target: str) -> Path:
        """The lossless clip of a target."""
        found = self.artifact(target, "object")
        return FileObjects(self.root / "outputs/.koma/objects").path(found["file_digest"], found["suffix"])

    def lose(self, target: str) -> None:
        """Delete the object and the receipt of a target."""
        self.object(target).unlink()
        self.output(target, ".receipt.json").unlink()

    def read_by(self, target: str) -> list[str]:
        """Content digests of what a target read."""
        return [given["content_digest"] for given in self.receipt(target)["request"]["inputs"]]

    def last_frames(self) -> list[str]:
        """Content digest of the last frame of each segment."""
        return [self.artifact(segment, "last")["content_digest"] for segment in self.segments]


@pytest.fixture
def reel(tmp_path: Path, server: RealServer, project: str) -> Reel:
    return Reel(tmp_path, server, project)


@pytest.fixture
def made(reel: Reel) -> Reel:
    reel.once()
    return reel


def frames_of(file: Path) -> list[np.ndarray]:
    with av.open(str(file)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_a_clip_is_rendered_in_runs_and_joined_frame_by_frame(made: Reel, server: RealServer) -> None:
    assert server.rendered() == [made.still, *made.segments]
    assert [len(frames_of(made.output(segment, ".mp4"))) for segment in made.segments] == list(RUNS)
    assert len(frames_of(made.output(made.video, ".mp4"))) == FRAMES
    first, *later = [frames_of(made.object(segment)) for segment in made.segments]
    joined = [*first, *concatenated.from_iterable(run[1:] for run in later)][:FRAMES]
    assert np.array_equal(frames_of(made.object(made.video)), joined)
    assert {made.verdict(target) for target in (*made.segments, made.video)} == {"passed"}
    assert made.receipt(made.video)["backend"] == "cpu"
    assert made.once().out == "nothing to do; 5 as wanted\n"
    assert len(server.history()) == 4


def test_each_run_begins_with_the_last_frame_of_the_one_before(made: Reel) -> None:
    still = made.artifact(made.still, "object")["content_digest"]
    last = made.last_frames()
    assert [made.read_by(segment) for segment in made.segments] == [[still], [last[0]], [last[1]]]
    runs = [frames_of(made.object(segment)) for segment in made.segments]
    assert np.array_equal(runs[1][0], runs[0][-1])
    assert np.array_equal(runs[2][0], runs[1][-1])


def test_a_lost_segment_is_rendered_again_alone_when_its_last_frame_comes_out_the_same(made: Reel, server: RealServer) -> None:
    before, last = made.pictures(), made.last_frames()
    made.lose(made.segments[1])
    server.forget()
    made.once()
    assert server.rendered()[4:] == [made.segments[1]]
    assert made.submitted()[5:] == [made.segments[1]]
    assert made.last_frames() == last
    assert made.pictures() == before
    assert made.actions() == {}


def test_what_follows_a_lost_segment_is_made_again_when_its_last_frame_comes_out_different(made: Reel, server: RealServer) -> None:
    last = made.last_frames()
    server.put(made.paper, picture(2, 64))  # as when a model is replaced by another of the same name
    assert made.once().out == "nothing to do; 5 as wanted\n"
    made.lose(made.segments[1])
    made.once()
    assert server.rendered()[4:] == made.segments[1:]
    assert made.submitted()[5:] == [*made.segments[1:], made.video]
    now = made.last_frames()
    assert [old == new for old, new in zip(last, now, strict=True)] == [True, False, False]
    assert made.read_by(made.segments[2]) == [now[1]]
    assert len(frames_of(made.output(made.video, ".mp4"))) == FRAMES
    assert made.actions() == {}


def test_runs_whose_frames_are_lost_are_made_again_as_they_were_when_the_join_needs_them(made: Reel, server: RealServer) -> None:
    last = made.last_frames()
    shutil.rmtree(made.root / "outputs/.koma/objects")
    server.forget()
    assert made.once().out == "nothing to do; 5 as wanted\n"
    made.edit(SCENE_FILE, f"frames: {FRAMES}", "frames: 10")
    made.once()
    assert server.rendered()[4:] == made.segments
    assert made.last_frames() == last
    assert len(frames_of(made.output(made.video, ".mp4"))) == 10
    assert made.actions() == {}


def test_thirty_seconds_are_thirty_runs_and_as_many_frames_as_the_shot_has(reel: Reel, server: RealServer) -> None:
    reel.edit(TEMPLATE, "exact: [4]", "exact: [25]")
    reel.edit(PROJECT_FILE, "fps: 8", "fps: 24")
    reel.edit(SCENE_FILE, f"frames: {FRAMES}", "frames: 720")
    reel.once()
    assert server.rendered() == [reel.still, *(f"{reel.video}/seg{number:02d}" for number in range(1, 31))]
    assert len(frames_of(reel.output(reel.video, ".mp4"))) == 720
    assert len(frames_of(reel.object(reel.video))) == 720
    assert reel.verdict(reel.video) == "passed"
    assert reel.actions() == {}


def test_killed_in_the_middle_of_the_second_run_the_next_start_goes_on_there_and_renders_nothing_twice(
    reel: Reel, server: RealServer
) -> None:
    reel.edit(PROJECT_FILE, "width: 64\nheight: 64", "width: 512\nheight: 512")
    reel.edit(PROJECT_FILE, "{reel: {", f"{{reel: {{blurs: {BLURS}, ")
    second = reel.segments[1]
    with reel.start("run") as first:
        eventually(lambda: second in server.running().values(), "the second run is under way", seconds=120, process=first)
        eventually(lambda: second in reel.submitted(), "the daemon knows that it was accepted", process=first)
        first.kill()
    running = server.running()
    assert list(running.values()) == [second], "the render was over too soon for this story: raise BLURS"

    with reel.start("run", "--once") as again:
        eventually(lambda: reel.events("job_adopted"), "the render is found again", process=again)
        assert again.popen.wait(300) == 0, again.said

    assert server.rendered() == [reel.still, *reel.segments]
    assert not server.waiting()
    receipt = reel.receipt(second)
    assert ([receipt["prompt_id"]], receipt["attempts"]) == (list(running), 1)
    assert len(frames_of(reel.output(reel.video, ".mp4"))) == FRAMES
    assert reel.actions() == {}


def test_a_draft_lies_beside_the_final_which_reads_nothing_of_it(reel: Reel, server: RealServer) -> None:
    reel.edit("koma.yaml", "rendition: final", "rendition: draft")
    reel.once()
    draft = [f"{segment}.draft" for segment in reel.segments]
    assert [len(frames_of(reel.output(target, ".mp4"))) for target in (*draft, f"{reel.video}.draft")] == [*RUNS, FRAMES]
    assert not reel.output(reel.video, ".mp4").exists()

    reel.edit("koma.yaml", "rendition: draft", "rendition: final")
    reel.once()
    assert len(server.history()) == 8
    assert len(frames_of(reel.output(reel.video, ".mp4"))) == FRAMES
    assert reel.output(f"{reel.video}.draft", ".mp4").exists()


@pytest.mark.parametrize("rendition", ["draft", "final"])
def test_receipts_of_a_segment_and_of_the_join_give_the_same_frames_again(reel: Reel, server: RealServer, rendition: str) -> None:
    reel.edit("koma.yaml", "rendition: final", f"rendition: {rendition}")
    reel.once()
    suffix = ".draft" if rendition == "draft" else ""
    for target, prompts in ((reel.segments[1], 1), (reel.video, 0)):
        before, executed = reel.pictures(), len(server.history())
        done = reel.koma("reproduce", str(reel.output(target + suffix, ".receipt.json")), "--json")
        assert done.code == 0, done
        assert (done.json["target"], done.json["result"], done.json["versions"]) == (target, "identical", {})
        assert len(server.history()) == executed + prompts
        assert reel.pictures() == before
