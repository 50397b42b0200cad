"""What stands beside an output: the receipt (how it was made, enough to make it again) and the gate result (how it was judged).

A receipt is a fact and never changes; everything about a take that may change later (measurements, verdict, approval) is in the
gate document. Both together give back the take, so a lost store is rebuilt from them.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from koma.core.attempt import wanted_request
from koma.core.codec import CodecError, from_json, to_json
from koma.core.gate import Check, GateResult, Measurement, Op, Rule, stage_of
from koma.core.job import Job
from koma.core.media import Artifact
from koma.core.metrics import METRICS
from koma.core.redact import redact_text, redacted
from koma.core.request import Failure, RenderRequest
from koma.core.spec.standard import RULE_WHEN
from koma.core.take import Take
from koma.core.words import BackendKind, Verdict

FORMAT_VERSION = 1
MAX_BYTES = 64 * 1024 * 1024  # of a receipt or gate document; ten minutes of film, measured frame by frame, have a tenth of it
_NAMED = ("commit", "template_digest", "models", "versions", "retry")


class ReceiptError(ValueError):
    """A receipt or gate document that can't be used; `str()` says why."""


def receipt(job: Job, finished_at: float, versions: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Build the receipt of a job that rendered, or failed to; JSON values only, without secrets.

    `work.origin` may name `commit`, `template_digest`, `models`, `versions` and `retry` (what the take changes and why); what else it holds
    is kept under `origin`. `versions` (Koma, server, packs) are added to those. The request is that of the last attempt, which may be a
    fallback. Times are seconds since the epoch, 0 where something did not happen.
    """
    work, origin = job.work, job.work.origin
    document = {
        "format_version": FORMAT_VERSION,
        "target": work.target,
        "rendition": work.rendition,
        "phase": work.phase,
        "render_key": work.render_key,
        "take_key": work.take_key,
        "number": work.number,
        "seed": work.seed,
        "backend": str(work.backend),
        "template": {"name": work.template, "digest": origin.get("template_digest", "")},
        "request": _request(wanted_request(job)),
        "artifacts": [to_json(artifact) for artifact in job.artifacts],
        "facts": work.facts,
        "commit": origin.get("commit"),
        "models": origin.get("models", {}),
        "versions": {**origin.get("versions", {}), **(versions or {})},
        "origin": {name: value for name, value in origin.items() if name not in _NAMED},
        "attempts": job.attempt,
        "prompt_id": job.prompt_id,
        "times": _times(job, finished_at),
        "peak_memory_bytes": job.peak_memory_bytes,
        **({"retry": origin["retry"]} if "retry" in origin else {}),
        **_relief(job),
        "failure": _failure(job.failure),
    }
    return redacted(document)  # type: ignore[no-any-return]  # a mapping stays a mapping


def _relief(job: Job) -> dict[str, Any]:
    """Say what was done to the backend, and what is odd about its answer.

    Fallbacks gone down, memory freed before the attempt, restarts, why one did not come about, and why the answer is suspicious.
    """
    reduced = {"steps": job.reduced, "name": job.fallback.name} if job.fallback is not None else None
    freed = to_json(job.freed) if job.freed is not None else None
    found = {"reduced": reduced, "freed": freed, "restarts": job.restarts, "restart_failed": job.restart_failed}
    found["suspicious"] = job.suspicious
    return {name: value for name, value in found.items() if value}


def _request(request: RenderRequest | None) -> dict[str, Any] | None:
    if request is None:
        return None
    document = to_json(request)
    del document["kind"], document["prompt_id"]  # said once, by the receipt itself
    return document


def _failure(failure: Failure | None) -> dict[str, str] | None:
    if failure is None:
        return None
    return {"kind": str(failure.kind), "message": redact_text(failure.message), "excerpt": redact_text(failure.excerpt)}


def _times(job: Job, finished_at: float) -> dict[str, float]:
    return {
        "queued_at": float(job.queued_at),
        "submitted_at": float(job.submitted_at),
        "running_since": float(job.running_since),
        "finished_at": float(finished_at),
        "render_seconds": float(job.render_seconds),
    }


def finished_take(job: Job, finished_at: float, versions: Mapping[str, str] | None = None) -> Take:
    """Make the take of a job that rendered, or failed to, as it is first judged; its receipt included."""
    gate, work = job.gate, job.work
    return Take(
        **_made(receipt(job, finished_at, versions)),
        measure_key=work.measure_key if job.measurements else "",
        measurements=job.measurements,
        rules_digest=work.rules_digest if gate else "",
        gate=gate,
        decided=gate is not None and gate.verdict is Verdict.PASSED,
    )


def request_from_receipt(document: Mapping[str, Any], prompt_id: str) -> RenderRequest:
    """Give the request that made a take once more, under another prompt id. Raises ReceiptError where there is none, or a damaged one."""
    request = _checked(document).get("request")
    if not request:
        raise ReceiptError("it names no request: this take was not rendered")
    if not isinstance(request, Mapping):
        raise ReceiptError("it is damaged: its request is no object")
    try:
        return from_json(RenderRequest, {**request, "kind": document.get("backend"), "prompt_id": prompt_id})
    except CodecError as error:
        raise ReceiptError(f"it is damaged: {error}") from error


def take_from_receipt(document: Mapping[str, Any], gate: Mapping[str, Any]) -> Take:
    """Give back the take that `receipt` and `gate_document` tell of. Raises ReceiptError if they don't fit together or are damaged."""
    try:
        made, judged = _made(_checked(document)), _judged(_checked(gate))
        found = from_json(Take, to_json(Take(**{**made, **judged})))  # there and back again, so that everything is of its type
    except ReceiptError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise ReceiptError(f"it is damaged: {error!r}") from error
    if gate.get("take_key") != found.take_key:
        raise ReceiptError("receipt and gate result are of two takes")
    return found


def _checked(document: Mapping[str, Any]) -> Mapping[str, Any]:
    version = document.get("format_version")
    if not isinstance(version, int) or not 1 <= version <= FORMAT_VERSION:
        raise ReceiptError(f"format_version is {version!r}, this Koma reads 1 to {FORMAT_VERSION}")
    return document


def _made(document: Mapping[str, Any]) -> dict[str, Any]:
    times, failure = document["times"], document["failure"]
    plain = ("take_key", "target", "rendition", "render_key", "number", "seed", "facts")
    return {name: document[name] for name in plain} | {
        "backend": BackendKind(document["backend"]),
        "template": document["template"]["name"],
        "artifacts": tuple(from_json(Artifact, item) for item in document["artifacts"]),
        "failure": from_json(Failure, failure) if failure else None,
        "render_seconds": float(times["render_seconds"]),
        "finished_at": float(times["finished_at"]),
        "receipt": document,
    }


def gate_document(take: Take) -> dict[str, Any]:
    """Build gate.json: every check with value, threshold, verdict, unit, version, definition and where its threshold comes from.

    `measurements` are the score records: what was measured, by what, of which pixels, frame by frame.
    """
    found = {(measurement.metric, measurement.subject): measurement for measurement in take.measurements}
    return {
        "format_version": FORMAT_VERSION,
        "target": take.target,
        "rendition": take.rendition,
        "take_key": take.take_key,
        "number": take.number,
        "verdict": str(take.verdict),
        "approved": take.approved,
        "decided": take.decided,
        "gate": str(take.gate.verdict) if take.gate else None,
        "decided_by": take.gate.stage if take.gate else "",
        "reason": take.gate.reason if take.gate else "",
        "checks": [_check(check, found.get((check.rule.metric, check.rule.subject))) for check in (take.gate.checks if take.gate else ())],
        "measure_key": take.measure_key,
        "rules_digest": take.rules_digest,
        "measurements": [to_json(measurement) for measurement in take.measurements],
    }


def _check(check: Check, found: Measurement | None) -> dict[str, Any]:
    spec = METRICS.get(check.rule.metric)
    return {
        "metric": check.rule.metric,
        "subject": check.rule.subject,
        "stage": str(stage_of(check.rule)),
        "verdict": str(check.verdict),
        "value": check.value,
        "op": str(check.rule.op),
        "threshold": check.rule.threshold,
        "unit": found.unit if found else spec.unit if spec else "",
        "required": check.rule.required,
        "source": check.rule.source,
        "when": check.rule.when,
        "basis": check.rule.basis,
        "audit": check.rule.audit,
        "version": found.version if found else "",
        "measured": spec.definition if spec else "",
        "message": check.message,
    }


def _judged(document: Mapping[str, Any]) -> dict[str, Any]:
    verdict = document["gate"]
    return {
        "target": document["target"],  # a moved target takes its takes along; the receipt still says what it was called
        "measure_key": document["measure_key"],
        "measurements": tuple(from_json(Measurement, item) for item in document["measurements"]),
        "rules_digest": document["rules_digest"],
        "gate": _gate(verdict, document) if verdict else None,
        "decided": document["decided"],
        "approved": document["approved"],
    }


def _gate(verdict: str, document: Mapping[str, Any]) -> GateResult:
    stage, reason = document.get("decided_by", ""), document.get("reason", "")  # gate results of before stages have neither
    return GateResult(Verdict(verdict), tuple(_checks(document["checks"])), stage, reason)


def _checks(items: Iterable[Mapping[str, Any]]) -> Iterable[Check]:
    for item in items:
        when = item.get("when", RULE_WHEN)  # gate results of before rules said when
        said = {name: item[name] for name in ("subject", "basis", "audit") if name in item}
        rule = Rule(item["metric"], Op(item["op"]), float(item["threshold"]), item["required"], item["source"], when, **said)
        yield Check(rule, item["value"], Verdict(item["verdict"]), item["message"])
