"""One checked request to the paper exchange, and the two shapes of answer it can have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from cryptox.venues.binance.codes import Code
from cryptox.venues.binance.wire.general import RateLimit

from .averages import Averages
from .market import Levels, Listing, Market
from .order_counts import OrderCount
from .refusals import Refused
from .text import Piece
from .trading.accounts import Account, Key
from .trading.engine import Engine
from .trading.records import Records

__all__ = ["Book", "Question", "Rows", "Told", "Trader", "status_of"]

Ints = npt.NDArray[np.int64]

BREAK = "BREAK"


def status_of(listing: Listing, now_ms: int) -> str | None:
    """A symbol's status at that moment of market time; None before it was listed."""
    if now_ms < listing.listed_ms:
        return None
    if listing.ended_ms is not None:
        return BREAK if now_ms >= listing.ended_ms else "TRADING"
    return listing.status


@dataclass(frozen=True, slots=True)
class Trader:
    """Who asks a signed question: the account, the key it came with, and what the account may touch."""

    account: Account
    key: Key
    engine: Engine
    order_count: OrderCount
    averages: Averages


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, of which market, at which moment.

    Questions to signed endpoints have a ``trader``. The order limit is checked before the handler is called, and what
    the endpoint adds to it (``Endpoint.orders``) is counted after it has answered; only cancel-replace does both itself
    through ``order_count``.
    """

    market: Market
    params: Mapping[str, Any]  # checked values by the exchange's names
    now_us: int  # market time
    microseconds: bool  # unit of the times in the answer
    limits: tuple[RateLimit, ...] = ()
    trader: Trader | None = None

    @property
    def account(self) -> Account:
        """The account that asks."""
        return self._trader.account

    @property
    def engine(self) -> Engine:
        """The matching engine."""
        return self._trader.engine

    @property
    def records(self) -> Records:
        """The engine's memory."""
        return self._trader.engine.records

    @property
    def order_count(self) -> OrderCount:
        """The account's count of unfilled orders: ``.check(orders)`` raises the 429, ``.add(orders)`` counts."""
        return self._trader.order_count

    @property
    def averages(self) -> Averages:
        """Average prices."""
        return self._trader.averages

    @property
    def key(self) -> Key:
        """The key that the request came with."""
        return self._trader.key

    @property
    def _trader(self) -> Trader:
        assert self.trader is not None, "asked on an endpoint that takes no key"
        return self.trader

    @property
    def now_ms(self) -> int:
        """Market time in milliseconds."""
        return self.now_us // 1_000

    def moment(self, time_us: int) -> int:
        """A time in the unit of the answer."""
        return time_us if self.microseconds else time_us // 1_000

    def moments(self, times_us: Ints) -> Ints:
        """Times in the unit of the answer."""
        return times_us if self.microseconds else times_us // 1_000

    def listing(self) -> Listing:
        """The symbol that is asked for, in the status that is asked for.

        Raises
        ------
        Refused : no such symbol at this moment, or not in that status.
        """
        listing = self.known(self.params["symbol"])
        wanted = self.params.get("symbolStatus")
        if wanted is not None and status_of(listing, self.now_ms) != wanted:
            raise Refused(Code.SYMBOL_DOES_NOT_MATCH_STATUS)
        return listing

    def known(self, symbol: str) -> Listing:
        """The listing of a symbol; -1121 where there is none at this moment."""
        listing = self.market.listings.get(symbol)
        if listing is None or status_of(listing, self.now_ms) is None:
            raise Refused(Code.BAD_SYMBOL)
        return listing

    def listings(self) -> list[Listing]:
        """The symbols of a list, in the exchange's order: those asked for or all, in the status asked for."""
        names = self.params.get("symbols")
        for symbol in names or ():
            self.known(symbol)
        wanted = self.params.get("symbolStatus")
        found = []
        for listing in self.market.listings.values():
            status = status_of(listing, self.now_ms)
            named = names is None or listing.symbol in names
            if status is not None and named and wanted in (None, status):
                found.append(listing)
        return found


@dataclass(frozen=True, slots=True)
class Told:
    """An answer as a wire struct (or a list, or a plain mapping), written by the generic encoders.

    ``costs`` is the request's weight where it is not the endpoint's usual one: 0 for an amend that ends its order.
    """

    body: Any
    template: int = 0  # of the message in SBE; signed answers have none
    costs: int | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """An answer of many rows as columns, written by the array encoders."""

    kind: type[msgspec.Struct]
    count: int
    columns: dict[str, Piece]
    listing: Listing
    stable: bool = False  # the same question will have this answer for ever


@dataclass(frozen=True, slots=True)
class Book:
    """An order book, written by the array encoders."""

    levels: Levels
    listing: Listing
