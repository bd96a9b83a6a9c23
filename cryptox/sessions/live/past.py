"""Topics that are fed from a recording: they order and keep as live ones do, and can ask nobody for what is missing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from cryptox.errors import ConfigurationError, CryptoxError
from cryptox.sessions.address import Address
from cryptox.sessions.core import Core
from cryptox.transport import life
from cryptox.venues.port import LiveVenue, Snapshot, Told

from .candles import CandleTopic
from .executed import ExecutedTopic
from .hub import Hub
from .kept import Carrier, Sink, Tap
from .localbook import BookTopic
from .newest import NewestTopic
from .topic import GRACE_S, Topic

if TYPE_CHECKING:
    from .plan import Plan

__all__ = ["PastBook", "PastCore", "PastHub"]

REASON = "the recording does not have it"
UNPLAYED = "not started: replay.start() plays it"
FIRST_IDS = 1_000  # how many changes the first message of a book may hold; symbols are further apart
GRACE_NS = int(GRACE_S * 1e9)  # of recorded time


class PastCore(Core):
    """A session that reads a venue's messages, and sends nothing."""

    _noun = "replay"

    def __init__(self, session: Core) -> None:
        frame, exact = session.form
        super().__init__(session.venue, session.settings, frame=frame, exact=exact)
        self._address = Address("", ())

    async def _as_of(self, **_: Any) -> int:
        raise ConfigurationError("A replay does not know the exchange's time.")

    async def _send(self, *_: Any, **__: Any) -> Any:
        raise ConfigurationError("A replay has what was recorded, and asks the exchange for nothing.")


class PastLine:
    """Brings recorded messages to their topics; in the place of a kept connection."""

    def __init__(self, venue: LiveVenue, taps: list[Tap]) -> None:
        self._inbox = venue.inbox()
        self._taps = taps
        self._down: set[str] = set()
        self._known: set[str] = set()  # streams that were told to be connected, or cut
        self._heard_at = time.monotonic()
        self.streams: dict[str, list[Sink]] = {}
        self.unreadable = 0

    def heard_at(self) -> float:
        """When anything was played last, in monotonic seconds."""
        return self._heard_at

    def add(self, stream: str, sink: Sink) -> None:
        """Bring a stream."""
        self.streams.setdefault(stream, []).append(sink)
        if stream not in self._down:
            sink.carried()

    def remove(self, stream: str, sink: Sink) -> None:
        """Bring nothing more to that sink."""
        sinks = self.streams.get(stream, [])
        if sink in sinks:
            sinks.remove(sink)
        if not sinks:
            self.streams.pop(stream, None)

    def stop(self) -> None:
        """There is nothing to close."""

    def deliver(self, frames: list[bytes], received_ns: int) -> None:
        """Messages that came in one chunk."""
        self._heard_at = time.monotonic()
        for tap in self._taps:
            tap.frames(frames, received_ns)
        arrived = self._inbox.read(frames, received_ns)
        self.unreadable += len(arrived.unreadable)
        for stream, told in arrived.told:
            for sink in tuple(self.streams.get(stream, ())):
                sink.take(told)

    def connected(self, stream: str) -> None:
        """A stream was subscribed; the first time is what every stream begins with."""
        is_first = stream not in self._known
        self._known.add(stream)
        self._down.discard(stream)
        if not is_first:
            for tap in self._taps:
                tap.carried(stream)
            for sink in tuple(self.streams.get(stream, ())):
                sink.carried()

    def cut(self, stream: str) -> None:
        """No connection carried a stream any more."""
        self._known.add(stream)
        self._down.add(stream)
        for tap in self._taps:
            tap.cut(stream)
        for sink in tuple(self.streams.get(stream, ())):
            sink.cut()


