"""Exchange time from readings and the monotonic clock; the wall clock is only a witness. Pure: times are arguments."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["ExchangeClock", "Moment", "Reading"]

DRIFT = 200e-6  # of the monotonic clock against the exchange's, at most
STALE_AFTER_S = 600.0
JUMP_S = 0.5  # between wall and monotonic clock: a sleep of the machine, or someone set the clock
CONTRADICTION_MS = 250.0
UNREAD_MS = 1000.0  # trust in the wall clock before the first reading
UNSTEADY_MS = 50.0


class Moment(NamedTuple):
    """One instant: on our monotonic clock, and between which times it is on the clock that limits run by."""

    at: float  # time.monotonic(), seconds
    low_ms: float
    high_ms: float


@dataclass(frozen=True, slots=True)
class Reading:
    """The exchange said ``server_ms`` between ``sent_at`` and ``received_at`` (monotonic seconds)."""

    server_ms: float
    sent_at: float
    received_at: float
    wall_s: float

    def bounds(self, monotonic: float) -> tuple[float, float]:
        """Earliest and latest exchange time at ``monotonic``, in ms."""
        drift = abs(monotonic - self.received_at) * 1000 * DRIFT
        earliest = self.server_ms + (monotonic - self.received_at) * 1000 - drift
        # The exchange cuts its time to whole milliseconds.
        latest = self.server_ms + 1 + (monotonic - self.sent_at) * 1000 + drift
        return earliest, latest


class ExchangeClock:
    """What time it is at the exchange, and how sure that is.

    Attributes
    ----------
    steady
        Whether exchange time runs at the speed of a real clock. A simulated market may stand or race: the caller then
        sets this to False, and two readings that contradict the monotonic clock have the same effect until a later
        one agrees again.
    """

    def __init__(self) -> None:
        self._best: Reading | None = None
        self._newest: Reading | None = None
        self._told_steady = True
        self._contradicted = False

    @property
    def steady(self) -> bool:
        """Whether exchange time runs at the speed of a real clock, as far as is known."""
        return self._told_steady and not self._contradicted

    @steady.setter
    def steady(self, value: bool) -> None:
        """Take the exchange's word for it."""
        self._told_steady = value

    @property
    def known(self) -> bool:
        """Whether there was a reading at all."""
        return self._best is not None

    def observe(self, server_ms: float, sent_at: float, received_at: float, wall_s: float) -> None:
        """Take a reading.

        Parameters
        ----------
        server_ms
            What the exchange says its time is.
        sent_at, received_at
            Monotonic seconds between which it said so.
        wall_s
            The wall clock (epoch seconds) at ``received_at``, to notice jumps later.
        """
        reading = Reading(server_ms, sent_at, max(sent_at, received_at), wall_s)
        was_stale = self.stale(received_at, wall_s)
        last, self._newest = self._newest, reading
        best = self._best
        if best is None or was_stale or last is None:
            self._best, self._contradicted = reading, False
            return
        self._contradicted = _apart(last, reading) > CONTRADICTION_MS
        if self._contradicted or _apart(best, reading) > 0 or _width(reading, received_at) <= _width(best, received_at):
            self._best = reading

    def now_ms(self, monotonic: float) -> float:
        """The best guess of exchange time; raises LookupError before the first reading."""
        if not self.steady and self._newest is not None:
            return self._newest.server_ms
        earliest, latest = self._reading().bounds(monotonic)
        return (earliest + latest) / 2

    def earliest_ms(self, monotonic: float) -> float:
        """A time that the exchange has surely reached; raises LookupError before the first reading."""
        if not self.steady and self._newest is not None:
            return self._newest.server_ms
        return self._reading().bounds(monotonic)[0]

    def agreed_ms(self, monotonic: float, wall_s: float) -> tuple[float, float] | None:
        """The wall clock in exchange time, and the latest that it can be there; None where that is not known.

        The wall clock is corrected only as far as it contradicts the readings: it may be better than they are.
        """
        if self._best is None or not self.steady:
            return None
        earliest, latest = self._best.bounds(monotonic)
        return min(max(wall_s * 1000, earliest), latest), latest

    def uncertainty_ms(self, monotonic: float) -> float:
        """How far ``now_ms`` may be off, in ms; infinite where time does not run steadily or was never read."""
        if self._best is None or not self.steady:
            return math.inf
        return _width(self._best, monotonic) / 2

    def stale(self, monotonic: float, wall_s: float) -> bool:
        """Whether a new reading is due: none yet, ten minutes old, or the machine's clocks jumped apart."""
        newest = self._newest
        if newest is None or self._best is None:
            return True
        if monotonic - newest.received_at > STALE_AFTER_S:
            return True
        return abs((wall_s - newest.wall_s) - (monotonic - newest.received_at)) > JUMP_S

    def limit_now_ms(self, monotonic: float, wall_s: float) -> tuple[float, float]:
        """The time that limit windows run by, and its uncertainty, both in ms.

        Exchange time where it runs steadily. Simulated markets count their limits in real time: then, and before
        the first reading, it is the wall clock.
        """
        if self._best is None:
            return wall_s * 1000, UNREAD_MS
        if not self.steady:
            return wall_s * 1000, UNSTEADY_MS
        return self.now_ms(monotonic), self.uncertainty_ms(monotonic)

    def moment(self, monotonic: float, wall_s: float) -> Moment:
        """The instant ``monotonic`` for the limiter."""
        now_ms, uncertainty_ms = self.limit_now_ms(monotonic, wall_s)
        return Moment(monotonic, now_ms - uncertainty_ms, now_ms + uncertainty_ms)

    def _reading(self) -> Reading:
        if self._best is None:
            raise LookupError("the exchange's time was not read yet")
        return self._best


def _width(reading: Reading, monotonic: float) -> float:
    earliest, latest = reading.bounds(monotonic)
    return latest - earliest


def _apart(old: Reading, new: Reading) -> float:
    """By how many ms two readings contradict each other; 0 where their bounds overlap."""
    earliest, latest = old.bounds(new.received_at)
    low, high = new.bounds(new.received_at)
    return max(0.0, low - latest, earliest - high)
