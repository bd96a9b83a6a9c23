"""Tasks that must go on: one that ends before its owner wants it is reported and begun again."""

from __future__ import annotations

import asyncio
import os
import time
import weakref
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from logging import WARNING
from typing import Any, Final

from cryptox import logs, portal

__all__ = ["AGAIN_S", "Spawn", "begun_again", "is_winding_down", "note", "tend"]

log = logs.logger("sessions.tending")

AGAIN_S = 0.1  # between the end of a task and its next beginning: a defect that strikes at once must not spin

_MOST: Final = 16


@dataclass(frozen=True, slots=True)
class _Note:
    """Something had ended before its time."""

    told: str
    at: float
    owner: weakref.ref[Any] | None
    process: int


_ended: Final[deque[_Note]] = deque(maxlen=_MOST)  # the newest of the process

Spawn = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]


def tend(
    spawn: Spawn,
    make: Callable[[], Coroutine[Any, Any, None]],
    is_over: Callable[[], bool],
    *,
    what: str,
    ended: Callable[[], None] = lambda: None,
    owner: object = None,
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
    owner
        The session, or the hub of sessions, that it serves; not held. None for the process itself.
    """
    task = spawn(make())
    loop, whose = task.get_loop(), (lambda: None) if owner is None else weakref.ref(owner)
    del owner

    def again() -> None:
        if not is_over():
            tend(spawn, make, is_over, what=what, ended=ended, owner=whose())

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
        note(what, why, owner=whose())
        loop.call_later(AGAIN_S, again)

    task.add_done_callback(done)
    return task


def note(what: str, why: str, *, owner: object = None) -> None:
    """Something that was to go on has ended, and is begun again: health tells of it for a while. From any thread."""
    whose = None if owner is None else weakref.ref(owner)
    _ended.append(_Note(f"{what} ({why})", time.monotonic(), whose, os.getpid()))


def begun_again(now: float, owners: Iterable[object] | None = None) -> list[tuple[str, float]]:
    """What has ended before its time, with why, and how many seconds ago; the newest few.

    Of the whole process, or with ``owners`` only what served one of these.
    """
    notes = [one for one in tuple(_ended) if one.process == os.getpid()]
    if owners is not None:
        wanted = {id(owner) for owner in owners}
        notes = [one for one in notes if one.owner is not None and id(one.owner()) in wanted]
    return [(one.told, now - one.at) for one in notes]


def is_winding_down(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether whoever runs the loop is ending it, all its tasks having been told to; on its thread.

    The portal's loop ends with the interpreter alone: one that has no task left there may well be one whose only task
    was killed.
    """
    return portal.is_ending() or (not portal.inside() and all(task.cancelling() for task in asyncio.all_tasks(loop)))
