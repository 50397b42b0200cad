"""Faces: how many, how good, and whose. The models are made on the spot; what loads and runs them is what loads and runs real ones."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.media import Media
from koma.core.metrics import METRICS
from koma.measures.learned import subjects
from koma.measures.learned.ccip import DEVIATION, MEAN
from koma.measures.learned.face_quality import LARGE, SHARP, SIDE, TURN, best_face, quality, symmetry
from koma.measures.learned.faces import (
    ALIGNED,
    CONFIDENCE,
    INPUT,
    NARROW,
    OVERLAP,
    Detector,
    Face,
    Recogniser,
    embed_faces,
    largest,
    mean_embedding,
)
from koma.measures.learned.sampling import LONGEST, MOST
from koma.measures.learned.store import ModelBrokenError, Models
from koma.measures.measure import FileMeasure
from koma.measures.meter import Reading
from koma.pixels.picture import Pixels
from support.against import against, read, read_all, setting_of
from support.needs import needs_module
from support.pictures import flat, save
from support.tiny_onnx import POINTS, canvas, detector, models_in, recogniser, red_and_blue

RED, BLUE, GREEN = (200, 30, 30), (30, 30, 200), (30, 200, 30)
ONE = canvas((320, 320, RED))
TWO = canvas((160, 320, RED), (480, 320, BLUE))
NOBODY = canvas()


@pytest.fixture(autouse=True)
def _extra(monkeypatch: pytest.MonkeyPatch) -> None:
    needs_module("insightface")
    needs_module("onnx")
    monkeypatch.setattr(subjects, "_vectors", {})


@pytest.fixture(name="models")
def _models(tmp_path: Path) -> Models:
    return models_in(tmp_path / "models", {"face-detector": detector(), "face-recogniser": recogniser()})


def with_recogniser(folder: Path, data: bytes) -> Models:
    return models_in(folder / "models", {"face-detector": detector(), "face-recogniser": data})


@pytest.mark.parametrize(
    ("frames", "count", "each"),
    [
        pytest.param([NOBODY], 0, [0], id="no face is a count of 0"),
        pytest.param([ONE], 1, [1], id="one face"),
        pytest.param([canvas(*((x, 320, RED) for x in range(64, 640, 96)))], 6, [6], id="many faces"),
        pytest.param([ONE, TWO, TWO], 2, [1, 2, 2], id="the median of a clip"),
        pytest.param([ONE, TWO], 1, [1, 2], id="of two in the middle the lower one"),
        pytest.param([flat(200, 1, 1)], 0, [0], id="a picture of one pixel"),
        pytest.param([flat(200, 2000, 4)], 0, [0], id="a strip that is too narrow for a face"),
    ],
)
def test_faces_are_counted(tmp_path: Path, models: Models, frames: list[Pixels], count: int, each: list[int]):
    found = read("face-count", setting_of(tmp_path, models), *frames)
    assert (found.value, found.details["per_frame"]) == (count, each)


def test_a_face_is_found_where_it_is_whatever_the_size_of_the_picture(models: Models):
    wide = np.zeros((360, 1280, 3), np.uint8)
    wide[::] = 60
    wide[160:176, 480:496] = 255  # two px here are one of the detector's
    (face,) = Detector(models, "cpu").faces(wide)
    assert face.box.tolist() == [432, 112, 528, 208]
    assert face.points[2].tolist() == [480 + 2 * POINTS[2][0], 160 + 2 * POINTS[2][1]]


def face_at(left: float = 100, top: float = 100, side: float = 80, score: float = 1.0, nose: float = 0.5) -> Face:
    points = np.array([(0.3, 0.4), (0.7, 0.4), (0.3 + 0.4 * nose, 0.6), (0.35, 0.8), (0.65, 0.8)]) * side + (left, top)
    return Face(np.array([left, top, left + side, top + side], np.float32), score, points.astype(np.float32))


def checked(cell: int = 8, low: int = 0, high: int = 255) -> Pixels:
    rows, columns = np.mgrid[0:256, 0:256]
    return np.repeat(np.where((rows // cell + columns // cell) % 2, high, low).astype(np.uint8)[:, :, None], 3, axis=2)


def test_definitions_say_the_numbers_that_are_used():
    said = METRICS["face-quality"].definition
    for number in (CONFIDENCE, OVERLAP, NARROW, INPUT, MOST, LONGEST, SIDE, SHARP, LARGE, TURN):
        assert re.search(rf"(?<![\d.]){re.escape(f'{number:g}')}(?![\d])", said), f"{number:g} is not in: {said}"
    assert f"{ALIGNED} x {ALIGNED} px" in METRICS["face-similarity"].definition
    assert all(f"{number:.6g}"[:6] in METRICS["ccip-difference"].definition for number in (*MEAN.tolist(), *DEVIATION.tolist(), 384, 768))


@pytest.mark.parametrize(
    ("face", "part", "value"),
    [
        pytest.param(face_at(), "quality", 1.0, id="a certain, sharp, whole, frontal face of 80 px"),
        pytest.param(face_at(score=0.7), "confidence", 0.7, id="confidence is what the detector says"),
        pytest.param(face_at(side=32), "size", 0.5, id="32 px is half of what is large enough"),
        pytest.param(face_at(left=-40), "inside", 0.6, id="an eye and a corner of the mouth outside of the picture"),
        pytest.param(face_at(left=500), "inside", 0.0, id="a face that lies outside"),
        pytest.param(face_at(left=500), "sharpness", 0.0, id="of which there is nothing to see"),
        pytest.param(face_at(nose=0.75), "symmetry", 1.0, id="turned a little"),
        pytest.param(face_at(nose=0.9), "symmetry", 0.4, id="turned far"),
        pytest.param(face_at(nose=1.0), "symmetry", 0.0, id="in profile: the nose reaches an eye"),
        pytest.param(face_at(nose=-0.5), "symmetry", 0.0, id="beyond profile"),
    ],
)
def test_the_quality_of_a_face_has_parts(face: Face, part: str, value: float):
    assert quality(checked(), face)[part] == pytest.approx(value, abs=1e-6)


def test_a_dull_face_is_less_sharp_the_duller_it_is():
    seen = [quality(checked(low=128 - contrast, high=128 + contrast), face_at())["sharpness"] for contrast in (0, 2, 4, 64)]
    assert seen == sorted(set(seen))
    assert (seen[0], seen[-1]) == (0.0, 1.0)


def test_eyes_at_one_spot_are_no_symmetric_face():
    assert symmetry(Face(np.zeros(4, np.float32), 1.0, np.zeros((5, 2), np.float32))) == 0.0


@given(
    st.tuples(*[st.floats(-500, 900, width=32)] * 2),
    st.floats(0, 400, width=32),
    st.floats(0, 1, width=32),
    st.lists(st.tuples(*[st.floats(-500, 900, width=32)] * 2), min_size=5, max_size=5),
)
def test_quality_lies_between_0_and_1_and_no_part_is_below_it(corner: tuple[float, float], side: float, score: float, points: list):
    box = np.array([*corner, corner[0] + side, corner[1] + side], np.float32)
    parts = quality(checked(), Face(box, score, np.array(points, np.float32)))
    assert 0 <= parts["quality"] <= min(value for name, value in parts.items() if name != "quality") <= 1


def test_the_best_face_of_each_frame_counts_and_frames_without_are_left_out(tmp_path: Path, models: Models):
    found = read("face-quality", setting_of(tmp_path, models), ONE, NOBODY, TWO)
    assert found.details["sampled"] == [0, 2]
    assert found.details["without_face"] == [1]
    assert found.value == pytest.approx(np.mean(found.details["per_frame"]), abs=1e-4), "the median of two"
    parts = found.details["parts"][0]
    assert (parts["inside"], parts["symmetry"], parts["size"]) == (1.0, 1.0, 0.75)
    assert parts["quality"] == pytest.approx(0.75 * parts["confidence"] * parts["sharpness"], abs=1e-3)


def test_the_best_face_is_the_one_with_the_highest_quality_and_not_the_most_certain():
    assert best_face(checked(), [face_at(score=0.9, side=16), face_at(score=0.8)])["confidence"] == pytest.approx(0.8)
    assert best_face(checked(), []) == {}


def test_without_a_face_quality_is_unmeasured_and_not_zero(tmp_path: Path, models: Models):
    found = read("face-quality", setting_of(tmp_path, models), NOBODY, NOBODY)
    assert (found.value, found.failed) == (None, False)
    assert found.why == "no face was found in 2 sampled frames"


CAST = {"aki": [canvas((320, 320, RED))], "beni": [canvas((320, 320, BLUE))]}


def values(found: Mapping[str, Reading]) -> dict[str, float | None]:
    return {name: None if one.value is None else round(one.value, 3) for name, one in found.items()}


def test_each_face_goes_to_the_character_that_it_fits_whatever_the_order(tmp_path: Path, models: Models):
    swapped = canvas((160, 320, BLUE), (480, 320, RED))
    found = read("face-similarity", setting_of(tmp_path, models, CAST), TWO, swapped)
    assert values(found) == {"aki": 1.0, "beni": 1.0}
    assert found["aki"].details["per_frame"] == pytest.approx([1.0, 1.0])
    assert found["aki"].details["references"] == ["aki-0"]


def test_a_stranger_in_the_place_of_a_character_is_a_low_score_of_that_character_alone(tmp_path: Path, models: Models):
    found = read("face-similarity", setting_of(tmp_path, models, CAST), canvas((160, 320, RED), (480, 320, GREEN)))
    assert found["aki"].value == pytest.approx(1.0)
    assert found["beni"].value < 0.5


def test_one_face_for_two_characters_leaves_the_other_unmeasured(tmp_path: Path, models: Models):
    found = read("face-similarity", setting_of(tmp_path, models, CAST), ONE)
    assert found["aki"].value == pytest.approx(1.0)
    assert found["beni"].value is None
    assert found["beni"].why == "no face was left for this character: those that were found fit others better"
    assert not found["beni"].failed


def test_more_faces_than_characters_are_nobody(tmp_path: Path, models: Models):
    found = read("face-similarity", setting_of(tmp_path, models, {"beni": CAST["beni"]}), TWO)
    assert values(found) == {"beni": 1.0}


def test_no_face_is_unmeasured_and_not_zero(tmp_path: Path, models: Models):
    found = read("face-similarity", setting_of(tmp_path, models, CAST), NOBODY, NOBODY)
    assert values(found) == {"aki": None, "beni": None}
    assert found["aki"].why == "no face was found in 2 sampled frames"
    assert found["aki"].details["without_face"] == [0, 1]
    assert not found["aki"].failed


def test_the_median_is_taken_over_the_frames_in_which_a_face_was_found(tmp_path: Path, models: Models):
    found = read("face-similarity", setting_of(tmp_path, models, {"aki": CAST["aki"]}), ONE, NOBODY, ONE)["aki"]
    assert found.value == pytest.approx(1.0)
    assert (found.details["sampled"], found.details["without_face"]) == ([0, 2], [1])


def test_a_reference_without_a_face_is_left_out_and_named(tmp_path: Path, models: Models):
    found = read("face-similarity", setting_of(tmp_path, models, {"aki": [NOBODY, ONE]}), ONE)["aki"]
    assert found.value == pytest.approx(1.0)
    assert found.details["references"] == ["aki-1"]
    assert found.details["left_out"] == {"aki-0": "no face was found"}


def test_of_a_reference_the_largest_face_counts():
    small, large = face_at(side=20, score=1.0), face_at(side=60, score=0.6)
    assert largest([small, large]) is large


@pytest.mark.parametrize(
    ("references", "why"),
    [
        pytest.param([], "the character has no reference pictures", id="no reference"),
        pytest.param([NOBODY], "no reference of the character can be used (aki-0: no face was found)", id="no reference with a face"),
    ],
)
def test_without_a_reference_that_can_be_used_nothing_is_measured(tmp_path: Path, models: Models, references: list[Pixels], why: str):
    found = read("face-similarity", setting_of(tmp_path, models, {"aki": references, "beni": CAST["beni"]}), TWO)
    assert (found["aki"].value, found["aki"].why, found["aki"].failed) == (None, why, False)
    assert found["beni"].value == pytest.approx(1.0), "the neighbour is measured all the same"


def test_a_reference_that_is_gone_or_damaged_is_left_out_and_named(tmp_path: Path, models: Models):
    setting = setting_of(tmp_path, models, {"aki": [ONE, ONE, ONE]})
    gone, damaged, _ = (setting.picture(picture) for picture in setting.against.subjects[0].references)
    gone.unlink()
    damaged.write_bytes(damaged.read_bytes()[:99])
    found = read("face-similarity", setting, ONE)["aki"]
    assert found.value == pytest.approx(1.0)
    assert found.details["references"] == ["aki-2"]
    assert found.details["left_out"]["aki-0"] == "its file is gone"
    assert "cut short" in found.details["left_out"]["aki-1"]


def test_without_characters_there_is_nothing_to_compare_with(tmp_path: Path, models: Models):
    found = read("face-similarity", setting_of(tmp_path, models), ONE)
    assert isinstance(found, Reading)
    assert (found.value, found.failed) == (None, False)
    assert found.why.startswith("no character is named to compare with")


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        pytest.param("nan", "face-recogniser gave NaN or infinity", id="an embedding of NaN"),
        pytest.param("zero", "face-recogniser gave a vector of length 0 for a face", id="an embedding of zeros"),
    ],
)
def test_an_embedding_that_says_nothing_is_an_error_of_that_metric_alone(tmp_path: Path, broken: str, words: str):
    models = with_recogniser(tmp_path, recogniser(broken=broken))
    found = read_all(["face-similarity", "face-count"], setting_of(tmp_path, models, CAST), TWO)
    for one in found["face-similarity"].values():
        assert (one.value, one.failed) == (None, True)
        assert one.why.startswith(words)
    assert found["face-count"].value == 2


def test_a_detector_that_gives_no_numbers_is_an_error_and_not_an_empty_picture(tmp_path: Path):
    models = models_in(tmp_path / "models", {"face-detector": detector(broken="nan")})
    found = read("face-count", setting_of(tmp_path, models), ONE)
    assert (found.value, found.failed) == (None, True)
    assert found.why.startswith("face-detector gave NaN or infinity")


def test_five_points_at_one_spot_are_no_face(tmp_path: Path):
    models = models_in(tmp_path / "models", {"face-detector": detector(points=[(0.0, 0.0)] * 5)})
    assert Detector(models, "cpu").faces(ONE) == []


def test_the_recogniser_gets_red_green_blue_in_this_order(tmp_path: Path):
    models = with_recogniser(tmp_path, red_and_blue())
    faces, recognise = Detector(models, "cpu"), Recogniser(models, "cpu")
    red, blue = (recognise.embedding(pixels, faces.faces(pixels)[0]) for pixels in (ONE, ONE[:, :, ::-1].copy()))
    assert red[0] > red[1]
    assert blue[1] > blue[0]
    assert (red[0], red[1]) == pytest.approx((blue[1], blue[0]))


def test_swapped_channels_are_another_face(tmp_path: Path, models: Models):
    found = read("face-similarity", setting_of(tmp_path, models, {"aki": CAST["aki"]}), ONE[:, :, ::-1].copy())
    assert found["aki"].value < 0.5


def test_each_frame_is_searched_once_whichever_metrics_ask(tmp_path: Path, models: Models, monkeypatch: pytest.MonkeyPatch):
    searched = []
    faces = Detector.faces
    monkeypatch.setattr(Detector, "faces", lambda self, rgb: searched.append(rgb.shape) or faces(self, rgb))
    found = read_all(["face-count", "face-quality", "face-similarity"], setting_of(tmp_path, models, CAST), TWO, ONE, TWO)
    assert len(searched) == 3 + 2, "three frames and two references"
    assert found["face-count"].value == 2


def test_references_are_remembered_by_their_content_and_the_models(tmp_path: Path, models: Models):
    setting = setting_of(tmp_path, models, CAST)
    first = values(read("face-similarity", setting, TWO))
    for subject in setting.against.subjects:
        setting.picture(subject.references[0]).unlink()
    again = setting_of(tmp_path, models)
    again = type(again)(setting.against, setting.picture, models)
    assert values(read("face-similarity", again, TWO)) == first
    other = models_in(tmp_path / "other", {"face-detector": detector(), "face-recogniser": red_and_blue()})
    assert read("face-similarity", type(again)(setting.against, setting.picture, other), TWO)["aki"].value is None


def test_the_record_says_what_measured(tmp_path: Path, models: Models):
    record = read("face-similarity", setting_of(tmp_path, models, CAST), TWO)["aki"].record
    assert [weight["name"] for weight in record["weights"]] == ["face-detector", "face-recogniser"]
    assert [weight["sha256"] for weight in record["weights"]] == [models.digest("face-detector"), models.digest("face-recogniser")]
    assert all("non-commercial" in weight["licence"] for weight in record["weights"])
    assert record["runtime"].startswith("onnxruntime")
    assert record["provider"] == "CPUExecutionProvider"
    assert {"insightface", "numpy", "opencv-python-headless"} <= set(record["libraries"])
    assert "provider_asked" not in record


def test_a_file_on_the_disk_is_measured_with_everything_between(tmp_path: Path, models: Models):
    compared, picture = against(tmp_path / "references", CAST)
    file = save(TWO, tmp_path / "still.png")
    measure = FileMeasure(picture, models)
    found = measure.measure(file, Media.IMAGE, ["face-count", "face-similarity"], compared)
    assert [(one.metric, one.subject, one.value and round(one.value, 3)) for one in found] == [
        ("face-count", "", 2.0),
        ("face-similarity", "aki", 1.0),
        ("face-similarity", "beni", 1.0),
    ]


def test_measuring_prints_nothing(tmp_path: Path, models: Models, capfd: pytest.CaptureFixture[str]):
    read_all(["face-count", "face-similarity"], setting_of(tmp_path, models, CAST), TWO)
    assert capfd.readouterr() == ("", "")


def test_an_identity_record_gets_the_number_of_faces_and_the_embedding_of_the_largest(tmp_path: Path, models: Models):
    two = embed_faces(save(TWO, tmp_path / "two.png"), models)
    none = embed_faces(save(NOBODY, tmp_path / "none.png"), models)
    assert (two.count, len(two.embedding)) == (2, 512)
    assert float(np.linalg.norm(two.embedding)) == pytest.approx(1.0, abs=1e-4)
    assert (none.count, none.embedding) == (0, ())
    assert two.record["weights"][1]["sha256"] == models.digest("face-recogniser")


def test_the_mean_of_embeddings_has_length_1_and_opposite_ones_have_none():
    axes = np.eye(512, dtype=np.float32)
    assert mean_embedding([axes[0], axes[1]])[:2] == pytest.approx([0.5**0.5] * 2)
    with pytest.raises(ModelBrokenError, match="length 0 for the references together"):
        mean_embedding([axes[0], -axes[0]])
