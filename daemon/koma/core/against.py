"""What a file is compared with when it is measured: the characters that are meant to be in it, and the style. Frozen when it is planned."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Look = str  # `drawn` or `photographic`


@dataclass(frozen=True, slots=True)
class Picture:
    """A reference picture, by digest: pixels, file, and the suffix of the file with its dot."""

    content_digest: str
    file_digest: str
    suffix: str


@dataclass(frozen=True, slots=True)
class Subject:
    """One character as cast: id, version ("" for the character as it stands), colours by slot as `#rrggbb`, and what it looks like."""

    id: str
    version: str = ""
    palette: Mapping[str, str] = field(default_factory=dict)
    references: tuple[Picture, ...] = ()


@dataclass(frozen=True, slots=True)
class Against:
    """The characters of a shot in picture order from left to right, pictures of its style, and what kind of pictures are made.

    In `commercial` work, models whose licence forbids that measure nothing.
    """

    subjects: tuple[Subject, ...] = ()
    style: tuple[Picture, ...] = ()
    look: Look = "drawn"
    commercial: bool = False

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """Every picture that is named, each once."""
        return tuple(dict.fromkeys([*(p for subject in self.subjects for p in subject.references), *self.style]))


NOTHING = Against()
