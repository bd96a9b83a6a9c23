"""One WebSocket connection, from handshake to end: many messages per wake-up, no task per message. Never reconnects.

The bytes go from the loop through ``frames`` to the callback: CPU per message of 170 bytes 0.26 to 0.32 µs, against
4.8 to 5.5 µs of ``websockets``' ``recv()``, 0.9 to 1.0 µs of aiohttp's client and 0.2 µs of picows, which would be
one more compiled dependency (``benchmarks/sockets.py``, two busy cores). Handshake, pings, closes and fragments are
left to ``websockets``' protocol machine.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptox.errors import CryptoxError, ExchangeError, NetworkError, NotSent

from .dial import Target, dial, route, unreachable
from .frames import Splitter
from .proxies import Proxies, is_loopback
from .pulse import Pulse
from .terms import Ended, Reason, Terms
from .tls import trusted_soon
from .upgrade import Judge, Upgrade, refused, target_of

__all__ = ["Ended", "OnFrames", "Reason", "Socket", "Terms"]

OnFrames = Callable[[list[bytes], int], None]

MOST_WAITING = 2**20  # bytes that wait to be sent
BODY_S = 0.5  # for the body of a refused handshake
ROUTE_S = 5.0  # between looks at the address this machine speaks from
NORMAL = 1000  # close code, RFC 6455 section 7.4.1


@dataclass(frozen=True, slots=True)
class _Plan:
    target: Target
    terms: Terms
    judge: Judge | None
    on_frames: OnFrames = field(repr=False)


class Socket(asyncio.Protocol):
    """An open connection; made by ``connect``. The methods of ``asyncio.Protocol`` are for the loop alone.

    Attributes
    ----------
    closed : Future of Ended
        Done when the connection is; never an error. Wait with ``wait_closed``: a cancelled wait would cancel it.
    messages, bytes : int
        Received so far.
    opened_at : float
        When the handshake was done, in monotonic seconds.
    round_trip_s : float or None
        Of the last answered ping of ours.
    """

    __slots__ = ("_deliver", "_end", "_loop", "_machine", "_opened", "_ping", "_pings", "_plan", "_pulse", "_routed_at",
                 "_sent_at", "_splitter", "_timers", "_transport", "_upgrade", "bytes", "closed", "messages",
                 "opened_at", "round_trip_s")  # fmt: skip

    def __init__(self, plan: _Plan, upgrade: Upgrade) -> None:
        self._plan = plan
        self._upgrade: Upgrade | None = upgrade
        self._machine = upgrade.protocol
        self._splitter = Splitter(upgrade.protocol, most_bytes=plan.terms.most_bytes)
        self._loop = asyncio.get_running_loop()
        self._opened: asyncio.Future[None] = self._loop.create_future()
        self._opened.add_done_callback(_seen)
        self.closed: asyncio.Future[Ended] = self._loop.create_future()
        self._transport: Any = None
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._end: Ended | None = None
        self._deliver = True
        self._pings = 0
        self._ping: tuple[bytes, float] | None = None
        self._routed_at = self._sent_at = self.opened_at = time.monotonic()
        self._pulse = self._new_pulse()
        self.messages = 0
        self.bytes = 0
        self.round_trip_s: float | None = None

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        on_frames: OnFrames,
        terms: Terms | None = None,
        headers: Mapping[str, str] | None = None,
        proxies: Proxies | None = None,
        tls: ssl.SSLContext | None = None,
        judge: Judge | None = None,
    ) -> Socket:
        """An open connection.

        Parameters
        ----------
        url
            ``ws://`` or ``wss://``; it is not shown in any text, for it may hold a key.
        on_frames
            Called with the whole messages of one chunk of bytes, at least one, and the wall clock in ns at reading;
            on the loop, possibly before this returns, never after ``close`` was called. What it raises ends the
            connection.
        terms
            Timeouts and sizes.
        headers
            Further headers of the handshake.
        proxies
            Who says which proxy to take; None reads the environment now.
        tls
            Certificates to trust; None makes the context of ``tls.trusted``, which takes tens of milliseconds.
        judge
            Makes the error of a refused handshake out of its answer; None judges by the HTTP status.

        Raises
        ------
        NotSent
            No connection came up: name, network, TLS, proxy, time.
        RateLimited, Banned
            The handshake was refused with 429 or 418; ``retry_after`` says until when.
        NetworkError
            It was refused with 403 or 5xx, cut off or not answered in time.
        ExchangeError
            It was refused otherwise (451: not served here), or nothing there speaks WebSocket.
        ConfigurationError
            The URL, a header, the proxy or the certificates of the environment cannot be used.
        """
        terms = Terms() if terms is None else terms
        target, uri = target_of(url)
        upgrade = Upgrade(uri, headers or {}, most_bytes=terms.most_bytes)
        proxies = Proxies() if proxies is None else proxies
        proxy = proxies.choose("https" if target.secure else "http", target.host, target.port)
        made = cls(_Plan(target, terms, judge, on_frames), upgrade)
        try:
            async with asyncio.timeout(terms.connect_s):
                if tls is None and (target.secure or proxy is not None):
                    tls = await trusted_soon()
                await dial(target, lambda: made, proxy=proxy, tls=tls, close_s=terms.close_s)
                await made._opened
        except TimeoutError:
            made._drop()
            raise made._failure(upgrade, TimeoutError()) from None
        except BaseException:
            made._drop()
            raise
        return made

    def __repr__(self) -> str:
        """Where to, and whether it is open."""
        state = "open" if self.is_open else self._end.reason if self._end else "not open"
        return f"<Socket {self._plan.target} {state}, {self.messages} messages>"

    @property
    def is_open(self) -> bool:
        """Whether messages still come and go."""
        return self._upgrade is None and self._end is None

    @property
    def last_heard(self) -> float:
        """When the last bytes came, in monotonic seconds."""
        return self._pulse.last_heard

    @property
    def awaits_pong(self) -> bool:
        """Whether the newest ping of ours is not answered yet."""
        return self._ping is not None

    def send(self, text: bytes) -> None:
        """Send one text message, UTF-8.

        Raises
        ------
        NotSent
            The connection is not open, or does not take what was sent before.
        """
        if self.is_open:
            self._machine.send_text(text)
            self._flush()
        if not self.is_open:
            raise NotSent(
                f"The connection to {self._plan.target.host} is closed; nothing was sent.",
                context={"host": self._plan.target.host, "sent": False},
            )

    def ping(self) -> None:
        """Ask for a sign of life now; ``round_trip_s`` is set when it comes. Nothing happens on a closed one."""
        if self.is_open:
            self._pings += 1
            self._ping = (b"%d" % self._pings, time.monotonic())
            self._machine.send_ping(self._ping[0])
            self._flush()

    async def wait_closed(self) -> Ended:
        """Why it ended, once it has."""
        return await asyncio.shield(self.closed)

    async def close(self) -> Ended:
        """End the connection, and wait until it is; may be called again."""
        self._deliver = False
        if self._end is None:
            if self._upgrade is None:
                self._machine.send_close(NORMAL)
                self._flush()
            self._finish("closed", None, "closed by us")
            self._after("close", self._plan.terms.close_s, self._drop)
        return await self.wait_closed()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the handshake."""
        self._transport = transport
        self._sent_at = time.monotonic()
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Cut the chunk into messages and hand them over."""
        received_ns = time.time_ns()
        self._pulse.last_heard = time.monotonic()
        self.bytes += len(data)
        if self._upgrade is not None:
            rest = self._shake(self._upgrade, data)
            if not rest:
                return
            data = rest
        messages = self._splitter.feed(data)
        machine = self._machine
        if machine.writes or self._splitter.over or self._splitter.pongs:
            self._attend()
        if messages and self._deliver:
            self.messages += len(messages)
            try:
                self._plan.on_frames(messages, received_ns)
            except BaseException as error:
                self._finish("handler", None, f"the handler of messages raised {type(error).__name__}", error)
                self._drop()
                raise

    def eof_received(self) -> None:
        """The other side sends no more: the transport closes."""

    def connection_lost(self, error: Exception | None) -> None:
        """Note why it ended, and tell."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        if self._upgrade is not None and not self._opened.done():
            self._opened.set_exception(self._failure(self._upgrade, error))
        said = getattr(error, "strerror", None) or (str(error) if error else "it was closed without a word")
        self._finish("lost", None, f"the connection was lost: {said}")
        if not self.closed.done():
            assert self._end is not None
            self.closed.set_result(self._end)

    def _shake(self, upgrade: Upgrade, data: bytes) -> bytes | None:
        """Take a part of the handshake's answer; returns what came after it."""
        if self._opened.done():
            return None
        try:
            rest = upgrade.feed(data)
        except ExchangeError as error:
            error.context.update(host=self._plan.target.host, sent=True)
            self._opened.set_exception(error)
            self._drop()
            return None
        if rest is not None:
            self._upgrade = None
            self.opened_at = time.monotonic()
            self._pulse = self._new_pulse()
            self._after("look", self._pulse.tick_s, self._look)
            self._opened.set_result(None)
        elif upgrade.complete:
            self._opened.set_exception(self._failure(upgrade, None))
            self._drop()
        elif upgrade.is_refused and "body" not in self._timers:
            self._after("body", BODY_S, self._drop)
        return rest

    def _failure(self, upgrade: Upgrade, error: Exception | None) -> CryptoxError:
        """Why the handshake came to nothing."""
        target, seconds = self._plan.target, self._plan.terms.connect_s
        if upgrade.is_refused:
            answer = upgrade.answer(self._sent_at, time.monotonic())
            return refused(answer, target) if self._plan.judge is None else self._plan.judge(answer)
        if self._transport is None:
            return unreachable(target, f"no connection within {seconds:g} s", error)
        if isinstance(error, TimeoutError) and not error.args:
            what = f"{target.host} did not answer the handshake within {seconds:g} s."
        else:
            why = getattr(error, "strerror", None) or "it was closed without a word"
            what = f"The connection to {target.host} was lost during the handshake: {why}."
        return NetworkError(
            what,
            technical_details=f"{type(error).__name__ if error else 'EOF'} at {target}",
            context={"host": target.host, "sent": True},
        )

    def _attend(self) -> None:
        """What other frames than messages ask for."""
        now = time.monotonic()
        for payload in self._splitter.pongs:
            if self._ping is not None and payload == self._ping[0]:
                self.round_trip_s = now - self._ping[1]
                self._ping = None
                self._pulse.pong(now)
        self._flush()
        if not self._splitter.over or self._transport.is_closing():
            return
        fault, close = self._splitter.fault, self._machine.close_rcvd
        if fault is not None:
            self._finish(fault.kind, None, fault.text)
        elif close is not None:
            self._finish("peer", close.code, close.reason)
        self._transport.close()
        self._after("close", self._plan.terms.close_s, self._drop)

    def _flush(self) -> None:
        """Write what the machine wants written; a side that takes nothing is given up."""
        pieces = self._machine.data_to_send()
        if not pieces or self._transport is None or self._transport.is_closing():
            return
        self._transport.write(b"".join(pieces))
        if self._transport.get_write_buffer_size() > MOST_WAITING:
            self._finish("backlog", None, f"more than {MOST_WAITING} bytes wait to be sent")
            self._drop()

    def _look(self) -> None:
        """Watch for silence, sleep and a changed address."""
        verdict = self._pulse.look(time.monotonic(), time.time(), self._route())
        if verdict == "dead":
            self._finish("silence", None, f"nothing was heard for {time.monotonic() - self.last_heard:.1f} s")
            self._drop()
            return
        if verdict == "ping":
            self.ping()
        self._after("look", self._pulse.tick_s, self._look)

    def _route(self) -> str | None:
        """The address this machine would speak to the other side from; None where that was asked just now."""
        now = time.monotonic()
        peer = self._transport.get_extra_info("peername")
        if now < self._routed_at + ROUTE_S or not isinstance(peer, tuple) or is_loopback(peer[0]):
            return None
        self._routed_at = now
        return route(peer)

    def _new_pulse(self) -> Pulse:
        terms = self._plan.terms
        return Pulse(silence_s=terms.silence_s, pong_s=terms.pong_s, now=time.monotonic(), wall_s=time.time())

    def _after(self, name: str, seconds: float, call: Callable[[], None]) -> None:
        if name in self._timers:
            self._timers[name].cancel()
        self._timers[name] = self._loop.call_later(seconds, call)

    def _finish(self, reason: Reason, code: int | None, text: str, error: BaseException | None = None) -> None:
        if self._end is None:
            self._end = Ended(reason, code, text, time.monotonic(), error)

    def _drop(self) -> None:
        """End it without waiting for anybody."""
        if self._transport is not None:
            self._transport.abort()


def _seen(future: asyncio.Future[None]) -> None:
    """Whoever connects may have gone: an error nobody fetched is no news."""
    if not future.cancelled():
        future.exception()
