"""Workspaces on disk for stories: one project with two characters and three shots, and the `koma` command to run in them.

`demo/s01/sh010` shows Aki as a child (still and video), `sh020` Aki as an adult, `sh030` Ren (stills). Four targets in all.
"""

import gc
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from PIL import Image

from koma.__main__ import main

TEMPLATES = Path(__file__).parent / "templates"
FURTHER_TEMPLATES = Path(__file__).parent / "further_templates"  # those that few stories need
SECONDS = 60.0
STILL, VIDEO, ADULT, REN = "demo/s01/sh010/still", "demo/s01/sh010/video", "demo/s01/sh020/still", "demo/s01/sh030/still"
ALL = (STILL, VIDEO, ADULT, REN)

PROJECT = """\
kind: project
id: demo
title: Demo
width: 64
height: 64
fps: 8
templates: {still: noise, video: noisevid}
"""
AKI_DOC = """\
kind: character
id: aki
name: Aki
base_prompt: a girl
palette: {hair: "#2d55c8", eyes: "#ffbe3c"}
versions:
  child: {age: 8, palette: {hair: "#6e4628"}}
  adult: {age: 30}
"""
REN_DOC = """\
kind: character
id: ren
name: Ren
base_prompt: a boy
palette: {hair: "#141418"}
"""
SCENE = """\
kind: scene
id: s01
title: One
time: night
shots:
  - id: sh010
    framing: wide
    action: walks into the light
    characters: [{id: aki, version: child}]
    frames: 4
    seed: 7
    dialogue: [{id: l1, who: aki, text: hi}]
  - id: sh020
    framing: close-up
    characters: [{id: aki, version: adult}]
    phases: [still]
  - id: sh030
    characters: [ren]
    phases: [still]
"""
DOCUMENTS = {"project.yaml": PROJECT, "aki.yaml": AKI_DOC, "ren.yaml": REN_DOC, "s01.yaml": SCENE}


@dataclass(frozen=True)
class Done:
    """What one command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Workspace:
    """One workspace on disk. Paths are relative to its root; documents lie in `projects/demo/`."""

    def __init__(self, root: Path, config: str) -> None:
        self.root = root
        self.write("koma.yaml", config)

    # -- what a person writes ---------------------------------------------------------------------------------------------

    def write(self, path: str, text: str | bytes) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return file

    def read(self, path: str) -> str:
        return (self.root / path).read_text()

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a text that stands exactly once in a file."""
        text = self.read(path)
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
        self.write(path, text.replace(old, new))

    def append(self, path: str, text: str) -> None:
        self.write(path, self.read(path) + text)

    def add_template(self, *names: str) -> None:
        """Copy templates that the stories' workspace does not have: `cast`, `posed`, `sheeted`, `noiseloop`, `reel`."""
        for name in names:
            shutil.copytree(FURTHER_TEMPLATES / name, self.root / "templates" / name)

    # -- what they run ----------------------------------------------------------------------------------------------------

    def koma(self, *args: str) -> Done:
        """Run one command in this process."""
        out, err = io.StringIO(), io.StringIO()
        try:
            with redirect_stdout(out), redirect_stderr(err):
                code = main(["--workspace", str(self.root), *args])
        finally:
            gc.enable()  # `koma plan` turns it off for its own short life
        return Done(code, out.getvalue(), err.getvalue())

    def once(self, *args: str, code: int | None = 0) -> Done:
        """`koma run --once`, which must end with this exit status."""
        done = self.koma("run", "--once", *args)
        assert code in (None, done.code), done
        return done

    def plan(self, *args: str) -> Any:
        """`koma plan --json`."""
        return self.koma("plan", "--json", *args).json

    def actions(self, *args: str) -> dict[str, tuple[str, str]]:
        """What the plan does: target id → (action, reason); what is kept is left out."""
        return {action["target"]: (action["action"], action["reason"]) for action in self.plan(*args)["actions"]}

    def start(self, *args: str, env: Mapping[str, str] | None = None) -> "Process":
        """Run one command in a process of its own."""
        return Process([sys.executable, "-m", "koma", "--workspace", str(self.root), *args], self.root, env or {})

    # -- what they find ---------------------------------------------------------------------------------------------------

    def output(self, target: str, suffix: str = "") -> Path:
        """A published file: `output("demo/s01/sh010/still", ".png")`."""
        return self.root / "outputs" / f"{target}{suffix}"

    def receipt(self, target: str) -> Any:
        return json.loads(self.output(target, ".receipt.json").read_text())

    def verdict(self, target: str) -> str:
        """Verdict of what is published."""
        return str(json.loads(self.output(target, ".gate.json").read_text())["verdict"])

    def events(self, name: str = "") -> list[Any]:
        """Events so far, oldest first."""
        file = self.root / "outputs/.koma/logs/events.jsonl"
        found = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        return [event for event in found if name in ("", event["event"])]

    def submitted(self) -> list[str]:
        """Ids of targets in the order in which they went to a backend, each attempt."""
        return [str(event["target"]) for event in self.events("job_submitted")]

    def pictures(self) -> dict[str, bytes]:
        """Every published file that people look at, by path in outputs/."""
        outputs = self.root / "outputs"
        files = (file for suffix in ("png", "mp4") for file in outputs.glob(f"[!.]*/*/*/*.{suffix}"))
        return {file.relative_to(outputs).as_posix(): file.read_bytes() for file in files}

    def lose_state(self) -> None:
        """Delete the state store and everything else that may be deleted."""
        private = self.root / "outputs/.koma"
        for file in [*private.glob("state.db*"), *private.glob("cache.db*")]:
            file.unlink()


