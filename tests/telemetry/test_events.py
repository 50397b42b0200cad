"""The hub hands every event to every sink, whatever one of them does; log lines and sentences are safe to show."""

import io
import json
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.shown import printable
from koma.telemetry.clock import SystemClock
from koma.telemetry.events import NAMES, Event, EventHub
from koma.telemetry.loglines import LogLines
from koma.telemetry.outlet import open_outlet
from koma.telemetry.plain import duration
from koma.telemetry.progress import Bars, PlainLines, progress_view, sentence


class StillClock:
    def now(self) -> float:
        return 1_700_000_000.25

    def monotonic(self) -> float:
        return 0.0


class Collect:
    def __init__(self):
        self.events = []

    def __call__(self, event):
        self.events.append(event)

    def close(self):
        self.events.append("closed")


class Broken(Collect):
    def __call__(self, event):
        raise OSError("no space left on device")


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_an_event_carries_name_time_and_fields():
    sink = Collect()
    EventHub([sink], StillClock()).emit("job_queued", target="a/b", queue=2)
    assert sink.events == [Event("job_queued", 1_700_000_000.25, {"target": "a/b", "queue": 2})]


def test_secrets_reach_no_sink():
    sink = Collect()
    EventHub([sink], StillClock()).emit("backend_down", message="http://me:word@studio:8188 refused", api_key="k")
    assert dict(sink.events[0].fields) == {"message": "http://studio:8188 refused", "api_key": "(removed)"}


def test_a_broken_sink_is_told_once_and_stops_nothing(capsys):
    sink = Collect()
    hub = EventHub([Broken(), sink], StillClock())
    hub.emit("job_queued")
    hub.emit("job_queued")
    assert len(sink.events) == 2
    assert capsys.readouterr().err == "koma: events no longer reach Broken: no space left on device\n"


