"""What is said about a workflow that became a template."""

from typing import NamedTuple


class Note(NamedTuple):
    """One thing that was left as it is, or changed. `hand` says that a person has to look before the template can be used."""

    text: str
    hand: bool = False
