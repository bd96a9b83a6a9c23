"""The weight limiter: never above the exchange's limits, whoever else uses the address. Pure: time is an argument.

One per REST address in a process, shared by sessions and threads. Between processes and machines the used-weight
header is the shared counter.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cryptox.errors import ValidationError

from .clock import Moment
from .messages import Limit, Usage
from .window import Sent, Window

__all__ = ["LimitState", "Limiter", "Ticket", "Wait"]

COUNTED_PER_ADDRESS = ("REQUEST_WEIGHT", "RAW_REQUESTS")
BEYOND = 1.5  # times a count that was accepted: where a limit is taken to be that turned out to be higher than assumed


@dataclass(eq=False, slots=True)
class Ticket:
    """The right to send one request; give it back with answered, lost or unsent."""

    weight: int
    notes: dict[tuple[str, int], Sent] = field(default_factory=dict)


class Wait(NamedTuple):
    """Not now. Ask again after ``poll_s`` or when an answer came; it will take at least ``least_s`` seconds.

    At the latest there is room when the window ends, in ``window_s`` seconds.
    """

    poll_s: float
    least_s: float
    window_s: float


class LimitState(NamedTuple):
    """One limit as known now, for health and progress."""

    limit: Limit
    used: int
    in_flight: int
    others: int


class Limiter:
    """Grants weight in fixed, aligned windows of exchange time.

    Parameters
    ----------
    limits
        The limits of the address; kinds that are counted per account are ignored.
    share
        Which part of each limit may be used in all, 0 < share <= 1.
    assumed
        The limits are the usual ones, and the exchange has announced none yet.
    """

    def __init__(self, limits: Iterable[Limit], *, share: float = 1.0, assumed: bool = False) -> None:
        if not 0 < share <= 1:
            raise ValueError("share must be above 0 and at most 1")
        self._lock = threading.Lock()
        self._share = share
        self._windows: dict[tuple[str, int], Window] = {}
        self._tickets: set[Ticket] = set()
        self._forbidden_until = float("-inf")
        self._banned = False
        self.replace(limits)
        self._assumed = assumed

    @property
    def assumed(self) -> bool:
        """Whether the exchange has announced no limits yet."""
        return self._assumed

    @property
    def forbidden_until(self) -> float:
        """Monotonic time before which nothing may be sent; minus infinity if never forbidden."""
        return self._forbidden_until

    @property
    def banned(self) -> bool:
        """Whether the last stop was a ban."""
        return self._banned

    @property
    def limits(self) -> tuple[Limit, ...]:
        """The limits in force."""
        with self._lock:
            return tuple(window.limit for window in self._windows.values())

    def replace(self, limits: Iterable[Limit]) -> None:
        """Take the limits that the exchange announces; what is in flight stays counted."""
        with self._lock:
            self._assumed = False
            old, self._windows = self._windows, {}
            for limit in limits:
                if limit.kind not in COUNTED_PER_ADDRESS:
                    continue
                key = (limit.kind, limit.window_ms)
                window = self._windows[key] = old.get(key) or Window(limit)
                window.limit = limit

    def take(self, weight: int, now: Moment, share: float = 1.0, *, urgent: bool = False) -> Ticket | Wait:
        """A ticket, if ``weight`` may be sent now, by a session that keeps to ``share`` of each limit.

        Raises
        ------
        ValidationError
            The request costs more than a whole window allows.
        """
        with self._lock:
            if now.at < self._forbidden_until:
                left = self._forbidden_until - now.at
                return Wait(left, left, left)
            wait: Wait | None = None
            for window in self._windows.values():
                window.roll(now)
                if (refused := self._ask(window, weight, now, min(share, self._share), urgent)) is not None:
                    wait = refused if wait is None else Wait(*map(max, wait, refused))
            if wait is not None:
                return wait
            ticket = Ticket(weight)
            for key, window in self._windows.items():
                ticket.notes[key] = window.sent(_cost(window.limit, weight), now)
            self._tickets.add(ticket)
            return ticket

    def answered(self, ticket: Ticket, usages: Sequence[Usage], now: Moment, began: Moment | None = None) -> None:
        """An answer came; ``usages`` is what its headers say.

        Parameters
        ----------
        ticket
            The request's.
        usages
            Counts of the exchange, this request included.
        now
            When the answer came.
        began
            When the request went out; None for when the ticket was granted.
        """
        said = {(usage.kind, usage.window_ms): usage.used for usage in usages}
        with self._lock:
            self._tickets.discard(ticket)
            for key, window in self._windows.items():
                window.roll(now)
                note = ticket.notes.get(key)
                if note is not None:
                    note = note if began is None else note._replace(moment=began)
                    window.answered(note, said.get(key), now)

    def accepted(self, usages: Sequence[Usage]) -> None:
        """The exchange counted so much and did not stop us: a limit below that was wrongly assumed.

        It would otherwise hold back all that comes, the question for the true limits too, until its window ends.
        """
        with self._lock:
            for usage in usages if self._assumed else ():
                window = self._windows.get((usage.kind, usage.window_ms))
                if window is not None and usage.used > window.limit.amount:
                    window.limit = Limit(usage.kind, math.ceil(usage.used * BEYOND), usage.window_ms)

    def lost(self, ticket: Ticket, now: Moment) -> None:
        """The request went out but no answer came: it may have been counted."""
        with self._lock:
            self._tickets.discard(ticket)
            for key, window in self._windows.items():
                window.roll(now)
                note = ticket.notes.get(key)
                if note is not None:
                    window.lost(note, now)

    def unsent(self, ticket: Ticket) -> None:
        """The request never left: its weight is free again."""
        with self._lock:
            self._tickets.discard(ticket)
            for key, window in self._windows.items():
                note = ticket.notes.get(key)
                if note is not None:
                    window.unsent(note)

    def forbid(self, until: float, *, banned: bool = False) -> None:
        """Grant nothing before the monotonic time ``until``; a longer stop in force stays."""
        with self._lock:
            if until > self._forbidden_until:
                self._forbidden_until = until
                self._banned = banned

    def states(self, now: Moment) -> tuple[LimitState, ...]:
        """Every limit as known now."""
        with self._lock:
            result = []
            for window in self._windows.values():
                window.roll(now)
                others = max(0.0, window.counted - window.own)
                flying = self._in_flight(window)
                result.append(LimitState(window.limit, int(window.counted), flying, int(others)))
            return tuple(result)

    def _ask(self, window: Window, weight: int, now: Moment, share: float, urgent: bool) -> Wait | None:
        cost = _cost(window.limit, weight)
        if cost > window.limit.amount:
            raise ValidationError(
                f"The request costs {cost} of {window.limit.kind}, more than the {window.limit.amount} that the "
                f"exchange allows per {window.limit.window_ms / 1000:g} s."
            )
        verdict = window.judge(cost, self._in_flight(window), now, share, urgent=urgent)
        if verdict.granted:
            return None
        left_s = max(0.0, window.end_ms() - now.low_ms) / 1000
        poll_s = min(max(window.limit.window_ms / 400_000, 0.002), 0.1, max(left_s, 0.001))
        return Wait(poll_s, left_s if verdict.later_window else 0.0, left_s)

    def _in_flight(self, window: Window) -> int:
        return sum(_cost(window.limit, ticket.weight) for ticket in self._tickets)


def _cost(limit: Limit, weight: int) -> int:
    return 1 if limit.kind == "RAW_REQUESTS" else weight
