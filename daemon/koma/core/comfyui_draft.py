"""Drafts for ComfyUI: which template, which parameters, which pictures go in. The graph itself is rendered afterwards."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from koma.core.casting import input_of, portrait, reference_at
from koma.core.document import Doc
from koma.core.draft import Context, Cut, Draft, Input, LoadedTemplate, blocked, draft_of, expect_of, needs_of, origin_of
from koma.core.hints import closest
from koma.core.injection import Injected, inject
from koma.core.keys import segment_seed, take_seed
from koma.core.node_rules import PLACEHOLDER
from koma.core.owners import Owner, owners_of, setter_of
from koma.core.problem import Place, Problem, Severity
from koma.core.prompt import negative_of, prompt_of
from koma.core.style import cast_words, checkpoint_of, look_of, lora_row, loras_of, style_problems
from koma.core.target import LAST, Read
from koma.core.template import Template, TemplateInput, bind
from koma.core.words import BackendKind, Phase
from koma.core.world import World

_LENGTH = ("parameters.frames", "parameters.fps")  # said better by the template's own rule of lengths and rates
DEFAULT_TEMPLATES = {Phase.STILL: "still", Phase.LOOP: "loop-animatediff", Phase.VIDEO: "svd-video"}
MATCH = "colour-match"  # the finishing step that is built in
NOWHERE = Place("")  # where a problem stands is looked up only once there is one


class _Pictures(NamedTuple):
    """What a graph reads: other targets, reference pictures; and Problems of what it needs and can't have."""

    reads: tuple[Read, ...]
    inputs: tuple[Input, ...]
    lacking: tuple[Problem, ...] = ()


def draft_graph(context: Context, cut: Cut, template: LoadedTemplate, given: Mapping[str, Read] | None = None) -> Draft:
    """Draft one target that a template makes; blocked, with Problems in the context, where it can't be made.

    `given` are what certain inputs of the template read, by their names or their sources (`clip`, `picture`), besides what the shot says.
    """
    manifest, values = template.manifest, cut.values
    pictures = _pictures(context, cut, manifest, given or {})
    asked = _asked(context, cut, manifest)
    size = [_side(asked.get(name), values[name]) for name in ("width", "height")]
    injected = _injected(context.world, values, manifest, *size)
    reads, inputs = (*pictures.reads, *injected.reads), (*pictures.inputs, *injected.inputs)
    names = [*(r.name for r in pictures.reads), *(i.name for i in pictures.inputs)]
    params, problems = _parameters(context, cut, template, names, injected, asked)
    length = _length_problems(manifest, cut)
    problems = [p for p in problems if not (length and p.path in _LENGTH)] + length + [*pictures.lacking, *injected.problems]
    problems += style_problems(context.world, template.name, params, NOWHERE)
    context.problems += [_placed(context, cut, manifest, problem) for problem in problems]
    if any(problem.severity is Severity.ERROR for problem in problems) or any(picture.unusable for picture in inputs):
        return blocked(cut)._replace(inputs=inputs)
    return draft_of(
        cut,
        BackendKind.COMFYUI,
        seed=params.get("seed", 0),
        template=template,
        params=params,
        reads=reads,
        inputs=inputs,
        needs=tuple(dict.fromkeys((*needs_of(cut), *(read.target for read in reads)))),
        expect=_expected(cut, manifest, params),
        sheets=injected.sheets,
    )


def _side(asked: Any, usual: int) -> int:
    """Give the px of one side: as somebody asked for it, but what is no length is a Problem elsewhere, and the usual one is taken."""
    return int(asked) if isinstance(asked, int | float) and 1 <= asked < float("inf") else usual


def _injected(world: World, values: Mapping[str, Any], template: Template, width: int, height: int) -> Injected:
    """Inject once for all shots with the same cast: members that are cast alike are one value, which the world keeps."""
    key = ("injected", template.name, width, height, values["framing"], *map(id, values["characters"]))
    if key not in world.memo:
        world.memo[key] = inject(world, values, template, width, height), values["characters"]
    return world.memo[key][0]  # type: ignore[no-any-return]  # set just above


def _expected(cut: Cut, template: Template, params: Mapping[str, Any]) -> dict[str, Any]:
    """Say what must come out. A step that multiplies frames makes (n - 1) · m + 1 of n, at m times the rate."""
    values = cut.values
    expect = expect_of(cut, params.get("width", values["width"]), params.get("height", values["height"]))
    many = int(params.get(template.multiplier, 1)) if template.multiplier and expect["fps"] else 1
    return expect if many == 1 else {**expect, "frames": (expect["frames"] - 1) * many + 1, "fps": expect["fps"] * many}


