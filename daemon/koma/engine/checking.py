"""Look over everything that people wrote, whether a target reads it or not: documents, every reference picture, every template folder."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from koma.core.draft import LoadedTemplate
from koma.core.graph import check_graph, parse_graph
from koma.core.hints import did_you_mean
from koma.core.node_rules import Signatures
from koma.core.problem import Place, Problem, Severity
from koma.core.references import pool, refusals, unreadable
from koma.core.request import FailureClass
from koma.core.snapshot import Snapshot
from koma.core.template import bind
from koma.core.words import Rendition
from koma.engine.templates import Templates
from koma.engine.wanted import Desires, Wanted
from koma.ports import Renderer, Source

SAMPLE = "sample.yaml"


@dataclass(frozen=True, slots=True)
class Checked:
    """What was looked at, by kind, and everything that is wrong with it, sorted by place."""

    counts: Mapping[str, int]
    problems: list[Problem]


def check_all(
    source: Source, desires: Desires, templates: Templates, renderer: Renderer, signatures: Signatures, rendition: Rendition
) -> Checked:
    """Check one snapshot without a backend. Raises SourceError if none can be had."""
    snapshot = source.snapshot()
    wanted = desires.wanted(snapshot, rendition)
    loaded, problems = load_all(templates, snapshot)
    for template in loaded:
        problems += folder_problems(template, snapshot, source, renderer, signatures)
    problems += [*wanted.problems, *_pictures(desires, wanted), *_strangers(desires, wanted, templates)]
    counts = {
        "documents": len(snapshot.documents),
        "pictures": len(snapshot.images),
        "templates": len({path.rpartition("/")[0] for path in snapshot.templates if path.endswith("/template.yaml")}),
        "targets": len(wanted.targets),
    }
    return Checked(counts, sorted(_once(problems)))


def load_all(templates: Templates, snapshot: Snapshot) -> tuple[list[LoadedTemplate], list[Problem]]:
    """Every template folder of the workspace and of its projects, read; those that can't be used are Problems."""
    templates.load(snapshot)
    found: dict[str, LoadedTemplate] = {}
    problems: list[Problem] = []
    for folder in ("", *snapshot.project_folders):
        loaded, broken = templates.of(folder)
        found.update({template.file: template for template in loaded.values()})
        problems += [problem for found_there in broken.values() for problem in found_there]
    return [found[file] for file in sorted(found)], list(dict.fromkeys(problems))


def folder_problems(
    template: LoadedTemplate, snapshot: Snapshot, source: Source, renderer: Renderer, signatures: Signatures
) -> list[Problem]:
    """Try a template out with each of its samples: `sample.yaml`, which it should have, and any `sample-<name>.yaml` beside it."""
    texts: dict[str, bytes | None] = {SAMPLE: None, **samples_of(template, snapshot, source)}
    found = (template_problems(template, text, renderer, signatures, name) for name, text in texts.items())
    return list(dict.fromkeys(problem for problems in found for problem in problems))


def samples_of(template: LoadedTemplate, snapshot: Snapshot, source: Source) -> dict[str, bytes]:
    """Texts of a template's samples, by file name."""
    start = _beside(template, SAMPLE.removesuffix(".yaml"))
    files = {path: file for path, file in snapshot.templates.items() if path == f"{start}.yaml" or _is_further(path, start)}
    texts = source.read([files[path] for path in sorted(files)])
    return {path.rpartition("/")[2]: texts[path] for path in sorted(files) if path in texts}


def _is_further(path: str, start: str) -> bool:
    return path.startswith(f"{start}-") and path.endswith(".yaml") and "/" not in path[len(start) :]


def template_problems(
    template: LoadedTemplate, sample: bytes | None, renderer: Renderer, signatures: Signatures, name: str = SAMPLE
) -> list[Problem]:
    """Render a sample with the defaults, with each set and after each rung of the memory ladder, and check each graph."""
    from koma.core.manifest import in_sample, parse_sample  # noqa: PLC0415  # reads YAML

    if sample is None:
        return [_no_sample(template)]
    values = parse_sample(sample, _beside(template, name))
    if not isinstance(values, Mapping):
        return list(values)
    problems: list[Problem] = []
    for rendition in ("", *template.manifest.sets):
        bound, wrong = bind(template.manifest, values, rendition)
        problems += in_sample(wrong, sample, _beside(template, name)) or _rendered(template, bound, renderer, signatures)
    return list(dict.fromkeys(problems))


def _rendered(template: LoadedTemplate, bound: Mapping[str, Any], renderer: Renderer, signatures: Signatures) -> Iterator[Problem]:
    steps = range(len(template.manifest.ladder) + 1)
    for text in renderer.render(template.file, template.text, [template.manifest.reduced(bound, rungs) for rungs in steps]):
        graph = text if isinstance(text, Problem) else parse_graph(text, template.file)
        found = [graph] if isinstance(graph, Problem) else check_graph(graph, signatures, template.file, template.text)
        yield from (problem for problem in found if problem.code != FailureClass.MISSING_MODEL)  # a sample's model files are made up


def _no_sample(template: LoadedTemplate) -> Problem:
    message = f"template {template.name!r} has no {SAMPLE}, so its graph can't be tried out"
    hint = "add one that gives each parameter without a default a value"
    return Problem(Place(_beside(template, SAMPLE)), "missing-sample", message, hint=hint, severity=Severity.WARNING)


def _beside(template: LoadedTemplate, name: str) -> str:
    return f"{template.file.rpartition('/')[0]}/{name}"


def _pictures(desires: Desires, wanted: Wanted) -> Iterator[Problem]:
    """Problems of every reference picture of every project, also of those that no shot shows."""
    for folder in wanted.projects.values():
        world = desires.world(folder)
        yield from (problem for _, problem in unreadable(world))
        for who, part in world.references:
            if who in world.characters:
                yield from refusals([pool(world, world.characters[who], part)])


def _strangers(desires: Desires, wanted: Wanted, templates: Templates) -> Iterator[Problem]:
    """Warn of parameters for a template that is not there: nothing reads them."""
    for folder in wanted.projects.values():
        world = desires.world(folder)
        known = {name for found in templates.of(folder.path) for name in found}
        scenes = [doc for name in folder.heads.get("scene", ()) if (doc := world.scene(name)) is not None]
        owners = [(world.project, world.project.data, ""), *((scene, scene.data, "") for scene in scenes)]
        owners += [(scene, shot, f"shots.{shot['id']}.") for scene in scenes for shot in scene.data.get("shots") or ()]
        for doc, data, prefix in owners:
            for name in (data.get("parameters") or {}).keys() - known:
                yield _stranger(name, known, desires.documents.place(doc.file, doc.part, f"{prefix}parameters.{name}"))


def _stranger(name: str, known: Collection[str], place: Place) -> Problem:
    message = f"there is no template called {name!r}, so nothing reads its parameters"
    hint = did_you_mean(name, known) or "correct the name, or take them out"
    return Problem(place, "missing-template", message, f"one of {', '.join(sorted(known))}", hint, severity=Severity.WARNING)


def _once(problems: Sequence[Problem]) -> list[Problem]:
    """Each mistake once: one that is an error somewhere is not repeated as a warning."""
    errors = {(p.place, p.code, p.message) for p in problems if p.severity is Severity.ERROR}
    return [p for p in dict.fromkeys(problems) if p.severity is Severity.ERROR or (p.place, p.code, p.message) not in errors]
