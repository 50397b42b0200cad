"""Problems: mistakes in what a person wrote, as located values.

Exceptions are for bugs and for lost effects; a mistake in a document, a picture or a template is a value that holds only
what reads that file.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

MOST = 100  # Problems of one file that are told: nobody reads more before correcting some
_LONGEST = 400  # characters of a sentence: what a file says may be quoted in it


MACHINE_TROUBLE = "template-process"
"""Code of a Problem that says nothing about what was written, but that the machine could not look at it: not to be remembered."""


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


def told(problems: Iterable[Problem]) -> list[Problem]:
    """Problems of one file, sorted by place, few and short enough to be read; the last one says how many more there are."""
    found = sorted(problems)
    listed = [_short(problem) for problem in found[:MOST]]
    if len(found) > MOST:
        hint = "correct those that are listed first"
        listed[-1] = Problem(found[MOST - 1].place, "more-problems", f"{len(found) - MOST + 1:,} more mistakes in this file", hint=hint)
    return listed


def _short(problem: Problem) -> Problem:
    message, expected, hint, path = (_cut(text) for text in (problem.message, problem.expected, problem.hint, problem.path))
    return problem._replace(message=message, expected=expected, hint=hint, path=path)


def _cut(text: str) -> str:
    from koma.core.shown import printable  # noqa: PLC0415 - only needed once there is a mistake

    text = printable(text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
