"""Names in the outputs folder, from a stem (`lantern-street/s01/sh010/video.animatic`): never a path that leaves it, by name or by link."""

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from koma.files import below

RECEIPT = ".receipt.json"
GATE = ".gate.json"
LOG = ".log"
POSTER = ".jpg"
TAKES = "takes"
OWN = ".koma"  # Koma's own folder in outputs/
_KEY_LENGTH = 12
_SUFFIX = re.compile(r"(\.[a-z0-9]{1,8}){1,2}")
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def checked(relative: str) -> PurePosixPath:
    """Return the path of a stem or published file. Raises ValueError unless it is relative, and every part a plain visible name."""
    parts = relative.split("/")
    if len(parts) < 2 or TAKES in parts[:-1] or not all(_PART.fullmatch(part) for part in parts):  # noqa: PLR2004  a folder and a name
        raise ValueError(
            f"{relative!r} is no place in the outputs folder: expected <folder>/.../<name> of ASCII letters, digits, '_', '-'"
            f" and '.', none of them starting with '-' or '.', and no folder called {TAKES!r}"
        )
    return PurePosixPath(relative)


def beside(outputs: Path, stem: str, suffix: str) -> Path:
    """File of a published stem: `<outputs>/<stem><suffix>`."""
    return below(outputs, outputs / checked(f"{stem}{_suffix(suffix)}"))


def in_takes(outputs: Path, stem: str, take_key: str, suffix: str) -> Path:
    """File of one take: `takes/<name>.<first 12 digits of its key><suffix>` in the stem's folder."""
    path = checked(stem)
    return below(outputs, outputs / path.parent / TAKES / f"{path.name}.{short(take_key)}{_suffix(suffix)}")


def key_in_name(path: Path) -> str:
    """First digits of the key of the take that a receipt in takes/ is of, as `short` makes them."""
    return path.name.removesuffix(RECEIPT).rpartition(".")[2]


def retired(outputs: Path, stem: str, take_key: str) -> Path:
    """Folder that takes what is no longer wanted: the same take always goes to the same one."""
    path = checked(stem)
    return below(outputs, outputs / OWN / "retired" / path.parent / f"{path.name}.{short(take_key)}")


def _suffix(suffix: str) -> str:
    if not _SUFFIX.fullmatch(suffix):
        raise ValueError(f"{suffix!r} is no suffix of a file: expected one such as .mp4 or .gate.json")
    return suffix


def short(take_key: str) -> str:
    """First digits of a take's key, as they stand in names of files. Raises ValueError for what is no key."""
    if not take_key.isalnum():
        raise ValueError(f"{take_key!r} is no take key")
    return take_key[:_KEY_LENGTH]


def receipts(outputs: Path) -> Iterator[tuple[Path, str]]:
    """Every receipt in name order, with the stem that it publishes, "" in takes/; hidden folders such as Koma's own are passed over."""
    for folder, names, files in os.walk(outputs):
        names[:] = sorted(name for name in names if not name.startswith("."))
        for file in sorted(name for name in files if name.endswith(RECEIPT) and not name.startswith(".")):
            path = Path(folder, file)
            yield path, "" if path.parent.name == TAKES else path.relative_to(outputs).as_posix().removesuffix(RECEIPT)