def _placed(context: Context, cut: Cut, template: Template, problem: Problem) -> Problem:
    """Place a Problem where it is written: a parameter wherever somebody set it, everything else in the shot or the sheet."""
    if problem.place.file:
        return problem
    prefix = "sheet" if cut.scene.kind == "character" else f"shots.{cut.shot['id']}"
    doc, path = cut.scene, f"{prefix}.{problem.path}".rstrip(".")
    head, _, name = problem.path.partition(".")
    if head == "parameters":
        setter = setter_of(_owners(context.world, cut), template.name, name)
        doc, path = (setter.doc, f"{setter.path}parameters.{template.name}.{name}") if setter is not None else (doc, path)
    return problem._replace(place=context.place(doc.file, doc.part, path))


def _owners(world: World, cut: Cut) -> tuple[Owner, Owner, Owner]:
    return owners_of(world, cut.scene, cut.shot)


def template_of(context: Context, cut: Cut) -> LoadedTemplate | None:
    """Template of a target: what its cut says, else the choice of shot, scene or project, else the default; a Problem for none."""
    name, doc, path = _choice(context, cut)
    if name in context.broken:
        context.problems += context.broken[name]
    elif name not in context.templates:
        context.problems.append(_no_template(context, name, cut)._replace(place=context.place(doc.file, doc.part, path)))
    return context.templates.get(name)


def _choice(context: Context, cut: Cut) -> tuple[str, Doc, str]:
    scene, owners = cut.scene, _owners(context.world, cut)
    if cut.template:
        said = ((doc, f"{prefix}finish.{cut.phase}") for data, doc, prefix in owners if cut.phase in (data.get("finish") or {}))
        return cut.template, *next(said, (scene, "sheet"))
    for data, doc, prefix in owners:
        if cut.phase in (data.get("templates") or {}):
            return str(data["templates"][cut.phase]), doc, f"{prefix}templates.{cut.phase}"
    return DEFAULT_TEMPLATES[cut.phase], scene, f"shots.{cut.shot['id']}"


def _no_template(context: Context, name: str, cut: Cut) -> Problem:
    near = closest(name, context.templates)
    known = ", ".join(sorted(context.templates)) or "none: the templates folder is empty"
    other = (
        "name another one" if cut.template else f"name one under `templates: {{{cut.phase}: NAME}}` in the project, the scene or the shot"
    )
    hint = f"did you mean {near!r}?" if near else other
    return Problem(NOWHERE, "missing-template", f"there is no template called {name!r}", f"one of {known}", hint)


def _asked(context: Context, cut: Cut, template: Template) -> dict[str, Any]:
    """Parameters that people set for this template: the shot's over the scene's over the project's."""
    wanted: dict[str, Any] = {}
    for owner in reversed(_owners(context.world, cut)):
        if owner.data.get("parameters"):
            wanted.update(owner.data["parameters"].get(template.name) or {})
    return wanted


def _parameters(
    context: Context, cut: Cut, template: LoadedTemplate, pictures: list[str], injected: Injected, wanted: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Problem]]:
    manifest = template.manifest
    origin, seeded = origin_of(context.world, cut.id), cut.values["seed"]
    seed = take_seed(origin, cut.number, seeded) if cut.run is None else segment_seed(origin, cut.number, seeded, cut.run.place)
    slots = {name: PLACEHOLDER + name for name in pictures if name in manifest.inputs}
    given = {**_standard(context, cut, manifest, wanted), "seed": seed, **slots, **wanted}
    params, problems = bind(manifest, given, context.rendition, NOWHERE)
    # Made here, so not checked again; only a sample's have to be.
    if manifest.characters is not None:
        params["characters"] = injected.characters
    if manifest.style_references:
        params["style_references"] = [PLACEHOLDER + name for name in pictures if name.startswith(_STYLE)]
    return params, problems


