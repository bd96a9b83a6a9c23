"""Candle streams: the bar that is forming, and every bar's final state once."""

from __future__ import annotations

from cryptox.model.interval import INTERVALS
from cryptox.paper.market import Candles, Listing
from cryptox.paper.text import decimal
from cryptox.venues.binance.channels import Stream
from cryptox.venues.binance.wire.streams import KlineBar, KlineEvent

from .look import Beat, Event, Look

__all__ = ["MOST_BARS", "KlineSource"]

MOST_BARS = 1_000  # closed bars told in one pass; of a longer span the newest ones


class KlineSource:
    """One symbol's bars of one interval.

    The forming bar is told every ``every_ms``; a bar that has closed is told once more with ``x`` true, also when
    nothing traded in it. A bar younger than ``every_ms`` is not told beside the end of the one before it, so there is
    one message a period, and 1s bars are told when they are closed.
    """

    def __init__(self, stream: Stream, listing: Listing, look: Look) -> None:
        channel = stream.channel
        assert channel.interval is not None
        assert channel.every_ms is not None
        self._event, self._every_ms = channel.event or "", channel.every_ms
        self._interval, self._shift_ms = INTERVALS[channel.interval], channel.shift_ms
        self._listing = listing
        self._beat = Beat(channel.every_ms, look)
        self._from_ms = 0  # open time from which on bars have not been told as closed
        self._told: tuple[int, ...] = ()
        newest = self._candles(look, 1)
        if len(newest.open_time):
            closes_ms = int(newest.close_time[-1])
            self._from_ms = int(newest.open_time[-1]) if closes_ms >= look.now_ms else closes_ms + 1
            self._told = _state(newest, -1)

    def collect(self, look: Look) -> list[Event]:
        """Bars that have closed since the last time, then the forming one."""
        if not self._beat.is_due(look):
            return []
        candles = self._candles(look, MOST_BARS + 1)
        events: list[Event] = []
        for row in range(len(candles.open_time)):
            opens_ms, closes_ms = int(candles.open_time[row]), int(candles.close_time[row])
            if closes_ms < look.now_ms:
                events.append(self._told_bar(look, candles, row, closed=True))
                self._from_ms = closes_ms + 1
                continue
            state = _state(candles, row)
            is_old = not events or look.now_ms - opens_ms >= self._every_ms
            if is_old and (not look.still or state != self._told):
                events.append(self._told_bar(look, candles, row, closed=False))
                self._told = state
            self._from_ms = opens_ms
        return events

    def _candles(self, look: Look, limit: int) -> Candles:
        return look.market.candles(
            self._listing.symbol,
            self._interval,
            start_ms=self._from_ms,
            end_ms=look.now_ms + 1,
            limit=limit,
            newest=True,
            now_ms=look.now_ms,
            shift_ms=self._shift_ms,
        )

    def _told_bar(self, look: Look, candles: Candles, row: int, *, closed: bool) -> Event:
        listing, trades = self._listing, int(candles.trades[row])
        price, quantity = listing.price_exponent, listing.quantity_exponent
        closes_ms = int(candles.close_time[row])
        last = look.market.last_trade_id(listing.symbol, min(closes_ms, look.now_ms)) if trades else -1
        bar = KlineBar(
            open_time=int(candles.open_time[row]) * 1_000,
            close_time=closes_ms * 1_000 + 999,
            symbol=listing.symbol,
            interval=self._interval.name,
            first_id=last - trades + 1 if trades else -1,
            last_id=last,
            open=decimal(int(candles.open[row]), price),
            close=decimal(int(candles.close[row]), price),
            high=decimal(int(candles.high[row]), price),
            low=decimal(int(candles.low[row]), price),
            volume=decimal(int(candles.volume[row]), quantity),
            trades=trades,
            is_closed=closed,
            quote_volume=decimal(int(candles.quote_volume[row]), price + quantity),
            taker_buy_volume=decimal(int(candles.taker_buy_volume[row]), quantity),
            taker_buy_quote_volume=decimal(int(candles.taker_buy_quote_volume[row]), price + quantity),
        )
        return KlineEvent(self._event, look.now_us, listing.symbol, bar)


def _state(candles: Candles, row: int) -> tuple[int, ...]:
    """What tells one state of a bar from another."""
    columns = (candles.open_time, candles.trades, candles.volume, candles.close, candles.high, candles.low)
    return tuple(int(column[row]) for column in columns)
