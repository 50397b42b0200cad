"""Everything of Koma that reads what others wrote, as functions of bytes: for fuzzers, and for tables of broken input.

A parser may refuse what it is given, in the way in which it says that it does; anything else that is raised is a finding. Where the input
is JSON, its first byte chooses between the bytes as they are and a known good value that they change here and there, since of random
bytes hardly any are JSON.
"""

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from koma.backends.comfyui import adoption, progress, sightings
from koma.backends.comfyui.refusals import submitted
from koma.backends.comfyui.shapes import Reply, mapping
from koma.config import config_from_mapping
from koma.core.document import Doc
from koma.core.errors import ConfigError
from koma.core.faults import SourceError
from koma.core.graph import canonical_graph, check_graph, expected_outputs, model_files, parse_graph, with_output_prefix
from koma.core.jsontext import JsonError, read_json
from koma.core.keys import canonical
from koma.core.lfs import is_lfs_pointer
from koma.core.manifest import parse_sample, parse_template
from koma.core.models import parse_lock
from koma.core.node_rules import Signatures
from koma.core.parse import parse_document
from koma.core.plaintext import read_text
from koma.core.preflight import memory_from_json
from koma.core.problem import Place, Problem
from koma.core.qualified import seconds_by_template
from koma.core.receipt import ReceiptError, gate_document, request_from_receipt, take_from_receipt
from koma.core.review import reviewed, sayings
from koma.core.shown import json_text
from koma.core.signatures import from_object_info, read_recorded
from koma.core.template import Template, bind
from koma.core.wish import read_request
from koma.core.workflow import Workflow, read_workflow
from koma.core.workflow_folder import folder_files
from koma.core.workflow_guess import Guess, guess
from koma.core.workflow_outputs import lossless
from koma.core.workflow_png import text_chunks
from koma.core.yamltext import read_yaml
from koma.engine.garbage import digests_in
from koma.publish.objects import FileObjects
from koma.sources import git as git_source
from koma.sources.git_process import Git
from koma.templating.signatures import dump_signatures
from support.fake_comfyui_graphs import NODES
from support.parser_seeds import (
    ROOT,
    graph_seed,
    info_seed,
    lock_seed,
    message_seeds,
    receipt_seeds,
    recorded_signatures,
    reply_seeds,
    workflow_seeds,
)
from support.twisting import twisted

MOST = 1 << 20
LISTED = b"100644 blob " + b"a" * 40 + b"     123\tprojects/a.yaml\x00120000 blob " + b"b" * 40 + b"      12\tlink\x00"
BLOBS = b"a" * 40 + b" blob 5\nhello\n" + b"b" * 40 + b" missing\n"


class Parser(NamedTuple):
    """A function that must take any bytes, and bytes to begin with."""

    run: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]


def _files(*patterns: str) -> Callable[[], list[bytes]]:
    return lambda: [file.read_bytes() for pattern in patterns for file in sorted(ROOT.glob(pattern))]


def _located(problems: Iterable[Problem]) -> None:
    """Check that each of them can be told: it says what and where, and can be written down."""
    for problem in problems:
        assert problem.message, problem
        assert problem.place.line >= 1, problem
        assert problem.place.column >= 1, problem
        str(problem).encode()


def _safe(value: Any) -> None:
    """Check that it can be written as JSON, by whatever way."""
    json_text(value).encode()


def documents(data: bytes) -> None:
    """YAML documents of every kind; reviews as far as what people decided."""
    parsed = parse_document(data, "f.yaml")
    _located(parsed.problems)
    assert parsed.documents or parsed.held or parsed.problems
    docs = [Doc(found.kind, found.id, found.file, found.index, "", found.data) for found in parsed.documents]
    for found in parsed.documents:
        canonical(found.data).encode()
        assert found.place("shots.nobody").line >= 1
    said = [one for doc in docs if doc.kind == "review" for one in sayings("p", doc)]
    reviewed(said, lambda file, _part, _path: Place(file, 1, 1), moved={}, unsure=frozenset(), digest="")


def settings(data: bytes) -> None:
    """koma.yaml."""
    read = read_yaml(data, "koma.yaml")
    _located(read.problems)
    for document in read.documents:
        try:
            config_from_mapping(document.data, {**document.values, **document.keys}, Path("/w"), {})
        except ConfigError as error:
            _located(error.problems)


