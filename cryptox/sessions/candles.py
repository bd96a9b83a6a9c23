"""One symbol's candles in a bulk call: which ranges to fetch, and when there are enough."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from cryptox.errors import CryptoxError, ValidationError
from cryptox.model.interval import Interval
from cryptox.sessions.history import MOST_ROWS_UNASKED, History
from cryptox.sessions.pages import NOTHING, Before, Range, Segment
from cryptox.table.batch import Batch

__all__ = ["CandleJob", "reach"]

# A wide range is worth two small requests first, which tell where the exchange's own history begins and ends.
PAGES_WORTH_PROBING = 16

Probe = Callable[[int | None, int | None], Awaitable[int | None]]  # (start, end) -> open time of the candle nearest


@dataclass(slots=True)
class CandleJob:
    """The candles of one symbol that one bulk call wants.

    ``end`` is on the grid and judged: no candle at or after it may be shown.
    """

    symbol: str
    interval: Interval
    history: History
    start: int | None
    end: int
    limit: int | None
    open_ended: bool  # neither start nor end was given
    oldest: Probe  # first candle of a range
    newest: Probe  # last candle of a range
    workers: int
    keep_going: bool
    on_page: Callable[[], None]
    wanted: Range = NOTHING
    error: CryptoxError | None = None

    async def run(self) -> None:
        """Fetch until there is enough, or there is no more, or it fails (``error``)."""
        try:
            await self._run()
        except CryptoxError as error:
            self.error = error
        if self.error is None and self.history.failures:
            self.error = self.history.cause

    async def _run(self) -> None:
        if self.start is None:
            await (self._everything() if self.limit is None else self._newest(self.limit))
        elif self.start >= self.end:
            self.wanted = Range(self.start, self.start)
        elif self.limit is None:
            await self._between(Range(self.interval.ceil(self.start), self.end))
        else:
            await self._oldest(self.interval.ceil(self.start), self.limit)

    def batch(self) -> Batch:
        """The rows so far, as the caller wants to see them."""
        rows = self.history.joined(self.wanted)
        if self.limit is None or len(rows) <= self.limit:
            return rows
        return rows.take(slice(-self.limit, None) if self.start is None else slice(0, self.limit))

    async def gaps(self) -> list[Range]:
        """Holes that the exchange itself has, inside its own history."""
        shown = self.batch()
        seen = self.wanted
        if self.open_ended and len(shown):
            # The newest rows there are: what comes after the last one of a symbol that ended is no hole in them.
            seen = Range(seen.start, self.interval.shift(self.interval.floor(int(shown["open_time"][-1])), 1))
        if self.limit is not None and len(shown):
            edge = int(shown["open_time"][0 if self.start is None else -1])
            at = self.interval.floor(edge)
            seen = Range(at, seen.end) if self.start is None else Range(seen.start, self.interval.shift(at, 1))
        holes = self.history.holes(seen)
        if not holes or holes[0].start > seen.start:
            return holes
        try:
            listed = await self.oldest(None, None)  # nothing is missing before there was anything
        except CryptoxError:
            return [hole for hole in holes if hole.start > seen.start]  # the rows are there; they must not be lost
        if listed is None:
            return []
        first = self.interval.floor(listed)
        return [Range(max(hole.start, first), hole.end) for hole in holes if hole.end > first]

    def missing(self) -> Sequence[Range | Before]:
        """What was wanted and not fetched."""
        if self.wanted == NOTHING:  # it failed before the range was known
            whole = reach(self.interval, self.start, self.end, self.limit)
            return [whole] if whole else []
        return self.history.missing(self.wanted)

    async def _everything(self) -> None:
        first = await self.oldest(None, None)
        if first is None:
            self.wanted = Range(self.end, self.end)
            return
        self.wanted = Range(self.interval.floor(first), self.end)
        rows = self.interval.count(self.wanted.start, self.end)
        if rows > MOST_ROWS_UNASKED:
            raise ValidationError(
                f"All of {self.symbol} {self.interval.name} would be {rows:,} rows; "
                f"more than {MOST_ROWS_UNASKED:,} must be asked for by start or limit.",
                recovery_suggestions=["Give start or limit to say how much of it you want."],
                suggested={
                    "call": "klines_bulk",
                    "symbol": self.symbol,
                    "interval": self.interval.name,
                    "limit": MOST_ROWS_UNASKED,
                },
            )
        await self._between(self.wanted)

    async def _between(self, wanted: Range) -> None:
        self.wanted = wanted
        if self.interval.count(wanted.start, wanted.end) <= PAGES_WORTH_PROBING * self.history.cap:
            await self._fetch(wanted)
            return
        first, last = await asyncio.gather(self.oldest(wanted.start, wanted.end), self.newest(wanted.start, wanted.end))
        if first is None or last is None:
            await self._confirm(wanted)
            return
        low, high = self.interval.floor(first), self.interval.shift(self.interval.floor(last), 1)
        await self._fetch(Range(low, high))
        await self._confirm(Range(wanted.start, low))
        await self._confirm(Range(high, wanted.end))

    async def _newest(self, limit: int) -> None:
        high = self.end
        limit = min(limit, self.interval.count(0, high))
        low = self.interval.shift(high, -limit)
        self.wanted = Range(low, high)
        if limit > PAGES_WORTH_PROBING * self.history.cap:
            last, first = await asyncio.gather(self.newest(None, high), self.oldest(None, None))
            if last is None:
                await self._confirm(self.wanted)
                return
            top = self.interval.shift(self.interval.floor(last), 1)
            low = self._before(top, limit)
            low = low if first is None else max(low, self.interval.floor(first))
            self.wanted = Range(low, high)
            await self._confirm(Range(top, high))
            high = top
        await self._fetch(Range(low, high))
        while not self.history.halted and (need := limit - self.history.count(self.wanted)) > 0:
            last = await self.newest(None, low)
            if last is None:
                return
            top = self.interval.shift(self.interval.floor(last), 1)
            await self._confirm(Range(top, low))
            low = self._before(top, need)
            self.wanted = Range(low, self.end)
            await self._fetch(Range(low, top))

    async def _oldest(self, low: int, limit: int) -> None:
        limit = min(limit, self.interval.count(low, self.end))
        high = self._after(low, limit)
        self.wanted = Range(low, high)
        if limit <= PAGES_WORTH_PROBING * self.history.cap:
            await self._fetch(self.wanted)
        else:
            high = low
        while not self.history.halted and (need := limit - self.history.count(self.wanted)) > 0 and high < self.end:
            first = await self.oldest(high, self.end)
            bottom = self.end if first is None else self.interval.floor(first)
            await self._confirm(Range(high, bottom))
            high = self._after(bottom, need)
            self.wanted = Range(low, high)
            await self._fetch(Range(bottom, high))

    def _before(self, high: int, rows: int) -> int:
        """So many candles before ``high``; no earlier than the epoch, before which no exchange can be asked."""
        return self.interval.shift(high, -min(rows, self.interval.count(0, high)))

    def _after(self, low: int, rows: int) -> int:
        """So many candles from ``low`` on, no later than the end."""
        return self.interval.shift(low, min(rows, self.interval.count(low, self.end)))

    async def _fetch(self, wanted: Range) -> None:
        if wanted:
            await self.history.fetch(wanted, workers=self.workers, on_page=self.on_page, keep_going=self.keep_going)

    async def _confirm(self, hole: Range) -> None:
        """Ask for exactly a stretch that seems empty; what is there after all is fetched."""
        if not hole or self.history.halted or not self.history.missing(hole):
            return
        if await self.oldest(hole.start, hole.end) is None:
            empty = Batch.empty(self.history.table, exact=self.history.exact)
            self.history.segments.append(Segment(hole, empty, (hole,)))
        else:
            await self._fetch(hole)


def reach(interval: Interval, start: int | None, end: int, limit: int | None) -> Range | Before:
    """What a call wants, as far as that can be told before the exchange has said anything; ``end`` is on the grid."""
    if start is not None:
        low = interval.ceil(start)
        if limit is None or interval.count(low, end) <= limit:
            return Range(low, end)
        return Range(low, interval.shift(low, limit))
    if limit is None:
        return Before(end)
    return Range(interval.shift(end, -min(limit, interval.count(0, end))), end)
