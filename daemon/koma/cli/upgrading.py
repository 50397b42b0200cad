"""The work behind `koma template add` and `upgrade`: templates of the workspace beside those that ship with this Koma."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import unified_diff
from pathlib import Path

from koma.app.workspace import App
from koma.cli.printing import print_lines, say
from koma.cli.shipped import files_of, template_folder, template_names
from koma.core.errors import KomaError, UsageError

NO_END = "\\ No newline at end of file"


def add_templates(workspace: Path | None, names: Sequence[str]) -> int:
    """Copy templates into the workspace. Raises KomaError for one that is there already."""
    with App.open(workspace) as app:
        folder = app.config.paths.templates
    sources = {name: template_folder(name) for name in names}
    for name in names:
        if (folder / name).exists():
            raise KomaError(f"{folder / name} is there already", f"koma template upgrade {name}   (shows how it differs)")
    for name, source in sources.items():
        _write(folder / name, files_of(source))
        say(f"wrote {folder / name}")
    say("choose it in a project, a scene or a shot: templates: {still: NAME}")
    return 0


def upgrade_templates(workspace: Path | None, names: Sequence[str], *, write: bool) -> int:
    """Show the difference to the templates that ship with this Koma; with `write`, take them over."""
    with App.open(workspace) as app:
        folder = app.config.paths.templates
        shown_as = folder.relative_to(app.config.workspace).as_posix() if folder.is_relative_to(app.config.workspace) else str(folder)
    changed = 0
    for name in names or [name for name in template_names() if (folder / name).is_dir()]:
        old, new = _both(folder, name)
        lines = [
            line
            for file in sorted(old.keys() | new.keys())
            for line in difference(f"{shown_as}/{name}/{file}", old.get(file), new.get(file))
        ]
        print_lines(lines)
        changed += bool(lines)
        if write and lines:
            _write(folder / name, new)
    _tell(changed, write=write)
    return 0


def _both(folder: Path, name: str) -> tuple[Mapping[str, bytes], Mapping[str, bytes]]:
    """Files of a template in the workspace, and as they would be: what ships with Koma, over files of its folder that do not."""
    new = files_of(template_folder(name))
    if not (folder / name).is_dir():
        raise UsageError(f"this workspace has no template called {name!r}", f"koma template add {name}")
    old = files_of(folder / name)
    return old, {**old, **new}


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def _tell(changed: int, *, write: bool) -> None:
    if not changed:
        say("the templates are those that ship with this Koma")
    elif write:
        say("written. `koma plan` says what renders again because of it; `git diff` and `git checkout` still have the old ones")
    else:
        say("to take this over: koma template upgrade --write")


def difference(path: str, old: bytes | None, new: bytes | None) -> Iterator[str]:
    """Lines of the difference between two versions of a file, as git shows it; none where they are the same."""
    if old == new or new is None:
        return
    yield f"diff --git a/{path} b/{path}"
    if old is None:
        yield "new file mode 100644"
    yield from _hunks(_text(old or b""), _text(new), "/dev/null" if old is None else f"a/{path}", f"b/{path}")


def _hunks(old: str, new: str, old_name: str, new_name: str) -> Iterator[str]:
    for line in unified_diff(old.splitlines(keepends=True), new.splitlines(keepends=True), old_name, new_name):
        yield line.removesuffix("\n")
        if not line.endswith("\n"):
            yield NO_END


def _text(content: bytes) -> str:
    return content.decode(errors="replace")
