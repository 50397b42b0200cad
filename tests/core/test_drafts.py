"""Drafts: what would be drawn of each shot, on ComfyUI and on the animatic, and what can't be."""

import pytest

from koma.core.animatic_draft import draft_panel
from koma.core.desire import draft_document, draft_one, draft_shot
from koma.core.draft import Cut
from koma.core.keys import derived_seed
from koma.core.parameter import Parameter, ParameterType
from koma.core.resolve import resolve_shot
from koma.core.template import TemplateInput
from koma.core.words import Phase, Rendition
from support.worlds import context, merged, reference, scene, shot, template, world

BOTH = {"phases": ["still", "video"]}


def cut_of(made, phase=Phase.STILL, number=1, of_scene=None, **fields):
    one = shot(**fields)
    of = scene(one, **(of_scene or {}))
    values = resolve_shot(made, of, one).values
    return Cut(of, one, f"{made.id}/s01/{one['id']}", values, phase, number)


def graph(
    made=None, phase=Phase.STILL, number=1, rendition=Rendition.FINAL, templates=None, of_scene=None, templates_of_shot=None, **fields
):
    made = made or world(**BOTH)
    fields |= {"templates": templates_of_shot} if templates_of_shot else {}
    asked = context(made, rendition, **(templates or {}))
    return draft_one(asked, cut_of(made, phase, number, of_scene, **fields)), asked.problems


def panel(made=None, phase=Phase.STILL, number=1, **fields):
    made = made or world(**BOTH)
    asked = context(made, Rendition.ANIMATIC)
    return draft_panel(asked, cut_of(made, phase, number, **fields)), asked.problems


def test_a_still_on_comfyui():
    draft, problems = graph(action="walks")
    assert problems == []
    assert draft.id == "p/s01/sh010/still"
    assert (draft.hold, draft.reads, draft.needs, draft.inputs) == ("", (), (), ())
    assert draft.expect == {"width": 640, "height": 360, "frames": 1, "fps": 0, "motion": False}
    assert (draft.params["seed"], draft.params["width"], draft.params["steps"]) == (7, 640, 20)
    assert "walks" in draft.params["prompt"]


def test_a_video_on_comfyui_reads_its_shot_s_still():
    draft, problems = graph(phase=Phase.VIDEO, action="walks")
    assert problems == []
    assert draft.reads == (("image", "p/s01/sh010/still", ""),)
    assert draft.needs == ("p/s01/sh010/still",)
    assert draft.expect == {"width": 640, "height": 360, "frames": 24, "fps": 12, "motion": True}
    assert draft.params["image"] == "koma-input:image"


def test_a_clip_in_which_nothing_moves_expects_no_motion():
    assert graph(phase=Phase.VIDEO)[0].expect["motion"] is False
    assert graph(phase=Phase.VIDEO, camera={"move": "pan"})[0].expect["motion"] is True


SEEDS = {
    "take 1 has the shot's": (1, 7, 7),
    "take 2 has a derived one": (2, 7, derived_seed("p/s01/sh010/still", 2)),
    "take 1 without one has a derived one": (1, None, derived_seed("p/s01/sh010/still", 1)),
}


@pytest.mark.parametrize(("number", "seed", "expected"), SEEDS.values(), ids=SEEDS.keys())
def test_the_seed_of_a_graph(number, seed, expected):
    made = world(**BOTH)
    one = merged(shot(), {"seed": seed})
    of = scene(one)
    cut = Cut(of, one, "p/s01/sh010", resolve_shot(made, of, one).values, Phase.STILL, number)
    draft = draft_one(context(made), cut)
    assert (draft.seed, draft.params["seed"]) == (expected, expected)


MOVES = {
    "a shot": ({"s01/sh001": "s01/sh010"}, "s01/sh001"),
    "a shot, with its project": ({"p/s01/sh001": "p/s01/sh010"}, "s01/sh001"),
    "a scene": ({"s00": "s01"}, "s00/sh010"),
    "something whose name begins the same": ({"s01/sh001": "s01/sh0"}, "s01/sh010"),
}


@pytest.mark.parametrize(("moved", "origin"), MOVES.values(), ids=MOVES.keys())
def test_what_was_renamed_keeps_the_seeds_of_its_old_id(moved, origin):
    made = world(**BOTH, moved=moved)
    assert graph(made, number=2)[0].seed == derived_seed(f"p/{origin}/still", 2)
    assert panel(made, number=2)[0].seed == derived_seed(f"p/{origin}/still", 2)


