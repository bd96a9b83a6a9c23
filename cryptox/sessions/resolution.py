"""What became of a request whose answer never came: when to ask, and what proves that it was not carried out. Pure.

Any sign of existence settles it. "Not carried out" needs all of: exchange time, read from an answer, beyond the moment
up to which the exchange could still accept the request, plus ten seconds; as much real time, for a clock that is set
forward lets nothing happen sooner inside the exchange; and two queries begun after that, at least a second apart, that
both found nothing, the first of them answered before the other began. (DESIGN, section 5; limits.md, section 7.)

A query that takes long may be lost: while somebody waits it gets company, and the first definite answer counts.
"""

from __future__ import annotations

__all__ = ["APART_S", "SETTLED_MS", "Resolution"]

SETTLED_MS = 10_000.0  # how long a request may be under way inside the exchange after its receive window
APART_S = 1.0  # between the two queries that prove it
PAUSES_S = (0.0, 0.2, 0.4, 0.8, 1.6, 3.0)
LONGEST_S = 5.0
LATER_S = 60.0  # once it has gone on for minutes
PATIENT_AFTER_S = 120.0
SOON_S = 1.0  # after a query that failed, once an answer can settle it
LOOK_S = 2.0  # for one query; a quarter more for each three that failed, for networks that are slow
LONGEST_LOOK_S = 32.0
COMPANY_S = 0.6  # a query that takes longer may be lost, and another one begins
LONGEST_COMPANY_S = 1.5
MOST_LOOKS = 3  # at the same time


class Resolution:
    """One open question.

    Parameters
    ----------
    accepted_until_ms
        The last moment of exchange time at which the exchange may still have accepted the request: its ``timestamp``
        and the receive window together.
    began
        Monotonic seconds at which the doubt began.
    sent_at
        Monotonic seconds at which it was signed; None for a request of a former process, where nobody knows.
    steady
        Whether exchange time runs at the speed of a real clock. Of a simulated market that stands or races only real
        seconds count.
    window_ms
        The receive window.
    """

    def __init__(
        self, accepted_until_ms: float, began: float, *, sent_at: float | None, steady: bool, window_ms: float
    ) -> None:
        self._settled_ms = accepted_until_ms + SETTLED_MS
        self._began = began
        self.steady = steady
        since = (float("-inf") if steady else began) if sent_at is None else sent_at
        self._settled_at = since + (window_ms + SETTLED_MS) / 1000
        self._over = False  # an answer has told a time beyond
        self._asked = 0
        self._absent: list[tuple[float, float]] = []  # queries that found nothing after that: when begun and answered
        self._failed = 0  # queries in a row
        self._last: float | None = None  # when the last one began, where none has been answered since
        self.proven = False

    @property
    def wants_time(self) -> bool:
        """Whether exchange time has to be read: only an answer's time proves that the moment has passed."""
        return not self._over

    def told_time(self, server_ms: float, monotonic: float) -> None:
        """An answer has told the exchange's time."""
        if monotonic >= self._settled_at and (not self.steady or server_ms > self._settled_ms):
            self._over = True

    @property
    def look_s(self) -> float:
        """Seconds that the next query may take: one that is lost must not use up the caller's patience."""
        return float(min(LONGEST_LOOK_S, LOOK_S * 1.25 ** min(self._failed / MOST_LOOKS, 20)))

    def pause_s(
        self, monotonic: float, exchange_ms: float | None, *, under_way: int = 0, company: bool = False
    ) -> float | None:
        """Seconds until the next query; None while those under way suffice.

        Parameters
        ----------
        monotonic
            Now.
        exchange_ms
            The best guess of exchange time now; None where nothing is known.
        under_way
            Queries that have not ended.
        company
            Whether another one may begin beside them.
        """
        if under_way and self._last is not None:
            if not company or under_way >= MOST_LOOKS:
                return None
            slow_s = min(LONGEST_COMPANY_S, COMPANY_S * 1.25 ** min(self._failed, 20))
            return max(0.0, self._last + slow_s - monotonic)
        if self._absent and not self._failed and not self.proven:
            return max(0.0, self._absent[0][0] + APART_S - monotonic)
        usual = PAUSES_S[self._asked] if self._asked < len(PAUSES_S) else LONGEST_S
        if monotonic - self._began > PATIENT_AFTER_S:
            usual = LATER_S
        elif self._failed and monotonic > self._settled_at:
            usual = min(usual, SOON_S)
        if self._over:
            return 0.0 if self._asked == 0 else usual
        left_s = self._settled_at - monotonic
        if self.steady:
            left_s = 0.0 if exchange_ms is None else max(left_s, (self._settled_ms - exchange_ms) / 1000)
        # Just after the moment, rather than up to a pause later.
        return usual if left_s <= 0 else min(usual, left_s + 0.05)

    def begins(self, monotonic: float) -> None:
        """A query begins."""
        self._last = monotonic

    def found_nothing(self, began: float, answered: float, *, time_was_over: bool) -> None:
        """A query that began at ``began`` found no sign; ``time_was_over``: ``wants_time`` was False when it began."""
        self._asked += 1
        self._last = None
        self._failed = 0
        if not time_was_over:
            return
        # Of two that were under way together nobody knows which was worked on first, nor how far apart.
        self.proven = self.proven or any(
            (began - first >= APART_S and began >= told) or (first - began >= APART_S and first >= answered)
            for first, told in self._absent
        )
        self._absent.append((began, answered))
        self._absent.sort()

    def could_not_ask(self) -> None:
        """A query failed: that says nothing."""
        self._asked += 1
        self._failed += 1
