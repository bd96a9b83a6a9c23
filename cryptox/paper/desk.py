"""Where market and engine are touched: one worker thread, one job at a time, so that nothing else needs a lock.

A job is a function of market time. Before it the engine lets the market run up to that time; after it the reports of
what happened go to the listeners, later than the job's own answer, and with a store they are on disk before that.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from .clock import MarketClock
from .market import Market
from .overlay import OverlayMarket
from .trading.accounts import Account
from .trading.engine import Engine
from .trading.prints import Prints
from .trading.records import Records
from .trading.reports import Report

__all__ = ["Desk", "Kept", "Listener", "Store"]

T = TypeVar("T")
Listener = Callable[[list[Report]], None]


class Store(Protocol):
    """Keeps what happened."""

    def save(self, desk: Desk, now_us: int) -> None:
        """Write down what changed since the last time, in one transaction."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What an earlier run left, and up to when."""

    records: Records
    prints: Prints
    since_us: int | None


@dataclass(frozen=True, slots=True)
class _Done:
    """How a job ended."""

    value: Any
    error: BaseException | None
    reports: list[Report]


class Desk:
    """The exchange behind its counters: market, engine, accounts.

    Parameters
    ----------
    market
        The market's own path.
    clock
        Market time.
    accounts
        Accounts by uid; the mapping may grow.
    kept
        What an earlier run left; None for nothing.
    """

    def __init__(
        self, market: Market, clock: MarketClock, accounts: Mapping[int, Account], *, kept: Kept | None = None
    ) -> None:
        self.clock = clock
        kept = kept or Kept(Records(), Prints(), None)
        self.records, self.prints = kept.records, kept.prints
        self.engine = Engine(market, accounts, self.records, self.prints, since_us=kept.since_us)
        self.market = OverlayMarket(market, self.prints, self.engine)
        self.listeners: list[Listener] = []
        self.store: Store | None = None
        self._lock = threading.Lock()
        self._worker: ThreadPoolExecutor | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._newest_us = 0

    def open(self) -> None:
        """Take jobs of the running loop."""
        self._loop = asyncio.get_running_loop()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="cryptox-paper-desk")

    def close(self) -> None:
        """Begin no more work."""
        if self._worker is not None:
            self._worker.shutdown(wait=False, cancel_futures=True)
        self._worker = self._loop = None
        self.listeners.clear()

    async def run(self, job: Callable[[int], T]) -> T:
        """What ``job`` returns, called with market time in microseconds. Once begun it is carried through."""
        assert self._loop is not None
        future = self._loop.run_in_executor(self._worker, self._work, job)
        future.add_done_callback(self._heard)
        done: _Done = await asyncio.shield(future)
        value: T = _value(done)
        return value

    def call(self, job: Callable[[int], T]) -> T:
        """The same from any other thread; waits until no other job is at work."""
        done, loop = self._work(job), self._loop
        if done.reports and loop is not None:
            loop.call_soon_threadsafe(self._tell, done.reports)
        value: T = _value(done)
        return value

    def _work(self, job: Callable[[int], Any]) -> _Done:
        with self._lock:
            # Market time of a real clock may be set back; what has happened stays before what comes.
            now_us = self._newest_us = max(self._newest_us, self.clock.now_us())
            value, error = None, None
            try:
                self.engine.advance(now_us)
                value = job(now_us)
            except BaseException as caught:  # noqa: BLE001 - handed to whoever waits, after what had happened is told
                error = caught
            if self.store is not None:
                self.store.save(self, now_us)
            else:
                self.records.take_changes()
            return _Done(value, error, self.engine.take_reports())

    def _heard(self, future: asyncio.Future[_Done]) -> None:
        """Tell the listeners after the next step of whoever waits for the job: answers go before events."""
        if self._loop is None or future.cancelled() or future.exception() is not None:
            return
        reports = future.result().reports
        if reports:
            self._loop.call_soon(self._loop.call_soon, self._tell, reports)

    def _tell(self, reports: list[Report]) -> None:
        for listener in tuple(self.listeners):
            listener(reports)


def _value(done: _Done) -> Any:
    if done.error is not None:
        raise done.error
    return done.value
