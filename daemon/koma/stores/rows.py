"""Values to the columns that stores keep of them, and back."""

import json
from dataclasses import replace
from typing import Any, TypeVar

from koma.core.codec import CodecError, from_json, to_json
from koma.core.faults import StoreError
from koma.core.job import Job
from koma.core.media import Role
from koma.core.rows import TakeRow
from koma.core.take import Take

T = TypeVar("T")


def light(take: Take) -> TakeRow:
    """Return the columns of a take that planning reads."""
    made, last = take.object, take.artifact(Role.LAST)
    return TakeRow(
        take_key=take.take_key,
        target=take.target,
        rendition=take.rendition,
        render_key=take.render_key,
        number=take.number,
        verdict=take.verdict.value,
        decided=take.decided,
        approved=take.approved,
        measure_key=take.measure_key,
        rules_digest=take.rules_digest,
        object_digest=made.file_digest if made else "",
        content_digest=made.content_digest if made else "",
        last_digest=last.content_digest if last else "",
    )


def made_seconds(take: Take) -> float:
    """Render seconds of a take that made something; 0 for one that did not, which says nothing about the next."""
    return max(take.render_seconds, 0.0) if take.artifacts else 0.0


def take_row(take: Take) -> dict[str, Any]:
    """Return all columns of a take but its body."""
    return light(take)._asdict() | {"template": take.template, "made_seconds": made_seconds(take), "finished_at": take.finished_at}


def take_body(take: Take, *, decided: bool) -> tuple[str, str]:
    """Return facts and body of a take as JSON texts."""
    body = to_json(replace(take, decided=decided))
    return json.dumps(body.pop("facts")), json.dumps(body)


def job_row(job: Job) -> dict[str, Any]:
    """Return the columns of a job."""
    return {
        "job_id": job.job_id,
        "target": job.work.target,
        "rendition": job.work.rendition,
        "state": job.state.value,
        "queued_at": job.queued_at,
        "body": json.dumps(to_json(job)),
    }


def read_body(cls: type[T], body: str, where: str) -> T:
    """Make a value of its JSON text. Raises StoreError."""
    try:
        return from_json(cls, json.loads(body))
    except (CodecError, json.JSONDecodeError) as error:
        raise StoreError(f"{where}: a stored {cls.__name__} can't be read: {error}. Run `koma doctor`.") from error
