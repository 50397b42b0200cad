"""What gates lack of models is worked out when something that it depends on has changed, and is told in every plan."""

import json

import pytest

from koma.engine import licences
from support.studio import Studio, animatic

PROJECT = "projects/demo/project.yaml"
ASKING = "gates: {identity: arcface}\ncommercial: true\n"
MODEL = {"file": "m.onnx", "sha256": "a" * 64, "bytes": 12, "licence": "MIT", "commercial": True, "added": "2026-11-21"}
RECORDED = json.dumps({"format_version": 1, "models": {"face-detector": MODEL, "face-recogniser": MODEL}})


@pytest.fixture
def worked_out(monkeypatch):
    """Every time that somebody works it out."""
    times, real = [], licences.needs_of

    def counted(*given):
        times.append(given)
        return real(*given)

    monkeypatch.setattr(licences, "needs_of", counted)
    return times


@pytest.fixture
def studio(tmp_path):
    with Studio(tmp_path) as made:
        made.files.append(PROJECT, ASKING)
        yield made


def told(studio):
    found = studio.survey().wanted.problems
    return sorted((p.code, p.place.line) for p in found if p.code in {"forbidden-model", "missing-model"})


def test_it_is_worked_out_once_and_told_every_time(studio, worked_out):
    first = told(studio)
    assert [code for code, _ in first] == ["forbidden-model", "missing-model"]
    worked_out.clear()
    assert told(studio) == first
    assert worked_out == []


CHANGES = {
    "the gates": (PROJECT, "arcface", "ccip"),
    "a line above them": (PROJECT, "kind: project", "# for Mika\nkind: project"),
    "the style": ("projects/demo/style.yaml", "", "kind: style\nid: film\nlook: photographic\n"),
    "a threshold": ("projects/demo/faces.yaml", "", "kind: tuning\nid: faces\nthresholds: [{metric: aesthetic, min: 5, required: true}]\n"),
    "the models that are recorded": ("models/models.json", "", RECORDED),
}


@pytest.mark.parametrize(("path", "old", "new"), CHANGES.values(), ids=CHANGES)
def test_it_is_worked_out_again_after_a_change_of(studio, worked_out, path, old, new):
    told(studio)
    worked_out.clear()
    if old:
        studio.files.edit(path, old, new)
    else:
        studio.files.write(path, new)
    studio.restart()
    told(studio)
    assert worked_out


def test_a_line_above_moves_what_is_told(studio):
    before = told(studio)
    studio.files.edit(PROJECT, "kind: project", "# for Mika\nkind: project")
    assert told(studio) == [(code, line + 1) for code, line in before]


def test_a_change_of_a_scene_is_none(studio, worked_out):
    told(studio)
    worked_out.clear()
    studio.files.edit("projects/demo/s01.yaml", "seed: 7", "seed: 8")
    assert told(studio)
    assert worked_out == []


def test_what_is_drawn_on_paper_lacks_nothing_and_stays_forbidden(tmp_path):
    with animatic(tmp_path) as made:
        made.files.append(PROJECT, ASKING)
        assert [code for code, _ in told(made)] == ["forbidden-model"]


def test_a_project_without_gates_costs_nothing(tmp_path, worked_out):
    with Studio(tmp_path) as made:
        assert told(made) == []
        assert worked_out == []
