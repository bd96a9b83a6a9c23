"""Waiting for weight: the limiter's asyncio side. One gate per event loop; the limiter behind it may be shared."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Callable, Sequence
from logging import DEBUG, WARNING

from cryptox import logs
from cryptox.errors import Banned, RateLimited

from .clock import ExchangeClock, Moment
from .limiter import Limiter, Ticket
from .messages import Limit, Usage
from .spare import Spare

__all__ = ["Gate"]

log = logs.logger("transport")

SOON_S = 0.1  # what is said where nothing better is known: the next one in the queue decides
URGENT_IN_A_ROW = 8  # then one that is not urgent goes, so that neither kind starves


class _Waiter:
    __slots__ = ("refused", "turn", "weight")

    def __init__(self, weight: int) -> None:
        self.weight = weight
        self.refused = False  # it has asked, and there was no room for it
        self.turn = asyncio.Event()


class Gate:
    """Lets requests through in order as the limiter grants weight; urgent ones pass the others.

    Parameters
    ----------
    limiter
        Shared by every gate of the address.
    clock
        Exchange time, for the limits' windows.
    share
        Which part of each limit may be used in all when a request of this gate goes.
    spare
        What is left of the weight to urgent requests, of whatever gate; shared by every gate of the address.
    monotonic, wall
        Clocks in seconds.
    """

    def __init__(
        self,
        limiter: Limiter,
        clock: ExchangeClock,
        *,
        share: float = 1.0,
        spare: Spare | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.limiter = limiter
        self.clock = clock
        self._share = share
        self._spare = spare or Spare()
        self._monotonic = monotonic
        self._wall = wall
        self._urgent: deque[_Waiter] = deque()
        self._others: deque[_Waiter] = deque()
        self._streak = 0
        self._room_at = float("-inf")  # when the window ends that the head of the queue waits in

    @property
    def waiting(self) -> int:
        """How many requests wait at this gate."""
        return len(self._urgent) + len(self._others)

    def moment(self, monotonic: float | None = None) -> Moment:
        """The instant now, or at ``monotonic``, as the limiter wants it."""
        now = self._monotonic()
        at = now if monotonic is None else monotonic
        return self.clock.moment(at, self._wall() - (now - at))

    async def enter(self, weight: int, *, patience_s: float, urgent: bool = False) -> Ticket:
        """A ticket for one request; give it back with ``answered``, ``lost`` or ``unsent``.

        Parameters
        ----------
        weight
            What the request costs.
        patience_s
            How long to wait at most, in seconds.
        urgent
            Pass those that are not: for single calls beside a long bulk.

        Raises
        ------
        RateLimited
            It would take longer than ``patience_s`` (its kind Banned: the address is banned); nothing was sent.
        """
        began = self._monotonic()
        until = began + patience_s
        waiter = _Waiter(weight)
        queue = self._urgent if urgent else self._others
        queue.append(waiter)
        try:
            while True:
                pause_s = until - self._monotonic()
                if self._head() is waiter or (urgent and self._passes(waiter)):
                    share = self._share if urgent else self._share - self._spared()
                    outcome = self.limiter.take(weight, self.moment(), share, urgent=urgent)
                    if isinstance(outcome, Ticket):
                        self._streak = self._streak + 1 if urgent else 0
                        if urgent and (limit := self._weight_limit()) is not None:
                            self._spare.take(weight, limit, self._monotonic())
                        self._room_at = float("-inf")
                        if waiter.refused and log.isEnabledFor(DEBUG):
                            waited_ms = round((self._monotonic() - began) * 1000, 3)
                            logs.event(log, "limit.waited", level=DEBUG, ms=waited_ms, weight=weight, urgent=urgent)
                        return outcome
                    waiter.refused = True
                    if outcome.least_s > max(pause_s, 0.0):
                        raise self._refused(max(outcome.least_s, SOON_S))
                    if not urgent and self._urgent:  # it may be that only it finds no room
                        self._streak = 0
                        self._poke()
                    self._room_at = self._monotonic() + outcome.window_s
                    pause_s = min(pause_s, outcome.poll_s)
                else:
                    self._check_stop(pause_s)
                if until - self._monotonic() <= 0:
                    raise self._refused(max(self._room_at - self._monotonic(), SOON_S))
                await _pause(waiter.turn, min(pause_s, 1.0))
        finally:
            queue.remove(waiter)
            self._poke()

    def answered(
        self, ticket: Ticket, usages: Sequence[Usage], *, sent_at: float | None = None, received_at: float | None = None
    ) -> None:
        """The request was answered; times are monotonic seconds, None for grant and now."""
        began = None if sent_at is None else self.moment(sent_at)
        self.limiter.answered(ticket, usages, self.moment(received_at), began)
        self._poke()

    def accepted(self, usages: Sequence[Usage]) -> None:
        """The exchange counted so much and did not stop us."""
        self.limiter.accepted(usages)
        self._poke()

    def lost(self, ticket: Ticket) -> None:
        """The request went out and no answer came."""
        self.limiter.lost(ticket, self.moment())
        self._poke()

    def unsent(self, ticket: Ticket) -> None:
        """The request never left."""
        self.limiter.unsent(ticket)
        self._poke()

    def _spared(self) -> float:
        limit = self._weight_limit()
        return 0.0 if limit is None else self._spare.part(limit, self._monotonic(), self._share)

    def _weight_limit(self) -> Limit | None:
        return next((limit for limit in self.limiter.limits if limit.kind == "REQUEST_WEIGHT"), None)

    def _head(self) -> _Waiter:
        if self._urgent and (self._streak < URGENT_IN_A_ROW or not self._others):
            return self._urgent[0]
        return self._others[0]

    def _passes(self, waiter: _Waiter) -> bool:
        """Whether the first finds no room and all before it are dearer: an order goes where a whole book does not."""
        if not self._urgent[0].refused or self._head() is not self._urgent[0]:
            return False
        before = itertools.takewhile(lambda other: other is not waiter, self._urgent)
        return all(other.weight > waiter.weight for other in before)

    def _poke(self) -> None:
        if self._urgent or self._others:
            self._head().turn.set()

    def _check_stop(self, left_s: float) -> None:
        stopped_s = self.limiter.forbidden_until - self._monotonic()
        if stopped_s > 0 and stopped_s > left_s:
            raise self._refused(stopped_s)

    def _refused(self, wait_s: float) -> RateLimited:
        stopped_s = self.limiter.forbidden_until - self._monotonic()
        context = {"sent": False}
        banned = stopped_s > 0 and self.limiter.banned
        logs.event(log, "limit.refused", level=WARNING, banned=banned, retry_after_s=round(wait_s, 3))
        if banned:
            return Banned(
                f"The exchange has banned this address for another {stopped_s:.0f} s; nothing was sent.",
                retry_after=stopped_s,
                context=context,
            )
        return RateLimited(
            f"The exchange's limit is used up for now; the next chance comes in {wait_s:.1f} s. Nothing was sent.",
            retry_after=wait_s,
            context=context,
        )


async def _pause(event: asyncio.Event, longest_s: float) -> None:
    event.clear()
    try:
        async with asyncio.timeout(longest_s):
            await event.wait()
    except TimeoutError:
        return
