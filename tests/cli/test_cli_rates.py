"""Pass rates: wherever a command shows one, it shows how much a rate of so few shots means."""

import pytest

from support.workspaces import STILL, VIDEO

SCENE = "projects/demo/s01.yaml"
INTERVAL = {"low": 0, "high": 0.5615}
SHORT = "0 of 3 stills passed, 3 are needed (95 % interval of the rate: 0% to 56%); missing: "


@pytest.mark.parametrize("command", [["status"], ["plan"], ["explain", VIDEO]], ids=lambda command: command[0])
def test_programs_are_given_rate_and_interval(workspace, command):
    rates = workspace.koma(*command, "--json").json["phases"]
    assert [(rate["scope"], rate["phase"], rate["passed"], rate["wanted"], rate["rate"]) for rate in rates] == [
        ("demo", "still", 0, 3, 0),
        ("demo", "video", 0, 1, 0),
    ]
    assert rates[0]["interval"] == INTERVAL
    assert rates[1]["why"].startswith(SHORT)


@pytest.mark.parametrize("command", [["status"], ["explain", VIDEO]], ids=lambda command: command[0])
def test_people_are_shown_rate_and_interval(workspace, command):
    out = workspace.koma(*command).out
    assert "demo   still  0 of 3  0%    0% to 56%      80%     open" in out
    assert SHORT in out


def test_a_phase_that_stays_closed_says_so_in_the_plan(workspace):
    workspace.edit(SCENE, "[ren]", "[rin]")
    out = workspace.koma("plan").out
    assert f"! {VIDEO}  hold (phase-closed)" in out
    assert f"    {SHORT}" in out


def test_the_phases_of_other_scopes_are_none_of_a_target_s_business(workspace):
    workspace.append("projects/demo/project.yaml", "phase_gate: {scope: scene}\n")
    workspace.write("projects/demo/s02.yaml", "kind: scene\nid: s02\nshots:\n  - {id: sh010, characters: [ren], phases: [still]}\n")
    assert {rate["scope"] for rate in workspace.plan()["phases"]} == {"demo/s01", "demo/s02"}
    assert {rate["scope"] for rate in workspace.koma("explain", STILL, "--json").json["phases"]} == {"demo/s01"}
