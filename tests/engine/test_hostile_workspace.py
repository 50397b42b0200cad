"""Templates and pictures that nobody should have to fear, in a workspace: what reads them is held, the others go on, and trouble passes."""

import os
import signal

import pytest
from PIL import Image

from koma.confined.process import Confined, EndedError, Ending
from support.studio import Studio, animatic
from support.workspaces import ADULT, REN, STILL, VIDEO

HOME = "projects/demo"
BOMB = "{% set a = [1, 2] %}\n" + "{% set a = [a, a] %}\n" * 60 + "{{ a }}\n"


@pytest.fixture
def studio(tmp_path):
    with Studio(tmp_path) as made:
        made.settle()
        yield made


def problems(studio):
    return [problem for problem in studio.survey().wanted.problems if problem.severity == "error"]


def graphs(studio):
    return sorted(file for file in studio.files.root.glob("templates/*/graph.json.j2"))


def test_a_template_that_is_a_bomb_holds_what_is_drawn_with_it_and_nothing_else(studio):
    still = next(file for file in graphs(studio) if file.parent.name == "noise")
    still.write_text(BOMB + still.read_text())
    wanted = studio.survey().wanted
    assert {problem.code for problem in wanted.problems} == {"template-limit"}
    assert {problem.place.line for problem in wanted.problems} <= {0, BOMB.count("\n")}
    assert {target.id: target.hold for target in wanted.targets} == {STILL: "blocked", ADULT: "blocked", REN: "blocked", VIDEO: ""}


def test_trouble_of_the_machine_is_a_problem_that_is_gone_once_the_trouble_is(studio, monkeypatch):
    for file in graphs(studio):
        file.write_text(file.read_text() + "\n")
    with monkeypatch.context() as patch:

        def ends(_self, _order):
            raise EndedError(Ending.KILLED, "the process for it was killed from outside, perhaps for want of memory")
            yield

        patch.setattr(Confined, "ask", ends)
        assert {problem.code for problem in problems(studio)} == {"template-process"}
    assert problems(studio) == []


def test_a_process_that_is_killed_while_nothing_is_rendered_is_no_trouble(studio):
    for file in graphs(studio):
        file.write_text(file.read_text() + "\n")
    assert problems(studio) == []
    os.kill(studio.app.renderer.pid, signal.SIGKILL)
    for file in graphs(studio):
        file.write_text(file.read_text() + "\n")
    assert problems(studio) == []


def test_a_reference_that_is_a_bomb_is_named_and_holds_who_shows_it(tmp_path):
    with animatic(tmp_path) as studio:
        place = f"{HOME}/references/aki/face.png"
        Image.new("1", (9000, 9000)).save(studio.files.write(place, b""))
        wanted = studio.survey().wanted
        (problem,) = wanted.problems
        assert (problem.code, problem.place.file) == ("unreadable-image", place)
        assert "9000 x 9000 is more than 40 megapixels" in problem.message
        assert {target.id: target.hold for target in wanted.targets} == {STILL: "blocked", VIDEO: "blocked", ADULT: "blocked", REN: ""}


def test_nothing_is_started_where_nothing_is_to_be_read(studio):
    studio.restart()
    assert studio.survey().wanted.targets
    assert studio.app.renderer.pid is None
    assert studio.app.decoder.pid is None
