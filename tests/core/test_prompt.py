"""Words for the picture."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.prompt import character_words, colour_name, negative_of, prompt_of
from koma.core.resolve import resolve_shot
from support.worlds import AKI, scene, shot, world

COLOURS = {
    "#000000": "black",
    "#FFFFFF": "white",
    "#c81e28": "red",
    "#2d55c8": "blue",
    "#0a0a10": "black",
    "#ebd28c": "blonde",
    "#6e4628": "brown",
}


@pytest.mark.parametrize(("value", "expected"), COLOURS.items())
def test_the_name_of_a_colour(value, expected):
    assert colour_name(value) == expected


@given(st.integers(0, 0xFFFFFF))
def test_every_colour_has_a_name_whatever_the_case_of_its_digits(number):
    value = f"#{number:06x}"
    assert colour_name(value)
    assert colour_name(value) == colour_name(value.upper())


def words(**fields):
    return character_words(fields)


PEOPLE = {
    "nothing is known": ({}, ""),
    "base words come first": ({"base_prompt": "young woman", "traits": {"hair": "bob"}}, "young woman, bob"),
    "an age in years": ({"age": 8}, "8 years old"),
    "an age in words": ({"age": "early thirties"}, "early thirties"),
    "a state": ({"emotional_state": "grieving"}, "grieving"),
    "traits by their names": ({"traits": {"z": "last", "a": "first"}}, "first, last"),
    "a palette in words": ({"palette": {"hair": "#000000", "outfit": "#ffffff"}}, "black hair, white clothes"),
    "colours that no word can say are left out": ({"palette": {"accent": "#000000", "primary": "#000000"}}, ""),
    "outfit, expression and pose": (
        {"outfit_prompt": "coat", "expression_prompt": "smile", "pose_prompt": "walking"},
        "coat, smile, walking",
    ),
    "a place in the picture": ({"position": "far-left"}, "on the far left"),
    "the middle is not worth a word": ({"position": "center"}, ""),
    "the same words are said once": ({"base_prompt": "freckles", "traits": {"skin": "freckles"}}, "freckles"),
    "spaces and commas around words are left out": ({"base_prompt": " woman, ", "traits": {"a": "  "}}, "woman"),
}


@pytest.mark.parametrize(("who", "expected"), PEOPLE.values(), ids=PEOPLE.keys())
def test_words_for_somebody(who, expected):
    assert character_words(who) == expected


def values(**fields):
    cut = shot(**fields)
    return resolve_shot(world(), scene(cut, mood="tense", prompt="neon"), cut).values


def test_the_order_of_a_prompt():
    cut = values(framing="wide", angle="low", action="walks", weather="rain", prompt="steam", camera={"move": "pan", "direction": "left"})
    assert prompt_of(cut, ["ink lines", ""], "Aki", ["wash"]) == (
        "wash, ink lines, wide shot, low angle, Aki, walks, narrow alley, neon, night, rain, tense mood, steam, camera pan left"
    )


SAID = {
    "a camera that stands still is not mentioned": ({"camera": {"move": "static", "direction": "left"}}, "camera", False),
    "a move without direction": ({"camera": {"move": "handheld"}}, "camera handheld", True),
    "eye level is not mentioned": ({"angle": "eye"}, "angle", False),
    "a close-up": ({"framing": "extreme-close-up"}, "extreme close-up", True),
    "what happens": ({"action": "turns the page"}, "turns the page", True),
    "dialogue is not drawn": ({"dialogue": [{"id": "l1", "who": "aki", "text": "Late again."}]}, "Late", False),
}


@pytest.mark.parametrize(("fields", "word", "there"), SAID.values(), ids=SAID.keys())
def test_what_a_prompt_says(fields, word, there):
    assert (word in prompt_of(values(**fields), [], "", [])) is there


def test_a_place_without_words_is_described():
    cut = values()
    place = {**cut["location"], "prompt": "", "description": "an old alley"}
    assert "an old alley" in prompt_of({**cut, "location": place}, [], "", [])


def test_a_shot_nowhere_has_a_prompt_too():
    assert prompt_of({**values(), "location": None}, [], "", []).startswith("medium shot")


def test_the_order_of_a_negative_prompt():
    who = {**AKI, "negative": "jewellery"}
    cut = shot(characters=[{"id": "aki", "expression": "smile"}], negative="hat")
    made = world(characters=(who,), locations=({"kind": "location", "id": "alley", "negative": "people"},))
    found = resolve_shot(made, scene(cut, negative="cars"), cut).values
    assert negative_of(found, ["photo", ""]) == "photo, jewellery, teeth, people, cars, hat"


def test_nothing_unwanted_is_an_empty_negative_prompt():
    assert negative_of({**values(), "location": None, "characters": []}, []) == ""
