"""Topics whose newest message says everything: tickers, best quotes, the best levels. Nothing to repair."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cryptox.model.book import Depth
from cryptox.model.events import Event
from cryptox.table.batch import Batch
from cryptox.venues.port import Told

from .memory import Memory
from .rows import Records, levels_of, records_of
from .topic import Topic

if TYPE_CHECKING:
    from .hub import Hub
    from .plan import Plan

__all__ = ["NewestTopic"]

MOST_ROWS = 10_000


class NewestTopic(Topic):
    """Statistics, best quotes or best levels of one symbol, each newer than the one before."""

    def __init__(self, hub: Hub, plan: Plan, symbol: str) -> None:
        super().__init__(hub, plan, symbol)
        self._memory = None if plan.kind == "depth" else Memory(plan.table, MOST_ROWS)
        self._key: int | None = None  # of the newest: its time or its update id
        self._latest: Event | None = None
        self._heard = False  # since it was last carried

    @property
    def latest(self) -> Event | None:
        """The newest message."""
        return self._latest

    def batch(self, rows: int | None, include_unfinished: bool) -> Batch:  # noqa: ARG002 - of candles
        """The newest messages; of levels the newest one, at most so many a side."""
        if self._memory is not None:
            return self._memory.batch(rows)
        batch = levels_of(self._latest if isinstance(self._latest, Depth) else None)
        return batch if rows is None else batch.take(batch["level"] < rows)

    def carried(self) -> None:
        """Take up again; what the exchange calls newer begins anew where no connection was left."""
        if not self.connected:
            self._key = None
            self._heard = False
        super().carried()

    def take(self, told: Told) -> None:
        """Pass on what is newer than the last message; of two connections the same comes twice."""
        self._heard = True
        count = len(told)
        self.received += count
        keys, known = told.keys(), self._key
        if (known is None or keys[0] > known) and (count == 1 or all(map(int.__lt__, keys, keys[1:]))):
            self._key = keys[-1]
            self._pass(told)
        else:
            fresh: list[Event] = []
            for key, event in zip(keys, told.events(), strict=True):
                if known is None or key > known:
                    fresh.append(event)
                    known = key
            self._key = known
            if fresh:
                self._pass(Records(fresh))
        self._note(told.event_time_ms, told.received_ns)

    async def repair(self) -> bool:
        """Ask for the present state, which a quiet stream may not tell for long."""
        venue, wanted = self.hub.venue, [self.symbol]
        if self.subject.kind == "depth":
            self._caught_up()  # told several times a second
            return True
        if self.subject.kind == "ticker":
            request = venue.ticker(wanted, "24h", exact=False)
        else:
            request = venue.book_ticker(wanted, exact=False)
        events = records_of(self.subject, await self.ask(request), time.time_ns())
        if events and not self._heard:
            self._pass(Records(events[-1:]))
        self._caught_up()
        return True

    def give_up(self, reason: str) -> None:  # noqa: ARG002 - nothing is lost: the next message says everything
        """Wait for the stream."""
        self._caught_up()

    def _pass(self, rows: Records[Event] | Told) -> None:
        self._latest = rows.newest()
        if self._memory is not None:
            self._memory.add(rows)
        self._publish(rows)
        if self._memory is not None:
            self._memory.tidy()
