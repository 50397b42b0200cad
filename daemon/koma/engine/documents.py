"""Parsed documents of a snapshot: heads from the cache where a file's bytes are known, parsed and remembered where not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from koma.core.catalog import HELD, Head
from koma.core.document import Doc
from koma.core.faults import SourceError
from koma.core.keys import canonical, digest
from koma.core.problem import Place, Problem, Severity
from koma.core.snapshot import TEXT_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from koma.core.parse import Document
    from koma.core.snapshot import Snapshot, SourceFile
    from koma.ports import PlanCache, Source

AT_ONCE = 500  # files read and parsed in one go
AT_ONCE_BYTES = 32 * TEXT_BYTES


class Documents:
    """Heads of every document now, the Problems in them, and their bodies when they are asked for."""

    def __init__(self, source: Source, cache: PlanCache) -> None:
        self._source = source
        self._cache = cache
        self._snapshot: Snapshot | None = None
        self._bodies: dict[str, list[dict[str, Any]]] = {}
        self._positions: dict[str, list[dict[str, Any]]] = {}
        self._texts: dict[str, tuple[str, str]] | None = None
        self.heads: dict[str, list[Head]] = {}
        self.problems: list[Problem] = []
        self.unread: list[str] = []

    def load(self, snapshot: Snapshot) -> None:
        """Bring heads and problems up to this snapshot. Only files whose bytes are new are parsed."""
        self._snapshot, self._texts = snapshot, None
        self._bodies, self._positions = {}, {}
        self.heads, self.problems, self.unread = {}, [], []
        cached = self._cache.documents()
        known = {path: row for path, row in cached.items() if path in snapshot.documents and row[0] == snapshot.documents[path].digest}
        fresh = self._parse_all([file for path, file in snapshot.documents.items() if path not in known])
        rows = {path: row for path in snapshot.documents if (row := known.get(path) or fresh.get(path))}
        heads = json.loads(f"[{','.join([row[1] for row in rows.values()])}]")  # one call for all: a thousand take three times as long
        for (path, row), found in zip(rows.items(), heads, strict=True):
            self._take(path, found, row[2])
        if gone := cached.keys() - snapshot.documents.keys():
            self._cache.put_documents([], [], gone)

    def _take(self, path: str, heads: list[Any], problems: str) -> None:
        self.heads[path] = [Head._make(row) for row in heads]
        if problems == "[]":
            return
        found = problems_from_json(problems)
        self.problems += found
        if not self.heads[path] and any(problem.severity is Severity.ERROR for problem in found):
            self.unread.append(path)

    def _parse_all(self, files: Sequence[SourceFile]) -> dict[str, tuple[str, str, str]]:
        """Parse files and remember them; path → (file digest, heads, problems)."""
        parsed: dict[str, tuple[str, str, str]] = {}
        for part in _batches(files):
            contents = {file.path: b"" for file in part if file.size > TEXT_BYTES}  # the size alone is a Problem
            contents |= self._source.read([file for file in part if file.path not in contents])
            bodies = [self._parse(file, contents[file.path], parsed) for file in part if file.path in contents]
            self._cache.put_documents([(path, *parsed[path]) for path, _, _, _ in bodies], bodies, ())
            for file in part:
                if file.path not in contents:
                    self._vanished(file.path)
        return parsed

    def _vanished(self, path: str) -> None:
        self.unread.append(path)
        message = "the file changed or vanished while it was read"
        self.problems.append(Problem(Place(path), "unreadable", message, hint="the next pass reads it again"))

    def _parse(self, file: SourceFile, content: bytes, into: dict[str, tuple[str, str, str]]) -> tuple[str, str, str, str]:
        """Parse one file; (path, digest, data, positions) of its documents, as the cache keeps them."""
        from koma.core.parse import Parsed, parse_document  # noqa: PLC0415  # YAML and models are not needed while no document changes
        from koma.core.plaintext import too_large  # noqa: PLC0415  # as above

        path = file.path
        large = file.size > TEXT_BYTES
        parsed = Parsed((), (too_large(file.size, path, TEXT_BYTES),)) if large else parse_document(content, path)
        heads = [
            [path, doc.index, doc.kind, doc.id, digest([doc.kind, doc.id, doc.data]), _line(doc.positions), list(doc.held), _has_sheet(doc)]
            for doc in parsed.documents
        ]
        heads += [[path, doc.index, f"{HELD}{doc.kind}", doc.id, "", 1, [], False] for doc in parsed.held]
        into[path] = (file.digest, canonical(heads), problems_to_json(parsed.problems))
        data = [{"index": doc.index, "data": doc.data} for doc in parsed.documents]
        places = [{"index": doc.index, "positions": dict(doc.positions)} for doc in parsed.documents]
        self._bodies[path], self._positions[path] = data, places
        return path, file.digest, json.dumps(data, ensure_ascii=False), json.dumps(places)

    def many(self) -> None:
        """Say that many bodies will be asked for: they are then read at once."""
        if self._texts is None:
            self._texts = self._cache.bodies()

    def doc(self, head: Head) -> Doc:
        """One document with its body."""
        data = next(entry["data"] for entry in self._data(head.path) if entry["index"] == head.part)
        return Doc(head.kind, head.id, head.path, head.part, head.data_digest, data)

    def _data(self, path: str) -> list[dict[str, Any]]:
        if path not in self._bodies:
            known = (self._texts or {}).get(path, ("", ""))
            text = known[1] if known[0] == self._file(path).digest else self._read(path)[0]
            self._bodies[path] = json.loads(text)
        return self._bodies[path]

    def _file(self, path: str) -> SourceFile:
        assert self._snapshot is not None  # noqa: S101  # load() sets it
        return self._snapshot.documents[path]

    def _read(self, path: str) -> tuple[str, str]:
        """Give data and positions of a file. Raises SourceError where its bytes can't be had any more."""
        file = self._file(path)
        row = self._cache.body(path, file.digest)
        if row is None:  # the cache was emptied meanwhile, or another process remembers newer bytes
            self._parse_all([file])
            row = self._cache.body(path, file.digest)
        if row is None:
            raise SourceError(f"{path} changed while it was read", "try again; a running daemon does so by itself")
        return row

    def place(self, path: str, part: int, field: str) -> Place:
        """Where a field stands: its own position, or that of the nearest thing around it."""
        if path not in self._positions:
            self._positions[path] = json.loads(self._read(path)[1])
        positions: dict[str, list[int]] = next((entry["positions"] for entry in self._positions[path] if entry["index"] == part), {})
        while field and field not in positions:
            field = field.rpartition(".")[0]
        line, column = positions.get(field, (1, 1))
        return Place(path, line, column)


def _batches(files: Sequence[SourceFile]) -> Iterator[list[SourceFile]]:
    """Parts of a list that are read in one go: not too many files, and not too many bytes."""
    part: list[SourceFile] = []
    size = 0
    for file in files:
        if part and (len(part) >= AT_ONCE or size + file.size > AT_ONCE_BYTES):
            yield part
            part, size = [], 0
        part.append(file)
        size += min(file.size, TEXT_BYTES)
    if part:
        yield part


def _has_sheet(doc: Document) -> bool:
    return doc.kind == "character" and doc.data.get("sheet") is not None


def _line(positions: Mapping[str, Any]) -> int:
    return int(min((line for line, _ in positions.values()), default=1))


def problems_to_json(problems: Sequence[Problem]) -> str:
    """Problems as the cache keeps them."""
    rows = [
        [p.place.file, p.place.line, p.place.column, p.code, p.message, p.expected, p.hint, p.path, p.severity, p.missing] for p in problems
    ]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def problems_from_json(text: str) -> list[Problem]:
    """Inverse of `problems_to_json`."""
    return [
        Problem(Place(file, line, column), code, message, expected, hint, path, Severity(severity), *missing)
        for file, line, column, code, message, expected, hint, path, severity, *missing in json.loads(text)
    ]
