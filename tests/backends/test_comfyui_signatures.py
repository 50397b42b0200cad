"""Converting what a server says about its nodes."""

from typing import Any

import pytest

from koma.core.signatures import from_object_info
from support.fake_comfyui_graphs import NODES, object_info


def _one(declared: Any) -> Any:
    info = {"N": {"input": {"required": {"x": declared}}, "output": [], "output_node": False, "python_module": "nodes"}}
    return from_object_info(info)["N"]["required"]["x"]


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        pytest.param([["a", "b"], {"tooltip": "t"}], {"type": "COMBO", "choices": ["a", "b"]}, id="an old choice is a list"),
        pytest.param([[]], {"type": "COMBO", "choices": []}, id="an old choice may be empty"),
        pytest.param(
            ["COMBO", {"options": ["auto", "mp4"], "default": "auto", "multiselect": False}],
            {"type": "COMBO", "default": "auto", "choices": ["auto", "mp4"]},
            id="a new choice names its options",
        ),
        pytest.param(
            ["COMBO", {"remote": {}, "image_upload": True}], {"type": "COMBO", "image_upload": True}, id="a choice may be fetched later"
        ),
        pytest.param(
            ["INT", {"default": 20, "min": 1, "max": 100, "step": 2, "tooltip": "t"}],
            {"type": "INT", "default": 20, "min": 1, "max": 100, "step": 2},
            id="a number keeps its range",
        ),
        pytest.param(["STRING", {"multiline": True}], {"type": "STRING", "multiline": True}, id="a text keeps that it has lines"),
        pytest.param(["MODEL"], {"type": "MODEL"}, id="a link has a type only"),
        pytest.param("IMAGE", {"type": "IMAGE"}, id="a bare type is a type"),
    ],
)
def test_an_input(declared: Any, expected: dict[str, Any]) -> None:
    assert _one(declared) == expected


def test_a_node_keeps_module_outputs_and_groups() -> None:
    info = {
        "Packed": {
            "input": {"required": {}, "optional": {"mask": ["MASK", {}]}, "hidden": {"prompt": "PROMPT"}},
            "output": ["IMAGE", ["a", "b"]],
            "output_node": True,
            "python_module": "custom_nodes.SomePack",
        },
        "Broken": None,
    }
    expected = {
        "module": "SomePack",
        "required": {},
        "optional": {"mask": {"type": "MASK"}},
        "output": ["IMAGE", "COMBO"],
        "output_node": True,
    }
    assert from_object_info(info) == {"Packed": expected}


def test_the_recorded_signatures_survive_the_way_there_and_back() -> None:
    assert from_object_info(object_info(NODES)) == NODES
