"""What Koma adds to a real server's own render time: 100 jobs of about 2 s each, measuring and publishing included.

Needs a ComfyUI server at KOMA_COMFYUI_URL that has nothing else to do; no model is needed, the graphs make noise and blur it.
"""

import argparse
import json
import os
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # for `support`

from studio import shot, write_workspace  # noqa: E402  # needs the path above
from timing import run, say  # noqa: E402

KOMA = str(Path(sys.executable).parent / "koma")
TARGET_PERCENT = 2.0
JOB_SECONDS = 2.0
TRIAL_BLURS = 4
ALONE = 25  # prompts for measuring the server without Koma
TEMPLATE = """\
kind: template
name: still
title: Noise, blurred many times
description: Takes a known time on any machine and needs no model.
phase: still
family: none
parameters:
  seed: {type: int, min: 0, max: 18446744073709551615, description: Start of the noise.}
  width: {type: int, min: 64, max: 2048, unit: px, description: Width.}
  height: {type: int, min: 64, max: 2048, unit: px, description: Height.}
  blurs: {type: int, min: 1, max: 500, default: BLURS, description: How often it is blurred.}
outputs: {media: image, description: One PNG.}
vram_gb: 0
estimate_seconds: 2
"""
GRAPH = """\
{
  "canvas": {"class_type": "EmptyImage", "inputs": {"width": {{ width }}, "height": {{ height }}, "batch_size": 1, "color": 8421504}},
  "blur0": {"class_type": "ImageAddNoise", "inputs": {"image": ["canvas", 0], "seed": {{ seed }}, "strength": 0.5}},
{% for number in range(blurs) %}
  {{ "blur" + ((number + 1) | string) }}: {
    "class_type": "ImageBlur", "inputs": {"image": [{{ "blur" + (number | string) }}, 0], "blur_radius": 31, "sigma": 0.5}
  },
{% endfor %}
  "grain": {"class_type": "ImageAddNoise", "inputs": {"image": [{{ "blur" + (blurs | string) }}, 0], "seed": {{ seed }}, "strength": 0.5}},
  "save": {"class_type": "SaveImage", "inputs": {"images": ["grain", 0], "filename_prefix": {{ output_prefix }}}}
}
"""


def ask(url: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    """GET, or POST with a body; the JSON that comes back."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, {"Content-Type": "application/json"})  # noqa: S310  # the address is the user's own
    with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310  # likewise
        return json.load(reply)


def execution_seconds(entry: Mapping[str, Any]) -> float:
    """Return how long the server says that it worked on one prompt of its history."""
    times = _times(entry)
    return (times["execution_success"] - times["execution_start"]) / 1000


def _times(entry: Mapping[str, Any]) -> dict[str, float]:
    return {kind: float(data["timestamp"]) for kind, data in entry["status"]["messages"] if "timestamp" in data}


def queue(url: str, blurs: int, count: int) -> list[Mapping[str, Any]]:
    """Queue that many prompts at once by hand, and give their history entries once all have run."""
    from koma.templating.jinja import JinjaRenderer

    seed = time.time_ns() % 2**32
    shared = {"width": 512, "height": 320, "blurs": blurs, "output_prefix": "koma/bench"}
    identities = [str(uuid.uuid4()) for _ in range(count)]
    for number, identity in enumerate(identities):
        (text,) = JinjaRenderer().render("trial", GRAPH, [{**shared, "seed": seed + number}])
        ask(url, "/prompt", {"prompt": json.loads(str(text)), "prompt_id": identity})
    return [_entry(url, identity) for identity in identities]


def _entry(url: str, identity: str) -> Mapping[str, Any]:
    while not (found := ask(url, f"/history/{identity}")):
        time.sleep(0.1)
    return dict(found[identity])


def blurs_for(url: str, seconds: float) -> int:
    """Find out how many blurs take about that long here."""
    queue(url, 1, 1)  # the first prompt of a server loads what it needs
    return max(1, round(TRIAL_BLURS * seconds / execution_seconds(queue(url, TRIAL_BLURS, 1)[0])))


def own_pace(url: str, blurs: int) -> float:
    """Return how much longer than its execution times the server alone takes for prompts that all wait in its queue.

    Between prompts it keeps house (every ten seconds it collects garbage, with nothing running), which is nobody's overhead but its own.
    """
    entries = queue(url, blurs, ALONE)
    times = [_times(entry) for entry in entries]
    return (times[-1]["execution_success"] - times[0]["execution_start"]) / 1000 / sum(map(execution_seconds, entries))


def write_template(folder: Path, blurs: int) -> None:
    """Put a still template there that needs no model."""
    (folder / "template.yaml").write_text(TEMPLATE.replace("BLURS", str(blurs)), encoding="utf-8")
    (folder / "graph.json.j2").write_text(GRAPH, encoding="utf-8")


def measure(url: str, jobs: int, folder: Path) -> None:
    """Render that many stills with one `koma run --once`, and print wall time against the server's own."""
    write_workspace(folder, url, "".join(shot(number + time.time_ns() % 10**6, "still") for number in range(jobs)))
    blurs = blurs_for(url, JOB_SECONDS)
    write_template(folder / "templates/still", blurs)
    pace = own_pace(url, blurs)
    before = set(ask(url, "/history"))
    begun = time.perf_counter()
    ended = run([KOMA, "--workspace", str(folder), "run", "--once"], errors=True)
    wall = time.perf_counter() - begun
    assert ended.code == 0, ended.out[-2000:].decode()
    own = [execution_seconds(entry) for name, entry in ask(url, "/history").items() if name not in before]
    assert len(own) == jobs, f"{len(own)} prompts for {jobs} jobs"
    report(jobs, sum(own), pace, wall)


def report(jobs: int, rendering: float, pace: float, wall: float) -> None:
    """Print what was measured; `pace` is that of the server alone."""
    percent = (wall / rendering - 1) * 100
    say(f"{jobs} jobs of {rendering / jobs:.2f} s: the server rendered for {rendering:.1f} s, `koma run --once` took {wall:.1f} s")
    say(f"overhead over rendering {percent:.1f} % (target under {TARGET_PERCENT:g} %): {'met' if percent < TARGET_PERCENT else 'MISSED'}")
    say(f"of that, what the server alone takes between {ALONE} prompts in its own queue: {(pace - 1) * 100:.1f} %")


def main() -> None:
    """Measure and print, or say what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=100)
    wanted = parser.parse_args()
    url = os.environ.get("KOMA_COMFYUI_URL", "").rstrip("/")
    if not url:
        say("Overhead on a real server: not measured: set KOMA_COMFYUI_URL")
        return
    with tempfile.TemporaryDirectory(prefix="koma-bench-") as folder:
        measure(url, wanted.jobs, Path(folder))


if __name__ == "__main__":
    main()