def _standard(context: Context, cut: Cut, template: Template, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters that Koma fills in by itself, for whatever template declares them."""
    world, values = context.world, cut.values
    look, negative = look_of(world)
    # Trigger words wake what a LoRA learned: to a template that loads none they are noise.
    loras = (wanted.get("loras") or loras_of(world, values)) if "loras" in template.parameters else []
    triggers = [lora["trigger"] for lora in loras if lora.get("trigger")]
    # A set may name a smaller checkpoint for drafts; only what somebody sets for this template goes before it.
    checkpoint = None if "checkpoint" in template.sets.get(context.rendition, {}) else checkpoint_of(world)
    return {
        "prompt": prompt_of(values, look, cast_words(world, values), triggers),
        "negative": negative_of(values, negative),
        **{key: values[key] for key in ("width", "height", "frames", "fps")},
        **({"frames": cut.run.frames, "fps": cut.run.fps} if cut.run is not None else {}),
        "loras": [lora_row(lora) for lora in loras],
        **({"checkpoint": checkpoint} if checkpoint else {}),
    }


def _pictures(context: Context, cut: Cut, template: Template, given: Mapping[str, Read]) -> _Pictures:
    """Give what the template's declared inputs read."""
    reads: list[Read] = []
    inputs: list[Input] = []
    lacking: list[Problem] = []
    for name, wanted in template.inputs.items():
        read = given.get(name) or given.get(wanted.source) or _read(context.world, cut, name, wanted)
        picture = None if read is not None else _picture(context, cut, name, wanted)
        if read is not None:
            reads.append(read._replace(name=name))
        elif isinstance(picture, Input):
            inputs.append(picture)
        elif picture is not None:
            lacking.append(picture)
        elif wanted.required:
            lacking.append(_no_picture(name, wanted.source))
    inputs += _style_pictures(context.world, template.style_references)
    lacking += _lost_style_pictures(context) if template.style_references else []
    return _Pictures(tuple(reads), tuple(inputs), tuple(lacking))


_STYLE = "style."


def _style_pictures(world: World, count: int) -> list[Input]:
    """Give the first pictures of the project's style, under the names `style.1`, `style.2`, ..."""
    files = (world.style.data.get("references") or ()) if world.style is not None else ()
    found = [reference for file in files if (reference := reference_at(world, file)) is not None]
    return [input_of(f"{_STYLE}{number}", reference) for number, reference in enumerate(found[:count], 1)]


def _lost_style_pictures(context: Context) -> list[Problem]:
    """Say which pictures the project's style lists and nobody put there."""
    style = context.world.style
    if style is None:
        return []
    lost = [file for file in style.data.get("references") or () if reference_at(context.world, file) is None]
    place = context.place(style.file, style.part, "references") if lost else NOWHERE
    hint = "put it there, or take it out of `references`"
    return [Problem(place, "missing-reference", f"there is no picture {file}", "a picture under references/", hint) for file in lost]


def _read(world: World, cut: Cut, name: str, wanted: TemplateInput) -> Read | None:
    """Find what an input reads of another target: the shot's own still, with its last finishing step, or the shot it continues from."""
    if wanted.source != Phase.STILL:
        return None
    if cut.start is not None and cut.start.target:
        return Read(name, cut.start.target, "" if cut.start.target.endswith(f"/{Phase.STILL}") else LAST)
    if Phase.STILL not in cut.values["phases"]:
        return None
    steps = finish_of(world, cut, Phase.STILL)
    return Read(name, "/".join([cut.address, Phase.STILL, *steps[-1:]]))


def finish_of(world: World, cut: Cut, phase: Phase) -> list[str]:
    """Finishing steps of a phase, in order; what the narrowest of shot, scene and project says counts.

    Colours are not matched where nobody in the shot has a palette: there is nothing to match them to.
    """
    finishes = (owner.data.get("finish") or {} for owner in _owners(world, cut))
    steps = next((finish[phase] for finish in finishes if phase in finish), None)
    if not steps:
        return []
    has_palette = any(who.get("palette") for who in cut.values["characters"])
    return [step for step in steps if step != MATCH or has_palette]


def _picture(context: Context, cut: Cut, name: str, wanted: TemplateInput) -> Input | Problem | None:
    """Find a picture that somebody dropped: a reference of the first character that has one, or a control picture of the shot."""
    if wanted.source.startswith("control."):
        return _control(context, cut, name, wanted.source.removeprefix("control."))
    if wanted.source != "reference":
        return None
    found = next((r for who in cut.values["characters"] if (r := portrait(context.world, who))), None)
    return input_of(name, found) if found is not None else None


def _control(context: Context, cut: Cut, name: str, kind: str) -> Input | Problem | None:
    file = (cut.shot.get("control") or {}).get(kind)
    if not file:
        return None
    found = reference_at(context.world, file)
    if found is not None:
        return input_of(name, found)
    hint = "put it under references/, for example into references/control/"
    return Problem(NOWHERE, "missing-reference", f"there is no picture {file}", "a picture under references/", hint, f"control.{kind}")


_WHERE_FROM = {
    "still": "add `still` to the shot's phases",
    "reference": "drop a picture into references/<character>/",
    "control.pose": "name one under `control: {pose: PATH}` in the shot",
    "control.depth": "name one under `control: {depth: PATH}` in the shot",
}


def _no_picture(name: str, source: str) -> Problem:
    message = f"the template reads a picture ({name}) from the shot's {source}, and there is none"
    return Problem(NOWHERE, "missing-input", message, hint=_WHERE_FROM.get(source, "use the template under `finish`"))


def _length_problems(template: Template, cut: Cut) -> list[Problem]:
    if template.finishes or cut.phase is Phase.STILL:
        return []
    frames, fps = (cut.run.frames, cut.run.fps) if cut.run is not None else (cut.values["frames"], cut.values["fps"])
    message = template.frame_problem(frames, fps)
    hint = "change `frames`, or choose another template for this phase"
    return [Problem(NOWHERE, "frame-count", message, hint=hint, path="frames")] if message else []
