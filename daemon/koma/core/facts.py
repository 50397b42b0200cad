"""Facts of a take: the fields that it is made from, as they are remembered to say later what changed. Never part of a key."""

from hashlib import sha256
from typing import Any

from koma.core.changes import DIGEST
from koma.core.draft import Draft
from koma.core.overlay import flatten
from koma.core.world import World


def facts_digest(draft: Draft) -> str:
    """Digest that is the same where what a picture is made from is the same, but for its template and pictures: never part of a key.

    For a graph that is every bound parameter, for a panel the resolved shot.
    """
    return sha256(repr(draft.values if draft.params is None else draft.params).encode()).hexdigest()


# What other facts tell field by field: words, sizes, and of the characters everything but the weight of their pictures.
_NOT_FACTS = frozenset(
    {"prompt", "negative", "seed", "width", "height", "frames", "fps", "output_prefix", "characters", "style_references"}
)
_LOOK = ("title", "prompt", "negative")


def facts_of(world: World, draft: Draft, known: str = "") -> dict[str, Any]:
    """Fields that a take is made from, flat, as they are remembered to say later what changed; `known` is their digest, if it is known."""
    facts = flatten({key: value for key, value in draft.values.items() if key != "phases"})
    facts[DIGEST] = known or facts_digest(draft)
    facts.update({f"inputs.{given.name}": given.content_digest for given in draft.inputs})
    for owner, doc in (("project", world.project), ("style", world.style), ("bible", world.bible)):
        data = doc.data if doc is not None else {}
        said = data.get("world") or {} if owner == "bible" else data
        facts.update({f"{owner}.{name}": said[name] for name in _LOOK if said.get(name)})
    if draft.template is not None and draft.params is not None:
        facts.update({f"parameters.{name}": value for name, value in draft.params.items() if name not in _NOT_FACTS})
        facts.update({f"characters.{who['id']}.weight": who["weight"] for who in draft.params.get("characters", ())})
        facts[f"template.{draft.template.name}"] = draft.template.digest
        facts.update({f"words.{name}": draft.params.get(name, "") for name in ("prompt", "negative")})
    return facts
