"""The way from the text of `template.yaml` to a Template or located Problems.

Kept apart from `koma.core.template`, because models are slow to import and a plan reads templates from the cache.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from koma.core.hints import did_you_mean
from koma.core.manifest_model import CharactersSpec, FramesSpec, Manifest, ParameterSpec
from koma.core.media import Media
from koma.core.parameter import Parameter, ParameterType, WrongValueError, check_of, is_factor
from koma.core.problem import Place, Problem, told
from koma.core.runs import Chain, FrameRule, Rate
from koma.core.spec.faults import Fault, faults_of
from koma.core.template import RESERVED, STANDARD, CharacterNeeds, ModelNote, Template, TemplateInput
from koma.core.words import BackendKind, Phase
from koma.core.yamltext import YamlDoc, read_yaml


def parse_template(text: bytes | str, file: str) -> Template | list[Problem]:
    """Read a manifest. Every mistake is a Problem in `file`, with line and column."""
    document = _one_document(text, file)
    if isinstance(document, list):
        return document
    try:
        manifest = Manifest.model_validate(document.data)
    except ValidationError as error:
        return told(_problem_of(fault, document) for fault in faults_of(error, Manifest))
    return told(_mistakes(manifest, document)) or _template(manifest, file)


def parse_sample(text: bytes | str, file: str) -> Mapping[str, Any] | list[Problem]:
    """Read a `sample.yaml`: parameter name → value, everything that the template needs to be rendered once."""
    document = _one_document(text, file)
    return document if isinstance(document, list) else document.data


def in_sample(problems: Sequence[Problem], text: bytes | str, file: str) -> list[Problem]:
    """Place Problems of a sample's values, whose `path` is `parameters.<name>`, at the lines of the sample that they are about."""
    document = _one_document(text, file)
    if isinstance(document, list):
        return document
    return [p._replace(place=Place(file, *document.entry((p.path.partition(".")[2],)))) for p in problems]


def _one_document(text: bytes | str, file: str) -> YamlDoc | list[Problem]:
    read = read_yaml(text, file)
    if read.problems:
        return list(read.problems)
    if len(read.documents) > 1:
        return [Problem(read.documents[1].place(), "two-documents", "a second document starts here", "one document", "remove the `---`")]
    return read.documents[0]


def _problem_of(fault: Fault, document: YamlDoc) -> Problem:
    place = document.place(fault.loc, key=True) if fault.at_key else Place(document.file, *document.entry(fault.loc))
    return Problem(place, fault.code, fault.message, fault.expected, fault.hint, ".".join(str(step) for step in fault.loc))


Path = tuple[str | int, ...]

# What a standard name has to be, so that Koma can fill it in.
_STANDARD_TYPES: Mapping[str, tuple[str, ...]] = {
    "prompt": ("string",),
    "negative": ("string",),
    "seed": ("int",),
    "width": ("int",),
    "height": ("int",),
    "frames": ("int",),
    "fps": ("int", "float"),
    "checkpoint": ("model",),
    "loras": ("lora-list",),
}
_NUMBERS = ("int", "float")


def _mistakes(manifest: Manifest, document: YamlDoc) -> Iterator[Problem]:
    """Find what only shows when fields are seen together."""
    for name, spec in manifest.parameters.items():
        yield from _parameter_mistakes(name, spec, document)
    for name in manifest.inputs:
        if name in manifest.parameters or name in STANDARD:
            yield _at(document, ("inputs", name), "duplicate-name", f"{name!r} is the name of a parameter as well", "another name")
    for rendition, values in manifest.sets.items():
        for name, value in values.items():
            yield from _set_mistakes(manifest, ("sets", rendition, name), value, document)
    for index, rung in enumerate(manifest.ladder):
        for name, value in rung.items():
            yield from _rung_mistakes(manifest, ("ladder", index, name), value, document)
    yield from _media_mistakes(manifest, document)
    yield from _chain_mistakes(manifest, document)
    yield from _finish_mistakes(manifest, document)


