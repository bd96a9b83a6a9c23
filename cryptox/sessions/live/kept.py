"""One kept connection: it carries a set of streams for as long as anybody wants them, over however many sockets."""

from __future__ import annotations

import asyncio
import functools
import random
import time
import weakref
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from logging import DEBUG, INFO, WARNING
from typing import Any, Protocol

from cryptox import _telemetry, logs
from cryptox.errors import Banned, NotSent, RateLimited
from cryptox.sessions.tending import tend
from cryptox.transport.life import Address, Allowance, Close, Connect, Habits, Life, Wait
from cryptox.transport.socket import Ended, Socket
from cryptox.venues.port import Inbox, LiveVenue, Told

from .control import Control, Say

__all__ = ["Carrier", "Connector", "Kept", "Sink", "Tap"]

log = logs.logger("sessions.live")

LINGER_S = 0.5  # an old connection goes on so long beside the one that has taken over: what is under way arrives
CACHED = 2**16  # bytes decoded together: what becomes of them is handed over before it has left the processor's cache
SPARE_MESSAGES = 1  # of those allowed on a connection, left for pings and pongs

Connector = Callable[[Callable[[list[bytes], int], None]], Coroutine[Any, Any, Socket]]
Spawn = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]


class Sink(Protocol):
    """Where a stream's messages go."""

    def take(self, told: Told) -> None:
        """Messages have come."""

    def carried(self) -> None:
        """The stream is subscribed, for the first time or again."""

    def cut(self) -> None:
        """No connection carries it any more."""

    def failed(self, why: str) -> None:
        """No connection could be made."""


class Tap(Protocol):
    """Hears everything that comes, as it came: a recording."""

    def frames(self, frames: list[bytes], received_ns: int) -> None:
        """Messages have come in one chunk, of whatever streams."""

    def carried(self, stream: str) -> None:
        """A stream is subscribed, for the first time or again."""

    def cut(self, stream: str) -> None:
        """No connection carries a stream any more."""

    def answer(self, stream: str, limit: int, body: bytes) -> None:
        """A snapshot of so many levels has come over REST, for a stream of changes."""


class Carrier(Protocol):
    """Brings streams to their sinks."""

    streams: dict[str, list[Sink]]

    def heard_at(self) -> float:
        """When anything was heard last, in monotonic seconds."""

    def add(self, stream: str, sink: Sink) -> None:
        """Bring a stream; ``sink.carried`` is called when it is brought."""

    def remove(self, stream: str, sink: Sink) -> None:
        """Bring nothing more to that sink."""

    def stop(self) -> None:
        """End it."""


@dataclass(slots=True)
class _Wire:
    """One socket, or the attempt at one."""

    number: int
    control: Control
    inbox: Inbox
    socket: Socket | None = None
    task: asyncio.Task[None] | None = None
    streams_told: set[str] = field(default_factory=set)


