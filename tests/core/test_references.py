"""Which pictures of a character are used, which are refused and why, and which are chosen for a shot."""

import pytest

from koma.core.problem import Severity
from koma.core.references import Refusal, choose, looks, pool, pools_of, refusals, sheet_problem, sort_out
from koma.core.world import Reference
from support.worlds import AKI, doc, hexed, merged, world

HOME = "projects/p/references/aki"


def picture(name, problem="", width=640, height=800, same_as=""):
    content = "" if problem else hexed(f"{same_as or name} pixels")
    return Reference(f"{HOME}/{name}.png", hexed(f"{name} file"), content, problem, width, height)


def folders(**pictures):
    """World whose folders hold these pictures: `child=[...]`, `outfits__coat=[...]`, `_=[...]` for the character's own."""
    found = world()
    found.references = {("aki", "" if name == "_" else name.replace("__", "/")): given for name, given in pictures.items()}
    return found


ONE = picture("one")
REFUSED = {
    "a picture of 511 px on its shorter side": (picture("a", width=511, height=2000), Refusal.SMALL, "511 x 2000 px"),
    "a wide picture that is not high enough": (picture("a", width=2000, height=500), Refusal.SMALL, "512 px"),
    "a picture that can't be decoded": (picture("a", "cut short"), Refusal.UNREADABLE, "cut short"),
    "a picture of the same pixels as one before": (picture("a", same_as="one"), Refusal.DUPLICATE, f"{HOME}/one.png"),
    "a Git LFS pointer": (picture("a", "git-lfs-pointer"), Refusal.PENDING, "Git LFS pointer"),
    "a file that can't be read now": (Reference(f"{HOME}/a.png", "", "", "unread"), Refusal.PENDING, "can't be read"),
}


