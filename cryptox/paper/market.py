"""What the paper exchange asks of a market: candles, trades and a book at any moment, random-access in time.

Everything is in integers of the symbol's own grid: prices in ticks, quantities in steps, volumes in steps, quote
volumes in ticks times steps. ``Listing.price_exponent`` and ``quantity_exponent`` give the decimal places
(tick 0.01 is exponent -2 with ``tick`` 1; tick 0.05 would be exponent -2 with ``tick`` 5), so a price in decimal is
``ticks * 10**price_exponent``. All times are UTC milliseconds of market time; nothing here reads a clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from cryptox.model.interval import Interval

__all__ = ["Aggregates", "Candles", "Levels", "Listing", "Market", "Statistics", "Tape"]

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Listing:
    """One symbol of the market."""

    symbol: str
    base: str
    quote: str
    listed_ms: int
    ended_ms: int | None = None  # trading stopped for good; then ``status`` is BREAK
    status: str = "TRADING"
    price_exponent: int = -2  # one tick is 10**price_exponent
    quantity_exponent: int = -5  # one step is 10**quantity_exponent
    usual_ticks: int = 0  # a price by which to judge quantities, always the same; 0 for none
    outages: tuple[tuple[int, int], ...] = ()  # [start_ms, end_ms) without any candle or trade


@dataclass(frozen=True, slots=True)
class Candles:
    """Candles of one interval, oldest first. The last one may still be forming."""

    open_time: Ints
    open: Ints  # prices in ticks
    high: Ints
    low: Ints
    close: Ints
    volume: Ints  # steps
    close_time: Ints
    quote_volume: Ints  # ticks * steps
    trades: Ints
    taker_buy_volume: Ints  # steps
    taker_buy_quote_volume: Ints  # ticks * steps


@dataclass(frozen=True, slots=True)
class Tape:
    """Single trades, oldest first."""

    id: Ints
    price: Ints  # ticks
    quantity: Ints  # steps
    time_us: Ints  # microseconds, so that both time units can be served
    buyer_is_maker: Flags


@dataclass(frozen=True, slots=True)
class Aggregates:
    """Aggregate trades, oldest first: trades of one taker order at one price and moment."""

    id: Ints
    price: Ints  # ticks
    quantity: Ints  # steps
    first_id: Ints
    last_id: Ints
    time_us: Ints
    buyer_is_maker: Flags


@dataclass(frozen=True, slots=True)
class Levels:
    """An order book, best prices first."""

    last_update_id: int
    bid_price: Ints  # ticks
    bid_quantity: Ints  # steps
    ask_price: Ints
    ask_quantity: Ints


@dataclass(frozen=True, slots=True)
class Statistics:
    """What traded in a window; prices are 0 and ids -1 where nothing did."""

    open: int  # ticks
    high: int
    low: int
    last: int
    last_quantity: int  # steps
    prev_close: int  # last price before the window
    volume: int  # steps
    quote_volume: int  # ticks * steps
    first_id: int
    last_id: int
    trades: int
    last_time_us: int  # time of the last trade of the window, -1 for none


class Market(Protocol):
    """A market: seeded, or replayed from a file of real history."""

    listings: Mapping[str, Listing]
    end_ms: int | None  # last known moment of a replayed market; None for one that never ends

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

        The candle that holds ``now_ms`` is made of the trades up to ``now_ms``. No candle exists before the listing,
        after the end, or where an outage covers it wholly. ``shift_ms`` moves the grid (``timeZone``): bars begin
        where ``interval`` begins in local time = UTC + shift_ms.
        """

    def last_trade_id(self, symbol: str, now_ms: int) -> int:
        """Id of the newest trade at ``now_ms``; -1 when there was none yet. Ids begin at 0 and have no hole."""

    def tape(self, symbol: str, first_id: int, last_id: int, now_ms: int) -> Tape:
        """Trades first_id to last_id, both included, as far as they exist at ``now_ms``."""

    def last_aggregate_id(self, symbol: str, now_ms: int) -> int:
        """Id of the newest aggregate trade; -1 for none."""

    def aggregate_at(self, symbol: str, time_ms: int, now_ms: int) -> int:
        """Id of the first aggregate trade at or after ``time_ms`` (one past the newest where there is none)."""

    def aggregates(self, symbol: str, first_id: int, last_id: int, now_ms: int) -> Aggregates:
        """Aggregate trades first_id to last_id, both included, as far as they exist at ``now_ms``."""

    def levels(self, symbol: str, now_ms: int, limit: int) -> Levels:
        """The order book at ``now_ms``, up to ``limit`` levels a side."""

    def statistics(self, symbol: str, start_ms: int, now_ms: int) -> Statistics:
        """What traded in [start_ms, now_ms]."""
