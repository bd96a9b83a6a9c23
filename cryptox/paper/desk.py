"""Where market and engine are touched: one worker thread, one job at a time, so that nothing else needs a lock.

A job is a function of market time. Before it the engine lets the market run up to that time; after it the reports of
what happened go to the listeners, later than the job's own answer, and with a store they are on disk before that.
Where the store fails, the job's answer is that its outcome is unknown (-1000, 500), and no other job is begun
(-1001, 503) until what happened could be written down after all.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Protocol, TypeVar

from cryptox import logs
from cryptox.venues.binance.codes import Code

from .clock import MarketClock
from .market import Market
from .overlay import OverlayMarket
from .refusals import Refused
from .trading.accounts import Account
from .trading.engine import Engine
from .trading.prints import Prints
from .trading.records import Records
from .trading.reports import Report

__all__ = ["Desk", "Kept", "Listener", "NotSaved", "Store"]

T = TypeVar("T")
_log = logs.logger("paper")
Listener = Callable[[list[Report]], None]
_Jobs = SimpleQueue[tuple[Callable[[int], Any], "asyncio.Future[_Done]"] | None]


class NotSaved(Exception):
    """What happened could not be written down; nothing of it is."""


class Store(Protocol):
    """Keeps what happened."""

    def save(self, desk: Desk, now_us: int) -> None:
        """Write down what changed since the last time, in one transaction.

        Raises
        ------
        NotSaved : none of it is; the next time it is tried again.
        """


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
        self._jobs: _Jobs | None = None
        self._owed: set[asyncio.Future[_Done]] = set()  # answers that somebody waits for
        self._loop: asyncio.AbstractEventLoop | None = None
        self._newest_us = kept.since_us or 0
        self._unsaved_us: int | None = None  # when writing down what had happened failed

    def open(self) -> None:
        """Take jobs of the running loop."""
        self._loop = asyncio.get_running_loop()
        self._jobs = jobs = _Jobs()
        self._begin(jobs, self._loop)

    def close(self) -> None:
        """Begin no more work."""
        jobs, self._jobs, self._loop = self._jobs, None, None
        if jobs is not None:
            jobs.put(None)
        self.listeners.clear()

    async def run(self, job: Callable[[int], T]) -> T:
        """What ``job`` returns, called with market time in microseconds. Once begun it is carried through.

        Raises
        ------
        Refused : the exchange has stopped, or what happens cannot be written down.
        """
        if self._jobs is None or self._loop is None:
            raise _unable()
        future: asyncio.Future[_Done] = self._loop.create_future()
        future.add_done_callback(self._heard)
        self._owed.add(future)
        future.add_done_callback(self._owed.discard)
        self._jobs.put((job, future))
        value: T = _value(await asyncio.shield(future))
        return value

    def call(self, job: Callable[[int], T]) -> T:
        """The same from any other thread; waits until no other job is at work."""
        done, loop = self._work(job), self._loop
        if done.reports and loop is not None:
            with suppress(RuntimeError):  # the server has just ended, and who listened with it
                loop.call_soon_threadsafe(self._tell, done.reports)
        value: T = _value(done)
        return value

    @contextmanager
    def idle(self) -> Iterator[None]:
        """No job is at work meanwhile."""
        with self._lock:
            yield

    def _begin(self, jobs: _Jobs, loop: asyncio.AbstractEventLoop) -> None:
        # Not a worker of concurrent.futures: those take nothing more once the main thread has ended.
        threading.Thread(target=self._serve, args=(jobs, loop), name="cryptox-paper-desk", daemon=True).start()

    def _serve(self, jobs: _Jobs, loop: asyncio.AbstractEventLoop) -> None:
        """The desk's own thread; whatever ends it before the desk is closed, another one goes on."""
        try:
            self._serve_all(jobs, loop)
        except BaseException as error:  # noqa: BLE001 - else whoever asks would wait for ever
            logs.event(_log, "store.worker_restarted", level=logging.ERROR, error=type(error).__name__)
            with suppress(RuntimeError):  # the loop has ended, and whoever waited with it
                loop.call_soon_threadsafe(self._begin_again, jobs, loop, error)

    def _begin_again(self, jobs: _Jobs, loop: asyncio.AbstractEventLoop, error: BaseException) -> None:
        """On the loop: the job that the thread had in hand is neither done nor waiting; nobody may wait on."""
        waiting = [jobs.get() for _ in range(jobs.qsize())]
        for future in self._owed - {asked[1] for asked in waiting if asked is not None}:
            if future.get_loop() is loop:
                _finish(future, _Done(None, _killed(error), []))
        for asked in waiting:
            jobs.put(asked)
        if self._jobs is not jobs:  # closed: what says so may have been in hand
            jobs.put(None)
        self._begin(jobs, loop)

    def _serve_all(self, jobs: _Jobs, loop: asyncio.AbstractEventLoop) -> None:
        """One job after another, until there is nobody to tell."""
        while (asked := jobs.get()) is not None:
            job, future = asked
            try:
                done = self._work(job) if self._jobs is jobs else _Done(None, _unable(), [])
            except BaseException as error:  # noqa: BLE001 - handed to whoever waits
                done = _Done(None, error, [])
            if done.error is not None and not isinstance(done.error, Exception):  # it would end the server's loop
                done = _Done(None, _killed(done.error), done.reports)
            try:
                loop.call_soon_threadsafe(_finish, future, done)
            except RuntimeError:  # the loop has ended, and whoever waited with it
                return

    def _work(self, job: Callable[[int], Any]) -> _Done:
        with self._lock:
            # Market time of a real clock may be set back; what has happened stays before what comes.
            now_us = self._newest_us = max(self._newest_us, self.clock.now_us())
            if self._unsaved_us is not None and (trouble := self._save(self._unsaved_us)):
                return _Done(None, _unable(trouble), [])
            value, error = None, None
            try:
                self.engine.advance(now_us)
                value = job(now_us)
            except BaseException as caught:  # noqa: BLE001 - handed to whoever waits, after what had happened is told
                error = caught
            if trouble := self._save(now_us):
                return _Done(None, _unable(trouble, begun=True), [])
            return _Done(value, error, self.engine.take_reports())

    def _save(self, now_us: int) -> NotSaved | None:
        """Write down what has happened up to now; why it could not be. What is not written down is told to nobody."""
        if self.store is None:
            self.records.take_changes()
            return None
        try:
            self.store.save(self, now_us)
        except NotSaved as error:
            if self._unsaved_us is None:
                logs.event(_log, "store.failed", level=logging.ERROR, reason=str(error))
            self._unsaved_us = now_us
            return error
        self._unsaved_us = None
        return None

    def _heard(self, future: asyncio.Future[_Done]) -> None:
        """Tell the listeners after the next step of whoever waits for the job: answers go before events."""
        if self._loop is None or future.cancelled():
            return
        reports = future.result().reports
        if reports:
            self._loop.call_soon(self._loop.call_soon, self._tell, reports)

    def _tell(self, reports: list[Report]) -> None:
        for listener in tuple(self.listeners):
            listener(reports)


def _finish(future: asyncio.Future[_Done], done: _Done) -> None:
    if not future.done():
        future.set_result(done)


def _unable(reason: Exception | None = None, *, begun: bool = False) -> Refused:
    """The refusal of work that has not been begun, or of which nobody can say whether it will last."""
    refused = Refused(Code.UNKNOWN, status=500) if begun else Refused(Code.DISCONNECTED, status=503)
    refused.__cause__ = reason
    return refused


def _killed(error: BaseException) -> Refused:
    return _unable(InterruptedError(f"The thread that worked for it was ended ({type(error).__name__})."), begun=True)


def _value(done: _Done) -> Any:
    if done.error is not None:
        raise done.error
    return done.value
