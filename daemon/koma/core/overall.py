"""`overall`: one number out of the others, judged after all of them. Pure; it costs no measuring.

It is the geometric mean of terms in 0..1. A term is made of one measurement and the threshold that its metric has to reach, so that
it is 0.8 where the threshold is just reached, whatever the unit:

- higher is better: `min(1, 0.8 * value / threshold)`
- lower is better: `max(0, 1 - 0.2 * value / threshold)`
- a threshold of 0 or less: 1 where it is reached, else 0
- cosine to the references of a character (`face-similarity`, `clip-similarity`): 1 above 0.85, the cosine itself above its threshold,
  else 0; of several characters the worst counts

Only what a rule requires is a term, and only a bound against worse values. A mean of 0.8 therefore says: no worse, taken together, than
if each had just reached its own floor. One term at 0 makes it 0.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import NamedTuple

from koma.core.metrics import METRICS
from koma.core.metrics.spec import Direction

# What a film is judged by once nothing in it is broken: is it calm, does it move well, does it please, is everybody themselves.
TERMS = (
    "flicker",
    "flow-smoothness",
    "melt",
    "lpips-temporal",
    "aesthetic",
    "face-similarity",
    "ccip-difference",
    "clip-similarity",
    "palette-distance",
)
LIKENESS = frozenset({"face-similarity", "clip-similarity"})
CERTAIN = 0.85  # a cosine above which nobody doubts who it is
AT_THRESHOLD = 0.8


class Term(NamedTuple):
    """What one metric adds: its value (of `subject`, "" for the whole file) and the threshold it has to reach."""

    metric: str
    value: float
    threshold: float
    subject: str = ""


def worth(term: Term) -> float:
    """How much one term is worth, 0..1."""
    if term.metric in LIKENESS:
        return 1.0 if term.value > CERTAIN else term.value if term.value > term.threshold else 0.0
    higher = METRICS[term.metric].direction is Direction.HIGHER
    if term.threshold <= 0:
        return float(term.value >= term.threshold if higher else term.value <= term.threshold)
    reached = term.value / term.threshold
    return max(0.0, min(1.0, AT_THRESHOLD * reached if higher else 1 - (1 - AT_THRESHOLD) * reached))


def overall_of(terms: Iterable[Term]) -> tuple[float, Mapping[str, float]]:
    """Return the overall value 0..1, and what each metric is worth in it. Raises ValueError for no terms at all."""
    worths: dict[str, float] = {}
    for term in terms:
        worths[term.metric] = min(worths.get(term.metric, 1.0), worth(term))
    if not worths:
        raise ValueError("nothing was measured that the overall value is made of")
    return prod(worths.values()) ** (1 / len(worths)), worths


def in_words(worths: Mapping[str, float]) -> str:
    """Say what it is made of, the weakest first."""
    named: Sequence[tuple[str, float]] = sorted(worths.items(), key=lambda item: item[1])
    return ", ".join(f"{metric} {value:.2f}" for metric, value in named)
