"""Is the other side still there? Silence, a sleeping machine, a changed address. Pure: times are arguments."""

from __future__ import annotations

from typing import Literal

__all__ = ["Pulse", "Verdict"]

Verdict = Literal["fine", "ping", "dead"]

JUMP_S = 0.5  # between wall and monotonic clock from one look to the next: the machine slept, or its clock was set
STALL_S = 2.0  # a look that comes so much late: the loop stood still, or the monotonic clock counts sleep (Windows)
MOST_TICK_S = 1.0


class Pulse:
    """Liveness of one connection. Whatever arrives counts as heard; a look every ``tick_s`` says what to do.

    Parameters
    ----------
    silence_s
        Seconds without a byte until it is asked for a sign of life.
    pong_s
        Seconds it has to give one. Only time in which our own loop ran is counted.
    now, wall_s
        The present, on the monotonic and on the wall clock, in seconds.

    Attributes
    ----------
    last_heard : float
        Monotonic seconds; set it whenever bytes arrive.
    tick_s : float
        Seconds between two looks.
    """

    __slots__ = ("_doubtful", "_looked", "_looked_heard", "_offset", "_pong_s", "_probing", "_route", "_silence_s",
                 "_waited", "last_heard", "tick_s")  # fmt: skip

    def __init__(self, *, silence_s: float, pong_s: float, now: float, wall_s: float) -> None:
        if silence_s <= 0 or pong_s <= 0:
            raise ValueError("silence_s and pong_s must be above 0")
        self._silence_s = silence_s
        self._pong_s = pong_s
        self.tick_s = min(MOST_TICK_S, silence_s / 4, pong_s / 4)
        self.last_heard = now
        self._looked = now
        self._looked_heard = now
        self._offset = wall_s - now
        self._route: str | None = None
        self._probing = False
        self._doubtful = False
        self._waited = 0.0

    @property
    def probing(self) -> bool:
        """Whether a ping waits for a sign of life."""
        return self._probing

    def pong(self, now: float) -> None:
        """Our ping was answered: no doubt is left."""
        self.last_heard = now
        self._probing = self._doubtful = False

    def look(self, now: float, wall_s: float, route: str | None = None) -> Verdict:
        """What to do now: nothing, send a ping, or give the connection up.

        Parameters
        ----------
        now, wall_s
            The present on both clocks, in seconds.
        route
            The address this machine would now speak to the other side from, "" for none, None where not looked up.
        """
        passed = now - self._looked
        doubt = self._doubt(passed, now, wall_s, route)
        heard = self.last_heard > self._looked_heard
        self._looked, self._looked_heard = now, self.last_heard
        if self._probing:
            self._doubtful |= doubt
            if heard:
                self._waited = 0.0
                # After a sleep, what arrives may have lain in this machine since before: only the pong proves life.
                self._probing = self._doubtful
                return "fine"
            self._waited += min(passed, 2 * self.tick_s)
            return "dead" if self._waited >= self._pong_s else "fine"
        if doubt or now - self.last_heard >= self._silence_s:
            self._probing, self._doubtful, self._waited = True, doubt, 0.0
            return "ping"
        return "fine"

    def _doubt(self, passed: float, now: float, wall_s: float, route: str | None) -> bool:
        """Whether something happened that connections do not survive without a word."""
        offset = wall_s - now
        jumped = abs(offset - self._offset) > JUMP_S
        self._offset = offset
        moved = route is not None and self._route is not None and route != self._route
        if route is not None:
            self._route = route
        return jumped or moved or passed > self.tick_s + STALL_S
