"""Where learned metrics run. Pure."""

from typing import Literal

Device = Literal["cpu", "cuda"]
Wanted = Literal["auto", "cpu", "cuda"]

NEEDED_BYTES = 3 << 30  # an estimate: CLIP's image tower is 1.2 GB, the other networks and what they work on take the rest


def device_for(wanted: Wanted, lane_idle: bool, free_bytes: int | None, needed_bytes: int = NEEDED_BYTES) -> Device:
    """Choose where to measure next.

    `auto` leaves the graphics card to renders: it is used only while no render runs (`lane_idle`), and only if it has room after the
    server was asked to let go of its models. `free_bytes` is what it then has, None where nobody knows, which counts as no room.
    """
    if wanted != "auto":
        return wanted
    room = free_bytes is not None and free_bytes >= needed_bytes
    return "cuda" if lane_idle and room else "cpu"
