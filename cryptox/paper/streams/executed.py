"""What traded: the streams of single and of aggregate trades."""

from __future__ import annotations

from cryptox.paper.market import Listing
from cryptox.paper.text import decimal
from cryptox.venues.binance.channels import Stream
from cryptox.venues.binance.wire.streams import AggTradeEvent, TradeEvent

from .look import Event, Look

__all__ = ["AggregateSource", "TradeSource"]


class TradeSource:
    """Every trade, in the order of ids. After a jump of market time the trades of the span are left out."""

    def __init__(self, stream: Stream, listing: Listing, look: Look) -> None:
        self._event, self._listing = stream.channel.event or "", listing
        self._last = look.market.last_trade_id(listing.symbol, look.now_ms)

    def collect(self, look: Look) -> list[Event]:
        """The trades since the last time."""
        listing = self._listing
        first, last = self._last + 1, look.market.last_trade_id(listing.symbol, look.now_ms)
        if last < first:
            return []
        self._last = last
        if look.has_jumped:
            return []
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
        listing = self._listing
        first, last = self._last + 1, look.market.last_aggregate_id(listing.symbol, look.now_ms)
        if last < first:
            return []
        self._last = last
        if look.has_jumped:
            return []
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
