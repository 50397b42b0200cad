"""The work behind `koma backup` and `koma restore`."""

from pathlib import Path

from koma.app import restoring
from koma.app.backup import back_up as make
from koma.app.backup import lists, read_list, verify
from koma.app.workspace import App
from koma.cli.printing import count, print_json, print_lines
from koma.core.errors import KomaError
from koma.stores.lock import StateLock

_MB = 1_000_000


def back_up(workspace: Path | None, folder: Path, keep: int, *, as_json: bool) -> int:
    """Make a backup and say what it holds."""
    with App.open(workspace) as app:
        made, backup = make(app, folder, keep)
    size = sum(kept.size for kept in backup.everything)
    if as_json:
        facts = {"list": str(made), "takes": backup.takes, "published": backup.published, "missing": backup.missing, "bytes": size}
        print_json(facts)
        return 0
    said = (
        f"{count(backup.takes, 'take')}, {count(backup.published, 'output')}, {count(len(backup.objects), 'object')}, {size / _MB:.1f} MB"
    )
    gone = (
        [f"{count(backup.missing, 'object')} that takes name were gone before, or damaged: koma doctor --objects"] if backup.missing else []
    )
    print_lines([f"{made}: {said}", *gone, f"to bring it back: koma restore {folder}"])
    return 0


def verify_all(folder: Path, *, as_json: bool) -> int:
    """Read every backup of a folder again; 1 if one is not whole."""
    found = {file: verify(folder, read_list(file)) for file in lists(folder)}
    if not found:
        raise KomaError(f"{folder} holds no backup", "name the folder that `koma backup` wrote to")
    if as_json:
        print_json({"backups": [{"list": str(file), "problems": problems} for file, problems in found.items()]})
    else:
        print_lines(
            line for file, problems in found.items() for line in [f"{file.name}: {'whole' if not problems else 'NOT whole'}", *problems]
        )
    return int(any(found.values()))


def restore(workspace: Path | None, folder: Path, at: str, *, replace: bool, as_json: bool) -> int:
    """Bring a backup back and say what came; 1 if an output could not be put in its place."""
    file = restoring.choose(folder, at)
    with App.open(workspace, writes=True) as app, StateLock(app.config.paths.lock):
        done = restoring.restore(app, folder, file, replace=replace)
    if as_json:
        facts = {"list": str(file), "takes": done.backup.takes, "published": done.published, "problems": done.problems}
        print_json(facts | {"aside": str(done.aside or "")})
        return int(bool(done.problems))
    lines = [f"{file.name}: {count(done.backup.takes, 'take')}, {count(done.published, 'output')} brought back"]
    lines += [f"the state before lies in {done.aside}"] if done.aside else []
    print_lines([*lines, *done.problems, "to see what is left to do: koma plan"])
    return int(bool(done.problems))
