"""What feeds share: one stream of one symbol, its events in order, its recent past, and its repair."""

from __future__ import annotations

import asyncio
import random
import time
from abc import ABC, abstractmethod
from logging import WARNING
from typing import TYPE_CHECKING, TypeVar

from cryptox import _telemetry, logs
from cryptox.errors import BadSymbol, CryptoxError
from cryptox.model.events import Event, Gap
from cryptox.sessions.tending import AGAIN_S, is_winding_down
from cryptox.table.batch import Batch
from cryptox.venues.port import Request, Rows, Told

from .queue import Queue
from .rows import Records

if TYPE_CHECKING:
    from cryptox.sessions.core import Core

    from .hub import Hub
    from .plan import Plan

__all__ = ["Topic"]

T = TypeVar("T")

log = logs.logger("sessions.live")

STALE_S = 2.0  # after a silent connection was asked for a sign of life
GRACE_S = 0.2  # for a late message to come by itself before it is asked for
BASE_S, CAP_S = 0.2, 5.0  # pauses between attempts to repair
REPAIR_S = 120.0  # so long a repair is tried before what is missing is given up
SILENT_S = 2.0  # without an event from the start until it is asked where the stream begins
FRUITLESS = 6  # so many answers without what is missing: the exchange has it not


class Topic(ABC):
    """One topic. Lives on the loop of its hub.

    Attributes
    ----------
    name
        ``"binance:trades:BTCUSDT"``.
    stream
        The venue's name of its stream.
    sessions
        Those whose feeds it serves, one item a feed; the first one asks over REST.
    connected
        Whether its stream is subscribed on an open connection.
    ready
        Done once it has carried and its history is joined, or it has failed for good.
    failure
        Why it will never carry.
    trouble
        What keeps it from being in step just now, in a line.
    """

    def __init__(self, hub: Hub, plan: Plan, symbol: str) -> None:
        self.hub = hub
        self.name = plan.topic_name(symbol)
        self.symbol = symbol
        self.subject = plan.subject(symbol)
        self.stream = hub.stream_of(self.subject)
        self.sessions: list[Core] = []
        self.connected = False
        self.ready: asyncio.Future[None] = hub.loop.create_future()
        self.failure: CryptoxError | None = None
        self.trouble: str | None = None
        self.received = 0
        self.gaps = 0
        self._clock = plan.session._address.clock
        self._sent: tuple[int, int] | None = None  # the newest event: exchange time in ms, and our wall clock in ns
        self.carried_times = 0
        self.pending = True  # carried, and not yet caught up; from the start: never carried
        self._queues: list[Queue] = []
        self._mending: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._ended = False
        self._begins_at: int | None = None  # key of the first event to come, where none has come so far
        self._timer: asyncio.TimerHandle | None = None
        self._asking: asyncio.Task[None] | None = None

    @property
    def reconnects(self) -> int:
        """How often it was carried again."""
        return max(0, self.carried_times - 1)

    @property
    @abstractmethod
    def latest(self) -> Event | None:
        """The newest event."""

    @property
    def synced(self) -> bool:
        """Whether nothing is missing."""
        return self.connected and not self.pending and not self._is_torn()

    @property
    def sent_ms(self) -> int | None:
        """When the exchange sent the newest event, in ms of its clock."""
        return None if self._sent is None else self._sent[0]

    @property
    def latency(self) -> float | None:
        """Seconds from sending to receipt of the newest event, as far as the exchange's clock is known."""
        if self._sent is None:
            return None
        sent_ms, received_s = self._sent[0], self._sent[1] / 1e9
        found = self._clock.agreed_ms(time.monotonic() - (time.time() - received_s), received_s)
        if found is None or sent_ms > found[1]:  # sent in the future: its clock was set meanwhile
            return None
        return max(0.0, (found[0] - sent_ms) / 1e3)

    def heard_within(self, seconds: float) -> bool:
        """Whether its newest event is no older than that."""
        return self._sent is not None and time.time() - self._sent[1] / 1e9 <= seconds

    def is_stale(self, now: float) -> bool:
        """Whether what it shows may be old."""
        return not self.connected or now - self.hub.heard_at(self.stream) > self.hub.silence_s + STALE_S

    @abstractmethod
    def batch(self, rows: int | None, include_unfinished: bool) -> Batch:
        """The newest rows, oldest first."""

    def glance(self, rows: int) -> Batch:
        """What a view shows: so many of the newest rows, oldest first; of candles the forming one too."""
        return self.batch(rows, include_unfinished=True)

    def want(self, history: int) -> None:  # noqa: B027 - most topics have no past to ask for
        """Another feed of the topic wants so many rows from before the stream."""

    def subscribe(self, queue: Queue) -> None:
        """Put all further events into a queue, until it is closed."""
        if queue not in self._queues:
            self._queues.append(queue)

    def leave(self, queue: Queue) -> None:
        """Put nothing more into it."""
        if queue in self._queues:
            self._queues.remove(queue)

    @abstractmethod
    def take(self, told: Told) -> None:
        """Messages of its stream have come."""

    def carried(self) -> None:
        """Its stream is subscribed, for the first time or again: what was missed meanwhile is to be repaired."""
        self.connected = True
        self.trouble = None
        self.carried_times += 1
        self.pending = True
        self.mend()

    def cut(self) -> None:
        """No connection carries it any more."""
        self.connected = False

    def failed(self, why: str) -> None:
        """No connection could be made; it is tried again."""
        if not self.connected:
            self.trouble = why

    def end(self) -> None:
        """Nobody wants it any more."""
        self._ended = True
        if self._timer is not None:
            self._timer.cancel()
        for task in (self._mending, self._asking):
            if task is not None:
                task.cancel()
        if not self.ready.done():
            self.ready.set_result(None)

    def mend(self) -> None:
        """See to it that what is missing is asked for."""
        self._wake.set()
        if self._mending is None and self.failure is None and not self._ended:
            self._mending = self.hub.spawn(self._mend(), name=f"cryptox-mend-{self.name}")
            self._mending.add_done_callback(self._mended)

    def _mended(self, task: asyncio.Task[None]) -> None:
        """Nobody but the topic ends a repair: what is missing is asked for by the next one."""
        if self._mending is task:  # it was stopped before its first step
            self._mending = None
        failed = task.cancelled() or task.exception() is not None
        if failed and not (self._ended or is_winding_down(self.hub.loop)):
            self.hub.loop.call_later(AGAIN_S, self._mend_on)

    async def ask(self, request: Request[T], *, bulk: bool = False) -> T:
        """The answer to a question over REST, by way of a session whose feed it serves; ``bulk`` lets others pass."""
        session = self.sessions[0]
        if session._address.rules_wanted:
            await session._as_of()  # learns the limits
        answer: T = await session._ask(request, bulk=bulk)
        return answer

    @abstractmethod
    async def repair(self) -> bool:
        """Ask once for what is missing; whether that brought it nearer. Raises what asking raises."""

    @abstractmethod
    def give_up(self, reason: str) -> None:
        """Pass on what can be without what is missing, which becomes a gap."""

    def _remaining(self) -> str | None:
        """What a repair that takes long has still to do, in a line."""
        return None

    async def _first_key(self) -> int | None:
        """The key of the first event that is to come."""
        return None

    def _is_silent(self) -> bool:
        """Whether it waits for its first event."""
        return False

    def _begin_with_now(self) -> None:
        """There is no past to catch up with. A cut before the first event must hide nothing all the same."""
        self._caught_up()
        self._timer = self.hub.loop.call_later(SILENT_S, self._look)

    def _look(self) -> None:
        if self._is_silent() and not self._ended:
            self._asking = self.hub.spawn(self._ask_first_key(), name=f"cryptox-look-{self.name}")

    async def _ask_first_key(self) -> None:
        try:
            self._begins_at = await self._first_key()
        except CryptoxError as error:  # then it begins with the first event
            logs.event(log, "feed.no_beginning", level=WARNING, topic=self.name, error=str(error))

    def _is_torn(self) -> bool:
        """Whether something is missing before events that are here already."""
        return False

    def _publish(self, rows: Rows) -> None:
        for queue in self._queues:
            queue.put(rows)
            if queue.closed:
                self._queues = [one for one in self._queues if not one.closed]

    def _lose(self, gap: Gap) -> None:
        self.gaps += 1
        _telemetry.counter("cryptox.stream.gaps", venue=self.hub.venue.name).add()
        logs.event(log, "feed.gap", level=WARNING, topic=self.name, first_id=gap.first_id, last_id=gap.last_id,
                   start_ms=gap.start_ms, end_ms=gap.end_ms, reason=gap.reason)  # fmt: skip
        self._publish(Records([gap]))

    def _note(self, event_time_ms: int | None, received_ns: int) -> None:
        if event_time_ms is not None:
            self._sent = event_time_ms, received_ns

    async def _mend(self) -> None:
        """Repair until nothing is missing. One at a time; of this topic alone."""
        began, fruitless, failures = time.monotonic(), 0, 0
        try:
            while True:
                self._wake.clear()
                if not self.connected or not (self.pending or self._is_torn()):
                    return  # a cut is mended once the stream is carried again
                if not self.pending:
                    await asyncio.sleep(GRACE_S)
                    if not self._is_torn():
                        continue
                try:
                    fruitless = 0 if await self.repair() else fruitless + 1
                    self.trouble, failures = self._remaining(), 0
                    if not fruitless:
                        began = time.monotonic()
                except CryptoxError as error:
                    failures += 1
                    if self._has_failed(error):
                        return
                late = time.monotonic() - began > REPAIR_S
                if (fruitless >= FRUITLESS or late) and (self.pending or self._is_torn()):
                    self.give_up(self.trouble or "the exchange does not have it")
                    began, fruitless = time.monotonic(), 0
                elif fruitless or failures:
                    await asyncio.sleep(_pause_s(max(fruitless, failures)))
        finally:
            self._mending = None
            if self._wake.is_set() and self.connected and not self._ended:
                self.mend()

    def _mend_on(self) -> None:
        if self.connected and (self.pending or self._is_torn()):
            self.mend()

    def _has_failed(self, error: CryptoxError) -> bool:
        """Note an error of a repair; whether it will never be otherwise."""
        self.trouble = f"{type(error).__name__}: {error}"
        logs.event(log, "feed.repair_failed", level=WARNING, topic=self.name, error=self.trouble)
        if not isinstance(error, BadSymbol):
            return False
        self.failure = error
        self._done()
        return True

    def _not_ready(self) -> None:
        """Something is wanted that is not here: ``ready`` is to be waited for again."""
        if self.ready.done():
            self.ready = self.hub.loop.create_future()
        self.pending = True
        self.mend()

    def _caught_up(self) -> None:
        """Everything up to now is here."""
        self.pending = False
        self._done()

    def _done(self) -> None:
        if not self.ready.done():
            self.ready.set_result(None)


def _pause_s(times: int) -> float:
    longest = min(CAP_S, BASE_S * 2.0 ** min(times - 1, 20))
    return float(longest * (0.5 + random.random() / 2))
