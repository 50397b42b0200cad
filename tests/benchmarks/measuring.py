"""What measuring costs: all metrics without weights beside decoding alone, memory of a long clip, and what gates add to a run.

Clips are as gates get them, lossless. `--each` tells what every metric costs alone.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # for `support`

from timing import Run, median, run, say, table  # noqa: E402  # needs the path above

MOST_TIMES = 3.0
MOST_MB = 500.0
MOST_ADDED_PERCENT = 5.0
RENDER_SECONDS = 2.0
SHOTS = 6
TURNS = 2
LONG_FRAMES = 1000
NOISE = 16  # standard deviation of the specimen `noise` at strength 1
RUNS = 3
STYLE = HERE.parents[1] / "docs/sheet.jpg"  # any drawn picture
_ME = [sys.executable, str(Path(__file__).resolve())]


class Size(NamedTuple):
    """Frames, their width and height in px, and the standard deviation of their grain (of 255)."""

    frames: int
    width: int
    height: int
    grain: int = 0

    def __str__(self) -> str:
        return f"{self.frames} frames {self.width} x {self.height}, {'with grain' if self.grain else 'clean'}"


class Cost(NamedTuple):
    """CPU seconds of one go in a process of its own, start-up not counted, and its largest resident memory in MB."""

    seconds: float
    rss: float


SIZES = tuple(Size(*size, grain) for size in ((48, 512, 512), (120, 1024, 576)) for grain in (0, 1))
LONG = SIZES[-1]


def write_clip(folder: Path, size: Size) -> Path:
    """Write a lossless clip, as gates get them, in a process of its own: a drawn figure over a city that moves by, 24 frames a second.

    A clean drawing is easy to decode; what models make has grain, and takes several times as long.
    """
    file = folder / f"{size.frames}x{size.width}x{size.height}-{size.grain}.mkv"
    _child("write", *map(str, size), str(file))
    return file


def _write(frames: str, width: str, height: str, grain: str, file: str) -> None:
    from koma.measures.specimens.clips import write

    shown = ("noise", int(grain) / NOISE) if int(grain) else ("clean", 1.0)
    write(shown[0], Path(file), width=int(width), height=int(height), frames=int(frames), strength=shown[1])


def _decode(file: str) -> float:
    """Decode a clip and do nothing with it; CPU seconds."""
    from koma.pixels.clip import open_clip

    begun = time.process_time()
    with open_clip(Path(file)) as clip:
        for _ in clip.frames:
            pass
    return time.process_time() - begun


def _measure(metric: str, file: str) -> float:
    """Measure a clip by one metric or by `all`, against a palette and a picture of a style; CPU seconds."""
    from koma.core.against import Against, Picture
    from koma.core.media import Media
    from koma.measures.measure import FileMeasure
    from koma.measures.specimens.clips import SUBJECT

    metrics = without_weights() if metric == "all" else [metric]
    against = Against((SUBJECT,), (Picture("style", "style", ".jpg"),))
    measure = FileMeasure(lambda _picture: STYLE)
    begun = time.process_time()
    found = measure.measure(Path(file), Media.FRAMES, metrics, against)
    spent = time.process_time() - begun
    lacking = [f"{one.metric}: {one.why}" for one in found if one.value is None]
    assert not lacking, lacking
    return spent


def without_weights() -> list[str]:
    """Every metric that needs no model file."""
    from koma.measures.registry import METERS

    return list(METERS)


ACTS: Mapping[str, Callable[..., float | None]] = {"write": _write, "decode": _decode, "measure": _measure}


def _child(*words: str) -> Run:
    """Do one thing in a new process: this one stays small, because a child's memory is never less than its parent's."""
    ended = run([*_ME, "--act", *words])
    assert ended.code == 0, ended
    return ended


def cost(*words: str) -> Cost:
    """Do it in a new process, and say what it cost."""
    ended = _child(*words)
    return Cost(json.loads(ended.out), ended.rss)


def ratios(folder: Path, runs: int) -> list[tuple[Size, float, float]]:
    """Median CPU seconds of decoding alone and of everything, by turns so that a busy machine slows both."""
    found = []
    for size in SIZES:
        file = write_clip(folder, size)
        pairs = [(cost("decode", str(file)).seconds, cost("measure", "all", str(file)).seconds) for _ in range(runs)]
        found.append((size, median([pair[0] for pair in pairs]), median([pair[1] for pair in pairs])))
    return found


def report_ratios(folder: Path, runs: int) -> None:
    """Measure and print the whole battery beside decoding."""
    rows = [
        (str(size), f"{alone:.2f} s", f"{whole:.2f} s", f"{whole / alone:.1f}", f"{MOST_TIMES:g}", met(whole <= MOST_TIMES * alone))
        for size, alone, whole in ratios(folder, runs)
    ]
    table(("clip", "decoding alone", "all metrics", "x", "target", ""), rows)


def report_each(folder: Path) -> None:
    """Measure and print what every metric costs alone, decoding taken off, dearest first."""
    metrics = without_weights()
    for size in SIZES:
        file = write_clip(folder, size)
        alone = min(cost("decode", str(file)).seconds for _ in range(RUNS))
        costs = {metric: min(cost("measure", metric, str(file)).seconds for _ in range(RUNS)) - alone for metric in metrics}
        say(f"{size}: decoding alone {alone:.2f} s")
        rows = [(metric, f"{s:.2f} s", f"{s / alone:.2f}") for metric, s in sorted(costs.items(), key=lambda item: -item[1])]
        table(("metric alone, its views included", "CPU", "x decoding"), rows)
        say()


def report_memory(folder: Path) -> None:
    """Measure and print how large a process grows that measures a clip of many frames."""
    rows = []
    for frames in (LONG.frames, LONG_FRAMES):
        size = LONG._replace(frames=frames)
        file = write_clip(folder, size)
        rss = cost("measure", "all", str(file)).rss
        rows.append((str(size), f"{rss:.0f} MB", f"{MOST_MB:g} MB", met(rss < MOST_MB)))
        file.unlink()
    table(("clip", "peak memory", "target", ""), rows)


async def wall_seconds(folder: Path, gates: str, shots: int) -> float:
    """Let `koma run --once` make that many stills with their videos, and give the seconds that it took."""
    from idle import daemon
    from studio import PROJECT, WatchedComfyUI, shot, write_workspace

    async with WatchedComfyUI(RENDER_SECONDS) as server:
        write_workspace(folder, server.url, "".join(shot(number, "still, video") for number in range(shots)))
        with (folder / f"projects/{PROJECT}/project.yaml").open("a", encoding="utf-8") as file:
            file.write(f"gates: {gates}\n")
        begun = time.perf_counter()
        async with daemon(folder, "--once") as process:
            code = await process.wait()
        wall = time.perf_counter() - begun
        assert code == 0, f"koma run --once ended with {code}: {(folder / 'log').read_text()[-2000:]}"
        assert len(server.spans) == 2 * shots, f"{len(server.spans)} prompts for {shots} stills and videos"
    return wall


def all_shown() -> str:
    """Gates with every metric of the profile `basic` measured, and none decisive: the fake server's pictures are noise."""
    from koma.core.profiles import Asked, profile_rules
    from koma.core.words import BackendKind, Phase

    rules = profile_rules("basic", Asked(Phase.VIDEO, BackendKind.COMFYUI, {"motion": True}))
    shown = ", ".join(f"{metric}: {{required: false}}" for metric in dict.fromkeys(rule.metric for rule in rules if rule.basis))
    return f"{{profile: basic, rules: {{all: {{{shown}}}}}}}"


