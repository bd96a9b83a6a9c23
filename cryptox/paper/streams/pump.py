"""When the streams are looked at: at every tick of market time, at once after something happened, else never."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from cryptox.paper.book import TICK_MS
from cryptox.paper.clock import MarketClock

__all__ = ["Pump"]

TICK_US = TICK_MS * 1_000
LEAST_S = 0.02  # real seconds between ticks, however fast market time runs: then several pass at once
GAP_S = 0.005  # real seconds after a pass; what happens meanwhile is told together
MARGIN_S = 0.001  # past the tick, so that a timer that is early by a hair does not miss it


class Pump:
    """Calls ``step`` again and again, one call at a time; a task runs it.

    Parameters
    ----------
    clock
        Market time. While it is frozen nothing happens but on ``poke``.
    step
        One pass over the streams.
    is_needed
        Whether anybody wants anything.
    tick_us
        How long a tick is now, in microseconds of market time.
    """

    def __init__(
        self,
        clock: MarketClock,
        step: Callable[[], Awaitable[Any]],
        is_needed: Callable[[], bool],
        tick_us: Callable[[], int] = lambda: TICK_US,
    ) -> None:
        self._clock, self._step, self._is_needed, self._tick_us = clock, step, is_needed, tick_us
        self._wake = asyncio.Event()
        self._waiters: list[asyncio.Future[None]] = []

    def poke(self) -> None:
        """Something has changed: look at once."""
        self._wake.set()

    async def passed(self) -> None:
        """Return after a pass that began after this call."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._wake.set()
        await waiter

    async def run(self) -> None:
        """Do it for ever."""
        try:
            while True:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self._delay())
                self._wake.clear()
                waiters, self._waiters = self._waiters, []
                try:
                    await self._step()
                finally:
                    _release(waiters)
                await asyncio.sleep(GAP_S)
        finally:
            _release(self._waiters)

    def _delay(self) -> float | None:
        """Real seconds until the next tick of market time; None where none comes or nobody waits for it."""
        speed = self._clock.speed
        if speed == 0 or not self._is_needed():
            return None
        tick_us = self._tick_us()
        if speed * LEAST_S * 1e6 > tick_us:
            return LEAST_S - GAP_S
        return (tick_us - self._clock.now_us() % tick_us) / 1e6 / speed + MARGIN_S


def _release(waiters: list[asyncio.Future[None]]) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(None)
