"""The hub: all topics of one address on one loop, the connections they share, and every task that serves them."""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
import os
import threading
import weakref
from collections.abc import Coroutine, Mapping
from logging import ERROR
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from cryptox import logs
from cryptox.transport.life import Address, Allowance, Habits
from cryptox.transport.messages import Answer
from cryptox.transport.proxies import Proxies, is_loopback
from cryptox.transport.socket import OnFrames, Socket, Terms
from cryptox.venues.port import LiveVenue, Request, Subject

from .candles import CandleTopic
from .executed import ExecutedTopic
from .kept import Carrier, Kept, Tap
from .localbook import BookTopic
from .newest import NewestTopic
from .topic import Topic

if TYPE_CHECKING:
    from cryptox.sessions.core import Core

    from .feed import AsyncFeed
    from .plan import Plan
    from .worker import Worker

__all__ = ["Hub", "hub_of", "streams_address"]

log = logs.logger("sessions.live")

T = TypeVar("T")

CAP_S, OFFLINE_CAP_S = 30.0, 5.0  # longest pauses before connecting again
STEADY_S = 5.0  # a connection that carried so long is followed by the next at once
SILENCE_S, PONG_S = 10.0, 5.0  # without a byte until a ping is sent; and until the connection is given up then

_TOPICS: dict[str, type[Topic]] = {
    "trades": ExecutedTopic,
    "agg_trades": ExecutedTopic,
    "klines": CandleTopic,
    "ticker": NewestTopic,
    "book_ticker": NewestTopic,
    "depth": NewestTopic,
    "book": BookTopic,
}


