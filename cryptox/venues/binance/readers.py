"""How the messages of each feed are read: bytes to wire structs, these to columns in bulk, or to one event each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
from typing import Annotated, Any, Generic, TypeVar

import msgspec
import numpy as np
from msgspec import Meta, Struct

from cryptox.errors import ExchangeError
from cryptox.model import columns, events
from cryptox.model.book import Depth
from cryptox.model.columns import CATEGORIES, DECIMAL_SCALE, Kind, Table
from cryptox.table.batch import Array, dtype_of

from .channels import Feed
from .columns import excerpt
from .levels import check_plain
from .wire.streams import (
    AggTradeEvent,
    BookTickerEvent,
    DepthEvent,
    KlineEvent,
    PartialDepth,
    TickerEvent,
    TradeEvent,
)

__all__ = ["READERS", "Reader"]

Row = TypeVar("Row")
Finite = Annotated[float, Meta(ge=-1e300, le=1e300)]  # refuses NaN and infinities
Text = Annotated[str, Meta(min_length=1)]
_MICROSECONDS = 10**14  # times from here on are microseconds
_DIGITS = b"0123456789"
_PLAIN_LEVEL = b'[".","."]'  # what is left of a level without its digits
_BUY, _SELL = CATEGORIES[Kind.SIDE]
_SIDES = np.array([0, 1], np.int8)  # codes by "the buyer was the maker": then the taker sold
_WHOLE_FROM = 1e16  # from here on a float has no decimals
_EXACT_BELOW = 1e7  # up to here a rounded product of floats is the exact product


class _Combined(Struct, Generic[Row]):
    """The combined form; the stream's name has been read before."""

    data: Row


@dataclass(frozen=True, slots=True)
class Reader(Generic[Row]):
    """How one feed is read.

    Attributes
    ----------
    table
        The table whose rows its messages are; None for order books, which are no rows.
    event
        ``event(row, symbol, received_ns)``: one row as a record of ours; None for diffs, which a book turns into one.
    key
        ``key(row)``: trade id or start of the candle; None for feeds without an order of rows.
    """

    table: Table | None
    combined: msgspec.json.Decoder[_Combined[Row]]
    raw: msgspec.json.Decoder[Row]
    check: Callable[[bytes, Row], None] | None
    pack_rows: Callable[[Sequence[Row]], dict[str, Array]] | None
    event: Callable[[Row, str, int], events.Event] | None
    key: Callable[[Row], int] | None

    def rows(self, frames: Sequence[bytes]) -> tuple[list[Row], list[ExchangeError]]:
        """The messages of frames in combined or raw form, and an error for each that is not what it should be."""
        if self.check is None:
            decode = self.combined.decode
            try:
                return [decode(frame).data for frame in frames], []
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                pass  # once more, one by one
        rows: list[Row] = []
        errors: list[ExchangeError] = []
        for frame in frames:
            try:
                rows.append(self.row(frame))
            except ExchangeError as error:
                errors.append(error)
        return rows, errors

    def row(self, frame: bytes) -> Row:
        """The message of one frame.

        Raises
        ------
        ExchangeError
            It is not what it should be.
        """
        try:
            row = self.combined.decode(frame).data
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            row = self._raw_row(frame)
        if self.check is not None:
            self.check(frame, row)
        return row

    def _raw_row(self, frame: bytes) -> Row:
        try:
            return self.raw.decode(frame) if b'"data"' not in frame[:256] else self.combined.decode(frame).data
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            message = f"A message of a stream cannot be read: {error}"
            raise ExchangeError(message, technical_details=excerpt(frame)) from error

    def pack(self, rows: Sequence[Row]) -> Mapping[str, Array]:
        """The rows as columns of the table."""
        assert self.pack_rows is not None
        return self.pack_rows(rows)


def _check_levels(frame: bytes, row: Any) -> None:
    """Refuse levels that are not plain decimals. One pass over the bytes where they are written as usual."""
    count = len(row.bids) + len(row.asks)
    if frame.translate(None, _DIGITS).count(_PLAIN_LEVEL) != count:
        for levels in (row.bids, row.asks):
            check_plain([price for price, _ in levels])
            check_plain([quantity for _, quantity in levels])


def _ms(time: int) -> int:
    return time if time < _MICROSECONDS else time // 1000


def _product(price: float, quantity: float) -> float:
    """Price times quantity to eight decimals, as the exchange gives it over REST."""
    value = price * quantity
    if not _EXACT_BELOW <= abs(value) < _WHOLE_FROM:
        return round(value, DECIMAL_SCALE)
    return float(round(Decimal(repr(price)) * Decimal(repr(quantity)), DECIMAL_SCALE))


def _packer(table: Table, names: Mapping[str, str]) -> Callable[[Sequence[Any]], dict[str, Array]]:
    """A function from wire structs to columns; ``names`` where a column's field is not of its name."""
    plan = [
        (column.name, attrgetter(names.get(column.name, column.name)), dtype_of(column.kind, exact=False), column.kind)
        for column in table.columns
        if column.name != "quote_quantity"
    ]

    def pack(rows: Sequence[Any]) -> dict[str, Array]:
        found: dict[str, Array] = {}
        for name, field, dtype, kind in plan:
            values = np.fromiter(map(field, rows), dtype, len(rows))
            if kind is Kind.TIME and values.size and values[-1] >= _MICROSECONDS:
                values //= 1000
            found[name] = _SIDES[values] if kind is Kind.SIDE else values
        return found

    return pack


