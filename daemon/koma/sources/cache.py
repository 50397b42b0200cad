"""cache.db: what was read, parsed, decoded and resolved before. May be deleted at any time; nothing here is a fact of its own.

Plain sqlite3, because a plan with nothing to do reads it within milliseconds; synchronous is off, because a lost cache costs only time.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Self

CACHE_FORMAT = "5"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files(path TEXT PRIMARY KEY, size INT, mtime_ns INT, inode INT, seen_ns INT, digest TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS documents(path TEXT PRIMARY KEY, digest TEXT, heads TEXT, problems TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS bodies(path TEXT PRIMARY KEY, digest TEXT, data TEXT, positions TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS scenes(name TEXT PRIMARY KEY, inputs TEXT, reads TEXT, targets TEXT, problems TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS images(digest TEXT PRIMARY KEY, content TEXT, problem TEXT) WITHOUT ROWID;
"""


class CachedFile(NamedTuple):
    """A file's stat when it was last hashed, when that was (ns), and its digest."""

    path: str
    size: int
    mtime_ns: int
    inode: int
    seen_ns: int
    digest: str


class Cache:
    """Reads and writes cache.db. A file that is not a sound cache of this format is started anew."""

    def __init__(self, path: Path, *, version: str) -> None:
        self._path = path
        self._db = self._open(f"{CACHE_FORMAT} {version}")

    def _open(self, mark: str) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return self._connect(mark)
        except sqlite3.DatabaseError:
            for suffix in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            return self._connect(mark)

    def _connect(self, mark: str) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=30, isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA synchronous=OFF")
            db.execute("PRAGMA journal_mode=WAL")
            row = db.execute("SELECT value FROM meta WHERE name='format'").fetchone() if _has_meta(db) else None
            if row is None or row[0] != mark:
                for table in ("meta", "files", "documents", "bodies", "scenes", "images"):
                    db.execute(f"DROP TABLE IF EXISTS {table}")
                db.executescript(_SCHEMA)
                db.execute("INSERT OR REPLACE INTO meta VALUES('format', ?)", (mark,))
        except sqlite3.DatabaseError:
            db.close()
            raise
        return db

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def files(self) -> dict[str, CachedFile]:
        """Every file that was hashed before."""
        return {row[0]: CachedFile._make(row) for row in self._db.execute("SELECT path,size,mtime_ns,inode,seen_ns,digest FROM files")}

    def put_files(self, files: Iterable[CachedFile], gone: Iterable[str]) -> None:
        """Remember hashes and forget files that are gone."""
        self._db.execute("BEGIN")
        self._db.executemany("INSERT OR REPLACE INTO files VALUES(?,?,?,?,?,?)", list(files))
        self._db.executemany("DELETE FROM files WHERE path=?", [(path,) for path in gone])
        self._db.execute("COMMIT")

    def documents(self) -> dict[str, tuple[str, str, str]]:
        """Path → (digest, heads, problems) of parsed files, JSON texts unread."""
        return {row[0]: (row[1], row[2], row[3]) for row in self._db.execute("SELECT path,digest,heads,problems FROM documents")}

    def put_documents(
        self, rows: Sequence[tuple[str, str, str, str]], bodies: Sequence[tuple[str, str, str, str]], gone: Iterable[str]
    ) -> None:
        """Remember parsed files: (path, digest, heads, problems) and (path, digest, data, positions)."""
        self._db.execute("BEGIN")
        self._db.executemany("INSERT OR REPLACE INTO documents VALUES(?,?,?,?)", rows)
        self._db.executemany("INSERT OR REPLACE INTO bodies VALUES(?,?,?,?)", bodies)
        for path in gone:
            self._db.execute("DELETE FROM documents WHERE path=?", (path,))
            self._db.execute("DELETE FROM bodies WHERE path=?", (path,))
        self._db.execute("COMMIT")

    def body(self, path: str, digest: str) -> tuple[str, str] | None:
        """Give data and positions of one parsed file as JSON texts, if they are those of this digest."""
        row: tuple[str, str] | None = self._db.execute(
            "SELECT data,positions FROM bodies WHERE path=? AND digest=?", (path, digest)
        ).fetchone()
        return row

    def bodies(self) -> dict[str, tuple[str, str]]:
        """Path → (digest, data) of every file: one read when many scenes are to be resolved again."""
        return {row[0]: (row[1], row[2]) for row in self._db.execute("SELECT path,digest,data FROM bodies")}

    def scenes(self, rendition: str) -> dict[str, tuple[str, str, str, str, str]]:
        """Name → (name, digest of inputs, names of inputs, targets, problems), for one rendition."""
        rows = self._db.execute(
            "SELECT name,inputs,reads,targets,problems FROM scenes WHERE name >= ? AND name < ?", (f"{rendition}:", f"{rendition};")
        )
        return {row[0]: row for row in rows}

    def put_scenes(self, scenes: Sequence[tuple[str, str, str, str, str]], gone: Iterable[str]) -> None:
        """Remember targets of scenes and forget scenes that are gone."""
        self._db.execute("BEGIN")
        self._db.executemany("INSERT OR REPLACE INTO scenes VALUES(?,?,?,?,?)", scenes)
        self._db.executemany("DELETE FROM scenes WHERE name=?", [(name,) for name in gone])
        self._db.execute("COMMIT")

    def images(self) -> dict[str, tuple[str, str]]:
        """File digest → (content digest, problem code) of pictures decoded before."""
        return {row[0]: (row[1], row[2]) for row in self._db.execute("SELECT digest,content,problem FROM images")}

    def put_images(self, rows: Mapping[str, tuple[str, str]]) -> None:
        """Remember decoded pictures."""
        self._db.executemany("INSERT OR REPLACE INTO images VALUES(?,?,?)", [(digest, *row) for digest, row in rows.items()])


def _has_meta(db: sqlite3.Connection) -> bool:
    return db.execute("SELECT 1 FROM sqlite_master WHERE name='meta'").fetchone() is not None
