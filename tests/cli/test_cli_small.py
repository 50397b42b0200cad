"""`koma schema`, `signatures` and `events`."""

import json

import pytest

from koma.cli.events import since_when
from koma.core.errors import UsageError
from koma.core.schema import BEGIN, END, schemas
from koma.templating.signatures import load_recorded
from support.workspaces import STILL

# -- schema ---------------------------------------------------------------------------------------------------------------


def test_schema_writes_what_check_then_finds_current(workspace):
    assert workspace.koma("schema", "--check").code == 1
    assert workspace.koma("schema").code == 0
    assert {file.name for file in (workspace.root / "specs").iterdir()} == schemas().keys()
    assert workspace.koma("schema", "--check").code == 0


def test_schema_fills_the_tables_of_a_readme_with_markers(workspace):
    workspace.write("specs/README.md", f"# Mine\n\n{BEGIN}\nold\n{END}\n\nend\n")
    assert workspace.koma("schema").code == 0
    text = workspace.read("specs/README.md")
    assert text.startswith("# Mine\n")
    assert text.endswith(f"{END}\n\nend\n")
    assert "### `scene`" in text
    workspace.edit("specs/README.md", "### `scene`", "### scene")
    done = workspace.koma("schema", "--check")
    assert done.code == 1
    assert "README.md" in done.err


def test_schema_leaves_a_readme_without_markers_alone(workspace):
    workspace.write("specs/README.md", "mine\n")
    assert workspace.koma("schema").code == 0
    assert workspace.read("specs/README.md") == "mine\n"


# -- signatures -----------------------------------------------------------------------------------------------------------

OBJECT_INFO = {
    "SaveImage": {
        "input": {"required": {"images": ["IMAGE"], "filename_prefix": ["STRING", {"default": "ComfyUI", "tooltip": "x"}]}},
        "output": [],
        "output_node": True,
        "python_module": "nodes",
    },
    "broken": {"input_order": {}},
}


def test_signatures_of_a_file_hold_what_checks_need(workspace, tmp_path):
    source, output = tmp_path / "info.json", tmp_path / "out.json"
    source.write_text(json.dumps(OBJECT_INFO))
    assert workspace.koma("signatures", str(source), "--output", str(output)).code == 0
    recorded = json.loads(output.read_text())
    assert set(recorded) == {"SaveImage"}
    assert workspace.koma("signatures", str(source)).out == output.read_text()
    assert workspace.koma("signatures", str(output)).out == output.read_text()  # the recorded form again


def test_signatures_are_asked_from_a_server(workspace, server):
    done = workspace.koma("signatures", server.url)
    assert "EmptyImage" in done.json
    assert done.code == 0


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("http://127.0.0.1:1", "can't be reached"),
        ("koma.yaml", "can't be read"),
        ("list.json", "no JSON object"),
        ("empty.json", "describes no node"),
    ],
    ids=["a server that is not there", "a file that is no JSON", "a list", "an object without nodes"],
)
def test_signatures_refuse(workspace, monkeypatch, source, words):
    monkeypatch.chdir(workspace.root)
    workspace.write("list.json", "[]")
    workspace.write("empty.json", "{}")
    done = workspace.koma("signatures", source)
    assert done.code == 1
    assert words in done.err
    assert "  do: " in done.err


def test_recorded_signatures_are_of_that_form():
    assert load_recorded().rule("SaveImage") is not None


# -- events ---------------------------------------------------------------------------------------------------------------


def test_events_are_told_oldest_first(once_rendered):
    records = [json.loads(line) for line in once_rendered.koma("events", "--json").out.splitlines()]
    names = [record["event"] for record in records]
    assert {"daemon_started", "job_queued", "job_complete", "quality_evaluation", "published"} <= set(names)
    assert names.index("job_queued") < names.index("job_complete")
    assert all(record["format_version"] == 1 for record in records)


def test_an_event_for_people_names_its_target(once_rendered):
    lines = once_rendered.koma("events").out.splitlines()
    assert any("  job_complete  " in line and STILL in line for line in lines)


def test_events_since_leave_out_what_is_older(once_rendered):
    assert once_rendered.koma("events", "--since", "2099-01-01T00:00").out == ""
    assert once_rendered.koma("events", "--since", "1d").out == once_rendered.koma("events").out


def test_events_follow_tells_what_is_appended(workspace, monkeypatch):
    log = workspace.write("outputs/.koma/logs/events.jsonl", '{"event":"old","at":1}\n')
    turns = iter([True, False])

    def wait() -> bool:
        with log.open("a") as file:
            file.write('{"event":"new","at":2}\n')
        return next(turns)

    monkeypatch.setattr("koma.cli.events._wait", wait)
    assert [json.loads(line)["event"] for line in workspace.koma("events", "--json", "--follow").out.splitlines()] == ["new"]
    turns = iter([True, False])
    followed = workspace.koma("events", "--json", "--follow", "--since", "1970-01-02").out
    assert followed == ""


@pytest.mark.parametrize(("text", "ago"), [("90s", 90), ("30m", 1800), ("1.5h", 5400), ("7d", 604800)])
def test_since_reads_durations(text, ago):
    assert since_when(text, 1_000_000.0) == 1_000_000 - ago


def test_since_reads_a_date():
    assert since_when("2026-11-21T20:00:00+00:00", 0.0) == 1795291200.0


def test_since_refuses_anything_else():
    with pytest.raises(UsageError, match="--since can't be 'yesterday'"):
        since_when("yesterday", 0.0)
