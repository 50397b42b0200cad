"""What a take is made of: files with their digests, and the inputs of a render."""

from dataclasses import dataclass
from enum import StrEnum


class Media(StrEnum):
    """What is in a file. `frames` is a lossless clip; `video` is the encoded delivery file."""

    IMAGE = "image"
    FRAMES = "frames"
    VIDEO = "video"
    POSTER = "poster"


class Role(StrEnum):
    """What a file is for. The lossless `object` is what downstream keys and `koma reproduce` read; a chain reads the `last` frame."""

    OBJECT = "object"
    DELIVERY = "delivery"
    POSTER = "poster"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file of a take, in the object store.

    `file_digest` is sha256 hex of its bytes and addresses the object; `content_digest` is sha256 hex over decoded pixels,
    size and rate (see koma.pixels.digest). `suffix` has its dot. Width and height in pixels, frames 1 for a picture, fps 0 for a picture.
    """

    role: Role
    media: Media
    file_digest: str
    content_digest: str
    suffix: str
    size: int
    width: int
    height: int
    frames: int = 1
    fps: float = 0.0


@dataclass(frozen=True, slots=True)
class InputFile:
    """A picture that a render reads, frozen in the object store when the job was queued.

    `name` is the placeholder that stands in the graph (`koma-input:image`) or the reference's name in a panel description.
    """

    name: str
    content_digest: str
    file_digest: str
    suffix: str