def report_overlap(folder: Path, shots: int) -> None:
    """Measure and print what gates add to the time of a run whose renders take longer than their gates."""
    ways = {"without": "{profile: own}", "with": all_shown()}
    turns = [[asyncio.run(wall_seconds(folder / f"{name}{turn}", ways[name], shots)) for name in ways] for turn in range(TURNS)]
    without, gated = map(min, zip(*turns, strict=True))
    added = (gated / without - 1) * 100
    say(f"{shots} stills and {shots} videos with one `koma run --once`; a render takes {RENDER_SECONDS:g} s and the time to draw it")
    row = (f"{without:.1f} s", f"{gated:.1f} s", f"{added:.1f} %", f"{MOST_ADDED_PERCENT:g} %", met(added < MOST_ADDED_PERCENT))
    table(("file contract alone", "all metrics", "added", "target", ""), [row])


def met(holds: bool) -> str:
    """Say whether a target is met."""
    return "met" if holds else "MISSED"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--shots", type=int, default=SHOTS)
    parser.add_argument("--each", action="store_true", help="what every metric costs alone, and nothing else")
    parser.add_argument("--act", nargs="+", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.act:
        say(json.dumps(ACTS[wanted.act[0]](*wanted.act[1:])))
        return
    with tempfile.TemporaryDirectory(prefix="koma-bench-") as name:
        folder = Path(name)
        if wanted.each:
            report_each(folder)
            return
        report_ratios(folder, wanted.runs)
        say()
        report_memory(folder)
        say()
        report_overlap(folder, wanted.shots)


if __name__ == "__main__":
    main()
