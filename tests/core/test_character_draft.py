"""The first draft of a character: a palette guessed from colours, in a document that can be read."""

import pytest

from koma.core.character_draft import character_text, guess_palette
from koma.core.identity import Shade
from koma.core.parse import parse_document

PAPER = Shade("#e0e0dd", (89.0, 0.0, 1.0), 0.6)
HAIR = Shade("#2c3560", (23.4, 9.9, -26.8), 0.2)
SKIN = Shade("#f6d3b8", (86.8, 8.2, 17.9), 0.1)
COAT = Shade("#b9854f", (59.6, 13.9, 36.7), 0.08)
RIBBON = Shade("#d84b3c", (51.8, 54.4, 38.9), 0.02)
GREY = Shade("#808080", (53.6, 0.0, 0.0), 0.05)

GUESSES = {
    "a figure on paper": ([PAPER, HAIR, SKIN, COAT, RIBBON], {"hair": HAIR, "skin": SKIN, "outfit": COAT, "accent": RIBBON}),
    "the accent is farthest from grey": ([HAIR, SKIN, COAT, GREY, RIBBON], {"hair": HAIR, "skin": SKIN, "outfit": COAT, "accent": RIBBON}),
    "white hair on paper": ([PAPER, PAPER._replace(colour="#f0f0f0"), SKIN], {"skin": SKIN, "outfit": PAPER._replace(colour="#f0f0f0")}),
    "one dark colour": ([HAIR], {"hair": HAIR}),
    "nothing but paper": ([PAPER], {}),
    "no colour": ([], {}),
}


@pytest.mark.parametrize(("shades", "expected"), GUESSES.values(), ids=GUESSES.keys())
def test_colours_are_guessed(shades, expected):
    assert guess_palette(shades) == {slot: shade.colour for slot, shade in expected.items()}


ALL = [PAPER, HAIR, SKIN]
PALETTE = {"hair": HAIR.colour, "skin": SKIN.colour}
OWN = {"palette": {"hair": HAIR.colour}}
OLD_AND_YOUNG = {"palette": PALETTE, "versions": {"old": {}, "young": {}}, "default_version": "old"}
DRAFTS = {
    "one look": ([], {"": ALL}, {"palette": PALETTE}),
    "a version with colours of its own": (["child"], {"": ALL, "child": [HAIR]}, {"palette": PALETTE, "versions": {"child": OWN}}),
    "a version that is named only": (["child"], {"": ALL, "child": []}, {"palette": PALETTE, "versions": {"child": {}}}),
    "versions alone: the first counts": (["old", "young"], {"old": ALL, "young": [HAIR]}, OLD_AND_YOUNG),
    "ids that YAML would read as something else": (["10", "null"], {"": []}, {"versions": {"10": {}, "null": {}}}),
    "nothing seen": ([], {"": []}, {}),
}


@pytest.mark.parametrize(("versions", "palettes", "expected"), DRAFTS.values(), ids=DRAFTS.keys())
def test_the_draft_is_a_sound_document(versions, palettes, expected):
    text = character_text("007", 'Bo "the cat": #1', versions, palettes, schema="../specs/character.schema.json", folder="references/007/")
    parsed = parse_document(text.encode(), "a.yaml")
    assert parsed.problems == ()
    assert [document.data for document in parsed.documents] == [{"kind": "character", "id": "007", "name": 'Bo "the cat": #1', **expected}]
    assert text.startswith("# yaml-language-server: $schema=../specs/character.schema.json\n# A first draft")
