"""Puts takes where people look: delivery file, poster, gate result and receipt in the outputs folder; and reads them back.

The receipt is written last: what it names is there. A crash before it leaves the take before as the published one.
"""

import errno
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from koma.core.jsontext import read_json
from koma.core.media import Artifact, Role
from koma.core.receipt import MAX_BYTES, ReceiptError, gate_document, take_from_receipt
from koma.core.redact import redact_text
from koma.core.rows import Published
from koma.core.shown import json_text, printable_text
from koma.core.take import Take
from koma.core.words import Verdict
from koma.files import LinkedFolderError, read_file
from koma.ports import Objects
from koma.publish.durable import file_sha256, link_or_copy, make_folder, move, sync_folder, try_link, write_text
from koma.publish.layout import GATE, LOG, POSTER, RECEIPT, beside, checked, in_takes, key_in_name, receipts, retired, short

_SHOWN = frozenset({Role.DELIVERY, Role.POSTER})
MAX_LOG = 64 * 1024  # characters; the end of a log is what tells


class FolderPublisher:
    """Implements koma.ports.Publisher. `problems` lists what `recall` could not use, in words."""

    def __init__(self, outputs: Path, objects: Objects) -> None:
        self._outputs = outputs
        self._objects = objects
        self.problems: list[str] = []

    def publish(self, take: Take, stem: str) -> Published:
        """Write the files of a take at `outputs/<stem>…`; repeated, it changes nothing.

        Raises ValueError for a take without a delivery file or a stem that is no place, FileNotFoundError if its object is gone.
        """
        delivery = take.artifact(Role.DELIVERY)
        if delivery is None:
            raise ValueError(f"{take.target} take {take.number} has no delivery file: nothing can be published")
        before, shown = self._delivery_before(stem), self._shown(stem)
        self._place(delivery, beside(self._outputs, stem, delivery.suffix))
        poster = take.artifact(Role.POSTER)
        if poster is not None and delivery.suffix != POSTER:
            self._place(poster, beside(self._outputs, stem, POSTER))
        write_text(beside(self._outputs, stem, GATE), _text(gate_document(take)))
        write_text(beside(self._outputs, stem, RECEIPT), _text(take.receipt))
        if before is not None and before.suffix not in (delivery.suffix, POSTER):
            before.unlink(missing_ok=True)
        if shown != take.take_key:
            self._put_away(stem, shown)
        return _published(take, stem, delivery)

    def keep_take(self, take: Take, stem: str, log: str) -> None:
        """Write receipt and gate result of a take into `takes/`; the end of `log` if it is not empty, the picture if it did not pass."""
        if log or take.failure is not None:
            write_text(in_takes(self._outputs, stem, take.take_key, LOG), _log(take, log))
        delivery = take.artifact(Role.DELIVERY)
        if delivery is not None and take.verdict is not Verdict.PASSED:
            self._show(delivery, in_takes(self._outputs, stem, take.take_key, delivery.suffix))
        write_text(in_takes(self._outputs, stem, take.take_key, GATE), _text(gate_document(take)))
        write_text(in_takes(self._outputs, stem, take.take_key, RECEIPT), _text(take.receipt))

    def give_back(self, take: Take, stem: str) -> None:
        """Put into the object store what it lost of a take and the outputs folder still has at that stem."""
        for artifact in take.artifacts:
            path = beside(self._outputs, stem, artifact.suffix)
            lost = artifact.role in _SHOWN and not self._objects.is_sound(artifact.file_digest, artifact.suffix)
            if lost and path.is_file() and path.stat().st_size == artifact.size:
                with suppress(ValueError):  # other bytes than those of the take
                    self._objects.put(path, expect=artifact.file_digest)

    def retire(self, published: Published) -> None:
        """Move the published files to `outputs/.koma/retired/`, receipt first; what is in takes/ stays. Repeatable.

        Nothing is moved from behind a folder that is a link: what lies there is not what was published.
        """
        with suppress(LinkedFolderError):
            self._retire(published)

    def _retire(self, published: Published) -> None:
        path = checked(published.path)
        stem = path.with_suffix("").as_posix()
        folder = retired(self._outputs, stem, published.take_key)
        make_folder(folder)
        for suffix in dict.fromkeys((RECEIPT, GATE, POSTER, path.suffix)):
            file = beside(self._outputs, stem, suffix)
            if file.is_file():
                move(file, folder / file.name)
        self._put_away(stem, published.take_key)

    def recall(self, takes: Collection[str] = (), stems: Collection[str] = ()) -> Iterator[tuple[Take, Published | None]]:
        """Every take that receipts in the outputs folder tell of, once, with where it is published; see `problems` afterwards.

        What is only of known `takes` (their keys) and at known `stems` is left out.
        """
        self.problems = []
        seen: set[str] = set()
        known, places = {short(key) for key in takes}, frozenset(stems)
        for path, stem in sorted(receipts(self._outputs), key=lambda found: not found[1]):  # published ones before those in takes/
            if stem in places or (not stem and key_in_name(path) in known):
                continue
            take = self._read(path)
            if take is not None and take.take_key not in seen:
                seen.add(take.take_key)
                yield take, self._lying(take, stem) if stem else None

    def _read(self, path: Path) -> Take | None:
        gate = path.with_name(path.name.removesuffix(RECEIPT) + GATE)
        try:
            take = take_from_receipt(_json(path), _json(gate))
            for artifact in take.artifacts:
                self._object(artifact)  # raises for a name that would lead out of the store
        except (OSError, ValueError) as error:
            self._skip(path, str(error))
            return None
        return take

    def _lying(self, take: Take, stem: str) -> Published | None:
        """Return what is published at a stem, if the delivery file that the receipt names lies there."""
        delivery = take.artifact(Role.DELIVERY)
        file = beside(self._outputs, stem, delivery.suffix if delivery else RECEIPT)
        if delivery is None or not self._is(file, delivery):
            self._skip(file, "it is not the file that the receipt beside it names; the take counts as not published")
            return None
        return _published(take, stem, delivery)

    def _skip(self, path: Path, why: str) -> None:
        self.problems.append(f"{path.relative_to(self._outputs).as_posix()}: {why}")

    def _place(self, artifact: Artifact, path: Path) -> None:
        if self._is(path, artifact):
            return
        source = self._object(artifact)
        if source.stat().st_size != artifact.size:
            raise OSError(errno.EIO, f"the object has not the {artifact.size} bytes that it was put in with", str(source))
        link_or_copy(source, path)

    def _show(self, artifact: Artifact, path: Path) -> None:
        """Link a picture that failed into takes/; where links are not possible, the object alone has to do."""
        make_folder(path.parent)
        source = self._object(artifact)
        if not path.exists() and source.is_file() and try_link(source, path):
            sync_folder(path.parent)

    def _is(self, path: Path, artifact: Artifact) -> bool:
        """Whether a file is that artifact: a link to its object, or the same bytes."""
        if not path.is_file() or path.stat().st_size != artifact.size:
            return False
        source = self._object(artifact)
        return (source.is_file() and path.samefile(source)) or file_sha256(path) == artifact.file_digest

    def _object(self, artifact: Artifact) -> Path:
        return self._objects.path(artifact.file_digest, artifact.suffix)

    def _shown(self, stem: str) -> str:
        """Key of the take that lies at a stem, "" where none does."""
        try:
            return str(_json(beside(self._outputs, stem, RECEIPT))["take_key"])
        except (OSError, ValueError, LookupError):
            return ""

    def _put_away(self, stem: str, take_key: str) -> None:
        """Note on what is kept of a take that it was in use until now."""
        with suppress(OSError, ValueError):
            os.utime(in_takes(self._outputs, stem, take_key, GATE))

    def _delivery_before(self, stem: str) -> Path | None:
        """Delivery file that the receipt at a stem names, None without one."""
        try:
            named = _json(beside(self._outputs, stem, RECEIPT))["artifacts"]
            return next(beside(self._outputs, stem, item["suffix"]) for item in named if item["role"] == Role.DELIVERY)
        except (OSError, ValueError, LookupError, TypeError, StopIteration):
            return None


