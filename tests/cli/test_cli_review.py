"""`koma review`: decisions become documents, new ones each time; and the list of them."""

import pytest

from koma.core.parse import parse_document
from koma.stores.lock import StateLock
from support.workspaces import ADULT, REN, STILL, VIDEO

PROJECT_FILE, FOLDER = "projects/demo/project.yaml", "projects/demo/reviews"


def documents(workspace) -> list:
    """Every review document, in the order of their names; all of them sound."""
    found = []
    for file in sorted((workspace.root / FOLDER).glob("*.yaml")):
        parsed = parse_document(file.read_text(), file.name)
        assert parsed.problems == ()
        found += [document.data for document in parsed.documents]
        assert file.stem == found[-1]["id"]
    return found


def decisions(workspace) -> list[dict]:
    return [entry for document in documents(workspace) for entry in document["decisions"]]


def content(workspace, target: str) -> str:
    return next(item["content_digest"] for item in workspace.receipt(target)["artifacts"] if item["role"] == "object")


def test_an_approval_is_a_document_about_the_pixels_of_the_take(rendered):
    done = rendered.koma("review", "approve", STILL, "--comment", 'the "hands"\nare right: 手', "--by", "Mina")
    assert done.code == 0
    (document,) = documents(rendered)
    assert (document["kind"], document["by"], len(document["at"])) == ("review", "Mina", 20)
    assert document["decisions"] == [
        {
            "target": STILL,
            "take": 1,
            "content": content(rendered, STILL),
            "decision": "approve",
            "comment": 'the "hands"\nare right: 手',
        }
    ]
    assert done.out.splitlines()[:2] == [f"wrote {FOLDER}/{document['id']}.yaml", f"  approve {STILL} take 1"]
    assert "The next `koma run` takes it up." in done.out
    assert "remove the decision" in done.out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(["reject", "s01/sh020/still"], [("reject", ADULT)], id="an id without its project"),
        pytest.param(["retake", "s01/sh01?/*"], [("retake", STILL), ("retake", VIDEO)], id="a pattern"),
        pytest.param(["approve", "s01"], [("approve", i) for i in (STILL, VIDEO, ADULT, REN)], id="the beginning of an id"),
        pytest.param(["hold", "sh030", "s01/sh030"], None, id="a name of nothing"),
        pytest.param(["approve", STILL, REN, "--take", "1"], [("approve", STILL), ("approve", REN)], id="takes by number"),
        pytest.param(["approve", STILL, "--take", "7"], None, id="a number that no take has"),
        pytest.param(["hold", VIDEO], [("hold", VIDEO)], id="a target that is to wait"),
    ],
)
def test_targets_are_named_as_in_other_commands(rendered, arguments, expected):
    done = rendered.koma("review", *arguments)
    assert (done.code == 0) == (expected is not None), done
    found = decisions(rendered)
    assert sorted((entry["decision"], entry["target"]) for entry in found) == sorted(expected or [])
    assert [entry.get("content") for entry in found] == [
        None if entry["decision"] == "hold" else content(rendered, entry["target"]) for entry in found
    ]


def test_an_id_means_itself_and_nothing_below_it():
    from koma.cli.reviewing import _ids

    known = ["p/s/a/video/seg01", "p/s/a/video", "p/s/a/video/post", "p/s/b/video"]
    assert _ids(["s/a/video"], known) == ["p/s/a/video"]
    assert _ids(["p/s/a"], known) == known[:3]
    assert _ids(["p/s/a/video", "s/b"], known) == ["p/s/a/video", "p/s/b/video"]


def test_without_a_take_there_is_nothing_to_approve(workspace):
    done = workspace.koma("review", "approve", STILL)
    assert done.code == 1
    assert f"{STILL} has no take with a picture" in done.err
    assert f"koma explain {STILL}" in done.err
    assert not (workspace.root / FOLDER).exists()


def test_no_document_is_ever_overwritten(rendered):
    for _ in range(3):
        assert rendered.koma("review", "hold", STILL).code == 0
    texts = {file.name: file.read_text() for file in (rendered.root / FOLDER).iterdir()}
    assert [name[-8:] for name in sorted(texts)] == ["001.yaml", "002.yaml", "003.yaml"]
    first = min(texts)
    rendered.write(f"projects/demo/other/{first}", texts[first].replace("hold", "hold"))
    (rendered.root / FOLDER / first).unlink()
    rendered.koma("review", "hold", STILL)
    assert sorted(file.name[-8:] for file in (rendered.root / FOLDER).iterdir()) == ["002.yaml", "003.yaml", "004.yaml"]


@pytest.mark.parametrize(
    ("scope", "arguments", "expected", "why"),
    [
        pytest.param("project", ["approve", "--phase", "still", "demo"], {"phase": "still", "decision": "approve"}, "", id="of a project"),
        pytest.param(
            "scene", ["reject", "--phase", "loop", "demo/s01"], {"phase": "loop", "scope": "s01", "decision": "reject"}, "", id="of a scene"
        ),
        pytest.param("project", ["approve", "--phase", "still", "demo/s01"], None, "for the whole project", id="not by scene"),
        pytest.param("scene", ["approve", "--phase", "still", "demo/s10"], None, "did you mean `s01`?", id="an unknown scene"),
        pytest.param("project", ["approve", "--phase", "still", "dmo"], None, "did you mean `demo`?", id="an unknown project"),
        pytest.param("project", ["approve", "--phase", "stil", "demo"], None, "did you mean `still`?", id="an unknown phase"),
        pytest.param(
            "project", ["approve", "--phase", "still", "--take", "2", "demo"], None, "leave one of them out", id="a take of a phase"
        ),
    ],
)
def test_a_phase_is_decided_on_by_its_scope(workspace, scope, arguments, expected, why):
    workspace.append(PROJECT_FILE, f"phase_gate: {{scope: {scope}}}\n")
    done = workspace.koma("review", *arguments)
    assert done.code == (0 if expected else 2)
    assert why in done.err
    assert decisions(workspace) == ([expected] if expected else [])


def test_a_daemon_that_runs_takes_it_up_by_itself(rendered):
    with StateLock(rendered.root / "outputs/.koma/state.lock"):
        assert " takes it up by itself." in rendered.koma("review", "hold", STILL).out


def test_the_list_says_which_decisions_count(rendered):
    rendered.koma("review", "approve", STILL)
    rendered.koma("review", "reject", STILL, "--comment", "no")
    rendered.koma("review", "approve", "--phase", "still", "demo")
    rendered.koma("review", "hold", VIDEO)
    rendered.koma("review", "retake", ADULT)
    gone = '{target: s01/sh030/still, content: "' + "0" * 64 + '", decision: approve}'
    rendered.write(f"{FOLDER}/old.yaml", f'kind: review\nid: old\nat: "2020-01-01"\ndecisions:\n  - {gone}\n')
    found = rendered.koma("review", "list", "--json").json["decisions"]
    assert [(entry["decision"], entry["about"], entry["state"]) for entry in found] == [
        ("approve", REN, "no such take"),
        ("approve", f"{STILL} take 1", "replaced or disputed"),
        ("reject", f"{STILL} take 1", "counts"),
        ("approve", "phase still of demo", "counts"),
        ("hold", VIDEO, "counts"),
        ("retake", f"{ADULT} take 1", "waits"),
    ]
    text = rendered.koma("review", "list").out
    assert text.splitlines()[0].split() == ["at", "decision", "about", "state", "by", "comment"]
    assert text.endswith("6 decisions\n")


def test_where_nobody_decided_anything_the_list_says_so(workspace):
    assert workspace.koma("review", "list").out == "nothing was decided yet\n"
