"""The topic of a local book: snapshots over REST, diffs by stream, right or not ``synced``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cryptox.errors import CryptoxError
from cryptox.model.events import Event
from cryptox.table.batch import Batch
from cryptox.venues.port import Told

from .rows import Records, levels_of
from .topic import Topic

if TYPE_CHECKING:
    from .hub import Hub
    from .plan import Plan

__all__ = ["BookTopic"]


class BookTopic(Topic):
    """The book of one symbol."""

    def __init__(self, hub: Hub, plan: Plan, symbol: str) -> None:
        super().__init__(hub, plan, symbol)
        self._levels = plan.levels
        self._book = hub.venue.local_book(symbol, levels=plan.levels)
        self._was_synced = False

    @property
    def latest(self) -> Event | None:
        """The best levels as they stand; None before the first snapshot."""
        return None if self._book.last_update_id is None else self._book.top(self._levels)

    @property
    def synced(self) -> bool:
        """Whether the book is the exchange's."""
        return self.connected and self._book.synced

    def batch(self, rows: int | None, include_unfinished: bool) -> Batch:  # noqa: ARG002 - of candles
        """All levels that are certain, or so many a side."""
        return levels_of(None if self._book.last_update_id is None else self._book.top(rows))

    def glance(self, rows: int) -> Batch:
        """The levels of its events, at most so many a side."""
        return self.batch(min(rows, self._levels), include_unfinished=True)

    def cut(self) -> None:
        """Out of step until a diff or a snapshot says otherwise."""
        super().cut()
        self._book.interrupt()
        self._show()

    def take(self, told: Told) -> None:
        """Apply changes; readers get one event for all that came together."""
        self.received += len(told)
        try:
            self._book.diffs(told.rows, told.received_ns)
        except CryptoxError as error:
            self.trouble = f"{type(error).__name__}: {error}"
        if not self._book.synced or self._book.needs_snapshot:
            self.mend()
        self._show()
        self._note(told.event_time_ms, told.received_ns)

    async def repair(self) -> bool:
        """Ask for a snapshot where one is needed."""
        if not self._book.needs_snapshot:
            self._caught_up()
            return True
        limit = self.hub.venue.capabilities.depth_cap
        request = self.hub.tapped(self.hub.venue.snapshot(self.symbol), self.stream, limit)
        answer = await self.ask(request)
        synced = self._book.snapshot(answer, limit=limit, received_ns=time.time_ns())
        if synced:
            self._caught_up()
            self._show()
        return synced

    def give_up(self, reason: str) -> None:
        """Go on trying."""

    def _is_torn(self) -> bool:
        return self._book.needs_snapshot

    def _show(self) -> None:
        book = self._book
        if book.last_update_id is None or not (book.synced or self._was_synced):
            return
        self._was_synced = book.synced
        if self._queues:
            self._publish(Records([book.top(self._levels)]))