def _published(take: Take, stem: str, delivery: Artifact) -> Published:
    shown, last = take.object or delivery, take.artifact(Role.LAST)
    return Published(
        target=take.target,
        rendition=take.rendition,
        take_key=take.take_key,
        render_key=take.render_key,
        path=f"{stem}{delivery.suffix}",
        size=delivery.size,
        verdict=str(take.verdict),
        measure_key=take.measure_key,
        rules_digest=take.rules_digest,
        content_digest=shown.content_digest,
        decided=take.decided,
        last_digest=last.content_digest if last else "",
    )


def _log(take: Take, log: str) -> str:
    lines = []
    if take.failure is not None:
        lines = [f"{take.failure.kind}: {take.failure.message}", take.failure.excerpt]
    return printable_text(redact_text("\n".join([*filter(None, lines), log[-MAX_LOG:]]).rstrip("\n") + "\n"))


def _text(document: Mapping[str, Any]) -> str:
    return json_text(document, indent=1, allow_nan=False) + "\n"


def _json(path: Path) -> Mapping[str, Any]:
    try:
        document = read_json(read_file(path, MAX_BYTES), MAX_BYTES)
    except ValueError as error:
        raise ReceiptError(f"{path.name} is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise ReceiptError(f"{path.name} holds no JSON object")
    return document
