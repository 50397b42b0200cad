"""Progress hints: every listener hears all that is said after it was made; listeners that nobody holds are forgotten."""

import asyncio
import weakref

from koma.core.request import Progress


class Listener:
    """An endless iterator over hints, until the backend closes."""

    def __init__(self) -> None:
        self._heard: asyncio.Queue[Progress | None] = asyncio.Queue()

    def hear(self, hint: Progress | None) -> None:
        """Take in a hint, or the end."""
        self._heard.put_nowait(hint)

    def __aiter__(self) -> "Listener":
        return self

    async def __anext__(self) -> Progress:
        hint = await self._heard.get()
        if hint is None:
            raise StopAsyncIteration
        return hint


class Hints:
    """Where a backend says how far it is."""

    def __init__(self) -> None:
        self._listeners: weakref.WeakSet[Listener] = weakref.WeakSet()

    def listen(self) -> Listener:
        """Return a listener that hears everything from now on."""
        listener = Listener()
        self._listeners.add(listener)
        return listener

    def say(self, hint: Progress | None) -> None:
        """Tell all listeners; None ends them."""
        for listener in list(self._listeners):
            listener.hear(hint)
