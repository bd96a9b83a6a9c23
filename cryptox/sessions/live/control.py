"""What is said over one connection: which streams it shall carry, told in few messages and not too often. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from cryptox.transport.life import Allowance

__all__ = ["Control", "Say"]

ANSWER_S = 10.0  # without an answer until the connection is taken for broken


class Say(NamedTuple):
    """A control message to send: begin (``subscribe``) or end these streams."""

    number: int
    subscribe: bool
    streams: tuple[str, ...]


@dataclass(slots=True)
class _Asked:
    subscribe: bool
    streams: tuple[str, ...]
    until: float


class Control:
    """The subscriptions of one connection. Times are monotonic seconds.

    Parameters
    ----------
    allowance
        How many messages may be sent in which time.
    batch
        Most streams in one message.

    Attributes
    ----------
    confirmed
        The streams that the exchange has confirmed.
    """

    def __init__(self, allowance: Allowance, batch: int) -> None:
        self._allowance = allowance
        self._batch = batch
        self._asked: dict[int, _Asked] = {}
        self._last = 0
        self.confirmed: set[str] = set()

    def step(self, wanted: Collection[str], now: float) -> Say | float:
        """The next message for these streams to be carried, or when to ask again (monotonic seconds)."""
        begun = self.confirmed.union(*(one.streams for one in self._asked.values() if one.subscribe))
        ended = {name for one in self._asked.values() if not one.subscribe for name in one.streams}
        to_end = [name for name in self.confirmed if name not in wanted and name not in ended]
        to_begin = [] if to_end else [name for name in wanted if name not in begun or name in ended]
        deadline = min((one.until for one in self._asked.values()), default=math.inf)
        if any(name in ended for name in to_begin):
            to_begin = [name for name in to_begin if name not in ended]  # what is being ended begins anew afterwards
        if not (to_end or to_begin):
            return deadline
        wait_s = self._allowance.take(now)
        if wait_s > 0:
            return min(deadline, now + wait_s)
        self._last += 1
        names = tuple((to_end or to_begin)[: self._batch])
        self._asked[self._last] = _Asked(not to_end, names, now + ANSWER_S)
        return Say(self._last, not to_end, names)

    def answered(self, number: int) -> tuple[str, ...]:
        """That message was accepted; returns the streams that begin with it."""
        asked = self._asked.pop(number, None)
        if asked is None:
            return ()
        if not asked.subscribe:
            self.confirmed.difference_update(asked.streams)
            return ()
        self.confirmed.update(asked.streams)
        return asked.streams

    def carries(self, wanted: Iterable[str]) -> bool:
        """Whether all these streams are confirmed."""
        return all(name in self.confirmed for name in wanted)

    def is_late(self, now: float) -> bool:
        """Whether an answer is overdue."""
        return any(one.until <= now for one in self._asked.values())

    def note(self, now: float) -> None:
        """Count a message of another kind, such as a ping."""
        self._allowance.note(now)