@pytest.mark.parametrize(("given", "reason", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused_is_told_with_its_reason(given, reason, words):
    found = sort_out([("", ONE), ("", given)])
    assert found.used == (ONE,)
    assert [(refused.reference, refused.reason) for refused in found.refused] == [(given, reason)]
    assert words in found.refused[0].words


USED = {
    "a picture of 512 px on its shorter side": picture("a", width=512, height=512),
    "a picture whose size nobody knows": picture("a", width=0, height=0),
}


@pytest.mark.parametrize("given", USED.values(), ids=USED.keys())
def test_what_is_good_enough_is_used(given):
    assert sort_out([("", ONE), ("", given)]) == ((ONE, given), ())


SEVERITIES = {
    "dropped and too small: a warning": (picture("a", width=100), "", [("refused-reference", Severity.WARNING)]),
    "listed and too small: an error": (picture("a", width=100), "references.files", [("refused-reference", Severity.ERROR)]),
    "dropped and unreadable: a warning": (picture("a", "broken"), "", [("unreadable-image", Severity.WARNING)]),
    "listed and unreadable: holds whoever reads it, and is told there": (picture("a", "broken"), "references.files", []),
    "a pointer: holds whoever reads it, and is told there": (picture("a", "git-lfs-pointer"), "", []),
}


@pytest.mark.parametrize(("given", "listed", "expected"), SEVERITIES.values(), ids=SEVERITIES.keys())
def test_a_refused_picture_is_never_silent(given, listed, expected):
    found = sort_out([(listed, given)])
    problems = refusals([found])
    assert [(problem.code, problem.severity) for problem in problems] == expected
    assert all(problem.place.file == given.path and problem.hint for problem in problems)
    assert bool(found.blocking) is not bool(problems)


def test_what_a_document_lists_comes_first_and_once():
    listed = merged(AKI, {"references": {"files": ["references/aki/zoe.png", "references/aki/zoe.png"]}})
    made = world(characters=(listed,))
    made.references = {("aki", ""): [picture("ann"), picture("zoe")]}
    found = pool(made, doc(listed), "")
    assert [reference.path for reference in found.used] == [f"{HOME}/zoe.png", f"{HOME}/ann.png"]
    assert found.refused == ()


def test_a_skeleton_is_no_reference():
    posed = merged(AKI, {"poses": {"walking": {"image": "references/aki/poses/walking/bones.png"}}})
    made = world(characters=(posed,))
    made.references = {("aki", "poses/walking"): [picture("poses/walking/bones"), picture("poses/walking/photo")]}
    assert [reference.path for reference in pool(made, doc(posed), "poses/walking").used] == [f"{HOME}/poses/walking/photo.png"]


BASE, CHILD, COAT, SMILE, WALK = (picture(name) for name in ("base", "child", "coat", "smile", "walk"))
LOOKS = {
    "the version's own": (folders(_=[BASE], child=[CHILD]), "child", [CHILD]),
    "the character's, where the version has none": (folders(_=[BASE], child=[]), "child", [BASE]),
    "the character's, where the version's are refused": (folders(_=[BASE], child=[picture("c", width=9)]), "child", [BASE]),
    "the character's for who has no version": (folders(_=[BASE], child=[CHILD]), "", [BASE]),
    "nothing while the version's own picture is a pointer": (folders(_=[BASE], child=[picture("c", "git-lfs-pointer")]), "child", []),
}


@pytest.mark.parametrize(("made", "version", "expected"), LOOKS.values(), ids=LOOKS.keys())
def test_which_pictures_show_a_version(made, version, expected):
    assert [reference for found in looks(made, made.characters["aki"], version) for reference in found.used] == expected


DRESSED = folders(_=[BASE], child=[CHILD], outfits__coat=[COAT], expressions__smile=[SMILE], poses__walking=[WALK])
CAST = {
    "as somebody stands": ({}, [BASE]),
    "in an outfit": ({"outfit": "coat"}, [BASE, COAT]),
    "with an expression": ({"expression": "smile"}, [BASE, SMILE]),
    "in everything": (
        {"version": "child", "outfit": "coat", "expression": "smile", "pose": "walking"},
        [CHILD, COAT, SMILE, WALK],
    ),
    "in what has no pictures": ({"outfit": "yukata", "expression": "proud"}, [BASE]),
}


@pytest.mark.parametrize(("entry", "expected"), CAST.values(), ids=CAST.keys())
def test_overlays_bring_pictures_of_their_own(entry, expected):
    who = {"id": "aki", "version": "", "outfit": "", "expression": "", "pose": "", **entry}
    assert [reference for found in pools_of(DRESSED, who) for reference in found.used] == expected


A, B, C, D = (picture(name) for name in "abcd")
CHOICES = {
    "all, where there is room": ([[A, B], [C]], 4, [A, B, C]),
    "one of each before the second of any": ([[A, B], [C], [D]], 3, [A, C, D]),
    "as many as there is room for": ([[A, B, C, D]], 2, [A, B]),
    "none, where none is wanted": ([[A]], 0, []),
    "equal pixels once": ([[A], [picture("a2", same_as="a"), B]], 4, [A, B]),
}


@pytest.mark.parametrize(("pools", "count", "expected"), CHOICES.values(), ids=CHOICES.keys())
def test_which_pictures_go_into_a_graph(pools, count, expected):
    assert list(choose([sort_out([("", reference) for reference in given]) for given in pools], count)) == expected


SHEETS = {
    "a sheet with pictures of the character": ({"sheet": {}}, folders(_=[BASE]), ""),
    "a sheet without any picture": ({"sheet": {}}, folders(), "version child,"),
    "a sheet of which one version has no picture": ({"sheet": {}}, folders(child=[CHILD]), "version adult,"),
    "a sheet of the versions that have pictures": ({"sheet": {"versions": ["child"]}}, folders(child=[CHILD]), ""),
    "a sheet whose only picture is too small": ({"sheet": {"versions": ["base"]}}, folders(_=[picture("a", width=9)]), "9 x 800 px"),
    "a sheet whose picture is still to come": ({"sheet": {}}, folders(_=[picture("a", "git-lfs-pointer")]), ""),
}


@pytest.mark.parametrize(("fields", "made", "expected"), SHEETS.values(), ids=SHEETS.keys())
def test_a_sheet_needs_pictures(fields, made, expected):
    aki = doc(merged(AKI, fields))
    problem = sheet_problem(made, aki)
    assert (problem is None) is (not expected)
    if problem is not None:
        assert expected in problem.message
        assert (problem.code, problem.path, problem.severity) == ("no-references", "sheet", Severity.ERROR)
