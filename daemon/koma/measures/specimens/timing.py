"""When: which moment of the loop each frame of a specimen shows. A moment is 0..1, and 1 is 0 again."""

from collections.abc import Callable

from koma.measures.specimens.chance import order

Timing = Callable[[int, float], list[float]]  # frames, strength → a moment for each frame


def even(frames: int, _strength: float) -> list[float]:
    """Once around, with equal steps: the frame after the last one would be the first."""
    return [number / frames for number in range(frames)]


def held_for(count: int) -> Timing:
    """Every drawing stands for so many frames, as hand-drawn animation does."""
    return lambda frames, _strength: [number // count * count / frames for number in range(frames)]


def paused(frames: int, _strength: float) -> list[float]:
    """Move for a third, stand for a third, go on."""
    moving = frames - frames // 3
    steps = [min(number, moving // 2) if number < moving // 2 + frames // 3 else number - frames // 3 for number in range(frames)]
    return [step / moving for step in steps]


def shuffled_in(group: int) -> Timing:
    """Frames out of order within groups of this size (0: within the whole clip), in the given part of all groups."""

    def moments(frames: int, strength: float) -> list[float]:
        size = group or frames
        places: list[int] = []
        for number, start in enumerate(range(0, frames, size)):
            here = min(size, frames - start)
            mixed = order(here, 5, number) if (number + 0.5) * size / frames <= strength or size == frames else range(here)
            places += [start + place for place in mixed]
        return [place / frames for place in places]

    return moments


def standing(frames: int, _strength: float) -> list[float]:
    """One moment only."""
    return [0.0] * frames


def slowed(frames: int, strength: float) -> list[float]:
    """Stretch a small part of the loop over the whole clip: with strength 1 a fiftieth."""
    return [number / frames / (1 + 49 * strength) for number in range(frames)]


def unclosed(frames: int, strength: float) -> list[float]:
    """Leave out the end of the loop: with strength 1 a twelfth of it."""
    return [number / (frames + max(1, round(frames / 12 * strength))) for number in range(frames)] if strength else even(frames, 1)


def padded(frames: int, strength: float) -> list[float]:
    """Fill the end with copies of one frame: with strength 1 a quarter of the clip."""
    last = frames - 1 - round(frames / 4 * strength)
    return [min(number, last) / frames for number in range(frames)]
