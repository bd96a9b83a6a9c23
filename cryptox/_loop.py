"""The kind of loop that the portal runs, and the threads that work for it."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from logging import ERROR
from typing import Any, TypeVar

from cryptox import logs

__all__ = ["Loop", "Workers"]

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
                future.set_exception(error)

        threading.Thread(target=work, name="cryptox-worker", daemon=True).start()
        return future
