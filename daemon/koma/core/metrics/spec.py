"""What a metric is, as a value: id, unit, direction, version, definition. Planning needs these and no picture."""

from dataclasses import dataclass
from enum import StrEnum

from koma.core.keys import text_digest

OWN = "defined by Koma"
SMALL = "the frame (transparent parts over white) reduced by area averaging to a longer side of 512 px, then of 256 px (never enlarged)"


class Direction(StrEnum):
    """Which values are good ones."""

    HIGHER = "higher"
    LOWER = "lower"
    EXACT = "exact"  # compared with what was asked for


class Stage(StrEnum):
    """What a metric speaks about. A verdict goes through the stages in this order and ends at the first that is not passed."""

    VALIDITY = "validity"  # whether the file is what was asked for at all
    MOTION = "motion"  # whether anything moves, where the shot asks for it
    FLOOR = "floor"  # one fault each
    IDENTITY = "identity"  # whether the characters are themselves
    OVERALL = "overall"  # what the others come to


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """What a number means. `unit` is "" for plain counts and ratios; `reference` says where the definition comes from.

    `reads` names what of koma.core.against.Against the number depends on besides the file: "", `characters` or `style`. `weights` are
    models (koma.core.models) that it needs, `extra` the optional dependencies, "" for none.
    """

    id: str
    version: str
    unit: str
    direction: Direction
    definition: str
    reference: str
    stage: Stage = Stage.FLOOR
    reads: str = ""
    weights: tuple[str, ...] = ()
    extra: str = ""

    @property
    def digest(self) -> str:
        """Digest of everything that says what the number is: id, version, unit, direction and definition."""
        return text_digest(self.id, self.version, self.unit, str(self.direction), self.definition)
