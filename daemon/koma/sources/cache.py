"""cache.db: what was read, parsed, decoded and resolved before. May be deleted at any time; nothing here is a fact of its own.

Plain sqlite3, because a plan with nothing to do reads it within milliseconds; synchronous is off, because a lost cache costs only time.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Self

from koma.core.snapshot import PictureRow

CACHE_FORMAT = "10"
WAL_BYTES = 16 << 20
MANY = 100_000  # notes, pictures or manifests: ten for each shot of a long film
LOOSE_PAGES = 1000  # of 4 kB: not worth a rewrite

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files(
  path TEXT PRIMARY KEY, size INT, mtime_ns INT, inode INT, ctime_ns INT, seen_ns INT, digest TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS documents(path TEXT PRIMARY KEY, digest TEXT, heads TEXT, problems TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS bodies(path TEXT PRIMARY KEY, digest TEXT, data TEXT, positions TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS scenes(name TEXT PRIMARY KEY, inputs TEXT, reads TEXT, problems TEXT, settled TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS targets(name TEXT PRIMARY KEY, targets TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS manifests(name TEXT PRIMARY KEY, manifest TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notes(name TEXT PRIMARY KEY, text TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS images(digest TEXT PRIMARY KEY, content TEXT, problem TEXT, width INT, height INT) WITHOUT ROWID;
"""


class CachedFile(NamedTuple):
    """A file's stat when it was last hashed, when that was (ns), and its digest."""

    path: str
    size: int
    mtime_ns: int
    inode: int
    ctime_ns: int
    seen_ns: int
    digest: str


