"""One call on its way to the loop thread, and the wait for it."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Coroutine
from typing import Any, Final, Generic, TypeVar

from cryptox._standstill import Pulse

__all__ = ["LOOK_UP_S", "Call"]

T = TypeVar("T")

# A held lock is not left for an interrupt on Windows, nor for one that comes without a signal: look up now and then.
LOOK_UP_S: Final = 0.1 if os.name == "nt" else 0.5


class Call(Generic[T]):
    """One coroutine on its way: handed over to the loop thread and waited for."""

    __slots__ = ("_lock", "coroutine", "done", "endless", "error", "result", "task")

    result: T

    def __init__(self, coroutine: Coroutine[Any, Any, T], endless: bool) -> None:
        self.coroutine = coroutine
        self.endless = endless
        self.error: BaseException | None = None
        self.task: asyncio.Task[None] | None = None
        self.done = False
        self._lock = threading.Lock()
        self._lock.acquire()

    async def carry(self) -> None:
        """Await the coroutine and keep what came of it; nothing escapes, since KeyboardInterrupt would end the loop."""
        try:
            self.result = await self.coroutine
        except BaseException as error:  # noqa: BLE001  # it is raised where the call was made
            # One that was let go already has its answer.
            if not self.done:
                self.error = error

    def release(self) -> None:
        """Let the waiting thread go on."""
        if not self.done:
            self.done = True
            self._lock.release()

    def wait_patiently(self, pulse: Pulse, patience_s: float) -> None:
        """Wait until released, or until the loop has made no step for so many seconds; raises ``Standstill`` then."""
        while not self.wait(LOOK_UP_S):
            if (silent_s := pulse.silent_s()) >= patience_s:
                raise pulse.standstill(silent_s)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until released, at most ``timeout_s`` seconds; False when it was not."""
        if self.done:
            return True
        until = None if timeout_s is None else time.monotonic() + timeout_s
        while not self._lock.acquire(timeout=LOOK_UP_S if timeout_s is None else min(LOOK_UP_S, timeout_s)):
            if until is not None and time.monotonic() >= until:
                return False
        return True
