"""Events of the market streams. ``Number`` is ``float`` for frames, ``Decimal`` for exact ones, ``str`` for writing.

Times are in the unit of the connection (``timeUnit``). The fields stand in the order in which Binance prints them.
Source: https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams (July 2026).
"""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from msgspec import Meta, Struct

__all__ = [
    "AggTradeEvent",
    "AveragePriceEvent",
    "BookTickerEvent",
    "DepthEvent",
    "KlineBar",
    "KlineEvent",
    "MiniTickerEvent",
    "PartialDepth",
    "ReferencePriceEvent",
    "ServerShutdown",
    "TickerEvent",
    "TradeEvent",
    "WindowTickerEvent",
]

Number = TypeVar("Number")
Time = Annotated[int, Meta(ge=0, le=250_000_000_000_000_000)]  # to the year 9892, in microseconds
Id = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]  # what columns hold


class AggTradeEvent(
    Struct,
    Generic[Number],
    frozen=True,
    rename={
        "event": "e",
        "event_time": "E",
        "symbol": "s",
        "id": "a",
        "price": "p",
        "quantity": "q",
        "first_id": "f",
        "last_id": "l",
        "time": "T",
        "buyer_is_maker": "m",
        "ignore": "M",
    },
):
    """Trades of one taker order at one price and moment."""

    event: str
    event_time: Time
    symbol: str
    id: Id
    price: Number
    quantity: Number
    first_id: Id
    last_id: Id
    time: Time
    buyer_is_maker: bool
    ignore: bool = True


class TradeEvent(
    Struct,
    Generic[Number],
    frozen=True,
    rename={
        "event": "e",
        "event_time": "E",
        "symbol": "s",
        "id": "t",
        "price": "p",
        "quantity": "q",
        "time": "T",
        "buyer_is_maker": "m",
        "ignore": "M",
    },
):
    """One trade, or one block trade (whose ids are their own, and which has no ``M``)."""

    event: str
    event_time: Time
    symbol: str
    id: Id
    price: Number
    quantity: Number
    time: Time
    buyer_is_maker: bool
    ignore: bool = True


class KlineBar(
    Struct,
    Generic[Number],
    frozen=True,
    rename={
        "open_time": "t",
        "close_time": "T",
        "symbol": "s",
        "interval": "i",
        "first_id": "f",
        "last_id": "L",
        "open": "o",
        "close": "c",
        "high": "h",
        "low": "l",
        "volume": "v",
        "trades": "n",
        "is_closed": "x",
        "quote_volume": "q",
        "taker_buy_volume": "V",
        "taker_buy_quote_volume": "Q",
        "ignore": "B",
    },
):
    """One bar as it stands; trade ids are -1 where nothing traded."""

    open_time: Time
    close_time: Time
    symbol: str
    interval: str
    first_id: Id
    last_id: Id
    open: Number
    close: Number
    high: Number
    low: Number
    volume: Number
    trades: Id
    is_closed: bool
    quote_volume: Number
    taker_buy_volume: Number
    taker_buy_quote_volume: Number
    ignore: str = "0"


class KlineEvent(
    Struct,
    Generic[Number],
    frozen=True,
    rename={"event": "e", "event_time": "E", "symbol": "s", "bar": "k"},
):
    """A bar and when it was told."""

    event: str
    event_time: Time
    symbol: str
    bar: KlineBar[Number]


class MiniTickerEvent(
    Struct,
    Generic[Number],
    frozen=True,
    rename={
        "event": "e",
        "event_time": "E",
        "symbol": "s",
        "last": "c",
        "open": "o",
        "high": "h",
        "low": "l",
        "volume": "v",
        "quote_volume": "q",
    },
):
    """The last 24 hours in short."""

    event: str
    event_time: Time
    symbol: str
    last: Number
    open: Number
    high: Number
    low: Number
    volume: Number
    quote_volume: Number


