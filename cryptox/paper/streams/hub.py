"""Which connection wants which stream, and the way of every event from the sources to the clients.

The sources are asked on the desk's worker, in one job for all streams (``pump`` says when). What they tell is written
once for each form that a client wants, and all that one pass has for a client goes out in one write. A client that
does not read is cut off when too much waits for it (``sockets.MOST_WAITING``); nothing is dropped before that.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol, TypeVar

from cryptox.paper.clock import JUMP_US, MarketClock
from cryptox.paper.floods import Floods
from cryptox.paper.market import Levels, Market
from cryptox.paper.refusals import TOO_MANY_QUEUED, Refused
from cryptox.paper.sockets import INTERNAL, TEXT, Connects, Lines, Rules, frame
from cryptox.venues.binance.codes import Code
from cryptox.venues.binance.headers import API_KEY

from .binary import messages
from .connection import Connection
from .look import Span
from .messages import Message, Name, SbeName, plain
from .opening import SBE_PATH, is_stream_path, read_opening
from .pump import LEAST_S, TICK_US, Pump
from .sources import Sources, is_served

__all__ = ["Desk", "Hub", "Tamper", "WatchedMarket", "serve_stream"]

T = TypeVar("T")
SBE_TICK_US = 20_000  # the speed of the fastest SBE stream
BAD_REQUEST, TOO_MANY_REQUESTS, NOT_FOUND = 400, 429, 404


class WatchedMarket(Market, Protocol):
    """A market that says which books it has shown."""

    watchers: list[Callable[[str, int, Levels], None]]  # symbol, how many levels were asked for, the book


class Desk(Protocol):
    """Where the market is touched."""

    @property
    def market(self) -> WatchedMarket:
        """The market that everybody sees."""

    @property
    def clock(self) -> MarketClock:
        """Market time."""

    @property
    def listeners(self) -> list[Callable[[list[Any]], None]]:
        """Called on the loop after users have done something."""

    async def run(self, job: Callable[[int], T]) -> T:
        """What ``job`` returns, called with market time in microseconds."""


class Tamper(Protocol):
    """Comes between the exchange and its clients, for faults."""

    def outgoing(self, connection: Connection, stream: str | None, payload: bytes) -> Iterable[bytes]:
        """What is sent instead of ``payload``: nothing, it, something else, or several.

        ``stream`` is None for answers to control messages. What is held back is sent later with ``connection.push``;
        ``connection.line`` can be frozen, thawed and cut.
        """


@dataclass(slots=True)
class _Topic:
    """A stream that somebody has subscribed to. ``number`` tells this time from an earlier one."""

    number: int
    is_served: bool
    joining: int = 0
    readers: dict[Connection, None] = field(default_factory=dict)


class Hub:
    """The market streams of an exchange. Lives on the server's loop; made and closed there.

    Parameters
    ----------
    desk
        Market, clock, and the worker for all that touches them.
    rules
        Pings and life of connections.
    connects
        Counts of connection attempts by address; to share them with other sockets.
    floods
        Bans addresses that say too much again and again; None for no bans.
    tamper
        Comes between the exchange and its clients; None for nothing.
    """

    def __init__(
        self,
        desk: Desk,
        rules: Rules | None = None,
        *,
        connects: Connects | None = None,
        floods: Floods | None = None,
        tamper: Tamper | None = None,
    ) -> None:
        self.desk, self.rules, self.tamper = desk, rules or Rules(), tamper
        self.connects, self.lines, self.floods = connects or Connects(), Lines(), floods
        self.connections: dict[Connection, None] = {}
        self._topics: dict[Name, _Topic] = {}
        self._numbers = count()
        self._held = 0
        self._sources = Sources(desk.market)
        self._pump = Pump(desk.clock, self._pass, self._is_needed, self._tick_us)
        self._task: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        desk.market.watchers.append(self._sources.note)
        desk.clock.watchers.append(self._clock_moved)
        desk.listeners.append(self._something_happened)

    def poke(self) -> None:
        """Users have done something: look at the streams at once."""
        self._pump.poke()

    async def close(self) -> None:
        """Send ``serverShutdown``, close all connections, and look at the market no more."""
        self.desk.clock.watchers.remove(self._clock_moved)
        self.desk.market.watchers.remove(self._sources.note)
        if self._something_happened in self.desk.listeners:
            self.desk.listeners.remove(self._something_happened)
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        await self.lines.close()

    def now_us(self) -> int:
        """Market time in microseconds."""
        return self.desk.clock.now_us()

    async def serve(self, connection: Connection) -> None:
        """Serve a connection from the handshake to its end."""
        self.connections[connection] = None
        self.lines.add(connection.line)
        try:
            await connection.serve()
        finally:
            self.lines.remove(connection.line)
            del self.connections[connection]
            self.unsubscribe(connection, list(connection.streams))

    async def subscribe(self, connection: Connection, names: Iterable[str]) -> None:
        """Send these streams to a connection from now on; returns when their first moment has been looked at."""
        topics = {}
        for name in names:
            if name not in connection.streams:
                connection.streams[name] = None
                topics[name] = self._topic(connection.name(name))
                topics[name].joining += 1
        try:
            if any(topic.is_served for topic in topics.values()) and not self._held:
                await self._passed()
            for name, topic in topics.items():
                if name in connection.streams:
                    topic.readers[connection] = None
        finally:
            for name, topic in topics.items():
                topic.joining -= 1
                self._forget(connection.name(name))

    def unsubscribe(self, connection: Connection, names: Iterable[str]) -> None:
        """Send these streams to a connection no longer."""
        for name in names:
            connection.streams.pop(name, None)
            meant = connection.name(name)
            if meant in self._topics:
                self._topics[meant].readers.pop(connection, None)
                self._forget(meant)

    def publish(self, messages: Iterable[Message]) -> int:
        """Send messages to whoever has subscribed to their streams, in this order; how many anybody wanted."""
        wanted, waiting = 0, {}  # type: int, dict[Connection, list[bytes]]
        for message in messages:
            topic = self._topics.get(message.stream)
            if topic is None or not topic.readers:
                continue
            wanted += 1
            for connection in topic.readers:
                frames = waiting.get(connection)
                if frames is None:
                    frames = waiting[connection] = []
                if self.tamper is None and connection.line.tamper is None:
                    frames.append(message.frame(connection.form))
                else:
                    frames += self.outgoing(connection, plain(message.stream), message.payload(connection.form))
        for connection, frames in waiting.items():
            if frames:
                connection.line.write(b"".join(frames))
        return wanted

    def answer(self, connection: Connection, payload: bytes) -> None:
        """Send a client the answer to what it said."""
        for one in self.outgoing(connection, None, payload):
            connection.line.write(one)

    def flooded(self, connection: Connection) -> None:
        """A client has said too much and is being closed; if that happens too often, its address is banned."""
        address = connection.line.address
        if self.floods is not None and self.floods.note(address, time.time()):
            self.lines.ban(address)

    def outgoing(self, connection: Connection, stream: str | None, payload: bytes) -> list[bytes]:
        """The frames that go out for a message, after the tampers of hub and line."""
        payloads: Iterable[bytes] = (payload,)
        if self.tamper is not None:
            payloads = self.tamper.outgoing(connection, stream, payload)
        change = connection.line.tamper
        if change is not None:
            payloads = [changed for one in payloads for changed in change(one)]
        opcode = TEXT if stream is None else connection.line.data
        return [frame(one, opcode) for one in payloads]

    async def drain(self) -> None:
        """Wait until every client has caught up."""
        for connection in tuple(self.connections):
            await connection.line.drain()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nothing of the market is sent meanwhile; afterwards the streams begin anew from where the market is."""
        self._held += 1
        self.poke()
        try:
            yield
        finally:
            self._held -= 1
            for topic in self._topics.values():
                topic.number = next(self._numbers)
            self.poke()

    def _topic(self, name: Name) -> _Topic:
        topic = self._topics.get(name)
        if topic is None:
            topic = self._topics[name] = _Topic(next(self._numbers), is_served(name, self.desk.market))
        return topic

    def _forget(self, name: Name) -> None:
        topic = self._topics.get(name)
        if topic is not None and not topic.readers and not topic.joining:
            del self._topics[name]
            if not self._is_needed():
                self.poke()

    def _is_needed(self) -> bool:
        return not self._held and any(topic.is_served for topic in self._topics.values())

    def _tick_us(self) -> int:
        is_fast = any(topic.is_served and isinstance(name, SbeName) for name, topic in self._topics.items())
        return SBE_TICK_US if is_fast else TICK_US

    async def _passed(self) -> None:
        if self._task is None or self._task.done():
            self._task = self._loop.create_task(self._pump.run(), name="cryptox-paper-streams")
            self._task.add_done_callback(self._ended)
        await self._pump.passed()

    async def _pass(self) -> None:
        """One look at all streams that are wanted, and what it brought sent."""
        if not self._is_needed():
            if len(self._sources):
                await self.desk.run(lambda _now_us: self._sources.clear())
            return
        wanted = {name: topic.number for name, topic in self._topics.items() if topic.is_served}
        still = self.desk.clock.speed == 0

        def collect(now_us: int) -> list[Message]:
            return list(messages(self._sources.collect(now_us, wanted, still=still, jumps=self._jumps), now_us))

        try:
            told = await self.desk.run(collect)
        except Refused:  # it is tried again at the next tick
            return
        if not self._held:
            self.publish(told)

    def _jumps(self, since_us: int, until_us: int) -> list[Span]:
        """The long steps of market time; all of it where it runs so fast that every look is one."""
        if self.desk.clock.speed * LEAST_S * 1e6 > JUMP_US:
            return [(since_us, until_us)]
        return self.desk.clock.jumps(since_us, until_us)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """The pump has stopped: on an error nobody may go on waiting for streams that have fallen silent."""
        if self._task is not task or not (task.cancelled() or task.exception()):  # closed
            return
        if not task.cancelled():
            context = {"message": "The market streams failed.", "exception": task.exception(), "task": task}
            self._loop.call_exception_handler(context)
        self._sources.clear()
        for connection in self.connections:
            connection.line.end(INTERNAL, "Internal error")

    def _clock_moved(self) -> None:
        with suppress(RuntimeError):  # the server has stopped
            self._loop.call_soon_threadsafe(self._pump.poke)

    def _something_happened(self, reports: list[Any]) -> None:  # noqa: ARG002 - the form of a desk's listeners
        self._pump.poke()


