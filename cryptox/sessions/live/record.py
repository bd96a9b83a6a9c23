"""Recordings: the messages of feeds as they came, into a file, written by a thread of its own."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Collection, Generator, Sequence
from logging import ERROR, WARNING
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from cryptox import logs
from cryptox._boundary import boundary
from cryptox._display import Displayed
from cryptox._loop import apart
from cryptox.errors import ConfigurationError, CryptoxError, ValidationError
from cryptox.model.lines import one_line
from cryptox.transport import tape

from .feed import AsyncFeed
from .own import OwnPlan

if TYPE_CHECKING:
    from .hub import Hub

__all__ = ["AsyncRecording", "Recorded"]

log = logs.logger("sessions.live")

MOST_WAITING = 64 << 20  # bytes that wait for the disk; what comes beyond them is left out, and noted
EVERY_S = 0.2  # between two looks of the writer: so old is what is not in the file yet
PATIENCE_S = 10.0  # for the disk at the end


class Recorded(NamedTuple):
    """What a recording has done so far."""

    messages: int  # written
    snapshots: int  # of order books, over REST
    dropped: int  # messages that the disk was too slow for
    bytes: int  # of the file
    error: str | None = None  # why it writes no more


class AsyncRecording(Displayed):
    """A recording of live feeds, for use with ``await``; made by ``session.record``.

    It begins with ``async with`` or ``await``, and ends with ``stop()`` or with its session. It holds its feeds: they
    run as long as it does. Messages are written as they came, those of two overlapping connections twice. A cut is in
    the file as a note; what a feed repaired over REST meanwhile is not, so that the hole is a hole when it is replayed.
    Only snapshots of order books are, without which no book could be kept.
    """

    def __init__(self, path: str | os.PathLike[str], feeds: Sequence[AsyncFeed]) -> None:
        with boundary():
            self.path = Path(path)
            self._feeds = _checked(feeds)
            self._hubs: list[Hub] = []
            self._scribe: _Scribe | None = None
            self._ended = False

    @property
    def is_running(self) -> bool:
        """Whether it has begun, and neither ended nor failed: ``counts.error`` says why it writes no more."""
        return self._scribe is not None and self._scribe.error is None and not self._ended

    @property
    def counts(self) -> Recorded:
        """What is in the file; a moment behind what has come."""
        return Recorded(0, 0, 0, 0) if self._scribe is None else self._scribe.counts()

    async def start(self) -> Self:
        """Begin, unless it has begun; its feeds are started too.

        Raises
        ------
        FileExistsError, OSError
            There is such a file already (it is never written over), or it cannot be written.
        BadSymbol
            The exchange does not know a symbol.
        ConfigurationError
            The recording, a feed or its session has ended.
        """
        with boundary():
            if self._ended:
                raise ConfigurationError("This recording has ended.", recovery_suggestions=["Make another."])
            if self._scribe is None:
                await self._begin()
            return self

    async def stop(self) -> None:
        """End it, when all that came is in the file. The feeds go on. A second time does nothing."""
        self.end()
        if self._scribe is not None:
            await apart(self._scribe.join, PATIENCE_S)

    def end(self) -> None:
        """As ``stop``, from any thread, and without waiting for the file."""
        self._ended = True
        for hub in self._hubs:
            if hub.is_here() or hub.loop.is_closed():
                self._leave(hub)
            else:
                hub.loop.call_soon_threadsafe(self._leave, hub)  # which may be going through its taps
        if self._scribe is not None:
            self._scribe.finish()
        self._feeds = ()

    def __await__(self) -> Generator[Any, Any, Self]:
        """Begin."""
        return self.start().__await__()

    async def __aenter__(self) -> Self:
        """Begin."""
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        """End it."""
        await self.stop()

    def __repr__(self) -> str:
        """One line: where to, and how much."""
        return one_line(f"<{type(self).__name__} {self.path.name} {self._state}, {self.counts.messages} messages>")

    @property
    def _state(self) -> str:
        if self._scribe is not None and self._scribe.error is not None:
            return "failed"
        return "recording" if self.is_running else "ended" if self._ended else "not started"

    def _facts(self) -> dict[str, Any]:
        """What its card says."""
        counts = self.counts
        error = {} if counts.error is None else {"error": counts.error}
        numbers = {"messages": counts.messages, "snapshots": counts.snapshots, "dropped": counts.dropped}
        return {"file": self.path.name, "state": self._state, **numbers, "bytes": counts.bytes, **error}

    def frames(self, frames: list[bytes], received_ns: int) -> None:
        """Messages have come, of whatever streams: the writer knows which are wanted."""
        assert self._scribe is not None
        self._scribe.put(received_ns, frames)

    def carried(self, stream: str) -> None:
        """A stream is subscribed."""
        self._note("connected", stream)

    def cut(self, stream: str) -> None:
        """No connection carries a stream any more."""
        self._note("cut", stream)

    def answer(self, stream: str, limit: int, body: bytes) -> None:
        """A snapshot for a stream has come."""
        assert self._scribe is not None
        if stream in self._scribe.streams and body.startswith(b"{"):
            self._scribe.put(time.time_ns(), [tape.note("snapshot", streams=[stream], limit=limit), body], own=True)

    def _leave(self, hub: Hub) -> None:
        if self in hub.taps:
            hub.taps.remove(self)

    def _note(self, kind: str, stream: str) -> None:
        assert self._scribe is not None
        if stream in self._scribe.streams:
            self._scribe.put(time.time_ns(), [tape.note(kind, streams=[stream])], own=True)

    async def _begin(self) -> None:
        plans = [feed._plan for feed in self._feeds]
        venue: Any = plans[0].session.venue
        streams = {venue.stream_of(plan.subject(symbol)) for plan in plans for symbol in plan.symbols}
        writer = await apart(tape.Writer, self.path)
        self._scribe = scribe = _Scribe(writer, venue.stream_in, frozenset(streams))
        weakref.finalize(self, scribe.close)
        scribe.start()
        try:
            self._hubs = list(dict.fromkeys(plan.hub() for plan in plans))  # all on this loop
            for hub in self._hubs:
                hub.taps.append(self)
            running = [feed for feed in self._feeds if feed.is_running]
            for feed in running:
                self._told(feed)
            for feed in self._feeds:
                if feed not in running:
                    await feed.start()
            for feed in running:
                await _snapshots(feed)
        except BaseException:
            self.end()
            await apart(scribe.discard)  # or it would be in the way of the next attempt
            raise

    def _told(self, feed: AsyncFeed) -> None:
        for topic in feed._topics.values():
            if topic.connected:
                self.carried(topic.stream)


class _Scribe:
    """The thread that writes, and what waits for it."""

    def __init__(self, writer: tape.Writer, stream_in: Callable[[bytes], str | None], streams: Collection[str]) -> None:
        self.streams = streams
        self._writer = writer
        self._stream_in = stream_in
        self._waiting: deque[tuple[int, list[bytes], bool]] = deque()
        self._size = 0  # bytes that have been put
        self._taken = 0  # bytes that have been taken out again
        self._left_out = 0  # messages, since the file was told
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cryptox-record", daemon=True)
        self.dropped = self.messages = self.snapshots = 0
        self.error: str | None = None

    def start(self) -> None:
        self._thread.start()

    def counts(self) -> Recorded:
        return Recorded(self.messages, self.snapshots, self.dropped, self._writer.written, self.error)

    def put(self, time_ns: int, messages: list[bytes], *, own: bool = False) -> None:
        """On the loop: never waits. ``own`` marks notes and snapshots, which are written as they are."""
        if self._over.is_set() or self.error is not None:
            return
        size = sum(map(len, messages))
        if self._size - self._taken + size > MOST_WAITING:
            if not self._left_out:
                logs.event(log, "record.dropping", level=WARNING, path=str(self._writer.path))
            wanted = len(messages) if own else sum(self._stream_in(one) in self.streams for one in messages)
            self._left_out += wanted
            self.dropped += wanted
            return
        if self._left_out:
            self._append(time_ns, [tape.note("dropped", messages=self._left_out)], own=True)
            self._left_out = 0
        self._append(time_ns, messages, own=own)

    def finish(self) -> None:
        """Write what waits, and end the file."""
        self._over.set()

    def close(self) -> None:
        """For a recording that is collected, and at exit."""
        self.finish()
        self.join(PATIENCE_S)

    def discard(self) -> None:
        """End, and take away the file."""
        self.close()
        with contextlib.suppress(OSError):
            self._writer.path.unlink()

    def join(self, within_s: float) -> None:
        if self._thread.ident is not None:
            self._thread.join(within_s)

    def _append(self, time_ns: int, messages: list[bytes], *, own: bool) -> None:
        self._size += sum(map(len, messages))
        self._waiting.append((time_ns, messages, own))

    def _run(self) -> None:
        try:
            over = False
            while not over:
                over = self._over.wait(EVERY_S)
                if self._waiting:
                    self._write()
            self._writer.close()
        except BaseException as error:  # noqa: BLE001 - a thread that ends silently would seem to record
            self.error = f"{type(error).__name__}: {error}"
            self._waiting.clear()
            with contextlib.suppress(OSError):
                self._writer.close()
            logs.event(log, "record.failed", level=ERROR, path=str(self._writer.path), error=self.error)

    def _write(self) -> None:
        waiting, streams = self._waiting, self.streams
        lines: list[bytes] = []
        while waiting:
            time_ns, messages, own = waiting.popleft()
            wanted = messages if own else [one for one in messages if self._stream_in(one) in streams]
            lines += [tape.render(time_ns, message) for message in wanted]
            self._taken += sum(map(len, messages))
            self.messages += 0 if own else len(wanted)
            self.snapshots += own and len(messages) > 1
        self._writer.write(lines)
        self._writer.flush()


async def _snapshots(feed: AsyncFeed) -> None:
    """Ask for the books of a feed that has them already: their diffs alone would be of no use."""
    if feed.kind != "book":
        return
    for topic in list(feed._topics.values()):
        hub = topic.hub
        limit = hub.venue.capabilities.depth_cap
        try:
            await topic.ask(hub.tapped(hub.venue.snapshot(topic.symbol), topic.stream, limit))
        except CryptoxError as error:  # the book of the recording begins when the feed asks for one itself
            logs.event(log, "record.no_snapshot", level=WARNING, topic=topic.name, error=str(error))


def _checked(feeds: Sequence[AsyncFeed]) -> tuple[AsyncFeed, ...]:
    if not feeds:
        raise ValidationError("record(path, ...) takes the feeds to record.")
    for feed in feeds:
        if not isinstance(feed, AsyncFeed):
            raise ValidationError(f"record(path, ...) takes live feeds, not {type(feed).__name__}.")
        if isinstance(feed._plan, OwnPlan):
            raise ValidationError(
                f"A recording holds what everybody may see, not a user's own: {feed._plan.kind}.",
                recovery_suggestions=["Leave it out: orders(symbol), fills(symbol) and balances() tell it afterwards."],
            )
    if len({feed._plan.venue_name for feed in feeds}) > 1:
        raise ValidationError("A recording is of one venue: its lines do not say where they come from.")
    return tuple(feeds)
