"""`koma measure`: what it measures, against whom, what it says of it, and what it draws."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from koma.__main__ import main
from koma.core.metrics import METRICS
from koma.core.thresholds import SHARPNESS_MIN
from koma.measures.registry import METERS
from koma.pixels.picture import read_picture
from koma.pixels.plot import WIDTH
from support.pictures import drawing, flat, save, save_clip
from support.workspaces import Workspace, picture

PAN = [drawing(96, 64, shift=3 * number) for number in range(12)]
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 12345\n"
SHORT = ("--metric", "sharpness", "--metric", "frozen")


@pytest.fixture
def clip(tmp_path: Path) -> str:
    return str(save_clip(tmp_path / "pan.mkv", PAN))


@pytest.fixture
def still(tmp_path: Path) -> str:
    return str(save(PAN[0], tmp_path / "still.png"))


def facts(workspace: Workspace, *args: str) -> dict[str, dict[str, object]]:
    """Measurements of one file by metric, with the character behind a space."""
    (file,) = workspace.koma("measure", "--json", *args).json["files"]
    return {f"{m['metric']} {m['subject']}".strip(): m for m in file["measurements"]}


# -- what is measured -----------------------------------------------------------------------------------------------------


def test_every_metric_there_is_says_something_about_a_clip(workspace, clip):
    found = facts(workspace, clip)
    assert found.keys() == METRICS.keys() - {"overall"}
    values = {metric: one["value"] for metric, one in found.items()}
    assert (values["decodes"], values["frame-count"], values["frame-rate"], values["width"], values["frozen"]) == (1, 12, 12, 96, 0)
    assert [metric for metric, one in found.items() if one["failed"] or (one["value"] is None and not one["why"])] == []


def test_every_metric_that_needs_nothing_but_the_clip_has_a_value(workspace, clip):
    found = facts(workspace, clip)
    alone = [metric for metric in METERS if not METRICS[metric].reads]
    assert {metric: found[metric]["why"] for metric in alone if found[metric]["value"] is None} == {}


def test_metrics_that_can_not_run_here_say_so_once(workspace, clip, still):
    out = workspace.koma("measure", clip, still).out
    below = out.partition("not measured:")[2]
    assert below.count("face-count") == 1
    assert below.count("--against CHARACTER") == 1
    assert "face-count" not in out.partition("not measured:")[0]


def test_only_the_metrics_that_are_named_are_measured(workspace, clip):
    assert facts(workspace, clip, *SHORT).keys() == {"decodes", "sharpness", "frozen"}


def test_overall_brings_what_it_is_made_of(workspace, clip):
    found = facts(workspace, clip, "--metric", "overall", "--profile", "standard")
    assert {"overall", "flicker", "melt", "aesthetic"} <= found.keys()
    assert found["overall"]["value"] is None
    assert "aesthetic" in found["overall"]["why"]


def test_a_profile_without_an_overall_value_says_so_to_who_asks_for_one(workspace, clip):
    assert "--profile standard" in facts(workspace, clip, "--metric", "overall")["overall"]["why"]


def test_no_workspace_is_needed(tmp_path, monkeypatch, capsys, clip):
    monkeypatch.chdir(tmp_path)
    assert main(["measure", clip, *SHORT]) == 0
    assert "pan.mkv" in capsys.readouterr().out


# -- what is said ---------------------------------------------------------------------------------------------------------


def test_a_table_has_value_unit_rule_and_what_the_rule_says(workspace, tmp_path):
    black = str(save(flat(0), tmp_path / "black.png"))
    out = workspace.koma("measure", black, "--metric", "sharpness", "--metric", "blank").out
    rows = {line.split()[1]: line.split()[2:] for line in out.splitlines() if line.startswith("black.png  ")}
    assert rows["blank"] == ["1", "ratio", "=", "0", "failed"]
    assert rows["sharpness"][:4] == ["0", "luma²", ">=", f"{SHARPNESS_MIN:g},"]
    assert rows["sharpness"][-1] == "failed"
    assert "black.png: as a still, by the rules of the profile basic: failed at validity: blank" in out


def test_several_files_stand_in_one_table(workspace, tmp_path):
    done = workspace.koma("measure", *(str(save(p, tmp_path / n)) for p, n in ((flat(0), "black.png"), (drawing(), "busy.png"))))
    rows = {tuple(line.split()[:2]): line.split()[2] for line in done.out.splitlines()[1:] if len(line.split()) > 2}
    assert (rows["black.png", "black"], rows["busy.png", "black"]) == ("1", "0")
    assert done.code == 0


def test_a_rule_that_only_shows_does_not_decide(workspace, tmp_path):
    jumps = [drawing(96, 64, shift=17 * number) for number in range(8)]
    found = facts(workspace, str(save_clip(tmp_path / "a.mkv", jumps)), "--metric", "ssim-consistency")["ssim-consistency"]
    assert [(rule["required"], rule["verdict"]) for rule in found["rules"]] == [(False, "failed")]
    (file,) = workspace.koma("measure", "--json", str(tmp_path / "a.mkv"), "--metric", "ssim-consistency").json["files"]
    assert file["verdict"] == "passed"


def test_json_tells_where_a_threshold_comes_from_and_what_measured(workspace, still):
    found = facts(workspace, still, *SHORT)["sharpness"]
    assert {(rule["source"], rule["basis"], rule["op"]) for rule in found["rules"]} == {
        ("koma basic", "placeholder", ">="),
        ("koma basic", "placeholder", "<="),
    }
    assert found["record"]["definition"] == METRICS["sharpness"].digest
    assert found["details"]["per_frame"] == [pytest.approx(found["value"], abs=1e-3)]


def test_a_clip_is_judged_as_a_loop_where_that_is_asked_for(workspace, clip):
    as_video, as_loop = (facts(workspace, clip, "--metric", "loop-seam", *more)["loop-seam"]["rules"] for more in ((), ("--as", "loop")))
    assert (as_video, [rule["op"] for rule in as_loop]) == ([], ["<="])


def test_an_animated_picture_is_no_still(workspace, tmp_path):
    first, *others = [Image.fromarray(pixels) for pixels in PAN]
    first.save(tmp_path / "a.webp", save_all=True, append_images=others, duration=80, lossless=True)
    (file,) = workspace.koma("measure", "--json", str(tmp_path / "a.webp"), "--metric", "frame-count").json["files"]
    assert (file["judged_as"], file["verdict"], file["stage"]) == ("still", "failed", "validity")
    assert "frame-count 12" in file["reason"]


def test_a_long_clip_tells_how_far_it_is(workspace, tmp_path):
    shown = [drawing(16, 16, shift) for shift in range(8)]
    long = save_clip(tmp_path / "long.mkv", [shown[number % 8] for number in range(510)])
    err = workspace.koma("measure", str(long), *SHORT).err
    assert [line for line in err.splitlines() if "frames" in line] == ["long.mkv: 250 frames", "long.mkv: 500 frames"]


# -- what can't be used ---------------------------------------------------------------------------------------------------


def test_a_file_that_does_not_decode_says_why_and_ends_with_1(workspace):
    done = workspace.koma("measure", str(workspace.root / "koma.yaml"))
    assert done.code == 1
    assert done.out.count("koma.yaml  ") == 1
    assert "not a readable clip" in done.out


def test_a_bad_file_takes_no_other_along(workspace, tmp_path, still):
    (tmp_path / "empty.png").touch()
    done = workspace.koma("measure", "--json", str(tmp_path / "empty.png"), still, *SHORT)
    empty, sound = done.json["files"]
    assert done.code == 1
    assert [(one["metric"], one["value"]) for one in empty["measurements"]] == [("decodes", 0), ("sharpness", None), ("frozen", None)]
    assert sound["measurements"][1]["value"] > 0


def pipe(file: Path) -> None:
    os.mkfifo(file)


@pytest.mark.parametrize(
    ("name", "make", "judged_as", "why"),
    [
        pytest.param("gone.png", lambda _file: None, "still", "No such file or directory", id="a file that is not there"),
        pytest.param("gone.mp4", lambda _file: None, "video", "No such file or directory", id="a clip that is not there"),
        pytest.param("takes", Path.mkdir, "video", "it is a folder, and its files want naming one by one", id="a folder"),
        pytest.param("pipe.png", pipe, "still", "it is a pipe or a device and no file", id="a pipe, which is not waited for"),
        pytest.param("b.png", lambda file: file.write_text("hello"), "still", "no picture that Koma knows", id="a text called .png"),
        pytest.param(
            "b.mp4", lambda file: file.write_text("hello"), "video", "no clip that Koma knows; an MP4, MOV", id="a text called .mp4"
        ),
        pytest.param("b.png", lambda file: file.write_text(POINTER), "still", "a Git LFS pointer, for `git lfs pull`", id="an LFS pointer"),
    ],
)
def test_what_is_no_file_to_be_read_says_why_and_takes_no_other_along(workspace, tmp_path, still, name, make, judged_as, why):
    make(tmp_path / name)
    done = workspace.koma("measure", "--json", str(tmp_path / name), still, *SHORT)
    bad, sound = done.json["files"]
    assert (done.code, bad["judged_as"], bad["measurements"][0]["value"]) == (1, judged_as, 0)
    assert why in bad["measurements"][0]["why"]
    assert sound["measurements"][1]["value"] > 0


def test_files_of_the_same_name_are_told_apart_by_their_paths(workspace, tmp_path, still):
    other = tmp_path / "other" / "still.png"
    other.parent.mkdir()
    save(drawing(), other)
    out = workspace.koma("measure", still, str(other), *SHORT).out
    assert {line.split()[0] for line in out.splitlines() if "decodes" in line} == {still, str(other)}


def test_plots_that_can_not_be_written_lose_nothing_that_was_measured(workspace, clip, still):
    done = workspace.koma("measure", clip, *SHORT, "--plots", still)
    assert (done.code, "name another folder with --plots" in done.err, "sharpness" in done.out) == (1, True, True)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        pytest.param(["--metric", "shapness", "x.png"], "did you mean `sharpness`?", id="a metric that does not exist"),
        pytest.param([], "name files to measure", id="nothing at all"),
        pytest.param(["--specimens", "x.png"], "name files to measure, or one of", id="files beside a table"),
        pytest.param(["--specimens", "--metric", "melt"], "--metric says nothing about --specimens", id="metrics beside all clips"),
        pytest.param(["--consistency", "--plots", "x"], "--plots says nothing about --consistency", id="plots beside a table"),
        pytest.param(["STILL", "--as", "sheet"], "'sheet' is not one of 'still', 'loop', 'video'", id="a phase that is none"),
        pytest.param(["STILL", "--against", "akki"], "did you mean `aki`?", id="a character that does not exist"),
        pytest.param(["STILL", "--against", "demmo/aki"], "did you mean `demo`?", id="a project that does not exist"),
        pytest.param(["STILL", "--against", "aki:chidl"], "did you mean `child`?", id="a version that does not exist"),
        pytest.param(["STILL", "--against", "ren:x"], "'ren' has no version 'x'", id="a version of who has none"),
        pytest.param(["STILL", "--against", "aki", "--against", "aki:child"], "named twice", id="a character twice"),
    ],
)
def test_a_command_that_makes_no_sense_is_refused(workspace, still, args, words):
    done = workspace.koma("measure", *(still if arg == "STILL" else arg for arg in args))
    assert done.code == 2, done
    assert words in done.err


def test_characters_are_named_by_project_where_two_projects_have_them(workspace, still):
    for path in ("project.yaml", "aki.yaml"):
        workspace.write(f"projects/other/{path}", workspace.read(f"projects/demo/{path}").replace("id: demo", "id: other"))
    done = workspace.koma("measure", still, "--against", "aki")
    assert (done.code, "one of demo/aki, other/aki" in done.err) == (2, True)
    assert workspace.koma("measure", still, "--against", "other/aki", *SHORT).code == 0
    done = workspace.koma("measure", still, "--against", "other/aki", "--against", "demo/ren")
    assert (done.code, "several projects" in done.err) == (2, True)


def test_a_character_can_not_be_named_outside_of_a_workspace(tmp_path, monkeypatch, capsys, still):
    monkeypatch.chdir(tmp_path)
    assert main(["measure", still, "--against", "aki"]) == 1
    assert "no koma.yaml" in capsys.readouterr().err


# -- against a character --------------------------------------------------------------------------------------------------


def test_a_picture_is_compared_with_the_palette_of_a_version(workspace, tmp_path):
    hair = flat((0x6E, 0x46, 0x28), 64, 64)  # of Aki as a child
    shown = np.concatenate([hair, drawing(64, 64)])
    file = str(save(shown, tmp_path / "a.png"))
    child, adult = (
        facts(workspace, file, "--against", f"aki:{version}")["palette-distance aki"]["value"] for version in ("child", "adult")
    )
    assert child < 1 < adult


def test_each_of_several_characters_has_a_measurement(workspace, still):
    found = facts(workspace, still, "--against", "aki:adult", "--against", "ren", "--metric", "palette-distance")
    assert {"palette-distance aki", "palette-distance ren"} <= found.keys()


def test_the_rules_shown_are_those_of_the_project(workspace, still):
    workspace.append("projects/demo/project.yaml", "gates: {profile: own, rules: {still: {sharpness: {min: 99999}}}}\n")
    done = workspace.koma("measure", still, "--against", "aki", *SHORT)
    assert "by the rules of the project demo: failed at floor: sharpness" in done.out
    assert ">= 99999" in done.out
    shown = workspace.koma("measure", still, "--against", "aki", "--profile", "basic", *SHORT).out
    assert "by the rules of the profile basic: passed" in shown


def test_the_pictures_of_a_character_are_read_where_they_lie(workspace, tmp_path, monkeypatch, still):
    workspace.write("projects/demo/references/ren/a.png", picture(1))
    seen = []
    monkeypatch.setattr("koma.cli.measuring.FileMeasure", lambda picture, _models, _device, seen: Watching(picture))

    class Watching:
        def __init__(self, find):
            self._find = find

        def measure(self, _file, _media, _metrics, against):
            seen.extend(self._find(reference) for subject in against.subjects for reference in subject.references)
            return ()

    workspace.koma("measure", still, "--against", "ren")
    assert seen == [workspace.root / "projects/demo/references/ren/a.png"]


# -- plots ----------------------------------------------------------------------------------------------------------------


def test_plots_are_drawn_for_each_metric_with_a_value_for_every_frame(workspace, tmp_path, clip):
    folder = tmp_path / "deep/plots"
    done = workspace.koma("measure", clip, "--json", "--plots", str(folder))
    found = json.loads(done.out)["files"][0]["measurements"]
    wanted = {f"pan.mkv.{m['metric']}.png" for m in found if len(m["details"].get("per_frame") or ()) > 1}
    assert "pan.mkv.sharpness.png" in wanted
    assert {file.name for file in folder.iterdir()} == {*wanted, "pan.mkv.overview.png"}
    assert f"{len(wanted) + 1} plots in {folder}" in done.err
    assert {read_picture(file).shape[1] for file in folder.iterdir()} == {WIDTH}


def test_plots_of_files_with_one_name_lie_beside_each_other(workspace, tmp_path, clip):
    (tmp_path / "b").mkdir()
    other = str(save_clip(tmp_path / "b/pan.mkv", PAN[:4]))
    workspace.koma("measure", clip, other, "--plots", str(tmp_path / "plots"), "--metric", "sharpness")
    assert {file.name for file in (tmp_path / "plots").iterdir()} == {
        f"{number}.pan.mkv.{what}.png" for number in (1, 2) for what in ("sharpness", "overview")
    }


def test_a_picture_has_nothing_to_plot(workspace, tmp_path, still):
    assert "no plots" in workspace.koma("measure", still, "--plots", str(tmp_path / "plots"), *SHORT).err


def test_a_folder_that_can_not_be_written_is_named(workspace, tmp_path, clip):
    (tmp_path / "taken").touch()
    done = workspace.koma("measure", clip, "--plots", str(tmp_path / "taken"), *SHORT)
    assert done.code == 1
    assert f"{tmp_path}/taken: File exists" in done.err
