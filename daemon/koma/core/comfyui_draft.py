"""Drafts for ComfyUI: which template, which parameters, which pictures go in. The graph itself is rendered afterwards."""

from collections.abc import Mapping, Sequence
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


NOWHERE = Place("")  # where a problem stands is looked up only once there is one


def draft_graph(context: Context, cut: Cut) -> Draft:
    """Draft one target of a ComfyUI rendition; blocked, with Problems in the context, where it can't be made."""
    values = cut.values
    template = _template(context, cut)
    if template is None:
        return blocked(cut.address, cut.phase, cut.scene, cut.shot, values)
    reads, inputs, lacking = _pictures(context, cut, template.manifest)
    params, problems = _parameters(context, cut, template, [*dict(reads), *(given.name for given in inputs)])
    length = _length_problems(template.manifest, values)
    problems = [p for p in problems if not (length and p.path in _LENGTH)] + length + lacking
    problems += style_problems(context.world, template.name, params, NOWHERE)
    if problems or any(given.unusable for given in inputs):
        context.problems += [_placed(context, cut, problem) for problem in problems]
        return blocked(cut.address, cut.phase, cut.scene, cut.shot, values)._replace(inputs=inputs)
    needs = dict.fromkeys((*needs_of(cut.address, cut.phase, values["phases"]), *(target for _, target in reads)))
    return Draft(
        cut.address,
        str(cut.phase),
        cut.scene.file,
        cut.shot,
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


def _placed(context: Context, cut: Cut, problem: Problem) -> Problem:
    place = context.place(cut.scene.file, cut.scene.part, f"shots.{cut.shot['id']}.{problem.path}".rstrip("."))
    return problem._replace(place=place)


def _template(context: Context, cut: Cut) -> LoadedTemplate | None:
    """Template of this phase: the shot's choice, else the scene's, the project's, the default."""
    scene, project = cut.scene, context.world.project
    name, doc, path = DEFAULT_TEMPLATES.get(cut.phase, ""), scene, f"shots.{cut.shot['id']}"
    for data, owner, prefix in ((cut.shot, scene, f"{path}."), (scene.data, scene, ""), (project.data, project, "")):
        if cut.phase in (data.get("templates") or {}):
            name, doc, path = str(data["templates"][cut.phase]), owner, f"{prefix}templates.{cut.phase}"
            break
    if name in context.broken:
        context.problems += context.broken[name]
    elif name not in context.templates:
        context.problems.append(_no_template(context, name, cut.phase)._replace(place=context.place(doc.file, doc.part, path)))
    return context.templates.get(name)


def _no_template(context: Context, name: str, phase: Phase) -> Problem:
    near = closest(name, context.templates) if name else None
    known = ", ".join(sorted(context.templates)) or "none: the templates folder is empty"
    message = f"there is no template called {name!r}" if name else f"no template is named for the phase {phase}"
    hint = f"did you mean {near!r}?" if near else f"name one under `templates: {{{phase}: NAME}}` in the project, the scene or the shot"
    return Problem(NOWHERE, "missing-template" if name else "no-template", message, f"one of {known}", hint)


def _parameters(context: Context, cut: Cut, template: LoadedTemplate, pictures: Sequence[str]) -> tuple[dict[str, Any], list[Problem]]:
    wanted: dict[str, Any] = {}
    for owner in (context.world.project.data, cut.scene.data, cut.shot):
        wanted.update((owner.get("parameters") or {}).get(template.name) or {})
    seed = take_seed(f"{origin_of(context.world, cut.address)}/{cut.phase}", cut.number, cut.values["seed"])
    slots = {name: PLACEHOLDER + name for name in pictures}
    given = {**_standard(context, cut.values, wanted), "seed": seed, **slots, **wanted}
    return bind(template.manifest, given, context.rendition, NOWHERE)


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


def _pictures(context: Context, cut: Cut, template: Template) -> tuple[tuple[tuple[str, str], ...], tuple[Input, ...], list[Problem]]:
    """Give the targets and the reference pictures that the template's inputs read, and Problems of what it needs and can't have."""
    reads: list[tuple[str, str]] = []
    inputs: list[Input] = []
    lacking: list[Problem] = []
    for name, wanted in template.inputs.items():
        if wanted.source == Phase.STILL and Phase.STILL in cut.values["phases"]:
            reads.append((name, f"{cut.address}/{Phase.STILL}"))
            continue
        found = None
        if wanted.source != Phase.STILL:
            found = next((r for who in cut.values["characters"] if (r := portrait(context.world, who))), None)
        if found is not None:
            inputs.append(input_of(name, found))
        elif wanted.required:
            lacking.append(_no_picture(name, wanted.source))
    return tuple(reads), tuple(inputs), lacking


def _no_picture(name: str, source: str) -> Problem:
    hint = "add `still` to the shot's phases" if source == Phase.STILL else "drop a picture into references/<character>/"
    return Problem(
        NOWHERE, "missing-input", f"the template reads a picture ({name}) from the shot's {source}, and there is none", hint=hint
    )


_LENGTH = ("parameters.frames", "parameters.fps")


def _length_problems(template: Template, values: Mapping[str, Any]) -> list[Problem]:
    message = template.frame_problem(values["frames"], values["fps"])
    hint = "change `frames`, or choose another template for this phase"
    return [Problem(NOWHERE, "frame-count", message, hint=hint, path="frames")] if message else []
