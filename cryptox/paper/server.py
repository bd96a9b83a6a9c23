"""The paper exchange on a socket: a thread and an event loop of its own, HTTP in, answers and faults out."""

from __future__ import annotations

import asyncio
import errno
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from cryptox.errors import ConfigurationError
from cryptox.venues.binance import endpoints as ep
from cryptox.venues.binance.codes import Code
from cryptox.venues.binance.headers import PAPER_CLOCK

from .answers import Answers, Asked, Done, Reply
from .clock import MarketClock
from .encodings import JSON_TYPE, refusal_body
from .faults import Fault, Faults, Seen
from .forks import let_go
from .pages import Page
from .refusals import Refused
from .requests import Logged, RequestLog
from .sockets import reset
from .spoiled import spoil
from .waiting import not_running, result_of

__all__ = ["Handler", "Server"]

UNEXPECTED = 500  # status
STOP_S = 5.0
START_S = 30.0
MOST_LINE = 256 * 1024  # bytes of a request line: lists of symbols are long
_SPOILERS = ("status", "limit", "body", "truncate")


T = TypeVar("T")


class Runs(Protocol):
    """Where market and engine are asked."""

    async def run(self, job: Callable[[int], T]) -> T:
        """What ``job`` returns, called with market time in microseconds."""


