"""The market at one moment of one pass: everything that several streams need is asked once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from msgspec import Struct

from cryptox.paper.market import Levels, Listing, Market, Statistics
from cryptox.paper.question import BREAK, status_of

__all__ = ["MOST_TRADES", "Beat", "Best", "Event", "Look", "Source", "Span"]

MOST_TRADES = 50_000  # of one stream and pass

Event = Struct | list[Struct]
Span = tuple[int, int]  # from, to, in microseconds of market time
Best = tuple[int, int, int, int]  # bid, its quantity, ask, its quantity


class Look:
    """The market at ``now_us``.

    Parameters
    ----------
    now_us
        Market time of this pass.
    since_us
        Market time of the pass before.
    still
        Market time does not run: what changed is told now, as no later moment comes.
    jumps
        Spans since the pass before, oldest first, whose single trades are not told.
    """

    def __init__(self, market: Market, now_us: int, since_us: int, *, still: bool, jumps: Sequence[Span] = ()) -> None:
        self.market, self.now_us, self.now_ms = market, now_us, now_us // 1_000
        self.still = still
        self._jumps = [(start, end) for start, end in jumps if end > since_us]
        self._levels: dict[str, tuple[int, Levels]] = {}
        self._statistics: dict[tuple[str, int], Statistics] = {}

    def trades(self, listing: Listing) -> bool:
        """Whether the symbol is listed and has not stopped trading."""
        return status_of(listing, self.now_ms) not in (None, BREAK)

    def numbers(self, last: int, newest: Callable[[int], int]) -> Iterator[tuple[int, int]]:
        """First and last ids of the trades after ``last`` that are told now; ``newest`` is the last id by a time (ms).

        Those of jumps are left out, and the oldest of more than ``MOST_TRADES``.
        """
        until = newest(self.now_ms)
        last = max(last, until - MOST_TRADES)
        for start_us, end_us in self._jumps:
            if (before := newest(start_us // 1_000)) > last:
                yield last + 1, before
            last = max(last, newest(min(end_us // 1_000, self.now_ms)))
        if until > last:
            yield last + 1, until

    def levels(self, listing: Listing, limit: int) -> Levels:
        """The book with at least ``limit`` levels a side where it has so many; empty where nothing trades any more."""
        kept = self._levels.get(listing.symbol)
        if kept is None or kept[0] < limit:
            ended = status_of(listing, self.now_ms) == BREAK
            found = self.market.levels(listing.symbol, self.now_ms, 0 if ended else limit)
            kept = self._levels[listing.symbol] = limit, found
        return kept[1]

    def best(self, listing: Listing) -> Best:
        """Best bid and ask with their quantities, in ticks and steps; zeros where a side is empty."""
        book = self.levels(listing, 1)
        sides = (book.bid_price, book.bid_quantity, book.ask_price, book.ask_quantity)
        bid, bid_quantity, ask, ask_quantity = (int(column[0]) if len(column) else 0 for column in sides)
        return bid, bid_quantity, ask, ask_quantity

    def statistics(self, listing: Listing, start_ms: int) -> Statistics:
        """What traded from ``start_ms`` until now."""
        key = listing.symbol, start_ms
        kept = self._statistics.get(key)
        if kept is None:
            kept = self._statistics[key] = self.market.statistics(listing.symbol, start_ms, self.now_ms)
        return kept


class Source(Protocol):
    """One stream's memory of what it has told. Made at the moment of the first subscription."""

    def collect(self, look: Look) -> list[Event]:
        """What the stream has to say now, oldest first. Times are in microseconds."""


class Beat:
    """When a stream is due that speaks every so many milliseconds of market time, on a grid from the epoch."""

    def __init__(self, every_ms: int, look: Look) -> None:
        self._every_ms = every_ms
        self._slot = look.now_ms // every_ms

    def is_due(self, look: Look) -> bool:
        """Whether a new slot has begun since the last time this was true, or market time stands still."""
        slot, before = look.now_ms // self._every_ms, self._slot
        self._slot = slot
        return slot != before or look.still