def manifests(data: bytes) -> None:
    """template.yaml and its sample."""
    sample = parse_sample(data, "sample.yaml")
    _located(sample if isinstance(sample, list) else ())
    template = parse_template(data, "template.yaml")
    if isinstance(template, list):
        assert template
        _located(template)
        return
    assert Template.from_json(json.loads(json.dumps(template.to_json()))) == template
    bind(template, dict.fromkeys(template.parameters, 1))
    for frames, fps in ((1, 24.0), (97, 23.976), (5000, 8.0)):
        template.runs(frames, fps)
    template.reduced({name: spec.default for name, spec in template.parameters.items() if spec.default is not None}, 0)


def graphs(data: bytes) -> None:
    """Rendered graphs."""
    text = _json_bytes(data, graph_seed()).decode(errors="replace")
    graph = parse_graph(text, "graph.json.j2")
    if isinstance(graph, Problem):
        assert graph.message
        return
    found = check_graph(graph, recorded_signatures(), "graph.json.j2", text)
    canonical(canonical_graph(graph)).encode()
    if not found:
        with_output_prefix(graph, "koma/x")
        model_files(graph, recorded_signatures())
        expected_outputs(graph, recorded_signatures())


def workflows(data: bytes) -> None:
    """Workflows as people save them, on their way to a template."""
    found = read_workflow(_json_bytes(data, *workflow_seeds()), "w.json", recorded_signatures())
    if isinstance(found, Problem):
        str(found).encode()
        return
    made = _guessed(found)
    if made is not None:
        for name, text in folder_files(made._replace(notes=(*found.notes, *made.notes)), "w", "w.json", found.form).items():
            text.encode()
            assert name != "template.yaml" or not isinstance(parse_template(text, name), list) or made.notes


def _guessed(found: Workflow) -> Guess | None:
    wrong = check_graph(found.graph, recorded_signatures(), "w.json", found.text)
    hopeless = {"empty-graph", "not-a-node", "missing-class-type", "missing-inputs", "bad-link", "dangling-link", "cycle"}
    saved = None if hopeless.intersection(problem.code for problem in wrong) else lossless(found.graph, recorded_signatures())
    return guess(saved, recorded_signatures()) if saved is not None else None


def receipts(data: bytes) -> None:
    """Receipts and gate documents, as they are recalled; objects that they name."""
    one, _, other = data.partition(b"\n---\n")
    with suppress(JsonError):
        receipt, gate = (read_json(_json_bytes(text, seed), MOST) for text, seed in zip((one, other), receipt_seeds(), strict=True))
        if isinstance(receipt, dict) and isinstance(gate, dict):
            _recalled(receipt, gate)


def _recalled(receipt: dict[str, Any], gate: dict[str, Any]) -> None:
    list(digests_in(receipt))
    with suppress(ReceiptError):
        request_from_receipt(receipt, "prompt")
    with suppress(ReceiptError):
        take = take_from_receipt(receipt, gate)
        _safe(gate_document(take))
        for artifact in take.artifacts:
            with suppress(ValueError):
                assert FileObjects(Path("/o")).path(artifact.file_digest, artifact.suffix).parts[:2] == ("/", "o")


def wishes(data: bytes) -> None:
    """Wishes in the inbox, models.json, and what is kept of a server."""
    seed = {"format_version": 1, "wish": "retry", "targets": ["a/b"], "plan": "0123", "days": None}
    with suppress(ValueError):
        read_request(_json_bytes(data, seed), "x.json")
    _located(parse_lock(_json_bytes(data, lock_seed()), "models.json")[1])
    with suppress(JsonError):
        kept = read_json(_json_bytes(data, {"total": 12_000_000_000, "device": "cuda"}), MOST)
        seconds_by_template(kept, "draft")
        memory_from_json(mapping(kept))


def pictures(data: bytes) -> None:
    """Texts in PNG files, and whether a picture is of a graph."""
    for texts in (text_chunks(data), text_chunks(b"\x89PNG\r\n\x1a\n" + data)):
        for name, text in (texts or {}).items():
            (name + text).encode(errors="surrogatepass")
    adoption.is_of(data, graph_seed())


def pointers(data: bytes) -> None:
    """Git LFS pointers and texts of any encoding."""
    is_lfs_pointer(data)
    found = read_text(data, "f", MOST)
    if isinstance(found, Problem):
        _located([found])
    else:
        found.encode()


