"""A loop that does not answer: since when, and what it is doing, seen from another thread."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from types import FrameType

from cryptox.errors import ConfigurationError

__all__ = ["ADVICE", "Pulse", "Standstill", "doing"]

MOST_S = 2.0  # that one look may count: a process that was stopped as a whole has not kept its loop from answering

ADVICE = (
    "Feeds and calls stand until it goes on. What waits or computes belongs on a thread: await asyncio.to_thread(...), "
    "and asyncio.sleep in the place of time.sleep. If it never ends, restart the kernel."
)


class Standstill(Exception):  # no failure of the call: it never reaches a user
    """The loop has made no step for a while.

    Attributes
    ----------
    silent_s
        For how many seconds it was seen not to answer.
    where
        What it is doing, as ``doing`` says it; empty where that cannot be told.
    tasks
        How many tasks it has.
    """

    def __init__(self, silent_s: float, where: str, tasks: int) -> None:
        super().__init__(silent_s, where, tasks)
        self.silent_s = silent_s
        self.where = where
        self.tasks = tasks

    def __str__(self) -> str:
        """In a sentence without its end."""
        told = f"cryptox's event loop has not answered for {self.silent_s:.1f} s"
        return f"{told}: it is in {self.where}" if self.where else told

    def as_error(self) -> ConfigurationError:
        """For a call that cannot be made because of it."""
        return ConfigurationError(f"{self}.", recovery_suggestions=[ADVICE])


class Pulse:
    """Asks a loop for signs of life. Used by one thread, not the loop's own."""

    def __init__(self, loop: asyncio.AbstractEventLoop, thread: threading.Thread | None) -> None:
        self._loop = loop
        self._thread = thread
        self._is_answered = True
        self._silent_s = 0.0
        self._looked_at = 0.0

    def silent_s(self) -> float:
        """For how many seconds it has owed a sign of life; a loop that gave it is asked for the next one."""
        now, before = time.monotonic(), self._looked_at
        self._looked_at = now
        if not self._is_answered:
            self._silent_s += min(now - before, MOST_S)
            return self._silent_s
        self._is_answered, self._silent_s = False, 0.0
        try:
            self._loop.call_soon_threadsafe(self._answer)
        except RuntimeError:  # closed: it does not stand, it has ended
            self._is_answered = True
        return 0.0

    def standstill(self, silent_s: float) -> Standstill:
        """What there is to say of a loop that stands."""
        where = "" if self._thread is None or self._thread.ident is None else doing(self._thread.ident)
        return Standstill(silent_s, where, len(asyncio.all_tasks(self._loop)))

    def _answer(self) -> None:
        self._is_answered = True


def doing(thread_id: int) -> str:
    """What the loop of a thread is doing now: functions and lines, never values; empty where it does nothing.

    Outermost first: the coroutine's own function, and at the end what it has called.
    """
    frame: FrameType | None = sys._current_frames().get(thread_id)
    places: list[str] = []
    while frame is not None and not _begins(frame):
        if frame.f_globals.get("__name__") != "cryptox._call":
            places.insert(0, _place(frame))
        frame = frame.f_back
    if frame is None:  # no step of a loop: it waits for events, or is no loop's thread
        return ""
    return ", ".join(places if len(places) < 4 else [*places[:2], "...", places[-1]])


def _begins(frame: FrameType) -> bool:
    """Whether it is where the loop begins a step of a task."""
    return frame.f_code.co_name == "_run" and frame.f_globals.get("__name__") == "asyncio.events"


def _place(frame: FrameType) -> str:
    folder, name = os.path.split(frame.f_code.co_filename)
    in_cell = os.path.basename(folder).startswith("ipykernel_") or name.startswith("<ipython")
    return f"{frame.f_code.co_name} (line {frame.f_lineno} of {'a cell' if in_cell else name})"
