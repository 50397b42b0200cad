"""A small workspace and a watched fake server: for measuring what the daemon adds to a backend's own time."""

import copy
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from koma.templating.signatures import load_recorded
from support.fake_comfyui import FakeComfyUI
from support.fake_comfyui_graphs import pixels
from support.fake_comfyui_worker import Prompt

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "studio"
VIDEO_FRAMES = 25  # what the template svd-video makes
MODELS = {"CheckpointLoaderSimple": "anime.safetensors", "ImageOnlyCheckpointLoader": "svd_xt.safetensors"}


class Span(NamedTuple):
    """One prompt at the server: whether it made a video, and when it was queued, began and ended (seconds, one clock)."""

    video: bool
    queued: float
    began: float
    ended: float


class WatchedComfyUI(FakeComfyUI):
    """The fake server, with a note of every prompt's times. Renders take `seconds` beside the drawing of pictures."""

    def __init__(self, seconds: float) -> None:
        super().__init__(_signatures(), models=set(MODELS.values()), delay=seconds, render=_draw)
        self.spans: list[Span] = []
        self.posted: list[float] = []
        self._queued: dict[str, float] = {}

    def queue(self, body: Mapping[str, Any], ends: list[str]) -> Prompt:
        prompt = super().queue(body, ends)
        self._queued[prompt.prompt_id] = time.perf_counter()
        self.posted.append(self._queued[prompt.prompt_id])
        return prompt

    async def _execute(self, prompt: Prompt) -> bool:
        began = time.perf_counter()
        try:
            return await super()._execute(prompt)
        finally:
            video = any(node["class_type"] == "LoadImage" for node in prompt.graph.values())
            self.spans.append(Span(video, self._queued[prompt.prompt_id], began, time.perf_counter()))


def _draw(graph: Mapping[str, Any]) -> list[np.ndarray]:
    """Draw the fake server's pictures, as many as a video graph asks for."""
    asked = (node["inputs"].get("video_frames") for node in graph.values())
    count = next((frames for frames in asked if frames), 1)
    return pixels({**graph, "count": {"class_type": "", "inputs": {"num_frames": count}}})


def _signatures() -> dict[str, Any]:
    """Recorded signatures, with the models that this server has."""
    classes = copy.deepcopy(dict(load_recorded().classes))
    for name, model in MODELS.items():
        classes[name]["required"]["ckpt_name"]["choices"] = [model]
    return classes


def shot_id(number: int) -> str:
    """Id of a shot."""
    return f"sh{number:04d}"


def shot(number: int, phases: str) -> str:
    """One shot, with a seed of its own."""
    said = f"framing: wide, action: rain falls on roof {number}, seed: {number + 1}, frames: {VIDEO_FRAMES}, phases: [{phases}]"
    return f"  - {{id: {shot_id(number)}, {said}}}\n"


def write_scene(workspace: Path, shots: str) -> None:
    """Write the one scene document at once, by rename, as editors do."""
    file = workspace / f"projects/{PROJECT}/s01.yaml"
    draft = file.with_suffix(".part")
    draft.write_text(f"kind: scene\nid: s01\ntitle: Rain\nshots:\n{shots}", encoding="utf-8")
    draft.rename(file)


def write_workspace(workspace: Path, url: str, shots: str) -> None:
    """Write settings, project, templates and the scene. Gates are loose: the pictures of the fake server are noise."""
    (workspace / "projects" / PROJECT).mkdir(parents=True)
    backend = f'backends:\n  - {{name: fake, kind: comfyui, url: "{url}"}}\n'
    (workspace / "koma.yaml").write_text(f"rendition: final\n{backend}http: {{enabled: false}}\nlog: {{format: json}}\n", encoding="utf-8")
    project = f"""\
kind: project
id: {PROJECT}
title: Studio
width: 512
height: 320
fps: 24
checkpoint: {MODELS["CheckpointLoaderSimple"]}
"""
    (workspace / f"projects/{PROJECT}/project.yaml").write_text(project, encoding="utf-8")
    shutil.copytree(ROOT / "templates", workspace / "templates")
    write_scene(workspace, shots)
