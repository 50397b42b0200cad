"""Whether everything that a shot names is there."""

import pytest

from koma.core.casting import check_shot, input_of, picture_folders, portrait
from koma.core.draft import Input
from koma.core.world import Reference
from support.worlds import context, hexed, reference, scene, shot, world

MISTAKES = {
    "nothing is wrong": ({}, {}, []),
    "an unknown location of the scene": ({}, {"location": "pier"}, [("location", "location called 'pier'")]),
    "an unknown location of the shot": ({"location": "pier"}, {}, [("shots.sh010.location", "location called 'pier'")]),
    "the scene's location does not count where the shot has its own": ({"location": "alley"}, {"location": "pier"}, []),
    "nowhere is a place": ({}, {"location": None}, []),
    "an unknown character": ({"characters": [{"id": "akki"}]}, {}, [("shots.sh010.characters.akki.id", "character called 'akki'")]),
    "an unknown character of the scene": ({}, {"characters": [{"id": "akki"}]}, [("characters.akki.id", "character called 'akki'")]),
    "an unknown version": (
        {"characters": [{"id": "aki", "version": "elder"}]},
        {},
        [("shots.sh010.characters.aki.version", "version of aki called 'elder'")],
    ),
    "an unknown outfit": (
        {"characters": [{"id": "aki", "outfit": "coats"}]},
        {},
        [("shots.sh010.characters.aki.outfit", "outfit of aki called 'coats'")],
    ),
    "an unknown speaker": (
        {"dialogue": [{"id": "l1", "who": "nobody", "text": "..."}]},
        {},
        [("shots.sh010.dialogue.l1.who", "character called 'nobody'")],
    ),
    "a free expression is no mistake": ({"characters": [{"id": "aki", "expression": "puzzled"}]}, {}, []),
    "every mistake is said": (
        {"location": "pier", "characters": [{"id": "akki"}, {"id": "aki", "version": "x", "outfit": "y"}]},
        {},
        [
            ("shots.sh010.characters.aki.outfit", "outfit"),
            ("shots.sh010.characters.aki.version", "version"),
            ("shots.sh010.characters.akki.id", "character"),
            ("shots.sh010.location", "location"),
        ],
    ),
}


@pytest.mark.parametrize(("of_shot", "of_scene", "expected"), MISTAKES.values(), ids=MISTAKES.keys())
def test_what_is_missing(of_shot, of_scene, expected):
    cut, asked = shot(**of_shot), context()
    assert check_shot(asked, scene(cut, **of_scene), cut) is (not expected)
    found = sorted((problem.path, problem.message) for problem in asked.problems)
    assert [path for path, _ in found] == [path for path, _ in expected]
    assert all(words in message for (_, words), (_, message) in zip(expected, found, strict=True))
    assert all(problem.place == asked.place("projects/p/s01.yaml", 0, problem.path) for problem in asked.problems)


HINTS = {
    "akki": "did you mean 'aki'?",
    "zzz": "define 'zzz', or correct the name",
}


@pytest.mark.parametrize(("name", "hint"), HINTS.items())
def test_what_is_missing_is_named_with_what_comes_closest(name, hint):
    cut, asked = shot(characters=[{"id": name}]), context()
    check_shot(asked, scene(cut), cut)
    assert (asked.problems[0].hint, asked.problems[0].expected) == (hint, "one of aki, ren")


def test_where_nothing_of_a_kind_is_defined_that_is_said():
    cut, asked = shot(), context(world(locations=()))
    check_shot(asked, scene(cut), cut)
    assert "nothing of that kind is defined" in asked.problems[0].expected


PERHAPS = {
    "a file of the project can't be read": {"unread": True},
    "that very document can't be used": {"held": frozenset({("character", "mika")})},
    "a document of that kind can't be used, and does not say its id": {"held": frozenset({("character", "")})},
}


@pytest.mark.parametrize("state", PERHAPS.values(), ids=PERHAPS.keys())
def test_what_may_only_be_unreadable_for_now_blocks_without_a_second_error(state):
    made = world()
    for name, value in state.items():
        setattr(made, name, value)
    cut, asked = shot(characters=[{"id": "mika"}]), context(made)
    assert not check_shot(asked, scene(cut), cut)
    assert asked.problems == []


def test_another_unusable_document_excuses_nothing():
    made = world()
    made.held = frozenset({("location", ""), ("character", "ren")})
    cut, asked = shot(characters=[{"id": "mika"}]), context(made)
    assert not check_shot(asked, scene(cut), cut)
    assert [problem.code for problem in asked.problems] == ["missing-reference"]


def test_a_mistake_of_the_scene_is_said_once_for_all_its_shots():
    cuts, asked = [shot("sh010"), shot("sh020")], context()
    one = scene(*cuts, location="pier")
    assert [check_shot(asked, one, cut) for cut in cuts] == [False, False]
    assert len(asked.problems) == 1


