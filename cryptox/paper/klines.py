"""Candles as the paper exchange answers them: the window rules, and columns ready to be written."""

from __future__ import annotations

from cryptox.model.interval import INTERVALS
from cryptox.venues.binance.wire.market import Kline

from .market import Candles
from .question import Question, Rows
from .text import Fixed, Whole

__all__ = ["klines"]


def klines(question: Question) -> Rows:
    """Candles whose open time lies in the window: the oldest with a start, the newest without."""
    params, now_ms = question.params, question.now_ms
    listing = question.listing()
    interval, limit = INTERVALS[params["interval"]], params["limit"]
    start_us, end_us = params["startTime"], params["endTime"]
    start_ms = 0 if start_us is None else -(-start_us // 1_000)
    end_ms = now_ms + 1 if end_us is None else min(end_us // 1_000, now_ms) + 1
    candles = question.market.candles(
        listing.symbol,
        interval,
        start_ms=min(start_ms, end_ms),
        end_ms=end_ms,
        limit=limit,
        newest=start_us is None,
        now_ms=now_ms,
        shift_ms=params["timeZone"],
    )
    full = start_us is not None and len(candles.open_time) == limit
    past = end_us is not None and end_us // 1_000 < now_ms
    return _rows(question, candles, listed=full or past)


def _rows(question: Question, candles: Candles, *, listed: bool) -> Rows:
    """``listed``: no other candle can ever come into this window."""
    listing = question.known(question.params["symbol"])
    price, quantity = listing.price_exponent, listing.quantity_exponent
    closes_us = candles.close_time * 1_000 + 999
    count = len(candles.open_time)
    return Rows(
        Kline,
        count,
        {
            "open_time": Whole(question.moments(candles.open_time * 1_000)),
            "open": Fixed(candles.open, price),
            "high": Fixed(candles.high, price),
            "low": Fixed(candles.low, price),
            "close": Fixed(candles.close, price),
            "volume": Fixed(candles.volume, quantity),
            "close_time": Whole(question.moments(closes_us)),
            "quote_volume": Fixed(candles.quote_volume, price + quantity),
            "trades": Whole(candles.trades),
            "taker_buy_volume": Fixed(candles.taker_buy_volume, quantity),
            "taker_buy_quote_volume": Fixed(candles.taker_buy_quote_volume, price + quantity),
        },
        listing,
        stable=listed and (count == 0 or int(candles.close_time[-1]) < question.now_ms),
    )
