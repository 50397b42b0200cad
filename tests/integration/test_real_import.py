"""Workflows imported and rendered on a real ComfyUI server: an API file, a picture that the server saved, a file of the editor.

Needs no model: empty images, seeded noise, blurs.
"""

import io
import json
import os
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from koma.pixels.clip import open_clip
from support.imported import WORKFLOWS
from support.needs import real_comfyui
from support.workspaces import Workspace, comfyui_config, eventually

SEED, FRAMES = 20251121, 5


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> str:
    found = real_comfyui()
    for name in [name for name in os.environ if name.startswith("KOMA_")]:
        monkeypatch.delenv(name)
    return found


@pytest.fixture
def workspace(tmp_path: Path, url: str) -> Workspace:
    """Three shots, each drawn by an imported template; what is measured is whether pictures are there at all."""
    made = Workspace(tmp_path, comfyui_config(url))
    project = f"imported-{time.time_ns():x}"
    loose = "{blank: {required: false}, black: {required: false}}"
    made.write(
        "projects/p/project.yaml",
        f"kind: project\nid: {project}\nwidth: 128\nheight: 96\nfps: 8\nphases: [still]\n"
        f"gates: {{profile: own, rules: {{still: {loose}, video: {loose}}}}}\n",
    )
    made.write(
        "projects/p/s01.yaml",
        f"""\
kind: scene
id: s01
shots:
  - {{id: api, seed: {SEED}, templates: {{still: noise}}}}
  - {{id: png, seed: {SEED}, templates: {{still: saved}}}}
  - {{id: ui, seed: {SEED}, templates: {{still: well-ui}}}}
  - {{id: clip, seed: {SEED}, frames: {FRAMES}, phases: [video], templates: {{video: moving}}}}
""",
    )
    return made


def nodes_in(name: str) -> dict[str, Any]:
    nodes: dict[str, Any] = json.loads((WORKFLOWS / name).read_text())
    return nodes


def run_at(url: str, graph: dict[str, Any]) -> list[bytes]:
    """Queue a graph as a person would, without Koma; the bytes of the pictures that it saved."""
    answer = httpx.post(f"{url}/prompt", json={"prompt": graph}, timeout=60).json()
    assert not answer["node_errors"], answer
    prompt_id = answer["prompt_id"]
    entry = eventually(lambda: httpx.get(f"{url}/history/{prompt_id}", timeout=60).json(), "the server has run it", seconds=120)[prompt_id]
    files = [item for output in entry["outputs"].values() for item in output["images"] if item["type"] == "output"]
    return [httpx.get(f"{url}/view", params=item, timeout=60).content for item in files]


def with_seed(name: str) -> dict[str, Any]:
    """Graph of an API file as it is with the seed of the shots, saved where nobody else saves."""
    graph = nodes_in(name)
    for node in graph.values():
        node["inputs"] |= {"seed": SEED} if "seed" in node["inputs"] else {}
        node["inputs"] |= {"filename_prefix": f"imported/{time.time_ns():x}"} if "filename_prefix" in node["inputs"] else {}
    return graph


def pixels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGB"))


def test_an_api_file_a_picture_and_an_editors_file_become_templates_that_draw_what_the_workflows_drew(
    workspace: Workspace, url: str, tmp_path: Path
) -> None:
    (saved,) = run_at(url, with_seed("noise.json"))
    (well,) = run_at(url, with_seed("well.json"))
    picture = workspace.write("workflows/saved.png", saved)
    clip = workspace.write("workflows/moving.json", json.dumps(film()))
    sources = [WORKFLOWS / "noise.json", picture, WORKFLOWS / "well.ui.json", clip]

    done = workspace.koma("template", "import", *map(str, sources), "--json")

    assert done.code == 0, done
    assert [row["template"] for row in done.json["files"]] == [f"templates/{name}" for name in ("noise", "saved", "well-ui", "moving")]
    assert all(row["problems"] == [] for row in done.json["files"])
    assert workspace.koma("template", "check").code == 0

    workspace.once()

    project = next(folder.name for folder in (tmp_path / "outputs").iterdir() if not folder.name.startswith("."))
    drawn = {shot: workspace.output(f"{project}/s01/{shot}/still", ".png").read_bytes() for shot in ("api", "png", "ui")}
    assert np.array_equal(pixels(drawn["api"]), pixels(saved))
    assert np.array_equal(pixels(drawn["png"]), pixels(saved))
    assert np.array_equal(pixels(drawn["ui"]), pixels(well))
    with open_clip(workspace.output(f"{project}/s01/clip/video", ".mp4")) as made:
        assert len(list(made.frames)) == FRAMES
    assert workspace.actions() == {}


def film() -> dict[str, Any]:
    """A workflow that saves frames as a film: its template saves them as pictures."""
    graph = nodes_in("noise.json")
    graph["1"]["inputs"]["batch_size"] = 3
    graph["4"] = {"class_type": "CreateVideo", "inputs": {"images": ["3", 0], "fps": 8.0}}
    graph["5"] = {"class_type": "SaveVideo", "inputs": {"video": ["4", 0], "filename_prefix": "film", "format": "auto", "codec": "auto"}}
    return graph
