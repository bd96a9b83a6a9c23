"""Topics of trades and aggregate trades: contiguous by id, back-filled by id."""

from __future__ import annotations

import time
from collections.abc import Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from cryptox.model.events import AggTrade, Event, Gap, Trade
from cryptox.table.batch import Batch
from cryptox.venues.port import Rows, Told

from .memory import MOST_AGE_MS, Memory
from .order import Order
from .rows import Records, records_of
from .topic import Topic

if TYPE_CHECKING:
    from .hub import Hub
    from .plan import Plan

__all__ = ["ExecutedTopic"]

MOST_ROWS = 100_000
MOST_HELD = 200_000  # events that wait for an older one

Executed = Trade | AggTrade


class ExecutedTopic(Topic):
    """The trades of a symbol, or its aggregate trades."""

    def __init__(self, hub: Hub, plan: Plan, symbol: str) -> None:
        super().__init__(hub, plan, symbol)
        self._memory = Memory(plan.table, max(MOST_ROWS, plan.history), MOST_AGE_MS)
        self._order: Order[Any] = Order(attrgetter("id"))
        self._history = plan.history  # rows still to be fetched before the stream
        self._latest: Rows | None = None
        self._cap = hub.venue.capabilities.trades_cap
        self._joining = self._history > 0
        self._older = 0  # rows that are wanted besides, where the stream runs already
        self._is_long = False  # the repair: the last page of it was full

    @property
    def latest(self) -> Event | None:
        """The newest trade."""
        return None if self._latest is None else self._latest.newest()

    def batch(self, rows: int | None, include_unfinished: bool) -> Batch:  # noqa: ARG002 - of candles
        """The newest trades."""
        return self._memory.batch(rows)

    def want(self, history: int) -> None:
        """Have so many trades from before now."""
        if not self.carried_times or (history and self._order.next is None and not self._joining):
            self._history = max(self._history, history)
            self._joining = self._history > 0
            if self.carried_times:
                self._not_ready()  # nothing has come yet: history is what the stream begins behind
        elif self._joining or history > len(self._memory):
            self._older = max(self._older, history)
            self._not_ready()

    def take(self, told: Told) -> None:
        """Pass on what continues the last trade; keep the rest until what is missing is here."""
        ids, order = told.keys(), self._order
        self.received += len(ids)
        first, count = ids[0], len(ids)
        if order.next is None and not self._joining:
            order.begin(min(ids) if self._begins_at is None else min(*ids, self._begins_at))
        if first == order.next and not len(order) and (count == 1 or ids == list(range(first, first + count))):
            order.next = first + count
            self._pass(told)
        else:
            self._offer(told.events())
        self._note(told.event_time_ms, told.received_ns)

    def carried(self) -> None:
        """Catch up, but for the first time without history: then everything begins with the stream."""
        super().carried()
        if self.carried_times == 1 and not self._joining:
            self._begin_with_now()

    async def repair(self) -> bool:
        """Ask for history, or for what follows the last trade that was passed on."""
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
            self._caught_up()  # nothing has come yet, so nothing can be missing
            return True
        hole, begin = order.hole, order.next
        limit = self._cap if hole is None or self.pending else min(self._cap, hole.end - hole.first)
        events = await self._ask_from(begin, limit, bulk=self._is_long)
        self._is_long = len(events) == self._cap
        self._repaired(events)
        if self.pending and len(events) < limit and not self._is_torn() and not self._older:
            self._caught_up()
        return order.next > begin or not (self.pending or self._is_torn())

    def give_up(self, reason: str) -> None:
        """Go on after the hole, or without history."""
        if self._joining:
            self._joining = False
            self._history = 0
            order = self._order
            first = order.first
            if first is not None:
                self._pass(Records(order.begin(first)))
        self._older = 0
        self._skip(reason)
        if self.pending:
            self._caught_up()

    def _remaining(self) -> str | None:
        hole = self._order.hole if self._is_long else None
        if hole is None or hole.end - hole.first <= self._cap:
            return None
        return f"{hole.end - hole.first} trades are still missing; they come as fast as the request weight allows"

    def _is_silent(self) -> bool:
        return self._order.next is None and not self._joining

    async def _first_key(self) -> int | None:
        venue = self.hub.venue  # aggregate trades weigh less, and tell the ids of both
        request = venue.agg_trades(self.symbol, start_ms=None, end_ms=None, from_id=None, limit=1, exact=False)
        batch = await self.ask(request)
        return int(batch["last_id" if self.subject.kind == "trades" else "id"][-1]) + 1 if len(batch) else 0

    def _is_torn(self) -> bool:
        return not self._joining and len(self._order) > 0

    def _offer(self, events: Sequence[Event]) -> None:
        order = self._order
        self._pass(Records(order.offer(events)))
        if len(order) > MOST_HELD:
            self.give_up("too many later trades were waiting for it")
        if len(order):
            self.mend()

    def _repaired(self, events: list[Executed]) -> None:
        known = self._order.next
        fresh = [event for event in events if known is None or event.id >= known]
        self.received += len(fresh)
        self._pass(Records(self._order.offer(fresh)))

    async def _join(self) -> None:
        """Fetch the history, and put the stream behind it."""
        found = await self._before(None, self._history)
        self._joining = False
        if found:
            self.received += len(found)
            self._memory.add(Records(found))
            self._latest = Records(found)
            self._pass(Records(self._order.begin(found[-1].id + 1)))
        elif (held := self._order.first) is not None:
            self._pass(Records(self._order.begin(held)))

    async def _extend(self) -> None:
        """Fetch what is wanted from before the oldest trade that is kept."""
        wanted, kept = self._older, self._memory.batch(None)
        first = int(kept["id"][0]) if len(kept) else self._order.next
        found = await self._before(first, wanted - len(kept))
        self._memory.join(found)
        if self._older == wanted:  # else somebody wanted more meanwhile
            self._older = 0

    async def _before(self, first: int | None, wanted: int) -> list[Executed]:
        """So many trades from before an id; None for the newest."""
        found: list[Executed] = []
        while wanted > len(found) and first != 0:
            step = min(self._cap, wanted - len(found))
            if first is None:
                page = await self._ask_newest(step)
            else:
                page = await self._ask_from(max(0, first - step), min(step, first))
                page = [event for event in page if event.id < (first or 0)]
            if not page:
                break
            first = page[0].id
            found = page + found
        return found

    def _skip(self, reason: str) -> None:
        before = self.latest
        skipped = self._order.skip()
        if skipped is None:
            return
        hole, events = skipped
        start_ms = before.time_ms if isinstance(before, Trade | AggTrade) else events[0].time_ms
        self._lose(
            Gap(
                symbol=self.symbol,
                event_time_ms=events[0].event_time_ms,
                received_ns=events[0].received_ns,
                start_ms=start_ms,
                end_ms=events[0].time_ms,
                first_id=hole.first,
                last_id=hole.end - 1,
                reason=reason,
            )
        )
        self._pass(Records(events))

    async def _ask_newest(self, limit: int) -> list[Executed]:
        venue = self.hub.venue
        if self.subject.kind == "trades":
            request = venue.trades(self.symbol, limit=limit, exact=False)
        else:
            request = venue.agg_trades(self.symbol, start_ms=None, end_ms=None, from_id=None, limit=limit, exact=False)
        return self._records(await self.ask(request))

    async def _ask_from(self, first: int, limit: int, *, bulk: bool = False) -> list[Executed]:
        venue = self.hub.venue
        if self.subject.kind == "trades":
            request = venue.trades_from(self.symbol, from_id=first, limit=limit, exact=False)
        else:
            request = venue.agg_trades(self.symbol, start_ms=None, end_ms=None, from_id=first, limit=limit, exact=False)
        return self._records(await self.ask(request, bulk=bulk))

    def _records(self, batch: Batch) -> list[Any]:
        return records_of(self.subject, batch, time.time_ns())

    def _pass(self, rows: Rows) -> None:
        if len(rows):
            self._latest = rows
            self._memory.add(rows)
            self._publish(rows)
            self._memory.tidy()
