"""Bringing a model file into a workspace: looked at, copied under another name, made durable, renamed, and its digest recorded."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

from koma.core.errors import KomaError, UsageError
from koma.core.hints import did_you_mean
from koma.core.models import KNOWN, LockedModel, ModelSpec, licence_of, lock_text
from koma.measures.learned.forms import WrongFormError, check_form, is_pickle
from koma.measures.learned.store import Models, file_digest
from koma.publish.durable import make_folder, move, sync_file, write_text


class Terms(NamedTuple):
    """What a person says of a file's licence: its name, and whether it allows commercial use."""

    licence: str
    commercial: bool


def known_model(name: str) -> ModelSpec:
    """Find a model by name. Raises UsageError with the names that there are."""
    if name not in KNOWN:
        raise UsageError(f"there is no model {name!r}", did_you_mean(name, KNOWN) or f"one of {', '.join(KNOWN)}")
    return KNOWN[name]


def add_model(models: Models, name: str, source: Path, *, terms: Terms | None, replace: bool, today: str) -> LockedModel:
    """Put a file into the models folder and record it. A file that lies there already is only recorded.

    `terms` is None where the model's own, known licence holds. Raises UsageError for a name or file that can't be meant, KomaError where
    the file is not what the model needs, where another one is recorded and `replace` is not said, or where it can't be written.
    """
    spec = known_model(name)
    _check_source(source)
    wrong = [problem for problem in models.problems if not (replace and problem.path == f"models.{name}")]
    if wrong:
        raise KomaError(str(wrong[0]))
    part = models.folder / f".{spec.file}.part"
    try:
        make_folder(models.folder)
        return _added(models, spec, source, part, terms=terms, replace=replace, today=today)
    except OSError as error:
        raise KomaError(f"{source} can't be added: {error.strerror or error}", "make room, or correct the permissions") from error
    finally:
        part.unlink(missing_ok=True)


def _check_source(source: Path) -> None:
    usage = "koma models add NAME FILE"
    if source.is_dir():
        raise UsageError(f"{source} is a folder, and a model is one file", usage)
    if not source.is_file():
        raise UsageError(f"there is no file {source}", usage)


def _added(models: Models, spec: ModelSpec, source: Path, part: Path, *, terms: Terms | None, replace: bool, today: str) -> LockedModel:
    place = models.folder / spec.file
    in_place = source.exists() and place.exists() and source.samefile(place)
    if not in_place:
        _bring(source, part, spec)
    file = place if in_place else part
    _check(file, spec, source)
    found = _entry(models, spec, file, terms, today)
    _check_other(models, found, replace=replace)
    if not in_place:
        move(part, place)
    write_text(models.lock, lock_text({**models.locked, spec.name: found}))
    return found


def _bring(source: Path, part: Path, spec: ModelSpec) -> None:
    """Copy a file, or convert a pickle, to its temporary name, durably."""
    with source.open("rb") as stream:
        start = stream.read(8)
    if not is_pickle(source, start):
        shutil.copyfile(source, part)
    elif spec.form == "safetensors":
        _convert(source, part)
    else:
        hint = f"get {spec.source}: koma models add {spec.name} FILE"
        raise KomaError(f"{source} is a PyTorch pickle; {spec.name} is an ONNX model, and one can't be made into the other", hint)
    sync_file(part)


def _convert(source: Path, part: Path) -> None:
    from koma.measures.learned.convert import convert  # noqa: PLC0415  it imports torch

    convert(source, part)


def _check(file: Path, spec: ModelSpec, source: Path) -> None:
    try:
        check_form(file, spec.form)
    except WrongFormError as error:
        hint = f"{spec.name} is {spec.source}, as {_FORMS[spec.form]}"
        raise KomaError(f"{source} can't be {spec.name}: {error}", hint) from error


_FORMS = {"onnx": "one .onnx file", "safetensors": "a .safetensors file, or the .pt or .pth that Koma converts"}


def _entry(models: Models, spec: ModelSpec, file: Path, terms: Terms | None, today: str) -> LockedModel:
    """Make the record; what was said of the same file before still counts."""
    digest, before = file_digest(file), models.locked.get(spec.name)
    same = before if before is not None and before.sha256 == digest else None
    licence, commercial = terms or (licence_of(spec.name, models.locked) if same else (spec.licence, spec.commercial))
    return LockedModel(spec.name, spec.file, digest, file.stat().st_size, licence, commercial, same.added if same else today)


def _check_other(models: Models, found: LockedModel, *, replace: bool) -> None:
    before = models.locked.get(found.name)
    if before is not None and before.sha256 != found.sha256 and not replace:
        said = f"SHA-256 {before.sha256[:12]}..., added {before.added}; this one has {found.sha256[:12]}..."
        hint = f"koma models add {found.name} FILE --replace   (everything it had a part in is measured again)"
        raise KomaError(f"another file is recorded as {found.name}: {said}", hint)
