"""What long downloads leave of a limit to single calls and orders: enough for as many as there were lately."""

from __future__ import annotations

import threading

from .messages import Limit

__all__ = ["Spare"]

LEAST = 0.02  # of the limit, where somebody may trade
IN_USE = 0.1  # once there was such a call in this window or the one before
AHEAD = 1.5  # times what they took then, for they may become more
MOST = 0.5  # of what a session may use: a download goes on, however little that is


class Spare:
    """The part of the weight that is not for downloads; of one address, whatever the loop and thread."""

    def __init__(self, *, wanted: bool = False) -> None:
        self.wanted = wanted  # whether a session here may trade
        self._lock = threading.Lock()
        self._window: int | None = None
        self._taken = self._before = 0

    def take(self, weight: int, limit: Limit, now_s: float) -> None:
        """A single call or an order took so much."""
        with self._lock:
            self._roll(limit, now_s)
            self._taken += weight

    def part(self, limit: Limit, now_s: float, share: float = 1.0) -> float:
        """Which part of the limit is left to them by who may use ``share`` of it, 0 where nobody may trade."""
        if not self.wanted:
            return 0.0
        with self._lock:
            self._roll(limit, now_s)
            taken = max(self._taken, self._before)
        return min(MOST * share, max(IN_USE, AHEAD * taken / limit.amount) if taken else LEAST)

    def _roll(self, limit: Limit, now_s: float) -> None:
        window = int(now_s * 1000 // limit.window_ms)
        if window != self._window:
            self._before = self._taken if self._window == window - 1 else 0
            self._window, self._taken = window, 0
