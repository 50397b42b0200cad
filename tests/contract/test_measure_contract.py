"""What everything that measures promises: koma.ports.Measure."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from koma.core.codec import to_json
from koma.core.media import Media
from koma.core.metrics import METRIC_IDS, METRICS, motion
from koma.measures.measure import FileMeasure
from koma.ports import Measure
from support.pictures import drawing, save, save_clip

MEASURES: dict[str, Callable[[], Measure]] = {"files": FileMeasure}
ALL = sorted(METRIC_IDS - {"overall"})  # made of the others, measured by nobody


@pytest.fixture(params=MEASURES)
def measure(request: pytest.FixtureRequest) -> Measure:
    return MEASURES[request.param]()


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return save_clip(tmp_path / "a.mkv", [drawing(shift=shift) for shift in range(6)])


def values(found):
    return {one.metric: one.value for one in found}


def test_one_measurement_comes_back_per_metric_in_the_order_asked_for(measure: Measure, clip: Path):
    assert [one.metric for one in measure.measure(clip, Media.FRAMES, ALL[::-1])] == ALL[::-1]
    assert measure.measure(clip, Media.FRAMES, []) == ()


def test_each_measurement_carries_version_and_unit(measure: Measure, clip: Path):
    for one in measure.measure(clip, Media.FRAMES, ALL):
        assert (one.version, one.unit) == (METRICS[one.metric].version, METRICS[one.metric].unit)


def test_measuring_twice_gives_the_same(measure: Measure, clip: Path):
    assert measure.measure(clip, Media.FRAMES, ALL) == measure.measure(clip, Media.FRAMES, ALL)


def test_a_score_does_not_depend_on_what_else_was_asked(measure: Measure, clip: Path):
    whole = {one.metric: one for one in measure.measure(clip, Media.FRAMES, ALL)}
    for metric in ALL:
        assert measure.measure(clip, Media.FRAMES, [metric]) == (whole[metric],)


def test_measurements_are_json(measure: Measure, clip: Path):
    for one in measure.measure(clip, Media.FRAMES, ALL):
        assert json.loads(json.dumps(to_json(one), allow_nan=False)) == to_json(one)


def test_an_unknown_metric_is_an_error_of_its_own(measure: Measure, clip: Path):
    unknown, decodes = measure.measure(clip, Media.FRAMES, ["beauty", "decodes"])
    assert unknown.value is None
    assert unknown.failed
    assert "no metric 'beauty'" in unknown.why
    assert decodes.value == 1


def not_there(folder: Path) -> Path:
    return folder / "nothing.png"


def empty(folder: Path) -> Path:
    (folder / "empty.png").touch()
    return folder / "empty.png"


def cut(folder: Path) -> Path:
    file = save(drawing(), folder / "cut.png")
    file.write_bytes(file.read_bytes()[:-30])
    return file


def noise(folder: Path) -> Path:
    (folder / "noise.mkv").write_bytes(bytes(range(256)) * 20)
    return folder / "noise.mkv"


def a_folder(folder: Path) -> Path:
    return folder


@pytest.mark.parametrize("media", [Media.IMAGE, Media.FRAMES])
@pytest.mark.parametrize("make", [not_there, empty, cut, noise, a_folder])
def test_a_file_that_is_no_use_has_decodes_0_and_says_why_for_everything_else(measure: Measure, tmp_path: Path, make, media):
    found = measure.measure(make(tmp_path), media, ALL)
    assert values(found) == dict.fromkeys(ALL) | {"decodes": 0.0}
    assert all(one.why for one in found)
    assert not any(one.failed for one in found)


def test_a_picture_has_no_rate_no_duration_and_no_motion(measure: Measure, tmp_path: Path):
    found = measure.measure(save(drawing(), tmp_path / "a.png"), Media.IMAGE, ALL)
    unmeasured = {one.metric for one in found if one.value is None}
    of_clips = {spec.id for spec in motion.SPECS} | {"palette-drift"}
    elsewhere = {spec.id for spec in METRICS.values() if spec.reads or spec.weights}  # nothing was given to compare with, and no model
    assert unmeasured == {"frame-rate", "duration"} | of_clips | elsewhere
    assert all(one.why and not one.failed for one in found if one.value is None)


def test_facts_of_a_clip_are_its_facts(measure: Measure, clip: Path):
    found = values(measure.measure(clip, Media.FRAMES, ALL))
    facts = {name: found[name] for name in ("decodes", "width", "height", "frame-count", "frame-rate", "duration")}
    assert facts == {"decodes": 1, "width": 48, "height": 32, "frame-count": 6, "frame-rate": 12, "duration": 0.5}
