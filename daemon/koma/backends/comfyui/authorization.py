"""The login that a proxy before a server asks for: as a header, and out of everything that comes back."""

from base64 import b64encode
from urllib.parse import unquote

from koma.core.login import Secret
from koma.core.redact import REMOVED

_SHORTEST = 4  # characters of a password that is looked for on its own: a shorter one would be found in any text


def authorization(login: Secret) -> dict[str, str]:
    """Headers that carry a login: `user:password` (with %XX as in an address) as Basic, anything else as a Bearer token."""
    if not login:
        return {}
    return {"Authorization": f"Basic {_basic(login)}" if ":" in login.reveal() else f"Bearer {login.reveal()}"}


def without(login: Secret, body: bytes) -> bytes:
    """Take the login out of an answer: a server or proxy may well repeat what it was told, for instance on a page about an error."""
    if not login:
        return body
    words = {login.reveal(), unquote(login.reveal()), _basic(login), *_passwords(login)}
    for word in sorted(words, key=len, reverse=True):
        body = body.replace(word.encode(), REMOVED.encode())
    return body


def _basic(login: Secret) -> str:
    return b64encode(unquote(login.reveal()).encode()).decode()


def _passwords(login: Secret) -> set[str]:
    _, _, password = login.reveal().partition(":")
    return {word for word in (password, unquote(password)) if len(word) >= _SHORTEST}
