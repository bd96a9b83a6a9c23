"""What traded: the streams of single and of aggregate trades."""

from __future__ import annotations

from collections.abc import Iterator

from cryptox.paper.market import Listing
from cryptox.paper.text import decimal
from cryptox.venues.binance.channels import Stream
from cryptox.venues.binance.wire.streams import AggTradeEvent, TradeEvent

from .look import Event, Look

__all__ = ["AggregateSource", "TradeSource"]


class TradeSource:
    """Every trade, in the order of ids. Where market time has jumped the trades of the span are left out."""

    def __init__(self, stream: Stream, listing: Listing, look: Look) -> None:
        self._event, self._listing = stream.channel.event or "", listing
        self._last = look.market.last_trade_id(listing.symbol, look.now_ms)

    def collect(self, look: Look) -> list[Event]:
        """The trades since the last time."""
        return [event for first, last in self._numbers(look) for event in self._events(look, first, last)]

    def _numbers(self, look: Look) -> Iterator[tuple[int, int]]:
        symbol, last = self._listing.symbol, self._last
        self._last = max(last, look.market.last_trade_id(symbol, look.now_ms))
        return look.numbers(last, lambda time_ms: look.market.last_trade_id(symbol, time_ms))

    def _events(self, look: Look, first: int, last: int) -> list[Event]:
        listing = self._listing
        tape = look.market.tape(listing.symbol, first, last, look.now_ms)
        rows = zip(
            tape.id.tolist(),
            tape.price.tolist(),
            tape.quantity.tolist(),
            tape.time_us.tolist(),
            tape.buyer_is_maker.tolist(),
            strict=True,
        )
        return [
            TradeEvent(
                event=self._event,
                event_time=max(look.now_us, time_us),
                symbol=listing.symbol,
                id=number,
                price=decimal(price, listing.price_exponent),
                quantity=decimal(quantity, listing.quantity_exponent),
                time=time_us,
                buyer_is_maker=maker,
            )
            for number, price, quantity, time_us, maker in rows
        ]


class AggregateSource:
    """Every aggregate trade, in the order of ids; left out after a jump like single trades."""

    def __init__(self, stream: Stream, listing: Listing, look: Look) -> None:
        self._event, self._listing = stream.channel.event or "", listing
        self._last = look.market.last_aggregate_id(listing.symbol, look.now_ms)

    def collect(self, look: Look) -> list[Event]:
        """The aggregate trades since the last time."""
        return [event for first, last in self._numbers(look) for event in self._events(look, first, last)]

    def _numbers(self, look: Look) -> Iterator[tuple[int, int]]:
        symbol, last = self._listing.symbol, self._last
        self._last = max(last, look.market.last_aggregate_id(symbol, look.now_ms))
        return look.numbers(last, lambda time_ms: look.market.last_aggregate_id(symbol, time_ms))

    def _events(self, look: Look, first: int, last: int) -> list[Event]:
        listing = self._listing
        found = look.market.aggregates(listing.symbol, first, last, look.now_ms)
        return [
            AggTradeEvent(
                event=self._event,
                event_time=max(look.now_us, int(found.time_us[row])),
                symbol=listing.symbol,
                id=int(found.id[row]),
                price=decimal(int(found.price[row]), listing.price_exponent),
                quantity=decimal(int(found.quantity[row]), listing.quantity_exponent),
                first_id=int(found.first_id[row]),
                last_id=int(found.last_id[row]),
                time=int(found.time_us[row]),
                buyer_is_maker=bool(found.buyer_is_maker[row]),
            )
            for row in range(len(found.id))
        ]
