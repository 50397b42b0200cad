"""Putting a backup back: objects, then records, then the state in one transaction, then what people look at."""

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from koma.app.backup import OBJECTS, lists, read_list
from koma.app.storing import open_store
from koma.app.workspace import App
from koma.core.backup import Backup, KeptFile, is_inside
from koma.core.errors import KomaError
from koma.core.store_address import is_postgresql
from koma.files import below
from koma.publish.durable import file_sha256, make_folder, write_bytes
from koma.publish.objects import FileObjects
from koma.stores.sqlite import SqliteStore

_HINT = "koma backup --verify FOLDER   (says what of a backup is whole)"


class Restored(NamedTuple):
    """What came back: the backup, how many outputs lie there again, and what did not work, in words."""

    backup: Backup
    published: int
    problems: list[str]


def choose(folder: Path, at: str) -> Path:
    """Find the list that was named, or the newest. Raises KomaError."""
    found = lists(folder)
    if not found:
        raise KomaError(f"{folder} holds no backup", "name the folder that `koma backup` wrote to")
    chosen = [file for file in found if at in file.name]
    if not chosen:
        raise KomaError(f"{folder} has no backup {at!r}", f"one of {', '.join(file.stem for file in found)}")
    return chosen[-1]


def put_aside(app: App) -> Path | None:
    """Move the state file away, so that another one can take its place; where it lies now. Raises KomaError for a database."""
    if is_postgresql(app.config.store):
        raise KomaError("the state lies in a database, and what is there is not replaced", "name an empty database in koma.yaml: `store`")
    state = app.config.paths.state
    if not state.exists():
        return None
    SqliteStore(state).close()  # takes what its -wal file holds into the file itself
    aside = state.with_name(f"{state.name}.before-restore-{int(app.clock.now())}")
    state.replace(aside)
    for rest in ("-wal", "-shm"):
        state.with_name(state.name + rest).unlink(missing_ok=True)
    return aside


def restore(app: App, folder: Path, file: Path) -> Restored:
    """Bring back one backup into a workspace whose store is empty; the caller holds the lock. May be repeated.

    Raises KomaError where the backup is not whole (then no state was brought back), StoreError, OSError.
    """
    backup = read_list(file)
    with closing(open_store(app.config, app.clock, writes=True)) as present:
        known = len(present.take_rows())
    if known:
        raise KomaError(f"this workspace knows {known} takes already", "koma restore --replace   (puts the present state aside first)")
    source = FileObjects(folder / OBJECTS)
    try:
        for kept in backup.objects:
            _bring_object(app, source, kept)
        for kept in backup.files:
            _bring_record(app.config.paths.outputs, source, kept)
        state = _bytes(source, backup.state)
    except (FileNotFoundError, ValueError) as error:
        raise KomaError(f"the backup is not whole: {error}", _HINT) from error
    with TemporaryDirectory(prefix="koma-", dir=app.scratch) as scratch:
        _fill(app, state, Path(scratch) / "state.db")
    return _publish_all(app, backup)


def _bring_object(app: App, source: FileObjects, kept: KeptFile) -> None:
    if not app.objects.has(kept.file_digest, kept.suffix):
        app.objects.put(source.path(kept.file_digest, kept.suffix), expect=kept.file_digest)


def _bring_record(outputs: Path, source: FileObjects, kept: KeptFile) -> None:
    if not is_inside(kept.path):
        raise ValueError(f"it names {kept.path!r}, which leads out of the outputs folder")
    path = below(outputs, outputs / kept.path)
    make_folder(path.parent)
    write_bytes(path, _bytes(source, kept))


def _bytes(source: FileObjects, kept: KeptFile) -> bytes:
    file = source.path(kept.file_digest, kept.suffix)
    if not file.is_file() or file_sha256(file) != kept.file_digest:
        raise ValueError(f"{file} ({kept.path}) is missing or damaged")
    return file.read_bytes()


def _fill(app: App, state: bytes, copy: Path) -> None:
    """Open a copy of the state as a store of its own, which brings it to today's schema, and copy that."""
    copy.write_bytes(state)
    with closing(SqliteStore(copy)) as old, closing(open_store(app.config, app.clock, writes=True)) as into, old.contents() as given:
        into.fill(given)


def _publish_all(app: App, backup: Backup) -> Restored:
    done, problems = 0, []
    for row in app.store.published():
        take = app.store.take(row.take_key)
        try:
            if take is not None:
                app.publisher.publish(take, row.path.removesuffix(Path(row.path).suffix))
                done += 1
        except (OSError, ValueError) as error:
            problems.append(f"{row.path}: {error}")
    return Restored(backup, done, problems)
