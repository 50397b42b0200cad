"""Memory of a process that runs for weeks: what was freed is given back to the system, and not kept in pieces.

The C library gives every thread a heap of its own, and pictures are decoded in several threads: what one of them frees, no other uses.
Both functions do something where the library is glibc; others give memory back by themselves.
"""

import ctypes

_ARENA_MAX = -8  # M_ARENA_MAX of malloc.h


def share_one_heap() -> None:
    """Let all threads that begin from now on use one heap. Threads rarely compute at the same time here, so they hardly wait for it."""
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(_ARENA_MAX, 1)


def give_back() -> None:
    """Return to the system what was freed."""
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)
