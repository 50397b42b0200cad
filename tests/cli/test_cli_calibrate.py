"""`koma calibrate`: thresholds from what people said of takes, proposed as a document; and what such a document does."""

import json
import shutil

import pytest
from PIL import Image

from koma.core.metrics import METRICS
from koma.core.parse import parse_document
from support.workspaces import STILL, Workspace, comfyui_config, story

PROJECT_FILE, TUNING_FILE = "projects/demo/project.yaml", "projects/demo/tuning.yaml"
SHOTS = [f"sh{number:03}" for number in range(66)]
MANY = "kind: scene\nid: s02\nshots:\n" + "".join(f"  - {{id: {shot}, characters: [ren], phases: [still]}}\n" for shot in SHOTS)
LENIENT = "gates: {profile: own, audit: noise, rules: {still: {sharpness: {min: 1, required: false}}}}\n"


def values(workspace: Workspace) -> dict[str, float]:
    """Sharpness of every still of the many, from the least."""
    found = {}
    for shot in SHOTS:
        checks = json.loads(workspace.output(f"demo/s02/{shot}/still", ".gate.json").read_text())["checks"]
        found[f"demo/s02/{shot}/still"] = next(check["value"] for check in checks if check["metric"] == "sharpness")
    return dict(sorted(found.items(), key=lambda item: item[1]))


@pytest.fixture(scope="module")
def studio(tmp_path_factory, server) -> Workspace:
    """66 stills that a fake server rendered; nobody has looked at them."""
    made = story(tmp_path_factory.mktemp("many") / "w", comfyui_config(server.url))
    made.write("projects/demo/s02.yaml", MANY)
    made.append(PROJECT_FILE, LENIENT)
    made.once()
    return made


@pytest.fixture(scope="module")
def once_reviewed(studio, tmp_path_factory) -> Workspace:
    """A person rejected the softer half of them, and three of the sharper ones, and approved the rest."""
    made = copied(studio, tmp_path_factory.mktemp("reviewed"))
    stills = [*values(made)]
    bad = [*stills[:30], *stills[40:43]]
    assert made.koma("review", "reject", *bad).code == 0
    assert made.koma("review", "approve", *(still for still in stills if still not in bad)).code == 0
    return made


def copied(workspace: Workspace, folder) -> Workspace:
    shutil.copytree(workspace.root, folder / "w")
    return Workspace(folder / "w", workspace.read("koma.yaml"))


@pytest.fixture
def reviewed(once_reviewed, tmp_path) -> Workspace:
    """A copy of it, to be changed."""
    return copied(once_reviewed, tmp_path)


def test_what_is_printed_is_a_sound_document_with_what_is_known_in_comments(once_reviewed):
    done = once_reviewed.koma("calibrate")
    assert done.code == 0
    parsed = parse_document(done.out, "tuning.yaml")
    assert parsed.problems == ()
    (threshold,) = parsed.documents[0].data["thresholds"]
    stills = values(once_reviewed)
    passing = [value for value in stills.values() if value >= threshold["min"]]
    assert (threshold["metric"], threshold["phase"], threshold["basis"]["n"]) == ("sharpness", "still", 66)
    assert (threshold["basis"]["good"], threshold["basis"]["bad"]) == (33, 33)
    assert sum(stills[still] in passing for still in [*stills][40:43]) == 3  # of 33 bad ones, 10 % are three
    assert len(passing) == 36
    for words in (
        "# demo, final, ",
        "at most 10 % of the bad takes are to pass",
        "# 66 of 70 takes were decided on, of 66 targets",
        "#   good (approved): 33, 50 %; 33 had passed their gate, 0 had not",
        "sharpness of stills: 33 good and 33 bad takes; 100 of each are advised",
        "false accepts: 3 of 33, 9 % (3 % to 24 %); in takes held out: ",
        "by now: at least 1",
        "# audit: no take was chosen by noise, so it says honestly how well what people approve can be told",
        "`gates.rules` name sharpness, and count more",
    ):
        assert words in done.out, words
    assert f"koma calibrate demo --write {TUNING_FILE}" in done.err


def test_the_same_reviews_give_the_same_document(once_reviewed):
    assert once_reviewed.koma("calibrate").out == once_reviewed.koma("calibrate", "demo").out


def test_without_reviews_it_says_how_many_are_needed(studio):
    done = studio.koma("calibrate")
    assert done.code == 3
    assert "0 of 70 takes were decided on, of 0 targets" in done.out
    assert "30 good and 30 bad takes with measurements are needed" in done.err
    assert "koma review approve TARGET" in done.err


