"""From scenes to wanted targets, in two steps with the rendering of templates between them.

`draft_document` resolves every shot of a scene and says which template texts are to be rendered with which parameters; `finish` makes the
target row of a draft whose graph or panel has a digest. Both are pure; the engine renders in between, in one batch per template.
"""

from collections.abc import Mapping
from typing import Any

from koma.core.animatic_draft import animatic_runs, draft_panel
from koma.core.casting import check_shot
from koma.core.chain import Run, chain_of
from koma.core.comfyui_draft import draft_graph, template_of
from koma.core.document import Doc
from koma.core.draft import Context, Cut, Draft, LoadedTemplate, blocked, origin_of
from koma.core.facts import facts_digest
from koma.core.finish_draft import draft_join, finished
from koma.core.keys import render_key, text_digest
from koma.core.media import Media
from koma.core.owners import owners_of, said
from koma.core.problem import Problem
from koma.core.references import sheet_problem
from koma.core.resolve import phases_of, resolve_shot
from koma.core.sheet import has_sheet, sheet_cuts
from koma.core.spec.standard import TAKES
from koma.core.start import Start, StartError, start_of
from koma.core.target import LAST, Read, Target, is_of_sheet
from koma.core.target_gate import NO_GATE, blind, gate_of
from koma.core.tuning import unsure
from koma.core.words import PHASE_RANK, BackendKind, Phase, Rendition
from koma.core.world import World


def draft_document(context: Context, doc: Doc) -> list[Draft]:
    """Draft every target of a scene, or of a character's sheet.

    Problems go to `context.problems`; a shot with one is drafted as blocked, its neighbours are not.
    """
    if doc.kind == "character":
        return draft_sheet(context, doc)
    return [draft for shot in doc.data.get("shots") or () for draft in draft_shot(context, doc, shot)]


def draft_sheet(context: Context, doc: Doc, number: int = 1) -> list[Draft]:
    """Draft every pose of a character's sheet; nothing for a character without one."""
    if not has_sheet(doc):
        return []
    problem = sheet_problem(context.world, doc)
    if problem is not None:
        context.problems.append(problem._replace(place=context.place(doc.file, doc.part, "sheet")))
    cuts = sheet_cuts(context, doc, number)
    return [blocked(cut) if problem is not None else draft_one(context, cut) for cut in cuts]


def draft_shot(context: Context, scene: Doc, shot: Mapping[str, Any], number: int = 1) -> list[Draft]:
    """Draft the targets of one shot, as take `number` would be made, upstream first."""
    address = f"{context.world.id}/{scene.id}/{shot['id']}"
    phases = _phases(context, scene, shot)
    if not check_shot(context, scene, shot):
        return [blocked(Cut(scene, shot, address, {}, phase, number)) for phase in phases]
    values = {**resolve_shot(context.world, scene, shot).values, "phases": list(phases)}
    cut = Cut(scene, shot, address, values, phases[0], number)
    return [draft for phase in phases for draft in _draft_phase(context, cut._replace(phase=phase))]


def _phases(context: Context, scene: Doc, shot: Mapping[str, Any]) -> list[Phase]:
    """Phases of a shot in order. The animatic rendition needs none before it."""
    named = sorted(map(Phase, phases_of(context.world, scene, shot)), key=lambda phase: PHASE_RANK[phase])
    return [phase for phase in named if context.rendition is not Rendition.ANIMATIC or phase is not Phase.ANIMATIC] or [Phase.VIDEO]


def _draft_phase(context: Context, cut: Cut) -> list[Draft]:
    if cut.phase is Phase.STILL:
        made = [draft_one(context, cut)]
    else:
        try:
            start = start_of(context.world, cut.scene, cut.shot, cut.phase)
        except StartError as error:
            if error.problem is not None:
                path = f"shots.{cut.shot['id']}.{error.problem.path}"
                context.problems.append(error.problem._replace(place=context.place(cut.scene.file, cut.scene.part, path)))
            return [blocked(cut)]
        made = _clip(context, cut._replace(start=start))
    whole = [made[-1], *finished(context, cut, made[-1])]
    return [*made[:-1], *(draft._replace(followed=True) for draft in whole[:-1]), whole[-1]]


def _on_paper(context: Context, cut: Cut) -> bool:
    return context.backend is BackendKind.ANIMATIC or cut.phase is Phase.ANIMATIC


def draft_one(context: Context, cut: Cut, given: Mapping[str, Read] | None = None) -> Draft:
    """Draft a target that one run of a backend makes."""
    if _on_paper(context, cut):
        return draft_panel(context, cut)
    template = template_of(context, cut)
    return blocked(cut) if template is None else draft_graph(context, cut, template, given)


def _clip(context: Context, cut: Cut) -> list[Draft]:
    """Draft a clip: in one run if that gives it exactly, else as runs and their join."""
    template = None if _on_paper(context, cut) else template_of(context, cut)
    if template is None and not _on_paper(context, cut):
        return [blocked(cut)]
    runs = _runs(context, cut, template)
    if isinstance(runs, Problem):
        context.problems.append(runs)
        return [blocked(cut)]
    if len(runs) == 1 and runs[0].frames == cut.values["frames"] and runs[0].fps == cut.values["fps"]:
        return [draft_one(context, cut)]
    parts = [draft_one(context, _anchored(cut, run), _follows(cut, run, template)) for run in runs]
    return [*parts, draft_join(cut, runs, parts)]


def _anchored(cut: Cut, run: Run) -> Cut:
    """Cut of one run: what begins anew inside a shot begins with the shot's own still, wherever the shot itself began."""
    start = cut.start if run.place == 0 or run.follows else Start()
    return cut._replace(part=run.part, run=run, start=start)


