"""The proposed document: sound as it stands, with what is known of each threshold in words above it."""

from dataclasses import replace

import pytest

from koma.core import calibration
from koma.core.calibration import calibrate
from koma.core.gate import Op
from koma.core.keys import text_digest
from koma.core.labels import Label, Series
from koma.core.metrics import METRICS
from koma.core.parse import parse_document
from koma.core.proposal import Terms, counted, document, heading, is_proposed, threshold_of, told
from koma.core.tuning import basis_of
from support.stored import take

TERMS = Terms(0.1, "2026-11-20")


class Turns:
    """Draws in turn instead of by chance."""

    def choices(self, population, *, k):
        return [population[number % len(population)] for number in range(k)]

    def sample(self, population, k):
        return [*population[::2], *population[1::2]][:k]


@pytest.fixture(autouse=True)
def _brief(monkeypatch):
    monkeypatch.setattr(calibration, "RESAMPLES", 3)
    monkeypatch.setattr(calibration, "SPLITS", 3)


def series(metric="sharpness", good=range(40, 140), bad=range(60), character="", **changes):
    made = [
        Label(f"p/s01/{kind}{value}/still", text_digest(kind, str(value)), "still", kind == "good", True, take())
        for kind, some in (("good", good), ("bad", bad))
        for value in some
    ]
    values = tuple((label, float(value)) for label, value in zip(made, [*good, *bad], strict=True))
    found = Series(metric, "still", character, values, {}, {}, {Op.AT_LEAST: 15.0})
    enough = found.values.enough
    return replace(found, calibration=calibrate(found.values, METRICS[metric].direction, 0.1, Turns()) if enough else None, **changes)


def mirrored(metric="noise", **changes):
    return series(metric, [-value for value in range(40, 140)], [-value for value in range(60)], **changes)


def test_a_proposal_is_a_sound_document():
    weighed = series("clip-consistency", weights={"clip-vit-l-14": "a" * 64})
    text = document("tuning", ["from 160 takes", ""], [series(), mirrored(), weighed], TERMS)
    parsed = parse_document(text, "tuning.yaml")
    assert parsed.problems == ()
    (found,) = parsed.documents
    assert (found.kind, found.id, len(found.data["thresholds"])) == ("tuning", "tuning", 3)
    assert found.data["thresholds"] == [threshold_of(one, TERMS) for one in (series(), mirrored(), weighed)]
    assert text.startswith("# from 160 takes\n#\nkind: tuning\n")


def test_a_threshold_says_what_it_was_found_from():
    entry = threshold_of(series(), TERMS)
    assert (entry["metric"], entry["phase"], entry["min"]) == ("sharpness", "still", 54.0)
    basis = entry["basis"]
    assert (basis["n"], basis["good"], basis["bad"], basis["target_false_accept"]) == (160, 100, 60, 0.1)
    assert basis["low"] <= 54 <= basis["high"]
    assert basis_of(entry, {}) == "calibrated n=160 2026-11-20"


def test_where_less_is_better_it_is_a_ceiling():
    assert threshold_of(mirrored(), TERMS)["max"] == -54.0


def test_of_a_character_it_names_it():
    assert threshold_of(series("face-similarity", character="aki"), TERMS)["character"] == "aki"


@pytest.mark.parametrize(
    ("one", "words"),
    [
        pytest.param(series(), "sharpness of stills", id="a metric and a phase"),
        pytest.param(
            series("face-similarity"), "face-similarity of stills, the worst character of each take", id="of characters the worst"
        ),
        pytest.param(series("face-similarity", character="aki"), "face-similarity of stills, aki", id="or one of them"),
    ],
)
def test_a_series_has_a_name(one, words):
    assert heading(one) == words


@pytest.mark.parametrize(
    ("good", "bad", "words"),
    [
        pytest.param(12, 41, "12 good and 41 bad takes; 18 more good are needed, 100 of each are advised", id="what is missing is said"),
        pytest.param(29, 29, "29 good and 29 bad takes; 1 more good and 1 more bad are needed, 100 of each are advised", id="of both"),
        pytest.param(30, 100, "30 good and 100 bad takes; 100 of each are advised", id="what is little is said"),
        pytest.param(100, 100, "100 good and 100 bad takes", id="enough is enough"),
    ],
)
def test_labels_are_counted_in_words(good, bad, words):
    assert counted(series(good=range(good), bad=range(bad))) == words


def test_what_is_known_is_told_in_words():
    lines = told(series(left_out={"without a value": 2}))
    assert lines[:2] == ["sharpness of stills: 100 good and 60 bad takes; 100 of each are advised", "  left out: 2 without a value"]
    text = "\n".join(lines)
    assert "AUC 0.97 (" in text
    assert "at least 54 luma² (" in text
    assert "false accepts: 6 of 60, 10 % (5 % to 20 %); in takes held out: " in text
    assert "false rejects: 14 of 100, 14 % (9 % to 22 %); in takes held out: " in text
    assert "ROC: of the good takes pass, by false accepts: " in text
    assert "by now: at least 15" in text


@pytest.mark.parametrize(
    ("one", "words"),
    [
        pytest.param(series(good=range(40), bad=range(40)), "no more than chance says", id="what tells nothing"),
        pytest.param(series(bad=[*range(26), *[200] * 34]), "but one that refuses every take", id="what would refuse all"),
    ],
)
def test_what_can_not_help_is_told_and_not_proposed(one, words):
    assert not is_proposed(one)
    assert words in "\n".join(told(one))
    assert "thresholds: []" in document("tuning", [], [one], TERMS)


def test_with_too_few_labels_nothing_is_proposed():
    few = series(good=range(29))
    assert not is_proposed(few)
    assert "1 more good are needed" in told(few)[0]
    with pytest.raises(ValueError, match="no threshold of sharpness of stills"):
        threshold_of(few, TERMS)


@pytest.mark.parametrize(
    ("now", "own", "words"),
    [
        pytest.param({Op.AT_LEAST: 15.0}, [], None, id="nothing more where the profile has such a rule"),
        pytest.param({Op.AT_MOST: 4000.0}, [], "# required: true # the profile demands nothing", id="how to demand it where it has none"),
        pytest.param({Op.AT_LEAST: 15.0}, ["sharpness"], "count more than this", id="and that the project's own rules count more"),
    ],
)
def test_whether_it_will_count_is_said_beside_it(now, own, words):
    text = document("tuning", [], [series(now=now)], TERMS, own)
    said = [word for word in ("# required: true", "count more than this") if word in text]
    assert said == [word for word in said if word in (words or "")]
    assert words is None or words in text
