"""Secrets that the settings name files for, read when they are needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from koma.core.errors import KomaError
from koma.core.login import Secret

if TYPE_CHECKING:
    from pathlib import Path

    from koma.config import BackendConfig

_MOST = 4096  # bytes of a secret


def login_of(named: BackendConfig) -> Secret:
    """Give the login of a server: that of its file, else that of the address in a variable. Raises KomaError where it can't be read."""
    return read_secret(named.login_file, "`user:password`, or a token") if named.login_file is not None else named.login


def read_secret(file: Path, expected: str) -> Secret:
    """Read a secret: the one word that a file holds. Raises KomaError."""
    hint = f"put {expected} into it, on one line, and let nobody else read it"
    try:
        with file.open("rb") as stream:
            words = stream.read(_MOST).decode().split()
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is no text"
        raise KomaError(f"{file} can't be read: {said}", hint) from error
    if len(words) != 1:
        raise KomaError(f"{file} does not hold one secret", hint)
    return Secret(words[0])