def test_a_panel_that_was_renamed_looks_as_before():
    plain, old = world(**BOTH), shot("sh001")
    values = resolve_shot(plain, scene(old), old).values
    before = draft_panel(context(plain, Rendition.ANIMATIC), Cut(scene(old), old, "p/s01/sh001", values, Phase.STILL, 1))
    after = panel(world(**BOTH, moved={"s01/sh001": "s01/sh010"}))[0]
    assert after.panel == before.panel


@pytest.mark.parametrize("phase", [Phase.STILL, Phase.VIDEO, Phase.LOOP])
def test_still_and_clips_of_a_panel_share_the_seed_of_take_1(phase):
    without = merged(shot(), {"seed": None})
    made = world(**BOTH)
    values = resolve_shot(made, scene(without), without).values
    cut = Cut(scene(without), without, "p/s01/sh010", values, phase, 1)
    assert draft_panel(context(made, Rendition.ANIMATIC), cut).seed == derived_seed("p/s01/sh010", 1)
    assert panel(phase=phase)[0].seed == 7


def test_a_later_take_of_a_panel_has_a_seed_of_its_own():
    assert panel(phase=Phase.VIDEO, number=2)[0].seed == derived_seed("p/s01/sh010/video", 2)


def test_a_clip_of_a_panel_needs_its_still_and_reads_none_of_its_pixels():
    draft, _ = panel(phase=Phase.VIDEO)
    assert (draft.needs, draft.reads) == (("p/s01/sh010/still",), ())


def test_a_clip_without_a_still_needs_none():
    assert panel(world(phases=["video"]), Phase.VIDEO)[0].needs == ()


def test_a_panel_reads_a_picture_of_everybody_of_whom_there_is_one():
    made = world(**BOTH)
    made.references = {("aki", ""): [reference("face")]}
    draft, _ = panel(made, characters=[{"id": "aki"}, {"id": "ren"}])
    assert [given.name for given in draft.inputs] == ["reference:aki"]
    assert [who["reference"] for who in draft.panel["characters"]] == ["reference:aki", None]
    assert draft.hold == ""


def test_a_panel_whose_picture_can_not_be_used_is_blocked():
    made = world(**BOTH)
    made.references = {("aki", ""): [reference("face", "truncated")]}
    assert panel(made)[0].hold == "blocked"


HOLDS = {
    "the shot says so": ({"hold": True}, {}, "held-by-spec"),
    "the scene says so": ({}, {"hold": True}, "held-by-spec"),
    "nobody says so": ({"hold": False}, {"hold": False}, ""),
}


@pytest.mark.parametrize(("of_shot", "of_scene", "expected"), HOLDS.values(), ids=HOLDS.keys())
def test_what_is_held(of_shot, of_scene, expected):
    assert graph(of_scene=of_scene, **of_shot)[0].hold == expected
    made = world(**BOTH)
    cut = cut_of(made, of_scene=of_scene, **of_shot)
    assert draft_panel(context(made, Rendition.ANIMATIC), cut).hold == expected


CHOICES = {
    "nobody": ({}, {}, {}, "still"),
    "the project": ({"still": "a"}, {}, {}, "a"),
    "the scene before the project": ({"still": "a"}, {"still": "b"}, {}, "b"),
    "the shot before all": ({"still": "a"}, {"still": "b"}, {"still": "c"}, "c"),
    "somebody, of another phase": ({"still": "a"}, {"video": "b"}, {"loop": "c"}, "a"),
}


@pytest.mark.parametrize(("project", "of_scene", "of_shot", "expected"), CHOICES.values(), ids=CHOICES.keys())
def test_who_chooses_the_template(project, of_scene, of_shot, expected):
    known = {name: template()._replace(name=name) for name in "abc"}
    draft, problems = graph(world(**BOTH, templates=project), templates=known, of_scene={"templates": of_scene}, templates_of_shot=of_shot)
    assert (draft.template.name, problems) == (expected, [])


NAMED = {
    "the shot": ({}, {}, {"still": "zzz"}, ("projects/p/s01.yaml", "shots.sh010.templates.still")),
    "the scene": ({}, {"still": "zzz"}, {}, ("projects/p/s01.yaml", "templates.still")),
    "the project": ({"still": "zzz"}, {}, {}, ("projects/p/project.yaml", "templates.still")),
}


@pytest.mark.parametrize(("project", "of_scene", "of_shot", "place"), NAMED.values(), ids=NAMED.keys())
def test_a_missing_template_is_a_problem_where_it_is_named(project, of_scene, of_shot, place):
    made = world(**BOTH, templates=project)
    _, problems = graph(made, of_scene={"templates": of_scene}, templates_of_shot=of_shot)
    assert [problem.place for problem in problems] == [context(made).place(place[0], 0, place[1])]


