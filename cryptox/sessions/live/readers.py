"""Readers of a feed: each with a queue of its own, and gone as soon as nobody holds it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Self

from cryptox.model.events import Event

from .queue import Queue

if TYPE_CHECKING:
    from .feed import AsyncFeed

__all__ = ["Events", "Readers"]

AT_ONCE = 1_000  # events made in one go


class Events(AsyncIterator[Event]):
    """The events of one reader of a feed; ends when the feed does."""

    def __init__(self, feed: AsyncFeed, bound: int) -> None:
        self._feed = feed
        self._bell = _Bell()  # nothing that lives longer refers to this reader: one that is left goes at once
        self._queue = Queue(bound, self._bell.ring)
        self._events: list[Event] = []
        feed._readers.add(self._queue)
        for topic in feed._topics.values():
            topic.subscribe(self._queue)

    def __aiter__(self) -> Self:
        """Itself."""
        return self

    async def __anext__(self) -> Event:
        """The next event."""
        if not self._events:
            self._events = (await self.take(AT_ONCE))[::-1]
        if self._queue.closed or not self._events:
            raise StopAsyncIteration
        return self._events.pop()

    async def take(self, most: int | None = None) -> list[Event]:
        """All events that wait, at most so many, at least one; [] once the feed has ended.

        Raises
        ------
        CryptoxError
            It has ended by itself, and why; told once.
        """
        feed, over = self._feed, self._queue.closed or self._queue.finished
        if not over and (
            feed._starting is None or (feed._hub is not None and feed._hub.loop is not asyncio.get_running_loop())
        ):
            await feed.start()  # which refuses another loop: nothing would ever come there
        while not self._queue.closed:
            found = self._queue.take(most)
            if found:
                return found
            if self._queue.finished:
                self.close()
                if feed._failure is not None:
                    raise feed._failure.with_traceback(None)
                break
            if self._feed._hub is not None:
                self._feed._hub.awaited()
            await self._bell.wait()
        return []

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be had."""
        return self._queue.closed

    def close(self) -> None:
        """Read no more."""
        self._feed._readers.remove(self._queue)

    @property
    def dropped(self) -> int:
        """Events that this reader was too slow for."""
        return self._queue.dropped

    def __del__(self) -> None:
        """Left by ``break``: nothing is kept for it any more."""
        self._feed._readers.leave(self._queue)


class _Bell:
    """What a reader waits for."""

    def __init__(self) -> None:
        self._future: asyncio.Future[None] | None = None

    def ring(self) -> None:
        if self._future is not None and not self._future.done():
            self._future.set_result(None)

    async def wait(self) -> None:
        self._future = asyncio.get_running_loop().create_future()
        try:
            await self._future
        finally:
            self._future = None


class Readers:
    """The queues of a feed's readers."""

    def __init__(self) -> None:
        self._queues: dict[int, Queue] = {}
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """Events that readers were too slow for, those that are gone included."""
        return self._dropped + sum(queue.dropped for queue in self.queues())  # of a copy: readers may go meanwhile

    def queues(self) -> list[Queue]:
        """Of the readers there are."""
        return list(self._queues.values())

    def add(self, queue: Queue) -> None:
        """Of a new reader."""
        self._queues[id(queue)] = queue

    def leave(self, queue: Queue) -> None:
        """A reader is gone."""
        # From a finalizer, which may run amid anything, also where this thread holds the queue's lock.
        if self._queues.pop(id(queue), None) is not None:
            self._dropped += queue.dropped
            queue.closed = True

    def remove(self, queue: Queue) -> None:
        """A reader is not wanted any more: what waits for it is gone, and it is told."""
        if self._queues.pop(id(queue), None) is not None:
            self._dropped += queue.dropped
            queue.close()

    def close(self) -> None:
        """The feed has ended."""
        for queue in self.queues():
            self.remove(queue)
