"""One symbol's aggregate trades in a bulk call: a range of times, turned into one of ids."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cryptox.errors import CryptoxError, ValidationError
from cryptox.sessions.history import MOST_ROWS_UNASKED, History
from cryptox.sessions.pages import NOTHING, Before, Range
from cryptox.table.batch import Batch

__all__ = ["TapeJob"]


@dataclass(slots=True)
class TapeJob:
    """The aggregate trades that one bulk call wants: a range of times, turned into one of ids."""

    symbol: str
    history: History
    start_ms: int | None
    end_ms: int
    from_id: int | None
    limit: int | None
    find: Callable[..., Any]  # (start_ms, end_ms) -> id of the first trade from start, or of the last before end
    fetch: Callable[..., Any]
    wanted: Range = NOTHING
    known: bool = False  # whether the range of ids has been found
    error: CryptoxError | None = None

    async def run(self) -> None:
        """Find the ids, then fetch them."""
        try:
            self.wanted = await self._ids()
            self.known = True
            if self.wanted:
                await self.fetch(self.wanted)
        except CryptoxError as error:
            self.error = error
        if self.error is None and self.history.failures:
            self.error = self.history.cause

    async def _ids(self) -> Range:
        if self.end_ms <= 0 or (self.start_ms is not None and self.start_ms >= self.end_ms):
            return NOTHING
        if self.start_ms is None:
            last, first = await self.find(None, self.end_ms), self.from_id
        else:
            last, first = await asyncio.gather(self.find(None, self.end_ms), self.find(self.start_ms, self.end_ms))
        if last is None or (first is None and self.start_ms is not None):
            return NOTHING
        stop = last + 1
        if first is None:
            first = 0 if self.limit is None else max(0, stop - self.limit)
        elif self.limit is not None:
            stop = min(stop, first + self.limit)
        asked = self.limit is not None or self.start_ms is not None or self.from_id is not None
        if stop - first > MOST_ROWS_UNASKED and not asked:
            raise ValidationError(
                f"All aggregate trades of {self.symbol} would be {stop - first:,} rows; "
                f"more than {MOST_ROWS_UNASKED:,} must be asked for by start, from_id or limit.",
                recovery_suggestions=["Give start, from_id or limit to say how much of it you want."],
                suggested={"call": "trades_bulk", "symbol": self.symbol, "limit": MOST_ROWS_UNASKED},
            )
        return Range(first, max(first, stop))

    def batch(self) -> Batch:
        """The rows so far."""
        return self.history.joined(self.wanted)

    async def gaps(self) -> Sequence[Range | Before]:
        """Ids that the exchange does not have, as the times around them."""
        return [self._times(hole) for hole in self.history.holes(self.wanted)]

    def missing(self) -> Sequence[Range | Before]:
        """What was not fetched, as the times around it."""
        if not self.known:
            whole = _since(self.start_ms, self.end_ms)
            return [whole] if whole else []
        return [self._times(hole) for hole in self.history.missing(self.wanted)]

    def _times(self, ids: Range) -> Range | Before:
        rows = self.batch()
        keys, times = rows["id"], rows["time"]
        before, after = np.searchsorted(keys, (ids.start, ids.end))
        start = int(times[before - 1]) if before > 0 else self.start_ms
        # A trade that is missing may bear the same time as the next one that is there.
        end = int(times[after]) + 1 if after < len(times) else self.end_ms
        return _since(start, end)


def _since(start: int | None, end: int) -> Range | Before:
    return Before(end) if start is None else Range(start, end)