def test_with_29_of_a_kind_it_refuses_and_says_what_is_missing(studio, tmp_path):
    workspace = copied(studio, tmp_path)
    stills = [*values(workspace)]
    workspace.koma("review", "reject", *stills[:29])
    workspace.koma("review", "approve", *stills[29:])
    done = workspace.koma("calibrate")
    assert done.code == 3
    assert "sharpness of stills: 37 good and 29 bad takes; 1 more bad are needed, 100 of each are advised" in done.out
    facts = workspace.koma("calibrate", "--json")
    assert facts.code == 3
    (series,) = facts.json["series"]
    assert (series["good"], series["bad"], series["missing_good"], series["missing_bad"]) == (37, 29, 0, 1)
    assert (series["threshold"], facts.json["proposal"]) == (None, None)


def test_it_is_written_where_it_is_asked_for_and_never_over_anything(reviewed, tmp_path):
    file = tmp_path / "thoughts" / "sharp.yaml"
    done = reviewed.koma("calibrate", "--write", str(file))
    assert done.code == 0
    assert f"wrote {file}: 1 threshold." in done.err
    assert "AUC " in done.out
    (document,) = parse_document(file.read_text(), file.name).documents
    assert document.id == "sharp"
    before = file.read_text()
    again = reviewed.koma("calibrate", "--write", str(file))
    assert again.code == 1
    assert "is there already" in again.err
    assert "--replace" in again.err
    assert file.read_text() == before
    assert reviewed.koma("calibrate", "--write", str(file), "--replace", "--target-false-accept", "0.2").code == 0
    assert "target_false_accept: 0.2" in file.read_text()


def test_a_document_gets_an_id_of_its_own(reviewed):
    reviewed.write("projects/demo/other.yaml", "kind: tuning\nid: tuning\n")
    reviewed.koma("calibrate", "--write", str(reviewed.root / TUNING_FILE))
    assert "id: tuning-2\n" in reviewed.read(TUNING_FILE)
    reviewed.koma("calibrate", "--write", str(reviewed.root / TUNING_FILE), "--replace")
    assert "id: tuning-2\n" in reviewed.read(TUNING_FILE)
    assert reviewed.koma("check").code == 0


def test_a_target_gives_all_the_numbers_to_programs(once_reviewed):
    facts = once_reviewed.koma("calibrate", "--json", "--metric", "sharpness").json
    assert (facts["project"], facts["rendition"], facts["takes"], facts["target_false_accept"]) == ("demo", "final", 70, 0.1)
    assert facts["labels"] == {"decided": 66, "good": {"passed": 33, "not_passed": 0}, "bad": {"passed": 33, "not_passed": 0}}
    (series,) = facts["series"]
    assert series["proposed"]
    assert series["auc"]["low"] < series["auc"]["value"] < 1
    assert series["entry"] == parse_document(facts["proposal"], "t.yaml").documents[0].data["thresholds"][0]
    assert series["false_accept"] == {"value": 0.0909, "low": 0.0314, "high": 0.2357}
    assert series["roc"][0]["true_accept"] == 1
    assert facts["audit"]["metric"] == "noise"


def test_what_can_not_be_brought_together_is_counted(reviewed):
    gone = '{target: s01/sh030/still, content: "' + "0" * 64 + '", decision: approve}'
    reviewed.write("projects/demo/reviews/old.yaml", f'kind: review\nid: old\nat: "2020-01-01"\ndecisions:\n  - {gone}\n')
    assert "# of the decisions left out: 1 about takes that are gone" in reviewed.koma("calibrate").out
    assert reviewed.koma("calibrate", "--json", "--rendition", "draft").json["left_out"] == {
        "about another rendition": 66,
        "about takes that are gone": 1,
    }
    assert reviewed.koma("calibrate", "--json", "--phase", "video").json["left_out"]["about another phase"] == 66


def test_every_roc_is_drawn(once_reviewed, tmp_path):
    assert once_reviewed.koma("calibrate", "--plot", str(tmp_path / "more" / "roc.png")).code == 0
    with Image.open(tmp_path / "more" / "roc.png") as picture:
        assert picture.size[0] > picture.size[1] > 100


