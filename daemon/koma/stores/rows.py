"""Light rows: takes to the columns that planning reads."""

from koma.core.media import Role
from koma.core.rows import TakeRow
from koma.core.take import Take


def light(take: Take) -> TakeRow:
    """Return the columns of a take that planning reads."""
    made, last = take.object, take.artifact(Role.LAST)
    return TakeRow(
        take_key=take.take_key,
        target=take.target,
        rendition=take.rendition,
        render_key=take.render_key,
        number=take.number,
        verdict=take.verdict.value,
        decided=take.decided,
        approved=take.approved,
        measure_key=take.measure_key,
        rules_digest=take.rules_digest,
        object_digest=made.file_digest if made else "",
        content_digest=made.content_digest if made else "",
        last_digest=last.content_digest if last else "",
    )


def made_seconds(take: Take) -> float:
    """Render seconds of a take that made something; 0 for one that did not, which says nothing about the next."""
    return max(take.render_seconds, 0.0) if take.artifacts else 0.0
