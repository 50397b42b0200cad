"""Which values fit a template, what enters the graph, and which clips a template can make."""

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from koma.core.media import Media
from koma.core.parameter import Parameter, ParameterType
from koma.core.problem import Place
from koma.core.template import Chain, CharacterNeeds, FrameRule, Rate, Template, TemplateInput, bind
from koma.core.words import BackendKind, Phase

PLACE = Place("projects/p/s01.yaml", 12, 5)


def make(**changes) -> Template:
    fields = {
        "name": "demo",
        "title": "Demo",
        "description": "",
        "phase": Phase.VIDEO,
        "backend": BackendKind.COMFYUI,
        "family": "svd",
        "parameters": {
            "seed": Parameter(ParameterType.INT, min=0, max=2**64 - 1),
            "width": Parameter(ParameterType.INT, default=64, min=64, max=1024, multiple_of=8, unit="px"),
            "cfg": Parameter(ParameterType.FLOAT, default=7, min=0, max=30),
            "steps": Parameter(ParameterType.INT, default=20, min=1, max=100),
            "sampler": Parameter(ParameterType.CHOICE, default="euler", choices=("euler", "heun")),
            "model": Parameter(ParameterType.MODEL, default="m.safetensors", folder="checkpoints"),
            "loras": Parameter(ParameterType.LORA_LIST, default=[]),
            "tiled": Parameter(ParameterType.BOOL, default=False),
            "extra": Parameter(ParameterType.STRING, default=""),
        },
        "inputs": {"image": TemplateInput("still"), "face": TemplateInput("reference", required=False)},
        "media": Media.FRAMES,
        "vram_gb": 4.0,
        "estimate_seconds": 10.0,
        "rate": Rate(24.0, 6.0, 30.0),
        "frames": FrameRule(exact=(25,)),
        "sets": {"draft": {"steps": 8}},
        "file": "templates/demo/template.yaml",
    }
    return Template(**{**fields, **changes})


DEMO = make()


def test_values_stand_over_the_set_and_the_set_over_defaults():
    assert bind(DEMO, {"seed": 1}, "draft", PLACE)[0]["steps"] == 8
    assert bind(DEMO, {"seed": 1}, "final", PLACE)[0]["steps"] == 20
    assert bind(DEMO, {"seed": 1, "steps": 3}, "draft", PLACE)[0]["steps"] == 3


def test_everything_that_a_graph_may_read_is_there():
    params, problems = bind(DEMO, {"seed": 1})
    assert problems == []
    assert params.keys() == {*DEMO.parameters, "image", "face", "output_prefix"}
    assert (params["image"], params["face"], params["output_prefix"]) == ("koma-input:image", None, "koma-output")


def test_binding_twice_gives_values_of_its_own():
    first, _ = bind(DEMO, {"seed": 1})
    first["steps"] = 99
    assert bind(DEMO, {"seed": 1})[0]["steps"] == 20


def test_a_picture_that_is_not_required_is_there_when_its_placeholder_is_given():
    assert bind(DEMO, {"seed": 1, "face": "koma-input:face"})[0]["face"] == "koma-input:face"


GIVEN = {
    "a whole number enters as a number where numbers are wanted": ("cfg", 7, 7.0),
    "a number without a fraction enters as a whole one where those are wanted": ("steps", 9.0, 9),
    "a seed may be as long as the server takes it": ("seed", 2**64 - 1, 2**64 - 1),
    "a model may lie in a folder of its own": ("model", "anime/m.safetensors", "anime/m.safetensors"),
    "a LoRA counts as strongly for the words as for the picture": (
        "loras", [{"name": "a.safetensors", "strength": 1}], [{"name": "a.safetensors", "strength": 1.0, "strength_clip": 1.0}]),
    "a LoRA may count otherwise for the words": (
        "loras", [{"name": "a.safetensors", "strength": 1, "strength_clip": 0}],
        [{"name": "a.safetensors", "strength": 1.0, "strength_clip": 0.0}]),
    "any text is a text": ("extra", '"}, {{ x }}', '"}, {{ x }}'),
}  # fmt: skip


