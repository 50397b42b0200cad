"""Proof that a fetched file is whole: every frame of it decodes."""

from pathlib import Path

from koma.pixels.whole import missing_part

_PICTURES = frozenset({".png", ".webp", ".jpg", ".jpeg", ".gif", ".apng", ".tif", ".tiff", ".bmp"})


def prove(file: Path, suffix: str) -> None:
    """Check that nothing was cut off, and decode every frame. Raises ValueError with what is wrong, OSError if it can't be read."""
    missing = missing_part(file)
    if missing:
        raise ValueError(f"it is not whole: {missing}")
    try:
        frames = _picture(file) if suffix in _PICTURES else _video(file)
    except Exception as error:  # decoders answer broken bytes with errors of many kinds
        raise ValueError(f"it does not decode: {error}") from error
    if not frames:
        raise ValueError("it has no frame")


def _picture(file: Path) -> int:
    from PIL import Image, ImageSequence  # noqa: PLC0415 - slow to import, and needed only once something was rendered

    with Image.open(file) as image:
        image.verify()  # checksums; leaves the image unusable
    with Image.open(file) as image:
        return sum(frame.load() is not None for frame in ImageSequence.Iterator(image))


def _video(file: Path) -> int:
    import av  # noqa: PLC0415 - as above

    with av.open(str(file)) as container:
        if not container.streams.video:
            return 0
        return sum(1 for _ in container.decode(container.streams.video[0]))