def picture(seed: int, side: int = 512, kind: str = "PNG") -> bytes:
    """A square picture of coloured fields, other ones for each seed, large enough for a reference; `kind` is PNG or WEBP."""
    fields = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(fields).resize((side, side), Image.Resampling.NEAREST).save(out, kind, lossless=True)
    return out.getvalue()


class Process:
    """A command that runs beside the test. `with` makes sure that nothing outlives it."""

    def __init__(self, command: Sequence[str], folder: Path, env: Mapping[str, str]) -> None:
        self._log = (folder / f"process-{time.time_ns()}.log").open("w+")
        clean = {name: value for name, value in os.environ.items() if not name.startswith("KOMA_")}
        self.popen = subprocess.Popen(command, cwd=folder, stdout=self._log, stderr=subprocess.STDOUT, env={**clean, **env})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait()
        self._log.close()

    @property
    def said(self) -> str:
        """Everything on its standard output and error so far."""
        self._log.flush()
        return Path(self._log.name).read_text()

    def kill(self) -> None:
        """SIGKILL: no warning, no time to tidy up."""
        self.popen.send_signal(signal.SIGKILL)
        self.popen.wait(SECONDS)

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(SECONDS)

    def ended(self) -> int:
        """Wait for its end; the exit status."""
        return self.popen.wait(SECONDS)


def eventually(holds: Callable[[], Any], what: str, seconds: float = SECONDS, process: Process | None = None) -> Any:
    """Ask again and again until it is so, and give the answer; fails with `what` when it has not become so in time."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        said = process.said if process else ""
        assert process is None or process.popen.poll() is None, f"it ended before {what}: {said}"
        assert time.monotonic() < deadline, f"not so in {seconds:.0f} s: {what}\n{said}"
        time.sleep(0.02)
    return found


def comfyui_config(url: str, more: str = "") -> str:
    """Settings for a ComfyUI server, without HTTP and hardly any waiting."""
    return f"""\
rendition: final
backends: [{{name: studio, kind: comfyui, url: "{url}"}}]
source: {{debounce_seconds: 0.05, references_settle: 0}}
http: {{enabled: false}}
{more}"""


ANIMATIC_CONFIG = """\
rendition: animatic
source: {debounce_seconds: 0.05, references_settle: 0}
http: {enabled: false}
"""


def story(root: Path, config: str) -> Workspace:
    """The workspace of the stories."""
    workspace = Workspace(root, config)
    for name, text in DOCUMENTS.items():
        workspace.write(f"projects/demo/{name}", text)
    shutil.copytree(TEMPLATES, root / "templates")
    return workspace
