"""Backups of what Koma made: the state store, the records in outputs/, and every object that they name.

A backup folder is an object store of its own and one list for each backup, which is written last. So a backup that was stopped half way
has changed nothing, the next one copies only what is new, and every file is proved by its digest.
"""

import json
import re
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from koma import __version__
from koma.app.storing import open_store
from koma.app.workspace import App
from koma.core.backup import FORMAT, LIST, LIST_SUFFIX, Backup, KeptFile
from koma.core.codec import CodecError, from_json, to_json
from koma.core.errors import KomaError
from koma.core.faults import StoreError
from koma.core.job import Job
from koma.core.take import Take
from koma.engine.garbage import digests_in, digests_of, digests_of_job
from koma.publish.durable import file_sha256, write_text
from koma.publish.layout import GATE, LOG, RECEIPT, receipts
from koma.publish.objects import INCOMING, FileObjects
from koma.stores.lock import LockHeld, StateLock
from koma.stores.sqlite import SqliteStore

OBJECTS = "objects"
_STATE_NAME = "state.db"
_LOCK = "backup.lock"
_AGAIN = "; delete it, and the next `koma backup` copies it again if it is still there"
_LIST_NAME = re.compile(rf"{LIST}\d{{8}}T\d{{6}}Z\{LIST_SUFFIX}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def back_up(app: App, folder: Path, keep: int) -> tuple[Path, Backup]:
    """Make one backup and forget all but the newest `keep`; its list, and what it holds. A daemon may go on meanwhile.

    Raises KomaError, StoreError, OSError.
    """
    if not app.has_store:
        raise KomaError("there is no state store yet, so there is nothing to back up", "koma run --once")
    _must_lie_apart(folder, [app.config.paths.outputs, app.config.paths.objects])
    with _alone(folder):
        with TemporaryDirectory(prefix=".koma-", dir=folder) as scratch:  # a daemon that starts tidies its own scratch folder
            backup = _taken(app, FileObjects(folder / OBJECTS), Path(scratch) / _STATE_NAME)
        made = folder / f"{LIST}{backup.made_at.replace('-', '').replace(':', '')}{LIST_SUFFIX}"
        write_text(made, json.dumps(to_json(backup), indent=1) + "\n")
        _forget(folder, keep, made)
    return made, backup


def _must_lie_apart(folder: Path, made_of: Iterable[Path]) -> None:
    """Refuse a folder whose backups would lie among what they are made of: forgetting one would delete that."""
    here, objects = folder.resolve(), (folder / OBJECTS).resolve()
    for place in (path.resolve() for path in made_of):
        if here.is_relative_to(place) or objects.is_relative_to(place) or place.is_relative_to(objects):
            raise KomaError(
                f"{folder} overlaps with {place}, which is to be backed up", "name a folder outside of it, on another disk at best"
            )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other backups out of the folder, where its file system knows locks: one forgets what another has just copied."""
    lock = StateLock(folder / _LOCK)
    try:
        lock.acquire()
    except LockHeld:
        raise
    except StoreError:
        pass
    try:
        yield
    finally:
        lock.release()


def _taken(app: App, into: FileObjects, copy: Path) -> Backup:
    takes, jobs, published = _copy_store(app, copy)
    known = _objects_by_digest(app.config.paths.objects)
    records = list(_records(app.config.paths.outputs))
    wanted = {digest for take in takes for digest in digests_of(take)} | {digest for job in jobs for digest in digests_of_job(job)}
    wanted |= {digest for file in records if file.name.endswith(RECEIPT) for digest in digests_in(_json(file))}
    objects = tuple(_put_objects(into, ((digest, file) for digest in sorted(wanted) for file in known.get(digest, ()))))
    return Backup(
        format_version=FORMAT,
        koma=__version__,
        made_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(app.clock.now())),
        takes=len(takes),
        published=published,
        missing=len(wanted - {kept.file_digest for kept in objects}),
        state=_put(into, copy, _STATE_NAME),
        files=tuple(_put_records(into, records, app.config.paths.outputs)),
        objects=objects,
    )


def _copy_store(app: App, copy: Path) -> tuple[list[Take], list[Job], int]:
    store = SqliteStore(copy)
    try:
        with closing(open_store(app.config, app.clock, writes=False)) as whole, whole.contents() as given:
            store.fill(given)
        takes = [take for row in store.take_rows() if (take := store.take(row.take_key)) is not None]
        return takes, store.jobs(), len(store.published())
    finally:
        store.close()


def _objects_by_digest(root: Path) -> dict[str, list[Path]]:
    """Find objects by digest: the same bytes may lie there under several suffixes."""
    found = defaultdict(list)
    for file in sorted(root.glob("??/*")):
        found[_digest_of(file)].append(file)
    return found


def _digest_of(file: Path) -> str:
    """Digest that the name of an object says; "" for any other file."""
    digest = file.parent.name + file.name.partition(".")[0]
    return digest if _DIGEST.fullmatch(digest) else ""


def _records(outputs: Path) -> Iterator[Path]:
    """Receipts, gate results and logs, published or not, and what is known of the server."""
    for receipt, _ in receipts(outputs):
        yield receipt
        stem = receipt.name.removesuffix(RECEIPT)
        yield from (file for suffix in (GATE, LOG) if (file := receipt.with_name(stem + suffix)).is_file())
    yield from sorted(file for file in (outputs / ".koma").glob("*.json") if file.is_file())


def _put_records(into: FileObjects, records: Iterable[Path], outputs: Path) -> Iterator[KeptFile]:
    for file in records:
        with suppress(FileNotFoundError):  # retired meanwhile
            yield _put(into, file, file.relative_to(outputs).as_posix())


def _put(into: FileObjects, file: Path, path: str) -> KeptFile:
    digest, suffix = file_sha256(file), file.suffix.lower()
    if not into.has(digest, suffix):
        digest = into.put(file)  # another one if it was written anew meanwhile
    return KeptFile(digest, suffix, into.path(digest, suffix).stat().st_size, path)


def _put_objects(into: FileObjects, objects: Iterable[tuple[str, Path]]) -> Iterator[KeptFile]:
    for digest, file in objects:
        suffix = file.suffix
        with suppress(FileNotFoundError, ValueError):  # collected meanwhile, or damaged
            if not into.has(digest, suffix):
                into.put(file, expect=digest)
            yield KeptFile(digest, suffix, into.path(digest, suffix).stat().st_size)


def lists(folder: Path) -> list[Path]:
    """Find the lists of the backups in a folder, oldest first."""
    return sorted(file for file in folder.glob(f"{LIST}*{LIST_SUFFIX}") if _LIST_NAME.fullmatch(file.name))


def read_list(file: Path) -> Backup:
    """Read one list. Raises KomaError for what is none, or of a newer Koma."""
    try:
        data = json.loads(file.read_bytes())
        newer = isinstance(data, dict) and int(data.get("format_version", 0)) > FORMAT
        backup = None if newer else from_json(Backup, data)
    except (OSError, ValueError, TypeError, RecursionError, CodecError) as error:
        raise KomaError(f"{file} is no list of a backup: {error}", "name another one with --at, or make a new backup") from error
    if backup is None:
        raise KomaError(f"{file}: made by a newer Koma ({data.get('koma')})", "install that Koma, or a newer one")
    return backup


def verify(folder: Path, backup: Backup) -> list[str]:
    """Read every file of a backup again; what is missing or damaged, in words."""
    objects = FileObjects(folder / OBJECTS)
    bad = (kept for kept in _each_once(backup.everything) if not objects.verify(kept.file_digest, kept.suffix))
    return [f"{objects.path(kept.file_digest, kept.suffix)}: {kept.path or 'an object'} is missing or damaged{_AGAIN}" for kept in bad]


def _each_once(kept: Iterable[KeptFile]) -> Iterable[KeptFile]:
    return {(one.file_digest, one.suffix): one for one in kept}.values()


def _forget(folder: Path, keep: int, made: Path) -> None:
    """Delete the oldest lists but for the one just made, then every object that no list names any more; nothing else that lies there."""
    for old in lists(folder)[:-keep]:
        if old != made:  # its name is not the newest where the clock was set back
            old.unlink()
    objects = FileObjects(folder / OBJECTS)
    named = {objects.path(kept.file_digest, kept.suffix) for file in lists(folder) for kept in read_list(file).everything}
    for file in (folder / OBJECTS).glob("*/*"):
        if file not in named and (_digest_of(file) or file.parent.name == INCOMING):
            file.unlink()


def _json(file: Path) -> object:
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}  # it is kept as it is; `koma doctor` and the next start say what is wrong with it
