"""A market of spines: what the seeded market and replayed history have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np

from cryptox.errors import BadSymbol
from cryptox.model.interval import MINUTE_MS, Interval

from .book import TICK_MS, book_levels
from .cache import Cache
from .market import Aggregates, Candles, Ints, Levels, Listing, Statistics, Tape
from .series import UNITS, Series
from .spine import Row, Spine, key_of, reduce_rows
from .tape import TapeReader

__all__ = ["SpineMarket"]

CACHE_BYTES = 100_000_000
WIDEST = 20_000  # candles looked at in one go while searching across an outage


class SpineMarket:
    """A :class:`cryptox.paper.market.Market` over spines of minutes."""

    def __init__(self, spines: Mapping[str, Spine], seed: int, end_ms: int | None) -> None:
        cache = Cache(CACHE_BYTES)
        self.seed = seed
        self.end_ms = end_ms
        self.listings: Mapping[str, Listing] = {symbol: spine.listing for symbol, spine in spines.items()}
        self._series = {s: Series(spine, key_of(seed, s, "inside"), cache) for s, spine in spines.items()}
        self._tapes = {symbol: TapeReader(series) for symbol, series in self._series.items()}

    def _of(self, symbol: str) -> Series:
        try:
            return self._series[symbol]
        except KeyError:
            raise BadSymbol(f"No symbol {symbol} in this market", context={"symbol": symbol}) from None

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
        """Candles that open in [start_ms, end_ms) and not after ``now_ms``: the newest or the oldest ``limit``.

        A candle that begins within an outage appears when trading resumes.
        """
        series = self._of(symbol)
        listing = series.listing
        ends = [moment for moment in (listing.ended_ms, self.end_ms) if moment is not None]
        known = min([now_ms + 1, *ends])
        end = min(end_ms, known)
        if start_ms >= end or known <= listing.listed_ms:
            return _candles(np.empty((len(Row) + 1, 0), np.int64))
        opens = interval.floor(listing.listed_ms + shift_ms)
        low = max(interval.ceil(max(start_ms + shift_ms, opens)), opens)
        high = interval.ceil(end + shift_ms)
        parts: list[Ints] = []
        missing = limit
        width = min(limit, 1000) if interval.monthly else limit
        while missing > 0 and low < high:
            if newest:
                begin, stop = max(low, interval.shift(high, -width)), high
                high = begin
            else:
                begin, stop = low, min(high, interval.shift(low, width))
                low = stop
            part = _bars(series, interval, begin, stop, now_ms, shift_ms)
            part = part[:, -missing:] if newest else part[:, :missing]
            missing -= part.shape[1]
            width = min(width, missing) if part.shape[1] else max(width, min(4 * width, WIDEST))  # across an outage
            parts.insert(0, part) if newest else parts.append(part)
        if not parts:
            parts.append(np.empty((len(Row) + 1, 0), np.int64))
        return _candles(parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1))

    def last_trade_id(self, symbol: str, now_ms: int) -> int:
        """Id of the newest trade at ``now_ms``; -1 when there was none yet."""
        self._of(symbol)
        return self._tapes[symbol].count((now_ms + 1) * 1000).trades - 1

    def tape(self, symbol: str, first_id: int, last_id: int, now_ms: int) -> Tape:
        """Trades first_id to last_id, both included, as far as they exist at ``now_ms``."""
        self._of(symbol)
        return self._tapes[symbol].trades(first_id, last_id, now_ms)

    def last_aggregate_id(self, symbol: str, now_ms: int) -> int:
        """Id of the newest aggregate trade; -1 for none."""
        self._of(symbol)
        return self._tapes[symbol].count((now_ms + 1) * 1000).orders - 1

    def aggregate_at(self, symbol: str, time_ms: int, now_ms: int) -> int:
        """Id of the first aggregate trade at or after ``time_ms`` (one past the newest where there is none)."""
        self._of(symbol)
        return self._tapes[symbol].count(min(time_ms, now_ms + 1) * 1000).orders

    def aggregates(self, symbol: str, first_id: int, last_id: int, now_ms: int) -> Aggregates:
        """Aggregate trades first_id to last_id, both included, as far as they exist at ``now_ms``."""
        self._of(symbol)
        return self._tapes[symbol].aggregates(first_id, last_id, now_ms)

    def levels(self, symbol: str, now_ms: int, limit: int) -> Levels:
        """The order book at the 100 ms tick of ``now_ms``, up to ``limit`` levels a side; empty before the listing."""
        series = self._of(symbol)
        tick = now_ms // TICK_MS
        count = self._tapes[symbol].count((tick * TICK_MS + 1) * 1000).trades
        if not count:
            none = np.empty(0, np.int64)
            return Levels(0, none, none, none, none)
        last = self.tape(symbol, count - 1, count - 1, tick * TICK_MS)
        day_ms = int(last.time_us[0]) // 1000 // UNITS[0] * UNITS[0]
        rows = series.rows(day_ms // UNITS[0])
        size = max(2.0, float(rows[Row.VOLUME].sum()) / max(1, int(rows[Row.TRADES].sum())))
        first_tick = series.listing.listed_ms // TICK_MS
        key = key_of(self.seed, symbol, "book")
        return book_levels(key, tick, first_tick, int(last.price[0]), bool(last.buyer_is_maker[0]), size, limit)

    def statistics(self, symbol: str, start_ms: int, now_ms: int) -> Statistics:
        """What traded in [start_ms, now_ms]."""
        series, tape = self._of(symbol), self._tapes[symbol]
        start_ms = max(start_ms, series.listing.listed_ms)
        before = series.price_before(start_ms) or 0
        first, last = tape.count(start_ms * 1000).trades, tape.count((now_ms + 1) * 1000).trades - 1
        if last < first or now_ms < start_ms:
            return Statistics(0, 0, 0, 0, 0, before, 0, 0, -1, -1, 0, -1)
        whole = min(-(-start_ms // MINUTE_MS) * MINUTE_MS, now_ms + 1)
        head = series.trades_between(start_ms, whole)
        rows = np.concatenate((head, series.units(MINUTE_MS, whole, now_ms + 1, now_ms)), axis=1)
        rows = rows[:, rows[Row.TRADES] > 0]
        newest = tape.trades(last, last, now_ms)
        return Statistics(
            open=int(rows[Row.OPEN, 0]),
            high=int(rows[Row.HIGH].max()),
            low=int(rows[Row.LOW].min()),
            last=int(rows[Row.CLOSE, -1]),
            last_quantity=int(newest.quantity[0]),
            prev_close=before,
            volume=int(rows[Row.VOLUME].sum()),
            quote_volume=int(rows[Row.QUOTE].sum()),
            first_id=first,
            last_id=last,
            trades=last - first + 1,
            last_time_us=int(newest.time_us[0]),
        )


def _bars(series: Series, interval: Interval, begin: int, stop: int, now_ms: int, shift_ms: int) -> Ints:
    """Candles that open in [begin, stop), local times on the grid; one more line at the end holds close times."""
    unit = next(u for u in UNITS if interval.step_ms % u == interval.offset_ms % u == shift_ms % u == 0)
    rows = series.units(unit, begin - shift_ms, stop - shift_ms, now_ms)
    local = rows[Row.TIME] + shift_ms
    if interval.monthly:
        months = local.view("M8[ms]").astype("M8[M]")
        opens = months.astype("M8[ms]").view(np.int64)
        closes = (months + np.timedelta64(1, "M")).astype("M8[ms]").view(np.int64)
    else:
        opens = (local - interval.offset_ms) // interval.step_ms * interval.step_ms + interval.offset_ms
        closes = opens + interval.step_ms
    out = np.empty((len(Row) + 1, 0), np.int64)
    if rows.shape[1]:
        starts = np.arange(len(opens)) if unit == interval.step_ms else np.flatnonzero(np.diff(opens, prepend=-1))
        made = rows if unit == interval.step_ms else reduce_rows(rows, starts)
        out = np.concatenate((made, (closes[starts] - shift_ms - 1)[np.newaxis]))
        out[Row.TIME] = opens[starts] - shift_ms
    return out


def _candles(rows: Ints) -> Candles:
    quote = rows[Row.QUOTE]
    if (quote < 0).any():
        # A month of much traded history in fine decimals passes 2**63 and wraps; files that pass 2**64 are refused.
        quote = cast(Ints, quote.view(np.uint64))
    return Candles(
        open_time=rows[Row.TIME],
        open=rows[Row.OPEN],
        high=rows[Row.HIGH],
        low=rows[Row.LOW],
        close=rows[Row.CLOSE],
        volume=rows[Row.VOLUME],
        close_time=rows[-1],
        quote_volume=quote,
        trades=rows[Row.TRADES],
        taker_buy_volume=rows[Row.TAKER],
        taker_buy_quote_volume=rows[Row.TAKER_QUOTE],
    )
