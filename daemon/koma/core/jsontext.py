"""JSON text → values, within limits: for every JSON that somebody else wrote, or that may be damaged.

Deep nesting would end in a RecursionError somewhere far from here, a number beyond all bounds in an OverflowError, and half of a surrogate
pair could not be written down again. Servers write NaN, which is no JSON, so where they are read it is null.
"""

import json
import math
import re
from typing import Any

MAX_DEPTH = 64  # of objects and lists; what Koma and ComfyUI write has about ten
_TOO_DEEP = "it is nested too deeply"
_HALF = r"\\u[dD][89a-fA-F]"
_VAST = ("e[+]?[0-9]{3}", "E[+]?[0-9]{3}")  # a search for what begins with a given letter is fast
_STEP, _DIGITS = 10, "[0-9]{20}"  # 200 digits in a row, and so all that reach 1e300 with an exponent of two digits
_BOXES = (dict, list)
_MARK = b"\xef\xbb\xbf"  # which some editors put before UTF-8


class JsonError(ValueError):
    """A text that is no JSON, or more than is read; `str()` says why. `line` and `column` count from 1, 0 where they are not known."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


def read_json(raw: bytes | str, max_bytes: int, *, depth: int = MAX_DEPTH, nan: bool = False, unique: bool = False) -> Any:
    """Read one JSON value. Raises JsonError, and nothing else, for what is there.

    With `nan`, what is no finite number is read as null; with `unique`, a name that stands twice in an object is an error.
    """
    if len(raw) > max_bytes:
        raise JsonError(f"it has {len(raw):,} bytes, and at most {max_bytes:,} are read")
    text = raw if isinstance(raw, str) else _decoded(raw)
    try:
        value = _load(text, nan=nan, unique=unique)
    except json.JSONDecodeError as error:
        raise JsonError(f"{error.msg[:1].lower()}{error.msg[1:]}", error.lineno, error.colno) from None
    except RecursionError:
        raise JsonError(_TOO_DEEP) from None
    if too_deep(value, depth):
        raise JsonError(_TOO_DEEP)
    return without_halves(value) if _has_halves(text) else value


def _has_halves(text: str) -> bool:
    if "\\u" in text and re.search(_HALF, text) is not None:
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _is_vast(text: str) -> bool:
    """Whether there may be a number beyond all bounds."""
    return re.search(_DIGITS, text[::_STEP]) is not None or any(re.search(pattern, text) is not None for pattern in _VAST)


def _decoded(raw: bytes) -> str:
    try:
        return raw.removeprefix(_MARK).decode()
    except UnicodeDecodeError as error:
        raise JsonError(f"byte {error.start} is 0x{raw[error.start]:02x}, which is not UTF-8") from None


def _load(text: str, *, nan: bool, unique: bool) -> Any:
    def constant(name: str) -> Any:
        if nan:
            return None
        raise JsonError(f"{name} is no JSON number")

    def whole(digits: str) -> Any:
        return int(digits) if len(digits) < 300 else constant("a number of hundreds of digits")  # noqa: PLR2004  # floats end there

    def fraction(digits: str) -> Any:
        number = float(digits)
        return number if math.isfinite(number) else constant(digits[:40])

    hooks: dict[str, Any] = {"parse_int": whole, "parse_float": fraction} if _is_vast(text) else {}
    return json.loads(text, parse_constant=constant, object_pairs_hook=_unique if unique else None, **hooks)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise JsonError(f"{twice!r} stands twice in one object")
    return made


def too_deep(value: Any, depth: int) -> bool:
    """Whether lists and objects stand in each other more than `depth` times; found without recursion."""
    level = [value] if isinstance(value, _BOXES) else []
    for _ in range(depth):
        level = [item for box in level for item in (box.values() if isinstance(box, dict) else box) if isinstance(item, _BOXES)]
        if not level:
            return False
    return True


def without_halves(value: Any) -> Any:
    """Put the replacement character where half of a surrogate pair stands: nothing could be written with it."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [without_halves(item) for item in value]
    return {without_halves(key): without_halves(item) for key, item in value.items()} if isinstance(value, dict) else value
