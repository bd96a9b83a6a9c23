"""The worker of one feed: its callbacks run there one after another, so that none holds up the loop or another feed."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import threading
import weakref
from collections.abc import Callable, Coroutine, Sequence
from logging import ERROR
from typing import Any, Protocol

from cryptox import logs
from cryptox.model.events import Event
from cryptox.sessions.tending import note

from .queue import Queue

__all__ = ["Callback", "Worker"]

Callback = Callable[[Event], Any]

log = logs.logger("sessions.live")

AT_ONCE = 1_000  # events taken from the queue in one go


class Holder(Protocol):
    """A feed."""

    _callbacks: list[Callback]


class Worker:
    """A thread that calls back; it begins with the first event and ends with ``close``.

    Callbacks run in the context, of logs and spans too, of whoever asked for the first one.

    Parameters
    ----------
    topic
        For the log.
    bound
        Most events that wait for the callbacks.
    loop
        Where coroutine functions among the callbacks run; the worker waits for each.
    owner
        The session whose feed it is, for what is told of it; not held.
    """

    def __init__(self, topic: str, bound: int, loop: asyncio.AbstractEventLoop, owner: object = None) -> None:
        self._owner = None if owner is None else weakref.ref(owner)
        self._topic = topic
        self._loop = loop
        self._ready = threading.Lock()  # held while there is nothing to do; half the cost of an Event
        self._ready.acquire()
        self._thread: threading.Thread | None = None
        self._task: asyncio.Task[Any] | None = None
        self._context = contextvars.copy_context()
        self.queue = Queue(bound, self._wake)
        self.callbacks: Sequence[Callback] = ()
        self.holder: weakref.ref[Holder] | None = None  # whose callbacks they are, where nothing else shall hold them
        self.errors = 0
        self.last_error: str | None = None

    def close(self) -> None:
        """Call back no more, on the loop. A function that runs comes to its end, a coroutine is cancelled."""
        self.queue.close()
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()

    def leave(self) -> None:
        """Call back no more, from a finalizer: it may run amid anything, also where this thread holds a lock."""
        self.queue.closed = True
        with contextlib.suppress(RuntimeError):
            self._ready.release()

    def finish(self) -> None:
        """Call back for what waits, and then no more."""
        self.queue.finish()

    def _wake(self) -> None:
        if self._thread is None and len(self.queue):
            self._begin()
        with contextlib.suppress(RuntimeError):  # it was free already
            self._ready.release()

    def _begin(self) -> None:
        run = self._context.copy().run  # a copy: the thread that ends may begin the next
        self._thread = threading.Thread(target=run, args=(self._run,), name=f"cryptox-feed-{self._topic}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._call_back()
        except BaseException as error:  # noqa: BLE001 - whatever ended the thread, another one goes on
            if self.queue.closed or not threading.main_thread().is_alive():
                return
            logs.event(log, "feed.worker_restarted", level=ERROR, topic=self._topic, error=type(error).__name__)
            owner = None if self._owner is None else self._owner()
            note(f"callbacks of {self._topic}", type(error).__name__, owner=owner)
            del owner
            self._begin()
            with contextlib.suppress(RuntimeError):
                self._ready.release()

    def _call_back(self) -> None:
        queue = self.queue
        while not queue.closed:
            self._ready.acquire()
            while events := queue.take(AT_ONCE):
                for event in events:
                    if queue.closed:
                        return
                    self._call(event)
            if queue.finished and not len(queue):
                return

    def _call(self, event: Event) -> None:
        holder = None if self.holder is None else self.holder()
        for callback in tuple(self.callbacks if holder is None else holder._callbacks):
            try:
                result = callback(event)
                if inspect.iscoroutine(result):
                    ended = asyncio.run_coroutine_threadsafe(self._awaited(result), self._loop).result()
                    if ended is not None:
                        raise ended
            except BaseException as error:  # noqa: BLE001 - the user's own code, sys.exit() too: reported, and it goes on
                if not self.queue.closed:
                    self._report(callback, error)

    async def _awaited(self, coroutine: Coroutine[Any, Any, Any]) -> BaseException | None:
        """Await it; what would end the loop itself is returned."""
        self._task = asyncio.current_task()
        try:
            await coroutine
            return None
        except (SystemExit, KeyboardInterrupt) as error:
            return error
        finally:
            self._task = None

    def _report(self, callback: Callback, error: BaseException) -> None:
        self.errors += 1
        self.last_error = f"{type(error).__name__}: {error}"
        name = getattr(callback, "__qualname__", type(callback).__name__)
        logs.event(log, "feed.callback_failed", level=ERROR, topic=self._topic, callback=name, error=self.last_error)