_pack_trade = _packer(columns.TRADES, {"side": "buyer_is_maker", "is_best_match": "ignore"})


def _pack_trades(rows: Sequence[TradeEvent[float]]) -> dict[str, Array]:
    found = _pack_trade(rows)
    price, quantity = found["price"], found["quantity"]
    values = price * quantity
    # Exact below _EXACT_BELOW: the rounded integer is right, and one division of integers is correctly rounded.
    rounded = np.rint(values * 10**DECIMAL_SCALE) / 10**DECIMAL_SCALE
    for place in np.flatnonzero(np.abs(values) >= _EXACT_BELOW).tolist():
        rounded[place] = _product(float(price[place]), float(quantity[place]))
    found["quote_quantity"] = rounded
    return found


def _trade(row: TradeEvent[float], symbol: str, received_ns: int) -> events.Trade:
    # The taker sold when the buyer was the maker.
    return events.Trade(
        symbol,
        _ms(row.event_time),
        received_ns,
        _ms(row.time),
        row.id,
        row.price,
        row.quantity,
        _product(row.price, row.quantity),
        _SELL if row.buyer_is_maker else _BUY,
        row.ignore,
    )


def _agg_trade(row: AggTradeEvent[float], symbol: str, received_ns: int) -> events.AggTrade:
    return events.AggTrade(
        symbol,
        _ms(row.event_time),
        received_ns,
        _ms(row.time),
        row.id,
        row.price,
        row.quantity,
        row.first_id,
        row.last_id,
        _SELL if row.buyer_is_maker else _BUY,
        row.ignore,
    )


def _kline(row: KlineEvent[float], symbol: str, received_ns: int) -> events.Kline:
    bar = row.bar
    return events.Kline(
        symbol,
        _ms(row.event_time),
        received_ns,
        bar.interval,
        _ms(bar.open_time),
        bar.open,
        bar.high,
        bar.low,
        bar.close,
        bar.volume,
        _ms(bar.close_time),
        bar.quote_volume,
        bar.trades,
        bar.taker_buy_volume,
        bar.taker_buy_quote_volume,
        bar.is_closed,
    )


_TICKER_FIELDS = attrgetter(*[name for name in columns.TICKER.names if name != "symbol"])
_TICKER_TIMES = [at for at, column in enumerate(columns.TICKER.columns[1:]) if column.kind is Kind.TIME]


def _ticker(row: TickerEvent[float], symbol: str, received_ns: int) -> events.Ticker:
    values = list(_TICKER_FIELDS(row))
    for place in _TICKER_TIMES:
        values[place] = _ms(values[place])
    return events.Ticker(symbol, _ms(row.event_time), received_ns, *values)


def _book_ticker(row: BookTickerEvent[float], symbol: str, received_ns: int) -> events.BookTicker:
    return events.BookTicker(
        symbol, None, received_ns, row.update_id, row.bid, row.bid_quantity, row.ask, row.ask_quantity
    )


def _depth(row: PartialDepth[str], symbol: str, received_ns: int) -> Depth:
    return Depth(symbol, None, received_ns, row.last_update_id, row.bids, row.asks)


def _open_time(row: KlineEvent[float]) -> int:
    return _ms(row.bar.open_time)


def _reader(wire: Any, **parts: Any) -> Reader[Any]:
    strict = parts.get("check") is not None
    combined = msgspec.json.Decoder(_Combined[wire], strict=strict)
    rest = {name: parts.get(name) for name in ("table", "check", "pack_rows", "event", "key")}
    return Reader(combined=combined, raw=msgspec.json.Decoder(wire, strict=strict), **rest)


_TRADES = _reader(TradeEvent[Finite], table=columns.TRADES, pack_rows=_pack_trades, event=_trade, key=attrgetter("id"))
_BARS = {name: f"bar.{name}" for name in columns.KLINES.names}

READERS: dict[Feed, Reader[Any]] = {
    Feed.TRADE: _TRADES,
    Feed.BLOCK_TRADE: _TRADES,
    Feed.AGGREGATE: _reader(
        AggTradeEvent[Finite],
        table=columns.AGG_TRADES,
        pack_rows=_packer(columns.AGG_TRADES, {"side": "buyer_is_maker", "is_best_match": "ignore"}),
        event=_agg_trade,
        key=attrgetter("id"),
    ),
    Feed.KLINE: _reader(
        KlineEvent[Finite],
        table=columns.KLINES,
        pack_rows=_packer(columns.KLINES, _BARS),
        event=_kline,
        key=_open_time,
    ),
    Feed.TICKER: _reader(
        TickerEvent[Finite], table=columns.TICKER, pack_rows=_packer(columns.TICKER, {}), event=_ticker
    ),
    Feed.BEST: _reader(
        BookTickerEvent[Finite],
        table=columns.BOOK_TICKER,
        pack_rows=_packer(columns.BOOK_TICKER, {}),
        event=_book_ticker,
    ),
    Feed.PARTIAL_DEPTH: _reader(PartialDepth[Text], check=_check_levels, event=_depth),
    Feed.DEPTH: _reader(DepthEvent[Text], check=_check_levels),
}
"""By feed, what cryptox has tables or records for."""
