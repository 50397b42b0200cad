"""Model files of one workspace: found by name, and read only when they have the digest that was recorded.

A file is hashed once for each process and each state of it on the disk. Nothing is ever downloaded.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from koma.core.models import KNOWN, LOCK, LockedModel, described, parse_lock, permitted, refused
from koma.core.problem import Place, Problem
from koma.measures.learned.forms import WrongFormError, check_form

_CHUNK = 1 << 20  # bytes
_State = tuple[int, int, int]  # size, mtime in ns, inode

_hashed: dict[tuple[str, _State], str] = {}


class ModelError(Exception):
    """A model can't be used: `why`, and what to do about it in `hint`. As text it says both."""

    def __init__(self, why: str, hint: str) -> None:
        super().__init__(why)
        self.why = why
        self.hint = hint

    def __str__(self) -> str:
        """Say what happened and what to do, in one line."""
        return f"{self.why}; do: {self.hint}"


class ModelMissingError(ModelError):
    """The model was never added, or its file is gone: what needs it is unmeasured."""


class ModelForbiddenError(ModelMissingError):
    """The model's licence forbids what the project is for: what needs it is unmeasured."""


class ModelBrokenError(ModelError):
    """The file is not the one that was recorded, or not in the form that its name promises: what needs it is an error."""


class Models:
    """The models folder of a workspace, for everything or for commercial projects. Nothing is read before it is asked for."""

    def __init__(self, folder: Path, *, commercial: bool = False) -> None:
        self.folder = folder
        self.commercial = commercial
        self._state: _State | None = None
        self._locked: Mapping[str, LockedModel] = {}
        self._problems: Sequence[Problem] = ()

    def for_project(self, *, commercial: bool) -> Models:
        """Give the same folder as a project sees it: to a commercial one, models that it must not use are missing."""
        return self if commercial == self.commercial else Models(self.folder, commercial=commercial)

    @property
    def lock(self) -> Path:
        """The file that records what was added."""
        return self.folder / LOCK

    @property
    def locked(self) -> Mapping[str, LockedModel]:
        """What is recorded, by name; read again when models.json changes. Empty if there is none, or none that can be read."""
        self._read()
        return self._locked

    @property
    def problems(self) -> Sequence[Problem]:
        """What is wrong with models.json."""
        self._read()
        return self._problems

    def _read(self) -> None:
        state = state_of(self.lock)
        if state == self._state and state is not None:
            return
        try:
            self._locked, self._problems = parse_lock(self.lock.read_bytes(), f"{self.folder.name}/{LOCK}") if state else ({}, ())
        except OSError as error:
            self._locked, self._problems = {}, [_unreadable(f"{self.folder.name}/{LOCK}", error)]
        self._state = state

    def digest(self, name: str) -> str:
        """SHA-256 that is recorded for a model, "" for none that may be used. The file is not looked at."""
        return self.digests().get(name, "")

    def digests(self) -> dict[str, str]:
        """Every recorded SHA-256, by name: what of models enters the keys of scores. The files are not looked at."""
        return permitted(self.commercial, self.locked)

    def states(self) -> dict[str, str]:
        """Say how the file of each recorded model lies there, by name: another text once it was put back or written over."""
        return {name: " ".join(map(str, state_of(self.folder / model.file) or ())) for name, model in self.locked.items()}

    def record(self, names: Sequence[str]) -> list[dict[str, str]]:
        """Describe models for a score's record: name, sha256 ("" if not recorded), licence."""
        return described(names, self.locked)

    def require(self, names: Sequence[str]) -> None:
        """Say at once which of these models are not recorded here; files are not looked at, nor models that a package brings.

        Raises ModelForbiddenError where a licence forbids what the project is for, else ModelMissingError.
        """
        for name, why in refused(self.commercial, names, self.locked):
            raise ModelForbiddenError(why, f"koma models add {name} FILE --licence NAME --commercial yes   (a model that is allowed)")
        absent = [name for name in names if name not in self.locked and not KNOWN[name].package]
        if absent and not self._problems:
            raise _not_added(absent)

    def path(self, name: str) -> Path:
        """Find the file of a model, with the digest and the form that were recorded.

        Raises ModelForbiddenError where its licence forbids what the project is for, ModelMissingError where it was never added or is
        gone, ModelBrokenError where it is another file, KeyError for an unknown name.
        """
        if refused(self.commercial, [name], self.locked):
            self.require([name])
        return self._verified(name, self._there(name))

    def _there(self, name: str) -> Path:
        found = self.locked.get(name)
        if found is None and self._problems:
            raise ModelBrokenError(f"{self._problems[0].place}: {self._problems[0].message}", self._problems[0].hint)
        if found is None:
            raise _not_added([name])
        file = self.folder / found.file
        if not file.is_file():
            raise ModelMissingError(f"{file} is gone, which was added as {name}", f"put it back, or koma models add {name} FILE")
        return file

    def _verified(self, name: str, file: Path) -> Path:
        wanted = self.locked[name].sha256
        try:
            found = file_digest(file)
            if found == wanted:
                check_form(file, KNOWN[name].form)
        except (OSError, WrongFormError) as error:
            raise ModelBrokenError(f"{file} can't be used as {name}: {_words(error)}", f"koma models add {name} FILE --replace") from error
        if found != wanted:
            message = f"{file} is not the file that was added as {name}: SHA-256 {found[:12]}..., recorded {wanted[:12]}..."
            raise ModelBrokenError(message, f"put the right file back, or koma models add {name} FILE --replace")
        return file


def _not_added(names: Sequence[str]) -> ModelMissingError:
    if len(names) == 1:
        return ModelMissingError(
            f"the model {names[0]} was not added", f"koma models add {names[0]} FILE   (it is {KNOWN[names[0]].source})"
        )
    named = f"{', '.join(names[:-1])} and {names[-1]}"
    return ModelMissingError(f"the models {named} were not added", "koma models   (says where to get each)")


def state_of(file: Path) -> _State | None:
    """Size, time of change and inode of a file, None where there is none."""
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns, stat.st_ino


def file_digest(file: Path) -> str:
    """SHA-256 of a file's bytes, remembered while the file is as it was. Raises OSError."""
    state = state_of(file)
    known = _hashed.get((os.fspath(file.absolute()), state)) if state is not None else None
    if known is not None:
        return known
    digest = _hash(file)
    if state is None or state != state_of(file):
        raise OSError(f"{file} changed while it was read")
    _hashed[os.fspath(file.absolute()), state] = digest
    return digest


def _hash(file: Path) -> str:
    digest = sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _words(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def _unreadable(path: str, error: OSError) -> Problem:
    return Problem(Place(path), "unreadable", f"it can't be read: {error.strerror}", hint="correct its permissions")
