"""`koma new character` writes a first draft and copies pictures; whatever is there already is left alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from koma.cli import newcharacter
from support.pictures import drawing, flat, save
from support.workspaces import Workspace

DRAFT, PICTURES = "projects/demo/characters/yuki.yaml", "projects/demo/references/yuki"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with a picture of the character and one of it as a child."""
    folder = tmp_path / "pictures"
    (folder / "child").mkdir(parents=True)
    save(drawing(640, 520), folder / "face.png")
    save(drawing(600, 600, shift=9), folder / "child" / "small.JPG", format="JPEG")
    return folder


def files(workspace: Workspace) -> dict[str, bytes]:
    inside = workspace.root / "projects"
    return {file.relative_to(inside).as_posix(): file.read_bytes() for file in sorted(inside.rglob("*")) if file.is_file()}


def test_a_draft_and_its_pictures_are_made(workspace: Workspace, pictures: Path) -> None:
    before = files(workspace)
    done = workspace.koma("new", "character", "yuki", "--from", str(pictures), "--name", "Yuki M.")
    assert (done.code, done.err) == (0, "")
    after = files(workspace)
    assert after.keys() - before.keys() == {
        "demo/characters/yuki.yaml",
        "demo/references/yuki/face.png",
        "demo/references/yuki/child/small.JPG",
    }
    assert {path: after[path] for path in before} == before
    assert after["demo/references/yuki/face.png"] == (pictures / "face.png").read_bytes()
    draft = workspace.read(DRAFT)
    assert "id: yuki\nname: Yuki M.\n" in draft
    assert "versions:\n  child:" in draft
    assert "palette:\n" in draft


def test_what_it_made_is_sound(workspace: Workspace, pictures: Path) -> None:
    workspace.koma("new", "character", "yuki", "--from", str(pictures))
    done = workspace.koma("check")
    assert (done.code, "error" in done.out) == (0, False), done.out


def small(folder: Path) -> None:
    save(flat(9, 511, 900), folder / "tiny.png")


def twice(folder: Path) -> None:
    save(drawing(640, 520), folder / "zcopy.png")


def vector(folder: Path) -> None:
    (folder / "v.png").write_text("<svg/>")


def huge(folder: Path) -> None:
    Image.new("1", (9000, 9000)).save(folder / "huge.png")


def pointer(folder: Path) -> None:
    (folder / "lfs.png").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n")


def text(folder: Path) -> None:
    (folder / "notes.txt").write_text("hello")


def no_version(folder: Path) -> None:
    (folder / "As A Child").mkdir()
    save(drawing(640, 640), folder / "As A Child" / "a.png")


def deeper(folder: Path) -> None:
    (folder / "child" / "more").mkdir()
    save(drawing(640, 640), folder / "child" / "more" / "a.png")


def base(folder: Path) -> None:
    (folder / "base").mkdir()
    save(drawing(640, 640), folder / "base" / "a.png")


def outfit(folder: Path) -> None:
    (folder / "outfits" / "coat").mkdir(parents=True)
    save(drawing(640, 640), folder / "outfits" / "coat" / "a.png")


REFUSED = {
    "too small": (small, "tiny.png: it is 511 x 900 px"),
    "the same twice": (twice, "zcopy.png: it shows the same as face.png"),
    "an SVG named .png": (vector, "v.png: not a readable picture: it is an SVG drawing"),
    "more than 40 megapixels": (huge, "huge.png: 9000 x 9000 is more than 40 megapixels"),
    "a Git LFS pointer": (pointer, "lfs.png: it is a Git LFS pointer"),
    "no picture": (text, "notes.txt: its name is not that of a picture"),
    "a folder that is no id": (no_version, "'As A Child' is no name of a version; rename the folder, for instance 'as-a-child'"),
    "a folder in a version": (deeper, "child/more/a.png: 'child/more' is no name of a version"),
    "a folder of an outfit": (outfit, "outfits/coat/a.png: a folder 'outfits' holds no version; copy it into the character's folder"),
    "a folder that is called base": (base, "base/a.png: 'base' is no name of a version; rename the folder\n"),
}


