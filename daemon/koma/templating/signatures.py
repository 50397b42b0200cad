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


def dump_signatures(classes: dict[str, Any]) -> str:
    """Write signatures as the text of such a file: compact, one class on each line, so that git shows what changed."""
    lines = (f"{json.dumps(name)}:{json.dumps(node, separators=(',', ':'))}" for name, node in compact(classes).items())
    return "{\n" + ",\n".join(lines) + "\n}\n"
