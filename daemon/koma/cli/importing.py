"""The work behind `koma template import`: workflows of ComfyUI become template folders."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from koma.app.workspace import App
from koma.cli.checking import open_work_tree
from koma.cli.planning import problem_json
from koma.cli.printing import count, print_json, print_lines, table
from koma.core.comfyui_draft import MATCH
from koma.core.draft import LoadedTemplate
from koma.core.errors import KomaError, UsageError
from koma.core.graph_check import check_graph
from koma.core.ids import is_id, suggest_id
from koma.core.keys import text_digest
from koma.core.manifest import parse_template
from koma.core.problem import Place, Problem, Severity
from koma.core.workflow import Workflow, read_workflow
from koma.core.workflow_folder import folder_files
from koma.core.workflow_guess import Guess, guess
from koma.core.workflow_outputs import lossless
from koma.engine.checking import template_problems
from koma.engine.templates import GRAPH, MANIFEST
from koma.sources.directory import expand

IMPORTED, NEEDS_HAND, FAILED = "imported", "needs hand", "failed"
PHASES = ("still", "loop", "video", "finish")
_SUFFIXES = frozenset({".json", ".png"})
_LARGEST = 256 * 1024 * 1024  # bytes of a file; a picture with its graph is far smaller
# Mistakes of a graph that no template can be made of.
_HOPELESS = frozenset({"empty-graph", "not-a-node", "missing-class-type", "missing-inputs", "bad-link", "dangling-link", "cycle"})


class Row(NamedTuple):
    """What became of one file: the template's folder ("" if none was written), outcome, reasons, Problems."""

    file: str
    template: str
    outcome: str
    why: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it for programs."""
        said = {"file": self.file, "template": self.template, "outcome": self.outcome, "why": list(self.why)}
        return {**said, "problems": [problem_json(problem) for problem in self.problems]}


class Options(NamedTuple):
    """What was asked for: a name and phase ("" to guess), a project's folder (None for the workspace), whether folders are overwritten."""

    name: str
    phase: str
    into: Path | None
    force: bool


def import_workflows(workspace: Path | None, paths: Sequence[Path], options: Options, *, as_json: bool) -> int:
    """Import, print what became of each file; 1 if one failed. Raises UsageError."""
    _sensible(options)
    files = [file for path in paths for file in _files(path)]
    if options.name and len(files) != 1:
        raise UsageError(f"--name names one template, and there are {count(len(files), 'file')}", "leave it out: names come from the files")
    with open_work_tree(workspace) as app:
        folder = _folder(app, options.into)
        importer = _Importer(app, folder, options)
        rows = [importer.row(file) for file in files]
    _tell(rows, as_json=as_json)
    return int(any(row.outcome == FAILED for row in rows))


def _sensible(options: Options) -> None:
    if options.phase not in ("", *PHASES):
        raise UsageError(f"there is no phase {options.phase!r}", f"one of {', '.join(PHASES)}")
    if options.name and not is_id(options.name):
        near = suggest_id(options.name)
        raise UsageError(f"{options.name!r} can't be the name of a template", f"--name {near}" if near else "lowercase letters, digits, -")


def _files(path: Path) -> list[Path]:
    """Find the file, or every JSON and PNG file below the folder."""
    if not path.is_dir():
        return [path]
    below = (Path(folder) / name for folder, _, names in os.walk(path) for name in names if not name.startswith("."))
    return sorted(file for file in below if file.suffix.lower() in _SUFFIXES and not _special(file))


def _special(file: Path) -> bool:
    """Whether a path is a pipe, a socket or a device, which nobody means and which might never end."""
    return file.exists() and not file.is_file()


def _folder(app: App, into: Path | None) -> Path:
    """Folder of the workspace's templates, or of those of the project that `into` names. Raises UsageError for any other folder."""
    if into is None:
        return app.config.paths.templates
    root = app.config.workspace
    projects = [root / folder for folder in expand(root, app.config.watch)]
    places = {app.config.paths.templates: app.config.paths.templates}
    for project in projects:
        places |= {project: project / "templates", project / "templates": project / "templates"}
    found = places.get(into.resolve()) or places.get((root / into).resolve())
    if found is None:
        hint = f"one of {', '.join(str(place.relative_to(root)) for place in projects)}" if projects else "leave it out"
        raise UsageError(f"{into} is no project of this workspace, and templates are found nowhere else", hint)
    return found


