"""A circuit breaker: after many failures in a row nothing is sent for a while, then one request tries. Pure."""

from __future__ import annotations

import threading
from typing import Literal

__all__ = ["Breaker", "OwnBreaker", "State"]

State = Literal["closed", "open", "half_open"]


class Breaker:
    """One per address; may be shared by threads. Times are monotonic seconds, given by the caller.

    Parameters
    ----------
    threshold
        Failures in a row that open it.
    cool_s, cap_s
        Seconds it stays open the first time; twice as long each time the try fails, up to ``cap_s``.
    """

    def __init__(self, *, threshold: int = 8, cool_s: float = 1.0, cap_s: float = 30.0) -> None:
        self._threshold = threshold
        self._cool_s = cool_s
        self._cap_s = cap_s
        self._lock = threading.Lock()
        self._failures = 0
        self._openings = 0
        self._opened_at: float | None = None
        self._probing = False
        self._probe_at = 0.0

    def state(self, now: float) -> State:
        """Closed (all go), open (none goes) or half_open (one goes and decides)."""
        with self._lock:
            return self._state(now)

    @property
    def failures(self) -> int:
        """Failures in a row so far."""
        return self._failures

    def admit(self, now: float) -> float:
        """0.0 if a request may go now (then report how it ended), else the seconds to wait before asking again."""
        with self._lock:
            state = self._state(now)
            if state == "closed":
                return 0.0
            if state == "open":
                assert self._opened_at is not None
                return self._opened_at + self._pause() - now
            if self._probing:
                return self._cool_s / 10
            self._probing = True
            self._probe_at = now
            return 0.0

    def rest_s(self, now: float) -> float:
        """Seconds for which nothing goes; 0.0 where something may. Takes no try."""
        with self._lock:
            if self._opened_at is None:
                return 0.0
            return max(0.0, self._opened_at + self._pause() - now)

    def hurry(self, now: float, within_s: float) -> None:
        """Somebody waits for what an answer tells: the next try comes so soon, beside one that hangs for so long."""
        with self._lock:
            if self._opened_at is not None:
                self._opened_at = min(self._opened_at, now + within_s - self._pause())
                if self._probing and now - self._probe_at >= within_s:
                    self._probing = False

    def success(self) -> bool:
        """The exchange answered: close. Whether it was open."""
        with self._lock:
            was_open = self._opened_at is not None
            self._failures = self._openings = 0
            self._opened_at = None
            self._probing = False
            return was_open

    def failure(self, now: float, *, admitted_at: float | None = None, sent: bool = True) -> bool:
        """The network or the exchange's front failed; whether that opened it, for the first time or again.

        Parameters
        ----------
        now
            When.
        admitted_at
            When the request was admitted: one from before the try decides nothing. None for the try, if there is one.
        sent
            Whether it left this machine. If not, the next try comes after the shortest pause: the network here may
            be back any moment, and asking costs the exchange nothing.
        """
        with self._lock:
            self._failures += 1
            if self._is_probe(admitted_at) and self._state(now) == "half_open":
                self._probing = False
                self._openings = self._openings + 1 if sent else 1
                self._opened_at = now
                return True
            if self._opened_at is None and self._failures >= self._threshold:
                self._openings = 1
                self._opened_at = now
                return True
            return False

    def abandon(self, admitted_at: float | None = None) -> None:
        """A request that was admitted ended without a verdict: cancelled, or never sent for a reason of ours.

        One admitted before the try, at ``admitted_at``, changes nothing; None stands for the try itself.
        """
        with self._lock:
            if self._is_probe(admitted_at):
                self._probing = False

    def _is_probe(self, admitted_at: float | None) -> bool:
        return self._probing and (admitted_at is None or admitted_at >= self._probe_at)

    def _pause(self) -> float:
        return min(self._cap_s, self._cool_s * 2.0 ** min(self._openings - 1, 60))

    def _state(self, now: float) -> State:
        if self._opened_at is None:
            return "closed"
        return "half_open" if now >= self._opened_at + self._pause() else "open"


class OwnBreaker(Breaker):
    """One of a user at an address: failures of the user's own requests hold up nobody else.

    Parameters
    ----------
    shared
        The breaker of the address. While it rests nothing goes here either; an answer here closes it.
    """

    def __init__(self, shared: Breaker, *, threshold: int = 8, cool_s: float = 1.0, cap_s: float = 30.0) -> None:
        super().__init__(threshold=threshold, cool_s=cool_s, cap_s=cap_s)
        self._shared = shared

    def admit(self, now: float) -> float:
        """As of any breaker; or the seconds for which the address's own rests."""
        return self._shared.rest_s(now) or super().admit(now)

    def hurry(self, now: float, within_s: float) -> None:
        """As of any breaker, of both."""
        self._shared.hurry(now, within_s)
        super().hurry(now, within_s)

    def success(self) -> bool:
        """The exchange answered: close both. Whether one was open."""
        was_open = super().success()
        return self._shared.success() or was_open
