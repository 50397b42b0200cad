"""Why something is to be rendered: the field that changed, from what to what, and where that stands."""

import pytest
from PIL import Image

from koma.engine.reasons import Reasons
from support.studio import Studio, animatic
from support.workspaces import ADULT, REN, STILL

HOME = "projects/demo"
SCENE, AKI, PROJECT, INK = (f"{HOME}/{name}.yaml" for name in ("s01", "aki", "project", "style"))
BIBLE = "kind: story-bible\nid: story\nworld: {prompt: lanterns}\n"
STYLE = "kind: style\nid: ink\nprompt: ink lines\n"


@pytest.fixture
def studio(tmp_path):
    with Studio(tmp_path) as made:
        made.files.write(f"{HOME}/bible.yaml", BIBLE)
        made.files.write(f"{HOME}/style.yaml", STYLE)
        made.files.append(PROJECT, "style: ink\nprompt: clean\n")
        made.settle()
        yield made


EDITS = {
    "a seed": (SCENE, "seed: 7", "seed: 8", STILL, ("seed", 7, 8, f"{SCENE}:11")),
    "an action": (SCENE, "walks into the light", "runs", STILL, ("action", "walks into the light", "runs", f"{SCENE}:8")),
    "the scene's time": (SCENE, "time: night", "time: dawn", REN, ("time", "night", "dawn", f"{SCENE}:4")),
    "a colour of a version": (AKI, "#6e4628", "#c81e28", STILL, ("characters.aki.palette.hair", "#6e4628", "#c81e28", f"{AKI}:7")),
    "a colour of a character": (AKI, "#2d55c8", "#c81e28", ADULT, ("characters.aki.palette.hair", "#2d55c8", "#c81e28", f"{AKI}:5")),
    "an age": (AKI, "age: 30", "age: 31", ADULT, ("characters.aki.age", 30, 31, f"{AKI}:8")),
    "words of the style": (
        f"{HOME}/style.yaml",
        "ink lines",
        "pencil",
        REN,
        ("style.prompt", "ink lines", "pencil", f"{HOME}/style.yaml:3"),
    ),
    "words of the world": (f"{HOME}/bible.yaml", "lanterns", "neon", REN, ("bible.prompt", "lanterns", "neon", f"{HOME}/bible.yaml:3")),
    "words of the project": (PROJECT, "prompt: clean", "prompt: rough", REN, ("project.prompt", "clean", "rough", f"{PROJECT}:9")),
    "the size": (PROJECT, "width: 64", "width: 96", REN, ("width", 64, 96, f"{PROJECT}:4")),
    "who is there": (SCENE, "[ren]", "[{id: ren, pose: sitting}]", REN, ("characters.ren.pose", "", "sitting", f"{SCENE}:18")),
}


@pytest.mark.parametrize(("path", "old", "new", "target", "expected"), EDITS.values(), ids=EDITS.keys())
def test_the_field_that_changed_with_both_values_and_its_place(studio, path, old, new, target, expected):
    studio.files.edit(path, old, new)
    assert expected in studio.explained()[target]


def test_only_what_changed_is_named(studio):
    studio.files.edit(SCENE, "seed: 7", "seed: 8")
    assert [change[0] for change in studio.explained()[STILL]] == ["seed"]


def test_what_follows_has_no_change_of_its_own(studio):
    studio.files.edit(SCENE, "seed: 7", "seed: 8")
    assert studio.explained()["demo/s01/sh010/video"] == []


def test_what_is_new_has_no_change(studio):
    studio.files.append(SCENE, "  - {id: sh040, characters: [ren], phases: [still]}\n")
    assert studio.explained() == {"demo/s01/sh040/still": []}


def test_another_template(studio):
    studio.files.edit("templates/noise/graph.json.j2", '"strength": 0.5', '"strength": 0.6')
    ((field, old, new, place),) = studio.explained()[REN]
    assert (field, place) == ("template.noise", "templates/noise/graph.json.j2:0")
    assert old != new


GRAIN = "  grain: {type: float, default: 0.6, min: 0, max: 1, description: How much noise.}\noutputs:"


def with_grain(studio):
    """Give the template a parameter of its own."""
    text = studio.files.read("templates/noise/template.yaml")
    studio.files.write("templates/noise/template.yaml", text.replace("outputs:", GRAIN))
    studio.files.edit("templates/noise/graph.json.j2", '"strength": 0.5', '"strength": {{ grain }}')


def test_another_parameter_of_a_template(studio):
    with_grain(studio)
    studio.settle()
    studio.files.edit(SCENE, "seed: 7", "seed: 7\n    parameters: {noise: {grain: 0.7}}")
    assert studio.explained()[STILL] == [("parameters.grain", 0.6, 0.7, f"{SCENE}:12")]
    studio.files.edit(PROJECT, "title: Demo", "title: Demo\nparameters: {noise: {grain: 0.9}}")
    assert ("parameters.grain", 0.6, 0.9, f"{PROJECT}:4") in studio.explained()[REN]


