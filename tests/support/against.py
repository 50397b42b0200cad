"""Settings to measure in: characters with reference pictures on the disk, and models that were made on the spot."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from koma.core.against import Against, Picture, Subject
from koma.measures.learned.registry import learned_meter
from koma.measures.meter import Facts, Frame, Reading
from koma.measures.setting import Setting
from koma.pixels.picture import Pixels
from support.pictures import save


def against(folder: Path, characters: Mapping[str, Sequence[Pixels]]) -> tuple[Against, Callable[[Picture], Path]]:
    """Write the references of each character; what to compare with, and where its pictures lie."""
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, Path] = {}

    def kept(name: str, number: int, pixels: Pixels) -> Picture:
        digest = f"{name}-{number}"
        files[digest] = save(pixels, folder / f"{digest}.png")
        return Picture(digest, digest, ".png")

    subjects = [
        Subject(name, references=tuple(kept(name, number, pixels) for number, pixels in enumerate(pictures)))
        for name, pictures in characters.items()
    ]
    return Against(tuple(subjects)), lambda picture: files[picture.content_digest]


def setting_of(folder: Path, models: Any, characters: Mapping[str, Sequence[Pixels]] | None = None, device: str = "cpu") -> Setting:
    """Set the stage for one file."""
    compared, picture = against(folder / "references", characters or {})
    return Setting(compared, picture, models, device)


def read(metric: str, setting: Setting, *frames: Pixels) -> Any:
    """Show frames to the meter of a learned metric; its reading, or its readings by character."""
    meter = learned_meter(metric, setting)
    for pixels in frames:
        meter.add(Frame(pixels))
    height, width = frames[0].shape[:2]
    return meter.finish(Facts(width, height, len(frames), 12.0 if len(frames) > 1 else 0.0))


def read_all(metrics: Sequence[str], setting: Setting, *frames: Pixels) -> dict[str, Reading | Mapping[str, Reading]]:
    """Show the same frames to several meters side by side, as it is done for a file."""
    meters = {metric: learned_meter(metric, setting) for metric in metrics}
    for frame in map(Frame, frames):
        for meter in meters.values():
            meter.add(frame)
    height, width = frames[0].shape[:2]
    return {metric: meter.finish(Facts(width, height, len(frames), 12.0)) for metric, meter in meters.items()}
