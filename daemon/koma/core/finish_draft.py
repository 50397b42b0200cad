"""Drafts of what is done to a picture or clip after its phase made it: joins of runs, colour match, steps of `finish` templates."""

from collections.abc import Mapping, Sequence
from typing import Any

from koma.core.chain import Run, join_of
from koma.core.comfyui_draft import draft_graph, finish_of, template_of
from koma.core.draft import Context, Cut, Draft, blocked, draft_of
from koma.core.problem import Problem
from koma.core.spec.standard import COLOUR_MATCH
from koma.core.target import Read
from koma.core.words import BackendKind, Reason, Rendition

MATCH = "colour-match"


def draft_join(cut: Cut, runs: Sequence[Run], parts: Sequence[Draft]) -> Draft:
    """Draft the clip that the CPU joins from the runs of a chain. It is held as they are."""
    values = cut.values
    expect = {**parts[0].expect, "frames": values["frames"], "fps": values["fps"]} if parts[0].expect else {}
    reads = tuple(Read(run.part, part.id) for run, part in zip(runs, parts, strict=True))
    held = next((part.hold for part in parts if part.hold), "")
    return _on_cpu(cut, join_of(runs, values["frames"], values["fps"]), reads, expect)._replace(hold=held)


def finished(context: Context, cut: Cut, made: Draft) -> list[Draft]:
    """Draft the finishing steps of a phase, each on what the one before it made. The animatic is shown as it is drawn."""
    drafts: list[Draft] = []
    for step in finish_of(context.world, cut, cut.phase) if context.rendition is not Rendition.ANIMATIC else ():
        before = drafts[-1] if drafts else made
        own = cut._replace(part=step, template=step, run=None, start=None)
        drafts.append(_step(context, own, before) if not before.hold else blocked(own, Reason(before.hold)))
    return drafts


def _step(context: Context, cut: Cut, before: Draft) -> Draft:
    source = "clip" if before.expect["fps"] else "picture"
    if cut.part == MATCH:
        return _matched(context, cut, before, Read(source, before.id))
    template = template_of(context, cut)
    if template is None:
        return blocked(cut)
    if not template.manifest.finishes:
        context.problems.append(_no_finish(context, cut, template.name))
        return blocked(cut)
    values = {**cut.values, "frames": before.expect["frames"], "fps": before.expect["fps"] or cut.values["fps"]}
    return draft_graph(context, cut._replace(values=values), template, {source: Read(source, before.id)})


def _no_finish(context: Context, cut: Cut, name: str) -> Problem:
    place = context.place(cut.scene.file, cut.scene.part, f"shots.{cut.shot['id']}.finish.{cut.phase}")
    message = f"template {name!r} makes a phase and finishes nothing"
    return Problem(
        place, "wrong-template", message, "a template of `phase: finish`, or the built-in step colour-match", "choose another step"
    )


def _matched(context: Context, cut: Cut, before: Draft, read: Read) -> Draft:
    palette: dict[str, str] = {}
    for who in reversed(cut.values["characters"]):
        palette.update(who.get("palette") or {})  # the first character's colours count where two name a slot
    owners: tuple[Mapping[str, Any], ...] = (cut.shot, cut.scene.data, context.world.project.data)
    strength = next((owner["colour_match"] for owner in owners if owner.get("colour_match") is not None), COLOUR_MATCH)
    document = {"do": MATCH, "input": f"koma-input:{read.name}", "palette": palette, "strength": float(strength)}
    return _on_cpu(cut, document, (read,), before.expect)


def _on_cpu(cut: Cut, document: dict[str, Any], reads: tuple[Read, ...], expect: Mapping[str, Any]) -> Draft:
    return draft_of(cut, BackendKind.CPU, panel=document, reads=reads, needs=tuple(read.target for read in reads), expect=expect)
