"""Proof that a fetched file is whole: every frame of it decodes."""

from pathlib import Path

_PICTURES = frozenset({".png", ".webp", ".jpg", ".jpeg", ".gif", ".apng", ".tif", ".tiff", ".bmp"})


def prove(file: Path, suffix: str) -> None:
    """Decode every frame. Raises ValueError with what is wrong."""
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
