"""Collected files → artifacts: lossless object, delivery file, poster, last frame of a clip. Frames stream through, one at a time."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from koma.core.media import Artifact, Media, Role
from koma.core.request import RenderRequest
from koma.pixels.digest import picture_digest
from koma.pixels.lossless import write_picture
from koma.pixels.picture import Pixels, UnreadableError, read_picture
from koma.ports import Objects
from koma.publish.encode import write_poster
from koma.publish.pack import Reading, pack

_PICTURE_SUFFIXES = frozenset({".png", ".webp", ".jpg", ".jpeg"})


class MediaBuilder:
    """Implements koma.ports.MediaTools over an object store. `scratch` is a folder for files on their way, else the system's."""

    def __init__(self, objects: Objects, scratch: Path | None = None) -> None:
        self._objects = objects
        self._scratch = scratch

    def build(self, files: Sequence[Path], request: RenderRequest) -> tuple[Artifact, ...]:
        """Decode, pack, encode, digest and store; object, delivery, poster and, of a clip, the last frame, in this order.

        For `image` one picture; for `frames` pictures in frame order, or one lossless clip, which keeps its own rate.
        Raises ValueError that names the file and says what is wrong with it.
        """
        if not files:
            raise ValueError("the backend returned no file")
        with tempfile.TemporaryDirectory(prefix="koma-", dir=self._scratch) as folder:
            match request.media:
                case Media.IMAGE:
                    return self._picture(files, Path(folder))
                case Media.FRAMES:
                    return self._clip(files, request.fps, Path(folder))
                case Media.VIDEO | Media.POSTER:
                    raise ValueError(f"{request.media} is not what a backend returns: image or frames")

    def _picture(self, files: Sequence[Path], folder: Path) -> tuple[Artifact, ...]:
        file = files[0]
        if len(files) > 1:
            raise ValueError(f"one picture was asked for, the backend returned {len(files)}: {file.name}, {files[1].name}, ...")
        if file.suffix.lower() not in _PICTURE_SUFFIXES:
            raise UnreadableError(file, f"not the name of a picture: expected one of {', '.join(sorted(_PICTURE_SUFFIXES))}")
        pixels = read_picture(file)
        kept = [self._keep_picture(role, Media.IMAGE, file, pixels) for role in (Role.OBJECT, Role.DELIVERY)]
        return *kept, self._poster(pixels, folder)

    def _clip(self, files: Sequence[Path], fps: float, folder: Path) -> tuple[Artifact, ...]:
        lossless, delivery = folder / "frames.mkv", folder / "delivery.mp4"
        kept, shown = pack(files, fps, lossless, delivery)
        return (
            self._keep_clip(Role.OBJECT, Media.FRAMES, lossless, kept),
            self._keep_clip(Role.DELIVERY, Media.VIDEO, delivery, shown),
            self._poster(kept.middle, folder),
            self._last(kept.last, folder),
        )

    def _poster(self, pixels: Pixels, folder: Path) -> Artifact:
        file = folder / "poster.jpg"
        write_poster(pixels, file)
        return self._keep_picture(Role.POSTER, Media.POSTER, file, read_picture(file))

    def _last(self, pixels: Pixels, folder: Path) -> Artifact:
        """Keep a clip's last frame as it is: a chain goes on from it."""
        file = folder / "last.png"
        write_picture(pixels, file)
        return self._keep_picture(Role.LAST, Media.IMAGE, file, read_picture(file))

    def _keep_picture(self, role: Role, media: Media, file: Path, pixels: Pixels) -> Artifact:
        height, width, _ = pixels.shape
        stored, suffix, size = self._store(file)
        return Artifact(role, media, stored, picture_digest(pixels), suffix, size, width, height)

    def _keep_clip(self, role: Role, media: Media, file: Path, facts: Reading) -> Artifact:
        stored, suffix, size = self._store(file)
        return Artifact(role, media, stored, facts.digest, suffix, size, facts.width, facts.height, facts.frames, float(facts.rate))

    def _store(self, file: Path) -> tuple[str, str, int]:
        suffix = file.suffix.lower()
        stored = self._objects.put(file)
        return stored, suffix, self._objects.path(stored, suffix).stat().st_size
