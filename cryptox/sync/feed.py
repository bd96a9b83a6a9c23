"""A live feed as seen from a notebook or a script: read without ``await``, from any thread, while cells compute."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeVar

from cryptox import _cells, portal
from cryptox._display import Moving, figure
from cryptox.errors import ConfigurationError
from cryptox.model.events import Event
from cryptox.model.lines import one_line
from cryptox.sessions.live.feed import AsyncFeed
from cryptox.sessions.live.live import AsyncLive
from cryptox.sessions.live.readers import Events
from cryptox.sessions.live.snapshot import Snapshot
from cryptox.sessions.live.status import Status
from cryptox.sessions.session import AsyncSession
from cryptox.sync import door
from cryptox.table.frames import Frame

__all__ = ["Feed", "FeedEvents", "Owner", "open_feed"]

T = TypeVar("T")

AT_ONCE: Final = 1_000  # events fetched from the loop in one go
LOST: Final = "This feed belongs to another process, or to a loop that has ended."


class Owner(Protocol):
    """A blocking session, as far as its feeds care."""

    _session: AsyncSession


class Feed(Moving):
    """A live feed: one or several symbols of one kind, running when it is made.

    Made by ``cx.live`` and ``session.live``. It ends with ``stop()``, with its session, and when it is collected and
    has no callback. Everything here may be called from any thread. A context manager, and iterable: every event from
    now on.

    Examples
    --------
    >>> with cx.live.klines("BTCUSDT", "1m", history=60) as feed:
    ...     len(feed.frame())
    60
    """

    _called = "feed."  # in calls that errors suggest
    _noun = "feed"

    def __init__(self, feed: AsyncFeed) -> None:
        self._feed = feed
        self._generation = portal.generation()

    @property
    def topic(self) -> str | list[str]:
        """Its name, such as ``"binance:trades:BTCUSDT"``; a list for a list of symbols."""
        return self._feed.topic

    @property
    def kind(self) -> str:
        """One of trades, agg_trades, klines, ticker, book_ticker, depth, book, orders and account."""
        return self._feed.kind

    @property
    def symbols(self) -> tuple[str, ...]:
        """Its symbols; those unsubscribed are gone."""
        return self._feed.symbols

    @property
    def interval(self) -> str | None:
        """The interval of its candles; None for other kinds."""
        return self._feed.interval

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._feed.is_running and not self._is_lost

    @property
    def latest(self) -> Event | None:
        """The newest event; of several symbols the one that came in last. None before the first."""
        with door.boundary():
            return self._there(lambda: self._feed.latest)

    @property
    def status(self) -> Status:
        """How it is, at this moment."""
        with door.boundary():
            if self._is_lost:
                return Status(False, True, False, 0, 0, 0, 0, None, last_error=LOST)
            return self._there(lambda: self._feed.status)

    def frame(self, rows: int | None = None, include_unfinished: bool = False, *, frame: str | None = None) -> Frame:
        """The recent past as a frame, oldest first; of depth and book: now. Several symbols: ``symbol`` goes first.

        Parameters
        ----------
        rows
            At most so many, the newest, per symbol; of depth and book: levels a side. None for all that is kept.
        include_unfinished
            Of klines: also the candle that is still forming.
        frame
            ``"pandas"``, ``"polars"`` or ``"arrow"``; the session's own by default.

        Raises
        ------
        ValidationError
            ``rows`` is no number from 1.
        """
        with door.boundary():
            return self._there(lambda: self._feed.snapshot(rows, include_unfinished)).frame(frame)

    def snapshot(self, rows: int | None = None, include_unfinished: bool = False) -> Snapshot:
        """What ``frame`` is built from, taken at this moment; ``.frame()`` of it builds it."""
        with door.boundary():
            return self._there(lambda: self._feed.snapshot(rows, include_unfinished))

    def figure(
        self,
        rows: int | None = None,
        *,
        symbol: str | None = None,
        log: bool = False,
        volume: bool | None = None,
        height: int | None = None,
        theme: str = "auto",
    ) -> Any:
        """What it has now as a plotly figure: candles and volume, trades, the curve of a book, the course of a ticker.

        It does not change any more. Of several symbols it is how far each has come; orders and balances are a table.

        Parameters
        ----------
        rows
            At most so many, the newest, per symbol; of depth and book: levels a side. None for all that is kept.
        symbol, log, volume, height, theme
            As ``df.cx.plot`` has them.

        Raises
        ------
        ValidationError
            An option that does not fit to this kind of feed; several symbols of a book.
        BadSymbol
            The feed has no such symbol.
        """
        with door.boundary():
            snapshot = self._there(lambda: self._feed.snapshot(rows, include_unfinished=True))
            return figure(snapshot, symbol=symbol, log=log, volume=volume, height=height, theme=theme)

    def on(self, callback: Callable[[Event], Any]) -> Self:
        """Have ``callback(event)`` called for every event from now on; returns the feed.

        All callbacks of a feed run one after another on a thread of its own, so that a slow one delays nobody else.
        What a callback raises is logged and counted in ``status``. A feed with a callback runs until ``stop()``, or
        until its session is closed, also when nobody holds it; in a notebook, once the cell that made it is run again,
        only while something does. A coroutine function runs on cryptox's own loop, where blocking calls are refused.

        Raises
        ------
        ValidationError
            Not something to call.
        ConfigurationError
            The feed has ended.
        """
        with door.boundary():
            self._there(lambda: self._feed.on(callback))
            return self

    def stop(self) -> None:
        """End it: iteration ends, callbacks are called no more. A second time does nothing."""
        with door.boundary():
            if not self._is_lost:
                # Refused only while the interpreter ends, and the feed with it.
                with suppress(ConfigurationError):
                    self._there(self._feed.end)

    def unsubscribe(self, symbol: str) -> bool:
        """End one of its symbols, the feed with the last one; whether it had that symbol.

        Raises
        ------
        BadSymbol
            Not a symbol.
        """
        with door.boundary():
            return self._there(lambda: self._feed.unsubscribe(symbol))

    def __iter__(self) -> FeedEvents:
        """Every event from now on; ends when the feed does, and may be left at any time."""
        with door.boundary():
            return FeedEvents(self, self._there(self._feed.events))

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        """End it."""
        self.stop()

    def __repr__(self) -> str:
        """One line: what, and how it is."""
        if not self._is_lost:
            with suppress(ConfigurationError):
                return self._there(lambda: repr(self._feed)).replace("AsyncFeed", "Feed", 1)
        return one_line(f"<Feed {self.topic if isinstance(self.topic, str) else f'{len(self.symbols)} topics'} lost>")

    def _facts(self) -> dict[str, Any]:
        """What its card says."""
        if not self._is_lost:
            with suppress(ConfigurationError):
                return self._there(self._feed._facts)
        return {"topic": self.topic, "state": "lost", "last error": LOST}

    @property
    def _is_lost(self) -> bool:
        """Whether its loop is not there any more: after a fork the sockets are the parent's and must not be touched."""
        return self._generation != portal.generation()

    def _there(self, work: Callable[[], T]) -> T:
        """What ``work`` returns on the feed's loop."""
        if self._is_lost:
            raise ConfigurationError(LOST, recovery_suggestions=["Make another from cx.live."])
        if portal.inside():  # in a callback that is a coroutine function
            return work()
        return door.call(_value(work))


