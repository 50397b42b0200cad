"""Text on its way out: to a terminal, a log, a label, a file that somebody will look at.

Words come from files and servers, and may hold escape sequences that a terminal obeys, marks that turn the reading direction, and halves of
surrogate pairs, which no encoder takes. Here is the one place that makes them harmless; what is cleaned stays readable.
"""

import json
import re
from typing import Any

_TRICKS = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff"
# Patterns as texts: compiling them is left to the first text that needs it, since a plan with nothing to say has none.
_NOT_IN_LINE = f"[\0-\x1f{_TRICKS}]"
_NOT_IN_TEXT = f"[\0-\x08\x0b-\x1f{_TRICKS}]"
_NOT_IN_JSON = f"[{_TRICKS}]"  # JSON spells the others out by itself
_SPACES = "\t\n\r"
_BYTE = 0xFF


def printable(text: str) -> str:
    """One line that is safe anywhere: line breaks and tabs become spaces, other control characters and tricks are spelled out."""
    return text if text.isprintable() else re.sub(_NOT_IN_LINE, lambda found: " " if found[0] in _SPACES else _spelled(found), text)


def printable_text(text: str) -> str:
    """Several lines that are safe anywhere: line ends and tabs stay."""
    return text if text.isprintable() else re.sub(_NOT_IN_TEXT, _spelled, text)


def json_text(value: Any, **options: Any) -> str:
    """JSON that is safe to look at and can always be encoded; it says the same. `options` are those of `json.dumps`."""
    return re.sub(_NOT_IN_JSON, lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False, **options))


def _spelled(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code <= _BYTE else f"\\u{code:04x}"