class _Importer:
    """Imports files one after the other into one folder of templates."""

    def __init__(self, app: App, folder: Path, options: Options) -> None:
        self._app, self._folder, self._options = app, folder, options
        self._written: set[str] = set()

    def row(self, file: Path) -> Row:
        """Import one file. What is wrong with it is told in its row, and holds no other."""
        shown = str(file)
        try:
            found = read_workflow(_read(file), shown, self._app.server.signatures)
        except KomaError as error:
            return Row(shown, "", FAILED, (error.message,))
        if isinstance(found, Problem):
            return _failed(shown, found)
        made = self._guess(found, shown)
        return _failed(shown, made) if isinstance(made, Problem) else self._write(file, found, made)

    def _guess(self, found: Workflow, shown: str) -> Guess | Problem:
        signatures = self._app.server.signatures
        wrong = check_graph(found.graph, signatures, shown, found.text)
        hopeless = next((problem for problem in wrong if problem.code in _HOPELESS), None)
        if hopeless is not None:
            return hopeless
        saved = lossless(found.graph, signatures)
        if saved is None:
            hint = "end the workflow in SaveImage, with the frames linked to it"
            return Problem(
                Place(shown), "no-output-node", "no node saves or shows pictures", "SaveImage, PreviewImage or a node for films", hint
            )
        return guess(saved, signatures, self._options.phase)

    def _write(self, file: Path, found: Workflow, made: Guess) -> Row:
        name = self._name(file)
        folder = self._folder / name
        shown = (
            folder.relative_to(self._app.config.workspace).as_posix() if folder.is_relative_to(self._app.config.workspace) else str(folder)
        )
        files = folder_files(made._replace(notes=(*found.notes, *made.notes)), name, file.name, found.form)
        problems = self._check(files, name, shown)
        folder.mkdir(parents=True, exist_ok=True)
        for further in folder.glob("sample-*.yaml"):  # of the template that is overwritten: they give values that this one does not take
            further.unlink()
        for part, text in files.items():
            (folder / part).write_text(text, encoding="utf-8")
        self._written.add(name)
        hand = [note.text for note in (*found.notes, *made.notes) if note.hand]
        hand += [_short(problem) for problem in problems if problem.severity is Severity.ERROR]
        return Row(str(file), shown, NEEDS_HAND if hand else IMPORTED, tuple(dict.fromkeys(hand)), tuple(problems))

    def _name(self, file: Path) -> str:
        """Name the template as asked for, else after the file; with a number where that is a built-in step, or must not be overwritten."""
        wanted = self._options.name or suggest_id(file.stem) or "workflow"
        made, number = wanted, 2
        while made == MATCH or made in self._written or ((self._folder / made).exists() and not self._options.force):
            made, number = f"{wanted[:60]}-{number}", number + 1
        return made

    def _check(self, files: dict[str, str], name: str, shown: str) -> list[Problem]:
        manifest = parse_template(files[MANIFEST], f"{shown}/{MANIFEST}")
        if isinstance(manifest, list):
            return manifest
        loaded = LoadedTemplate(name, f"{shown}/{GRAPH}", text_digest(*files.values()), files[GRAPH], manifest)
        return template_problems(loaded, files["sample.yaml"].encode(), self._app.renderer, self._app.server.signatures)


def _failed(shown: str, problem: Problem) -> Row:
    return Row(shown, "", FAILED, (_short(problem),), (problem,))


def _read(file: Path) -> bytes:
    try:
        size = file.stat().st_size
        if size > _LARGEST:
            raise KomaError(f"{file} has {size:,} bytes; at most {_LARGEST:,} are read")
        return file.read_bytes()
    except OSError as error:
        raise KomaError(f"{file} can't be read: {error.strerror or error}") from error


def _short(problem: Problem) -> str:
    """Say a Problem on one line, with its place."""
    return f"{problem.place}: {problem.message}" + (f" (expected: {problem.expected})" if problem.expected else "")


def _tell(rows: Sequence[Row], *, as_json: bool) -> None:
    counts = {outcome: sum(row.outcome == outcome for row in rows) for outcome in (IMPORTED, NEEDS_HAND, FAILED)}
    if as_json:
        print_json({"counts": counts, "files": [row.to_json() for row in rows]})
        return
    cells = [line for row in rows for line in _lines(row)]
    print_lines(table(cells, ("file", "template", "outcome", "why")) if cells else [])
    print_lines([", ".join(f"{number} {outcome}" for outcome, number in counts.items() if number) or "no file to import"])


def _lines(row: Row) -> Iterator[tuple[str, str, str, str]]:
    first, *more = row.why or ("",)
    yield row.file, row.template, row.outcome, " ".join(first.split())
    yield from (("", "", "", " ".join(why.split())) for why in more)
