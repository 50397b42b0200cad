"""Hints: which known word a person most likely meant."""

from collections.abc import Iterable

_LIMIT = 64  # a longer word is no slip of the fingers, and comparing it is slow


def closest(word: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that looks most like `word` (case does not count), or None when nothing is close."""
    from difflib import get_close_matches  # noqa: PLC0415  # start-up time where nothing is misspelled

    known = {candidate.lower(): candidate for candidate in sorted(candidates, reverse=True)}
    found = get_close_matches(word.lower()[:_LIMIT], list(known), n=1, cutoff=0.6)
    return known[found[0]] if found else None


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """Return a sentence for `Problem.hint` that names the closest candidate, or an empty string."""
    found = closest(word, candidates)
    return f"did you mean `{found}`?" if found else ""
