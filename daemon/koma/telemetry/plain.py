"""Text that is safe on a terminal: words from files and servers may hold escape sequences and tricks with direction."""

_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
_INVISIBLE = {code: f"\\u{code:04x}" for code in (0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))}
_TABLE = {**_CONTROL, **_INVISIBLE, 0x09: " ", 0x0A: " ", 0x0D: " "}


def printable(text: str) -> str:
    """One line without control characters; line breaks and tabs become spaces, the rest is spelled out."""
    return text.translate(_TABLE)


def duration(seconds: float) -> str:
    """Word a duration for people: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 9.95:  # noqa: PLR2004 - below this, tenths are worth showing
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
