"""A parsed document, as far as planning needs it."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Doc(NamedTuple):
    """One parsed document, as far as resolving needs it."""

    kind: str
    id: str
    file: str
    part: int
    data_digest: str
    data: Mapping[str, Any]
