"""Which documents there are, what stands twice, what may only be unreadable, and when a scene has to be resolved again."""

import pytest

from koma.core.catalog import HELD, Folder, Head, Inputs, catalog
from koma.core.snapshot import Snapshot, SourceFile

HOME = "projects/p"


def head(path, kind="scene", name="s01", *, part=0, line=1, digest="d", held=()):
    return Head(path, part, kind, name, digest, line, held)


PROJECT = head(f"{HOME}/project.yaml", "project", "p")


def snapshot(*heads, images=(), folders=(HOME,)):
    paths = dict.fromkeys(one.path for one in heads)
    documents = {path: SourceFile(path, "bytes", 1) for path in paths}
    pictures = {path: SourceFile(path, digest, 1) for path, digest in images}
    return Snapshot(folders, documents, pictures, {})


def listed(*heads, unread=(), **more):
    by_path = {}
    for one in heads:
        by_path.setdefault(one.path, []).append(one)
    return catalog(snapshot(*heads, **more), by_path, unread)


def the_folder(*heads, **more):
    folders, problems = listed(*heads, **more)
    return folders[0], problems


def test_documents_are_known_by_kind_and_id():
    aki = head(f"{HOME}/aki.yaml", "character", "aki")
    folder, problems = the_folder(PROJECT, aki, head(f"{HOME}/s.yaml"))
    assert problems == []
    assert folder.project == PROJECT
    assert folder.heads["character"] == {"aki": aki}
    assert list(folder.heads["scene"]) == ["s01"]
    assert not folder.broken


def test_the_same_id_of_two_kinds_is_no_mistake():
    _, problems = the_folder(PROJECT, head(f"{HOME}/a.yaml", "character", "aki"), head(f"{HOME}/b.yaml", "location", "aki"))
    assert problems == []


def test_an_id_that_stands_twice_is_a_problem_at_both_places_and_neither_counts():
    one, other = head(f"{HOME}/a.yaml", line=3), head(f"{HOME}/b.yaml", line=7)
    folder, problems = the_folder(PROJECT, one, other)
    assert sorted(str(p.place) for p in problems) == [f"{HOME}/a.yaml:3:1", f"{HOME}/b.yaml:7:1"]
    assert {p.code for p in problems} == {"duplicate-id"}
    assert f"{HOME}/b.yaml:7" in next(p.message for p in problems if p.place.file.endswith("a.yaml"))
    assert folder.heads["scene"] == {}
    assert folder.held == {("scene", "s01")}
    assert not folder.broken


def test_an_id_that_stands_three_times_is_said_at_every_place():
    _, problems = the_folder(PROJECT, *(head(f"{HOME}/s.yaml", part=part, line=part + 1) for part in range(3)))
    assert {p.place.line for p in problems} == {1, 2, 3}


def test_two_project_documents_in_a_folder_are_a_problem_at_both_places():
    folder, problems = the_folder(PROJECT, head(f"{HOME}/other.yaml", "project", "q"))
    assert {p.place.file for p in problems} == {f"{HOME}/project.yaml", f"{HOME}/other.yaml"}
    assert {p.code for p in problems} == {"duplicate-id"}
    assert folder.project is None
    assert folder.broken


def test_two_folders_with_the_same_project_are_a_problem_at_both_places_and_neither_is_used():
    twin = head("projects/q/project.yaml", "project", "p", line=2)
    folders, problems = listed(PROJECT, twin, head(f"{HOME}/s.yaml"), folders=(HOME, "projects/q"))
    assert {str(p.place) for p in problems} == {f"{HOME}/project.yaml:1:1", "projects/q/project.yaml:2:1"}
    assert [folder.project for folder in folders] == [None, None]
    assert all(folder.broken for folder in folders)


def test_three_folders_with_the_same_project_are_said_at_every_place():
    twins = [head(f"projects/{name}/project.yaml", "project", "p") for name in "abc"]
    _, problems = listed(*twins, folders=tuple(f"projects/{name}" for name in "abc"))
    assert {p.place.file for p in problems} == {f"projects/{name}/project.yaml" for name in "abc"}


def test_a_folder_with_documents_and_no_project_is_a_problem():
    folder, problems = the_folder(head(f"{HOME}/s.yaml"))
    assert [(p.place.file, p.code) for p in problems] == [(HOME, "no-project")]
    assert folder.project is None


EXCUSED = {
    "a file can't be read: it may be the project": ({"unread": [f"{HOME}/project.yaml"]}, [head(f"{HOME}/s.yaml")]),
    "the project document can't be used": ({}, [head(f"{HOME}/s.yaml"), head(f"{HOME}/p.yaml", f"{HELD}project", "p")]),
    "there is nothing at all": ({}, []),
}


@pytest.mark.parametrize(("more", "heads"), EXCUSED.values(), ids=EXCUSED.keys())
def test_a_missing_project_is_not_said_where(more, heads):
    assert the_folder(*heads, **more)[1] == []


