"""The work behind `koma models` and `koma models add`."""

import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from koma.app.adding import Terms, add_model
from koma.app.workspace import App
from koma.cli.planning import problem_json
from koma.cli.printing import print_json, print_lines, table
from koma.core.errors import UsageError
from koma.core.metrics import METRICS
from koma.core.model_needs import Need
from koma.core.models import KNOWN, LockedModel, ModelSpec, licence_of, refused, users
from koma.engine.licences import needs_of
from koma.measures.learned.store import ModelBrokenError, ModelMissingError, Models

OK, MISSING, BROKEN, PACKAGE = "ok", "missing", "broken", "package"
FORBIDDEN = "forbidden"


class Asked(NamedTuple):
    """A project's wish for a learned metric."""

    project: str
    need: Need
    commercial: bool


class State(NamedTuple):
    """How things stand with one model: a word, what that means, and what to do."""

    word: str
    message: str
    fix: str = ""


class Row(NamedTuple):
    """One model as it is listed."""

    spec: ModelSpec
    locked: LockedModel | None
    asked: tuple[Asked, ...]
    state: State

    @property
    def required(self) -> bool:
        """Whether some target must pass a metric that needs it."""
        return any(asked.need.required for asked in self.asked)

    @property
    def wrong(self) -> bool:
        """Whether something has to be put right: the file is another one, or a project requires what it must not use."""
        return self.state.word == BROKEN or (self.state.word == FORBIDDEN and any(a.commercial and a.need.required for a in self.asked))


def list_models(workspace: Path | None, *, everything: bool, as_json: bool) -> int:
    """Print models and return the exit code: 1 if one is broken or must not be used, 3 if one that is required is missing."""
    with App.open(workspace) as app:
        rows, models = model_rows(app, everything=everything), app.models
    if as_json:
        print_json(
            {"folder": str(models.folder), "models": [_json(row) for row in rows], "problems": list(map(problem_json, models.problems))}
        )
    else:
        print_lines([*map(str, models.problems), *_lines(rows, models)])
    if models.problems or any(row.wrong for row in rows):
        return 1
    return 3 if any(row.state.word == MISSING and row.required for row in rows) else 0


def model_rows(app: App, *, everything: bool = False) -> list[Row]:
    """Every model that a project needs or somebody added, in the order of KNOWN; with `everything` all that there are."""
    asked, models = asked_in(app), app.models
    rows = []
    for name, spec in KNOWN.items():
        mine = tuple(a for a in asked if name in METRICS[a.need.metric].weights)
        if mine or everything or name in models.locked:
            rows.append(Row(spec, models.locked.get(name), mine, _state(models, spec, mine)))
    return rows


def asked_in(app: App) -> list[Asked]:
    """Learned metrics that the projects of a workspace ask for."""
    wanted = app.desires.wanted(app.source.snapshot(), app.config.rendition)
    found = []
    for name, folder in sorted(wanted.projects.items()):
        if folder.project is not None:
            project = app.desires.documents.doc(folder.project)
            commercial = bool(project.data.get("commercial"))
            found += [Asked(name, need, commercial) for need in needs_of(folder, project, app.desires.documents)]
    return found


def _state(models: Models, spec: ModelSpec, asked: Sequence[Asked]) -> State:
    commercial = [a for a in asked if a.commercial]
    if len(commercial) == len(asked) or any(a.need.required for a in commercial):
        for _, why in refused(bool(commercial), [spec.name], models.locked):
            hint = (
                f"koma models add {spec.name} FILE --licence NAME --commercial yes   (one that is allowed), or another metric: koma check"
            )
            return State(FORBIDDEN, f"{why}: {', '.join(dict.fromkeys(a.project for a in commercial))}", hint)
    try:
        models.path(spec.name)
    except ModelMissingError as error:
        return _from_package(spec) if spec.package else _missing(models, spec, error)
    except ModelBrokenError as error:
        return State(BROKEN, error.why, error.hint)
    return State(OK, "there, with the digest that was recorded")


