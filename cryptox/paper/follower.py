"""Keeps the engine going while somebody waits: orders are open and their user data is listened to.

Otherwise the market runs through open orders only when somebody asks for something, and a program that does nothing
but wait for its fills would wait for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from .desk import Desk
from .refusals import Refused
from .streams.pump import Pump

__all__ = ["Follower"]


class Follower:
    """Lets the market run through open orders tick by tick. Made and closed on the server's loop.

    Parameters
    ----------
    desk
        Where the engine works.
    is_listened
        Whether anybody listens to user data.
    """

    def __init__(self, desk: Desk, is_listened: Callable[[], bool]) -> None:
        self._desk, self._is_listened = desk, is_listened
        self._loop = asyncio.get_running_loop()
        self._pump = Pump(desk.clock, self._step, self._is_needed)
        desk.clock.watchers.append(self._clock_moved)
        desk.listeners.append(self._something_happened)
        self._is_over = False
        self._begin()

    def poke(self) -> None:
        """Somebody may have begun to listen."""
        self._pump.poke()

    async def close(self) -> None:
        """Look no more."""
        self._desk.clock.watchers.remove(self._clock_moved)
        if self._something_happened in self._desk.listeners:
            self._desk.listeners.remove(self._something_happened)
        self._is_over = True
        self._task.cancel()
        await asyncio.wait([self._task])

    def _begin(self) -> None:
        if self._is_over:  # closed since
            return
        self._task = self._loop.create_task(self._pump.run(), name="cryptox-paper-follower")
        self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """One that was killed, or failed, is begun again: else nobody who only listens would hear of his fills."""
        if self._is_over:
            return
        if not task.cancelled():
            context = {"message": "The follower failed.", "exception": task.exception(), "task": task}
            self._loop.call_exception_handler(context)
        self._loop.call_soon(self._begin)  # its pump waits for the next tick: it does not spin

    def _is_needed(self) -> bool:
        return self._is_listened() and self._desk.engine.is_watched

    async def _step(self) -> None:
        if self._is_needed():
            with suppress(Refused):  # it is tried again at the next tick
                await self._desk.run(lambda _now_us: None)

    def _clock_moved(self) -> None:
        with suppress(RuntimeError):  # the server has stopped
            self._loop.call_soon_threadsafe(self.poke)

    def _something_happened(self, reports: list[Any]) -> None:  # noqa: ARG002 - the form of a desk's listeners
        self.poke()
