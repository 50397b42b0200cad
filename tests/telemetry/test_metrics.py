"""Metrics count what events say, with bounded labels and names that Prometheus accepts; the board keeps the newest facts."""

import json
import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from koma.telemetry.board import HEALTHY_SECONDS, Board
from koma.telemetry.events import Event
from koma.telemetry.metrics import MANY, Metrics

DOCUMENTED = {
    "koma_build_info",
    "koma_targets",
    "koma_queue_length",
    "koma_renders_total",
    "koma_render_failures_total",
    "koma_render_duration_seconds",
    "koma_stage_duration_seconds",
    "koma_gate_results_total",
    "koma_reconcile_duration_seconds",
    "koma_reconcile_total",
    "koma_spec_errors",
    "koma_last_progress_timestamp_seconds",
    "koma_heartbeat_timestamp_seconds",
    "koma_backend_up",
    "koma_backend_stuck",
    "koma_backend_restarts_total",
    "koma_circuit_open",
    "koma_gpu_busy_seconds_total",
    "koma_output_disk_free_bytes",
    "koma_disk_free_bytes",
    "koma_disk_low",
}


def exposed(tmp_path, *events: Event) -> str:
    metrics = Metrics("9.9", tmp_path / "outputs")
    for event in events:
        metrics(event)
    metrics.close()
    content_type, body = metrics.exposition()
    assert content_type.startswith("text/plain")
    return body.decode()