async def serve_stream(request: Any, hub: Hub, admit: Callable[[str | None], object] | None = None) -> Any:
    """Serve one request to ``/ws`` or ``/stream``: the WebSocket, once it has ended, or the answer that refuses it.

    With ``admit`` it is one to the SBE streams, at the same paths below ``/sbe``; it is called with the API key that
    the request shows, and raises ``Refused`` for one that may not.
    """
    from aiohttp import web

    target = request.raw_path if admit is None else request.raw_path.removeprefix(SBE_PATH)
    if not is_stream_path(target):
        return web.Response(status=NOT_FOUND)
    try:
        opening = read_opening(target)
        if not web.WebSocketResponse().can_prepare(request):
            return web.Response(status=BAD_REQUEST, text="This address takes WebSocket connections.\n")
        address, now = request.remote or "", time.time()
        if hub.floods is not None:
            hub.floods.check(address, now)
        wait = hub.connects.admit(address, now)
        if wait is not None:
            raise Refused(Code.TOO_MANY_REQUESTS, text=TOO_MANY_QUEUED, status=TOO_MANY_REQUESTS, retry_after=wait)
        if admit is not None:
            admit(request.headers.get(API_KEY))
    except Refused as refused:
        headers = {} if refused.retry_after is None else {"Retry-After": str(refused.retry_after)}
        body = json.dumps({"code": int(refused.code), "msg": refused.text})
        return web.Response(status=refused.status, text=body, content_type="application/json", headers=headers)
    connection = Connection(hub, request, opening, sbe=admit is not None)
    await hub.serve(connection)
    return connection.line.response
