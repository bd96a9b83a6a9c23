"""The local order book of one symbol, kept by the exchange's rules: right, or ``synced`` is False.

The steps are those of "How to manage a local order book correctly"
(https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams, July 2026). No I/O, no clock: whoever
holds the socket hands in each diff, asks over REST while ``needs_snapshot``, and hands in the answer.

A gap does not forget the book at once: it is out of step, and in step again when the diffs that were missing come late
(from the older of two overlapping connections, say) or a snapshot covers them. In between ``synced`` is False.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import chain
from operator import attrgetter

from cryptox.errors import ExchangeError
from cryptox.model.book import BookUpdate
from cryptox.model.events import Gap

from .levels import Level, Side, check_plain, normal
from .wire.market import Depth
from .wire.streams import DepthEvent

__all__ = ["LocalBook"]

_WAITING = 10_000  # diffs kept for a snapshot: a quarter of an hour of the faster stream
_MICROSECONDS = 10**14  # times from here on are microseconds
_ANY = "10000.00000000"  # a price of usual length
_by_last_id = attrgetter("last_update_id")


class LocalBook:
    """The whole book of a symbol, from snapshots and diffs.

    Step 1 is the caller's: subscribe, hand every event to ``diff`` (kept while there is no book), and ask for the
    snapshot (step 2) only when the subscription has been confirmed.

    Parameters
    ----------
    symbol
        Told in what comes out.
    levels
        How many levels a side shall be certain; with fewer a new snapshot is wanted. Far below the snapshots' limit.
    most_waiting
        How many diffs are kept at most while there is no book; then the oldest go, and the snapshot must be newer.
    """

    __slots__ = (
        "_asks",
        "_bids",
        "_event_time",
        "_id",
        "_in_step",
        "_levels",
        "_newest",
        "_received_ns",
        "_waiting",
        "dropped",
        "symbol",
    )

    def __init__(self, symbol: str, *, levels: int = 20, most_waiting: int = _WAITING) -> None:
        self.symbol = symbol
        self.dropped = 0  # diffs that did not fit while waiting
        self._levels = levels
        self._bids, self._asks = Side(is_bid=True), Side(is_bid=False)
        self._waiting: deque[DepthEvent[str]] = deque(maxlen=most_waiting)
        self._id: int | None = None  # the book holds all changes up to it
        self._newest: int | None = None  # last id of all diffs seen since the last start
        self._event_time = 0
        self._received_ns = 0
        self._in_step = False

    @property
    def synced(self) -> bool:
        """Whether the best levels are the exchange's as of ``last_update_id``.

        False too while the best price lies beyond the last level of the snapshot: there, what has not changed since is
        not known.
        """
        return self._in_step and self._bids.is_known and self._asks.is_known

    @property
    def needs_snapshot(self) -> bool:
        """Whether to ask for a snapshot: out of step, or too few levels are certain."""
        return not (self.synced and self._bids.covers(self._levels) and self._asks.covers(self._levels))

    @property
    def last_update_id(self) -> int | None:
        """Id of the newest change inside; None without a book."""
        return self._id

    @property
    def waiting(self) -> int:
        """How many diffs are kept until the book is in step."""
        return len(self._waiting)

    def diff(self, event: DepthEvent[str], received_ns: int = 0) -> Gap | None:
        """Take one event of the diff stream; what is lost, where something is.

        A gap told here may still be closed, by late diffs or a snapshot: the book is right whenever ``synced`` says so.
        The texts must be plain decimals (a ``Reader`` sees to it). Old and repeated events change nothing.

        Raises
        ------
        ExchangeError
            A price or the ids are not what they must be; the book is out of step.
        """
        first, last = event.first_update_id, event.last_update_id
        if first > last:
            self.interrupt()
            raise ExchangeError(f"A diff of {self.symbol} ends at id {last} before it begins at {first}.")
        known = self._id
        if known is None or (not self._in_step and first > known + 1):
            return self._wait(event, received_ns)
        if last <= known:  # "u < book.id: ignore"; equal changes nothing
            return None
        if first > known + 1:  # "U > book.id + 1": out of step
            self._in_step = False
            return self._wait(event, received_ns)
        self._apply(event)
        self._received_ns = received_ns
        if self._waiting:
            self._catch_up()
        else:
            self._in_step = True
        if not self._is_crossed():
            return None
        self._forget()
        return self._gap(first, last, event, received_ns, "the book is crossed")

    def diffs(self, events: Sequence[DepthEvent[str]], received_ns: int = 0) -> None:
        """Take events that came together, as ``diff`` takes one; the best prices are looked at after the last of them.

        Raises
        ------
        ExchangeError
            As ``diff``; events after the bad one are not taken.
        """
        at = 0
        while at < len(events):
            count = self._chain(events, at)
            if count > 1:
                self._apply_all(events[at : at + count], received_ns)
            else:
                self.diff(events[at], received_ns)
            at += max(1, count)

    def snapshot(self, answer: Depth[str], *, limit: int, received_ns: int = 0) -> bool:
        """Take the answer to a snapshot request of ``limit`` levels; whether the book is in step now.

        Raises
        ------
        ExchangeError
            A level is no pair of plain decimals.
        """
        if self._id is not None and answer.last_update_id <= self._id:
            return self.synced
        # Step 3 asks again where lastUpdateId < U of the first event. One less is in step by the rule for later events.
        if min((one.first_update_id for one in self._waiting), default=0) > answer.last_update_id + 1:
            return False
        bids, asks = _normal(answer.bids), _normal(answer.asks)
        width = len((bids or asks or [(_ANY, _ANY)])[0][0])
        self._bids.fill(bids, width=width, complete=len(bids) < limit)  # step 5: book = snapshot
        self._asks.fill(asks, width=width, complete=len(asks) < limit)
        self._id = answer.last_update_id
        self._received_ns = received_ns
        self._catch_up()
        if self._is_crossed():
            self._forget()
        return self.synced

    def interrupt(self) -> None:
        """The stream was cut or something in it could not be read: out of step until a diff or a snapshot says else."""
        self._in_step = False

    def top(self, levels: int | None = None) -> BookUpdate:
        """The best levels a side (None: all that are certain) as they stand."""
        time = self._event_time
        return BookUpdate(
            self.symbol,
            (time // 1000 if time >= _MICROSECONDS else time) or None,
            self._received_ns,
            self._id,
            self._bids.top(levels),
            self._asks.top(levels),
            self.synced,
        )

    def best(self) -> tuple[Level | None, Level | None]:
        """Best bid and best ask as (price, quantity) in the exchange's decimals; None for an empty side."""
        return self._bids.first(), self._asks.first()

    def _wait(self, event: DepthEvent[str], received_ns: int) -> Gap | None:
        """Keep an event for later; what is missing before it, where that is new."""
        waiting, newest = self._waiting, self._newest
        if newest is None:
            newest = self._id
        if len(waiting) == waiting.maxlen:
            self.dropped += 1
        waiting.append(event)
        gap = None
        if newest is not None and event.first_update_id > newest + 1:
            gap = self._gap(newest + 1, event.first_update_id - 1, event, received_ns, "diffs are missing")
        self._newest = max(event.last_update_id, newest or 0)
        return gap

    def _catch_up(self) -> None:
        """Steps 4 and 6: drop what the book holds already, apply what follows it; in step when nothing is left over."""
        waiting = deque(sorted(self._waiting, key=_by_last_id), maxlen=self._waiting.maxlen)
        assert self._id is not None
        while waiting and waiting[0].first_update_id <= self._id + 1:
            event = waiting.popleft()
            if event.last_update_id > self._id:
                self._apply(event)
        self._waiting = waiting
        self._in_step = not waiting
        if self._in_step:
            self._newest = None

    def _chain(self, events: Sequence[DepthEvent[str]], at: int) -> int:
        """How many of the events from ``at`` on follow the book and one another."""
        known = self._id
        if known is None or self._waiting or not self._in_step:
            return 0
        for place in range(at, len(events)):
            event = events[place]
            if not event.first_update_id <= known + 1 <= event.last_update_id:
                return place - at
            known = event.last_update_id
        return len(events) - at

    def _apply(self, event: DepthEvent[str]) -> None:
        try:
            if not self._bids.apply(event.bids):
                self._bids.apply(_normal(event.bids))
            if not self._asks.apply(event.asks):
                self._asks.apply(_normal(event.asks))
        except ExchangeError:
            self._forget()
            raise
        self._id = event.last_update_id
        self._event_time = event.event_time

    def _apply_all(self, events: Sequence[DepthEvent[str]], received_ns: int) -> None:
        """As ``diff`` of each of a chain, in less time."""
        is_normal = self._bids.apply(chain.from_iterable([event.bids for event in events]))
        is_normal &= self._asks.apply(chain.from_iterable([event.asks for event in events]))
        for event in events[-1:] if is_normal else events:
            self._apply(event)  # the last one once more: it sets the id
        self._received_ns = received_ns
        if self._is_crossed():
            self._forget()

    def _is_crossed(self) -> bool:
        """Whether the best bid reaches the best ask, which never is so in a book of the exchange."""
        bid, ask = self._bids.best, self._asks.best
        return self._in_step and bid is not None and ask is not None and bid >= ask

    def _forget(self) -> None:
        self._bids.clear()
        self._asks.clear()
        self._id = self._newest = None
        self._in_step = False

    def _gap(self, first_id: int, last_id: int, event: DepthEvent[str], received_ns: int, reason: str) -> Gap:
        start, end = (t // 1000 if t >= _MICROSECONDS else t for t in (self._event_time, event.event_time))
        return Gap(self.symbol, end, received_ns, start or end, end, first_id, last_id, reason)


def _normal(levels: list[Level]) -> list[Level]:
    """Levels with their prices written as the exchange does; errors as ``levels.normal``."""
    check_plain([quantity for _, quantity in levels])
    if check_plain([price for price, _ in levels]):
        return levels
    return [(normal(price), quantity) for price, quantity in levels]