HELD_DOCUMENTS = {
    "a character that can't be used holds itself": (head(f"{HOME}/a.yaml", f"{HELD}character", "aki"), ("character", "aki"), False),
    "one that does not say its id may be any": (head(f"{HOME}/a.yaml", f"{HELD}character", ""), ("character", ""), True),
    "one that does not say its kind may be anything": (head(f"{HOME}/a.yaml", HELD, ""), ("", ""), True),
    "a project that can't be used holds everything": (head(f"{HOME}/a.yaml", f"{HELD}project", "x"), ("project", "x"), True),
}


@pytest.mark.parametrize(("unusable", "held", "broken"), HELD_DOCUMENTS.values(), ids=HELD_DOCUMENTS.keys())
def test_documents_that_can_not_be_used(unusable, held, broken):
    folder, problems = the_folder(PROJECT, unusable)
    assert problems == []
    assert held in folder.held
    assert folder.broken is broken


def test_a_sound_document_with_the_id_of_an_unusable_one_is_not_used_either():
    folder, _ = the_folder(PROJECT, head(f"{HOME}/a.yaml", "character", "aki"), head(f"{HOME}/b.yaml", f"{HELD}character", "aki"))
    assert folder.heads["character"] == {}


@pytest.mark.parametrize(("path", "broken"), [(f"{HOME}/s.yaml", True), ("projects/other/s.yaml", False), ("projects/pp/s.yaml", False)])
def test_an_unreadable_file_breaks_its_own_folder_only(path, broken):
    assert the_folder(PROJECT, unread=[path])[0].broken is broken


def test_documents_of_another_folder_are_not_this_folder_s():
    folders, _ = listed(PROJECT, head("projects/pp/s.yaml"), folders=(HOME, "projects/pp"))
    assert folders[0].heads.get("scene") is None


def pictures(**digests):
    return [(f"{HOME}/references/{name.replace('__', '/')}.png", digest) for name, digest in digests.items()]


def test_reference_pictures_are_known_by_character_and_version():
    folder, _ = the_folder(PROJECT, images=pictures(aki__face="1", aki__child__face="2", ren__face="3"))
    assert sorted(folder.references) == ["aki", "aki/child", "ren"]


def digest_of(names="character:aki", salt="", templates=None, scene=None, **changes):
    folder = Folder(HOME)
    folder.heads = {
        "character": {"aki": head(f"{HOME}/aki.yaml", "character", "aki", digest=changes.get("aki", "d"))},
        "style": {name: head(f"{HOME}/{name}.yaml", "style", name) for name in changes.get("styles", ("ink",))},
    }
    folder.references = {"aki": changes.get("picture", "1")}
    return Inputs(folder, templates or {"still": "t"}, salt).digest(scene or head(f"{HOME}/s.yaml"), names)


SAME = {
    "nothing changed": ({}, {}),
    "a character that it does not read changed": ({"names": "template:still"}, {"names": "template:still", "aki": "other"}),
    "a picture that it does not read changed": ({}, {"picture": "2"}),
    "a template that it does not read changed": ({}, {"templates": {"still": "other"}}),
}
DIFFERENT = {
    "a character that it reads changed": ({}, {"aki": "other"}),
    "a picture that it reads changed": ({"names": "references:aki"}, {"names": "references:aki", "picture": "2"}),
    "a template that it reads changed": ({"names": "template:still"}, {"names": "template:still", "templates": {"still": "other"}}),
    "one more document of a kind that it reads whole": ({"names": "all:style"}, {"names": "all:style", "styles": ("ink", "wash")}),
    "another kind of result is asked for": ({}, {"salt": "draft"}),
    "it reads something else": ({}, {"names": "character:ren"}),
    "its own document changed": ({}, {"scene": head(f"{HOME}/s.yaml", digest="other")}),
    "its file was renamed": ({}, {"scene": head(f"{HOME}/t.yaml")}),
    "another of its shots is held": ({}, {"scene": head(f"{HOME}/s.yaml", held=("sh010",))}),
}


@pytest.mark.parametrize(("before", "after"), SAME.values(), ids=SAME.keys())
def test_a_scene_stays_as_it_was_resolved_when(before, after):
    assert digest_of(**before) == digest_of(**after)


@pytest.mark.parametrize(("before", "after"), DIFFERENT.values(), ids=DIFFERENT.keys())
def test_a_scene_is_resolved_again_when(before, after):
    assert digest_of(**before) != digest_of(**after)


def test_a_name_that_stands_for_nothing_counts_until_it_stands_for_something():
    folder = Folder(HOME)
    before = Inputs(folder, {}, "").digest(head(f"{HOME}/s.yaml"), "character:aki")
    folder.heads = {"character": {"aki": head(f"{HOME}/aki.yaml", "character", "aki")}}
    assert Inputs(folder, {}, "").digest(head(f"{HOME}/s.yaml"), "character:aki") != before
