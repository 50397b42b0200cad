"""Secrets out of what is written down: receipts and logs are shared, committed and pasted into bug reports.

Structured values lose logins in URLs and fields that are named for a secret; their other words stay, since a prompt may well speak of a
password. Free text from servers (errors, logs) also loses what looks like one.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

REMOVED = "(removed)"

_NAMES = r"(?:token|password|passwd|api[_-]?key|secret[_-]?key|client[_-]?secret|authorization|credentials?)"
_SECRET_NAME = re.compile(rf"(?:.*[_-])?{_NAMES}", re.IGNORECASE)
_LOGIN = re.compile(r"://[^/\s\"'<>]*@")
_NAMED = re.compile(rf"((?:\b|_){_NAMES}[\"']?\s*[=:]\s*[\"']?(?:(?:bearer|basic)\s+)?)[^\s&\"',]+", re.IGNORECASE)
_BEARER = re.compile(r"\b(bearer\s+)[\w.~+/=-]{8,}", re.IGNORECASE)


def redact_text(text: str) -> str:
    """Return free text without logins in URLs, bearer tokens, and values after `token=`, `password:` and their like."""
    return _BEARER.sub(rf"\1{REMOVED}", _NAMED.sub(rf"\1{REMOVED}", _without_login(text)))


def redacted(value: Any) -> Any:
    """Return JSON values (tuples become lists) without logins in URLs, and without texts under names such as `api_key`."""
    match value:
        case str():
            return _without_login(value)
        case Mapping():
            return {name: REMOVED if _is_secret(name, item) else redacted(item) for name, item in value.items()}
        case Sequence():
            return [redacted(item) for item in value]
        case _:
            return value


def _without_login(text: str) -> str:
    return _LOGIN.sub("://", text)


def _is_secret(name: str, value: Any) -> bool:
    return isinstance(value, str) and bool(value) and _SECRET_NAME.fullmatch(name) is not None
