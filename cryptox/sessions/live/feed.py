"""A live feed as its user holds it: one or several symbols of one kind, read by waiting, by looking, or by callback."""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import Generator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from cryptox._boundary import boundary
from cryptox._display import Moving, figure
from cryptox.errors import ConfigurationError, CryptoxError, ValidationError
from cryptox.model.events import Event
from cryptox.model.lines import one_line
from cryptox.model.names import check_flag, check_limit, normalise_symbol
from cryptox.table.batch import Batch
from cryptox.table.frames import Frame

from .queue import Queue
from .readers import Events, Readers
from .snapshot import Snapshot
from .status import Status
from .worker import Callback, Worker

if TYPE_CHECKING:
    from .hub import Hub
    from .plan import Plan
    from .topic import Topic

__all__ = ["AsyncFeed", "Events", "Snapshot"]

QUEUE_EVENTS = 100_000  # that wait for one reader


class AsyncFeed(Moving):
    """A live feed, for use with ``await``; made by ``session.live``.

    It starts with ``async with``, ``async for`` or ``await feed``, and ends with ``stop()``, with its session, or when
    it is collected and has no callback. Everything here belongs to the loop it was started on.
    """

    _called = "feed."  # in calls that errors suggest

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._hub: Hub | None = None
        self._topics: dict[str, Topic] = {}  # by symbol, in the order asked for
        self._readers = Readers()
        self._worker: Worker | None = None
        self._callbacks: list[Callback] = []
        self._starting: asyncio.Task[None] | None = None
        self._stopped = False
        self._is_let_go = False
        self._failure: CryptoxError | None = None  # why it has ended by itself
        self._symbols = plan.symbols
        self.owner: object = None  # what has to live as long as the feed runs: a blocking session

    @property
    def _waits_for(self) -> str | None:
        """What somebody has to do before anything comes; None for nothing."""
        return None if self._hub is None or self._stopped else self._hub.waits_for

    def _of(self) -> object:
        """Whose it is."""
        return self._plan.session

    def __del__(self) -> None:
        """Give the topics back."""
        if self._hub is not None and not self._stopped:
            self._hub.abandon(list(self._topics.values()), self._plan.session, self._worker)

    @property
    def topic(self) -> str | list[str]:
        """Its name, such as ``"binance:trades:BTCUSDT"``; a list for a list of symbols."""
        names = [self._plan.topic_name(symbol) for symbol in self._symbols]
        return names if self._plan.several else names[0]

    @property
    def kind(self) -> str:
        """One of trades, agg_trades, klines, ticker, book_ticker, depth, book, orders and account."""
        return self._plan.kind

    @property
    def symbols(self) -> tuple[str, ...]:
        """Its symbols; those unsubscribed are gone."""
        return self._symbols

    @property
    def interval(self) -> str | None:
        """The interval of its candles; None for other kinds."""
        return self._plan.interval

    @property
    def is_running(self) -> bool:
        """Whether it has started and not ended."""
        return self._hub is not None and not self._stopped

    @property
    def is_started(self) -> bool:
        """Whether starting it has come to an end."""
        return self._starting is not None and self._starting.done()

    @property
    def latest(self) -> Event | None:
        """The newest event; of several symbols the one that came in last. None before the first."""
        newest = [event for topic in self._topics.values() if (event := topic.latest) is not None]
        return max(newest, key=_received, default=None)

    @property
    def status(self) -> Status:
        """How it is, at this moment."""
        topics, dropped = list(self._topics.values()), self._readers.dropped
        runs, waits_for = bool(topics) and not self._stopped, self._waits_for
        return Status.of_topics(topics, self._worker, time.monotonic(), dropped, runs=runs, waits_for=waits_for)

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
        with boundary():
            return self.snapshot(rows, include_unfinished).frame(frame)

    def snapshot(self, rows: int | None = None, include_unfinished: bool = False) -> Snapshot:
        """What ``frame`` is built from: taken on the loop, built wherever one likes."""
        most = None if rows is None else check_limit(rows, most=None, name="rows")
        unfinished = check_flag(include_unfinished, name="include_unfinished")
        batches = {
            symbol: self._topics[symbol].batch(most, unfinished) if symbol in self._topics else self._plan.empty()
            for symbol in self._symbols
        }
        return Snapshot(self._plan, batches or {"": self._plan.empty()}, self._plan.now_ms(self._hub))

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
        with boundary():
            snapshot = self.snapshot(rows, include_unfinished=True)
            return figure(snapshot, symbol=symbol, log=log, volume=volume, height=height, theme=theme)

    def glance(self, rows: int) -> dict[str, Batch]:
        """What a view shows, by symbol: so many of the newest rows, as ``Topic.glance`` has them; on the loop."""
        topics, empty = self._topics, self._plan.empty()
        return {symbol: topics[symbol].glance(rows) if symbol in topics else empty for symbol in self._symbols}

    def on(self, callback: Callback) -> Self:
        """Have ``callback(event)`` called for every event from now on; returns the feed.

        All callbacks of a feed run one after another on a thread of its own. A coroutine function runs on the feed's
        loop. What a callback raises is logged and counted in ``status``. A feed with a callback runs until ``stop()``.

        Raises
        ------
        ValidationError
            Not something to call.
        ConfigurationError
            The feed has ended.
        """
        with boundary():
            if not callable(callback):
                raise ValidationError(f"on(...) takes a function of one event, not {type(callback).__name__}.")
            if self._stopped:
                raise self._over()
            self._callbacks.append(callback)
            if self._hub is not None:
                self._begin_calling(self._hub)
            return self

    async def start(self) -> Self:
        """Start it, unless it runs; returns when it carries, or after the session's ``timeout``: it goes on trying.

        Raises
        ------
        BadSymbol
            The exchange does not know a symbol.
        AuthenticationError
            Of orders and account: it refuses the key.
        ConfigurationError
            The feed, or its session, has ended; or it runs on another loop.
        """
        with boundary():
            if self._stopped:
                raise self._over()
            if self._starting is None:
                self._starting = asyncio.get_running_loop().create_task(self._start(), name="cryptox-feed-start")
            elif self._starting.get_loop() is not asyncio.get_running_loop():
                raise ConfigurationError("A feed is used on the loop it was started on.")
            try:
                await asyncio.shield(self._starting)
            except asyncio.CancelledError:
                if self._stopped and self._starting.cancelled():
                    raise self._over() from None
                raise
            return self

    async def stop(self) -> None:
        """End it: iteration ends, callbacks are called no more. A second time does nothing."""
        self.end()

    def end(self) -> None:
        """As ``stop``, on the loop."""
        self._leave()
        self._readers.close()
        if self._worker is not None:
            self._worker.close()

    def finish(self, error: CryptoxError | None = None) -> None:
        """Nothing more comes: readers and callbacks get what waits for them, and then it has ended; or ``error``."""
        self._failure = error
        self._leave()
        for queue in self._readers.queues():
            queue.finish()
        if self._worker is not None:
            self._worker.finish()

    def let_go(self, *, end: bool = False) -> None:
        """Live no longer than somebody holds it, callbacks or not; with ``end`` no longer at all. From any thread."""
        work, hub = self.end if end else self._let_go, self._hub
        if hub is None or hub.loop.is_closed() or hub.is_here():
            work()
        else:
            hub.loop.call_soon_threadsafe(work)

    def unsubscribe(self, symbol: str) -> bool:
        """End one of its symbols, the feed with the last one; whether it had that symbol."""
        name = normalise_symbol(symbol)
        if self._stopped or name not in self._symbols:
            return False
        self._symbols = tuple(one for one in self._symbols if one != name)
        if not self._symbols:
            self._symbols = (name,)  # an ended feed still says what it was
            self.end()
        elif self._hub is not None and (topic := self._topics.pop(name, None)) is not None:
            for queue in (*self._readers.queues(), *self._own_queue()):
                topic.leave(queue)
            self._hub.release(topic, self._plan.session)
        return True

    def events(self, bound: int = QUEUE_EVENTS) -> Events:
        """A reader of its own: every event from now on, at most ``bound`` waiting; more drops the oldest."""
        if self._stopped:
            raise self._over()
        return Events(self, bound)

    def __aiter__(self) -> Events:
        """Every event from now on."""
        return self.events()

    def __await__(self) -> Generator[Any, Any, Self]:
        """Start it."""
        return self.start().__await__()

    async def __aenter__(self) -> Self:
        """Start it."""
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        """End it."""
        await self.stop()

    def __repr__(self) -> str:
        """One line: what, and how it is."""
        names = self.topic if isinstance(self.topic, str) else f"{len(self._symbols)} topics, {self.topic[0]} ..."
        if not self.is_running:
            return one_line(f"<AsyncFeed {names} {'stopped' if self._stopped else 'not started'}>")
        status = self.status
        state = self._waits_for or ("connected" if status.connected else "not connected")
        return one_line(f"<AsyncFeed {names} {state}, {status.received} events, {status.gaps} gaps>")

    def _facts(self) -> dict[str, Any]:
        """What its card says."""
        facts = {"topic": self.topic, **self.status._facts()}
        if self._waits_for is not None:
            del facts["last error"]
            return {**facts, "state": self._waits_for}
        return facts if self.is_running else {**facts, "state": "stopped" if self._stopped else "not started"}

    async def _start(self) -> None:
        plan = self._plan
        try:
            await plan.check()
        except BaseException as error:
            if isinstance(error, CryptoxError) and error.suggested is not None:
                error.suggested.setdefault("call", f"live.{plan.kind}")
            self.end()
            raise
        hub = self._hub = plan.hub()
        hub.keep(self)
        for symbol in self._symbols:
            topic = self._topics[symbol] = hub.topic(plan, symbol)
            for queue in self._readers.queues():
                topic.subscribe(queue)
        if self._callbacks:
            self._begin_calling(hub)
        await self._carried(plan.patience_s)

    async def _carried(self, patience_s: float) -> None:
        """Wait until all topics carry and their history is there; not for ever."""
        ready = [topic.ready for topic in self._topics.values()]
        if ready:
            await asyncio.wait(ready, timeout=patience_s)
        for topic in self._topics.values():
            if topic.failure is not None:
                self.end()
                raise topic.failure

    def _leave(self) -> None:
        if self._stopped:
            return
        self._stopped = True
        self.owner = None
        if self._starting is not None and self._starting is not _current():
            self._starting.cancel()
        if self._hub is not None:
            self._hub.forget(self)
            for topic in self._topics.values():
                self._hub.release(topic, self._plan.session)

    def _let_go(self) -> None:
        self._is_let_go = True
        if self._hub is not None and self._worker is not None:
            self._begin_calling(self._hub)
            self._hub.let_go(self)

    def _begin_calling(self, hub: Hub) -> None:
        if self._worker is None:
            self._worker = Worker(self._plan.kind, QUEUE_EVENTS, hub.loop, self._plan.session)
            for topic in self._topics.values():
                topic.subscribe(self._worker.queue)
        if self._is_let_go:
            self._worker.callbacks, self._worker.holder = (), weakref.ref(self)
        else:
            self._worker.callbacks = list(self._callbacks)
            hub.hold(self)

    def _own_queue(self) -> Sequence[Queue]:
        return () if self._worker is None else (self._worker.queue,)

    def _over(self) -> ConfigurationError:
        said = "" if self._failure is None else f" {type(self._failure).__name__}: {self._failure}"
        return ConfigurationError(
            f"This feed has ended.{said}", recovery_suggestions=["Make another from session.live."]
        )


def _received(event: Event) -> int:
    return event.received_ns


def _current() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None
