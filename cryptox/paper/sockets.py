"""What every WebSocket connection of the paper exchange has: pings, a deadline for pongs, a life, frames in order.

All times are real seconds, whatever market time does. One loop owns everything here.
Source: https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams (July 2026).
"""

from __future__ import annotations

import asyncio
import math
import socket
import struct
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["BINARY", "TEXT", "Connects", "Line", "Lines", "Rules", "frame", "reset"]

TEXT, BINARY = 0x1, 0x2  # opcodes of frames
PONGS = 3  # so many pings without an answer end a connection
MOST_NOTICE_S = 30.0  # how long before its end a connection is told, at most (own: no lead time is documented)
MOST_INCOMING = 2**20  # bytes of one message of a client
MOST_WAITING = 64 * 2**20  # bytes that wait for a slow client before it is cut off
BUSY = 2**20  # bytes in the buffer from which ``drain`` waits
LATE_S = 0.05  # a wake-up that is later is the machine's fault
CLOSING_S = 1.0  # for the other side to answer a close frame
GOING_AWAY, POLICY, INTERNAL = 1001, 1008, 1011
_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)

Tamper = Callable[[bytes], Iterable[bytes]]
Taker = Callable[[str | bytes], Awaitable[object] | None]  # of a message; what it returns is awaited before the next


@dataclass(frozen=True, slots=True)
class Rules:
    """Seconds between pings, and seconds until a connection is closed."""

    ping_every: float = 20.0
    connection_life: float = 86_400.0

    @property
    def notice(self) -> float:
        """How long before its end a connection gets ``serverShutdown``."""
        return min(MOST_NOTICE_S, self.connection_life / 10)


