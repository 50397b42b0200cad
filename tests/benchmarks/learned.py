"""How fast learned metrics are on a graphics card, in frames per second. Says so where there is none.

CLIP and LPIPS have random weights of the real size, which take as long as trained ones. The others want real models: KOMA_MODELS names a
folder with a models.json, as `koma models add` makes it.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # for `support`

from timing import say, table  # noqa: E402  # needs the path above

FRAMES, SIDE = 48, 512
RUNS = 3
NEEDS = "make quality-gpu"


def card() -> str:
    """Name the graphics card that torch can use, "" for none."""
    try:
        import torch
    except ImportError:
        return ""
    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else ""


def random_models(folder: Path) -> Path:
    """Fill a models folder with random weights for CLIP, the aesthetic head and LPIPS."""
    from koma.core.models import KNOWN
    from koma.measures.learned.clip import ARCHITECTURE
    from support import tiny_torch

    weights = {"clip-vit-l-14": tiny_torch.clip(ARCHITECTURE), "aesthetic-head": tiny_torch.head(768), "lpips-trunk": tiny_torch.alexnet()}
    lock = {}
    for name, tensors in weights.items():
        data = tiny_torch.file_of(tensors)
        (folder / KNOWN[name].file).write_bytes(data)
        known = {"file": KNOWN[name].file, "sha256": sha256(data).hexdigest(), "bytes": len(data)}
        lock[name] = {**known, "licence": "none", "commercial": True, "added": "2026-01-01"}
    (folder / "models.json").write_text(json.dumps({"format_version": 1, "models": lock}), encoding="utf-8")
    return folder


def frames_a_second(metric: str, models: Path, clip: Path, device: str) -> tuple[str, str] | str:
    """Measure one metric on all frames of a clip that it looks at; frames a second and what ran it, or why there is none."""
    from koma.core.against import Against, Picture, Subject
    from koma.core.media import Media
    from koma.measures.learned.store import Models
    from koma.measures.measure import FileMeasure

    style = HERE.parents[1] / "docs/sheet.jpg"
    against = Against((Subject("somebody", references=(Picture("style", "style", ".jpg"),)),))
    measure = FileMeasure(lambda _picture: style, Models(models), lambda: device)
    spent, seen = float("inf"), 0
    for _ in range(RUNS):
        begun = time.perf_counter()
        (_, found) = measure.measure(clip, Media.FRAMES, ["decodes", metric], against)
        spent = min(spent, time.perf_counter() - begun)
        if found.value is None:
            return found.why
        seen = len(found.details.get("per_frame") or ())
    return f"{seen / spent:.1f}", str(found.record.get("provider", ""))


def report(folder: Path, device: str) -> None:
    """Measure and print."""
    from koma.measures.learned.registry import LEARNED
    from koma.measures.specimens.clips import write
    from support.torchvision_shim import let_torchvision_in

    let_torchvision_in()  # changes nothing where torch was built for a card
    named = os.environ.get("KOMA_MODELS")
    models = Path(named) if named else random_models(folder)
    clip = write("clean", folder / "clip.mkv", width=SIDE, height=SIDE, frames=FRAMES)
    found = {metric: frames_a_second(metric, models, clip, device) for metric in LEARNED}
    say(f"{FRAMES} frames {SIDE} x {SIDE}, decoding included; models {'of ' + named if named else 'with random weights'}")
    table(("metric", "frames a second", "by"), [(metric, *speed) for metric, speed in found.items() if not isinstance(speed, str)])
    for metric, why in found.items():
        if isinstance(why, str):
            say(f"not measured: {metric}: {why}")


def main() -> None:
    """Measure and print, or say what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="", help="measure here all the same: cpu")
    wanted = parser.parse_args()
    found = card()
    if not found and not wanted.device:
        say(f"Learned metrics on a graphics card: not measured: no GPU here (or without its packages: {NEEDS})")
        return
    with tempfile.TemporaryDirectory(prefix="koma-bench-") as folder:
        say(found or wanted.device)
        report(Path(folder), wanted.device or "cuda-only")


if __name__ == "__main__":
    main()