class TickerEvent(
    Struct,
    Generic[Number],
    frozen=True,
    rename={
        "event": "e",
        "event_time": "E",
        "symbol": "s",
        "price_change": "p",
        "price_change_percent": "P",
        "weighted_avg_price": "w",
        "prev_close": "x",
        "last": "c",
        "last_quantity": "Q",
        "bid": "b",
        "bid_quantity": "B",
        "ask": "a",
        "ask_quantity": "A",
        "open": "o",
        "high": "h",
        "low": "l",
        "volume": "v",
        "quote_volume": "q",
        "open_time": "O",
        "close_time": "C",
        "first_id": "F",
        "last_id": "L",
        "trades": "n",
    },
):
    """The last 24 hours."""

    event: str
    event_time: Time
    symbol: str
    price_change: Number
    price_change_percent: Number
    weighted_avg_price: Number
    prev_close: Number
    last: Number
    last_quantity: Number
    bid: Number
    bid_quantity: Number
    ask: Number
    ask_quantity: Number
    open: Number
    high: Number
    low: Number
    volume: Number
    quote_volume: Number
    open_time: Time
    close_time: Time
    first_id: Id
    last_id: Id
    trades: Id


class WindowTickerEvent(
    Struct,
    Generic[Number],
    frozen=True,
    rename={
        "event": "e",
        "event_time": "E",
        "symbol": "s",
        "price_change": "p",
        "price_change_percent": "P",
        "open": "o",
        "high": "h",
        "low": "l",
        "last": "c",
        "weighted_avg_price": "w",
        "volume": "v",
        "quote_volume": "q",
        "open_time": "O",
        "close_time": "C",
        "first_id": "F",
        "last_id": "L",
        "trades": "n",
    },
):
    """A window of an hour, four hours or a day that began on a full minute."""

    event: str
    event_time: Time
    symbol: str
    price_change: Number
    price_change_percent: Number
    open: Number
    high: Number
    low: Number
    last: Number
    weighted_avg_price: Number
    volume: Number
    quote_volume: Number
    open_time: Time
    close_time: Time
    first_id: Id
    last_id: Id
    trades: Id


class BookTickerEvent(
    Struct,
    Generic[Number],
    frozen=True,
    rename={
        "update_id": "u",
        "symbol": "s",
        "bid": "b",
        "bid_quantity": "B",
        "ask": "a",
        "ask_quantity": "A",
    },
):
    """Best bid and ask; no event type and no time."""

    update_id: Id
    symbol: str
    bid: Number
    bid_quantity: Number
    ask: Number
    ask_quantity: Number


class AveragePriceEvent(
    Struct,
    Generic[Number],
    frozen=True,
    rename={"event": "e", "event_time": "E", "symbol": "s", "window": "i", "price": "w", "last_time": "T"},
):
    """Average price of the last minutes; ``last_time`` is that of the last trade."""

    event: str
    event_time: Time
    symbol: str
    window: str
    price: Number
    last_time: Time


class ReferencePriceEvent(
    Struct, Generic[Number], frozen=True, rename={"event": "e", "symbol": "s", "price": "r", "time": "t"}
):
    """Reference price of a symbol that has one; None while there is none. It has no event time."""

    event: str
    symbol: str
    price: Number | None
    time: Time


class PartialDepth(Struct, Generic[Number], frozen=True, rename={"last_update_id": "lastUpdateId"}):
    """The best levels, (price, quantity); neither symbol nor time."""

    last_update_id: Id
    bids: list[tuple[Number, Number]]
    asks: list[tuple[Number, Number]]


class DepthEvent(
    Struct,
    Generic[Number],
    frozen=True,
    rename={
        "event": "e",
        "event_time": "E",
        "symbol": "s",
        "first_update_id": "U",
        "last_update_id": "u",
        "bids": "b",
        "asks": "a",
    },
):
    """Changes of the book: new quantities of levels, zero where a level is gone."""

    event: str
    event_time: Time
    symbol: str
    first_update_id: Id
    last_update_id: Id
    bids: list[tuple[Number, Number]]
    asks: list[tuple[Number, Number]]


class ServerShutdown(Struct, frozen=True, rename={"event": "e", "event_time": "E"}):
    """The connection is closed soon; open another."""

    event: str
    event_time: Time
