"""A render server on a number line: serial, queue and history in memory, files on a disk. For stories told by a seed."""

import heapq
from collections import Counter
from collections.abc import Sequence


class SimulatedServer:
    """Takes prompts one at a time, `seconds` each. In each of `outages` (begin, end; seconds, in order) it forgets all but its files."""

    def __init__(self, seconds: float, outages: Sequence[tuple[float, float]]) -> None:
        self.finished: Counter[str] = Counter()
        self.files: set[str] = set()
        self.died_with_work = 0
        self._seconds = seconds
        self._outages = list(outages)
        self._deaths = [begin for begin, _ in outages]
        self._arriving: list[tuple[float, str]] = []
        self._queue: list[str] = []
        self._ends = 0.0
        self._history: set[str] = set()

    def is_down(self, now: float) -> bool:
        """Whether nothing listens."""
        return any(begin <= now < end for begin, end in self._outages)

    def send(self, prompt: str, at: float) -> None:
        """Let a request reach the queue at that time, if somebody listens then."""
        heapq.heappush(self._arriving, (at, prompt))

    def is_waiting(self, prompt: str, now: float) -> bool:
        """Read the queue."""
        self._advance(now)
        return prompt in self._queue

    def is_done(self, prompt: str, now: float) -> bool:
        """Read the history."""
        self._advance(now)
        return prompt in self._history

    def has_file(self, prompt: str, now: float) -> bool:
        """Look for the file of a prompt."""
        self._advance(now)
        return prompt in self.files

    def interrupt(self, prompt: str, now: float) -> None:
        """Take a prompt out of the queue, or stop it."""
        self._advance(now)
        if prompt in self._queue:
            first = self._queue[0] == prompt
            self._queue.remove(prompt)
            self._ends = now + self._seconds if first else self._ends

    def end_of(self, prompt: str, now: float) -> float | None:
        """When a running prompt will have ended."""
        self._advance(now)
        return self._ends if self._queue[:1] == [prompt] else None

    def drain(self) -> None:
        """Let everything end that is under way."""
        self._advance(float("inf"))

    def _advance(self, now: float) -> None:
        never = float("inf")
        while True:
            arrives = self._arriving[0][0] if self._arriving else never
            ends = self._ends if self._queue else never
            dies = self._deaths[0] if self._deaths else never
            due = min(arrives, ends, dies)
            if due > now or due == never:
                return
            if due == dies:
                self._die()
            elif due == ends:
                self._end()
            else:
                self._arrive(due)

    def _die(self) -> None:
        self._deaths.pop(0)
        self.died_with_work += bool(self._queue)
        self._queue.clear()
        self._history.clear()

    def _end(self) -> None:
        prompt = self._queue.pop(0)
        self.files.add(prompt)
        self.finished[prompt] += 1
        self._history.add(prompt)
        self._ends += self._seconds

    def _arrive(self, at: float) -> None:
        _, prompt = heapq.heappop(self._arriving)
        if not self.is_down(at):
            self._queue.append(prompt)
            self._ends = at + self._seconds if len(self._queue) == 1 else self._ends
