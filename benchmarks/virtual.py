"""A paper exchange in this process, without sockets, on a time that jumps to the next thing that is due.

Hours of waiting so cost nothing: the event loop never sleeps, and ``time.monotonic`` and ``time.time`` are the same
virtual clock. What a network does (requests lost, late, answers cut) is done by ``Wire``, which takes the place of the
HTTP client; what an exchange does is done by the paper exchange's own handler and its own faults.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

from multidict import CIMultiDict

import cryptox as cx
from cryptox.errors import ExchangeError, NetworkError, NotSent
from cryptox.paper.faults import Faults
from cryptox.paper.server import Handler
from cryptox.sessions import line
from cryptox.transport.body import BrokenBodyError, Collector, TooLargeError
from cryptox.transport.caller import Caller
from cryptox.transport.gate import Gate
from cryptox.transport.messages import Answer, Outgoing
from cryptox.transport.stops import Stops

__all__ = ["Clock", "Fate", "Wire", "run", "virtual_time"]

EPOCH_S = 1_750_000_000.0
CLOCKED = (Caller.__init__, Gate.__init__, Stops.__init__, Faults.__init__)  # their defaults hold the real clocks

inside_s: ContextVar[float] = ContextVar("inside_s", default=0.0)


class Clock:
    """Virtual seconds."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return EPOCH_S + self.now


class _Idle(selectors.SelectSelector):
    """Instead of waiting it lets the clock jump."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("nothing will ever happen again")
            self._clock.now += max(0.0, timeout)
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, clock: Clock) -> None:
        super().__init__(_Idle(clock))
        self._virtual = clock

    def time(self) -> float:
        return self._virtual.now


@contextmanager
def virtual_time(clock: Clock) -> Iterator[None]:
    """All that asks for the time gets the virtual one. The one place where anything is patched for it."""
    real = {time.monotonic: clock.monotonic, time.time: clock.wall}
    with ExitStack() as stack:
        for function in CLOCKED:
            named = {name: real.get(value, value) for name, value in (function.__kwdefaults__ or {}).items()}
            placed = tuple(real.get(value, value) for value in function.__defaults__ or ())
            stack.enter_context(patch.object(function, "__kwdefaults__", named))
            stack.enter_context(patch.object(function, "__defaults__", placed))
        stack.enter_context(patch.object(time, "monotonic", clock.monotonic))
        stack.enter_context(patch.object(time, "time", clock.wall))
        stack.enter_context(patch.object(time, "time_ns", lambda: int(clock.wall() * 1e9)))
        yield


def run(main: Callable[[Clock], Awaitable[Any]]) -> Any:
    """What it returns, on virtual time from its first to its last step."""
    clock = Clock()
    with virtual_time(clock), asyncio.Runner(loop_factory=lambda: _Loop(clock)) as runner:
        return runner.run(_awaited(main, clock))


async def _awaited(main: Callable[[Clock], Awaitable[Any]], clock: Clock) -> Any:
    return await main(clock)


@dataclass(frozen=True)
class Fate:
    """What becomes of one request on its way, beyond what the exchange's own faults do to it. Times in seconds."""

    refused: bool = False  # no connection
    lost: bool = False  # never arrives
    before_s: float = 0.0
    inside_s: float = 0.0  # inside the exchange, after its last look at the request's time
    after_s: float = 0.0
    unanswered: bool = False
    reset_s: float | None = None  # the connection breaks so long after sending
    fault: dict[str, Any] | None = None  # of the paper exchange, for this request alone


class _Broken(Exception):
    """The connection ended before the answer did."""


class _Handler(Handler):
    """The exchange's own, with faults that need a socket as the client would see them."""

    async def _faulty(self, request: Any, reply: Any, fault: Any) -> Any:  # noqa: ARG002  # the handler's form
        if fault.kind == "drop":
            await asyncio.get_running_loop().create_future()
        if fault.kind == "reset" or (fault.kind == "truncate" and fault.settings["how"] == "length"):
            raise ConnectionResetError
        return self._whole(reply)


