"""The gate of one target: which rules judge it, what it is measured against, and the keys by which both are compared. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from koma.core.against import NOTHING, Against
from koma.core.chain import is_segment
from koma.core.draft import Draft
from koma.core.gate import Rule
from koma.core.metrics import METRICS
from koma.core.profiles import Asked, Part
from koma.core.rules import base_rules, measures_for, own_rules, rules_digest
from koma.core.scores import lacking_key, measure_key, score_keys
from koma.core.subjects import against_of, cast_key
from koma.core.target import is_of_sheet
from koma.core.tuning import tuned
from koma.core.words import BackendKind, Phase, Reason, Rendition
from koma.core.world import UNREAD_MODELS, World


class Gate(NamedTuple):
    """Rules of one target's gate, what it is measured against, the score key of each metric that is needed, and the digests of both.

    `lacking_key` stands in for `measure_key` while a metric lacks something.
    """

    rules: tuple[Rule, ...]
    against: Against
    score_keys: Mapping[str, str]
    measure_key: str
    rules_digest: str
    lacking_key: str

    @property
    def metrics(self) -> tuple[str, ...]:
        """Ids of the metrics that are needed."""
        return tuple(self.score_keys)


NO_GATE = Gate((), NOTHING, {}, "", "", "")
"""Of a target that can't be drawn for now."""


def gate_of(world: World, draft: Draft, rendition: Rendition) -> Gate:
    """Work out the gate of a draft: the profile's rules, then what tuning documents say, then the project's own thresholds."""
    animatic = rendition is Rendition.ANIMATIC
    cast = None if animatic or draft.phase == Phase.ANIMATIC else cast_key(world, draft.values)
    part, pose = part_of(draft), str(draft.shot["id"]) if is_of_sheet(draft.id) else ""
    key = ("gate", draft.phase, animatic, part, draft.followed, pose, cast, *draft.expect.items())
    if key not in world.memo:
        against = NOTHING if cast is None else against_of(world, draft.values)
        backend = BackendKind.ANIMATIC if animatic else BackendKind.COMFYUI
        asked = Asked(Phase(draft.phase), backend, draft.expect, part, against, pose)
        world.memo[key] = _gate(world, asked, cast, followed=draft.followed)
    return world.memo[key]  # type: ignore[no-any-return]  # set just above


def _gate(world: World, asked: Asked, cast: tuple[Any, ...] | None, *, followed: bool) -> Gate:
    """Work out one gate. What is measured is worked out once for all lengths of a clip: `cast` is the key of what it is compared with."""
    rules = rules_of(world, asked, followed=followed)
    metrics = measures_for(rules)
    key = ("measured", metrics, cast)
    if key not in world.memo:
        keys = score_keys(metrics, asked.against, world.weights)
        wanted = measure_key(keys)
        world.memo[key] = _needed(asked.against, keys), keys, wanted, lacking_key(wanted, keys, world.equipment)
    against, keys, wanted, lacking = world.memo[key]
    return Gate(rules, against, keys, wanted, rules_digest(rules), lacking)


def rules_of(world: World, asked: Asked, *, followed: bool = False) -> tuple[Rule, ...]:
    """Rules of a project for one file: the profile's, then what its tuning documents say, then its own thresholds."""
    if "likeness" not in world.memo:
        world.memo["likeness"] = _likeness(world)
    asked = replace(asked, thresholds=world.memo["likeness"])
    gates = world.project.data.get("gates") or {}
    base = tuned(base_rules(asked, gates), world.tunings, asked, world.weights)
    return own_rules(base, asked, gates, world.project.file, followed=followed)


def _likeness(world: World) -> dict[str, float]:
    """Likeness that characters ask for in their own documents, by id."""
    return {who: float(wanted) for who, doc in world.characters.items() if (wanted := doc.data.get("consistency_threshold")) is not None}


def _needed(against: Against, metrics: Iterable[str]) -> Against:
    """Keep what these metrics read of it: palettes cost nothing, pictures a place in the object store."""
    reads = {METRICS[metric].reads for metric in metrics}
    learned = any(METRICS[metric].reads == "characters" and METRICS[metric].weights for metric in metrics)
    subjects = against.subjects if learned else tuple(replace(subject, references=()) for subject in against.subjects)
    return replace(against, subjects=subjects if "characters" in reads else (), style=against.style if "style" in reads else ())


def blind(world: World, gate: Gate) -> str:
    """Hold what learned metrics would judge while nobody can read which models there are; else "". So no score is lost."""
    return str(Reason.BLOCKED) if UNREAD_MODELS in world.held and any(METRICS[metric].weights for metric in gate.metrics) else ""


def part_of(draft: Draft) -> Part:
    """Say what a target is among those of its phase, for its gate."""
    if draft.panel is not None and draft.panel.get("do") == "join":
        return "join"
    part = draft.part
    return "take" if not part else "segment" if is_segment(part) else "finish"
