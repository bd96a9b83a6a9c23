"""What cryptox asks of any exchange.

A venue translates: our question to a ``Request``, the exchange's answer to a ``Batch`` or a record, a refusal to one
of our errors. It does no I/O, keeps no state and decides nothing; the session does. All times are UTC milliseconds,
all ranges half-open ``[start_ms, end_ms)``, all symbols in our one spelling (``BTCUSDT``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from cryptox.errors import CryptoxError
from cryptox.model.symbols import Symbol
from cryptox.table.batch import Batch
from cryptox.transport.caller import Verdict
from cryptox.transport.messages import Answer, Limit, Outgoing, Usage

__all__ = ["Capabilities", "Hosts", "Request", "Rules", "Venue"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Hosts:
    """Where a venue lives. None where that part is not known."""

    rest: str
    stream: str | None = None
    ws_api: str | None = None


@dataclass(frozen=True, slots=True)
class Request(Generic[T]):
    """One question to the exchange, with the way to read its answer."""

    operation: str  # our word: "klines"
    method: str
    path: str
    params: tuple[tuple[str, str], ...]
    weight: int
    read: Callable[[Answer], T]  # raises ExchangeError for a body that is not what it should be
    context: Mapping[str, Any] = field(default_factory=dict)  # symbol, interval, ... for errors
    binary: bool = True  # may be asked for in SBE


@dataclass(frozen=True, slots=True)
class Rules:
    """Limits of the address and rules of symbols, from one answer."""

    limits: tuple[Limit, ...]
    symbols: tuple[Symbol, ...]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a venue offers, and its caps."""

    klines_cap: int = 1000
    trades_cap: int = 1000
    depth_cap: int = 5000
    intervals: tuple[str, ...] = ()
    tickers_cap: int = 100  # symbols in one ticker request
    encodings: tuple[str, ...] = ("json",)
    default_limits: tuple[Limit, ...] = ()
    real_money: bool = True


class Venue(Protocol):
    """An exchange, as the session sees it."""

    name: str
    hosts: Hosts
    capabilities: Capabilities

    def outgoing(self, request: Request[Any], encoding: str) -> Outgoing:
        """The HTTP request for a question; ``encoding`` is auto, json or sbe."""

    def usage(self, answer: Answer) -> tuple[Usage, ...]:
        """What the answer's headers say of used limits."""

    def verdict(self, answer: Answer) -> Verdict:
        """What an answer means for sending: take it, try again, or stop."""

    def refusal(self, request: Request[Any], answer: Answer) -> CryptoxError | None:
        """Our error for an answer that is not a success; None for a success."""

    def is_steady(self, answer: Answer) -> bool:
        """Whether exchange time runs at the speed of a real clock (a simulated market may stand or race)."""

    def server_time(self) -> Request[int]:
        """Exchange time in ms."""

    def rules(self, symbols: Sequence[str] | None) -> Request[Rules]:
        """Limits, and trading rules of these symbols (None: all)."""

    def klines(
        self, symbol: str, interval: str, *, start_ms: int | None, end_ms: int | None, limit: int, exact: bool
    ) -> Request[Batch]:
        """Candles that open in [start_ms, end_ms): the oldest with a start, the newest without."""

    def trades(self, symbol: str, *, limit: int, exact: bool) -> Request[Batch]:
        """The newest trades, oldest first."""

    def agg_trades(
        self,
        symbol: str,
        *,
        start_ms: int | None,
        end_ms: int | None,
        from_id: int | None,
        limit: int,
        exact: bool,
    ) -> Request[Batch]:
        """Aggregate trades by id or by time."""

    def depth(self, symbol: str, *, limit: int, exact: bool) -> Request[Batch]:
        """Order book, ``extra["last_update_id"]`` set."""

    def ticker(self, symbols: Sequence[str] | None, window: str, *, exact: bool) -> Request[Batch]:
        """Statistics of a window; None asks for all symbols (24h only)."""

    def prices(self, symbols: Sequence[str] | None, *, exact: bool) -> Request[Batch]:
        """Last prices."""

    def book_ticker(self, symbols: Sequence[str] | None, *, exact: bool) -> Request[Batch]:
        """Best bids and asks."""

    def avg_price(self, symbol: str, *, exact: bool) -> Request[Batch]:
        """Average price of the last minutes."""