@pytest.mark.parametrize(("name", "value", "expected"), GIVEN.values(), ids=GIVEN)
def test_what_enters_the_graph(name, value, expected):
    params, problems = bind(DEMO, {"seed": 1, name: value})
    assert problems == []
    assert json.dumps(params[name]) == json.dumps(expected)


WRONG = {
    "a text is no whole number": ("steps", "20", "a whole number"),
    "a boolean is no whole number": ("steps", True, "a whole number"),
    "a fraction is no whole number": ("steps", 2.5, "a whole number"),
    "a number below its range is refused": ("steps", 0, "from 1 to 100"),
    "a seed beyond 64 bits is refused": ("seed", 2**64, f"from 0 to {2**64 - 1}"),
    "a size that the model can't make is refused": ("width", 100, "from 64 to 1024, a multiple of 8 px"),
    "a boolean is no number": ("cfg", True, "a number"),
    "a number above its range is refused": ("cfg", 30.5, "from 0 to 30"),
    "not-a-number is refused": ("cfg", float("nan"), "from 0 to 30"),
    "a word that is no choice is refused with the closest": ("sampler", "eulr", "one of euler, heun; did you mean `euler`?"),
    "a list is no choice": ("sampler", ["euler"], "one of euler, heun"),
    "a number is no text": ("extra", 1, "a text"),
    "a text is no boolean": ("tiled", "yes", "true or false"),
    "an empty name is no model": ("model", "", "the name of a model file"),
    "a model can't lie outside of its folder": ("model", "../../x.safetensors", "relative to the server's models folder"),
    "a model can't lie outside of its folder on any system": ("model", "..\\x.safetensors", "relative to the server's models folder"),
    "a model has no drive": ("model", "C:x.safetensors", "relative to the server's models folder"),
    "one LoRA is no list of LoRAs": ("loras", {"name": "a"}, "a list of"),
    "a LoRA needs a name": ("loras", [{"strength": 1}], "an object {name"),
    "a LoRA has no other fields": ("loras", [{"name": "a", "weight": 1}], "an object {name"),
    "a LoRA's strength is a number": ("loras", [{"name": "a", "strength": "1"}], "a number"),
    "a picture's place is filled by Koma": ("image", "secret.png", "koma-input:image"),
}


@pytest.mark.parametrize(("name", "value", "expected"), WRONG.values(), ids=WRONG)
def test_a_value_that_does_not_fit_is_one_located_problem(name, value, expected):
    _, (problem,) = bind(DEMO, {"seed": 1, name: value}, "draft", PLACE)
    assert (problem.place, problem.path, problem.code) == (PLACE, f"parameters.{name}", "wrong-parameter")
    assert name in problem.message
    assert expected in problem.expected


def test_an_unknown_parameter_is_named_with_the_closest_one():
    _, (problem,) = bind(DEMO, {"seed": 1, "stepz": 3}, "", PLACE)
    assert (problem.code, problem.place, problem.path) == ("unknown-parameter", PLACE, "parameters.stepz")
    assert "steps" in problem.hint


def test_standard_values_that_a_template_does_not_declare_are_passed_over():
    params, problems = bind(DEMO, {"seed": 1, "prompt": "rain", "negative": "", "height": 64, "fps": 24.0, "checkpoint": "m"})
    assert problems == []
    assert "prompt" not in params


def test_a_value_that_nobody_gives_is_a_problem_that_says_where_to_set_it():
    template = make(parameters={"checkpoint": Parameter(ParameterType.MODEL, folder="checkpoints"), "lut": Parameter(ParameterType.STRING)})
    _, problems = bind(template, {}, "", PLACE)
    assert [(problem.code, problem.path) for problem in problems] == [
        ("missing-parameter", "parameters.checkpoint"),
        ("missing-parameter", "parameters.lut"),
    ]
    assert "in the project" in problems[0].hint
    assert "parameters: {demo: {lut: ...}}" in problems[1].hint


