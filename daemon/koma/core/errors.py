"""Errors that end a command: what happened, what to do, and the exit code. Mistakes in documents are Problems instead."""

from __future__ import annotations

TYPE_CHECKING = False  # importing `typing` and the dataclasses of Problem costs start-up time
if TYPE_CHECKING:
    from collections.abc import Sequence

    from koma.core.problem import Problem


class KomaError(Exception):
    """Something that Koma can't go on from, told to a person.

    `message` says what happened and where, `hint` what to do about it ("" where there is nothing to say). `exit_code` is what
    the process ends with: 1 for an error, 2 for a command line that makes no sense, 3 where something waits for a person.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "", *, exit_code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if exit_code is not None:
            self.exit_code = exit_code

    def __str__(self) -> str:
        """Say what happened and, on a line of its own, what to do."""
        return self.message + (f"\n  do: {self.hint}" if self.hint else "")


class UsageError(KomaError):
    """The command line itself is wrong."""

    exit_code = 2


class ConfigError(KomaError):
    """Settings are wrong; `problems` holds every mistake with its place."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("settings can't be used:\n" + "\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class WorkspaceError(KomaError):
    """There is no workspace where one was looked for."""
