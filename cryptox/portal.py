"""The loop thread: one event loop on one daemon thread of the process, and the way to call into it from any thread.

Nothing happens at import; the thread is made by the first call. It stands apart from the loop of a notebook's kernel,
so that streams go on while a cell computes and nothing of the user's own loop has to be patched.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import contextvars
import os
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from logging import DEBUG, WARNING
from typing import Any, Final, TypeVar

from cryptox import logs
from cryptox._call import Call as _Call
from cryptox._loop import Loop, Workers
from cryptox._standstill import Pulse, Standstill
from cryptox.errors import ConfigurationError

__all__ = ["at_exit", "generation", "inside", "is_ending", "is_lost", "loop", "run", "spawn"]

T = TypeVar("T")
Closer = Callable[[], Awaitable[object]]

CLEAN_UP_S: Final = 2.0  # how long an interrupted call may take to tidy up before the caller goes on
EXIT_S: Final = 1.0  # how long the end of the interpreter may wait for us, in all

log = logs.logger("portal")


def run(coroutine: Coroutine[Any, Any, T], *, endless: bool = False, patience_s: float | None = None) -> T:
    """The coroutine's result, from the loop thread; whatever it raises is raised here with its own type.

    The wait is interruptible: on Ctrl-C (or SystemExit from a signal handler) the task is cancelled, gets up to
    ``CLEAN_UP_S`` seconds to tidy up, and the interrupt goes on. The caller's context variables travel into the task.

    Parameters
    ----------
    coroutine
        Begun on the loop thread.
    endless
        True for waits that may never end by themselves, such as the next event of a feed: they end with the main
        thread, while a plain call on a worker thread may finish, as any work on a worker thread of Python.
    patience_s
        The wait ends, and the call is taken back, once the loop has made no step for so many seconds.

    Raises
    ------
    Standstill : it has not.
    ConfigurationError : called from the loop thread itself, where waiting would wait for itself; or too late, while
        the interpreter ends.
    """
    if inside():
        coroutine.close()
        raise ConfigurationError(
            "a blocking call was made on cryptox's own loop thread, where it would wait for itself",
            recovery_suggestions=["Use cx.aio.connect(...) there, and await its methods."],
        )
    call = _Call(coroutine, endless)
    try:
        portal = _running_portal()
    except BaseException:
        coroutine.close()
        raise
    try:
        portal.begin(call)
        if patience_s is None:
            call.wait()
        else:
            call.wait_patiently(Pulse(portal.loop, portal.thread), patience_s)
    except Standstill:
        portal.take_back(call)
        raise
    except BaseException as interrupt:
        portal.abandon(call)
        for note in getattr(call.error, "__notes__", ()):  # what the call said of itself while it tidied up
            interrupt.add_note(note)
        raise
    error = call.error
    if error is None:
        return call.result
    context = error.__context__
    try:
        raise error
    finally:
        # Raising inside a caller's own `except` block has put the caller's error there.
        error.__context__ = context if context is not None else error.__context__
        del error, context, call


def spawn(make: Callable[[], Coroutine[Any, Any, object]]) -> bool:
    """Begin ``make()`` on the loop thread without waiting, if there is one; False when nothing was begun.

    Safe from finalizers: it takes no lock and never starts the thread.
    """
    portal = _state.portal
    if portal is None or _state.ended or not portal.thread.is_alive():
        return False
    try:
        portal.loop.call_soon_threadsafe(portal.adopt, make)
    except RuntimeError:
        return False
    return True


def at_exit(closer: Closer) -> Callable[[], None]:
    """Have ``await closer()`` run on the loop thread when the interpreter ends; the answer takes that back.

    All closers together get at most ``EXIT_S`` seconds. Does not start the loop thread; a child process made by fork
    does not inherit it.
    """
    key = object()
    closers = _state.closers
    closers[key] = closer

    def take_back() -> None:
        closers.pop(key, None)

    return take_back


def generation() -> int:
    """Number of loops lost so far (fork, a dead loop thread): what was bound to a loop is void once this has grown."""
    return _state.generation


def is_lost(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether it was the portal's loop and will never run again here: its thread has ended, or is the parent's."""
    return isinstance(loop, Loop) and (_state.portal is None or _state.portal.loop is not loop)