def test_a_wrong_value_is_not_reported_as_missing_too():
    _, problems = bind(DEMO, {"seed": "x"}, "", PLACE)
    assert [problem.code for problem in problems] == ["wrong-parameter"]


@given(st.dictionaries(st.sampled_from([*DEMO.parameters, "image", "face", "other"]), st.integers() | st.text() | st.none() | st.floats()))
def test_whatever_is_given_binding_never_raises_and_what_it_accepts_it_accepts_again(values):
    params, problems = bind(DEMO, values, "draft", PLACE)
    if not problems:
        assert bind(DEMO, params, "draft", PLACE) == (params, [])


CLIPS = {
    "the one length at the native rate is made": (25, 24, ""),
    "a rate inside of the range is made": (25, 23.976, ""),
    "another length is not made, and the nearest is named": (
        120,
        24,
        "can't make 120 frames in one run: it makes exactly 25 (nearest: 25)",
    ),
    "a rate beyond the range is not made": (25, 60, "runs at 6 to 30"),
}


@pytest.mark.parametrize(("frames", "fps", "words"), CLIPS.values(), ids=CLIPS)
def test_which_clips_a_template_makes(frames, fps, words):
    problem = DEMO.frame_problem(frames, fps)
    assert words in problem
    assert bool(problem) is bool(words)


def test_a_template_for_pictures_takes_every_shot():
    still = make(frames=None, rate=None)
    assert still.frame_problem(481, 60) == ""
    assert still.nearest(481) == (481,)


RULES = {
    "an exact count is only itself": (FrameRule(exact=(14, 25)), [14, 25], 20, (14, 25)),
    "below the least count there is only one neighbour": (FrameRule(min=8, max=16, step=4), [8, 12, 16], 3, (8,)),
    "above the greatest count there is only one neighbour": (FrameRule(min=8, max=16, step=4), [8, 12, 16], 99, (16,)),
    "counts may be one more than a multiple": (FrameRule(min=1, max=13, step=4, offset=1), [1, 5, 9, 13], 6, (5, 9)),
    "the least count need not be one that can be made": (FrameRule(min=3, max=13, step=4, offset=1), [5, 9, 13], 1, (5,)),
}


@pytest.mark.parametrize(("rule", "made", "wanted", "near"), RULES.values(), ids=RULES)
def test_frame_rules(rule, made, wanted, near):
    assert [count for count in range(40) if rule.allows(count)] == made
    assert rule.nearest(wanted) == near


@given(
    st.builds(FrameRule, min=st.integers(1, 40), max=st.integers(41, 90), step=st.integers(1, 9), offset=st.integers(0, 9)),
    st.integers(1, 120),
)
def test_the_nearest_counts_can_be_made_and_nothing_lies_between(rule, frames):
    assume(any(rule.allows(count) for count in range(rule.min, rule.max + 1)))
    near = rule.nearest(frames)
    assert near
    assert all(rule.allows(count) for count in near)
    assert rule.allows(frames) == (near == (frames,))
    if len(near) == 2:
        assert not any(rule.allows(count) for count in range(near[0] + 1, near[1]))


AKI = {
    "id": "aki",
    "name": "Aki",
    "version": "adult",
    "prompt": "young woman",
    "negative": "",
    "weight": 0.8,
    "references": ["koma-input:aki.1"],
    "sheet": ["koma-input:aki.sheet.front"],
    "region": {"x": 0, "y": 0, "width": 512, "height": 576},
    "pose": {"image": "koma-input:aki.pose", "x": 0, "y": 40, "width": 200, "height": 536},
}
CAST = make(characters=CharacterNeeds(2, references=4, sheet=("front",), poses=True), style_references=2)


def test_characters_and_style_pictures_enter_the_graph_as_they_are():
    given = {"seed": 1, "characters": [AKI, {**AKI, "id": "ren", "pose": None}], "style_references": ["koma-input:style.1"]}
    params, problems = bind(CAST, given)
    assert problems == []
    assert {name: params[name] for name in given} == given


def test_characters_and_style_pictures_are_empty_where_nobody_gives_them():
    params, problems = bind(CAST, {"seed": 1})
    assert problems == []
    assert (params["characters"], params["style_references"]) == ([], [])


