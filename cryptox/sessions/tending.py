"""Tasks that must go on: one that ends before its owner wants it is reported and begun again."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine
from logging import WARNING
from typing import Any, Final

from cryptox import logs, portal

__all__ = ["AGAIN_S", "Spawn", "begun_again", "is_winding_down", "note", "tend"]

log = logs.logger("sessions.tending")

AGAIN_S = 0.1  # between the end of a task and its next beginning: a defect that strikes at once must not spin

_MOST: Final = 16
_ended: Final[deque[tuple[str, str, float]]] = deque(maxlen=_MOST)  # what, why, when: the newest of the process

Spawn = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]


def tend(
    spawn: Spawn,
    make: Callable[[], Coroutine[Any, Any, None]],
    is_over: Callable[[], bool],
    *,
    what: str,
    ended: Callable[[], None] = lambda: None,
) -> asyncio.Task[None]:
    """The task of ``make()``, begun again whenever it ends although its owner goes on.

    Parameters
    ----------
    spawn
        Begins a task that somebody owns.
    make
        The work; may be begun more than once.
    is_over
        Whether it is meant to have ended.
    what
        For the log.
    ended
        Called instead, where the loop itself is being ended.
    """
    task = spawn(make())
    loop = task.get_loop()

    def again() -> None:
        if not is_over():
            tend(spawn, make, is_over, what=what, ended=ended)

    def done(task: asyncio.Task[None]) -> None:
        if is_over():
            return
        if is_winding_down(loop):
            ended()
            return
        error = None if task.cancelled() else task.exception()
        told = "ended" if error is None else f"{type(error).__name__}: {error}"
        why = "cancelled" if task.cancelled() else told
        logs.event(log, "task.restarted", level=WARNING, task=what, error=why)
        note(what, why)
        loop.call_later(AGAIN_S, again)

    task.add_done_callback(done)
    return task


def note(what: str, why: str) -> None:
    """Something that was to go on has ended, and is begun again: health tells of it for a while. From any thread."""
    _ended.append((what, why, time.monotonic()))


def begun_again(now: float) -> list[tuple[str, float]]:
    """What has ended before its time in this process, with why, and how many seconds ago; the newest few."""
    return [(f"{what} ({why})", now - at) for what, why, at in tuple(_ended)]


def is_winding_down(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether whoever runs the loop is ending it, all its tasks having been told to; on its thread.

    The portal's loop ends with the interpreter alone: one that has no task left there may well be one whose only task
    was killed.
    """
    return portal.is_ending() or (not portal.inside() and all(task.cancelling() for task in asyncio.all_tasks(loop)))