class FeedEvents(Iterator[Event]):
    """The events of a feed from the moment this was made; at most 100,000 wait, then the oldest go and are counted."""

    def __init__(self, feed: Feed, reader: Events) -> None:
        self._feed = feed
        self._reader = reader
        self._waiting: deque[Event] = deque()
        self._turn = threading.Lock()

    def __next__(self) -> Event:
        """The next event, waiting for it as long as it takes; Ctrl-C interrupts at once."""
        while not (self._reader.is_over or self._feed._is_lost or portal.is_ending()):
            try:
                return self._waiting.popleft()
            except IndexError:
                self._wait()
        if portal.is_ending():
            raise SystemExit  # on a worker thread, after the end of the main one
        raise StopIteration

    @property
    def dropped(self) -> int:
        """Events that came faster than they were asked for, and were dropped."""
        return self._reader.dropped

    def _wait(self) -> None:
        with door.boundary(), self._turn:
            if not self._waiting:
                door.call(self._fetch(), endless=True)

    async def _fetch(self) -> None:
        # Kept here, not returned: an interrupt of the waiting thread loses nothing.
        self._waiting.extend(await self._reader.take(AT_ONCE))


def open_feed(owner: Owner, make: Callable[[AsyncLive], AsyncFeed]) -> Feed:
    """The feed that ``make`` makes of the session's live feeds, started; carries, or goes on trying to.

    Raises
    ------
    CryptoxError
        What making and starting it raises.
    """
    feed = Feed(door.call(_started(owner, make)))
    _cells.note(feed, feed._feed)
    return feed


async def _started(owner: Owner, make: Callable[[AsyncLive], AsyncFeed]) -> AsyncFeed:
    feed = make(owner._session.live)
    feed.owner = owner
    try:
        return await feed.start()
    except BaseException:
        feed.end()
        raise


async def _value(work: Callable[[], T]) -> T:
    return work()