BLOCKED = {
    "a template that is not there": ({"templates_of_shot": {"still": "stil"}}, Phase.STILL, "missing-template", "did you mean 'still'?"),
    "a template like no other": ({"templates_of_shot": {"still": "zzz"}}, Phase.STILL, "missing-template", "name one under `templates"),
    "no template for a phase": ({}, Phase.LOOP, "missing-template", "name one under `templates: {loop: NAME}`"),
    "a length that it can't make": ({"frames": 25}, Phase.VIDEO, "frame-count", "change `frames`"),
    "a parameter that it does not have": ({"parameters": {"still": {"stepz": 3}}}, Phase.STILL, "unknown-parameter", "steps"),
    "a parameter of the wrong type": ({"parameters": {"still": {"steps": "many"}}}, Phase.STILL, "wrong-parameter", "correct the value"),
    "a still for a video, without one": ({"phases": ["video"]}, Phase.VIDEO, "missing-input", "add `still`"),
}


@pytest.mark.parametrize(("fields", "phase", "code", "hint"), BLOCKED.values(), ids=BLOCKED.keys())
def test_what_comfyui_can_not_make_is_a_located_problem(fields, phase, code, hint):
    draft, problems = graph(phase=phase, **fields)
    assert draft.hold == "blocked"
    assert [problem.code for problem in problems] == [code]
    assert hint in problems[0].hint
    assert problems[0].place.file == "projects/p/s01.yaml"


def test_where_there_is_no_template_at_all_that_is_said():
    made = world(**BOTH)
    asked = context(made)
    asked.templates = {}
    draft_one(asked, cut_of(made))
    assert "the templates folder is empty" in asked.problems[0].expected


def test_a_length_that_no_template_can_make_is_no_problem_of_the_animatic():
    draft, problems = panel(phase=Phase.VIDEO, frames=777)
    assert (draft.hold, problems) == ("", [])


def test_a_shot_that_breaks_a_rule_of_its_style_is_blocked():
    draft, problems = graph(world(**BOTH, rules={"forbid_words": ["steam"]}), prompt="steam")
    assert (draft.hold, [problem.code for problem in problems]) == ("blocked", ["style-rule"])


PARAMETERS = {
    "the project's": ({}, {}, 21),
    "the scene's before the project's": ({"still": {"steps": 22}}, {}, 22),
    "the shot's before all": ({"still": {"steps": 22}}, {"still": {"steps": 23}}, 23),
    "those of another template do not count": ({"svd-video": {"steps": 22}}, {"poster": {"steps": 23}}, 21),
}


@pytest.mark.parametrize(("of_scene", "of_shot", "expected"), PARAMETERS.values(), ids=PARAMETERS.keys())
def test_whose_parameters_count(of_scene, of_shot, expected):
    made = world(**BOTH, parameters={"still": {"steps": 21}})
    draft, _ = graph(made, of_scene={"parameters": of_scene}, parameters=of_shot)
    assert draft.params["steps"] == expected


def test_a_set_of_the_rendition_stands_between_default_and_wish():
    templates = {"still": template(sets={"draft": {"steps": 5, "cfg": 2.0}})}
    params = graph(rendition=Rendition.DRAFT, templates=templates, parameters={"still": {"cfg": 3.0}})[0].params
    assert (params["steps"], params["cfg"]) == (5, 3.0)
    assert graph(templates=templates)[0].params["steps"] == 20


def test_loras_of_the_spec_enter_the_graph_and_their_triggers_the_prompt():
    made = world(**BOTH, loras=[{"name": "wash.safetensors", "strength": 0.5, "trigger": "inkwash"}])
    params = graph(made)[0].params
    assert params["loras"] == [{"name": "wash.safetensors", "strength": 0.5, "strength_clip": 0.5}]
    assert params["prompt"].startswith("inkwash, ")


def test_a_template_that_takes_no_loras_is_told_no_trigger_words():
    made = world(**BOTH, loras=[{"name": "wash.safetensors", "trigger": "inkwash"}])
    asked = template(parameters={"prompt": Parameter(ParameterType.STRING), "seed": Parameter(ParameterType.INT)})
    assert "inkwash" not in graph(made, templates={"still": asked})[0].params["prompt"]


def test_a_size_for_one_template_is_what_its_files_are_expected_to_have():
    draft, _ = graph(parameters={"still": {"width": 512, "height": 512}})
    assert (draft.expect["width"], draft.expect["height"]) == (512, 512)


REFERENCE = TemplateInput("reference")
FACE = template(inputs={"face": REFERENCE})
MAYBE = template(inputs={"face": TemplateInput("reference", required=False)})


