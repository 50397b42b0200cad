"""How long the backend stands idle between ready jobs, from a still to its video, and from saving a file to the job submitted.

A fake ComfyUI server in this process notes every prompt's times; the real daemon runs in a process of its own.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # for `support`

from studio import PROJECT, Span, WatchedComfyUI, shot, shot_id, write_scene, write_workspace  # noqa: E402  # needs the path above
from timing import ENVIRONMENT, median, p95, say, table  # noqa: E402

KOMA = str(Path(sys.executable).parent / "koma")
RENDER_SECONDS = 0.15
PATIENCE_SECONDS = 120.0
SETTLING_SECONDS = 0.5  # for the pass that follows a publish


async def stills(folder: Path, count: int) -> list[float]:
    """Let `koma run --once` render that many stills, all ready from the start; idle seconds of the server between each two."""
    async with WatchedComfyUI(RENDER_SECONDS) as server:
        write_workspace(folder, server.url, "".join(shot(number, "still") for number in range(count)))
        async with daemon(folder, "--once") as process:
            code = await asyncio.wait_for(process.wait(), PATIENCE_SECONDS)
        assert code == 0, f"koma run --once ended with {code}: {(folder / 'log').read_text()[-2000:]}"
        assert len(server.spans) == count, f"{len(server.spans)} prompts for {count} stills"
        return [after.began - before.ended for before, after in zip(server.spans, server.spans[1:], strict=False)]


async def saves(folder: Path, count: int) -> tuple[list[float], list[float]]:
    """Add shots to a scene one by one while the daemon runs: seconds from each save to the prompt, and from its still to its video."""
    submitted, followed = [], []
    async with WatchedComfyUI(RENDER_SECONDS) as server:
        shots = shot(0, "still, video")
        write_workspace(folder, server.url, shots)
        async with daemon(folder):
            await _published(folder, 0)
            for number in range(1, count + 1):
                shots += shot(number, "still, video")
                await asyncio.sleep(SETTLING_SECONDS)
                saved, posted = time.perf_counter(), len(server.posted)
                write_scene(folder, shots)
                await _published(folder, number)
                submitted.append(server.posted[posted] - saved)
                followed.append(_follows(server.spans[-2:]))
    return submitted, followed


def _follows(spans: Sequence[Span]) -> float:
    still, video = spans
    assert (still.video, video.video) == (False, True), spans
    return video.began - still.ended


async def _published(workspace: Path, number: int) -> None:
    """Wait until a shot's video lies in the outputs folder, so that nothing is left to do."""
    file = workspace / f"outputs/{PROJECT}/s01/{shot_id(number)}/video.mp4"
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not file.exists():
            await asyncio.sleep(0.02)


@asynccontextmanager
async def daemon(workspace: Path, *options: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `koma run` until the block ends. Its log goes to the file `log` in the workspace."""
    with (workspace / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            KOMA, "--workspace", str(workspace), "run", *options, stdout=log, stderr=log, env=ENVIRONMENT
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()


def report(shots: int, edits: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="koma-bench-") as folder:
        idle = asyncio.run(stills(Path(folder, "stills"), shots))
        submitted, followed = asyncio.run(saves(Path(folder, "saves"), edits))
    say(f"Fake server, {RENDER_SECONDS:g} s a render and the time it draws; {shots} stills, then {edits} shots saved one by one")
    rows = [
        row("server idle between two ready jobs", idle, "10 ms", median(idle) < 0.010),
        row("from a still's end to its video's start", followed, "", None),
        row("from saving a file to the job submitted", submitted, "700 ms", median(submitted) < 0.7),
    ]
    table(("what", "median", "p95", "target for the median", ""), rows)


def row(name: str, values: Sequence[float], target: str, met: bool | None) -> tuple[str, ...]:
    """One line of the table, in milliseconds."""
    verdict = "" if met is None else "met" if met else "MISSED"
    return name, f"{median(values) * 1000:.1f} ms", f"{p95(values) * 1000:.1f} ms", target, verdict


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shots", type=int, default=40)
    parser.add_argument("--edits", type=int, default=12)
    wanted = parser.parse_args()
    report(wanted.shots, wanted.edits)


if __name__ == "__main__":
    main()
