"""Putting a backup back: objects, then records, then the state in one transaction, then what people look at."""

from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from koma.app.backup import OBJECTS, lists, read_list
from koma.app.storing import open_store
from koma.app.workspace import App
from koma.core.backup import Backup, KeptFile, is_inside
from koma.core.errors import KomaError
from koma.core.faults import StoreError
from koma.core.store_address import is_postgresql
from koma.files import below
from koma.publish.durable import file_sha256, make_folder, write_bytes
from koma.publish.objects import FileObjects
from koma.stores.sqlite import SqliteStore

_HINT = "koma backup --verify FOLDER   (says what of a backup is whole)"


class Restored(NamedTuple):
    """What came back: the backup, how many outputs lie there again, what did not work, in words; where the state before lies now."""

    backup: Backup
    published: int
    problems: list[str]
    aside: Path | None


def choose(folder: Path, at: str) -> Path:
    """Find the list that was named, or the newest. Raises KomaError."""
    found = lists(folder)
    if not found:
        raise KomaError(f"{folder} holds no backup", "name the folder that `koma backup` wrote to")
    chosen = [file for file in found if at in file.name]
    if not chosen:
        raise KomaError(f"{folder} has no backup {at!r}", f"one of {', '.join(file.stem for file in found)}")
    return chosen[-1]


def restore(app: App, folder: Path, file: Path, *, replace: bool = False) -> Restored:
    """Bring back one backup into a workspace whose store is empty, or is put aside; the caller holds the lock. May be repeated.

    Raises KomaError where the backup is not whole (then the state stays as it is), StoreError, OSError.
    """
    backup = read_list(file)
    _must_have_room(app, replace=replace)
    source = FileObjects(folder / OBJECTS)
    try:
        for kept in backup.objects:
            _bring_object(app, source, kept)
        for kept in backup.files:
            _record(source, kept)
        state = _bytes(source, backup.state)
    except (FileNotFoundError, ValueError) as error:
        raise KomaError(f"the backup is not whole: {error}", _HINT) from error
    aside = _put_aside(app) if replace else None
    for kept in backup.files:
        _bring_record(app.config.paths.outputs, source, kept)
    with TemporaryDirectory(prefix="koma-", dir=app.scratch) as scratch:
        _fill(app, state, Path(scratch) / "state.db")
    done, problems = _publish_all(app)
    return Restored(backup, done, problems, aside)


def _must_have_room(app: App, *, replace: bool) -> None:
    if replace and is_postgresql(app.config.store):
        raise KomaError("the state lies in a database, and what is there is not replaced", "name an empty database in koma.yaml: `store`")
    if replace:
        return
    with closing(open_store(app.config, app.clock, writes=True)) as present:
        known = len(present.take_rows())
    if known:
        raise KomaError(f"this workspace knows {known} takes already", "koma restore --replace   (puts the present state aside first)")


def _put_aside(app: App) -> Path | None:
    """Move the state file away, damaged or not, so that another one can take its place; where it lies now."""
    state = app.config.paths.state
    if not state.exists():
        return None
    with suppress(StoreError), closing(SqliteStore(state)) as present:
        present.tidy()  # takes what its -wal file holds into the file itself, also while somebody reads it
    aside = state.with_name(f"{state.name}.before-restore-{int(app.clock.now())}")
    state.replace(aside)
    for rest in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            state.with_name(state.name + rest).replace(aside.with_name(aside.name + rest))
    return aside


def _bring_object(app: App, source: FileObjects, kept: KeptFile) -> None:
    if not app.objects.is_sound(kept.file_digest, kept.suffix):
        app.objects.put(source.path(kept.file_digest, kept.suffix), expect=kept.file_digest)


def _record(source: FileObjects, kept: KeptFile) -> bytes:
    if not is_inside(kept.path):
        raise ValueError(f"it names {kept.path!r}, which leads out of the outputs folder")
    return _bytes(source, kept)


def _bring_record(outputs: Path, source: FileObjects, kept: KeptFile) -> None:
    path = below(outputs, outputs / kept.path)
    make_folder(path.parent)
    write_bytes(path, _record(source, kept))


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


def _publish_all(app: App) -> tuple[int, list[str]]:
    done, problems = 0, []
    for row in app.store.published():
        take = app.store.take(row.take_key)
        try:
            if take is not None:
                app.publisher.publish(take, row.path.removesuffix(Path(row.path).suffix))
                done += 1
        except (OSError, ValueError) as error:
            problems.append(f"{row.path}: {error}")
    return done, problems