class Cache:
    """Reads and writes cache.db. A file that is not a sound cache of this format is started anew."""

    def __init__(self, path: Path, *, version: str) -> None:
        self._path = path
        self._mark = f"{CACHE_FORMAT} {version}"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = self._connect(path, self._mark)
        except (sqlite3.DatabaseError, OSError):
            self._db = self._anew()

    def _anew(self) -> sqlite3.Connection:
        """Begin with an empty file; in memory where the disk takes none."""
        try:
            for suffix in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            return self._connect(self._path, self._mark)
        except (sqlite3.DatabaseError, OSError):
            return self._connect(":memory:", self._mark)

    def _connect(self, path: Path | str, mark: str) -> sqlite3.Connection:
        db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA synchronous=OFF")
            db.execute("PRAGMA journal_mode=WAL")
            db.execute(f"PRAGMA journal_size_limit={WAL_BYTES}")
            row = db.execute("SELECT value FROM meta WHERE name='format'").fetchone() if _has_meta(db) else None
            if row is None or row[0] != mark:
                for table in ("meta", "files", "documents", "bodies", "scenes", "targets", "manifests", "notes", "images"):
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

    def _rows(self, sql: str, values: Sequence[str] = ()) -> list[Any]:
        """Read; a file that turns out to be damaged is started anew, as if nothing had ever been remembered."""
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.DatabaseError:
            self._db.close()
            self._db = self._anew()
            return []

    def _write(self, *statements: tuple[str, Iterable[Sequence[Any]]]) -> None:
        """Write all or nothing; what can't be written to a damaged file is forgotten with it."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for sql, rows in statements:
                self._db.executemany(sql, rows)
            self._db.execute("COMMIT")
        except sqlite3.DatabaseError:
            self._db.close()
            self._db = self._anew()

    def files(self) -> dict[str, CachedFile]:
        """Every file that was hashed before."""
        return {row[0]: CachedFile._make(row) for row in self._rows("SELECT path,size,mtime_ns,inode,ctime_ns,seen_ns,digest FROM files")}

    def put_files(self, files: Iterable[CachedFile], gone: Iterable[str]) -> None:
        """Remember hashes and forget files that are gone."""
        self._write(
            ("INSERT OR REPLACE INTO files VALUES(?,?,?,?,?,?,?)", files),
            ("DELETE FROM files WHERE path=?", ((path,) for path in gone)),
        )

    def documents(self) -> dict[str, tuple[str, str, str]]:
        """Path → (digest, heads, problems) of parsed files, JSON texts unread."""
        return {row[0]: (row[1], row[2], row[3]) for row in self._rows("SELECT path,digest,heads,problems FROM documents")}

    def put_documents(
        self, rows: Sequence[tuple[str, str, str, str]], bodies: Sequence[tuple[str, str, str, str]], gone: Iterable[str]
    ) -> None:
        """Remember parsed files: (path, digest, heads, problems) and (path, digest, data, positions)."""
        paths = [(path,) for path in gone]
        self._write(
            ("INSERT OR REPLACE INTO documents VALUES(?,?,?,?)", rows),
            ("INSERT OR REPLACE INTO bodies VALUES(?,?,?,?)", bodies),
            ("DELETE FROM documents WHERE path=?", paths),
            ("DELETE FROM bodies WHERE path=?", paths),
        )

    def body(self, path: str, digest: str) -> tuple[str, str] | None:
        """Give data and positions of one parsed file as JSON texts, if they are those of this digest."""
        return next(iter(self._rows("SELECT data,positions FROM bodies WHERE path=? AND digest=?", (path, digest))), None)

    def bodies(self) -> dict[str, tuple[str, str]]:
        """Path → (digest, data) of every file: one read when many scenes are to be resolved again."""
        return {row[0]: (row[1], row[2]) for row in self._rows("SELECT path,digest,data FROM bodies")}

    def scenes(self, rendition: str) -> dict[str, tuple[str, str, str, str, str]]:
        """Name → (name, digest of inputs, names of inputs, problems, settled lines), for one rendition."""
        columns = "SELECT name,inputs,reads,problems,settled FROM scenes"
        return {row[0]: row for row in self._rows(f"{columns} WHERE name >= ? AND name < ?", (f"{rendition}:", f"{rendition};"))}

    def targets(self, names: Sequence[str]) -> list[str]:
        """Targets of these scenes, in their order, as JSON texts; "" for one that is not there any more."""
        rows = self._rows("SELECT name,targets FROM targets WHERE name IN (SELECT value FROM json_each(?))", (json.dumps(names),))
        found: dict[str, str] = dict(rows)
        return [found.get(name, "") for name in names]

    def put_scenes(self, scenes: Sequence[tuple[str, str, str, str, str]], gone: Iterable[str]) -> None:
        """Remember scenes as (name, digest of inputs, names of inputs, problems, targets), and forget those that are gone."""
        names = [(name,) for name in gone]
        self._write(
            ("INSERT OR REPLACE INTO scenes VALUES(?,?,?,?,'')", [scene[:4] for scene in scenes]),
            ("INSERT OR REPLACE INTO targets VALUES(?,?)", [(scene[0], scene[4]) for scene in scenes]),
            ("DELETE FROM scenes WHERE name=?", names),
            ("DELETE FROM targets WHERE name=?", names),
        )

    def put_settled(self, settled: Mapping[str, str]) -> None:
        """Remember by name what lay in outputs/ when nothing was left to do for a scene."""
        self._write(("UPDATE scenes SET settled=? WHERE name=?", [(lines, name) for name, lines in settled.items()]))

    def manifest(self, name: str) -> str:
        """Manifest of a template that was read before, as JSON text; "" for none. The name holds the digest of its file."""
        rows = self._rows("SELECT manifest FROM manifests WHERE name=?", (name,))
        return str(rows[0][0]) if rows else ""

    def put_manifest(self, name: str, manifest: str) -> None:
        """Remember a manifest."""
        self._write(("INSERT OR REPLACE INTO manifests VALUES(?,?)", [(name, manifest)]))

    def notes(self, names: Sequence[str]) -> dict[str, str]:
        """Name → text of notes that were made under these names; those that were never made are left out."""
        return dict(self._rows("SELECT name,text FROM notes WHERE name IN (SELECT value FROM json_each(?))", (json.dumps(names),)))

    def put_notes(self, notes: Mapping[str, str]) -> None:
        """Remember notes."""
        self._write(("INSERT OR REPLACE INTO notes VALUES(?,?)", list(notes.items())))

    def images(self) -> dict[str, PictureRow]:
        """File digest → what was found when the picture was decoded."""
        return {row[0]: (row[1], row[2], row[3], row[4]) for row in self._rows("SELECT digest,content,problem,width,height FROM images")}

    def tidy(self) -> None:
        """Forget notes and pictures where there are very many: they are made again. Give back the room of what was forgotten."""
        for table in ("notes", "images", "manifests"):
            if self._rows(f"SELECT count(*) > {MANY} FROM {table}") == [(1,)]:  # noqa: S608  # one of three names
                self._write((f"DELETE FROM {table}", [()]))  # noqa: S608  # one of three names
        pages, free = self._rows("PRAGMA page_count"), self._rows("PRAGMA freelist_count")
        with suppress(sqlite3.OperationalError):  # another process reads: the next time will do
            if pages and free and free[0][0] > max(LOOSE_PAGES, pages[0][0] // 2):
                self._db.execute("VACUUM")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def put_images(self, rows: Mapping[str, PictureRow]) -> None:
        """Remember decoded pictures."""
        self._write(("INSERT OR REPLACE INTO images VALUES(?,?,?,?,?)", [(digest, *row) for digest, row in rows.items()]))


def _has_meta(db: sqlite3.Connection) -> bool:
    return db.execute("SELECT 1 FROM sqlite_master WHERE name='meta'").fetchone() is not None