def inside() -> bool:
    """Whether the calling thread is the loop thread."""
    portal = _state.portal
    return portal is not None and portal.thread.ident == threading.get_ident()


def is_ending() -> bool:
    """Whether the main thread has ended and the interpreter waits for its other threads, of which this is one."""
    return _state.main_is_over and threading.current_thread() is not threading.main_thread()


def loop() -> asyncio.AbstractEventLoop:
    """The loop itself, started if need be."""
    return _running_portal().loop


class _Portal:
    """The loop, its thread, and the calls on it."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.loop.set_default_executor(Workers(1))
        self.calls: set[_Call[Any]] = set()
        self.coming: set[_Call[Any]] = set()  # on their way to the loop thread
        self.is_over = False
        self.adopted: set[asyncio.Task[None]] = set()
        self.thread = threading.Thread(target=self._main, name="cryptox", daemon=True)
        # Of no caller's context: what the thread itself does belongs to nobody's cell.
        contextvars.Context().run(self.thread.start)

    def _main(self) -> None:
        try:
            self.loop.run_forever()
        finally:  # whatever has ended it
            self._over()

    def _over(self) -> None:
        self.is_over = True
        for call in list(self.coming):
            self._refuse(call)
        # Only where somebody else stopped the loop is there still a call that waits.
        for call in list(self.calls):
            call.error = asyncio.CancelledError("the loop thread has ended")
            call.release()
        if not asyncio.all_tasks(self.loop):
            self.loop.close()

    def begin(self, call: _Call[Any]) -> None:
        """Start the call, from any thread."""
        self.coming.add(call)
        if self.is_over:  # it stopped just now
            self._refuse(call)
            return
        try:
            self.loop.call_soon_threadsafe(self._start, call, context=contextvars.copy_context())
        except RuntimeError:  # closed since
            self._refuse(call)

    def take_back(self, call: _Call[Any]) -> None:
        """Cancel the call, which nobody waits for; where the loop stands, once it goes on."""
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._cancel, call)

    def abandon(self, call: _Call[Any]) -> None:
        """Cancel the call and wait, boundedly, for its clean-up; from the thread that made it."""
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._cancel, call)
            if not call.wait(CLEAN_UP_S):
                logs.event(log, "call.left", level=WARNING, waited_s=CLEAN_UP_S)

    def _refuse(self, call: _Call[Any]) -> None:
        """Too late: nothing runs it any more. Its own thread and the loop's may both find that out."""
        try:
            self.coming.remove(call)
        except KeyError:
            return
        call.coroutine.close()
        call.error = SystemExit() if _state.ended else asyncio.CancelledError("the loop thread has ended")
        call.release()

    def _start(self, call: _Call[Any]) -> None:
        self.coming.discard(call)
        if call.endless and _state.main_is_over:
            call.coroutine.close()
            self._let_go(call)
            return
        self.calls.add(call)
        call.task = self.loop.create_task(call.carry())
        call.task.add_done_callback(lambda _: self._finish(call))

    def _finish(self, call: _Call[Any]) -> None:
        self.calls.discard(call)
        if call.task is not None and call.task.cancelled():  # before its first step, for it takes whatever comes later
            call.error = call.error or asyncio.CancelledError()
            call.coroutine.close()
        call.release()

    def _cancel(self, call: _Call[Any]) -> None:
        if call.task is None:
            call.coroutine.close()
            call.release()
        else:
            call.task.cancel()

    def adopt(self, make: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Begin and keep a task that nobody waits for."""
        task = self.loop.create_task(_quietly(make))
        self.adopted.add(task)
        task.add_done_callback(self.adopted.discard)

    def end_endless(self) -> None:
        """Let go of the threads that wait for what may never come: the main thread has ended."""
        for call in [call for call in self.calls if call.endless]:
            self._let_go(call)

    @staticmethod
    def _let_go(call: _Call[Any]) -> None:
        # SystemExit ends a thread without a word, and its `finally` blocks still run.
        call.error = SystemExit()
        call.release()
        if call.task is not None:
            call.task.cancel()

    def wind_up(self, closers: list[Closer], ended: threading.Event) -> None:
        """Cancel everything, run the closers, stop the loop; on the loop thread."""
        for call in list(self.calls):
            self._let_go(call)
        task = self.loop.create_task(self._wind_up(closers))
        self.adopted.add(task)

        def stop(_: asyncio.Task[None]) -> None:
            ended.set()
            self.loop.stop()

        task.add_done_callback(stop)

    async def _wind_up(self, closers: list[Closer]) -> None:
        until = self.loop.time() + EXIT_S * 0.9
        tasks = asyncio.all_tasks(self.loop) - {asyncio.current_task(self.loop)}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=EXIT_S * 0.4)
        closing = [self.loop.create_task(_quietly(closer)) for closer in closers]
        if closing:
            await asyncio.wait(closing, timeout=max(0.0, until - self.loop.time()))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.loop.shutdown_asyncgens(), max(0.01, until - self.loop.time()))


async def _quietly(make: Callable[[], Awaitable[object]]) -> None:
    """Await ``make()``; nobody is there to be told of an error, so it goes to the journal."""
    try:
        await make()
    except Exception as error:  # noqa: BLE001  # whatever a closer raises, the others must still close
        logs.event(log, "closer.failed", level=DEBUG, error=type(error).__name__)


class _State:
    """What the process has of us: at most one portal."""

    def __init__(self) -> None:
        self.portal: _Portal | None = None
        self.closers: dict[object, Closer] = {}
        self.generation = 0
        self.ended = False
        self.main_is_over = False
        self.hooked = False
        self.lock = threading.Lock()


_state: Final = _State()


def _running_portal() -> _Portal:
    portal = _state.portal
    if portal is not None and portal.thread.is_alive() and not _state.ended:
        return portal
    with _state.lock:
        if _state.ended:
            raise ConfigurationError(
                "the interpreter is ending; no call can be made any more",
                recovery_suggestions=["Make the call before the main program ends."],
            )
        if _state.portal is not None and not _state.portal.thread.is_alive():
            _lose()
        if not _state.hooked:
            _hook()
        if _state.portal is None:
            _state.portal = _Portal()
        return _state.portal


def _hook() -> None:
    _state.hooked = True
    atexit.register(_end)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_after_fork)
    # Runs before the interpreter waits for worker threads (3.9 and later, private); concurrent.futures stands on it.
    before_join = getattr(threading, "_register_atexit", None)
    if before_join is not None:
        with contextlib.suppress(RuntimeError):
            before_join(_end_endless)


def _lose() -> None:
    if _state.portal is not None:
        _state.portal = None
        _state.generation += 1


def _after_fork() -> None:
    _state.lock = threading.Lock()
    _state.closers = {}
    _state.main_is_over = False
    _lose()


def _end_endless() -> None:
    _state.main_is_over = True
    portal = _state.portal
    if portal is not None and portal.thread.is_alive():
        with contextlib.suppress(RuntimeError):
            portal.loop.call_soon_threadsafe(portal.end_endless)


def _end() -> None:
    _state.ended = True
    portal = _state.portal
    if portal is None or not portal.thread.is_alive():
        return
    until = time.monotonic() + EXIT_S
    ended = threading.Event()
    with contextlib.suppress(RuntimeError):
        portal.loop.call_soon_threadsafe(portal.wind_up, list(_state.closers.values()), ended)
        if ended.wait(EXIT_S):
            portal.thread.join(max(0.0, until - time.monotonic()))
