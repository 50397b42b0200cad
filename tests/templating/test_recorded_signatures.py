"""The signatures that ship with Koma, and the file form of others."""

import json

from koma.core.node_rules import compact
from koma.templating.signatures import dump_signatures, load_recorded

CLASSES = {
    "Z": {
        "module": "pack",
        "required": {"file": {"type": "COMBO", "choices": ["mine.safetensors"], "step": 1}, "mode": {"type": "COMBO", "choices": ["x"]}},
        "optional": {"image": {"type": "COMBO", "choices": [], "image_upload": True, "multiline": True}},
        "output": ["MODEL"],
        "output_node": False,
    },
    "A": {"module": "nodes", "required": {}, "optional": {}, "output": [], "output_node": True, "open": True},
}


def test_the_recorded_ones_hold_the_core_nodes_and_the_packs_that_templates_may_ask_for():
    signatures = load_recorded()
    assert len(signatures.classes) > 600
    assert not signatures.live
    assert signatures.pack_of("KSampler") == "nodes"
    assert signatures.pack_of("IPAdapterAdvanced") == "ComfyUI_IPAdapter_plus"
    assert signatures.pack_of("NoSuchNode") == ""


def test_every_recorded_class_can_be_compiled():
    signatures = load_recorded()
    assert all(signatures.rule(name) is not None for name in signatures.classes)


def test_what_one_machine_has_does_not_stay_in_the_compact_form():
    kept = compact(CLASSES)
    assert kept["Z"]["required"] == {"file": {"type": "COMBO", "choices": []}, "mode": {"type": "COMBO", "choices": ["x"]}}
    assert kept["Z"]["optional"] == {"image": {"type": "COMBO", "choices": [], "image_upload": True}}
    assert kept["A"]["open"] is True


def test_the_file_has_one_sorted_class_on_each_line_and_compacting_again_changes_nothing():
    text = dump_signatures(CLASSES)
    assert [line.partition(":")[0] for line in text.splitlines()] == ["{", '"A"', '"Z"', "}"]
    assert dump_signatures(json.loads(text)) == text


def test_the_shipped_file_is_in_that_form():
    signatures = load_recorded()
    assert compact(signatures.classes) == signatures.classes
