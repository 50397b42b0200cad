"""Who is who: what was found in a frame is paired with the characters of the shot so that the pairs fit best together."""

import numpy as np
import numpy.typing as npt

from koma.measures.learned.runtime import load


def assign(scores: npt.NDArray[np.floating]) -> dict[int, int]:
    """Pair rows with columns, each at most once and as many as can be, with the largest sum of scores; the row by column.

    The linear assignment problem (Kuhn, The Hungarian method for the assignment problem, 1955). Scores are finite.
    """
    rows, columns = load("scipy.optimize").linear_sum_assignment(scores, maximize=True)
    return {int(column): int(row) for row, column in zip(rows, columns, strict=True)}
