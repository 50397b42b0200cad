"""What is wanted of a workspace on disk: what a mistake holds and what goes on, and which scenes are resolved again."""

import pytest
from PIL import Image

from koma.core.words import Rendition
from koma.engine.drafting import Drafting
from support.studio import Studio, animatic
from support.workspaces import ADULT, ALL, REN, STILL, VIDEO

HOME = "projects/demo"
SECOND = """\
kind: scene
id: s02
location: pier
shots:
  - {id: sh010, characters: [ren], phases: [still]}
"""
PIER = "kind: location\nid: pier\nprompt: a wooden pier\n"
OTHER = "demo/s02/sh010/still"


@pytest.fixture(params=["final", "animatic"])
def studio(request, tmp_path):
    with (Studio if request.param == "final" else animatic)(tmp_path) as made:
        made.files.write(f"{HOME}/s02.yaml", SECOND)
        made.files.write(f"{HOME}/pier.yaml", PIER)
        yield made


def wanted(studio):
    """Target id → hold, and codes of the errors."""
    found = studio.survey().wanted
    return {target.id: target.hold for target in found.targets}, sorted(p.code for p in found.problems if p.severity == "error")


FREE = dict.fromkeys((*ALL, OTHER), "")


def test_every_target_of_every_scene_is_wanted(studio):
    assert wanted(studio) == (FREE, [])


MISTAKES = {
    "a wrong type in a shot holds that shot": (f"{HOME}/s01.yaml", "seed: 7", "seed: many", {STILL, VIDEO}, set(), ["wrong-type"]),
    "an unknown field in a shot holds that shot": (f"{HOME}/s01.yaml", "seed: 7", "sede: 7", {STILL, VIDEO}, set(), ["unknown-field"]),
    "an unknown character holds that shot": (f"{HOME}/s01.yaml", "[ren]", "[renn]", set(), {REN}, ["missing-reference"]),
    "an unknown version holds that shot": (f"{HOME}/s01.yaml", "version: adult", "version: elder", set(), {ADULT}, ["missing-reference"]),
    "an unknown location holds its scene": (f"{HOME}/s02.yaml", "location: pier", "location: peer", set(), {OTHER}, ["missing-reference"]),
    "a mistake above the shots holds the scene": (f"{HOME}/s02.yaml", "location: pier", "mood: 7", {OTHER}, set(), ["wrong-type"]),
    "a scene that is no YAML holds itself": (f"{HOME}/s02.yaml", "kind: scene", "kind: [scene", {OTHER}, set(), ["not-yaml"]),
    "a character that is no YAML holds who is in it": (
        f"{HOME}/ren.yaml",
        "kind: character",
        "kind: [character",
        set(),
        {REN, OTHER},
        ["not-yaml"],
    ),
    "a character that can't be used holds who is in it": (
        f"{HOME}/ren.yaml",
        "name: Ren",
        "name: 7",
        set(),
        {REN, OTHER},
        ["wrong-type"],
    ),
    "a project that can't be used holds everything": (f"{HOME}/project.yaml", "width: 64", "width: wide", set(FREE), set(), ["wrong-type"]),
    "two characters of the same id hold who is in them": (
        f"{HOME}/ren.yaml",
        "id: ren",
        "id: aki",
        set(),
        set(ALL) | {OTHER},
        ["duplicate-id", "duplicate-id", "missing-reference", "missing-reference"],
    ),
}


