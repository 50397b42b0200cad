"""Receipts and gate documents: everything is in them, nothing secret is, and both together give back the take."""

import copy
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.gate import Check, GateResult, Measurement, Op, Rule
from koma.core.media import Artifact, Media, Role
from koma.core.profiles import Asked, contract
from koma.core.receipt import ReceiptError, finished_take, gate_document, receipt, request_from_receipt, take_from_receipt
from koma.core.redact import REMOVED, redact_text, redacted
from koma.core.request import Failure, FailureClass
from koma.core.words import BackendKind, Phase, Verdict
from support.takes import FINISHED, RULES, failed_job, still_job

words = st.text(max_size=12)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | words, lambda inner: st.lists(inner, max_size=3), max_leaves=5
)
verdicts = st.sampled_from(list(Verdict))
artifacts = st.builds(
    Artifact,
    st.sampled_from(list(Role)),
    st.sampled_from(list(Media)),
    digests,
    digests,
    st.sampled_from([".png", ".mkv"]),
    *[st.integers(0, 10**9)] * 4,
    fps=numbers,
)
measurements = st.builds(
    Measurement,
    words,
    words,
    words,
    st.none() | numbers,
    words,
    st.booleans(),
    st.dictionaries(words, json_values, max_size=2),
)
rules = st.builds(Rule, words, st.sampled_from(list(Op)), numbers, st.booleans(), words)
gates = st.builds(GateResult, verdicts, st.lists(st.builds(Check, rules, st.none() | numbers, verdicts, words), max_size=3).map(tuple))
failures = st.builds(Failure, st.sampled_from(list(FailureClass)), words, words)


@given(
    st.lists(artifacts, max_size=3).map(tuple),
    st.lists(measurements, max_size=3).map(tuple),
    st.none() | gates,
    st.none() | failures,
    st.fixed_dictionaries({"approved": st.booleans(), "decided": st.booleans()}),
)
def test_receipt_and_gate_document_give_back_the_take(found, measured, gate, failure, later):
    job = replace(still_job(found), measurements=measured, gate=gate, failure=failure)
    take = replace(finished_take(job, FINISHED), **later)
    texts = json.dumps(take.receipt), json.dumps(gate_document(take))
    assert take_from_receipt(*map(json.loads, texts)) == take


def test_a_receipt_says_everything_that_is_needed_to_make_the_take_again():
    job = replace(still_job(), peak_memory_bytes=7_000_000_000, attempt=2)
    document = receipt(job, FINISHED, {"comfyui": "0.3.1"})
    work = job.work
    assert document["format_version"] == 1
    assert document["seed"] == work.seed
    assert document["request"]["document"] == work.request.document
    assert document["request"]["inputs"] == [
        {"name": "koma-input:image", "content_digest": "c" * 64, "file_digest": "f" * 64, "suffix": ".png"}
    ]
    assert document["template"] == {"name": "still", "digest": "d" * 64}
    assert document["versions"] == {"koma": "0.1.0", "comfyui": "0.3.1"}
    assert (document["commit"], document["models"]) == ("abc123", {"base.safetensors": None})
    assert document["times"] == {
        "queued_at": 1.0,
        "submitted_at": 2.0,
        "running_since": 3.0,
        "finished_at": FINISHED,
        "render_seconds": 1.5,
    }
    assert (document["attempts"], document["peak_memory_bytes"], document["failure"]) == (2, 7_000_000_000, None)


def test_a_receipt_gives_the_same_request_under_another_prompt_id():
    job = still_job()
    document = json.loads(json.dumps(receipt(job, FINISHED)))
    assert request_from_receipt(document, "again") == replace(job.work.request, prompt_id="again")


def test_a_take_that_was_not_rendered_has_no_request_to_give():
    job = still_job()
    document = receipt(replace(job, work=replace(job.work, request=None)), FINISHED)
    with pytest.raises(ReceiptError, match="no request"):
        request_from_receipt(document, "again")


def test_what_else_the_origin_knows_is_kept():
    job = still_job()
    job = replace(job, work=replace(job.work, origin={**job.work.origin, "look-ahead": [1, 2]}))
    assert receipt(job, FINISHED)["origin"] == {"look-ahead": [1, 2]}


def test_a_failed_take_keeps_its_error_and_is_not_decided():
    take = finished_take(failed_job(), FINISHED)
    assert (take.verdict, take.decided, take.gate, take.measure_key, take.rules_digest) == (Verdict.ERROR, False, None, "", "")
    assert take.receipt["failure"]["kind"] == "out-of-memory"
    assert "Allocation on device" in take.receipt["failure"]["excerpt"]


def test_a_take_that_passed_at_first_is_decided():
    take = finished_take(still_job(), FINISHED)
    assert (take.verdict, take.decided) == (Verdict.PASSED, True)


def test_a_gate_document_explains_every_check():
    checks = {(one["metric"], one["op"]): one for one in gate_document(finished_take(still_job(), FINISHED))["checks"]}
    assert checks["sharpness", ">="] == {
        "metric": "sharpness",
        "verdict": "passed",
        "value": 90.0,
        "op": ">=",
        "threshold": 15.0,
        "unit": "",
        "required": True,
        "source": "koma basic",
        "when": "post",
        "subject": "",
        "stage": "floor",
        "basis": "",
        "audit": False,
        "version": "1",
        "measured": checks["sharpness", ">="]["measured"],
        "message": "sharpness 90 is >= 15",
    }
    assert "Laplacian" in checks["sharpness", ">="]["measured"]
    assert len(checks) == len(RULES)


