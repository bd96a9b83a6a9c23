"""A desk and a server for stream tests: real sockets, in the loop of the test."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from websockets.asyncio.client import ClientConnection, connect

from cryptox.paper.clock import MarketClock
from cryptox.paper.seeded import SeededMarket
from cryptox.paper.sockets import Rules
from cryptox.paper.streams.hub import Hub, serve_stream

START = "2024-06-01 12:00"
START_MS = 1_717_243_200_000


class Watched:
    """A market that says which books it has shown."""

    def __init__(self, market: Any) -> None:
        self._market, self.listings, self.end_ms = market, market.listings, market.end_ms
        self.watchers: list[Callable[[str, int, Any], None]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._market, name)

    def levels(self, symbol: str, now_ms: int, limit: int) -> Any:
        book = self._market.levels(symbol, now_ms, limit)
        for watcher in self.watchers:
            watcher(symbol, limit, book)
        return book


class PlainDesk:
    """The market on a worker thread; no engine."""

    def __init__(self, market: Any, clock: Any = START) -> None:
        self.market = Watched(market)
        self.clock = MarketClock(clock, wall=time.time, monotonic=time.monotonic)
        self.listeners: list[Callable[[list[Any]], None]] = []
        self.passes = 0
        self._worker = ThreadPoolExecutor(1)

    async def run(self, job: Callable[[int], Any]) -> Any:
        self.passes += 1
        return await asyncio.get_running_loop().run_in_executor(self._worker, job, self.clock.now_us())

    def close(self) -> None:
        self._worker.shutdown()


@dataclass
class Place:
    """A running exchange end."""

    desk: PlainDesk
    hub: Hub
    port: int
    opened: list[ClientConnection] = field(default_factory=list)

    async def client(self, path: str, **arguments: Any) -> ClientConnection:
        arguments.setdefault("compression", None)
        arguments.setdefault("max_size", None)
        self.opened.append(await connect(f"ws://127.0.0.1:{self.port}{path}", **arguments))
        return self.opened[-1]

    def wants(self, stream: str) -> bool:
        """Whether anybody gets that stream."""
        topic = self.hub._topics.get(stream)
        return topic is not None and bool(topic.readers)

    async def until(self, condition: Callable[[], Any], within_s: float = 30.0) -> None:
        """Wait until something is so."""
        end = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < end, "it did not come about"
            await asyncio.sleep(0.005)


@asynccontextmanager
async def serving(market: Any, clock: Any = START, rules: Rules | None = None, **more: Any) -> AsyncIterator[Place]:
    """A hub behind a listening socket."""
    desk = PlainDesk(market, clock)
    hub = Hub(desk, rules, **more)

    async def answer(request: Any) -> Any:
        return await serve_stream(request, hub)

    server: Any = web.Server(answer, handler_cancellation=True, access_log=None, max_line_size=256 * 1024)
    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    place = Place(desk, hub, listening.sockets[0].getsockname()[1])
    try:
        yield place
    finally:
        for client in place.opened:
            await client.close()
        await place.hub.close()
        listening.close()
        await server.shutdown(0.2)
        desk.close()


@pytest.fixture
def place() -> Iterator[Callable[..., Any]]:
    """Opens exchange ends: ``async with place(market, clock) as there``."""
    return serving


@pytest.fixture(scope="session")
def market() -> SeededMarket:
    """The seeded market."""
    return SeededMarket(7)
