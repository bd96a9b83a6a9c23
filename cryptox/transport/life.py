"""The life of a kept connection: connect, back off, hand over, never give up, never twice. Pure: time is an argument.

Whoever drives it asks ``step`` what to do, does it, and tells what happened::

    Connect(n)  connected(n), later carries(n)      or failed(n): again after a pause
                retire(n), or its age: hand over, the next one up first
                ended(n): again after a pause

A connection *carries* once everything that runs over it is subscribed and answered. In a hand-over two are live, and
the old one is closed only when the new one carries. At every other time there is at most one.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Literal, NamedTuple

from .breaker import Breaker
from .breaker import State as BreakerState

__all__ = ["Address", "Allowance", "Close", "Connect", "Habits", "Life", "State", "Step", "Wait"]

State = Literal["waiting", "connecting", "open", "carrying", "handing_over", "stopping", "over"]


class Connect(NamedTuple):
    """Begin to connect, and tell ``connected`` or ``failed``."""

    number: int


class Close(NamedTuple):
    """End that connection, or the attempt, and tell ``ended``."""

    number: int
    why: Literal["handed_over", "not_carrying", "stopped"]


class Wait(NamedTuple):
    """Nothing to do before ``until`` (monotonic seconds; infinity: until something happens)."""

    until: float


Step = Connect | Close | Wait


class Allowance:
    """At most ``amount`` of something in any ``seconds``, wherever they begin. One owner thread.

    That is stricter than the fixed windows exchanges count in, so it needs no clock of theirs.
    """

    def __init__(self, amount: int, seconds: float) -> None:
        if amount < 1 or seconds <= 0:
            raise ValueError("amount must be at least 1, and seconds above 0")
        self._seconds = seconds
        self._taken: deque[float] = deque(maxlen=amount)

    def wait_s(self, now: float) -> float:
        """Seconds until one more is allowed; 0.0 now."""
        if len(self._taken) < (self._taken.maxlen or 0):
            return 0.0
        return max(0.0, self._taken[0] + self._seconds - now)

    def take(self, now: float) -> float:
        """Take one: 0.0, or the seconds to wait where none is left (then nothing is taken)."""
        wait_s = self.wait_s(now)
        if wait_s == 0.0:
            self.note(now)
        return wait_s

    def note(self, now: float) -> None:
        """Count one that cannot wait, such as the answer to a ping."""
        self._taken.append(now)


class Address:
    """What all connections to one address share: connects per window, the breaker, and until when it wants none.

    Parameters
    ----------
    connects
        How many attempts in which time.
    breaker
        Opens after many failures in a row.
    """

    def __init__(self, connects: Allowance, breaker: Breaker | None = None) -> None:
        self.breaker = Breaker() if breaker is None else breaker
        self._connects = connects
        self._closed_until = -math.inf

    def hold(self, until: float) -> None:
        """Nobody connects before ``until`` (monotonic seconds): the exchange said so."""
        self._closed_until = max(self._closed_until, until)

    def admit(self, now: float) -> float:
        """0.0 if one may connect now (it is counted), else the seconds to wait before asking again."""
        wait_s = max(self._closed_until - now, self._connects.wait_s(now))
        if wait_s > 0:
            return wait_s
        wait_s = self.breaker.admit(now)
        return wait_s if wait_s > 0 else self._connects.take(now)


@dataclass(frozen=True, slots=True)
class Habits:
    """How a connection is kept. Times in seconds.

    Parameters
    ----------
    connection_life
        After so long the exchange ends a connection.
    base_s, cap_s
        The first pause before connecting again is at most ``base_s``, each further one up to twice as long, never above
        ``cap_s``; half of it is chance.
    offline_cap_s
        The longest pause where nothing left this machine: asking costs the exchange nothing.
    steady_s
        A connection that carried so long makes earlier failures forgotten.
    carry_s
        So long an open connection may take until it carries; then it is closed and counts as failed.
    """

    connection_life: float = 86_400.0
    base_s: float = 0.25
    cap_s: float = 30.0
    offline_cap_s: float = 5.0
    steady_s: float = 60.0
    carry_s: float = 30.0

    def __post_init__(self) -> None:
        if min(self.connection_life, self.base_s, self.steady_s, self.carry_s) <= 0:
            raise ValueError("times must be above 0")
        if not self.base_s <= self.offline_cap_s <= self.cap_s:
            raise ValueError("base_s <= offline_cap_s <= cap_s must hold")

    def pause_s(self, failures: int, jitter: float, *, sent: bool = True) -> float:
        """The pause after so many failures in a row (1 or more); ``jitter`` is a random number in [0, 1)."""
        longest = min(self.cap_s if sent else self.offline_cap_s, self.base_s * 2.0 ** min(failures - 1, 60))
        return longest * (1 + jitter) / 2

    def age_s(self, jitter: float) -> float:
        """At what age to hand over: from 85 % to 95 % of the life, so that not all connections move at once."""
        return self.connection_life * (0.85 + 0.1 * jitter)


@dataclass(slots=True)
class _Line:
    """One connection or attempt that is not known to be gone."""

    number: int
    began_at: float
    opened_at: float | None = None
    carried_at: float | None = None
    retire_at: float = math.inf
    steady: bool = False
    closing: bool = False


class Life:
    """The state machine of one kept connection. Times are monotonic seconds, never going back; one owner thread.

    Parameters
    ----------
    address
        Shared by all connections to it.
    habits
        Pauses and ages.

    Attributes
    ----------
    failures : int
        Failed attempts and ends in a row; 0 again once a connection has carried for ``steady_s``.
    reconnects : int
        Connections opened after the first one.
    """

    def __init__(self, address: Address, habits: Habits | None = None) -> None:
        self._address = address
        self._habits = Habits() if habits is None else habits
        self._lines: dict[int, _Line] = {}
        self._to_close: deque[Close] = deque()
        self._last = 0
        self._due = -math.inf
        self._stopped = False
        self._opened = 0
        self.failures = 0

    @property
    def reconnects(self) -> int:
        """Connections opened after the first one."""
        return max(0, self._opened - 1)

    @property
    def has_opened(self) -> bool:
        """Whether there was a connection at all."""
        return self._opened > 0

    def breaker_state(self, now: float) -> BreakerState:
        """Of the breaker of the address."""
        return self._address.breaker.state(now)

    @property
    def live(self) -> int:
        """Connections and attempts that are not known to be gone."""
        return len(self._lines)

    @property
    def state(self) -> State:
        """Where it stands, in one word."""
        if self._stopped:
            return "stopping" if self._lines else "over"
        usable = self._usable()
        if len(usable) > 1:
            return "handing_over"
        if not usable:
            return "waiting"
        line = usable[0]
        return "connecting" if line.opened_at is None else "open" if line.carried_at is None else "carrying"

    def step(self, now: float) -> Step:
        """What to do now. Ask again after doing it, after telling anything, and at the time of a ``Wait``."""
        self._settle(now)
        self._close_late(now)
        while self._to_close:
            close = self._to_close.popleft()
            if close.number in self._lines:
                return close
        if self._stopped:
            return Wait(math.inf)
        wanted_at = self._wanted_at()
        until = min((at for at in (wanted_at, self._carry_by()) if at > now), default=math.inf)
        if wanted_at > now:
            return Wait(until)
        wait_s = self._address.admit(now)
        if wait_s > 0:
            return Wait(min(until, now + wait_s))
        self._last += 1
        self._lines[self._last] = _Line(self._last, now)
        return Connect(self._last)

    def connected(self, number: int, now: float, jitter: float) -> bool:
        """The handshake of that attempt is done; whether that closed the breaker of the address.

        ``jitter`` is a random number in [0, 1), as in what follows.
        """
        line = self._lines.get(number)
        if line is None or line.opened_at is not None:
            return False
        was_open = self._address.breaker.success()
        line.opened_at = now
        line.retire_at = now + self._habits.age_s(jitter)
        self._opened += 1
        return was_open

    def failed(
        self, number: int, now: float, jitter: float, *, sent: bool = True, retry_after: float | None = None
    ) -> bool:
        """That attempt came to nothing; whether that opened the breaker of the address.

        Parameters
        ----------
        number, now, jitter
            Which, when, and a random number.
        sent
            Whether the handshake left this machine.
        retry_after
            Seconds for which the exchange wants no attempt from this address, where it said so.
        """
        if retry_after is not None:
            self._address.hold(now + retry_after)
        line = self._lines.get(number)
        if line is None or line.opened_at is not None or line.closing:
            self.ended(number, now, jitter)
            return False
        del self._lines[number]
        opens = self._address.breaker.failure(now, admitted_at=line.began_at, sent=sent)
        self._settle(now)
        self._fail(now, jitter, sent=sent)
        return opens

    def carries(self, number: int, now: float) -> None:
        """Everything runs over that connection: the one before it is not needed any more."""
        line = self._lines.get(number)
        if line is None or line.opened_at is None or line.closing:
            return
        if line.carried_at is None:
            line.carried_at = now
        for other in self._usable():
            if other.number < number:
                self._close(other, "handed_over")

    def retire(self, number: int, now: float, jitter: float) -> None:
        """The exchange says that it will end that connection soon: hand over as soon as allowed."""
        line = self._lines.get(number)
        if line is None or line.closing or line.retire_at <= now:
            return
        line.retire_at = now
        if line is self._usable()[-1]:  # else its successor is already on the way
            self._settle(now)
            if not line.steady:
                self._fail(now, jitter)

    def ended(self, number: int, now: float, jitter: float) -> None:
        """That connection is gone, by whomever."""
        self._settle(now)
        line = self._lines.pop(number, None)
        if line is None:
            return
        if line.opened_at is None:
            self._address.breaker.abandon(line.began_at)
        if not line.closing:
            self._fail(now, jitter)

    def stop(self) -> None:
        """Close everything; nothing is opened any more."""
        self._stopped = True
        for line in self._lines.values():
            self._close(line, "stopped")

    def _usable(self) -> list[_Line]:
        return [line for line in self._lines.values() if not line.closing]

    def _wanted_at(self) -> float:
        """When the next attempt is due."""
        if not self._lines:
            return self._due
        lines = list(self._lines.values())
        if len(lines) == 1 and not lines[0].closing and lines[0].opened_at is not None:
            return max(lines[0].retire_at, self._due)
        return math.inf

    def _carry_by(self) -> float:
        """When the next connection must carry."""
        return min(
            (
                line.opened_at + self._habits.carry_s
                for line in self._usable()
                if line.opened_at is not None and line.carried_at is None
            ),
            default=math.inf,
        )

    def _close_late(self, now: float) -> None:
        for line in self._usable():
            if line.opened_at is None or line.carried_at is not None:
                continue
            if now >= line.opened_at + self._habits.carry_s:
                self._close(line, "not_carrying")
                self._fail(now, 1.0)

    def _close(self, line: _Line, why: Literal["handed_over", "not_carrying", "stopped"]) -> None:
        if not line.closing:
            line.closing = True
            self._to_close.append(Close(line.number, why))

    def _settle(self, now: float) -> None:
        """Forget earlier failures once for each connection that has become steady."""
        for line in self._lines.values():
            if not line.steady and line.carried_at is not None and now - line.carried_at >= self._habits.steady_s:
                line.steady = True
                self.failures = 0

    def _fail(self, now: float, jitter: float, *, sent: bool = True) -> None:
        self.failures += 1
        self._due = now + self._habits.pause_s(self.failures, jitter, sent=sent)
