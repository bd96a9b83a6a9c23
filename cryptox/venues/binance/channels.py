"""Binance's market streams: what their names look like, how often they speak, and which event they carry.

Source: https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams and sbe-market-data-streams (July
2026).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from cryptox.model.interval import DAY_MS, HOUR_MS, INTERVALS

__all__ = [
    "ARRAYS",
    "CHANNELS",
    "SBE_CHANNELS",
    "SBE_FASTER_FROM_MS",
    "SHUTDOWN_EVENT",
    "SHUTDOWN_STREAM",
    "Channel",
    "Feed",
    "Stream",
    "read_sbe_stream",
    "read_stream",
]

SHUTDOWN_STREAM = "!serverShutdown"  # the name in combined form; nobody subscribes to it
SHUTDOWN_EVENT = "serverShutdown"
SECOND_MS = 1_000
FAST_MS = 100  # the faster of the two speeds of order books
SBE_FASTER_FROM_MS = 1_785_826_800_000  # 2026-08-04 07:00 UTC: SBE's changes of the book every 20 ms, before every 25


class Feed(StrEnum):
    """What a stream is about."""

    TRADE = "trade"
    AGGREGATE = "aggregate"
    BLOCK_TRADE = "block_trade"
    KLINE = "kline"
    MINI_TICKER = "mini_ticker"
    TICKER = "ticker"
    WINDOW_TICKER = "window_ticker"
    BEST = "best"
    AVERAGE_PRICE = "average_price"
    REFERENCE_PRICE = "reference_price"
    PARTIAL_DEPTH = "partial_depth"
    DEPTH = "depth"


@dataclass(frozen=True, slots=True)
class Channel:
    """One form of stream name.

    Attributes
    ----------
    feed
        What it is about.
    suffix
        What follows ``<symbol>@``; the whole name where the stream is of all symbols.
    event
        The word under ``e`` of its events; None where they have none.
    every_ms
        Milliseconds of exchange time between events; None for real time.
    interval, shift_ms
        Of klines: the interval's name, and by how much its grid is moved against UTC.
    levels
        Of partial books: how many a side.
    window_ms
        Of window tickers: length of the window.
    is_array
        Its events are lists of all symbols that changed.
    """

    feed: Feed
    suffix: str
    event: str | None
    every_ms: int | None = None
    interval: str | None = None
    shift_ms: int = 0
    levels: int | None = None
    window_ms: int | None = None
    is_array: bool = False

    def name(self, symbol: str = "") -> str:
        """The stream's name for a symbol (none for a stream of all)."""
        return self.suffix if self.is_array else f"{symbol.lower()}@{self.suffix}"


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream name that has been read; ``symbol`` is in upper case, and empty for a stream of all symbols."""

    name: str
    channel: Channel
    symbol: str


_WINDOWS = {"1h": HOUR_MS, "4h": 4 * HOUR_MS, "1d": DAY_MS}
_EASTERN_MS = 8 * HOUR_MS
_PARTIAL = (5, 10, 20)


def _all() -> Iterator[Channel]:
    yield Channel(Feed.AGGREGATE, "aggTrade", "aggTrade")
    yield Channel(Feed.TRADE, "trade", "trade")
    yield Channel(Feed.BLOCK_TRADE, "blockTrade", "blockTrade")
    for interval in INTERVALS:
        every_ms = SECOND_MS if interval == "1s" else 2 * SECOND_MS
        yield Channel(Feed.KLINE, f"kline_{interval}", "kline", every_ms, interval)
        yield Channel(Feed.KLINE, f"kline_{interval}@+08:00", "kline", every_ms, interval, _EASTERN_MS)
    yield Channel(Feed.MINI_TICKER, "miniTicker", "24hrMiniTicker", SECOND_MS, window_ms=DAY_MS)
    yield Channel(Feed.MINI_TICKER, "!miniTicker@arr", "24hrMiniTicker", SECOND_MS, window_ms=DAY_MS, is_array=True)
    yield Channel(Feed.TICKER, "ticker", "24hrTicker", SECOND_MS, window_ms=DAY_MS)
    for window, window_ms in _WINDOWS.items():
        word, feed = f"{window}Ticker", Feed.WINDOW_TICKER
        yield Channel(feed, f"ticker_{window}", word, SECOND_MS, window_ms=window_ms)
        yield Channel(feed, f"!ticker_{window}@arr", word, SECOND_MS, window_ms=window_ms, is_array=True)
    yield Channel(Feed.BEST, "bookTicker", None)
    yield Channel(Feed.AVERAGE_PRICE, "avgPrice", "avgPrice", SECOND_MS)
    yield Channel(Feed.REFERENCE_PRICE, "referencePrice", "referencePrice", SECOND_MS)
    for levels in _PARTIAL:
        yield Channel(Feed.PARTIAL_DEPTH, f"depth{levels}", None, SECOND_MS, levels=levels)
        yield Channel(Feed.PARTIAL_DEPTH, f"depth{levels}@100ms", None, FAST_MS, levels=levels)
    yield Channel(Feed.DEPTH, "depth", "depthUpdate", SECOND_MS)
    yield Channel(Feed.DEPTH, "depth@100ms", "depthUpdate", FAST_MS)


CHANNELS: dict[str, Channel] = {channel.suffix: channel for channel in _all() if not channel.is_array}
ARRAYS: dict[str, Channel] = {channel.suffix: channel for channel in _all() if channel.is_array}
SBE_CHANNELS: dict[str, Channel] = {
    "trade": Channel(Feed.TRADE, "trade", "trade"),
    "bestBidAsk": Channel(Feed.BEST, "bestBidAsk", None),
    "depth20": Channel(Feed.PARTIAL_DEPTH, "depth20", None, 50, levels=20),
    "depth": Channel(Feed.DEPTH, "depth", "depthUpdate", 20),
}
"""The streams of the SBE host by their suffix; their messages are those of the stream schema."""


@lru_cache(4_096)
def read_stream(name: str) -> Stream | None:
    """The stream of that name; None where there is no such form (symbols in lower case, the rest as listed)."""
    if name in ARRAYS:
        return Stream(name, ARRAYS[name], "")
    return _of_symbol(name, CHANNELS)


def read_sbe_stream(name: str, now_ms: int = SBE_FASTER_FROM_MS) -> Stream | None:
    """The stream of that name at the SBE host; None where there is none. ``now_ms`` tells how fast it was then."""
    stream = _of_symbol(name, SBE_CHANNELS)
    if stream is None or stream.channel.feed is not Feed.DEPTH or now_ms >= SBE_FASTER_FROM_MS:
        return stream
    return replace(stream, channel=replace(stream.channel, every_ms=25))


def _of_symbol(name: str, channels: Mapping[str, Channel]) -> Stream | None:
    symbol, _, suffix = name.partition("@")
    channel = channels.get(suffix)
    if channel is None or not symbol or symbol != symbol.lower():
        return None
    return Stream(name, channel, symbol.upper())
