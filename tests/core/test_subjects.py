"""What a target is measured against: who is in it, in which colours, and by which pictures."""

import pytest

from koma.core.against import NOTHING, Picture
from koma.core.desire import draft_shot
from koma.core.resolve import resolve_shot
from koma.core.subjects import MOST_PICTURES, against_of
from koma.core.target_gate import gate_of
from koma.core.words import Rendition
from koma.core.world import Reference
from support.worlds import AKI, REN, context, hexed, merged, scene, shot, template, world


def picture(path):
    return Reference(f"projects/p/references/{path}", hexed(path), hexed(f"{path} pixels"), "", 600, 800)


def studio(*paths, characters=(AKI, REN), **project):
    made = world(characters=characters, **project)
    for path in paths:
        who, _, part = path.rpartition("/")[0].partition("/")
        made.references.setdefault((who, part), []).append(picture(path))
    return made


def against(made, *cast):
    return against_of(made, resolve_shot(made, scene(), shot(characters=list(cast))).values)


def seen(subject):
    return [(one.content_digest, one.suffix) for one in subject.references]


def test_a_character_is_measured_against_its_version_in_its_clothes():
    made = studio("aki/a.png", "aki/child/b.JPG", "aki/outfits/coat/c.png")
    (aki,) = against(made, {"id": "aki", "version": "child", "outfit": "coat"}).subjects
    assert (aki.id, aki.version) == ("aki", "child")
    assert aki.palette == {"hair": "#101010", "eyes": "#2244cc", "outfit": "#334455"}
    assert seen(aki) == [(hexed("aki/child/b.JPG pixels"), ".jpg")]


def test_a_version_without_pictures_is_measured_against_those_of_the_character():
    (aki,) = against(studio("aki/a.png"), {"id": "aki", "version": "child"}).subjects
    assert seen(aki) == [(hexed("aki/a.png pixels"), ".png")]


def test_everybody_in_a_shot_is_there_and_nobody_else():
    found = against(studio("aki/a.png", "ren/b.png"), {"id": "ren"}, {"id": "aki"})
    assert [subject.id for subject in found.subjects] == ["ren", "aki"]
    assert against(studio("aki/a.png")).subjects == ()


def test_of_many_pictures_the_first_count():
    (aki,) = against(studio(*(f"aki/{number:02}.png" for number in range(20))), {"id": "aki"}).subjects
    assert len(aki.references) == MOST_PICTURES


@pytest.mark.parametrize(
    ("style", "project", "look", "commercial"),
    [
        pytest.param(None, {}, "drawn", False, id="without a style, pictures are drawn"),
        pytest.param({"look": "photographic"}, {"commercial": True}, "photographic", True, id="as style and project say"),
    ],
)
def test_what_kind_of_pictures_and_what_for(style, project, look, commercial):
    found = against(studio(style=style, **project))
    assert (found.look, found.commercial) == (look, commercial)


def gate(made, **fields):
    asked = context(made)
    return gate_of(made, draft_shot(asked, scene(), shot(characters=[{"id": "aki"}], **fields))[0], Rendition.FINAL)


def test_pictures_are_frozen_only_for_metrics_that_read_them():
    paths = ("aki/a.png",)
    assert gate(studio(*paths)).against.pictures == ()
    assert gate(studio(*paths)).against.subjects[0].palette == AKI["palette"]  # what palette-distance reads
    assert gate(studio(*paths, gates={"identity": "ccip"})).against.pictures == (
        Picture(hexed("aki/a.png pixels"), hexed("aki/a.png"), ".png"),
    )
    assert gate(studio(*paths, gates={"profile": "own"})).against == NOTHING


def test_another_reference_measures_who_it_is_again_and_nothing_else():
    before, after = (gate(studio(path, gates={"identity": "ccip"})) for path in ("aki/a.png", "aki/b.png"))
    changed = {metric for metric, key in after.score_keys.items() if before.score_keys[metric] != key}
    assert changed == {"ccip-difference"}
    assert before.rules_digest == after.rules_digest


def test_another_colour_changes_only_the_gate_of_who_wears_it():
    repainted = merged(AKI, {"palette": {"hair": "#ffffff"}})
    before, after = gate(studio()), gate(studio(characters=(repainted, REN)))
    assert before.measure_key != after.measure_key
    assert {m for m, key in after.score_keys.items() if before.score_keys[m] != key} == {"palette-distance"}


def test_the_threshold_of_a_character_stands_in_its_document():
    aki = merged(AKI, {"consistency_threshold": 0.42})
    found = gate(studio("aki/a.png", characters=(aki, REN), gates={"identity": "clip"}))
    assert [(rule.subject, rule.threshold) for rule in found.rules if rule.metric == "clip-similarity"] == [("aki", 0.42)]


def test_a_rule_of_the_project_about_characters_is_asked_of_each():
    made = studio(gates={"rules": {"all": {"palette-distance": {"max": 5}}}})
    asked = context(made, still=template())
    draft = draft_shot(asked, scene(), shot(characters=[{"id": "aki"}, {"id": "ren"}]))[0]
    found = [
        (rule.subject, rule.threshold, rule.required)
        for rule in gate_of(made, draft, Rendition.FINAL).rules
        if rule.metric == "palette-distance"
    ]
    assert found == [("aki", 5.0, True), ("ren", 5.0, True)]
