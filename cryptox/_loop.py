"""The kind of loop that the portal runs, and the threads that work for it."""

from __future__ import annotations

import asyncio
import contextvars
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from logging import ERROR
from typing import Any, ParamSpec, TypeVar

from cryptox import logs

__all__ = ["Loop", "Workers", "apart"]

P = ParamSpec("P")
T = TypeVar("T")

log = logs.logger("portal")


class Loop(asyncio.SelectorEventLoop):
    """Selector loop on every platform, whatever policy is set. It goes on when a task would end the program.

    ``sys.exit()`` in a task of one's own, begun by ``cx.run``, would otherwise end the thread that all sessions and
    feeds live on. Whoever awaits the task gets it all the same.
    """

    def run_forever(self) -> None:
        """Run until it is stopped."""
        while True:
            try:
                super().run_forever()
            except (SystemExit, KeyboardInterrupt) as error:
                logs.event(log, "loop.interrupted", level=ERROR, error=type(error).__name__)
            else:
                return


# nest_asyncio, when somebody applies it to a selector loop of his, rewrites this method of the common base class.
Loop._run_once = asyncio.SelectorEventLoop._run_once  # type: ignore[attr-defined]  # private in typeshed


class Workers(ThreadPoolExecutor):
    """Daemon threads for name look-ups: a resolver that hangs must not hold up the end of the interpreter."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run ``fn`` on a thread of its own."""
        future: Future[T] = Future()
        context = contextvars.copy_context()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(context.run(fn, *args, **kwargs))
            except BaseException as error:  # noqa: BLE001  # handed over to whoever waits for the future
                # What the loop itself awaits must not end it; a function of the user's may end what awaits it.
                is_look_up = fn is socket.getaddrinfo and not isinstance(error, Exception)
                future.set_exception(_ended(error) if is_look_up else error)

        threading.Thread(target=work, name="cryptox-worker", daemon=True).start()
        return future


async def apart(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """What a function of ours returns, off the loop; a thread that is ended meanwhile fails as others do.

    Raises
    ------
    InterruptedError
        Its thread was ended; else what the function raises.
    """
    try:
        return await asyncio.to_thread(function, *args, **kwargs)
    except (SystemExit, KeyboardInterrupt) as error:  # on its way through a loop either would end that
        raise _ended(error) from None


def _ended(error: BaseException) -> InterruptedError:
    return InterruptedError(f"The thread that worked for it was ended ({type(error).__name__}).")
