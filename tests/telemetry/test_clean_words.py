"""Whatever a file or server says, nothing of it breaks a scrape, moves a terminal's cursor, or carries a secret on."""

import io
import json
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from koma.telemetry.eventlog import EventLog
from koma.telemetry.events import Event, EventHub
from koma.telemetry.loglines import LogLines
from koma.telemetry.metrics import Metrics
from koma.telemetry.progress import PlainLines

TRICKY = "a\ud800b\x1b[31m\x9b\u202e\n\x00"


class Clock:
    def now(self) -> float:
        return 1_700_000_000.0

    def monotonic(self) -> float:
        return 0.0


def tell(hub: EventHub) -> None:
    """Report something with tricky words in every field."""
    row = {"project": TRICKY, "phase": "still", "state": "Ready", "count": 1}
    hub.emit("reconcile_complete", seconds=0.1, result=TRICKY, targets=[row], spec_errors={TRICKY: 2})
    hub.emit("job_failed", target=TRICKY, template=TRICKY, error_class=TRICKY, message=TRICKY, backend=TRICKY, stages={TRICKY: 1.0})
    hub.emit("quality_evaluation", target="t", phase=TRICKY, verdict=TRICKY, values={TRICKY: 1.0}, message=TRICKY)
    hub.emit("backend_up", backend=TRICKY)


def test_a_scrape_survives_words_that_no_encoder_takes(tmp_path):
    metrics = Metrics("1", tmp_path)
    tell(EventHub([metrics], Clock()))
    _, body = metrics.exposition()
    families = list(text_string_to_metric_families(body.decode()))
    labels = {value for family in families for sample in family.samples for value in sample.labels.values()}
    assert any("\\ud800" in value for value in labels)
    assert all(value.isprintable() for value in labels)


def test_a_label_is_short_however_long_the_name():
    label = "x" * 10_000
    metrics = Metrics("1", Path("/"))
    EventHub([metrics], Clock()).emit("backend_up", backend=label)
    assert label.encode() not in metrics.exposition()[1]


@pytest.mark.parametrize("form", ["json", "console"])
def test_log_lines_are_lines_of_visible_characters(form):
    stream = io.StringIO()
    tell(EventHub([LogLines(stream, form, "debug")], Clock()))
    assert len(stream.getvalue().splitlines()) == 4
    assert all(line.isprintable() for line in stream.getvalue().splitlines())
    stream.getvalue().encode()


def test_progress_is_told_in_visible_characters():
    stream = io.StringIO()
    tell(EventHub([PlainLines(stream)], Clock()))
    assert stream.getvalue()
    assert all(line.isprintable() for line in stream.getvalue().splitlines())


def test_the_event_log_takes_everything_and_says_the_same(tmp_path):
    file = tmp_path / "events.jsonl"
    log = EventLog(file)
    tell(EventHub([log], Clock()))
    log.close()
    lines = file.read_bytes().decode("ascii").splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["reconcile_complete", "job_failed", "quality_evaluation", "backend_up"]
    assert json.loads(lines[1])["template"] == TRICKY


@pytest.mark.parametrize(
    "said",
    ["Authorization: Bearer sesame-sesame", "token=sesame&x", '{"password": "sesame"}', "http://me:ses@me:sesame@host/x refused"],
)
def test_a_message_of_a_server_loses_what_looks_like_a_secret(said):
    class Sink:
        told: list[Event] = []  # noqa: RUF012 - one sink, in one test

        def __call__(self, event: Event) -> None:
            self.told.append(event)

        def close(self) -> None:
            """Nothing is held."""

    sink = Sink()
    EventHub([sink], Clock()).emit("backend_down", message=said)
    assert "sesame" not in str(sink.told[0].fields)