class Kept:
    """A connection that is kept: reconnected, handed over, subscribed anew.

    Parameters
    ----------
    venue
        Whose streams.
    connect
        Opens a socket.
    address
        Shared by all connections to that address.
    habits
        How it is kept.
    spawn
        Starts a task that somebody owns.
    taps
        Hear everything; the list may change.
    orphaned
        Called when it ends because its loop does.
    owner
        The hub, for what is told of it; not held.

    Attributes
    ----------
    trouble
        Why it carries nothing just now, in a line; None while it does, or has not been tried.
    """

    def __init__(
        self,
        venue: LiveVenue,
        connect: Connector,
        address: Address,
        habits: Habits,
        spawn: Spawn,
        taps: Sequence[Tap] = (),
        orphaned: Callable[[], None] = lambda: None,
        owner: object = None,
    ) -> None:
        self._owner = None if owner is None else weakref.ref(owner)
        self._taps = taps
        self._venue = venue
        self._connect = connect
        self._spawn = spawn
        self._messages = _telemetry.counter("cryptox.stream.messages", venue=venue.name)
        self._life = Life(address, habits)
        self._wires: dict[int, _Wire] = {}
        self._wake = asyncio.Event()
        self._heard_at = time.monotonic()
        self.streams: dict[str, list[Sink]] = {}
        self.trouble: str | None = None
        self.task = tend(spawn, self._run, self._is_over, what="streams", ended=orphaned, owner=owner)

    @property
    def life(self) -> Life:
        """Its state."""
        return self._life

    def heard_at(self) -> float:
        """When anything was heard last, in monotonic seconds."""
        heard = [wire.socket.last_heard for wire in self._wires.values() if wire.socket is not None]
        self._heard_at = max([self._heard_at, *heard])
        return self._heard_at

    def add(self, stream: str, sink: Sink) -> None:
        """Carry a stream; ``sink.carried`` is called when it is."""
        sinks = self.streams.setdefault(stream, [])
        sinks.append(sink)
        if self._is_carried(stream):
            asyncio.get_running_loop().call_soon(_carried_soon, sinks, sink)
        self._wake.set()

    def remove(self, stream: str, sink: Sink) -> None:
        """Send nothing more to that sink; the stream ends with its last one."""
        sinks = self.streams.get(stream, [])
        if sink in sinks:
            sinks.remove(sink)
        if not sinks:
            self.streams.pop(stream, None)
        self._wake.set()

    def stop(self) -> None:
        """End it; ``task`` is done when everything is closed."""
        self._life.stop()
        self._wake.set()

    def _is_over(self) -> bool:
        """Whether it is meant to have ended."""
        return self._life.state in ("stopping", "over")

    async def _run(self) -> None:
        try:
            while self._life.state != "over":
                self._wake.clear()
                until = self._act()
                try:
                    async with asyncio.timeout(max(0.0, min(until - time.monotonic(), 3_600.0))):
                        await self._wake.wait()
                except TimeoutError:
                    continue
        finally:
            # Not over yet: the loop ends, or the interpreter does.
            wires = tuple(self._wires.values())
            for wire in wires:
                if wire.task is not None:
                    wire.task.cancel()
            await asyncio.gather(*(wire.socket.close() for wire in wires if wire.socket is not None))

    def _act(self) -> float:
        """Do what is due; until when nothing else is."""
        until = self._talk()  # first: what is carried now decides on what is closed
        while True:
            step = self._life.step(time.monotonic())
            if isinstance(step, Wait):
                return min(step.until, until)
            if isinstance(step, Connect):
                self._begin(step.number)
            else:
                self._end(step)

    def _begin(self, number: int) -> None:
        amount, seconds = self._venue.stream_limits.messages
        control = Control(Allowance(max(1, amount - SPARE_MESSAGES), seconds), self._venue.stream_limits.batch)
        wire = self._wires[number] = _Wire(number, control, self._venue.inbox())
        wire.task = self._spawn(self._open(wire))
        wire.task.add_done_callback(functools.partial(self._never_begun, wire))

    def _never_begun(self, wire: _Wire, task: asyncio.Task[None]) -> None:
        """An attempt that was stopped before its first step has not said so itself."""
        if task.cancelled() and wire.socket is None:
            self._gone(wire)

    async def _open(self, wire: _Wire) -> None:
        life, number = self._life, wire.number
        try:
            socket = await self._connect(functools.partial(self._frames, wire))
        except Exception as error:  # noqa: BLE001 - a defect too is told, and does not end the trying
            self._wires.pop(number, None)
            waits = error.retry_after if isinstance(error, RateLimited | Banned) else None
            opens = life.failed(
                number, time.monotonic(), random.random(), sent=not isinstance(error, NotSent), retry_after=waits
            )
            if opens:
                logs.event(log, "breaker.opened", level=WARNING, venue=self._venue.name, failures=life.failures)
            logs.event(log, "socket.failed", level=WARNING, venue=self._venue.name, error=str(error),
                       failures=life.failures)  # fmt: skip
            self.trouble = f"{type(error).__name__}: {error}"
            for sinks in self.streams.values():
                for sink in sinks:
                    sink.failed(self.trouble)
        except asyncio.CancelledError:
            self._gone(wire)
            raise
        else:
            wire.socket, self.trouble = socket, None
            if life.connected(number, time.monotonic(), random.random()):
                logs.event(log, "breaker.closed", level=INFO, venue=self._venue.name)
            logs.event(log, "socket.opened", level=INFO, venue=self._venue.name, number=number)
            if life.reconnects:
                _telemetry.counter("cryptox.stream.reconnects", venue=self._venue.name).add()
            _telemetry.observe()
            socket.closed.add_done_callback(functools.partial(self._closed, wire))
            self._check(wire)
        finally:
            wire.task = None
            self._wake.set()

    def _end(self, close: Close) -> None:
        logs.event(log, "socket.closing", level=DEBUG, venue=self._venue.name, number=close.number, why=close.why)
        wire = self._wires.get(close.number)
        if wire is None:
            self._life.ended(close.number, time.monotonic(), random.random())
        elif wire.socket is not None:
            socket, linger_s = wire.socket, LINGER_S if close.why == "handed_over" else 0.0
            wire.task = tend(
                self._spawn,
                lambda: self._close(wire, linger_s),
                lambda: not socket.is_open,
                what="closing a stream",
                owner=None if self._owner is None else self._owner(),
            )
        elif wire.task is not None:
            wire.task.cancel()

    async def _close(self, wire: _Wire, linger_s: float) -> None:
        assert wire.socket is not None
        try:
            if linger_s:
                await asyncio.wait([wire.socket.closed], timeout=linger_s)
        finally:
            await wire.socket.close()

    def _closed(self, wire: _Wire, ended: asyncio.Future[Ended]) -> None:
        end = ended.result()
        logs.event(log, "socket.closed", level=INFO, venue=self._venue.name, number=wire.number, reason=end.reason,
                   code=end.code, text=end.text)  # fmt: skip
        if not any(other.socket is not None for other in self._wires.values() if other is not wire):
            self.trouble = f"the connection has ended: {end.reason}"
        self._gone(wire)

    def _gone(self, wire: _Wire) -> None:
        if self._wires.pop(wire.number, None) is None:
            return
        if wire.socket is not None:
            self._heard_at = max(self._heard_at, wire.socket.last_heard)
        self._life.ended(wire.number, time.monotonic(), random.random())
        for stream in wire.control.confirmed:
            if not self._is_carried(stream):
                for tap in self._taps:
                    tap.cut(stream)
                for sink in self.streams.get(stream, ()):
                    sink.cut()
        self._wake.set()

    def _talk(self) -> float:
        """Send the control messages that are due; when to look again."""
        now, until = time.monotonic(), float("inf")
        for wire in list(self._wires.values()):
            if wire.socket is None or not wire.socket.is_open:
                continue
            if wire.control.is_late(now):
                logs.event(log, "socket.deaf", level=WARNING, venue=self._venue.name, number=wire.number)
                self._spawn(self._close(wire, 0.0))
                continue
            while isinstance(step := wire.control.step(self.streams, now), Say):
                try:
                    wire.socket.send(self._venue.control(step.number, step.streams, subscribe=step.subscribe))
                except NotSent:
                    break  # it is closing: what is wanted is asked for on the next one
            else:
                until = min(until, step)
            self._check(wire)
        return until

    def _check(self, wire: _Wire) -> None:
        """Tell the life when everything runs over this socket."""
        if wire.socket is not None and wire.control.carries(self.streams):
            self._life.carries(wire.number, time.monotonic())

    def _is_carried(self, stream: str) -> bool:
        return any(stream in wire.control.confirmed for wire in self._wires.values())

    def _frames(self, wire: _Wire, frames: list[bytes], received_ns: int) -> None:
        """The hot path: everything that came in one chunk of bytes."""
        for tap in self._taps:
            tap.frames(frames, received_ns)
        some = max(1, CACHED // max(1, len(frames[0])))
        if len(frames) <= some:
            self._take(wire, frames, received_ns)
            return
        for start in range(0, len(frames), some):
            self._take(wire, frames[start : start + some], received_ns)

    def _take(self, wire: _Wire, frames: list[bytes], received_ns: int) -> None:
        """Decode messages, and hand them over."""
        self._messages.add(len(frames))
        arrived = wire.inbox.read(frames, received_ns)
        streams = self.streams
        for stream, told in arrived.told:
            for sink in streams.get(stream, ()):
                sink.take(told)
        if arrived.accepted or arrived.refused or arrived.closing or arrived.unreadable:
            for number in arrived.accepted:
                for stream in wire.control.answered(number):
                    if log.isEnabledFor(DEBUG):
                        logs.event(log, "stream.carried", level=DEBUG, stream=stream, number=wire.number)
                    for tap in self._taps:
                        tap.carried(stream)
                    for sink in tuple(streams.get(stream, ())):
                        sink.carried()
            for what in arrived.unreadable:
                logs.event(log, "stream.unreadable", level=WARNING, venue=self._venue.name, what=what)
            for _, why in arrived.refused:
                logs.event(log, "stream.refused", level=WARNING, venue=self._venue.name, why=why)
            if arrived.closing:
                logs.event(log, "socket.retiring", level=INFO, venue=self._venue.name, number=wire.number)
                self._life.retire(wire.number, time.monotonic(), random.random())
            self._wake.set()


def _carried_soon(sinks: list[Sink], sink: Sink) -> None:
    if sink in sinks:
        sink.carried()
