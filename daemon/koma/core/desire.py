"""From scenes to wanted targets, in two steps with the rendering of templates between them.

`draft_scene` resolves every shot of a scene and says which template texts are to be rendered with which parameters; `finish` makes the
target row of a draft whose graph or panel has a digest. Both are pure; the engine renders in between, in one batch per template.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from koma.core.animatic_draft import draft_panel
from koma.core.casting import check_shot
from koma.core.changes import DIGEST
from koma.core.comfyui_draft import draft_graph
from koma.core.document import Doc
from koma.core.draft import Context, Cut, Draft, blocked, origin_of
from koma.core.gate import Rule
from koma.core.keys import render_key, text_digest
from koma.core.overlay import flatten
from koma.core.resolve import resolve_shot
from koma.core.rules import basic_rules, measure_key, measures_for, rules_digest, with_overrides
from koma.core.target import Target
from koma.core.words import PHASE_RANK, BackendKind, Phase, Rendition
from koma.core.world import World


def draft_scene(context: Context, scene: Doc) -> list[Draft]:
    """Draft every target of a scene. Problems go to `context.problems`; a shot with one is drafted as blocked, its neighbours are not."""
    return [draft for shot in scene.data.get("shots") or () for draft in draft_shot(context, scene, shot)]


def draft_shot(context: Context, scene: Doc, shot: Mapping[str, Any], number: int = 1, only: str = "") -> list[Draft]:
    """Draft the targets of one shot, as take `number` would be made; `only` names one phase."""
    address = f"{context.world.id}/{scene.id}/{shot['id']}"
    if not check_shot(context, scene, shot):
        return [blocked(address, phase, scene, shot) for phase in phases_of(context.world, scene, shot)]
    values = resolve_shot(context.world, scene, shot).values
    drafted = draft_panel if context.backend is BackendKind.ANIMATIC else draft_graph
    phases = sorted(map(Phase, values["phases"]), key=lambda phase: PHASE_RANK[phase])
    return [drafted(context, Cut(scene, shot, address, values, phase, number)) for phase in phases if only in ("", phase)]


def phases_of(world: World, scene: Doc, shot: Mapping[str, Any]) -> list[str]:
    """Phases that a shot takes part in, without resolving it."""
    owners = (shot, scene.data, world.project.data)
    return next((list(owner["phases"]) for owner in owners if owner.get("phases")), [Phase.STILL, Phase.VIDEO])


def base_key(context: Context, draft: Draft, drawn: str) -> str:
    """Digest of what is drawn before pixels of other targets are known: of its graph or panel, and of the reference pictures it reads."""
    strict = [context.versions] if context.world.project.data.get("reproducible") == "strict" else []
    return text_digest(drawn, *(part for given in draft.inputs for part in (given.name, given.content_digest)), *strict)


class Gate(NamedTuple):
    """Rules of one target's gate, the metric ids they need, and the digests of both."""

    rules: tuple[Rule, ...]
    metrics: tuple[str, ...]
    measure_key: str
    rules_digest: str


def gate_of(world: World, draft: Draft, backend: BackendKind) -> Gate:
    """Work out the gate of a draft: the profile's rules, with the project's own thresholds over them."""
    key = ("gate", draft.phase, backend, *draft.expect.values())
    if key not in world.memo:
        world.memo[key] = _gate(world, draft, backend)
    return world.memo[key]  # type: ignore[no-any-return]  # set just above


def _gate(world: World, draft: Draft, backend: BackendKind) -> Gate:
    rules = basic_rules(Phase(draft.phase), backend, draft.expect)
    own = (world.project.data.get("gates") or {}).get("rules") or {}
    for scope in ("all", draft.phase):
        rules = with_overrides(rules, own.get(scope) or {}, f"{world.project.file} gates.rules.{scope}")
    metrics = measures_for(rules)
    return Gate(rules, metrics, measure_key(metrics), rules_digest(rules))


def finish(context: Context, draft: Draft, drawn: str, scene: Doc) -> Target:
    """Make the target row of a draft; `drawn` is the digest of its graph or panel, "" if there is none."""
    world, phase, template = context.world, Phase(draft.phase), draft.template
    gate = gate_of(world, draft, context.backend) if drawn else Gate((), (), "", "")
    shot = draft.shot
    based = base_key(context, draft, drawn) if drawn else ""
    return Target(
        id=draft.id,
        rendition=str(context.rendition),
        phase=draft.phase,
        backend=str(context.backend),
        template=template.name if template else f"{context.backend}-{draft.phase}",
        family=template.manifest.family if template else str(context.backend),
        base_key=based,
        key=render_key(str(context.backend), based, ()) if based and not draft.reads else "",
        reads=draft.reads,
        inputs=draft.inputs,
        needs=draft.needs,
        measure_key=gate.measure_key,
        rules_digest=gate.rules_digest,
        stem=f"{draft.address}/{draft.phase}" + ("" if context.rendition is Rendition.FINAL else f".{context.rendition}"),
        suffix=".png" if phase is Phase.STILL else ".mp4",
        priority=_first((shot, scene.data, world.project.data), "priority", 0),
        depth=PHASE_RANK[phase],
        takes_wanted=shot.get("takes") or (world.project.data.get("takes_up_front") or {}).get(phase, 1),
        takes_limit=(world.project.data.get("takes") or {}).get(phase, 3),
        estimate_seconds=_estimate(draft),
        hold=draft.hold,
        scene_file=draft.scene_file,
        facts_digest=facts_digest(draft),
        template_digest=template.digest if template else "",
        origin_id=origin_of(world, draft.id),
    )


def facts_digest(draft: Draft) -> str:
    """Digest that is the same where what a picture is made from is the same, but for its template and pictures: never part of a key.

    For a graph that is every bound parameter, for a panel the resolved shot.
    """
    return sha256(repr(draft.values if draft.params is None else draft.params).encode()).hexdigest()


def _first(owners: tuple[Mapping[str, Any], ...], name: str, default: int) -> int:
    return next((owner[name] for owner in owners if owner.get(name) is not None), default)


def _estimate(draft: Draft) -> float:
    """Give the seconds a render may take before there is experience: the template's word; for the animatic 0.5 s and 0.06 s a frame."""
    if draft.template is not None:
        return float(draft.template.manifest.estimate_seconds)
    return 0.5 + 0.06 * float(draft.expect.get("frames", 1))


_NOT_FACTS = frozenset({"prompt", "negative", "seed", "width", "height", "frames", "fps", "output_prefix"})
_LOOK = ("title", "prompt", "negative")


def facts_of(world: World, draft: Draft, known: str = "") -> dict[str, Any]:
    """Fields that a take is made from, flat, as they are remembered to say later what changed; `known` is their digest, if it is known."""
    facts = flatten({key: value for key, value in draft.values.items() if key != "phases"})
    facts[DIGEST] = known or facts_digest(draft)
    facts.update({f"inputs.{given.name}": given.content_digest for given in draft.inputs})
    for owner, doc in (("project", world.project), ("style", world.style), ("bible", world.bible)):
        data = doc.data if doc is not None else {}
        said = data.get("world") or {} if owner == "bible" else data
        facts.update({f"{owner}.{name}": said[name] for name in _LOOK if said.get(name)})
    if draft.template is not None and draft.params is not None:
        facts.update({f"parameters.{name}": value for name, value in draft.params.items() if name not in _NOT_FACTS})
        facts[f"template.{draft.template.name}"] = draft.template.digest
        facts.update({f"words.{name}": draft.params.get(name, "") for name in ("prompt", "negative")})
    return facts
