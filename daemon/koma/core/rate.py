"""Frame rates that people round: 23.976 means 24000/1001, and one reading of it holds in specs, files and gates."""

_CLOSE = 1e-5  # relative; n and n * 1000 / 1001 lie a hundred times further apart


def ntsc_base(fps: float) -> int | None:
    """Return n where `fps` is a rounding of n * 1000 / 1001 (23.976 → 24), None for every other rate."""
    base = round(fps * 1.001)
    exact = base * 1000 / 1001
    return base if base > 0 and abs(exact - fps) <= _CLOSE * exact and fps != round(fps) else None


def standard_fps(fps: float) -> float:
    """Frames per second with the rounding taken back; other rates as they are."""
    base = ntsc_base(fps)
    return fps if base is None else base * 1000 / 1001
