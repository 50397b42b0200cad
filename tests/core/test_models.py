"""Models as things with names, licences and digests: what is needed, what is refused, and how a workspace records what it has."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.metrics import METRICS
from koma.core.model_needs import Need, forbidden, licence_problem, needs
from koma.core.models import KNOWN, LockedModel, described, is_plain, licence_of, lock_text, parse_lock, permitted, refused, users
from koma.core.problem import Place, Severity
from support.worlds import doc

FILE = "models/models.json"
A, B = "a" * 64, "b" * 64


def locked(name, sha256=A, licence="MIT", commercial=True):
    return LockedModel(name, KNOWN[name].file, sha256, 12, licence, commercial, "2026-11-21")


def lock(*models):
    return {model.name: model for model in models}


# -- which models there are ---------------------------------------------------------------------------------------------


def test_every_model_of_a_metric_is_known_and_every_known_one_is_used():
    assert {name for spec in METRICS.values() for name in spec.weights} == set(KNOWN)
    assert all(users(name) for name in KNOWN)


@pytest.mark.parametrize("spec", KNOWN.values(), ids=KNOWN)
def test_a_known_model_says_what_it_is_and_where_to_get_it(spec):
    assert spec.file == f"{spec.name}.{spec.form}"
    assert is_plain(spec.file)
    assert spec.role
    assert spec.source
    assert spec.licence


def test_models_of_insightface_are_not_for_commercial_use():
    assert [name for name, spec in KNOWN.items() if not spec.commercial] == ["face-detector", "face-recogniser"]


# -- licences -----------------------------------------------------------------------------------------------------------

REFUSED = {
    "nothing where the project is not commercial": (False, {}, []),
    "a model that is known to forbid it": (True, {}, ["face-detector"]),
    "not a file of another licence in its place": (True, lock(locked("face-detector")), []),
    "a file whose own licence forbids it": (
        True,
        lock(locked("ccip-features", licence="CC BY-NC", commercial=False)),
        ["face-detector", "ccip-features"],
    ),
}


@pytest.mark.parametrize(("commercial", "recorded", "expected"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(commercial, recorded, expected):
    found = refused(commercial, ["face-detector", "ccip-features"], recorded)
    assert [name for name, _ in found] == expected
    assert all(licence_of(name, recorded)[0] in why for name, why in found)


def test_what_is_refused_enters_no_key():
    recorded = lock(locked("face-detector", A, "research only", commercial=False), locked("ccip-features", B))
    assert permitted(False, recorded) == {"face-detector": A, "ccip-features": B}
    assert permitted(True, recorded) == {"ccip-features": B}


def test_a_record_names_digest_and_licence_of_what_is_there_and_of_what_is_not():
    assert described(["ccip-metric", "face-detector"], lock(locked("ccip-metric", A, "MIT"))) == [
        {"name": "ccip-metric", "sha256": A, "licence": "MIT"},
        {"name": "face-detector", "sha256": "", "licence": KNOWN["face-detector"].licence},
    ]


# -- what a project needs -----------------------------------------------------------------------------------------------

PROFILE = "gates.profile"
LEARNED = {
    "the profile basic asks for nothing": ({}, "drawn", []),
    "nor does own": ({"profile": "own"}, "photographic", []),
    "identity by colours needs no model": ({"identity": "palette"}, "drawn", []),
    "a drawn project of the profile standard is recognised by CCIP": (
        {"profile": "standard"},
        "drawn",
        [("aesthetic", PROFILE), ("ccip-difference", PROFILE), ("lpips-temporal", PROFILE)],
    ),
    "a photographic one by its faces": (
        {"profile": "standard"},
        "photographic",
        [("aesthetic", PROFILE), ("face-quality", PROFILE), ("face-similarity", PROFILE), ("lpips-temporal", PROFILE)],
    ),
    "a choice of identity is asked for where it stands": ({"identity": "arcface"}, "drawn", [("face-similarity", "gates.identity")]),
    "a rule of its own as well": (
        {"rules": {"video": {"aesthetic": {"min": 5}}}},
        "drawn",
        [("aesthetic", "gates.rules.video.aesthetic")],
    ),
    "a rule for joined files only as well": (
        {"rules": {"video": {"aesthetic": {"min": 5, "when": "final"}}}},
        "drawn",
        [("aesthetic", "gates.rules.video.aesthetic")],
    ),
    "what is only shown is not required": ({"rules": {"all": {"aesthetic": {"min": 5, "required": False}}}}, "drawn", []),
}


@pytest.mark.parametrize(("gates", "look", "expected"), LEARNED.values(), ids=LEARNED)
def test_what_a_project_requires(gates, look, expected):
    assert sorted((need.metric, need.field) for need in needs(gates, look) if need.required) == expected


def test_what_is_only_shown_is_needed_too():
    assert needs({"rules": {"all": {"aesthetic": {"min": 5, "required": False}}}}, "drawn") == (
        Need("aesthetic", "gates.rules.all.aesthetic", required=False),
    )


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param({"required": True}, [Need("aesthetic", "thresholds.1", required=True, tuning="tuning")], id="what it demands"),
        pytest.param(
            {"required": True, "phase": "loop"}, [Need("aesthetic", "thresholds.1", required=True, tuning="tuning")], id="also of one phase"
        ),
        pytest.param({}, [], id="not what only moves a threshold that nobody asks for"),
    ],
)
def test_a_tuning_document_asks_for_models(entry, expected):
    thresholds = [{"metric": "noise", "max": 3}, {"metric": "aesthetic", "min": 5, **entry}]
    found = needs({}, "drawn", [doc({"kind": "tuning", "id": "tuning", "thresholds": thresholds}, "tuning.yaml")])
    assert list(found) == expected


def test_a_threshold_about_one_character_asks_for_models_too():
    likeness = {"metric": "clip-similarity", "min": 0.6, "character": "aki", "required": True}
    found = needs({}, "drawn", [doc({"kind": "tuning", "id": "tuning", "thresholds": [likeness]}, "tuning.yaml")])
    assert [need.metric for need in found] == ["clip-similarity"]


FORBIDDEN = {
    "what a project must pass": (Need("face-similarity", PROFILE, required=True), {}, Severity.ERROR),
    "what it asks to be shown": (Need("face-similarity", "gates.rules.all.face-similarity", required=False), {}, Severity.WARNING),
    "not what a profile only shows": (Need("face-quality", PROFILE, required=False), {}, None),
    "not a metric whose models allow it": (Need("ccip-difference", PROFILE, required=True), {}, None),
    "not with a model that allows it in that place": (
        Need("face-count", "gates.rules.all.face-count", required=True),
        lock(locked("face-detector")),
        None,
    ),
}


@pytest.mark.parametrize(("need", "recorded", "severity"), FORBIDDEN.values(), ids=FORBIDDEN)
def test_what_a_commercial_project_must_not_ask_for(need, recorded, severity):
    found = [licence_problem(found, why, Place("p/project.yaml", 3, 1)) for found, why in forbidden((need,), recorded)]
    assert [problem.severity for problem in found] == ([severity] if severity else [])
    assert all(need.metric in problem.message and "insightface" in problem.message and problem.hint for problem in found)


def test_the_hint_for_faces_names_what_else_tells_characters_apart():
    ((need, why),) = forbidden((Need("face-similarity", "gates.identity", required=True),), {})
    problem = licence_problem(need, why, Place("p/project.yaml", 3, 1))
    assert "face-detector and face-recogniser are licensed as" in problem.message
    assert "`identity: ccip`" in problem.hint


# -- models.json --------------------------------------------------------------------------------------------------------

SOME = lock(locked("face-detector", A), locked("lpips-trunk", B, "Lizenz für Forschung", commercial=False))

models = st.builds(
    LockedModel,
    name=st.sampled_from(sorted(KNOWN)),
    file=st.text("abc-.", min_size=1).filter(is_plain),
    sha256=st.text("0123456789abcdef", min_size=64, max_size=64),
    bytes=st.integers(0, 2**50),
    licence=st.text(),
    commercial=st.booleans(),
    added=st.text("0123456789-", max_size=10),
)


@given(st.lists(models).map(lambda found: lock(*found)))
def test_what_is_written_is_read_and_written_the_same(recorded):
    text = lock_text(recorded)
    assert parse_lock(text.encode(), FILE) == (recorded, [])
    assert lock_text(dict(reversed(recorded.items()))) == text


def test_the_text_as_somebody_last_read_it():
    assert json.loads(lock_text(lock(locked("face-detector")))) == {
        "format_version": 1,
        "models": {
            "face-detector": {
                "file": "face-detector.onnx",
                "sha256": A,
                "bytes": 12,
                "licence": "MIT",
                "commercial": True,
                "added": "2026-11-21",
            }
        },
    }


@given(st.binary(max_size=200))
def test_no_bytes_stop_the_reader(data):
    found, problems = parse_lock(data, FILE)
    assert problems or not found


def edited(name, **fields):
    entries = json.loads(lock_text(SOME))
    entries["models"][name] = {**entries["models"].get(name, {}), **fields} if fields else []
    return json.dumps(entries, indent=2)


WRONG = {
    "no JSON": ('{"models": {,}}', "1:13", "this is not JSON"),
    "bytes that are no text": (b"\xff\xfe\x00{", "1:1", "this is not JSON"),
    "deeper than anybody nests": ("[" * 100_000, "1:1", "this is not JSON"),
    "a list": ("[]", "1:1", "this is no list of models"),
    "no models": ('{"format_version": 1}', "1:1", "this is no list of models"),
    "a later format": ('{\n  "format_version": 2, "models": {}}', "2:3", "format 2 is not one"),
    "an unknown model": (edited("face-detecter", sha256=A), "20:5", "no model is called 'face-detecter'"),
    "an entry that is no mapping": (edited("face-detector"), "4:5", "the entry of face-detector is no mapping"),
    "a digest that is cut off": (edited("face-detector", sha256="abc"), "4:5", "`sha256` of face-detector is 'abc'"),
    "a digest in capitals": (edited("face-detector", sha256="A" * 64), "4:5", "`sha256` of face-detector"),
    "a size that is no number": (edited("face-detector", bytes=True), "4:5", "`bytes` of face-detector is True"),
    "a file in another folder": (edited("face-detector", file="../secret.onnx"), "4:5", "`file` of face-detector"),
    "a hidden file": (edited("face-detector", file=".secret"), "4:5", "`file` of face-detector"),
    "a licence that says nothing": (edited("face-detector", licence=None), "4:5", "`licence` of face-detector is None"),
}


@pytest.mark.parametrize(("text", "place", "words"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_with_its_place(text, place, words):
    _, problems = parse_lock(text.encode() if isinstance(text, str) else text, FILE)
    assert [str(problem.place) for problem in problems] == [f"{FILE}:{place}"]
    assert words in problems[0].message
    assert problems[0].hint


def test_a_broken_entry_holds_no_other():
    found, problems = parse_lock(edited("face-detector", sha256="abc").encode(), FILE)
    assert (list(found), len(problems)) == (["lpips-trunk"], 1)
