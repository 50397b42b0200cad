"""One submission of a take: its prompt id, its output prefix, and the request made for it from the template that the job carries."""

import uuid
from dataclasses import replace

from koma.core.graph import with_output_prefix
from koma.core.job import Job
from koma.core.request import RenderRequest
from koma.core.words import BackendKind

_NAMESPACE = uuid.UUID("6b6f6d61-0000-5000-8000-70726f6d7074")  # "koma", "prompt": fixed, so that ids can be worked out again


def prompt_id(take_key: str, attempt: int, salt: str = "") -> str:
    """Lowercase UUID of one attempt. `salt` tells apart jobs that share a take: of twin targets, or a cancelled one and the next."""
    return str(uuid.uuid5(_NAMESPACE, f"{take_key}:{attempt}:{salt}"))


def salt_of(job: Job) -> str:
    """Return what tells this job from every other job of its take."""
    return f"{job.job_id}:{job.queued_at:.6f}"


def for_attempt(request: RenderRequest, take_key: str, attempt: int, salt: str = "") -> RenderRequest:
    """Fill prompt id and output prefix of one attempt into the request, and the prefix into every `filename_prefix` of a ComfyUI graph.

    The prefix is of its own per prompt, so that no cached result passes for a new one; it names take and attempt for people.
    """
    identity = prompt_id(take_key, attempt, salt)
    prefix = f"koma/{take_key[:16]}-a{attempt}-{identity[:8]}"
    document = with_output_prefix(request.document, prefix) if request.kind is BackendKind.COMFYUI else request.document
    return replace(request, prompt_id=identity, prefix=prefix, document=document)


def request_of(job: Job) -> RenderRequest:
    """Return the request of a job's current attempt. Raises ValueError for a job that renders nothing."""
    request = wanted_request(job)
    if request is None:
        raise ValueError(f"job {job.job_id} ({job.work.target}) has the action {job.action} and renders nothing")
    return for_attempt(request, job.work.take_key, job.attempt, salt_of(job))


def wanted_request(job: Job) -> RenderRequest | None:
    """Return the request that attempts are made from: as it was queued, or with less where memory ran out."""
    request, fallback = job.work.request, job.fallback
    return request if request is None or fallback is None else replace(request, document=fallback.document)
