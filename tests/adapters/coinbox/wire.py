"""What Coinbox's documentation says, each fact once: addresses, limits, refusals, and the shapes of its answers."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from cryptox import errors
from cryptox.errors import CryptoxError
from cryptox.transport.messages import Limit

REST = "https://api.coinbox.example"
QUOTES = ("USDT", "EUR")  # what pairs end in
WIDTHS = {"1m": 60, "5m": 300, "1h": 3600, "1d": 86400}  # our word, their seconds
MINUTE = Limit("REQUEST_WEIGHT", 1200, 60_000)
LEFT = "x-left"  # header: requests left in this minute
STANDS = "x-clock-stands"  # header: its time does not run (only the example server does this)
PROBLEMS: dict[str, type[CryptoxError]] = {
    "no_such_pair": errors.BadSymbol,
    "bad_question": errors.ValidationError,
    "slow_down": errors.RateLimited,
}


class Candle(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """A row of /candles: an array, numbers as text."""

    at: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    value: str
    trades: int
    taker_volume: str
    taker_value: str


class Trade(msgspec.Struct):
    """A row of /trades."""

    n: int
    at: float
    price: str
    size: str
    bought: bool


class Book(msgspec.Struct):
    """The answer of /book: prices and sizes, best first."""

    version: int
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]


class Summary(msgspec.Struct):
    """A row of /summary: the last 24 hours of a pair."""

    pair: str
    since: int
    until: int
    before: str
    open: str
    high: str
    low: str
    last: str
    last_size: str
    bid: str
    bid_size: str
    ask: str
    ask_size: str
    volume: str
    value: str
    first: int
    count: int


class Pair(msgspec.Struct):
    """A row of /pairs."""

    pair: str
    open: bool
    tick: Decimal
    lot: Decimal
    least: Decimal  # price times size of an order


class Pairs(msgspec.Struct):
    """The answer of /pairs."""

    per_minute: int
    pairs: list[Pair]


class Clock(msgspec.Struct):
    """The answer of /clock."""

    seconds: float


class Average(msgspec.Struct):
    """The answer of /average."""

    price: str
    minutes: int
    at: float


class Problem(msgspec.Struct):
    """A refusal."""

    problem: str
    text: str = ""
    seconds: float = 0.0
