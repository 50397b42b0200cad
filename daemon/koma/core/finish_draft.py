"""Drafts of what is done to a picture or clip after its phase made it: joins of runs, colour match, steps of `finish` templates."""

from collections.abc import Mapping, Sequence
from typing import Any

from koma.core.chain import Run, join_of
from koma.core.comfyui_draft import MATCH, draft_graph, finish_of, template_of
from koma.core.draft import Context, Cut, Draft, LoadedTemplate, blocked, draft_of
from koma.core.node_rules import placeholder
from koma.core.owners import owners_of, said
from koma.core.problem import Problem
from koma.core.spec.standard import COLOUR_MATCH
from koma.core.target import Read
from koma.core.words import BackendKind, Reason, Rendition


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
    wrong = _wrong_step(context, cut, template, source)
    if wrong is not None:
        context.problems.append(wrong)
        return blocked(cut)
    values = {**cut.values, "frames": before.expect["frames"], "fps": before.expect["fps"] or cut.values["fps"]}
    return draft_graph(context, cut._replace(values=values), template, {source: Read(source, before.id)})


def _wrong_step(context: Context, cut: Cut, template: LoadedTemplate, source: str) -> Problem | None:
    """Say why a template can't be a step that works on a `source`, a clip or a picture, where it is named; None if it can."""
    if not template.manifest.finishes:
        message = f"template {template.name!r} makes a phase and finishes nothing"
        expected = "a template of `phase: finish`, or the built-in step colour-match"
    elif all(wanted.source != source for wanted in template.manifest.inputs.values()):
        message = f"template {template.name!r} takes no {source}, and this step works on one"
        expected = f"a template with an input `from: {source}`, or the built-in step colour-match"
    else:
        return None
    owners = owners_of(context.world, cut.scene, cut.shot)
    owner = next(owner for owner in owners if cut.phase in (owner.data.get("finish") or {}))
    place = context.place(owner.doc.file, owner.doc.part, f"{owner.path}finish.{cut.phase}")
    return Problem(place, "wrong-template", message, expected, "choose another step")


def _matched(context: Context, cut: Cut, before: Draft, read: Read) -> Draft:
    palette: dict[str, str] = {}
    for who in reversed(cut.values["characters"]):
        palette.update(who.get("palette") or {})  # the first character's colours count where two name a slot
    strength = said(owners_of(context.world, cut.scene, cut.shot), "colour_match", COLOUR_MATCH)
    document = {"do": MATCH, "input": placeholder(read.name), "palette": palette, "strength": float(strength)}
    return _on_cpu(cut, document, (read,), before.expect)


def _on_cpu(cut: Cut, document: dict[str, Any], reads: tuple[Read, ...], expect: Mapping[str, Any]) -> Draft:
    return draft_of(cut, BackendKind.CPU, panel=document, reads=reads, needs=tuple(read.target for read in reads), expect=expect)
