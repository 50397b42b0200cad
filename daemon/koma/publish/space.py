"""How much is free where Koma writes."""

import os
from collections.abc import Mapping
from pathlib import Path

from koma.core.room import Space


def spaces(folders: Mapping[str, Path]) -> list[Space]:
    """Look at the file system of each folder (by the name of the place), or of the nearest folder above that is there.

    Each file system once; free is what a user without privileges may still write. What can't be looked at is left out.
    """
    found: dict[int, Space] = {}
    for name, folder in folders.items():
        try:
            there = _nearest(folder)
            device, facts = there.stat().st_dev, os.statvfs(there)
        except OSError:
            continue
        names = (*found[device].places, name) if device in found else (name,)
        found[device] = Space(names, facts.f_bavail * facts.f_frsize, facts.f_blocks * facts.f_frsize)
    return list(found.values())


def _nearest(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())
