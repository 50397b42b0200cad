"""The work behind `koma gc`: read everything that may name an object, or refuse."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from koma.app.workspace import App
from koma.cli.printing import count, print_json, print_lines
from koma.core.errors import KomaError
from koma.engine.garbage import DAY, Litter, marked, outlived, sweep, unmarked
from koma.publish.layout import receipts
from koma.stores.lock import StateLock

_MOST = 20
_MB = 1_000_000


def run(workspace: Path | None, retired_days: float, *, delete: bool, as_json: bool) -> int:
    """Say what may go, and delete it if asked. Raises LockHeld while a daemon runs, KomaError where something can't be read."""
    with App.open(workspace) as app:
        paths = app.config.paths
        with StateLock(paths.state.with_suffix(".lock")) if delete else nullcontext():
            now = app.clock.now()
            objects = unmarked(paths.objects, _marked(app), now)
            retired = outlived(paths.retired, now, retired_days * DAY)
            if delete:
                sweep(objects, paths.objects)
                sweep(retired, paths.retired)
    _tell([*objects, *retired], app.config.workspace, deleted=delete, as_json=as_json)
    return 0


def _marked(app: App) -> set[str]:
    problems = app.store.check()
    if problems:
        raise KomaError(f"the state store is damaged: {problems[0]}", "koma doctor; nothing was deleted")
    rows = app.store.take_rows() if app.config.paths.state.exists() else []  # what receipts tell of a lost store is not all it knew
    if not rows:
        hint = "koma run --once   (finds the takes again from the receipts); nothing was deleted"
        raise KomaError("the state store knows no take, so every object would look unneeded", hint)
    takes = (take for row in rows if (take := app.store.take(row.take_key)) is not None)
    return marked(takes, app.store.jobs(), _receipts(app.config.paths.outputs))


def _receipts(outputs: Path) -> Iterator[Mapping[str, Any]]:
    for file, _ in receipts(outputs):
        try:
            yield json.loads(file.read_bytes())
        except (OSError, ValueError) as error:
            hint = "repair it, or move it away if its pictures may go; nothing was deleted"
            raise KomaError(f"{file} can't be read, so what it names is not known: {error}", hint) from error


def _tell(litter: Sequence[Litter], root: Path, *, deleted: bool, as_json: bool) -> None:
    size = sum(item.size for item in litter)
    if as_json:
        rows = [{"file": _shown(item.path, root), "bytes": item.size, "why": item.why} for item in litter]
        print_json({"deleted": deleted, "bytes": size, "files": rows})
        return
    lines = [f"{_shown(item.path, root)}  {item.size / _MB:.1f} MB  {item.why}" for item in litter[:_MOST]]
    lines += [f"and {len(litter) - _MOST} more"] if len(litter) > _MOST else []
    print_lines([*lines, _summary(count(len(litter), "file"), size, deleted=deleted) if litter else "nothing to delete"])


def _summary(files: str, size: int, *, deleted: bool) -> str:
    said = f"{files}, {size / _MB:.1f} MB"
    return f"deleted {said}" if deleted else f"{said} may go. To delete them: koma gc --yes"


def _shown(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
