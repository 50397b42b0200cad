"""Drafts for ComfyUI: which template, which parameters, which pictures go in. The graph itself is rendered afterwards."""

from collections.abc import Mapping
from typing import Any

from koma.core.casting import input_of, portrait
from koma.core.draft import Context, Cut, Draft, Input, LoadedTemplate, blocked, expect_of, hold_of, needs_of, origin_of
from koma.core.hints import closest
from koma.core.keys import take_seed
from koma.core.node_rules import PLACEHOLDER
from koma.core.problem import Place, Problem
from koma.core.prompt import negative_of, prompt_of
from koma.core.style import cast_words, checkpoint_of, look_of, lora_row, loras_of, style_problems
from koma.core.template import Template, bind
from koma.core.words import Phase

_LENGTH = ("parameters.frames", "parameters.fps")  # said better by the template's own rule of lengths and rates
DEFAULT_TEMPLATES = {Phase.STILL: "still", Phase.VIDEO: "svd-video"}


def draft_graph(context: Context, cut: Cut) -> Draft:
    """Draft one target of a ComfyUI rendition; blocked, with Problems in the context, where it can't be made."""
    values = cut.values
    place = context.place(cut.scene.file, cut.scene.part, f"shots.{cut.shot['id']}")
    template = _template(context, cut, place)
    if template is None:
        return blocked(cut.address, cut.phase, cut.scene, place, values)
    reads, inputs, complete = _pictures(context, cut, template.manifest, place)
    params, problems = _parameters(
        context, cut, template, {name: PLACEHOLDER + name for name in [*dict(reads), *(i.name for i in inputs)]}, place
    )
    length = _length_problems(template.manifest, values, context.place(cut.scene.file, cut.scene.part, f"shots.{cut.shot['id']}.frames"))
    problems = [p for p in problems if not (length and p.path in _LENGTH)] + length
    problems += style_problems(context.world, template.name, params, place)
    context.problems += problems
    if problems or not complete:
        return blocked(cut.address, cut.phase, cut.scene, place, values)._replace(inputs=inputs)
    needs = dict.fromkeys((*needs_of(cut.address, cut.phase, values["phases"]), *(target for _, target in reads)))
    return Draft(
        cut.address,
        str(cut.phase),
        cut.scene.file,
        place,
        hold_of(cut),
        values,
        params.get("seed", 0),
        template,
        params,
        None,
        reads,
        inputs,
        tuple(needs),
        expect_of(values, cut.phase, params.get("width", values["width"]), params.get("height", values["height"])),
    )


def _chosen(context: Context, cut: Cut, place: Place) -> tuple[str, Place]:
    """Give the template of this phase and where it is named: in the shot, else the scene, the project; else the default, "" for none."""
    scene, project = cut.scene, context.world.project
    for data, doc, prefix in ((cut.shot, scene, f"shots.{cut.shot['id']}."), (scene.data, scene, ""), (project.data, project, "")):
        if cut.phase in (data.get("templates") or {}):
            return str(data["templates"][cut.phase]), context.place(doc.file, doc.part, f"{prefix}templates.{cut.phase}")
    return DEFAULT_TEMPLATES.get(cut.phase, ""), place


def _template(context: Context, cut: Cut, place: Place) -> LoadedTemplate | None:
    name, place = _chosen(context, cut, place)
    if name in context.templates:
        return context.templates[name]
    near = closest(name, context.templates) if name else None
    known = ", ".join(sorted(context.templates)) or "none: the templates folder is empty"
    message = f"there is no template called {name!r}" if name else f"no template is named for the phase {cut.phase}"
    hint = f"did you mean {near!r}?" if near else f"name one under `templates: {{{cut.phase}: NAME}}` in the project, the scene or the shot"
    context.problems.append(Problem(place, "missing-template", message, f"one of {known}", hint))
    return None


def _parameters(
    context: Context, cut: Cut, template: LoadedTemplate, pictures: Mapping[str, str], place: Place
) -> tuple[dict[str, Any], list[Problem]]:
    wanted: dict[str, Any] = {}
    for owner in (context.world.project.data, cut.scene.data, cut.shot):
        wanted.update((owner.get("parameters") or {}).get(template.name) or {})
    seed = take_seed(f"{origin_of(context.world, cut.address)}/{cut.phase}", cut.number, cut.values["seed"])
    return bind(template.manifest, {**_standard(context, cut.values, wanted), "seed": seed, **pictures, **wanted}, context.rendition, place)


def _standard(context: Context, values: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters that Koma fills in by itself, for whatever template declares them."""
    world = context.world
    look, negative = look_of(world)
    loras = wanted.get("loras") or loras_of(world, values)
    triggers = [lora["trigger"] for lora in loras if lora.get("trigger")]
    checkpoint = checkpoint_of(world)
    return {
        "prompt": prompt_of(values, look, cast_words(world, values), triggers),
        "negative": negative_of(values, negative),
        **{key: values[key] for key in ("width", "height", "frames", "fps")},
        "loras": [lora_row(lora) for lora in loras],
        **({"checkpoint": checkpoint} if checkpoint else {}),
    }


def _pictures(context: Context, cut: Cut, template: Template, place: Place) -> tuple[tuple[tuple[str, str], ...], tuple[Input, ...], bool]:
    """Give the targets and the reference pictures that the template's inputs read, and whether all that it needs can be had."""
    reads: list[tuple[str, str]] = []
    inputs: list[Input] = []
    complete = True
    for name, wanted in template.inputs.items():
        if wanted.source == Phase.STILL and Phase.STILL in cut.values["phases"]:
            reads.append((name, f"{cut.address}/{Phase.STILL}"))
            continue
        found = None
        if wanted.source != Phase.STILL:
            found = next((r for who in cut.values["characters"] if (r := portrait(context.world, who))), None)
        if found is not None:
            inputs.append(input_of(name, found))
            complete = complete and not found.problem
        elif wanted.required:
            complete = False
            context.problems.append(_no_picture(name, wanted.source, place))
    return tuple(reads), tuple(inputs), complete


def _no_picture(name: str, source: str, place: Place) -> Problem:
    hint = "add `still` to the shot's phases" if source == Phase.STILL else "drop a picture into references/<character>/"
    return Problem(place, "missing-input", f"the template reads a picture ({name}) from the shot's {source}, and there is none", hint=hint)


def _length_problems(template: Template, values: Mapping[str, Any], place: Place) -> list[Problem]:
    message = template.frame_problem(values["frames"], values["fps"])
    return [Problem(place, "frame-count", message, hint="change `frames`, or choose another template for this phase")] if message else []
