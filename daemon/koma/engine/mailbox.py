"""What arrives for a running job from outside, while it waits."""

import asyncio
from dataclasses import dataclass, field

from koma.core.step import CancelAsked, Event, TakeBack, Tick


@dataclass(slots=True)
class Mailbox:
    """Set `arrived` to wake the job. A wish to cancel is never lost and goes first."""

    cancel: bool = False
    take_back: bool = False
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self) -> Event:
        """Empty it; the event that the job is to hear."""
        self.arrived.clear()
        event: Event = CancelAsked() if self.cancel else TakeBack() if self.take_back else Tick()
        self.cancel = self.take_back = False
        return event
