"""Every fault is caught by the metric that is there for it, every clean clip passes, and nothing that hardly moves passes a moving shot."""

import json

import pytest

from koma.core.gate import judge
from koma.core.metrics import METRICS, Stage
from koma.core.profiles import Asked, metrics_of, profile_rules
from koma.core.words import BackendKind, Phase, Verdict
from koma.measures.specimens import table
from koma.measures.specimens.clips import CLEAN, FAULTS, SPECIMENS

SIZE = {"width": 256, "height": 144, "frames": 48}


@pytest.fixture(scope="module")
def rows():
    return {row.name: row for row in table.discrimination(**SIZE)}


@pytest.mark.parametrize("name", CLEAN)
def test_a_clean_clip_passes(rows, name):
    assert (rows[name].result.verdict, rows[name].caught_by) == (Verdict.PASSED, ()), rows[name].result.reason


@pytest.mark.parametrize(("name", "metric"), [pytest.param(*pair, id=f"{pair[0]} by {pair[1]}") for pair in FAULTS.items()])
def test_a_fault_is_caught_by_the_metric_that_is_there_for_it(rows, name, metric):
    assert rows[name].result.verdict is Verdict.FAILED
    assert metric in rows[name].caught_by
    assert rows[name].right


@pytest.mark.parametrize("metric", sorted(set(FAULTS.values())))
def test_without_its_metric_a_fault_that_has_no_other_passes(rows, metric):
    """So the check is what catches it, and not what happens to fail beside it."""
    rules = [rule for rule in table.standing_rules(**SIZE) if rule.metric != metric]
    lone = [name for name, row in rows.items() if row.caught_by == (metric,)]
    assert {judge(rows[name].measurements, rules).verdict for name in lone} <= {Verdict.PASSED}


@pytest.mark.parametrize(
    ("name", "strength"),
    [
        ("static", 1),
        *(("static-noise", strength) for strength in (0.5, 1, 4)),
        *(("slowed", s) for s in (1, 2, 4)),
        ("blur", 1),
        ("blur", 3),
    ],
)
def test_what_stands_creeps_or_is_smeared_never_passes_a_moving_shot(name, strength):
    expect = {"width": 192, "height": 192, "frames": 48, "fps": 24.0, "motion": True}
    kept = {"frozen", "motion-speed", "sharpness"}
    rules = [rule for rule in profile_rules("basic", Asked(Phase.VIDEO, BackendKind.COMFYUI, expect)) if rule.metric in kept]
    (row,) = table.discrimination(rules, names=[name], width=192, height=192, frames=48, strength=strength)
    assert row.result.verdict is Verdict.FAILED


def test_every_metric_that_the_rules_require_has_a_specimen(rows):
    required = {rule.metric for rule in table.standing_rules(**SIZE) if rule.required}
    file_contract = {metric for metric, spec in METRICS.items() if spec.stage is Stage.VALIDITY} - {"blank", "black"}
    assert required - file_contract == set(FAULTS.values())


def test_the_predecessors_threshold_means_something_else_in_each_definition(rows):
    old = {row.name: row for row in table.judged(rows.values(), table.PREDECESSOR)}
    by_mae = {name for name, row in old.items() if "mae-consistency" in row.caught_by}
    by_ssim = {name for name, row in old.items() if "ssim-consistency" in row.caught_by}
    by_flow = {name for name, row in old.items() if "flow-smoothness" in row.caught_by}
    assert by_mae == set()  # it catches nothing at all
    assert {"clean", "pan", "held"} <= by_ssim  # it rejects clean motion
    assert {"static", "blur", "slowed"}.isdisjoint(by_ssim)  # and lets pass what stands or is smeared
    assert {"shuffle", "shuffle-4"} <= by_flow
    assert by_flow.isdisjoint(CLEAN)


def test_the_table_is_markdown_with_one_row_for_each_specimen(rows):
    lines = table.markdown(list(rows.values())).splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == list(SPECIMENS)
    assert len({line.count("|") for line in lines}) == 1
    assert lines[2].split("|")[2:4] == [" passed ", " none "]
    blur = next(line for line in lines if line.startswith("| blur "))
    assert "| **sharpness** |" in blur


def test_the_table_is_json_with_value_and_outcome_of_each_rule(rows):
    found = {row["name"]: row for row in json.loads(json.dumps(table.as_json(list(rows.values()))))}
    sharpness = found["blur"]["metrics"]["sharpness"]
    assert sharpness["value"] < 30
    assert sorted(check["verdict"] for check in sharpness["checks"]) == ["failed", "passed"]
    assert (found["clean"]["right"], found["clean"]["meant"], found["clean"]["caught_by"]) == (True, "", [])


def test_all_metrics_of_the_rules_are_measured(rows):
    wanted = set(metrics_of(table.standing_rules(**SIZE)))
    assert wanted <= {one.metric for one in rows["clean"].measurements}
