"""A new Koma over what an older one published: it is measured and judged as is asked for now, and nothing renders."""

from dataclasses import replace

import pytest

from koma.app.workspace import App
from koma.core.gate import Measurement
from koma.core.take import Take
from support.served import ServedComfyUI
from support.workspaces import ADULT, ALL, REN, STILL, VIDEO, Workspace

PROJECT_FILE = "projects/demo/project.yaml"


def older(take: Take) -> Take:
    """A take as it was remembered before scores had keys and records, and gates stages."""
    facts = tuple(Measurement(m.metric, "1", m.unit, m.value) for m in take.measurements if m.metric in ("decodes", "frozen", "sharpness"))
    gate = replace(take.gate, stage="", reason="") if take.gate is not None else None
    return replace(take, measurements=facts, measure_key="older", rules_digest="older", gate=gate)


@pytest.fixture
def upgraded(rendered: Workspace) -> Workspace:
    with App.open(rendered.root, writes=True) as app:
        for take in [app.store.take(row.take_key) for row in app.store.take_rows()]:
            app.store.put_take(older(take))
        for row in app.store.published():
            app.store.put_published(row._replace(measure_key="older", rules_digest="older"))
    for file in (rendered.root / "outputs/.koma").glob("cache.db*"):
        file.unlink()
    return rendered


def test_everything_is_measured_again_and_stays_where_it_passes(upgraded: Workspace, server: ServedComfyUI) -> None:
    before = upgraded.pictures()
    assert upgraded.actions() == dict.fromkeys(ALL, ("measure", "metric-changed"))
    upgraded.once()
    assert (server.prompts, upgraded.pictures()) == (4, before)
    assert upgraded.actions() == {}


def test_what_fails_the_gate_of_now_stays_published_and_opens_its_phase_until_a_person_decides(
    upgraded: Workspace, server: ServedComfyUI
) -> None:
    before = upgraded.pictures()
    upgraded.append(PROJECT_FILE, "gates: {rules: {still: {noise: {max: 0}}}}\n")
    upgraded.once(code=3)
    assert upgraded.actions() == dict.fromkeys((STILL, ADULT, REN), ("hold", "gate-changed"))
    assert (server.prompts, upgraded.pictures(), upgraded.verdict(VIDEO)) == (4, before, "passed")
    rates = {rate["phase"]: (rate["passed"], rate["open"]) for rate in upgraded.koma("status", "--json").json["phases"]}
    assert rates["still"] == (3, True)