class PastHub(Hub):
    """The topics of one replay.

    Attributes
    ----------
    line
        Where messages are handed in.
    now_ns
        How far it has played, in recorded wall clock ns; 0 before the first message.
    """

    kinds: Mapping[str, type[Topic]]

    def __init__(self, session: Core, loop: asyncio.AbstractEventLoop, awaited: Callable[[], None]) -> None:
        super().__init__(session, "", loop, life.Address(life.Allowance(1, 1.0)))
        self._awaited = awaited
        self._due: dict[Topic, int] = {}
        self.waits_for = UNPLAYED
        self.line = PastLine(self.venue, self.taps)
        self.now_ns = 0

    @property
    def recorded_ms(self) -> int | None:
        """Recorded time; None before the first message."""
        return self.now_ns // 1_000_000 or None

    def awaited(self) -> None:
        """Somebody waits for an event: there is none before it plays."""
        self._awaited()

    def later(self, topic: _Past) -> None:
        """Settle a topic when a late message has had its time."""
        self._due.setdefault(topic, self.now_ns + GRACE_NS)

    def advance(self, now_ns: int | None) -> None:
        """It is that moment, None for the end: what is missing until now is given up."""
        if now_ns is not None:
            self.now_ns = max(self.now_ns, now_ns)
        for topic in [one for one, due in self._due.items() if now_ns is None or due <= self.now_ns]:
            del self._due[topic]
            assert isinstance(topic, _Past)
            topic.settle()

    def offer(self, snapshot: Snapshot, stream: str | None) -> None:
        """A book's snapshot; where the recording does not say of which, its ids do."""
        for book in self._books():
            if stream in (None, book.stream):
                book.offer(snapshot, is_named=stream is not None)

    def books_of(self, snapshot: Snapshot) -> list[PastBook]:
        """The books that a snapshot may be of, by its id."""
        return [book for book in self._books() if book.covers(snapshot)]

    def fullest(self) -> float:
        """How full the fullest queue of a reader is, from 0 to 1."""
        return max((queue.fill for topic in self._topics.values() for queue in topic._queues), default=0.0)

    def finish(self, trouble: str | None) -> None:
        """It is over: readers get what waits for them."""
        self.advance(None)
        for topic in list(self._topics.values()):
            topic.connected = False
            topic.trouble = trouble or topic.trouble
        for feed in list(self._feeds):
            feed.finish()

    def _books(self) -> list[PastBook]:
        return [topic for topic in self._topics.values() if isinstance(topic, PastBook)]

    def _line_for(self, stream: str) -> Carrier:  # noqa: ARG002 - one for all
        if self.line not in self._kept:
            self._kept.append(self.line)
        return self.line


class _Past(Topic):
    """What recorded topics do otherwise than live ones."""

    hub: PastHub

    def _begin_with_now(self) -> None:
        """There is nobody to ask where it begins."""
        self._caught_up()

    def mend(self) -> None:
        """See to it that what is missing becomes a gap, unless it comes late."""
        if self._is_torn():
            self.hub.later(self)
        else:
            self.settle()

    def settle(self) -> None:
        """Go on without what is missing."""
        while self._is_torn():
            self.give_up(REASON)
        self._caught_up()


class PastTrades(_Past, ExecutedTopic):
    """Recorded trades; there are none before the first."""

    def want(self, history: int) -> None:
        """There is nothing before the beginning."""

    def __init__(self, hub: Hub, plan: Plan, symbol: str) -> None:
        super().__init__(hub, plan, symbol)
        self._joining = False


class PastCandles(_Past, CandleTopic):
    """Recorded candles; there are none before the first."""

    def want(self, history: int) -> None:
        """There is nothing before the beginning."""

    def __init__(self, hub: Hub, plan: Plan, symbol: str) -> None:
        super().__init__(hub, plan, symbol)
        self._joining = False


class PastNewest(_Past, NewestTopic):
    """Recorded tickers, quotes and levels."""


class PastBook(_Past, BookTopic):
    """A book from recorded snapshots and changes."""

    def __init__(self, hub: Hub, plan: Plan, symbol: str) -> None:
        super().__init__(hub, plan, symbol)
        self._offered: Snapshot | None = None
        self._is_named = False
        self._ids: tuple[int, int] | None = None  # lowest and highest last id of the changes so far

    def take(self, told: Told) -> None:
        """Apply changes."""
        ids = told.keys()
        known = self._ids or (ids[0], ids[0])
        self._ids = min(known[0], *ids), max(known[1], *ids)
        super().take(told)

    def offer(self, snapshot: Snapshot, *, is_named: bool) -> None:
        """A snapshot of this book; of some book, unless it is named."""
        self._offered, self._is_named = snapshot, is_named
        self.settle()

    def settle(self) -> None:
        """Begin with the snapshot, where one is needed; the feed has started all the same."""
        self._done()
        found = self._offered
        if (
            found is not None
            and self._book.needs_snapshot
            and (self._is_named or self.hub.books_of(found) == [self])
            and self._fits(found)
        ):
            self._offered = None
            self._show()
        if self._book.synced:
            self._caught_up()

    def _fits(self, found: Snapshot) -> bool:
        try:
            return self._book.snapshot(found.answer, limit=found.levels, received_ns=self.hub.now_ns)
        except CryptoxError as error:  # no use to anybody
            self.trouble, self._offered = f"{type(error).__name__}: {error}", None
            return False

    def mend(self) -> None:
        """Try the last snapshot."""
        self.settle()

    def covers(self, snapshot: Snapshot) -> bool:
        """Whether a snapshot lies within the changes so far."""
        return self._ids is not None and self._ids[0] - FIRST_IDS <= snapshot.last_update_id <= self._ids[1]


PastHub.kinds = {
    "trades": PastTrades,
    "agg_trades": PastTrades,
    "klines": PastCandles,
    "ticker": PastNewest,
    "book_ticker": PastNewest,
    "depth": PastNewest,
    "book": PastBook,
}
