"""A workspace in profile `standard`: models of a few kilobytes, pictures that they tell apart, and a look at what was measured."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from koma.core.models import KNOWN
from koma.measures.learned import clip
from koma.measures.measure import FileMeasure
from support import tiny_torch
from support.fake_comfyui_graphs import pixels, png
from support.served import ServedComfyUI
from support.tiny_onnx import ccip_features, ccip_metric, detector, recogniser
from support.workspaces import Workspace

PROJECT_FILE, SCENE_FILE, STYLE_FILE = "projects/demo/project.yaml", "projects/demo/s01.yaml", "projects/demo/style.yaml"
DRAWN = ("ccip-features", "ccip-metric", "clip-vit-l-14", "aesthetic-head", "lpips-trunk")  # what standard needs of drawn pictures
FACES = ("face-detector", "face-recogniser")
Graph = Mapping[str, Any]


class Files:
    """Model files, made once: `of(name)`, and `other(name)`, which gives other digests in the same role."""

    def __init__(self, folder: Path) -> None:
        self.architecture = tiny_torch.register(folder, "koma-story-quickgelu")
        text, self._folder = tiny_torch.file_of, folder
        self._first = {
            "face-detector": detector(),
            "face-recogniser": recogniser(),
            "ccip-features": ccip_features(),
            "ccip-metric": ccip_metric(),
            "clip-vit-l-14": text(tiny_torch.clip(self.architecture)),
            "aesthetic-head": text(pleased(7.0)),
            "lpips-trunk": text(tiny_torch.alexnet()),
        }
        self._second = {
            "clip-vit-l-14": text(tiny_torch.clip(self.architecture, seed=11)),
            "aesthetic-head": text(pleased(8.0)),
            "lpips-trunk": text(tiny_torch.alexnet(seed=13)),
        }

    def of(self, name: str, content: bytes | None = None) -> Path:
        """A file for this role."""
        file = self._folder / KNOWN[name].file
        file.write_bytes(self._first[name] if content is None else content)
        return file

    def other(self, name: str) -> Path:
        """Another file for this role; an ONNX model is the same one with a word more in it."""
        return self.of(name, self._second.get(name) or worded(self._first[name]))


def worded(model: bytes) -> bytes:
    """The same ONNX model in other bytes."""
    import onnx

    loaded = onnx.load_from_string(model)
    loaded.doc_string = "another file"
    text: bytes = loaded.SerializeToString()
    return text


def pleased(value: float) -> dict[str, Any]:
    """A head that likes every picture about that much."""
    weights = tiny_torch.head()
    return {"weight": weights["weight"] * 0.01, "bias": weights["bias"] * 0 + value}


def add(workspace: Workspace, files: Files, *names: str) -> None:
    """Add models on the command line, one after the other."""
    for name in names:
        done = workspace.koma("models", "add", name, str(files.of(name)))
        assert done.code == 0, done


def standard(workspace: Workspace, more: str = "") -> None:
    """Judge by profile `standard`, with a picture of each character that looks like what the server draws."""
    for who in ("aki", "ren"):
        workspace.write(f"projects/demo/references/{who}/face.png", reference())
    workspace.append(PROJECT_FILE, f"gates: {{profile: standard{more}}}\n")


def reference() -> bytes:
    """What the fake server draws, large enough for a reference."""
    return enlarged(pixels({})[0])


def enlarged(picture: np.ndarray, side: int = 512) -> bytes:
    """PNG of a picture, scaled to a square without smoothing."""
    return png(np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.NEAREST)), {})


def draws(server: ServedComfyUI, with_: Callable[[Graph], np.ndarray | None]) -> None:
    """Let pictures come out as `with_` says, where it says anything."""
    draw = server.fake.render

    def render(graph: Graph) -> list[np.ndarray]:
        frames, other = draw(graph), with_(graph)
        return frames if other is None else [other for _ in frames]

    server.fake.render = render


# -- what was measured -----------------------------------------------------------------------------------------------------


def gate(workspace: Workspace, target: str) -> Any:
    """The published gate result."""
    return json.loads(workspace.output(target, ".gate.json").read_text())


def records(workspace: Workspace, target: str) -> dict[str, str]:
    """Every score record of what is published, by metric and character, as its bytes."""
    found = gate(workspace, target)["measurements"]
    return {f"{one['metric']} {one['subject']}".rstrip(): json.dumps(one, sort_keys=True) for one in found}


def checks(workspace: Workspace, target: str, metric: str) -> dict[str, Any]:
    """Checks of one metric, by character."""
    return {one["subject"]: one for one in gate(workspace, target)["checks"] if one["metric"] == metric}


class Log:
    """What was asked to be measured since the log was read last: the metrics of each file."""

    def __init__(self, patch: Any) -> None:
        self._asked: list[Sequence[str]] = []
        measure = FileMeasure.measure

        def noted(itself: FileMeasure, file: Path, media: Any, metrics: Sequence[str], *more: Any) -> Any:
            self._asked.append(tuple(metrics))
            return measure(itself, file, media, metrics, *more)

        patch.setattr(FileMeasure, "measure", noted)

    def read(self) -> list[Sequence[str]]:
        asked, self._asked = self._asked, []
        return asked


def speak_of(files: Files, patch: Any) -> None:
    """Name the tiny architecture wherever the real one is meant."""
    patch.setattr(clip, "ARCHITECTURE", files.architecture)
