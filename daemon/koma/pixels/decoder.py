"""Pictures and clips that anybody may have made, decoded in a confined process: a file may crash a decoder, and no more than that."""

from pathlib import Path
from typing import Any

from koma.confined.process import Confined, EndedError, Limits
from koma.pixels.header import UnreadableError

LIMITS = Limits(memory=448 << 20, seconds=15, silence=120.0)


class Decoder:
    """Looks at files. The process starts with the first of them. For several threads, one file at a time."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self._process = Confined("koma.pixels.worker", limits)

    def look(self, file: Path) -> tuple[str, int, int]:
        """Content digest, width and height in px of a picture. Raises UnreadableError if it can't be used, OSError if it can't be read."""
        content, width, height = self._asked("look", file)
        return content, width, height

    def prove(self, file: Path) -> int:
        """Decode every frame of a picture or clip; how many there are. Raises as `look`."""
        return int(self._asked("prove", file))

    @property
    def pid(self) -> int | None:
        """Process id, None where none runs."""
        return self._process.pid

    def close(self) -> None:
        """End the process, if it runs; the next file starts another."""
        self._process.close()

    def _asked(self, verb: str, file: Path) -> Any:
        try:
            return self._once(verb, file)
        except EndedError as error:
            if not error.blames_machine:
                raise UnreadableError(file, f"it can't be decoded: {error}") from error
        try:
            return self._once(verb, file)
        except EndedError as error:
            raise OSError(f"{file.name} was not decoded: {error}, and again when it was tried once more") from error

    def _once(self, verb: str, file: Path) -> Any:
        last = None
        for last in self._process.ask([verb, str(file.absolute())]):  # noqa: B007  to the last one: a process that is left halfway is ended
            pass
        match last:
            case {"refused": why}:
                raise UnreadableError(file, why)
            case {"unread": [number, why]}:
                raise OSError(number, why, str(file))
            case _:
                return last
