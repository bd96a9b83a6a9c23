"""What cryptox asks of any exchange.

A venue translates: our question to a ``Request``, the exchange's answer to a ``Batch`` or a record, a refusal to one
of our errors. It does no I/O, keeps no state and decides nothing; the session does. All times are UTC milliseconds,
all ranges half-open ``[start_ms, end_ms)``, all symbols in our one spelling (``BTCUSDT``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, runtime_checkable

from cryptox.errors import CryptoxError
from cryptox.model.book import BookUpdate
from cryptox.model.events import Event
from cryptox.model.symbols import Symbol
from cryptox.table.batch import Batch
from cryptox.transport.caller import Verdict
from cryptox.transport.messages import Answer, Limit, Outgoing, Usage

__all__ = [
    "Arrived",
    "Capabilities",
    "Hosts",
    "Inbox",
    "LiveVenue",
    "LocalBook",
    "OwnKeys",
    "Request",
    "Rows",
    "Rules",
    "Snapshot",
    "StreamLimits",
    "Subject",
    "Told",
    "Venue",
]

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
    signed: bool = False  # needs a key, a time and a signature
    acts: bool = False  # changes something: never sent twice, and doubt is OutcomeUnknown
    orders: int = 0  # how many orders it places


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
    orders_cap: int = 1000  # rows of one answer with orders or executions
    account_window_ms: int = 86_400_000  # widest range of one such request


@runtime_checkable
class OwnKeys(Protocol):
    """A venue that gives sessions without keys an account of their own; an optional part of the port."""

    def own_keys(self, user: str | None) -> tuple[str, str]:
        """API key and HMAC secret of a funded account: always the same one of a named user, else a new one."""


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


class Subject(NamedTuple):
    """What a stream is about, in our words: a call of ``session.live`` for one symbol."""

    kind: str  # trades, agg_trades, klines, ticker, book_ticker, depth, book
    symbol: str
    interval: str | None = None  # of klines
    levels: int = 0  # of depth


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """What a connection for streams is held to. Pairs are how many in how many seconds."""

    streams: int  # on one connection
    messages: tuple[int, float]  # control messages, pings and pongs, on one connection
    batch: int  # streams in one control message
    connects: tuple[int, float]  # attempts from one address
    life_s: float  # until a connection is ended


class Rows(Protocol):
    """Events of one stream that belong together, oldest first; at least one."""

    def __len__(self) -> int:
        """How many."""

    def events(self) -> Sequence[Event]:
        """As records; made once."""

    def newest(self) -> Event:
        """The last of them as a record."""


class Told(Rows, Protocol):
    """Messages of one stream as they came."""

    @property
    def received_ns(self) -> int:
        """When they came, in wall clock ns."""

    @property
    def event_time_ms(self) -> int | None:
        """When the exchange sent the last of them; None where it does not say."""

    @property
    def rows(self) -> Sequence[Any]:
        """For ``pack``: one opaque row a message."""

    def pack(self, rows: Sequence[Any]) -> Mapping[str, Any]:
        """Rows, of any messages of such a stream, as columns of their table."""

    def keys(self) -> list[int]:
        """What orders them: ids of trades, update ids, times; one a message."""


class LocalBook(Protocol):
    """The whole book of a symbol, kept in step: right, or ``synced`` is False. Pure."""

    @property
    def synced(self) -> bool:
        """Whether it is the exchange's."""

    @property
    def needs_snapshot(self) -> bool:
        """Whether to ask for a snapshot."""

    @property
    def last_update_id(self) -> int | None:
        """Id of the newest change inside; None without a book."""

    def diff(self, event: Any, received_ns: int = 0) -> object:
        """Take one row of a book's stream."""

    def diffs(self, events: Sequence[Any], received_ns: int = 0) -> None:
        """Take rows that came together."""

    def snapshot(self, answer: Any, *, limit: int, received_ns: int = 0) -> bool:
        """Take a snapshot of so many levels, received at that wall clock ns; whether the book is in step now."""

    def interrupt(self) -> None:
        """The stream was cut."""

    def top(self, levels: int | None = None) -> BookUpdate:
        """The best levels as they stand."""


class Snapshot(NamedTuple):
    """A whole book as it was answered once, in a recording."""

    answer: Any  # for LocalBook.snapshot
    last_update_id: int
    levels: int  # so many a side are certain


@dataclass(slots=True)
class Arrived:
    """What the messages of one wake-up were."""

    told: list[tuple[str, Told]]  # stream, its messages
    accepted: Sequence[int] = ()  # numbers of control messages
    refused: Sequence[tuple[int | None, str]] = ()  # their numbers where known, and why
    closing: bool = False  # the exchange will end this connection soon
    unreadable: Sequence[str] = ()  # why messages could not be read, or what was not known


class Inbox(Protocol):
    """Reads the messages of one connection."""

    def read(self, frames: list[bytes], received_ns: int) -> Arrived:
        """What they are. Never raises for what the exchange sent."""


class LiveVenue(Venue, Protocol):
    """An exchange with streams."""

    stream_limits: StreamLimits

    def streams_url(self) -> str:
        """Where to connect for streams.

        Raises
        ------
        ConfigurationError
            It is not known.
        """

    def stream_of(self, subject: Subject) -> str:
        """The name of its stream."""

    def control(self, number: int, streams: Sequence[str], *, subscribe: bool) -> bytes:
        """The message that begins or ends streams."""

    def stream_in(self, frame: bytes) -> str | None:
        """The stream that a message is of, as ``stream_of`` names it; None for any other message."""

    def snapshot_in(self, message: bytes) -> Snapshot | None:
        """The answer to a request for a snapshot; None for any other message."""

    def inbox(self) -> Inbox:
        """For a new connection."""

    def local_book(self, symbol: str, *, levels: int) -> LocalBook:
        """An empty one, of which so many levels a side shall be certain."""

    def snapshot(self, symbol: str) -> Request[Any]:
        """The whole book, for ``LocalBook.snapshot``; of ``capabilities.depth_cap`` levels."""

    def trades_from(self, symbol: str, *, from_id: int, limit: int, exact: bool) -> Request[Batch]:
        """Trades from an id on, oldest first."""
