"""Target patterns, as commands take them: an id, the beginning of one (`lantern-street/s01`), or a pattern with `*` and `?`."""

from collections.abc import Callable, Sequence


def matches(pattern: str, target_id: str) -> bool:
    """Whether a pattern names this target id. A pattern without the project part matches in any project."""
    from fnmatch import fnmatchcase  # noqa: PLC0415  # start-up time of a plan without patterns

    pattern = pattern.rstrip("/")
    whole = target_id == pattern or target_id.startswith(f"{pattern}/") or fnmatchcase(target_id, pattern)
    inner = target_id.partition("/")[2]
    return whole or inner == pattern or inner.startswith(f"{pattern}/") or fnmatchcase(inner, pattern)


def any_of(patterns: Sequence[str]) -> Callable[[str], bool] | None:
    """Predicate for several patterns; None for none."""
    return (lambda target_id: any(matches(pattern, target_id) for pattern in patterns)) if patterns else None
