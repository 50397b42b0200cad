"""Small pictures and clips made on the spot: busy drawings that any change of a pixel shows in."""

from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
from PIL import Image

from koma.core.media import Media
from koma.core.request import RenderRequest
from koma.core.words import BackendKind
from koma.pixels.clip import open_clip
from koma.pixels.digest import ClipDigest, picture_digest
from koma.pixels.picture import Pixels, read_picture
from koma.pixels.whole import CLIPS, container_of


def drawing(width: int = 48, height: int = 32, shift: int = 0) -> Pixels:
    """RGB with edges and gradients, moved to the right by `shift` px."""
    rows, columns = np.mgrid[0:height, 0:width]
    columns = (columns - shift) % width
    red = np.where((columns // 5 + rows // 4) % 2, 230, 40)
    return np.stack([red, columns * 255 // width, rows * 255 // height], axis=-1).astype(np.uint8)


def flat(value: int | tuple[int, int, int], width: int = 48, height: int = 32) -> Pixels:
    """One colour."""
    return np.full((height, width, 3), value, np.uint8)


def save(pixels: np.ndarray, file: Path, **options: object) -> Path:
    """Write a picture in the format that its name says."""
    Image.fromarray(pixels).save(file, **options)
    return file


def save_frames(folder: Path, frames: Sequence[Pixels]) -> list[Path]:
    """Write numbered PNGs."""
    folder.mkdir(exist_ok=True)
    return [save(pixels, folder / f"frame_{number:05}.png") for number, pixels in enumerate(frames)]


def save_clip(file: Path, frames: Sequence[Pixels], rate: int = 12, codec: str = "ffv1") -> Path:
    """Encode a clip with FFV1 (lossless) or libx264."""
    pixel_format = "bgr0" if codec == "ffv1" else "yuv420p"
    options = {"level": "3", "slicecrc": "1"} if codec == "ffv1" else {}
    with av.open(str(file), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options)
        stream.height, stream.width, _ = frames[0].shape
        stream.pix_fmt = pixel_format
        for pixels in frames:
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=pixel_format)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file


def request(media: Media = Media.IMAGE, fps: float = 0.0, frames: int = 1) -> RenderRequest:
    """What a backend was asked for, as far as packing reads it."""
    return RenderRequest("0" * 8, "koma/x", BackendKind.ANIMATIC, {}, (), media, "demo/s01/sh010/still take 1", fps, frames)


def content_digest(file: Path) -> str:
    """Digest of a picture, or of an MP4 or Matroska clip, by what it decodes to."""
    if container_of(file) not in CLIPS:
        return picture_digest(read_picture(file))
    with open_clip(file) as clip:
        digest = ClipDigest(clip.width, clip.height, clip.rate)
        for pixels in clip.frames:
            digest.add(pixels)
        return digest.hexdigest()
