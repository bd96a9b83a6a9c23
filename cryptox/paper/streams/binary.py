"""Events as SBE: the messages of the stream schema, made of the same events that are written as JSON.

Source: https://developers.binance.com/docs/binance-spot-api-docs/sbe-market-data-streams (July 2026).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from cryptox.paper.sockets import BINARY, frame
from cryptox.venues.binance.sbe.encoder import encode
from cryptox.venues.binance.sbe.schema import STREAMS, load
from cryptox.venues.binance.wire.streams import BookTickerEvent, DepthEvent, PartialDepth, TradeEvent

from .look import Event
from .messages import Form, Message, Name, SbeName, Told

__all__ = ["Coded", "bodies", "messages"]


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
    """Events of one stream as messages; trades of the same moment share one. Prices have eight decimals, as in JSON.

    Parameters
    ----------
    events
        Of single trades, best prices, the best levels or changes of the book; their times are microseconds.
    symbol, now_us
        What events do not say themselves: JSON has no symbol in partial books, and no event time with best prices.
    """
    schema = load(STREAMS)
    return [encode(name, members, schema=schema) for name, members in _messages(events, symbol, now_us)]


def _messages(events: Iterable[Event], symbol: str, now_us: int) -> Iterator[tuple[str, dict[str, Any]]]:
    for moment, group in groupby(events, _moment):
        if moment is not None:
            yield "TradesStreamEvent", _trades(moment, group, symbol)
            continue
        for event in group:
            yield _other(event, {"eventTime": now_us, "symbol": symbol})


def _moment(event: Event) -> tuple[int, int] | None:
    return (event.event_time, event.time) if isinstance(event, TradeEvent) else None


def _trades(moment: tuple[int, int], trades: Iterable[Any], symbol: str) -> dict[str, Any]:
    rows = [
        {"id": one.id, "price": one.price, "qty": one.quantity, "isBuyerMaker": one.buyer_is_maker} for one in trades
    ]
    return {"eventTime": moment[0], "transactTime": moment[1], "trades": rows, "symbol": symbol}


def _other(event: Event, members: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    match event:
        case BookTickerEvent():
            best = {"bidPrice": event.bid, "bidQty": event.bid_quantity, "askPrice": event.ask}
            members |= {"bookUpdateId": event.update_id, "askQty": event.ask_quantity, **best}
            return "BestBidAskStreamEvent", members
        case PartialDepth():
            return "DepthSnapshotStreamEvent", members | {"bookUpdateId": event.last_update_id, **_sides(event)}
        case DepthEvent():
            span = {"firstBookUpdateId": event.first_update_id, "lastBookUpdateId": event.last_update_id}
            return "DepthDiffStreamEvent", members | span | _sides(event)
    raise TypeError(f"{type(event).__name__} has no message in the stream schema")


def _sides(book: Any) -> dict[str, list[dict[str, str]]]:
    return {
        side: [{"price": price, "qty": quantity} for price, quantity in getattr(book, side)]
        for side in ("bids", "asks")
    }
