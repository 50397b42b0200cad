"""The node signatures that ship with Koma, for checking graphs where no server answers."""

import json
from functools import cache
from importlib import resources
from typing import Any

from koma.core.node_rules import Signatures, compact


@cache
def load_recorded() -> Signatures:
    """Read them from the package; once per process, some milliseconds."""
    text = resources.files("koma").joinpath("data/node_signatures.json").read_text(encoding="utf-8")
    return Signatures(json.loads(text))


def dump_signatures(classes: dict[str, Any], *, files: bool = False) -> str:
    """Write signatures as the text of such a file: compact, one class on each line, so that git shows what changed.

    `files` keeps the names of the model files that one server has.
    """
    lines = (f"{json.dumps(name)}:{json.dumps(node, separators=(',', ':'))}" for name, node in compact(classes, files=files).items())
    return "{\n" + ",\n".join(lines) + "\n}\n"
