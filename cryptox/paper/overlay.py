"""The market that everybody sees: the market's own path, with the trades that users' orders brought about laid over it.

The path itself is never changed. A print stands between two of the market's own trades, so every id after it is one
higher, and the candles and statistics that hold its moment have it too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from cryptox.model.interval import Interval

from .market import Aggregates, Candles, Ints, Levels, Listing, Market, Statistics, Tape
from .printed import Printed
from .trading.prints import Prints

__all__ = ["Books", "OverlayMarket"]


class Books(Protocol):
    """Where the book comes from that everybody sees."""

    def levels(self, symbol: str, now_us: int, limit: int) -> Levels:
        """The book at a moment."""


class OverlayMarket:
    """A :class:`cryptox.paper.market.Market`: ``base`` with ``prints`` in it and the book of ``books``."""

    def __init__(self, base: Market, prints: Prints, books: Books) -> None:
        self._base, self._prints, self._books = base, prints, books
        self._printed: dict[str, Printed] = {}
        self.watchers: list[Callable[[str, int, Levels], None]] = []  # of books: symbol, how many levels, the book
        self.listings: Mapping[str, Listing] = base.listings
        self.end_ms = base.end_ms

    def _of(self, symbol: str, now_ms: int) -> Printed | None:
        """Prints of a symbol up to ``now_ms``; None where there are none."""
        listed = self._prints.of(symbol)
        if not listed:
            return None
        kept = self._printed.get(symbol)
        if kept is None or kept.total != len(listed):
            kept = self._printed[symbol] = Printed.of(listed, kept)
        seen = kept.until((now_ms + 1) * 1000)
        return seen if len(seen) else None

    def candles(
        self,
        symbol: str,
        interval: Interval,
        *,
        start_ms: int,
        end_ms: int,
        limit: int,
        newest: bool,
        now_ms: int,
        shift_ms: int = 0,
    ) -> Candles:
        """Candles as ``Market.candles`` says, users' trades in them."""
        own = self._base.candles(
            symbol,
            interval,
            start_ms=start_ms,
            end_ms=end_ms,
            limit=limit,
            newest=newest,
            now_ms=now_ms,
            shift_ms=shift_ms,
        )
        printed = self._of(symbol, now_ms)
        if printed is None or not len(own.open_time) or own.close_time[-1] * 1000 + 999 < printed.time_us[0]:
            return own
        return self._with_prints(symbol, own, printed, now_ms)

    def _with_prints(self, symbol: str, own: Candles, printed: Printed, now_ms: int) -> Candles:
        open_, high, low, close = own.open.copy(), own.high.copy(), own.low.copy(), own.close.copy()
        volume, quote, trades = own.volume.copy(), own.quote_volume.copy(), own.trades.copy()
        bought, bought_quote = own.taker_buy_volume.copy(), own.taker_buy_quote_volume.copy()
        firsts = np.searchsorted(printed.time_us, own.open_time * 1000)
        ends = np.searchsorted(printed.time_us, own.close_time * 1000 + 999, side="right")
        for bar in np.flatnonzero(ends > firsts):
            part = slice(firsts[bar], ends[bar])
            price, quantity = printed.price[part], printed.quantity[part]
            before = self._own_count(symbol, int(own.open_time[bar]) - 1)
            after = self._own_count(symbol, min(int(own.close_time[bar]), now_ms))
            if before == after:  # nothing of the market's own: the candle is made of prints alone
                open_[bar] = high[bar] = low[bar] = price[0]
            elif printed.before[part][0] == before:
                open_[bar] = price[0]
            if printed.before[part][-1] == after:
                close[bar] = price[-1]
            high[bar], low[bar] = max(high[bar], price.max()), min(low[bar], price.min())
            taken = ~printed.buyer_is_maker[part]
            volume[bar] += quantity.sum()
            trades[bar] += len(price)
            bought[bar] += quantity[taken].sum()
            worth = price * quantity
            quote[bar] += worth.sum().astype(quote.dtype)
            bought_quote[bar] += worth[taken].sum()
        for bar in np.flatnonzero((trades == 0) & (firsts > 0)):  # still: the price that was last
            newest = firsts[bar] - 1
            if printed.before[newest] == self._own_count(symbol, int(own.open_time[bar]) - 1):
                open_[bar] = high[bar] = low[bar] = close[bar] = printed.price[newest]
        return replace(
            own,
            open=open_,
            high=high,
            low=low,
            close=close,
            volume=volume,
            quote_volume=quote,
            trades=trades,
            taker_buy_volume=bought,
            taker_buy_quote_volume=bought_quote,
        )

    def _own_count(self, symbol: str, until_ms: int) -> int:
        """Trades of the market's own up to and with a millisecond."""
        return self._base.last_trade_id(symbol, until_ms) + 1

    def last_trade_id(self, symbol: str, now_ms: int) -> int:
        """Id of the newest trade; -1 for none."""
        own, printed = self._base.last_trade_id(symbol, now_ms), self._of(symbol, now_ms)
        return own if printed is None else own + len(printed)

    def tape(self, symbol: str, first_id: int, last_id: int, now_ms: int) -> Tape:
        """Trades by id, both ends included."""
        printed = self._of(symbol, now_ms)
        if printed is None:
            return self._base.tape(symbol, first_id, last_id, now_ms)
        first_id = max(first_id, 0)
        begin, end = printed.ids.searchsorted(first_id), printed.ids.searchsorted(last_id, side="right")
        own = self._base.tape(symbol, int(first_id - begin), int(last_id - end), now_ms)
        part = slice(begin, end)
        ids = np.concatenate((printed.shifted(own.id), printed.ids[part]))
        order = np.argsort(ids)
        return Tape(
            ids[order],
            np.concatenate((own.price, printed.price[part]))[order],
            np.concatenate((own.quantity, printed.quantity[part]))[order],
            np.concatenate((own.time_us, printed.time_us[part]))[order],
            np.concatenate((own.buyer_is_maker, printed.buyer_is_maker[part]))[order],
        )

    def last_aggregate_id(self, symbol: str, now_ms: int) -> int:
        """Id of the newest aggregate trade; -1 for none."""
        own, printed = self._base.last_aggregate_id(symbol, now_ms), self._of(symbol, now_ms)
        return own if printed is None else own + len(printed.group_first)

    def aggregate_at(self, symbol: str, time_ms: int, now_ms: int) -> int:
        """Id of the first aggregate trade at or after ``time_ms``."""
        own, printed = self._base.aggregate_at(symbol, time_ms, now_ms), self._of(symbol, now_ms)
        if printed is None:
            return own
        return own + int(np.searchsorted(printed.time_us[printed.group_first], time_ms * 1000))

    def aggregates(self, symbol: str, first_id: int, last_id: int, now_ms: int) -> Aggregates:
        """Aggregate trades by id, both ends included."""
        printed = self._of(symbol, now_ms)
        if printed is None:
            return self._base.aggregates(symbol, first_id, last_id, now_ms)
        first_id = max(first_id, 0)
        begin, end = printed.group_ids.searchsorted(first_id), printed.group_ids.searchsorted(last_id, side="right")
        own = self._base.aggregates(symbol, int(first_id - begin), int(last_id - end), now_ms)
        part = slice(begin, end)
        firsts, lasts = printed.group_first[part], printed.group_last[part]
        ids = np.concatenate((_raised(own.id, printed.group_before), printed.group_ids[part]))
        order = np.argsort(ids)
        return Aggregates(
            ids[order],
            np.concatenate((own.price, printed.price[firsts]))[order],
            np.concatenate((own.quantity, printed.group_quantity[part]))[order],
            np.concatenate((printed.shifted(own.first_id), printed.ids[firsts]))[order],
            np.concatenate((printed.shifted(own.last_id), printed.ids[lasts]))[order],
            np.concatenate((own.time_us, printed.time_us[firsts]))[order],
            np.concatenate((own.buyer_is_maker, printed.buyer_is_maker[firsts]))[order],
        )

    def levels(self, symbol: str, now_ms: int, limit: int) -> Levels:
        """The order book, users' orders in it; every watcher hears what was shown."""
        found = self._books.levels(symbol, now_ms * 1000, limit)
        for watcher in self.watchers:
            watcher(symbol, limit, found)
        return found

    def statistics(self, symbol: str, start_ms: int, now_ms: int) -> Statistics:
        """What traded in [start_ms, now_ms]."""
        own, printed = self._base.statistics(symbol, start_ms, now_ms), self._of(symbol, now_ms)
        if printed is None:
            return own
        begin = int(np.searchsorted(printed.time_us, start_ms * 1000))
        before = self._own_count(symbol, start_ms - 1)
        previous = own.prev_close
        if begin and printed.before[begin - 1] == before:
            previous = int(printed.price[begin - 1])
        count = own.trades + len(printed) - begin
        if not count:
            return replace(own, prev_close=previous)
        bounds = {"prev_close": previous, "first_id": before + begin, "last_id": before + begin + count - 1}
        if begin == len(printed):
            return replace(own, trades=count, **bounds)
        price, quantity = printed.price[begin:], printed.quantity[begin:]
        worth = own.quote_volume + int((price * quantity).sum())
        is_last = int(printed.before[-1]) == before + own.trades
        return Statistics(
            open=int(price[0]) if printed.before[begin] == before else own.open,
            high=max(own.high, int(price.max())),
            low=min(own.low, int(price.min())) if own.trades else int(price.min()),
            last=int(price[-1]) if is_last else own.last,
            last_quantity=int(quantity[-1]) if is_last else own.last_quantity,
            volume=own.volume + int(quantity.sum()),
            quote_volume=worth,
            trades=count,
            last_time_us=int(printed.time_us[-1]) if is_last else own.last_time_us,
            **bounds,
        )


def _raised(numbers: Ints, before: npt.NDArray[np.int64]) -> Ints:
    """Numbers of the market's own, raised by what lies over it before each."""
    return numbers + np.searchsorted(before, numbers, side="right")
