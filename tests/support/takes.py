"""Jobs and takes for tests, with real files behind them where asked for."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from koma.core.against import NOTHING
from koma.core.gate import Measurement, Op, Rule, judge
from koma.core.job import Job, JobState, Work
from koma.core.keys import text_digest
from koma.core.media import Artifact, InputFile, Media
from koma.core.profiles import Asked, contract
from koma.core.receipt import finished_take
from koma.core.request import Failure, FailureClass, RenderRequest
from koma.core.rules import measures_for, rules_digest
from koma.core.scores import measure_key, score_keys
from koma.core.take import Take
from koma.core.words import ActionKind, BackendKind, Phase
from koma.publish.media import MediaBuilder
from koma.publish.objects import FileObjects
from support.pictures import drawing, request, save, save_frames

STEM = "lantern-street/s01/sh010/still.animatic"
FINISHED = 1_800_000_000.5
RULES = (
    *contract(Asked(Phase.STILL, BackendKind.COMFYUI, {"width": 48, "height": 32})),
    Rule("sharpness", Op.AT_LEAST, 15),
    Rule("blank", Op.AT_LEAST, -1, required=False),
)
KEYS = score_keys(measures_for(RULES), NOTHING)


def measured(sharpness: float = 90.0) -> tuple[Measurement, ...]:
    """What a good still measures, but for its sharpness."""
    values = {"decodes": 1.0, "width": 48.0, "height": 32.0, "frame-count": 1.0, "blank": 0.0, "black": 0.0, "sharpness": sharpness}
    found = tuple(Measurement(metric, "1", "", value, details={"per_frame": [value]}) for metric, value in values.items())
    return (*found, Measurement("frozen", "1", "ratio", None, "one frame alone has no motion to measure"))


def still_job(artifacts: tuple[Artifact, ...] = (), number: int = 1, **changes: Any) -> Job:
    """A still of the demo that was rendered, measured and judged."""
    graph = {"1": {"class_type": "EmptyImage", "inputs": {"width": 48, "height": 32, "seed": 2**63 + number}}}
    inputs = (InputFile("koma-input:image", "c" * 64, "f" * 64, ".png"),)
    asked = RenderRequest(f"prompt-{number}", "koma/sh010", BackendKind.COMFYUI, graph, inputs, Media.IMAGE, "sh010 still", 0.0, 1)
    render_key = text_digest("still", "sh010")
    work = Work(
        target="lantern-street/s01/sh010/still",
        rendition="draft",
        phase="still",
        render_key=render_key,
        take_key=text_digest(render_key, str(number)),
        number=number,
        seed=2**63 + number,
        backend=BackendKind.COMFYUI,
        template="still",
        stem=STEM,
        request=asked,
        measures=measures_for(RULES),
        measure_key=measure_key(KEYS),
        score_keys=KEYS,
        rules=RULES,
        rules_digest=rules_digest(RULES),
        expect={"width": 48, "height": 32, "frames": 1},
        facts={"shot.seed": 2024, "aki.palette.hair": "#112233", "shot.frames": 120},
        origin={"commit": "abc123", "template_digest": "d" * 64, "models": {"base.safetensors": None}, "versions": {"koma": "0.1.0"}},
    )
    gate = judge(measured(), RULES)
    job = Job("job-1", ActionKind.RENDER, JobState.PUBLISHING, work, 1.0, 1, asked.prompt_id, 2.0, 3.0)
    return replace(job, artifacts=artifacts, measurements=measured(), gate=gate, render_seconds=1.5, **changes)


def failed_job(number: int = 1) -> Job:
    """A still that ended in an error: no artifacts, no measurements."""
    failure = Failure(FailureClass.OUT_OF_MEMORY, "the GPU ran out of memory", "torch.OutOfMemoryError: Allocation on device")
    return replace(still_job((), number), measurements=(), gate=None, failure=failure, state=JobState.JUDGING)


class Workshop:
    """An outputs folder and an object store in a temporary folder, and takes with real files in them."""

    def __init__(self, root: Path) -> None:
        self.root, self.outputs = root, root / "outputs"
        self.objects = FileObjects(self.outputs / ".koma" / "objects")
        self.media = MediaBuilder(self.objects)
        self.outputs.mkdir(parents=True)

    def still(self, number: int = 1, suffix: str = ".png", sharpness: float = 90.0) -> Take:
        """A take with one picture; each number has other pixels."""
        artifacts = self.media.build([save(drawing(shift=number), self.root / f"in{number}{suffix}")], request())
        job = still_job(artifacts, number)
        found = measured(sharpness)
        return finished_take(replace(job, measurements=found, gate=judge(found, RULES)), FINISHED, {"comfyui": "0.3.1"})

    def clip(self, number: int = 1) -> Take:
        """A take with six frames."""
        files = save_frames(self.root / f"clip{number}", [drawing(shift=shift + number) for shift in range(6)])
        return finished_take(still_job(self.media.build(files, request(Media.FRAMES, 12.0)), number), FINISHED)

    def error(self, number: int = 1) -> Take:
        """A take that was never rendered."""
        return finished_take(failed_job(number), FINISHED)


def tree(folder: Path) -> Mapping[str, bytes]:
    """Every file below a folder, Koma's own apart: path → bytes."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(p.relative_to(folder)): p.read_bytes() for p in files if not str(p.relative_to(folder)).startswith(".koma")}
