"""Recordings and replays as seen from a notebook or a script."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cryptox import _cells, portal
from cryptox._display import Displayed
from cryptox.errors import ConfigurationError, ValidationError
from cryptox.sessions.live.feed import AsyncFeed
from cryptox.sessions.live.record import AsyncRecording, Recorded
from cryptox.sessions.live.replay import AsyncReplay, Replayed
from cryptox.sync import door
from cryptox.sync.feed import Feed
from cryptox.sync.live import Live

__all__ = ["Recording", "Replay", "unwrapped"]


class Recording(Displayed):
    """A recording of live feeds, running when it is made; made by ``cx.record``.

    It holds its feeds, and ends with ``stop()``, with its session, or with the program. A context manager.
    """

    def __init__(self, recording: AsyncRecording, owner: object = None) -> None:
        self._recording = recording
        self._owner = owner  # a session that is collected would end it

    @property
    def path(self) -> Path:
        """Its file."""
        return self._recording.path

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._recording.is_running

    @property
    def counts(self) -> Recorded:
        """What is in the file; a moment behind what has come."""
        return self._recording.counts

    def stop(self) -> None:
        """End it, when all that came is in the file. The feeds go on. A second time does nothing."""
        with door.boundary(), suppress(ConfigurationError):  # refused only while the interpreter ends
            door.call(self._recording.stop())

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        """End it."""
        self.stop()

    def __repr__(self) -> str:
        """One line: where to, and how much."""
        return repr(self._recording).replace("AsyncRecording", "Recording", 1)

    def _facts(self) -> dict[str, Any]:
        """What its card says."""
        return self._recording._facts()


class Replay(Displayed):
    """A recording that is played again; made by ``cx.replay``.

    Make feeds from ``live``, and then ``start()`` it, ``wait()`` for its end, or iterate a feed. What was played before
    a feed was made, that feed has missed. At the end its feeds end; their frames stay. It ends when nobody holds it or
    one of its feeds, too. A context manager.
    """

    _noun = "replay"  # in calls that errors suggest

    def __init__(self, replay: AsyncReplay, owner: object = None) -> None:
        self._session: Any = replay  # as the owner of its feeds
        self._replay = replay
        self._owner = owner  # a session that is collected would end it
        weakref.finalize(self, _release, replay, portal.generation()).atexit = False
        _cells.note(self, replay)

    @property
    def live(self) -> Live:
        """Its feeds, as ``replay.live.trades("BTCUSDT")``."""
        return Live(lambda: self)

    @property
    def path(self) -> Path:
        """Its file."""
        return self._replay.path

    @property
    def speed(self) -> float | None:
        """How many times as fast as it was; None for as fast as its readers read."""
        return self._replay.speed

    @property
    def is_running(self) -> bool:
        """Whether it plays."""
        return self._replay.is_running

    @property
    def counts(self) -> Replayed:
        """How far it is."""
        return self._replay.counts

    def start(self) -> Self:
        """Begin to play, unless it has begun; goes on by itself.

        Raises
        ------
        ConfigurationError
            It is over.
        """
        with door.boundary():
            door.call(self._replay.start())
            return self

    def wait(self) -> Replayed:
        """Play to the end; what was played. With readers, these must read meanwhile.

        Raises
        ------
        OSError
            The file cannot be read, is no recording, or is damaged: what came before has been played.
        """
        with door.boundary():
            return door.call(self._replay.wait(), endless=True)

    def stop(self) -> None:
        """End it and its feeds. A second time does nothing."""
        with door.boundary(), suppress(ConfigurationError):
            door.call(self._replay.stop())

    def __enter__(self) -> Self:
        """Itself; it does not play yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        """End it."""
        self.stop()

    def __repr__(self) -> str:
        """One line: what, and how far."""
        return repr(self._replay).replace("AsyncReplay", "Replay", 1)

    def _facts(self) -> dict[str, Any]:
        """What its card says."""
        return self._replay._facts()


def _release(replay: AsyncReplay, generation: int) -> None:
    """Nobody holds it, nor any of its feeds."""
    if generation == portal.generation():
        portal.spawn(replay.stop)


def unwrapped(feeds: Sequence[Feed]) -> list[AsyncFeed]:
    """The feeds behind blocking ones.

    Raises
    ------
    ValidationError
        One is something else.
    """
    for feed in feeds:
        if not isinstance(feed, Feed):
            raise ValidationError(f"record(path, ...) takes live feeds, not {type(feed).__name__}.")
    return [feed._feed for feed in feeds]
