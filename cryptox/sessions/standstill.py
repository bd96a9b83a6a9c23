"""Health while the loop that would look at it stands, as a coroutine on it computes or waits without ``await``."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
import weakref
from logging import ERROR
from typing import Final, Protocol

from cryptox import _process, logs
from cryptox._standstill import Pulse, Standstill
from cryptox.model import judging
from cryptox.model.health import Application, Component, Health
from cryptox.model.judging import COMPONENTS
from cryptox.sessions.tending import note

__all__ = ["Guard", "component_of", "health_of"]

log = logs.logger("sessions.health")

STANDS_S: Final = 8.0  # without a step: as long as a check may take
ASK_S: Final = 1.0  # between two signs of life


def health_of(still: Standstill) -> Health:
    """Everything: the process is unhealthy, and of the rest nothing is known. From any thread."""
    parts = [component_of(still, name) for name in COMPONENTS]
    return judging.health(parts, timestamp_ms=time.time_ns() // 1_000_000)


def component_of(still: Standstill, component: str) -> Component:
    """One component of it."""
    if component != Application.name:
        return judging.not_found_out(component, f"It could not be looked at: {still}.", because="stuck")
    return judging.application(
        uptime_ms=int((time.monotonic() - _process.LOADED_AT) * 1000),
        memory_mb=_process.memory_mb(),
        threads=threading.active_count(),
        tasks=still.tasks,
        loop_lag_ms=still.silent_s * 1000,
        stands=str(still),
    )


class Watched(Protocol):
    """A monitor's looks."""

    loop: asyncio.AbstractEventLoop
    interval_s: float

    @property
    def is_running(self) -> bool:
        """Whether they go on."""

    def note_standstill(self, found: Health) -> None:
        """A look that the loop did not make."""

    def look_soon(self) -> None:
        """The loop goes on: what was noted is true no more."""


class Guard:
    """A thread beside a monitor, which notes in its place that the loop stands, at once and at each interval.

    It does not hold it, and ends with it, or with the loop's own thread.

    Attributes
    ----------
    ended
        Set where it is to end.
    """

    def __init__(self, watch: Watched, thread: threading.Thread) -> None:
        self.ended = threading.Event()
        self._watch = weakref.ref(watch)
        self._loop_thread = thread
        self._pulse = Pulse(watch.loop, thread)
        self._noted_at = float("-inf")
        self._is_noted = False  # that it stands
        self._begin()

    def _begin(self) -> None:
        self.thread = threading.Thread(target=self._run, name="cryptox-guard", daemon=True)
        contextvars.Context().run(self.thread.start)

    def _run(self) -> None:
        try:
            while not self.ended.wait(ASK_S):
                self._ask()
        except BaseException as error:  # noqa: BLE001  # whatever ended the thread, another one goes on
            if self.ended.is_set() or not threading.main_thread().is_alive():
                return
            logs.event(log, "health.guard_restarted", level=ERROR, error=type(error).__name__)
            note("the guard of a monitor", type(error).__name__)
            self._begin()

    def _ask(self) -> None:
        silent_s, now, watch = self._pulse.silent_s(), time.monotonic(), self._watch()
        if watch is None or not watch.is_running or not self._loop_thread.is_alive():
            self.ended.set()
        elif not silent_s and self._is_noted:
            self._is_noted = False
            watch.look_soon()
        elif silent_s >= STANDS_S and not (self._is_noted and now - self._noted_at < watch.interval_s):
            self._noted_at, self._is_noted = now, True
            watch.note_standstill(health_of(self._pulse.standstill(silent_s)))