@pytest.mark.parametrize(("path", "old", "new", "gone", "held", "codes"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_holds_only_what_reads_it(studio, path, old, new, gone, held, codes):
    studio.files.edit(path, old, new)
    targets, found = wanted(studio)
    assert found == codes
    assert targets == {name: "blocked" if name in held else "" for name in FREE if name not in gone}


@pytest.mark.parametrize(("path", "old", "new", "gone", "held", "codes"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_takes_nothing_out_of_the_outputs_folder(studio, path, old, new, gone, held, codes):
    studio.settle()
    studio.files.edit(path, old, new)
    assert studio.said() == dict.fromkeys(gone | held, "hold blocked")


@pytest.mark.parametrize(("path", "old", "new", "gone", "held", "codes"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_that_was_corrected_leaves_no_trace(studio, path, old, new, gone, held, codes):
    studio.settle()
    studio.files.edit(path, old, new)
    studio.survey()
    studio.files.edit(path, new, old)
    assert (studio.said(), wanted(studio)) == ({}, (FREE, []))


def test_two_scenes_of_the_same_id_hold_each_other_and_no_third(studio):
    studio.settle()
    studio.files.write(f"{HOME}/copy.yaml", studio.files.read(f"{HOME}/s01.yaml"))
    assert wanted(studio) == ({OTHER: ""}, ["duplicate-id", "duplicate-id"])
    assert studio.said() == dict.fromkeys(ALL, "hold blocked")


def test_a_file_that_can_not_be_read_excuses_what_is_missing(studio):
    """Nobody knows what it defines: the character that it may define is no second mistake."""
    studio.files.write(f"{HOME}/ren.yaml", "kind: [character\n")
    assert wanted(studio)[1] == ["not-yaml"]


def test_a_document_that_is_a_link_holds_what_it_would_define(studio):
    studio.settle()
    file = studio.files.root / HOME / "s02.yaml"
    file.rename(studio.files.root / "s02.yaml")
    file.symlink_to(studio.files.root / "s02.yaml")
    assert wanted(studio)[1] == ["symlink"]
    assert studio.said() == {OTHER: "hold blocked"}


def test_a_folder_of_documents_that_is_a_link_holds_what_is_in_it(studio):
    studio.settle()
    studio.files.write("elsewhere/s02.yaml", SECOND)
    (studio.files.root / HOME / "s02.yaml").unlink()
    (studio.files.root / HOME / "more").symlink_to(studio.files.root / "elsewhere", target_is_directory=True)
    assert studio.said() == {OTHER: "hold blocked"}


def test_documents_without_a_project_are_a_problem(studio):
    studio.files.write("projects/other/s01.yaml", SECOND)
    assert wanted(studio) == (FREE, ["no-project"])


def test_two_folders_of_the_same_project_hold_both_and_retire_nothing(studio):
    studio.settle()
    studio.files.write("projects/copy/project.yaml", studio.files.read(f"{HOME}/project.yaml"))
    targets, codes = wanted(studio)
    assert (targets, codes) == ({}, ["duplicate-id", "duplicate-id"])
    assert set(studio.said().values()) == {"hold blocked"}


def test_a_project_beside_a_broken_one_goes_on(studio):
    studio.files.write("projects/other/project.yaml", "kind: project\nid: other\nwidth: 64\nheight: 64\ntemplates: {still: noise}\n")
    studio.files.write("projects/other/s01.yaml", "kind: scene\nid: s01\nshots: [{id: sh010, phases: [still]}]\n")
    studio.settle()
    studio.files.write(f"{HOME}/project.yaml", "kind: [project\n")
    assert wanted(studio)[0] == {"other/s01/sh010/still": ""}
    assert studio.said() == dict.fromkeys(FREE, "hold blocked")


def picture(studio, path, colour=(200, 30, 40)):
    file = studio.files.root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (16, 16), colour).save(file)
    return file


FACE = f"{HOME}/references/aki/face.png"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"
PICTURES = {
    "a pointer of Git LFS": (POINTER, "git-lfs-pointer"),
    "no picture at all": (b"this is no picture", "unreadable-image"),
    "an empty file": (b"", "unreadable-image"),
}


@pytest.fixture
def drawn(tmp_path):
    with animatic(tmp_path) as made:
        yield made


@pytest.mark.parametrize(("content", "code"), PICTURES.values(), ids=PICTURES.keys())
def test_a_reference_that_can_not_be_used_holds_the_shots_that_show_it(drawn, content, code):
    drawn.files.write(FACE, content)
    targets, codes = wanted(drawn)
    assert codes == [code]
    assert targets == {STILL: "blocked", VIDEO: "blocked", ADULT: "blocked", REN: ""}
    assert wanted(drawn) == (targets, codes), "and says so again when nothing is read anew"


def test_a_reference_that_is_a_link_holds_the_shots_that_show_it_and_is_said_once(drawn):
    picture(drawn, FACE)
    drawn.settle()
    file = drawn.files.root / FACE
    file.rename(drawn.files.root / "face.png")
    file.symlink_to(drawn.files.root / "face.png")
    targets, codes = wanted(drawn)
    assert (targets[ADULT], targets[REN], codes) == ("blocked", "", ["symlink"])


def test_another_picture_of_the_same_name_renders_its_shots_again(drawn):
    picture(drawn, FACE)
    drawn.settle()
    picture(drawn, FACE, (30, 40, 200))
    assert drawn.said() == dict.fromkeys([STILL, VIDEO, ADULT], "render changed")


def test_the_same_pixels_in_another_file_render_nothing(drawn):
    picture(drawn, FACE)
    drawn.settle()
    Image.new("RGB", (16, 16), (200, 30, 40)).save(drawn.files.root / FACE, optimize=True, compress_level=1, pnginfo=_note())
    (drawn.files.root / FACE).rename(drawn.files.root / HOME / "references/aki/portrait.png")
    assert drawn.said() == {}


def _note():
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("comment", "saved again")
    return info


def test_a_picture_of_one_version_is_shown_in_that_version_only(drawn):
    drawn.settle()
    picture(drawn, f"{HOME}/references/aki/child/face.png")
    assert drawn.said() == dict.fromkeys([STILL, VIDEO], "render changed")


def test_a_picture_that_vanishes_while_it_is_decoded_is_looked_at_again(drawn, monkeypatch):
    picture(drawn, FACE)
    real = drawn.app.decoder.look

    def vanished(_file):
        raise FileNotFoundError(2, "No such file")

    monkeypatch.setattr(drawn.app.decoder, "look", vanished)
    assert wanted(drawn)[0][ADULT] == "blocked"
    monkeypatch.setattr(drawn.app.decoder, "look", real)
    drawn.files.append(f"{HOME}/s01.yaml", "    notes: look again\n")
    assert wanted(drawn)[0][ADULT] == ""


def test_of_several_bibles_the_one_that_the_project_names_counts(tmp_path):
    with Studio(tmp_path) as studio:
        for name in ("one", "two"):
            studio.files.write(f"{HOME}/{name}.yaml", f"kind: story-bible\nid: {name}\nworld: {{prompt: world {name}}}\n")
        prompts = []
        for named in ("", "bible: two\n"):
            studio.files.append(f"{HOME}/project.yaml", named)
            studio.survey()
            prompts.append(studio.app.drafting.drafts[f"{REN}:final"].params["prompt"])
    assert ["world two" in prompt for prompt in prompts] == [False, True]
    assert "world one" not in prompts[0]


def test_a_target_knows_its_project(studio):
    assert {target.project for target in studio.survey().wanted.targets} == {"demo"}


class Resolved:
    """Which scenes were resolved since it was last asked."""

    def __init__(self, monkeypatch):
        self.seen = []
        real = Drafting.scenes

        def scenes(drafting, world, docs, rendition, place):
            self.seen += [f"{rendition}:{doc.id}" for doc in docs]
            return real(drafting, world, docs, rendition, place)

        monkeypatch.setattr(Drafting, "scenes", scenes)

    def by(self, studio):
        self.seen.clear()
        studio.survey()
        return sorted(name.partition(":")[2] for name in self.seen if name.startswith(str(studio.app.config.rendition)))


@pytest.fixture
def resolved(monkeypatch):
    return Resolved(monkeypatch)


def test_a_scene_is_resolved_once(studio, resolved):
    assert resolved.by(studio) == ["s01", "s02"]
    assert resolved.by(studio) == []


EDITS = {
    "its own document": (f"{HOME}/s01.yaml", "seed: 7", "seed: 8", ["s01"]),
    "a comment in it": (f"{HOME}/s01.yaml", "kind: scene", "# for Mika\nkind: scene", []),
    "a character of both": (f"{HOME}/ren.yaml", "a boy", "a man", ["s01", "s02"]),
    "a character of one": (f"{HOME}/aki.yaml", "a girl", "a woman", ["s01"]),
    "a location of one": (f"{HOME}/pier.yaml", "wooden", "stone", ["s02"]),
    "the project": (f"{HOME}/project.yaml", "title: Demo", "title: Other", ["s01", "s02"]),
    "a template of both": ("templates/noise/graph.json.j2", '"strength": 0.5', '"strength": 0.6', ["s01", "s02"]),
}


@pytest.mark.parametrize(("path", "old", "new", "expected"), EDITS.values(), ids=EDITS.keys())
def test_only_scenes_that_read_what_changed_are_resolved_again(studio, resolved, path, old, new, expected):
    resolved.by(studio)
    studio.files.edit(path, old, new)
    assert resolved.by(studio) == expected
    assert resolved.by(studio) == []


def test_a_renamed_file_is_resolved_again_and_renders_nothing(studio, resolved):
    studio.settle()
    (studio.files.root / HOME / "s02.yaml").rename(studio.files.root / HOME / "renamed.yaml")
    assert resolved.by(studio) == ["s02"]
    assert studio.said() == {}


def test_a_scene_that_is_new_or_gone_leaves_the_others_alone(studio, resolved):
    resolved.by(studio)
    studio.files.write(f"{HOME}/s03.yaml", SECOND.replace("s02", "s03"))
    assert resolved.by(studio) == ["s03"]
    (studio.files.root / HOME / "s03.yaml").unlink()
    assert resolved.by(studio) == []
    assert wanted(studio) == (FREE, [])


def test_a_document_that_appears_where_one_was_missing_is_noticed(studio, resolved):
    studio.files.edit(f"{HOME}/s02.yaml", "location: pier", "location: quay")
    assert wanted(studio)[1] == ["missing-reference"]
    studio.files.write(f"{HOME}/quay.yaml", PIER.replace("pier", "quay"))
    assert resolved.by(studio) == ["s02"]
    assert wanted(studio) == (FREE, [])


def test_what_was_resolved_is_the_same_from_the_cache(studio):
    first = studio.survey().wanted
    again = studio.survey().wanted
    assert again.resolved_scenes == 0
    assert [(t.id, t.base_key, t.measure_key, t.stem) for t in again.targets] == [
        (t.id, t.base_key, t.measure_key, t.stem) for t in first.targets
    ]


def test_many_scenes_are_resolved_at_once(studio, resolved):
    for number in range(3, 30):
        studio.files.write(f"{HOME}/s{number:02d}.yaml", SECOND.replace("s02", f"s{number:02d}"))
    assert len(resolved.by(studio)) == 29
    studio.files.edit(f"{HOME}/ren.yaml", "a boy", "a man")
    assert len(resolved.by(studio)) == 29


def test_renditions_are_kept_apart(studio):
    animatic_targets = studio.app.surveyor.survey(Rendition.ANIMATIC).wanted.targets
    final_targets = studio.app.surveyor.survey(Rendition.FINAL).wanted.targets
    assert {target.rendition for target in animatic_targets} == {"animatic"}
    assert not {target.base_key for target in animatic_targets} & {target.base_key for target in final_targets}


def test_a_broken_template_shows_while_the_animatic_is_drawn(drawn):
    drawn.files.write("templates/noise/graph.json.j2", '{"1": {{ nowhere }}}')
    problems = drawn.survey().wanted.problems
    assert [(p.place.file, p.severity.value) for p in problems] == [("templates/noise/graph.json.j2", "warning")]
    assert set(wanted(drawn)[0].values()) == {""}


TEMPLATES = {
    "an undefined name": ("templates/noise/graph.json.j2", "{{ seed }}", "{{ sede }}"),
    "a class that nobody has": ("templates/noise/graph.json.j2", "ImageAddNoise", "ImageAddNoize"),
    "no JSON": ("templates/noise/graph.json.j2", '"SaveImage"', '"SaveImage'),
    "a manifest that can't be used": ("templates/noise/template.yaml", "phase: still", "phase: stil"),
}


@pytest.mark.parametrize(("path", "old", "new"), TEMPLATES.values(), ids=TEMPLATES.keys())
def test_a_broken_template_holds_what_is_made_with_it(tmp_path, path, old, new):
    with Studio(tmp_path) as studio:
        studio.settle()
        studio.files.edit(path, old, new)
        targets, codes = wanted(studio)
        assert codes
        assert {targets[name] for name in (STILL, ADULT, REN)} == {"blocked"}
        assert {action.split()[0] for action in studio.said().values()} == {"hold"}
        studio.files.edit(path, new, old)
        assert studio.said() == {}
