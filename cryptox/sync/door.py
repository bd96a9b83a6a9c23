"""The door between the blocking faces and the async core: one hop over to the loop thread and back.

The generated faces are made of two statements a method::

    with door.boundary():
        return door.call(self._session.klines(symbol, interval))
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Protocol, TypeVar

from cryptox import logs, portal
from cryptox._boundary import boundary, keep_users_frames, last_error
from cryptox.errors import ConfigurationError, CryptoxError, ValidationError

__all__ = [
    "boundary",
    "call",
    "current_session",
    "default_session",
    "keep",
    "last_error",
    "register_default",
    "run",
    "use_session",
]

T = TypeVar("T")

log = logs.logger("portal")


class Closable(Protocol):
    """An async session, as far as the door cares."""

    async def close(self) -> None:
        """End it; a second time does nothing."""


def call(work: Coroutine[Any, Any, T] | Callable[[], Coroutine[Any, Any, T]], *, endless: bool = False) -> T:
    """The result of a coroutine of the async core, or of the coroutine that a factory makes, from the loop thread.

    Parameters
    ----------
    work
        A coroutine; or a function that makes one, called on the calling thread.
    endless
        See :func:`cryptox.portal.run`.
    """
    return portal.run(work() if callable(work) else work, endless=endless)


def run(awaitable: Awaitable[T]) -> T:
    """Result of your own coroutine, from a cell, a script, or code that runs inside an event loop.

    A coroutine runs on cryptox's own loop thread, so that a running loop of yours is neither needed nor touched. Only a
    task or future that already belongs to the loop running around this call makes that loop re-entrant
    (``nest_asyncio``), at that moment; the logger ``cryptox.portal`` says so once.

    Raises
    ------
    ValidationError : not something to await.
    ConfigurationError : called on the loop thread itself; or the awaitable belongs to a loop that cannot run here.

    Examples
    --------
    >>> async def last_price(symbol):
    ...     async with cx.aio.connect("paper") as session:
    ...         return (await session.prices(symbol)).price.iloc[0]
    >>> price = cx.run(last_price("BTCUSDT"))
    """
    try:
        return _run(awaitable)
    except CryptoxError as error:
        keep_users_frames(error)
        failure = error
    try:
        # Outside of the block above, so that what it leaves with is what was kept.
        raise failure
    finally:
        del failure


def default_session() -> Any:
    """The session behind the module-level functions, made at its first use."""
    return _default.get()


def current_session() -> Any:
    """The session behind the module-level functions, or None before their first use."""
    return _default.current()


def register_default(make: Callable[[], Any]) -> None:
    """Say how the default session is made when it is first needed; replaces nothing that exists already."""
    _default.make = make


def use_session(session: T) -> T:
    """Put ``session`` behind the module-level functions; the former one closes itself when nobody holds it any more."""
    _default.put(session)
    return session


def keep(face: object, session: Closable) -> None:
    """See to it that ``session`` is closed when its face is collected, or when the interpreter ends; never waits."""
    take_back = portal.at_exit(session.close)
    finalizer = weakref.finalize(face, _release, session, take_back, portal.generation())
    finalizer.atexit = False


def _release(session: Closable, take_back: Callable[[], None], generation: int) -> None:
    take_back()
    # After a fork the connections are the parent's: closing them here would end them there.
    if generation == portal.generation():
        portal.spawn(session.close)


class _Default:
    """At most one session, made once however many threads ask."""

    def __init__(self) -> None:
        self.make: Callable[[], Any] | None = None
        self._session: Any = None
        self._lock = threading.Lock()

    def get(self) -> Any:
        session = self._session
        if session is None:
            with self._lock:
                if self._session is None:
                    if self.make is None:
                        raise ConfigurationError("there is no default session: call cx.use(...) first")
                    self._session = self.make()
                session = self._session
        return session

    def current(self) -> Any:
        return self._session

    def put(self, session: Any) -> None:
        with self._lock:
            self._session = session


_default: Final = _Default()


def _run(awaitable: Awaitable[T]) -> T:
    given: object = awaitable
    if isinstance(awaitable, Coroutine):
        result: T = portal.run(awaitable)
        return result
    if asyncio.isfuture(awaitable):
        future: asyncio.Future[T] = awaitable
        return _run_future(future)
    if not inspect.isawaitable(given):
        name = getattr(awaitable, "__name__", type(given).__name__)
        called = inspect.iscoroutinefunction(given)
        raise ValidationError(
            f"cx.run takes something to await, not {'the function' if called else 'a'} {name}",
            recovery_suggestions=[f"Call it: cx.run({name}(...))" if called else "Pass the coroutine itself."],
        )
    return portal.run(_await(awaitable))


async def _await(awaitable: Awaitable[T]) -> T:
    return await awaitable


async def _await_elsewhere(future: asyncio.Future[T], loop: asyncio.AbstractEventLoop) -> T:
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_await(future), loop))


def _run_future(future: asyncio.Future[T]) -> T:
    """Wait for a task or future where it lives."""
    loop = future.get_loop()
    try:
        here: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
    except RuntimeError:
        here = None
    if future.done():
        return future.result()
    if loop is here:
        if portal.inside():
            raise ConfigurationError(
                "cx.run was called on cryptox's own loop thread", recovery_suggestions=["Use await there."]
            )
        _make_reentrant(loop)
        return loop.run_until_complete(future)
    if loop.is_running():
        return portal.run(_await_elsewhere(future, loop))
    if here is None and not loop.is_closed():
        return loop.run_until_complete(future)
    raise ConfigurationError(
        "the awaitable belongs to an event loop that is not running",
        recovery_suggestions=["Pass the coroutine itself, not a task of another loop."],
    )


def _make_reentrant(loop: asyncio.AbstractEventLoop) -> None:
    if hasattr(loop, "_nest_patched"):
        return
    try:
        import nest_asyncio
    except ImportError as error:
        raise ConfigurationError(
            "a task of the running loop can be waited for here only with the package nest_asyncio",
            recovery_suggestions=["Await it instead, or: pip install nest-asyncio"],
        ) from error
    nest_asyncio.apply(loop)
    logs.event(log, "loop.patched", level=logging.WARNING, by="nest_asyncio", loop=type(loop).__name__)
