"""Takes that lost files, and wishes that a kill left behind: nothing is rendered that is there in another place, or on its way."""

from dataclasses import replace

from koma.core.codec import to_json
from koma.core.flags import LOST
from koma.core.media import Artifact, Media, Role
from koma.core.request import RenderRequest
from koma.core.take import Take
from koma.core.words import ActionKind, BackendKind
from koma.engine.survey import OBJECT_SUFFIXES
from koma.engine.taking import TakeMissingError
from koma.ports import MediaTools, Objects, Publisher, Store

_SHOWN = frozenset({Role.DELIVERY, Role.POSTER})


def mended(take: Take, objects: Objects, media: MediaTools) -> Take:
    """Give back the take with all that people see of it in the object store: encoded again from its lossless object where it was lost.

    Other encoders make other bytes of the same frames: then the take, and its receipt, name the new files. Raises TakeMissingError where
    the lossless object is gone as well, OSError and ValueError as encoding does.
    """
    lost = [made for made in take.artifacts if made.role in _SHOWN and not _is_sound(objects, made)]
    if not lost:
        return take
    kept = take.object
    if kept is None or not _is_sound(objects, kept):
        raise TakeMissingError(f"the object of take {take.number} of {take.target} is gone or damaged; it is rendered again if wanted")
    built = {made.role: made for made in media.build([objects.path(kept.file_digest, kept.suffix)], _request(take, kept))}
    artifacts = tuple(built[made.role] if made in lost else made for made in take.artifacts)
    return replace(take, artifacts=artifacts, receipt={**take.receipt, "artifacts": [to_json(made) for made in artifacts]})


def _is_sound(objects: Objects, made: Artifact) -> bool:
    return objects.is_sound(made.file_digest, made.suffix)


def _request(take: Take, kept: Artifact) -> RenderRequest:
    """Ask for the same once more, of the frames that are there."""
    label = f"{take.target} ({take.rendition}) take {take.number}"
    return RenderRequest("", "", BackendKind(take.backend), {}, (), Media(kept.media), label, kept.fps, kept.frames)


def restock(store: Store, objects: Objects, publisher: Publisher) -> None:
    """Put back into the object store what it lost of published takes and the outputs folder still has."""
    kept = {row.take_key: row.object_digest for row in store.take_rows()}
    for row in store.published():
        stem, _, suffix = row.path.rpartition(".")
        digest = kept.get(row.take_key, "")
        if digest and not any(objects.has(digest, name) for name in OBJECT_SUFFIXES.get(f".{suffix}", ())):
            take = store.take(row.take_key)
            if take is not None:
                publisher.give_back(take, stem)


def forget_answered(store: Store) -> None:
    """Take back wishes that a job is on its way for: a kill may have come between that job and the note that it is there.

    Only at the start: later a wish may come while such a job runs, and is about the one after it.
    """
    flags = store.flags()
    for job in store.jobs():
        name = f"retry:{job.work.target}:{job.work.rendition}"
        if name in flags and (job.work.asked or (flags[name] == LOST and job.action is ActionKind.RENDER)):
            store.set_flag(name, None)
