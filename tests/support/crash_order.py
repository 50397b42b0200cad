"""What a trace of system calls says of the order in which things became durable. Pure.

A kill loses nothing that was not flushed, and so proves nothing about flushing: only the order of the calls does.

A file gets its name after its bytes were flushed, and its folder is flushed after that. An object is durable before the store names it, and
what is published before its row is stored, the receipt last. Whatever the store says is on the disk before anything else is done.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from support.tracing import FLUSHES, WRITES, Call, touching

_RENAMES = frozenset({"rename", "renameat", "renameat2"})
_LINKS = frozenset({"link", "linkat"})
_OBJECT = re.compile(r"objects/([0-9a-f]{2})/([0-9a-f]{62})")
_SHOWN = (".png", ".mp4")
RECEIPT = ".receipt.json"


@dataclass
class Found:
    """What a trace told: files that got their names, objects and rows whose order could be seen, and what was out of order."""

    files: int = 0
    objects: int = 0
    rows: int = 0
    bad: list[str] = field(default_factory=list)


class _Disk:
    """What is not known to be on the disk yet: files with bytes, and folders with names, that were not flushed since."""

    def __init__(self, outputs: Path) -> None:
        self.outputs = str(outputs)
        self.wal = f"{outputs}/.koma/state.db-wal"
        self.bytes: set[str] = set()
        self.names: dict[str, set[str]] = {}
        self.found = Found()
        self._stored = ""
        self._objects: dict[str, str] = {}
        self._shown: dict[str, str] = {}

    def take(self, call: Call) -> None:
        path = call.paths[0]
        if call.name in FLUSHES:
            self.bytes.discard(path)
            self.names.pop(path, None)
            return
        if self.wal in self.bytes and self._is_kept(path):
            self._bad(call, "the store was not flushed before it")
            self.bytes.discard(self.wal)
        if call.name in WRITES:
            self._written(call, path)
        elif call.name in _RENAMES:
            self._named(call, path, call.paths[-1])
        elif call.name in _LINKS:
            self._linked(call, path, call.paths[-1])
        elif call.name in {"mkdir", "mkdirat"}:
            self._appears(path)

    def _written(self, call: Call, path: str) -> None:
        self.bytes.add(path)
        if path == self.wal:
            self._tell(call)

    def _tell(self, call: Call) -> None:
        """Look which objects and published files the store names now for the first time."""
        for digest in [digest for digest in self._objects if digest in call.arguments]:
            self.found.objects += 1
            self._must_lie(call, self._objects.pop(digest))
        for name in [name for name in self._shown if name in call.arguments]:
            self.found.rows += 1
            stem = self._shown.pop(name)
            for suffix in (name[name.rindex(".") :], ".gate.json", RECEIPT):
                self._must_lie(call, f"{self.outputs}/{stem}{suffix}")

    def _must_lie(self, call: Call, path: str) -> None:
        folder = path.rpartition("/")[0]
        if path in self.bytes or path in self.names.get(folder, ()):
            self._bad(call, f"{path} is named by the store before it is durable")

    def _named(self, call: Call, part: str, path: str) -> None:
        self._appears(path)
        if not self._is_kept(path):
            return
        self.found.files += 1
        if part in self.bytes:
            self._bad(call, "it gets its name before its bytes are flushed")
            self.bytes.discard(part)
        match = _OBJECT.search(path)
        if match and "/objects/" in path:
            self._objects[match[1] + match[2]] = path
        elif path.endswith(RECEIPT) and "/takes/" not in path:
            self._published(call, path.removesuffix(RECEIPT))

    def _published(self, call: Call, stem: str) -> None:
        """Check that a receipt comes last: what lies beside it is durable."""
        folder = stem.rpartition("/")[0]
        for path in self.names.get(folder, set()):
            if path.startswith(f"{stem}.") and not path.endswith(RECEIPT):
                self._bad(call, f"its receipt comes before {path} is durable")
        for suffix in _SHOWN:
            self._shown[f"{stem.removeprefix(self.outputs + '/')}{suffix}"] = stem.removeprefix(f"{self.outputs}/")

    def _linked(self, call: Call, source: str, path: str) -> None:
        if source in self.bytes:
            self._bad(call, "a file is linked before its bytes are flushed")
        self._appears(path)

    def _appears(self, path: str) -> None:
        self.names.setdefault(path.rpartition("/")[0], set()).add(path)

    def _is_kept(self, path: str) -> bool:
        """Whether it is something that is to outlive a power cut: an object, or anything in the folders that people look at."""
        return path.startswith(self.outputs) and ("/.koma/" not in path or "/.koma/objects/" in path or "/.koma/retired/" in path)

    def left(self) -> list[str]:
        """What of all that is kept was not flushed in the end: files, and folders with names in them."""
        names = {path for paths in self.names.values() for path in paths}
        parts = (".", "tmp")
        return sorted(path for path in {*names, *self.bytes} if self._is_kept(path) and not path.rpartition("/")[2].startswith(parts))

    def _bad(self, call: Call, why: str) -> None:
        self.found.bad.append(f"{call.name} number {call.number} {' '.join(call.paths)}: {why}")


def order_of(calls: Iterable[Call], outputs: Path) -> Found:
    """Follow one run. It must have been traced with what it writes, so that the store's words can be read."""
    disk = _Disk(outputs)
    for call in touching(calls, Path("/")):
        disk.take(call)
    disk.found.bad += [f"{path} never became durable" for path in disk.left()]
    return disk.found
