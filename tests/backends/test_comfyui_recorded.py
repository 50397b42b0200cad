"""What the recorded answers of a real server mean to the backend. Nothing here talks to a server."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.backends.comfyui import sightings
from koma.backends.comfyui.progress import Reader, reconnect_delay
from koma.backends.comfyui.refusals import submitted
from koma.backends.comfyui.shapes import Reply
from koma.core.request import FailureClass, Stage, SubmitOutcome
from support.fake_comfyui_graphs import EXCHANGES

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


def reply(name: str) -> Reply:
    exchange = EXCHANGES[name]
    data = exchange["response"]
    return Reply(exchange["status"], data if isinstance(data, dict) else None, str(data))


def prompt_id(name: str) -> str:
    return str(EXCHANGES[name]["response"]["prompt_id"])


REFUSED = [
    ("invalid_missing_model", FailureClass.MISSING_MODEL, "'nope.safetensors' is not on the server; put it into models/checkpoints"),
    ("invalid_missing_node_class", FailureClass.MISSING_NODE, "Node ID '#5': the server has no node KSamplerNope"),
    ("invalid_missing_required_input", FailureClass.VALIDATION, "node 5 (KSampler), input model: Required input is missing"),
    ("invalid_bad_link_type", FailureClass.VALIDATION, "received_type(LATENT) mismatch input_type(MODEL)"),
    ("invalid_link_to_unknown_node", FailureClass.VALIDATION, "Exception when validating inner node: '99'"),
    ("invalid_value_out_of_range", FailureClass.VALIDATION, "node 5 (KSampler), input steps: Value 0 smaller than min of 1"),
    ("invalid_value_not_a_number", FailureClass.VALIDATION, "Failed to convert an input value to a INT value"),
    ("invalid_no_outputs", FailureClass.VALIDATION, "Prompt has no outputs"),
    ("invalid_image_file", FailureClass.INPUT, "Invalid image file: missing.png"),
    ("invalid_cycle", FailureClass.VALIDATION, "Prompt outputs failed validation"),
    ("invalid_empty", FailureClass.VALIDATION, "Prompt has no outputs"),
    ("no_prompt_key", FailureClass.VALIDATION, "No prompt provided"),
    ("one_output_valid_one_invalid", FailureClass.INPUT, "node 3 (LoadImage), input image"),
]


@pytest.mark.parametrize(("name", "kind", "words"), REFUSED, ids=[case[0] for case in REFUSED])
def test_a_recorded_refusal_is_rejected_with_its_class_and_place(name: str, kind: FailureClass, words: str) -> None:
    answer = submitted(reply(name), str(EXCHANGES[name]["response"].get("prompt_id", "")))
    assert answer.outcome is SubmitOutcome.REJECTED
    assert answer.failure is not None
    assert answer.failure.kind is kind
    assert words in answer.failure.message
    assert answer.failure.excerpt


@pytest.mark.parametrize("name", ["success", "success_fully_cached", "same_prompt_id_resubmitted", "execution_error", "video_vhs_combine"])
def test_a_recorded_acceptance_is_accepted(name: str) -> None:
    assert submitted(reply(name), prompt_id(name)).outcome is SubmitOutcome.ACCEPTED


def test_an_acceptance_under_another_id_than_asked_for_is_rejected() -> None:
    answer = submitted(reply("success"), "another")
    assert answer.outcome is SubmitOutcome.REJECTED
    assert answer.failure is not None
    assert "id of its own" in answer.failure.message


@pytest.mark.parametrize(
    ("status", "data", "outcome", "kind"),
    [
        pytest.param(500, None, SubmitOutcome.UNKNOWN, FailureClass.LOST, id="an error inside the server leaves it open"),
        pytest.param(502, None, SubmitOutcome.UNKNOWN, FailureClass.LOST, id="a broken proxy leaves it open"),
        pytest.param(504, None, SubmitOutcome.UNKNOWN, FailureClass.LOST, id="a proxy's timeout leaves it open"),
        pytest.param(200, None, SubmitOutcome.UNKNOWN, FailureClass.LOST, id="garbage with 200 leaves it open"),
        pytest.param(200, [], SubmitOutcome.UNKNOWN, FailureClass.LOST, id="a list with 200 leaves it open"),
        pytest.param(204, None, SubmitOutcome.UNKNOWN, FailureClass.LOST, id="an unheard-of success leaves it open"),
        pytest.param(503, None, SubmitOutcome.BUSY, FailureClass.BACKEND_DOWN, id="unavailable is busy"),
        pytest.param(429, None, SubmitOutcome.BUSY, FailureClass.BACKEND_DOWN, id="too many requests is busy"),
        pytest.param(302, None, SubmitOutcome.BUSY, FailureClass.BACKEND_DOWN, id="a redirect is another address"),
        pytest.param(401, None, SubmitOutcome.BUSY, FailureClass.BACKEND_DOWN, id="a login page is no ComfyUI"),
        pytest.param(404, None, SubmitOutcome.BUSY, FailureClass.BACKEND_DOWN, id="another program is no ComfyUI"),
        pytest.param(413, None, SubmitOutcome.REJECTED, FailureClass.VALIDATION, id="a graph that is too large never fits"),
        pytest.param(400, None, SubmitOutcome.REJECTED, FailureClass.VALIDATION, id="a refusal without a reason is a refusal"),
    ],
)
def test_other_answers(status: int, data: Any, outcome: SubmitOutcome, kind: FailureClass) -> None:
    answer = submitted(Reply(status, data, "words"), "id")
    assert answer.outcome is outcome
    assert answer.failure is not None
    assert answer.failure.kind is kind


def test_a_recorded_error_inside_the_server_leaves_the_prompt_open() -> None:
    assert submitted(reply("bad_json"), "id").outcome is SubmitOutcome.UNKNOWN


def test_a_missing_lora_a_missing_vision_model_and_an_unknown_sampler_are_told_apart() -> None:
    def kind(class_type: str, name: str, value: str) -> tuple[FailureClass, str]:
        error = {"type": "value_not_in_list", "message": "m", "details": "d", "extra_info": {"input_name": name, "received_value": value}}
        data = {"error": {}, "node_errors": {"1": {"errors": [error], "class_type": class_type}}}
        failure = submitted(Reply(400, data, ""), "id").failure
        assert failure is not None
        return failure.kind, failure.message

    assert kind("LoraLoader", "lora_name", "a.safetensors")[1].endswith("models/loras")
    assert kind("CLIPVisionLoader", "clip_name", "b.safetensors")[1].endswith("models/clip_vision")
    assert kind("SomePackLoader", "file", "c.gguf")[0] is FailureClass.MISSING_MODEL
    assert kind("KSampler", "sampler_name", "eulr")[0] is FailureClass.VALIDATION


def history(name: str) -> dict[str, Any]:
    (entry,) = EXCHANGES[name]["history"].values()
    return dict(entry)


SAVED = [
    ("success", ["plain_00001_.png"]),
    ("success_fully_cached", ["plain_00001_.png"]),
    ("image_batch", [f"batch_0000{number}_.png" for number in range(1, 9)]),
    ("video_vhs_combine", ["vhs_00001.mp4"]),
    ("video_core_save", ["core_00001_.mp4"]),
    ("animated_webp", ["anim_00001_.webp"]),
]


@pytest.mark.parametrize(("name", "files"), SAVED, ids=[case[0] for case in SAVED])
def test_a_recorded_success_names_its_files_in_order(name: str, files: list[str]) -> None:
    sighting = sightings.from_history(history(name))
    assert sighting.stage is Stage.SUCCEEDED
    assert [file["filename"] for file in sighting.outputs["files"]] == files
    assert {file["subfolder"] for file in sighting.outputs["files"]} == {"rec"}
    assert sighting.render_seconds is not None


def test_render_seconds_are_those_between_start_and_success() -> None:
    assert sightings.from_history(history("success")).render_seconds == pytest.approx(0.039)


@pytest.mark.parametrize("name", ["preview_image_temp", "save_image_websocket"])
def test_a_recorded_success_that_saved_nothing_is_a_failure(name: str) -> None:
    sighting = sightings.from_history(history(name))
    assert sighting.stage is Stage.FAILED
    assert sighting.failure is not None
    assert sighting.failure.kind is FailureClass.NO_OUTPUT


def test_a_recorded_node_error_names_node_and_exception_and_keeps_the_traceback() -> None:
    failure = sightings.from_history(history("execution_error")).failure
    assert failure is not None
    assert failure.kind is FailureClass.NODE
    assert failure.message.startswith("node 1 (LoadImage): PIL.UnidentifiedImageError: cannot identify image file")
    assert "execution.py" in failure.excerpt


def test_a_recorded_interrupt_is_interrupted() -> None:
    sighting = sightings.from_history(history("interrupted"))
    assert sighting.failure is not None
    assert sighting.failure.kind is FailureClass.INTERRUPTED
    assert sighting.render_seconds == pytest.approx(4.055)


def _error(kind: str, message: str) -> dict[str, Any]:
    words = {"node_id": "5", "node_type": "KSampler", "exception_type": kind, "exception_message": message, "traceback": ["t"]}
    return {"outputs": {}, "status": {"status_str": "error", "messages": [["execution_error", words]]}}


@pytest.mark.parametrize(
    ("kind", "message", "expected"),
    [
        ("torch.OutOfMemoryError", "Allocation on device", FailureClass.OUT_OF_MEMORY),
        ("torch.cuda.OutOfMemoryError", "", FailureClass.OUT_OF_MEMORY),
        ("RuntimeError", "CUDA error: out of memory", FailureClass.OUT_OF_MEMORY),
        ("RuntimeError", "shapes cannot be multiplied", FailureClass.NODE),
        ("MemoryError", "room", FailureClass.NODE),
    ],
)
def test_running_out_of_memory_is_told_from_other_node_errors(kind: str, message: str, expected: FailureClass) -> None:
    failure = sightings.from_history(_error(kind, message)).failure
    assert failure is not None
    assert failure.kind is expected


def test_an_error_without_a_reason_is_internal() -> None:
    failure = sightings.from_history({"outputs": {}, "status": {"status_str": "error", "messages": []}}).failure
    assert failure is not None
    assert failure.kind is FailureClass.INTERNAL


def test_files_come_by_node_number_and_subgraph_nodes_after_their_node() -> None:
    outputs = {node: {"images": [{"filename": node, "type": "output"}]} for node in ("10", "2:1", "2", "9", "x")}
    listed = sightings.from_history({"outputs": outputs}).outputs["files"]
    assert [file["filename"] for file in listed] == ["2", "2:1", "9", "10", "x"]


def test_the_recorded_queue_tells_running_from_waiting() -> None:
    queue = EXCHANGES["queue_busy"]
    assert sightings.in_queue(queue, queue["queue_running"][0][1]) is Stage.RUNNING
    assert sightings.in_queue(queue, queue["queue_pending"][0][1]) is Stage.QUEUED
    assert sightings.in_queue(queue, "another") is None
    assert sightings.others_waiting(queue) == 1


def test_prompts_that_carry_our_mark_are_not_others() -> None:
    queue = {"queue_running": [], "queue_pending": [[0, "a", {}, {"koma": {}}, []], [1, "b", {}, {}, []]]}
    assert sightings.others_waiting(queue) == 1


def test_the_recorded_stats_give_versions_and_no_memory_on_a_cpu() -> None:
    status = sightings.status(EXCHANGES["system_stats"]["response"], {})
    assert status.up
    assert status.version == "0.3.64"
    assert status.versions["pytorch"]
    assert (status.vram_total, status.vram_free) == (None, None)
    assert sightings.memory_in_use(EXCHANGES["system_stats"]["response"]) is None
    assert (status.ram_total, status.ram_free) == (25276502016, 23148056576)


def test_prompts_of_others_that_run_are_told_apart_from_those_that_wait() -> None:
    ours, theirs = [0, "a", {}, {"koma": {}}, []], [1, "b", {}, {}, []]
    status = sightings.status({}, {"queue_running": [theirs], "queue_pending": [ours, theirs, theirs]})
    assert (status.others_running, status.others_waiting) == (1, 2)
    assert sightings.status({}, {"queue_running": [ours], "queue_pending": []}).others_running == 0


@given(JSON)
def test_an_answer_of_any_shape_never_raises(value: Any) -> None:
    submitted(Reply(200, value, ""), "id")
    submitted(Reply(400, {"error": value, "node_errors": value}, ""), "id")
    submitted(Reply(400, {"node_errors": {"1": {"errors": [value], "class_type": value}}}, ""), "id")
    queue = {"queue_running": value, "queue_pending": [value]}
    sightings.in_queue(queue, "id")
    sightings.status({"system": value, "devices": [value]}, queue)
    sightings.from_history({"outputs": value, "status": value})
    sightings.from_history({"outputs": {"1": value}, "status": {"messages": [value, ["execution_error", value]]}})
    reader = Reader()
    reader.watch("id", {"1": {}})
    for kind in ("progress_state", "executing", "execution_cached"):
        reader.read(value)
        reader.read({"type": kind, "data": {"prompt_id": "id", "nodes": value, "node": value}})
        reader.read({"type": kind, "data": {"prompt_id": "id", "nodes": {"1": value}}})


@pytest.mark.parametrize("name", ["success", "success_fully_cached", "sampler_success", "image_batch"])
def test_recorded_events_give_fractions_that_grow_to_one_and_two_finished_hints(name: str) -> None:
    hints = _hints(name, prompt_id(name))
    fractions = [hint.fraction for hint in hints if hint.fraction is not None]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert [hint.note for hint in hints if hint.finished] == ["done", "ended"]


def _hints(name: str, watched: str) -> list[Any]:
    reader = Reader()
    reader.watch(watched, EXCHANGES[name]["request"]["prompt"])
    return [hint for hint in map(reader.read, EXCHANGES[name]["ws"]) if hint]


def test_a_sampler_says_which_step_it_is_at() -> None:
    assert "KSampler 3/4" in [hint.note for hint in _hints("sampler_success", prompt_id("sampler_success"))]


def test_half_of_the_steps_of_the_only_node_left_is_half() -> None:
    hints = _hints("interrupted", prompt_id("interrupted"))
    ten = next(hint for hint in hints if hint.note == "KSampler 10/30")
    assert ten.fraction == pytest.approx(10 / 30 / 3)  # 4 of 7 nodes came from the cache
    assert [hint.note for hint in hints if hint.finished] == ["interrupted", "ended"]


def test_events_of_prompts_that_are_not_ours_give_no_hint() -> None:
    assert _hints("success", "another") == []


def test_only_the_newest_prompts_are_remembered() -> None:
    reader = Reader()
    for number in range(300):
        reader.watch(str(number), {})
    messages = [{"type": "execution_start", "data": {"prompt_id": str(number)}} for number in range(300)]
    assert [reader.read(message) is not None for message in messages] == [False] * 44 + [True] * 256


def test_reconnecting_waits_longer_each_time_up_to_half_a_minute() -> None:
    delays = [reconnect_delay(failed) for failed in range(40)]
    assert delays[0] == 0.5
    assert delays == sorted(delays)
    assert delays[-1] == 30.0