def _runs(context: Context, cut: Cut, template: LoadedTemplate | None) -> tuple[Run, ...] | Problem:
    frames, fps, every = cut.values["frames"], cut.values["fps"], cut.shot.get("reanchor_every")
    if template is None:
        return chain_of(animatic_runs(frames), fps, 1)
    manifest = template.manifest
    counts = manifest.runs(frames, fps)
    if isinstance(counts, str):
        place = context.place(cut.scene.file, cut.scene.part, f"shots.{cut.shot['id']}.frames")
        return Problem(place, "frame-count", counts, hint="change `frames`, or choose another template for this phase", path="frames")
    return chain_of(counts, manifest.run_rate(fps), manifest.chain.overlap if manifest.chain else 0, every)


def _follows(cut: Cut, run: Run, template: LoadedTemplate | None) -> dict[str, Read]:
    """Say what a later run reads in place of the still: the last frame of the run before it."""
    if template is None or template.manifest.chain is None or not run.follows:
        return {}
    name = template.manifest.chain.input
    return {name: Read(name, f"{cut.id}/{run.before}", LAST)}


def base_key(context: Context, draft: Draft, drawn: str) -> str:
    """Digest of what is drawn before pixels of other targets are known: of its graph or panel and the reference pictures it reads.

    And of the rate that a graph's frames are shown at, which no node of it has to name.
    """
    strict = [context.versions] if context.world.project.data.get("reproducible") == "strict" else []
    rate = [f"{float(draft.expect['fps'])} fps"] if draft.template is not None and draft.media is Media.FRAMES else []
    return text_digest(drawn, *rate, *(part for given in draft.inputs for part in (given.name, given.content_digest)), *strict)


def finish(context: Context, draft: Draft, drawn: str, scene: Doc) -> Target:
    """Make the target row of a draft; `drawn` is the digest of its graph or panel, "" if there is none."""
    world, phase, template = context.world, Phase(draft.phase), draft.template
    gate = gate_of(world, draft, context.rendition) if drawn else NO_GATE
    based = base_key(context, draft, drawn) if drawn else ""
    return Target(
        id=draft.id,
        rendition=str(context.rendition),
        phase=draft.phase,
        backend=str(draft.backend),
        template=_made_by(draft),
        family=_family(draft),
        base_key=based,
        key=render_key(str(draft.backend), based, ()) if based and not draft.reads else "",
        reads=draft.reads,
        inputs=draft.inputs,
        needs=draft.needs,
        measure_key=gate.measure_key,
        rules_digest=gate.rules_digest,
        stem=draft.id + ("" if context.rendition is Rendition.FINAL else f".{context.rendition}"),
        suffix=".png" if draft.media is Media.IMAGE else ".mp4",
        priority=said(owners_of(world, scene, draft.shot), "priority", 0),
        depth=_depth(draft),
        takes_wanted=_takes_up_front(draft, world),
        takes_limit=1 if draft.backend is BackendKind.CPU else (world.project.data.get("takes") or {}).get(phase, TAKES[phase]),
        estimate_seconds=_estimate(draft),
        hold=draft.hold or unsure(world, draft.phase, context.rendition) or blind(world, gate),
        scene_file=draft.scene_file,
        facts_digest=facts_digest(draft),
        template_digest=template.digest if template else "",
        origin_id=origin_of(world, draft.id),
        sheets=draft.sheets,
        pin=_pin(draft, phase),
        lacking_key=gate.lacking_key,
    )


def _pin(draft: Draft, phase: Phase) -> str:
    """Take that a shot pins: of its last phase, and of what that phase itself makes."""
    pin = draft.shot.get("pin")
    if not pin or draft.id != f"{draft.address}/{draft.phase}":
        return ""
    phases = draft.values.get("phases") or [draft.phase]
    return str(pin) if phase is max(map(Phase, phases), key=lambda phase: PHASE_RANK[phase]) else ""


def _made_by(draft: Draft) -> str:
    if draft.template is not None:
        return draft.template.name
    return str(draft.panel["do"]) if draft.panel is not None and "do" in draft.panel else f"{draft.backend}-{draft.phase}"


def _family(draft: Draft) -> str:
    """Name what has to be loaded: the template's models, with the checkpoint that was chosen; nothing but the backend for a panel."""
    if draft.template is None or draft.params is None:
        return str(draft.backend)
    checkpoint = draft.params.get("checkpoint")
    return f"{draft.template.manifest.family}:{checkpoint}" if checkpoint else draft.template.manifest.family


_SHEET_DEPTH = -1  # the sheet comes before the stills that read it


def _depth(draft: Draft) -> int:
    """How far downstream a target is: by phase, sheets before all."""
    if is_of_sheet(draft.id):
        return _SHEET_DEPTH
    return PHASE_RANK[Phase(draft.phase)]


def _takes_up_front(draft: Draft, world: World) -> int:
    """How many takes are made at once: of what a phase makes. Segments and steps follow one another, so one is made of each."""
    if draft.id != f"{draft.address}/{draft.phase}" or draft.backend is BackendKind.CPU:
        return 1
    return int(draft.shot.get("takes") or (world.project.data.get("takes_up_front") or {}).get(draft.phase, 1))


def _estimate(draft: Draft) -> float:
    """Give the seconds a render may take before there is experience: the template's word; for what is made here its frames."""
    if draft.template is not None:
        return float(draft.template.manifest.estimate_seconds)
    seconds = _CPU_FRAME if draft.backend is BackendKind.CPU else _PANEL_FRAME
    return 0.5 + seconds * float(draft.expect.get("frames", 1))


_PANEL_FRAME, _CPU_FRAME = 0.06, 0.03
