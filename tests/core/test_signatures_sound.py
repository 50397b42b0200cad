"""What servers and files say of nodes is taken as far as it is sound: node packs write it by hand, and files get damaged."""

import json

import pytest

from koma.app.known import KnownServer
from koma.core.node_rules import Signatures
from koma.core.signatures import from_object_info, read_recorded
from koma.templating.signatures import dump_signatures

ODD_NODES = {
    "no inputs": {"input": None},
    "inputs that are a list": {"input": ["a"]},
    "groups that are no mappings": {"input": {"required": ["a"], "optional": "b"}},
    "an input that is nothing": {"input": {"required": {"a": None, "b": [], "c": {}, "d": 5}}},
    "limits that are no numbers": {"input": {"required": {"a": ["INT", {"min": "low", "max": [1]}], "b": ["FLOAT", {"min": None}]}}},
    "choices that can't be told apart": {"input": {"required": {"a": [[["x"], {"y": 1}, "z", None]]}}},
    "options that are no list": {"input": {"required": {"a": ["COMBO", {"options": {"x": 1}}]}}},
    "outputs that are a text": {"input": {}, "output": "IMAGE"},
    "outputs that are a number": {"input": {}, "output": 5},
    "a module that is a list": {"input": {}, "python_module": ["x"]},
}


def used(classes):
    """Look at every input of every class with values of each type."""
    signatures = Signatures(classes, live=True)
    for name in classes:
        rule = signatures.rule(name)
        for spec in rule.inputs.values():
            for value in (1, 0.5, "z", True, None, [], {}):
                spec.literal(value)
    return json.loads(dump_signatures(classes, files=True))


@pytest.mark.parametrize("node", ODD_NODES.values(), ids=ODD_NODES.keys())
def test_an_odd_description_of_a_node_harms_nobody(node):
    kept = used(from_object_info({"Odd": node, "Sound": {"input": {"required": {"seed": ["INT", {"min": 0}]}}, "output": ["IMAGE"]}}))
    assert kept["Sound"]["required"]["seed"] == {"type": "INT", "min": 0}
    used(read_recorded(kept))


def test_what_was_kept_is_read_as_it_was_written():
    classes = from_object_info(
        {"N": {"input": {"required": {"a": [["x", "y"], {}], "s": ["INT", {"min": 0, "max": 9}]}}, "output": ["IMAGE"]}}
    )
    assert read_recorded(json.loads(dump_signatures(classes, files=True))) == {"N": used(classes)["N"]}


@pytest.mark.parametrize(
    "entry",
    [5, None, [], {}, {"required": []}, {"required": {"a": 5}}, {"required": {"a": {}}}, {"required": {"a": {"type": "INT", "min": "x"}}}],
    ids=repr,
)
def test_a_damaged_record_of_a_node_harms_nobody(entry):
    used(read_recorded({"N": entry}))


DAMAGED = {"cut off": b'{"a": ', "no text": b"\xff", "a list": b"[]", "too deep": b"[" * 100_000, "empty": b"", "a number": b"9" * 5000}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_what_was_kept_of_a_server_counts_as_never_said_where_it_is_damaged(tmp_path, content):
    server = KnownServer(tmp_path)
    fresh = KnownServer(tmp_path / "none")
    for file in (server.signatures_file, server.memory_file, server.qualified_file, server.versions_file):
        file.write_bytes(content)
    assert not server.signatures.live
    assert server.signatures.classes == fresh.signatures.classes
    assert server.memory is None
    assert server.seconds("draft") == {}
    assert server.salt() != fresh.salt()
