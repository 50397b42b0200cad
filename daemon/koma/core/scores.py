"""Score keys: what a number depends on besides the pixels. Pure.

A score is a fact about one content digest under one score key. Whatever changes the key of a metric (its version or definition, the
weights it needs, the pictures or colours it compares with) makes that metric be measured again, and no other.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from koma.core.against import Against, Subject
from koma.core.gate import Measurement
from koma.core.keys import KEY_FORMAT, digest, text_digest
from koma.core.metrics import METRICS
from koma.core.metrics.spec import MetricSpec

NO_WEIGHTS: Mapping[str, str] = {}


def score_key(spec: MetricSpec, against: Against, weights: Mapping[str, str] = NO_WEIGHTS) -> str:
    """Sha256 hex over what a metric's number depends on. `weights` gives digests by model; "" or nothing for one that is not there."""
    loaded = [f"{name}={weights.get(name, '')}" for name in spec.weights]
    return text_digest(KEY_FORMAT, spec.digest, *loaded, _read(spec, against))


def _read(spec: MetricSpec, against: Against) -> str:
    match spec.reads:
        case "characters":
            return digest([[s.id, *_looks(spec, s)] for s in against.subjects])
        case "style":
            return digest([p.content_digest for p in against.style])
        case _:
            return ""


def _looks(spec: MetricSpec, subject: Subject) -> list[Any]:
    """Give what of a character a metric reads: networks look at its pictures, everything else at its colours."""
    return [p.content_digest for p in subject.references] if spec.weights else [dict(subject.palette)]


def score_keys(metrics: Iterable[str], against: Against, weights: Mapping[str, str] = NO_WEIGHTS) -> dict[str, str]:
    """Score key of each metric. Raises KeyError for an unknown id."""
    return {metric: score_key(METRICS[metric], against, weights) for metric in metrics}


def measure_key(keys: Mapping[str, str]) -> str:
    """Sha256 hex over score keys, in any order: what is asked for of a file."""
    return text_digest(KEY_FORMAT, *(f"{metric}={key}" for metric, key in sorted(keys.items())))


def still_true(measurements: Iterable[Measurement], keys: Mapping[str, str]) -> tuple[Measurement, ...]:
    """Those of a take's measurements that count as asked for. A metric that lacked something to measure it is tried again, as a whole."""
    known = tuple(measurements)
    again = {found.metric for found in known if lacks(found)}
    return tuple(found for found in known if found.key and found.key == keys.get(found.metric) and found.metric not in again)


def lacks(found: Measurement) -> bool:
    """Whether there is no value because nothing could measure: a library or a model was missing or broken, or the metric itself failed.

    A picture without what a metric looks for (no face) was measured: it gets no value however often one looks.
    """
    return found.value is None and (found.failed or not found.record.get("runtime"))


def lacking_key(wanted: str, metrics: Iterable[str], equipment: Mapping[str, str]) -> str:
    """Key that a take has in place of the measure key `wanted` while one of these metrics lacks something.

    `equipment` says how the file of each model lies there, and under "" what runs them: when that changes, it is tried again. A model that
    is not recorded is no part of it: one that comes changes the score keys.
    """
    models = {name for metric in metrics for name in METRICS[metric].weights if name in equipment}
    return text_digest(wanted, *(f"{name}={equipment.get(name, '')}" for name in sorted({"", *models} if models else ())))


def key_of(measurements: Iterable[Measurement], wanted: str, lacking: str) -> str:
    """Measure key of a take with these measurements: the one that was `wanted`, if nothing lacks."""
    return lacking if any(map(lacks, measurements)) else wanted


def stamped(found: Measurement, key: str, content_digest: str) -> Measurement:
    """Give a new measurement with its score key, and the digest of the pixels that it is a fact about."""
    return replace(found, key=key, record={**found.record, "content": content_digest})


def in_order(found: Iterable[Measurement], metrics: Sequence[str]) -> tuple[Measurement, ...]:
    """Sort measurements as their metrics were asked for; those of a metric keep their order."""
    rank = {metric: number for number, metric in enumerate(metrics)}
    return tuple(sorted(found, key=lambda measurement: rank.get(measurement.metric, len(rank))))
