"""Which models a project needs: by which metrics its targets are judged, and which of its fields asks for each. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from koma.core.against import Against, Look, Picture, Subject
from koma.core.document import Doc
from koma.core.gate import Rule
from koma.core.metrics import METRICS
from koma.core.models import KNOWN, LockedModel, licence_of, refused
from koma.core.problem import Place, Problem, Severity
from koma.core.profiles import IDENTITY, Asked, Part
from koma.core.rules import base_rules, own_rules
from koma.core.tuning import thresholds, tuned
from koma.core.words import BackendKind, Phase

_SOMEBODY = Subject("somebody", palette={"hair": "#000000"}, references=(Picture("", "", ""),))
_PHASES = (Phase.STILL, Phase.LOOP, Phase.VIDEO)
_CLIP = {"width": 1, "height": 1, "frames": 2, "fps": 1, "motion": True}
_PARTS: tuple[Part, ...] = ("take", "segment", "join", "finish")


class Need(NamedTuple):
    """A learned metric that a project asks for: the field that asks for it, and whether a target must pass it.

    `tuning` is the id of the tuning document that has the field, "" for the project's own document.
    """

    metric: str
    field: str
    required: bool
    tuning: str = ""


def needs(gates: Mapping[str, Any], look: Look, tunings: Sequence[Doc] = ()) -> tuple[Need, ...]:
    """Learned metrics that targets of a project can be judged by, each once; `gates` is that field of its document.

    Every phase is looked at, with somebody in the picture: what a project needs does not depend on what it has drawn so far.
    """
    found: dict[str, Need] = {}
    for rule in _rules(gates, look, tunings):
        if rule.metric in METRICS and METRICS[rule.metric].weights:
            before = found.get(rule.metric)
            required = rule.required or (before is not None and before.required)
            found[rule.metric] = _need(gates, rule.metric, tunings, required=required)
    return tuple(found.values())


def _rules(gates: Mapping[str, Any], look: Look, tunings: Sequence[Doc]) -> Iterator[Rule]:
    named = {entry["character"] for doc in tunings for entry in thresholds(doc) if "character" in entry}
    cast = tuple(replace(_SOMEBODY, id=who) for who in sorted({_SOMEBODY.id, *named}))
    against = Against(cast, _SOMEBODY.references, look)
    sheet = Asked(Phase.STILL, BackendKind.COMFYUI, _CLIP, against=against, pose="front")
    shots = [Asked(phase, BackendKind.COMFYUI, _CLIP, part, against) for phase in _PHASES for part in _PARTS]
    for asked in (sheet, *shots):
        yield from own_rules(tuned(base_rules(asked, gates), tunings, asked, {}), asked, gates, "")


def _need(gates: Mapping[str, Any], metric: str, tunings: Sequence[Doc], *, required: bool) -> Need:
    """Say where a metric is asked for: in the project's document, in a tuning document that demands it, or else by the profile."""
    field = _field(gates, metric)
    demands = [(doc, number) for doc in tunings for number, entry in enumerate(thresholds(doc)) if _demands(entry, metric)]
    if field != "gates.profile" or not demands:
        return Need(metric, field, required)
    doc, number = demands[-1]
    return Need(metric, f"thresholds.{number}", required, doc.id)


def _demands(entry: Mapping[str, Any], metric: str) -> bool:
    return bool(entry["metric"] == metric and entry.get("required"))


def _field(gates: Mapping[str, Any], metric: str) -> str:
    """Path of the field that asks for a metric: a rule of its own, the choice of identity or audit, else the profile."""
    scopes: Mapping[str, Any] = gates.get("rules") or {}
    own = next((scope for scope in sorted(scopes) if metric in (scopes[scope] or {})), None)
    if own is not None:
        return f"gates.rules.{own}.{metric}"
    if IDENTITY.get(gates.get("identity") or "") == metric:
        return "gates.identity"
    return "gates.audit" if gates.get("audit") == metric else "gates.profile"


def forbidden(needed: tuple[Need, ...], locked: Mapping[str, LockedModel]) -> list[tuple[Need, str]]:
    """Metrics that can't run in a commercial project, with why.

    What a profile only shows is left out: nobody asked for it, and it says in each gate result why it was not measured.
    """
    asked = [need for need in needed if need.required or need.field != "gates.profile"]
    found = [(need, _why(METRICS[need.metric].weights, locked)) for need in asked]
    return [(need, why) for need, why in found if why]


def _why(names: tuple[str, ...], locked: Mapping[str, LockedModel]) -> str:
    """Say which of these models are refused in a commercial project, those of one licence together; "" if none is."""
    by_licence: dict[str, list[str]] = {}
    for name, _ in refused(True, names, locked):
        by_licence.setdefault(licence_of(name, locked)[0], []).append(name)
    said = [f"{' and '.join(names)} {'are' if len(names) > 1 else 'is'} licensed as `{licence}`" for licence, names in by_licence.items()]
    return f"{'; '.join(said)}, and the project is commercial" if said else ""


def licence_problem(need: Need, why: str, place: Place) -> Problem:
    """Word that a metric can't run in a commercial project. It holds no target: what the metric would have said is unmeasured."""
    return Problem(
        place,
        "forbidden-model",
        f"`{need.metric}` is never measured here: {why}",
        "models whose licence allows commercial use, where the project says `commercial: true`",
        _instead(need),
        need.field,
        Severity.ERROR if need.required else Severity.WARNING,
    )


Where = tuple[str, str]  # field, and the id of the tuning document that has it, "" for the project's


def lacking(needed: tuple[Need, ...], locked: Mapping[str, LockedModel]) -> dict[Where, tuple[list[str], list[str]]]:
    """Give required metrics and the models that they lack, by the field that asks. What a package brings by itself is not lacking."""
    found: dict[Where, tuple[list[str], list[str]]] = {}
    for need in needed:
        names = [name for name in METRICS[need.metric].weights if name not in locked and not KNOWN[name].package]
        if need.required and names:
            metrics, models = found.setdefault((need.field, need.tuning), ([], []))
            metrics.append(need.metric)
            models += [name for name in names if name not in models]
    return found


def lacking_problem(metrics: Sequence[str], models: Sequence[str], place: Place, field: str) -> Problem:
    """Word that required metrics can't be measured for want of models; nothing is held for it."""
    message = f"{', '.join(metrics)} can't be measured: no model was added as {', '.join(models)}; takes will wait for a person"
    return Problem(place, "missing-model", message, hint="koma models   (says where each goes)", path=field, severity=Severity.WARNING)


def _instead(need: Need) -> str:
    other = f"koma models add {METRICS[need.metric].weights[0]} FILE --licence NAME --commercial yes   (a model that is allowed)"
    if need.metric == IDENTITY["arcface"]:
        return f"choose `identity: ccip` or `identity: palette` under `gates`, or {other}"
    return f"take the rule out, or {other}" if need.field != "gates.profile" else other
