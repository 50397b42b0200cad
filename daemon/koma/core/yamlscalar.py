"""Values as YAML, for documents that Koma writes: a text stands in quotes unless it can be read as nothing else."""

import json
import re
from typing import Any

_NOT_PLAIN = re.compile("[^\\x20-\\x7e\u00a0-\u2027\u202f-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*")
_LIKE_OTHERS = frozenset({"true", "false", "null", "yes", "no", "on", "off"})


def scalar(value: Any) -> str:
    """Write a text, number or boolean on one line."""
    if not isinstance(value, str):
        return json.dumps(value)
    if _WORD.fullmatch(value) and value.lower() not in _LIKE_OTHERS:
        return value
    return _NOT_PLAIN.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))
