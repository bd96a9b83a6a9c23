"""Streams of the order book: best prices, the top levels, and the changes of the whole window."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cryptox.paper.market import Levels, Listing
from cryptox.paper.text import decimal
from cryptox.venues.binance.channels import Stream
from cryptox.venues.binance.wire.streams import BookTickerEvent, DepthEvent, PartialDepth

from .look import Beat, Event, Look

__all__ = ["WINDOW", "BestSource", "DepthSource", "PartialSource", "changes"]

WINDOW = 5_000  # levels a side, as many as REST tells at most

Ints = npt.NDArray[np.int64]
Row = tuple[str, str]


class BestSource:
    """Best bid and ask, whenever a price or quantity has changed."""

    def __init__(self, stream: Stream, listing: Listing, look: Look) -> None:  # noqa: ARG002 - the form of all sources
        self._listing = listing
        self._told = look.best(listing)

    def collect(self, look: Look) -> list[Event]:
        """The best prices, where they have changed."""
        listing = self._listing
        best = look.best(listing)
        if best == self._told:
            return []
        self._told = best
        price, quantity = listing.price_exponent, listing.quantity_exponent
        return [
            BookTickerEvent(
                update_id=look.levels(listing, 1).last_update_id,
                symbol=listing.symbol,
                bid=decimal(best[0], price),
                bid_quantity=decimal(best[1], quantity),
                ask=decimal(best[2], price),
                ask_quantity=decimal(best[3], quantity),
            )
        ]


class PartialSource:
    """The best levels as a whole, at each beat at which the book has moved on."""

    def __init__(self, stream: Stream, listing: Listing, look: Look) -> None:
        assert stream.channel.levels is not None
        self._listing, self._count = listing, stream.channel.levels
        self._beat = Beat(stream.channel.every_ms or 0, look)
        self._told = look.levels(listing, self._count).last_update_id

    def collect(self, look: Look) -> list[Event]:
        """The levels, when they are due."""
        if not self._beat.is_due(look) or not look.trades(self._listing):
            return []
        book = look.levels(self._listing, self._count)
        if book.last_update_id == self._told:
            return []
        self._told = book.last_update_id
        part = slice(self._count)
        bids = _rows(self._listing, book.bid_price[part], book.bid_quantity[part])
        asks = _rows(self._listing, book.ask_price[part], book.ask_quantity[part])
        return [PartialDepth(book.last_update_id, bids, asks)]


class DepthSource:
    """Changes between two looks at the window of 5,000 levels a side.

    A level that falls out of the window is told as gone, one that comes into it with its quantity; so a snapshot of
    5,000 levels and the events after it make the window of any later moment. ``U`` follows the ``u`` of the event
    before (of the first: the id at the first subscription), also where ids have passed without a change.

    Whoever was shown a book between two looks must be able to go on from it. So an event also has the levels that
    differ from such a book only: those that have changed and changed back.
    """

    def __init__(self, stream: Stream, listing: Listing, look: Look) -> None:
        self._event, self._listing = stream.channel.event or "", listing
        self._beat = Beat(stream.channel.every_ms or 0, look)
        self._book = look.levels(listing, WINDOW)
        self._last = self._book.last_update_id
        self._shown: dict[int, tuple[int, Levels]] = {}

    def note(self, limit: int, book: Levels) -> None:
        """Remember a book of so many levels that somebody was shown."""
        number = book.last_update_id
        if number > self._last and (number not in self._shown or self._shown[number][0] < limit):
            self._shown[number] = limit, book

    def collect(self, look: Look) -> list[Event]:
        """The changes, when they are due and there are any."""
        if not self._beat.is_due(look):
            return []
        book = look.levels(self._listing, WINDOW)
        if book.last_update_id <= self._last:
            return []
        seen = [(WINDOW, self._book), *self._shown.values()]
        self._book = book
        self._shown.clear()
        bids = _differing(
            [(n, one.bid_price, one.bid_quantity) for n, one in seen], book.bid_price, book.bid_quantity, 1
        )
        asks = _differing(
            [(n, one.ask_price, one.ask_quantity) for n, one in seen], book.ask_price, book.ask_quantity, -1
        )
        if not len(bids[0]) and not len(asks[0]):
            return []
        first, self._last = self._last + 1, book.last_update_id
        listing = self._listing
        return [
            DepthEvent(
                event=self._event,
                event_time=look.now_us,
                symbol=listing.symbol,
                first_update_id=first,
                last_update_id=book.last_update_id,
                bids=_rows(listing, bids[0][::-1], bids[1][::-1]),
                asks=_rows(listing, *asks),
            )
        ]


def changes(old_price: Ints, old_quantity: Ints, price: Ints, quantity: Ints) -> tuple[Ints, Ints]:
    """Prices whose quantity differs, rising, and their new quantities: zero for those that are gone."""
    prices = np.concatenate((old_price, price))
    signed = np.concatenate((-old_quantity, quantity))
    order = np.argsort(prices, kind="stable")  # the new one of a pair comes second
    prices, signed = prices[order], signed[order]
    ends = np.ones(len(prices), np.bool_)
    ends[:-1] = prices[1:] != prices[:-1]
    same = np.zeros(len(prices), np.bool_)
    same[1:] = ~ends[:-1] & (signed[1:] == -signed[:-1])
    kept = ends & ~same
    return prices[kept], np.maximum(signed[kept], 0)


def _differing(seen: list[tuple[int, Ints, Ints]], price: Ints, quantity: Ints, better: int) -> tuple[Ints, Ints]:
    """Levels of one side that differ from any of the books seen (how many levels, prices, quantities), rising.

    Of a book cut to fewer levels than the window nothing counts beyond its last level: that was not shown. Prices are
    better upwards (1) or downwards (-1).
    """
    found = []
    for limit, old_price, old_quantity in seen:
        prices, quantities = changes(old_price, old_quantity, price, quantity)
        if limit < WINDOW and len(old_price) == limit > 0:
            inside = (prices - old_price[-1]) * better >= 0
            prices, quantities = prices[inside], quantities[inside]
        found.append((prices, quantities))
    if len(found) == 1:
        return found[0]
    prices, first = np.unique(np.concatenate([one[0] for one in found]), return_index=True)
    return prices, np.concatenate([one[1] for one in found])[first]


def _rows(listing: Listing, prices: Ints, quantities: Ints) -> list[Row]:
    price, quantity = listing.price_exponent, listing.quantity_exponent
    return [
        (decimal(one, price), decimal(size, quantity))
        for one, size in zip(prices.tolist(), quantities.tolist(), strict=True)
    ]
