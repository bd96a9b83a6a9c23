"""Streams over windows of time: the tickers, one by one and of all symbols that changed, and the average price."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from msgspec import Struct

from cryptox.paper.market import Listing, Statistics
from cryptox.paper.question import Question
from cryptox.paper.text import decimal
from cryptox.paper.tickers import AVERAGE_MINUTES, average, average_price, percent_change, window_start
from cryptox.venues.binance.channels import Channel, Feed, Stream
from cryptox.venues.binance.wire.streams import AveragePriceEvent, MiniTickerEvent, TickerEvent, WindowTickerEvent

from .look import Beat, Best, Event, Look

__all__ = ["AverageSource", "TickerArraySource", "TickerSource"]


@dataclass(frozen=True, slots=True)
class _Window:
    """What a ticker is made of; equal ones say the same, times aside."""

    found: Statistics
    best: Best | None  # only the 24-hour ticker has them


class TickerSource:
    """One symbol's ticker, every second while the symbol trades."""

    def __init__(self, stream: Stream, listing: Listing, look: Look) -> None:
        self._channel, self._listing = stream.channel, listing
        self._beat = Beat(stream.channel.every_ms or 0, look)
        self._told = _window(stream.channel, listing, look)

    def collect(self, look: Look) -> list[Event]:
        """The ticker, when it is due."""
        if not self._beat.is_due(look) or not look.trades(self._listing):
            return []
        window = _window(self._channel, self._listing, look)
        if look.still and window == self._told:
            return []
        self._told = window
        return [_WRITERS[self._channel.feed](self._channel, self._listing, window, look)]


class TickerArraySource:
    """The tickers of all symbols that have changed, every second in which some have."""

    def __init__(self, stream: Stream, look: Look) -> None:
        self._channel = stream.channel
        self._beat = Beat(stream.channel.every_ms or 0, look)
        self._told = {one.symbol: _window(self._channel, one, look) for one in look.market.listings.values()}

    def collect(self, look: Look) -> list[Event]:
        """One list, or nothing."""
        if not self._beat.is_due(look):
            return []
        changed: list[Struct] = []
        for listing in look.market.listings.values():
            window = _window(self._channel, listing, look) if look.trades(listing) else None
            if window is not None and window != self._told.get(listing.symbol):
                self._told[listing.symbol] = window
                changed.append(_WRITERS[self._channel.feed](self._channel, listing, window, look))
        return [changed] if changed else []


class AverageSource:
    """The average price of the last minutes, every second while the symbol trades; as REST answers it."""

    def __init__(self, stream: Stream, listing: Listing, look: Look) -> None:
        self._event, self._listing = stream.channel.event or "", listing
        self._beat = Beat(stream.channel.every_ms or 0, look)
        self._told: Struct | None = None

    def collect(self, look: Look) -> list[Event]:
        """The average, when it is due."""
        if not self._beat.is_due(look) or not look.trades(self._listing):
            return []
        symbol = self._listing.symbol
        told = average_price(Question(look.market, {"symbol": symbol}, look.now_us, microseconds=True)).body
        if look.still and told == self._told:
            return []
        self._told = told
        window = f"{AVERAGE_MINUTES}m"
        return [AveragePriceEvent(self._event, look.now_us, symbol, window, told.price, told.close_time)]


def _window(channel: Channel, listing: Listing, look: Look) -> _Window:
    assert channel.window_ms is not None
    found = look.statistics(listing, _start_ms(channel, look))
    best = look.best(listing) if channel.feed is Feed.TICKER else None
    return _Window(found, best)


def _start_ms(channel: Channel, look: Look) -> int:
    """Where the window begins: those of ``ticker_<window>`` on a full minute, as on REST."""
    assert channel.window_ms is not None
    if channel.feed is Feed.WINDOW_TICKER:
        return window_start(look.now_ms, channel.window_ms)
    return look.now_ms - channel.window_ms


def _mini(channel: Channel, listing: Listing, window: _Window, look: Look) -> Struct:
    found, price, quantity = window.found, listing.price_exponent, listing.quantity_exponent
    return MiniTickerEvent(
        event=channel.event or "",
        event_time=look.now_us,
        symbol=listing.symbol,
        last=decimal(found.last, price),
        open=decimal(found.open, price),
        high=decimal(found.high, price),
        low=decimal(found.low, price),
        volume=decimal(found.volume, quantity),
        quote_volume=decimal(found.quote_volume, price + quantity),
    )


def _whole(channel: Channel, listing: Listing, window: _Window, look: Look) -> Struct:
    found, price, quantity = window.found, listing.price_exponent, listing.quantity_exponent
    bid, bid_quantity, ask, ask_quantity = window.best or (0, 0, 0, 0)
    return TickerEvent(
        event=channel.event or "",
        event_time=look.now_us,
        symbol=listing.symbol,
        price_change=decimal(found.last - found.open, price),
        price_change_percent=percent_change(found),
        weighted_avg_price=average(listing, found),
        prev_close=decimal(found.prev_close, price),
        last=decimal(found.last, price),
        last_quantity=decimal(found.last_quantity, quantity),
        bid=decimal(bid, price),
        bid_quantity=decimal(bid_quantity, quantity),
        ask=decimal(ask, price),
        ask_quantity=decimal(ask_quantity, quantity),
        open=decimal(found.open, price),
        high=decimal(found.high, price),
        low=decimal(found.low, price),
        volume=decimal(found.volume, quantity),
        quote_volume=decimal(found.quote_volume, price + quantity),
        open_time=_start_ms(channel, look) * 1_000,
        close_time=look.now_us,
        first_id=found.first_id,
        last_id=found.last_id,
        trades=found.trades,
    )


def _rolling(channel: Channel, listing: Listing, window: _Window, look: Look) -> Struct:
    found, price, quantity = window.found, listing.price_exponent, listing.quantity_exponent
    return WindowTickerEvent(
        event=channel.event or "",
        event_time=look.now_us,
        symbol=listing.symbol,
        price_change=decimal(found.last - found.open, price),
        price_change_percent=percent_change(found),
        open=decimal(found.open, price),
        high=decimal(found.high, price),
        low=decimal(found.low, price),
        last=decimal(found.last, price),
        weighted_avg_price=average(listing, found),
        volume=decimal(found.volume, quantity),
        quote_volume=decimal(found.quote_volume, price + quantity),
        open_time=_start_ms(channel, look) * 1_000,
        close_time=look.now_us,
        first_id=found.first_id,
        last_id=found.last_id,
        trades=found.trades,
    )


_WRITERS: dict[Feed, Callable[[Channel, Listing, _Window, Look], Struct]] = {
    Feed.MINI_TICKER: _mini,
    Feed.TICKER: _whole,
    Feed.WINDOW_TICKER: _rolling,
}