def test_a_plot_that_can_not_be_written_says_so_and_nothing_else_is(once_reviewed, tmp_path):
    (tmp_path / "file").touch()
    asked = "--plot", str(tmp_path / "file" / "roc.png"), "--write", str(tmp_path / "t.yaml")
    done = once_reviewed.koma("calibrate", *asked)
    assert (done.code, "roc.png can't be written" in done.err, (tmp_path / "t.yaml").exists()) == (1, True, False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["dmo"], "did you mean `demo`?", id="a project that is not there"),
        pytest.param(["--metric", "sharpnes"], "did you mean `sharpness`?", id="a metric that is not there"),
        pytest.param(["--metric", "width"], "width has no threshold to be found", id="a metric that is exact"),
        pytest.param(["--metric", "overall"], "made of the others", id="one that is made of others"),
        pytest.param(["--phase", "animatic"], "nothing is calibrated in a phase 'animatic'", id="a phase without a gate"),
        pytest.param(["--rendition", "rough"], "there is no rendition 'rough'", id="a rendition that is not there"),
        pytest.param(["--target-false-accept", "0"], "a share above 0", id="no false accepts at all"),
        pytest.param(["--target-false-accept", "0.9"], "up to 0.5", id="nearly all of them"),
    ],
)
def test_a_wrong_command_line_is_said_to_be_wrong(workspace, arguments, words):
    done = workspace.koma("calibrate", *arguments)
    assert done.code == 2
    assert words in done.err


def test_with_several_projects_one_is_named(workspace):
    workspace.write("projects/second/project.yaml", "kind: project\nid: second\n")
    done = workspace.koma("calibrate")
    assert done.code == 2
    assert "there are 2 projects" in done.err
    assert workspace.koma("calibrate", "second").code == 3


# -- what a tuning document does ----------------------------------------------------------------------------------------------

TUNING = "kind: tuning\nid: tuning\nthresholds:\n  - metric: sharpness\n    phase: still\n    required: true\n    min: 1\n"


@pytest.fixture(scope="module")
def once_tuned(tmp_path_factory, server) -> Workspace:
    """Three stills and a video, judged by the file contract and by one threshold of a tuning document."""
    made = story(tmp_path_factory.mktemp("tuned") / "w", comfyui_config(server.url))
    made.append(PROJECT_FILE, "gates: {profile: own}\n")
    made.write(TUNING_FILE, TUNING)
    made.once()
    return made


@pytest.fixture
def tuned(once_tuned, tmp_path) -> Workspace:
    """A copy of it, to be changed."""
    return copied(once_tuned, tmp_path)


def check_of(workspace: Workspace) -> dict:
    """What became of sharpness in the gate of a still."""
    checks = json.loads(workspace.output(STILL, ".gate.json").read_text())["checks"]
    return next(check for check in checks if check["metric"] == "sharpness")


def test_a_changed_tuning_document_is_judged_anew_and_renders_nothing(tuned, server):
    before, prompts = tuned.pictures(), server.prompts
    tuned.edit(TUNING_FILE, "min: 1\n", "min: 100000000\n")
    assert {action for target, action in tuned.actions().items() if target.endswith("/still")} == {("gate", "rule-changed")}
    tuned.once(code=3)
    assert tuned.actions()[STILL] == ("hold", "gate-changed")
    check = check_of(tuned)
    assert (check["verdict"], check["source"], check["basis"]) == ("failed", f"{TUNING_FILE} thresholds.0", "placeholder")
    tuned.write(TUNING_FILE, TUNING)
    tuned.once()
    assert tuned.actions() == {}
    assert (server.prompts, tuned.pictures()) == (prompts, before)


def test_a_document_that_can_not_be_used_holds_what_it_would_judge(tuned):
    tuned.edit(TUNING_FILE, "sharpness", "sharpnes")
    assert set(tuned.actions().values()) == {("hold", "blocked")}
    told = tuned.koma("explain", STILL).out
    assert f"{TUNING_FILE}:4:13: no metric is called `sharpnes`" in told
    assert "did you mean `sharpness`?" in told


def test_a_calibration_for_another_version_is_a_warning_and_a_placeholder(tuned):
    version = f'version: "{METRICS["sharpness"].version}"'
    tuned.append(TUNING_FILE, f"    basis: {{n: 60, good: 30, bad: 30, date: 2026-11-20, {version}}}\n")
    tuned.once()
    assert tuned.koma("check").code == 0
    assert check_of(tuned)["basis"] == "calibrated n=60 2026-11-20"
    tuned.edit(TUNING_FILE, version, 'version: "0"')
    assert "[stale-calibration]" in tuned.koma("check").out
    tuned.once()
    assert check_of(tuned)["basis"].startswith("placeholder: calibrated for version 0, this is ")
