"""The paper exchange on a socket: a thread and an event loop of its own, HTTP in, answers and faults out."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from cryptox.errors import ConfigurationError
from cryptox.venues.binance import endpoints as ep
from cryptox.venues.binance.headers import PAPER_CLOCK

from .answers import Answers, Asked, Reply
from .clock import MarketClock
from .faults import Fault, Faults, Seen
from .requests import Logged, RequestLog
from .spoiled import spoil

__all__ = ["Handler", "Server"]

STOP_S = 5.0
START_S = 30.0
MOST_LINE = 256 * 1024  # bytes of a request line: lists of symbols are long
SOCKET_PATHS = ("/ws", "/stream", "/ws-api")
_SPOILERS = ("status", "limit", "body", "truncate")
_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class Handler:
    """Answers one HTTP request after another; lives on the server's loop.

    Parameters
    ----------
    answers, clock, faults, log
        The desk, market time, the faults in force, and where requests are written down.
    latency
        Seconds from a request's arrival to its answer; the market is looked at half-way.
    """

    def __init__(
        self, answers: Answers, clock: MarketClock, faults: Faults, log: RequestLog, *, latency: float = 0.0
    ) -> None:
        from aiohttp import web

        self._response = web.Response
        self._stream = web.StreamResponse
        self._answers, self._clock, self._faults, self._log = answers, clock, faults, log
        self._latency = latency
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="cryptox-paper-market")

    async def __call__(self, request: Any) -> Any:
        """The answer to a request, as late and as broken as the faults in force want it."""
        arrived = time.time()
        path, _, query = request.raw_path.partition("?")
        headers = request.headers
        if path.startswith(SOCKET_PATHS):
            return self._response(status=501, text="Streams are not served here.\n")
        asked = self._answers.receive(request.method, path, query, headers, request.remote or "")
        struck: list[Fault] = []
        if len(self._faults):
            struck = self._faults.struck(Seen(request.method, path, request.query, headers), arrived)
        delay = self._latency + sum(fault.delay() for fault in struck if fault.kind == "latency")
        if delay:
            await asyncio.sleep(delay / 2)
        now = time.time()
        reply, used = self._answers.admit(asked, now)
        if reply is None:
            reply = await self._made(asked, self._market_us(path, struck))
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
        self._log.add(Logged(request.method, path, query, sent, arrived, asked.weight, kind))
        if cut is None:
            return self._whole(reply)
        return await self._faulty(request, reply, cut)

    async def _made(self, asked: Asked, now_us: int) -> Reply:
        """An answer that must be worked out: beside the loop, so that others are served meanwhile."""
        if asked.is_light:
            return self._answers.finish(asked, self._answers.work(asked, now_us))
        loop = asyncio.get_running_loop()
        made = await loop.run_in_executor(self._worker, self._answers.work, asked, now_us)
        return self._answers.finish(asked, made)

    def close(self) -> None:
        """Begin no more work."""
        self._worker.shutdown(wait=False, cancel_futures=True)

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
            _reset(request.transport)
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


def _reset(transport: Any) -> None:
    """Close with RST instead of FIN."""
    if transport is None:
        return
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
    transport.abort()


class Server:
    """A listening socket on a daemon thread. ``start`` and ``stop`` may be called again and again."""

    def __init__(self, handler: Callable[[], Handler], host: str, port: int) -> None:
        self._handler, self._host, self._wanted_port = handler, host, port
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing: asyncio.Event | None = None
        self._errors: list[OSError] = []
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
                self._thread = None
                where = f"{self._host}:{self._wanted_port}"
                raise ConfigurationError(
                    f"The paper exchange cannot listen on {where}: {self._errors[0]}.",
                    recovery_suggestions=["Choose another port, or port=0 for any free one."],
                ) from self._errors[0]

    def stop(self) -> None:
        """Close all connections and end the thread, within a few seconds."""
        with self._lock:
            thread, loop, closing = self._thread, self._loop, self._closing
            if thread is None:
                return
            if loop is not None and closing is not None and thread.is_alive():
                loop.call_soon_threadsafe(closing.set)
            thread.join(STOP_S)
            self._thread = self._loop = self._closing = None

    def _run(self, ready: threading.Event) -> None:
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(self._serve(ready))
        except OSError as error:
            self._errors.append(error)
        finally:
            loop.close()
            ready.set()

    async def _serve(self, ready: threading.Event) -> None:
        from aiohttp import web

        self._loop = asyncio.get_running_loop()
        self._closing = asyncio.Event()
        handler = self._handler()
        server: Any = web.Server(
            handler.__call__,
            handler_cancellation=True,
            access_log=None,
            keepalive_timeout=3_600.0,
            max_line_size=MOST_LINE,
        )
        listening = await self._loop.create_server(server, self._host, self._wanted_port, backlog=1_024)
        self.port = listening.sockets[0].getsockname()[1]
        ready.set()
        await self._closing.wait()
        listening.close()
        server.pre_shutdown()  # idle connections go at once; the others have a moment
        await server.shutdown(0.2)
        handler.close()