class Hub:
    """Lives on the loop it was made on, and ends with its last topic.

    Attributes
    ----------
    process
        The number of the process that it was made in: a forked child's copy hears nothing.
    taps
        Hear everything that comes on its connections.
    waits_for
        What somebody has to do before anything comes, in a line; None for nothing.
    """

    kinds: Mapping[str, type[Topic]] = _TOPICS
    waits_for: str | None = None

    def __init__(self, session: Core, url: str, loop: asyncio.AbstractEventLoop, address: Address) -> None:
        self.loop = loop
        self.process = os.getpid()
        self.is_closed = False
        venue: Any = session.venue
        self.venue: LiveVenue = venue
        self._url = url
        self._address = address
        self._proxies = Proxies(session.settings.proxy)
        self._terms = Terms(connect_s=session.settings.timeout, silence_s=SILENCE_S, pong_s=PONG_S)
        self._topics: dict[str, Topic] = {}
        self._kept: list[Carrier] = []
        self.taps: list[Tap] = []
        self._feeds: weakref.WeakSet[AsyncFeed] = weakref.WeakSet()
        self._held: set[AsyncFeed] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._tls: Any = None

    def topic(self, plan: Plan, symbol: str) -> Topic:
        """The topic of that name, made where there is none; give it back with ``release``."""
        name = plan.topic_name(symbol)
        topic = self._topics.get(name)
        if topic is None:
            topic = self._topics[name] = self.kinds[plan.kind](self, plan, symbol)
            topic.sessions.append(plan.session)
            self._line_for(topic.stream).add(topic.stream, topic)
        else:
            topic.sessions.append(plan.session)
            topic.want(plan.history)
        return topic

    def stream_of(self, subject: Subject) -> str:
        """The name of the stream that brings it."""
        return self.venue.stream_of(subject)

    def release(self, topic: Topic, session: Core) -> None:
        """A feed wants that topic no more."""
        if session in topic.sessions:
            topic.sessions.remove(session)
        if topic.sessions or self._topics.get(topic.name) is not topic:
            return
        del self._topics[topic.name]
        topic.end()
        for kept in self._kept:
            if topic in kept.streams.get(topic.stream, ()):
                kept.remove(topic.stream, topic)
                if not kept.streams:
                    self._kept.remove(kept)
                    kept.stop()
                break

    def abandon(self, topics: list[Topic], session: Core, worker: Worker | None) -> None:
        """A feed was collected, on whatever thread."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._release_all, topics, session, worker)
        elif worker is not None:
            worker.leave()

    def is_here(self) -> bool:
        """Whether this is its loop's own thread, while the loop runs."""
        try:
            return asyncio.get_running_loop() is self.loop
        except RuntimeError:
            return False

    def keep(self, feed: AsyncFeed) -> None:
        """Know a feed that runs."""
        self._feeds.add(feed)

    def hold(self, feed: AsyncFeed) -> None:
        """Let a feed with callbacks live until it is stopped."""
        self._held.add(feed)

    def let_go(self, feed: AsyncFeed) -> None:
        """Hold a feed no more, whatever callbacks it has."""
        self._held.discard(feed)

    def forget(self, feed: AsyncFeed) -> None:
        """It has ended."""
        self._feeds.discard(feed)
        self._held.discard(feed)

    @property
    def url(self) -> str:
        """Where its connections go; empty where it has none of its own."""
        return self._url

    def lines(self) -> list[tuple[Kept, list[Topic]]]:
        """Its kept connections, each with the topics it carries; from any thread."""
        topics = list(self._topics.values())
        kept = [one for one in list(self._kept) if isinstance(one, Kept)]
        return [(one, [topic for topic in topics if topic.stream in one.streams]) for one in kept]

    @property
    def silence_s(self) -> float:
        """Seconds without a byte until a connection is asked for a sign of life."""
        return self._terms.silence_s

    def heard_at(self, stream: str) -> float:
        """When the connection of a stream was heard last, in monotonic seconds."""
        return max((kept.heard_at() for kept in self._kept if stream in kept.streams), default=float("-inf"))

    @property
    def recorded_ms(self) -> int | None:
        """How far a replay has come, in recorded time; None for what is live."""
        return None

    def newest_sent_ms(self) -> int:
        """When the exchange sent the newest event of all, by its own clock; 0 where it did not say."""
        return max((topic.sent_ms or 0 for topic in self._topics.values()), default=0)

    def awaited(self) -> None:
        """Somebody waits for an event that has not come."""

    def tapped(self, request: Request[T], stream: str, limit: int) -> Request[T]:
        """A request for a snapshot whose answer the taps hear."""
        if not self.taps:
            return request

        def read(answer: Answer) -> T:
            for tap in self.taps:
                tap.answer(stream, limit, answer.body)
            return request.read(answer)

        return dataclasses.replace(request, read=read)

    def spawn(self, coroutine: Coroutine[Any, Any, None], *, name: str | None = None) -> asyncio.Task[None]:
        """A task of the hub: it ends with it, and what it fails of is told.

        It serves all who share what it brings, so its context is nobody's.
        """
        task = self.loop.create_task(coroutine, name=name or "cryptox-live", context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def idle(self) -> None:
        """Return when a hub without topics has closed its connections."""
        while self._tasks and not self._topics:
            await asyncio.wait(set(self._tasks))

    async def close(self) -> None:
        """End everything."""
        self.is_closed = True
        for topic in self._topics.values():
            topic.end()
        self._topics.clear()
        kept, self._kept = self._kept, []
        for one in kept:
            one.stop()
        await self.idle()

    def _line_for(self, stream: str) -> Carrier:
        """The connection that carries a stream already, or has room for it, or a new one."""
        for kept in self._kept:
            if stream in kept.streams:
                return kept
        most = self.venue.stream_limits.streams
        for kept in self._kept:
            if len(kept.streams) < most:
                return kept
        habits = Habits(
            connection_life=self.venue.stream_limits.life_s,
            cap_s=CAP_S,
            offline_cap_s=min(OFFLINE_CAP_S, CAP_S),
            steady_s=STEADY_S,
        )
        kept = Kept(self.venue, self._connect, self._address, habits, self.spawn, self.taps, self._orphaned, self)
        self._kept.append(kept)
        return kept

    async def _connect(self, on_frames: OnFrames) -> Socket:
        if self._tls is None and self._url.startswith("wss"):
            from cryptox.transport.tls import trusted_soon

            self._tls = await trusted_soon()
        return await Socket.connect(
            self._url, on_frames=on_frames, terms=self._terms, proxies=self._proxies, tls=self._tls
        )

    def _release_all(self, topics: list[Topic], session: Core, worker: Worker | None) -> None:
        if worker is not None:
            worker.close()
        for topic in topics:
            self.release(topic, session)

    def _orphaned(self) -> None:
        """The loop ends."""
        for feed in list(self._feeds):
            feed.end()

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            told = f"{type(error).__name__}: {error}"
            logs.event(log, "stream.failed", level=ERROR, task=task.get_name(), error=told)
            self.loop.call_exception_handler({"message": "A task of a live feed failed.", "exception": error})


class _Book:
    """All hubs of the process by loop, address and proxy, and what belongs to an address alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # A hub refers to its loop, so it must not be held from here: its feeds and tasks hold it.
        self._hubs: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.WeakValueDictionary[str, Hub]] = (
            weakref.WeakKeyDictionary()
        )
        self._local: weakref.WeakValueDictionary[str, Address] = weakref.WeakValueDictionary()
        self._remote: dict[str, Address] = {}

    def get(self, session: Core) -> Hub:
        loop = asyncio.get_running_loop()
        venue = session._part("streams_url", "streams")
        url = venue.streams_url()
        with self._lock:
            hubs = self._hubs.setdefault(loop, weakref.WeakValueDictionary())
            way = f"{url} by {session.settings.proxy}"
            hub = hubs.get(way)
            if hub is None or hub.is_closed:
                hub = hubs[way] = Hub(session, url, loop, self._address(url, venue.stream_limits.connects))
            return hub

    def address(self, session: Core, url: str) -> Address:
        """What all connections to that address share."""
        venue: Any = session.venue
        with self._lock:
            return self._address(url, venue.stream_limits.connects)

    def _address(self, url: str, connects: tuple[int, float]) -> Address:
        known: Any = self._local if is_loopback(urlsplit(url).hostname or "") else self._remote
        address: Address | None = known.get(url)
        if address is None:
            address = known[url] = Address(Allowance(*connects))
        return address


_book = _Book()


def hub_of(session: Core) -> Hub:
    """The hub of the session's streams on the running loop."""
    return _book.get(session)


def streams_address(session: Core, url: str) -> Address:
    """What all connections to that address of streams share."""
    return _book.address(session, url)