BASE, ADULT = reference("face"), reference("adult")
PORTRAITS = {
    "of the version": ({("aki", ""): [BASE], ("aki", "adult"): [ADULT]}, ADULT),
    "of the character, where the version has none": ({("aki", ""): [BASE]}, BASE),
    "of another version does not count": ({("aki", "child"): [BASE]}, None),
    "of somebody else does not count": ({("ren", ""): [BASE]}, None),
    "the first of several": ({("aki", "adult"): [ADULT, BASE]}, ADULT),
}


@pytest.mark.parametrize(("references", "expected"), PORTRAITS.values(), ids=PORTRAITS.keys())
def test_which_picture_shows_somebody(references, expected):
    made = world()
    made.references = references
    assert portrait(made, {"id": "aki", "version": "adult"}) == expected


def test_a_picture_is_read_by_digest_and_suffix():
    picture = Reference("projects/p/references/aki/Face.Final.PNG", "file", "pixels", "")
    assert input_of("image", picture) == Input("image", "pixels", "file", ".png")
    assert hexed("face file") == BASE.file_digest


def with_pictures(*there, **fields):
    found = world(characters=({"kind": "character", "id": "aki", "name": "Aki", **fields},))
    found.pictures = frozenset(f"{found.folder}/{path}" for path in there)
    found.references = {("aki", ""): [Reference(f"{found.folder}/{path}", hexed(path), hexed(path), "") for path in there]}
    return found


FACE, PROFILE = "references/aki/face.png", "references/aki/profile.png"


def test_a_picture_that_a_character_names_comes_first():
    found = with_pictures(FACE, PROFILE, references={"files": [PROFILE]})
    assert portrait(found, {"id": "aki", "version": ""}).path == f"{found.folder}/{PROFILE}"


def test_without_names_the_first_picture_of_the_folder_counts():
    found = with_pictures(FACE, PROFILE)
    assert portrait(found, {"id": "aki", "version": ""}).path == f"{found.folder}/{FACE}"


def test_a_named_picture_that_is_not_there_holds_who_reads_it():
    of = context(with_pictures(FACE, references={"files": [PROFILE]}))
    assert not check_shot(of, scene(), shot(characters=[{"id": "aki"}]))
    assert [(problem.code, problem.path) for problem in of.problems] == [("missing-reference", "references.files")]
    assert check_shot(of, scene(), shot(characters=[]))


DRESSED = {
    "references": {"files": ["references/aki/a.png"]},
    "versions": {"child": {"references": {"files": ["references/shared/b.png"]}}},
    "outfits": {"coat": {"references": {"files": ["references/aki/c.png"]}}},
    "expressions": {"smile": {"references": {"files": ["references/aki/d.png"]}}},
    "poses": {"walking": {"image": "references/bones/e.png", "references": {"files": ["references/aki/f.png"]}}},
}
MISSING = {
    "of the character": ({}, ["references.files"]),
    "of the version": ({"version": "child"}, ["versions.child.references.files", "references.files"]),
    "of the outfit": ({"outfit": "coat"}, ["references.files", "outfits.coat.references.files"]),
    "of the expression": ({"expression": "smile"}, ["references.files", "expressions.smile.references.files"]),
    "of the pose": ({"pose": "walking"}, ["references.files", "poses.walking.references.files", "poses.walking.image"]),
}


@pytest.mark.parametrize(("entry", "fields"), MISSING.values(), ids=MISSING.keys())
def test_a_picture_that_is_named_and_missing_matters_to_who_is_cast_with_it(entry, fields):
    of = context(with_pictures(**DRESSED))
    assert not check_shot(of, scene(), shot(characters=[{"id": "aki", **entry}]))
    assert [problem.path for problem in of.problems] == fields


FOLDERS = {
    "as somebody stands": ({}, {"aki"}),
    "in a version": ({"version": "child"}, {"aki", "aki/child", "shared"}),
    "in an outfit": ({"outfit": "coat"}, {"aki", "aki/outfits/coat"}),
    "with an expression": ({"expression": "smile"}, {"aki", "aki/expressions/smile"}),
    "in a pose": ({"pose": "walking"}, {"aki", "aki/poses/walking", "bones"}),
}


@pytest.mark.parametrize(("entry", "expected"), FOLDERS.values(), ids=FOLDERS.keys())
def test_which_folders_an_entry_reads_pictures_from(entry, expected):
    assert picture_folders(with_pictures(**DRESSED), {"id": "aki", **entry}) == expected


def test_the_defaults_of_a_character_count_for_its_folders():
    made = with_pictures(**DRESSED, default_version="child", default_outfit="coat")
    assert picture_folders(made, {"id": "aki"}) == {"aki", "aki/child", "aki/outfits/coat", "shared"}


def test_somebody_unknown_reads_the_folder_of_that_name():
    assert picture_folders(world(), {"id": "nobody"}) == {"nobody"}