def test_a_parameter_that_changed_together_with_its_template(studio):
    with_grain(studio)
    studio.files.edit(SCENE, "seed: 7", "seed: 7\n    parameters: {noise: {grain: 0.7}}")
    fields = [change[0] for change in studio.explained()[STILL]]
    assert fields == ["parameters.grain", "template.noise"]


def test_a_default_that_counts_again_stands_in_the_template(studio):
    with_grain(studio)
    studio.files.edit(SCENE, "seed: 7", "seed: 7\n    parameters: {noise: {grain: 0.7}}")
    studio.settle()
    studio.files.edit(SCENE, "\n    parameters: {noise: {grain: 0.7}}", "")
    assert studio.explained()[STILL] == [("parameters.grain", 0.7, 0.6, "templates/noise/graph.json.j2:0")]


@pytest.fixture
def drawn(tmp_path):
    with animatic(tmp_path) as made:
        yield made


def face(studio, colour):
    file = studio.files.root / HOME / "references/aki/face.png"
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (16, 16), colour).save(file)


def test_another_reference_picture(drawn):
    face(drawn, (200, 30, 40))
    drawn.settle()
    face(drawn, (30, 40, 200))
    ((field, old, new, place),) = drawn.explained()[ADULT]
    assert (field, place) == ("inputs.reference:aki", f"{HOME}/references/aki/face.png:0")
    assert old != new


ON_A_PANEL = {
    "a line of dialogue": (SCENE, "text: hi", "text: bye", STILL, ("dialogue.l1.text", "hi", "bye", f"{SCENE}:12")),
    "the scene's title": (SCENE, "title: One", "title: Two", REN, ("scene.title", "One", "Two", f"{SCENE}:3")),
    "the project's title": (PROJECT, "title: Demo", "title: Other", REN, ("project.title", "Demo", "Other", f"{PROJECT}:3")),
    "somebody's name": (f"{HOME}/ren.yaml", "name: Ren", "name: Ro", REN, ("characters.ren.name", "Ren", "Ro", f"{HOME}/ren.yaml:3")),
    "the rate": (PROJECT, "fps: 8", "fps: 12", REN, ("fps", 8.0, 12.0, f"{PROJECT}:6")),
}


@pytest.mark.parametrize(("path", "old", "new", "target", "expected"), ON_A_PANEL.values(), ids=ON_A_PANEL.keys())
def test_what_changed_on_a_panel(drawn, path, old, new, target, expected):
    drawn.settle()
    drawn.files.edit(path, old, new)
    assert drawn.explained()[target] == [expected]


def test_a_place_that_a_scene_moved_to_is_named_where_the_scene_says_so(drawn):
    for name in ("pier", "roof"):
        drawn.files.write(f"{HOME}/{name}.yaml", f"kind: location\nid: {name}\nname: {name}\n")
    drawn.files.edit(SCENE, "time: night", "time: night\nlocation: pier")
    drawn.settle()
    drawn.files.edit(SCENE, "location: pier", "location: roof")
    found = {change[0]: change[1:] for change in drawn.explained()[REN]}
    assert found["location.id"] == ("pier", "roof", f"{SCENE}:5")
    assert found["location.name"] == ("pier", "roof", f"{HOME}/roof.yaml:3")


@pytest.mark.parametrize("edit", ["seed: 7", "title: One"])
def test_another_process_finds_the_same_reasons(drawn, edit):
    """The scene is in the cache by then: nothing was drafted for it in this process."""
    drawn.settle()
    drawn.files.edit(SCENE, edit, edit.replace("7", "8").replace("One", "Two"))
    first = drawn.explained()
    drawn.restart()
    assert drawn.explained() == first
    assert any(changes for changes in first.values())


def test_where_an_effective_value_stands_can_be_asked_for(drawn):
    survey = drawn.survey()
    reasons = Reasons(survey, drawn.app.desires, drawn.app.drafting, drawn.app.store)
    target = next(target for target in survey.wanted.targets if target.id == STILL)
    assert str(reasons.place(target, "characters.aki.palette.hair")) == f"{AKI}:7:35"
    assert reasons.place(target._replace(id="demo/s99/sh010/still"), "seed") is None


def test_many_changes_at_once_are_found(drawn):
    for number in range(30):
        drawn.files.append(SCENE, f"  - {{id: sx{number:03d}, characters: [ren], phases: [still]}}\n")
    drawn.settle()
    drawn.files.edit(f"{HOME}/ren.yaml", "#141418", "#c81e28")
    found = drawn.explained()
    assert len(found) == 31
    assert {changes[0][0] for changes in found.values()} == {"characters.ren.palette.hair"}
