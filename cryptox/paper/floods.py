"""Addresses whose connections to the streams are closed again and again because they say too much: they are banned.

Pure: time is an argument, in seconds since the epoch.
Source: https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams (July 2026): who is disconnected
repeatedly may be banned. After how many times, and within what time, is not documented.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from .refusals import banned

__all__ = ["MOST_FLOODS", "WITHIN_S", "Floods"]

MOST_FLOODS = 5  # closed connections of an address that bring a ban (own)
WITHIN_S = 60.0  # of each other (own)


class Floods:
    """Counts of one exchange. Not safe between threads: one loop owns it.

    Parameters
    ----------
    ban
        Bans an address everywhere else, and says until when.
    """

    def __init__(self, ban: Callable[[str, float], float]) -> None:
        self._ban = ban
        self._closed: dict[str, deque[float]] = {}
        self._until: dict[str, float] = {}

    def note(self, address: str, now: float) -> bool:
        """A connection of an address was closed because it said too much; whether the address is banned for it."""
        closed = self._closed.setdefault(address, deque(maxlen=MOST_FLOODS))
        closed.append(now)
        if len(closed) < MOST_FLOODS or now - closed[0] > WITHIN_S:
            return False
        del self._closed[address]
        self._until[address] = self._ban(address, now)
        return True

    def check(self, address: str, now: float) -> None:
        """Let an address in.

        Raises
        ------
        Refused : 418, it is banned.
        """
        if now < self._until.get(address, 0.0):
            raise banned(self._until[address], now)

    def pardon(self, address: str | None = None) -> None:
        """Lift the ban of an address, or all bans."""
        if address is None:
            self._until.clear()
        self._until.pop(address or "", None)