class Handler:
    """Answers one HTTP request after another; lives on the server's loop.

    Parameters
    ----------
    answers, clock, faults, log
        The desk, market time, the faults in force, and where requests are written down.
    latency
        Seconds from a request's arrival to its answer; the market is looked at half-way.
    desk
        Where market and engine are asked.
    """

    def __init__(
        self,
        answers: Answers,
        clock: MarketClock,
        faults: Faults,
        log: RequestLog,
        *,
        desk: Runs,
        latency: float = 0.0,
    ) -> None:
        from aiohttp import web

        self._response = web.Response
        self._stream = web.StreamResponse
        self._answers, self._clock, self._faults, self._log = answers, clock, faults, log
        self._latency = latency
        self._desk = desk

    async def __call__(self, request: Any) -> Any:
        """The answer to a request, as late and as broken as the faults in force want it."""
        from aiohttp import web

        try:
            return await self._answered(request)
        except (ConnectionError, web.HTTPException):  # the client is gone, or sent what is no request
            raise
        except Exception as error:  # noqa: BLE001 - whoever asked is owed an answer; the error goes to the loop
            body = refusal_body(_unexpected(error, request.method, request.path), sbe=False)
            return self._response(status=UNEXPECTED, body=body, headers={"Content-Type": JSON_TYPE})

    async def _answered(self, request: Any) -> Any:
        arrived = time.time()
        path, _, query = request.raw_path.partition("?")
        headers = request.headers
        body = await request.read() if request.can_read_body else b""
        asked = self._answers.receive(
            request.method, path, query, headers, request.remote or "", body, self._clock.now_us()
        )
        struck: list[Fault] = []
        if len(self._faults):
            struck = self._faults.struck(Seen(request.method, path, request.query, headers), arrived)
        delay = self._latency + sum(fault.delay() for fault in struck if fault.kind == "latency")
        if delay:
            await asyncio.sleep(delay / 2)
        now = time.time()
        reply, used = self._answers.admit(asked, now)
        weight = asked.weight
        if reply is None and not all(fault.accepts for fault in struck):
            reply = Reply(200, b"")  # never worked on; the fault says what is answered
        elif reply is None:
            if any(fault.kind == "repeat" for fault in struck):
                await self._made(asked, path, struck)
            made = await self._made(asked, path, struck)
            reply = self._answers.finish(asked, made)
            if asked.passed is not None and asked.found is not None:
                now = time.time()
                weight = self._answers.settle(asked.address, asked.found[0], weight, made, now)
                used = self._answers.used(asked.address, now)
        reply.headers.update(used)
        spoiler = next((fault for fault in struck if fault.kind in _SPOILERS), None)
        if spoiler is not None:
            reply = spoil(spoiler, reply, now)
        if self._clock.header is not None:
            reply.headers[PAPER_CLOCK] = self._clock.header
        if delay:
            await asyncio.sleep(delay / 2)
        cut = next((fault for fault in struck if fault.kind in ("drop", "reset")), spoiler)
        sent = 0 if cut is not None and cut.kind in ("drop", "reset") else reply.status
        kind = cut.kind if cut is not None else struck[0].kind if struck else None
        self._log.add(Logged(request.method, path, query, sent, arrived, weight, kind))
        if cut is None:
            return self._whole(reply)
        return await self._faulty(request, reply, cut)

    async def _made(self, asked: Asked, path: str, struck: list[Fault]) -> Page | Done | Refused:
        """What must be worked out: beside the loop, so that others are served meanwhile."""
        try:
            if asked.is_light:
                return self._answers.work(asked, self._market_us(path, struck))
            return await self._desk.run(lambda now_us: self._answers.work(asked, now_us, time.time()))
        except Refused as refused:
            return refused
        except Exception as error:  # noqa: BLE001 - whoever asked is owed an answer; the error goes to the loop
            return _unexpected(error, "", path)

    def _market_us(self, path: str, struck: list[Fault]) -> int:
        now_us = self._clock.now_us()
        if path != ep.TIME.path:
            return now_us
        return now_us + sum(int(fault.settings["seconds"] * 1e6) for fault in struck if fault.kind == "skew")

    def _whole(self, reply: Reply) -> Any:
        reply.headers["Content-Type"] = reply.content_type
        return self._response(status=reply.status, body=reply.body, headers=reply.headers)

    async def _faulty(self, request: Any, reply: Reply, fault: Fault) -> Any:
        if fault.kind == "drop":
            await asyncio.Event().wait()  # until the client goes, or the server stops
        if fault.kind == "reset":
            if fault.settings["at"] == "body":
                await self._half(request, reply)
            reset(request.transport)
            return self._response()
        if fault.kind == "truncate" and fault.settings["how"] == "length":
            answer = await self._half(request, reply)
            request.transport.close()
            return answer
        return self._whole(reply)

    async def _half(self, request: Any, reply: Reply) -> Any:
        """Send the head with the whole length, and half of the body."""
        reply.headers["Content-Type"] = reply.content_type
        answer = self._stream(status=reply.status, headers=reply.headers)
        answer.content_length = max(len(reply.body), 2)
        await answer.prepare(request)
        await answer.write(reply.body[: len(reply.body) // 2] or b"[")
        await asyncio.sleep(0.02)  # time for the half to reach the client before the connection breaks
        return answer


def _unexpected(error: Exception, method: str, path: str) -> Refused:
    told = {"message": f"{method} {path} failed".lstrip(), "exception": error}
    asyncio.get_running_loop().call_exception_handler(told)
    return Refused(Code.UNKNOWN, status=UNEXPECTED)


class Served(Protocol):
    """Takes all requests of a server; made on its loop."""

    async def __call__(self, request: Any) -> Any:
        """The answer."""

    async def close(self) -> None:
        """Close the sockets: the server ends."""

    def end(self) -> None:
        """All requests are over."""


class Server:
    """A listening socket on a daemon thread. ``start`` and ``stop`` may be called again and again."""

    def __init__(self, front: Callable[[], Served], host: str, port: int) -> None:
        self._front, self._host, self._wanted_port = front, host, port
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing: asyncio.Event | None = None
        self._http: Any = None
        self._listening: asyncio.Server | None = None
        self._errors: list[Exception] = []
        self.port = 0

    @property
    def running(self) -> bool:
        """Whether it listens."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Listen; returns when connections are taken.

        Raises
        ------
        ConfigurationError : the address cannot be bound.
        """
        with self._lock:
            if self.running:
                return
            ready = threading.Event()
            self._errors.clear()
            self._thread = threading.Thread(target=self._run, args=(ready,), name="cryptox-paper", daemon=True)
            self._thread.start()
            if not ready.wait(START_S):
                raise ConfigurationError(f"The paper exchange did not start within {START_S:g} seconds.")
            if self._errors:
                self._thread.join(STOP_S)
                self._thread = self._loop = self._closing = None
                error = self._errors[0]
                if not isinstance(error, OSError | UnicodeError):  # of an address, or of a name that is none
                    raise ConfigurationError(f"The paper exchange did not start: {error!r}.") from error
                where = f"{self._host}:{self._wanted_port}".encode("ascii", "backslashreplace").decode()
                taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
                raise ConfigurationError(
                    f"The paper exchange cannot listen on {where}: {'the port is in use' if taken else error}.",
                    recovery_suggestions=["Choose another port, or port=0 for any free one."],
                ) from error

    def stop(self) -> None:
        """Close all connections and end the thread, within a few seconds."""
        with self._lock:
            thread, loop, closing = self._thread, self._loop, self._closing
            if thread is None:
                return
            if loop is not None and closing is not None and thread.is_alive():
                with suppress(RuntimeError):  # the loop has ended, and the thread is about to
                    loop.call_soon_threadsafe(closing.set)
            thread.join(STOP_S)
            self._thread = self._loop = self._closing = None

    def forked(self) -> None:
        """In a forked child: thread and sockets are the parent's, and nothing here reaches them any more."""
        loop, sockets = self._loop, [one.get_extra_info("socket") for one in self.transports()]
        if self._listening is not None:
            sockets += self._listening.sockets
        self._lock, self._errors = threading.Lock(), []
        self._thread = self._loop = self._closing = self._http = self._listening = None
        if loop is not None:
            let_go([*_descriptors(loop), *(one.fileno() for one in sockets if one is not None)])

    def transports(self) -> list[Any]:
        """The open connections, those of WebSockets among them; to be called on the server's loop."""
        return [one.transport for one in self._http.connections if one.transport is not None] if self._http else []

    def call(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What a coroutine returns that runs on the server's loop; not to be called there.

        Raises
        ------
        ConfigurationError : it does not run, or not to the end.
        """
        loop, working = self._loop, work()
        try:
            if loop is None:
                raise not_running()
            future = asyncio.run_coroutine_threadsafe(working, loop)
        except (RuntimeError, ConfigurationError) as error:
            working.close()
            raise not_running() from error
        return result_of(future, loop)

    def _run(self, ready: threading.Event) -> None:
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(self._serve(ready))
        except Exception as error:  # whoever waits for the start is told what went wrong
            if ready.is_set():
                raise
            self._errors.append(error)
        finally:
            try:
                loop.run_until_complete(_end_tasks())
            finally:
                loop.close()
                ready.set()

    async def _serve(self, ready: threading.Event) -> None:
        from aiohttp import web

        self._loop = asyncio.get_running_loop()
        self._closing = asyncio.Event()
        front = self._front()
        server: Any = web.Server(
            front.__call__,
            handler_cancellation=True,
            access_log=None,
            keepalive_timeout=3_600.0,
            max_line_size=MOST_LINE,
        )
        self._http = server
        try:
            listening = await self._loop.create_server(server, self._host, self._wanted_port, backlog=1_024)
            self._listening = listening
            self.port = listening.sockets[0].getsockname()[1]
            ready.set()
            await self._closing.wait()
            await _refuse(listening)
        finally:
            await front.close()
            left = self.transports()
            server.pre_shutdown()  # idle connections go at once; the others have a moment
            await server.shutdown(0.2)
            for transport in left:  # also where a client reads no more
                transport.abort()
            front.end()


def _descriptors(loop: asyncio.AbstractEventLoop) -> list[int]:
    """What a loop itself has open, and what it watches, as far as it is one of asyncio's own on Unix."""
    selector, waker = getattr(loop, "_selector", None), getattr(loop, "_csock", None)
    if selector is None or waker is None:
        return []
    return [selector.fileno(), waker.fileno(), *(key.fd for key in list(selector.get_map().values()))]


async def _refuse(listening: asyncio.Server) -> None:
    """Accept no more connections. One that was accepted just now would be lost open by a server that has closed."""
    for one in listening.sockets:
        with suppress(NotImplementedError):  # loops of Windows
            asyncio.get_running_loop().remove_reader(one.fileno())
    await _turns()
    listening.close()


async def _end_tasks() -> None:
    """End what is still at work: whoever waits for it must not wait for ever."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=STOP_S / 2)
    await _turns()  # what is called when they are done


async def _turns() -> None:
    """Let the loop go round often enough that what has begun at a socket is known: accepted, told, lost."""
    for _ in range(4):
        await asyncio.sleep(0)
