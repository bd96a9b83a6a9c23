"""Health again and again, on one loop: the newest look, the former ones, and callbacks."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from logging import INFO, WARNING
from typing import Any, Final

from cryptox import logs
from cryptox.errors import ConfigurationError, ValidationError
from cryptox.model.health import Health
from cryptox.sessions.health import look
from cryptox.sessions.live.rows import Records
from cryptox.sessions.live.worker import Worker
from cryptox.sessions.standstill import Guard
from cryptox.sessions.tending import tend
from cryptox.table.healths import Rows, health_rows

__all__ = ["MOST_LOOKS", "Watch", "check_interval_s"]

log = logs.logger("sessions.health")

LEAST_S: Final = 1.0
MOST_S: Final = 3_600.0
MOST_LOOKS: Final = 10_000  # that are kept, the newest
MOST_WAITING: Final = 1_000  # looks that wait for callbacks


class Watch:
    """Lives on the loop it was made on, until it is ended or nobody holds it; a callback holds it.

    Parameters
    ----------
    interval_s
        Between two looks.
    sessions
        Whose health, asked anew for each look.

    Attributes
    ----------
    latest
        The newest look; None before the first.
    looks
        How many there were.
    """

    def __init__(self, interval_s: float, sessions: Callable[[], Iterable[Any]]) -> None:
        self.loop = asyncio.get_running_loop()
        self.latest: Health | None = None
        self.looks = 0
        self.interval_s = interval_s
        self._sessions = sessions
        self._history: deque[Rows] = deque(maxlen=MOST_LOOKS)  # a look of many users is twenty times as large
        self._callbacks: list[Callable[[Any], Any]] = []
        self._worker: Worker | None = None
        self._held: list[Watch] = []  # itself, while a callback is to hold it
        self._is_over = False
        self._changed = asyncio.Event()
        self._sooner = asyncio.Event()  # a look is due before its time
        self._tasks = _begun(self.loop, weakref.ref(self), self._held, self._sooner)
        self.stood: Callable[[Watch], None] | None = None  # told, on a thread, of a look that the loop did not make
        self._guard = Guard(self, threading.current_thread())
        # The guard sees by itself that nobody holds this: an Event may be held by the very thread that collects.
        self._end = weakref.finalize(self, _cancel, self.loop, self._tasks)
        self._end.atexit = False

    @property
    def is_running(self) -> bool:
        """Whether it goes on."""
        return not (self._is_over or self.loop.is_closed())

    @property
    def errors(self) -> int:
        """Exceptions that callbacks have raised."""
        return 0 if self._worker is None else self._worker.errors

    def history(self) -> list[Rows]:
        """The looks that are kept, oldest first, as rows of the table ``health``."""
        return list(self._history)

    def on(self, callback: Callable[[Health], Any]) -> None:
        """Call back with every look from now on, on a thread of its own."""
        if not callable(callback):
            raise ValidationError(f"on(...) takes a function of one Health, not {type(callback).__name__}.")
        if not self.is_running:
            raise ConfigurationError(
                "This monitor has ended.", recovery_suggestions=["Make another one: cx.monitor(interval=30)."]
            )
        self._callbacks.append(callback)
        if self._worker is None:
            self._worker = Worker("health", MOST_WAITING, self.loop)
            self._worker.holder = weakref.ref(self)
        if not self._held:
            self._held.append(self)

    async def first(self) -> Health:
        """The first look."""
        while self.latest is None:
            await self._changed.wait()
        return self.latest

    def end(self) -> None:
        """End it; on its loop."""
        self._is_over = True
        self._guard.ended.set()
        self._held.clear()
        for task in self._tasks:
            task.cancel()
        if self._worker is not None:
            self._worker.finish()

    def let_go(self, *, end: bool = False) -> None:
        """Live no longer than somebody holds it; with ``end`` no longer at all. From any thread."""
        if end:
            self._guard.ended.set()
        with suppress(RuntimeError):  # its loop is closed
            self.loop.call_soon_threadsafe(self.end if end else self._held.clear)

    def note_standstill(self, found: Health) -> None:
        """A look that another thread has made, as the loop stands."""
        self._take(found)
        if self.stood is not None:
            self.stood(self)

    def look_soon(self) -> None:
        """Look now, and then at each interval again. From any thread."""
        with suppress(RuntimeError):  # its loop is closed
            self.loop.call_soon_threadsafe(self._sooner.set)

    async def _look(self, due_at: float) -> None:
        self._take(await look(self._sessions(), due_at=due_at, whole=True))
        self._changed.set()

    def _take(self, found: Health) -> None:
        before, self.latest = self.latest, found
        self.looks += 1
        self._history.append(health_rows(found))
        if found.status != ("healthy" if before is None else before.status):
            ill = {part.name: part.status for part in found.components.values() if part.status != "healthy"}
            if found.status == "healthy":
                logs.event(log, "health.changed", level=INFO, status=found.status, **ill)
            else:
                logs.event(log, "health.changed", level=WARNING, status=found.status, **ill)
        if self._worker is not None:
            rows: Any = Records([found])  # the queue does not mind what it carries
            self._worker.queue.put(rows)


async def _again_and_again(
    watch: weakref.ref[Watch],
    held: list[Watch],  # noqa: ARG001  # it holds its items
    sooner: asyncio.Event,
) -> None:
    """Look at once, and then at each interval; a look that takes long moves the next one."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    while (here := watch()) is not None:
        await here._look(due)
        due = max(due + here.interval_s, loop.time())
        del here
        with suppress(TimeoutError):
            async with asyncio.timeout_at(due):
                await sooner.wait()
                sooner.clear()
                due = loop.time()


def _begun(
    loop: asyncio.AbstractEventLoop, watch: weakref.ref[Watch], held: list[Watch], sooner: asyncio.Event
) -> set[asyncio.Task[None]]:
    """The task that looks, begun again where it ends before the watch; held by nobody but its loop and this set."""
    tasks: set[asyncio.Task[None]] = set()

    def spawn(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = loop.create_task(work, name="cryptox-monitor")
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return task

    def is_over() -> bool:
        return (here := watch()) is None or not here.is_running

    def ended() -> None:
        if (here := watch()) is not None:
            here.end()

    tend(spawn, lambda: _again_and_again(watch, held, sooner), is_over, what="monitor", ended=ended)
    return tasks


def _cancel(loop: asyncio.AbstractEventLoop, tasks: set[asyncio.Task[None]]) -> None:
    with suppress(RuntimeError):  # its loop is closed
        for task in list(tasks):
            loop.call_soon_threadsafe(task.cancel)


def check_interval_s(interval: object) -> float:
    """The seconds between two looks, checked.

    Raises
    ------
    ValidationError
        Not a number from 1 to 3600.
    """
    plain: Any = interval.item() if type(interval).__module__ == "numpy" else interval  # type: ignore[attr-defined]  # a scalar of numpy has it
    if isinstance(plain, bool) or not isinstance(plain, int | float) or not LEAST_S <= plain <= MOST_S:
        raise ValidationError(
            f"interval={interval!r} is not a number of seconds from {LEAST_S:g} to {MOST_S:g}.",
            suggested={"interval": 30},
        )
    return float(plain)
