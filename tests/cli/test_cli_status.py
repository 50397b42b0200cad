"""`koma status`: counts, queue, and what needs a person with the command that helps."""

from koma.stores.lock import StateLock
from support.workspaces import ADULT, REN, STILL, VIDEO

SCENE, PROJECT_FILE = "projects/demo/s01.yaml", "projects/demo/project.yaml"


def counts(workspace) -> dict[str, tuple[int, int, int]]:
    return {row["phase"]: (row["ready"], row["reconciling"], row["stalled"]) for row in workspace.koma("status", "--json").json["targets"]}


def test_nothing_rendered_is_reconciling(workspace):
    assert counts(workspace) == {"still": (0, 3, 0), "video": (0, 1, 0)}
    facts = workspace.koma("status", "--json").json
    assert (facts["format_version"], facts["rendition"], facts["daemon"], facts["waiting"], facts["queue"]) == (1, "animatic", "", [], [])
    assert facts["estimated_gpu_seconds"]["p50"] > 0


def test_everything_rendered_is_ready(once_rendered):
    assert counts(once_rendered) == {"still": (3, 0, 0), "video": (1, 0, 0)}
    (still, _) = once_rendered.koma("status", "--json").json["targets"]
    assert (still["takes_judged"], still["takes_passed"]) == (3, 3)
    text = once_rendered.koma("status").out
    assert "3 of 3" in text
    assert text.endswith("nothing waits for a person\n")


def test_a_closed_phase_says_what_is_missing(workspace):
    still, video = workspace.koma("status", "--json").json["phases"]
    assert (still["scope"], still["phase"], still["passed"], still["wanted"], still["threshold"]) == ("demo", "still", 0, 3, 0.8)
    assert (still["open"], still["rate"], still["interval"]) == (True, 0, {"low": 0, "high": 0.5615})
    assert still["missing"] == [STILL, ADULT, REN]
    why = f"0 of 3 stills passed, 3 are needed (95 % interval of the rate: 0% to 56%); missing: {STILL}, {ADULT}, {REN}"
    assert (video["open"], video["why"], video["missing"]) == (False, why, [VIDEO])
    lines = workspace.koma("status").out.splitlines()
    assert "demo   still  0 of 3  0%    0% to 56%      80%     open" in lines
    assert "demo   video  0 of 1  0%    0% to 79%      80%     closed" in lines
    assert f"  demo video: {why}" in lines


def test_where_nothing_is_to_be_done_the_phases_are_shown_as_well(once_rendered):
    found = [(one["phase"], one["passed"], one["wanted"], one["open"]) for one in once_rendered.koma("status", "--json").json["phases"]]
    assert found == [("still", 3, 3, True), ("video", 1, 1, True)]
    assert "demo   still  3 of 3  100%" in once_rendered.koma("status").out


def test_it_works_while_a_daemon_holds_the_lock(rendered):
    with StateLock(rendered.root / "outputs/.koma/state.lock"):
        done = rendered.koma("status")
    assert done.code == 0
    assert "daemon: process " in done.out


def test_a_failed_gate_is_named_with_the_command_that_helps(rendered):
    rendered.append(PROJECT_FILE, "gates: {rules: {still: {sharpness: {min: 1.0e+12}}}}\n")
    rendered.once(code=3)
    facts = rendered.koma("status", "--json").json
    assert {item["reason"] for item in facts["waiting"]} == {"gate-changed"}
    item = next(item for item in facts["waiting"] if item["target"] == STILL)
    assert "sharpness" in item["why"]
    assert f"koma retry {STILL}" in item["do"]
    text = rendered.koma("status").out
    assert "3 targets waiting for a person:" in text
    assert f"    do: loosen the rule, or: koma retry {STILL}\n" in text


def test_what_waits_for_a_person_is_limited_in_text_alone(rendered, monkeypatch):
    monkeypatch.setattr("koma.cli.standing._MOST", 1)
    rendered.append(PROJECT_FILE, "gates: {rules: {still: {sharpness: {min: 1.0e+12}}}}\n")
    rendered.once(code=3)
    assert "  and 2 more (koma status --json has all of them)\n" in rendered.koma("status").out
    assert len(rendered.koma("status", "--json").json["waiting"]) == 3


def test_errors_and_held_targets_are_counted(rendered):
    rendered.edit(SCENE, "[ren]", "[rin]")
    rendered.edit(SCENE, "    seed: 7\n", "    seed: 7\n    hold: true\n")
    facts = rendered.koma("status", "--json").json
    assert facts["problems"]["errors"] == 1
    assert facts["on_hold"] == {"held-by-spec": 2, "blocked": 1}
    text = rendered.koma("status").out
    assert "1 error in documents, references or templates   do: koma check" in text
    assert "2 targets on hold: its document says `hold: true`" in text


def test_a_held_plan_names_the_command_that_releases_it(workspace):
    workspace.append("koma.yaml", "safety: {max_gpu_minutes: 0}\n")
    facts = workspace.koma("status", "--json").json
    assert len(facts["held"]) == 1
    assert f"koma run --allow {facts['plan']}" in workspace.koma("status").out


def test_a_pause_is_shown(rendered):
    rendered.koma("pause")
    rendered.once(code=None)
    assert rendered.koma("status", "--json").json["paused"]
    assert "do: koma resume" in rendered.koma("status").out


def test_watch_shows_it_again_until_the_keyboard_stops_it(workspace, monkeypatch):
    naps = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("koma.cli.standing.time.sleep", sleep)
    done = workspace.koma("status", "--watch")
    assert done.code == 130
    assert done.out.count("nothing waits for a person") == 2
    assert "\x1b" not in done.out  # no terminal