class _Desk:
    """The desk without its thread; a request may be held up before the engine has it."""

    def __init__(self, state: Any) -> None:
        self._desk, self._answers, self._clock = state.desk, state.answers, state.clock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._desk, name)

    async def run(self, job: Callable[[int], Any]) -> Any:
        held_s, looked_us = inside_s.get(), self._clock.now_us()
        if held_s:
            await asyncio.sleep(held_s)
        with patch.object(self._answers, "_server_us", lambda: looked_us):
            return self._desk.call(job)


class Wire:
    """In the place of the HTTP client: hands requests to the exchange, as late and as broken as ``fate`` says."""

    def __init__(self, exchange: cx.PaperExchange, fate: Callable[[Outgoing, Any], Fate]) -> None:
        state = exchange._state
        self._faults, self.fate = exchange.faults, fate
        self.desk: Any = _Desk(state)
        self._handler = _Handler(state.answers, state.clock, exchange.faults, exchange.requests, desk=self.desk)
        self._under_way: set[asyncio.Future[Any]] = set()

    @contextmanager
    def laid(self) -> Iterator[None]:
        """Sessions made within go over this wire."""
        with patch.object(line, "Http", lambda **_: _Client(self)):
            yield

    async def send(self, outgoing: Outgoing, deadline_s: float, client: Any) -> Answer:
        """As ``Http.send``."""
        if outgoing.sign is not None:
            outgoing = outgoing.sign(outgoing)
        fate, began = self.fate(outgoing, client), time.monotonic()
        if fate.refused:
            await asyncio.sleep(0.001)
            raise NotSent("No connection could be made.", context={"sent": False})
        answer = asyncio.ensure_future(self._carry(outgoing, fate))  # goes on when nobody waits any more
        self._under_way.add(answer)
        answer.add_done_callback(self._arrived)
        limit_s = deadline_s if fate.reset_s is None else min(deadline_s, fate.reset_s)
        try:
            async with asyncio.timeout(limit_s):
                reply = await asyncio.shield(answer)
            collector = Collector(reply.headers.get("content-encoding", ""))
            collector.feed(reply.body)
            return Answer(reply.status, reply.headers, collector.whole(), began, time.monotonic())
        except TooLargeError as error:
            raise ExchangeError(f"The answer is too large: {error}.", context={"sent": True}) from None
        except (OSError, BrokenBodyError, _Broken) as error:
            raise NetworkError(f"It broke: {type(error).__name__}.", context={"sent": True}) from None

    async def _carry(self, outgoing: Outgoing, fate: Fate) -> SimpleNamespace:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(0.002 + fate.before_s)
        if fate.lost:
            await loop.create_future()
        inside_s.set(fate.inside_s)
        if fate.fault is not None:
            settings = dict(fate.fault)
            fault = self._faults.add(settings.pop("kind"), times=1, **settings)
            try:
                response = await self._handler._answered(_request(outgoing))
            finally:
                self._faults.remove(fault)
        else:
            response = await self._handler._answered(_request(outgoing))
        if fate.unanswered:
            await loop.create_future()
        await asyncio.sleep(0.002 + fate.after_s)
        headers = {name.lower(): value for name, value in response.headers.items()}
        return SimpleNamespace(status=response.status, headers=headers, body=response.body or b"")

    def _arrived(self, answer: asyncio.Future[Any]) -> None:
        self._under_way.discard(answer)
        if not answer.cancelled():
            answer.exception()


class _Client:
    """One connection pool."""

    def __init__(self, wire: Wire) -> None:
        self._wire, self._closed = wire, False

    async def send(self, outgoing: Outgoing, *, deadline_s: float) -> Answer:
        if self._closed:
            raise NotSent("The connection pool is closed; nothing was sent.", retryable=False)
        return await self._wire.send(outgoing, deadline_s, self)

    async def aclose(self) -> None:
        self._closed = True


def _request(outgoing: Outgoing) -> Any:
    """What aiohttp's server would hand over."""
    from yarl import URL

    url = urlsplit(outgoing.url)
    path = url.path + (f"?{url.query}" if url.query else "")

    async def read() -> bytes:
        return outgoing.body

    return SimpleNamespace(
        method=outgoing.method,
        path=url.path,
        raw_path=path,
        headers=CIMultiDict({**outgoing.headers, "Accept-Encoding": "identity"}),
        query=URL(outgoing.url, encoded=True).query,
        remote="127.0.0.1",
        can_read_body=bool(outgoing.body),
        read=read,
        transport=None,
    )
