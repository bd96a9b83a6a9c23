"""What can be done to a running exchange at once: cut, freeze, shut down, ban, step the clock. From any thread."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from .answers import Answers
from .arguments import whole
from .clock import MarketClock
from .fault_kinds import duration, finite
from .faults import Faults
from .sockets import Line, reset
from .streams.hub import Hub
from .tampering import Tampering
from .waiting import not_running, result_of
from .wsapi.api import WsApi

__all__ = ["ServerActions"]

T = TypeVar("T")
WAIT_S = 5.0


class ServerActions:
    """The hands of ``Faults`` on a running server; to be made on its loop.

    Parameters
    ----------
    faults
        Whose faults shall strike; ``faults.bind(self)`` lets them.
    clock, answers, hub, ws_api
        The parts of the exchange.
    transports
        The open connections of HTTP as they stand now.
    """

    def __init__(
        self,
        faults: Faults,
        clock: MarketClock,
        answers: Answers,
        hub: Hub,
        ws_api: WsApi,
        transports: Callable[[], Iterable[Any]] = tuple,
    ) -> None:
        self._clock, self._answers, self._hub, self._ws_api = clock, answers, hub, ws_api
        self._transports = transports
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        self._tampering = Tampering(faults, self._loop.call_later, time.time)
        ws_api.meddle = self._tampering.meddle

    def tamper(self, *, active: bool) -> None:
        """Begin or cease to look at every message that goes out."""
        self._hub.tamper = self._tampering if active else None
        self._ws_api.tamper = self._tampering.event if active else None
        if not active:
            with suppress(RuntimeError):  # the server has stopped
                self._loop.call_soon_threadsafe(self._tampering.release)

    def cut(self, *, rest: bool = False, spared: Any = None) -> int:
        """Reset all WebSocket connections, with ``rest`` those of HTTP too, but for one transport; how many."""

        def cut() -> int:
            lines = list(self._lines())
            for line in lines:
                line.cut()
            others = [one for one in self._transports() if one is not spared and not one.is_closing()] if rest else []
            for transport in others:
                reset(transport)
            return len(lines) + len(others)

        return self._run(cut)

    def freeze(self, seconds: float) -> int:
        """Let all WebSocket connections fall silent for so many seconds; how many there were."""
        duration("seconds", seconds)

        def freeze() -> int:
            lines = list(self._lines())
            for line in lines:
                self._tampering.freeze(line, seconds)
            return len(lines)

        return self._run(freeze)

    def end_user_streams(self, account: int | None = None) -> int:
        """End the subscriptions to user data of an account, or all; how many there were."""
        if account is not None:
            whole("account", account, 0, 2**63)
        return self._run(lambda: self._ws_api.end_user_streams(account))

    def shut_down(self, seconds: float = 0.0) -> int:
        """Announce a shutdown on all WebSocket connections, and close them so many seconds later; how many."""
        duration("seconds", seconds, zero=True)

        def shut_down() -> int:
            lines = list(self._lines())
            for line in lines:
                line.shut_down(seconds)
            return len(lines)

        return self._run(shut_down)

    def ban(self, seconds: float, address: str | None = None) -> None:
        """Ban an address or all for so many real seconds, and close its connections to the WebSocket API."""
        until = time.time() + duration("seconds", seconds, zero=True)

        def ban() -> None:
            self._answers.ban(until, address)
            if seconds:
                self._ws_api.lines.ban(address)
            elif self._hub.floods is not None:
                self._hub.floods.pardon(address)

        self._run(ban)

    def step_clock(self, seconds: float) -> None:
        """Let market time jump, by less than zero too; see ``Faults.step_clock``."""
        finite("seconds", seconds)
        self._clock.step(int(seconds * 1e6))

    def most_weight(self) -> int:
        """The largest limit of request weight."""
        return max(limit.limit for limit in self._answers.limits if limit.kind == "REQUEST_WEIGHT")

    def _lines(self) -> Iterator[Line]:
        """Every WebSocket connection, once."""
        yield from {*self._hub.lines, *self._ws_api.lines}

    def _run(self, job: Callable[[], T]) -> T:
        """What ``job`` returns, done on the loop."""
        if threading.get_ident() == self._thread:
            return job()
        done: Future[T] = Future()

        def work() -> None:
            try:
                done.set_result(job())
            except BaseException as error:  # noqa: BLE001 - handed to whoever waits
                done.set_exception(error)

        try:
            self._loop.call_soon_threadsafe(work)
        except RuntimeError as error:
            raise not_running() from error
        return result_of(done, self._loop, WAIT_S)
