"""The studio: records and pages follow documents, pictures and what is published, and nothing is done twice."""

import io
import json

import pytest
from PIL import Image

from koma.core.identity import Marks, Shade
from koma.engine import studio as studio_module
from koma.engine.studio import Eye
from koma.engine.studio import Studio as CharacterStudio
from support.pictures import drawing
from support.studio import Studio, animatic

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
        eye = Eye(self.examine, lambda colour: (float(len(colour)), 0.0, 0.0), self.page)
        self.studio = CharacterStudio(app.source, app.cache, app.desires, app.store, eye, self.write, app.config.paths.outputs)
        self.opened = opened

    def examine(self, file):
        self.looks += 1
        return Marks((Shade("#101010", (5.0, 0.0, 0.0), 1.0),), 0.1, 0.2, 0.3, 4.0), "data:image/jpeg;base64,AA=="

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


def failing(_file):
    raise ValueError("cut short")


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