def samples(tmp_path, *events: Event) -> dict[str, float]:
    lines = [line for line in exposed(tmp_path, *events).splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def happened(name: str, at: float = 5.0, **fields) -> Event:
    return Event(name, at, fields)


RECONCILED = happened(
    "reconcile_complete",
    seconds=0.02,
    result="ok",
    queue=3,
    targets=[
        {"project": "p", "phase": "still", "state": "Ready", "count": 4},
        {"project": "p", "phase": "video", "state": "Stalled", "count": 1},
    ],
    spec_errors={"p": 2},
)

CASES = [
    ("the version", [], 'koma_build_info{version="9.9"}', 1),
    ("targets by state", [RECONCILED], 'koma_targets{phase="still",project="p",state="Ready"}', 4),
    ("the queue, from a pass", [RECONCILED], "koma_queue_length", 3),
    ("the queue, from any event", [RECONCILED, happened("job_queued", queue=4)], "koma_queue_length", 4),
    ("spec errors", [RECONCILED], 'koma_spec_errors{project="p"}', 2),
    ("passes", [RECONCILED, RECONCILED], 'koma_reconcile_total{result="ok"}', 2),
    ("time of passes", [RECONCILED], "koma_reconcile_duration_seconds_sum", 0.02),
    ("the heartbeat", [RECONCILED], "koma_heartbeat_timestamp_seconds", 5),
    ("progress", [happened("progress", at=7.0, fraction=0.1)], "koma_last_progress_timestamp_seconds", 7),
    ("a render", [happened("job_complete", template="still", seconds=3)], 'koma_renders_total{result="success",template="still"}', 1),
    ("render time", [happened("job_complete", template="t", seconds=3)], 'koma_render_duration_seconds_sum{template="t"}', 3),
    ("GPU time", [happened("job_complete", template="t", seconds=3, backend="comfyui")], "koma_gpu_busy_seconds_total", 3),
    (
        "no GPU time on the animatic",
        [happened("job_complete", template="t", seconds=3, backend="animatic")],
        "koma_gpu_busy_seconds_total",
        0,
    ),
    ("a server that works on nothing", [happened("backend_stuck", backend="studio")], 'koma_backend_stuck{backend="studio"}', 1),
    (
        "and works again",
        [happened("backend_stuck", backend="studio"), happened("backend_unstuck", backend="studio")],
        'koma_backend_stuck{backend="studio"}',
        0,
    ),
    (
        "a restart",
        [happened("backend_restarted", backend="studio", why="black-frames")],
        'koma_backend_restarts_total{backend="studio",result="success",why="black-frames"}',
        1,
    ),
    (
        "a restart that failed",
        [happened("backend_restart_failed", backend="studio", why="made up")],
        'koma_backend_restarts_total{backend="studio",result="failed",why="other"}',
        1,
    ),
    ("an open circuit", [happened("circuit_opened", template="still")], 'koma_circuit_open{template="still"}', 1),
    (
        "a closed circuit",
        [happened("circuit_opened", template="still"), happened("circuit_closed", template="still")],
        'koma_circuit_open{template="still"}',
        0,
    ),
    ("a failure", [happened("job_failed", error_class="node")], 'koma_render_failures_total{error_class="node"}', 1),
    (
        "an attempt that is followed by another",
        [happened("job_retried", error_class="lost")],
        'koma_render_failures_total{error_class="lost"}',
        1,
    ),
    ("a failure of no known class", [happened("job_failed", error_class="odd")], 'koma_render_failures_total{error_class="other"}', 1),
    ("a cancelled render", [happened("job_cancelled", template="t")], 'koma_renders_total{result="cancelled",template="t"}', 1),
    ("stages", [happened("job_complete", stages={"measure": 0.3})], 'koma_stage_duration_seconds_sum{stage="measure"}', 0.3),
    (
        "verdicts",
        [happened("quality_evaluation", phase="still", verdict="failed")],
        'koma_gate_results_total{gate="still",verdict="failed"}',
        1,
    ),
    ("a backend that is up", [happened("backend_up", backend="studio")], 'koma_backend_up{backend="studio"}', 1),
    (
        "a backend that went down",
        [happened("backend_up", backend="s"), happened("backend_down", backend="s")],
        'koma_backend_up{backend="s"}',
        0,
    ),
]


@pytest.mark.parametrize(("events", "sample", "value"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_an_event_is_counted(tmp_path, events, sample, value):
    assert samples(tmp_path, *events)[sample] == value


def test_a_job_that_rendered_nothing_is_no_render(tmp_path):
    found = samples(tmp_path, happened("job_complete", action="measure", template="t", seconds=3, backend="comfyui"))
    assert not [name for name in found if name.startswith("koma_renders_total")]
    assert found["koma_gpu_busy_seconds_total"] == 0


def test_a_project_that_is_gone_leaves_nothing_behind(tmp_path):
    found = samples(tmp_path, RECONCILED, happened("reconcile_complete", targets=[], spec_errors={}))
    assert not [name for name in found if 'project="p"' in name]


def test_exactly_the_documented_metrics_are_exposed_and_none_called_created(tmp_path):
    families = {re.sub(r"^# TYPE (\S+) .*", r"\1", line) for line in exposed(tmp_path).splitlines() if line.startswith("# TYPE")}
    assert families == DOCUMENTED


def test_every_metric_has_help_and_parses(tmp_path):
    text = exposed(tmp_path, RECONCILED)
    families = list(text_string_to_metric_families(text))
    assert len(families) == len(DOCUMENTED)
    assert all(family.documentation for family in families)


def test_free_space_is_told_for_each_place_that_is_named(tmp_path):
    metrics = Metrics("1", tmp_path, {"outputs": tmp_path / "not/there/yet", "state": tmp_path})
    found = metrics.exposition()[1].decode()
    assert re.search(r'^koma_disk_free_bytes\{place="outputs"\} [1-9]', found, re.MULTILINE)
    assert re.search(r'^koma_disk_free_bytes\{place="state"\} [1-9]', found, re.MULTILINE)


@pytest.mark.parametrize(("events", "low"), [([], 0), (["disk_low"], 1), (["disk_low", "disk_low", "disk_ok"], 0)])
def test_a_disk_without_room_is_told_until_there_is_some(tmp_path, events, low):
    assert samples(tmp_path, *(happened(name, message="no room") for name in events))["koma_disk_low"] == low


def test_free_space_is_told_before_the_outputs_folder_exists(tmp_path):
    assert samples(tmp_path)["koma_output_disk_free_bytes"] > 0


def test_labels_that_a_workspace_makes_up_stay_bounded(tmp_path):
    events = [happened("job_complete", template=f"t{number}") for number in range(MANY + 20)]
    found = samples(tmp_path, *events)
    assert len([name for name in found if name.startswith("koma_renders_total")]) == MANY + 1
    assert found['koma_renders_total{result="success",template="other"}'] == 20


def test_targets_of_projects_over_the_bound_are_summed_up(tmp_path):
    rows = [{"project": f"p{number}", "phase": "still", "state": "Ready", "count": 2} for number in range(MANY + 3)]
    found = samples(tmp_path, happened("reconcile_complete", targets=rows, spec_errors={f"p{n}": 1 for n in range(MANY + 3)}))
    assert found['koma_targets{phase="still",project="other",state="Ready"}'] == 6
    assert found['koma_spec_errors{project="other"}'] == 3


def test_two_daemons_in_one_process_do_not_share_metrics(tmp_path):
    first, second = Metrics("1", tmp_path), Metrics("2", tmp_path)
    first(happened("job_queued", queue=5))
    assert b"koma_queue_length 0.0" in second.exposition()[1]


def board(*events: Event) -> Board:
    made = Board("9.9", started_at=1.0)
    for event in events:
        made(event)
    made.close()
    return made


RENDER = {"target": "p/s/a/still", "prompt_id": "x1", "take": 1}


def test_the_status_of_a_daemon_that_just_started():
    status = board().status()
    assert json.loads(json.dumps(status)) == status
    assert (status["format_version"], status["version"], status["reconciled_at"], status["running"]) == (1, "9.9", None, [])


def test_the_board_keeps_what_a_pass_found():
    status = board(RECONCILED).status()
    assert status["reconciled_at"] == 5.0
    assert status["queue"] == 3
    assert status["spec_errors"] == {"p": 2}
    assert len(status["targets"]) == 2


def test_a_render_is_on_the_board_with_its_share_until_it_ends():
    begun = [happened("job_submitted", at=2.0, **RENDER), happened("progress", prompt_id="x1", fraction=0.4)]
    assert board(*begun).status()["running"] == [{**RENDER, "since": 2.0, "fraction": 0.4}]
    for end in ("job_complete", "job_failed", "job_cancelled"):
        assert board(*begun, happened(end, **RENDER)).status()["running"] == []


def test_an_attempt_that_is_tried_again_leaves_the_board_and_comes_back_once():
    begun = [happened("job_submitted", at=2.0, **RENDER), happened("job_retried", **RENDER)]
    assert board(*begun).status()["running"] == []
    again = happened("job_submitted", at=9.0, **RENDER | {"prompt_id": "x2"})
    assert [job["prompt_id"] for job in board(*begun, again, again).status()["running"]] == ["x2"]


def test_what_lacks_on_disk_is_on_the_board_until_there_is_room():
    low = happened("disk_low", message="no render begins")
    assert board(low).disk_low == board(low).status()["disk_low"] == "no render begins"
    assert board(low, happened("disk_ok")).disk_low == ""


def test_progress_of_a_prompt_that_is_not_ours_is_left_out():
    assert board(happened("progress", prompt_id="stranger", fraction=1)).status()["running"] == []


def test_the_newest_failures_come_first_and_only_twenty():
    status = board(*[happened("job_failed", target=f"t{n}", error_class="node", message="no") for n in range(25)]).status()
    assert [failure["target"] for failure in status["failures"]] == [f"t{n}" for n in range(24, 4, -1)]


def test_a_held_plan_is_named_until_another_plan_goes_through():
    held = happened("plan_held", digest="abc")
    assert board(held).status()["held_plan"] == "abc"
    assert board(held, happened("plan_ready", digest="def")).status()["held_plan"] is None


@pytest.mark.parametrize(
    ("event", "after", "healthy"),
    [
        (None, HEALTHY_SECONDS, True),
        (None, HEALTHY_SECONDS + 1, False),
        (happened("reconcile_complete", at=100.0), 99 + HEALTHY_SECONDS, True),
        (happened("progress", at=100.0), 99 + HEALTHY_SECONDS, True),
        (happened("spec_problem", at=100.0), 99 + HEALTHY_SECONDS, False),
    ],
    ids=["just started", "started long ago", "a pass", "progress", "an event that is no sign of life"],
)
def test_health_is_a_pass_or_progress_lately(event, after, healthy):
    assert board(*([event] if event else [])).healthy(1.0 + after) is healthy
