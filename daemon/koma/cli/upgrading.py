"""The work behind `koma template add` and `upgrade`: templates of the workspace beside those that ship with this Koma."""

import os
from collections.abc import Iterator, Mapping, Sequence
from difflib import unified_diff
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from koma.app.workspace import App
from koma.cli.planning import lines_of, summary_line
from koma.cli.printing import print_lines, say
from koma.cli.shipped import files_of, template_folder, template_names
from koma.config import Config
from koma.core.errors import KomaError, UsageError
from koma.core.faults import SourceError
from koma.core.snapshot import Snapshot, SourceFile
from koma.core.words import ActionKind
from koma.ports import Source

_SHOWN = 20  # targets of a plan that are listed
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
    """Show the difference to the templates that ship with this Koma, and what would be planned; with `write`, take them over."""
    with App.open(workspace) as app:
        config = app.config
    folder = config.paths.templates
    shown_as = folder.relative_to(config.workspace).as_posix() if folder.is_relative_to(config.workspace) else str(folder)
    changed: dict[str, Mapping[str, bytes]] = {}
    for name in names or [name for name in template_names() if (folder / name).is_dir()]:
        old, new = _both(folder, name)
        lines = [
            line
            for file in sorted(old.keys() | new.keys())
            for line in difference(f"{shown_as}/{name}/{file}", old.get(file), new.get(file))
        ]
        print_lines(lines)
        changed |= {name: new} if lines else {}
    if changed:
        _tell_plan(config, changed)
    if write:
        for name, new in changed.items():
            _write(folder / name, new)
    _tell(len(changed), write=write)
    return 0


class _Ahead:
    """A source as it will be once template files have other contents: path → bytes. Implements koma.ports.Source."""

    def __init__(self, source: Source, files: Mapping[str, bytes]) -> None:
        self._source, self._files = source, files

    def snapshot(self) -> Snapshot:
        found = self._source.snapshot()
        ahead = {path: SourceFile(path, sha256(content).hexdigest(), len(content)) for path, content in self._files.items()}
        return found._replace(templates={**found.templates, **ahead})

    def read(self, files: Sequence[SourceFile]) -> Mapping[str, bytes]:
        theirs = [file for file in files if file.path not in self._files]
        return {**self._source.read(theirs), **{file.path: self._files[file.path] for file in files if file.path in self._files}}

    def local(self, file: SourceFile) -> Path:
        return self._source.local(file)


class _AppAhead(App):
    """A workspace whose template files have other contents already."""

    def __init__(self, config: Config, files: Mapping[str, bytes]) -> None:
        super().__init__(config)
        self._files = files

    @cached_property
    def source(self) -> Source:
        return _Ahead(super().source, self._files)


def _tell_plan(config: Config, changed: Mapping[str, Mapping[str, bytes]]) -> None:
    """Say what would be planned with these files in the templates. Raises KomaError."""
    templates = os.path.relpath(config.paths.templates, config.workspace)
    files = {f"{templates}/{name}/{file}": content for name, new in changed.items() for file, content in new.items()}
    with TemporaryDirectory() as scratch:  # a daemon that runs meanwhile must not find these plans in its cache
        paths = config.paths._replace(cache=Path(scratch) / "cache.db")
        with _AppAhead(config._replace(source=config.source._replace(mode="directory"), paths=paths), files) as app:
            try:
                survey = app.surveyor.survey(config.rendition)
            except SourceError as error:
                raise KomaError(str(error), "try again in a moment") from error
    doing = [action for action in survey.plan.actions if action.action is not ActionKind.KEEP]
    say(f"with these templates, `koma plan` would say ({config.rendition}):")
    for problem in survey.wanted.problems:
        say(str(problem))
    for action in doing[:_SHOWN]:
        say("\n".join(lines_of(action)))
    if len(doing) > _SHOWN:
        say(f"  and {len(doing) - _SHOWN} more")
    say(summary_line(survey.plan, config.rendition))


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
