"""Steps from drawing to drawing, and how large one usually is in this clip."""

import numpy as np

LEAST = 0.5  # of 255; below, a step is hardly one, and no other is judged by it


def usual(steps: "np.typing.ArrayLike", most: float = np.inf) -> float:
    """Upper quartile of the steps, 0.5 at least: where a character moves on twos over a ground on ones, every second step is small."""
    values = np.asarray(steps, np.float64)
    return float(np.clip(np.quantile(values, 0.75), LEAST, most)) if values.size else LEAST
