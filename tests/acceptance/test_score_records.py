"""A published gate result says everything about each score: what it is, what measured it, of which pixels, and against which threshold."""

import json
from typing import Any

import pytest

from koma.core.metrics import METRICS
from koma.core.words import Verdict
from support.served import ServedComfyUI
from support.workspaces import STILL, VIDEO, Workspace, comfyui_config, story

GATES = """\
gates:
  profile: basic
  rules: {all: {palette-distance: {max: 100, required: false}, clip-consistency: {min: 0, required: false}}}
"""
RECORD = {"definition", "content", "weights", "runtime", "provider", "libraries"}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    with ServedComfyUI() as server:
        workspace = story(tmp_path_factory.mktemp("records"), comfyui_config(server.url))
        workspace.append("projects/demo/project.yaml", GATES)
        workspace.once()
    return workspace


def gate(workspace: Workspace, target: str) -> Any:
    return json.loads(workspace.output(target, ".gate.json").read_text())


def score(document: Any, check: Any) -> Any:
    """The measurement that a check is about."""
    return next(
        m for m in document["measurements"] if (m["metric"], m["subject"]) in {(check["metric"], check["subject"]), (check["metric"], "")}
    )


@pytest.mark.parametrize("target", [STILL, VIDEO])
def test_every_check_has_a_score_with_a_whole_record(rendered, target):
    document = gate(rendered, target)
    assert len(document["checks"]) > 8
    for check in document["checks"]:
        found, spec = score(document, check), METRICS[check["metric"]]
        assert (found["version"], found["unit"]) == (spec.version, spec.unit)
        assert found["record"].keys() >= RECORD, check["metric"]
        assert found["record"]["definition"] == spec.digest
        assert len(found["key"]) == 64
        assert (found["value"] is None) is bool(found["why"])
        assert all(weights.keys() == {"name", "sha256", "licence"} for weights in found["record"]["weights"])


@pytest.mark.parametrize("target", [STILL, VIDEO])
def test_every_score_is_about_the_pixels_of_the_take(rendered, target):
    document, receipt = gate(rendered, target), rendered.receipt(target)
    (content,) = {one["content_digest"] for one in receipt["artifacts"] if one["role"] == "object"}
    assert {one["record"]["content"] for one in document["measurements"]} == {content}


@pytest.mark.parametrize("target", [STILL, VIDEO])
def test_every_check_says_what_was_demanded_where_that_stands_and_what_came_of_it(rendered, target):
    for check in gate(rendered, target)["checks"]:
        assert check["op"] in (">=", "<=", "==")
        assert isinstance(check["threshold"], float)
        assert check["source"].startswith(("koma basic", "projects/demo/project.yaml"))
        assert check["basis"] == ("" if check["op"] == "==" else "placeholder")
        assert check["verdict"] in set(Verdict)
        assert check["metric"] in check["message"]
        assert check["measured"] == METRICS[check["metric"]].definition


def test_thresholds_of_the_project_name_the_project(rendered):
    sources = {check["metric"]: check["source"] for check in gate(rendered, VIDEO)["checks"]}
    assert sources["palette-distance"].startswith("projects/demo/project.yaml")
    assert sources["flicker"] == "koma basic"


def test_what_measures_without_weights_names_its_libraries_and_the_processor(rendered):
    records = {one["metric"]: one["record"] for one in gate(rendered, VIDEO)["measurements"] if not METRICS[one["metric"]].weights}
    assert {record["provider"] for record in records.values()} == {"cpu"}
    assert all({"numpy", "opencv-python-headless"} <= record["libraries"].keys() for record in records.values())
    assert all(record["weights"] == [] for record in records.values())


def test_a_clip_has_a_value_for_each_frame(rendered):
    scores = {one["metric"]: one["details"] for one in gate(rendered, VIDEO)["measurements"]}
    assert len(scores["sharpness"]["per_frame"]) == 4
    assert len(scores["frozen"]["per_frame"]) == 3


def test_a_character_has_a_score_of_its_own(rendered):
    document = gate(rendered, STILL)
    assert [
        (one["subject"], one["value"] is not None or bool(one["why"]))
        for one in document["measurements"]
        if one["metric"] == "palette-distance"
    ] == [("aki", True)]


def test_what_can_not_be_measured_here_says_why_and_is_not_made_up(rendered):
    document = gate(rendered, VIDEO)
    (found,) = [one for one in document["measurements"] if one["metric"] == "clip-consistency"]
    (check,) = [one for one in document["checks"] if one["metric"] == "clip-consistency"]
    assert (found["value"], found["failed"], check["verdict"]) == (None, False, "unmeasured")
    assert "do:" in found["why"]


def test_a_verdict_that_is_not_passed_names_the_stage_and_the_reason(rendered, tmp_path):
    passed = gate(rendered, STILL)
    assert (passed["gate"], passed["decided_by"], passed["reason"]) == ("passed", "", "")
    with ServedComfyUI() as server:
        workspace = story(tmp_path, comfyui_config(server.url))
        workspace.append("projects/demo/project.yaml", "gates: {rules: {still: {sharpness: {min: 100000000}}}}\ntakes: {still: 1}\n")
        workspace.once(code=3)
    failed = gate(workspace, STILL)
    assert (failed["gate"], failed["decided_by"]) == ("failed", "floor")
    assert "sharpness" in failed["reason"]