@pytest.mark.parametrize(("add", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused_is_listed_with_its_reason(workspace: Workspace, pictures: Path, add, said) -> None:
    add(pictures)
    done = workspace.koma("new", "character", "yuki", "--from", str(pictures))
    assert done.code == 0
    assert said in done.out
    copied = [file.name for file in (workspace.root / PICTURES).rglob("*") if file.is_file()]
    assert sorted(copied) == ["face.png", "small.JPG"]


def hidden(folder: Path) -> None:
    (folder / ".cache").mkdir()
    (folder / ".cache" / "a.png").write_text("x")
    (folder / ".DS_Store").write_text("x")


def test_hidden_files_are_passed_over(workspace: Workspace, pictures: Path) -> None:
    hidden(pictures)
    assert "Not used" not in workspace.koma("new", "character", "yuki", "--from", str(pictures)).out


def test_what_is_there_is_never_touched(workspace: Workspace, pictures: Path) -> None:
    workspace.write(f"{PICTURES}/face.png", "mine")
    before = files(workspace)
    done = workspace.koma("new", "character", "yuki", "--from", str(pictures))
    assert done.code == 1
    assert "face.png is there already, and is left as it is" in done.err
    assert "nothing was written" in done.err
    assert files(workspace) == before


def test_a_file_of_that_name_is_never_touched(workspace: Workspace, pictures: Path) -> None:
    workspace.write(DRAFT, "kind: location\nid: yuki\n")
    before = files(workspace)
    assert workspace.koma("new", "character", "yuki", "--from", str(pictures)).code == 1
    assert files(workspace) == before


def test_pictures_that_lie_in_their_place_stay_there(workspace: Workspace, pictures: Path) -> None:
    pictures.rename(workspace.write(f"{PICTURES}/x", "").parent / "moved")
    (workspace.root / PICTURES / "x").unlink()
    for file in (workspace.root / PICTURES / "moved").iterdir():
        file.rename(workspace.root / PICTURES / file.name)
    (workspace.root / PICTURES / "moved").rmdir()
    before = files(workspace)
    assert workspace.koma("new", "character", "yuki", "--from", str(workspace.root / PICTURES)).code == 0
    assert files(workspace).keys() - before.keys() == {"demo/characters/yuki.yaml"}


WRONG = {
    "no id": (["Yu Ki"], 2, "'Yu Ki' is no id\n  do: koma new character yu-ki ..."),
    "a reserved id": (["takes"], 2, "'takes' is kept for Koma or the file system\n  do: use an id"),
    "an id that is taken": (["aki"], 1, "there is a character 'aki' already, in projects/demo/aki.yaml"),
    "a project that is not there": (["yuki", "--project", "dmo"], 2, "there is no project 'dmo'\n  do: one of demo"),
}


@pytest.mark.parametrize(("args", "code", "said"), WRONG.values(), ids=WRONG.keys())
def test_a_mistake_is_told_before_anything_is_written(workspace: Workspace, pictures: Path, args, code, said) -> None:
    before = files(workspace)
    done = workspace.koma("new", "character", *args, "--from", str(pictures))
    assert (done.code, said in done.err) == (code, True), done.err
    assert files(workspace) == before


def gone(name: str, before: Callable[..., Any], file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a picture away just before a step of the command."""

    def step(*args: Any) -> Any:
        file.unlink()
        return before(*args)

    monkeypatch.setattr(newcharacter, name, step)


@pytest.mark.parametrize("step", ["_text", "_write_all"], ids=["before its colours are looked at", "before it is copied"])
def test_a_picture_that_vanishes_meanwhile_leaves_nothing_behind(
    workspace: Workspace, pictures: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    before = files(workspace)
    gone(step, getattr(newcharacter, step), pictures / "child" / "small.JPG", monkeypatch)
    done = workspace.koma("new", "character", "yuki", "--from", str(pictures))
    assert (done.code, "small.JPG" in done.err, "nothing was written" in done.err) == (1, True, True), done.err
    assert files(workspace) == before


def test_without_a_usable_picture_nothing_is_made(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    small(folder)
    before = files(workspace)
    done = workspace.koma("new", "character", "yuki", "--from", str(folder))
    assert done.code == 1
    assert "holds no picture that can be used\n  tiny.png: it is 511 x 900 px" in done.err
    assert files(workspace) == before


def test_a_folder_that_is_not_there(workspace: Workspace) -> None:
    assert "there is no folder nowhere" in workspace.koma("new", "character", "yuki", "--from", "nowhere").err


def test_of_several_projects_one_is_named(workspace: Workspace, pictures: Path) -> None:
    workspace.write("projects/other/project.yaml", "kind: project\nid: other\n")
    done = workspace.koma("new", "character", "yuki", "--from", str(pictures))
    assert (done.code, "name one with --project: demo, other" in done.err) == (2, True)
    assert workspace.koma("new", "character", "yuki", "--from", str(pictures), "--project", "other").code == 0
    assert (workspace.root / "projects/other/characters/yuki.yaml").is_file()
