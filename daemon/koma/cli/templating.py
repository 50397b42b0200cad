"""The work behind `koma template check` and `show`."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from koma.cli.checking import errors_in, open_work_tree, summary
from koma.cli.planning import problem_json
from koma.cli.printing import count, print_json, print_lines, table
from koma.core.draft import LoadedTemplate
from koma.core.errors import UsageError
from koma.core.hints import did_you_mean
from koma.core.parameter import Parameter
from koma.core.problem import Problem
from koma.core.snapshot import Snapshot
from koma.core.template import STANDARD, CharacterNeeds, TemplateInput
from koma.engine.checking import folder_problems, load_all

_NO_TEMPLATE = "koma template add still   (copies one that ships with Koma)"


def check_templates(workspace: Path | None, names: Sequence[str], *, as_json: bool) -> int:
    """Check templates and print what is wrong; 1 if there is an error."""
    with open_work_tree(workspace) as app:
        snapshot = app.source.snapshot()
        loaded, problems = load_all(app.templates, snapshot)
        _known(names, snapshot)
        for template in loaded:
            problems += folder_problems(template, snapshot, app.source, app.renderer, app.server.signatures)
    looked = {_folder(path) for path in snapshot.templates if path.endswith(("/template.yaml", "/graph.json.j2"))}
    if names:
        looked = {folder for folder in looked if folder.rpartition("/")[2] in names}
        problems = [problem for problem in problems if _folder(problem.place.file) in looked]
    _tell(len(looked), sorted(problems), as_json=as_json)
    return int(errors_in(problems) > 0)


def _tell(looked: int, problems: list[Problem], *, as_json: bool) -> None:
    counts = {"templates": looked}
    if as_json:
        print_json({"checked": counts, "problems": [problem_json(problem) for problem in problems]})
    else:
        print_lines([*map(str, problems), summary(counts, problems)])


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _known(names: Sequence[str], snapshot: Snapshot) -> None:
    there = sorted({_folder(path).rpartition("/")[2] for path in snapshot.templates if path.endswith("/template.yaml")})
    for name in names:
        if name not in there:
            hint = did_you_mean(name, there) or (f"one of {', '.join(there)}" if there else _NO_TEMPLATE)
            raise UsageError(f"this workspace has no template called {name!r}", hint)


def show_template(workspace: Path | None, name: str, *, as_json: bool) -> int:
    """Print what a template makes, takes and needs."""
    with open_work_tree(workspace) as app:
        snapshot = app.source.snapshot()
        loaded, problems = load_all(app.templates, snapshot)
        _known([name], snapshot)
    found = [template for template in loaded if template.name == name]
    if not found:
        print_lines(str(problem) for problem in problems if _folder(problem.place.file).endswith(f"/{name}"))
        return 1
    for template in found:
        if as_json:
            print_json({**template.manifest.to_json(), "digest": template.digest})
        else:
            print_lines(_lines(template))
    return 0


def _lines(template: LoadedTemplate) -> Iterator[str]:
    manifest = template.manifest
    yield f"{manifest.name}: {manifest.title}"
    yield manifest.description
    yield ""
    facts: list[tuple[str, Any]] = [
        ("file", manifest.file),
        ("phase", manifest.phase or "finish"),
        ("model family", manifest.family),
        ("makes", manifest.output or manifest.media),
        ("frames", str(manifest.frames or "")),
        ("frames/s", f"{manifest.rate.min:g} to {manifest.rate.max:g}, made for {manifest.rate.native:g}" if manifest.rate else ""),
        ("in runs", f"up to {manifest.chain.max}, a later one repeats {count(manifest.chain.overlap, 'frame')}" if manifest.chain else ""),
        ("reads", ", ".join(_read(name, given) for name, given in manifest.inputs.items())),
        ("characters", _of_characters(manifest.characters) if manifest.characters else ""),
        ("style", f"up to {count(manifest.style_references, 'picture')}" if manifest.style_references else ""),
        ("memory", f"{manifest.vram_gb:g} GB"),
        ("gives up", ", then ".join(_rung(rung) for rung in manifest.ladder)),
        ("takes about", f"{manifest.estimate_seconds:g} s"),
        ("node packs", ", ".join(manifest.node_packs) or "none"),
    ]
    facts += [("model file", f"{note.folder}/{note.file}  {note.source}") for note in manifest.models.values()]
    yield from table([(f"  {name}", value) for name, value in facts if value])
    yield ""
    own = {name: parameter for name, parameter in manifest.parameters.items() if name not in STANDARD}
    yield f"yours to set under `parameters: {{{manifest.name}: {{...}}}}`:" if own else "it has no parameters of its own"
    rows = [(f"  {name}", p.type, "" if p.default is None else p.default, p.description, _limits(p)) for name, p in own.items()]
    yield from table([tuple(map(str, row)) for row in rows])


def _read(name: str, given: TemplateInput) -> str:
    whose = "what it finishes" if given.source in ("clip", "picture") else f"the shot's {given.source}"
    return f"{name} ({whose}{'' if given.required else ', if there is one'})"


def _of_characters(needs: CharacterNeeds) -> str:
    said = [f"up to {needs.max}"]
    said += [f"{count(needs.references, 'reference')} each"] if needs.references else []
    said += [f"of their sheets {', '.join(needs.sheet)}"] if needs.sheet else []
    said += ["pose pictures"] if needs.poses else []
    return "; ".join(said)


def _rung(rung: Mapping[str, Any]) -> str:
    return " and ".join(f"{name}: {str(value).lower()}" for name, value in rung.items())


def _limits(parameter: Parameter) -> str:
    if parameter.choices:
        return "|".join(parameter.choices)
    said = [f"from {parameter.min:g}"] if parameter.min is not None else []
    said += [f"to {parameter.max:g}"] if parameter.max is not None else []
    said += [f"in steps of {parameter.multiple_of}"] if parameter.multiple_of else []
    return " ".join([*said, parameter.unit]).strip()
