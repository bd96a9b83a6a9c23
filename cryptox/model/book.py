"""Order books as records: the best levels of both sides at a moment.

Levels are kept in the exchange's own decimals; floats and ``Decimal``s are made when they are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate
from typing import ClassVar, Generic, NamedTuple, TypeVar

from .columns import CATEGORIES, Kind
from .events import Event
from .lines import shortened

__all__ = ["Book", "BookUpdate", "Depth", "Level"]

Number = TypeVar("Number", float, Decimal)
_BID, _ASK = CATEGORIES[Kind.BOOK_SIDE]


class Level(NamedTuple, Generic[Number]):
    """One level of a book."""

    price: Number
    quantity: Number


class Book(Event, frozen=True, gc=False):
    """The best levels of a book, best first.

    The columns of the depth table (``side``, ``level``, ``price``, ``quantity``, ``total``) are tuples with one item a
    level: bids, then asks.

    Attributes
    ----------
    last_update_id
        Id of the newest change inside; None for no book.
    bid_texts, ask_texts
        (price, quantity) as the exchange writes them.
    """

    kind: ClassVar[str] = "depth"

    last_update_id: int | None
    bid_texts: Sequence[tuple[str, str]]
    ask_texts: Sequence[tuple[str, str]]

    @property
    def bids(self) -> tuple[Level[float], ...]:
        """(price, quantity) of the bids as floats, highest first."""
        return tuple([Level(float(price), float(quantity)) for price, quantity in self.bid_texts])

    @property
    def asks(self) -> tuple[Level[float], ...]:
        """(price, quantity) of the asks as floats, lowest first."""
        return tuple([Level(float(price), float(quantity)) for price, quantity in self.ask_texts])

    @property
    def exact_bids(self) -> tuple[Level[Decimal], ...]:
        """(price, quantity) of the bids as decimals."""
        return tuple([Level(Decimal(price), Decimal(quantity)) for price, quantity in self.bid_texts])

    @property
    def exact_asks(self) -> tuple[Level[Decimal], ...]:
        """(price, quantity) of the asks as decimals."""
        return tuple([Level(Decimal(price), Decimal(quantity)) for price, quantity in self.ask_texts])

    @property
    def best_bid(self) -> float:
        """Highest bid; NaN without bids."""
        return float(self.bid_texts[0][0]) if self.bid_texts else float("nan")

    @property
    def best_ask(self) -> float:
        """Lowest ask; NaN without asks."""
        return float(self.ask_texts[0][0]) if self.ask_texts else float("nan")

    @property
    def spread(self) -> float:
        """Best ask minus best bid, exact before it becomes a float; NaN where a side is empty."""
        if not (self.bid_texts and self.ask_texts):
            return float("nan")
        return float(Decimal(self.ask_texts[0][0]) - Decimal(self.bid_texts[0][0]))

    @property
    def mid(self) -> float:
        """Half-way between best bid and best ask; NaN where a side is empty."""
        return (self.best_bid + self.best_ask) / 2

    @property
    def imbalance(self) -> float:
        """(bids - asks) / (bids + asks) by the quantities of all levels here; 1 only bids, -1 only asks, NaN empty."""
        bids, asks = (sum(float(quantity) for _, quantity in levels) for levels in (self.bid_texts, self.ask_texts))
        return (bids - asks) / (bids + asks) if bids + asks else float("nan")

    @property
    def side(self) -> tuple[str, ...]:
        """Bid or ask, one a level."""
        return (_BID,) * len(self.bid_texts) + (_ASK,) * len(self.ask_texts)

    @property
    def level(self) -> tuple[int, ...]:
        """Place of each level on its side, 0 the best."""
        return (*range(len(self.bid_texts)), *range(len(self.ask_texts)))

    @property
    def price(self) -> tuple[float, ...]:
        """Price of each level."""
        return tuple([float(price) for price, _ in (*self.bid_texts, *self.ask_texts)])

    @property
    def quantity(self) -> tuple[float, ...]:
        """Quantity of each level."""
        return tuple([float(quantity) for _, quantity in (*self.bid_texts, *self.ask_texts)])

    @property
    def total(self) -> tuple[float, ...]:
        """Running quantity of each side, summed exactly."""
        sides = [accumulate(Decimal(text) for _, text in levels) for levels in (self.bid_texts, self.ask_texts)]
        return tuple([float(total) for side in sides for total in side])

    def _shown(self) -> str:
        best = [shortened(levels[0][0]) if levels else "-" for levels in (self.bid_texts, self.ask_texts)]
        return f"{best[0]} / {best[1]}, {len(self.bid_texts)} + {len(self.ask_texts)} levels"


class Depth(Book, frozen=True, gc=False):
    """The best levels as the exchange sends them."""


class BookUpdate(Book, frozen=True, gc=False):
    """The best levels of the local book.

    Attributes
    ----------
    synced
        Whether the book is the exchange's as of ``last_update_id``; while it is False the levels may be old.
    """

    kind: ClassVar[str] = "book"

    synced: bool

    def _shown(self) -> str:
        return f"{Book._shown(self)}{'' if self.synced else ', not synced'}"
