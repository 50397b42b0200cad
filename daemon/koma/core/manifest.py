"""The way from the text of `template.yaml` to a Template or located Problems.

Kept apart from `koma.core.template`, because models are slow to import and a plan reads templates from the cache.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from koma.core.hints import did_you_mean
from koma.core.manifest_model import Manifest, ParameterSpec
from koma.core.media import Media
from koma.core.parameter import Parameter, ParameterType, WrongValueError, check_of
from koma.core.problem import Place, Problem
from koma.core.spec.faults import Fault, faults_of
from koma.core.template import STANDARD, FrameRule, ModelNote, Rate, Template, TemplateInput
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
        return [_problem_of(fault, document) for fault in faults_of(error, Manifest)]
    return list(_mistakes(manifest, document)) or _template(manifest, file)


def parse_sample(text: bytes | str, file: str) -> Mapping[str, Any] | list[Problem]:
    """Read a `sample.yaml`: parameter name → value, everything that the template needs to be rendered once."""
    document = _one_document(text, file)
    return document if isinstance(document, list) else document.data


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
    yield from _media_mistakes(manifest, document)


def _media_mistakes(manifest: Manifest, document: YamlDoc) -> Iterator[Problem]:
    moving = manifest.phase != "still"
    wanted = "frames" if moving else "image"
    if manifest.outputs.media != wanted:
        message = f"a template for the phase {manifest.phase} puts out {wanted}"
        yield _at(document, ("outputs", "media"), "wrong-value", message, wanted)
    if moving and (manifest.fps is None or manifest.frames is None):
        yield _at(document, ("phase",), "missing-field", "a template that makes a clip says which: `fps` and `frames`", "both fields")
    if manifest.fps is not None and not manifest.fps.min <= manifest.fps.native <= manifest.fps.max:
        yield _at(document, ("fps",), "wrong-value", "`native` lies outside of `min` to `max`", "min ≤ native ≤ max")


def _at(document: YamlDoc, path: tuple[str, ...], code: str, message: str, expected: str) -> Problem:
    return Problem(Place(document.file, *document.entry(path)), code, message, expected, path=".".join(path))


def _parameter_mistakes(name: str, spec: ParameterSpec, document: YamlDoc) -> Iterator[Problem]:
    path = ("parameters", name)
    if name == "output_prefix":
        yield _at(document, path, "reserved-name", "`output_prefix` is always there and can't be declared", "another name")
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


def _set_mistakes(manifest: Manifest, path: tuple[str, ...], value: Any, document: YamlDoc) -> Iterator[Problem]:
    spec = manifest.parameters.get(path[-1])
    if spec is None:
        near = did_you_mean(path[-1], manifest.parameters)
        expected = f"one of {', '.join(manifest.parameters)}" + (f"; {near}" if near else "")
        yield _at(document, path, "unknown-parameter", f"there is no parameter {path[-1]!r}", expected)
    else:
        yield from _value_mistakes(spec, path, value, document)


def _value_mistakes(spec: ParameterSpec, path: tuple[str, ...], value: Any, document: YamlDoc) -> Iterator[Problem]:
    try:
        check_of(_parameter(spec))(value)
    except WrongValueError as error:
        yield _at(document, path, "wrong-parameter", f"{'.'.join(path)}: {error}", error.expected)


def _parameter(spec: ParameterSpec) -> Parameter:
    values = spec.model_dump(exclude={"type", "choices"})
    return Parameter(type=ParameterType(spec.type), choices=tuple(spec.choices), **values)


def _template(manifest: Manifest, file: str) -> Template:
    frames = manifest.frames
    return Template(
        name=manifest.name,
        title=manifest.title,
        description=manifest.description,
        phase=Phase(manifest.phase),
        backend=BackendKind(manifest.backend),
        family=manifest.family,
        parameters={name: _parameter(spec) for name, spec in manifest.parameters.items()},
        inputs={name: TemplateInput(spec.source, spec.description, spec.required) for name, spec in manifest.inputs.items()},
        media=Media(manifest.outputs.media),
        vram_gb=float(manifest.vram_gb),
        estimate_seconds=float(manifest.estimate_seconds),
        rate=Rate(**manifest.fps.model_dump()) if manifest.fps else None,
        frames=FrameRule(tuple(sorted(frames.exact)), frames.min or 1, frames.max or 1, frames.step, frames.offset) if frames else None,
        node_packs=tuple(manifest.node_packs),
        models={name: ModelNote(**spec.model_dump()) for name, spec in manifest.models.items()},
        sets={str(rendition): dict(values) for rendition, values in manifest.sets.items()},
        output=manifest.outputs.description,
        file=file,
    )
