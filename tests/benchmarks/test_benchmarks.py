"""The benchmarks measure right plans: every state of theirs, on a small workspace."""

import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from koma.core.metrics import METRICS
from koma.core.profiles import Asked
from koma.core.rules import base_rules, own_rules
from koma.core.spec.project import Project
from koma.core.words import BackendKind, Phase

HERE = str(Path(__file__).parent)
SHOTS = 90  # the changed scene is the eighth


@pytest.fixture(scope="module")
def plan_speed():
    sys.path.insert(0, HERE)
    yield import_module("plan_speed")
    sys.path.remove(HERE)


@pytest.fixture(scope="module")
def workspace(plan_speed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("benchmark") / "workspace"
    import_module("workspace").make(folder, SHOTS)
    return folder


def test_a_generated_workspace_has_nothing_left_to_do(plan_speed, workspace):
    plan_speed.check_nothing_to_do(workspace, SHOTS)


@pytest.mark.parametrize("number", range(5), ids=["nothing", "one scene", "template", "white space", "character"])
def test_a_measured_state_is_planned_exactly(plan_speed, workspace, number):
    state = plan_speed.states(SHOTS)[number]
    with plan_speed.changed(workspace, state):
        plan_speed.check(workspace, state, SHOTS)


def test_a_change_that_is_planned_wrongly_is_noticed(plan_speed, workspace):
    state = plan_speed.states(SHOTS)[1]
    with plan_speed.changed(workspace, state), pytest.raises(AssertionError, match="planned"):
        plan_speed.check(workspace, state._replace(renders=2), SHOTS)


def test_families_are_loaded_as_rarely_as_can_be(plan_speed):
    stories = import_module("families").told(SHOTS)
    assert [story.koma - story.least for story in stories] == [0, 0]
    assert all(story.koma < story.file_order for story in stories)


def test_a_percentile_is_one_of_the_values(plan_speed):
    timing = import_module("timing")
    assert (timing.median([3.0, 1.0, 2.0]), timing.p95([float(n) for n in range(1, 101)]), timing.p95([7.0])) == (2.0, 95.0, 7.0)


def test_a_ratio_is_met_up_to_its_target(plan_speed):
    measured = plan_speed.Measured(0.1, 30.0, 2.5)
    assert plan_speed.row("plan", measured, 2.5, 100)[-1] == "met"
    assert plan_speed.row("plan", measured, 2.4, 100)[-1] == "MISSED"
    assert plan_speed.row("plan", measured, 2.5, 29)[-1] == "MISSED"
    assert plan_speed.row("ninja", measured, None, None)[-1] == ""


def test_the_gates_that_are_timed_ask_for_every_metric_and_refuse_nothing(plan_speed):
    gates = yaml.safe_load(import_module("measuring").all_shown())
    assert gates["profile"] == "basic"
    project = {"kind": "project", "id": "p", "title": "P", "gates": gates}
    Project.model_validate(project)
    asked = Asked(Phase.VIDEO, BackendKind.COMFYUI, {"motion": True})
    rules = own_rules(base_rules(asked, gates), asked, gates, "project.yaml")
    assert {"melt", "flow-smoothness", "ssim-consistency"} <= {rule.metric for rule in rules}
    assert {rule.metric for rule in rules if rule.required} == {"decodes", "blank", "black"}


def test_every_metric_without_weights_is_timed(plan_speed):
    assert set(import_module("measuring").without_weights()) == {spec.id for spec in METRICS.values() if not spec.weights} - {"overall"}
