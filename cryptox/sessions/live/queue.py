"""A bounded queue between a topic and one reader: the oldest events go when the reader is too slow, and are counted."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from itertools import islice

from cryptox.model.events import Event
from cryptox.venues.port import Rows

__all__ = ["Queue"]


class Queue:
    """Filled on the loop, emptied there or on one other thread.

    Parameters
    ----------
    bound
        Most events that wait.
    wake
        Called after something was put into an empty queue, and when it is finished or closed; on the thread that did.
    """

    def __init__(self, bound: int, wake: Callable[[], None]) -> None:
        self._bound = bound
        self._wake = wake
        self._lock = threading.Lock()
        self._waiting: deque[Rows] = deque()
        self._taken = 0  # events of the first in line that are gone already
        self._count = 0
        self.closed = False
        self.finished = False  # nothing more comes
        self.dropped = 0

    def __len__(self) -> int:
        """Events that wait."""
        return self._count

    @property
    def fill(self) -> float:
        """How full it is, from 0 to 1."""
        return self._count / self._bound

    def put(self, rows: Rows) -> None:
        """Append events; the oldest are dropped where there are too many."""
        with self._lock:
            if self.closed or self.finished:
                return
            was_empty = not self._count
            self._waiting.append(rows)
            self._count += len(rows)
            if self._count > self._bound:
                self._drop(self._count - self._bound)
        if was_empty:
            self._wake()

    def take(self, most: int | None = None) -> list[Event]:
        """The oldest events that wait, at most so many; [] where there are none."""
        with self._lock:
            if not self._count:
                return []
            if most is None or most >= self._count:
                waiting, self._waiting, taken = self._waiting, deque(), self._taken
                self._taken = self._count = 0
                pieces: list[tuple[Rows, int, int | None]] = [(rows, 0, None) for rows in waiting]
                pieces[0] = (waiting[0], taken, None)
            else:
                pieces = self._pieces(most)
        found: list[Event] = []
        for rows, start, stop in pieces:
            events = rows.events()
            found += events if not start and stop is None else islice(events, start, stop)
        return found

    def finish(self) -> None:
        """Take nothing more; what waits may still be taken."""
        with self._lock:
            self.finished = True
        self._wake()

    def close(self) -> None:
        """Take nothing more; what waits is gone."""
        with self._lock:
            self.closed = True
            self._waiting.clear()
            self._count = self._taken = 0
        self._wake()

    def _pieces(self, most: int) -> list[tuple[Rows, int, int | None]]:
        pieces: list[tuple[Rows, int, int | None]] = []
        while most:
            rows, start = self._waiting[0], self._taken
            step = min(most, len(rows) - start)
            pieces.append((rows, start, start + step))
            self._advance(step)
            most -= step
        return pieces

    def _drop(self, surplus: int) -> None:
        self.dropped += surplus
        while surplus:
            step = min(surplus, len(self._waiting[0]) - self._taken)
            self._advance(step)
            surplus -= step

    def _advance(self, step: int) -> None:
        self._taken += step
        self._count -= step
        if self._taken == len(self._waiting[0]):
            self._waiting.popleft()
            self._taken = 0
