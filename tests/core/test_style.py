"""Style: what a project draws with, and the rules that no shot may break."""

import pytest

from koma.core.problem import Place
from koma.core.prompt import character_words
from koma.core.resolve import resolve_shot
from koma.core.style import cast_words, checkpoint_of, look_of, lora_row, loras_of, style_problems
from support.worlds import AKI, scene, shot, world

HERE = Place("projects/p/s01.yaml", 9, 3)
WASH = {"name": "wash.safetensors", "strength": 0.6}
STYLE = {"prompt": "ink lines", "negative": "photo", "checkpoint": "ink.safetensors", "loras": [WASH]}


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        pytest.param(world(), None, id="nobody names one"),
        pytest.param(world(style=STYLE), "ink.safetensors", id="the style's"),
        pytest.param(world(style=STYLE, checkpoint="own.safetensors"), "own.safetensors", id="the project's own goes before"),
    ],
)
def test_which_checkpoint_a_project_draws_with(made, expected):
    assert checkpoint_of(made) == expected


def test_the_look_is_that_of_style_project_and_bible():
    made = world(style=STYLE, prompt="clean", negative="text", bible={"world": {"prompt": "lanterns", "negative": "cars"}})
    assert look_of(made) == (["ink lines", "clean", "lanterns"], ["photo", "text", "cars"])


def test_without_style_and_bible_the_look_is_the_project_s_own():
    assert look_of(world(prompt="clean", bible={})) == (["", "clean", ""], ["", "", ""])


def cast(made, *entries):
    cut = shot(characters=list(entries))
    return resolve_shot(made, scene(cut), cut).values


def test_loras_come_from_style_project_and_people_and_the_last_of_a_name_wins():
    who = {**AKI, "loras": [{"name": "aki.safetensors"}, {"name": "wash.safetensors", "strength": 0.9}]}
    made = world(characters=(who,), style=STYLE, loras=[{"name": "grain.safetensors"}])
    found = loras_of(made, cast(made, {"id": "aki"}))
    assert [(lora["name"], lora.get("strength")) for lora in found] == [
        ("wash.safetensors", 0.9),
        ("grain.safetensors", None),
        ("aki.safetensors", None),
    ]


ROWS = {
    "a name alone": ({"name": "a"}, (0.8, 0.8)),
    "one strength for both": ({"name": "a", "strength": 0.5}, (0.5, 0.5)),
    "a strength of nothing": ({"name": "a", "strength": 0}, (0, 0)),
    "one for each": ({"name": "a", "strength": 0.5, "strength_clip": 0.1}, (0.5, 0.1)),
}


@pytest.mark.parametrize(("lora", "expected"), ROWS.values(), ids=ROWS.keys())
def test_the_row_of_a_lora(lora, expected):
    assert lora_row(lora) == {"name": "a", "strength": expected[0], "strength_clip": expected[1]}


ENTRIES = {
    "as the character is": {"id": "aki"},
    "in another version": {"id": "aki", "version": "child"},
    "in other clothes": {"id": "aki", "outfit": "coat"},
    "with an expression": {"id": "aki", "expression": "smile"},
    "in a pose": {"id": "aki", "pose": "walking"},
    "elsewhere in the picture": {"id": "aki", "position": "left"},
    "with other hair": {"id": "aki", "palette": {"hair": "#ffffff"}},
    "with other words": {"id": "aki", "base_prompt": "a ghost"},
}


def test_words_that_are_remembered_are_those_that_would_be_said():
    made = world()
    for entry in [*ENTRIES.values(), *reversed(ENTRIES.values())]:
        values = cast(made, entry)
        assert cast_words(made, values) == character_words(values["characters"][0])


def test_everybody_in_a_shot_has_words():
    made = world()
    assert cast_words(made, cast(made, {"id": "aki"}, {"id": "ren"})).count("; ") == 1
    assert cast_words(made, cast(made)) == ""


PARAMS = {
    "checkpoint": "ink.safetensors",
    "loras": [{"name": "wash.safetensors"}, {"name": "aki.safetensors"}],
    "prompt": "Wide shot, ink lines",
    "steps": 20,
    "sampler_name": "euler",
}
RULES = {
    "no rule": ({}, []),
    "its checkpoint": ({"checkpoints": ["ink.safetensors"]}, []),
    "another checkpoint": ({"checkpoints": ["other.safetensors", "third.safetensors"]}, ["checkpoint 'ink.safetensors'"]),
    "no checkpoint at all is allowed": ({"checkpoints": []}, ["allows none"]),
    "its LoRAs": ({"loras": ["aki.safetensors", "wash.safetensors"]}, []),
    "one of its LoRAs is not allowed": ({"loras": ["wash.safetensors"]}, ["LoRA 'aki.safetensors'"]),
    "no LoRA is allowed": ({"loras": []}, ["LoRA 'wash.safetensors'", "LoRA 'aki.safetensors'"]),
    "as many LoRAs as allowed": ({"max_loras": 2}, []),
    "too many LoRAs": ({"max_loras": 1}, ["2 LoRAs, and the style allows 1"]),
    "its template": ({"templates": ["still"]}, []),
    "another template": ({"templates": ["poster"]}, ["template 'still'"]),
    "a word that is forbidden, in whatever case": ({"forbid_words": ["INK"]}, ["'INK'"]),
    "a forbidden word that is not there": ({"forbid_words": ["photo"]}, []),
    "a number within its range": ({"parameters": {"steps": {"min": 20, "max": 20}}}, []),
    "a number below": ({"parameters": {"steps": {"min": 21}}}, ["steps 20 is outside"]),
    "a number above": ({"parameters": {"steps": {"max": 19}}}, ["steps 20 is outside"]),
    "a range for what the template does not have": ({"parameters": {"cfg": {"max": 1}}}, []),
    "a range for what is no number": ({"parameters": {"sampler_name": {"max": 1}}}, []),
}


@pytest.mark.parametrize(("rules", "expected"), RULES.values(), ids=RULES.keys())
@pytest.mark.parametrize("owner", ["style", "project"])
def test_which_rules_a_shot_breaks(owner, rules, expected):
    made = world(style={"rules": rules}) if owner == "style" else world(rules=rules)
    problems = style_problems(made, "still", PARAMS, HERE)
    assert len(problems) == len(expected)
    for problem, words in zip(problems, expected, strict=True):
        assert words in problem.message
        assert (problem.place, problem.code) == (HERE, "style-rule")
        assert {"style": "ink.yaml", "project": "project.yaml"}[owner] in problem.hint


def test_a_template_without_checkpoint_breaks_no_rule_about_them():
    assert style_problems(world(rules={"checkpoints": ["other"]}), "still", {}, HERE) == []


def test_rules_of_style_and_project_both_hold():
    made = world(style={"rules": {"max_loras": 1}}, rules={"max_loras": 0})
    assert len(style_problems(made, "still", PARAMS, HERE)) == 2
