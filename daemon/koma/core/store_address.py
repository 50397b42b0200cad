"""Where Koma remembers, as a setting: `sqlite`, or the address of a PostgreSQL database. What is shown of it never holds a password."""

from __future__ import annotations

SQLITE = "sqlite"
SCHEMES = ("postgresql://", "postgres://")
_RESERVED = "/?#[] \t\r\n"


def is_postgresql(store: str) -> bool:
    """Whether the setting names a PostgreSQL database."""
    return store.startswith(SCHEMES)


def redacted(store: str) -> str:
    """Return the setting with everything that may be a password as `***`; rather too much of it than too little."""
    shown = _with_secrets_as(r"\1***", store)
    before, at, after = shown.rpartition("@")
    if not at:
        return shown
    scheme, separator, login = before.partition("://")
    user, colon, _ = login.partition(":")
    return f"{scheme}{separator}{user}{colon and ':***'}@{after}" if separator and scheme.isalpha() else f"***@{after}"


def without_password(store: str) -> str:
    """Return the setting as `koma.yaml` may hold it: with no password, nor anything in its place that would be taken for one."""
    import re  # noqa: PLC0415  # start-up time: not needed while the store is a file

    shown = re.sub(r"(?<=[?&])(?:ssl)?password=\*\*\*(?:&|$)", "", redacted(store), flags=re.IGNORECASE)
    return shown.rstrip("?&").replace(":***@", "@", 1)


def has_password(store: str) -> bool:
    """Whether a password stands in it."""
    return store != SQLITE and redacted(store) != store


def fault(store: str) -> str:
    """Say what is wrong with the setting; "" where nothing is to be seen. Never repeats a password."""
    if store == SQLITE:
        return ""
    if not is_postgresql(store):
        return f"`{redacted(store)}` can't be used here"
    user, at, _ = _with_secrets_as("", store).partition("://")[2].rpartition("@")
    if at and any(letter in _RESERVED for letter in user):
        return f"`{redacted(store)}` has a user or password with characters that an address can't hold"
    return ""


def _with_secrets_as(text: str, store: str) -> str:
    import re  # noqa: PLC0415  # start-up time: not needed while the store is a file

    return re.sub(r"((?:ssl)?password=)[^&]*", text, store, flags=re.IGNORECASE)
