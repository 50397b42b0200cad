"""Parsed documents of a snapshot: heads from the cache where a file's bytes are known, parsed and remembered where not."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from koma.core.catalog import HELD, Head
from koma.core.keys import canonical, digest
from koma.core.problem import Place, Problem, Severity
from koma.core.resolve import Doc
from koma.core.snapshot import Snapshot
from koma.ports import PlanCache, Source


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
        fresh: list[tuple[str, str, str, str]] = []
        bodies: list[tuple[str, str, str, str]] = []
        for path, file in snapshot.documents.items():
            row = cached.get(path)
            if row is None or row[0] != file.digest:
                row = self._parse(path, fresh, bodies)
            if row is not None:
                self._take(path, row[1], row[2])
        gone = cached.keys() - snapshot.documents.keys()
        if fresh or gone:
            self._cache.put_documents(fresh, bodies, gone)

    def _take(self, path: str, heads: str, problems: str) -> None:
        self.heads[path] = [Head._make(row) for row in json.loads(heads)]
        if problems == "[]":
            return
        found = problems_from_json(problems)
        self.problems += found
        if not self.heads[path] and any(problem.severity is Severity.ERROR for problem in found):
            self.unread.append(path)

    def _parse(
        self, path: str, fresh: list[tuple[str, str, str, str]], bodies: list[tuple[str, str, str, str]]
    ) -> tuple[str, str, str] | None:
        from koma.core.parse import parse_document  # noqa: PLC0415  # YAML and models are not needed while no document changes

        assert self._snapshot is not None  # noqa: S101  # load() sets it
        file = self._snapshot.documents[path]
        content = self._source.read(file)
        if content is None:
            self.unread.append(path)
            self.problems.append(
                Problem(Place(path), "unreadable", "the file changed or vanished while it was read", hint="the next pass reads it again")
            )
            return None
        parsed = parse_document(content, path)
        heads = [
            [path, doc.index, doc.kind, doc.id, digest([doc.kind, doc.id, doc.data]), _line(doc.positions), list(doc.held)]
            for doc in parsed.documents
        ]
        heads += [[path, doc.index, f"{HELD}{doc.kind}", doc.id, "", 1, []] for doc in parsed.held]
        row = (path, file.digest, canonical(heads), problems_to_json(parsed.problems))
        fresh.append(row)
        data = [{"index": doc.index, "data": doc.data} for doc in parsed.documents]
        places = [{"index": doc.index, "positions": doc.positions} for doc in parsed.documents]
        bodies.append((path, file.digest, json.dumps(data, ensure_ascii=False), json.dumps(places)))
        self._bodies[path], self._positions[path] = data, places
        return row[1:]

    def many(self) -> None:
        """Say that many bodies will be asked for: they are then read at once."""
        if self._texts is None:
            self._texts = self._cache.bodies()

    def doc(self, head: Head) -> Doc:
        """One document with its body."""
        data = next(entry["data"] for entry in self._data(head.path) if entry["index"] == head.index)
        return Doc(head.kind, head.id, head.path, head.index, head.data_digest, data)

    def _data(self, path: str) -> list[dict[str, Any]]:
        if path not in self._bodies:
            text = self._texts[path][1] if self._texts is not None and path in self._texts else self._read(path)[0]
            self._bodies[path] = json.loads(text)
        return self._bodies[path]

    def _read(self, path: str) -> tuple[str, str]:
        assert self._snapshot is not None  # noqa: S101  # load() sets it
        row = self._cache.body(path, self._snapshot.documents[path].digest)
        if row is None:
            bodies: list[tuple[str, str, str, str]] = []
            self._parse(path, [], bodies)
            row = bodies[0][2:]
        return row

    def place(self, path: str, index: int, field: str) -> Place:
        """Where a field stands: its own position, or that of the nearest thing around it."""
        if path not in self._positions:
            self._positions[path] = json.loads(self._read(path)[1])
        positions: dict[str, list[int]] = next((entry["positions"] for entry in self._positions[path] if entry["index"] == index), {})
        while field and field not in positions:
            field = field.rpartition(".")[0]
        line, column = positions.get(field, (1, 1))
        return Place(path, line, column)


def _line(positions: Mapping[str, Any]) -> int:
    return int(min((line for line, _ in positions.values()), default=1))


def problems_to_json(problems: Sequence[Problem]) -> str:
    """Problems as the cache keeps them."""
    rows = [[p.place.file, p.place.line, p.place.column, p.code, p.message, p.expected, p.hint, p.path, p.severity] for p in problems]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def problems_from_json(text: str) -> list[Problem]:
    """Inverse of `problems_to_json`."""
    return [
        Problem(Place(file, line, column), code, message, expected, hint, path, Severity(severity))
        for file, line, column, code, message, expected, hint, path, severity in json.loads(text)
    ]
