"""The embedded animatic: the same stories without any server. It draws the reference pictures, so they count."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from support.pictures import drawing
from support.workspaces import ADULT, ALL, ANIMATIC_CONFIG, REN, STILL, VIDEO, Workspace, comfyui_config, eventually, story

SCENE_FILE, AKI_FILE, PROJECT_FILE = "projects/demo/s01.yaml", "projects/demo/aki.yaml", "projects/demo/project.yaml"
FACE = "projects/demo/references/aki/child/face.png"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return story(tmp_path, ANIMATIC_CONFIG)


@pytest.fixture
def rendered(workspace: Workspace) -> Workspace:
    workspace.once()
    return workspace


def renders(workspace: Workspace) -> int:
    """How many renders there were."""
    return len(workspace.events("job_submitted"))


def picture(shift: int = 0, **options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(drawing(32, 32, shift)).save(out, "PNG", **options)
    return out.getvalue()


def test_every_shot_is_drawn_without_a_server(workspace: Workspace) -> None:
    workspace.once()
    assert set(workspace.pictures()) == {f"{target}.animatic.{'mp4' if target == VIDEO else 'png'}" for target in ALL}
    for target in ALL:
        assert workspace.verdict(f"{target}.animatic") == "passed"
        assert workspace.receipt(f"{target}.animatic")["backend"] == "animatic"


def test_a_second_run_draws_nothing_and_says_so(rendered: Workspace) -> None:
    done = rendered.once()
    assert done.out == "nothing to do; 4 as wanted\n"
    assert renders(rendered) == 4


def test_two_machines_draw_the_same_pixels(rendered: Workspace, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = story(tmp_path_factory.mktemp("other"), ANIMATIC_CONFIG)
    other.once()
    for target in ALL:
        mine, theirs = (w.receipt(f"{target}.animatic")["artifacts"] for w in (rendered, other))
        assert [artifact["content_digest"] for artifact in mine] == [artifact["content_digest"] for artifact in theirs]


def test_a_changed_seed_draws_that_shot_again(rendered: Workspace) -> None:
    rendered.edit(SCENE_FILE, "seed: 7", "seed: 8")
    assert rendered.actions() == {STILL: ("render", "changed"), VIDEO: ("render", "changed")}
    rendered.once()
    assert renders(rendered) == 6


def test_a_changed_palette_draws_exactly_the_shots_with_that_version(rendered: Workspace) -> None:
    rendered.edit(AKI_FILE, 'hair: "#6e4628"', 'hair: "#6e4629"')  # one shade is enough here: the animatic paints it
    assert set(rendered.actions()) == {STILL, VIDEO}
    rendered.once()
    rendered.edit(AKI_FILE, 'eyes: "#ffbe3c"', 'eyes: "#329646"')
    assert set(rendered.actions()) == {STILL, VIDEO, ADULT}


def test_a_new_line_of_dialogue_draws_that_shot_again(rendered: Workspace) -> None:
    rendered.edit(SCENE_FILE, "text: hi", "text: hello")
    assert STILL in rendered.actions()
    assert REN not in rendered.actions()


def test_a_reference_picture_that_is_replaced_by_another_of_the_same_name_draws_its_shots_again(workspace: Workspace) -> None:
    workspace.write(FACE, picture())
    workspace.once()
    before = workspace.pictures()
    workspace.write(FACE, picture(shift=3))
    assert workspace.actions() == {STILL: ("render", "changed"), VIDEO: ("render", "changed")}
    (field,) = workspace.plan()["actions"][0]["changed"]
    assert (field["field"], field["file"]) == ("inputs.reference:aki", FACE)
    workspace.once()
    assert renders(workspace) == 6
    after = workspace.pictures()
    assert {path.split(".")[0] for path in after if after[path] != before[path]} == {STILL, VIDEO}


def test_the_same_picture_saved_differently_draws_nothing(workspace: Workspace) -> None:
    workspace.write(FACE, picture(compress_level=1))
    workspace.once()
    workspace.write(FACE, picture(compress_level=9))
    assert workspace.actions() == {}


def test_a_dropped_reference_draws_the_shots_of_that_version(rendered: Workspace) -> None:
    rendered.write(FACE, picture())
    assert set(rendered.actions()) == {STILL, VIDEO}
    rendered.once()
    (rendered.root / FACE).unlink()
    assert rendered.actions() == {STILL: ("restore", "reverted"), VIDEO: ("restore", "reverted")}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(POINTER, "git-lfs-pointer", id="a Git LFS pointer"),
        pytest.param(b"\x89PNG\r\n\x1a\nbroken", "unreadable-image", id="a picture that can't be decoded"),
    ],
)
def test_a_bad_reference_holds_what_reads_it_and_nothing_else(content: bytes, code: str, rendered: Workspace) -> None:
    before = rendered.pictures()
    rendered.write(FACE, content)
    rendered.append(SCENE_FILE, "    seed: 5\n")
    (problem,) = rendered.plan()["problems"]
    assert (problem["code"], problem["file"], problem["severity"]) == (code, FACE, "error")
    rendered.once(code=1)
    after = rendered.pictures()
    assert {path for path in after if after[path] != before.get(path)} == {f"{REN}.animatic.png"}
    assert {rendered.actions()[target] for target in (STILL, VIDEO)} == {("hold", "blocked")}


def test_a_revert_and_a_lost_state_draw_nothing(rendered: Workspace) -> None:
    before = rendered.pictures()
    rendered.edit(SCENE_FILE, "seed: 7", "seed: 8")
    rendered.once()
    rendered.lose_state()
    rendered.edit(SCENE_FILE, "seed: 8", "seed: 7")
    rendered.once()
    assert renders(rendered) == 6
    assert rendered.pictures() == before


def test_a_broken_template_shows_as_a_warning_before_the_night(rendered: Workspace) -> None:
    rendered.edit("templates/noise/graph.json.j2", "ImageAddNoise", "ImageAddNoize")
    problems = rendered.plan()["problems"]
    assert {(problem["severity"], problem["code"], problem["file"]) for problem in problems} == {
        ("warning", "unknown-node-class", "templates/noise/graph.json.j2")
    }
    assert rendered.actions() == {}
    rendered.once()


def test_a_threshold_of_its_own_is_judged_without_drawing(rendered: Workspace) -> None:
    rendered.append(PROJECT_FILE, "gates: {rules: {video: {duration: {min: 100}}}}\n")
    assert rendered.actions() == {VIDEO: ("gate", "rule-changed")}
    rendered.once(code=3)
    assert rendered.actions() == {VIDEO: ("hold", "gate-changed")}
    assert renders(rendered) == 4


def test_the_animatic_and_the_final_lie_side_by_side_and_do_not_touch_each_other(rendered: Workspace) -> None:
    before = rendered.pictures()
    rendered.write("koma.yaml", comfyui_config("http://127.0.0.1:9"))
    assert {reason for _, reason in rendered.actions().values()} == {"new", "upstream"}
    assert rendered.actions("--rendition", "animatic") == {}
    assert rendered.pictures() == before


def test_killed_while_drawing_it_leaves_no_process_behind_and_the_next_start_draws_the_rest(workspace: Workspace) -> None:
    with workspace.start("run") as first:
        eventually(lambda: workspace.events("job_submitted"), "something is being drawn", process=first)
        helpers = Path(f"/proc/{first.popen.pid}/task/{first.popen.pid}/children").read_text().split()
        first.kill()
    eventually(lambda: not any(Path(f"/proc/{pid}/cmdline").exists() for pid in helpers), f"the helpers {helpers} end by themselves")
    workspace.once()
    assert {workspace.verdict(f"{target}.animatic") for target in ALL} == {"passed"}
    assert workspace.actions() == {}
