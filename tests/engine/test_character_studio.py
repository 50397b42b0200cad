"""The studio: records and pages follow documents, pictures and what is published, and nothing is done twice."""

import io
import json
import subprocess
import sys

import pytest
from PIL import Image

from koma.app.adding import add_model
from koma.app.eye import eye
from koma.core.faces import NOBODY, FaceMarks, Looking
from koma.core.identity import Marks, Shade
from koma.engine import studio as studio_module
from koma.engine.studio import Eye
from koma.engine.studio import Studio as CharacterStudio
from koma.measures.learned.store import Models
from support.pictures import drawing
from support.studio import Studio, animatic
from support.weights import onnx

HOME = "projects/demo"
PAGES = "outputs/demo/characters"


def png(shift=0, width=640):
    buffer = io.BytesIO()
    Image.fromarray(drawing(width, width, shift)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def made(tmp_path):
    with animatic(tmp_path) as opened:
        opened.files.write(f"{HOME}/references/aki/face.png", png())
        opened.files.write(f"{HOME}/references/aki/child/a.png", png(3))
        yield opened


class Counting:
    """An eye that counts what it is asked for, and writes like any other."""

    def __init__(self, opened: Studio):
        app = opened.app
        self.looks, self.pages, self.writes = 0, [], []
        self.looking, self.faces = (lambda _commercial: NOBODY), []
        eye = Eye(self.examine, self.lab, self.page, self.looker, self.look)
        self.studio = CharacterStudio(app.source, app.cache, app.desires, app.store, eye, self.write, app.config.paths.outputs)
        self.opened = opened

    def examine(self, file):
        self.looks += 1
        return Marks((Shade("#101010", (5.0, 0.0, 0.0), 1.0),), 0.1, 0.2, 0.3, 4.0), "data:image/jpeg;base64,AA=="

    def lab(self, colour):
        return float(len(colour)), 0.0, 0.0

    def looker(self, commercial):
        return self.looking(commercial)

    def look(self, file, commercial):
        self.faces.append((file.name, commercial))
        return FaceMarks(1, (0.6, 0.8))

    def page(self, name, facts):
        self.pages.append(facts.get("id", "index"))
        return json.dumps(facts)

    def write(self, path, text):
        self.writes.append(path.relative_to(self.opened.app.config.paths.outputs / "demo/characters").as_posix())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def refresh(self):
        """Refresh, and tell what was written."""
        self.writes.clear()
        self.left = self.studio.refresh(self.opened.survey())
        return sorted(self.writes)


EVERYTHING = [
    "aki/adult/identity.json",
    "aki/base/identity.json",
    "aki/child/identity.json",
    "aki/index.html",
    "index.html",
    "ren/base/identity.json",
    "ren/index.html",
]


def record(opened, path):
    return json.loads(opened.files.read(f"{PAGES}/{path}/identity.json"))


def test_records_and_pages_are_made(made):
    assert made.app.studio.refresh(made.survey()) == 0
    child, adult = record(made, "aki/child"), record(made, "aki/adult")
    assert [image["path"] for image in child["images"]] == [f"{HOME}/references/aki/child/a.png"]
    assert [image["path"] for image in adult["images"]] == [f"{HOME}/references/aki/face.png"]
    assert (child["palette"]["slots"]["hair"]["colour"], adult["palette"]["slots"]["hair"]["colour"]) == ("#6e4628", "#2d55c8")
    assert child["style"]["measured"] == 1
    page = made.files.read(f"{PAGES}/aki/index.html")
    assert page.startswith("<!doctype html>")
    assert "s01/sh010" in page
    assert 'href="aki/index.html"' in made.files.read(f"{PAGES}/index.html")


def test_nothing_is_done_while_nothing_changes(made):
    counting = Counting(made)
    assert counting.refresh() == EVERYTHING
    assert counting.looks == 2
    pages = list(counting.pages)
    assert counting.refresh() == []
    assert counting.pages == pages


def test_another_process_does_nothing_either(made):
    Counting(made).refresh()
    made.restart()
    counting = Counting(made)
    assert (counting.refresh(), counting.pages, counting.looks) == ([], [], 0)


def test_pages_that_somebody_deleted_are_made_again(made):
    Counting(made).refresh()
    (made.files.root / PAGES / "index.html").unlink()
    made.restart()
    counting = Counting(made)
    assert counting.refresh() == EVERYTHING
    assert counting.looks == 0


def dropped(made):
    made.files.write(f"{HOME}/references/aki/child/b.png", png(7))


def refused(made):
    made.files.write(f"{HOME}/references/aki/child/b.png", png(7, width=64))


def dressed(made):
    made.files.write(f"{HOME}/references/aki/outfits/coat/b.png", png(7))


def recoloured(made):
    made.files.edit(f"{HOME}/ren.yaml", "#141418", "#ffffff")


def retold(made):
    made.files.append(f"{HOME}/aki.yaml", "backstory: was late\n")


def recast(made):
    made.files.edit(f"{HOME}/s01.yaml", "[ren]", "[aki]")


def elsewhere(made):
    made.files.append(f"{HOME}/s01.yaml", "notes: nothing new\n")


AKI = ["aki/adult/identity.json", "aki/base/identity.json", "aki/child/identity.json", "aki/index.html"]
CHANGES = {
    "a picture of a version: its record and page": (dropped, ["aki/child/identity.json", "aki/index.html", "index.html"], 1),
    "a picture that is refused: named there": (refused, ["aki/child/identity.json", "aki/index.html", "index.html"], 0),
    "a picture of an outfit: every record names it": (dressed, [*AKI, "index.html"], 1),
    "a colour: its record and page": (recoloured, ["ren/base/identity.json", "ren/index.html"], 0),
    "a backstory: the page alone": (retold, ["aki/index.html"], 0),
    "a cast: both pages and the list": (recast, ["aki/index.html", "index.html", "ren/index.html"], 0),
    "nothing of theirs: nothing": (elsewhere, [], 0),
}


@pytest.mark.parametrize(("change", "expected", "looks"), CHANGES.values(), ids=CHANGES.keys())
def test_only_what_changed_is_written(made, change, expected, looks):
    counting = Counting(made)
    counting.refresh()
    before = counting.looks
    change(made)
    assert counting.refresh() == expected
    assert counting.looks - before == looks


def test_what_is_published_shows(made):
    counting = Counting(made)
    counting.refresh()
    made.settle()
    assert counting.refresh() == ["aki/index.html", "ren/index.html"]
    shots = json.loads(made.files.read(f"{PAGES}/aki/index.html"))["shots"]
    assert [(shot["address"], [(one["what"], one["verdict"]) for one in shot["outputs"]]) for shot in shots] == [
        ("s01/sh010", [("still", "passed"), ("video", "passed")]),
        ("s01/sh020", [("still", "passed")]),
    ]


def test_a_refused_picture_is_named_in_record_and_page(made):
    made.files.write(f"{HOME}/references/aki/child/b.png", png(7, width=64))
    made.files.write(f"{HOME}/references/aki/child/c.png", b"<svg/>")
    Counting(made).refresh()
    found = record(made, "aki/child")["refused"]
    assert [(one["path"].rpartition("/")[2], one["reason"]) for one in found] == [("b.png", "small"), ("c.png", "unreadable")]
    assert "an SVG drawing" in found[1]["why"]


def test_only_so_many_pictures_are_measured_at_once(made, monkeypatch):
    monkeypatch.setattr(studio_module, "AT_ONCE", 1)
    counting = Counting(made)
    assert counting.refresh() == EVERYTHING
    assert (counting.left, counting.looks) == (1, 1)
    counting.refresh()
    assert (counting.left, counting.looks) == (0, 2)
    assert record(made, "aki/child")["style"]["measured"] == record(made, "aki/adult")["style"]["measured"] == 1
    assert counting.refresh() == []


def test_a_picture_that_can_not_be_measured_is_used_unmeasured(made):
    counting = Counting(made)
    counting.studio._eye = counting.studio._eye._replace(examine=failing)
    counting.refresh()
    assert counting.left == 0
    assert (record(made, "aki/child")["style"]["measured"], len(record(made, "aki/child")["images"])) == (0, 1)


def failing(*_given):
    raise ValueError("cut short")


WEIGHTS = tuple({"name": name, "sha256": name[5] * 64, "licence": "MIT"} for name in ("face-detector", "face-recogniser"))


def somebody(_commercial):
    return Looking(WEIGHTS, "")


def looked(made):
    counting = Counting(made)
    counting.looking = somebody
    counting.refresh()
    return counting


def test_faces_are_looked_for_where_somebody_can(made):
    made.files.write(f"{HOME}/references/aki/outfits/coat/b.png", png(7))
    counting = looked(made)
    assert sorted(counting.faces) == [("a.png", False), ("face.png", False)]  # an outfit's pictures show no version
    child = record(made, "aki/child")
    assert child["faces"]["pictures"] == {f"{HOME}/references/aki/child/a.png": 1}
    assert child["embeddings"]["face"]["mean"] == [0.6, 0.8]
    assert child["embeddings"]["face"]["weights"] == list(WEIGHTS)


def test_faces_are_looked_for_once_and_nothing_is_written_again(made):
    counting = looked(made)
    assert counting.refresh() == []
    made.restart()
    again = Counting(made)
    again.looking = somebody
    assert (again.refresh(), again.faces) == ([], [])


def test_models_that_come_or_go_write_the_records_that_they_change(made):
    counting = Counting(made)
    counting.refresh()
    assert "not looked for" in record(made, "aki/child")["faces"]["why"]
    without = record(made, "aki/child")
    counting.looking = somebody
    assert "aki/child/identity.json" in counting.refresh()
    counting.looking = lambda _commercial: NOBODY
    counting.refresh()
    assert record(made, "aki/child") == without


def test_a_commercial_project_is_looked_at_as_such(made):
    made.files.append(f"{HOME}/project.yaml", "commercial: true\n")
    counting = Counting(made)
    counting.looking = lambda commercial: Looking(why="not looked for: licence") if commercial else somebody(commercial)
    counting.refresh()
    assert counting.faces == []
    assert record(made, "aki/child")["faces"] == {"counted": False, "why": "not looked for: licence"}


def test_faces_that_can_not_be_looked_for_say_why_and_are_tried_again_with_the_next_change(made):
    counting = Counting(made)
    counting.looking = somebody
    counting.studio._eye = counting.studio._eye._replace(faces=failing)
    counting.refresh()
    assert counting.left == 0
    assert record(made, "aki/child")["faces"] == {"counted": False, "why": "not looked for: cut short"}
    counting.studio._eye = counting.studio._eye._replace(faces=counting.look)
    retold(made)
    counting.refresh()
    assert record(made, "aki/child")["faces"]["measured"] == 1


def test_a_model_that_fails_on_every_picture_leaves_none_to_come_back_to(made, monkeypatch):
    counting = Counting(made)
    counting.refresh()
    monkeypatch.setattr(studio_module, "AT_ONCE", 1)
    counting.looking = somebody
    counting.studio._eye = counting.studio._eye._replace(faces=failing)
    counting.refresh()
    assert counting.left == 0


def test_only_so_many_faces_are_looked_for_at_once(made, monkeypatch):
    monkeypatch.setattr(studio_module, "AT_ONCE", 1)
    counting = looked(made)
    assert (counting.left, len(counting.faces)) == (2, 1)
    counting.refresh()
    assert (counting.left, len(counting.faces)) == (0, 2)


def test_without_models_the_eye_says_what_to_add_and_imports_nothing_heavy(made):
    code = (
        "import sys; from pathlib import Path; from koma.app.eye import eye; from koma.measures.learned.store import Models\n"
        "print(eye(Models(Path('nowhere'))).looking(False).why); print(*sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=made.files.root)
    assert "koma models add face-detector FILE" in done.stdout
    assert not {"onnxruntime", "torch", "insightface", "numpy", "cv2"} & set(done.stderr.split())


def test_models_without_their_libraries_say_so(made, monkeypatch):
    folder = made.files.root / "models"
    models = Models(folder)
    for name in ("face-detector", "face-recogniser"):
        add_model(models, name, made.files.write(f"given/{name}.onnx", onnx()), terms=None, replace=False, today="2026-11-21")
    monkeypatch.setattr("koma.measures.learned.registry.find_spec", lambda _name: None)
    assert "the Python package `onnxruntime` is not installed" in eye(models).looking(False).why
    assert "the project is commercial" in eye(models).looking(True).why
    monkeypatch.setattr("koma.measures.learned.registry.find_spec", lambda _name: object())
    looking = eye(models).looking(False)
    assert (looking.why, [weight["name"] for weight in looking.weights]) == ("", ["face-detector", "face-recogniser"])


def test_a_project_that_can_not_be_read_keeps_its_pages(made):
    counting = Counting(made)
    counting.refresh()
    made.files.edit(f"{HOME}/project.yaml", "width: 64", "width: wide")
    assert counting.refresh() == []


def test_a_project_without_characters_has_no_pages(tmp_path):
    with animatic(tmp_path) as opened:
        for name in ("aki", "ren", "s01"):
            (opened.files.root / HOME / f"{name}.yaml").unlink()
        assert Counting(opened).refresh() == []
