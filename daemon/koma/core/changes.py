"""What changed between what a take was made with and what is wanted now, field by field."""

from collections.abc import Mapping
from typing import Any, NamedTuple

DIGEST = "#"  # name under which facts carry the digest of all resolved fields
_ABSENT = object()
_FOLLOWS = ("words.",)  # composed from other fields: named only where nothing else explains a change


class Difference(NamedTuple):
    """One field with its old and new value; None where it was not there."""

    field: str
    old: Any
    new: Any


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """Fields that differ, sorted; prompts and the like, which follow from other fields, only if nothing else differs."""
    differ = [name for name, value in new.items() if old.get(name, _ABSENT) != value and name != DIGEST]
    differ += [name for name in old.keys() - new.keys() if name != DIGEST]
    found = [Difference(name, old.get(name), new.get(name)) for name in sorted(differ)]
    causes = [change for change in found if not change.field.startswith(_FOLLOWS)]
    return causes or found
