"""What a server lacks, told apart from mistakes, once for each template."""

from dataclasses import replace

import pytest

from koma.core.graph_check import check_graph
from koma.core.node_rules import Signatures
from koma.core.preflight import (
    Lack,
    LackKind,
    ServerMemory,
    declared,
    hold_for,
    lacking,
    memory_from_json,
    memory_problem,
    memory_to_json,
    once,
)
from koma.core.problem import Place, Problem, Severity
from koma.core.words import Reason
from koma.templating.signatures import load_recorded

FILE = "templates/still/graph.json.j2"
GIB = 1 << 30


def server(**models):
    """Signatures of a server that has core nodes only, and these model files by class."""
    recorded = load_recorded()
    kept = {name: node for name, node in recorded.classes.items() if node["module"].startswith(("nodes", "comfy_extras"))}
    for name, files in models.items():
        (group,) = kept[name]["required"]
        kept[name] = {**kept[name], "required": {group: {"type": "COMBO", "choices": files}}}
    return Signatures(kept, live=True, elsewhere=recorded)


def graph(checkpoint="ink.safetensors", **others):
    return {
        "model": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": checkpoint}},
        "save": {
            "class_type": "SaveImage",
            "inputs": {"images": ["draw", 0], "filename_prefix": "koma-output"},
        },
        "draw": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0}},
        **others,
    }


def found(document, signatures):
    return check_graph(document, signatures, FILE)


WITH_INK = server(CheckpointLoaderSimple=["ink.safetensors"])
PACK_NODE = {"class_type": "IPAdapterModelLoader", "inputs": {"ipadapter_file": "plus.safetensors"}}
NOBODYS_NODE = {"class_type": "Zzzqqqxxx", "inputs": {}}
TYPO = {"class_type": "EmptyImagee", "inputs": {}}


@pytest.mark.parametrize(
    ("document", "lacks", "hold"),
    [
        pytest.param(graph(), [], None, id="nothing is missing"),
        pytest.param(
            graph("anime/other.safetensors"),
            [Lack(LackKind.MODEL, "anime/other.safetensors", "checkpoints", FILE)],
            Reason.MISSING,
            id="a checkpoint is named with its folder",
        ),
        pytest.param(
            graph(ip=PACK_NODE),
            [Lack(LackKind.PACK, "ComfyUI_IPAdapter_plus", "", FILE)],
            Reason.MISSING,
            id="a pack is named",
        ),
        pytest.param(
            graph(any=NOBODYS_NODE), [Lack(LackKind.PACK, "Zzzqqqxxx", "", FILE)], Reason.MISSING, id="a pack that nobody knows by its node"
        ),
        pytest.param(graph(typo=TYPO), [], Reason.BLOCKED, id="a name that nearly fits is a mistake"),
        pytest.param(
            graph("other.safetensors", draw={"class_type": "EmptyImage", "inputs": {"width": 1}}),
            [Lack(LackKind.MODEL, "other.safetensors", "checkpoints", FILE)],
            Reason.BLOCKED,
            id="with a mistake beside it, what is missing is not the whole trouble",
        ),
    ],
)
def test_what_a_server_lacks_for_a_graph(document, lacks, hold):
    problems = found(document, WITH_INK)
    assert (lacking(problems), hold_for(problems)) == (lacks, hold)


def test_a_core_node_of_a_newer_server_asks_for_an_update():
    older = Signatures(
        {name: node for name, node in WITH_INK.classes.items() if name != "EmptyImage"}, live=True, elsewhere=load_recorded()
    )
    (problem,) = [p for p in found(graph(), older) if p.missing]
    assert problem.missing == "ComfyUI with EmptyImage"
    assert "update ComfyUI" in problem.hint


def test_a_class_that_nobody_knows_is_a_missing_pack_where_the_template_declares_one_that_is_not_there():
    node = {"class_type": "EmptyImageNight", "inputs": {}}
    problems = found(graph(any=node), WITH_INK)
    assert hold_for(problems) is Reason.BLOCKED
    named = declared(problems, ["comfy_extras", "ComfyUI-Night"], WITH_INK)
    assert [problem.missing for problem in named if problem.code == "unknown-node-class"] == ["ComfyUI-Night"]
    assert hold_for(named) is Reason.MISSING
    assert declared(problems, ["ComfyUI-Night"], load_recorded()) == problems


def test_recorded_signatures_say_nothing_about_a_server():
    assert lacking(found(graph("any.safetensors", any=NOBODYS_NODE), load_recorded())) == []
    assert hold_for(found(graph(any=NOBODYS_NODE), load_recorded())) is Reason.BLOCKED


def test_a_missing_thing_is_listed_once_for_each_template_and_mistakes_stay():
    twice = graph(
        "other.safetensors", second={"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "other.safetensors"}}, typo=TYPO
    )
    problems = found(twice, WITH_INK)
    elsewhere = [p._replace(place=Place("templates/other/graph.json.j2")) for p in problems]
    assert len([p for p in problems if p.missing]) == 2
    listed = once([*problems, *elsewhere, *problems])
    assert [(p.place.file, p.missing) for p in listed if p.missing] == [
        (FILE, "models/checkpoints/other.safetensors"),
        ("templates/other/graph.json.j2", "models/checkpoints/other.safetensors"),
    ]
    assert len([p for p in listed if not p.missing]) == 2


@pytest.mark.parametrize(
    ("memory", "severity", "hold"),
    [
        pytest.param(None, None, None, id="a server that was never seen"),
        pytest.param(ServerMemory(None, "cpu"), None, None, id="a machine without graphics memory"),
        pytest.param(ServerMemory(12 * GIB, "cuda"), None, None, id="a card with enough"),
        pytest.param(ServerMemory(12_000_000_000, "cuda"), None, None, id="a card with exactly enough, as card makers count"),
        pytest.param(ServerMemory(8 * GIB, "cuda"), Severity.ERROR, Reason.MISSING, id="a card with too little holds the target"),
        pytest.param(ServerMemory(8 * GIB, "mps"), Severity.WARNING, None, id="memory that is shared with the machine's is only a warning"),
    ],
)
def test_memory(memory, severity, hold):
    problem = memory_problem(12, "video", "templates/video/template.yaml", memory)
    assert (problem.severity if problem else None) == severity
    assert hold_for([problem] if problem else []) == hold
    if hold is not None:
        assert lacking([problem]) == [Lack(LackKind.MEMORY, "12 GB", "", "templates/video/template.yaml")]
        assert "8.6 GB" in problem.message


def test_a_warning_holds_nothing():
    said = Problem(Place("a"), "style-rule", "as told", severity=Severity.WARNING)
    assert hold_for([said]) is None
    assert hold_for([said._replace(severity=Severity.ERROR)]) is Reason.BLOCKED


def test_memory_survives_its_file_and_rubbish_says_nothing():
    memory = ServerMemory(12 * GIB, "cuda")
    assert memory_from_json(memory_to_json(memory)) == memory
    assert memory_from_json({"total": "much"}) == replace(memory, total=None, device="")
