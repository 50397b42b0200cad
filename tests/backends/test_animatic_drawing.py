"""What the animatic draws: the same for the same description, other for every field, and loops that close."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from koma.backends.animatic.frame import draw_frame
from koma.backends.animatic.panel import ANGLES, FRAMINGS, MOVES, TIMES, read_panel
from koma.backends.animatic.stage import Stage
from support.panels import HEIGHT, PANEL, WIDTH, panel, reference

REFERENCES = {"reference:sora": reference()}
WHO = "characters.0"


def drawn(description, index=0, references=REFERENCES):
    return draw_frame(description, references, index)


def digest(picture):
    return hashlib.sha256(picture.tobytes()).hexdigest()


@pytest.mark.parametrize("phase", ["still", "loop", "video"])
def test_the_same_description_gives_the_same_pixels(phase):
    description = panel(("camera.move", "handheld"), phase=phase, weather="rain")
    assert drawn(description, 5).tobytes() == drawn(description, 5).tobytes()


def test_another_process_draws_the_same_pixels():
    description = panel((f"{WHO}.reference", None), ("location.features", ["lanterns", "steam", "river", "trees"]), phase="video")
    script = (
        "import hashlib, json, sys; from koma.backends.animatic.frame import draw_frame;"
        "print(hashlib.sha256(draw_frame(json.load(sys.stdin), {}, 9).tobytes()).hexdigest())"
    )
    run = subprocess.run([sys.executable, "-c", script], input=json.dumps(description), capture_output=True, text=True, check=True)
    assert run.stdout.strip() == digest(drawn(description, 9))


def test_a_frame_does_not_depend_on_which_frames_were_drawn_before():
    description = panel(("camera.move", "dolly"), ("camera.direction", "in"), phase="video")
    stage = Stage(read_panel(description), REFERENCES)
    for index in (11, 3, 23, 0):
        stage.draw(index)
    assert stage.draw(8).tobytes() == drawn(description, 8).tobytes()


@pytest.mark.parametrize("size", [(WIDTH, HEIGHT), (136, 240), (33, 47)], ids=str)
@pytest.mark.parametrize("angle", ["eye", "dutch"])
def test_a_frame_has_the_size_of_the_panel(size, angle):
    picture = drawn(panel(width=size[0], height=size[1], angle=angle))
    assert (picture.size, picture.mode) == (size, "RGB")


CHANGES = {
    "the project's title": [("project.title", "Other")],
    "the scene's id": [("scene.id", "s02")],
    "the scene's title": [("scene.title", "Another")],
    "the shot": [("shot", "sh020")],
    "the seed": [("seed", 8)],
    "the camera's direction": [("camera", {"move": "static", "direction": "left", "speed": 1.0})],
    "the action": [("action", "holds a lantern")],
    "an action that names no thing": [("action", "looks up")],
    "the mood": [("mood", "tense")],
    "a mood of one's own": [("mood", "purplish")],
    "the weather": [("weather", "rain")],
    "the location": [("location", None)],
    "the location's id": [("location.id", "harbour")],
    "the location's name": [("location.name", "The harbour")],
    "the location's palette": [("location.palette", ["#207050"])],
    "the location's features": [("location.features", ["river", "bridge"])],
    "a feature of one's own": [("location.features", ["lanterns", "houses", "gramophone"])],
    "no figure": [("characters", [])],
    "the character's id": [(f"{WHO}.id", "pim")],
    "the character's name": [(f"{WHO}.name", "Pim")],
    "the version": [(f"{WHO}.version", "child")],
    "a version of one's own": [(f"{WHO}.version", "grieving")],
    "the outfit": [(f"{WHO}.outfit", "raincoat")],
    "an outfit of one's own": [(f"{WHO}.outfit", "armour")],
    "the position": [(f"{WHO}.position", "right")],
    "the facing": [(f"{WHO}.facing", "left")],
    "looking away": [(f"{WHO}.facing", "away")],
    "the expression": [(f"{WHO}.expression", "laughing")],
    "an expression of one's own": [(f"{WHO}.expression", "inscrutable")],
    "the pose": [(f"{WHO}.pose", "running")],
    "a pose of one's own": [(f"{WHO}.pose", "heroic")],
    "the height": [(f"{WHO}.height", 0.7)],
    "the hair": [(f"{WHO}.hair", "ponytail")],
    "no reference": [(f"{WHO}.reference", None)],
    "what is said": [("dialogue.0.text", "Good evening.")],
    "the speaker's name": [("dialogue.0.name", "Pim")],
    "who speaks": [("dialogue.0.who", "pim")],
    "silence": [("dialogue", [])],
    **{f"the colour of the {slot}": [(f"{WHO}.palette.{slot}", "#30c040")] for slot in PANEL["characters"][0]["palette"]},
    **{f"framing {word}": [("framing", word)] for word in FRAMINGS if word != "full"},
    **{f"angle {word}": [("angle", word)] for word in ANGLES if word != "eye"},
    **{f"time {word or 'unsaid'}": [("time", word)] for word in TIMES if word != "dusk"},
}


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_every_field_changes_the_picture(changes):
    assert drawn(panel(*changes)).tobytes() != drawn(PANEL).tobytes()


MOVING = {
    "the rate": [("fps", 12)],
    "the length": [("frames", 30)],
    "the phase": [("phase", "loop")],
    "the camera's speed": [("camera.speed", 0.5)],
    "the move's direction": [("camera.direction", "right")],
    **{f"the move {word}": [("camera.move", word)] for word in MOVES if word != "pan"},
}


@pytest.mark.parametrize("changes", MOVING.values(), ids=MOVING)
def test_every_field_of_a_clip_changes_a_frame(changes):
    base = (("phase", "video"), ("camera", {"move": "pan", "direction": "left", "speed": 1.0}))
    assert drawn(panel(*base, *changes), 5).tobytes() != drawn(panel(*base), 5).tobytes()


def test_another_reference_of_the_same_name_changes_the_picture():
    assert drawn(PANEL, references={"reference:sora": reference("crimson")}).tobytes() != drawn(PANEL).tobytes()


def test_a_line_is_seen_while_it_is_said_and_gives_way_to_the_next():
    said = [{"id": f"l{n}", "who": "sora", "name": "Sora", "text": f"line {n} {'x' * 9}"} for n in (1, 2)]
    clips = [panel(("dialogue.0", said[n]), phase="video") for n in (0, 1)]
    both = panel(("dialogue", said), phase="video")
    early, late = (_foot(drawn(both, index)) for index in (6, 18))
    assert (early == _foot(drawn(clips[0], 6))).all()
    assert (late == _foot(drawn(clips[1], 18))).all()


def _foot(picture):
    return np.asarray(picture.crop((60, 112, 180, 122)))


LOOPS = {
    "a figure that stands": {},
    "someone who walks": {"pose": "walking"},
    "someone who runs": {"pose": "running"},
    "someone who waves": {"pose": "waving"},
    "someone who cheers": {"pose": "cheering"},
    "an excited face": {"expression": "excited"},
    **{f"the camera: {move}": {"move": move} for move in MOVES if move != "static"},
    **{f"weather: {word}": {"weather": word} for word in ("rain", "snow", "fog", "petals", "wind", "fireflies", "steam")},
    "an odd number of frames": {"frames": 25, "pose": "walking"},
    "three lines": {"lines": 3},
}


@pytest.mark.parametrize("case", LOOPS.values(), ids=LOOPS)
def test_a_loop_closes(case):
    """The step from the last frame to the first is no larger than the largest step inside."""
    description = panel(
        (f"{WHO}.pose", case.get("pose", "standing")),
        (f"{WHO}.expression", case.get("expression", "neutral")),
        ("camera.move", case.get("move", "static")),
        phase="loop",
        framing="medium",
        weather=case.get("weather", ""),
        frames=case.get("frames", 24),
        dialogue=[{"id": f"l{n}", "who": "sora", "name": "Sora", "text": f"line {n}"} for n in range(case.get("lines", 0))],
    )
    stage = Stage(read_panel(description), REFERENCES)
    frames = [np.asarray(stage.draw(index)).astype(np.int16) for index in range(description["frames"])]
    steps = [float(np.abs(b - a).mean()) for a, b in zip(frames, [*frames[1:], frames[0]], strict=True)]
    assert max(steps) > 0
    assert steps[-1] <= max(steps[:-1])


@pytest.mark.parametrize("move", MOVES)
def test_a_camera_at_full_speed_never_shows_the_edge_of_a_layer(move):
    """A hole in the set would be black, which is nowhere painted at noon."""
    for direction in ("left", "right", "up", "down", "in", "out"):
        description = panel(
            ("camera", {"move": move, "direction": direction, "speed": 5.0}), phase="video", time="noon", dialogue=[], characters=[]
        )
        stage = Stage(read_panel(description), {})
        for index in (0, 23):
            picture = np.asarray(stage.draw(index).crop((0, 0, WIDTH, HEIGHT - 14)))
            assert not (picture.max(axis=2) < 8).any(axis=0).all(axis=0)
            assert (picture.max(axis=2) < 8).mean() < 0.01


def test_a_picture_is_worth_looking_at():
    colours = np.asarray(drawn(panel(framing="wide"))).reshape(-1, 3)
    assert len(np.unique(colours, axis=0)) > 2000
    assert colours.std() > 25


def test_a_transparent_or_grey_reference_is_drawn_too():
    for mode in ("RGBA", "L"):
        picture = Image.new(mode, (20, 90), 128 if mode == "L" else (10, 20, 30, 40))
        assert drawn(PANEL, references={"reference:sora": picture}).size == (WIDTH, HEIGHT)