def test_a_rule_without_a_measurement_still_has_its_unit():
    job = still_job()
    rules = contract(Asked(Phase.VIDEO, BackendKind.COMFYUI, {"fps": 24}))
    take = finished_take(
        replace(job, measurements=(), gate=GateResult(Verdict.UNMEASURED, (Check(rules[1], None, Verdict.UNMEASURED, "-"),))), 1.0
    )
    assert gate_document(take)["checks"][0]["unit"] == "fps"


def test_a_moved_take_has_its_new_id_and_its_receipt_the_old_one():
    take = replace(finished_take(still_job(), FINISHED), target="lantern-street/s02/sh010/still")
    again = take_from_receipt(take.receipt, gate_document(take))
    assert again == take
    assert again.receipt["target"] == "lantern-street/s01/sh010/still"


def damaged(change):
    take = finished_take(still_job(), FINISHED)
    documents = {"receipt": copy.deepcopy(dict(take.receipt)), "gate": gate_document(take)}
    change(documents)
    return documents["receipt"], documents["gate"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(lambda d: d["receipt"].clear(), "format_version is None", id="an empty receipt"),
        pytest.param(lambda d: d["gate"].clear(), "format_version is None", id="an empty gate document"),
        pytest.param(lambda d: d["receipt"].update(format_version=2), "format_version is 2", id="a receipt from the future"),
        pytest.param(lambda d: d["receipt"].update(format_version="1"), "format_version is '1'", id="a version that is no number"),
        pytest.param(lambda d: d["receipt"].pop("seed"), "damaged", id="a receipt without its seed"),
        pytest.param(lambda d: d["receipt"].update(times=None), "damaged", id="a receipt without times"),
        pytest.param(lambda d: d["receipt"].update(artifacts=[{"role": "object"}]), "damaged", id="half an artifact"),
        pytest.param(lambda d: d["receipt"].update(backend="oven"), "damaged", id="an unknown backend"),
        pytest.param(lambda d: d["gate"].update(gate="splendid"), "damaged", id="an unknown verdict"),
        pytest.param(lambda d: d["gate"].update(checks=[1]), "damaged", id="a check that is no object"),
        pytest.param(lambda d: d["gate"].update(take_key="0" * 64), "of two takes", id="the gate document of another take"),
    ],
)
def test_damaged_documents_are_refused_in_words(change, words):
    with pytest.raises(ReceiptError, match=words):
        take_from_receipt(*damaged(change))


SECRET = "s3cr3t-v4lue"  # noqa: S105  the canary of these tests


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"api_key": SECRET}, id="a field called api_key"),
        pytest.param({"inputs": [{"hf_token": SECRET}]}, id="a field deep inside whose name ends in token"),
        pytest.param({"Authorization": f"Basic {SECRET}"}, id="a header"),
        pytest.param({"url": f"see http://me:{SECRET}@host:8188/view"}, id="a password in a URL"),
    ],
)
def test_secrets_in_values_are_removed(value):
    assert SECRET not in json.dumps(redacted(value))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"see http://me:{SECRET}@host:8188/view", id="a password in a URL"),
        pytest.param(f"see http://{SECRET}@host:8188/view", id="a user in a URL"),
        pytest.param(f"sent Authorization: Bearer {SECRET}", id="a bearer token in a header"),
        pytest.param(f"sent 'authorization': 'Basic {SECRET}'", id="a basic login in a header"),
        pytest.param(f"refused bearer {SECRET}", id="a bearer token in a sentence"),
        pytest.param(f"GET /view?token={SECRET}&x=1", id="a token in a query"),
        pytest.param(f"HF_TOKEN={SECRET}", id="an environment variable"),
        pytest.param(f'{{"password": "{SECRET}"}}', id="a password in JSON text"),
    ],
)
def test_secrets_in_logs_are_removed(text):
    assert SECRET not in redact_text(text)


def test_what_a_prompt_says_of_secrets_stays_in_the_receipt():
    graph = {"text": "she whispers the password: swordfish, cup bearer standing behind her"}
    assert redacted(graph) == graph


def test_a_secret_in_a_graph_or_a_traceback_is_not_in_the_receipt():
    job = failed_job()
    graph = {"1": {"class_type": "Upload", "inputs": {"api_key": SECRET, "text": f"http://a:{SECRET}@h/"}}}
    failure = Failure(FailureClass.NODE, "401", f"Bearer {SECRET}")
    job = replace(job, failure=failure, work=replace(job.work, request=replace(job.work.request, document=graph)))
    take = finished_take(job, FINISHED)
    assert SECRET not in json.dumps(take.receipt)
    assert SECRET not in repr(take)


@pytest.mark.parametrize(
    "value",
    ["a girl with a token of love", "passwords are told at the door", "https://example.org/a?b=c", "mail: aki@lantern.street", ""],
)
def test_ordinary_words_stay_as_they_are(value):
    assert redact_text(value) == value


def test_what_is_removed_is_said():
    assert redacted({"token": SECRET, "tokens": 77, "max_token": 5}) == {"token": REMOVED, "tokens": 77, "max_token": 5}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text("abc ", max_size=5), lambda x: st.lists(x) | st.dictionaries(st.text("abc"), x)
    )
)
def test_what_holds_no_secret_comes_back_equal(value):
    assert redacted(value) == value
