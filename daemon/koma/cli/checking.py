"""The work behind `koma check`: Problems, limited to the files that were asked about, in one of three forms."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from koma.app.workspace import App
from koma.cli.check import Form
from koma.cli.planning import problem_json
from koma.cli.printing import count, print_json, print_lines
from koma.config import find_workspace
from koma.core.errors import ConfigError, UsageError
from koma.core.problem import Problem, Severity
from koma.engine.checking import Checked, check_all


def run(workspace: Path | None, paths: Sequence[Path], form: Form) -> int:
    """Check, print, and return the exit code: 1 if there is an error."""
    root = find_workspace(workspace, Path.cwd())
    wanted = [inside(path, root) for path in paths]
    checked = _check(root)
    problems = [problem for problem in checked.problems if not wanted or any(covers(path, problem.place.file) for path in wanted)]
    _PRINT[form](checked.counts, problems)
    return int(errors_in(problems) > 0)


def _check(root: Path) -> Checked:
    try:
        with open_work_tree(root) as app:
            return check_all(app.source, app.desires, app.templates, app.renderer, app.server.signatures, app.config.rendition)
    except ConfigError as error:
        return Checked({}, list(error.problems))


def open_work_tree(workspace: Path | None) -> App:
    """Open a workspace as it lies in its folders, also where the daemon reads commits: a check comes before the commit."""
    app = App.open(workspace)
    return App(app.config._replace(source=app.config.source._replace(mode="directory")))


def inside(path: Path, root: Path) -> str:
    """Path of a file relative to the workspace, "" for the workspace itself. Raises UsageError for one outside or not there."""
    full = path.resolve()
    if not full.exists():
        raise UsageError(f"there is no {path}", "koma check   (checks everything)")
    if not full.is_relative_to(root):
        raise UsageError(f"{path} lies outside of the workspace {root}", "koma --workspace DIR check")
    relative = full.relative_to(root).as_posix()
    return "" if relative == "." else relative


def covers(path: str, file: str) -> bool:
    """Whether a file is that path or lies below it."""
    return not path or file == path or file.startswith(f"{path}/")


def errors_in(problems: Sequence[Problem]) -> int:
    """Count the errors; warnings don't count."""
    return sum(problem.severity is Severity.ERROR for problem in problems)


def _text(counts: Mapping[str, int], problems: Sequence[Problem]) -> None:
    print_lines([*map(str, problems), summary(counts, problems)])


def summary(counts: Mapping[str, int], problems: Sequence[Problem]) -> str:
    """Say in one line what was looked at and what was found."""
    looked = ", ".join(count(number, kind.removesuffix("s")) for kind, number in counts.items() if number)
    errors = errors_in(problems)
    found = [count(errors, "error")] if errors else []
    found += [count(len(problems) - errors, "warning")] if len(problems) > errors else []
    return f"{looked or 'nothing'}: {', '.join(found) or 'all sound'}"


def _json(counts: Mapping[str, int], problems: Sequence[Problem]) -> None:
    errors = errors_in(problems)
    totals = {"errors": errors, "warnings": len(problems) - errors}
    print_json({"checked": dict(counts), **totals, "problems": [problem_json(problem) for problem in problems]})


def _github(_counts: Mapping[str, int], problems: Sequence[Problem]) -> None:
    print_lines([annotation(problem) for problem in problems])


def annotation(problem: Problem) -> str:
    """One Problem as a workflow command that puts it beside its line."""
    place = problem.place
    where = {"file": place.file, "line": place.line, "col": place.column, "title": problem.code}
    fields = ",".join(f"{name}={_escaped(str(value), in_field=True)}" for name, value in where.items() if value)
    said = [problem.message, f"expected: {problem.expected}" if problem.expected else "", f"do: {problem.hint}" if problem.hint else ""]
    return f"::{problem.severity} {fields}::{_escaped(chr(10).join(filter(None, said)))}"


def _escaped(text: str, *, in_field: bool = False) -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if in_field else text


_PRINT = {Form.TEXT: _text, Form.JSON: _json, Form.GITHUB: _github}