def _media_mistakes(manifest: Manifest, document: YamlDoc) -> Iterator[Problem]:
    moving = manifest.phase in ("loop", "video")
    wanted = {"still": "image", "finish": manifest.outputs.media}.get(manifest.phase, "frames")
    if manifest.outputs.media != wanted:
        message = f"a template for the phase {manifest.phase} puts out {wanted}"
        yield _at(document, ("outputs", "media"), "wrong-value", message, wanted)
    if moving and (manifest.fps is None or manifest.frames is None):
        yield _at(document, ("phase",), "missing-field", "a template that makes a clip says which: `fps` and `frames`", "both fields")
    if manifest.fps is not None and not manifest.fps.min <= manifest.fps.native <= manifest.fps.max:
        yield _at(document, ("fps",), "wrong-value", "`native` lies outside of `min` to `max`", "min ≤ native ≤ max")


def _chain_mistakes(manifest: Manifest, document: YamlDoc) -> Iterator[Problem]:
    chain = manifest.chain
    if chain is None:
        return
    if manifest.frames is None:
        message = "a chain is made of runs, and nothing says which frame counts a run has"
        yield _at(document, ("chain",), "missing-field", message, "`frames` beside `chain`")
    elif chain.overlap >= _rule(manifest.frames).counts[-1]:
        yield _at(document, ("chain", "overlap"), "wrong-value", "a later run would add no frame", "less than the longest run")
    if chain.input not in manifest.inputs:
        near = did_you_mean(chain.input, manifest.inputs)
        expected = f"one of {', '.join(manifest.inputs) or 'none'}" + (f"; {near}" if near else "")
        yield _at(document, ("chain", "input"), "unknown-input", f"there is no input {chain.input!r}", expected)


_WORKED_ON = ("clip", "picture")


def _finish_mistakes(manifest: Manifest, document: YamlDoc) -> Iterator[Problem]:
    finishes = manifest.phase == "finish"
    for name, given in manifest.inputs.items():
        if given.source in _WORKED_ON and not finishes:
            message = f"only a template that finishes works on a {given.source}"
            yield _at(document, ("inputs", name, "from"), "wrong-value", message, "`still`, `reference`, or `phase: finish`")
    if finishes and not any(given.source in _WORKED_ON for given in manifest.inputs.values()):
        message = "a template that finishes reads what it works on"
        yield _at(document, ("phase",), "missing-field", message, "an input `{from: clip}` or `{from: picture}`")
    if manifest.finish is not None and not finishes:
        yield _at(document, ("finish",), "wrong-value", f"a template for the phase {manifest.phase} does not finish", "`phase: finish`")
    if manifest.finish is not None:
        yield from _multiplier_mistakes(manifest, manifest.finish.multiplier, document)


def _multiplier_mistakes(manifest: Manifest, name: str, document: YamlDoc) -> Iterator[Problem]:
    spec = manifest.parameters.get(name)
    if spec is None or spec.type != "int":
        whole = ", ".join(known for known, other in manifest.parameters.items() if other.type == "int") or "none"
        message = f"{name!r} is no whole number among the parameters"
        yield _at(document, ("finish", "multiplier"), "unknown-parameter", message, f"one of {whole}")


def _rung_mistakes(manifest: Manifest, path: Path, value: Any, document: YamlDoc) -> Iterator[Problem]:
    spec = manifest.parameters.get(str(path[-1]))
    if spec is None or not is_factor(_parameter(spec), value):
        yield from _set_mistakes(manifest, path, value, document)


def _at(document: YamlDoc, path: Path, code: str, message: str, expected: str) -> Problem:
    return Problem(Place(document.file, *document.entry(path)), code, message, expected, path=".".join(map(str, path)))