def with_picture(problem="", who="aki"):
    made = world(**BOTH)
    made.references = {(who, ""): [reference("face", problem)]}
    return made


PICTURES = {
    "a picture that is there": (FACE, with_picture(), "", ["face"], []),
    "a picture of the second person, where the first has none": (FACE, with_picture(who="ren"), "", ["face"], []),
    "a picture that is not there": (FACE, world(**BOTH), "blocked", [], ["missing-input"]),
    "a picture that can't be used": (FACE, with_picture("truncated"), "blocked", ["face"], []),
    "a picture that may be missing": (MAYBE, world(**BOTH), "", [], []),
}


@pytest.mark.parametrize(("asked", "made", "hold", "inputs", "codes"), PICTURES.values(), ids=PICTURES.keys())
def test_a_template_that_reads_a_reference(asked, made, hold, inputs, codes):
    draft, problems = graph(made, templates={"still": asked}, characters=[{"id": "aki"}, {"id": "ren"}])
    assert (draft.hold, [given.name for given in draft.inputs], [problem.code for problem in problems]) == (hold, inputs, codes)


def styled(file):
    made = world(**BOTH, style={"references": [file]})
    made.references = {("aki", ""): [reference("look")]}
    return made


def test_pictures_of_the_style_enter_a_graph_that_takes_some():
    draft, problems = graph(styled("references/aki/look.png"), templates={"still": template(style_references=2)})
    assert (problems, draft.hold, draft.params["style_references"]) == ([], "", ["koma-input:style.1"])


def test_a_picture_of_the_style_that_is_not_there_is_a_problem_in_the_style():
    made = styled("references/look/gone.png")
    draft, problems = graph(made, templates={"still": template(style_references=1)})
    assert draft.hold == "blocked"
    assert [(p.code, p.place.file, p.message) for p in problems] == [
        ("missing-reference", made.style.file, "there is no picture references/look/gone.png")
    ]
    assert graph(made)[1] == []


def test_a_template_without_a_checkpoint_is_given_none():
    asked = template(parameters={"prompt": Parameter(ParameterType.STRING), "seed": Parameter(ParameterType.INT)})
    draft, problems = graph(world(**BOTH, checkpoint="own.safetensors"), templates={"still": asked})
    assert (problems, "checkpoint" in draft.params) == ([], False)


def test_the_checkpoint_of_the_project_enters_the_graph():
    assert graph(world(**BOTH, checkpoint="own.safetensors"))[0].params["checkpoint"] == "own.safetensors"


def test_phases_are_drafted_in_the_order_in_which_they_are_made():
    made = world(phases=["video", "loop", "still"])
    drafts = draft_document(context(made, Rendition.ANIMATIC), scene())
    assert [draft.phase for draft in drafts] == ["still", "loop", "video"]


def test_phases_may_be_a_default_of_all_shots():
    made = world(**BOTH, defaults={"shot": {"phases": ["still"]}})
    assert [draft.phase for draft in draft_shot(context(made), scene(), shot())] == ["still"]


PHASES = {
    "the shot's": ({"phases": ["loop"]}, {"phases": ["still"]}, ["loop"]),
    "the scene's": ({}, {"phases": ["still"]}, ["still"]),
    "the project's": ({}, {}, ["still", "video"]),
}


@pytest.mark.parametrize(("of_shot", "of_scene", "expected"), PHASES.values(), ids=PHASES.keys())
def test_a_shot_that_names_what_is_not_there_is_blocked_in_each_of_its_phases(of_shot, of_scene, expected):
    cut = shot(characters=[{"id": "nobody"}], **of_shot)
    drafts = draft_shot(context(world(**BOTH)), scene(cut, **of_scene), cut)
    assert [(draft.phase, draft.hold) for draft in drafts] == [(phase, "blocked") for phase in expected]


def test_a_project_that_names_no_phases_makes_a_still_and_a_video():
    cut = shot(characters=[{"id": "nobody"}])
    assert [draft.phase for draft in draft_shot(context(world(phases=None)), scene(cut), cut)] == ["still", "video"]


def test_a_bad_shot_does_not_hold_its_neighbours():
    shots = [shot("sh010"), shot("sh020", characters=[{"id": "nobody"}]), shot("sh030")]
    asked = context()
    drafts = draft_document(asked, scene(*shots))
    assert [draft.hold for draft in drafts] == ["", "blocked", ""]
    assert [problem.path for problem in asked.problems] == ["shots.sh020.characters.nobody.id"]


def test_a_scene_without_shots_has_no_targets():
    assert draft_document(context(), scene()._replace(data={"kind": "scene", "id": "s01"})) == []