class Connects:
    """Connection attempts of addresses, in fixed windows aligned to the wall clock."""

    def __init__(self, amount: int = 300, seconds: float = 300.0) -> None:
        self.amount, self.seconds = amount, seconds
        self._window = 0.0
        self._counts: dict[str, int] = {}

    def admit(self, address: str, now: float) -> int | None:
        """Count an attempt: None where there is room, else whole seconds until there is."""
        window = now // self.seconds
        if window != self._window:
            self._window = window
            self._counts.clear()
        count = self._counts[address] = self._counts.get(address, 0) + 1
        return None if count <= self.amount else math.ceil((window + 1) * self.seconds - now)


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """One whole frame as a server sends it."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, size)) + payload
    if size < 2**16:
        return bytes((0x80 | opcode, 126)) + size.to_bytes(2, "big") + payload
    return bytes((0x80 | opcode, 127)) + size.to_bytes(8, "big") + payload


def reset(transport: Any) -> None:
    """Close a connection with RST instead of FIN; nothing happens where there is none."""
    if transport is None:
        return
    plain = transport.get_extra_info("socket")
    if plain is not None and plain.fileno() >= 0:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
    transport.abort()


class Line:
    """One WebSocket connection at the exchange's end.

    Parameters
    ----------
    request
        The HTTP request that opens it.
    rules
        Pings and life.
    notice
        The ``serverShutdown`` message as it stands now; sent before the exchange closes the connection.
    heard
        Called for every frame that comes in: messages, pings and pongs.

    Attributes
    ----------
    data : int
        Opcode of what the client has subscribed to; all else goes out as text.
    tamper : callable or None
        What becomes of an outgoing payload: none, it, something else, or several. For faults.
    """

    def __init__(
        self,
        request: Any,
        rules: Rules,
        *,
        notice: Callable[[], bytes],
        heard: Callable[[], None] = lambda: None,
    ) -> None:
        from aiohttp import web

        self.socket = web.WebSocketResponse(
            timeout=CLOSING_S, autoping=False, autoclose=True, compress=False, max_msg_size=MOST_INCOMING
        )
        self.address: str = request.remote or ""
        self.tamper: Tamper | None = None
        self.data = TEXT
        self._request, self._rules, self._notice, self._heard = request, rules, notice, heard
        self._transport: Any = None
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[tuple[int, str] | None] = self._loop.create_future()
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._frozen = False
        self._pings: list[bytes] = []  # that have not been answered
        self._timers: list[asyncio.TimerHandle] = []  # that end it
        self._alive = 0.0  # when the last ping was answered, by the loop's clock

    async def open(self) -> bool:
        """Answer the handshake; from here on frames can be sent, unless the client has gone already."""
        if self._request.transport is None:
            return False
        try:
            await self.socket.prepare(self._request)
        except ConnectionError:
            return False
        self._transport = self._request.transport
        return self._transport is not None

    @property
    def response(self) -> Any:
        """What the request is answered with, once all is over."""
        from aiohttp import web

        return web.Response() if self._transport is None else self.socket

    async def run(self, on_message: Taker) -> None:
        """Hand over what comes in until the connection ends, by whichever side; returns when it is closed."""
        try:
            async with asyncio.TaskGroup() as tasks:
                minders = (tasks.create_task(self._read(on_message)), tasks.create_task(self._keep()))
                for minder in minders:
                    minder.add_done_callback(self._unminded)
                try:
                    end = await self._over
                finally:
                    self._finish()
                    for minder in minders:
                        minder.cancel()
            if end is not None and self.is_open:
                self._flush()
                await self.socket.close(code=end[0], message=end[1].encode())
        except BaseException:
            self.cut()
            raise
        if self._transport is not None:
            self._transport.close()
            if self._transport.get_write_buffer_size():  # for a client that reads no more
                self._loop.call_later(CLOSING_S, self._transport.abort)

    @property
    def is_open(self) -> bool:
        """Whether frames still go out."""
        return self._transport is not None and not self._transport.is_closing() and not self.socket.closed

    def send(self, payload: bytes, opcode: int = TEXT) -> None:
        """Send one message, in the order of calls; nothing happens once the connection is over."""
        if self.tamper is None:
            self.write(frame(payload, opcode))
            return
        for changed in self.tamper(payload):
            self.write(frame(changed, opcode))

    def write(self, frames: bytes) -> None:
        """Send finished frames, past ``tamper``. A client that does not read is cut off."""
        if not self.is_open:
            return
        if not self._waiting:
            self._loop.call_soon(self._flush)
        self._waiting.append(frames)
        self._waiting_bytes += len(frames)
        if self._backlog > MOST_WAITING:
            self.cut()

    @property
    def _backlog(self) -> int:
        """Bytes that wait for the client to read."""
        buffered: int = self._transport.get_write_buffer_size()
        return self._waiting_bytes + buffered

    async def drain(self) -> None:
        """Wait until a slow client has caught up."""
        while self.is_open and self._backlog > BUSY:  # noqa: ASYNC110 - the server's transport tells only aiohttp
            await asyncio.sleep(0.001)

    def end(self, code: int = GOING_AWAY, reason: str = "") -> None:
        """Close the connection, with a close frame after everything sent before."""
        self._set_over((code, reason))

    def shut_down(self, seconds: float = 0.0) -> None:
        """Say ``serverShutdown``, and close so many seconds later."""
        self.send(self._notice())
        if seconds:
            self._timers.append(self._loop.call_later(seconds, self.end, GOING_AWAY, "Server shutdown"))
        else:
            self.end(GOING_AWAY, "Server shutdown")

    def cut(self) -> None:
        """Break the connection off without a word: it is reset."""
        self._set_over(None)
        self._waiting.clear()
        self._waiting_bytes = 0
        reset(self._transport)

    def freeze(self) -> None:
        """Neither send nor read from now on, and stay connected."""
        self._frozen = True
        if self.is_open:
            self._transport.pause_reading()

    def thaw(self) -> None:
        """Go on after ``freeze``; what waited is sent."""
        self._frozen = False
        self._alive = self._loop.time()
        if self.is_open:
            self._transport.resume_reading()
            self._flush()

    def _set_over(self, end: tuple[int, str] | None) -> None:
        if not self._over.done():
            self._over.set_result(end)

    def _unminded(self, task: asyncio.Task[None]) -> None:
        """One that was killed leaves nobody who reads, or pings: better no connection than half of one."""
        if task.cancelled():
            self._set_over((INTERNAL, "Internal error"))

    def _finish(self) -> None:
        if not self._over.done():
            self._over.cancel()
        for timer in self._timers:
            timer.cancel()

    def _flush(self) -> None:
        if self._frozen or not self._waiting:
            return
        waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
        if self.is_open:
            self._transport.write(waiting[0] if len(waiting) == 1 else b"".join(waiting))

    async def _read(self, on_message: Taker) -> None:
        from aiohttp import WSMsgType

        while True:
            message = await self.socket.receive()
            kind = message.type
            if kind not in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.PING, WSMsgType.PONG):
                self._set_over(None)
                return
            self._heard()
            if kind is WSMsgType.PING:
                self.write(frame(bytes(message.data), 0xA))
            elif kind is WSMsgType.PONG:
                self._answered(bytes(message.data))
            elif (taken := on_message(message.data)) is not None:
                await taken

    def _answered(self, payload: bytes) -> None:
        """A pong: one that answers no ping is let pass, and counts for nothing."""
        if payload in self._pings:
            del self._pings[: self._pings.index(payload) + 1]
            self._alive = self._loop.time()

    async def _keep(self) -> None:
        """Ping, watch for the pongs, and close at the end of the connection's life."""
        every, loop = self._rules.ping_every, self._loop
        self._alive = loop.time()
        ping_at = self._alive + every
        end_at = self._alive + self._rules.connection_life
        notice_at = end_at - self._rules.notice
        while True:
            silent_at = self._alive + PONGS * every  # a ping wakes it up before that, frozen or not
            wake_at = max(loop.time(), min(ping_at, end_at, notice_at, silent_at))
            await asyncio.sleep(wake_at - loop.time())
            now = loop.time()
            if now - wake_at > LATE_S:  # the exchange itself stood still: nobody could hear the client meanwhile
                self._alive += now - wake_at + LATE_S
            if self._frozen:
                self._alive = now
            elif now >= self._alive + PONGS * every:
                self._set_over((POLICY, "Pong timeout"))
                return
            if now >= notice_at:
                self.send(self._notice())
                notice_at = math.inf
            if now >= end_at:
                self._set_over((GOING_AWAY, "Connection is too old"))
                return
            if now >= ping_at:
                payload = str(int(time.time() * 1_000)).encode()
                self._pings.append(payload)
                self.write(frame(payload, 0x9))
                ping_at = max(ping_at, now - every) + every  # those that were missed are not made up for


class Lines:
    """The connections that are open, for what happens to all of them."""

    def __init__(self) -> None:
        self._open: set[Line] = set()

    def add(self, line: Line) -> None:
        """Note a connection."""
        self._open.add(line)

    def remove(self, line: Line) -> None:
        """Forget a connection."""
        self._open.discard(line)

    def cut(self) -> None:
        """Break all of them off."""
        for line in tuple(self._open):
            line.cut()

    def ban(self, address: str | None) -> None:
        """Close those of an address, or all: it is banned."""
        for line in tuple(self._open):
            if address in (None, line.address):
                line.end(POLICY, "IP banned")

    async def close(self, within_s: float = CLOSING_S) -> None:
        """Tell all of them that the exchange goes down, and close them."""
        for line in tuple(self._open):
            line.shut_down()
        until = time.monotonic() + within_s
        while self._open and time.monotonic() < until:  # noqa: ASYNC110 - many ends, at most a second
            await asyncio.sleep(0.005)
        self.cut()

    def __len__(self) -> int:
        """Number of open connections."""
        return len(self._open)

    def __iter__(self) -> Iterator[Line]:
        """The connections as they stand now."""
        return iter(tuple(self._open))
