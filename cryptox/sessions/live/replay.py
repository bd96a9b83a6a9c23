"""A recording played again: the same decoding, order, rings, books and events as live, and no network."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from logging import ERROR
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from cryptox import logs
from cryptox._boundary import boundary
from cryptox._display import Displayed
from cryptox._loop import apart
from cryptox.errors import ConfigurationError, ExchangeError, ValidationError
from cryptox.model.lines import one_line
from cryptox.sessions.core import Core
from cryptox.transport import tape
from cryptox.venues.port import Snapshot

from .hub import Hub
from .live import AsyncLive
from .past import PastCore, PastHub

__all__ = ["AsyncReplay", "Replayed"]

log = logs.logger("sessions.live")

CHUNK = 256  # lines between two looks at the readers
SOON_S = 0.0005  # what is due within this time is played now
FULL = 0.5  # a reader's queue; as fast as possible is as fast as the slowest reader
PAUSE_S = 0.001


class Replayed(NamedTuple):
    """How far a replay is."""

    messages: int  # of streams, in the part that was played
    played: int  # those that some feed wanted
    others: int  # lines that are neither message, snapshot nor note; a last line that was cut off is one
    at: datetime | None  # recorded time of the last line, UTC
    is_over: bool


class AsyncReplay(Displayed):
    """A recording that is played, for use with ``await``; made by ``session.replay``.

    Make feeds from ``live``, as of a session. It plays with ``start()`` or ``wait()``, or when a feed is iterated; what
    was played before a feed was made, it has missed. At the end its feeds end, and their frames stay. Nothing is asked
    of the exchange: what the recording lacks is a ``Gap``, feeds have no history from before it, and a book is synced
    from its first snapshot on.
    """

    def __init__(self, session: Core, path: str | os.PathLike[str], speed: float | None = 1) -> None:
        with boundary():
            self.speed = _checked(speed)
            self.path = Path(path)
            self.path.stat()
            self._core = PastCore(session)
            self._live = AsyncLive(self._core, self._home)
            self._hub: PastHub | None = None
            self._task: asyncio.Task[None] | None = None
            self._is_over = False
            self._error: OSError | ExchangeError | None = None
            self._player: _Player | None = None

    @property
    def live(self) -> AsyncLive:
        """Its feeds, as ``replay.live.trades("BTCUSDT")``."""
        return self._live

    @property
    def is_running(self) -> bool:
        """Whether it plays."""
        return self._task is not None and not self._is_over

    @property
    def counts(self) -> Replayed:
        """How far it is."""
        now_ns = 0 if self._hub is None else self._hub.now_ns
        at = datetime.fromtimestamp(now_ns // 1_000 / 1e6, UTC) if now_ns else None
        player = self._player
        numbers = (0, 0, 0) if player is None else (player.messages, player.played, player.others)
        return Replayed(*numbers, at, self._is_over)

    async def start(self) -> Self:
        """Begin to play, unless it has begun; goes on by itself.

        Raises
        ------
        ConfigurationError
            It is over.
        """
        with boundary():
            if self._is_over:
                raise _over()
            self._begin()
            return self

    async def wait(self) -> Replayed:
        """Play to the end; what was played. With readers, these must read meanwhile.

        Raises
        ------
        OSError
            The file cannot be read, is no recording, or is damaged: what came before has been played.
        """
        with boundary():
            if not self._is_over:
                self._begin()
            if self._task is not None:
                await asyncio.wait([self._task])
            failure: BaseException | None = (
                None if self._task is None or self._task.cancelled() else self._task.exception()
            )
            if self._task is not None and self._task.cancelled() and not self._is_over:
                failure = ExchangeError("The replay was broken off before it began.")
            failure = failure or self._error
            if failure is not None:
                raise failure  # never taken for the end of the file
            return self.counts

    async def stop(self) -> None:
        """End it and its feeds. A second time does nothing."""
        task = self._task
        self.end()
        if task is not None and task.get_loop() is asyncio.get_running_loop():
            await asyncio.wait([task])

    def end(self) -> None:
        """As ``stop``, from any thread."""
        self._is_over = True
        self._live.retire()
        task = self._task
        if task is not None and not task.get_loop().is_closed():
            task.get_loop().call_soon_threadsafe(task.cancel)

    def let_go(self, *, end: bool = False) -> None:
        """With ``end``: as ``end``. Else nothing: nobody but its holders holds it."""
        if end:
            self.end()

    async def __aenter__(self) -> Self:
        """Itself; it does not play yet."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        """End it."""
        await self.stop()

    def __repr__(self) -> str:
        """One line: what, and how far."""
        counts = self.counts
        at = "" if counts.at is None else f", at {counts.at:%Y-%m-%d %H:%M:%S} UTC"
        return one_line(f"<{type(self).__name__} {self.path.name} {self._state}, {counts.messages} messages{at}>")

    @property
    def _state(self) -> str:
        return "over" if self.counts.is_over else "playing" if self.is_running else "not started"

    def _facts(self) -> dict[str, Any]:
        """What its card says."""
        counts = self.counts
        speed = "as its readers read" if self.speed is None else f"{self.speed:g} times"
        facts = {"file": self.path.name, "state": self._state, "speed": speed, "messages": counts.messages}
        return {**facts, "at": counts.at}

    def _home(self, session: Core) -> Hub:
        if self._is_over:
            raise _over()
        loop = asyncio.get_running_loop()
        if self._hub is None:
            self._hub = PastHub(session, loop, self._begin)
        elif self._hub.loop is not loop:
            raise ConfigurationError("A replay is used on the loop it was started on.")
        return self._hub

    def _begin(self) -> None:
        if self._task is None and not self._is_over:
            hub = self._hub or self._home(self._core)
            assert isinstance(hub, PastHub)
            hub.waits_for = None
            self._task = hub.spawn(self._play(hub), name="cryptox-replay")

    async def _play(self, hub: PastHub) -> None:
        try:
            player = self._player = _Player(hub, self.speed)
            lines = tape.read(self.path)
            while chunk := await apart(_some, lines):
                await player.play(chunk)
            if player.others == player.lines > 0:
                raise OSError(f"{self.path} is no recording: no line is a message as cx.record writes them.")
        except OSError as error:
            self._error = error
            logs.event(log, "replay.failed", level=ERROR, path=str(self.path), error=str(error))
        except BaseException as error:
            if not self._is_over:  # never taken for the end of the file
                self._error = ExchangeError(f"The replay was broken off: {type(error).__name__}: {error}")
                logs.event(log, "replay.failed", level=ERROR, path=str(self.path), error=str(self._error))
            raise
        finally:
            self._is_over = True
            hub.finish(None if self._error is None else str(self._error))


class _Player:
    """Hands the lines of a recording in, each at its time."""

    def __init__(self, hub: PastHub, speed: float | None) -> None:
        self._hub = hub
        self._speed = speed
        self._loop = asyncio.get_running_loop()
        self._start: tuple[int, float] | None = None  # of the first line: recorded ns, and when it was played
        self._told: tuple[str, int] | None = None  # of the next snapshot: stream and levels
        self.lines = self.messages = self.played = self.others = 0

    async def play(self, entries: list[tape.Entry | None]) -> None:
        """Play some lines."""
        hub, stream_in, wanted = self._hub, self._hub.venue.stream_in, self._hub.line.streams
        same_ns, frames = 0, list[bytes]()
        self.lines += len(entries)
        for entry in entries:
            if entry is None:
                self.others += 1
                continue
            if entry.time_ns != same_ns:
                self._deliver(frames, same_ns)
                frames, same_ns = [], entry.time_ns
                await self._until(entry.time_ns)
            facts = tape.note_in(entry.message)
            stream = stream_in(entry.message) if facts is None else None
            if stream is None:
                self._deliver(frames, same_ns)
                frames = []
                hub.advance(same_ns)
                if facts is not None:
                    self._noted(facts)
                else:
                    self._answered(entry.message)
            else:
                self.messages += 1
                if stream in wanted:
                    frames.append(entry.message)
        self._deliver(frames, same_ns)
        await asyncio.sleep(0)
        while self._speed is None and hub.fullest() > FULL:  # noqa: ASYNC110 - some are emptied on other threads
            await asyncio.sleep(PAUSE_S)

    def _deliver(self, frames: list[bytes], received_ns: int) -> None:
        if received_ns:
            self._hub.advance(received_ns)
        if frames:
            self.played += len(frames)
            self._hub.line.deliver(frames, received_ns)

    def _answered(self, message: bytes) -> None:
        """An answer over REST: the snapshot of a book, or nothing of use."""
        found = self._hub.venue.snapshot_in(message)
        if found is None:
            self.others += 1
            return
        stream, levels = self._told or (None, found.levels)
        self._told = None
        self._hub.offer(Snapshot(found.answer, found.last_update_id, levels), stream)

    def _noted(self, facts: Mapping[str, Any]) -> None:
        """A note of ours; those of later versions are passed over."""
        kind, streams, limit, line = facts["cryptox"], facts.get("streams"), facts.get("limit"), self._hub.line
        names = [name for name in streams if isinstance(name, str)] if isinstance(streams, list) else []
        if kind == "snapshot" and len(names) == 1 and isinstance(limit, int):
            self._told = names[0], limit
        elif kind in ("connected", "cut"):
            for name in names:
                (line.connected if kind == "connected" else line.cut)(name)

    async def _until(self, time_ns: int) -> None:
        if self._speed is None:
            return
        if self._start is None:
            self._start = time_ns, self._loop.time()
        start_ns, began = self._start
        wait_s = began + (time_ns - start_ns) / 1e9 / self._speed - self._loop.time()
        if wait_s > SOON_S:
            await asyncio.sleep(wait_s)


def _some(lines: Iterator[tape.Entry | None]) -> list[tape.Entry | None]:
    return list(islice(lines, CHUNK))


def _checked(speed: float | None) -> float | None:
    """The speed; None for as fast as possible."""
    if speed is None:
        return None
    if isinstance(speed, bool) or not isinstance(speed, int | float) or not 0 <= speed < math.inf:
        raise ValidationError(
            f"speed={speed!r} is neither a number above zero nor None.",
            recovery_suggestions=["1 is as it was, 10 ten times as fast, None as fast as possible."],
            suggested={"call": "replay", "speed": 1},
        )
    return float(speed) or None


def _over() -> ConfigurationError:
    return ConfigurationError("This replay is over.", recovery_suggestions=["Make another to play it again."])