def replies(data: bytes) -> None:
    """Answers of a ComfyUI server."""
    try:
        value = read_json(_json_bytes(data, *reply_seeds()), MOST, nan=True)
    except JsonError:
        value = None
    answer = mapping(value)
    for status in (200, 400, 500):
        submitted(Reply(status, value, "words"), "id")
    for part in (answer, *(mapping(item) for item in answer.values())):
        sightings.in_queue(part, "id")
        sightings.others_waiting(part)
        _safe(dict(sightings.from_history(part).outputs))
        sightings.status(part, part)
        sightings.memory_in_use(part)


def node_signatures(data: bytes) -> None:
    """What a server says about its nodes, fresh and as it was kept."""
    try:
        value = mapping(read_json(_json_bytes(data, info_seed(), NODES), MOST, nan=True))
    except JsonError:
        return
    for classes in (from_object_info(value), read_recorded(value)):
        signatures = Signatures(classes, live=True)
        for name in classes:
            rule = signatures.rule(name)
            for spec in rule.inputs.values() if rule else ():
                for given in (1, 0.5, "x.safetensors", True, [], None):
                    spec.literal(given)
            signatures.pack_of(name)
        dump_signatures(classes, files=True).encode()


def frames(data: bytes) -> None:
    """Messages of the WebSocket."""
    text = _json_bytes(data, *message_seeds())
    reader = progress.Reader()
    reader.watch("id", {"1": {"class_type": "KSampler"}, "2": {}})
    for message in (text, text.decode(errors="replace")):
        found = reader.read(progress._decoded(message))
        assert found is None or found.fraction is None or 0.0 <= found.fraction <= 1.0


def listings(data: bytes) -> None:
    """What git prints: lists of files, and their bytes."""
    with suppress(SourceError):
        list(git_source._entries(data))
    with suppress(SourceError):
        list(git_source._batch(data, Git(Path("/r"), Place("koma.yaml"))))


def _json_bytes(data: bytes, *seeds: Any) -> bytes:
    if not data or data[0] % 2 == 0:
        return data[1:]
    return json.dumps(twisted(seeds[data[0] // 2 % len(seeds)], data[1:])).encode()


def _dumped(*values: Any) -> list[bytes]:
    return [b"\x00" + json.dumps(value).encode() for value in values]


def _choices(number: int) -> list[bytes]:
    """Seeds that say which good value is changed, and how."""
    return [bytes([2 * seed + 1, 0, kind, 1, 7, kind, 3, 9, 2, 5]) for seed in range(number) for kind in range(8)]


SPECS = _files("specs/examples/*.yaml", "projects/**/*.yaml")
TEMPLATES = _files("templates/*/template.yaml", "templates/*/sample*.yaml", "tests/support/*templates/*/template.yaml")

PARSERS: dict[str, Parser] = {
    "YAML documents": Parser(documents, SPECS),
    "koma.yaml": Parser(settings, _files("koma.yaml", "docs/*.yaml")),
    "manifests": Parser(manifests, TEMPLATES),
    "graphs": Parser(graphs, lambda: [*_dumped(graph_seed()), *_choices(1)]),
    "workflows": Parser(workflows, lambda: [*_dumped(*workflow_seeds()), *_choices(len(workflow_seeds()))]),
    "receipts": Parser(
        receipts,
        lambda: [b"\n---\n".join(_dumped(*receipt_seeds())), *(b"\n---\n".join((one, b"\x01" + one)) for one in _choices(1))],
    ),
    "wishes, models.json": Parser(wishes, lambda: [*_dumped({"wish": "pause"}, lock_seed()), *_choices(1)]),
    "texts in PNG": Parser(pictures, _files("projects/lantern-street/references/**/*.png", "tests/templating/workflows/bad/*")),
    "LFS pointers": Parser(
        pointers,
        lambda: [b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 1\n", b"\xef\xbb\xbfa", b"\xff\xfe"],
    ),
    "answers of ComfyUI": Parser(replies, lambda: [*_dumped(*reply_seeds()), *_choices(len(reply_seeds()))]),
    "node signatures": Parser(node_signatures, lambda: [*_dumped(info_seed()), *_choices(2)]),
    "WebSocket": Parser(frames, lambda: [*_dumped(*message_seeds()), *_choices(len(message_seeds()))]),
    "output of git": Parser(listings, lambda: [LISTED, BLOBS]),
}
