"""Models of the learned metrics: which there are, what each needs, their licences, and how a workspace records the files it has. Pure.

A model is a role that a file can play (`face-detector`); KNOWN names the file that Koma's definitions speak of, and a workspace may put
another one in that role. What counts is the digest: it enters every score that the model had a part in.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from koma.core.hints import did_you_mean
from koma.core.jsontext import JsonError, read_json
from koma.core.metrics import METRICS
from koma.core.problem import Place, Problem
from koma.core.shown import json_text

FORMAT_VERSION = 1
LOCK = "models.json"
LOCK_BYTES = 1024 * 1024  # far more than a list of models has
_HEX = frozenset("0123456789abcdef")
_DIGEST = 64  # hexadecimal digits of SHA-256

Form = Literal["onnx", "safetensors"]


class ModelSpec(NamedTuple):
    """One role: the file name in the models folder, what the file does, whose it is, and whether its licence allows commercial use.

    `extra` are the optional dependencies that run it, `source` says in words where to get it, `note` what else a person has to know.
    `package` names the Python package that brings a file of its own for this role, "" where a person has to add one.
    """

    name: str
    file: str
    form: Form
    role: str
    licence: str
    commercial: bool
    extra: str
    source: str
    note: str = ""
    package: str = ""


class LockedModel(NamedTuple):
    """One file that a workspace has recorded: SHA-256 in lower-case hexadecimal, size in bytes, licence, and the day it was added."""

    name: str
    file: str
    sha256: str
    bytes: int
    licence: str
    commercial: bool
    added: str


_EXTRA = "quality"
_INSIGHTFACE = "insightface: non-commercial research only"
_ON_FACES = "made for photographs: on drawings it mostly finds no face"

KNOWN: Mapping[str, ModelSpec] = {
    spec.name: spec
    for spec in (
        ModelSpec(
            "face-detector",
            "face-detector.onnx",
            "onnx",
            "finds faces, with five points each (SCRFD)",
            _INSIGHTFACE,
            commercial=False,
            extra=_EXTRA,
            source="det_10g.onnx of the insightface model pack buffalo_l",
            note=_ON_FACES,
        ),
        ModelSpec(
            "face-recogniser",
            "face-recogniser.onnx",
            "onnx",
            "tells faces apart: 512 numbers for a face (ArcFace)",
            _INSIGHTFACE,
            commercial=False,
            extra=_EXTRA,
            source="w600k_r50.onnx of the insightface model pack buffalo_l",
            note=_ON_FACES,
        ),
        ModelSpec(
            "ccip-features",
            "ccip-features.onnx",
            "onnx",
            "tells drawn characters apart: 768 numbers for a picture (CCIP)",
            "OpenRAIL",
            commercial=True,
            extra=_EXTRA,
            source="model_feat.onnx of the model page deepghs/ccip_onnx, ccip-caformer-24-randaug-pruned",
            note="OpenRAIL names uses that it forbids: read it; thresholds differ from one CCIP model to another",
        ),
        ModelSpec(
            "ccip-metric",
            "ccip-metric.onnx",
            "onnx",
            "compares those numbers (CCIP)",
            "OpenRAIL",
            commercial=True,
            extra=_EXTRA,
            source="model_metrics.onnx of the model page deepghs/ccip_onnx, from the same folder as the features",
            note="it belongs to its features: change both together",
        ),
        ModelSpec(
            "clip-vit-l-14",
            "clip-vit-l-14.safetensors",
            "safetensors",
            "says what a picture shows: 768 numbers (CLIP ViT-L/14)",
            "MIT",
            commercial=True,
            extra=_EXTRA,
            source="open_clip_model.safetensors of the model page timm/vit_large_patch14_clip_224.openai, or ViT-L-14.pt of openai/CLIP",
            note="OpenAI's weights, not LAION's; its model card calls every deployed use out of scope, which the licence does not",
        ),
        ModelSpec(
            "aesthetic-head",
            "aesthetic-head.safetensors",
            "safetensors",
            "how well people like a picture, 0..10, from its CLIP numbers (a linear layer)",
            "MIT",
            commercial=True,
            extra=_EXTRA,
            source="sa_0_4_vit_l_14_linear.pth of the project LAION-AI/aesthetic-predictor",
            note="trained on what people said of photographs and paintings; the later MLP predictor has another scale and does not fit",
        ),
        ModelSpec(
            "lpips-trunk",
            "lpips-trunk.safetensors",
            "safetensors",
            "what people see in a patch of a picture (AlexNet)",
            "BSD-3-Clause",
            commercial=True,
            extra=_EXTRA,
            source="alexnet-owt-7be5be79.pth of the project pytorch/vision (ImageNet weights)",
            note="trained on ImageNet, whose pictures are for non-commercial research: whether that binds weights is for you to judge",
        ),
        ModelSpec(
            "lpips-heads",
            "lpips-heads.safetensors",
            "safetensors",
            "how much each feature of that counts (LPIPS v0.1, five 1 x 1 layers)",
            "BSD-2-Clause",
            commercial=True,
            extra=_EXTRA,
            source="weights/v0.1/alex.pth of the package lpips",
            package="lpips",
        ),
    )
}


def users(name: str) -> tuple[str, ...]:
    """Ids of the metrics that need a model."""
    return tuple(metric for metric, spec in METRICS.items() if name in spec.weights)


def licence_of(name: str, locked: Mapping[str, LockedModel]) -> tuple[str, bool]:
    """Licence of a model, and whether it allows commercial use: as recorded, else as known. Raises KeyError for an unknown name."""
    found = locked.get(name) or KNOWN[name]
    return found.licence, found.commercial


def refused(commercial: bool, names: Iterable[str], locked: Mapping[str, LockedModel]) -> list[tuple[str, str]]:
    """Models among `names` that must not run in a project, with why: none unless it is commercial."""
    found = [(name, *licence_of(name, locked)) for name in names] if commercial else []
    return [(name, f"{name} is licensed as `{licence}`, and the project is commercial") for name, licence, allowed in found if not allowed]


def permitted(commercial: bool, locked: Mapping[str, LockedModel]) -> dict[str, str]:
    """Digests of the models that may run in a project, by name: what of models enters the keys of its scores."""
    forbidden = {name for name, _ in refused(commercial, locked, locked)}
    return {name: model.sha256 for name, model in locked.items() if name not in forbidden}


def lock_text(models: Mapping[str, LockedModel]) -> str:
    """Text of models.json; the same models always give the same text."""
    entries = {name: {key: value for key, value in models[name]._asdict().items() if key != "name"} for name in sorted(models)}
    return json_text({"format_version": FORMAT_VERSION, "models": entries}, indent=2) + "\n"


def parse_lock(text: bytes, file: str) -> tuple[dict[str, LockedModel], list[Problem]]:
    """Read models.json; a broken entry is a Problem and holds no other. `file` is its path in the workspace, for the Problems."""
    try:
        data = read_json(text, LOCK_BYTES)
    except JsonError as error:
        return {}, [_wrong(Place(file, error.line or 1, error.column or 1), f"this is not JSON: {error}")]
    if not isinstance(data, dict) or not isinstance(data.get("models"), dict):
        return {}, [_wrong(Place(file, 1, 1), "this is no list of models", '{"format_version": 1, "models": {...}}')]
    if data.get("format_version") != FORMAT_VERSION:
        found = data.get("format_version")
        message, hint = f"format {found!r} is not one that this Koma reads", "update Koma, or move the file away and add the models again"
        return {}, [Problem(_spot(text, "format_version", file), "wrong-format", message, str(FORMAT_VERSION), hint)]
    return _entries(data["models"], text, file)


def _entries(models: Mapping[str, Any], text: bytes, file: str) -> tuple[dict[str, LockedModel], list[Problem]]:
    good: dict[str, LockedModel] = {}
    problems: list[Problem] = []
    for name, entry in models.items():
        objection = _objection(name, entry)
        if objection is None:
            good[name] = LockedModel(name, **{field: entry[field] for field in _FIELDS})
        else:
            message, expected = objection
            hint = f"koma models add {name} FILE --replace" if name in KNOWN else did_you_mean(name, KNOWN) or "take the entry out"
            problems.append(Problem(_spot(text, name, file), "wrong-value", message, expected, hint, f"models.{name}"))
    return good, problems


_FIELDS: Mapping[str, type] = {"file": str, "sha256": str, "bytes": int, "licence": str, "commercial": bool, "added": str}


def _objection(name: str, entry: Any) -> tuple[str, str] | None:
    """Say what is wrong with an entry, and what was expected."""
    if name not in KNOWN:
        return f"no model is called {name!r}", f"one of {', '.join(KNOWN)}"
    if not isinstance(entry, dict):
        return f"the entry of {name} is no mapping", ", ".join(_FIELDS)
    for field, kind in _FIELDS.items():
        if not isinstance(entry.get(field), kind) or (kind is int and isinstance(entry[field], bool)):
            return f"`{field}` of {name} is {repr(entry[field]) if field in entry else 'missing'}", _KINDS[kind]
    if not is_plain(entry["file"]):
        return f"`file` of {name} is {entry['file']!r}", "a plain file name inside the models folder"
    if len(entry["sha256"]) != _DIGEST or not _HEX.issuperset(entry["sha256"]):
        return f"`sha256` of {name} is {entry['sha256']!r}", f"{_DIGEST} hexadecimal digits"
    return None


_KINDS = {str: "text", int: "a whole number", bool: "true or false"}


def is_plain(file: str) -> bool:
    """Whether a file name names a file right in its folder, and nothing hidden."""
    return bool(file) and not file.startswith(".") and not {"/", "\\", "\0"} & set(file)


def _spot(text: bytes, key: str, file: str) -> Place:
    """Where a key first stands in a JSON text, as a key."""
    before, found, _ = text.decode(errors="replace").partition(f"{json.dumps(key, ensure_ascii=False)}:")
    if not found:
        return Place(file, 1, 1)
    return Place(file, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


def _wrong(place: Place, message: str, expected: str = "") -> Problem:
    hint = "move the file away and add the models again: koma models add NAME FILE"
    return Problem(place, "wrong-format", message, expected, hint)


def described(names: Sequence[str], locked: Mapping[str, LockedModel]) -> list[dict[str, str]]:
    """Describe models for a score's record: name, sha256 ("" if not recorded) and licence."""
    return [
        {"name": name, "sha256": locked[name].sha256 if name in locked else "", "licence": licence_of(name, locked)[0]} for name in names
    ]
