"""What a backup holds, as its list says: files by digest, and where they belong."""

from collections.abc import Iterator
from dataclasses import dataclass

FORMAT = 1
LIST = "backup-"  # a list is called backup-20261121T103000Z.json
LIST_SUFFIX = ".json"


@dataclass(frozen=True, slots=True)
class KeptFile:
    """One file of a backup: its digest (sha256 hex), suffix and size in bytes; `path` is where it belongs in outputs/, "" for an object."""

    file_digest: str
    suffix: str
    size: int
    path: str = ""


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup. `state` is a whole state file (of the schema that this Koma wrote), `files` are records beside what was rendered.

    `made_at` is UTC in ISO 8601, `takes` and `published` count rows. `missing` counts objects that were gone before the backup was made.
    """

    format_version: int
    koma: str
    made_at: str
    takes: int
    published: int
    missing: int
    state: KeptFile
    files: tuple[KeptFile, ...]
    objects: tuple[KeptFile, ...]

    @property
    def everything(self) -> Iterator[KeptFile]:
        """Every file that it needs."""
        yield self.state
        yield from self.files
        yield from self.objects


def is_inside(path: str) -> bool:
    """Whether a path of a list stays in its folder."""
    return "\0" not in path and not {"", ".", ".."} & set(path.split("/"))
