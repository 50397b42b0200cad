"""Lost effects as exceptions. A mistake in what a person wrote is a Problem instead; anything else that is raised is a bug."""

import errno

from koma.core.errors import KomaError

_OF_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE, errno.EROFS})
_ROOM = "make room (koma gc shows what may go), then start Koma again: what was rendered is not lost"
_LOOK = "look at the disk (dmesg), then start Koma again: what was rendered is not lost"
_ALLOW = "let the user that Koma runs as write there"
_HINTS = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EIO: _LOOK,
    errno.ESTALE: _LOOK,
    errno.EROFS: _LOOK,
    errno.EACCES: _ALLOW,
    errno.EPERM: _ALLOW,
}


class StoreError(KomaError):
    """What is remembered can't be read or written; `str()` says what happened, where, and what to do."""


class FlushError(KomaError):
    """What was written may not be on the disk. Only the next start may try again: a second flush would say that all is well."""


class SourceError(KomaError):
    """No snapshot could be made; `str()` says why and what to do. What was planned before stands."""


def is_of_disk(error: Exception) -> bool:
    """Whether a disk, or the room on it, is to blame."""
    return isinstance(error, OSError) and error.errno in _OF_DISK


def lost_disk(error: OSError) -> KomaError:
    """Put into words that a disk does not do what it should. Raises the error again if it is about anything else: then it is a bug."""
    hint = _HINTS.get(error.errno or 0)
    if hint is None:
        raise error
    file = error.filename2 or error.filename
    return KomaError(f"{file}: {error.strerror}" if file else f"the disk: {error.strerror}", hint)
