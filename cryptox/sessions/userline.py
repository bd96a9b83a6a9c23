"""One user's kept connection: reconnected, handed over, subscribed anew, as long as the key is accepted."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import os
import random
import ssl
import time
import weakref
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from logging import ERROR, INFO, WARNING
from typing import Any

from cryptox import _telemetry, logs
from cryptox.errors import (
    AuthenticationError,
    ClockSkew,
    ConfigurationError,
    CryptoxError,
    ExchangeError,
    NotSent,
    RateLimited,
)
from cryptox.sessions.tending import tend
from cryptox.transport.life import Address, Close, Connect, Habits, Life, Wait
from cryptox.transport.proxies import Proxies
from cryptox.transport.rpc import Rpc
from cryptox.transport.socket import Ended, Socket, Terms
from cryptox.transport.tls import trusted_soon
from cryptox.venues.user import Notice, Step, UserTold, UserVenue

from .userroles import Hears, UserSession

__all__ = ["UserLine", "is_final"]

log = logs.logger("sessions.userstream")

CAP_S, OFFLINE_CAP_S = 30.0, 5.0  # longest pauses before connecting again
STEADY_S = 5.0  # a connection that carried so long is followed by the next at once
SILENCE_S, PONG_S = 10.0, 5.0  # without a byte until a ping is sent; and until the connection is given up then
LINGER_S = 0.5  # the old connection goes on so long beside the one that has taken over
LOOK_S = 0.01  # between looks for a sign of life


@dataclass(slots=True)
class _Wire:
    """One connection, or the attempt at one."""

    number: int
    rpc: Rpc | None = None
    task: asyncio.Task[None] | None = None
    since: float | None = None  # when it was subscribed, monotonic; None before, and once it tells nothing more


class UserLine:
    """Lives on the loop it was made on, until it is stopped, its session is gone or its key is refused.

    Attributes
    ----------
    process
        The number of the process that it was made in: a forked child's copy hears nothing.
    unbroken_since
        Monotonic moment since which no event can have been missed, up to ``heard_at``; None while nothing is
        subscribed.
    subscriptions
        How often it was subscribed.
    """

    def __init__(self, session: UserSession, hears: Hears, address: Address) -> None:
        self.loop = asyncio.get_running_loop()
        self.process = os.getpid()
        self.unbroken_since: float | None = None
        self.subscriptions = 0
        self._hears = hears
        self._venue: UserVenue = session.venue
        self._url = self._venue.user_url()
        self._timeout_s = session.settings.timeout
        self._window_ms = int(session.settings.recv_window)
        self._session = weakref.ref(session, self._orphaned)
        self._proxies = Proxies(session.settings.proxy)
        self._terms = Terms(connect_s=self._timeout_s, silence_s=SILENCE_S, pong_s=PONG_S)
        life_s, offline_cap_s = self._venue.stream_limits.life_s, min(OFFLINE_CAP_S, CAP_S)
        habits = Habits(connection_life=life_s, cap_s=CAP_S, offline_cap_s=offline_cap_s, steady_s=STEADY_S)
        self._life = Life(address, habits)
        self._wires: dict[int, _Wire] = {}
        self._wake = asyncio.Event()
        self._tls: ssl.SSLContext | None = None
        self._heard_at = time.monotonic()
        self._tasks: set[asyncio.Task[Any]] = set()
        # The user's, not that of the call that happened to come first.
        self._context = contextvars.Context()
        self._context.run(logs.set_context, **session._about)
        self.keep(self._run, what="user stream")

    @property
    def state(self) -> str:
        """Where it stands, in one word."""
        return self._life.state

    @property
    def silence_s(self) -> float:
        """Seconds without a byte until the connection is asked for a sign of life."""
        return self._terms.silence_s

    @property
    def life(self) -> Life:
        """Its state, with all counts."""
        return self._life

    @property
    def is_over(self) -> bool:
        """Whether it has ended, or is about to."""
        return self._life.state in ("stopping", "over")

    @property
    def is_carried(self) -> bool:
        """Whether some connection tells what happens."""
        return any(wire.since is not None for wire in self._wires.values())

    @property
    def owner(self) -> UserSession:
        """The session.

        Raises
        ------
        ConfigurationError
            It is gone.
        """
        session = self._session()
        if session is None:
            raise ConfigurationError("The session has ended.")
        return session

    def heard_at(self) -> float:
        """When anything was heard last, in monotonic seconds: what was sent before then has come."""
        for wire in self._wires.values():
            if wire.rpc is not None:
                self._heard_at = max(self._heard_at, wire.rpc.socket.last_heard)
        return self._heard_at

    def doubt(self) -> None:
        """Something that came could not be taken: what was told until now is not all that happened."""
        if self.unbroken_since is not None:
            self.unbroken_since = time.monotonic()

    async def confirm(self, timeout_s: float) -> bool:
        """Whether the exchange is still heard: all that it sent before this call has come when this returns True."""
        return await self._hears_from(self._carrying(), timeout_s)

    def stop(self, error: CryptoxError | None = None) -> None:
        """End it; on its loop."""
        if self.is_over:
            return
        self._life.stop()
        if self.is_carried:
            logs.event(log, "user_stream.logged_off", level=INFO, venue=self._venue.name)
        for wire in self._wires.values():
            wire.since = None
        self.unbroken_since = None
        self._wake.set()
        self._hears.over(error)

    async def close(self) -> None:
        """End it, and wait until everything is closed."""
        self.stop()
        here = asyncio.current_task()
        while tasks := {task for task in self._tasks if task is not here}:
            await asyncio.wait(tasks)

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A task that ends with it, or by itself."""
        task = self.loop.create_task(coroutine, name="cryptox-user-stream", context=self._context.copy())
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def keep(self, make: Callable[[], Coroutine[Any, Any, None]], *, what: str) -> None:
        """A task that goes on as long as the line: one that ends before is begun again."""
        tend(self.spawn, make, lambda: self.is_over, what=what, owner=self._session())

    async def _run(self) -> None:
        try:
            while self._life.state != "over":
                self._wake.clear()
                until = self._act()
                with suppress(TimeoutError):
                    async with asyncio.timeout(max(0.0, min(until - time.monotonic(), 3_600.0))):
                        await self._wake.wait()
        finally:
            wires = tuple(self._wires.values())
            for wire in wires:
                if wire.task is not None:
                    wire.task.cancel()
            await asyncio.gather(*(wire.rpc.close() for wire in wires if wire.rpc is not None))

    def _act(self) -> float:
        """Do what is due; until when nothing else is."""
        while True:
            step = self._life.step(time.monotonic())
            if isinstance(step, Wait):
                return step.until
            if isinstance(step, Connect):
                wire = self._wires[step.number] = _Wire(step.number)
                wire.task = self.spawn(self._open(wire))
                wire.task.add_done_callback(functools.partial(self._never_begun, wire))
            else:
                self._close(step)

    def _never_begun(self, wire: _Wire, task: asyncio.Task[None]) -> None:
        if task.cancelled() and wire.rpc is None:  # before its first step: it has not said so itself
            self._gone(wire)

    async def _open(self, wire: _Wire) -> None:
        try:
            if self._tls is None and self._url.startswith("wss"):
                self._tls = await trusted_soon()
            wire.rpc = await Rpc.connect(
                self._url,
                self._venue.user_codec(),
                on_event=functools.partial(self._told, wire),
                terms=self._terms,
                proxies=self._proxies,
                tls=self._tls,
            )
            if self._life.connected(wire.number, time.monotonic(), random.random()):
                logs.event(log, "breaker.closed", level=INFO, venue=self._venue.name)
            logs.event(log, "user_stream.opened", level=INFO, venue=self._venue.name, number=wire.number)
            if self._life.reconnects:
                _telemetry.counter("cryptox.stream.reconnects", venue=self._venue.name).add()
            _telemetry.observe()
            wire.rpc.socket.closed.add_done_callback(functools.partial(self._closed, wire))
            await self._subscribe(wire.rpc)
            await self._take_over(wire)
        except CryptoxError as error:
            await self._not_carried(wire, error)
        except Exception as error:  # noqa: BLE001 - a defect is told, and does not end the trying
            await self._not_carried(wire, ExchangeError(f"A defect: {type(error).__name__}: {error}"))
        except asyncio.CancelledError:
            if wire.rpc is None:
                self._gone(wire)
            raise
        finally:
            wire.task = None
            self._wake.set()

    async def _subscribe(self, rpc: Rpc) -> None:
        """Ask to be told; once more with a clock that was read anew where the time was not accepted."""
        for attempt in (1, 2):
            session = self.owner
            signer = session.signer
            if signer is None:
                raise ConfigurationError("This session has no key any more.")
            try:
                for step in self._venue.user_subscription(signer):
                    now_ms = await session._as_of()
                    write = functools.partial(_written, step, now_ms, self._window_ms)
                    await rpc.ask(write, timeout_s=self._timeout_s)
                return
            except ClockSkew:
                if attempt == 2:
                    raise
                await session._read_clock()

    async def _take_over(self, wire: _Wire) -> None:
        """It tells what happens; in a hand-over the one before it is heard after that, or something may be lost."""
        before = self._carrying()
        wire.since = now = time.monotonic()
        is_unbroken = bool(before) and await self._hears_from(before, LINGER_S)
        if self.is_over or wire.since is None:
            return
        if not is_unbroken:
            self.unbroken_since = now
        self.subscriptions += 1
        logs.event(log, "user_stream.logged_on", level=INFO, venue=self._venue.name, number=wire.number)
        self._life.carries(wire.number, time.monotonic())
        self._hears.carried()

    def _carrying(self) -> list[Socket]:
        return [wire.rpc.socket for wire in self._wires.values() if wire.since is not None and wire.rpc is not None]

    async def _hears_from(self, sockets: list[Socket], timeout_s: float) -> bool:
        """Whether one of them answers a ping that is sent now."""
        until = time.monotonic() + timeout_s
        for socket in sockets:
            socket.ping()
        while not any(socket.is_open and not socket.awaits_pong for socket in sockets):
            if time.monotonic() > until or not any(socket.is_open for socket in sockets):
                return False
            await asyncio.sleep(LOOK_S)
        return True

    async def _not_carried(self, wire: _Wire, error: CryptoxError) -> None:
        """An attempt came to nothing: it is made again, unless it is the key that is at fault."""
        self._hears.stumbled("user_stream.failed", error)
        now = time.monotonic()
        waits = error.retry_after if isinstance(error, RateLimited) else None
        if wire.rpc is None:
            self._wires.pop(wire.number, None)
            sent = not isinstance(error, NotSent)
            if self._life.failed(wire.number, now, random.random(), sent=sent, retry_after=waits):
                logs.event(log, "breaker.opened", level=WARNING, venue=self._venue.name, failures=self._life.failures)
        elif waits is not None:
            self._life.failed(wire.number, now, random.random(), retry_after=waits)
        if is_final(error):
            self.stop(error)
        if wire.rpc is not None:
            await wire.rpc.close()

    def _close(self, close: Close) -> None:
        wire = self._wires.get(close.number)
        if wire is None:
            self._life.ended(close.number, time.monotonic(), random.random())
        elif wire.rpc is not None:
            self._hang_up(wire.rpc, LINGER_S if close.why == "handed_over" else 0.0)
        elif wire.task is not None:
            wire.task.cancel()

    def _hang_up(self, rpc: Rpc, linger_s: float) -> None:
        """Close it; the line waits for that, so it must come about."""
        tend(
            self.spawn,
            lambda: _hang_up(rpc, linger_s),
            lambda: not rpc.socket.is_open,
            what="closing a user stream",
            owner=self._session(),
        )

    def _closed(self, wire: _Wire, ended: asyncio.Future[Ended]) -> None:
        end = ended.result()
        logs.event(log, "user_stream.closed", level=INFO, venue=self._venue.name, number=wire.number,
                   reason=end.reason, code=end.code, text=end.text)  # fmt: skip
        self._gone(wire)

    def _gone(self, wire: _Wire) -> None:
        self.heard_at()
        if self._wires.pop(wire.number, None) is not None:
            self._silent(wire)
            self._life.ended(wire.number, time.monotonic(), random.random())
            self._wake.set()

    def _silent(self, wire: _Wire) -> None:
        """That connection tells nothing more."""
        was_carried = self.is_carried or wire.since is not None
        wire.since = None
        if was_carried and not self.is_carried:
            self.unbroken_since = None
            logs.event(log, "user_stream.logged_off", level=WARNING, venue=self._venue.name, number=wire.number)
            self._hears.cut()

    def _told(self, wire: _Wire, told: UserTold) -> None:
        if not isinstance(told, Notice) or told.kind not in ("closing", "over"):
            if not self.is_over:
                self._hears.told(told)
        elif told.kind == "closing":
            self._life.retire(wire.number, time.monotonic(), random.random())
            self._wake.set()
        else:
            self._silent(wire)
            if wire.rpc is not None:
                self._hang_up(wire.rpc, 0.0)

    def _orphaned(self, _: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self.loop.call_soon_threadsafe(self.stop)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logs.event(log, "user_stream.broken", level=ERROR, error=f"{type(error).__name__}: {error}")
            self.loop.call_exception_handler({"message": "A task of a user's stream failed.", "exception": error})


def is_final(error: CryptoxError) -> bool:
    """Whether trying again leads nowhere: the key is refused, or there is none. A clock that is off passes."""
    return isinstance(error, AuthenticationError | ConfigurationError) and not isinstance(error, ClockSkew)


def _written(step: Step, now_ms: int, window_ms: int, number: int) -> bytes:
    return step(number, now_ms, window_ms)


async def _hang_up(rpc: Rpc, linger_s: float) -> None:
    try:
        if linger_s:
            await asyncio.wait([rpc.socket.closed], timeout=linger_s)
    finally:
        await rpc.close()