def _parameter_mistakes(name: str, spec: ParameterSpec, document: YamlDoc) -> Iterator[Problem]:
    path = ("parameters", name)
    if name in RESERVED:
        yield _at(document, path, "reserved-name", f"`{name}` is filled in by Koma and can't be declared", "another name")
    wanted = _STANDARD_TYPES.get(name, (spec.type,))
    if spec.type not in wanted:
        yield _at(document, (*path, "type"), "wrong-value", f"Koma fills in {name!r}, which is {' or '.join(wanted)}", " or ".join(wanted))
    if (spec.type == "choice") != bool(spec.choices):
        yield _at(document, path, "wrong-value", f"{name}: `choices` belong to the type `choice`, and it needs some", "both or neither")
    if (spec.min is not None or spec.max is not None) and spec.type not in _NUMBERS:
        yield _at(document, path, "wrong-value", f"{name}: only numbers have `min` and `max`", "int or float")
    if spec.type == "model" and not spec.folder:
        yield _at(document, path, "missing-field", f"{name}: a model needs its `folder`", "a folder such as checkpoints")
    if spec.default is not None:
        yield from _value_mistakes(spec, (*path, "default"), spec.default, document)


def _set_mistakes(manifest: Manifest, path: Path, value: Any, document: YamlDoc) -> Iterator[Problem]:
    name = str(path[-1])
    spec = manifest.parameters.get(name)
    if spec is None:
        near = did_you_mean(name, manifest.parameters)
        expected = f"one of {', '.join(manifest.parameters)}" + (f"; {near}" if near else "")
        yield _at(document, path, "unknown-parameter", f"there is no parameter {name!r}", expected)
    else:
        yield from _value_mistakes(spec, path, value, document)


def _value_mistakes(spec: ParameterSpec, path: Path, value: Any, document: YamlDoc) -> Iterator[Problem]:
    try:
        check_of(_parameter(spec))(value)
    except WrongValueError as error:
        yield _at(document, path, "wrong-parameter", f"{'.'.join(map(str, path))}: {error}", error.expected)


def _parameter(spec: ParameterSpec) -> Parameter:
    values = spec.model_dump(exclude={"type", "choices"})
    return Parameter(type=ParameterType(spec.type), choices=tuple(spec.choices), **values)


def _rule(frames: FramesSpec) -> FrameRule:
    return FrameRule(tuple(sorted(frames.exact)), frames.min or 1, frames.max or 1, frames.step, frames.offset)


def _needs(spec: CharactersSpec) -> CharacterNeeds:
    return CharacterNeeds(spec.max, spec.references, tuple(spec.sheet), spec.poses)


def _template(manifest: Manifest, file: str) -> Template:
    return Template(
        name=manifest.name,
        title=manifest.title,
        description=manifest.description,
        phase=None if manifest.phase == "finish" else Phase(manifest.phase),
        backend=BackendKind(manifest.backend),
        family=manifest.family,
        parameters={name: _parameter(spec) for name, spec in manifest.parameters.items()},
        inputs={name: TemplateInput(spec.source, spec.description, spec.required) for name, spec in manifest.inputs.items()},
        media=Media(manifest.outputs.media),
        vram_gb=float(manifest.vram_gb),
        estimate_seconds=float(manifest.estimate_seconds),
        rate=Rate(**manifest.fps.model_dump()) if manifest.fps else None,
        frames=_rule(manifest.frames) if manifest.frames else None,
        node_packs=tuple(manifest.node_packs),
        models={name: ModelNote(**spec.model_dump()) for name, spec in manifest.models.items()},
        sets={str(rendition): dict(values) for rendition, values in manifest.sets.items()},
        output=manifest.outputs.description,
        file=file,
        characters=_needs(manifest.characters) if manifest.characters else None,
        style_references=manifest.style.references if manifest.style else 0,
        chain=Chain(**manifest.chain.model_dump()) if manifest.chain else None,
        multiplier=manifest.finish.multiplier if manifest.finish else "",
        ladder=tuple(dict(rung) for rung in manifest.ladder),
    )
