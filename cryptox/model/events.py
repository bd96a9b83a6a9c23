"""What happens on a live feed, as records of our words.

Every event has ``kind``, ``symbol``, ``event_time`` and ``received_at``, and the columns of its table
(``model.columns``) as attributes; numbers are floats, as in frames. Inside, times are integers (milliseconds, receipt
in nanoseconds), because most events are dropped without anybody looking at their clocks.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import ClassVar

from msgspec import Struct

from cryptox._display import Displayed

from .lines import one_line
from .time import iso

__all__ = ["AggTrade", "BookTicker", "Event", "Gap", "Kline", "Ticker", "Trade", "moment"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(time_ms: int) -> datetime:
    """Milliseconds since the epoch as a UTC time."""
    return _EPOCH + timedelta(milliseconds=time_ms)


class Event(Displayed, Struct, frozen=True, gc=False):
    """One event of a feed.

    Attributes
    ----------
    symbol
        In our spelling: ``BTCUSDT``.
    event_time_ms
        When the exchange sent it; None where it does not say.
    received_ns
        When it reached us, by this machine's clock, in nanoseconds since the epoch.
    """

    kind: ClassVar[str] = ""

    symbol: str
    event_time_ms: int | None
    received_ns: int

    @property
    def event_time(self) -> datetime:
        """When the exchange sent it, UTC; where the exchange does not say, when it reached us."""
        return self.received_at if self.event_time_ms is None else moment(self.event_time_ms)

    @property
    def received_at(self) -> datetime:
        """When it reached us, by this machine's clock, UTC."""
        return _EPOCH + timedelta(microseconds=self.received_ns // 1000)

    def __repr__(self) -> str:
        """One line: what, of which symbol, when, and the figures that matter."""
        time_ms = self.received_ns // 1_000_000 if self.event_time_ms is None else self.event_time_ms
        return one_line(f"{type(self).__name__}({self.symbol} {iso(time_ms)} {self._shown()})")

    def _shown(self) -> str:
        return ""


class Trade(Event, frozen=True, gc=False):
    """One trade; ``side`` is the taker's."""

    kind: ClassVar[str] = "trade"

    time_ms: int
    id: int
    price: float
    quantity: float
    quote_quantity: float
    side: str
    is_best_match: bool

    @property
    def time(self) -> datetime:
        """Time of the trade, UTC."""
        return moment(self.time_ms)

    def _shown(self) -> str:
        return f"{self.side} {self.quantity:.12g} @ {self.price:.12g}, id {self.id}"


class AggTrade(Event, frozen=True, gc=False):
    """Trades of one taker order at one price and moment; ``side`` is the taker's."""

    kind: ClassVar[str] = "agg_trade"

    time_ms: int
    id: int
    price: float
    quantity: float
    first_id: int
    last_id: int
    side: str
    is_best_match: bool

    @property
    def time(self) -> datetime:
        """Time of the trades, UTC."""
        return moment(self.time_ms)

    def _shown(self) -> str:
        return f"{self.side} {self.quantity:.12g} @ {self.price:.12g}, id {self.id}"


class Kline(Event, frozen=True, gc=False):
    """A candle as it stands; final once ``is_closed``."""

    kind: ClassVar[str] = "kline"

    interval: str
    open_time_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    close_time_ms: int
    quote_volume: float
    trades: int
    taker_buy_volume: float
    taker_buy_quote_volume: float
    is_closed: bool

    @property
    def open_time(self) -> datetime:
        """Start of the candle, UTC."""
        return moment(self.open_time_ms)

    @property
    def close_time(self) -> datetime:
        """Last millisecond of the candle, UTC."""
        return moment(self.close_time_ms)

    def _shown(self) -> str:
        prices = " ".join(f"{price:.12g}" for price in (self.open, self.high, self.low, self.close))
        state = "closed" if self.is_closed else "forming"
        return f"{self.interval} from {iso(self.open_time_ms)} {prices}, {state}"


class Ticker(Event, frozen=True, gc=False):
    """Statistics of the last 24 hours."""

    kind: ClassVar[str] = "ticker"

    price_change: float
    price_change_percent: float
    weighted_avg_price: float
    prev_close: float
    last: float
    last_quantity: float
    bid: float
    bid_quantity: float
    ask: float
    ask_quantity: float
    open: float
    high: float
    low: float
    volume: float
    quote_volume: float
    open_time_ms: int
    close_time_ms: int
    first_id: int
    last_id: int
    trades: int

    @property
    def price(self) -> float:
        """Last price."""
        return self.last

    @property
    def open_time(self) -> datetime:
        """Start of the window, UTC."""
        return moment(self.open_time_ms)

    @property
    def close_time(self) -> datetime:
        """End of the window, UTC."""
        return moment(self.close_time_ms)

    def _shown(self) -> str:
        return f"{self.last:.12g} {self.price_change_percent:+.3f}%"


class BookTicker(Event, frozen=True, gc=False):
    """Best bid and ask. The exchange sends no time with it: ``event_time`` is when it reached us."""

    kind: ClassVar[str] = "book_ticker"

    update_id: int
    bid: float
    bid_quantity: float
    ask: float
    ask_quantity: float

    def _shown(self) -> str:
        return f"{self.bid:.12g} / {self.ask:.12g}"


class Gap(Event, frozen=True, gc=False):
    """Something was lost and cannot be repaired.

    Attributes
    ----------
    start_ms, end_ms
        Exchange time between what was seen last before it and first after it.
    first_id, last_id
        Ids that are lost, both included; None where the feed has none.
    reason
        Why, in a few words.
    """

    kind: ClassVar[str] = "gap"

    start_ms: int
    end_ms: int
    first_id: int | None
    last_id: int | None
    reason: str

    @property
    def start(self) -> datetime:
        """Exchange time of the last event before the gap, UTC."""
        return moment(self.start_ms)

    @property
    def end(self) -> datetime:
        """Exchange time of the first event after the gap, UTC."""
        return moment(self.end_ms)

    def _shown(self) -> str:
        ids = "" if self.first_id is None else f", ids {self.first_id} to {self.last_id}"
        return f"{iso(self.start_ms)} to {iso(self.end_ms)}{ids}: {self.reason}"
