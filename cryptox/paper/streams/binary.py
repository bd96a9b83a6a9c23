"""Events as SBE: the messages of the stream schema, made of the same events that are written as JSON.

Source: https://developers.binance.com/docs/binance-spot-api-docs/sbe-market-data-streams (July 2026).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from cryptox.paper.sockets import BINARY, frame
from cryptox.paper.text import PLACES
from cryptox.venues.binance.sbe.schema import HEADER, STREAMS, load
from cryptox.venues.binance.wire.streams import BookTickerEvent, DepthEvent, PartialDepth, TradeEvent

from .look import Event
from .messages import Form, Message, Name, SbeName, Told

__all__ = ["Coded", "bodies", "messages"]

EXPONENTS = (-PLACES, -PLACES)  # of prices and of quantities

Rows = Sequence[tuple[int, ...]]


class Coded:
    """A binary message: the same on every connection, in no envelope."""

    __slots__ = ("_body", "_frame", "stream")

    def __init__(self, stream: SbeName, body: bytes) -> None:
        self.stream, self._body = stream, body
        self._frame = frame(body, BINARY)

    def payload(self, form: Form) -> bytes:  # noqa: ARG002 - the form of all messages
        """The message with its header."""
        return self._body

    def frame(self, form: Form) -> bytes:  # noqa: ARG002 - the same
        """The whole frame."""
        return self._frame


def messages(told: Iterable[tuple[Name, Event]], now_us: int) -> Iterator[Message]:
    """What the sources told at a moment, each in the encoding of its stream."""
    for name, events in groupby(told, itemgetter(0)):
        if isinstance(name, SbeName):
            symbol = name.text.partition("@")[0].upper()
            yield from (Coded(name, body) for body in bodies((event for _, event in events), symbol, now_us))
        else:
            yield from (Told(name, event) for _, event in events)


def bodies(events: Iterable[Event], symbol: str, now_us: int) -> list[bytes]:
    """Events of one stream as messages; trades of the same moment share one.

    Parameters
    ----------
    events
        Of single trades, best prices, the best levels or changes of the book, as the sources make them: times in
        microseconds, prices and quantities with eight decimals.
    symbol, now_us
        What events do not say themselves: JSON has no symbol in partial books, and no event time with best prices.
    """
    ending = symbol.encode()
    found: list[bytes] = []
    for moment, group in groupby(events, _moment):
        if moment is not None:
            found.append(_message("TradesStreamEvent", (*moment, *EXPONENTS), (_trades(group),), ending))
        else:
            found += [_fitting(event, now_us, ending) for event in group]
    return found


def _moment(event: Event) -> tuple[int, int] | None:
    return (event.event_time, event.time) if isinstance(event, TradeEvent) else None


def _fitting(event: Event, now_us: int, symbol: bytes) -> bytes:
    try:
        return _other(event, now_us, symbol, PLACES)
    except struct.error:  # several orders of a cheap coin at one price: eight decimals of that are beyond 64 bits
        return _other(event, now_us, symbol, _decimals(event))


def _other(event: Event, now_us: int, symbol: bytes, places: int) -> bytes:
    """``places``: decimals of quantities."""
    exponents = EXPONENTS[0], -places
    match event:
        case BookTickerEvent():
            bid, ask = _level((event.bid, event.bid_quantity), places), _level((event.ask, event.ask_quantity), places)
            return _message("BestBidAskStreamEvent", (now_us, event.update_id, *exponents, *bid, *ask), (), symbol)
        case PartialDepth():
            root = now_us, event.last_update_id
            return _message("DepthSnapshotStreamEvent", (*root, *exponents), _sides(event, places), symbol)
        case DepthEvent():
            span = event.event_time, event.first_update_id, event.last_update_id
            return _message("DepthDiffStreamEvent", (*span, *exponents), _sides(event, places), symbol)
    raise TypeError(f"{type(event).__name__} has no message in the stream schema")


def _message(name: str, root: tuple[int, ...], groups: Iterable[Rows], symbol: bytes) -> bytes:
    """A message by the schema's layouts. ``encode`` does the same of any object, at a tenth of the speed."""
    schema = load(STREAMS)
    message = schema[name]
    block = message.block
    parts = [HEADER.pack(block.size, message.id, schema.id, schema.version), block.full.pack(*root)]
    for group, rows in zip(block.groups, groups, strict=True):
        parts.append(group.header.pack(group.block.size, len(rows)))
        parts += [group.block.full.pack(*row) for row in rows]
    (ending,) = block.data
    return b"".join((*parts, ending.length.pack(len(symbol)), symbol))


def _trades(trades: Iterable[Any]) -> Rows:
    return [(one.id, _mantissa(one.price), _mantissa(one.quantity), one.buyer_is_maker) for one in trades]


def _sides(book: Any, places: int) -> tuple[Rows, Rows]:
    bids, asks = ([_level(level, places) for level in side] for side in (book.bids, book.asks))
    return bids, asks


def _level(level: tuple[str, str], places: int) -> tuple[int, int]:
    price, quantity = level
    return _mantissa(price), _mantissa(quantity if places == PLACES else quantity[: places - PLACES])


def _decimals(event: Any) -> int:
    """How many decimals its quantities have without the zeros at their end."""
    if isinstance(event, BookTickerEvent):
        quantities = [event.bid_quantity, event.ask_quantity]
    else:
        quantities = [quantity for side in (event.bids, event.asks) for _, quantity in side]
    return max(len(one.rstrip("0").partition(".")[2]) for one in quantities)


def _mantissa(text: str) -> int:
    return int(text.replace(".", ""))
