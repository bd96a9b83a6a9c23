"""Market data answers. ``Number`` is ``float`` for frames, ``Decimal`` for exact ones, ``str`` for writing.

Klines, trades, aggregate trades and depth also have array decoders (``columns.py``, ``sbe/``); these structs are
their reference, and what the paper exchange writes.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec import UNSET, Struct, UnsetType

__all__ = ["AggTrade", "AveragePrice", "BookTicker", "Depth", "Kline", "Price", "ReferencePrice", "Ticker", "Trade"]

Number = TypeVar("Number")


class Kline(Struct, Generic[Number], frozen=True, array_like=True):
    """One candle, a row of twelve."""

    open_time: int
    open: Number
    high: Number
    low: Number
    close: Number
    volume: Number
    close_time: int
    quote_volume: Number
    trades: int
    taker_buy_volume: Number
    taker_buy_quote_volume: Number
    ignore: str = "0"


class Trade(
    Struct,
    Generic[Number],
    frozen=True,
    rename={
        "quantity": "qty",
        "quote_quantity": "quoteQty",
        "buyer_is_maker": "isBuyerMaker",
        "is_best_match": "isBestMatch",
    },
):
    """One trade. The taker sold when the buyer was the maker."""

    id: int
    price: Number
    quantity: Number
    quote_quantity: Number
    time: int
    buyer_is_maker: bool
    is_best_match: bool


class AggTrade(
    Struct,
    Generic[Number],
    frozen=True,
    rename={
        "id": "a",
        "price": "p",
        "quantity": "q",
        "first_id": "f",
        "last_id": "l",
        "time": "T",
        "buyer_is_maker": "m",
        "is_best_match": "M",
    },
):
    """Trades of one taker order at one price and moment."""

    id: int
    price: Number
    quantity: Number
    first_id: int
    last_id: int
    time: int
    buyer_is_maker: bool
    is_best_match: bool


class Depth(Struct, Generic[Number], frozen=True, rename={"last_update_id": "lastUpdateId"}):
    """Order book: levels of (price, quantity), best first."""

    last_update_id: int
    bids: list[tuple[Number, Number]]
    asks: list[tuple[Number, Number]]


class AveragePrice(Struct, Generic[Number], frozen=True, rename={"minutes": "mins", "close_time": "closeTime"}):
    """Average price of the last minutes. ``close_time`` was added in 2023."""

    minutes: int
    price: Number
    close_time: int | UnsetType = UNSET


class ReferencePrice(Struct, Generic[Number], frozen=True, rename={"price": "referencePrice", "time": "timestamp"}):
    """The price that rules compare with, of symbols that have one; None while it is not known."""

    symbol: str
    price: Number | None
    time: int


class Price(Struct, Generic[Number], frozen=True):
    """Last price of a symbol."""

    symbol: str
    price: Number


class BookTicker(
    Struct,
    Generic[Number],
    frozen=True,
    rename={"bid": "bidPrice", "bid_quantity": "bidQty", "ask": "askPrice", "ask_quantity": "askQty"},
):
    """Best bid and ask of a symbol."""

    symbol: str
    bid: Number
    bid_quantity: Number
    ask: Number
    ask_quantity: Number


class Ticker(
    Struct,
    Generic[Number],
    frozen=True,
    rename={
        "price_change": "priceChange",
        "price_change_percent": "priceChangePercent",
        "weighted_avg_price": "weightedAvgPrice",
        "prev_close": "prevClosePrice",
        "last": "lastPrice",
        "last_quantity": "lastQty",
        "bid": "bidPrice",
        "bid_quantity": "bidQty",
        "ask": "askPrice",
        "ask_quantity": "askQty",
        "open": "openPrice",
        "high": "highPrice",
        "low": "lowPrice",
        "quote_volume": "quoteVolume",
        "open_time": "openTime",
        "close_time": "closeTime",
        "first_id": "firstId",
        "last_id": "lastId",
        "trades": "count",
    },
):
    """Statistics of a window: the 24-hour form has all fields, the other windows lack six, MINI lacks nine."""

    symbol: str
    price_change: Number | UnsetType = UNSET
    price_change_percent: Number | UnsetType = UNSET
    weighted_avg_price: Number | UnsetType = UNSET
    prev_close: Number | UnsetType = UNSET
    last: Number | UnsetType = UNSET
    last_quantity: Number | UnsetType = UNSET
    bid: Number | UnsetType = UNSET
    bid_quantity: Number | UnsetType = UNSET
    ask: Number | UnsetType = UNSET
    ask_quantity: Number | UnsetType = UNSET
    open: Number | UnsetType = UNSET
    high: Number | UnsetType = UNSET
    low: Number | UnsetType = UNSET
    volume: Number | UnsetType = UNSET
    quote_volume: Number | UnsetType = UNSET
    open_time: int | UnsetType = UNSET
    close_time: int | UnsetType = UNSET
    first_id: int | UnsetType = UNSET
    last_id: int | UnsetType = UNSET
    trades: int | UnsetType = UNSET