def _from_package(spec: ModelSpec) -> State:
    if find_spec(spec.package) is not None:
        return State(PACKAGE, f"comes with the Python package {spec.package}")
    return State(MISSING, f"comes with the Python package {spec.package}, which is not installed", "make quality-cpu   (or quality-gpu)")


def _missing(models: Models, spec: ModelSpec, error: ModelMissingError) -> State:
    file = models.folder / spec.file
    if file.is_file() and spec.name not in models.locked:
        return State(MISSING, f"{file} lies there, and nobody recorded it", f"koma models add {spec.name} {file}")
    return State(MISSING, error.why, error.hint)


def _lines(rows: Sequence[Row], models: Models) -> Iterator[str]:
    if not rows:
        yield "no project here needs a model: what their gates measure needs nothing but Koma"
        yield f"  do: koma models --all   (lists every model; files go into {models.folder})"
        return
    cells = [(row.state.word, row.spec.name, row.spec.file, *_terms(row), _users(row)) for row in rows]
    yield f"models in {models.folder}:"
    listed = table(cells, ["", "model", "file", "licence", "commercial use", "needed by"])
    yield listed[0]
    for row, line in zip(rows, listed[1:], strict=True):
        yield line
        if row.state.word not in (OK, PACKAGE):
            yield f"      {row.state.message}"
            yield f"      do: {row.state.fix}"
        if row.state.word == MISSING and row.spec.note:
            yield f"      {row.spec.note}"


def _terms(row: Row) -> tuple[str, str]:
    licence, commercial = licence_of(row.spec.name, {row.spec.name: row.locked} if row.locked else {})
    return licence, "yes" if commercial else "no"


def _users(row: Row) -> str:
    by_project: dict[str, list[str]] = {}
    for asked in row.asked:
        by_project.setdefault(asked.project, []).append(asked.need.metric + ("" if asked.need.required else " (only shown)"))
    return (
        "; ".join(f"{project}: {', '.join(metrics)}" for project, metrics in by_project.items())
        or f"nobody ({', '.join(users(row.spec.name))})"
    )


def _json(row: Row) -> dict[str, Any]:
    spec, locked = row.spec, row.locked
    licence, commercial = licence_of(spec.name, {spec.name: locked} if locked else {})
    return {
        **{field: getattr(spec, field) for field in ("name", "file", "form", "role", "extra", "source", "note", "package")},
        "licence": licence,
        "commercial": commercial,
        "state": row.state.word,
        "message": row.state.message,
        "do": row.state.fix,
        "sha256": locked.sha256 if locked else "",
        "bytes": locked.bytes if locked else 0,
        "added": locked.added if locked else "",
        "required": row.required,
        "needed_by": [{"project": a.project, **a.need._asdict()} for a in row.asked],
    }


def add_file(workspace: Path | None, name: str, file: Path, *, licence: str, commercial: bool | None, replace: bool) -> int:
    """Add one model file and say what was recorded."""
    terms = _said(licence, commercial)
    with App.open(workspace) as app:
        today = time.strftime("%Y-%m-%d", time.gmtime(app.clock.now()))
        found = add_model(app.models, name, file, terms=terms, replace=replace, today=today)
        where = app.models.folder / found.file
    print_lines(
        [
            f"{found.name}: {where}, {found.bytes / 1e6:.1f} MB, SHA-256 {found.sha256}",
            f"licence: {found.licence}; commercial use: {'yes' if found.commercial else 'no'}",
        ]
    )
    return 0


def _said(licence: str, commercial: bool | None) -> Terms | None:
    if not licence and commercial is None:
        return None
    if licence and commercial is not None:
        return Terms(licence, commercial)
    lacking = "--commercial yes|no" if licence else "--licence TEXT"
    raise UsageError(f"`{lacking}` is not said: a licence and what it allows are recorded together", "koma models add --help")
