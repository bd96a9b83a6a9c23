"""How many orders an account may place in a window, and how many it has. Pure: time is an argument.

The exchange counts *unfilled* orders: a fill takes one or more off again, so that what its last answer said is the
most that can be known here. Source: limits.md, section 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryptox.transport.messages import Limit, Usage

__all__ = ["OrderCounts"]


@dataclass(slots=True)
class _Window:
    limit: Limit
    number: int = -1  # of the window, since the epoch
    used: int = 0


class OrderCounts:
    """The order counts of one account."""

    def __init__(self, limits: Sequence[Limit] = ()) -> None:
        self._windows = {limit.window_ms: _Window(limit) for limit in limits}

    @property
    def limits(self) -> tuple[Limit, ...]:
        """The limits in force."""
        return tuple(window.limit for window in self._windows.values())

    def learn(self, limits: Sequence[Limit]) -> None:
        """Take the limits that the exchange announces; what is counted already stays."""
        known = self._windows
        self._windows = {
            limit.window_ms: _Window(limit, known[limit.window_ms].number, known[limit.window_ms].used)
            if limit.window_ms in known
            else _Window(limit)
            for limit in limits
        }

    def wait_ms(self, orders: int, now_ms: float) -> float:
        """Milliseconds until the account may place so many orders; 0 for now."""
        wait = 0.0
        for window in self._windows.values():
            length = window.limit.window_ms
            if self._used(window, now_ms) + orders > window.limit.amount:
                wait = max(wait, (now_ms // length + 1) * length - now_ms)
        return wait

    def placed(self, orders: int, now_ms: float) -> None:
        """So many orders go out."""
        for window in self._windows.values():
            window.used = self._used(window, now_ms) + orders
            window.number = int(now_ms // window.limit.window_ms)

    def told(self, usages: Sequence[Usage], at_ms: float) -> None:
        """The exchange said how many it counts."""
        for usage in usages:
            window = self._windows.get(usage.window_ms)
            if window is not None:
                window.number, window.used = int(at_ms // usage.window_ms), usage.used

    def used(self, now_ms: float) -> tuple[tuple[Limit, int], ...]:
        """Each limit, and how much of it is used as far as is known."""
        return tuple((window.limit, self._used(window, now_ms)) for window in self._windows.values())

    @staticmethod
    def _used(window: _Window, now_ms: float) -> int:
        return window.used if window.number == int(now_ms // window.limit.window_ms) else 0