def test_events_of_several_threads_reach_the_sink_one_at_a_time(tmp_path):
    outlet = open_outlet(SystemClock(), "1", tmp_path, tmp_path / "e", io.StringIO(), progress=False)
    threads = [Thread(target=lambda: [outlet.hub.emit("progress", note="x" * 50) for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outlet.hub.close()
    assert [json.loads(line)["event"] for line in (tmp_path / "e").read_text().splitlines()] == ["progress"] * 200


def test_closing_the_hub_closes_the_sinks():
    sink = Collect()
    EventHub([sink], StillClock()).close()
    assert sink.events == ["closed"]


def logged(form: str, level: str, *events: Event) -> str:
    stream = io.StringIO()
    sink = LogLines(stream, form, level)
    for event in events:
        sink(event)
    sink.close()
    return stream.getvalue()


def test_a_json_log_line_has_level_time_event_and_fields():
    line = logged("json", "info", Event("job_failed", 1_700_000_000.25, {"target": "a/b", "message": "no\nsuch\x1b[31m node"}))
    assert line.count("\n") == 1
    assert json.loads(line) == {
        "event": "job_failed",
        "level": "error",
        "timestamp": "2023-11-14T22:13:20.250Z",
        "target": "a/b",
        "message": "no\nsuch\x1b[31m node",
    }


@pytest.mark.parametrize(
    ("level", "names"),
    [
        ("debug", ["progress", "published", "backend_down", "job_failed"]),
        ("info", ["published", "backend_down", "job_failed"]),
        ("warning", ["backend_down", "job_failed"]),
        ("error", ["job_failed"]),
    ],
)
def test_lines_below_the_level_are_left_out(level, names):
    events = [Event(name, 0.0, {}) for name in ("progress", "published", "backend_down", "job_failed")]
    assert [json.loads(line)["event"] for line in logged("json", level, *events).splitlines()] == names


def test_a_console_log_line_holds_no_control_character():
    line = logged("console", "info", Event("job_failed", 0.0, {"message": "a\x1b]0;title\x07\x9b31m\nb"}))
    assert line.endswith("\n")
    assert not [character for character in line[:-1] if not character.isprintable()]
    assert "job_failed" in line


@given(st.text())
def test_text_for_a_terminal_is_one_line_without_control_characters(text):
    shown = printable(text)
    assert not [character for character in shown if ord(character) < 32 or 127 <= ord(character) < 160]
    assert len(shown.splitlines()) <= 1


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")],
)
def test_a_duration_in_words(seconds, words):
    assert duration(seconds) == words


SENTENCES = [
    ("job_complete", {"target": "s/a", "rendition": "draft", "seconds": 12.2}, "s/a draft: render done in 12 s"),
    ("job_complete", {"target": "s/a", "action": "gate", "seconds": None}, "s/a: gate done in 0.0 s"),
    ("job_failed", {"target": "s/a", "error_class": "node", "message": "no\nluck"}, "s/a: failed (node): no luck"),
    ("quality_evaluation", {"target": "s/a", "take": 2, "verdict": "passed"}, "s/a: take 2 passed"),
    (
        "quality_evaluation",
        {"target": "s/a", "verdict": "failed", "failed": ["too dark", "too short"]},
        "s/a: take 1 failed. too dark; too short",
    ),
    (
        "job_retried",
        {"target": "s/a", "attempt": 2, "error_class": "lost", "message": "gone"},
        "s/a: attempt 2 failed (lost), trying again: gone",
    ),
    ("published", {"target": "s/a", "path": "s/a.mp4"}, "s/a: published as s/a.mp4"),
    ("plan_held", {"digest": "abc", "message": "retires 12 of 12"}, "plan abc is held: retires 12 of 12"),
    ("backend_down", {"backend": "studio", "message": "refused"}, "backend studio does not answer: refused"),
    ("spec_problem", {"place": "a.yaml:1:2", "message": "odd"}, "a.yaml:1:2: odd"),
    ("progress", {"target": "s/a", "fraction": 0.5}, ""),
    ("reconcile_complete", {}, ""),
]


@pytest.mark.parametrize(("name", "fields", "words"), SENTENCES, ids=[words or name for name, _, words in SENTENCES])
def test_what_a_person_reads(name, fields, words):
    assert sentence(Event(name, 0.0, fields)) == words


def test_plain_lines_leave_out_what_says_nothing():
    stream = io.StringIO()
    view = PlainLines(stream)
    for name, fields, _ in SENTENCES:
        view(Event(name, 0.0, fields))
    assert stream.getvalue().splitlines() == [words for _, _, words in SENTENCES if words]


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_view_takes_every_event_even_without_fields(name, tmp_path):
    for stream, progress in ((Terminal(), True), (io.StringIO(), True), (Terminal(), False), (io.StringIO(), False)):
        outlet = open_outlet(StillClock(), "1", tmp_path, tmp_path / "e", stream, progress=progress)
        sinks = outlet.hub._sinks
        for sink in sinks:
            sink(Event(name, 1.0, {}))
        outlet.hub.close()


def test_bars_show_the_line_and_the_share_that_is_done():
    stream = Terminal()
    bars = Bars(stream)
    fields = {"target": "s/[a]", "prompt_id": "p1"}
    bars(Event("job_queued", 0.0, fields))
    bars(Event("job_submitted", 0.0, fields))
    bars(Event("progress", 0.0, {**fields, "fraction": 0.5}))
    (everything, one) = bars._progress.tasks
    assert (everything.completed, everything.total) == (0, 1)
    assert (one.description, one.completed) == ("s/[a]", 50)
    bars(Event("job_complete", 0.0, {**fields, "seconds": 1.0}))
    assert [(task.completed, task.total) for task in bars._progress.tasks] == [(1, 1)]
    bars.close()
    assert "s/[a]: render done in 1.0 s" in stream.getvalue()


@pytest.mark.parametrize(("stream", "view"), [(Terminal(), Bars), (io.StringIO(), PlainLines)], ids=["terminal", "pipe"])
def test_bars_only_on_a_terminal(stream, view):
    assert isinstance(progress_view(stream), view)
