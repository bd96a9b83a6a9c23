"""The topic of candles: every one closed exactly once and in order, the forming one as it stands."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from cryptox.model.columns import KLINES
from cryptox.model.events import Event, Gap, Kline
from cryptox.model.interval import INTERVALS
from cryptox.table.batch import Batch
from cryptox.venues.port import Told

from .memory import Memory
from .order import Order
from .rows import Records, columns_of, records_of
from .topic import Topic

if TYPE_CHECKING:
    from .hub import Hub
    from .plan import Plan

__all__ = ["CandleTopic"]

MOST_ROWS = 20_000


class CandleTopic(Topic):
    """The candles of one symbol and interval.

    ``order`` holds closed candles by open time: ``order.next`` is the one that has not been passed on as closed yet.
    """

    def __init__(self, hub: Hub, plan: Plan, symbol: str) -> None:
        super().__init__(hub, plan, symbol)
        self._grid = INTERVALS[plan.interval or ""]
        self._memory = Memory(plan.table, max(MOST_ROWS, plan.history))
        self._order: Order[Kline] = Order(_open_time, lambda opened: self._grid.shift(opened, 1))
        self._history = plan.history
        self._joining = plan.history > 0
        self._older = 0  # rows that are wanted besides, where the stream runs already
        self._forming: Kline | None = None  # the newest state of a candle that is not closed, maybe a later one
        self._latest: Kline | None = None
        self._cap = hub.venue.capabilities.klines_cap

    @property
    def latest(self) -> Event | None:
        """The newest state of the newest candle."""
        return self._latest

    def want(self, history: int) -> None:
        """Have so many candles from before now."""
        if not self.carried_times or (history and self._order.next is None and not self._joining):
            self._history = max(self._history, history)
            self._joining = self._history > 0
            if self.carried_times:
                self._not_ready()  # nothing has come yet: history is what the stream begins behind
        elif self._joining or history > len(self._memory):
            self._older = max(self._older, history)
            self._not_ready()

    def batch(self, rows: int | None, include_unfinished: bool) -> Batch:
        """The newest closed candles, and the forming one where it is asked for."""
        latest = self._latest
        if not include_unfinished or latest is None or latest.is_closed:
            return self._memory.batch(rows)
        forming = columns_of(KLINES, [latest])
        closed = self._memory.batch(None if rows is None else max(1, rows - 1))
        if not len(closed) or rows == 1:
            return forming
        return Batch.concat([closed, forming])

    def take(self, told: Told) -> None:
        """Pass on what continues the last candle."""
        events: list[Any] = list(told.events())
        self.received += len(events)
        if self._order.next is None and not self._joining:
            first = min(event.open_time_ms for event in events)
            self._order.begin(first if self._begins_at is None else min(first, self._begins_at))
        for event in events:
            self._offer(event)
        if self._is_torn():
            self.mend()
        self._note(told.event_time_ms, told.received_ns)

    def carried(self) -> None:
        """Catch up, but for the first time without history: then everything begins with the stream."""
        super().carried()
        if self.carried_times == 1 and not self._joining:
            self._begin_with_now()

    async def repair(self) -> bool:
        """Ask for history, or for the candles from the first that was not closed."""
        order = self._order
        if order.next is None and (self._joining or self._older):
            self._history, self._older = max(self._history, self._older), 0
            self._joining = True
            await self._join()
            return True
        if self._older:
            await self._extend()
        if order.next is None and self._begins_at is not None:
            order.begin(self._begins_at)
        if order.next is None:
            self._caught_up()
            return True
        begin = order.next
        candles = await self._ask_candles(begin, None, self._cap)
        self._repaired(candles)
        if self.pending and len(candles) < self._cap and not self._is_torn() and not self._older:
            self._caught_up()
        return order.next > begin or not (self.pending or self._is_torn())

    def give_up(self, reason: str) -> None:
        """Go on after the hole, or without history."""
        self._joining = False
        self._older = 0
        order, before = self._order, self._latest
        seen = [] if order.first is None else [order.first]
        if self._forming is not None:
            seen.append(self._forming.open_time_ms)
        if seen:
            first, begin = order.next, min(seen)
            events = order.begin(begin)
            if first is not None and first < begin:
                witness = events[0] if events else self._forming
                assert witness is not None
                start_ms = before.open_time_ms if before is not None else first
                self._lose(
                    Gap(self.symbol, witness.event_time_ms, witness.received_ns, start_ms, begin, None, None, reason)
                )
            self._close(events)
            if not events and first != begin and self._forming is not None:  # it would be shown only when it changes
                self._show(self._forming)
        if self.pending:
            self._caught_up()

    def _is_silent(self) -> bool:
        return self._order.next is None and not self._joining

    async def _first_key(self) -> int | None:
        return self._grid.floor(await self.sessions[0]._as_of())

    def _is_torn(self) -> bool:
        if self._joining or self._order.next is None:
            return False
        return len(self._order) > 0 or (self._forming is not None and self._forming.open_time_ms > self._order.next)

    def _offer(self, event: Kline) -> None:
        opened, expected = event.open_time_ms, self._order.next
        if expected is not None and opened < expected:
            return
        if event.is_closed:
            self._close(self._order.offer([event]))
            return
        known = self._forming
        if known is not None and (opened, event.event_time_ms or 0) <= (known.open_time_ms, known.event_time_ms or 0):
            return
        self._forming = event
        if opened == expected:
            self._show(event)

    def _close(self, events: list[Kline]) -> None:
        """Pass closed candles on, and then the forming one where it comes next."""
        if events:
            self._latest = events[-1]
            rows = Records(events)
            self._memory.add(rows)
            self._publish(rows)
        forming = self._forming
        if forming is None or self._order.next is None:
            return
        if forming.open_time_ms < self._order.next:
            self._forming = None
        elif events and forming.open_time_ms == self._order.next:
            self._show(forming)

    def _show(self, event: Kline) -> None:
        self._latest = event
        self._publish(Records([event]))

    def _repaired(self, candles: list[Kline]) -> None:
        known = self._order.next or 0
        fresh = [candle for candle in candles if candle.open_time_ms >= known]
        self.received += len(fresh)
        self._close(self._order.offer([candle for candle in fresh if candle.is_closed]))
        for candle in fresh:
            if not candle.is_closed:
                self._offer(candle)

    async def _join(self) -> None:
        """Fetch the history, and put the stream behind it."""
        found = await self._before(None, self._history + 1)
        self._joining = False
        closed = [candle for candle in found if candle.is_closed][-self._history :]
        self.received += len(closed)
        if closed:
            self._memory.add(Records(closed))
            self._latest = closed[-1]
            self._close(self._order.begin(self._grid.shift(closed[-1].open_time_ms, 1)))
        elif (held := self._order.first) is not None:
            self._close(self._order.begin(held))
        self._repaired([candle for candle in found if not candle.is_closed])
        forming = self._forming
        if forming is not None and forming.open_time_ms == self._order.next:
            self._latest = forming

    async def _extend(self) -> None:
        """Fetch what is wanted from before the oldest candle that is kept."""
        wanted, kept = self._older, self._memory.batch(None)
        first = int(kept["open_time"][0]) if len(kept) else self._order.next
        found = await self._before(first, wanted - len(kept))
        self._memory.join([candle for candle in found if candle.is_closed])
        if self._older == wanted:  # else somebody wanted more meanwhile
            self._older = 0

    async def _before(self, end: int | None, wanted: int) -> list[Kline]:
        """So many candles from before a time; None for the newest, the forming one among them."""
        found: list[Kline] = []
        while len(found) < wanted:
            page = await self._ask_candles(None, end, min(self._cap, wanted - len(found)))
            if end is not None:
                page = [candle for candle in page if candle.open_time_ms < end]
            if not page:
                break
            found = page + found
            end = page[0].open_time_ms
        return found

    async def _ask_candles(self, start: int | None, end: int | None, limit: int) -> list[Kline]:
        """Candles, told apart by exchange time: what has surely closed, and what may be forming."""
        as_of = await self.sessions[0]._as_of()
        venue = self.hub.venue
        request = venue.klines(self.symbol, self._grid.name, start_ms=start, end_ms=end, limit=limit, exact=False)
        batch = await self.ask(request)
        return records_of(self.subject, batch, time.time_ns(), as_of)


def _open_time(candle: Kline) -> int:
    return candle.open_time_ms