def test_what_koma_injects_is_passed_over_where_the_template_takes_none():
    params, problems = bind(DEMO, {"seed": 1, "characters": [AKI], "style_references": ["koma-input:style.1"]})
    assert problems == []
    assert not {"characters", "style_references"} & params.keys()


WRONG_CAST = {
    "a name is no list of characters": ("characters", "aki", "", "at most 2 characters"),
    "more characters than it takes": ("characters", [AKI] * 3, "", "at most 2 characters"),
    "a character without a field": ("characters", [{k: v for k, v in AKI.items() if k != "pose"}], "character 1", "exactly these fields"),
    "a character with a field too many": ("characters", [{**AKI, "age": 3}], "character 1", "exactly these fields"),
    "a file name is no placeholder": ("characters", [AKI, {**AKI, "references": ["a.png"]}], "character 2: references", "`koma-input:`"),
    "a placeholder has a name": ("characters", [{**AKI, "sheet": ["koma-input:"]}], "character 1: sheet", "`koma-input:`"),
    "a weight is a number": ("characters", [{**AKI, "weight": "much"}], "character 1: weight", "a number"),
    "a region lies in the picture": ("characters", [{**AKI, "region": {**AKI["region"], "x": -1}}], "character 1: region: x", "from 0"),
    "a region has a size": ("characters", [{**AKI, "region": {**AKI["region"], "width": 0}}], "character 1: region: width", "from 1"),
    "a pose has its picture": ("characters", [{**AKI, "pose": AKI["region"]}], "character 1: pose", "image, x, y, width, height"),
    "more style pictures than it takes": ("style_references", ["koma-input:style.1"] * 3, "", "at most 2 pictures"),
    "a style picture is a placeholder": ("style_references", ["style.png"], "", "`koma-input:`"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "value", "where", "expected"), WRONG_CAST.values(), ids=WRONG_CAST)
def test_a_character_or_style_picture_of_another_shape_is_refused(name, value, where, expected):
    _, (problem,) = bind(CAST, {"seed": 1, name: value}, "draft", PLACE)
    assert (problem.place, problem.path, problem.code) == (PLACE, f"parameters.{name}", "wrong-parameter")
    assert where in problem.message
    assert expected in problem.expected


LADDER = make(
    parameters={**DEMO.parameters, "size": Parameter(ParameterType.INT, min=60, multiple_of=16), "seed": Parameter(ParameterType.INT)},
    ladder=({"tiled": True}, {"width": 0.75, "size": 0.5}, {"width": 0.5, "cfg": 0.5, "steps": 4}),
)
REDUCED = {
    "nothing is given up at first": (0, {}),
    "a rung sets a value": (1, {"tiled": True}),
    "a fraction of a whole number is a factor, down to a multiple": (2, {"tiled": True, "width": 192, "size": 64}),
    "rungs add up, and a fraction of a number is its value": (
        3, {"tiled": True, "width": 96, "size": 64, "cfg": 0.5, "steps": 4}),
}  # fmt: skip


@pytest.mark.parametrize(("rungs", "changed"), REDUCED.values(), ids=REDUCED)
def test_what_is_given_up_rung_by_rung(rungs, changed):
    params, problems = bind(LADDER, {"seed": 1, "width": 256, "size": 96})
    assert problems == []
    assert LADDER.reduced(params, rungs) == {**params, **changed}


FINISHER = make(phase=None, frames=None, rate=None, multiplier="steps", inputs={"clip": TemplateInput("clip")})


def test_a_template_without_a_phase_finishes():
    assert (FINISHER.finishes, DEMO.finishes) == (True, False)


@pytest.mark.parametrize(
    "template",
    [DEMO, CAST, LADDER, FINISHER, make(chain=Chain("image", 2, 9))],
    ids=["plain", "with a cast", "with a ladder", "that finishes", "in a chain"],
)
def test_a_template_comes_back_from_the_cache_as_it_was(template):
    assert Template.from_json(json.loads(json.dumps(template.to_json()))) == template
