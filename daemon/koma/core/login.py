"""Secrets that Koma itself uses: logins of servers, its own token. They come from the environment or from files, and are never shown."""

from __future__ import annotations


class Secret:
    """A text that is not shown by accident: whatever prints it prints `(removed)`."""

    __slots__ = ("_text",)

    def __init__(self, text: str = "") -> None:
        self._text = text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text  # its own class

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "(removed)" if self._text else "(none)"

    def reveal(self) -> str:
        """Return the text, for the one place that needs it."""
        return self._text


NO_SECRET = Secret()


def split_login(address: str) -> tuple[str, Secret]:
    """Take `user:password` out of `scheme://user:password@host`; the address without it, and the login as it was written (%XX and all)."""
    scheme, separator, rest = address.partition("://")
    end = min((at for at in (rest.find(mark) for mark in "/?#") if at >= 0), default=len(rest))
    login, at, host = rest[:end].rpartition("@")
    if not separator or not at:
        return address, NO_SECRET
    return f"{scheme}{separator}{host}{rest[end:]}", Secret(login)
