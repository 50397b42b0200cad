"""Problems: mistakes in what a person wrote, as located values.

Exceptions are for bugs and for lost effects; a mistake in a document, a picture or a template is a value that holds only
what reads that file.
"""

from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """An error holds what reads the file; a warning is only shown."""

    ERROR = "error"
    WARNING = "warning"


class Place(NamedTuple):
    """Where in the workspace: path relative to its root (POSIX), line and column from 1, 0 where a file has none."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """`file:line:column`, without the parts that are not known."""
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)


class Problem(NamedTuple):
    """One mistake: what happened, where, what was expected, and what to do.

    `code` is a stable kebab-case word (`unknown-field`, `missing-reference`, `git-lfs-pointer`, ...). `path` is the field
    path inside the document (`shots.sh010.seed`), empty where there is none. `missing` names what the server lacks, where that is
    the whole trouble: a model file with its folder (`models/checkpoints/ink.safetensors`), a node pack, memory (`10 GB`).
    """

    place: Place
    code: str
    message: str
    expected: str = ""
    hint: str = ""
    path: str = ""
    severity: Severity = Severity.ERROR
    missing: str = ""

    def __str__(self) -> str:
        """One line per fact, the first in the format that editors understand."""
        lines = [f"{self.place}: {self.severity}: {self.message} [{self.code}]"]
        if self.expected:
            lines.append(f"  expected: {self.expected}")
        if self.hint:
            lines.append(f"  do: {self.hint}")
        return "\n".join(lines)
